"""Reads YAML so that every later complaint can name the file, line and column it is about."""

import contextlib
import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any, NamedTuple

import yaml
from yaml.composer import Composer
from yaml.constructor import SafeConstructor
from yaml.resolver import Resolver

from bot.domain.errors import Problem

Path = tuple[str | int, ...]

OTHERWISE = re.compile(r"[\t?\ufeff]|![\s,\]}]|!$|[|>][-+0-9]*#")
"""What PyYAML's two parsers do not read alike; wherever it stands, the one written in Python reads the text."""

MOST_NODES = 100_000  # aliases of aliases can name more values than memory holds


class _Mark(NamedTuple):
    line: int
    column: int
    text: int  # where a scalar's own letters begin: after the quote, if any
    indent: int | None = None  # of a literal block (|), whose letters begin in the line below


@dataclass(frozen=True, slots=True)
class Marked:
    """One YAML document: its plain data, and where each part of it stands."""

    file: str
    data: Any
    _values: dict[Path, _Mark] = field(repr=False)
    _keys: dict[Path, _Mark] = field(repr=False)

    def where(self, *path: str | int, key: bool = False) -> tuple[int, int]:
        """Line and column (1-based) of the value at `path`, or of its key; of the nearest part above it if absent."""
        if key and path in self._keys:
            return self._keys[path].line, self._keys[path].column
        while path and path not in self._values:
            path = path[:-1]
        mark = self._values[path]
        return mark.line, mark.column

    def problem(self, what: str, *path: str | int, expected: str = "", key: bool = False, offset: int = 0) -> Problem:
        """A problem with the value at `path` (or its key), `offset` letters into its text."""
        line, column = self.where(*path, key=key)
        mark = self._values.get(path)
        if offset and mark is not None:
            column = mark.text + offset
            if mark.indent is not None:
                before = str(self.get(*path))[:offset].split("\n")
                line, column = mark.line + len(before), mark.indent + len(before[-1]) + 1
        return Problem(self.file, line, column, what, expected)

    def part(self, *path: str | int) -> "Marked":
        """What stands at `path`, as a document of its own."""
        size = len(path)
        values, keys = (
            {at[size:]: mark for at, mark in held.items() if at[:size] == path} for held in (self._values, self._keys)
        )
        return Marked(self.file, self.get(*path), values or {(): self._values[()]}, keys)

    def parts(self) -> "list[Marked]":
        """The document itself, or each of the documents that stand in it as a list."""
        if not isinstance(self.data, list) or not self.data:
            return [self]
        values: list[dict[Path, _Mark]] = [{} for _ in self.data]
        keys: list[dict[Path, _Mark]] = [{} for _ in self.data]
        for marks, held in ((values, self._values), (keys, self._keys)):
            for path, mark in held.items():
                if path:
                    marks[int(path[0])][path[1:]] = mark
        return [Marked(self.file, data, values[at], keys[at]) for at, data in enumerate(self.data)]

    def get(self, *path: str | int) -> Any:
        """The value at `path`, or None where there is none."""
        value = self.data
        for part in path:
            there = part in value if isinstance(value, dict) else isinstance(value, list) and part in range(len(value))
            if not there:
                return None
            value = value[part]
        return value


