"""The checks are worth something: each kind of wrong operation is caught by the check that is there for it."""

from dataclasses import replace

import numpy as np
import op_checks
import pytest
from op_cases import CASES, sure

from convstep.ops.activation.activation import Tanh
from convstep.ops.activation.softmax import Softmax
from convstep.ops.base import Links, Spec
from convstep.ops.conv.conv import Conv2d
from convstep.ops.expression import Number
from convstep.ops.pool.max_pool import MaxPool2d

SATURATED = next(case for case in CASES if case.op == "Softmax" and case.inputs == (sure,))
RIGHT = next(case for case in CASES if case.op == "Conv2d" and case.arguments.get("groups") == 2)


class WrongVjp(Conv2d):
    def vjp(self, call, upstream, wanted):
        return [g if g is None else g * 2 for g in super().vjp(call, upstream, wanted)]


class UnflippedKernel(Conv2d):
    """The beginner's mistake: the kernel's taps in the wrong order on the way back."""

    def vjp(self, call, upstream, wanted):
        flipped = np.ascontiguousarray(call.operands[1][..., ::-1, ::-1])
        back = super().vjp(replace(call, operands=(call.operands[0], flipped, *call.operands[2:])), upstream, wanted)
        return [back[0], *super().vjp(call, upstream, wanted)[1:]]


class WrongEverywhere(Tanh):
    """Vjp, row and column agree with each other, and only a difference shows that they are wrong."""

    def slope(self, x, y):
        return 1 - y

    def slope_expression(self, x, y, at):
        return Number(1.0 - np.tanh(at))


class ImpureForward(Conv2d):
    def forward(self, operands, saved):
        output = super().forward(operands, saved)
        operands[0][...] = 0
        return output


class UnwantedGradient(Conv2d):
    def vjp(self, call, upstream, wanted):
        return super().vjp(call, upstream, [True] * len(wanted))


class GrowsToFloat64(Conv2d):
    def forward(self, operands, saved):
        return super().forward(operands, saved).astype(np.float64)


class Shortened(Conv2d):
    """Rows that leave out their first entry."""

    def row(self, call, slot, out):
        links = super().row(call, slot, out)
        if slot == 2:
            return links
        return Links(links.index[:, 1:], links.local[:, 1:], links.empty[:, 1:], links.partner[:, 1:])


class BlankEntry(Conv2d):
    """Rows whose first real entry is said to be empty."""

    def row(self, call, slot, out):
        links = super().row(call, slot, out)
        if slot != 0:
            return links
        first = (np.arange(len(out)), (links.empty == 0).argmax(axis=1))
        index, local, empty = links.index.copy(), links.local.copy(), links.empty.copy()
        index[first], local[first], empty[first] = -1, 0.0, 1
        return Links(index, local, empty, links.partner)


class UnorderedColumn(Conv2d):
    def column(self, call, slot, into):
        links = super().column(call, slot, into)
        return Links(
            *(None if a is None else a[:, ::-1] for a in (links.index, links.local, links.empty, links.partner))
        )


class WrongPartner(Conv2d):
    def column(self, call, slot, into):
        links = super().column(call, slot, into)
        partner = None if links.partner is None else np.where(links.partner > 0, links.partner - 1, links.partner)
        return replace(links, partner=partner)


class UnsaidEmpty(Conv2d):
    def column(self, call, slot, into):
        return replace(super().column(call, slot, into), empty=None)


class OneTermTooMany(Conv2d):
    def term_count(self):
        return super().term_count() + 1


class ForgottenBias(Conv2d):
    def terms(self, call, out):
        terms = list(super().terms(call, out))
        return [*terms[:-1], terms[-2]]


class StandingSum(Conv2d):
    def terms(self, call, out):
        return [term._replace(sum=1.0) for term in super().terms(call, out)]


class ReadFromNowhere(Softmax):
    def terms(self, call, out):
        return [t._replace(reads=[replace(r, value=r.value + 1) for r in t.reads]) for t in super().terms(call, out)]


