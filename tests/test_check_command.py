"""`convstep check` as contract §2 and §3 have it."""

import json
import os
import subprocess
import sys

import pytest
from networks import sample

from convstep.cli import main
from convstep.debugger.opening import open_session

TWO_CONV = sample("two_conv")


@pytest.fixture
def call(capsys):
    """Runs the command: exit status, standard output, standard error."""

    def run(*arguments):
        with pytest.raises(SystemExit) as exited:
            main(["check", *map(str, arguments)])
        captured = capsys.readouterr()
        return exited.value.code or 0, captured.out, captured.err

    return run


@pytest.fixture
def two_conv_with(tmp_path):
    """The sample net with other claims, as a file."""

    def write(*claims):
        with open(TWO_CONV, encoding="utf-8") as file:
            text = file.read().partition("claims:")[0]
        path = tmp_path / "net.yaml"
        path.write_text(f"{text}claims:\n" + "".join(f"  - {claim}\n" for claim in claims), encoding="utf-8")
        return path

    return write


def test_json_is_what_the_contract_says(call):
    status, out, err = call(TWO_CONV, "--json")
    assert (status, err) == (1, "")
    found = json.loads(out, parse_constant=pytest.fail)
    assert set(found) == {"gradients", "claims", "ok"} and found["ok"] is False
    assert {"i", "y", "o1.weight", "o2.weight"} <= {line["name"] for line in found["gradients"]}
    for line in found["gradients"]:
        assert line["ok"] is True and line["max_abs_error"] < 1e-8
        assert set(line) <= {"name", "max_abs_error", "ok", "note"}
    right, wrong = found["claims"]
    assert set(right) == set(wrong) == {"claim", "of", "claimed", "truth", "ok", "why", "mistakes"}
    assert (right["of"], right["claimed"], right["truth"], right["ok"]) == ("o2.weight[0,0,0,0]", 18, 18, True)
    assert (wrong["of"], wrong["claimed"], wrong["truth"], wrong["ok"]) == ("o1.weight[0,0,0,0]", 144, -30, False)
    assert wrong["mistakes"][0]["code"] == "sum-before-multiply"
    assert "12 terms are too many" in wrong["why"]


def test_text_says_it_in_lines_and_how_to_look(call):
    status, out, _ = call(TWO_CONV)
    assert status == 1
    lines = out.splitlines()
    assert lines[0] == "gradients, by central differences"
    gradients = [line for line in lines if "largest error" in line]
    assert [line.split()[:2] for line in gradients[:2]] == [["grad(i)", "ok"], ["grad(y)", "ok"]]
    assert len({line.index("largest") for line in gradients}) == 1
    look = next(line.strip() for line in lines if line.strip().startswith("look: "))
    assert look == f"look: convstep {TWO_CONV} --at 'grad(w1)[1]'"
    assert open_session(TWO_CONV, at="grad(w1)[1]").state().step.writes == "grad(o1.weight)"


def test_right_claims_and_gradients_end_well(call, two_conv_with):
    status, out, err = call(two_conv_with('{of: w1, index: [1], is: "-30"}', "{of: o1, is: [[12, 18], [-12, -6]]}"))
    assert (status, err) == (0, "")
    assert "WRONG" not in out
    assert call(sample("conv_pool_sigmoid"), "--json")[0] == 0


HOSTILE = [
    *("1/0", "__import__(1)", "9**9**9", "w1[99]", "i.__class__", "(" * 2000, "(" * 10**6, "-" * 10**5, "9" * 5000),
    *("lambda: 1", "i[...]", "i[1:2]", "1e400", "exp(exp(exp(10)))", "log(-1)", "grad(grad(w1))", "w1 == w1 == w1", ""),
    *("\u043e1[1]", "w1\u200b[1]", "w1[\uff11]", "\x1b[31m", "w1\x00"),
]
"""Among them a Cyrillic o, a zero-width space, a full-width digit, and control characters."""


@pytest.mark.parametrize("claim", HOSTILE, ids=range(len(HOSTILE)))
def test_a_hostile_claim_gets_one_line_with_its_place(call, two_conv_with, claim):
    written = f"{{of: w1, index: [1], is: {json.dumps(claim)}}}"
    path = two_conv_with("{of: w2, index: [1], is: 18}", written)
    line = path.read_text(encoding="utf-8").splitlines().index(f"  - {written}") + 1
    status, out, err = call(path)
    assert (status, out) == (2, "")
    assert err.startswith(f"{path}:{line}:30: column ")
    assert err.count("\n") == 1 and err[:-1].isprintable() and len(err) < 400


def test_a_snapshot_is_checked_too(call, two_conv_with, tmp_path):
    session = open_session(TWO_CONV, at="grad(w1)[1]")
    path = tmp_path / "there.convstep"
    session.save(str(path))
    assert call(path, "--json")[0] == 1


def test_without_a_backward_pass(call, tmp_path):
    path = tmp_path / "forward.yaml"
    path.write_text("inputs: {x: [1.0]}\nlayers: [{name: r, op: ReLU}]\n")
    status, out, _ = call(path)
    assert status == 0
    assert "no gradients to check" in out


def test_claims_that_are_not_finite_are_json_too(call, two_conv_with):
    path = two_conv_with("{of: o1, is: [[1, .nan], [-.inf, 2.5]]}", "{of: w1, index: [1], is: .inf}")
    status, out, _ = call(path, "--json")
    whole, single = json.loads(out, parse_constant=pytest.fail)["claims"]
    assert status == 1
    assert whole["claim"] == whole["claimed"] == [[1, "NaN"], ["-Infinity", 2.5]]
    assert single["claim"] == single["claimed"] == "Infinity"


@pytest.mark.skipif(os.name != "posix", reason="sends a signal")
def test_ctrl_c_leaves_with_one_line(tmp_path):
    script = (
        "import signal, sys\nfrom convstep.commands import check\nfrom convstep.cli import main\n"
        "signal.signal(signal.SIGINT, signal.default_int_handler)  # a job in the background ignores it\n"
        "def stopped(graph):\n    signal.raise_signal(signal.SIGINT)\n    yield\n"
        "check.check_gradients = stopped\nmain(['check', sys.argv[1]])\n"
    )
    done = subprocess.run([sys.executable, "-c", script, sample("digits")], capture_output=True, text=True)
    assert (done.returncode, done.stderr) == (130, "convstep: stopped by ctrl+c\n")


def test_a_claim_that_cannot_be_read_is_told_before_anything_is_run(call, two_conv_with, monkeypatch):
    def ran(*_):
        raise AssertionError("run")

    monkeypatch.setattr("convstep.engine.recording.run_iteration", ran)
    net = two_conv_with("{of: w1, index: [1], is: 3}", '{of: w1, index: [1], is: "i[1] +"}')
    status, _, error = call(net)
    assert status == 2
    assert error.startswith(f"{net}:{len(net.read_text().splitlines())}:")
