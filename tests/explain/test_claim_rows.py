"""A claim beside the true sum: term by term, worked out on paper, and told in words."""

import math

import pytest
from networks import sample

from convstep.engine.recording import Recording
from convstep.explain.claims.claim_rows import claim_rows
from convstep.explain.claims.claim_steps import worked
from convstep.explain.claims.claim_words import of_row, of_whole, with_article
from convstep.explain.claims.claims import reader
from convstep.explain.claims.polynomial import number_of
from convstep.explain.language.evaluation import evaluate
from convstep.explain.language.language import parse
from convstep.explain.naming import Names
from convstep.network import load

RECORDING = Recording(load(sample("two_conv")))
NAMES = Names(RECORDING.graph)
READ = reader(RECORDING.iteration(0))
QUESTION = "(i[1]+i[2]+i[4]+i[5]) * (w2[1]+w2[2]+w2[3]+w2[4]) * 2 * (o2[1]-y[1])"
TERMS = "(i[1]*w2[1] + i[2]*w2[2] + i[4]*w2[3] + i[5]*w2[4])"
STEP = 7
"""The operation that writes grad(w1)."""


def value(key, index):
    return float(READ(key).reshape(-1)[index])


def rows_of(text, tensor="o1.weight", index=0):
    return claim_rows(RECORDING, parse(text, NAMES), tensor, index)


def told(text, term):
    rows = rows_of(text)
    return of_row(rows.rows[STEP, term], NAMES, value)


def test_the_question_term_by_term():
    rows = rows_of(QUESTION)
    assert rows.count == 16 and len(rows.extra) == 12 and not rows.loose.terms
    assert rows.first == (STEP, 0)
    assert [number_of(row.yours, value) for row in rows.rows.values()] == [12, 24, 48, 60]
    assert told(QUESTION, 1) == "In this step i[2] meets w2[2] alone; yours multiplies it with all four."
    assert of_whole(rows, NAMES) == "12 of your 16 products pair an i and a w2 that never met."


@pytest.mark.parametrize(
    ("text", "term", "says"),
    [
        (f"{TERMS} * 2 * (o2 - y)", 1, "yours is right: 36."),
        (f"{TERMS} * (o2 - y)", 1, "yours is 0.5 times what is right."),
        (f"{TERMS} * 2 * (y - o2)", 3, "yours has the opposite sign."),
        ("(i[1]*w2[1] + i[2]*w2[2] + i[4]*w2[3]) * 2 * (o2 - y)", 3, "yours lacks i[5]·w2[4]·2·(o2[1] - y[1]) = -30."),
        ("i[1]+i[2]+i[4]+i[5]", 1, "yours has i[2] = 2 where i[2]·w2[2]·2·(o2[1] - y[1]) = 36 is right."),
        (f"({TERMS} + i[2]*w2[1]) * 2 * (o2 - y)", 1, "i[2] meets w2[2] alone; yours multiplies it with w2[1], too."),
        (f"{TERMS} * 2 * (o2 - y) + i[2]", 1, "yours has too much: i[2] = 2."),
        ("i[1]*grad(o1)[1] + i[2]*grad(o1)[2]", 2, "yours lacks grad(o1)[3]·i[4] = -48."),
    ],
)
def test_one_step_is_told(text, term, says):
    assert told(text, term) == f"In this step {says}"


@pytest.mark.parametrize(
    ("name", "spoken"),
    [("i", "an i"), ("w2", "a w2"), ("x", "an x"), ("grad(o1)", "a grad(o1)"), ("embedding", "an embedding")],
)
def test_names_have_the_article_that_is_spoken(name, spoken):
    assert with_article(name) == spoken


def test_terms_that_belong_nowhere():
    rows = rows_of(f"{TERMS} * 2 * (o2 - y) + i[9]")
    assert of_whole(rows, NAMES) == "1 of your 5 terms belongs to no product of this sum."
    assert rows.first == (STEP, 0)


def test_the_first_row_that_differs():
    assert rows_of("(i[1]*w2[1] + i[2]*w2[2] + i[4]*w2[3]) * 2 * (o2 - y)").first == (STEP, 3)
    assert rows_of(f"{TERMS} * 2 * (o2 - y)").first is None


@pytest.mark.parametrize(
    "text", [QUESTION, TERMS, "i[9] + i[1]*grad(o1)[4]", f"-{TERMS} * 3 * o2 + 5", "sum(i)*sum(w2)"]
)
@pytest.mark.parametrize("index", [0, 3])
def test_rows_and_loose_terms_add_up(text, index):
    rows = rows_of(text, index=index)
    yours = [number_of(row.yours, value) for row in rows.rows.values()]
    claimed = evaluate(parse(text, NAMES), READ).item()
    assert math.isclose(sum(yours) + number_of(rows.loose, value), claimed)
    truth = sum(number_of(row.truth, value) for row in rows.rows.values())
    assert math.isclose(truth, RECORDING.iteration(0).grads["o1.weight"].reshape(-1)[index])


def test_what_is_too_long_has_no_rows():
    assert rows_of(" * ".join(["sum(i)"] * 12)) is None
    assert rows_of("i[1]", tensor="C") is None, "no step writes grad(C)"


@pytest.mark.parametrize(
    ("text", "steps"),
    [
        (QUESTION, "12 · 2 · 6"),
        ("o1[1] * 2 * (o2[1] - y[1])", "3 · 6"),
        ("i[1]*grad(o1)[1] + i[2]*grad(o1)[2] + i[4]*grad(o1)[3]", "12 + 36 - 48"),
        ("-(i[1] + i[2]) * w1[4]", "-3 · (-2)"),
        ("-((i[1] + i[2]) * w1[4])", "-(3 · (-2))"),
        ("sum(w2 * o1) / 4", "-1 / 4"),
        ("2 / (o2 - y)", "2 / 3"),
        ("o1[1]", ""),
        ("o1 * w2", ""),
    ],
)
def test_a_formula_is_worked_out(text, steps):
    assert worked(parse(text, NAMES), READ) == steps
