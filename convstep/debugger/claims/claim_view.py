"""What someone worked out, beside the true derivation of the present element."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np

from convstep.debugger.claims.claim_book import ClaimBook, Judged
from convstep.debugger.screen.formulas import gradient_column
from convstep.debugger.screen.stage import Stage
from convstep.debugger.screen.view import MINE, ClaimShown, Formula, Ledger, Status
from convstep.engine.sums import collect
from convstep.engine.timeline import Step
from convstep.explain.numbers import short
from convstep.explain.sentences import count_of

if TYPE_CHECKING:
    from convstep.debugger.claims.mine import Mine
    from convstep.explain.claims.claim_rows import ClaimRows
    from convstep.explain.claims.claims import Verdict
    from convstep.explain.difference import Compared
    from convstep.explain.mistakes.mistake import Mistake

_MOST_TERMS = 8
_LATER = "shown when the sum is complete"


@dataclass(frozen=True)
class Answers:
    """What there is to hold beside the truth: claims, and gradients of one's own."""

    claims: ClaimBook
    mine: Mine | None = None

    def at(self, stage: Stage) -> AtStep | None:
        """What belongs to the present element: None outside the backward passes that claims and one's own are about."""
        step = stage.step
        iterations = (0,) if self.mine is None else (0, self.mine.iteration)
        if step is None or not step.is_backward or stage.state.place.iteration not in iterations:
            return None
        return AtStep(self, stage, step)


