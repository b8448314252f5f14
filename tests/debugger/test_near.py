"""Sums that come near a number: found part by part, and the same as by adding up every term."""

import numpy as np
import pytest

from convstep.debugger.stops import near
from convstep.debugger.stops.along import Along
from convstep.debugger.stops.intervals import Interval
from convstep.debugger.stops.near import Near
from convstep.debugger.stops.needles import Needle, needles
from convstep.ops.bounded import Course
from convstep.ops.factors import of_matrices


def no_check():
    pass


def within(sums, wanted):
    return np.any([np.abs(sums - needle.middle) <= needle.half for needle in wanted], axis=0).any(axis=-1).reshape(-1)


@pytest.mark.parametrize("few", [0, 256])
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("shape", [(2, 3, 130, 300), (1, 70, 5, 65), (1, 1, 900, 8), (3, 2, 2, 1), (1, 9, 600, 200)])
@pytest.mark.parametrize("scale", [1.0, 1e-30, 1e12])
def test_factors(monkeypatch, shape, dtype, few, scale):
    monkeypatch.setattr(near, "_FEW", few)
    stacks, rows, columns, terms = shape
    random = np.random.default_rng(terms)
    left = (scale * random.normal(size=(stacks, rows, terms))).astype(dtype)
    right = random.normal(size=(stacks, columns, terms)).clip(0).astype(dtype)
    sums = np.add.accumulate(left[:, :, None].astype(float) * right[:, None], axis=3)
    room = 1e-11 * float(np.abs(sums).max())
    for half in (0.0, 1e-9 * scale, 0.3 * scale, 5 * scale):
        picked = random.choice(sums.reshape(-1), 3)
        for sought in ([Needle(picked[0], half)], [Needle(picked[1], half), Needle(picked[2] * (1 + 1e-6), half)]):
            wanted = random.random(sums[..., 0].size) < 0.9
            found = Near(of_matrices(left, right), sought, room, wanted, no_check).elements()
            assert (np.diff(found) > 0).all()
            assert {*np.flatnonzero(within(sums, sought) & wanted)} <= {*found}
            loose = [Needle(each.middle, each.half + 2 * room) for each in sought]
            assert {*found} <= {*np.flatnonzero(within(sums, loose) & wanted)}


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("half", [0.0, 1e-9, 0.1])
def test_products(dtype, half):
    random = np.random.default_rng(1)
    left = random.normal(size=(2, 70, 20)).astype(dtype)
    right = random.normal(size=(2, 5, 20)).clip(0).astype(dtype)
    products = left[:, :, None].astype(float) * right[:, None]
    wanted = random.random(products[..., 0].size) < 0.9
    for picked in random.choice(products[products != 0], 5):
        sought = [Needle(float(picked), half), Needle(99.0, half)]
        found = Near(of_matrices(left, right), sought, 1e-15, wanted, no_check, alone=True).elements()
        assert {*np.flatnonzero(within(products, sought) & wanted)} <= {*found}
        assert {*found} <= {*np.flatnonzero(within(products, [Needle(picked, half + 1e-14)]) & wanted)}


@pytest.mark.parametrize("size", [1, 15, 16, 300])
@pytest.mark.parametrize("half", [0.0, 1e-9, 0.1])
def test_a_course(size, half):
    random = np.random.default_rng(size)
    elements = 7 * np.flatnonzero(random.random(size) < 0.8)
    at = elements // 7
    steps = random.normal(size=(2, size)) / size
    course = Course(elements, random.normal(size=(len(at), 2)), np.add.accumulate(steps, axis=1), at / size, at)
    own = np.where(np.arange(size) >= at[:, None], course.own[:, None], 0.0)
    sums = course.rates @ course.drift + own
    for picked in random.choice(sums.reshape(-1), 5) if sums.size else ():
        sought = [Needle(float(picked), half), Needle(99.0, half)]
        found = Along(course, sought, 1e-12, no_check).elements()
        assert {*elements[within(sums, sought)]} <= {*found}
        assert {*found} <= {*elements[within(sums, [Needle(picked, half + 1e-11)])]}


@pytest.mark.parametrize(
    ("may", "ends"),
    [
        (lambda x: (x.low <= 0.731) & (x.high >= 0.731), [(0.731, 0.731)]),
        (lambda x: x.high > 3, [(3, 100)]),
        (lambda x: x.low < -3, [(-100, -3)]),
        (lambda x: (x.low <= 2) & (x.high >= 2) | (x.low <= -2) & (x.high >= -2), [(-2, -2), (2, 2)]),
        (lambda x: (x.low <= 0.5) & (x.high >= 0.25) | (x.high >= 99), [(0.25, 0.5), (99, 100)]),
        (lambda x: x.low > x.high, []),
        (lambda x: x.low <= x.high, [(-100, 100)]),
    ],
)
def test_where_it_might_hold(may, ends):
    found = needles(may, 100.0)
    assert len(found) == len(ends)
    for needle, (low, high) in zip(found, ends, strict=True):
        assert needle.middle - needle.half <= low and needle.middle + needle.half >= high
        assert 2 * needle.half <= high - low + 1e-6


def test_many_places_are_a_few_needles():
    def may(each: Interval):
        return np.floor(each.low) != np.floor(each.high)

    found = needles(may, 100.5)
    assert 0 < len(found) <= 8
    for number in range(-100, 101):
        assert any(abs(number - each.middle) <= each.half for each in found)
