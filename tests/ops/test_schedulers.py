"""Schedulers: the learning rate of each iteration is torch's, and an update speaks of it."""

import json
from itertools import islice

import numpy as np
import pytest
from torch_schedulers import ANSWERS, CASES, ITERATIONS, LR, answers, key

import convstep
from convstep.cli import main
from convstep.ops.registry import SCHEDULERS

EVERY_CASE = pytest.mark.parametrize(("name", "arguments"), CASES, ids=[key(*case) for case in CASES])


def network(**sections):
    return {
        "inputs": {"x": [[1.0, -2.0], [0.5, 3.0]], "y": [[1.0], [-1.0]]},
        "layers": [{"name": "f", "op": "Linear", "out_features": 1, "weight": [0.5, -0.25], "bias": [0.1]}],
        "loss": {"name": "C", "op": "MSELoss", "inputs": ["f", "y"]},
        **sections,
    }


def rates(name, arguments):
    return list(islice(SCHEDULERS[name](**arguments).rates(LR), ITERATIONS))


@EVERY_CASE
def test_rates_are_torchs_to_the_last_digit(name, arguments):
    with np.load(ANSWERS) as stored:
        assert rates(name, arguments) == stored[key(name, arguments)].tolist()


@EVERY_CASE
def test_stored_answers_are_torchs(name, arguments):
    pytest.importorskip("torch")
    assert rates(name, arguments) == answers(name, arguments)


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


def test_a_rate_beyond_all_numbers_is_infinite():
    scheduler = SCHEDULERS["MultiStepLR"](milestones=[1, 1, 1], gamma=-1e200)
    assert list(islice(scheduler.rates(LR), 3)) == [LR, -np.inf, -np.inf]


WORDS = {
    "StepLR-step_size=3": "lr is multiplied by 0.1 every 3 iterations",
    "MultiStepLR-milestones=[2,3,30]": "lr is multiplied by 0.1 at iteration 2, 3, 30",
    "ConstantLR": "lr is multiplied by 0.333333 in the first 5 iterations",
    "ConstantLR-factor=0.7-total_iters=1": "lr is multiplied by 0.7 in the first iteration",
    "LinearLR": "lr is multiplied by a factor that goes evenly from 0.333333 to 1 over 5 iterations",
    "ExponentialLR-gamma=0.9": "lr is multiplied by 0.9 every iteration",
    "PolynomialLR": "lr falls to 0 over 5 iterations, as (1 − iteration/5)",
    "PolynomialLR-total_iters=40-power=1.7": "lr falls to 0 over 40 iterations, as (1 − iteration/40)^1.7",
    "CosineAnnealingLR-T_max=4": "lr follows half a cosine down to 0 over 4 iterations",
    "CosineAnnealingLR-T_max=1-eta_min=0.1": "lr follows half a cosine down to 0.1 over 1 iteration",
    "CosineAnnealingWarmRestarts-T_0=5": "lr follows half a cosine down to 0 over 5 iterations, again and again",
    "CosineAnnealingWarmRestarts-T_0=3-T_mult=2-eta_min=0.01": (
        "lr follows half a cosine down to 0.01 over 3 iterations, again and again, each time 2 times as long"
    ),
}


def test_every_rule_has_words():
    said = {key(name, arguments): SCHEDULERS[name](**arguments).tell() for name, arguments in CASES}
    assert {case: said[case] for case in WORDS} == WORDS
    assert {name for name, _ in CASES} == set(SCHEDULERS)


def test_many_milestones_are_told_shortly():
    milestones = SCHEDULERS["MultiStepLR"](milestones=[1000, 2, 5, 7, 6])
    assert milestones.tell() == "lr is multiplied by 0.1 at iteration 2, 5, …, 1,000"


@pytest.mark.parametrize(
    ("scheduler", "column", "message"),
    [
        ("{op: ConstantLR, factor: 0}", 37, "factor takes a number above 0, at most 1, not 0"),
        ("{op: LinearLR, start_factor: 1.5}", 41, "start_factor takes a number above 0, at most 1, not 1.5"),
        ("{op: LinearLR, end_factor: -1}", 39, "end_factor takes a number from 0 to 1, not -1"),
        ("{op: CosineAnnealingLR, T_max: 0}", 43, "T_max takes a positive integer, not 0"),
        ("{op: MultiStepLR, milestones: [a]}", 42, "milestones takes a list of integers, not ['a']"),
        ("{op: MultiStepLR}", 12, "MultiStepLR needs `milestones`"),
    ],
)
def test_bad_arguments(tmp_path, scheduler, column, message):
    file = tmp_path / "net.yaml"
    file.write_text(
        f"inputs: {{x: [[1]]}}\nlayers: [{{op: Identity, name: a}}]\nscheduler: {scheduler}\noptimizer: {{op: SGD}}\n"
    )
    with pytest.raises(convstep.ConvstepError) as error:
        convstep.run(file)
    assert str(error.value) == f"{file}:3:{column}: {message}"
