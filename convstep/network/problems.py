"""What is wrong with a piece of the document: one line of plain words each, with its place."""

from __future__ import annotations

import re
from collections.abc import Collection, Mapping
from typing import Any, NamedTuple, TypeVar

from convstep.network.source import Source, Where
from convstep.network.words import did_you_mean, nearest, show
from convstep.ops.checked import MISSING, UNKNOWN, Checked, Mistake, Wrong

Kind = TypeVar("Kind", bound=Checked)

_HINTS = {
    "layers": ": a list of layers such as {name: relu, op: ReLU}",
    "op": ", a class name such as Conv2d or SGD",
    "name": ", the name of its output tensor",
    "of": ", the tensor whose derivative it is",
    "is": ": the derivative, as an expression in quotes or as numbers",
}


class Problem(NamedTuple):
    """One thing that is wrong, about the value at `where` or (`key`) about its key."""

    where: Where
    message: str
    key: bool = False


def raise_first(source: Source, problems: Collection[Problem]) -> None:
    """Raises the problem that stands first in the document, if there is one."""
    if problems:
        first = min(problems, key=lambda problem: source.order(problem.where))
        raise source.error(first.where, first.message, first.key)


def validate(
    kind: type[Kind], data: Mapping[str, Any], where: Where, subject: str, extra: Collection[str] = ()
) -> tuple[Kind | None, list[Problem]]:
    """The data at `where` in their checked form, or what is wrong with them.

    `subject` names the data in messages ("Conv2d"); `extra` are further keys that would have been right.
    """
    try:
        return kind(**data), []
    except Wrong as wrong:
        known = [*dict.fromkeys((*kind.fields(), *extra))]
        return None, [_problem(mistake, data, where, subject, known) for mistake in wrong.mistakes]


def owner(place: Where, subject: str) -> str:
    """Who has, needs or takes something: the data, one of their sections, or each item of a list."""
    if not place:
        return subject
    return f"each of `{place[-2]}`" if isinstance(place[-1], int) and len(place) > 1 else f"`{place[-1]}`"


def _problem(mistake: Mistake, data: Mapping[str, Any], where: Where, subject: str, known: list[str]) -> Problem:
    """A mistake in words; `known` are the keys that the data may have."""
    place, what = mistake
    if what == MISSING:
        return Problem(where, f"{subject} needs `{place[0]}`{_HINTS.get(str(place[0]), '')}")
    if what == UNKNOWN:
        rest = did_you_mean(str(place[0]), [key for key in known if key not in data] or known)
        return Problem((*where, *place), f"{subject} has no `{place[0]}`{rest}", key=True)
    if not what.startswith("takes "):
        mentioned = [key for key in data if re.search(rf"\b{re.escape(key)}\b", what)]
        if not place and mentioned:
            return Problem((*where, mentioned[0]), what, key=True)
        return Problem((*where, *place), what)
    value: Any = data
    for step in place:
        value = value[step]
    name = place[-1] if isinstance(place[-1], str) else owner(place, subject)
    wanted = what.removeprefix("takes ").partition(", not ")[0]
    return Problem((*where, *place), f"{name} takes {wanted}, not {show(value)}{_meant(value, wanted)}")


def _meant(value: Any, wanted: str) -> str:
    """For a misspelt word, the allowed one."""
    if not isinstance(value, str):
        return ""
    words = [w for w in re.findall(r"\w+", wanted) if w not in {"or", "a", "an", "of", "list", "number"}]
    meant = nearest(value, words)
    return f"; did you mean '{meant}'?" if meant and meant != value else ""
