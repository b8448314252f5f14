"""The command line as contract §2 and §3 have it: output, exit status, one line for bad input."""

import argparse
import json
import os
import subprocess
import sys
from importlib import import_module

import numpy as np
import pytest
from networks import SAMPLES, sample

import convstep
from convstep.cli import main
from convstep.commands import COMMANDS
from convstep.debugger.keeping.autosave import Autosave
from convstep.debugger.opening import open_session
from convstep.debugger.whatif.edits import read_edit

TWO_CONV = sample("two_conv")

SHARED = """
name: shared
inputs: {x: [[1, 2]], y: [[0.5, -1]]}
layers:
  - {name: a, op: Linear, out_features: 2, weight: [[1, 2], [3, 4]], bias: [0.5, 0]}
  - {name: b, op: Linear, out_features: 2, weight: a.weight, bias: false}
loss: {op: MSELoss, inputs: [b, y]}
optimizer: {op: SGD, lr: 0.01, momentum: 0.9}
iterations: 3
"""

NOT_FINITE = """
inputs: {x: [[.nan, -.inf, .inf, 0]]}
layers:
  - {name: t, op: ReLU}
gradient: {t: [[.inf, 1, -.inf, .nan]]}
"""


@pytest.fixture
def call(capsys):
    """Runs the command line: exit status, standard output, standard error."""

    def run(*arguments):
        with pytest.raises(SystemExit) as exited:
            main([str(argument) for argument in arguments])
        captured = capsys.readouterr()
        return exited.value.code or 0, captured.out, captured.err

    return run


@pytest.fixture
def file(tmp_path):
    def write(text, name="net.yaml"):
        (tmp_path / name).write_text(text)
        return tmp_path / name

    return write


def lines(text):
    return [json.loads(line, parse_constant=pytest.fail) for line in text.splitlines()]


# -- run ----------------------------------------------------------------------------------------------------


def test_run_prints_the_loss_of_each_iteration(call):
    status, out, err = call("run", TWO_CONV, "--iterations", 3)
    assert (status, err) == (0, "")
    printed = [line.split() for line in out.splitlines()]
    assert [words[:2] for words in printed] == [["iteration", "0"], ["iteration", "1"], ["iteration", "2"]]
    assert float(printed[0][-1]) == 9
    assert [float(words[-1]) for words in printed] == convstep.run(TWO_CONV, 3).losses.tolist()


def test_run_writes_what_the_contract_says(call, file, tmp_path):
    status, _, err = call("run", file(SHARED), "--out", tmp_path / "out.npz")
    assert (status, err) == (0, "")
    with np.load(tmp_path / "out.npz", allow_pickle=False) as out:
        parameters = {"a.weight", "a.bias", "b.weight"}
        tensors = {"x", "y", "a", "b", "loss", *parameters}
        assert set(out.files) == {
            "losses",
            *(f"values/{name}" for name in tensors),
            *(f"grads/{name}" for name in tensors),
            *(f"params/{name}" for name in parameters),
            *(f"optim/{name}.momentum_buffer" for name in parameters),
        }
        for group in ("values", "grads", "params"):
            np.testing.assert_array_equal(out[f"{group}/a.weight"], out[f"{group}/b.weight"])
        assert out["losses"].shape == (3,)
        assert out["losses"][-1] == out["values/loss"]
        assert out["grads/loss"] == 1
        assert not np.array_equal(out["values/a.weight"], out["params/a.weight"])


def test_a_shared_parameter_has_the_full_sum(call, file):
    run = convstep.run(file(SHARED), 1)
    (x, a, upstream) = (run.values["x"], run.values["a"], run.grads["b"])
    np.testing.assert_allclose(run.grads["a.weight"], upstream.T @ a + run.grads["a"].T @ x, rtol=1e-14)