class Page:
    """One document being read: values with their types checked, and complaints with their places."""

    def __init__(self, document: Marked, problems: list[Problem], notes: list[Problem] | None = None) -> None:
        self.document, self.problems = document, problems
        self.notes: list[Problem] = [] if notes is None else notes

    def get(self, *path: str | int) -> Any:
        """The value at `path`, or None where there is none."""
        return self.document.get(*path)

    def complain(self, what: str, *path: str | int, expected: str = "", key: bool = False, offset: int = 0) -> None:
        """Add a problem with the value at `path`, with its key, or with what stands `offset` letters into it."""
        self.problems.append(self.document.problem(what, *path, expected=expected, key=key, offset=offset))

    def note(self, what: str, *path: str | int, expected: str = "", key: bool = False) -> None:
        """Add what is no mistake, and yet a person should know, at the value at `path` or at its key."""
        self.notes.append(self.document.problem(what, *path, expected=expected, key=key))

    def known(self, path: Path, *names: str) -> bool:
        """Whether there is a map at `path`; complains of keys other than `names`."""
        held = self.get(*path)
        if not isinstance(held, dict):
            what = "is missing" if held is None else f"is {kind_of(held)}"
            self.complain(f"{path[-1] if path else 'the document'} {what}", *path, expected="a map")
            return False
        for key in held:
            if key not in names:
                self.complain(f"unknown key {key!r}", *path, key, key=True, expected=", ".join(names))
        return True

    def text(self, *path: str | int, required: bool = True) -> str:
        """The text at `path`; complains and returns "" where there is none."""
        value = self.get(*path)
        if isinstance(value, str) and (value.strip() or not required):
            return value
        if value is not None:
            self.complain(
                f"{path[-1]} is {kind_of(value)}", *path, expected="text (quoted, if YAML reads it otherwise)"
            )
        elif required:
            self.complain(f"{path[-1]} is missing", *path, expected="text")
        return ""


def kind_of(value: Any) -> str:
    """What a value is, in a YAML writer's words."""
    if isinstance(value, bool):
        return f"{str(value).lower()} (a yes/no value)"
    if isinstance(value, (int, float)):
        return f"the number {value}"
    if isinstance(value, str):
        return f"the text {value!r}" if value else "empty"
    return {dict: "a map", list: "a list", type(None): "empty"}.get(type(value), f"a {type(value).__name__}")


def read_yaml(text: str, file: str) -> tuple[list[Marked], list[Problem]]:
    """Every document of a YAML text, and what is wrong with it as YAML: syntax, duplicate keys, bad values.

    Empty documents are left out. Values are those of YAML's safe schema (no Python objects). What is wrong is told by
    the parser written in Python, for its words and places; what is sound needs no more than libyaml's, nine times as
    fast, where PyYAML was built with it.
    """
    if SWIFT is not None and not OTHERWISE.search(text):
        documents, problems = _read(text, file, SWIFT)
        if not problems:
            return documents, problems
    return _read(text, file, yaml.SafeLoader)


def _read(text: str, file: str, loads: Any) -> tuple[list[Marked], list[Problem]]:
    problems: list[Problem] = []
    documents: list[Marked] = []
    try:
        loader = loads(text)
    except yaml.YAMLError as error:
        return [], [_syntax(error, file)]
    try:
        while loader.check_node():
            node = loader.get_node()
            if node is None:  # the stream held nothing more after all
                break
            reader = _Reader(text, file, loader, problems)
            data = reader.value(node, ())
            if data is not None:
                documents.append(Marked(file, data, reader.values, reader.keys))
    except yaml.YAMLError as error:
        problems.append(_syntax(error, file))
    except RecursionError:
        problems.append(Problem(file, 1, 1, "is nested too deeply to read"))
    finally:
        loader.dispose()
    return documents, problems


SWIFT: type[Any] | None = None
"""A loader whose events come from libyaml; it composes in Python, where too deep a nesting is an error and no crash."""

with contextlib.suppress(ImportError):  # a PyYAML built without libyaml
    from yaml.cyaml import CParser  # type: ignore[attr-defined]

    class _Swift(Composer, CParser, SafeConstructor, Resolver):
        def __init__(self, text: str) -> None:
            CParser.__init__(self, text)
            Composer.__init__(self)
            SafeConstructor.__init__(self)
            Resolver.__init__(self)

    SWIFT = _Swift


