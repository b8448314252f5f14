"""The block of a claim and the list of findings: pure functions of plain data."""

from dataclasses import replace
from typing import Any

import pytest

from convstep.debugger.claims.findings import Finding, Section
from convstep.debugger.screen.view import ClaimShown
from convstep.tui.theme.colours import Palette
from convstep.tui.widgets.claim import claim_lines, claim_notice, sum_lines
from convstep.tui.widgets.findings import findings_lines

PALETTE = Palette()
CLAIM = ClaimShown(
    title="Claim 2 of 2: grad(w1)[1]",
    yours="(i[1]+i[2]+i[4]+i[5]) · (w2[1]+w2[2]+w2[3]+w2[4]) · 2 · (o2[1]-y[1])",
    worked="= 12 · 2 · 6 = 144",
    verdict="✗ sum-before-multiply",
    right=False,
    truth="i[1]·g[1] + i[2]·g[2] + i[4]·g[3] + i[5]·g[4]",
    result="= shown when the sum is complete",
    why=("In this step i[2] meets w2[2] alone; yours multiplies it with all four.", "12 terms are too many"),
)


def texts(strips: Any) -> list[str]:
    return [strip.text for strip in strips]


def test_yours_stands_above_the_truth_and_both_are_worked_out() -> None:
    lines = texts(claim_lines([CLAIM], 160, 6, PALETTE))
    assert lines[0].startswith("─ Claim 2 of 2: grad(w1)[1] ─")
    assert lines[1].rstrip().endswith("= 12 · 2 · 6 = 144   ✗ sum-before-multiply")
    assert lines[2].startswith("  truth  i[1]·g[1] + i[2]·g[2]")
    assert lines[1].index("= 12") == lines[2].index("= shown")
    assert [line.strip() for line in lines[3:]] == [*CLAIM.why[:1], "12 terms are too many.", ""]


@pytest.mark.parametrize("width", [1, 10, 30, 60, 80, 120, 200])
@pytest.mark.parametrize("height", [0, 1, 4, 8, 13])
def test_exactly_as_many_lines_as_there_is_room(session: Any, width: int, height: int) -> None:
    ledger = session.view().ledger
    lines = texts(sum_lines(ledger, [CLAIM, replace(CLAIM, right=True)], width, height, PALETTE))
    assert [len(line) for line in lines] == [width] * height


def test_a_long_formula_is_cut_and_the_verdict_stays() -> None:
    lines = texts(claim_lines([CLAIM], 90, 5, PALETTE))
    assert "…  = 12 · 2 · 6 = 144   ✗ sum-before-multiply" in lines[1]


def test_what_the_ledger_leaves_is_the_claims(session: Any) -> None:
    ledger = session.view().ledger
    lines = texts(sum_lines(ledger, [CLAIM], 160, 13, PALETTE))
    assert [k for k, line in enumerate(lines) if line.startswith("─ Claim")] == [8]
    low = texts(sum_lines(ledger, [CLAIM], 160, 8, PALETTE))
    assert [k for k, line in enumerate(low) if line.startswith("─ Claim")] == [4]
    assert texts(sum_lines(ledger, [CLAIM], 160, 7, PALETTE))[0].startswith("─ Ledger")


def test_further_claims_get_a_line_each() -> None:
    other = replace(CLAIM, title="Claim 3 of 3: grad(w1)[1]", yours="", worked="= -30", verdict="✓ always", right=True)
    lines = texts(claim_lines([CLAIM, other], 120, 6, PALETTE))
    assert any(line.startswith("  Claim 3 of 3  = -30   ✓ always") for line in lines)
    assert not any("Claim 3" in line for line in texts(claim_lines([CLAIM, other], 120, 4, PALETTE)))


def test_right_and_wrong_are_told_by_colour_too() -> None:
    def ink(right: bool | None) -> Any:
        strip = claim_lines([replace(CLAIM, right=right)], 160, 4, PALETTE)[1]
        return next(segment.style for segment in strip if "sum-before" in segment.text)

    assert len({str(ink(right)) for right in (True, False, None)}) == 3


def test_one_line_where_there_is_no_room() -> None:
    assert claim_notice([CLAIM]) == "Claim 2 of 2: yours is 144 ✗ sum-before-multiply; k shows it"
    assert claim_notice([CLAIM, CLAIM]).endswith("k shows all")
    assert claim_notice([replace(CLAIM, worked="", verdict="being judged …")]).startswith("Claim 2 of 2: being judged")
    mine = replace(CLAIM, title="Yours: grad(w1)[1] of mine.npz", yours="", worked="= 144", verdict="✗ wrong")
    assert claim_notice([mine]) == "yours is 144 ✗ wrong; k shows it"
    assert claim_notice([]) == ""


def test_the_ledger_marks_the_first_row_that_differs(session: Any) -> None:
    ledger = replace(session.view().ledger, differs=1)
    lines = texts(sum_lines(ledger, [], 110, 8, PALETTE))
    marked = [line for line in lines if "✗" in line]
    assert len(marked) == 1 and marked[0].split()[1] == "2"


# -- the list


def finding(k: int, right: bool | None = True) -> Finding:
    return Finding(f"grad(w{k})[1]", f"i[{k}]·g[1]  = {k}", "✓ always", right, (f"reason {k}",), f"w{k}", 0, k)


SECTIONS = [
    Section("Claims", tuple(finding(k, k % 3 != 0) for k in range(30))),
    Section("Gradients against central differences", (), "not checked yet: c checks every gradient"),
]


@pytest.mark.parametrize("size", [(10, 5), (40, 8), (80, 24), (160, 50)])
@pytest.mark.parametrize("chosen", [0, 15, 29])
def test_the_chosen_one_is_in_sight_with_its_reasons(size: tuple[int, int], chosen: int) -> None:
    width, height = size
    lines = texts(findings_lines(SECTIONS, chosen, "", ["keys"], width, height, PALETTE))
    assert [len(line) for line in lines] == [width] * height
    assert sum(line.startswith(f" ▶ grad(w{chosen})[1]"[:width]) for line in lines) == 1
    if height >= 24:
        assert f"  reason {chosen}" in [line.rstrip() for line in lines]


def test_a_section_counts_and_says_what_it_lacks() -> None:
    lines = texts(findings_lines(SECTIONS, 29, "12 checked", ["keys"], 100, 60, PALETTE))
    assert "20 right, 10 wrong" in lines[0]
    assert any("not checked yet" in line for line in lines)
    assert lines[-2].startswith("─ 12 checked ─") and lines[-1].strip() == "keys"


def test_the_longest_keys_that_fit_are_shown_whole() -> None:
    keys = ["enter opens, escape closes", "escape closes"]
    for width, shown in ((80, keys[0]), (20, keys[1])):
        lines = texts(findings_lines(SECTIONS, 0, "", keys, width, 10, PALETTE))
        assert lines[-1].strip() == shown


def test_an_empty_list() -> None:
    lines = texts(findings_lines([Section("Claims", (), "none")], 0, "", ["keys"], 60, 10, PALETTE))
    assert len(lines) == 10 and "none" in lines[1]
