"""Training as a whole: each iteration's loss, learning rate and gradient, and the ways into an iteration."""

import math

import numpy as np
import pytest
from networks import sample

from convstep.debugger import goto
from convstep.debugger.opening import open_session
from convstep.debugger.session import Session
from convstep.debugger.training import Course, Point, courses
from convstep.debugger.whatif.edits import read_edit
from convstep.engine.recording import Recording
from convstep.engine.work import Cancelled, Work
from convstep.network import load


def test_each_iteration_is_as_it_was_recorded():
    recording = Recording(load(sample("digits")))
    course = Course(recording)
    course.run()
    assert course.complete
    for k in (0, 17, 59):
        iteration = recording.iteration(k)
        grads = [iteration.grads[name] for name in recording.graph.parameters]
        point = course.points[k]
        assert point.loss == float(iteration.values["loss"]) == recording.losses[k]
        assert point.rate == 0.1
        assert point.norm == pytest.approx(math.sqrt(sum(float((g**2).sum()) for g in grads)))


def test_the_rate_is_the_schedulers():
    net = {
        "inputs": {"x": np.ones((1, 2)), "y": np.ones((1, 2))},
        "layers": [{"name": "fc", "op": "Linear", "out_features": 2}],
        "loss": {"op": "MSELoss", "inputs": ["fc", "y"]},
        "optimizer": {"op": "SGD", "lr": 1.0},
        "scheduler": {"op": "StepLR", "step_size": 2},
        "iterations": 4,
    }
    course = Course(Recording(load(net)))
    course.run()
    assert [course.points[k].rate for k in range(4)] == pytest.approx([1, 1, 0.1, 0.1])


def test_without_a_loss_the_height_is_the_gradients():
    net = {
        "inputs": {"x": np.array([[3.0, 4.0]])},
        "layers": [{"name": "fc", "op": "Linear", "out_features": 1, "bias": False}],
        "gradient": {"fc": np.array([[2.0]])},
    }
    course = Course(Recording(load(net)))
    assert np.isnan(course.heights()).all()
    course.run()
    assert course.points[0].loss is None and course.points[0].rate is None
    assert course.heights().tolist() == [10]


def test_a_loss_that_is_no_number_is_told_from_one_that_was_not_run():
    course = Course(Recording(load(sample("digits"))))
    course.points = {0: Point(1.0, 0.1, 1.0), 1: Point(math.nan, 0.1, math.nan), 2: Point(-math.inf, 0.1, 1.0)}
    heights = course.heights()
    assert heights[:3].tolist() == [1, math.inf, math.inf]
    assert np.isnan(heights[3:]).all()


class GivenUp(Work):
    """Given up once so many iterations were reported."""

    def __init__(self, after):
        self.left = after

    def report(self, text, share=None):
        self.left -= 1

    def check(self):
        if self.left < 0:
            raise Cancelled


def test_what_was_run_before_it_was_given_up_stays():
    course = Course(Recording(load(sample("digits"))))
    with pytest.raises(Cancelled):
        course.run(GivenUp(7))
    assert sorted(course.points) == list(range(7))
    course.run()
    assert course.complete


def test_an_iteration_is_entered_at_the_same_step():
    session = open_session(sample("digits"))
    session.go("iteration 3")
    session.go("grad(conv1.weight)[0,0,1,1]")
    step, element = session.place.step, session.place.element
    session.go_to_iteration(40)
    assert (session.place.iteration, session.place.step, session.place.element) == (40, step, element)
    session.back()
    assert session.place.iteration == 3
    session.home()
    session.go_to_iteration(2)
    assert (session.place.iteration, session.place.step) == (2, 0)


@pytest.mark.parametrize("order", ["gather", "scatter"])
def test_a_gradient_leads_to_the_step_that_made_it(order):
    session = open_session(sample("digits"))
    if order == "scatter":
        session.go("grad(fc2.weight)[0,0]")
        session.switch_order()
    recording, names = session.recording, session.names
    message = session.land(goto.gradient(recording, names, session.spot, 12, "fc2.weight", 3))
    assert message == "grad(fc2.weight)[0,3] of iteration 12 came from here"
    state = session.state()
    assert (session.place.iteration, state.step.writes) == (12, "grad(fc2.weight)")
    assert session.spot.level == "element"


def test_courses_are_kept_until_another_run_is_looked_at():
    session = Session(Recording(load(sample("digits"))))
    (course,) = courses(session)
    assert courses(session)[0] is course
    edit = read_edit("lr = 0.01", session.graph, session.names, session.recording.iteration(0))
    session.adopt(session.trial.with_edit(edit))
    edited, original = courses(session)
    assert original is course and edited.recording is session.recording