class _Reader:
    """Builds one document's data beside its marks."""

    def __init__(self, text: str, file: str, loader: SafeConstructor, problems: list[Problem]) -> None:
        self.text, self.file, self.loader, self.problems = text, file, loader, problems
        self.values: dict[Path, _Mark] = {}
        self.keys: dict[Path, _Mark] = {}
        self._open: set[int] = set()

    def value(self, node: yaml.Node, path: Path) -> Any:
        self.values[path] = _mark(node, self.text)
        if len(self.values) > MOST_NODES:
            raise yaml.MarkedYAMLError(problem=f"more than {MOST_NODES:,} values", problem_mark=node.start_mark)
        if isinstance(node, yaml.ScalarNode):
            return self._scalar(node)
        if id(node) in self._open:
            raise yaml.MarkedYAMLError(problem="an alias contains itself", problem_mark=node.start_mark)
        self._open.add(id(node))
        try:
            if isinstance(node, yaml.SequenceNode):
                return [self.value(each, (*path, index)) for index, each in enumerate(node.value)]
            return dict(self._entries(node, path))
        finally:
            self._open.discard(id(node))

    def _entries(self, node: yaml.Node, path: Path) -> Iterator[tuple[Any, Any]]:
        seen: dict[Any, int] = {}
        for key_node, value_node in node.value:
            mark = _mark(key_node, self.text)
            if not isinstance(key_node, yaml.ScalarNode):
                self._complain(mark, "a key is a list or a map", "a plain name")
                continue
            if key_node.tag == "tag:yaml.org,2002:merge":
                self._complain(mark, "merge keys (<<) are not read here", "the values written out")
                continue
            key = self._scalar(key_node)
            if key in seen:
                self._complain(mark, f"{key!r} stands here twice, first in line {seen[key]}", "each key once")
                continue
            seen[key] = mark.line
            self.keys[*path, key] = mark
            yield key, self.value(value_node, (*path, key))

    def _scalar(self, node: yaml.ScalarNode) -> Any:
        try:
            data = self.loader.construct_object(node)
        except (yaml.YAMLError, ValueError) as error:
            reason = getattr(error, "problem", None) or str(error)
        except (LookupError, AttributeError):  # PyYAML's own, of `!!int ""` and the like
            reason = f"it is no {node.tag.rpartition(':')[2]}"
        else:
            return data
        self._complain(_mark(node, self.text), f"{node.value!r} cannot be read: {reason}", "")
        return None

    def _complain(self, mark: _Mark, what: str, expected: str) -> None:
        self.problems.append(Problem(self.file, mark.line, mark.column, what, expected))


def _mark(node: yaml.Node, text: str) -> _Mark:
    line, column = node.start_mark.line + 1, node.start_mark.column + 1
    quoted = isinstance(node, yaml.ScalarNode) and node.style in {'"', "'"}
    return _Mark(line, column, column + 1 if quoted else column, _indent(node, text))


def _indent(node: yaml.Node, text: str) -> int | None:
    """How far the lines of a literal block stand in; None for every other value."""
    if not isinstance(node, yaml.ScalarNode) or node.style != "|":
        return None
    first = next((each for each in node.value.split("\n") if each.strip()), "")
    at = text.find("\n", node.start_mark.index) + 1
    while at:
        end = text.find("\n", at)
        line = text[at : end if end >= 0 else None].rstrip("\r")
        if line.strip():
            return len(line) - len(first)
        at = end + 1
    return None


def _syntax(error: yaml.YAMLError, file: str) -> Problem:
    if isinstance(error, yaml.MarkedYAMLError):
        mark = error.problem_mark or error.context_mark
        what = error.problem or error.context or "is not YAML"
        expected = "a person's badge in quotes: '@key'" if "'@'" in what else ""
        if mark is not None:
            return Problem(file, mark.line + 1, mark.column + 1, f"is not YAML here: {what}", expected)
        return Problem(file, 1, 1, f"is not YAML: {what}")
    return Problem(file, 1, 1, f"is not YAML: {str(error).splitlines()[0]}")
