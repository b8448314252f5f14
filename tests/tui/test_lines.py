"""Formula, ledger, timeline, legend, head, footer and message: pure functions of the view."""

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest

from convstep.debugger.moves import Wording
from convstep.debugger.screen.view import Formula, FormulaTerm, Ledger, ProgramLine, TimelineBar
from convstep.tui.theme.colours import Palette
from convstep.tui.theme.glyphs import to_ascii
from convstep.tui.widgets.footer import footer_line
from convstep.tui.widgets.formula import formula_lines
from convstep.tui.widgets.head import head_lines
from convstep.tui.widgets.ledger import ledger_lines
from convstep.tui.widgets.legend import legend_line
from convstep.tui.widgets.message import message_line
from convstep.tui.widgets.program import fitted, program_lines
from convstep.tui.widgets.text import cut_name, wrap
from convstep.tui.widgets.timeline import share_at, stretches, timeline_line

PALETTE = Palette()


def test_the_formula_of_the_example(one_formula: Callable[[int], Formula]) -> None:
    lines = [strip.text.rstrip() for strip in formula_lines(one_formula(1), 80, 4, PALETTE)]
    assert lines[1].startswith(" ∂C/∂w1[1] = i[1]·g[1] +[i[2]·g[2]]+ i[4]·g[3] + i[5]·g[4]")
    assert lines[1].endswith("g = ∂C/∂o1")
    assert lines[2] == "           =   1·12    +[  2·18   ]+  4·(-12)  +  5·(-6)"
    assert lines[3].split() == ["12", "36", "→", "48…", "·", "·"]


@pytest.mark.parametrize("count", [576, 4608])
@pytest.mark.parametrize("width", [40, 80, 160])
def test_a_long_formula_keeps_ends_and_current_term(
    sum_formula: Callable[[int, int], Formula], count: int, width: int
) -> None:
    asked: list[int] = []
    formula = sum_formula(count, 30)
    watched = Formula(
        formula.subject, count, lambda k: asked.append(k) or formula.term(k), 30, formula.note, formula.total
    )
    lines = [strip.text for strip in formula_lines(watched, width, 4, PALETTE)]
    assert "[x[31]·w[31]]" in lines[1]
    assert "…" in lines[1]
    assert {len(line) for line in lines} == {width}
    assert len(asked) < 40
    if width >= 80:
        assert " x[1]·w[1] " in lines[1]
        assert f"x[{count}]·w[{count}]" in lines[1]
    assert any(f"Σ 31 of {count}: 12.5…" in line for line in lines)


def test_a_formula_that_is_no_sum_has_its_own_lines() -> None:
    formula = Formula("C", 1, lambda k: FormulaTerm("(o2 - y)²", "(-1 - (-4))²", "9"))
    lines = [strip.text.rstrip() for strip in formula_lines(formula, 60, 4, PALETTE)]
    assert lines[1:] == [" C = (o2 - y)²", "   = (-1 - (-4))²", "   = 9"]


def test_a_result_is_not_said_twice() -> None:
    formula = Formula("flat", 1, lambda k: FormulaTerm("s[1]", "0.5", ""), total="= 0.5")
    lines = [strip.text.rstrip() for strip in formula_lines(formula, 60, 4, PALETTE)]
    assert lines[1:] == [" flat = s[1]", "      = 0.5", ""]


def test_shares_stand_side_by_side_without_a_plus() -> None:
    formula = Formula("shares of g[4]", 2, lambda k: FormulaTerm(f"w[{k}]:", "5·(-6)", "-30"), joint="")
    lines = [strip.text.rstrip() for strip in formula_lines(formula, 60, 4, PALETTE)]
    assert lines[1:3] == [" shares of g[4] = w[0]:    w[1]:", "                = 5·(-6)   5·(-6)"]


def test_a_sentence_without_room_gives_way_to_a_shorter_one(session: Any) -> None:
    full = (
        "w1[1] met i[2] = 2 when o1[2] was made; C changes by 18 per unit of o1[2]. "
        "This use adds 2 × 18 = 36. Sum so far 48; 2 uses still to come."
    )
    shorter = (full.replace("; C changes by 18 per unit of o1[2]", ""), "This use adds 2 × 18 = 36.")
    view = replace(session.view(), sentence=full, shorter=shorter)
    whole, middle = (head_lines(view, width, 3, PALETTE) for width in (80, 60))
    assert " C changes by 18 per unit of o1[2]." in whole[1].text
    said = " ".join(strip.text.strip() for strip in middle[1:])
    assert said.endswith("Sum so far 48; 2 uses still to come.")
    assert said.startswith("w1[1] met i[2] = 2 when o1[2] was made. This use")
    assert "…" not in said