def test_without_a_loss_there_are_no_losses(call, file, tmp_path):
    status, out, err = call("run", file("inputs: {x: [1, 2]}\nlayers: [{name: t, op: Tanh}]"), "--out", tmp_path / "o")
    assert (status, err) == (0, "")
    assert out.strip()
    with np.load(tmp_path / "o") as written:
        assert set(written.files) == {"values/x", "values/t", "losses"}
        assert written["losses"].shape == (0,)


def test_integer_labels_are_values_without_gradients(call, tmp_path):
    call("run", sample("digits"), "--iterations", 1, "--out", tmp_path / "o.npz")
    with np.load(tmp_path / "o.npz") as out:
        assert out["values/labels"].dtype == np.int64
        assert "grads/labels" not in out.files
        assert out["values/images"].shape[0] == 4


# -- info ---------------------------------------------------------------------------------------------------


def test_info_as_json(call):
    status, out, err = call("info", TWO_CONV, "--json")
    assert (status, err) == (0, "")
    (facts,) = lines(out)
    assert set(facts) == {"name", "layers", "steps", "bytes"}
    assert [set(layer) for layer in facts["layers"]] == [{"name", "op", "shape", "parameters"}] * 2
    assert [layer["name"] for layer in facts["layers"]] == ["o1", "o2"]
    assert facts["layers"][0]["shape"] == [1, 1, 2, 2]
    assert facts["steps"] == {"op": 11, "element": 37, "term": 91}
    numbers = 9 + 4 + 1 + 1 + 1 + 4 + 4
    assert facts["bytes"] == 8 * (numbers + numbers + 8)


@pytest.mark.parametrize("name", SAMPLES)
@pytest.mark.parametrize("order", ["gather", "scatter"])
def test_info_counts_what_trace_prints(name, order, call):
    (facts,) = lines(call("info", sample(name), "--json", "--order", order)[1])
    iterations = len(convstep.run(sample(name)).losses) if name != "digits" else 60
    for level, count in facts["steps"].items():
        end = count * iterations
        option = ("--level", level, "--order", order)
        assert len(lines(call("trace", sample(name), *option, "--from", end - 2, "--to", end + 9)[1])) == 2


@pytest.mark.parametrize("name", SAMPLES)
def test_info_for_people(name, call):
    status, out, err = call("info", sample(name))
    assert (status, err) == (0, "")
    assert name in out
    assert "steps:" in out


def test_a_shared_parameter_is_counted_once(call, file):
    out = call("info", file(SHARED))[1]
    assert "a      Linear     1×2    weight 2×2, bias 2\n" in out
    assert "b      Linear     1×2    weight 2×2 (shared: a.weight)\n" in out
    assert "\n6 parameters\n" in out


# -- trace --------------------------------------------------------------------------------------------------


def test_the_eleven_steps_of_two_conv(call):
    status, out, err = call("trace", TWO_CONV)
    assert (status, err) == (0, "")
    steps = lines(out)
    assert [step["position"] for step in steps] == list(range(11))
    assert [step["writes"] for step in steps] == [
        "o1", "o2", "C", "grad(o2)", "grad(y)", "grad(o2.weight)", "grad(o1)", "grad(o1.weight)", "grad(i)",
        "o1.weight", "o2.weight",
    ]  # fmt: skip
    phases = ["forward"] * 2 + ["loss"] + ["backward"] * 6 + ["update"] * 2
    assert [step["phase"] for step in steps] == phases
    assert [step["layer"] for step in steps] == ["o1", "o2", "C", "C", "C", "o2", "o2", "o1", "o1", "o1", "o2"]
    assert [step["op"] for step in steps] == ["Conv2d"] * 2 + ["MSELoss"] * 3 + ["Conv2d"] * 4 + ["SGD"] * 2
    assert all(step["level"] == "op" and step["iteration"] == 0 for step in steps)
    assert call("trace", TWO_CONV, "--order", "scatter")[1] == out


