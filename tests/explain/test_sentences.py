"""What each step says about itself."""

import pytest
from networks import sample
from picked import PICKED

from convstep.debugger.opening import open_session
from convstep.debugger.session import Session
from convstep.engine.recording import Recording
from convstep.explain.sentences import count_of, sizes
from convstep.network import load


def said(source, where, order="gather"):
    session = open_session(source, at=where) if isinstance(source, str) else Session(Recording(load(source)))
    if order == "scatter":
        session.switch_order()
    session.go(where)
    return session.view().sentence


def test_the_start_says_that_nothing_has_happened():
    assert "Nothing has happened yet" in open_session(sample("two_conv")).view().sentence


@pytest.mark.parametrize(
    ("where", "parts"),
    [
        ("o1", ["o1", "2×2", "w1", "i"]),
        ("o1[2]", ["o1[2]", "4 products", "4"]),
        ("term 5", ["i[3] = 3", "w1[2] = 1", "3 × 1 = 3"]),
        ("C", ["C = 9", "o2", "y"]),
        ("grad(w1)", ["grad(w1)", "4 elements", "4 products"]),
        ("grad(w1)[1]", ["4 times", "-30"]),
        ("new(w1)", ["w1", "0.1"]),
        ("new(w1)[1]", ["w1[1] goes from -1 to 2"]),
    ],
)
def test_a_step_names_what_it_read_and_did(where, parts):
    sentence = said(sample("two_conv"), where)
    for part in parts:
        assert part in sentence


def test_one_is_not_several():
    assert "1 element (1×1×1×1), of 4 terms" in said(sample("two_conv"), "o2")
    assert "4 elements (1×1×2×2), 4 terms each" in said(sample("two_conv"), "o1")
    assert "1 of 4 elements is done" in said(sample("two_conv"), "o1[1]")
    assert "2 of 4 elements are done" in said(sample("two_conv"), "o1[2]")


def test_taps_on_the_padding_add_nothing():
    source = {
        "inputs": {"x": {"init": "ones", "shape": [1, 1, 2, 2]}},
        "layers": [{"name": "c", "op": "Conv2d", "out_channels": 1, "kernel_size": 2, "padding": 1}],
        "gradient": {"c": {"init": "ones", "shape": [1, 1, 3, 3]}},
    }
    assert "padding" in said(source, "term 0")
    assert "adds nothing" in said(source, "term 0")


def test_a_further_user_adds_to_a_gradient():
    source = PICKED["one_tensor_with_many_users"]
    session = Session(Recording(load(source)))
    steps = session.recording.timeline.steps
    users = [k for k, step in enumerate(steps) if step.writes == "grad(r)"]
    assert len(users) == 3
    for k in users:
        session.go(f"op {k}")
        assert "adds to grad(r)" in session.view().sentence
        session.first_inside()
        assert ("is complete" if k == users[-1] else "so far") in session.view().sentence


@pytest.mark.parametrize("order", ["gather", "scatter"])
def test_every_step_has_one_or_two_sentences(order):
    for source in PICKED.values():
        session = Session(Recording(load(source)))
        if order == "scatter":
            session.switch_order()
        for level in ("op", "element", "term"):
            length = session.recording.timeline.length(level, order)
            for position in range(0, length, 1 + length // 15):
                session.go(f"{level} {position}")
                sentence = session.view().sentence
                assert 1 <= sentence.count(". ") + 1 <= 4, sentence
                assert len(sentence) < 400, sentence


def test_words_for_counts_and_sizes():
    assert [count_of(n, "use") for n in (0, 1, 2, 1234)] == ["0 uses", "1 use", "2 uses", "1,234 uses"]
    assert count_of(2, "index") == "2 indexes"
    assert (sizes((1, 2, 3)), sizes(())) == ("1×2×3", "a scalar")


@pytest.mark.parametrize(
    ("where", "named"), [("new(w)", "where g is grad(w)."), ("new(v)", "w is v and g is grad(v).")]
)
def test_an_update_does_not_explain_a_name_by_itself(where, named):
    assert said(sample("conv_pool_sigmoid"), where).endswith(named)


@pytest.mark.parametrize("where", ["term 5", "term 32"])
def test_a_shorter_sentence_keeps_the_product_and_the_sum(where):
    view = open_session(sample("two_conv"), at=where).view()
    assert view.shorter
    lengths = [len(view.sentence), *map(len, view.shorter)]
    assert lengths == sorted(lengths, reverse=True)
    for text in view.shorter:
        product, sum_so_far = view.sentence.split(". ")[-2:]
        assert text.endswith(sum_so_far)
        assert product.rpartition(": ")[2] in text


@pytest.mark.parametrize(
    ("net", "where", "shorter"),
    [
        ("two_conv", "o1", ("Conv2d slides the 2×2 kernel w1 over i and writes o1.",)),
        ("two_conv", "o1[2]", ("o1[2] is the sum of 4 products of i and w1: 4.", "o1[2] = 4.")),
        (
            "two_conv",
            "grad(w1)",
            (
                "Conv2d o1 writes grad(w1), how C reacts to w1: 4 elements; each is the sum of 4 products "
                "local × upstream.",
            ),
        ),
        (
            "two_conv",
            "new(w1)",
            (
                "SGD moves w1 against its gradient: w ← w − lr·g with lr = 0.1.",
                "SGD moves w1 against its gradient, as told below.",
            ),
        ),
        ("two_conv", "new(w1)[1]", ("w1[1] goes from -1 to 2.", "w1[1] = 2.")),
    ],
)
def test_sentences_of_operations_and_elements_have_shorter_ones(net, where, shorter):
    assert open_session(sample(net), at=where).view().shorter == shorter


STRIDED = {
    "inputs": {"x": {"shape": [1, 1, 4, 4], "value": list(range(16))}},
    "layers": [{"name": "c", "op": "Conv2d", "out_channels": 1, "kernel_size": 3, "padding": 1, "stride": 2}],
    "gradient": {"c": {"init": "ones", "shape": [1, 1, 2, 2]}},
}


def test_the_only_use_is_the_one_that_is_not_empty():
    assert said(STRIDED, "grad(c.weight)[0,0,0,0]").endswith("local × upstream = 5 × 1 = 5.")


def test_a_given_gradient_is_not_called_a_reaction():
    session = Session(Recording(load(STRIDED)))
    session.go("grad(x)[0,0,1,1]")
    session.last_inside()
    sentence = session.view().sentence
    assert "the gradient at c[0,0,1,1] is 1" in sentence
    assert "per unit" not in sentence
