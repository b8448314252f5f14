"""A tensor as the file writes it becomes an array: numbers, nested lists, files and initialisers."""

from __future__ import annotations

from dataclasses import dataclass, field
from math import inf, isnan, prod
from pathlib import Path
from typing import Annotated, Any

import numpy as np

from convstep.errors import ArgumentError, ConvstepError
from convstep.network.arrays.array_files import find_array, read_array
from convstep.network.arrays.stored_arrays import FileError
from convstep.network.blank import MOST_ELEMENTS, blank, is_blank
from convstep.network.draw import DOUBLE
from convstep.network.footprint import drawing_bytes
from convstep.network.initialise import UnknownArgument, find, initialise
from convstep.network.late import Late
from convstep.network.literals import numbers
from convstep.network.problems import Kind, raise_first, validate
from convstep.network.sections import MOST_DIMENSIONS, Text
from convstep.network.source import Source, Where
from convstep.network.words import about, nearest, show
from convstep.ops.arguments import IntegerOrNone, integer
from convstep.ops.base import Array, Parameter, Shape, Spec
from convstep.ops.checked import Checked, choice, each, or_none, text

_DTYPES = ("float64", "float32", "int64", "int32", "int16", "int8", "uint8")


class _Form(Checked):
    shape: Annotated[list[int] | None, or_none(each(integer(1), MOST_DIMENSIONS))] = None
    dtype: Annotated[str | None, or_none(choice(*_DTYPES))] = None


class _Value(_Form):
    value: Any


class _File(_Form):
    file: Text
    key: Annotated[str | None, or_none(text)] = None


class _Init(_Form):
    """All other keys are the initialiser's arguments."""

    init: Text
    seed: IntegerOrNone = None


_FORMS: dict[str, type[_Form]] = {"value": _Value, "file": _File, "init": _Init}


