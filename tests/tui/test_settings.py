"""A person's own keys and themes, and what is wrong with a file of settings."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from convstep.errors import ConvstepError
from convstep.tui.actions import ACTIONS
from convstep.tui.app import ConvstepApp
from convstep.tui.settings import Settings, read_settings, settings_file
from tests.tui.conftest import FakeSession


def written(folder: Path, text: str) -> Path:
    path = folder / "convstep.toml"
    path.write_text(text)
    return path


def keys(settings: Settings, identity: str) -> tuple[str, ...]:
    return next(action.keys for action in settings.actions if action.id == identity)


def test_without_a_file_all_is_as_it_is(tmp_path: Path) -> None:
    settings = read_settings(tmp_path / "none.toml")
    assert settings.actions == ACTIONS
    assert settings.theme == "dark"


def test_without_a_directory_all_is_as_it_is(tmp_path: Path) -> None:
    (tmp_path / "home").write_text("")
    assert read_settings(tmp_path / "home" / "convstep.toml") == Settings()


def test_the_file_is_where_the_platform_keeps_such_files(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path))
    monkeypatch.setenv("HOME", str(tmp_path))
    assert tmp_path in settings_file().parents


def test_a_key_of_ones_own_is_taken_from_whoever_had_it(tmp_path: Path) -> None:
    settings = read_settings(written(tmp_path, '[keys]\nnext = "t ?"\n'))
    assert keys(settings, "next") == ("t", "question_mark")
    assert keys(settings, "theme") == ()
    assert keys(settings, "help") == ()
    assert keys(settings, "previous") == ("N", "left")


async def test_own_keys_do_what_they_should_and_stand_in_the_footer(tmp_path: Path) -> None:
    settings = read_settings(written(tmp_path, '[keys]\nnext = "j"\n'))
    session = FakeSession()
    app = ConvstepApp(session, settings)  # type: ignore[arg-type]
    async with app.run_test(size=(120, 40)) as pilot:
        await pilot.press("j", "n")
        await pilot.pause()
        assert session.calls == ["next"]
        assert "n does nothing here" in app.main.message
        footer = app.main.get_child_by_id("footer").render_line(0).text
        assert footer.startswith(" j next ")


async def test_a_theme_of_ones_own(tmp_path: Path) -> None:
    text = 'theme = "paper"\n[themes.paper]\nlike = "light"\nbackground = "#fffff4"\n'
    session = FakeSession()
    app = ConvstepApp(session, read_settings(written(tmp_path, text)))  # type: ignore[arg-type]
    async with app.run_test() as pilot:
        assert app.main.palette.inks.background == "#fffff4"
        assert not app.main.palette.dark
        seen = []
        for _ in range(3):
            await pilot.press("t")
            await pilot.pause()
            seen.append(session.look["theme"])
        assert seen == ["dark", "light", "paper"]


@pytest.mark.parametrize(
    ("text", "place", "says"),
    [
        ("theme = light", "1:9", "no TOML"),
        ('theme = "lite"', "1:1", "there is no theme 'lite': it is one of dark or light"),
        ('theme = ["dark"]', "1:1", "there is no theme ['dark']: it is one of dark or light"),
        ("\ncolour = 1", "2:1", "this file has no 'colour'"),
        ('[keys]\nnex = "j"', "2:1", "did you mean 'next'?"),
        ("[keys]\nnext = 3", "2:1", "keys are written in quotes"),
        ('[keys]\nnext = "jj"', "2:1", "there is no key 'jj'"),
        ('[keys]\nnext = "j"\ngo = "j"', "3:1", "the key j is given to next already"),
        ("[themes.x]\nlike = {}", "2:1", "there is no theme a mapping above: dark or light"),
        ('[themes.x]\ntext = "red"', "2:1", "a colour is written #rrggbb"),
        ('[themes.x]\nink = "#000000"', "2:1", "has no 'ink'"),
        ("keys = 3", "1:1", "is a table, not 3"),
        ("a" * 10, "1:11", "no TOML"),
        pytest.param("theme = " + "9" * 5000, "1:5009", "no TOML: Exceeds the limit", id="thousands of digits"),
        pytest.param("theme = 0x" + "f" * 5000, "1:1", "there is no theme an integer beyond", id="hexadecimal digits"),
        pytest.param("x" * 5000 + " = 1", "1:1", "this file has no 'xxx", id="a key of thousands of letters"),
        pytest.param("#" * 2**20 + "\n", "1:1", "cannot be read: it has more than 1 MiB", id="too large"),
    ],
)
def test_a_mistake_is_one_line_that_says_where(tmp_path: Path, text: str, place: str, says: str) -> None:
    path = written(tmp_path, text)
    with pytest.raises(ConvstepError) as error:
        read_settings(path)
    message = str(error.value)
    assert message.startswith(f"{path}:{place}: ")
    assert says in message
    assert "\n" not in message
    assert len(message) < 500


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="pipes of POSIX")
def test_settings_that_are_no_text_file(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe")
    (tmp_path / "latin").write_bytes(b"theme = '\xe9'")
    for name, why in (("pipe", "it is a pipe or a device"), ("latin", "it is not UTF-8"), ("", "it is a directory")):
        with pytest.raises(ConvstepError, match=f":1:1: cannot be read: {why}"):
            read_settings(tmp_path / name)
