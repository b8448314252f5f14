"""An argument that a file leaves out is what torch makes of it."""

import inspect

import pytest

from convstep.ops.checked import REQUIRED
from convstep.ops.registry import OPERATIONS

torch = pytest.importorskip("torch")
MODULES = [name for name in OPERATIONS if hasattr(torch.nn, name)]


def plain(value):
    """A default as a list of numbers where it is one number for each axis."""
    return list(value) if isinstance(value, (list, tuple)) else [value]


@pytest.mark.parametrize("name", MODULES)
def test_defaults_are_torchs(name):
    kind, theirs = OPERATIONS[name], inspect.signature(getattr(torch.nn, name)).parameters
    for argument, field in kind.fields().items():
        is_weight = kind.is_loss and argument in kind.buffer_names
        if argument not in theirs or is_weight or field.default is REQUIRED:
            continue
        expected = theirs[argument].default
        if expected is inspect.Parameter.empty:
            assert field.default is None, f"{argument} is inferred where it is left out"
        else:
            assert set(plain(field.default)) == set(plain(expected)), argument
