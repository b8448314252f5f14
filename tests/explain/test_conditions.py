"""Conditions: what may be written, and one clear line for everything that means nothing."""

import pytest
from hypothesis import given
from hypothesis import strategies as st
from networks import sample

from convstep.engine.timeline import Timeline
from convstep.explain.claims.claims import judge
from convstep.explain.language.conditions import parse_condition, parse_watch, taken
from convstep.explain.language.kinds import kind_of, uses
from convstep.explain.language.language import parse
from convstep.explain.language.nodes import Compare, ExpressionError, Here, Logic, Not, Reference
from convstep.explain.language.vocabulary import vocabulary
from convstep.explain.naming import Names
from convstep.network import load


def words_of(source):
    graph = load(source)
    return vocabulary(graph, Timeline(graph), Names(graph))


TWO_CONV = words_of(sample("two_conv"))


@pytest.mark.parametrize(
    "text",
    [
        "abs(grad(w1)) > 1",
        "isnan(o1)",
        "max(o1) < 0",
        "loss > prev(loss)",
        "iteration == 3 and phase == 'update'",
        'layer == "o1"',
        "level != 'term'",
        "op == 'Conv2d' or op == 'SGD'",
        "sum > 40",
        "abs(sum) >= w1[1]",
        "position ≥ 3",
        "not (o1 > 5) and any(o1 > 2 and o1 < 3)",
        "all(isfinite(grad(w1)))",
        "min(o1, 2) ≠ mean(i)",
        "new(w1) > prev(w1)",
        "isnan(sum) or isinf(2 * sum)",
        "((o1 > 1))",
        "+o1 > -+2",
        "not " * 40 + "o1 > 1",
        "abs(product) > 1 and local != 0 or upstream < 0",
        "isnan(value) and index[-1] == 0 and index == 3",
        "factors[0] * factors[1] != product or $factors[ 2 ] > 1",
        "exp(sum) > $sum and $loss > 1",
    ],
)
def test_these_are_conditions(text):
    assert kind_of(parse_condition(text, TWO_CONV)) == "truth"


@pytest.mark.parametrize(
    ("text", "column", "words"),
    [
        ("layer == 'o9'", 10, "there are o1, o2 and C"),
        ("phase == 'backwards'", 10, "did you mean 'backward'"),
        ("o1 = 5", 4, "'=' is written =="),
        ("1 > 2 && 3 > 4", 7, "'&&' is written and"),
        ("1 < i < 2", 7, "do not go in a row"),
        ("i > o1", 1, "1×1×3×3 and 1×1×2×2 do not go together"),
        ("any(i > 1 and o1 > 1)", 5, "do not go together"),
        ("o1 + 'a' > 2", 6, "a text is no number"),
        ("(o1 > 3) + 2 > 1", 2, "a comparison is no number"),
        ("(o1 > 3) == (o1 > 2)", 2, "not compared"),
        ("o1 and o1 > 1", 1, "a comparison is missing"),
        ("not o1", 5, "a comparison is missing"),
        ("o1", 1, "compare it"),
        ("phase", 1, "a text alone"),
        ("phase < 'update'", 1, "== or !="),
        ("phase == layer", 1, "with a text in quotes"),
        ("o1 > 'x'", 6, "only phase, layer, op and level"),
        ("position * 2 > 3", 1, "stands alone"),
        ("position > o1", 1, "needs an index"),
        ("sum > o1", 1, "needs an index"),
        ("any(sum > 2)", 5, "stands outside"),
        ("prev(position) > 1", 6, "stands outside"),
        ("isnan(position)", 7, "stands outside"),
        ("isnan(sum + o1)", 1, "needs an index"),
        ("not " * 41 + "o1 > 1", 165, "nested more than 40"),
        ("not " * 1000 + "o1 > 1", 165, "nested more than 40"),
        ("(" * 1000 + "o1" + ")" * 1000 + " > 1", 22, "nested more than"),
        ("i[i[1]] > 2", 2, "an index is made of whole numbers"),
        ("i[1 > 2", 2, "never closed"),
        ("loss == nan", 9, "isnan(…)"),
        ("prodct > 3", 1, "did you mean 'product'"),
        ("$prodct > 3", 1, "did you mean 'product'"),
        ("index[x] > 3", 6, "of a torch index"),
        ("factors > 1", 1, "factors[0] is the first factor of a product"),
        ("factors[0, 1] > 1", 8, "factors[0] is the first factor"),
        ("factor[0] > 1", 1, "did you mean 'factors'"),
        ("product > o1", 1, "needs an index"),
        ("prev(upstream) > 1", 6, "stands outside"),
        ("phase == update", 10, "a text stands in quotes: phase == 'update'"),
        ("o1 >", 5, "where a number or a tensor is missing"),
        ("> 3", 1, "stands where a number"),
        ("new(i) > 2", 5, "nothing updates it"),
        ("o1[9] > 3", 1, "outside"),
        ("a > 3", 1, "no tensor 'a'"),
        ("exp(1, 2) > 3", 1, "takes one argument"),
        ("o1 > 'open", 6, "no part of an expression"),
        ("(o1 > 1", 8, "')' is missing"),
        ("o1 > 1)", 7, "closes nothing"),
    ],
)
def test_what_means_nothing_says_where_and_why(text, column, words):
    with pytest.raises(ExpressionError) as caught:
        parse_condition(text, TWO_CONV)
    assert caught.value.column == column
    assert words in str(caught.value)
    assert "\n" not in str(caught.value)


