"""What the panes and the ledger call their numbers."""

from networks import sample

from convstep.debugger.opening import open_session


def test_before_and_after_stand_in_the_titles():
    session = open_session(sample("digits"))
    session.end()
    titles = [getattr(block, "title", "") for block in session.view().tensors]
    assert titles == [
        "fc2.bias before",
        "fc2.bias after",
        "after − before",
        "momentum_buffer before",
        "momentum_buffer after",
    ]


def test_empty_terms_of_a_ledger_say_where_they_fall():
    session = open_session(sample("residual"), at="grad(x)")
    ledger = session.view().ledger
    assert "past the edge" in {ledger.row(k)[1] for k in range(ledger.count)}


def test_cells_of_the_middle_pane_are_called_what_they_are():
    session = open_session(sample("two_conv"), at="grad(w1)[1]")
    local, upstream, products = (block for block in session.view().local if hasattr(block, "element"))
    assert local.element(1) == "∂o1[2]/∂w1[1]"
    assert upstream.element(1) == "grad(o1)[2]"
    assert products.element(1) == "product at o1[2]"
    session.switch_order()
    local, shares = (block for block in session.view().local if hasattr(block, "element"))
    assert local.element(1) == "∂o1[4]/∂w1[2]"
    assert shares.element(1) == "share of grad(w1)[2]"


def test_a_formula_keeps_its_results_until_the_steps_of_its_element_are_done():
    session = open_session(sample("sequence"), at="norm[0,0,0]")
    session.first_inside()
    results = []
    for _ in range(6):
        formula = session.view().formula
        results.append([formula.term(k).result for k in range(formula.count)])
        session.next()
    assert results[:5] == [["·", "·"]] * 5
    assert results[5] == ["0.746887", "0"]