def test_the_keys_of_each_kind_of_step(call):
    always = {"position", "level", "iteration", "phase", "layer", "op", "writes"}
    for step in lines(call("trace", TWO_CONV, "--level", "element")[1]):
        assert set(step) == always | {"index", "value"}
    for step in lines(call("trace", TWO_CONV, "--level", "element", "--order", "scatter")[1]):
        assert set(step) == always | ({"source"} if step["phase"] == "backward" else {"index", "value"})
    term = always | {"index", "term", "terms", "value"}
    for order, more in (("gather", set()), ("scatter", {"source"})):
        for step in lines(call("trace", TWO_CONV, "--level", "term", "--order", order)[1]):
            if step["phase"] == "backward":
                assert set(step) - {"empty"} == term | {"local", "upstream", "product", "sum"} | more
                assert set(step["local"]) == {"of", "by", "value"}
                assert set(step["upstream"]) == {"name", "value"}
            elif step["op"] == "Conv2d":
                assert set(step) == term | {"factors", "product", "sum"}
                assert [f["name"][:2] for f in step["factors"]][1] == step["layer"]
            else:
                assert set(step) - {"sum"} == term | {"does", "reads", "result"}


def test_the_numbers_that_screen_md_shows(call):
    steps = lines(call("trace", TWO_CONV, "--level", "term")[1])
    mine = [s for s in steps if s["writes"] == "grad(o1.weight)" and s["index"] == [0, 0, 0, 0]]
    assert [s["sum"] for s in mine] == [12, 48, 0, -30]
    assert [s["value"] for s in mine] == [None, None, None, -30]
    assert mine[1]["local"] == {"of": "o1[0,0,0,1]", "by": "o1.weight[0,0,0,0]", "value": 2}
    assert mine[1]["upstream"] == {"name": "grad(o1)[0,0,0,1]", "value": 18}


def test_a_bias_is_the_last_term_with_one_factor(call):
    steps = lines(call("trace", sample("conv_pool_sigmoid"), "--level", "term", "--to", 5)[1])
    assert [len(step["factors"]) for step in steps] == [2, 2, 2, 2, 1]
    assert steps[-1]["factors"][0]["name"] == "conv.bias[0]"
    assert steps[-1]["product"] == steps[-1]["factors"][0]["value"]
    assert steps[-1]["value"] is not None


def test_a_scalar_has_the_empty_index(call):
    (loss,) = [s for s in lines(call("trace", TWO_CONV, "--level", "element")[1]) if s["phase"] == "loss"]
    assert (loss["index"], loss["value"]) == ([], 9)


def test_empty_terms_are_printed(call, file):
    net = file(
        "inputs: {x: {shape: [1, 1, 2, 2], value: [.nan, .inf, 1, 2]}}\n"
        "layers: [{name: c, op: Conv2d, out_channels: 1, kernel_size: 2, stride: 2, padding: 1}]\n"
        "gradient: {c: {shape: [1, 1, 2, 2], value: 1}}\n"
    )
    steps = lines(call("trace", net, "--level", "term")[1])
    empty = [step for step in steps if "empty" in step]
    assert {step["empty"] for step in empty} <= {"padding", "stride", "window"}
    assert len([step for step in empty if step["phase"] == "forward"]) == 12
    assert all(step["product"] == 0 for step in empty)


def test_from_to_and_reverse(call):
    whole = call("trace", TWO_CONV, "--level", "term")[1].splitlines()
    option = ("trace", TWO_CONV, "--level", "term")
    assert call(*option, "--from", 30, "--to", 40)[1].splitlines() == whole[30:40]
    assert call(*option, "--from", 30, "--to", 40, "--reverse")[1].splitlines() == whole[30:40][::-1]
    assert call(*option, "--from", 85, "--to", 500)[1].splitlines() == whole[85:]
    assert call(*option, "--from", 500) == (0, "", "")
    assert call(*option, "--from", 5, "--to", 5) == (0, "", "")
    assert call(*option, "--from", 9, "--to", 5) == (0, "", "")


@pytest.mark.parametrize("option", [("--from", "-1"), ("--to", "-1"), ("--from=-5", "--to=3")])
def test_negative_positions_are_an_error(option, call):
    status, out, err = call("trace", TWO_CONV, *option)
    assert (status, out) == (2, "")
    assert len(err.splitlines()) == 1


