"""What can happen to a file: every way to spoil a network file, an archive of arrays, a snapshot."""

from __future__ import annotations

import io
import json
import random
import re
import warnings
import zipfile
from collections.abc import Callable

Change = Callable[[bytes, random.Random], bytes]

_WORDS = (
    "null", "true", "~", "''", "[]", "{}", "[[]]", "x", "o1", "-1", "0", "1", "2", "3.5", ".nan", ".inf", "-.inf",
    "1e-3", "1e999", "99999999999999999999", "9223372036854775807", "-9223372036854775808", "1000000000000",
    "4294967296", "0x7f", "1.0e+308", "[1, 2]", "{value: 1}", "{init: normal}", "{file: digits.npz}",
    "{file: /dev/zero}", "*a", "&a 1", "!!int x", "!!python/object/apply:os.system [ls]", "<<: 1",
    '"\\e[31m[red]x[/red]"', "'[bold]x'", "\u202ex", "\ud83d\ude00", "é",
    "1" * 400, "x" * 300, "y", "no", "2026-11-24", "1:2", "|", ">", "Conv2d", "MSELoss", "sum", "same", "conv1.weight",
)  # fmt: skip
_SCALAR = re.compile(rb"(?<=[:\[,{ ])[ ]*([-+.\w]+)(?=[\s,\]}])")
_KEY = re.compile(rb"(\w+)(?=:)")


def flip(data: bytes, choice: random.Random) -> bytes:
    """One to eight bits turned over."""
    spoilt = bytearray(data)
    for _ in range(choice.randint(1, 8) if spoilt else 0):
        spoilt[choice.randrange(len(spoilt))] ^= 1 << choice.randrange(8)
    return bytes(spoilt)


def overwrite(data: bytes, choice: random.Random) -> bytes:
    """A run of bytes replaced: by zeros, ones, noise, or what stands elsewhere."""
    at, length = choice.randrange(len(data) + 1), choice.choice((1, 2, 4, 8, 30))
    elsewhere = choice.randrange(len(data) + 1)
    new = choice.choice(
        (bytes(length), b"\xff" * length, choice.randbytes(length), data[elsewhere : elsewhere + length])
    )
    return data[:at] + new + data[at + len(new) :]


def cut_out(data: bytes, choice: random.Random) -> bytes:
    """A piece taken away."""
    at = choice.randrange(len(data) + 1)
    return data[:at] + data[at + choice.choice((1, 3, 20, 200)) :]


def truncate(data: bytes, choice: random.Random) -> bytes:
    """The end taken away."""
    return data[: choice.randrange(len(data) + 1)]


def insert(data: bytes, choice: random.Random) -> bytes:
    """Something put in: noise, characters with a meaning, a byte order mark."""
    at = choice.randrange(len(data) + 1)
    marks = b"[]{}:,-#&*!|>'\"%@`\n\t 0.~\\<\x00\x1b\x7f\xc3\xff"
    noise = choice.randbytes(choice.randint(1, 6))
    piece = choice.choice(
        (noise, bytes(choice.choices(marks, k=3)), b"\xef\xbb\xbf", b"\xc2\x9b31m", b"\xed\xa0\x80", b"\r")
    )
    return data[:at] + piece + data[at:]


def repeat(data: bytes, choice: random.Random) -> bytes:
    """A piece there twice."""
    at = choice.randrange(len(data) + 1)
    end = at + choice.choice((1, 10, 100, 1000))
    return data[:end] + data[at:end] + data[end:]


def recode(data: bytes, choice: random.Random) -> bytes:
    """Another encoding, other line ends."""
    text = data.decode("utf-8", "replace")
    return choice.choice(
        (
            text.encode("utf-16"),
            text.encode("utf-16-le"),
            text.encode("utf-32"),
            text.encode("utf-8-sig"),
            text.replace("\n", "\r\n").encode(),
            text.replace("\n", "\r").encode(),
            text.replace(" ", "\t").encode(),
            text.replace(" ", "\u00a0").encode(),
        )
    )


ANY: tuple[Change, ...] = (flip, overwrite, cut_out, truncate, insert, repeat)


def swap_lines(data: bytes, choice: random.Random) -> bytes:
    """Two lines exchanged."""
    lines = data.split(b"\n")
    a, b = choice.randrange(len(lines)), choice.randrange(len(lines))
    lines[a], lines[b] = lines[b], lines[a]
    return b"\n".join(lines)


def drop_or_repeat_line(data: bytes, choice: random.Random) -> bytes:
    """A line there twice, or not at all, or indented otherwise."""
    lines = data.split(b"\n")
    at = choice.randrange(len(lines))
    lines[at : at + 1] = choice.choice(
        ([], [lines[at]] * 2, [b" " + lines[at]], [b"    " + lines[at]], [lines[at][1:]])
    )
    return b"\n".join(lines)


def other_value(data: bytes, choice: random.Random) -> bytes:
    """A value of another kind, or far too large a number."""
    return _replace(_SCALAR, data, choice, choice.choice(_WORDS).encode("utf-8", "surrogatepass"))


def other_number(data: bytes, choice: random.Random) -> bytes:
    """A digit more, fewer, or a number cut short."""
    found = list(re.finditer(rb"[-+.\deE]*\d[-+.\deE]*", data))
    if not found:
        return data
    match = choice.choice(found)
    old = match[0]
    new = choice.choice(
        (old * 2, old[:-1], b"-" + old, old + b"e30", old + b".5", b"0" + old, old[::-1], old + b"000000")
    )
    return data[: match.start()] + new + data[match.end() :]


