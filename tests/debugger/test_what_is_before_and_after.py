"""What an update shows says which numbers were there before it; a term that reads nothing says where it falls."""

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
