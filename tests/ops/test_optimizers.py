"""Optimizers step by step: against torch, and their terms and formulas against the update."""

import numpy as np
import pytest
from torch_optimizers import ANSWERS, CASES, GRADIENTS, START, answers, key

from convstep.ops.expression import evaluate
from convstep.ops.optim import assignments
from convstep.ops.optim.optimizers import GRADIENT, PARAMETER, STATE, Update
from convstep.ops.registry import OPTIMIZERS

pytestmark = pytest.mark.filterwarnings("error")
EVERY_CASE = pytest.mark.parametrize(("name", "arguments"), CASES, ids=[key(*case) for case in CASES])


def updates(optimizer, dtype=np.float64):
    parameter, state = START.astype(dtype), {}
    for step, gradient in enumerate(GRADIENTS, start=1):
        gradient = gradient.astype(dtype)
        new, new_state = optimizer.update(step, parameter, gradient, state)
        yield Update(optimizer, step, parameter, gradient, state, new, new_state)
        parameter, state = new, new_state


def compare(name, arguments, expected, dtype, tolerance):
    optimizer = OPTIMIZERS[name](**arguments)
    assert set(expected) == {"w", *optimizer.state_names}
    for step, update in enumerate(updates(optimizer, dtype)):
        for part, array in {"w": update.new_parameter, **update.new_state}.items():
            assert array.dtype == dtype
            np.testing.assert_allclose(array, expected[part][step], rtol=tolerance, atol=tolerance)


@EVERY_CASE
def test_stored_answers(name, arguments):
    start = key(name, arguments) + "/"
    with np.load(ANSWERS) as stored:
        expected = {k.removeprefix(start): stored[k] for k in stored.files if k.startswith(start)}
    compare(name, arguments, expected, np.float64, 1e-12)


@EVERY_CASE
@pytest.mark.parametrize(("dtype", "tolerance"), [(np.float64, 1e-12), (np.float32, 2e-6)])
def test_torch_itself(name, arguments, dtype, tolerance):
    pytest.importorskip("torch")
    compare(name, arguments, answers(name, arguments, dtype), dtype, tolerance)


@EVERY_CASE
def test_terms_and_formula_give_the_update(name, arguments):
    optimizer = OPTIMIZERS[name](**arguments)
    for update in updates(optimizer):
        assert tuple(update.new_state) == optimizer.state_names
        numbers = {PARAMETER: update.parameter, GRADIENT: update.gradient}
        numbers |= {STATE + k: update.state.get(kept) for k, kept in enumerate(optimizer.state_names)}
        for index in range(START.size):
            new = update.new_parameter.reshape(-1)[index]
            terms = optimizer.terms(update, index)
            assert len(terms) == optimizer.term_count()
            assert terms[-1].result == terms[-1].holds == new
            assert all(term.does and term.reads for term in terms)
            for term in terms:
                for read in term.reads:
                    if isinstance(read.slot, int):
                        assert read.value == numbers[read.slot].reshape(-1)[read.index]
            value = evaluate(optimizer.formula(update, index), lambda e, n=numbers: n[e.slot].reshape(-1)[e.index])
            assert value == pytest.approx(new, rel=1e-12)


@pytest.mark.parametrize("name", sorted({name for name, _ in CASES}))
def test_defaults_are_torchs(name):
    torch = pytest.importorskip("torch")
    theirs = getattr(torch.optim, name)([torch.zeros(1)]).defaults
    ours = OPTIMIZERS[name]().values()
    assert {argument: theirs[argument] for argument in ours} == ours


def test_adam_in_words():
    optimizer = OPTIMIZERS["Adam"](lr=0.1)
    (first, second, *_) = updates(optimizer)
    assert [term.does for term in optimizer.terms(first, 0)] == [
        "exp_avg ← 0.9·exp_avg + 0.1·g",
        "exp_avg_sq ← 0.999·exp_avg_sq + 0.001·g²",
        "m̂ ← exp_avg / 0.1",
        "v̂ ← exp_avg_sq / 0.001",
        "w − 0.1·m̂ / (sqrt(v̂) + 1e-8)",
    ]
    assert [read.slot for read in optimizer.terms(first, 0)[0].reads] == ["exp_avg", GRADIENT]
    assert [read.slot for read in optimizer.terms(second, 0)[0].reads] == [STATE, GRADIENT]
    assert optimizer.tell().startswith("w ← w − lr·m̂ / (√v̂ + 1e-8) with lr = 0.1, running means")


def test_the_first_step_of_adam_is_lr():
    """However large the gradient: m̂ / √v̂ is 1 in the first step."""
    for gradient in (1e-3, 1.0, 1e6):
        new, _ = OPTIMIZERS["Adam"](lr=0.25).update(1, np.array([1.0]), np.array([gradient]), {})
        assert new == pytest.approx(0.75, rel=1e-5)


@pytest.mark.parametrize("betas", [[0.9], [0.9, 1.0], [-0.1, 0.9], 0.9, [0.9, "x"], [0.9, 0.99, 0.999]])
def test_betas_are_two_numbers_below_1(betas):
    with pytest.raises(ValueError, match="takes two numbers from 0 to below 1"):
        OPTIMIZERS["Adam"](betas=betas)


@EVERY_CASE
def test_blocks_change_nothing(name, arguments, monkeypatch):
    """Nor does it, when the spent state is written over."""
    optimizer = OPTIMIZERS[name](**arguments)
    whole = list(updates(optimizer))
    monkeypatch.setattr(assignments, "_BLOCK", 4)
    state = {}
    for update, again in zip(whole, updates(optimizer), strict=True):
        assert np.array_equal(update.new_parameter, again.new_parameter)
        new, state = optimizer.update(update.step, update.parameter, update.gradient, state, spent=True)
        assert np.array_equal(update.new_parameter, new)
        for part, array in update.new_state.items():
            assert np.array_equal(array, again.new_state[part])
            assert np.array_equal(array, state[part])
