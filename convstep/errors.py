"""The errors that a person can cause, each with the line that says what is wrong and what would be right."""

from __future__ import annotations


class ConvstepError(Exception):
    """Bad input. `str(error)` is the one line that the command line prints."""


class ArgumentError(ConvstepError):
    """A value that an operation cannot take.

    `argument` names the argument at fault; `None` means the tensors that the operation was given.
    """

    def __init__(self, argument: str | None, message: str) -> None:
        super().__init__(message)
        self.argument = argument
