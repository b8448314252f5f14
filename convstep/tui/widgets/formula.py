"""The formula of one number: names over numbers over results, the current term in brackets, folded to the width."""

from __future__ import annotations

from itertools import pairwise
from typing import NamedTuple

from rich.style import Style
from textual.strip import Strip

from convstep.debugger.screen.view import Formula, FormulaTerm
from convstep.tui.theme.colours import Palette
from convstep.tui.widgets.text import Piece, cell_len, cut_name, pad, rule, strip_of, wrap

_FOLDED = -1


class _Term(NamedTuple):
    """A term with its column's width; `place` is its number, _FOLDED for those that are left out."""

    place: int
    term: FormulaTerm
    width: int


def formula_lines(formula: Formula | None, width: int, height: int, palette: Palette) -> list[Strip]:
    """The block with its title line; exactly `height` lines."""
    if height <= 0:
        return []
    if formula is None:
        body: list[list[Piece]] = []
        note = ""
    elif formula.count <= 1:
        body, note = _single(formula, width, height - 1, palette)
    else:
        body, note = _sum(formula, width, palette)
    head = rule("Formula", width, palette.line, palette.title, note)
    lines = [strip_of(pieces, width, palette.text) for pieces in body[: height - 1]]
    blank = strip_of([], width, palette.text)
    return [head, *lines, *[blank] * (height - 1 - len(lines))]


def _single(formula: Formula, width: int, height: int, palette: Palette) -> tuple[list[list[Piece]], str]:
    """No sum: one line for names, one for numbers, one for the result; long ones wrap where there is room.

    What no term reaches has its result alone.
    """
    term = formula.term(0) if formula.count else FormulaTerm("", "", "")
    subject = f" {formula.subject} "
    indent = cell_len(subject)
    room = max(4, width - indent - 3)
    texts = [text for text in (term.names, term.numbers) if text]
    result = (formula.total or term.result).removeprefix("= ")
    if result and result not in texts:
        texts.append(result)
    texts = texts or ["·"]
    spare = max(0, height - len(texts))
    body: list[list[Piece]] = []
    for i, text in enumerate(texts):
        folded = wrap(text, room, 1 + spare) or [""]
        spare -= len(folded) - 1
        ink = palette.strong if i == len(texts) - 1 and len(texts) > 1 else palette.text
        lead: Piece = (subject, palette.title) if i == 0 else (" " * indent, palette.text)
        body.append([lead, ("= ", palette.faint), (folded[0], ink)])
        body += [[(" " * (indent + 2), palette.text), (line, ink)] for line in folded[1:]]
    return body, formula.note


def _sum(formula: Formula, width: int, palette: Palette) -> tuple[list[list[Piece]], str]:
    """Three aligned lines. The note and the total stand beside it where they fit, or else in the title line."""
    subject = f" {cut_name(formula.subject, max(1, width // 3 - 2))} "
    indent = cell_len(subject) + 2
    terms = _folded(formula, width - indent - 2)
    body: list[list[Piece]] = [
        [(subject, palette.title), ("=", palette.faint)],
        [(" " * (indent - 2), palette.text), ("=", palette.faint)],
        [(" " * (indent - 1), palette.text)],
    ]
    for before, term in zip([None, *terms], terms, strict=False):
        _append(body, before, term, formula, palette)
    _close(body, terms[-1], formula.now, palette)
    used = indent + sum(term.width for term in terms) + 3 * len(terms)
    aside = [text for text in (formula.note, formula.total) if text]
    if aside and used + max(cell_len(text) for text in aside) + 3 <= width:
        for line, text, ink in ((0, formula.note, palette.faint), (2, formula.total, palette.strong)):
            if text:
                room = width - sum(cell_len(piece) for piece, _ in body[line]) - 1
                body[line].append((pad(text, room, "right"), ink))
        return body, ""
    return body, "   ".join(aside)


def _append(body: list[list[Piece]], before: _Term | None, term: _Term, formula: Formula, palette: Palette) -> None:
    """One column: the joint with the column before it, then names, numbers and result."""
    now = formula.now
    opens, closes = term.place == now, before is not None and before.place == now
    plus = "" if before is None else formula.joint
    joint = f"{']' if closes else ' '}{plus or ' '}{'[' if opens else ' '}"
    joint = joint if before is not None else f" {'[' if opens else ''}" if opens else " "
    blank = " " * len(joint)
    ink = palette.now if opens else palette.text
    for line, (text, gap) in enumerate(
        ((term.term.names, joint), (term.term.numbers, joint), (term.term.result, blank))
    ):
        style = ink if line < 2 or opens else palette.faint if text == "·" else palette.text
        if line == 0 and term.place == formula.differs:
            style = palette.warning + Style(underline=True)
        body[line].append((gap, palette.now if opens or closes else palette.faint))
        body[line].append((pad(text, term.width, "left" if line == 0 and term.place != now else "centre"), style))


def _close(body: list[list[Piece]], last: _Term, now: int | None, palette: Palette) -> None:
    if last.place == now:
        body[0].append(("]", palette.now))
        body[1].append(("]", palette.now))


def _folded(formula: Formula, room: int) -> list[_Term]:
    """As many terms as fit: the current one first of all, then the ends, then its neighbours; `…` for the rest."""
    chosen: dict[int, _Term] = {}
    for place in _wanted(formula):
        term = _measured(formula, place)
        trial = sorted([*chosen, place])
        used = sum(chosen[k].width if k in chosen else term.width for k in trial) + 3 * len(trial)
        used += 4 * _gaps(trial, formula.count)
        if chosen and used > room:
            break
        chosen[place] = term
    result: list[_Term] = []
    previous = -1
    for place in sorted(chosen):
        if place != previous + 1:
            result.append(_Term(_FOLDED, FormulaTerm("…", "…", ""), 1))
        result.append(chosen[place])
        previous = place
    if previous != formula.count - 1:
        result.append(_Term(_FOLDED, FormulaTerm("…", "…", ""), 1))
    return result


def _measured(formula: Formula, place: int) -> _Term:
    term = formula.term(place)
    return _Term(place, term, max(cell_len(term.names), cell_len(term.numbers), cell_len(term.result), 1))


def _gaps(places: list[int], count: int) -> int:
    """How many runs of terms are left out."""
    ends = [-1, *places, count]
    return sum(b != a + 1 for a, b in pairwise(ends))


def _wanted(formula: Formula) -> list[int]:
    """The order in which terms are given room; a few dozen of them at most."""
    last = formula.count - 1
    now = formula.now
    order = [0, last] if now is None else [now, 0, last, now - 1, now + 1]
    around = 0 if now is None else now
    for distance in range(1, min(formula.count, 60)):
        order += [around - distance, around + distance]
    seen: dict[int, None] = {}
    for place in order:
        if 0 <= place <= last:
            seen.setdefault(place)
    return list(seen)
