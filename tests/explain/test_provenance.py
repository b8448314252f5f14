"""What a number was made from and what it feeds: the same ties, seen from both ends."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from networks import networks, sample

from convstep.engine.recording import Recording
from convstep.explain.naming import Names
from convstep.explain.provenance.provenance import Address, Origins
from convstep.explain.provenance.uses import feeds
from convstep.network import load


class Run:
    """The origins of every iteration of a network."""

    def __init__(self, source):
        self.recording = Recording(load(source))
        self.names = Names(self.recording.graph)
        self._origins = {}

    def origins(self, iteration):
        if iteration not in self._origins:
            self._origins[iteration] = Origins(self.recording, self.names, iteration)
        return self._origins[iteration]

    def keys(self, iteration):
        kept = self.recording.iteration(iteration)
        return [
            *kept.values,
            *(f"grad({name})" for name in kept.grads),
            *(f"new({name})" for name in kept.updates),
            *(f"{name}.{part}" for name, update in kept.updates.items() for part in update.state),
        ]

    def made_from(self, address):
        return self.origins(address.iteration).made_from(address.key, address.index)

    def feeds(self, address):
        return feeds(self.origins(address.iteration), address.key, address.index)


def ends(groups):
    """(role, layer, address) of every tie."""
    return {(group.role, group.layer, group.address(k)) for group in groups for k in range(group.count)}


def both_ways(run, address):
    for group in run.made_from(address):
        for k in sorted({0, group.count // 2, group.count - 1} & set(range(group.count))):
            back = ends(run.feeds(group.address(k)))
            assert (group.role, group.layer, address) in back, (address, "was made from", group.address(k), group.role)
    for group in run.feeds(address):
        for k in sorted({0, group.count // 2, group.count - 1} & set(range(group.count))):
            back = ends(run.made_from(group.address(k)))
            assert (group.role, group.layer, address) in back, (address, "feeds", group.address(k), group.role)


@settings(max_examples=60, deadline=None)
@given(networks(), st.data())
def test_ties_of_random_networks_lead_both_ways(source, data):
    run = Run(source)
    iteration = data.draw(st.integers(0, run.recording.graph.iterations - 1))
    key = data.draw(st.sampled_from(run.keys(iteration)))
    size = run.origins(iteration).formulas.tensor(key).size
    both_ways(run, Address(iteration, key, data.draw(st.integers(0, size - 1))))


RICH = {
    "name": "rich",
    "inputs": {"x": np.arange(12.0).reshape(4, 3) % 5 - 2, "labels": np.array([0, 2, 1, 2])},
    "layers": [
        {"name": "norm", "op": "BatchNorm1d"},
        {"name": "hidden", "op": "Linear", "out_features": 3},
        {"name": "dropped", "op": "Dropout", "p": 0.5},
        {"name": "again", "op": "Linear", "out_features": 3, "weight": "hidden.weight", "bias": False},
        {"name": "shares", "op": "Softmax", "dim": 1},
        {"name": "both", "op": "Mul", "inputs": ["shares", "dropped"]},
    ],
    "loss": {"name": "C", "op": "CrossEntropyLoss", "inputs": ["both", "labels"]},
    "optimizer": {"op": "Adam", "lr": 0.1},
    "iterations": 2,
}


@pytest.mark.parametrize("source", [RICH, sample("two_conv"), sample("conv_pool_sigmoid")], ids=str)
def test_ties_lead_both_ways_for_every_number(source):
    run = Run(source)
    for iteration in range(run.recording.graph.iterations):
        for key in run.keys(iteration):
            for index in range(min(run.origins(iteration).formulas.tensor(key).size, 12)):
                both_ways(run, Address(iteration, key, index))


def test_a_gradient_element_of_the_two_convolutions():
    run = Run(sample("two_conv"))
    upstream, local = run.made_from(Address(0, "grad(o1.weight)", 0))
    assert (upstream.role, upstream.key, upstream.index.tolist()) == ("upstream", "grad(o1)", [0, 1, 2, 3])
    assert upstream.amounts.tolist() == [12, 36, -48, -30]
    assert upstream.largest(2).tolist() == [2, 1]
    assert (local.role, local.key, local.values.tolist()) == ("local", "i", [1, 2, 4, 5])


def test_what_a_weight_feeds():
    run = Run(sample("two_conv"))
    groups = run.feeds(Address(0, "o1.weight", 0))
    assert [(g.role, g.key, g.count) for g in groups] == [
        ("operand", "o1", 4),
        ("local", "grad(i)", 4),
        ("update", "new(o1.weight)", 1),
    ]
    assert groups[0].amounts.tolist() == [-1, -2, -4, -5]


def test_an_update_lacks_the_step_without_its_gradient():
    run = Run(sample("two_conv"))
    parts = {group.key: group.amounts[0] for group in run.made_from(Address(0, "new(o1.weight)", 0))}
    assert parts == {"o1.weight": -1.0, "grad(o1.weight)": 3.0}


def test_the_step_that_wrote_a_number():
    run = Run(RICH)
    origins, steps = run.origins(1), run.recording.timeline.steps
    wrote = {key: origins.writer(key, 1) for key in ("both", "grad(hidden.weight)", "hidden.weight", "x", "labels")}
    assert steps[wrote["both"].step].writes == "both"
    # A shared weight is finished by its first user, the last one on the way back.
    assert steps[wrote["grad(hidden.weight)"].step].layer == "hidden"
    assert wrote["hidden.weight"].iteration == 0
    assert steps[wrote["hidden.weight"].step].phase == "update"
    assert wrote["x"] is wrote["labels"] is None
    assert run.origins(0).writer("hidden.weight", 1) is None
