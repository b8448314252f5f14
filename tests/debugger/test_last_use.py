"""A sum is shown as final with its last full term, whatever empty terms are still counted after it."""

from networks import sample

from convstep.debugger.opening import open_session


def test_n_sees_the_element_complete_before_it_goes_on():
    session = open_session(sample("two_conv"), at="grad(i)[2]")
    session.first_inside()
    assert session.view().sentence.endswith("Sum so far 12; 1 use still to come.")
    session.next()
    view = session.view()
    assert view.sentence.endswith("This use adds (-1) × 18 = -18. grad(i)[2] = -6: that was the last use.")
    assert view.formula is not None
    assert view.formula.total == "= -6"
    assert "passed over 2 empty terms" in session.next()
    assert session.view().where[-2:] == ("grad(i)[3]", "term 1 of 4")
