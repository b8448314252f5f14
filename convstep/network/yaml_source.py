"""A YAML file as plain data that knows the line and column of every key and value."""

from __future__ import annotations

import gc
import os
import re
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import yaml

from convstep.errors import ConvstepError
from convstep.network.arrays.files import NoFileError, names_in, read_at_most
from convstep.network.source import DEEPEST, Source, Where
from convstep.network.words import listed, nearest_file, printable, shortened
from convstep.network.yaml_core import plain, tagged

try:
    from yaml import CSafeLoader as _Base
except ImportError:  # PyYAML without its C library
    from yaml import SafeLoader as _Base  # type: ignore[assignment]

_PLAIN = "plain"
_TEXT = "text"
_CORE = "tag:yaml.org,2002:"
_SCALAR_TAGS = ("str", "int", "float", "bool", "null")
_MOST_VALUES = 250_000
_MOST_BYTES = 16 * 2**20
_ESCAPE = re.compile(r"\\(?:u(?P<high>d[89ab][0-9a-f]{2})\\u(?P<low>d[c-f][0-9a-f]{2})|.)", re.IGNORECASE)

_TOO_DEEP = f"is nested more than {DEEPEST} levels deep"
_TOO_MANY = f"holds more than {_MOST_VALUES:,} values; keep numbers in an .npz file: {{file: x.npz}}"

_ADVICE = (
    ("could not find expected ':'", "this line is no `key: value`; is a ':' missing, or a quote?"),
    ("mapping values are not allowed", "a second ': ' does not go here; put text that contains ': ' into quotes"),
    ("cannot start any token", "this character cannot start a value: put text into quotes, and indent with spaces"),
    ("expected ',' or ']'", "this list has no end: ',' or ']' was expected before here"),
    ("expected ',' or '}'", "this mapping has no end: ',' or '}' was expected before here"),
    ("unexpected end of stream", "this quoted text has no end: put the closing quote"),
    ("expected node content", "a value is missing here"),
    ("expected '-' indicator", "a list's items start with '- ', all in the same column"),
    ("expected key", "a key was expected here; all keys of a mapping stand in the same column"),
    ("incompatible YAML document", "the %YAML version is unknown; leave the line out, or write %YAML 1.2"),
    ("tab character", "a tab cannot indent here; use spaces"),
    ("block sequence entries are not allowed", "'- ' does not go here; a list's items start on lines of their own"),
    ("unexpected ':'", "this ':' does not go here; put a space after the ':' of a key, and quotes around other text"),
    ("unknown escape character", "this \\ escape is unknown; inside single quotes \\ stands for itself"),
    ("undefined tag handle", "tags are of no use here; leave the tag out"),
    ("expected <document start>", "nothing but the network may stand at this level; is it indented too little?"),
)


class _TooMuchError(Exception):
    """More than any network has, at a node."""

    def __init__(self, node: yaml.Node | None, message: str) -> None:
        super().__init__(message)
        self.node = node


class _Loader(_Base):
    """Composes nodes and leaves their meaning to us: `plain` and `text` (quoted) scalars, or an explicit tag.

    Composing calls itself for every level, in C without an end to its stack: so levels are counted, and values.
    """

    depth = values = 0

    def resolve(self, kind: Any, value: Any, implicit: Any) -> str:
        return _PLAIN if kind is yaml.ScalarNode and implicit[0] else _TEXT

    def descend_resolver(self, current_node: Any, current_index: Any) -> None:
        self.depth += 1
        self.values += 1
        if self.depth > DEEPEST + 2:  # what is a little too deep is told with its exact place later
            raise _TooMuchError(current_node, _TOO_DEEP)
        if self.values > _MOST_VALUES:
            raise _TooMuchError(current_node, _TOO_MANY)

    def ascend_resolver(self) -> None:
        self.depth -= 1