@dataclass
class Tensors:
    """Reads tensors of one network: its floats have the net's dtype, its random numbers come from the net's seed.

    With `room`, only so many elements in all are made; the tensors beyond are blank. `drawing` has the
    bytes that each random tensor takes beside its own while it is drawn, `files` those that were read.
    """

    source: Source
    dtype: np.dtype[Any]
    seed: int
    room: float = inf
    drawing: list[int] = field(default_factory=list)
    files: list[Path] = field(default_factory=list)

    @property
    def is_outline(self) -> bool:
        """Whether something was left blank."""
        return self.room < 0

    def file(self, name: str) -> Path:
        """A file beside the network file, which is about to be read."""
        path = self.source.directory / name
        self.files.append(path)
        return path

    def makes(self, size: int) -> bool:
        """Whether a tensor of so many elements is made; it then takes its part of the room."""
        self.room -= size
        return self.room >= 0

    def read(self, where: Where, name: str, shape: Shape | None = None) -> Array:
        """The tensor at `where` of the document; with a known `shape` (a parameter) it takes that and the net's dtype.

        Raises ConvstepError with the place of what is wrong.
        """
        value = self.source.value(where)
        if isinstance(value, dict):
            return self._mapping(where, value, name, shape)
        if isinstance(value, (str, bool)) or value is None:
            what = f"{show(value)} is no tensor; write a number, a list, or a mapping with value, file or init"
            raise self.source.error(where, what)
        return self._cast(self._shaped(self._given(where, value), shape, where, name), where, value, shape)

    def initial(self, where: Where, declared: Parameter, name: str) -> Late:
        """A parameter that the file says nothing about. Nothing can be wrong with it: it is drawn when it is read."""
        how, shape, seed, floats = declared.init, declared.shape, self.seed, self.dtype
        dtype = declared.dtype or floats
        self._limit(where, shape, name)
        self.drawing.append(drawing_bytes(str(how["init"]), prod(shape)))

        def draw() -> Array:
            array = initialise(how, shape, seed, name, floats)
            if declared.zero_row is not None:
                array[declared.zero_row] = 0
            return array.astype(dtype, copy=False)

        return Late(Spec(shape, dtype), draw)

    def _drawn(self, how: Any, shape: Shape, seed: int, name: str, dtype: np.dtype[Any]) -> Array:
        self.drawing.append(drawing_bytes(str(how["init"]), prod(shape)))
        if self.makes(prod(shape)):
            array = initialise(how, shape, seed, name, dtype if dtype.kind == "f" else DOUBLE)
            # What float32 cannot hold is told as it was drawn.
            return initialise(how, shape, seed, name) if np.isinf(array).any() else array
        find(how["init"])
        return blank(shape, DOUBLE)

    # -- the spellings

    def _mapping(self, where: Where, value: dict[str, Any], name: str, known: Shape | None) -> Array:
        kinds = [kind for kind in _FORMS if kind in value]
        if len(kinds) != 1:
            raise self._no_kind(where, value, name, kinds)
        form = self._form(_FORMS[kinds[0]], value, where, name)
        at = (*where, kinds[0])
        shape = self._shape(where, form, name, known)
        if isinstance(form, _Init):
            return self._cast(self._init(where, value, form, name, shape), at, form.init, known, form.dtype)
        if isinstance(form, _File):
            array = self._file(where, form)
            if form.shape is None and known is not None and _squeezed(array.shape) != _squeezed(known):
                what = f"{name} takes the shape {list(known)}, but the file's array has {list(array.shape)}"
                raise self.source.error(at, what)
            raw: Any = array
        else:
            assert isinstance(form, _Value)
            raw = form.value
            array = self._given(at, raw)
        return self._cast(self._shaped(array, shape, at, name), at, raw, known, form.dtype)

    def _no_kind(self, where: Where, value: dict[str, Any], name: str, kinds: list[str]) -> ConvstepError:
        if kinds:
            return self.source.error(where, f"{name} takes one of value, file and init, not {' and '.join(kinds)}")
        for key in value:
            meant = nearest(key, _FORMS)
            if meant is not None:
                what = f"{name} has no `{key}`; did you mean '{meant}'?"
                return self.source.error((*where, key), what, key=True)
        return self.source.error(where, f"{name} needs one of the keys value, file and init: {{value: [1, 2]}}")

    def _form(self, kind: type[Kind], value: dict[str, Any], where: Where, name: str) -> Kind:
        own = {key: given for key, given in value.items() if key in kind.fields() or kind is not _Init}
        form, problems = validate(kind, own, where, name)
        raise_first(self.source, problems)
        assert form is not None
        return form

    def _shape(self, where: Where, form: _Form, name: str, known: Shape | None) -> Shape | None:
        shape = None if form.shape is None else tuple(form.shape)
        if known is not None and shape not in (None, known):
            raise self.source.error((*where, "shape"), f"{name} has the shape {list(known)} here, not {form.shape}")
        shape = known if shape is None else shape
        if shape is not None:
            self._limit((*where, "shape"), shape, name)
        return shape

    def _limit(self, where: Where, shape: Shape, name: str) -> None:
        if prod(shape) > MOST_ELEMENTS:
            what = f"{name} of the shape {list(shape)} would hold {prod(shape)} numbers, beyond any memory"
            raise self.source.error(where, what)

    def _given(self, where: Where, value: Any) -> Array:
        """Numbers that the document itself holds."""
        if isinstance(value, np.ndarray):
            if value.dtype.kind not in "iuf":
                raise self.source.error(where, f"is an array of {value.dtype}; give one of floats or integers")
            return value.astype(value.dtype.newbyteorder("="))
        return numbers(self.source, where, value)

    def _file(self, where: Where, form: _File) -> Array:
        path = self.file(form.file)
        try:
            stored = find_array(path, form.key)
            return read_array(stored) if self.makes(prod(stored.shape)) else blank(stored.shape, stored.dtype)
        except FileError as error:
            raise self.source.error((*where, error.at), str(error)) from None

    def _init(self, where: Where, value: dict[str, Any], form: _Init, name: str, shape: Shape | None) -> Array:
        if shape is None:
            raise self.source.error(where, f"{name} needs a `shape`: init says how, not how many")
        arguments = {key: v for key, v in value.items() if key not in ("shape", "seed", "dtype")}
        try:
            seed = self.seed if form.seed is None else form.seed
            return self._drawn(arguments, shape, seed, name, np.dtype(form.dtype or self.dtype))
        except UnknownArgument as error:
            raise self.source.error((*where, str(error.argument)), str(error), key=True) from None
        except ArgumentError as error:
            key = error.argument or "init"
            message = str(error) if key == "init" else about(key, str(error))
            raise self.source.error((*where, key), message) from None

    # -- shape and dtype

    def _shaped(self, array: Array, shape: Shape | None, where: Where, name: str) -> Array:
        """The numbers row-major in the shape; one number fills it."""
        if array.size == 0:
            raise self.source.error(
                where, f"{name} holds no numbers (its shape is {list(array.shape)}); give at least one"
            )
        if shape is None:
            return array
        if array.shape == shape:
            return array
        if array.size == 1 < prod(shape):
            number = array.reshape(-1)[0]
            made = self.makes(prod(shape)) and self.room < inf  # without limits, in its own dtype later on
            return np.full(shape, number) if made else blank(shape, array.dtype, number)
        if array.size != prod(shape):
            numerous = f"{prod(shape)} number{'s' if prod(shape) > 1 else ''}"
            what = f"{name} of the shape {list(shape)} takes {numerous}, or one for all, not {array.size}"
            raise self.source.error(where, what)
        return blank(shape, array.dtype) if is_blank(array) else array.reshape(shape)

    def _cast(self, array: Array, where: Where, raw: Any, known: Shape | None, dtype: str | None = None) -> Array:
        """The net's dtype for literals, floats and parameters; other integers stay what they are."""
        target = self.dtype
        if dtype is not None:
            target = np.dtype(dtype)
            at = (*where[:-1], "dtype")
            if known is not None and target.kind != "f":
                raise self.source.error(at, f"a parameter takes floating-point numbers, {self.dtype}, not {dtype}")
            if target.kind == "f" and target != self.dtype:
                what = f"floats are {self.dtype} in this network, not {dtype}; `dtype` at the top sets it for all"
                raise self.source.error(at, what)
        elif known is None and array.dtype.kind in "iu" and isinstance(raw, np.ndarray):
            target = array.dtype
        return self._converted(array, target, where)

    def _converted(self, array: Array, target: np.dtype[Any], where: Where) -> Array:
        if is_blank(array):
            one = self._converted(array[(slice(0, 1),) * array.ndim], target, where).reshape(-1)[0]
            return blank(array.shape, target, one) if self.room < inf else np.full(array.shape, one)
        with np.errstate(over="ignore", invalid="ignore"):
            result = np.asarray(array, dtype=target, order="C")
        if array.dtype == target:
            return result
        wrong = np.isinf(result) if target.kind == "f" else result != array
        if target.kind == "f" and wrong.any():
            wrong &= np.isfinite(array)
        if wrong.any():
            value = array[wrong].reshape(-1)[0].item()
            shown = "NaN" if isnan(value) else repr(value)
            what = "too large for float32" if target.kind == "f" else f"no integer that {target} can hold"
            raise self.source.error(where, f"{shown} is {what}; change the number or the dtype")
        return result


def _squeezed(shape: Shape) -> Shape | None:
    """A shape without its dimensions of size 1; anything in one dimension may be laid out row-major."""
    kept = tuple(size for size in shape if size != 1)
    return kept if len(kept) > 1 else (prod(kept),)