@pytest.mark.parametrize("order", ["gather", "scatter"])
@pytest.mark.parametrize("level", ["op", "element", "term"])
def test_text_is_one_sentence_a_line(level, order, call):
    option = ("--level", level, "--order", order)
    count = len(call("trace", TWO_CONV, *option)[1].splitlines())
    status, out, err = call("trace", TWO_CONV, *option, "--text")
    assert (status, err) == (0, "")
    assert len(out.splitlines()) == count
    assert all(line.endswith((".", ".)")) for line in out.splitlines())


def test_numbers_that_are_not_finite_are_strings(call, file):
    net = file(NOT_FINITE)
    for level in ("element", "term"):
        out = call("trace", net, "--level", level)[1]
        steps = lines(out)
        assert [s["value"] for s in steps if s["phase"] == "forward"] == ["NaN", 0, "Infinity", 0]
        gradient = [s["value"] for s in steps if s["phase"] == "backward"]
        assert gradient[2] == "-Infinity"
    status, out, _ = call("trace", net, "--level", "term", "--text")
    assert status == 0
    assert "nan" not in out


def test_a_json_network_and_a_snapshot_are_read_too(call, file, tmp_path):
    net = file(json.dumps({"inputs": {"x": [1.0, 2.0]}, "layers": [{"name": "t", "op": "Tanh"}]}), "net.json")
    assert call("trace", net)[0] == 0
    session = open_session(TWO_CONV, at="term 32")
    session.save(str(tmp_path / "s.convstep"))
    for arguments in (("trace", "--level", "term"), ("run",), ("info", "--json")):
        again = call(arguments[0], tmp_path / "s.convstep", *arguments[1:])
        assert again == call(arguments[0], TWO_CONV, *arguments[1:])


@pytest.fixture
def edited(tmp_path):
    """A snapshot of two_conv with two what-if edits."""
    session = open_session(TWO_CONV)
    for text in ("o1[1] = 5", "lr = 0.01"):
        edit = read_edit(text, session.graph, session.names, session.recording.iteration(0))
        session.adopt(session.trial.with_edit(edit))
    session.save(str(tmp_path / "s.convstep"))
    return session, tmp_path / "s.convstep"


def test_the_edits_of_a_snapshot_hold_in_every_command_and_it_is_said(call, edited):
    session, snapshot = edited
    iteration = session.recording.iteration(0)
    said = "convstep: with the snapshot's what-if edits: o1[1] = 5, lr = 0.01\n"
    status, out, error = call("run", snapshot)
    assert (status, out, error) == (0, f"iteration 0  C = {float(iteration.values['C'])!r}\n", said)
    status, out, error = call("trace", snapshot, "--level", "element")
    assert (status, error) == (0, said)
    first, *_, last = lines(out)
    assert first["value"] == 5
    assert last["value"] == iteration.updates["o2.weight"].new_parameter.reshape(-1)[-1]
    assert "o1[1] is set to 5 by hand; its terms give 3." in call("explain", snapshot, "o1[1]")[1]
    assert call("explain", snapshot, "grad(w1)[1]", "--json")[2] == said
    assert call("trace", snapshot, "--to", "1", "--text", "--level", "element")[1].startswith("o1[1] is set to 5")
    assert call("info", snapshot)[2] == said
    status, _, error = call("explain", snapshot, "grad(w1)")
    assert (status, error.count("\n")) == (2, 1)
    assert "say which one" in error
    status, out, error = call("check", snapshot)
    assert (status, error) == (1, said)
    assert "grad(o1)  ok" in out
    assert convstep.run(snapshot).losses[0] == float(iteration.values["C"])


def test_ones_own_gradients_are_held_against_the_network_without_the_edits(call, edited, tmp_path):
    np.savez(tmp_path / "mine.npz", w1=np.array([[-30.0, -18], [6, 18]]))
    status, _, error = call("diff", edited[1], tmp_path / "mine.npz")
    assert status == 0
    assert error == "convstep: yours are held against the network without the snapshot's what-if edits\n"


