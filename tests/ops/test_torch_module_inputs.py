"""The inputs with which torch tests its own modules, against the operations of the same name."""

import numpy as np
import pytest
from op_cases import call, owned
from torch_oracle import answers, upstream_of

from convstep.ops.base import Spec
from convstep.ops.registry import OPERATIONS

torch = pytest.importorskip("torch")
common = pytest.importorskip("torch.testing._internal.common_modules")

_NOT_HERE = {"device", "dtype"}
INFOS = [
    info
    for info in common.module_db
    if info.module_cls.__name__ in OPERATIONS and info.module_cls.__module__.startswith("torch.nn.modules")
]


def samples(info, training):
    """Constructor arguments by name, and the tensors, of each of torch's samples that can be said here."""
    for sample in info.module_inputs_func(info, "cpu", torch.float64, requires_grad=False, training=training):
        made = sample.constructor_input
        names = [name for name in info.module_cls.__init__.__code__.co_varnames[1:] if name not in ("device", "dtype")]
        arguments = dict(zip(names, made.args, strict=False)) | made.kwargs
        tensors = (*sample.forward_input.args, *sample.forward_input.kwargs.values())
        if not _NOT_HERE & set(arguments):
            yield arguments, [t.detach().numpy() for t in tensors if isinstance(t, torch.Tensor)]


def test_every_module_is_among_torchs():
    assert {info.module_cls.__name__ for info in INFOS} >= {"Conv2d", "Linear", "MaxPool2d", "AvgPool2d", "MSELoss"}


@pytest.mark.parametrize("training", [True, False], ids=["train", "eval"])
@pytest.mark.parametrize("info", INFOS, ids=lambda info: info.module_cls.__name__)
def test_torchs_own_samples(info, training):
    name, count = info.module_cls.__name__, 0
    for arguments, data in samples(info, training):
        kind = OPERATIONS[name]
        assert set(arguments) <= set(kind.fields()), f"{name} does not know {set(arguments)}"
        # A loss's weights: `weight: <tensor>` in the file is `weight: true` to the operation.
        weights = {k: v for k, v in arguments.items() if kind.is_loss and k in kind.buffer_names}
        flags = {k: v is not None for k, v in weights.items()}
        op = kind(**{**arguments, **flags}).bind([Spec(a.shape, a.dtype) for a in data], training)
        operands = [*data, *owned(op, np.random.default_rng(count))]
        for slot, (buffer, declared) in enumerate(op.buffers.items(), start=len(data) + len(op.parameters)):
            if buffer in weights:
                operands[slot] = np.broadcast_to(weights[buffer].numpy(), declared.shape).copy()
        made, expected = call(op, operands), answers(op, operands)
        gradients = op.vjp(made, upstream_of(made.output), [op.is_differentiable(k) for k in range(len(operands))])
        np.testing.assert_allclose(made.output, expected["output"], rtol=1e-11, atol=1e-12)
        for slot, gradient in enumerate(gradients):
            if gradient is not None:
                np.testing.assert_allclose(gradient, expected[f"grad{slot}"], rtol=1e-11, atol=1e-12)
        count += 1
    assert count
