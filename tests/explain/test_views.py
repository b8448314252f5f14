"""Other views of a step: the same number each way, term by term, from cells that are computed when looked at."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from networks import networks, sample

from convstep.engine.recording import Recording
from convstep.engine.state import State, Status
from convstep.engine.timeline import Place
from convstep.explain.naming import Names
from convstep.explain.views import views_of
from convstep.network import load


class Run:
    def __init__(self, source):
        self.recording = Recording(load(source))
        self.names = Names(self.recording.graph)
        self.steps = self.recording.timeline.steps

    def step(self, writes, layer=None):
        return next(k for k, s in enumerate(self.steps) if s.writes == writes and s.node and layer in (None, s.layer))

    def views(self, step, element=None, term=None, order="gather"):
        state = State(self.recording, Place(0, step, element, term), order)
        found = views_of(state, self.names)
        return None if found is None else found[1]

    def recorded(self, step, element):
        kept, written = self.recording.iteration(0), self.steps[step]
        tensor = kept.given[step] if written.is_backward else kept.values[written.tensor]
        return float(tensor.reshape(-1)[element])


def agree(run, step, element):
    """All views give the recorded number, the stepwise ones term by term, and their cells hold what they add up."""
    views = run.views(step, element)
    first = views[0] if views else None
    for view in views:
        size = 1e-9 * (1 + float(np.abs(np.where(np.isfinite(view.parts), view.parts, 0)).sum()))
        assert view.value() == pytest.approx(run.recorded(step, element), abs=size, rel=1e-6, nan_ok=True), view.title
        if view.stepwise and first.stepwise:
            np.testing.assert_allclose(view.parts, first.parts, rtol=1e-9, atol=1e-9, err_msg=view.title)
        for sheet in view.sheets:
            size = int(np.prod(sheet.shape))
            real = sheet.terms[sheet.terms >= 0]
            assert (real < size).all()
            probe = np.unique(np.append(real, np.arange(min(size, 50))))
            values, status = sheet.cells(probe)
            assert values.shape == status.shape == probe.shape
            assert not len(real) or (sheet.cells(real)[1] != Status.PADDING).all(), "a term that was put in"
            assert all(isinstance(sheet.name(int(k)), str) for k in probe[:5])


def elements_of(run, step, data):
    size = int(np.prod(run.steps[step].shape))
    return data.draw(st.integers(0, size - 1))


@settings(max_examples=60, deadline=None)
@given(networks(4), st.data())
def test_all_views_of_random_networks_agree(source, data):
    run = Run(source)
    steps = [k for k, s in enumerate(run.steps) if s.node is not None]
    step = data.draw(st.sampled_from(steps))
    agree(run, step, elements_of(run, step, data))


GEOMETRIES = [
    {"kernel_size": 2, "stride": 2},
    {"kernel_size": 3, "stride": 2, "padding": 1},
    {"kernel_size": 3, "padding": 2, "dilation": 2, "groups": 2},
    {"kernel_size": [3, 1], "stride": [1, 3], "padding": [2, 0]},
    {"kernel_size": 1, "padding": 1},
    {"kernel_size": 2, "padding": "same", "bias": False},
]


def convolution(arguments):
    rng = np.random.default_rng(3)
    return {
        "name": "views",
        "inputs": {"x": rng.normal(size=(2, 2, 5, 6))},
        "layers": [{"name": "o", "op": "Conv2d", "out_channels": 4, **arguments}, {"name": "s", "op": "Tanh"}],
        "gradient": {"s": {"init": "normal", "shape": "SHAPE"}},
    }


@pytest.mark.parametrize("arguments", GEOMETRIES, ids=str)
@pytest.mark.parametrize("writes", ["o", "grad(o.weight)", "grad(x)"])
def test_convolutions_in_every_geometry(arguments, writes):
    source = convolution(arguments)
    source["layers"].append({"name": "C", "op": "Sum"})
    source["gradient"] = {"C": np.array(1.5)}
    source["layers"][-1]["inputs"] = ["s"]
    run = Run(source)
    step = run.step(writes)
    titles = {"o": "sliding window", "grad(o.weight)": "correlation", "grad(x)": "full convolution"}
    for element in range(0, int(np.prod(run.steps[step].shape)), 7):
        agree(run, step, element)
        assert {titles[writes], "im2col"} <= {view.title for view in run.views(step, element)}


def test_zeros_between_strides_are_marked():
    run = Run(convolution({"kernel_size": 2, "stride": 2}) | {"gradient": {"s": np.ones((2, 4, 2, 3))}})
    view = next(v for v in run.views(run.step("grad(x)"), 14) if v.title == "full convolution")
    spread = view.sheets[0]
    _, status = spread.cells(np.arange(int(np.prod(spread.shape[1:]))))
    real = (status == Status.DONE).reshape(spread.shape[1:])
    assert real.sum() == 6
    assert real[1::2, 1::2].sum() == 6
    assert "stride 2" in view.words


def test_the_turned_kernel_of_the_two_convolutions():
    run = Run(sample("two_conv"))
    view = next(v for v in run.views(run.step("grad(i)"), 4) if v.title == "full convolution")
    kernel = view.sheets[1]
    assert kernel.cells(np.arange(4))[0].tolist() == [-2, 3, 1, -1]
    assert view.value() == 24


def test_terms_that_are_still_to_come_are_blank():
    run = Run(sample("two_conv"))
    step = run.step("grad(o1.weight)")
    for view in run.views(step, 0, 1):
        assert view.value(2) == 48
        _, status = view.sheets[-1].cells(np.unique(view.sheets[-1].terms))
        assert (status != Status.DONE).any(), view.title
    scattered = next(v for v in run.views(step, 0, 1) if v.title == "scatter-add")
    assert scattered.sheets[2].cells(np.array([0]))[0].tolist() == [48]


@pytest.mark.parametrize(
    ("op", "more"),
    [
        ({"op": "CrossEntropyLoss"}, {}),
        ({"op": "CrossEntropyLoss", "label_smoothing": 0.2, "reduction": "sum"}, {}),
        ({"op": "CrossEntropyLoss", "weight": np.array([1.0, 2.0, 0.5]), "ignore_index": 1}, {}),
    ],
    ids=["plain", "smoothed", "weighted"],
)
def test_cross_entropy_both_ways(op, more):
    scores = np.array([[1.0, -0.5, 2.0], [0.0, 0.25, -1.0]])
    source = {
        "name": "ce",
        "inputs": {"x": scores, "labels": np.array([2, 0])},
        "layers": [{"name": "z", "op": "Tanh", "inputs": ["x"]}],
        "loss": {"name": "C", "inputs": ["z", "labels"], **op},
    }
    run = Run(source)
    step = run.step("grad(z)")
    for element in range(6):
        agree(run, step, element)
        assert [view.title for view in run.views(step, element)][-2:] == ["full Jacobian", "shortcut p − y"]


@pytest.mark.parametrize("op", ["BatchNorm1d", "LayerNorm"])
def test_norms_both_ways(op):
    x = np.random.default_rng(1).normal(size=(4, 3))
    more = {"normalized_shape": [3]} if op == "LayerNorm" else {}
    source = {
        "name": "norm",
        "inputs": {"x": x, "y": x[::-1] * 2},
        "layers": [{"name": "n", "op": op, "weight": np.array([1.0, -2.0, 0.5]), **more}],
        "loss": {"name": "C", "op": "MSELoss", "inputs": ["n", "y"], "reduction": "sum"},
    }
    run = Run(source)
    for element in range(12):
        agree(run, run.step("grad(x)"), element)
        assert {"three terms", "shortcut", "Jacobian"} <= {v.title for v in run.views(run.step("grad(x)"), element)}


def test_the_mask_of_a_maximum_with_overlapping_windows():
    source = {
        "name": "pool",
        "inputs": {"x": np.array([[[[1.0, 2, 0], [0, 5, 1], [3, 0, 4]]]]), "y": np.zeros((1, 1, 2, 2))},
        "layers": [{"name": "m", "op": "MaxPool2d", "kernel_size": 2, "stride": 1}],
        "loss": {"name": "C", "op": "MSELoss", "inputs": ["m", "y"], "reduction": "sum"},
    }
    run = Run(source)
    step = run.step("grad(x)")
    for element in range(9):
        agree(run, step, element)
    view = next(v for v in run.views(step, 4) if v.title == "mask")
    values, status = view.sheets[0].cells(np.arange(9))
    assert values.tolist() == [0, 0, 0, 0, 1, 0, 0, 0, 0]
    assert (status == Status.BLANK).tolist() == [True, True, True, True, False, False, True, False, False]
    assert view.value() == 40


def test_there_are_no_views_at_the_start_and_in_an_update():
    run = Run(sample("two_conv"))
    assert run.views(-1) is None
    assert run.views(len(run.steps) - 1) is None
