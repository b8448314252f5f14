"""The questions that people really ask: gradients are right, claims come out as they are meant, and it opens."""

from math import prod
from pathlib import Path

import pytest

from convstep.debugger.opening import open_session
from convstep.engine.recording import Recording
from convstep.explain.claims.claims import judge
from convstep.explain.gradcheck import check_gradients
from convstep.network import load

FOLDER = Path(__file__).parents[1] / "sample_nets" / "questions"
MOST_ELEMENTS = 50
"""Of all inputs and layer outputs together: what a person still works out by hand."""

ALWAYS, NEAR, HERE, OTHERS = (
    "equal always",
    "equal for these numbers and those near",
    "equal for these numbers",
    "and for",
)

VERDICTS = {
    "two_convolutions": ["sum-before-multiply", ALWAYS],
    "several_paths": ["missing-path", None, "sum-before-multiply", ALWAYS],
    "shared_weight": ["missing-path", "mean-for-sum", ALWAYS],
    "turned_kernel": ["unflipped-kernel", "unflipped-kernel", ALWAYS],
    "stride_zeros": ["ignored-stride", ALWAYS, ALWAYS],
    "padding_cropped": ["ignored-padding", ALWAYS, "ignored-padding", ALWAYS],
    "channels_and_filters": ["missing-path", ALWAYS, None, ALWAYS],
    "conv_relu_pool": ["missing-activation-derivative", "pool-spread", NEAR],
    "pool_ties": ["pool-spread", "overwritten-overlap", NEAR, HERE],
    "bias_sum": ["missing-bias-sum", "mean-for-sum", ALWAYS],
    "batch_sum_or_mean": ["sum-for-mean", "mean-for-sum", ALWAYS, ALWAYS],
    "softmax_cross_entropy": ["missing-path", ALWAYS, ALWAYS, ALWAYS, ALWAYS],
    "relu_at_zero": ["missing-activation-derivative", None, HERE, NEAR],
    "target_minus_output": ["wrong-sign", ALWAYS, ALWAYS],
    "reversed_kernel_gradient": ["reversed-gradient", "reversed-gradient", ALWAYS],
    "batch_norm_shift": ["missing-path", OTHERS],
}
"""Of each claim: how it is right, or the mistake that is named among its first two, None where none is known."""

OPENS_AT = {
    "two_convolutions": "grad(w1)[1]",
    "several_paths": "grad(a)[1]",
    "turned_kernel": "grad(i)[5]",
    "stride_zeros": "grad(i)[7]",
    "padding_cropped": "grad(i)[1]",
    "channels_and_filters": "grad(x)[2]",
    "conv_relu_pool": "grad(w)[3]",
    "pool_ties": "grad(x)[3]",
    "bias_sum": "grad(b)[1]",
    "softmax_cross_entropy": "grad(z)[1]",
    "relu_at_zero": "grad(z)[1]",
    "batch_norm_shift": "grad(b)[1]",
}
"""Where the answer is seen; in the other files, grad(w)[1]."""


def recording(name):
    return Recording(load(FOLDER / f"{name}.yaml"))


def test_every_question_is_held_to_its_verdicts():
    assert {path.stem for path in FOLDER.iterdir()} == set(VERDICTS)
    assert len(VERDICTS) == 16


@pytest.mark.parametrize("name", VERDICTS)
def test_claims_come_out_as_they_are_meant(name):
    verdicts = judge(recording(name))
    assert len(verdicts) == len(VERDICTS[name])
    for verdict, expected in zip(verdicts, VERDICTS[name], strict=True):
        codes = [mistake.code for mistake in verdict.mistakes]
        if expected in (ALWAYS, NEAR, HERE, OTHERS):
            assert verdict.ok, verdict.why
            assert expected in verdict.why[0]
        else:
            assert not verdict.ok, verdict.claim
            assert expected in codes[:2] if expected else codes == []


@pytest.mark.parametrize("name", VERDICTS)
def test_gradients_are_the_differences(name):
    checks = list(check_gradients(load(FOLDER / f"{name}.yaml")))
    assert checks
    assert all(check.ok and check.max_abs_error < 1e-7 for check in checks)
    kinks = {check.name for check in checks if check.kinks}
    assert kinks == {"relu_at_zero": {"z"}, "pool_ties": {"x"}, "conv_relu_pool": {"r"}}.get(name, set())


@pytest.mark.parametrize("name", VERDICTS)
def test_a_question_is_asked_in_words_and_opens_on_its_answer(name):
    graph = load(FOLDER / f"{name}.yaml")
    assert graph.name == name
    assert graph.about.startswith('"') and '?"' in graph.about
    assert "Press g" in graph.about and len(graph.about) < 620
    sizes = [spec.shape for spec in graph.inputs.values()] + [node.op.output.shape for node in graph.nodes]
    assert sum(map(prod, sizes)) <= MOST_ELEMENTS
    where = OPENS_AT.get(name, "grad(w)[1]")
    assert where in graph.about
    assert open_session(str(FOLDER / f"{name}.yaml"), at=where).state().step.writes in (
        f"grad({tensor})" for tensor in (*graph.inputs, *graph.parameters, *(node.name for node in graph.nodes))
    )
