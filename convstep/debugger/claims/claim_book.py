"""Derivatives that someone worked out, with their verdicts: the claims of the file, and those kept in a session.

Judging takes other runs of the network, so nothing is judged when it is only to be shown: `preparation` does the
work, perhaps in another thread, and `take` keeps what it came to.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from convstep.engine.recording import Recording
from convstep.engine.work import Work
from convstep.errors import ConvstepError
from convstep.explain.naming import Names
from convstep.network.footprint import iteration_bytes
from convstep.network.graph import Claim

if TYPE_CHECKING:
    from convstep.explain.claims.claim_rows import ClaimRows
    from convstep.explain.claims.claims import Judge, Verdict
    from convstep.explain.gradcheck import GradientCheck
    from convstep.explain.language.nodes import Node

_EXTRA = "claims"
_MOST_KEPT = 100
_MOST_BYTES = 64 * 2**20
"""Of a larger network the judge is made anew for each question: it holds a whole iteration."""

_UPSTREAM = re.compile(r"(?<![\w.(])g(?![\w.(])")
"""What formulas on the screen call the upstream gradient."""


@dataclass(frozen=True)
class Entry:
    """A claim: `tensor` and flat `index` (None: a whole gradient) say what of; `kept` by the person, in the session."""

    claim: Claim
    tensor: str
    index: int | None
    kept: bool = False


@dataclass(frozen=True)
class Judged:
    """What became of a claim: its verdict, or the `error` for which there is none.

    `node` is its formula, `steps` the numbers on the way to its result ("12 · 2 · 6").
    """

    verdict: Verdict | None
    error: str = ""
    node: Node | None = None
    steps: str = ""


@dataclass(frozen=True)
class Answer:
    """A claim that someone asked about, what became of it, and its rows by element."""

    entry: Entry
    judged: Judged
    rows: dict[int, ClaimRows | None]


@dataclass(frozen=True)
class Prepared:
    """What `ClaimBook.preparation` has found out, by the numbers that the `entries` had when it began."""

    judge: Judge
    entries: tuple[Entry, ...]
    judged: dict[int, Judged]
    rows: dict[tuple[int, int], ClaimRows | None]


class ClaimBook:
    """The claims about one recording, by number from 0."""

    def __init__(self, recording: Recording, names: Names, extras: dict[str, Any]) -> None:
        self.recording, self.names, self._extras = recording, names, extras
        entries = [self._entry(claim) for claim in recording.graph.claims]
        entries += [self._entry(claim, kept=True) for claim in _stored(extras.get(_EXTRA))]
        self.entries: list[Entry] = [entry for entry in entries if entry is not None]
        self.judged: dict[int, Judged] = {}
        self.checks: list[GradientCheck] = []
        """What the gradient check last found."""
        self.front: int | None = None
        """The claim that is shown first where there are several: the one that was chosen last."""
        self._rows: dict[tuple[int, int], ClaimRows | None] = {}
        self._judge: Judge | None = None

    def _entry(self, claim: Claim, kept: bool = False) -> Entry | None:
        index = "" if claim.index is None else f"[{','.join(map(str, claim.index))}]"
        try:
            tensor, flat = self.names.parse(claim.of + index)
        except ConvstepError:
            return None  # kept for another network
        return Entry(claim, tensor, flat, kept)

    def about(self, tensor: str, index: int | None) -> list[int]:
        """The claims about an element, or (None) about any part of a tensor."""
        return [
            number
            for number, entry in enumerate(self.entries)
            if entry.tensor == tensor and (index is None or entry.index in (None, index))
        ]

    def rows(self, number: int, index: int) -> ClaimRows | None:
        """A claim about element `index`, term by term, as far as that is known."""
        return self._rows.get((number, index))

    def is_pending(self, number: int, index: int) -> bool:
        """Whether there is still something to find out about a claim at an element."""
        return number not in self.judged or (number, index) not in self._rows

    # -- finding out

    def preparation(self, at: tuple[int, int] | None = None) -> Callable[[Work], Prepared]:
        """The work that judges all claims, and compares one at one element term by term. It touches nothing here."""
        judge, recording = self._judge, self.recording.beside()
        entries, known = tuple(self.entries), dict(self.judged)

        def prepare(work: Work) -> Prepared:
            from convstep.debugger.claims.claim_work import Judge, judged_by, rows_by, told_at

            using = judge or Judge(recording)
            found = {
                number: judged_by(using, entry, number, work)
                for number, entry in enumerate(entries)
                if number not in known
            }
            rows: dict[tuple[int, int], ClaimRows | None] = {}
            for number, one in {**known, **found}.items():
                index = at[1] if at is not None and at[0] == number else told_at(entries[number], one)
                if index is not None and (number in found or (at is not None and at[0] == number)):
                    rows[number, index] = rows_by(using, entries[number], one, index)
            return Prepared(using, entries, found, rows)

        return prepare

    def take(self, prepared: Prepared) -> None:
        """Keep what was found out about the claims that are still there."""
        numbers = {id(entry): number for number, entry in enumerate(self.entries)}
        now = {then: numbers[id(entry)] for then, entry in enumerate(prepared.entries) if id(entry) in numbers}
        self.judged.update({now[number]: one for number, one in prepared.judged.items() if number in now})
        self._rows.update({(now[number], i): rows for (number, i), rows in prepared.rows.items() if number in now})
        if iteration_bytes(self.recording.graph) <= _MOST_BYTES:
            self._judge = prepared.judge

    # -- claims of one's own

    def asked(self, tensor: str, index: int | None, text: str) -> Callable[[Work], Answer]:
        """The work that judges what someone types of an element; `g` is the upstream gradient there.

        Raises ConvstepError, now or then, for what cannot be read.
        """
        recording, number = self.recording.beside(), len(self.entries)
        claim = Claim(tensor, self._written_index(tensor, index), self._in_full(tensor, text))
        entry = Entry(claim, tensor, index, kept=True)

        def judge_it(work: Work) -> Answer:
            from convstep.debugger.claims.claim_work import Judge, judged_by, rows_by, told_at

            using = Judge(recording)  # its own: the one at hand may be at work in the background
            judged = judged_by(using, entry, number, work)
            if judged.error:
                raise ConvstepError(judged.error)
            at = told_at(entry, judged)
            return Answer(entry, judged, {} if at is None else {at: rows_by(using, entry, judged, at)})

        return judge_it

    def _written_index(self, tensor: str, index: int | None) -> tuple[int, ...] | None:
        if index is None:
            return None
        text = self.names.index(index, self.names.shape(tensor))[1:-1]
        return tuple(int(part) for part in text.split(",")) if text else ()

    def _in_full(self, tensor: str, text: str) -> Any:
        """A number where it is one; else the text, with `g` written as what it stands for here."""
        text = text.strip().removesuffix("?").strip()
        try:
            return float(text)
        except ValueError:
            pass
        writers = self.recording.timeline.writers(f"grad({tensor})")
        if "g" in self.names.all() or not writers:
            return text
        layer = self.recording.timeline.steps[writers[-1]].layer
        return _UPSTREAM.sub(f"grad({layer})", text)

    def keep(self, answer: Answer) -> int:
        """Keep a claim in the session; its number. Raises ConvstepError where there are too many."""
        if len(self.entries) >= _MOST_KEPT:
            raise ConvstepError(f"{_MOST_KEPT} claims are kept at most; d in the list of claims lets go of one")
        self.entries.append(answer.entry)
        number = len(self.entries) - 1
        self.judged[number] = answer.judged
        self._rows.update({(number, at): rows for at, rows in answer.rows.items()})
        self.front = number
        self._store()
        return number

    def drop(self, number: int) -> None:
        """Let go of a kept claim; the others keep their verdicts."""
        del self.entries[number]
        self.front = None
        self.judged = {n - (n > number): j for n, j in self.judged.items() if n != number}
        self._rows = {(n - (n > number), i): r for (n, i), r in self._rows.items() if n != number}
        self._store()

    def _store(self) -> None:
        self._extras[_EXTRA] = [
            {"of": entry.claim.of, "index": entry.claim.index and list(entry.claim.index), "is": entry.claim.text}
            for entry in self.entries
            if entry.kept
        ]


def _stored(kept: Any) -> list[Claim]:
    """The claims in a snapshot's extras; what is not one is left out."""
    claims = []
    for item in kept[:_MOST_KEPT] if isinstance(kept, list) else []:
        if not isinstance(item, dict) or not isinstance(item.get("of"), str):
            continue
        index, text = item.get("index"), item.get("is")
        whole = index is None or (isinstance(index, list) and all(type(part) is int for part in index))
        if whole and isinstance(text, (str, int, float)):
            claims.append(Claim(item["of"], None if index is None else tuple(index), text))
    return claims
