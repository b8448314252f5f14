"""Files that somebody made on purpose: one line each, at once, without reading what has no end."""

from __future__ import annotations

import io
import json
import os
import struct
import zipfile
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from convstep.commands.mine import read_gradients
from convstep.errors import ConvstepError
from convstep.network import load

NET = "inputs: {x: [[1, 2]]}\nlayers:\n  - {name: fc, op: Linear, out_features: 2}\n"
CODES = r'"\e[31m[red]x\u202e\a"'
SHOWN = r"\x1b[31m[red]x\u202e\x07"

DEEP = [
    ("[" * 1_000_000, "nested more than 64 levels deep"),
    ("{a: " * 100_000, "nested more than 64 levels deep"),
    ("- " * 100_000, "nested more than 64 levels deep"),
    ("? " * 100_000, "nested more than 64 levels deep"),
    ("a: 1\n" * 600_000, "holds more than 250,000 values"),
    ("".join(f"k{k}: 1\n" for k in range(20_000)), "the network needs `layers`"),
    (f"{NET}{'1' * 1_000_000}: 3\n", "this line is no `key: value`"),
    (NET.replace("2]]", "1" * 1_000_000 + "]]"), "too large for an integer"),
    (NET.replace("2]]", "1e" + "1" * 1_000_000 + "]]"), "too large for a number"),
    (NET.replace("Linear", "a" * 1_000_000), "there is no operation 'aaa"),
    (NET.replace("Linear, out_features: 2", "ReLU, inputs: [" + "b" * 1_000_000 + "]"), "no input or layer 'bbb"),
    (NET.replace("out_features: 2", "out_features: [" + "1, " * 9999 + "1]"), "not [1, 1"),
    ("inputs: {x: 1}\nlayers:\n" + "- {name: a, op: RELUU}\n" * 5000, "no operation 'RELUU'"),
    (
        "inputs: {x: 1}\nlayers:\n" + "- {name: a, op: ReLU}\n" * 10_001,
        "layers holds 10,001 entries; 10,000 are",
    ),
    ("inputs: {x: 1}\nlayers: [" + "3, " * 9_999 + "3]\n", "each of `layers` takes a mapping, not 3"),
    (NET.replace("Linear", "ReLU, inputs: [" + "[1], " * 9_999 + "x]"), "each of `inputs` takes text, not [1]"),
    (NET + "claims: [{of: x, is: 1, index: [" + "a, " * 100_000 + "1]}]\n", "index takes 32 or fewer values"),
    (NET.replace("{x:", "{" + "'a b%d': 1, " * 1000 % tuple(range(1000)) + "x:"), "'a b0' is no name"),
    (NET + "".join(f"key{k}: 1\n" for k in range(20_000)), "the network has no `key0`"),
    (NET + "convstep: 99\n", "takes 1, the only version"),
    (NET + "<<: {a: 1}\n", "has no `<<`"),
    (NET + "name: !!python/object/apply:os.system [ls]\n", "has no meaning here"),
]


@pytest.mark.parametrize(("text", "says"), DEEP, ids=range(len(DEEP)))
def test_a_text_that_goes_on_and_on(write: Callable[..., str], text: str, says: str) -> None:
    refused(write(text), says)


CONTROLS = [
    f"name: {CODES}\n" + NET,
    f"about: {CODES}\n" + NET,
    f"{CODES}: 1\n" + NET,
    NET.replace("name: fc", f"name: {CODES}"),
    NET.replace("Linear", CODES),
    NET.replace("{x:", "{" + CODES + ":"),
    NET.replace("Linear", f"Linear, inputs: [{CODES}]"),
    NET + f"symbols: {{fc.weight: {CODES}}}\n",
    NET + f"symbols: {{{CODES}: w}}\n",
    NET + f"claims: [{{of: {CODES}, is: 1}}]\n",
    NET + f"weights: {CODES}\n",
    NET.replace("[[1, 2]]", f"{{file: {CODES}}}"),
    NET.replace("[[1, 2]]", f"{{init: {CODES}, shape: [1, 2]}}"),
]


