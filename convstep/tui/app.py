"""The application: a session on the screen."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Self

from textual import events
from textual.app import App
from textual.driver import Driver
from textual.screen import Screen

from convstep.tui.keeping import Keeping
from convstep.tui.looks import sound
from convstep.tui.screens.main import MainScreen
from convstep.tui.settings import Settings
from convstep.tui.theme.colours import Palette
from convstep.tui.theme.themes import textual_theme
from convstep.tui.tidying import Tidying
from convstep.tui.typing_ahead import TypingAhead
from convstep.tui.widgets.lines import use_ascii_where_needed

if TYPE_CHECKING:
    from convstep.debugger.keeping.autosave import Autosave
    from convstep.debugger.session import Session

RESUME = "resume"
"""What the app comes to when the person wants the session that was offered."""

_PATIENCE = 0.05
"""Seconds for which the screen may stand still."""
_THEME = "convstep-{}"
_SHOW_CURSOR = "\x1b[?25h"


class ConvstepApp(App[str], inherit_bindings=False):
    """Puts the session's screen up, in the colours that the terminal can show.

    With an autosave the session is kept on its own; `greeting` is the first message, and `offers` says that another
    session, which was kept, can be resumed.
    """

    CSS_PATH = "app.tcss"
    AUTO_FOCUS = None
    ALLOW_SELECT = False
    ENABLE_COMMAND_PALETTE = False
    TITLE = "convstep"

    def __init__(
        self,
        session: Session,
        settings: Settings | None = None,
        autosave: Autosave | None = None,
        greeting: str = "",
        offers: bool = False,
    ) -> None:
        use_ascii_where_needed()
        # Without colours Textual would paint in greys; with the terminal's own colours it leaves them all out.
        super().__init__(ansi_color=True if "NO_COLOR" in os.environ else None)
        session.look = sound(session.look)
        self.session = session
        self.offers = offers
        self._greeting = greeting
        self.keeping = Keeping(self, autosave) if autosave is not None else None
        self.tidying = Tidying()
        self.failure: BaseException | None = None
        """What the app failed with."""
        self.settings = settings or Settings()
        self._typing = TypingAhead(self)
        for name, look in self.settings.looks.items():
            self.register_theme(textual_theme(_THEME.format(name), look))
        self.theme = _THEME.format(self.chosen_theme)

    @property
    def chosen_theme(self) -> str:
        """The session's theme, where there is such a one, or else the person's."""
        name = self.session.look.get("theme")
        return str(name) if name in self.settings.looks else self.settings.theme

    def make_palette(self) -> Palette:
        """The colours for this theme and this terminal."""
        look = self.settings.looks[self.chosen_theme]
        if self.no_color:
            return Palette(look.dark, "plain", look.inks)
        return Palette(look.dark, "ansi" if self.few_colours else "full", look.inks)

    @property
    def few_colours(self) -> bool:
        """Whether the terminal has 16 colours at most."""
        return self.console.color_system in (None, "standard") and not self.is_headless

    def get_driver_class(self) -> type[Driver]:
        driver = super().get_driver_class()
        if driver.__name__ != "LinuxDriver":  # on Windows, in a browser
            return driver
        from convstep.tui.driver import PromptDriver

        return PromptDriver

    def get_default_screen(self) -> Screen[None]:
        return MainScreen(self.session, self.make_palette(), self.settings.actions)

    def on_mount(self) -> None:
        if self.few_colours:
            self.ansi_color = True
        if not self.is_headless:
            for recording in (self.session.trial.original, self.session.recording):
                recording.patience = _PATIENCE
            self.tidying.start(self)
        if self._driver is not None and not self.is_headless:
            self._driver.write(_SHOW_CURSOR)
        if self.keeping is not None:
            self.keeping.start()
        if self._greeting:
            self.main.repaint(self._greeting)

    async def on_event(self, event: events.Event) -> None:
        """Every key meets the screen that the keys before it have made."""
        if isinstance(event, events.InputEvent) and not self.is_headless:
            self.tidying.touched()
        if not isinstance(event, events.Key) or event.is_forwarded:
            await super().on_event(event)
        elif not self._typing.holds(event):
            await self.give(event)

    async def give(self, key: events.Key) -> None:
        """Give a key that was typed to whoever has the focus now."""
        target = self.focused or self.screen
        await super().on_event(key)
        self._typing.follow(key, target)

    def _handle_exception(self, error: Exception) -> None:
        """An exception that nobody caught ends the app; whoever runs it says so in one line (Textual: on a page)."""
        if self.failure is None:
            self.failure = error
            if self.keeping is not None:
                self.keeping.autosave.keep()
        super()._handle_exception(error)

    def _fatal_error(self) -> None:
        if self.is_headless:
            super()._fatal_error()
        else:
            self._close_messages_no_wait()

    def refresh(self, *, repaint: bool = True, layout: bool = False, recompose: bool = False) -> Self:
        """Without a layout: Textual asks for one when a screen has gone, which moves nothing on the one below."""
        return super().refresh(repaint=repaint and not layout, recompose=recompose)

    def next_theme(self) -> None:
        """The next theme; remembered by the session."""
        names = list(self.settings.looks)
        name = names[(names.index(self.chosen_theme) + 1) % len(names)]
        self.session.look["theme"] = name
        self.theme = _THEME.format(name)
        self.main.palette = self.make_palette()
        self.main.repaint(f"{name} theme")

    @property
    def main(self) -> MainScreen:
        """The main screen, which lies below every dialog."""
        screen = self.screen_stack[0]
        assert isinstance(screen, MainScreen)
        return screen