class YamlSource(Source):
    """A network file. Places are `FILE:LINE:COLUMN`, counted from 1, with FILE as the person typed it."""

    def __init__(self, typed: str) -> None:
        self._typed = typed
        self.directory = Path(typed).parent
        self.name = Path(typed).stem
        self._written: str | None = None
        """The text before halves of characters were joined, if there were any."""
        text = self._read()
        if typed.endswith(".json"):
            # A tab in JSON is white space, which YAML does not take everywhere.
            text = text.replace("\t", " ")
        self._root = self._compose(text)
        self._converted: dict[int, Any] = {}
        self._counts: dict[int, int] = {}
        self.document = self._convert(self._root, 0)

    # -- places

    def place(self, where: Where, key: bool = False) -> str:
        node = self._root
        at = node
        for step in where:
            key_node, value = self._child(node, step)
            if value is None:
                break
            node = value
            at = key_node if key and key_node is not None else node
        return self._at(at.start_mark.line, at.start_mark.column)

    def text(self, where: Where) -> str:
        node = self._root
        for step in where:
            node = self._child(node, step)[1] or node
        return str(node.value)

    @staticmethod
    def _child(node: yaml.Node, step: str | int) -> tuple[yaml.Node | None, yaml.Node | None]:
        """The key node (if any) and the value node one step down."""
        if isinstance(node, yaml.MappingNode):
            return next(((k, v) for k, v in node.value if k.value == step), (None, None))
        if isinstance(node, yaml.SequenceNode) and isinstance(step, int) and step < len(node.value):
            return None, node.value[step]
        return None, None

    def _at(self, line: int, column: int) -> str:
        if self._written is not None:
            here = "".join(self._written.splitlines()[line : line + 1])
            for found in _ESCAPE.finditer(here):
                column += _SAVED if found["low"] and found.start() < column else 0
        return f"{self._typed}:{line + 1}:{column + 1}: "

    def _wrong(self, node: yaml.Node, message: str) -> ConvstepError:
        mark = node.start_mark
        return self._wrong_at(mark.line, mark.column, message)

    def _wrong_at(self, line: int, column: int, message: str) -> ConvstepError:
        return ConvstepError(printable(self._at(line, column) + shortened(message)))

    # -- from bytes to nodes

    def _read(self) -> str:
        try:
            data = read_at_most(Path(self._typed), _MOST_BYTES)
        except (OSError, ValueError) as error:
            raise self._wrong_at(0, 0, self._unreadable(error)) from None
        if data is None:
            what = f"has more than {_MOST_BYTES >> 20} MiB; give a network file, which keeps its numbers in .npz files"
            raise self._wrong_at(0, 0, what)
        encoding = "utf-16" if data[:2] in (b"\xff\xfe", b"\xfe\xff") else "utf-8-sig"
        try:
            return data.decode(encoding)
        except UnicodeDecodeError as error:
            good = data[: error.start].decode(encoding, "replace")
            line, column = _line_and_column(good, len(good))
            what = f"this is no text in UTF-8 (byte 0x{data[error.start]:02x}); give a network file, saved as UTF-8"
            raise self._wrong_at(line, column, what) from None

    def _unreadable(self, error: Exception) -> str:
        path = Path(self._typed)
        if isinstance(error, IsADirectoryError):
            inside = [name for name in names_in(path) if name.endswith(".yaml")]
            return "is a directory; give a network file" + (f" in it, such as {inside[0]}" if inside else "")
        if isinstance(error, NoFileError):
            return "is a pipe or a device; save the network in a file, and give that"
        if isinstance(error, PermissionError):
            return "may not be read; check the file's permissions"
        if isinstance(error, FileNotFoundError):
            if path.is_symlink():
                return f"is a link to '{os.readlink(path)}', which is not there"
            meant = nearest_file(path.name, names_in(path.parent))
            return "there is no such file" + (f"; did you mean '{meant}'?" if meant else "; check name and directory")
        reason = error.strerror if isinstance(error, OSError) else error
        return f"cannot be read ({reason}); give a network file"

    def _compose(self, text: str) -> yaml.Node:
        try:
            with _no_garbage_collection():
                root: yaml.Node | None = yaml.compose(text, _Loader)
        except yaml.reader.ReaderError as error:
            end = len(text.encode()[: error.position].decode("utf-8", "ignore"))
            code = error.character if isinstance(error.character, int) else ord(error.character[:1])
            what = f"the control character 0x{code:02x} is not allowed; take it out, or give a text file"
            raise self._wrong_at(*_line_and_column(text, end), what) from None
        except yaml.MarkedYAMLError as error:
            if (whole := _whole_characters(text)) != text:
                self._written = text
                return self._compose(whole)
            raise self._syntax(error) from None
        except _TooMuchError as error:
            mark = error.node.start_mark if error.node is not None else None
            raise self._wrong_at(mark.line if mark else 0, mark.column if mark else 0, str(error)) from None
        if root is None:
            raise self._wrong_at(0, 0, "is empty; a network has `inputs` and `layers`")
        return root

    def _syntax(self, error: yaml.MarkedYAMLError) -> ConvstepError:
        problem = error.problem or "this is no valid YAML"
        mark = error.problem_mark or error.context_mark
        if "another document" in problem:
            problem = "a second document starts here; a file holds one network, without '---' inside"
        elif "maximum nesting depth" in problem:  # libyaml from 0.2.6 on sees it before we do
            problem = _TOO_DEEP
        elif "undefined alias" in problem:
            problem = "no anchor of this name stands above; a value is named by &name, and used again by *name"
        elif "duplicate anchor" in problem:
            problem = "this anchor is there twice; give each its own name"
        else:
            found = next((advice for part, advice in _ADVICE if part in problem), None)
            if found is not None and "has no end" in found and error.context_mark is not None:
                mark = error.context_mark
                found = found.replace(" was expected before here", " is missing")
            problem = found or f"this is no valid YAML ({problem}); check quotes, brackets and indentation"
        return self._wrong_at(mark.line if mark else 0, mark.column if mark else 0, problem)

    # -- from nodes to plain data

    def _convert(self, node: yaml.Node, depth: int) -> Any:
        """Plain data; an alias gives the very object of its anchor, so that nothing is ever copied."""
        if isinstance(node, yaml.ScalarNode):
            return self._scalar(node)
        if id(node) in self._converted:
            if self._converted[id(node)] is node:
                raise self._wrong(node, "this value contains itself through an alias (*); write it out")
            return self._converted[id(node)]
        if depth > DEEPEST:
            raise self._wrong(node, _TOO_DEEP)
        expected = "map" if isinstance(node, yaml.MappingNode) else "seq"
        if node.tag not in (_TEXT, _CORE + expected):
            raise self._bad_tag(node)
        self._converted[id(node)] = node
        if isinstance(node, yaml.MappingNode):
            value: Any = self._mapping(node, depth)
            children = [v for _, v in node.value]
        else:
            children = node.value
            value = [self._scalar(n) if type(n) is yaml.ScalarNode else self._convert(n, depth + 1) for n in children]
        self._count(node, children)
        self._converted[id(node)] = value
        return value

    def _count(self, node: yaml.Node, children: list[yaml.Node]) -> None:
        """Refuses an alias bomb: a little text that stands for more values than any network has."""
        total = 1 + sum(self._counts.get(id(child), 1) for child in children)
        self._counts[id(node)] = total
        written = node.end_mark.index - node.start_mark.index
        if total > max(written, _MOST_VALUES):
            raise self._wrong(node, f"its aliases (*) stand for {total} values; {_MOST_VALUES} are the most")

    def _mapping(self, node: yaml.MappingNode, depth: int) -> dict[str, Any]:
        mapping: dict[str, Any] = {}
        lines: dict[str, int] = {}
        for key, value in node.value:
            if not isinstance(key, yaml.ScalarNode):
                raise self._wrong(key, "a key must be text, not a list or a mapping")
            name = key.value
            line = key.start_mark.line + 1
            if name in mapping:
                lines_of = f"on lines {lines[name]} and {line}" if line != lines[name] else f"on line {line}"
                raise self._wrong(key, f"the key '{name}' is there twice, {lines_of}; keep one")
            mapping[name] = self._convert(value, depth + 1)
            lines[name] = line
        return mapping

    def _scalar(self, node: yaml.ScalarNode) -> Any:
        try:
            if node.tag == _PLAIN:
                return plain(node.value)
            if node.tag == _TEXT:
                return node.value
            tag = node.tag.removeprefix(_CORE)
            if tag not in _SCALAR_TAGS:
                raise self._bad_tag(node)
            return tagged(tag, node.value)
        except ValueError as error:
            raise self._wrong(node, str(error)) from None

    def _bad_tag(self, node: yaml.Node) -> ConvstepError:
        tag = node.tag.replace(_CORE, "!!")
        return self._wrong(node, f"the tag {tag} has no meaning here; leave it out ({listed(_TAG_EXAMPLES)} are known)")


_TAG_EXAMPLES = [f"!!{tag}" for tag in (*_SCALAR_TAGS, "map", "seq")]


_SAVED = len(r"\ud83d\ude00") - len(r"\U0001f600")
"""How many columns a joined escape is shorter."""


def _whole_characters(text: str) -> str:
    """JSON escapes a character beyond 16 bits as two halves, which YAML's reader refuses: as one escape."""

    def joined(found: re.Match[str]) -> str:
        if not found["low"]:
            return found[0]
        high, low = (int(found[half], 16) for half in ("high", "low"))
        return f"\\U{0x10000 + ((high - 0xD800) << 10) + (low - 0xDC00):08x}"

    return _ESCAPE.sub(joined, text)


def _line_and_column(text: str, end: int) -> tuple[int, int]:
    """Line and column, from 0, of a position in the text."""
    before = text[:end]
    return before.count("\n"), end - (before.rfind("\n") + 1)


@contextmanager
def _no_garbage_collection() -> Iterator[None]:
    """Composing makes hundreds of thousands of nodes and no garbage: looking for it took two thirds of the time."""
    enabled = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if enabled:
            gc.enable()