@pytest.mark.parametrize("text", CONTROLS, ids=range(len(CONTROLS)))
def test_control_characters_are_told_and_not_sent(write: Callable[..., str], text: str) -> None:
    line = refused(write(text), SHOWN if "weights" not in text and "file" not in text else "x1b")
    assert "\\u202e" in line


def refused(name: str, says: str) -> str:
    with pytest.raises(ConvstepError) as caught:
        load(name)
    line = str(caught.value)
    assert line.startswith(f"{name}:")
    assert says in line
    assert line.isprintable()
    assert len(line) < 700
    return line


# -- what is no file --------------------------------------------------------------------------------------


@pytest.mark.skipif(os.name != "posix", reason="pipes, devices and links of POSIX")
def test_pipes_devices_and_links(write: Callable[..., str]) -> None:
    for suffix in ("yaml", "npz", "npy", "safetensors", "convstep"):
        os.mkfifo(f"pipe.{suffix}")
    os.symlink("loop", "loop")
    os.symlink("gone\x1b[1m", "dangling")
    refused("pipe.yaml", "is a pipe or a device")
    refused("/dev/zero", "is a pipe or a device")
    refused("loop", "symbolic links")
    refused("dangling", r"is a link to 'gone\x1b[1m', which is not there")
    for suffix in ("npz", "npy", "safetensors"):
        refused(write(NET.replace("[[1, 2]]", f"{{file: pipe.{suffix}}}")), "is a pipe or a device")
    refused(write(NET + "weights: pipe.npz\n"), "is a pipe or a device")
    with pytest.raises(ConvstepError, match="is a pipe or a device"):
        read_gradients(Path("pipe.npz"))


def test_a_file_that_may_not_be_read(write: Callable[..., str], monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*_: object, **__: object) -> None:
        raise PermissionError(13, "Permission denied")

    name = write(NET)
    monkeypatch.setattr(os, "open", refuse)
    refused(name, "may not be read; check the file's permissions")


def test_a_file_as_large_as_a_disk(write: Callable[..., str]) -> None:
    name = write("")
    os.truncate(name, 2**40)
    refused(name, "has more than 16 MiB")


# -- arrays -----------------------------------------------------------------------------------------------


def header(shape: object, dtype: str = "<f8") -> bytes:
    file = io.BytesIO()
    np.lib.format.write_array_header_1_0(file, {"descr": dtype, "fortran_order": False, "shape": shape})  # type: ignore[arg-type]
    return file.getvalue()


def tensor(**changes: object) -> bytes:
    text = json.dumps({"x": {"dtype": "F64", "shape": [2], "data_offsets": [0, 16], **changes}}).encode()
    return struct.pack("<Q", len(text)) + text + bytes(16)


def zipped(*members: tuple[str, bytes], how: int = zipfile.ZIP_STORED) -> bytes:
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w", how) as archive:
        for name, data in members:
            archive.writestr(name, data)
    return file.getvalue()


