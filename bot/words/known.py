"""Which words and filters a template uses that it will not be given, and where in its file they stand."""

import re
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from types import MappingProxyType
from typing import TYPE_CHECKING, NamedTuple

from bot.domain.errors import Invalid, Problem
from bot.words.filling import environment

if TYPE_CHECKING:
    from jinja2 import nodes

_STRING = r""""(?:\\.|[^"\\])*"|'(?:\\.|[^'\\])*'"""
NOTHING: Mapping[str, Iterable[str]] = MappingProxyType({})
_SAME_ITEMS = frozenset({"sort", "reverse", "list", "unique", "select", "reject", "selectattr", "rejectattr"})
_TAG = re.compile(r"\{#.*?#\}|\{\{.*?\}\}|\{%.*?%\}", re.DOTALL)


class Strange(NamedTuple):
    """A word of a template that means nothing there: `followup.wat`, its line, and what there is in its place."""

    word: str
    line: int
    there_is: tuple[str, ...]
    what: str = "word"  # or "filter"


def undefined_words(
    template: Path, allowed: Mapping[str, Iterable[str]], items: Mapping[str, Iterable[str]] = NOTHING
) -> list[Strange]:
    """Names and filters a template uses that it will not be given, with their lines, in reading order.

    `allowed` maps each word to the parts it has (`{"incident": {"title", ...}}`); no parts means any part will do.
    `items` maps a word that is a list to the parts each of its items has (`{"followups": {"what", ...}}`), which the
    word a `for` gives them has too. Raises Invalid with file and line when the template cannot be read at all.
    """
    from jinja2 import TemplateSyntaxError, meta, nodes

    own = environment((template.parent,))
    try:
        tree = own.parse(template.read_text(encoding="utf-8"), template.name, str(template))
    except TemplateSyntaxError as wrong:
        raise Invalid([Problem(str(template), wrong.lineno, 1, str(wrong.message))]) from None
    filters = tuple(sorted(own.filters))
    used = (node for node in tree.find_all(nodes.Filter) if node.name not in own.filters)
    strange = [Strange(node.name, node.lineno, filters, "filter") for node in used]
    lenient = own.overlay()  # a strange filter is a finding here, not a reason to stop looking
    lenient.filters = {**own.filters, **{each.word: str for each in strange}}
    tree.set_environment(lenient)
    try:
        free = meta.find_undeclared_variables(tree)
    except TemplateSyntaxError as wrong:
        raise Invalid([Problem(str(template), wrong.lineno, 1, str(wrong.message))]) from None
    words = tuple(sorted(allowed))
    found = [Strange(n.name, n.lineno, words) for n in tree.find_all(nodes.Name) if n.name in free - set(words)]
    for word in sorted(free & set(words)):
        found += _strange_parts(_inside([tree], word), word, allowed[word])
    for loop in tree.find_all(nodes.For):
        listed = _source(loop.iter)
        if listed in free & set(items) and isinstance(loop.target, nodes.Name):
            inside = [each for each in (*loop.body, loop.test) if each is not None]
            found += _strange_parts(_inside(inside, loop.target.name), loop.target.name, items[listed])
    return sorted(dict.fromkeys([*found, *strange]), key=lambda each: each.line)


def _strange_parts(within: "Iterable[nodes.Node]", word: str, parts: Iterable[str]) -> list[Strange]:
    """The parts asked of `word` that it does not have; none where any part will do."""
    from jinja2 import nodes

    has = tuple(sorted(parts))
    dotted = ((_dotted(node), node.lineno) for node in within if isinstance(node, nodes.Getattr | nodes.Getitem))
    return [
        Strange(f"{word}.{part}", line, has)
        for (asked, part), line in dotted
        if has and asked == word and part and part not in has
    ]


def _inside(within: "Iterable[nodes.Node]", word: str) -> "Iterator[nodes.Node]":
    """Every node where `word` still means what it meant: not inside a loop that gives it to its own items."""
    from jinja2 import nodes

    for node in within:
        yield node
        if isinstance(node, nodes.For) and word in {name.name for name in _targets(node.target)}:
            yield from _inside([node.iter, *node.else_], word)
        else:
            yield from _inside(node.iter_child_nodes(), word)


def _targets(target: "nodes.Node") -> "Iterator[nodes.Name]":
    from jinja2 import nodes

    yield from [target] if isinstance(target, nodes.Name) else target.find_all(nodes.Name)


def _source(listed: "nodes.Node | None") -> str:
    """The word a loop goes over, whatever filters order or choose among its items; "" for anything else."""
    from jinja2 import nodes

    while isinstance(listed, nodes.Filter) and listed.name in _SAME_ITEMS:
        listed = listed.node
    return listed.name if isinstance(listed, nodes.Name) else ""


def column(template: Path, word: str, line: int) -> int:
    """Where in its line (1-based) a word stands that `undefined_words` found there; 1 where it cannot be seen.

    Only what is between `{{ }}` or `{% %}` is looked at: the same letters in the text around are no word.
    """
    text = template.read_text(encoding="utf-8").replace("\r\n", "\n").replace("\r", "\n")
    start = sum(len(each) + 1 for each in text.split("\n")[: line - 1])
    stop = text.find("\n", start) if "\n" in text[start:] else len(text)
    name, _, part = word.partition(".")
    tail = rf"""(?:\s*\.\s*{re.escape(part)}(?!\w)|\s*\[\s*["']{re.escape(part)}["'])""" if part else ""
    wanted = re.compile(rf"(?P<word>(?<![\w.]){re.escape(name)}(?!\w){tail})|{_STRING}")
    for tag in _TAG.finditer(text):
        for found in wanted.finditer(text, tag.start(), tag.end()) if tag[0][1] != "#" else ():
            if found["word"] and start <= found.start() <= stop:
                return found.start() - start + 1
    return 1


def _dotted(node: "nodes.Getattr | nodes.Getitem") -> tuple[str, str]:
    """`incident.title` and `incident["title"]` as ("incident", "title"); ("", "") for anything else."""
    from jinja2 import nodes

    if not isinstance(node.node, nodes.Name):
        return "", ""
    if isinstance(node, nodes.Getattr):
        return node.node.name, node.attr
    return node.node.name, str(node.arg.value) if isinstance(node.arg, nodes.Const) else ""
