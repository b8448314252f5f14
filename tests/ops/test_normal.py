"""The normal distribution, to the last digits."""

import math

import numpy as np
import pytest

from convstep.ops.activation.normal import normal


def below(x):
    return np.array([math.erfc(-v * math.sqrt(0.5)) / 2 for v in np.asarray(x, dtype=np.float64)])


def test_as_the_standard_library_has_it():
    x = np.concatenate([np.linspace(-9, 9, 4001), np.linspace(-0.5, 0.5, 1001), [5e-324, 1e-300, 30.0]])
    np.testing.assert_allclose(normal(x)[0], below(x), rtol=3e-14, atol=0)
    np.testing.assert_allclose(normal(x)[0], below(x), rtol=0, atol=4e-16)
    np.testing.assert_allclose(normal(x)[1], np.exp(-x * x / 2), rtol=1e-15)


def test_far_out_it_is_small_and_not_gone():
    x = np.linspace(-37, -9, 501)
    np.testing.assert_allclose(normal(x)[0], below(x), rtol=5e-13, atol=0)


def test_in_single_precision():
    x = np.linspace(-9, 9, 20001, dtype=np.float32)
    made, bell = normal(x)
    assert made.dtype == bell.dtype == np.float32
    np.testing.assert_allclose(bell, np.exp(-(x.astype(np.float64) ** 2) / 2), rtol=6e-6, atol=0)
    np.testing.assert_allclose(x * made, x * below(x), rtol=2e-7, atol=2.5e-7)
    np.testing.assert_allclose(made, below(x), rtol=0, atol=1.5e-7)


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_at_the_ends(dtype):
    with np.errstate(all="ignore"):
        made, _ = normal(np.array([np.inf, -np.inf, 1e30, -1e30, -0.0, 0.0, np.nan], dtype=dtype))
    assert made[:6].tolist() == [1.0, 0.0, 1.0, 0.0, 0.5, 0.5]
    assert np.isnan(made[6])


def test_shapes_stay():
    assert normal(np.zeros((2, 0, 3)))[0].shape == (2, 0, 3)
    assert normal(np.ones((2, 1, 3))[::-1])[0].shape == (2, 1, 3)
