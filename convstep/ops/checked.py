"""Data that is checked when it is made: the fields of a class, each with the check that its annotation names."""

from __future__ import annotations

from collections.abc import Callable
from functools import cache, cached_property
from inspect import get_annotations
from typing import Any, ClassVar, NamedTuple, Self

Check = Callable[[Any], Any]
"""Turns what is given into what is kept, or raises ValueError: "takes a positive integer, not -1"."""

MISSING, UNKNOWN = "is missing", "is unknown"
"""What may be wrong with a name alone."""
REQUIRED: Any = object()
"""The default of a field that has to be given."""


class Field(NamedTuple):
    """`name` is the attribute's. Checks come one after the other."""

    name: str
    checks: tuple[Check, ...]
    default: Any


class Mistake(NamedTuple):
    """What is wrong with the value at `where` of all that was given; nowhere: with values that do not go together."""

    where: tuple[str | int, ...]
    what: str


class Wrong(ValueError):
    """All that is wrong with what was given."""

    def __init__(self, mistakes: list[Mistake]) -> None:
        super().__init__("; ".join(f"{'.'.join(map(str, one.where))} {one.what}".strip() for one in mistakes))
        self.mistakes = mistakes


class Checked:
    """The public annotations of a subclass are its fields: `stride: Annotated[int, check] = 1`.

    Fields do not change, and what has the same fields is equal. `is_` is how Python writes the field `is`.
    """

    def __init__(self, /, **given: Any) -> None:
        """Raises Wrong; of names that are unknown, it tells the first."""
        fields, mistakes = self.fields(), []
        for name, field in fields.items():
            if name in given:
                try:
                    self.__dict__[field.name] = within(name, field.checks, given[name])
                except Wrong as wrong:
                    mistakes += wrong.mistakes
            elif field.default is REQUIRED:
                mistakes.append(Mistake((name,), MISSING))
        unknown = next((name for name in given if name not in fields), None)
        if unknown is not None:
            mistakes.append(Mistake((unknown,), UNKNOWN))
        if mistakes:
            raise Wrong(mistakes)

    @classmethod
    @cache
    def fields(cls) -> dict[str, Field]:
        """Those of the bases first."""
        found: dict[str, Field] = {}
        for base in reversed(cls.__mro__):
            for name, kind in get_annotations(base, eval_str=True).items():
                if not name.startswith("_") and getattr(kind, "__origin__", None) is not ClassVar:
                    checks = getattr(kind, "__metadata__", ())
                    found[name.removesuffix("_")] = Field(name, checks, getattr(cls, name, REQUIRED))
        return found

    def values(self) -> dict[str, Any]:
        """What the fields hold, by name."""
        return {name: getattr(self, field.name) for name, field in self.fields().items()}

    def replace(self, **changes: Any) -> Self:
        """A copy in which some fields hold other values, which are right."""
        copy = object.__new__(type(self))
        copy.__dict__.update(self.__dict__, **changes)
        copy.__dict__.pop("_hash", None)
        return copy

    def __setattr__(self, name: str, value: Any) -> None:
        if name in self.fields():
            raise AttributeError(f"{name} of {type(self).__name__} does not change")
        super().__setattr__(name, value)

    def __eq__(self, other: object) -> bool:
        return type(self) is type(other) and isinstance(other, Checked) and self.values() == other.values()

    def __hash__(self) -> int:
        return self._hash

    @cached_property
    def _hash(self) -> int:
        return hash((type(self), *self.values().values()))

    def __repr__(self) -> str:
        return f"{type(self).__name__}({', '.join(f'{name}={value!r}' for name, value in self.values().items())})"


def within(step: str | int, checks: tuple[Check, ...], value: Any) -> Any:
    """The value as it is kept. Raises Wrong about it, at this step of the way to it."""
    try:
        for check in checks:
            value = check(value)
    except Wrong as wrong:
        raise Wrong([Mistake((step, *one.where), one.what) for one in wrong.mistakes]) from None
    except ValueError as error:
        raise Wrong([Mistake((step,), str(error))]) from None
    return value


def or_none(check: Check) -> Check:
    """The check of a value that may be None."""
    return lambda value: None if value is None else check(value)


def text(value: Any) -> Any:
    """The check of any text."""
    if not isinstance(value, str):
        raise ValueError("takes text")
    return value


def choice(*words: str) -> Check:
    """The check of one of these words."""

    def check(value: Any) -> Any:
        if not isinstance(value, str) or value not in words:
            raise ValueError(f"takes {', '.join(words[:-1])} or {words[-1]}, not {value!r}")
        return value

    return check


def each(check: Check, most: int) -> Check:
    """The check of a list of at most so many values."""

    def check_list(values: Any) -> Any:
        if not isinstance(values, list):
            raise ValueError("takes a list")
        if len(values) > most:
            raise ValueError(f"takes {most} or fewer values")
        return [within(k, (check,), value) for k, value in enumerate(values)]

    return check_list