class ReversedTerms(Conv2d):
    def pairs(self, out):
        return tuple(a[:, ::-1] for a in super().pairs(out))

    def row(self, call, slot, out):
        links = super().row(call, slot, out)
        if slot == 2:
            return links
        return Links(links.index[:, ::-1], links.local[:, ::-1], links.empty[:, ::-1], links.partner[:, ::-1])


class WrongFormula(Conv2d):
    def formula(self, call, out):
        return super().formula(call, 0)


class WrongDerivative(Conv2d):
    def derivative(self, call, slot, out, into, partner):
        return Number(1.0)


class UnsaidBias(Conv2d):
    """Its terms on the padding are told, its bias is not."""

    def empties(self, out):
        return self.pairs(out)[2]


class Speechless(Conv2d):
    def tell_link(self, call, slot, out, into, partner, naming):
        return "something happened"


class SpreadMaximum(MaxPool2d):
    """The gradient of a maximum spread over its window."""

    def vjp(self, call, upstream, wanted):
        links = self.row(call, 0, np.arange(call.output.size))
        gradient = np.zeros(call.operands[0].size)
        full = links.index >= 0
        np.add.at(gradient, links.index[full], (upstream.reshape(-1, 1) / full.sum(1, keepdims=True) * full)[full])
        return [gradient.reshape(call.operands[0].shape) if wanted[0] else None]


class LostDigits(Softmax):
    """The textbook formula, y · (u − Σ y·u), which loses the digits of a share close to 1."""

    def vjp(self, call, upstream, wanted):
        y = call.output
        return [y * (upstream - (y * upstream).sum(axis=1, keepdims=True)) if wanted[0] else None]


@pytest.mark.parametrize(
    ("wrong", "check"),
    [
        (WrongVjp, op_checks.rows_give_vjp),
        (WrongVjp, op_checks.central_differences_agree),
        (UnflippedKernel, op_checks.rows_give_vjp),
        (UnflippedKernel, op_checks.central_differences_agree),
        (WrongEverywhere, op_checks.central_differences_agree),
        (ImpureForward, op_checks.output_is_as_declared),
        (UnwantedGradient, op_checks.output_is_as_declared),
        (GrowsToFloat64, op_checks.float32_stays),
        (Shortened, op_checks.links_are_well_formed),
        (Shortened, op_checks.rows_and_columns_are_transposes),
        (BlankEntry, op_checks.rows_give_vjp),
        (BlankEntry, op_checks.rows_and_columns_are_transposes),
        (UnorderedColumn, op_checks.links_are_well_formed),
        (WrongPartner, op_checks.rows_and_columns_are_transposes),
        (UnsaidEmpty, op_checks.links_are_well_formed),
        (OneTermTooMany, op_checks.terms_end_in_forward),
        (ForgottenBias, op_checks.terms_end_in_forward),
        (ReversedTerms, op_checks.terms_follow_rows),
        (StandingSum, op_checks.terms_build_on_each_other),
        (ReadFromNowhere, op_checks.terms_build_on_each_other),
        (WrongFormula, op_checks.formula_gives_the_element),
        (WrongDerivative, op_checks.derivatives_give_the_locals),
        (UnsaidBias, op_checks.empties_are_those_of_the_terms),
        (Speechless, op_checks.words_name_what_they_speak_of),
        (LostDigits, op_checks.products_add_up_to_vjp),
        (SpreadMaximum, op_checks.rows_give_vjp),
        (SpreadMaximum, op_checks.central_differences_agree),
    ],
)
def test_a_wrong_operation_is_caught(wrong, check):
    kind = wrong.__mro__[1].__name__
    case = {"Conv2d": RIGHT, "Softmax": SATURATED}.get(kind) or next(case for case in CASES if case.op == kind)
    right, operands = case.build()
    check(right, operands)
    op = wrong(**case.arguments).bind([Spec(spec.shape, spec.dtype) for spec in right.inputs])
    with pytest.raises(AssertionError):
        check(op, operands)


def test_every_check_catches_something():
    mark = test_a_wrong_operation_is_caught.pytestmark[0]
    assert {check for _, check in mark.args[1]} == set(op_checks.CHECKS)
