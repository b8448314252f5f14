"""Training with running statistics and masks agrees with torch, iteration by iteration."""

import numpy as np
import pytest

import convstep
from convstep.network import load

torch = pytest.importorskip("torch")

RNG = np.random.default_rng(0)
X, Y = RNG.normal(size=(10, 2, 5, 5)), RNG.normal(size=(10, 3))


def source(norm, drop, **more):
    layers = [
        {"name": "c", "op": "Conv2d", "out_channels": 4, "kernel_size": 2},
        {"name": "norm", **norm},
        {"name": "a", "op": "ReLU"},
        {"name": "drop", **drop},
        {"name": "p", "op": "AdaptiveAvgPool2d", "output_size": [3, 2]},
        {"name": "f", "op": "Flatten"},
        {"name": "l", "op": "Linear", "out_features": 3},
        {"name": "ln", "op": "LayerNorm", "normalized_shape": 3},
    ]
    training = {"optimizer": {"op": "SGD", "lr": 0.05, "momentum": 0.9}, "batch_size": 4, "iterations": 5}
    loss = {"op": "MSELoss", "inputs": ["ln", "y"]}
    return {"inputs": {"x": X, "y": Y}, "layers": layers, "loss": loss, **training, **more}


class Masked(torch.nn.Module):
    """Dropout with a mask that is given."""

    def __init__(self, p):
        super().__init__()
        self.p = p

    def forward(self, x):
        return x * self.mask / (1 - self.p) if self.training else x


def torch_net(norm, drop):
    arguments = {key: value for key, value in norm.items() if key != "op"}
    modules = {
        "c": torch.nn.Conv2d(2, 4, 2),
        "norm": getattr(torch.nn, norm["op"])(
            **{"num_features": 4, **arguments} if "Group" not in norm["op"] else arguments
        ),
        "a": torch.nn.ReLU(),
        "drop": Masked(drop["p"]),
        "p": torch.nn.AdaptiveAvgPool2d((3, 2)),
        "f": torch.nn.Flatten(),
        "l": torch.nn.Linear(24, 3),
        "ln": torch.nn.LayerNorm(3),
    }
    net = torch.nn.Sequential()
    for name, module in modules.items():
        net.add_module(name, module)
    return net.double()


NORMS = [
    {"op": "BatchNorm2d"},
    {"op": "BatchNorm2d", "momentum": None, "affine": False},
    {"op": "BatchNorm2d", "track_running_stats": False, "eps": 0.01},
    {"op": "InstanceNorm2d", "affine": True, "track_running_stats": True},
    {"op": "GroupNorm", "num_groups": 2, "num_channels": 4},
]


@pytest.mark.parametrize("mode", ["train", "eval"])
@pytest.mark.parametrize("drop", [{"op": "Dropout2d", "p": 0.3}, {"op": "Dropout", "p": 0.5}], ids=lambda d: d["op"])
@pytest.mark.parametrize("norm", NORMS, ids=lambda n: "-".join(map(str, n.values())))
def test_training(norm, drop, mode):
    net, written = torch_net(norm, drop), source(norm, drop, mode=mode)
    graph = load(written)
    start = {**graph.parameters, **graph.buffers}
    net.load_state_dict({name: torch.from_numpy(array.copy()) for name, array in start.items()})
    net.train(mode == "train")
    optimizer = torch.optim.SGD(net.parameters(), lr=0.05, momentum=0.9)
    losses = []
    for k in range(5):
        rows = (4 * k + np.arange(4)) % 10
        now = convstep.run(written, iterations=k + 1)
        if mode == "train":
            net.drop.mask = torch.from_numpy(now.values["drop.mask"])
        optimizer.zero_grad()
        loss = torch.nn.MSELoss()(net(torch.from_numpy(X[rows])), torch.from_numpy(Y[rows]))
        loss.backward()
        losses.append(loss.item())
        for name, parameter in net.named_parameters():
            np.testing.assert_allclose(now.grads[name], parameter.grad.numpy(), rtol=1e-10, atol=1e-10)
        optimizer.step()
        np.testing.assert_allclose(now.losses, losses, rtol=1e-10, atol=1e-10)
        for name, parameter in net.named_parameters():
            np.testing.assert_allclose(now.params[name], parameter.detach().numpy(), rtol=1e-10, atol=1e-10)
        assert set(now.buffers) == {name for name, _ in net.named_buffers()}
        for name, buffer in net.named_buffers():
            np.testing.assert_allclose(now.buffers[name], buffer.numpy(), rtol=1e-10, atol=1e-10)


@pytest.mark.parametrize("drop", ["Dropout", "Dropout1d", "Dropout2d"])
@pytest.mark.parametrize("p", [0.0, 0.3, 1.0])
def test_dropout_keeps_and_scales_as_torchs(drop, p):
    x = torch.from_numpy(RNG.normal(size=(3, 4, 5) if drop == "Dropout1d" else (3, 4, 5, 2)))
    kept = getattr(torch.nn, drop)(p)(x)
    mine = convstep.run({"inputs": {"x": x.numpy()}, "layers": [{"name": "d", "op": drop, "p": p}]})
    mask = np.broadcast_to(mine.values["d.mask"], x.shape)
    assert mine.values["d.mask"].shape == (x.shape if drop == "Dropout" else (3, 4, *(1 for _ in x.shape[2:])))
    scale = 0 if p == 1 else 1 / (1 - p)
    np.testing.assert_allclose(mine.values["d"], x.numpy() * mask * scale, rtol=1e-12)
    np.testing.assert_allclose(kept.numpy(), x.numpy() * (kept != 0).numpy() * scale, rtol=1e-12)
