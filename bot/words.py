"""Fills the templates for notices, updates and pages: strict about words, visible where a value is missing.

Templates are files the product ships or the operator configured; nothing that came in from outside is ever a template.
It is only ever a value, and in Markdown a value cannot become a heading, a table or a gap marker.
"""

import functools
import re
from collections.abc import Iterable, Iterator, Mapping
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, NamedTuple

from bot.domain.errors import Invalid, NotFound, Problem
from bot.notices.checklist import gap
from bot.notices.facts import AtLeast, Range, shown

if TYPE_CHECKING:
    from jinja2 import Environment, nodes

_HERE = Path(__file__).resolve().parent
_ILLEGAL = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\x7f\u202a-\u202e\u2066-\u2069\ufffe\uffff]")
_INLINE = re.compile(r"([\\`*\[\]<>|]|&(?=#|\w+;)|(?<!\w)_|_(?!\w))")
_LINE_START = re.compile(r"^(#{1,6}(?=\s|$)|[-+](?=\s|$)|-{2,}|=+(?=\s*$)|~{3,}|\d{1,9}(?=[.)](?:\s|$)))")

_STRING = r""""(?:\\.|[^"\\])*"|'(?:\\.|[^'\\])*'"""
NOTHING: Mapping[str, Iterable[str]] = MappingProxyType({})
_SAME_ITEMS = frozenset({"sort", "reverse", "list", "unique", "select", "reject", "selectattr", "rejectattr"})
_TAG = re.compile(r"\{#.*?#\}|\{\{.*?\}\}|\{%.*?%\}", re.DOTALL)


def house(package: Path = _HERE) -> Path:
    """The folder that holds templates/ and runbooks/: the checkout the package lies in, else the installed wheel's own.

    The checkout wins because an editable install may leave a stale copy in `_data`. Raises NotFound.
    """
    checkout = package.parent
    if (checkout / "templates").is_dir() and (checkout / "pyproject.toml").is_file():
        return checkout
    if (package / "_data" / "templates").is_dir():
        return package / "_data"
    raise NotFound("folder", "templates", (str(checkout), str(package / "_data")))


class Strange(NamedTuple):
    """A word of a template that means nothing there: `followup.wat`, its line, and what there is in its place."""

    word: str
    line: int
    there_is: tuple[str, ...]
    what: str = "word"  # or "filter"


class Words:
    """The templates of one installation; a folder named first wins over one named later and over what is shipped."""

    def __init__(self, *folders: Path, shipped: Path | None = None) -> None:
        self.folders = (*folders, shipped or house() / "templates")

    @functools.cached_property
    def _environment(self) -> "Environment":
        return _environment(self.folders)

    def names(self) -> list[str]:
        """Every template there is, as `notices/eu_gdpr_art33/sa_notification.md.j2`."""
        return self._environment.list_templates(extensions=["j2"])

    def fill(self, name: str, context: Mapping[str, object]) -> str:
        """The template's words with the values of `context`.

        Raises NotFound for a template that is not there, Invalid with file and line for one that is wrong or uses a
        word the context does not hold.
        """
        from jinja2 import TemplateNotFound, TemplateSyntaxError

        try:
            return self._environment.get_template(name).render(dict(context))
        except TemplateNotFound as missing:
            raise NotFound("template", str(missing.name), self.names()) from None
        except TemplateSyntaxError as wrong:
            raise Invalid([Problem(wrong.filename or name, wrong.lineno, 1, str(wrong.message))]) from None
        except Exception as wrong:  # noqa: BLE001 - a template is the operator's program: what it raises is its own fault
            where, line = _place(wrong, name)
            raise Invalid([Problem(where, line, 1, str(wrong) or type(wrong).__name__)]) from None

    def path(self, name: str) -> Path:
        """The file a template is read from. Raises NotFound."""
        for folder in self.folders:
            if (folder / name).is_file():
                return folder / name
        raise NotFound("template", name, self.names())


def undefined_words(
    template: Path, allowed: Mapping[str, Iterable[str]], items: Mapping[str, Iterable[str]] = NOTHING
) -> list[Strange]:
    """Names and filters a template uses that it will not be given, with their lines, in reading order.

    `allowed` maps each word to the parts it has (`{"incident": {"title", ...}}`); no parts means any part will do.
    `items` maps a word that is a list to the parts each of its items has (`{"followups": {"what", ...}}`), which the
    word a `for` gives them has too. Raises Invalid with file and line when the template cannot be read at all.
    """
    from jinja2 import TemplateSyntaxError, meta, nodes

    environment = _environment((template.parent,))
    try:
        tree = environment.parse(template.read_text(encoding="utf-8"), template.name, str(template))
    except TemplateSyntaxError as wrong:
        raise Invalid([Problem(str(template), wrong.lineno, 1, str(wrong.message))]) from None
    filters = tuple(sorted(environment.filters))
    used = (node for node in tree.find_all(nodes.Filter) if node.name not in environment.filters)
    strange = [Strange(node.name, node.lineno, filters, "filter") for node in used]
    lenient = environment.overlay()  # a strange filter is a finding here, not a reason to stop looking
    lenient.filters = {**environment.filters, **{each.word: str for each in strange}}
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


