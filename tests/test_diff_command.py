"""`convstep diff`: names, precisions, report, exit status, one line for bad input."""

import json
import shlex

import numpy as np
import pytest
from networks import sample

import convstep
from convstep.cli import main
from convstep.debugger.opening import open_session

TWO_CONV = sample("two_conv")
GRADS = convstep.run(TWO_CONV, 1).grads
W1 = GRADS["o1.weight"]


@pytest.fixture
def diff(capsys, tmp_path):
    """Runs `convstep diff` on two_conv, or another file, with these arrays: exit status, output, errors."""

    def run(arrays, *options, file=TWO_CONV):
        mine = arrays
        if isinstance(arrays, dict):
            mine = tmp_path / "mine.npz"
            np.savez(mine, **arrays)
        with pytest.raises(SystemExit) as exited:
            main(["diff", str(file), str(mine), *options])
        captured = capsys.readouterr()
        return exited.value.code or 0, captured.out, captured.err

    return run


def test_json_is_as_the_contract_has_it(diff):
    status, out, err = diff({"w1": [[12, 16], [24, 28]], "o2.weight": GRADS["o2.weight"], "o1": GRADS["o1"]}, "--json")
    assert (status, err) == (1, "")
    assert json.loads(out) == {
        "gradients": [
            {
                "name": "o1.weight",
                "max_abs_error": 42.0,
                "ok": False,
                "mistakes": [{"code": "missing-upstream", "at": "o1"}],
            },
            {"name": "o2.weight", "max_abs_error": 0.0, "ok": True, "mistakes": []},
            {"name": "o1", "max_abs_error": 0.0, "ok": True, "mistakes": []},
        ],
        "right_down_to": "o1",
        "ok": False,
    }


@pytest.mark.parametrize(
    "name", ["w1", "o1.weight", "grads/o1.weight", "grad(o1.weight)", "grad(w1)", "o1.weight.grad"]
)
def test_every_name_of_a_gradient(diff, name):
    status, out, _ = diff({name: W1}, "--json")
    assert status == 0
    assert json.loads(out) == {
        "gradients": [{"name": "o1.weight", "max_abs_error": 0.0, "ok": True, "mistakes": []}],
        "right_down_to": "o1.weight",
        "ok": True,
    }


def test_own_names_are_mapped(diff):
    assert diff({"dW": W1, "db": GRADS["i"]}, "--as", "dW=o1.weight", "--as", "db=i")[0] == 0


def test_the_report_says_what_is_wrong_and_opens_at_the_first_wrong_number(diff):
    wrong = W1.copy()
    wrong[0, 0, 1, 0] = 7
    status, out, _ = diff({"w1": wrong, "w2": GRADS["o2.weight"]})
    assert status == 1
    first = next(line for line in out.splitlines() if "first wrong:" in line)
    assert "grad(w1)[3] is 7, right is 6" in first
    assert "no known mistake" in out and "Right down to grad(w2)." in out
    program, file, option, where, *mine = shlex.split(
        out.splitlines()[-1].partition("Open the first wrong number: ")[2]
    )
    assert (program, file, option, where) == ("convstep", TWO_CONV, "--at", "grad(w1)[3]")
    assert mine[0] == "--mine" and mine[1].endswith(".npz")
    assert open_session(file, None, where).place.element == 2


def test_a_mistake_is_explained_once_and_the_first_wrong_number_is_opened(diff):
    doubled = {"o1": 2 * GRADS["o1"], "w1": 2 * W1, "i": 2 * GRADS["i"], "w2": GRADS["o2.weight"]}
    status, out, _ = diff(doubled)
    assert status == 1
    assert out.count("constant-factor: every number is 2 times the right one") == 1
    assert out.count("constant-factor, as above") == 2
    assert out.count("first wrong: ") == 3
    assert out.splitlines()[-2] == "Right down to grad(w2)."
    assert "--at 'grad(o1)[1]'" in out.splitlines()[-1]


def test_what_run_writes_is_right(diff, tmp_path, capsys):
    with pytest.raises(SystemExit):
        main(["run", TWO_CONV, "--out", str(tmp_path / "out.npz")])
    capsys.readouterr()
    status, out, _ = diff(tmp_path / "out.npz", "--json")
    assert status == 0
    assert {g["name"] for g in json.loads(out)["gradients"]} == set(GRADS)


def test_dimensions_of_size_1_may_be_left_out_and_others_exchanged(diff):
    assert diff({"w1": W1[0, 0]})[0] == 0
    status, out, _ = diff({"w1": W1[0, 0].T}, "--json")
    assert status == 1 and json.loads(out)["gradients"][0]["mistakes"][0]["code"] == "transposed"


def test_a_transposed_shape_is_a_mistake(diff):
    file = sample("conv_pool_sigmoid")
    truth = convstep.run(file, 1).grads["fc.weight"]
    status, out, _ = diff({"fc.weight": truth.T}, "--json", file=file)
    (gradient,) = json.loads(out)["gradients"]
    assert status == 1 and gradient["mistakes"] == [{"code": "transposed", "at": "fc"}]
    noisy = truth.T + np.arange(truth.size).reshape(truth.T.shape)
    status, out, _ = diff({"fc.weight": noisy}, "--json", file=file)
    (gradient,) = json.loads(out)["gradients"]
    assert status == 1 and not gradient["ok"] and gradient["mistakes"] == []
    assert gradient["max_abs_error"] == pytest.approx(truth.size - 1)