def other_key(data: bytes, choice: random.Random) -> bytes:
    """A key renamed, as another one or by a letter."""
    keys = _KEY.findall(data) or [b"x"]
    key = choice.choice(keys)
    other = choice.choice((choice.choice(keys), key[:-1], key + b"s", key.upper(), b"1", b"? " + key))
    return _replace(_KEY, data, choice, other)


def other_name(data: bytes, choice: random.Random) -> bytes:
    """A word of the file in the place of another."""
    words = re.findall(rb"[\w.]+", data) or [b"x"]
    return _replace(re.compile(rb"([\w.]+)"), data, choice, choice.choice(words))


def _replace(pattern: re.Pattern[bytes], data: bytes, choice: random.Random, new: bytes) -> bytes:
    found = [match.span(1) for match in pattern.finditer(data)]
    if not found:
        return data
    start, end = choice.choice(found)
    return data[:start] + new + data[end:]


TEXT: tuple[Change, ...] = (
    *ANY, recode, swap_lines, drop_or_repeat_line, other_value, other_value, other_number, other_key, other_name,
)  # fmt: skip


def other_entries(data: bytes, choice: random.Random) -> bytes:
    """An archive packed anew: entries swapped, lost, twice, spoilt, compressed; with checksums that fit."""
    try:
        with zipfile.ZipFile(io.BytesIO(data)) as archive:
            entries = [(name, archive.read(name)) for name in archive.namelist()]
    except Exception:
        return flip(data, choice)
    at, other = choice.randrange(len(entries)), choice.randrange(len(entries))
    match choice.randrange(6):
        case 0:
            entries[at], entries[other] = (entries[at][0], entries[other][1]), (entries[other][0], entries[at][1])
        case 1:
            del entries[at]
        case 2:
            entries.append(entries[at])
        case 3:
            entries[at] = entries[at][0], choice.choice(ANY)(entries[at][1], choice)
        case 4:
            entries[at] = choice.choice(("../x.npy", "a\x1b[31m.npy", "", "x" * 300, "é.npy", "0.npy")), entries[at][1]
        case 5:
            entries[at] = entries[at][0], huge_header(entries[at][1], choice)
    how = choice.choice(
        (zipfile.ZIP_STORED, zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED, zipfile.ZIP_BZIP2, zipfile.ZIP_LZMA)
    )
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w", how) as archive:
        for name, content in entries:
            archive.writestr(zipfile.ZipInfo(name), content, how)
    return file.getvalue()


def huge_header(data: bytes, choice: random.Random) -> bytes:
    """An .npy header that claims another shape or dtype."""
    shape = choice.choice(
        ("(1000000000000,)", "(-1,)", "(2, 3, 4)", "()", "(0,)", "(1,) * 9", "(9**99,)", "(True,)", "(1.5,)")
    )
    new = re.sub(rb"\([^)]*\)", shape.encode(), data[:128], count=1)
    if choice.random() < 0.5:
        dtype = choice.choice(("|O", "<U5", "<f2", ">f8", "<c16", "|V8", "<M8[s]", "[('a', '<f8')]", "|b1", "f4,f4"))
        new = re.sub(rb"'descr': '[^']*'", b"'descr': '" + dtype.encode() + b"'", new, count=1)
    return new + data[128:]


ARCHIVE: tuple[Change, ...] = (*ANY, other_entries, other_entries, other_entries)


def other_header(data: bytes, choice: random.Random) -> bytes:
    """A .safetensors file with another header, whose length fits."""
    length = int.from_bytes(data[:8], "little")
    header = choice.choice(TEXT)(data[8 : 8 + length], choice)
    return len(header).to_bytes(8, "little") + header + data[8 + length :]


SAFETENSORS: tuple[Change, ...] = (*ANY, other_header, other_header)


def other_meta(data: bytes, choice: random.Random) -> bytes:
    """A snapshot whose content was changed on purpose, with the checksum made to fit."""
    from convstep.debugger.keeping import container

    with zipfile.ZipFile(io.BytesIO(data)) as archive:
        entries = {name: archive.read(name) for name in archive.namelist() if name != container.CHECKSUM}
    meta = json.loads(entries[container.META])
    for _ in range(choice.randint(1, 2)):
        holder, key = choice.choice(list(_places(meta)))
        if choice.random() < 0.2:
            del holder[key]
        else:
            junk = (
                None,
                True,
                0,
                -1,
                2**70,
                1.5,
                float("nan"),
                "",
                "x",
                "\x1b[31m[red]",
                [],
                [1],
                {},
                {"$array": 0},
                {"$array": 99},
            )
            holder[key] = choice.choice(junk)
    entries[container.META] = json.dumps(meta).encode()
    entries[container.CHECKSUM] = container.checksum(entries).encode()
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w") as archive:
        for name, content in entries.items():
            archive.writestr(name, content)
    return file.getvalue()


def _places(value: object) -> list[tuple[object, object]]:
    items = (
        list(value.items()) if isinstance(value, dict) else list(enumerate(value)) if isinstance(value, list) else []
    )
    return [place for key, item in items for place in [(value, key), *_places(item)]]


SNAPSHOT: tuple[Change, ...] = (*ANY, other_entries, other_meta, other_meta, other_meta)


def spoil(data: bytes, changes: tuple[Change, ...], choice: random.Random) -> bytes:
    """One to three of the changes, one after the other."""
    for _ in range(choice.choice((1, 1, 1, 2, 3))):
        try:
            with warnings.catch_warnings():
                warnings.simplefilter("ignore")  # zipfile's, about names that are there twice
                data = choice.choice(changes)(data, choice)
        except Exception:  # what is spoilt already cannot always be spoilt on purpose
            data = flip(data, choice)
    return data
