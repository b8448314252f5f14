"""A person's own settings: `convstep.toml` in the platform's directory for configuration.

theme = "light"                # dark, light, or one of [themes]

[keys]                         # an action's id = its keys; every id stands in the help
next = "j right"

[themes.paper]                 # a theme of one's own: another's, with other colours
like = "light"
background = "#fffff4"
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, fields, replace
from pathlib import Path
from typing import Any

from convstep.errors import ConvstepError
from convstep.network.arrays.files import read_at_most
from convstep.network.words import did_you_mean, listed, printable, shortened, show
from convstep.tui.actions import ACTIONS, Action
from convstep.tui.theme.colours import BUILT_IN, Inks, Look

_FILE = "convstep.toml"
_MOST_BYTES = 2**20
_COLOUR = re.compile(r"#[0-9a-fA-F]{6}")
_MODIFIED = re.compile(r"(?:(?:ctrl|shift|alt)\+)*(.+)")


@dataclass(frozen=True)
class Settings:
    """What a person chose. `actions` is the registry with their keys, `looks` are all themes by name."""

    actions: tuple[Action, ...] = ACTIONS
    looks: Mapping[str, Look] = field(default_factory=lambda: dict(BUILT_IN))
    theme: str = "dark"


def settings_file() -> Path:
    """Where the settings are, if there are any."""
    from platformdirs import user_config_path

    return user_config_path("convstep", appauthor=False) / _FILE


def read_settings(path: Path | None = None) -> Settings:
    """The settings of a file; the defaults where there is none. Raises ConvstepError with the place of a mistake."""
    path = settings_file() if path is None else path
    try:
        data = read_at_most(path, _MOST_BYTES)
        if data is None:
            raise OSError(0, f"it has more than {_MOST_BYTES >> 20} MiB")
        text = data.decode()
    except (FileNotFoundError, NotADirectoryError):
        return Settings()
    except (OSError, UnicodeDecodeError) as error:
        why = error.strerror if isinstance(error, OSError) else "it is not UTF-8"
        raise ConvstepError(f"{printable(str(path))}:1:1: cannot be read: {why}") from None
    return _Reader(path, text).settings()


class _Reader:
    def __init__(self, path: Path, text: str) -> None:
        self.path, self.text = path, text

    def settings(self) -> Settings:
        data = self._table()
        self._known(data, ("theme", "keys", "themes"), "this file", "")
        looks = {**BUILT_IN, **self._looks(data.get("themes", {}))}
        theme = data.get("theme", "dark")
        if not isinstance(theme, str) or theme not in looks:
            raise self._error("theme", f"there is no theme {show(theme)}: it is one of {listed(looks)}")
        return Settings(self._actions(data.get("keys", {})), looks, theme)

    def _table(self) -> dict[str, Any]:
        import tomllib

        try:
            return tomllib.loads(self.text)
        except (ValueError, RecursionError) as error:  # ValueError: a number of thousands of digits
            place = re.search(r"\(at line (\d+), column (\d+)\)", str(error))
            lines = self.text.split("\n")
            where = f"{place[1]}:{place[2]}" if place else f"{len(lines)}:{len(lines[-1]) + 1}"
            what = re.sub(r" \(at .*\)$", "", str(error)) or "nested too deeply"
            raise ConvstepError(f"{printable(str(self.path))}:{where}: no TOML: {printable(shortened(what))}") from None

    def _error(self, key: str, message: str, section: str = "") -> ConvstepError:
        """A mistake at the line on which the key stands."""
        lines = self.text.splitlines()
        start = next((i for i, line in enumerate(lines) if section and line.strip() == f"[{section}]"), 0)
        pattern = re.compile(rf"\s*\[?([\w.\"]*\.)?\"?{re.escape(key)}\b")
        line = next((i for i in range(start, len(lines)) if pattern.match(lines[i])), start)
        column = len(lines[line]) - len(lines[line].lstrip()) + 1 if lines else 1
        return ConvstepError(f"{printable(str(self.path))}:{line + 1}:{column}: {printable(shortened(message))}")

    def _known(self, data: Any, known: Sequence[str], owner: str, section: str) -> None:
        if not isinstance(data, dict):
            raise self._error(section or owner, f"{owner} is a table, not {show(data)}")
        for key in data:
            if key not in known:
                raise self._error(key, f"{owner} has no '{key}'{did_you_mean(key, known)}", section)

    def _looks(self, themes: Any) -> dict[str, Look]:
        colours = [each.name for each in fields(Inks)]
        result: dict[str, Look] = {}
        if not isinstance(themes, dict):
            raise self._error("themes", f"themes is a table, not {show(themes)}")
        for name, theme in themes.items():
            section = f"themes.{name}"
            self._known(theme, ("like", *colours), f"the theme '{name}'", section)
            known = {**BUILT_IN, **result}
            like = theme.get("like", "dark")
            if not isinstance(like, str) or like not in known:
                raise self._error("like", f"there is no theme {show(like)} above: {listed(known)}", section)
            given = {key: value for key, value in theme.items() if key != "like"}
            for key, value in given.items():
                if not (isinstance(value, str) and _COLOUR.fullmatch(value)):
                    raise self._error(key, f"a colour is written #rrggbb, not {show(value)}", section)
            result[name] = Look(replace(known[like].inks, **given), known[like].dark)
        return result

    def _actions(self, keys: Any) -> tuple[Action, ...]:
        self._known(keys, [action.id for action in ACTIONS], "[keys]", "keys")
        chosen = {name: self._keys(name, value) for name, value in keys.items()}
        owners: dict[str, str] = {}
        for name, own in chosen.items():
            for key in own:
                if owners.setdefault(key, name) != name:
                    raise self._error(name, f"the key {key} is given to {owners[key]} already", "keys")
        return tuple(
            replace(action, keys=chosen.get(action.id) or self._left(action, chosen, owners)) for action in ACTIONS
        )

    def _left(self, action: Action, chosen: Mapping[str, object], owners: Mapping[str, str]) -> tuple[str, ...]:
        """The keys that an action keeps: those that no other one was given."""
        if action.id in chosen:
            return ()
        return tuple(key for key in action.keys if key not in owners)

    def _keys(self, name: str, value: Any) -> tuple[str, ...]:
        if not isinstance(value, str):
            raise self._error(name, f"keys are written in quotes, such as 'j right', not {show(value)}", "keys")
        return tuple(self._key(name, word) for word in value.split())

    def _key(self, name: str, word: str) -> str:
        from textual.keys import Keys, _character_to_key

        if len(word) == 1:
            return _character_to_key(word)
        known = {key.value for key in Keys}
        match = _MODIFIED.fullmatch(word)
        base = match[1] if match else ""
        if word in known or len(base) == 1 or base in known or base in _NAMED:
            return word
        raise self._error(name, f"there is no key '{word}'{did_you_mean(word, [*known, *_NAMED])}", "keys")


_NAMED = (
    "question_mark",
    "slash",
    "greater_than_sign",
    "less_than_sign",
    "space",
    "comma",
    "full_stop",
    "minus",
    "plus",
)
