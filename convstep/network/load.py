"""From a file or a mapping to a graph."""

from __future__ import annotations

import os
from collections.abc import Mapping
from typing import Any

from convstep.errors import ConvstepError
from convstep.network.build import build
from convstep.network.graph import Graph
from convstep.network.source import DictSource, Source
from convstep.network.yaml_source import YamlSource


def load(source: str | os.PathLike[str] | Mapping[str, Any], numbers: bool = True) -> Graph:
    """The network of a file (a path), or of the same structure as a dict in which tensors may be numpy arrays.

    Raises ConvstepError: `FILE:LINE:COLUMN: what is wrong and what would be right`; for a dict, the key's path
    stands in front: `layers[0].kernel_size: …`. File names inside a dict start from the working directory.

    Without `numbers`, large tensors that are given are blank: shape and dtype alone. With them, a network that the
    memory cannot hold is an error before any of them is made. Parameters that are not given are drawn when somebody
    reads them.
    """
    return build(source_of(source), numbers)


def source_of(source: str | os.PathLike[str] | Mapping[str, Any]) -> Source:
    """The document of a network, which knows its places. Raises ConvstepError."""
    if isinstance(source, Mapping):
        return DictSource(source)
    if isinstance(source, (str, os.PathLike)):
        return YamlSource(os.fspath(source))
    raise ConvstepError(f"a network is a path or a mapping, not {type(source).__name__}")
