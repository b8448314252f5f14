"""One screen, put together: where one is, the sentence, the formula, the panes, the program, the ledger."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial
from math import prod
from typing import TYPE_CHECKING

from convstep.debugger.moves import Spot
from convstep.debugger.screen.formulas import formula
from convstep.debugger.screen.gradients_pane import gradients_pane
from convstep.debugger.screen.ledgers import ledger
from convstep.debugger.screen.local_pane import local_pane
from convstep.debugger.screen.stage import Formats, Stage
from convstep.debugger.screen.tensors_pane import tensors_pane
from convstep.debugger.screen.view import Lazy, ProgramLine, TimelineBar, View
from convstep.engine.state import State
from convstep.engine.timeline import Step
from convstep.explain.naming import Names
from convstep.explain.sentences import sentence, shorter_sentences

if TYPE_CHECKING:
    from convstep.debugger.claims.claim_view import Answers

_MOST_FORMATS = 4096


class ScreenBuilder:
    """Makes the view of a state; keeps nothing between views but number formats."""

    def __init__(self, names: Names) -> None:
        self._names = names
        self._formats: Formats = {}

    def view(self, state: State, spot: Spot, answers: Answers | None = None) -> View:
        """Everything that a screen shows at this state; `answers` are held beside the truth."""
        if len(self._formats) > _MOST_FORMATS:
            self._formats.clear()
        mine = answers.mine if answers else None
        stage = Stage(state, self._names, self._formats, mine)
        beside = answers.at(stage) if answers else None
        sum_, rows = formula(stage), ledger(stage)
        length = state.timeline.length(spot.level, spot.order)
        order = " (scatter)" if spot.order == "scatter" else ""
        return View(
            name=state.recording.graph.name,
            where=_where(stage),
            status=f"{spot.level.upper()} {spot.position} of {length}{order}",
            sentence=sentence(state, self._names),
            formula=beside.formula(sum_) if beside else sum_,
            tensors=tensors_pane(stage),
            local=local_pane(stage),
            gradients=gradients_pane(stage),
            program=_program(stage),
            timeline=_timeline(state, spot),
            ledger=beside.ledger(rows) if beside else rows,
            notices=[mine.greeting(self._names)] if mine and state.step is None else [],
            shorter=shorter_sentences(state, self._names),
            claims=beside.shown() if beside else (),
            writes=_writes(state),
        )


def _writes(state: State) -> str:
    step = state.step
    if step is None:
        return ""
    return f"new({step.tensor})" if step.phase == "update" else step.writes


def _where(stage: Stage) -> tuple[str, ...]:
    step, place, state = stage.step, stage.state.place, stage.state
    if step is None:
        return ("start",)
    crumbs = [f"iteration {place.iteration}"] if state.timeline.iterations > 1 else []
    crumbs += [step.phase, f"{stage.names.tensor(step.layer)} {step.op}"]
    if place.element is None:
        crumbs.append(stage.names.tensor(step.writes))
    elif state.scatters:
        crumbs.append(stage.names.tensor(step.writes))
        crumbs.append(f"from {stage.names.element(f'grad({step.layer})', place.element, step.upstream_shape)}")
    else:
        crumbs.append(stage.names.element(step.writes, place.element, step.shape))
    if place.term is not None:
        crumbs.append(f"term {place.term + 1:,} of {step.terms[state.order]:,}")
    return tuple(crumbs)


def _program(stage: Stage) -> Sequence[ProgramLine]:
    return Lazy(len(stage.state.timeline.steps), partial(_program_line, stage))


def _program_line(stage: Stage, k: int) -> ProgramLine:
    step, at = stage.state.timeline.steps[k], stage.state.place.step
    text = _program_text(stage, step)
    if k == at and stage.state.place.element is not None:
        count = prod(step.element_shape(stage.state.order))
        done = (stage.state.place.element or 0) + stage.ends_element
        text += f"  {done:,} of {count:,}"
    return ProgramLine(text, "now" if k == at else "done" if k < at else "coming", k)


def _program_text(stage: Stage, step: Step) -> str:
    names, graph = stage.names, stage.state.recording.graph
    if step.phase == "update":
        return f"{step.op} → {names.tensor(step.tensor)}"
    if step.is_backward:
        unused = "  unused by training" if step.tensor in graph.inputs else ""
        return f"{names.tensor(step.layer)} → {names.tensor(step.writes)}{unused}"
    return f"{names.tensor(step.tensor)} = {step.op}"


def _timeline(state: State, spot: Spot) -> TimelineBar:
    timeline = state.timeline
    count = timeline.count(spot.level, spot.order)

    def first(step: int) -> int:
        return timeline.first(step, spot.level, spot.order)

    phases = tuple((str(phase), first(steps.start), first(steps.stop)) for phase, steps in timeline.phases.items())
    position = spot.position - state.place.iteration * count if spot.position >= 0 else -1
    return TimelineBar(phases, position, count, state.place.iteration, timeline.iterations)
