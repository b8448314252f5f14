"""Data that is checked when it is made: defaults, bases, and everything that is wrong at once."""

from __future__ import annotations

from typing import Annotated, Any, ClassVar

import pytest

from convstep.ops.arguments import Positive, Real
from convstep.ops.checked import MISSING, UNKNOWN, Checked, Mistake, Wrong, choice, each, or_none, text


class Base(Checked):
    axes: ClassVar[int] = 2
    _bound: int = 0

    size: Positive
    mode: Annotated[str, choice("a", "b")] = "a"


class Rule(Base):
    mode: Annotated[str, choice("b", "c")] = "c"
    rates: Annotated[list[float] | None, or_none(each(Real.__metadata__[0], 2))] = None
    is_: Any = None


def mistakes(**given: Any) -> list[Mistake]:
    with pytest.raises(Wrong) as caught:
        Rule(**given)
    return caught.value.mistakes


def test_fields_are_those_of_the_bases_first() -> None:
    assert list(Rule.fields()) == ["size", "mode", "rates", "is"]
    assert list(Base.fields()) == ["size", "mode"]


def test_what_is_given_is_kept_as_its_check_turns_it() -> None:
    rule = Rule(size=3, rates=[1, 2], **{"is": 5})
    assert rule.values() == {"size": 3, "mode": "c", "rates": [1.0, 2.0], "is": 5}
    assert (rule.size, rule.mode, rule.is_) == (3, "c", 5)
    assert type(rule.rates[0]) is float


def test_all_mistakes_are_told_at_their_places() -> None:
    assert mistakes(mode="a", rates=[1, "x"], sise=3, x=4) == [
        (("size",), MISSING),
        (("mode",), "takes b or c, not 'a'"),
        (("rates", 1), "takes a number, not 'x'"),
        (("sise",), UNKNOWN),
    ]
    assert mistakes(size=1, rates=[1, 2, 3]) == [(("rates",), "takes 2 or fewer values")]
    assert mistakes(size=1, rates=3) == [(("rates",), "takes a list")]
    assert mistakes(self=1, size=1) == [(("self",), UNKNOWN)]


def test_text() -> None:
    assert text("") == ""
    with pytest.raises(ValueError, match="takes text"):
        text(3)


def test_nothing_is_changed_in_place() -> None:
    rule = Rule(size=3)
    with pytest.raises(AttributeError, match="size of Rule does not change"):
        rule.size = 4
    rule._bound = 1
    other = rule.replace(size=4)
    assert (rule.size, other.size, other._bound) == (3, 4, 1)


def test_equal_is_what_has_equal_fields() -> None:
    assert Rule(size=3) == Rule(size=3, mode="c") != Rule(size=4)
    assert hash(Rule(size=3)) == hash(Rule(size=3, mode="c"))
    assert hash(Rule(size=4).replace(size=3)) == hash(Rule(size=3))
    rule = Rule(size=4)
    assert hash(rule) != hash(rule.replace(size=3)) == hash(Rule(size=3))
    assert Base(size=3) != Rule(size=3)
