"""Long work: how it says how far it is, and how it learns that nobody wants it any more."""

from __future__ import annotations


class Cancelled(Exception):
    """The work was given up; nothing has changed."""


class TooLong(Exception):
    """A reader that must not wait asked for what takes long: iteration `index` has to be run first."""

    def __init__(self, index: int) -> None:
        super().__init__(f"iteration {index} is not there yet")
        self.index = index


class Work:
    """What long work is given. This one says nothing and never ends early."""

    def check(self) -> None:
        """Called every few milliseconds; raises Cancelled where the work is to end."""

    def report(self, text: str, share: float | None = None) -> None:
        """What is being done, and how much of it is done, 0.0 to 1.0."""

    def keep(self) -> None:
        """Called when what the work was for is done and stays, as a file that is written: it cannot be given up now."""


QUIET = Work()


class Part(Work):
    """One of `count` equal parts of some work, the one before which `first` are done; it checks `checks` times."""

    def __init__(self, whole: Work, text: str, first: int, count: int, checks: int) -> None:
        self._whole, self._text, self._first, self._count, self._checks = whole, text, first, count, checks
        self._done = 0

    def check(self) -> None:
        self._whole.check()
        self._whole.report(self._text, (self._first + min(1.0, self._done / self._checks)) / self._count)
        self._done += 1
