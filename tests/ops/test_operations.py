"""Every operation in every geometry (`op_cases`) passes every check (`op_checks`)."""

import pytest
from op_cases import CASES, EXTREME_CASES, call
from op_checks import CHECKS, central_differences_agree

from convstep.ops.registry import OPERATIONS

pytestmark = pytest.mark.filterwarnings("error")


@pytest.mark.parametrize("check", CHECKS, ids=lambda check: check.__name__)
@pytest.mark.parametrize("case", CASES, ids=lambda case: case.id)
def test_operation(case, check):
    if check is central_differences_agree and not case.smooth:
        pytest.skip("differences say nothing at a kink")
    check(*case.build())


def test_every_operation_has_a_case():
    assert {case.op for case in CASES} == set(OPERATIONS)


def test_every_case_has_its_own_name():
    names = [case.id for case in (*CASES, *EXTREME_CASES)]
    assert len(set(names)) == len(names)


@pytest.mark.parametrize("case", EXTREME_CASES, ids=lambda case: case.id)
def test_extreme_numbers_never_stop_a_step(case):
    op, operands = case.build()
    made = call(op, operands)
    for out in range(made.output.size):
        list(op.terms(made, out))
        op.formula(made, out)
        op.intermediates(made, out)
