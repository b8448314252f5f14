"""`convstep explain` as contract §2 and §3 have it: what it prints, exit status, one line for bad input."""

import json

import pytest
from networks import sample

from convstep.cli import main
from convstep.debugger.opening import open_session

TWO_CONV = sample("two_conv")
DIGITS = sample("digits")
NOT_FINITE = """
inputs: {x: [[.nan, -.inf, .inf, 0]]}
layers:
  - {name: t, op: Tanh}
gradient: {t: [[.inf, 1, -.inf, .nan]]}
"""


@pytest.fixture
def explain(capsys):
    """Runs the command: exit status, standard output, standard error."""

    def run(*arguments):
        with pytest.raises(SystemExit) as exited:
            main(["explain", *map(str, arguments)])
        captured = capsys.readouterr()
        return exited.value.code or 0, captured.out, captured.err

    return run


def test_the_question_it_was_made_for(explain):
    status, out, _ = explain(TWO_CONV, "grad(w1)[1]")
    assert status == 0
    assert out.splitlines()[1:] == [
        "  = i[1]·grad(o1)[1] + i[2]·grad(o1)[2] + i[4]·grad(o1)[3] + i[5]·grad(o1)[4]",
        "  = 1·12 + 2·18 + 4·(-12) + 5·(-6)",
        "  = -30",
    ]


@pytest.mark.parametrize(
    ("number", "of", "value"),
    [
        ("grad(w1)[1]", "grad(o1.weight)[0,0,0,0]", -30),
        ("w1.grad[1]", "grad(o1.weight)[0,0,0,0]", -30),
        ("o1.weight.grad[0, 0, 1, 1]", "grad(o1.weight)[0,0,1,1]", 18),
        ("o1[2]", "o1[0,0,0,1]", 4),
        ("new(w1)[1]", "new(o1.weight)[0,0,0,0]", 2),
        ("C", "C", 9),
        ("o2", "o2[0,0,0,0]", -1),
        ("grad(C)", "grad(C)", 1),
    ],
)
def test_every_kind_of_number_as_json(explain, number, of, value):
    status, out, _ = explain(TWO_CONV, number, "--json")
    found = json.loads(out)
    assert status == 0
    assert list(found) == ["of", "names", "numbers", "value"]
    assert (found["of"], found["value"]) == (of, value)


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (("grad(w1)",), "grad(w1) has 4 elements: say which one, grad(w1)[1] to grad(w1)[4]"),
        (("w3[1]",), "there is no tensor 'w3'"),
        (("o1[5]",), "indices go from 1 to 4"),
        (("new(i)[1]",), "there is no new(i): no optimizer updates it"),
        (("o1[1]", "--iteration", "1"), "there is no iteration 1: they go from 0 to 0"),
        (("o1[1]", "--iteration", "-1"), "there is no iteration -1"),
        (("o1[1]", "--levels", "0"), "levels are a whole number of 1 or more"),
        (("o1[1]", "--format", "html"), "invalid choice"),
    ],
)
def test_bad_input_is_one_line(explain, arguments, words):
    status, out, err = explain(TWO_CONV, *arguments)
    assert (status, out, err.count("\n")) == (2, "", 1)
    assert words in err


def test_another_iteration_is_named(explain):
    _, first, _ = explain(DIGITS, "loss")
    _, third, _ = explain(DIGITS, "loss", "--iteration", 3)
    assert first.splitlines()[-1] == "  iteration 0 of 0 to 59; --iteration K shows another one"
    assert "iteration 3 of 0 to 59" in third
    losses = [json.loads(explain(DIGITS, "loss", "--iteration", k, "--json")[1])["value"] for k in (0, 3)]
    assert losses[0] != losses[1]


def test_levels_and_all(explain):
    assert "·grad(C)" in explain(TWO_CONV, "grad(w1)[1]", "--levels", "all")[1]
    assert "…" in explain(DIGITS, "fc1[0,0]")[1]
    assert "…" not in explain(DIGITS, "fc1[0,0]", "--all")[1]
    assert "relu1" not in explain(DIGITS, "pool1[0,0,0,0]", "--levels", 2)[1]


def test_formats(explain):
    assert explain(TWO_CONV, "C", "--format", "latex")[1].startswith("\\[\n")
    assert explain(TWO_CONV, "C", "--format", "markdown")[1].startswith("`C` = 9\n\n$$\n")


def test_numbers_that_are_not_finite(explain, tmp_path):
    file = tmp_path / "net.yaml"
    file.write_text(NOT_FINITE)
    values = [json.loads(explain(file, f"grad(x)[0,{k}]", "--json")[1])["value"] for k in range(4)]
    assert values == ["NaN", 0, "NaN", "NaN"]
    assert explain(file, "x[0,1]")[1].splitlines()[0] == "x[0,1] = -Inf"
    for form in ("text", "latex", "markdown"):
        assert explain(file, "grad(x)[0,0]", "--format", form)[0] == 0


def test_a_snapshot_is_read_like_a_network(explain, tmp_path):
    path = tmp_path / "s.convstep"
    open_session(TWO_CONV).save(str(path))
    assert explain(path, "grad(w1)[1]") == explain(TWO_CONV, "grad(w1)[1]")


def test_the_path_ledger(explain):
    status, out, _ = explain(TWO_CONV, "grad(w1)[1]", "--paths")
    assert status == 0
    ledger = out[out.index("grad(w1)[1] = -30: 4 paths lead from C to w1[1]") :].splitlines()
    assert " ".join(ledger[2].split()) == "C → o2[1] → o1[1] → w1[1] 2·(o2[1] - y[1])·w2[1]·i[1] 6·2·1 12"
    assert ledger[-1] == "  Σ = -30, the recorded gradient"


def test_paths_that_are_not_shown_are_counted_and_their_worth_is_told(explain):
    _, out, _ = explain(TWO_CONV, "grad(w1)[1]", "--paths", "3")
    assert "… and 1 more path" in out
    assert out.splitlines()[-3].split()[-1] == "12"


def test_paths_as_json_multiply_and_add_up(explain):
    _, out, _ = explain(DIGITS, "grad(conv1.weight)[0,0,1,1]", "--paths", "--json")
    paths = json.loads(out)["paths"]
    assert (paths["count"], paths["nonzero"]) == (737280, 17920)
    for path in paths["shown"]:
        product = path["start"]
        for local in path["locals"]:
            product *= local
        assert product == pytest.approx(path["product"], rel=1e-12)
        assert len(path["way"]) == len(path["locals"]) + 1
    shown = sum(path["product"] for path in paths["shown"])
    assert shown + paths["rest"] == pytest.approx(paths["total"], rel=1e-9)


@pytest.mark.parametrize("form", ["latex", "markdown"])
def test_paths_in_documents(explain, form):
    _, out, _ = explain(TWO_CONV, "grad(w1)[1]", "--paths", "--format", form)
    assert "4 paths lead from C to w1[1]" in out
    assert {"latex": r"C \to o2_{1} \to o1_{4} \to w1_{1}", "markdown": "| `C → o2[1] → o1[4] → w1[1]` |"}[form] in out


def test_paths_of_a_value_are_refused_in_one_line(explain):
    status, _, err = explain(TWO_CONV, "o1[1]", "--paths")
    assert status == 2
    assert err.count("\n") == 1
    assert "grad(o1)" in err
