"""Training as a whole: every layer at a glance, the loss over the iterations, one weight through its updates."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from convstep.engine.work import Work
from convstep.errors import ConvstepError

if TYPE_CHECKING:
    from convstep.explain.summary import Row
    from convstep.explain.weights import Moved
    from convstep.tui.screens.main import MainScreen


def summary(screen: MainScreen) -> None:
    """Norms, zeros and what is wrong, of each layer's tensors as far as they are computed."""
    from convstep.explain.summary import summary as summarise

    session = screen.session
    state = session.state()
    step = state.step
    found = session.lookout.found
    met = found is not None and (found.iteration, found.step) <= state.place[:2]

    def done(rows: list[Row]) -> None:
        from convstep.debugger.screen.alarms import announcement
        from convstep.tui.dialogs.summary import SummaryDialog

        key = "" if step is None else f"new({step.tensor})" if step.phase == "update" else step.writes
        screen.repaint()
        alarm = announcement(session.desk) if met else ""
        screen.app.push_screen(SummaryDialog(rows, session.names, key, alarm), chosen)

    def chosen(key: str | None) -> None:
        if key is not None:
            screen.move(lambda: session.go(session.names.tensor(key)))

    screen.work("every layer at a glance", lambda work: summarise(state, work), done, for_dialog=True)


def iterations(screen: MainScreen) -> None:
    """The loss over the iterations; those that were not run yet are run meanwhile."""
    from convstep.debugger.training import courses as courses_of
    from convstep.tui.dialogs.training import WEIGHT, TrainingDialog

    session = screen.session
    courses = courses_of(session)
    loss = session.graph.loss
    parameter = _parameter(screen)
    name = session.names.tensor(loss.name) if loss is not None else ""
    dialog = TrainingDialog(courses, name, session.place.iteration, screen.jobs)

    def run(work: Work) -> None:
        for course in courses:
            course.run(work)

    def answered(answer: Any) -> None:
        if answer == WEIGHT:
            _follow(screen, parameter)
        elif answer is not None:
            screen.move(lambda: session.go_to_iteration(answer))
        else:
            screen.repaint()

    if not all(course.complete for course in courses):
        screen.release()
        screen.work("iterations", run, lambda _: None)
    screen.app.push_screen(dialog, answered)


def _parameter(screen: MainScreen) -> tuple[str, int] | None:
    """The element of a parameter under the cursor, or the one whose gradient or update that is."""
    spot = screen.number
    if spot is None or spot.grid.tensor is None:
        return None
    name = spot.grid.tensor.removeprefix("grad(").removeprefix("new(").removesuffix(")")
    return (name, spot.index) if name in screen.session.graph.parameters else None


def _follow(screen: MainScreen, parameter: tuple[str, int] | None) -> None:
    """Ask which weight, where none is chosen, and show its updates."""
    if parameter is not None:
        _show_updates(screen, *parameter)
        return
    from convstep.tui.dialogs.weight import FollowDialog

    names, graph = screen.session.names, screen.session.graph
    if not graph.parameters:
        screen.repaint("this network has no parameters")
        return

    def read(text: str) -> str:
        _element(screen, text)
        return text

    def answered(text: str | None) -> None:
        if text is not None:
            _show_updates(screen, *_element(screen, text))

    first = next(iter(graph.parameters))
    example = names.element(first, 0, names.shape(first))
    screen.app.push_screen(FollowDialog(read, [names.tensor(name) for name in graph.parameters], example), answered)


def _element(screen: MainScreen, text: str) -> tuple[str, int]:
    """The element of a parameter that was typed. Raises ConvstepError where it is none."""
    names, graph = screen.session.names, screen.session.graph
    key, index = names.parse(text)
    if key not in graph.parameters:
        raise ConvstepError(f"{text} is no parameter: those are {', '.join(map(names.tensor, graph.parameters))}")
    if index is None and graph.owned[key].size > 1:
        raise ConvstepError(f"{text} has {graph.owned[key].size} elements: give it an index")
    return key, index or 0


def _show_updates(screen: MainScreen, name: str, index: int) -> None:
    """Run what has to be run, keep that element alone, and show its updates."""
    from convstep.debugger import goto
    from convstep.explain.weights import history

    session = screen.session
    recording, names, iteration = session.recording, session.names, session.place.iteration
    shape = names.shape(name)

    def done(moves: list[Moved]) -> None:
        from convstep.tui.dialogs.weight import WeightDialog

        written, gradient = (names.element(key, index, shape) for key in (name, f"grad({name})"))
        screen.repaint("" if moves else f"nothing updates {written}")
        if moves:
            screen.app.push_screen(WeightDialog(written, gradient, moves, iteration), answered)

    def answered(iteration: int | None) -> None:
        if iteration is None:
            screen.repaint()
        else:
            screen.move(lambda: session.land(goto.gradient(recording, names, session.spot, iteration, name, index)))

    screen.work("updates", lambda work: history(recording, name, index, work), done)