def test_a_cut_line_ends_after_a_whole_word() -> None:
    assert wrap("the sum so far is -0.000175385", 24, 1) == ["the sum so far is …"]
    assert wrap("layer1.0.downsample.0.weight", 12, 1) == ["layer1.0.do…"]


def test_a_product_in_ascii_is_no_decimal_number() -> None:
    assert to_ascii("2·18 + i[1]·g[2] = 4·(-12) · 36 → 48…  ·") == "2*18 + i[1]*g[2] = 4*(-12) . 36 > 48~  ."


def test_a_hat_takes_no_cell_in_ascii() -> None:
    assert to_ascii("m̂ / (√v̂ + 1)") == "m / (rv + 1)"


def test_what_is_said_after_an_operation_is_shortened_and_never_cut() -> None:
    assert fitted("o1 → grad(w1)  0 of 4", 30) == "o1 → grad(w1)  0 of 4"
    assert fitted("o1 → grad(w1)  0 of 4", 18) == "o1 → grad(w1)  0/4"
    assert fitted("o1 → grad(w1)  0 of 4", 17) == "o1 → grad(w1)"
    assert fitted("o1 → grad(i)  unused by training", 20) == "o1 → grad(i)  unused"
    assert fitted("layer1.0.conv1 = Conv2d", 10) == "layer1.0.…"


def test_a_long_message_ends_after_a_whole_word() -> None:
    line = message_line("there is nothing to stop at: b sets a breakpoint", "", [], 30, PALETTE)
    assert line.text == "─ there is nothing to stop … ─"


@pytest.mark.parametrize(
    ("total", "shown"), [("= 0", "∂C/∂x[7] = 0"), ("none", "∂C/∂x[7] = none"), ("", "∂C/∂x[7] = ·")]
)
def test_a_sum_that_no_term_reaches_has_its_result_alone(total: str, shown: str) -> None:
    def no_term(k: int) -> FormulaTerm:
        raise AssertionError(k)

    formula = Formula("∂C/∂x[7]", 0, no_term, total=total)
    assert [strip.text.strip() for strip in formula_lines(formula, 60, 4, PALETTE)][1:] == [shown, "", ""]


def test_no_formula_is_blank_lines() -> None:
    assert [strip.text.strip() for strip in formula_lines(None, 30, 4, PALETTE)][1:] == ["", "", ""]


def test_the_ledger_aligns_and_marks_the_current_row(session: Any) -> None:
    ledger = session.view().ledger
    lines = [strip.text.rstrip() for strip in ledger_lines(ledger, 110, 8, PALETTE)]
    assert lines[1].split()[:2] == ["term", "way"]
    assert [line[:4] for line in lines[2:6]].count("  ▶ ") == 1
    assert len({line.rindex("=") for line in lines[2:6]}) == 1


def test_a_ledger_asks_for_visible_rows_only() -> None:
    from convstep.debugger.screen.view import Ledger

    asked: list[int] = []

    def row(k: int) -> tuple[str, ...]:
        asked.append(k)
        return str(k), "x"

    lines = ledger_lines(Ledger("o1", ("term", "does"), 4608, row, 2000), 60, 12, PALETTE)
    assert len(lines) == 12
    assert len(asked) == 10
    assert 2000 in asked
    assert "1996 to 2005 of 4608" in lines[0].text


BAR = TimelineBar((("forward", 0, 20), ("loss", 20, 21), ("backward", 21, 83), ("update", 83, 91)), 32, 91, 0, 1)


def test_the_timeline_names_phases_and_marks_the_position() -> None:
    line = timeline_line(BAR, 80, PALETTE).text
    assert len(line) == 80
    assert [word for word in line.split() if word.isalpha()] == ["forward", "loss", "backward", "update"]
    assert line.rstrip().endswith("35 %")
    assert line.index("backward") < line.index("●") < line.index("update")


@pytest.mark.parametrize("width", [5, 12, 30, 80, 200])
def test_the_timeline_has_the_width_of_the_screen(width: int) -> None:
    assert len(timeline_line(BAR, width, PALETTE).text) == width


def test_a_click_on_the_timeline_lands_in_the_phase_under_the_mouse() -> None:
    for part in stretches(BAR, 100):
        for x in range(part.start, part.start + part.length):
            assert part.first <= round(share_at(BAR, 100, x) * 90) < part.last
    assert share_at(BAR, 100, 0) == 0.0
    assert share_at(BAR, 100, 99) == 1.0


def test_the_blank_start_and_the_last_step() -> None:
    start = TimelineBar(BAR.phases, -1, 91, 0, 5)
    assert "━" not in timeline_line(start, 80, PALETTE).text
    assert "iteration 0 of 5" in timeline_line(start, 80, PALETTE).text
    assert "100 %" in timeline_line(TimelineBar(BAR.phases, 90, 91, 0, 1), 80, PALETTE).text


