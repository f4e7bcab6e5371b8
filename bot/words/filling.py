"""What a value becomes in a template's text: the filters, gaps where something is missing, and the locale's manner."""

import functools
from collections.abc import Callable, Mapping
from datetime import date, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any

from bot.notices.checklist import gap
from bot.notices.locales import Locale, locale
from bot.words.harmless import harmless, harmless_inside

if TYPE_CHECKING:
    from jinja2 import Environment


@functools.cache
def environment(folders: tuple[Path, ...], tag: str = "") -> "Environment":
    """Jinja over those folders, strict and sandboxed, writing in the manner of a locale."""
    from jinja2 import FileSystemLoader, StrictUndefined, pass_eval_context
    from jinja2.sandbox import ImmutableSandboxedEnvironment

    from bot.words.inline import FILTER, INSIDE, Inline

    manner = _Manner(locale(tag))

    def led(method: Callable[..., object]) -> Callable[..., object]:
        return pass_eval_context(functools.partial(method))

    made = ImmutableSandboxedEnvironment(
        loader=FileSystemLoader([str(folder) for folder in folders]),
        undefined=StrictUndefined,
        autoescape=lambda name: name is not None and name.endswith((".html.j2", ".html", ".svg.j2")),
        finalize=led(manner.finalize),
        extensions=[Inline],
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
    )
    own = manner.locale
    made.filters |= {"utc": own.utc, "day": own.day, "money": own.money, "number": own.number, "listed": own.listed}
    made.filters |= {"line": line, FILTER: led(manner.inline), INSIDE: led(manner.inside)}
    made.filters |= {"or_gap": led(manner.or_gap), "filled": led(manner.filled)}
    made.globals |= {"gap": led(manner.marker)}
    return made


class _Manner:
    """What values become, in one locale."""

    def __init__(self, own: Locale) -> None:
        self.locale = own

    def finalize(self, evaluation: Any, value: object) -> object:
        """On pages None is silent and the rest is the page's; in Markdown None is a gap and markup is harmless."""
        if evaluation.autoescape:
            return "" if value is None else value
        if value is None:
            return self.marker(evaluation, "a value")
        return value if hasattr(value, "__html__") else harmless(self._said(value))

    def _said(self, value: object) -> str:
        """Times and figures as the locale writes them; what only prints, such as a loop's own words, as it prints."""
        return value if isinstance(value, str) else self.locale.said(value)

    def inline(self, evaluation: Any, value: object) -> object:
        """A value that shares its line: on that line it stays."""
        return self._on_one_line(value, harmless)

    def inside(self, evaluation: Any, value: object) -> object:
        """A value that words lead: it stays on their line and cannot begin one."""
        return self._on_one_line(value, harmless_inside)

    def _on_one_line(self, value: object, escaped: Callable[[str], str]) -> object:
        from jinja2 import Undefined
        from markupsafe import Markup

        if value is None or isinstance(value, Undefined) or hasattr(value, "__html__"):
            return value
        text = " ".join(self._said(value).split())
        return Markup(escaped(text))  # noqa: S704 - Markdown, with what came in from outside escaped

    def marker(self, evaluation: Any, label: str, unknown_because: str = "") -> object:
        """An empty place, `{{ gap("affected persons") }}`; the reason a person typed stays harmless in it."""
        from markupsafe import Markup

        if evaluation.autoescape:
            return gap(label, unknown_because, self.locale)
        reason = harmless(unknown_because)
        return Markup(gap(label, reason, self.locale))  # noqa: S704 - Markdown, with what came in from outside escaped

    def or_gap(self, evaluation: Any, value: object, label: str) -> object:
        """What is known, else the marker of an empty place under that label."""
        from jinja2 import Undefined

        if value is None or isinstance(value, Undefined) or (isinstance(value, str | list | dict) and not value):
            return self.marker(evaluation, label)
        return value if isinstance(value, str) else self.locale.said(value)

    def filled(self, evaluation: Any, item: Mapping[str, Any]) -> object:
        """A line of the checklist: its value, or openly unknown with the reason, or not yet investigated."""
        if item["state"] == "value":
            return self.or_gap(evaluation, item["value"], str(item["label"]))
        because = str(item["because"]) if item["state"] == "unknown" else ""
        return self.marker(evaluation, str(item["label"]), because)


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


def utc(moment: datetime) -> str:
    """A time as every notice in English writes it: 2026-11-20 08:00 UTC."""
    return locale("").utc(moment)


def day(moment: date) -> str:
    """A date in words nobody can read the other way round: 20 November 2026."""
    return locale("").day(moment)


def line(value: object) -> object:
    """A value on one line, for a table cell: `{{ fields.effects | filled | line }}`."""
    return " ".join(value.split()) if isinstance(value, str) and not hasattr(value, "__html__") else value
