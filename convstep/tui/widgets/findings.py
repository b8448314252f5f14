"""The list of claims, one's own gradients and checked gradients: a line each, and the reasons of the chosen one."""

from __future__ import annotations

from collections.abc import Sequence

from rich.cells import cell_len
from textual.strip import Strip

from convstep.debugger.claims.findings import Finding, Section
from convstep.tui.theme.colours import Palette
from convstep.tui.widgets.claim import verdict_ink
from convstep.tui.widgets.text import Piece, cut, pad, rule, strip_of, wrap

_LEAST_LIST = 4
_WIDEST_NAME = 28
_WIDEST_VERDICT = 32


def findings_lines(
    sections: Sequence[Section], chosen: int, said: str, keys: Sequence[str], width: int, height: int, palette: Palette
) -> list[Strip]:
    """The list around the `chosen` finding, why it is so, a line of what is going on (`said`), and the keys.

    Exactly `height` lines; of `keys`, the longest first, the first that fits.
    """
    why = _why(sections, chosen, width, max(0, (height - 2 - _LEAST_LIST) // 2), palette)
    listed, at = _list(sections, chosen, width, palette)
    room = max(1, height - len(why) - 2)
    top = min(max(0, at - room // 2), max(0, len(listed) - room))
    blank = strip_of([], width, palette.text)
    lines = listed[top : top + room]
    lines += [blank] * (room - len(lines))
    fitting = next((line for line in keys if cell_len(line) <= width - 2), keys[-1])
    footer = strip_of([(f" {cut(fitting, width - 2)}", palette.faint)], width, palette.text)
    return [*lines, *why, rule(said, width, palette.line, palette.now), footer][:height]


def all_findings(sections: Sequence[Section]) -> list[Finding]:
    """The findings of all sections, as they are counted."""
    return [finding for section in sections for finding in section.findings]


def _list(sections: Sequence[Section], chosen: int, width: int, palette: Palette) -> tuple[list[Strip], int]:
    """All lines of the list, and which of them is the chosen one."""
    findings = all_findings(sections)
    names = min(_WIDEST_NAME, max((cell_len(f.of) for f in findings), default=0))
    verdicts = min(_WIDEST_VERDICT, max((cell_len(f.verdict) for f in findings), default=0))
    lines: list[Strip] = []
    at, count = 0, 0
    for section in sections:
        lines.append(rule(section.title, width, palette.line, palette.title, _counted(section)))
        if not section.findings:
            lines.append(strip_of([(f"   {section.empty}", palette.faint)], width, palette.text))
        for finding in section.findings:
            if count == chosen:
                at = len(lines)
            lines.append(_line(finding, count == chosen, names, verdicts, width, palette))
            count += 1
    return lines, at


def _counted(section: Section) -> str:
    right = sum(finding.right is True for finding in section.findings)
    wrong = sum(finding.right is False for finding in section.findings)
    parts = [f"{right} right" if right else "", f"{wrong} wrong" if wrong else ""]
    return ", ".join(part for part in parts if part)


def _line(finding: Finding, chosen: bool, names: int, verdicts: int, width: int, palette: Palette) -> Strip:
    room = max(4, width - names - verdicts - 8)
    ink = palette.strong if chosen else palette.text
    pieces: list[Piece] = [
        (" ▶ " if chosen else "   ", palette.marker),
        (pad(cut(finding.of, names), names), ink),
        ("  ", ink),
        (pad(cut(finding.said, room), room), ink),
        ("  ", ink),
        (cut(finding.verdict, verdicts), verdict_ink(finding.right, palette)),
    ]
    return strip_of(pieces, width, palette.text)


def _why(sections: Sequence[Section], chosen: int, width: int, most: int, palette: Palette) -> list[Strip]:
    findings = all_findings(sections)
    if not 0 <= chosen < len(findings) or most < 2:
        return []
    finding = findings[chosen]
    lines: list[str] = []
    for text in (f"{finding.of} = {finding.said}" if finding.claim is not None else "", *finding.why):
        lines += wrap(text, width - 3, most - 1 - len(lines)) if text else []
    head = rule(finding.of, width, palette.line, palette.title, finding.verdict)
    return [head, *(strip_of([(f"  {line}", palette.text)], width, palette.text) for line in lines)]
