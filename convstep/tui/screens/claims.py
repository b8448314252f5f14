"""`k`: everything that was held against the truth, on a screen of its own."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from textual import events
from textual.app import ComposeResult
from textual.binding import Binding

from convstep.debugger.claims.findings import Finding, opened, sections
from convstep.engine.work import Work
from convstep.explain.gradcheck import GradientCheck, check_gradients, checked_names
from convstep.tui.dialogs.hint import keys
from convstep.tui.doing.claims import find_out_all
from convstep.tui.screens.once import Once
from convstep.tui.widgets.findings import all_findings, findings_lines
from convstep.tui.widgets.lines import Lines

if TYPE_CHECKING:
    from convstep.tui.screens.main import MainScreen

_TICK = 0.1
_KEYS = (
    keys("↑↓ choose", "enter opens", "a tries a formula", "c checks gradients", "d lets go of your own"),
    keys("enter opens", "a tries a formula", "c checks gradients", "d lets go"),
)


class ClaimsScreen(Once, inherit_bindings=False):
    """The list; gives where to go, or None when it was left with escape."""

    AUTO_FOCUS = None
    BINDINGS = [
        Binding("up", "choose(-1)", show=False),
        Binding("down", "choose(1)", show=False),
        Binding("pageup", "choose(-10)", show=False),
        Binding("pagedown", "choose(10)", show=False),
        Binding("home", "choose(-1000000)", show=False),
        Binding("end", "choose(1000000)", show=False),
        Binding("enter", "open", show=False),
        Binding("a", "try", show=False),
        Binding("c", "check", show=False),
        Binding("d", "drop", show=False),
        Binding("escape,k,q", "leave", show=False),
    ]

    def __init__(self, main: MainScreen) -> None:
        super().__init__()
        self.main = main
        self.chosen = 0
        self.message = ""
        self._checking, self._finding = False, True
        self.checks: list[GradientCheck] = list(main.session.claims.checks)

    def compose(self) -> ComposeResult:
        yield Lines("findings")

    def on_mount(self) -> None:
        self.set_interval(_TICK, self._tick)
        self._tick()
        self.chosen = next((k for k, finding in enumerate(self.findings) if finding.right is False), 0)
        self.draw()

    def on_resize(self, event: events.Resize) -> None:
        self.draw()

    @property
    def findings(self) -> list[Finding]:
        return all_findings(sections(self.main.session, self.checks))

    def draw(self) -> None:
        """The list as it is now."""
        if not self.is_attached:
            return
        width, height = self.app.size
        job = self.main.jobs.job
        said = self.message if job is None else job.line()
        parts = sections(self.main.session, self.checks)
        self.chosen = max(0, min(self.chosen, len(all_findings(parts)) - 1))
        lines = findings_lines(parts, self.chosen, said, _KEYS, width, height, self.main.palette)
        self.get_child_by_id("findings", Lines).show(lines)

    def _tick(self) -> None:
        """While gradients are checked: how far it is; and that it was given up. What became of claims meanwhile."""
        if self._checking and self.main.jobs.job is None:
            self._checking, self.message = False, "stopped: c begins again"
            self.draw()
        elif self._checking or self._finding:
            self._finding = find_out_all(self.main, self.draw)
            self.draw()

    # Actions

    def action_choose(self, by: int) -> None:
        """Another line."""
        self.chosen += by
        self.message = ""
        self.draw()

    def action_open(self) -> None:
        """To where the chosen one is to be seen."""
        findings = self.findings
        if self.main.jobs.job is None and findings:
            finding = findings[self.chosen]
            self.dismiss(lambda: opened(self.main.session, finding))

    def action_leave(self) -> None:
        """Ends the check, or closes the list."""
        if not self.main.jobs.give_up():
            self.dismiss(None)

    def action_check(self) -> None:
        """Every gradient against central differences, beside the screen."""
        if self.main.jobs.job is not None:
            return
        graph = self.main.session.graph
        names, found = checked_names(graph), self.checks
        found.clear()

        def check(work: Work) -> None:
            for one in _reported(check_gradients(graph, work), names, work):
                found.append(one)

        def done(_: None) -> None:
            self.main.session.claims.checks = list(found)
            wrong = sum(not one.ok for one in found)
            self._checking = False
            self.message = f"{len(found)} gradients checked, {wrong or 'none'} wrong"
            self.draw()

        self._checking = True
        self.main.work("checking gradients", check, done)
        self.draw()

    def action_try(self) -> None:
        """A formula for an element: is it right?"""
        from convstep.tui.dialogs.claim import ClaimDialog, element_at_hand

        if self.main.jobs.job is not None:
            return
        findings = self.findings
        near = element_at_hand(self.main, findings[self.chosen] if findings else None)
        self.app.push_screen(ClaimDialog(self.main, near), self._tried)

    def _tried(self, number: int | None) -> None:
        if number is not None:
            self.chosen, self.message = number, "kept in this session; ctrl+s saves it"
        self.draw()

    def action_drop(self) -> None:
        """Let go of a claim of one's own."""
        findings = self.findings
        finding = findings[self.chosen] if findings else None
        if finding is None or finding.claim is None or not finding.kept:
            self.message = "only a claim that you tried and kept can be let go of"
        else:
            self.main.session.claims.drop(finding.claim)
            self.main.session.unsaved = True
            self.message = f"let go of {finding.of} = {finding.said}"
        self.draw()


def _reported(checks: Iterator[GradientCheck], names: list[str], work: Work) -> Iterator[GradientCheck]:
    """The checks as they come, each announced before it begins."""
    for k, name in enumerate(names):
        work.report(f"checking the gradient of {name}", k / len(names))
        yield next(checks)
