"""Giving freed memory back is help, and no condition: where the platform cannot, nothing happens."""

import ctypes

import pytest

from convstep.engine.freed import give_back


class NoSuchFunction:
    """A C library that is not glibc."""

    def __getattr__(self, name):
        raise AttributeError(name)


@pytest.mark.parametrize("error", [OSError("no such library"), TypeError("not None")])
def test_without_a_c_library_nothing_happens(monkeypatch, error):
    def refuse(name):
        raise error

    monkeypatch.setattr(ctypes, "CDLL", refuse)
    give_back()


def test_with_another_c_library_nothing_happens(monkeypatch):
    monkeypatch.setattr(ctypes, "CDLL", lambda name: NoSuchFunction())
    give_back()


def test_glibc_is_asked(monkeypatch):
    asked = []
    functions = {"malloc_trim": asked.append, "mallopt": lambda what, size: asked.append((what, size))}
    monkeypatch.setattr(ctypes, "CDLL", lambda name: type("Library", (), functions))
    give_back()
    assert asked == [(-3, 2**20), 0]
