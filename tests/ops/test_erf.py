"""The error function, to the last digits."""

import math

import numpy as np
import pytest

from convstep.ops.erf import erf


def test_as_the_standard_library_has_it():
    x = np.concatenate([np.linspace(-7, 7, 4001), np.linspace(-0.5, 0.5, 1001), [5e-324, 1e-300, 1e300]])
    np.testing.assert_allclose(erf(x), [math.erf(v) for v in x], rtol=1e-15, atol=0)


@pytest.mark.filterwarnings("error")
def test_at_the_ends():
    values = erf(np.array([np.inf, -np.inf, -0.0, np.nan]))
    assert values[:3].tolist() == [1.0, -1.0, 0.0]
    assert math.copysign(1, values[2]) == -1
    assert np.isnan(values[3])


def test_shape_and_dtype_stay():
    assert erf(np.array(0.5)).shape == ()
    assert erf(np.zeros((0, 3))).shape == (0, 3)
    x = np.linspace(-3, 3, 20000, dtype=np.float32).reshape(2, -1, 4)[::-1]
    assert erf(x).dtype == np.float32
    np.testing.assert_allclose(erf(x), erf(x.astype(np.float64)), rtol=1e-7)