def _place(wrong: BaseException, name: str) -> tuple[str, int]:
    """Where in a template an error arose: Jinja rewrites the traceback to template lines."""
    where, line, step = name, 1, wrong.__traceback__
    while step is not None:
        if step.tb_frame.f_code.co_filename.endswith(".j2"):
            where, line = step.tb_frame.f_code.co_filename, step.tb_lineno
        step = step.tb_next
    return where, line


@functools.cache
def _environment(folders: tuple[Path, ...]) -> "Environment":
    from jinja2 import FileSystemLoader, StrictUndefined, pass_eval_context
    from jinja2.sandbox import ImmutableSandboxedEnvironment

    environment = ImmutableSandboxedEnvironment(
        loader=FileSystemLoader([str(folder) for folder in folders]),
        undefined=StrictUndefined,
        autoescape=lambda name: name is not None and name.endswith((".html.j2", ".html", ".svg.j2")),
        finalize=pass_eval_context(_finalize),
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
    )
    environment.filters |= {"utc": utc, "day": day, "money": money, "listed": listed, "line": line}
    environment.filters |= {"or_gap": pass_eval_context(_or_gap), "filled": pass_eval_context(_filled)}
    environment.globals |= {"gap": pass_eval_context(_marker)}
    return environment


def _finalize(evaluation: Any, value: object) -> object:
    """What a value becomes in the text: on pages None is silent, in Markdown it is a gap and markup is harmless."""
    if evaluation.autoescape:
        return "" if value is None else value
    if value is None:
        return gap("a value")
    return harmless(value) if isinstance(value, str) and not hasattr(value, "__html__") else value


def harmless(text: str) -> str:
    """Text from outside as Markdown shows it letter by letter: no headings, tables, links, HTML or gap markers."""
    lines = _ILLEGAL.sub("", text.replace("\r\n", "\n").replace("\r", "\n")).split("\n")
    return "\n".join(_LINE_START.sub(_escaped_start, _INLINE.sub(r"\\\1", line.lstrip())) for line in lines)


def _escaped_start(found: "re.Match[str]") -> str:
    return f"{found[1]}\\" if found[1].isdigit() else f"\\{found[1]}"


def _marker(evaluation: Any, label: str, unknown_because: str = "") -> object:
    """The marker of an empty place, `{{ gap("affected persons") }}`; the reason a person typed stays harmless in it."""
    from markupsafe import Markup

    if evaluation.autoescape:
        return gap(label, unknown_because)
    return Markup(gap(label, harmless(unknown_because)))  # noqa: S704 - Markdown, with what came in from outside escaped


def _or_gap(evaluation: Any, value: object, label: str) -> object:
    """The value, or the marker where there is none: `{{ incident.cause | or_gap("cause") }}`."""
    from jinja2 import Undefined

    if value is None or isinstance(value, Undefined) or (isinstance(value, str | list | dict) and not value):
        return _marker(evaluation, label)
    if isinstance(value, bool | Range | AtLeast | frozenset | tuple | Mapping):
        return shown(value)
    return utc(value) if isinstance(value, datetime) else listed(value) if isinstance(value, list) else value


def _filled(evaluation: Any, item: Mapping[str, Any]) -> object:
    """A line of the checklist: its value, or openly unknown with the reason, or not yet investigated."""
    if item["state"] == "value":
        return _or_gap(evaluation, item["value"], str(item["label"]))
    return _marker(evaluation, str(item["label"]), str(item["because"]) if item["state"] == "unknown" else "")


def utc(moment: object) -> str:
    """A time as every notice writes it: 2026-11-20 08:00 UTC."""
    if not isinstance(moment, datetime) or moment.tzinfo is None:
        raise ValueError(f"{moment!r} is no time with a zone")
    return f"{moment.astimezone(UTC):%Y-%m-%d %H:%M} UTC"


def day(moment: date) -> str:
    """A date in words nobody can read the other way round: 20 November 2026."""
    return f"{moment.day} {moment:%B %Y}"


def span(length: timedelta | None) -> str:
    """A duration as people say it: 45 s, 3 min 20 s, 2 h 5 min, 4 d 3 h; "" where it is not known."""
    if length is None:
        return ""
    total = round(abs(length.total_seconds()))
    for size, name, smaller, lesser in ((86400, "d", 3600, "h"), (3600, "h", 60, "min"), (60, "min", 1, "s")):
        if total >= size:
            rest = total % size // smaller
            return f"{total // size} {name}" + (f" {rest} {lesser}" if rest else "")
    return f"{total} s"


def money(amount: float, currency: str = "") -> str:
    """An amount with thousands set apart: 12 500 EUR."""
    return f"{amount:,.0f}".replace(",", " ") + (f" {currency}" if currency else "")


def line(value: object) -> object:
    """A value on one line, for a table cell: `{{ fields.effects | filled | line }}`."""
    return " ".join(value.split()) if isinstance(value, str) and not hasattr(value, "__html__") else value


def listed(values: Iterable[object]) -> str:
    """A, B and C."""
    words = [utc(value) if isinstance(value, datetime) else str(value) for value in values]
    return words[0] if len(words) == 1 else f"{', '.join(words[:-1])} and {words[-1]}" if words else ""
