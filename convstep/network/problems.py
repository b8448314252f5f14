"""What a pydantic model says about a piece of the document, as one line of plain words each, with its place."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Collection
from typing import Any, NamedTuple, TypeVar, get_args

from pydantic import BaseModel, ValidationError
from pydantic_core import ErrorDetails

from convstep.network.source import Source, Where
from convstep.network.words import did_you_mean, listed, nearest, show

Model = TypeVar("Model", bound=BaseModel)

_MOST_PROBLEMS = 30
"""Of one mapping or list; more keys than any operation has."""

_EXPECTED = {
    "int_type": "an integer",
    "int_parsing": "an integer",
    "int_from_float": "an integer",
    "float_type": "a number",
    "float_parsing": "a number",
    "finite_number": "a finite number",
    "bool_type": "true or false",
    "bool_parsing": "true or false",
    "string_type": "text",
    "list_type": "a list",
    "tuple_type": "a list",
    "dict_type": "a mapping",
    "mapping_type": "a mapping",
    "model_type": "a mapping",
    "model_attributes_type": "a mapping",
    "none_required": "null",
}

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
    model: type[Model], data: Any, where: Where, subject: str, extra: Collection[str] = ()
) -> tuple[Model | None, list[Problem]]:
    """The model of the data, or what is wrong with it.

    `subject` names the data in messages ("Conv2d"); `extra` are further keys that would have been right.
    """
    try:
        return model.model_validate(_with_one_stranger(model, data)), []
    except ValidationError as error:
        by_place: dict[Where, list[ErrorDetails]] = {}
        told: Counter[Where] = Counter()
        for details in error.errors(include_url=False):
            place = _inside(details, data)
            if place not in by_place:
                # A few of a mapping or a list are enough: they come in the document's order, or nearly.
                told[place[:-1]] += 1
                if told[place[:-1]] > _MOST_PROBLEMS:
                    continue
            by_place.setdefault(place, []).append(details)
        known = [*dict.fromkeys((*model.model_fields, *extra))]
        return None, [
            _problem(errors, place, data, where, subject, _keys_inside(model, place) or known)
            for place, errors in by_place.items()
        ]


def _with_one_stranger(model: type[BaseModel], data: Any) -> Any:
    """The data without unknown keys after the first, where there are many: one is enough to be told."""
    if not isinstance(data, dict) or model.model_config.get("extra") != "forbid":
        return data
    known = {field.alias or name for name, field in model.model_fields.items()}
    strangers = [key for key in data if key not in known][1:]
    return {key: data[key] for key in data.keys() - strangers} if strangers else data


def _keys_inside(model: type[BaseModel], place: Where) -> list[str]:
    """The keys of each item of a list of mappings: `of`, `index` and `is` inside `claims`; none elsewhere."""
    field = model.model_fields.get(str(place[0])) if len(place) > 1 else None
    items = get_args(field.annotation) if field is not None else ()
    found = next((item for item in items if isinstance(item, type) and issubclass(item, BaseModel)), None)
    return [] if found is None else [inner.alias or name for name, inner in found.model_fields.items()]


def _inside(details: ErrorDetails, data: Any) -> Where:
    """The error's place without the names that pydantic gives to the branches of a union."""
    place: list[str | int] = []
    for step in details["loc"]:
        if step in data if isinstance(data, dict) else _is_index(data, step):
            data = data[step]
        elif details["type"] == "missing":
            return (*place, step)
        else:
            break
        place.append(step)
    return tuple(place)


def _is_index(data: Any, step: Any) -> bool:
    return isinstance(data, (list, tuple)) and isinstance(step, int) and 0 <= step < len(data)


def _problem(
    errors: list[ErrorDetails], place: Where, data: Any, where: Where, subject: str, known: list[str]
) -> Problem:
    """One place's errors in words; `known` are the keys that a mapping may have there."""
    around = _at(data, place[:-1])
    name = str(place[-1]) if place and isinstance(place[-1], str) else _owner(place, subject)
    match errors[0]["type"]:
        case "missing":
            hint = _HINTS.get(str(place[-1]), "")
            return Problem((*where, *place[:-1]), f"{_owner(place[:-1], subject)} needs `{place[-1]}`{hint}")
        case "extra_forbidden":
            rest = did_you_mean(name, [k for k in known if not (isinstance(around, dict) and k in around)] or known)
            return Problem((*where, *place), f"{_owner(place[:-1], subject)} has no `{name}`{rest}", key=True)
    value = errors[0]["input"]
    own = [str(e["ctx"]["error"]) for e in errors if e["type"] == "value_error" and "error" in e.get("ctx", {})]
    if own and not own[0].startswith("takes "):
        mentioned = [k for k in data if re.search(rf"\b{re.escape(k)}\b", own[0])] if isinstance(data, dict) else []
        if not place and mentioned:
            return Problem((*where, mentioned[0]), own[0], key=True)
        return Problem((*where, *place), own[0], key=errors[0]["loc"][-1] == "[key]")
    wanted = [_expected(e) for e in errors]
    return Problem((*where, *place), f"{name} takes {join(wanted)}, not {show(value)}{_meant(value, wanted)}")


def _at(data: Any, place: Where) -> Any:
    for step in place:
        data = data[step]
    return data


def _owner(place: Where, subject: str) -> str:
    """Who has, needs or takes something: the model, one of its sections, or each item of a list."""
    if not place:
        return subject
    return f"each of `{place[-2]}`" if isinstance(place[-1], int) and len(place) > 1 else f"`{place[-1]}`"


def _expected(error: ErrorDetails) -> str:
    """What would have been right, as a noun."""
    context = error.get("ctx", {})
    match error["type"]:
        case "value_error":
            return str(context.get("error", "")).removeprefix("takes ").partition(", not ")[0]
        case "literal_error" | "enum":
            return str(context["expected"]).replace("'", "")
        case "greater_than":
            return f"a number above {context['gt']:g}"
        case "greater_than_equal":
            return f"a number of {context['ge']:g} or more"
        case "less_than":
            return f"a number below {context['lt']:g}"
        case "less_than_equal":
            return f"a number of {context['le']:g} or less"
        case "too_short":
            return f"{context['min_length']} or more values"
        case "too_long":
            return f"{context['max_length']} or fewer values"
        case kind:
            return _EXPECTED.get(kind, "another kind of value")


def join(wanted: list[str]) -> str:
    """Alternatives, each once."""
    return listed(dict.fromkeys(wanted)) if len(set(wanted)) > 1 else wanted[0]


def _meant(value: Any, wanted: list[str]) -> str:
    """For a misspelt word, the allowed one."""
    if not isinstance(value, str):
        return ""
    words = [w for w in re.findall(r"\w+", " ".join(wanted)) if w not in {"or", "a", "an", "of", "list", "number"}]
    meant = nearest(value, words)
    return f"; did you mean '{meant}'?" if meant and meant != value else ""
