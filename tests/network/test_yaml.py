"""YAML 1.2's core schema: what a plain scalar means, and that places survive."""

from __future__ import annotations

import json
import math
from collections.abc import Callable
from typing import Any

import pytest

from convstep.errors import ConvstepError
from convstep.network import load
from convstep.network.yaml_source import YamlSource

SCALARS: list[tuple[str, Any]] = [
    ("1", 1),
    ("-7", -7),
    ("+12", 12),
    ("007", 7),
    ("0o17", 15),
    ("0x1F", 31),
    ("1e-3", 0.001),
    ("1E5", 1e5),
    (".5", 0.5),
    ("-.5e1", -5.0),
    ("2.", 2.0),
    (".inf", math.inf),
    ("+.INF", math.inf),
    ("-.Inf", -math.inf),
    ("true", True),
    ("False", False),
    ("TRUE", True),
    ("null", None),
    ("~", None),
    ("", None),
    # Text, though YAML 1.1 or a programming language may think otherwise.
    ("y", "y"),
    ("n", "n"),
    ("yes", "yes"),
    ("No", "No"),
    ("on", "on"),
    ("off", "off"),
    ("0b11", "0b11"),
    ("1_000", "1_000"),
    ("12:30:45", "12:30:45"),
    ("2001-12-14", "2001-12-14"),
    ("inf", "inf"),
    ("nan", "nan"),
    ("1e", "1e"),
    (".", "."),
    ("<<", "<<"),
    ("tRUE", "tRUE"),
    ("'1'", "1"),
    ('"true"', "true"),
    ("!!str 1", "1"),
    ("!!float 1", 1.0),
    ("!!int 0x10", 16),
]


@pytest.mark.parametrize(("text", "value"), SCALARS)
def test_scalars(write: Callable[..., str], text: str, value: Any) -> None:
    read = YamlSource(write(f"a: {text}\nb: [{text}]\n")).document
    assert read["a"] == value
    assert type(read["a"]) is type(value)
    if text:
        assert read["b"] == [value]


@pytest.mark.parametrize("text", [".nan", ".NaN", ".NAN"])
def test_not_a_number(write: Callable[..., str], text: str) -> None:
    assert math.isnan(YamlSource(write(f"a: {text}\n")).document["a"])


def test_no_merge_keys(write: Callable[..., str]) -> None:
    document = YamlSource(write("a: &a {x: 1}\nb: {<<: *a, y: 2}\n")).document
    assert document["b"] == {"<<": {"x": 1}, "y": 2}


def test_aliases_stand_for_their_anchor(write: Callable[..., str]) -> None:
    net = load(write("inputs:\n  a: &n [1, 2]\n  b: *n\nlayers:\n  - {name: c, op: Add, inputs: [a, b]}\n"))
    assert net.data["b"].tolist() == [1, 2]


def test_y_is_a_name(write: Callable[..., str]) -> None:
    net = load(write("inputs: {y: [1], n: [2]}\nlayers:\n  - {name: on, op: Add, inputs: [y, n]}\n"))
    assert list(net.data) == ["y", "n"]
    assert net.layers[0].name == "on"


def test_an_integer_name_means_its_text(write: Callable[..., str]) -> None:
    text = """
inputs: {00: [[1.0, 2.0]]}
layers:
  - {name: 1, op: Linear, out_features: 2}
  - {name: 007, op: ReLU, inputs: [1]}
  - {name: 0.10, op: ReLU}
loss: {name: 3, op: MSELoss, inputs: [0.10, 00]}
symbols: {1.weight: w}
claims: [{of: 007, is: 1}]
"""
    net = load(write(text))
    assert [node.name for node in net.layers] == ["1", "007", "0.10"]
    assert net.layers[0].inputs == ("00",)
    assert net.layers[1].inputs == ("1",)
    assert net.loss is not None
    assert net.loss.inputs == ("0.10", "00")
    assert net.claims[0].of == "007"


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16"])
def test_encodings(write: Callable[..., str], encoding: str) -> None:
    net = load(write("about: Größe ∂\ninputs: {größe: [1]}\nlayers: [{name: α, op: ReLU}]\n".encode(encoding)))
    assert net.about == "Größe ∂"
    assert net.layers[0].name == "α"


def test_windows_line_ends_keep_their_lines(write: Callable[..., str]) -> None:
    with pytest.raises(ConvstepError, match=r"^net\.yaml:3:13: "):
        load(write("inputs: {x: [1]}\r\nlayers:\r\n  - {name: a b, op: ReLU}\r\n".replace("- {name:", "- {name: ")))


@pytest.mark.parametrize("file", ["net.json", "net.yaml"])
def test_json_with_characters_in_two_halves(write: Callable[..., str], file: str) -> None:
    document = {"name": "😀 \\ud83d\\ude00 𝒳", "inputs": {"i": [1]}, "layers": [{"name": "o", "op": "ReLU"}]}
    assert "\\ud83d\\ude00" in json.dumps(document)
    assert load(write(json.dumps(document), file)).name == document["name"]


def test_half_a_character_has_its_place(write: Callable[..., str]) -> None:
    with pytest.raises(ConvstepError, match=r":1:13: .*escape"):
        load(write('{"name": "\\ud83d"}', "net.json"))


def test_characters_in_two_halves_count_with_all_their_columns(write: Callable[..., str]) -> None:
    face = "\\ud83d\\ude00"
    line = f'{{"name": "{face}", "about": "\\u00e9\\\\{face}{face}", "dtype": "float16"'
    with pytest.raises(ConvstepError, match=rf":1:{len(line) - 8}: dtype takes"):
        load(write(line + ', "inputs": {"x": [1]}, "layers": []}', "net.json"))
    with pytest.raises(ConvstepError, match=rf":2:{len(line) + 9}: .*escape"):
        load(write(f'\n{line}, "a": "\\q"}}', "net.json"))


def test_json_with_tabs(write: Callable[..., str]) -> None:
    document = {"inputs": {"x": [[1, 2.5], [3e-2, 4]]}, "layers": [{"name": "r", "op": "ReLU"}]}
    net = load(write(json.dumps(document, indent="\t"), "net.json"))
    assert net.data["x"].tolist() == [[1, 2.5], [0.03, 4]]


def test_200_000_numbers(write: Callable[..., str]) -> None:
    numbers = [k * 0.5 - 3 for k in range(200_000)]
    net = load(write(f"inputs: {{x: {{shape: [200, 1000], value: {numbers}}}}}\nlayers: [{{name: r, op: ReLU}}]\n"))
    assert net.data["x"].shape == (200, 1000)
    assert net.data["x"].reshape(-1).tolist() == numbers
