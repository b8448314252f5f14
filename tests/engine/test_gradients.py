"""Which gradients are complete by when, against looking through all operations."""

from hypothesis import given, settings
from networks import networks

from convstep.engine.timeline import Timeline
from convstep.network import load


@settings(max_examples=30)
@given(networks())
def test_what_is_complete_and_what_is_coming(source):
    graph = load(source)
    timeline = Timeline(graph)
    last = {f"grad({name})": -1 for name in ([graph.loss.name] if graph.loss else graph.seeds)}
    last.update({step.writes: k for k, step in enumerate(timeline.steps) if step.is_backward})
    gradients = timeline.gradients
    assert gradients.keys == tuple(last)
    assert [gradients.numbers[key] for key in last] == list(range(len(last)))
    for at in range(-1, len(timeline.steps)):
        done = sorted((key for key in last if last[key] <= at), key=lambda key: -last[key])
        assert [gradients.keys[k] for k in gradients.complete(at)] == done
        assert [gradients.keys[k] for k in gradients.coming(at)] == [key for key in last if last[key] > at]


@settings(max_examples=10)
@given(networks())
def test_phases_are_stretches_of_the_operations(source):
    timeline = Timeline(load(source))
    for k, step in enumerate(timeline.steps):
        assert k in timeline.phases[step.phase]
    assert sum(map(len, timeline.phases.values())) == len(timeline.steps)
