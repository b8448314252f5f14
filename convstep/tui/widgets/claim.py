"""What someone worked out, below the ledger of the true sum: yours, the truth, and why they differ."""

from __future__ import annotations

from collections.abc import Sequence

from rich.style import Style
from textual.strip import Strip

from convstep.debugger.screen.view import ClaimShown, Ledger
from convstep.tui.theme.colours import Palette
from convstep.tui.widgets.ledger import ledger_lines
from convstep.tui.widgets.text import Piece, cell_len, cut, pad, rule, strip_of, wrap

_LEAST = 4
"""Title, yours, truth, and a line of why."""
_MOST_WHY = 6
_LEAD = 9


def sum_lines(
    ledger: Ledger | None, claims: Sequence[ClaimShown], width: int, height: int, palette: Palette
) -> list[Strip]:
    """The ledger, and below it the claims, which get what the ledger leaves; exactly `height` lines."""
    if not claims or height < 2 * _LEAST:
        return ledger_lines(ledger, width, height, palette)
    wanted = len(_claim(claims[0], width, _MOST_WHY, palette)) + len(claims) - 1
    spare = height - 2 - (1 if ledger is None else ledger.count)
    below = min(wanted, max(spare, _LEAST, height // 2))
    return [
        *ledger_lines(ledger, width, height - below, palette),
        *claim_lines(claims, width, below, palette),
    ]


def claim_lines(claims: Sequence[ClaimShown], width: int, height: int, palette: Palette) -> list[Strip]:
    """The first claim in full, a line for each further one where there is room; exactly `height` lines."""
    others = max(0, min(len(claims) - 1, height - _LEAST))
    lines = _claim(claims[0], width, min(_MOST_WHY, height - others - _LEAST + 1), palette)
    lines += [_line(claim, width, palette) for claim in claims[1 : 1 + others]]
    blank = strip_of([], width, palette.text)
    return [*lines[:height], *[blank] * (height - len(lines))]


def claim_notice(claims: Sequence[ClaimShown]) -> str:
    """One line, for where there is no room: `Claim 2 of 2: yours is 144 ✗ sum-before-multiply; k shows it`."""
    if not claims:
        return ""
    first = claims[0]
    number, which = first.worked.rpartition("= ")[2], first.title.partition(":")[0]
    yours = f"yours is {number} " if number else ""
    lead = "" if which == "Yours" else f"{which}: "
    return f"{lead}{yours}{first.verdict}; k shows {'it' if len(claims) == 1 else 'all'}"


def _claim(claim: ClaimShown, width: int, most: int, palette: Palette) -> list[Strip]:
    """Title, yours, truth, and at most so many lines of why."""
    lines = [rule(claim.title, width, palette.line, palette.title, "k lists all")]
    formula, number = claim.yours, claim.worked
    verdict = f"   {claim.verdict}"
    room = width - _LEAD - 2 - max(cell_len(claim.result), cell_len(number) + cell_len(verdict))
    size = min(max(8, room), max(cell_len(formula), cell_len(claim.truth)))
    for head, text, result in (("yours", formula, number), ("truth", claim.truth, claim.result)):
        pieces: list[Piece] = [(f"  {head}  ", palette.faint), (pad(cut(text, size), size), palette.text)]
        pieces += [("  ", palette.text), (result, palette.strong)]
        if head == "yours":
            pieces.append((verdict, verdict_ink(claim.right, palette)))
        lines.append(strip_of(pieces, width, palette.text))
    why: list[str] = []
    for reason in claim.why:
        why += wrap(reason if reason.endswith((".", "…")) else f"{reason}.", width - 3, most - len(why))
    return [*lines, *(strip_of([(f"  {text}", palette.text)], width, palette.text) for text in why)]


def _line(claim: ClaimShown, width: int, palette: Palette) -> Strip:
    """A further claim: its formula, number and verdict."""
    title = claim.title.partition(":")[0]
    told = " ".join(part for part in (claim.yours, claim.worked) if part)
    room = width - cell_len(title) - cell_len(claim.verdict) - 7
    pieces: list[Piece] = [(f"  {title}  ", palette.faint), (cut(told, max(8, room)), palette.text)]
    pieces.append((f"   {claim.verdict}", verdict_ink(claim.right, palette)))
    return strip_of(pieces, width, palette.text)


def verdict_ink(right: bool | None, palette: Palette) -> Style:
    """Green, red, or dim as long as nobody knows; the mark before it says the same by shape."""
    if right is None:
        return palette.faint
    return palette.written if right else palette.warning + Style(bold=True)
