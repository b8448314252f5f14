"""The claims of a file, checked in form: which derivative, which element. Whether they hold is looked at later."""

from __future__ import annotations

from collections.abc import Mapping
from math import prod

from convstep.network.graph import Claim
from convstep.network.literals import numbers
from convstep.network.schema import Form
from convstep.network.sections import ClaimForm, Document
from convstep.network.source import Source, Where
from convstep.network.words import did_you_mean, show
from convstep.ops.base import Shape


def claims(source: Source, form: Form, shapes: Mapping[str, Shape]) -> tuple[Claim, ...]:
    """The claims, of tensors that exist. Raises ConvstepError with the place of the first mistake."""
    return tuple(_claim(source, ("claims", k), claim, form.document, shapes) for k, claim in enumerate(form.claims))


def _claim(source: Source, where: Where, form: ClaimForm, document: Document, shapes: Mapping[str, Shape]) -> Claim:
    names = {symbol: target for target, symbol in document.symbols.items()}
    target = names.get(form.of, form.of)
    if target not in shapes:
        raise source.error((*where, "of"), f"there is no tensor '{form.of}'{did_you_mean(form.of, [*shapes, *names])}")
    if form.index is not None:
        _check_index(source, (*where, "index"), form.index, shapes[target], form.of, document.indexing)
    if isinstance(form.is_, (dict, bool)) or form.is_ is None:
        what = f"`is` takes an expression in quotes, a number or a nested list, not {show(form.is_)}"
        raise source.error((*where, "is"), what)
    if isinstance(form.is_, list):
        numbers(source, (*where, "is"), form.is_)
    return Claim(form.of, None if form.index is None else tuple(form.index), form.is_)


def _check_index(source: Source, where: Where, index: list[int], shape: Shape, of: str, indexing: str) -> None:
    if indexing == "flat1" and len(index) == 1:
        if not 1 <= index[0] <= prod(shape):
            raise source.error(where, f"{of} has the elements 1 to {prod(shape)} (flat1), not {index[0]}")
        return
    if len(index) != len(shape):
        way = ", or one from 1 (flat1)" if indexing == "flat1" else ""
        what = f"{of} has the shape {list(shape)}: an index has {len(shape)} numbers from 0{way}, not {len(index)}"
        raise source.error(where, what)
    for k, (i, size) in enumerate(zip(index, shape, strict=True)):
        if not 0 <= i < size:
            raise source.error((*where, k), f"dimension {k} of {of} has the indices 0 to {size - 1}, not {i}")