# -- bad input ----------------------------------------------------------------------------------------------


@pytest.mark.parametrize("command", [("run",), ("info",), ("trace",), ()])
@pytest.mark.parametrize("kind", ["missing", "directory", "empty", "binary", "broken", "unknown_op", "snapshot"])
def test_bad_files_are_one_line_and_status_2(command, kind, call, file, tmp_path):
    path = {
        "missing": lambda: tmp_path / "none.yaml",
        "directory": lambda: tmp_path,
        "empty": lambda: file(""),
        "binary": lambda: binary(tmp_path),
        "broken": lambda: file("inputs: {x: [1, 2\nlayers: ]"),
        "unknown_op": lambda: file("inputs: {x: [1]}\nlayers:\n  - {name: a, op: Conv2D}\n"),
        "snapshot": lambda: file("PK\x03\x04 and no more", "s.convstep"),
    }[kind]()
    status, out, err = call(*command, path)
    assert (status, out) == (2, "")
    assert len(err.splitlines()) == 1
    assert err.startswith(str(path))
    if kind == "unknown_op":
        assert err.startswith(f"{path}:3:")
        assert "Conv2d" in err


def binary(directory):
    (directory / "bytes").write_bytes(bytes(range(256)) * 4)
    return directory / "bytes"


@pytest.mark.parametrize(
    "arguments",
    [
        (),
        ("run",),
        ("trace", TWO_CONV, "--level", "atom"),
        ("trace", TWO_CONV, "--order", "random"),
        ("trace", TWO_CONV, "--from", "x"),
        ("info", TWO_CONV, "--xml"),
        ("run", TWO_CONV, "--iterations", "0"),
        ("run", TWO_CONV, "--iterations", "-3"),
        ("run", TWO_CONV, "--iterations", "1.5"),
        ("run", TWO_CONV, "--out", "/no/such/directory/out.npz"),
        ("run", TWO_CONV, TWO_CONV),
        (TWO_CONV, "--at", "nowhere"),
        (TWO_CONV, "--at", "term 91"),
        (TWO_CONV, "--at", ""),
        (TWO_CONV, "--iterations", "0"),
        (TWO_CONV,),
        ("x" * 300 + ".yaml",),
        ("x" * 300 + ".autosave",),
        ("diff", TWO_CONV, "x" * 300 + ".npz"),
        ("run", TWO_CONV, "--out", "x" * 300 + ".npz"),
    ],
)
def test_bad_usage_is_one_line_and_status_2(arguments, call):
    status, _, err = call(*arguments)
    assert status == 2
    assert len(err.splitlines()) == 1
    assert "Traceback" not in err


def test_where_nothing_can_be_written_nothing_is_run(call, tmp_path):
    for out in ("/no/such/directory/out.npz", tmp_path):
        status, printed, err = call("run", TWO_CONV, "--out", out)
        assert (status, printed) == (2, "")
        assert err.startswith(f"{out}: cannot be written: ")


@pytest.mark.skipif(os.name != "posix", reason="limits the size of files")
def test_results_are_written_whole_or_not_at_all(call, tmp_path, limited):
    out = tmp_path / "out.npz"
    with limited(1000):
        assert call("run", TWO_CONV, "--out", out)[::2] == (2, f"{out}: cannot be written: File too large\n")
    assert not list(tmp_path.iterdir())
    out.write_text("old")
    with limited(1000):
        assert call("run", TWO_CONV, "--out", out)[0] == 2
    assert [path.read_text() for path in tmp_path.iterdir()] == ["old"]
    assert call("run", TWO_CONV, "--out", out)[0] == 0
    assert np.load(out)["losses"].tolist() == [9.0]


@pytest.mark.skipif(os.name != "posix", reason="devices of POSIX")
def test_results_may_go_to_a_device(call):
    assert call("run", TWO_CONV, "--out", os.devnull) == (0, "iteration 0  C = 9.0\n", "")


