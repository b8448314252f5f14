"""Buffers and masks: given, loaded from a state dict, at their defaults; in train and eval mode."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import convstep
from convstep.errors import ConvstepError
from convstep.network import load
from convstep.network.graph import Graph

X = [[1.0, 5.0], [2.0, -1.0], [4.0, 3.0], [0.0, 2.0]]


def source(*layers: dict[str, Any], **more: Any) -> dict[str, Any]:
    return {"inputs": {"x": X}, "layers": list(layers), **more}


def norm(**more: Any) -> dict[str, Any]:
    return {"name": "bn", "op": "BatchNorm1d", **more}


STATE = {
    "bn.weight": np.array([1.0, 2.0]),
    "bn.bias": np.array([0.5, -0.5]),
    "bn.running_mean": np.array([1.5, 2.5]),
    "bn.running_var": np.array([4.0, 0.25]),
    "bn.num_batches_tracked": np.array(7),
}


def loaded(path: Path, leave_out: str = "", **changed: Any) -> Graph:
    arrays = {name: array for name, array in {**STATE, **changed}.items() if name != leave_out}
    np.savez(path / "state.npz", **arrays)
    return load(source(norm(), weights=str(path / "state.npz")))


def test_the_defaults_are_torchs() -> None:
    graph = load(source(norm()))
    assert graph.buffers["bn.running_mean"].tolist() == [0, 0]
    assert graph.buffers["bn.running_var"].tolist() == [1, 1]
    assert graph.buffers["bn.num_batches_tracked"].dtype == np.int64
    assert list(graph.parameters) == ["bn.weight", "bn.bias"]
    assert graph.layers[0].operands == ("x", *graph.parameters, *graph.buffers)


def test_given_buffers_are_read_in_eval_mode() -> None:
    layer = norm(running_mean={"value": [1, 2]}, running_var=[4.0, 9.0], affine=False, eps=0)
    made = convstep.run(source(layer, mode="eval"))
    assert made.values["bn"].tolist() == ((np.array(X) - [1, 2]) / [2, 3]).tolist()
    assert made.buffers["bn.running_mean"].tolist() == [1, 2]
    assert made.buffers["bn.num_batches_tracked"] == 0


def test_one_number_fills_a_buffer() -> None:
    assert load(source(norm(running_var={"value": 3}))).buffers["bn.running_var"].tolist() == [3, 3]


def test_training_moves_given_buffers() -> None:
    layer = norm(running_mean={"value": [1, 2]}, num_batches_tracked={"value": 4}, momentum=None)
    made = convstep.run(source(layer, iterations=2))
    # The average over all batches: the fifth, then the sixth.
    mean = np.mean(X, axis=0)
    expected = ((np.array([1.0, 2.0]) * 4 / 5 + mean / 5) * 5 + mean) / 6
    np.testing.assert_allclose(made.buffers["bn.running_mean"], expected, rtol=1e-15)
    assert made.buffers["bn.num_batches_tracked"] == 6


def test_a_state_dict_with_running_statistics(tmp_path: Path) -> None:
    graph = loaded(tmp_path)
    assert graph.buffers["bn.running_mean"].tolist() == [1.5, 2.5]
    assert graph.buffers["bn.num_batches_tracked"] == 7
    assert graph.parameters["bn.weight"].tolist() == [1, 2]


def test_a_large_count_is_exact_in_single_precision(tmp_path: Path) -> None:
    np.savez(tmp_path / "state.npz", **{**STATE, "bn.num_batches_tracked": np.array(2**24 + 1)})
    graph = load(source(norm(), dtype="float32", weights=str(tmp_path / "state.npz")))
    assert graph.buffers["bn.num_batches_tracked"] == 2**24 + 1
    assert graph.buffers["bn.running_mean"].dtype == np.float32


def test_a_state_dict_may_lack_the_count(tmp_path: Path) -> None:
    assert loaded(tmp_path, leave_out="bn.num_batches_tracked").buffers["bn.num_batches_tracked"] == 0


def test_a_state_dict_may_not_lack_a_statistic(tmp_path: Path) -> None:
    with pytest.raises(ConvstepError, match=r"lacks bn\.running_var"):
        loaded(tmp_path, leave_out="bn.running_var")


def test_a_statistic_of_another_shape(tmp_path: Path) -> None:
    with pytest.raises(ConvstepError, match=r"bn\.running_mean is \[3\]"):
        loaded(tmp_path, **{"bn.running_mean": np.zeros(3)})


def test_the_file_wins_over_the_state_dict(tmp_path: Path) -> None:
    np.savez(tmp_path / "state.npz", **STATE)
    graph = load(source(norm(running_mean=[8.0, 9.0]), weights=str(tmp_path / "state.npz")))
    assert graph.buffers["bn.running_mean"].tolist() == [8, 9]
    assert graph.buffers["bn.running_var"].tolist() == [4, 0.25]


def test_a_torch_state_dict(tmp_path: Path) -> None:
    torch = pytest.importorskip("torch")
    from safetensors.torch import save_file

    module = torch.nn.BatchNorm1d(2).double()
    module(torch.tensor(X, dtype=torch.float64))
    state = {f"bn.{name}": tensor for name, tensor in module.state_dict().items()}
    save_file(state, tmp_path / "state.safetensors")
    made = convstep.run(source(norm(), mode="eval", weights=str(tmp_path / "state.safetensors")))
    expected = module.eval()(torch.tensor(X, dtype=torch.float64)).detach().numpy()
    np.testing.assert_allclose(made.values["bn"], expected, rtol=1e-12)
    assert made.buffers["bn.num_batches_tracked"] == 1


@pytest.mark.parametrize(
    ("layer", "what"),
    [
        ("{name: a, op: BatchNorm1d, running_mean: b.running_mean}", "running_mean is a buffer, and only parameters"),
        ("{name: a, op: BatchNorm1d, track_running_stats: false, running_mean: [1, 2]}", "has no running_mean"),
        ("{name: a, op: BatchNorm1d, affine: false, weight: [1, 2]}", "has no weight"),
        ("{name: a, op: BatchNorm1d, running_var: [1, 2, 3]}", "running_var"),
        ("{name: a, op: BatchNorm1d, num_features: 3}", "num_features is 3, but the input has 2 channels"),
        ("{name: a, op: BatchNorm2d}", "takes an input (N, C, H, W), not [4, 2]"),
        ("{name: a, op: BatchNorm1d, eps: 0}", "eps takes a number above 0"),
        ("{name: a, op: Dropout, p: 1.5}", "p takes a number from 0 to 1"),
        ("{name: a, op: LayerNorm, normalized_shape: 3}", "normalized_shape is [3], but the input of shape [4, 2]"),
        ("{name: a, op: GroupNorm, num_groups: 3}", "num_groups: 3 does not divide num_channels = 2"),
        ("{name: a, op: AdaptiveAvgPool1d, output_size: 0}", "output_size takes a positive integer"),
        ("{name: a, op: LPPool1d, norm_type: 0, kernel_size: 2}", "norm_type takes a number other than 0"),
    ],
)
def test_mistakes_are_named_where_they_are(write: Callable[..., str], layer: str, what: str) -> None:
    file = write(f"inputs: {{x: {X}}}\nlayers:\n  - {layer}\n")
    with pytest.raises(ConvstepError) as error:
        load(file)
    assert str(error.value).startswith("net.yaml:3:")
    assert what in str(error.value)
    assert "\n" not in str(error.value)


def test_one_number_per_channel_is_refused_in_training_only() -> None:
    single = {"inputs": {"x": X[:1]}, "layers": [norm()]}
    with pytest.raises(ConvstepError, match="more than one number per channel in training"):
        load(single)
    assert load({**single, "mode": "eval"}).layers[0].op.output.shape == (1, 2)


def test_masks_are_drawn_in_training_only() -> None:
    drop = {"name": "d", "op": "Dropout"}
    made = convstep.run(source(drop, iterations=2))
    mask = made.values["d.mask"]
    assert set(mask.reshape(-1).tolist()) <= {0.0, 1.0}
    assert made.values["d"].tolist() == (np.array(X) * mask * 2).tolist()
    calm = convstep.run(source(drop, mode="eval"))
    assert "d.mask" not in calm.values
    assert calm.values["d"].tolist() == X


def test_masks_differ_from_iteration_to_iteration_and_follow_the_seed() -> None:
    wide = {"inputs": {"x": np.ones((4, 32))}, "layers": [{"name": "d", "op": "Dropout"}]}
    first, second = (convstep.run(wide, iterations=n).values["d.mask"] for n in (1, 2))
    assert (first != second).any()
    assert np.array_equal(first, convstep.run(wide).values["d.mask"])
    assert (first != convstep.run({**wide, "seed": 1}).values["d.mask"]).any()


def test_out_holds_buffers_and_masks(tmp_path: Path) -> None:
    drop = {"name": "d", "op": "Dropout2d", "p": 0.25}
    images = {
        "inputs": {"x": np.arange(48.0).reshape(2, 3, 2, 4)},
        "layers": [{"name": "bn", "op": "BatchNorm2d"}, drop],
    }
    arrays = convstep.run(images).arrays()
    assert arrays["values/d.mask"].shape == (2, 3, 1, 1)
    assert {name for name in arrays if name.startswith("buffers/")} == {
        "buffers/bn.running_mean",
        "buffers/bn.running_var",
        "buffers/bn.num_batches_tracked",
    }
    assert {name for name in arrays if name.startswith("params/")} == {"params/bn.weight", "params/bn.bias"}