ARRAYS: list[tuple[str, bytes, str]] = [
    ("a.npy", header((10**12,)) + bytes(80), "damaged, or no .npy file"),
    ("a.npy", header((10**30, 10**30)) + bytes(80), "damaged"),
    ("a.npy", header((-1,)) + bytes(8), "damaged"),
    ("a.npy", header((-2, -2)) + bytes(32), "damaged"),
    ("a.npy", header((1,) * 40) + bytes(8), "damaged"),
    ("a.npy", header((2,)) + bytes(17), "damaged"),
    ("a.npy", header((2,), "|O") + bytes(16), "holds Python objects"),
    ("a.npy", header((2,), "<c16") + bytes(32), "not integers or floats"),
    ("a.npy", header((2,), "<U4") + bytes(32), "not integers or floats"),
    ("a.npy", b"\x93NUMPY\x01\x00" + struct.pack("<H", 9000) + b"(" * 9000, "damaged"),
    ("a.npy", b"\x93NUMPY\x03\x00" + struct.pack("<I", 2**31) + b"(" * 90, "damaged"),
    ("a.npy", b"\x93NUMPY\x09\x00" + b"(" * 90, "damaged"),
    ("a.npy", b"", "damaged"),
    ("a.npy", zipped(("x.npy", header((1,)) + bytes(8))), "give it its right ending"),
    ("a.npz", header((1,)) + bytes(8), "give it its right ending"),
    ("a.npz", b"", "damaged, or no .npz file"),
    ("a.npz", b"PK\x05\x06" + bytes(18), "holds none"),
    ("a.npz", zipped(("x.npy", header((10**12,)) + bytes(80))), "damaged"),
    ("a.npz", zipped(("x.npy", b"text")), "damaged"),
    ("a.npz", zipped(("x.npy", header((2,), "|O") + bytes(16))), "holds Python objects"),
    ("a.npz", zipped(("x.npy", header((2**24,)) + bytes(2**27)), how=zipfile.ZIP_DEFLATED), "200 times its size"),
    ("a.npz", zipped(*((f"{k}.npy", b"") for k in range(10_001))), "10000 are the most"),
    ("a.safetensors", b"", "damaged, or no .safetensors file"),
    ("a.safetensors", struct.pack("<Q", 2**63) + b"{}", "damaged"),
    ("a.safetensors", struct.pack("<Q", 200_000) + b"[" * 200_000, "damaged"),
    ("a.safetensors", struct.pack("<Q", 2) + b"[]", "damaged"),
    ("a.safetensors", tensor(shape=[10**12]), "damaged"),
    ("a.safetensors", tensor(shape=[-2]), "damaged"),
    ("a.safetensors", tensor(shape=[2.0]), "damaged"),
    ("a.safetensors", tensor(shape=[True, 2]), "damaged"),
    ("a.safetensors", tensor(shape=None), "damaged"),
    ("a.safetensors", tensor(data_offsets=[8, 24]), "damaged"),
    ("a.safetensors", tensor(data_offsets=[0]), "damaged"),
    ("a.safetensors", tensor(dtype=["F64"]), "damaged"),
    ("a.safetensors", tensor(dtype="F8_E4M3"), "has the dtype F8_E4M3"),
    ("a.safetensors", tensor() + b"x", "damaged"),
    ("a.safetensors", tensor(dtype="C\x1b[31m"), "has the dtype C\\x1b[31m"),
]


@pytest.mark.parametrize(("file", "data", "says"), ARRAYS, ids=range(len(ARRAYS)))
def test_arrays(write: Callable[..., str], file: str, data: bytes, says: str) -> None:
    name = write(NET.replace("[[1, 2]]", f"{{file: {file}}}"))
    write(data, file)
    assert refused(name, says).startswith("net.yaml:1:20: ")
    if file != "a.npy" and says != "holds none":
        with pytest.raises(ConvstepError) as caught:
            read_gradients(Path(file))
        assert str(caught.value).isprintable()


def test_what_is_not_asked_for_does_not_matter(write: Callable[..., str]) -> None:
    name = write(NET.replace("[[1, 2]]", "{file: a.npz, key: x}"))
    np.savez("a.npz", x=np.ones((1, 2)), labels=np.array(["one"]), objects=np.array([None]))
    assert load(name).data["x"].tolist() == [[1.0, 1.0]]
    write(NET.replace("[[1, 2]]", "{file: a.npz, key: labels}"))
    refused(name, "'labels' in a.npz holds <U3, not integers or floats")


def test_arrays_in_any_layout(write: Callable[..., str]) -> None:
    name = write("inputs: {x: {file: a.npz, key: x}}\nlayers: [{name: r, op: ReLU}]\n")
    expected = np.arange(6.0).reshape(2, 3)
    for array in (
        np.asfortranarray(expected),
        expected.astype(">f4"),
        expected.astype("<f2"),
        expected[:, ::-1][:, ::-1],
    ):
        np.savez_compressed("a.npz", x=array)
        assert load(name).data["x"].tolist() == expected.tolist()
