"""The blocks of a pane: grids are found by their keys, and only those that are looked at are made."""

from convstep.debugger.screen.view import Blocks, Cells, Grid, Note
from convstep.explain.numbers import NumberFormat


def grid(key):
    def cells(index):
        return Cells(index.astype(float), index.astype("uint8"), index.astype("uint8"))

    return Grid(key, key, "", (2,), cells, str, NumberFormat(1, 0), 1.0)


def lazy(keys, made):
    def make(k):
        made.append(keys[k])
        return grid(keys[k])

    return Blocks(len(keys), make, lambda key: keys.index(key) if key in keys else None)


def test_a_grid_is_found_and_no_other_is_made():
    made = []
    below = Blocks.below([Note("first")], [], lazy(["a", "b", "c"], made), [grid("d"), Note("last")], [])
    assert len(below) == 6
    assert below.place("b") == 2
    assert below.place("d") == 4
    assert made == []
    assert below.grid("b").key == "b"
    assert made == ["b"]
    assert below.grid("nowhere") is None
    assert [type(block).__name__ for block in below] == ["Note", "Grid", "Grid", "Grid", "Grid", "Note"]
    assert made == ["b", "a", "c"]


def test_of_two_grids_with_one_key_the_first_is_found():
    blocks = Blocks.of([Note("a"), grid("a"), grid("a")])
    assert blocks.place("a") == 1
    assert Blocks.of(blocks) is blocks


def test_blocks_are_changed_when_they_are_looked_at():
    made = []
    changed = lazy(["a", "b"], made).changed(lambda block: Note(block.key.upper()))
    assert made == []
    assert changed[1] == Note("B")
    assert made == ["b"]
    assert changed.grid("a") is None
