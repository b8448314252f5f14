"""Schedulers: the learning rate of each iteration is torch's, and an update speaks of it."""

import json

import numpy as np
import pytest

import convstep
from convstep.cli import main
from convstep.ops.registry import SCHEDULERS

CASES = [
    ("StepLR", {"step_size": 3}),
    ("StepLR", {"step_size": 1, "gamma": 0.5}),
    ("CosineAnnealingLR", {"T_max": 7, "eta_min": 0.01}),
    ("CosineAnnealingLR", {"T_max": 4}),
]
EVERY_CASE = pytest.mark.parametrize(("name", "arguments"), CASES, ids=[f"{n}-{a}" for n, a in CASES])


def network(**sections):
    return {
        "inputs": {"x": [[1.0, -2.0], [0.5, 3.0]], "y": [[1.0], [-1.0]]},
        "layers": [{"name": "f", "op": "Linear", "out_features": 1, "weight": [0.5, -0.25], "bias": [0.1]}],
        "loss": {"name": "C", "op": "MSELoss", "inputs": ["f", "y"]},
        **sections,
    }


@EVERY_CASE
def test_rates_are_torchs(name, arguments):
    torch = pytest.importorskip("torch")
    optimizer = torch.optim.SGD([torch.nn.Parameter(torch.zeros(1))], lr=0.7)
    theirs = getattr(torch.optim.lr_scheduler, name)(optimizer, **arguments)
    ours = SCHEDULERS[name](**arguments)
    for iteration in range(20):
        assert ours.rate(0.7, iteration) == pytest.approx(optimizer.param_groups[0]["lr"], rel=1e-12, abs=1e-14)
        optimizer.step()
        theirs.step()


@EVERY_CASE
def test_training_is_torchs(name, arguments):
    torch = pytest.importorskip("torch")
    sections = {"optimizer": {"op": "Adam", "lr": 0.3}, "scheduler": {"op": name, **arguments}, "iterations": 9}
    run = convstep.run(network(**sections))
    model = torch.nn.Linear(2, 1, dtype=torch.float64)
    model.load_state_dict({"weight": torch.tensor([[0.5, -0.25]]), "bias": torch.tensor([0.1], dtype=torch.float64)})
    x, y = (torch.tensor(network()["inputs"][key], dtype=torch.float64) for key in "xy")
    optimizer = torch.optim.Adam(model.parameters(), lr=0.3)
    scheduler = getattr(torch.optim.lr_scheduler, name)(optimizer, **arguments)
    losses = []
    for _ in range(9):
        loss = torch.nn.functional.mse_loss(model(x), y)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        scheduler.step()
        losses.append(loss.item())
    np.testing.assert_allclose(run.losses, losses, rtol=1e-10)
    np.testing.assert_allclose(run.params["f.weight"], model.weight.detach().numpy(), rtol=1e-10)
    np.testing.assert_allclose(run.params["f.bias"], model.bias.detach().numpy(), rtol=1e-10)


def test_an_update_speaks_of_its_rate_and_of_the_scheduler(tmp_path, capsys):
    sections = {
        "optimizer": {"op": "SGD", "lr": 0.8},
        "scheduler": {"op": "StepLR", "step_size": 1, "gamma": 0.5},
        "iterations": 3,
    }
    file = tmp_path / "net.json"
    file.write_text(json.dumps(network(**sections)))
    with pytest.raises(SystemExit) as ended:
        main(["trace", str(file), "--text"])
    assert not ended.value.code
    spoken = [line for line in capsys.readouterr().out.splitlines() if line.startswith("SGD moves f.bias")]
    assert [line.partition("lr = ")[2][:3] for line in spoken] == ["0.8", "0.4", "0.2"]
    assert all(line.endswith("By StepLR, lr is multiplied by 0.5 every iteration.") for line in spoken)