@pytest.mark.parametrize("arguments", [("--help",), ("run", "--help"), ("info", "--help"), ("trace", "--help")])
def test_help(arguments, call):
    status, out, err = call(*arguments)
    assert (status, err) == (0, "")
    assert "usage: convstep" in out


@pytest.mark.parametrize("command", list(COMMANDS))
def test_every_argument_of_a_command_has_words(command):
    parser = argparse.ArgumentParser()
    import_module(f"convstep.commands.{command}").add_arguments(parser)
    assert [action.dest for action in parser._actions if not action.help] == []


def test_version(call):
    assert call("--version") == (0, f"convstep {convstep.__version__}\n", "")


# -- as a process -------------------------------------------------------------------------------------------


def process(*arguments, **options):
    command = [sys.executable, "-m", "convstep", *arguments]
    return subprocess.run(command, capture_output=True, text=True, timeout=60, check=False, **options)


def test_a_process_and_its_exit_status():
    done = process("trace", TWO_CONV, "--to", "1")
    assert (done.returncode, done.stderr) == (0, "")
    assert json.loads(done.stdout)["writes"] == "o1"
    bad = process("run", "no such file")
    assert (bad.returncode, bad.stdout) == (2, "")
    assert bad.stderr.startswith("no such file:")


def test_without_a_terminal_an_autosave_stays_where_it_is(call, tmp_path, monkeypatch):
    session = open_session(TWO_CONV)
    session.next()
    path = Autosave(TWO_CONV, session, where=tmp_path).keep()
    monkeypatch.setattr("convstep.debugger.keeping.kept.is_alive", lambda process: False)
    monkeypatch.setattr("convstep.tui.show.show", lambda *_: pytest.fail("it is shown"))
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "state"))
    status, out, err = call(path)
    assert (status, out) == (2, "") and err.startswith("the debugger needs a terminal")
    assert path.exists()


@pytest.mark.parametrize("further", [[], ["--iterations", "1000000000000", "--at", "end"]])
def test_without_a_terminal_the_debugger_says_so(further):
    done = process(TWO_CONV, *further, stdin=subprocess.DEVNULL)
    assert done.returncode == 2
    assert "terminal" in done.stderr
    assert len(done.stderr.splitlines()) == 1


def test_a_reader_that_stops_reading_is_no_error():
    command = f"{sys.executable} -m convstep trace {sample('digits')} --level term --to 3000 | head -n 1"
    done = subprocess.run(command, shell=True, capture_output=True, text=True, timeout=60, check=False)
    assert done.stderr == ""
    assert len(done.stdout.splitlines()) == 1


def test_output_that_is_not_utf_8(tmp_path):
    environment = {**os.environ, "PYTHONIOENCODING": "ascii", "PYTHONUTF8": "0", "LC_ALL": "C"}
    for arguments in (("info", TWO_CONV), ("trace", TWO_CONV, "--text", "--level", "term")):
        done = process(*arguments, env=environment)
        assert (done.returncode, done.stderr) == (0, "")


@pytest.mark.parametrize("command", ["run", "info", "trace", "check"])
def test_a_claim_that_cannot_be_read_is_bad_input(call, file, command):
    net = file('inputs: {i: [1.0, 2.0]}\nlayers: [{name: o, op: ReLU}]\nclaims: [{of: i, is: "o[0] * ("}]\n')
    status, out, err = call(command, net)
    assert (status, out) == (2, "")
    assert err == f"{net}:3:22: column 9: the expression ends where a number or a tensor is missing\n"


@pytest.mark.parametrize(("own", "used"), [(None, "25"), ("300", "300")])
def test_escape_is_told_from_a_sequence_sooner_unless_the_person_says_when(call, monkeypatch, own, used):
    monkeypatch.setenv("ESCDELAY", own or "")
    if own is None:
        monkeypatch.delenv("ESCDELAY")
    assert call(TWO_CONV)[0] == 2
    assert os.environ["ESCDELAY"] == used
