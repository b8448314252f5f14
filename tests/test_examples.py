"""Worked examples that others have printed on the web: their numbers, digit for digit."""

from pathlib import Path

import numpy as np
import pytest

import convstep

EXAMPLES = Path(__file__).parent / "examples"


def printed(numbers):
    """Numbers as a page prints them, each with half a unit of its last digit as its tolerance."""
    for text in numbers.split():
        decimals = len(text.partition(".")[2])
        yield float(text), 0.5000001 * 10.0**-decimals


def agrees(array, numbers):
    pairs = list(printed(numbers))
    assert np.size(array) == len(pairs)
    for actual, (expected, tolerance) in zip(np.ravel(array), pairs, strict=True):
        assert abs(actual - expected) <= tolerance, (actual, expected)


def test_the_2_2_2_perceptron():
    run = convstep.run(EXAMPLES / "perceptron_2_2_2.yaml")
    agrees(run.values["net_h"][0, 0], "0.3775")
    agrees(run.values["out_h"], "0.593269992 0.596884378")
    agrees(run.values["net_o"][0, 0], "1.105905967")
    agrees(run.values["out_o"], "0.75136507 0.772928465")
    agrees(run.losses, "0.298371109")
    agrees(run.grads["output.weight"][0, 0], "0.082167041")
    agrees(run.grads["hidden.weight"][0, 0], "0.000438568")
    agrees(run.params["output.weight"], "0.35891648 0.408666186 0.511301270 0.561370121")
    agrees(run.params["hidden.weight"], "0.149780716 0.19956143 0.24975114 0.29950229")


def test_the_2_2_2_perceptron_after_10000_rounds():
    agrees(convstep.run(EXAMPLES / "perceptron_2_2_2.yaml", iterations=10000).losses[-1], "0.0000351085")


def test_convolution_pool_and_sigmoid():
    run = convstep.run(EXAMPLES / "conv_pool_sigmoid.yaml")
    np.testing.assert_allclose(run.values["s"].ravel(), [0.58, 0.57, 0.65, 0.55], rtol=1e-14)
    agrees(run.grads["pool"], "0.0364182 0.068628 0.04675125 -0.06818625")
    # The page goes on: what the maximum pool filtered out gets 0.
    assert np.count_nonzero(run.grads["conv"]) == 4
    winners = run.grads["conv"][0, 0][[0, 0, 3, 2], [1, 3, 0, 2]]
    agrees(winners, "0.0364182 0.068628 0.04675125 -0.06818625")


def test_a_filter_is_updated_through_a_relu():
    run = convstep.run(EXAMPLES / "filter_update.yaml")
    assert run.values["out"].ravel().tolist() == [3, 0, -2, 1]
    assert run.values["relu"].ravel().tolist() == [3, 0, 0, 1]
    assert run.grads["out.weight"].ravel().tolist() == [-2, 2, 0, -2]
    assert run.params["out.weight"].ravel().tolist() == [2, -2, 1, 2]


@pytest.mark.parametrize("name", [path.stem for path in sorted(EXAMPLES.glob("*.yaml"))])
def test_every_printed_example_says_where_it_is_from(name):
    assert "https://" in "".join((EXAMPLES / f"{name}.yaml").read_text().splitlines()[:3])