def test_how_conditions_bind():
    node = parse_condition("o1 > 1 or o1 > 2 and not o1 > 3", TWO_CONV)
    assert isinstance(node, Logic)
    assert node.word == "or"
    assert isinstance(node.parts[0], Compare)
    inner = node.parts[1]
    assert isinstance(inner, Logic)
    assert inner.word == "and"
    assert isinstance(inner.parts[1], Not)


def test_the_loss_has_a_word_of_its_own():
    node = parse_watch("loss", TWO_CONV)
    assert isinstance(node, Reference)
    assert node.key == "C"


def test_a_tensor_of_the_same_name_wins():
    network = {
        "inputs": {"sum": [1.0, 2.0]},
        "layers": [{"name": "phase", "op": "ReLU"}],
        "gradient": {"phase": [1, 1]},
    }
    words = words_of(network)
    assert not uses(parse_condition("sum > 1", words), "sum")
    assert isinstance(parse_watch("phase", words), Reference)
    assert isinstance(parse_watch("position", words), Here)
    assert uses(parse_condition("$sum > 1", words), "sum")
    assert taken("sum > 1", words) == "; sum is the tensor here, $sum the word"
    with pytest.raises(ExpressionError, match="a number for each dimension"):
        parse_watch("index", words)


def test_numbers_may_be_watched_too():
    assert kind_of(parse_watch("sum(grad(w1)) / 2", TWO_CONV)) == "number"


@given(st.text(alphabet="o1w2 ()<>=!&|'\"andornotsumpev[].,+-*/^²phase", max_size=40))
def test_any_text_is_read_or_refused(text):
    try:
        kind = kind_of(parse_watch(text, TWO_CONV))
    except ExpressionError:
        return
    assert kind in ("truth", "number")


@pytest.mark.parametrize("text", ["o1 > 1", "min(o1)", "prev(o1)", "iteration", "sum", "'a'", "not o1", "isnan(o1)"])
def test_claims_know_nothing_of_all_that(text):
    with pytest.raises(ExpressionError):
        parse(text, TWO_CONV.names)


def test_a_claim_may_still_be_judged():
    from convstep.engine.recording import Recording

    assert len(judge(Recording(load(sample("two_conv"))))) == 2
