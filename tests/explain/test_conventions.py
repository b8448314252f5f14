"""Where a derivative is a matter of convention, `explain` says which one torch takes."""

import pytest

from convstep.engine.recording import Recording
from convstep.explain.formula.formula import Formulas
from convstep.explain.formula.writing import as_dict, as_text, explain
from convstep.explain.naming import Names
from convstep.network import load

SOURCE = {
    "inputs": {
        "x": {"shape": [1, 1, 2, 2], "value": [0, 3, 3, 1]},
        "t": {"shape": [1, 1, 1, 1], "value": 3},
    },
    "layers": [
        {"name": "r", "op": "ReLU"},
        {"name": "h", "op": "Hardtanh", "max_val": 3, "min_val": 0},
        {"name": "p", "op": "MaxPool2d", "kernel_size": 2},
    ],
    "loss": {"name": "C", "op": "L1Loss", "inputs": ["p", "t"], "reduction": "sum"},
}
TOLD = [
    ("grad(r)[0, 0, 0, 0]", "0 is exactly where Hardtanh has no derivative; torch takes 0"),
    ("grad(r)[0, 0, 0, 1]", "3 is exactly where Hardtanh has no derivative; torch takes 0"),
    ("grad(x)[0, 0, 0, 0]", "x[0,0,0,0] = 0 is exactly 0, where ReLU has no derivative; torch takes 0"),
    ("grad(h)[0, 0, 0, 1]", "there was a tie, and torch takes the first"),
    ("grad(h)[0, 0, 1, 0]", "h[0,0,1,0] = 3 tied with h[0,0,0,1] = 3, and torch takes the first"),
    ("grad(p)", "they are equal, where |x − y| has no derivative, and torch takes 0"),
    ("grad(t)", "they are equal, where |x − y| has no derivative, and torch takes 0"),
    ("p", "there was a tie, and torch takes the first"),
    ("C", "they are equal, where |x − y| has no derivative, and torch takes 0"),
]


@pytest.fixture(scope="module")
def formulas():
    graph = load(SOURCE)
    return Formulas(Recording(graph), Names(graph))


@pytest.mark.parametrize(("number", "words"), TOLD, ids=[number for number, _ in TOLD])
def test_what_torch_takes_is_told(formulas, number, words):
    key, index = formulas.names.parse(number)
    text = as_text(explain(formulas, key, index or 0))
    assert words in text
    note = as_dict(formulas, key, index or 0)["note"]
    assert words in note


@pytest.mark.parametrize("number", ["grad(h)[0, 0, 0, 0]", "grad(h)[0, 0, 1, 1]", "r[0, 0, 0, 1]", "grad(C)"])
def test_elsewhere_there_is_no_note(formulas, number):
    key, index = formulas.names.parse(number)
    assert "torch" not in as_text(explain(formulas, key, index or 0))
    assert "note" not in as_dict(formulas, key, index or 0)


def test_of_many_a_few_are_told_and_the_rest_counted():
    graph = load(
        {
            "inputs": {"x": [[0.0] * 7], "t": [[0.0] * 7]},
            "layers": [{"name": "i", "op": "Identity"}],
            "loss": {"name": "C", "op": "L1Loss", "inputs": ["i", "t"]},
        }
    )
    text = as_text(explain(Formulas(Recording(graph), Names(graph)), "C", 0))
    assert text.count("they are equal") == 3
    assert "the same convention decides 4 more of its derivatives" in text
