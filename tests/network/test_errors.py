"""Every mistake in a file gets one line: where, what is wrong, and what would be right."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from convstep.errors import ConvstepError
from convstep.network import load

IN = "inputs:\n  x: {shape: [2, 3], value: 1}\n"
FC = "layers:\n  - {name: fc, op: Linear, out_features: 2}\n"
NET = IN + FC
IMAGE = "inputs:\n  i: {shape: [1, 1, 4, 4], value: 1}\nlayers:\n"
MSE = "loss: {op: MSELoss, inputs: [fc, x]}\n"


def layer(text: str) -> str:
    return IN + "layers:\n  - " + text + "\n"


def conv(arguments: str) -> str:
    return IMAGE + "  - {name: c, op: Conv2d, out_channels: 1, " + arguments + "}\n"


def weight(tensor: str) -> str:
    return conv("kernel_size: 2, weight: " + tensor)


# (file, line:column, part of the message)
SYNTAX = [
    ("", "1:1", "is empty; a network has `inputs` and `layers`"),
    ("# nothing\n", "1:1", "is empty"),
    ("3\n", "1:1", "a network is a mapping with `inputs` and `layers`, not 3"),
    ("- a\n", "1:1", "a network is a mapping"),
    ("inputs: [1\nlayers: []\n", "1:9", "this list has no end: ',' or ']' is missing"),
    ("inputs: {x: 1\n", "1:9", "this mapping has no end: ',' or '}' is missing"),
    ("inputs:\n\tx: 1\n", "2:1", "indent with spaces"),
    ("a: b: c\n", "1:5", "put text that contains ': ' into quotes"),
    ("x: 'abc\n", "1:4", "this quoted text has no end"),
    ("layers: @x\n", "1:9", "put text into quotes"),
    ("layers: *nope\n", "1:9", "no anchor of this name stands above"),
    ("a: &x [*x]\n", "1:4", "contains itself through an alias"),
    (NET + "---\n" + NET, "5:1", "a second document starts here; a file holds one network"),
    ("inputs: !foo {x: 1}\n", "1:9", "the tag !foo has no meaning here; leave it out"),
    ("inputs: {x: !!python/object:os.system 1}\n", "1:13", "has no meaning here; leave it out"),
    ("inputs: {x: !!int abc}\n", "1:13", "'abc' is not what the tag !!int says"),
    ("[" * 500 + "]" * 500, "1:66", "nested more than 64 levels deep"),
    ("inputs:\n  x: 1\n  y: 2\n  x: 3\n", "4:3", "the key 'x' is there twice, on lines 2 and 4; keep one"),
    ("inputs: {[1]: 2}\n", "1:10", "a key must be text"),
    (b"inputs:\n  \xc3\xa9: \xff\n", "2:6", "no text in UTF-8 (byte 0xff)"),
    (b"PK\x03\x04\x80", "1:5", "no text in UTF-8"),
    ("a: \a", "1:4", "the control character 0x07 is not allowed"),
]

LABELS = (
    "inputs: {x: {shape: [2, 2], value: 1}, y: {value: [1, 7], dtype: int64}}\n"
    "layers: [{name: fc, op: Linear, out_features: 3}]\nloss: {op: CrossEntropyLoss, inputs: [fc, y]}\n"
)

FORM = [
    (LABELS, "1:43", "the class label 7 is out of range: there are the classes 0 to 2"),
    (IN, "1:1", "the network needs `layers`"),
    (IN + "layers:\n", "3:8", "layers takes a list, not nothing"),
    (IN + "layers: []\n", "3:9", "there are no layers; a layer is written"),
    (IN + "layers: [5]\n", "3:10", "each of `layers` takes a mapping, not 5"),
    (layer("{name: a}"), "4:5", "needs `op`, a class name such as Conv2d"),
    (layer("{op: ReLU}"), "4:5", "needs `name`"),
    (layer("{name: a, op: conv2d}"), "4:19", "there is no operation 'conv2d'; did you mean 'Conv2d'?"),
    (layer("{name: a, op: Dense}"), "4:19", "there is no operation 'Dense'; there are "),
    (layer("{name: a b, op: ReLU}"), "4:12", "'a b' is no name; names are letters"),
    (layer("{name: a..b, op: ReLU}"), "4:12", "is no name"),
    (layer("{name: a, op: ReLU, inplac: true}"), "4:25", "ReLU has no `inplac`; did you mean 'inplace'?"),
    (layer("{name: a, op: Linear, out_features: 2, device: null, bais: true}"), "4:58", "Linear has no `bais`"),
    (layer("{name: a, op: ReLU, inputs: x}"), "4:33", "a list of tensor names in brackets, such as [x]"),
    (NET + "optimiser: {op: SGD}\n", "5:1", "the network has no `optimiser`; did you mean 'optimizer'?"),
    (NET + "claims: [{of: x, is: 1, at: 2}]\n", "5:25", "each of `claims` has no `at`; there is index"),
    (
        layer("{name: a, op: Linear, out_features: 2, size: 3}"),
        "4:44",
        "in_features, bias, name, op, inputs and weight",
    ),
    (NET + "optimizer: {op: SDG}\n", "5:17", "there is no optimizer 'SDG'; did you mean 'SGD'?"),
    (NET + "optimizer: {lr: 0.1}\n", "5:12", "`optimizer` needs `op`"),
    (NET + "optimizer: {op: SGD, lr: -1}\n", "5:26", "lr takes a number of 0 or more, not -1"),
    (NET + "optimizer: {op: SGD, nesterov: true}\n", "5:22", "nesterov needs a momentum above 0"),
    (NET + "scheduler: {op: StepLR, step_size: 10}\n", "5:1", "a scheduler changes an optimizer's lr; add `optimizer`"),
    (NET + "iterations: 0\n", "5:13", "iterations takes a positive integer, not 0"),
    (NET + "iterations: many\n", "5:13", "iterations takes a positive integer, not 'many'"),
    (NET + "batch_size: 0\n", "5:13", "batch_size takes a positive integer"),
    ("inputs: {x: 3}\n" + layer("{name: a, op: ReLU}")[len(IN) :] + "batch_size: 2\n", "4:13", "a first dimension"),
    (NET + "dtype: float16\n", "5:8", "dtype takes float64 or float32, not 'float16'"),
    (NET + "mode: trian\n", "5:7", "mode takes train or eval, not 'trian'; did you mean 'train'?"),
    (NET + "seed: x\n", "5:7", "seed takes an integer, not 'x'"),
    (NET + "indexing: flat\n", "5:11", "indexing takes torch or flat1, not 'flat'; did you mean 'flat1'?"),
    (NET + "convstep: 2\n", "5:11", "convstep takes 1, the only version of the format, not 2"),
    (NET + "about: {a: 1}\n", "5:8", "about takes text, not a mapping"),
    (NET + 'name: "a\\e[31m"\n', "5:7", "name takes text without control characters such as \\x1b"),
    (NET + 'symbols: {"\\e[31m": q}\n', "5:11", "there is no tensor '\\x1b[31m'"),
    # Of several mistakes, the first in the file.
    (layer("{name: a, op: Relu, inplace: 3}") + "iterations: 0\nseed: x\n", "4:19", "did you mean 'ReLU'?"),
    ("seed: x\n" + layer("{name: a, op: Relu}"), "1:7", "seed takes an integer"),
]

LAYERS = [
    (layer("{name: x, op: ReLU}"), "4:12", "the name 'x' is taken by an input above"),
    (layer("{name: a, op: ReLU, inputs: [z]}"), "4:34", "there is no input or layer 'z'; there is x"),
    (layer("{name: a, op: ReLU, inputs: [b]}") + "  - {name: b, op: ReLU}\n", "4:34", "'b' is defined below"),
    (layer("{name: a, op: ReLU, inputs: [a]}"), "4:34", "'a' cannot read itself"),
    (layer("{name: a, op: ReLU, inputs: [x, x]}"), "4:33", "ReLU takes 1 input"),
    (layer("{name: a, op: Add}"), "4:19", "Add takes 2 or more inputs, not 1"),
    ("layers:\n  - {name: a, op: ReLU}\n", "2:5", "'a' has nothing to read; add a tensor to `inputs`"),
    (conv("kernel_size: 5"), "4:57", "kernel_size: the window spans 5, more than the padded input's 4"),
    (conv("stride: 2"), "4:5", "Conv2d needs `kernel_size`"),
    (conv("kernel_size: 2.5"), "4:57", "kernel_size takes a positive integer or a list of 2, not 2.5"),
    (conv("kernel_size: [2, 2, 2]"), "4:57", "not [2, 2, 2]"),
    (conv("kernel_size: 2, padding: sam"), "4:69", "did you mean 'same'?"),
    (conv("kernel_size: 2, in_channels: 3"), "4:73", "in_channels is 3, but the input has 1 channel"),
    (conv("kernel_size: 2, bias: yes"), "4:66", "bias takes true, false or a tensor, not 'yes'"),
    (conv("kernel_size: 2, padding: 100000000000"), "4:69", "padding takes sizes of 2147483647 or less"),
    (conv("kernel_size: 2, padding: 1000000000"), "4:5", "the sizes of 'c' are beyond any memory"),
    (conv("kernel_size: 2, padding: 4000000000000000000"), "4:69", "padding takes sizes of 2147483647 or less"),
    (conv("kernel_size: 99999999999999999999"), "4:57", "too large for an integer (64 bits)"),
    (conv("kernel_size: 2").replace("out_channels: 1", "out_channels: 100000000000"), "4:5", "'c' takes the most"),
    (NET + "loss: {op: MSELoss}\n", "5:7", "the loss needs `inputs`: prediction and target, such as [fc"),
    (NET + "loss: {op: MSELos, inputs: [fc, x]}\n", "5:12", "there is no loss 'MSELos'; did you mean 'MSELoss'?"),
    (NET + "loss: {op: ReLU, inputs: [fc]}\n", "5:12", "ReLU is no loss"),
    (NET + "loss: {op: MSELoss, inputs: [fc, z]}\n", "5:34", "there is no input or layer 'z'"),
    (NET + "loss: {op: MSELoss, inputs: [fc, fc], reduction: none}\n", "5:50", "the loss must be one number"),
    (NET + "loss: {op: MSELoss, inputs: [fc, fc], reduction: sun}\n", "5:50", "did you mean 'sum'?"),
    (NET + MSE, "5:29", "MSELoss: the shapes [2, 2] and [2, 3] do not go together"),
    (NET + "loss: {name: x, op: MSELoss, inputs: [fc, fc]}\n", "5:14", "the name 'x' is taken"),
    (NET + "  - {name: fc.bias, op: ReLU}\n", "5:12", "the name 'fc.bias' is taken by a parameter"),
    (NET + "symbols: {fc.weigth: w}\n", "5:11", "there is no tensor 'fc.weigth'; did you mean 'fc.weight'?"),
    (NET + "symbols: {fc.weight: x}\n", "5:22", "the symbol 'x' is already a tensor's name"),
    (NET + "symbols: {fc.weight: w, fc.bias: w}\n", "5:34", "the symbol 'w' stands for 'fc.weight' already"),
    (NET + "gradient: {fc: [1, 2]}\n", "5:16", "takes 4 numbers, or one for all, not 2"),
    (NET + "gradient: {x: 1}\n", "5:12", "gradients start at layers, and there is no layer 'x'"),
    (NET + "gradient: {fc: 1}\n" + MSE.replace("x]", "fc]"), "5:1", "`loss` and `gradient`"),
    (NET + "claims: [{of: fc.weigh, is: 3}]\n", "5:15", "did you mean 'fc.weight'?"),
    (NET + "claims: [{of: fc.weight}]\n", "5:10", "needs `is`"),
    (NET + "claims: [{of: fc.weight, index: [7], is: 3}]\n", "5:33", "an index has 2 numbers from 0"),
    (NET + "claims: [{of: fc.weight, index: [0, 7], is: 3}]\n", "5:37", "the indices 0 to 2, not 7"),
    (NET + "indexing: flat1\nclaims: [{of: fc.weight, index: [0], is: 3}]\n", "6:33", "the elements 1 to 6"),
    (NET + "claims: [{of: fc.weight, is: [[1, a]]}]\n", "5:35", "'a' is no number"),
]

TENSORS = [
    (weight("[1, 2, 3]"), "4:68", "c.weight of the shape [1, 1, 2, 2] takes 4 numbers, or one for all, not 3"),
    (weight("[[1, 2], [3]]"), "4:77", "the list is ragged: a list of 1 here, a list of 2 before"),
    (weight("{value: [1, 2, 3, x]}"), "4:86", "'x' is no number"),
    (weight("{vale: [1, 2]}"), "4:69", "c.weight has no `vale`; did you mean 'value'?"),
    (weight("{value: 1, file: a.npz}"), "4:68", "takes one of value, file and init, not value and file"),
    (weight("{shape: [2, 2], value: 1}"), "4:76", "c.weight has the shape [1, 1, 2, 2] here, not [2, 2]"),
    (weight("{init: nrmal}"), "4:75", "there is no initialiser 'nrmal'; did you mean 'normal'?"),
    (weight("{init: normal, stdd: 2}"), "4:83", "normal has no `stdd`; did you mean 'std'?"),
    (weight("{init: normal, std: big}"), "4:88", "std takes a number, not 'big'"),
    (weight("{init: kaiming_uniform, mode: fan}"), "4:98", "mode takes fan_in or fan_out, not 'fan'"),
    (weight("{init: constant}"), "4:75", "constant needs `val`"),
    (weight("{init: eye}"), "4:75", "eye takes a tensor of 2 dimensions"),
    (weight("c.weight"), "4:68", "c.weight → c.weight is a circle"),
    (weight("d.weight"), "4:68", "there is no parameter 'd.weight' to share; there is c.bias"),
    (weight("c.bias"), "4:68", "c.weight has the shape [1, 1, 2, 2] and cannot be c.bias of the shape [1]"),
    (weight("{value: 1, dtype: int64}"), "4:86", "a parameter takes floating-point numbers"),
    (weight("{value: 1, dtype: flot64}"), "4:86", "did you mean 'float64'?"),
    (weight("{value: 99999999999999999999}"), "4:76", "too large for an integer"),
    ("inputs: {x: {shape: [100000, 100000], init: normal}}\n" + FC, "1:10", "'x' takes the most of it"),
    ("inputs: {x: {shape: [9000000000, 9000000000], value: 1}}\n" + FC, "1:21", "beyond any memory"),
    ("inputs: {x: {shape: [2, -1], value: 1}}\n" + FC, "1:25", "each of `shape` takes a positive integer, not -1"),
    ("inputs: {x: {init: normal}}\n" + FC, "1:13", "x needs a `shape`"),
    ("inputs: {x: abc}\n" + FC, "1:13", "'abc' is no tensor"),
    ("inputs: {x: true}\n" + FC, "1:13", "true is no tensor"),
    ("inputs: {x: }\n" + FC, "1:13", "nothing (null) is no tensor"),
    ("inputs: {x: [[], []]}\n" + FC, "1:13", "x holds no numbers"),
    ("inputs: {x: [1, null]}\n" + FC, "1:17", "is no number"),
    ("inputs: {x: [1, true]}\n" + FC, "1:17", "true is no number"),
    ("inputs: {x: [1.0, 1e999]}\n" + FC, "1:19", "too large for a number"),
    ("inputs: {x: {value: [1.5], dtype: int64}}\n" + FC, "1:21", "1.5 is no integer that int64 can hold"),
    ("inputs: {x: {value: [300], dtype: int8}}\n" + FC, "1:21", "300 is no integer that int8 can hold"),
    ("inputs: {x: {value: [1, 2], dtype: int64}}\n" + FC, "3:20", "Linear takes floating-point numbers"),
    ("inputs: {x: {value: 1, dtype: float32}}\n" + FC, "1:31", "floats are float64 in this network"),
    ("dtype: float32\ninputs: {x: [1.0e+300]}\n" + FC, "2:13", "too large for float32"),
    ("inputs: {a-b: 1}\n" + FC, "1:10", "'a-b' is no name"),
]

FILES = [
    (weight("{file: ones.npz}"), "4:75", "there is no file 'ones.npz'; did you mean 'one.npz'?"),
    (weight("{file: two.npz}"), "4:75", "two.npz holds first and second; say which by `key`"),
    (weight("{file: two.npz, key: frist}"), "4:89", "two.npz holds no 'frist'; did you mean 'first'?"),
    (weight("{file: net.yaml}"), "4:75", "'net.yaml' is no file of arrays; they end in .npy, .npz or .safetensors"),
    (weight("{file: garbage.npz}"), "4:75", "garbage.npz is damaged, or no .npz file"),
    (weight("{file: garbage.safetensors}"), "4:75", "is damaged, or no .safetensors file"),
    (weight("{file: objects.npz}"), "4:75", "holds Python objects, which are not loaded"),
    (weight("{file: complex.npy}"), "4:75", "complex128, not integers or floats"),
    (weight("{file: four.npy, key: a}"), "4:90", "leave `key` out"),
    (weight("{file: one.npz}"), "4:75", "takes the shape [1, 1, 2, 2], but the file's array has [2, 3]"),
    (NET + "weights: state.npz\n", "5:10", "there is no file"),
    (NET + "weights: four.npy\n", "5:10", "give an .npz or .safetensors file"),
    (NET + "weights: one.npz\n", "5:10", "holds 'a', which is no parameter of this network"),
    (NET + "weights: turned.npz\n", "5:10", "fc.weight is [3, 2] in turned.npz, but [2, 3] in this network"),
    (NET + "weights: half.npz\n", "5:10", "half.npz lacks fc.bias; it holds fc.weight"),
]


@pytest.mark.parametrize(("text", "place", "message"), SYNTAX + FORM + LAYERS + TENSORS)
def test_one_line_says_where_and_what(write: Callable[..., str], text: str | bytes, place: str, message: str) -> None:
    check(write(text), place, message)


@pytest.mark.parametrize(("text", "place", "message"), FILES)
def test_files_of_arrays(write: Callable[..., str], text: str, place: str, message: str) -> None:
    name = write(text)
    np.savez("one.npz", a=np.ones((2, 3)))
    np.savez("two.npz", first=np.ones(4), second=np.ones(4))
    np.savez("objects.npz", a=np.array([None, {}], dtype=object))
    np.savez("turned.npz", **{"fc.weight": np.ones((3, 2)), "fc.bias": np.ones(2)})
    np.savez("half.npz", **{"fc.weight": np.ones((2, 3))})
    np.save("four.npy", np.ones(4))
    np.save("complex.npy", np.ones(4, dtype=complex))
    Path("garbage.npz").write_text("hello")
    Path("garbage.safetensors").write_bytes(b"\xff" * 20)
    check(name, place, message)


def check(name: str, place: str, message: str) -> None:
    with pytest.raises(ConvstepError) as caught:
        load(name)
    line = str(caught.value)
    assert line.startswith(f"{name}:{place}: ")
    assert message in line
    assert line.isprintable()


def test_files_that_cannot_be_read(write: Callable[..., str]) -> None:
    write(NET)
    with pytest.raises(ConvstepError, match=r"^nets\.yaml:1:1: there is no such file; did you mean 'net\.yaml'\?$"):
        load("nets.yaml")
    with pytest.raises(ConvstepError, match=r"^\.:1:1: is a directory; give a network file in it, such as net\.yaml$"):
        load(".")


def test_an_alias_bomb_is_refused(write: Callable[..., str]) -> None:
    lines = ["a0: &a0 [1, 1, 1, 1, 1, 1, 1, 1, 1, 1]"]
    lines += [f"a{k}: &a{k} [{', '.join([f'*a{k - 1}'] * 10)}]" for k in range(1, 30)]
    check(write("\n".join(lines)), "6:5", "its aliases (*) stand for")


def test_the_file_is_called_what_the_person_typed(tmp_path: Path, write: Callable[..., str]) -> None:
    write("3\n")
    with pytest.raises(ConvstepError) as caught:
        load(tmp_path / "net.yaml")
    assert str(caught.value).startswith(f"{tmp_path}/net.yaml:1:1: ")


DICTS = [
    ({}, "the network needs `layers`"),
    ({"layers": 3}, "layers: layers takes a list, not 3"),
    ({"inputs": {"x": {1, 2}}, "layers": []}, "inputs.x: takes text, numbers, lists, mappings and arrays, not a set"),
    ({"inputs": {"x": np.array(["a"])}, "layers": [{"name": "r", "op": "ReLU"}]}, "inputs.x: is an array of"),
    (
        {
            "inputs": {"x": np.ones((1, 1, 4, 4))},
            "layers": [{"name": "c", "op": "Conv2d", "out_channels": 1, "kernel_size": 5}],
        },
        "layers[0].kernel_size: kernel_size: the window spans 5",
    ),
    (
        {"inputs": {"x": [[1.0, 2.0], [3.0]]}, "layers": [{"name": "r", "op": "ReLU"}]},
        "inputs.x[1]: the list is ragged",
    ),
    ({"layers": [{"name": "r", "op": "ReLU"}], "iterations": 2**70}, "iterations: is too large for an integer"),
    ({"inputs": {"x": [1, 2**70]}, "layers": []}, "inputs.x[1]: is too large for an integer"),
    ({None: 3}, "the key nothing (null) must be text"),
]


@pytest.mark.parametrize(("document", "message"), DICTS)
def test_a_dict_gets_the_same_messages(document: dict[str, object], message: str) -> None:
    with pytest.raises(ConvstepError) as caught:
        load(document)
    assert str(caught.value).startswith(message)
    assert str(caught.value).isprintable()


def test_neither_path_nor_mapping() -> None:
    with pytest.raises(ConvstepError, match="a network is a path or a mapping, not int"):
        load(3)  # type: ignore[arg-type]


def test_a_dict_that_contains_itself() -> None:
    document: dict[str, object] = {}
    document["inputs"] = document
    with pytest.raises(ConvstepError, match="nested more than 64 levels deep"):
        load(document)


def test_a_directory_that_may_not_be_listed(tmp_path, monkeypatch):
    """What is not there is said, without what is meant."""
    (tmp_path / "net.yaml").write_text("inputs: {x: {file: y.npz, key: a}}\nlayers: [{name: r, op: ReLU}]\n")

    def refused(*_):
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr(os, "listdir", refused)
    with pytest.raises(ConvstepError, match="there is no such file; check name and directory"):
        load(tmp_path / "nets.yaml")
    with pytest.raises(ConvstepError, match="files are looked for beside"):
        load(tmp_path / "net.yaml")