@pytest.mark.parametrize("dtype", [np.float16, np.float32])
def test_numbers_of_less_precision(diff, dtype):
    file = sample("digits")
    grads = convstep.run(file, 1).grads
    mine = {name: grads[name].astype(dtype) for name in ("conv1.weight", "fc1.bias", "images")}
    assert diff(mine, file=file)[0] == 0
    mine["conv1.weight"] = (grads["conv1.weight"] * 3).astype(dtype)
    status, out, _ = diff(mine, "--json", file=file)
    assert status == 1
    assert json.loads(out)["gradients"][0]["mistakes"][0]["code"] == "constant-factor"
    mine["conv1.weight"] = (grads["conv1.weight"] + np.random.default_rng(0).normal(size=(4, 1, 3, 3))).astype(dtype)
    assert json.loads(diff(mine, "--json", file=file)[1])["gradients"][0]["mistakes"] == []


def write_safetensors(path, dtype, array):
    tensor = {"dtype": dtype, "shape": array.shape, "data_offsets": [0, array.nbytes]}
    header = json.dumps({"__metadata__": {"by": "me"}, "conv1.weight": tensor}).encode()
    path.write_bytes(len(header).to_bytes(8, "little") + header + array.tobytes())


def test_bfloat16(diff, tmp_path):
    file = sample("digits")
    truth = convstep.run(file, 1).grads["conv1.weight"].astype("<f4")
    halves = (truth.view("<u4") >> 16).astype("<u2")
    write_safetensors(tmp_path / "mine.safetensors", "BF16", halves)
    assert diff(tmp_path / "mine.safetensors", file=file)[0] == 0
    write_safetensors(tmp_path / "mine.safetensors", "F32", truth * np.float32(1.004))
    assert diff(tmp_path / "mine.safetensors", file=file)[0] == 1


def test_not_finite_numbers(diff):
    wrong = W1.copy()
    wrong[0, 0, 0, 0] = np.nan
    status, out, _ = diff({"w1": wrong}, "--json")
    assert status == 1
    assert json.loads(out, parse_constant=pytest.fail)["gradients"][0]["max_abs_error"] == "NaN"


@pytest.mark.parametrize(
    ("arrays", "options", "says"),
    [
        ({"o1.wieght": W1}, (), "did you mean 'o1.weight'"),
        ({"dW": W1}, ("--as", "dV=o1.weight"), "there is no 'dV' among the gradients; there is dW"),
        ({"dW": W1}, ("--as", "dW"), "--as takes YOURS=NAME"),
        ({"w1": W1.reshape(-1)}, (), "has the shape [4], but o1.weight has [1, 1, 2, 2]"),
        ({"w1": W1, "o1.weight": W1}, (), "'w1' and 'o1.weight' are both gradients of o1.weight"),
        ({}, (), "holds no gradients"),
        ("missing.npz", (), "there is no such file"),
        (TWO_CONV, (), "is no file of arrays"),
    ],
)
def test_bad_input_gets_one_line(diff, arrays, options, says):
    status, out, err = diff(arrays, *options)
    assert (status, out, len(err.splitlines())) == (2, "", 1)
    assert says in err
    assert says.startswith("--as") or ".npz:1:1: " in err or ".yaml:1:1: " in err


@pytest.fixture
def run_out(capsys, tmp_path):
    """What `convstep run --out` writes for a sample net after so many iterations, as a dict."""

    def run(file, iterations):
        with pytest.raises(SystemExit):
            main(["run", str(file), "--iterations", str(iterations), "--out", str(tmp_path / "out.npz")])
        capsys.readouterr()
        with np.load(tmp_path / "out.npz") as arrays:
            return dict(arrays)

    return run


@pytest.mark.parametrize("iterations", [1, 3, 5])
def test_what_run_writes_is_right_whatever_the_iterations(diff, run_out, iterations):
    file = sample("conv_pool_sigmoid")  # of 3 iterations
    status, out, err = diff(run_out(file, iterations), file=file)
    assert (status, err) == (0, "")
    assert out.endswith("All of them are right.\n")


@pytest.mark.parametrize(("iterations", "more"), [(3, ""), (5, " --iterations 5")])
def test_what_run_wrote_opens_in_its_last_iteration(diff, run_out, iterations, more):
    file = sample("conv_pool_sigmoid")
    arrays = run_out(file, iterations)
    name = next(key for key in arrays if key.startswith("grads/") and key.endswith(".weight"))
    arrays[name] = -arrays[name]
    status, out, _ = diff(arrays, file=file)
    assert status == 1
    assert "wrong-sign" in out and f"of iteration {iterations - 1}, " in out
    words = shlex.split(out.splitlines()[-1])
    assert f"{more} --at" in out
    session = open_session(file, iterations, words[words.index("--at") + 1])
    assert session.place.iteration == iterations - 1
    assert session.state().step.writes == f"grad({name.removeprefix('grads/')})"


def test_a_file_of_another_kind_is_told_which_kinds_would_do(diff, tmp_path):
    (tmp_path / "mine.csv").write_text("1,2\n")
    status, out, err = diff(tmp_path / "mine.csv")
    assert (status, out) == (2, "")
    assert err.endswith("'mine.csv' is no file of arrays; they end in .npz or .safetensors\n")


def test_what_run_writes_without_a_loss_is_of_the_last_iteration(diff, run_out, tmp_path):
    file = tmp_path / "net.yaml"
    layers = "[{name: a, op: Linear, out_features: 2}, {name: s, op: Tanh}]"
    start = f"inputs: {{x: [[1, 2]]}}\nlayers: {layers}\ngradient: {{s: 1}}\n"
    file.write_text(start + "optimizer: {op: SGD, lr: 0.1}\niterations: 3\n", encoding="utf-8")
    assert diff(run_out(file, 3), file=file)[0] == 0
