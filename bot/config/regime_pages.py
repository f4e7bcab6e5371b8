"""One regime file with its marks: what it holds, and the line and column of everything that is wrong with it."""

from collections.abc import Callable, Iterable
from datetime import date
from pathlib import Path
from typing import Any, ParamSpec, TypeVar

import yaml

from bot.domain.errors import Invalid, Problem

P = ParamSpec("P")
T = TypeVar("T")


class Page:
    """One YAML file with its marks; every complaint is kept until `finish`."""

    def __init__(self, path: Path) -> None:
        self.path, self.problems = path, list[Problem]()
        try:
            self.source = path.read_text(encoding="utf-8")
            self.root: yaml.Node | None = yaml.compose(self.source, Loader=yaml.SafeLoader)
        except yaml.MarkedYAMLError as wrong:
            mark = wrong.problem_mark
            line, column = (mark.line + 1, mark.column + 1) if mark else (1, 1)
            raise Invalid([Problem(str(path), line, column, str(wrong.problem))]) from None
        except (yaml.YAMLError, UnicodeDecodeError, OSError) as wrong:
            raise Invalid([Problem(str(path), 1, 1, f"cannot be read: {wrong}")]) from None
        if not isinstance(self.root, yaml.MappingNode):
            raise Invalid([Problem(str(path), 1, 1, "holds no `key: value` lines")])

    def wrong(self, node: yaml.Node | None, what: str, expected: str = "", at: int | None = None) -> None:
        line, column = 1, 1
        if node is not None:
            line, column = node.start_mark.line + 1, node.start_mark.column + 1
            if at is not None and isinstance(node, yaml.ScalarNode):
                line, column = self._inside(node, at)
        self.problems.append(Problem(str(self.path), line, column, what, expected))

    def _inside(self, node: yaml.ScalarNode, at: int) -> tuple[int, int]:
        """Line and column of character `at` of a scalar, however YAML folded it: the visible characters count."""
        here = node.start_mark.index
        if node.style in {">", "|"}:
            here = self.source.index("\n", here)
        elif node.style:
            here += 1
        ahead = sum(not char.isspace() for char in node.value[:at])
        while here < len(self.source) - 1 and (ahead or self.source[here].isspace()):
            ahead -= not self.source[here].isspace()
            here += 1
        return self.source.count("\n", 0, here) + 1, here - self.source.rfind("\n", 0, here)

    def finish(self) -> None:
        if self.problems:
            raise Invalid(self.problems)

    def entries(self, node: yaml.Node | None, *allowed: str) -> dict[str, yaml.Node]:
        """The entries of a mapping by key; a key given twice, or not among `allowed`, is a problem."""
        if node is None:
            return {}
        if not isinstance(node, yaml.MappingNode):
            self.wrong(node, "expected `key: value` lines here")
            return {}
        found: dict[str, yaml.Node] = {}
        for key_node, value in node.value:
            key = str(key_node.value)
            if key in found:
                self.wrong(key_node, f"{key!r} stands here twice")
            elif allowed and key not in allowed:
                self.wrong(key_node, f"{key!r} means nothing here", ", ".join(allowed))
            else:
                found[key] = value
        return found

    def items(self, node: yaml.Node | None) -> list[yaml.Node]:
        if node is None:
            return []
        if not isinstance(node, yaml.SequenceNode):
            self.wrong(node, "expected a list here")
            return []
        return list(node.value)

    def flat(self, node: yaml.Node | None) -> list[yaml.Node]:
        """As `items`; a list within stands for its members, for YAML can repeat a list by name and not extend it."""
        nested = ((self.flat(item) if isinstance(item, yaml.SequenceNode) else [item]) for item in self.items(node))
        return [item for part in nested for item in part]

    def text(self, node: yaml.Node | None, required_in: yaml.Node | None = None) -> str:
        if node is None:
            if required_in is not None:
                self.wrong(required_in, "something is missing here")
            return ""
        if not isinstance(node, yaml.ScalarNode):
            self.wrong(node, "expected text here")
            return ""
        return str(node.value).strip()

    def texts(self, node: yaml.Node | None) -> tuple[str, ...]:
        return tuple(self.text(item) for item in self.items(node))

    def one_of(self, node: yaml.Node | None, choices: Iterable[str], default: str, what: str) -> str:
        word = self.text(node)
        if node is not None and word not in set(choices):
            self.wrong(node, f"{word!r} is no {what}", ", ".join(choices))
            return default
        return word or default

    def number(self, node: yaml.Node | None) -> int:
        value = self.plain(node) if node is not None else 0
        if isinstance(value, bool) or not isinstance(value, int):
            self.wrong(node, f"expected a whole number, got {value!r}")
            return 0
        return value

    def day(self, node: yaml.Node | None) -> date | None:
        value = self.plain(node) if node is not None else None
        if value is not None and (not isinstance(value, date) or hasattr(value, "hour")):
            self.wrong(node, f"expected a date such as 2026-11-20, got {value!r}")
            return None
        return value

    def plain(self, node: yaml.Node) -> Any:
        """The node as plain Python values, as YAML reads them."""
        try:
            return yaml.constructor.SafeConstructor().construct_document(node)
        except (yaml.YAMLError, ValueError) as wrong:
            self.wrong(node, f"cannot be read: {getattr(wrong, 'problem', None) or wrong}")
            return None


def collect(problems: list[Problem], read: Callable[P, T], *place: P.args, **_none: P.kwargs) -> T | None:
    """What was read, or None where it is Invalid: its problems are kept among `problems`."""
    try:
        return read(*place, **_none)
    except Invalid as wrong:
        problems += wrong.problems
        return None
