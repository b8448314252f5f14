"""The work of judging claims: imported where there is one to judge, since it needs most of `explain`."""

from __future__ import annotations

from convstep.debugger.claims.claim_book import Entry, Judged
from convstep.engine.work import QUIET, Work
from convstep.errors import ConvstepError
from convstep.explain.claims.claim_rows import ClaimRows, claim_rows
from convstep.explain.claims.claim_steps import worked
from convstep.explain.claims.claims import Judge as Judge
from convstep.explain.claims.claims import reader
from convstep.explain.language.language import parse
from convstep.explain.language.nodes import references


def judged_by(judge: Judge, entry: Entry, number: int, token: Work = QUIET) -> Judged:
    """The verdict on a claim, or why there is none."""
    try:
        verdict = judge.verdict(entry.claim, number, token)
    except ConvstepError as error:
        return Judged(None, str(error))
    if not isinstance(entry.claim.text, str):
        return Judged(verdict)
    node = parse(entry.claim.text, judge.names)
    return Judged(verdict, "", node, worked(node, reader(judge.iteration)))


def told_at(entry: Entry, judged: Judged) -> int | None:
    """The element of a claim at which it is looked at first: its own, or the first wrong one."""
    return entry.index if entry.index is not None or judged.verdict is None else judged.verdict.wrong


def rows_by(judge: Judge, entry: Entry, judged: Judged, index: int) -> ClaimRows | None:
    """Term by term, where there is a formula of names."""
    if judged.node is None or judged.verdict is None or not references(judged.node):
        return None
    whole = entry.index is None
    if whole and judged.verdict.claimed.size != judged.verdict.truth.size:
        return None
    return claim_rows(judge.recording, judged.node, entry.tensor, index, index if whole else 0)
