"""Long work beside the screen: a thread does it, the screen goes on, escape gives it up."""

from __future__ import annotations

import threading
from collections.abc import Callable
from typing import Any, TypeVar

from textual.app import App

from convstep.engine.work import Cancelled, Work
from convstep.tui.dialogs.hint import keys

Result = TypeVar("Result")


class Job(Work):
    """One piece of work in a thread of its own."""

    def __init__(self, text: str) -> None:
        self.text = text
        self.share: float | None = None
        self._given_up = threading.Event()
        self.kept = False

    @property
    def given_up(self) -> bool:
        """Whether it is to end at its next check."""
        return self._given_up.is_set()

    def check(self) -> None:
        if self.given_up:
            raise Cancelled

    def report(self, text: str, share: float | None = None) -> None:
        self.text, self.share = text, share

    def keep(self) -> None:
        self.kept = True

    def give_up(self) -> None:
        """End the work at its next check."""
        self._given_up.set()

    def line(self) -> str:
        """How far it is, for the person who waits."""
        share = "" if self.share is None else f" · {self.share:.0%}"
        return keys(f"{self.text}{share}", escape="stops")


class Jobs:
    """At most one job at a time. What it comes to is handed over on the app's own thread."""

    def __init__(self, app: App[Any]) -> None:
        self._app = app
        self.job: Job | None = None

    def start(
        self,
        text: str,
        work: Callable[[Work], Result],
        done: Callable[[Result], None],
        failed: Callable[[BaseException], None],
        wait: float = 0.0,
    ) -> Job:
        """Do `work` in a thread, then call `done` with its result, or `failed` with what it raised (Cancelled, too).

        What is done within the seconds of `wait` is handed over before this returns.
        """
        assert self.job is None, "one job at a time"
        job = self.job = Job(text)
        result: Any = None
        error: BaseException | None = None

        def run() -> None:
            nonlocal result, error
            try:
                result = work(job)
            except BaseException as raised:
                error = raised
            self._app.call_later(end)

        def end() -> None:
            nonlocal error
            if self.job is not job:  # it has been handed over already
                return
            self.job = None
            if error is None and job.given_up and not job.kept:
                error = Cancelled()
            if error is None:
                done(result)
            else:
                failed(error)

        thread = threading.Thread(target=run, daemon=True)
        thread.start()
        if wait:
            thread.join(wait)
            if not thread.is_alive():
                end()
        return job

    @property
    def stopping(self) -> bool:
        """Whether the present job was given up and has not ended yet."""
        return self.job is not None and self.job.given_up

    def give_up(self) -> bool:
        """End the present job, if there is one."""
        if self.job is None:
            return False
        self.job.give_up()
        return True