@pytest.mark.parametrize("width", [60, 80, 120])
def test_the_legend_has_marks_and_both_ends_of_the_scale(width: int) -> None:
    line = legend_line(18.0, width, PALETTE, "grad(w1)").text
    assert len(line) == width
    for sign in ("[x]", "(x)", "<x>", "x…", "·", "-18", " 18"):
        assert sign in line


def test_the_legend_says_at_80_columns_whose_colours_they_are() -> None:
    assert "grad(w1)  -30" in legend_line(30.0, 80, PALETTE, "grad(w1)").text


@pytest.mark.parametrize("width", [10, 20, 40, 80, 160])
def test_the_footer_never_loses_help(width: int) -> None:
    line = footer_line(width, PALETTE).text
    assert len(line) == width
    assert "?" in line


def test_the_program_keeps_the_current_operation_visible() -> None:
    program = [ProgramLine(f"op{i}", "done" if i < 70 else "now" if i == 70 else "coming", i) for i in range(200)]
    lines = [strip.text.rstrip() for strip in program_lines(program, 20, 12, PALETTE)]
    assert " ▶ op70" in lines
    assert len(lines) == 12


def test_a_message_hides_notices_and_nothing_else() -> None:
    assert "2 empty terms" in message_line("2 empty terms", "i[1] = 1.0", ["a notice"], 60, PALETTE).text
    assert "i[1] = 1.0" in message_line("", "i[1] = 1.0", ["a notice"], 60, PALETTE).text
    assert "a notice" in message_line("", "", ["a notice"], 60, PALETTE).text


def test_a_ledger_cuts_names_and_keeps_numbers() -> None:
    row = ("1", "a long way to the loss by many layers", "activation[0,0,0,0] = -0.228517", "-0.25", "-0.5")
    ledger = Ledger("grad(w)", ("term", "way", "local", "= product", "sum"), 1, lambda k: row, 0)
    lines = ledger_lines(ledger, 70, 3, Palette(True, "full"))
    assert "= -0.228517" in lines[2].text
    assert lines[2].text.rstrip().endswith("-0.5")


@pytest.mark.parametrize(
    ("width", "told"), [(60, "Inf came from 2.00e200 · 3.00e200"), (30, "2.00e200 · 3.00e200"), (20, "2.00e200 ·")]
)
def test_the_longest_wording_that_has_room(width: int, told: str) -> None:
    wording = Wording("Inf came from 2.00e200 · 3.00e200", "2.00e200 · 3.00e200")
    assert told in (text := message_line(wording, "", (), width, PALETTE).text)
    assert ("came" in text) == (width == 60)


def test_where_there_is_no_room_the_innermost_breadcrumb_stays(session: Any) -> None:
    view = replace(session.view(), name="two_conv", status="OP 1 of 11", where=("forward", "o1 Conv2d", "o1"))

    def top(width: int) -> str:
        return head_lines(view, width, 1, PALETTE)[0].text.strip()

    assert top(60).startswith("two_conv   forward › o1 Conv2d › o1 ")
    assert top(34).startswith("… › o1 Conv2d › o1 "), "the operation stays longer than the network's name"
    assert top(26).startswith("two…   … › o1 ")
    assert top(16).split() == ["o1", "OP", "1", "of", "11"]


@pytest.mark.parametrize(
    ("text", "width", "shown"),
    [
        ("∂loss/∂conv1.weight[0,0,1,1]", 28, "∂loss/∂conv1.weight[0,0,1,1]"),
        ("∂loss/∂conv1.weight[0,0,1,1]", 20, "∂loss/∂con…[0,0,1,1]"),
        ("∂loss/∂conv1.weight[0,0,1,1]", 12, "∂loss/∂conv…"),
        ("grad(conv1.weight)", 8, "grad(co…"),
    ],
)
def test_of_a_long_name_the_index_stays(text: str, width: int, shown: str) -> None:
    assert cut_name(text, width) == shown


def test_a_long_subject_keeps_its_index_in_the_formula() -> None:
    formula = Formula("∂loss/∂conv1.weight[0,0,1,1]", 2, lambda k: FormulaTerm(f"x[{k}]", "1", "1"), None)
    assert formula_lines(formula, 60, 4, PALETTE)[1].text.startswith(" ∂loss/∂c…[0,0,1,1] = x[0] + x[1]")


def test_beside_ones_own_numbers_a_low_screen_keeps_the_scale() -> None:
    line = legend_line(0.0259, 80, PALETTE, "grad(head.bias)", compared=True).text
    assert line.startswith(" [x] step") and "x≠ yours  " in line and "-0.0259" in line
    assert legend_line(0.0259, 50, PALETTE, "grad(head.bias)", compared=True).text.startswith("  x≠ yours  [x] step")
