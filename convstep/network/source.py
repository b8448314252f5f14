"""Where a network comes from: plain data, and the place of every piece of it for messages."""

from __future__ import annotations

import os
from abc import ABC, abstractmethod
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np

from convstep.errors import ConvstepError
from convstep.network.words import printable, shortened, show

Where = tuple[str | int, ...]
"""The way from the top of the document to a value: ("layers", 0, "kernel_size")."""

DEEPEST = 64


def within_64_bits(value: int) -> bool:
    """Whether an integer fits into an int64."""
    return -(2**63) <= value < 2**63


class Source(ABC):
    """A document of dicts with text keys, lists, scalars and arrays; `directory` is what its file names start from."""

    document: Any
    directory: Path
    name: str

    @abstractmethod
    def place(self, where: Where, key: bool = False) -> str:
        """The start of a message about a value, or about its key."""

    def text(self, where: Where) -> str:
        """A scalar as it was written: the integer layer name 007 means its text."""
        return str(self.value(where))

    def value(self, where: Where) -> Any:
        """The value there. It must exist."""
        value = self.document
        for step in where:
            value = value[step]
        return value

    def has(self, where: Where) -> bool:
        """Whether there is such a value."""
        try:
            self.value(where)
        except (KeyError, IndexError, TypeError):
            return False
        return True

    def error(self, where: Where, message: str, key: bool = False) -> ConvstepError:
        """The error about a value (or, with `key`, about its key), in one printable line."""
        return ConvstepError(printable(self.place(where, key) + shortened(message)))

    def order(self, where: Where) -> tuple[int, ...]:
        """Sorts places in the order of the document."""
        places: list[int] = []
        value = self.document
        for step in where:
            if isinstance(value, dict) and step in value:
                places.append(list(value).index(str(step)))
            elif isinstance(value, list) and isinstance(step, int) and step < len(value):
                places.append(step)
            else:
                break
            value = value[step]
        return tuple(places)


class DictSource(Source):
    """A network as a Python mapping. Places are the keys' paths: `layers[0].kernel_size`."""

    def __init__(self, mapping: Mapping[str, Any]) -> None:
        self.directory = Path()
        self.name = "network"
        self.document = self._plain(mapping, ())

    def place(self, where: Where, key: bool = False) -> str:
        text = "".join(f"[{step}]" if isinstance(step, int) else f".{step}" for step in where)
        return shortened(text.removeprefix(".")) + ": " if text else ""

    def _plain(self, value: Any, where: Where) -> Any:
        """The value with text keys, lists for tuples, and Python numbers for numpy's."""
        if len(where) > DEEPEST:
            raise self.error(where[:3], f"is nested more than {DEEPEST} levels deep")
        if isinstance(value, Mapping):
            return self._plain_mapping(value, where)
        if isinstance(value, (list, tuple)):
            if set(map(type, value)) <= {int, float}:
                wide = next((k for k, v in enumerate(value) if type(v) is int and not within_64_bits(v)), None)
                if wide is not None:
                    raise self._too_wide((*where, wide))
                return list(value)
            return [self._plain_item(item, (*where, k)) for k, item in enumerate(value)]
        if isinstance(value, np.generic):
            value = value.item()
        if type(value) is int and not within_64_bits(value):
            raise self._too_wide(where)
        if isinstance(value, np.ndarray) or value is None or isinstance(value, (bool, int, float, str)):
            return value
        if isinstance(value, os.PathLike):
            return os.fspath(value)
        if hasattr(value, "__array__"):
            return np.asarray(value)
        raise self.error(where, f"takes text, numbers, lists, mappings and arrays, not a {type(value).__name__}")

    def _too_wide(self, where: Where) -> ConvstepError:
        return self.error(where, "is too large for an integer (64 bits); a number of this size is written 1e20")

    def _plain_item(self, value: Any, where: Where) -> Any:
        plain = self._plain(value, where)
        return plain.tolist() if isinstance(plain, np.ndarray) else plain

    def _plain_mapping(self, mapping: Mapping[Any, Any], where: Where) -> dict[str, Any]:
        plain: dict[str, Any] = {}
        for key, value in mapping.items():
            if not isinstance(key, (str, int)) or isinstance(key, bool):
                raise self.error(where, f"the key {show(key)} must be text")
            if str(key) in plain:
                raise self.error((*where, str(key)), "is there twice, as text and as an integer; keep one")
            plain[str(key)] = self._plain(value, (*where, str(key)))
        return plain
