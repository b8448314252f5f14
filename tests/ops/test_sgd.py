"""SGD step by step: against torch, and its terms and formula against the update."""

import numpy as np
import pytest
from op_cases import SGD_ARGUMENTS, SGD_GRADIENTS, SGD_START
from torch_oracle import ANSWERS, sgd_answers, sgd_key

from convstep.ops.expression import evaluate
from convstep.ops.optim.optimizers import GRADIENT, PARAMETER, STATE, Update
from convstep.ops.optim.sgd import SGD

ARGUMENTS = pytest.mark.parametrize(
    "arguments", SGD_ARGUMENTS, ids=lambda a: "-".join(f"{k}{v:g}" for k, v in a.items() if v)
)


def updates(optimizer, dtype=np.float64):
    parameter, state = SGD_START.astype(dtype), {}
    for step, gradient in enumerate(SGD_GRADIENTS, start=1):
        gradient = gradient.astype(dtype)
        new, new_state = optimizer.update(step, parameter, gradient, state)
        yield Update(optimizer, step, parameter, gradient, state, new, new_state)
        parameter, state = new, new_state


@ARGUMENTS
def test_terms_and_formula_give_the_update(arguments):
    optimizer = SGD(**arguments)
    for update in updates(optimizer):
        assert tuple(update.new_state) == optimizer.state_names
        numbers = {PARAMETER: update.parameter, GRADIENT: update.gradient, STATE: update.state.get("momentum_buffer")}
        for index in range(SGD_START.size):
            new = update.new_parameter.reshape(-1)[index]
            terms = optimizer.terms(update, index)
            assert len(terms) == optimizer.term_count()
            assert terms[-1].result == terms[-1].holds == new
            assert all(term.does and term.reads for term in terms)
            value = evaluate(optimizer.formula(update, index), lambda e, n=numbers: n[e.slot].reshape(-1)[e.index])
            assert value == pytest.approx(new, rel=1e-13)


def compare(arguments, expected, dtype, tolerance):
    for update, parameter in zip(updates(SGD(**arguments), dtype), expected, strict=True):
        assert update.new_parameter.dtype == dtype
        np.testing.assert_allclose(update.new_parameter, parameter, rtol=tolerance, atol=tolerance)


@ARGUMENTS
def test_stored_answers(arguments):
    with np.load(ANSWERS / "first.npz") as stored:
        compare(arguments, stored[sgd_key(arguments)], np.float64, 1e-14)


@ARGUMENTS
@pytest.mark.parametrize(("dtype", "tolerance"), [(np.float64, 1e-14), (np.float32, 1e-6)])
def test_torch_itself(arguments, dtype, tolerance):
    pytest.importorskip("torch")
    compare(arguments, sgd_answers(arguments, dtype), dtype, tolerance)


def test_the_buffer_is_torchs():
    torch = pytest.importorskip("torch")
    weight = torch.nn.Parameter(torch.from_numpy(SGD_START.copy()))
    theirs = torch.optim.SGD([weight], momentum=0.9, dampening=0.3)
    for update in updates(SGD(momentum=0.9, dampening=0.3)):
        weight.grad = torch.from_numpy(update.gradient.copy())
        theirs.step()
        (name,) = update.new_state
        np.testing.assert_allclose(update.new_state[name], theirs.state[weight][name].numpy(), rtol=1e-14)


def test_defaults_are_torchs():
    torch = pytest.importorskip("torch")
    theirs = torch.optim.SGD([torch.zeros(1)]).defaults
    assert {name: theirs[name] for name in SGD.fields()} == SGD().values()


def test_three_steps_by_hand():
    """The rule w ← w − 0.1·b with b ← 0.5·b + g; the first b is g itself."""
    optimizer, w, state = SGD(lr=0.1, momentum=0.5), np.array([1.0]), {}
    for step, (gradient, buffer, new) in enumerate([(1, 1, 0.9), (1, 1.5, 0.75), (2, 2.75, 0.475)], start=1):
        w, state = optimizer.update(step, w, np.array([float(gradient)]), state)
        assert state["momentum_buffer"] == pytest.approx(buffer)
        assert w == pytest.approx(new)


def test_plain_sgd_is_one_step():
    (update, *_) = updates(SGD(lr=0.1))
    (term,) = SGD(lr=0.1).terms(update, 1)
    assert term.does == "w − 0.1·g"
    assert [(read.slot, read.value) for read in term.reads] == [(PARAMETER, -0.7), (GRADIENT, -2.0)]
    assert SGD(lr=0.1).state_names == ()
    assert (
        SGD(lr=0.1, momentum=0.9, weight_decay=0.1).tell()
        == "w ← w − lr·momentum_buffer with lr = 0.1, g takes up 0.1·w (weight decay), "
        "the buffer is 0.9 of the last one + g (momentum)"
    )
