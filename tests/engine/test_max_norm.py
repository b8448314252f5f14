"""An embedding with `max_norm` shortens rows of its weight before it reads them, as torch does."""

import numpy as np
import pytest

import convstep

TABLE = np.array([[3.0, 4.0], [0.3, -0.4], [-6.0, 8.0], [0.0, 0.0]])
PICKED = np.array([[0, 1, 0], [3, 1, 0]])
TARGET = np.linspace(-1, 1, 12).reshape(2, 3, 2)


def source(**more):
    layer = {"name": "e", "op": "Embedding", "num_embeddings": 4, "embedding_dim": 2, "weight": TABLE, **more}
    loss = {"op": "MSELoss", "inputs": ["e", "y"], "reduction": "sum"}
    return {"inputs": {"x": PICKED, "y": TARGET}, "layers": [layer], "loss": loss}


def test_the_weight_is_shortened_where_it_was_picked():
    result = convstep.run(source(max_norm=1.0))
    np.testing.assert_allclose(result.values["e.weight"], [[0.6, 0.8], [0.3, -0.4], [-6.0, 8.0], [0.0, 0.0]], atol=1e-7)
    np.testing.assert_array_equal(result.params["e.weight"], result.values["e.weight"])
    np.testing.assert_array_equal(result.values["e"], result.values["e.weight"][PICKED])


@pytest.mark.parametrize("norm_type", [2.0, 1.0, 3.0, float("inf")])
def test_training_agrees_with_torch(norm_type):
    torch = pytest.importorskip("torch")
    optimizer = {"op": "SGD", "lr": 0.3, "momentum": 0.9}
    result = convstep.run({**source(max_norm=0.8, norm_type=norm_type), "optimizer": optimizer, "iterations": 3})
    module = torch.nn.Embedding(4, 2, max_norm=0.8, norm_type=norm_type).double()
    module.load_state_dict({"weight": torch.from_numpy(TABLE)})
    theirs, losses = torch.optim.SGD(module.parameters(), lr=0.3, momentum=0.9), []
    for _ in range(3):
        theirs.zero_grad()
        loss = torch.nn.MSELoss(reduction="sum")(module(torch.from_numpy(PICKED)), torch.from_numpy(TARGET))
        loss.backward()
        theirs.step()
        losses.append(loss.item())
    np.testing.assert_allclose(result.losses, losses, rtol=1e-12)
    np.testing.assert_allclose(result.grads["e.weight"], module.weight.grad.numpy(), rtol=1e-12)
    np.testing.assert_allclose(result.params["e.weight"], module.weight.detach().numpy(), rtol=1e-12)