@dataclass(frozen=True)
class AtStep:
    """The claims and numbers for the element at hand; on a whole operation, for the tensor that it writes."""

    answers: Answers
    stage: Stage
    step: Step

    @property
    def _element(self) -> int | None:
        """The element that the step is about; a share of scatter order goes to several, an operation writes all."""
        return self.stage.state.target

    def _numbers(self) -> list[tuple[int, int]]:
        """The claims to be shown, each with the element at which it is looked at: the chosen one, then wrong ones."""
        book, element, state = self.answers.claims, self._element, self.stage.state
        if state.place.iteration != 0:
            return []
        found = []
        for number in book.about(self.step.tensor, element):
            own = book.entries[number].index
            at = own if own is not None else element
            if at is None:
                judged = book.judged.get(number)
                wrong = judged.verdict.wrong if judged is not None and judged.verdict is not None else None
                at = self.stage.example if wrong is None else wrong
            if element is None and state.shares is not None and not (state.shares.target == at).any():
                continue
            found.append((number, at))
        return sorted(found, key=lambda each: (each[0] != book.front, self._is_right(*each)))

    def _is_right(self, number: int, at: int) -> bool:
        """Whether a claim is right at an element."""
        book = self.answers.claims
        judged, k = book.judged.get(number), at if book.entries[number].index is None else 0
        return judged is not None and judged.verdict is not None and bool(judged.verdict.right[k])

    def shown(self) -> tuple[ClaimShown, ...]:
        """Everything that there is to show, one's own number first."""
        mine = self._mine()
        return (*([] if mine is None else [mine]), *(self._claim(number, at) for number, at in self._numbers()))

    # -- claims

    def _claim(self, number: int, at: int) -> ClaimShown:
        book = self.answers.claims
        entry, judged, rows = book.entries[number], book.judged.get(number), book.rows(number, at)
        element = self.stage.names.element(self.step.writes, at, self.step.shape)
        title = f"Claim {number + 1} of {len(book.entries)}: {element}"
        names, result = self._truth(at)
        pending = (number, at) if book.is_pending(number, at) else None
        yours = as_written(entry.claim.text)
        if judged is None:
            return ClaimShown(title, yours, "", "being judged …", None, names, result, (), pending)
        if judged.verdict is None:
            return ClaimShown(title, yours, "", f"? {judged.error}", None, names, result, (), pending)
        verdict = judged.verdict
        whole, k = entry.index is None, at if entry.index is None else 0
        right = bool(verdict.right[k])
        worked = worked_out(judged, verdict, k, self.stage.names.index(at, self.step.shape) if whole else "")
        why = self._why(verdict, rows, right, at)
        return ClaimShown(title, yours, worked, verdict_of(verdict, right), right, names, result, why, pending)

    def _why(self, verdict: Verdict, rows: ClaimRows | None, right: bool, at: int) -> tuple[str, ...]:
        """The term at hand and the whole, in words; then the verdict's reasons: the true number at the end only."""
        if right:
            return tuple(verdict.why) if verdict.ok else ()
        lines = []
        if rows is not None:
            from convstep.explain.claims.claim_words import of_row, of_whole

            row = rows.rows.get((self.stage.state.place.step, self._term))
            told = [] if row is None else [of_row(row, self.stage.names, self._value)]
            lines.append(" ".join(text for text in (*told, of_whole(rows, self.stage.names)) if text))
        numbers, *reasons = verdict.why
        lines += [numbers] if self._is_done(at) else []
        mistakes = [mistake.sentence() for mistake in verdict.mistakes]
        return tuple(text for text in (*lines, *mistakes, *(r for r in reasons if r not in mistakes)) if text)

    @property
    def _term(self) -> int:
        term = self.stage.state.column_term
        return -1 if term is None else term

    def _value(self, key: str, index: int) -> float:
        return float(self.stage.state.recorded(key).reshape(-1)[index])

    # -- numbers of one's own

    def _mine(self) -> ClaimShown | None:
        mine, at = self.answers.mine, self._element
        compared = None if mine is None else mine.of(self.step.tensor)
        if mine is None or compared is None or self.stage.state.place.iteration != mine.iteration:
            return None
        if at is None:
            first = compared.first_wrong
            at = self.stage.example if first is None else first[0]
        right = not compared.differs[at]
        names, result = self._truth(at)
        element = self.stage.names.element(self.step.writes, at, self.step.shape)
        why = () if right else mine_why(compared, mine.explained)
        worked = f"= {short(float(compared.aligned.reshape(-1)[at]))}"
        title, verdict = f"Yours: {element} of {mine.file}", _marked(right, "", compared.mistakes)
        pending = None if mine.explained else (MINE, at)
        return ClaimShown(title, "", worked, verdict, right, names, result, why, pending)

    # -- the truth

    def _is_done(self, at: int) -> bool:
        """Whether the element is complete; before that its number is not shown."""
        _, status = self.stage.state.read(self.step.writes, np.array([at]))
        return bool(status[0] == Status.DONE)

    def _truth(self, at: int) -> tuple[str, str]:
        """The true sum with names, and its number once it is complete."""
        stage, step, state = self.stage, self.step, self.stage.state
        collected = state.collected if state.target == at else None
        collected = collected or collect(step, state.iteration, np.array([at]))
        column = gradient_column(stage, step, collected, at)
        full = np.flatnonzero(collected.links.met[0])
        few = len(full) <= _MOST_TERMS
        shown = full.tolist() if few else [*full[: _MOST_TERMS // 2].tolist(), -1, int(full[-1])]
        terms = [column(k, None, False).names if k >= 0 else "…" for k in shown]
        others = len(state.timeline.writers(step.writes)) - 1
        more = [f"what {count_of(others, 'other use')} give{'s' if others == 1 else ''}"] if others else []
        result = _LATER if not self._is_done(at) else short(self._value(step.writes, at))
        return " + ".join([*terms, *more]) or "0", f"= {result}"

    # -- ledger and formula

    def _rows(self, index: int) -> ClaimRows | None:
        """The rows of the claim that is shown first; none of a right one that is written in other terms."""
        number, at = next(iter(self._numbers()), (-1, -1))
        rows = self.answers.claims.rows(number, index) if at == index else None
        if rows is None or (self._is_right(number, at) and rows.first is not None):
            return None
        return rows

    def ledger(self, ledger: Ledger | None) -> Ledger | None:
        """The ledger with what the claim has for each row, and the first row that differs."""
        rows = None if ledger is None else self._rows(self._ledger_element)
        if ledger is None or rows is None or ledger.count < 1 or ledger.header[0] != "term":
            return ledger
        from convstep.explain.claims.polynomial import number_of

        step, value = self.stage.state.place.step, self._value

        def row(k: int) -> tuple[str, ...]:
            own = rows.rows.get((step, k))
            text = "" if own is None else f"{short(number_of(own.yours, value))} {'✓' if own.same else '✗'}"
            return (*ledger.row(k), text)

        return replace(ledger, header=(*ledger.header, "yours"), row=row, differs=self._first(rows))

    def formula(self, formula: Formula | None) -> Formula | None:
        """The formula with the first differing term marked."""
        rows = None if formula is None else self._rows(self._ledger_element)
        if formula is None or rows is None or formula.joint != "+":
            return formula
        step, first = self.stage.state.place.step, self._first(rows)
        terms = sorted(term for k, term in rows.rows if k == step)
        return formula if first is None else replace(formula, differs=terms.index(first))

    @property
    def _ledger_element(self) -> int:
        element = self._element
        return self.stage.example if element is None else element

    def _first(self, rows: ClaimRows) -> int | None:
        """The first differing term of this step's sum."""
        step = self.stage.state.place.step
        return min((term for (k, term), row in rows.rows.items() if k == step and not row.same), default=None)


def as_written(text: object) -> str:
    """A claim's formula with · for a product; "" for numbers."""
    return text.replace("**", "^").replace("*", "·") if isinstance(text, str) else ""


def verdict_of(verdict: Verdict, right: bool) -> str:
    """`✓ always`, `✓ for these numbers`, `✗ sum-before-multiply`; `right` is about the element looked at."""
    if right and not verdict.ok:
        return "✓ here, and wrong elsewhere"
    return _marked(right, "always" if verdict.always else "for these numbers", verdict.mistakes)


def mine_why(compared: Compared, explained: bool) -> tuple[str, ...]:
    """What may have been done wrong, a sentence each."""
    if not explained:
        return ("looking for the mistake …",)
    return tuple(mistake.sentence() for mistake in compared.mistakes) or ("no known mistake gives these numbers",)


def _marked(right: bool, word: str, mistakes: tuple[Mistake, ...]) -> str:
    if right:
        return f"✓ {word}".rstrip()
    return f"✗ {mistakes[0].code}" if mistakes else "✗ wrong"


def worked_out(judged: Judged, verdict: Verdict, k: int, at: str) -> str:
    """`= 12 · 2 · 6 = 144`; of a whole gradient `[2] = 18`."""
    if verdict.claimed.size <= k:
        return ""
    number = short(float(verdict.claimed.reshape(-1)[k]))
    return f"= {judged.steps} = {number}" if judged.steps else f"{at} = {number}".lstrip()
