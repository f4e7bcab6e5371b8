"""Small turns of phrase the pages and the API share: fields that are wrong, addresses, durations, marked gaps."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from datetime import MAXYEAR, MINYEAR, UTC, datetime
from typing import Any
from urllib.parse import quote, urlsplit
from zoneinfo import ZoneInfo

from markupsafe import Markup, escape

from bot.domain.reading import SMALL_PRINT
from bot.notices.checklist import GAP


def wrong_fields(errors: Iterable[Mapping[str, Any]]) -> dict[str, str]:
    """Each wrong field with what is wrong about it, from pydantic's errors."""
    found: dict[str, str] = {}
    for error in errors:
        steps = [str(step) for step in error.get("loc", ()) if step not in {"body", "query", "header"}]
        name = next(iter(steps), "the request")
        said = {"missing": "is needed", "extra_forbidden": "is nothing this takes", "json_invalid": "is no JSON"}
        message = said.get(str(error.get("type")), str(error.get("msg", "cannot be read")))
        found.setdefault(name, message.removeprefix("Value error, "))
    return found


def sensible(year: int) -> bool:
    """Whether somebody may mean that year: far enough from both ends of the calendar to reckon with."""
    return 1970 <= year < 3000  # noqa: PLR2004 - as the sentence of `meant` says


def meant(at: datetime) -> datetime:
    """A time that is written down, in UTC. Raises ValueError for a year in which nobody ran anything."""
    if not sensible(at.year):
        raise ValueError("is no time between the years 1970 and 3000")
    return in_utc(at)


def in_utc(at: datetime) -> datetime:
    """That time in UTC; without a zone it is UTC. Raises ValueError at the ends of the calendar."""
    if not MINYEAR < at.year < MAXYEAR:
        raise ValueError("is too near the end of the calendar")
    return at.replace(tzinfo=UTC) if at.tzinfo is None else at.astimezone(UTC)


def login_address(then: str) -> str:
    """The login page, which leads back to where the person wanted to go."""
    return "/login" if then in {"", "/"} else f"/login?next={quote(then)}"


def own_path(address: str) -> str:
    """That address where it is a path of this console, else the front page: nobody is led elsewhere."""
    own = address.startswith("/") and not address.startswith(("//", "/\\"))
    return address if own and address.isprintable() else "/"


def clock(at: datetime | None) -> str:
    """A time to the second: 2026-11-20 12:00:05 UTC."""
    return f"{at.astimezone(UTC):%Y-%m-%d %H:%M:%S} UTC" if at else ""


def moment(at: datetime | None) -> Markup:
    """A time to the second as a page shows it: UTC in words, which a browser may tell in its reader's zone."""
    return Markup('<time datetime="{}">{}</time>').format(at.astimezone(UTC).isoformat(), clock(at)) if at else Markup()


def minute(at: datetime) -> Markup:
    """A time to the minute in a list, where the seconds help nobody."""
    return Markup('<time datetime="{}">{:%Y-%m-%d %H:%M}</time>').format(at.isoformat(), at.astimezone(UTC))


def stamp(at: datetime) -> Markup:
    """The same in a column of times, whose zone the page names once."""
    return Markup('<time datetime="{}">{:%Y-%m-%d %H:%M:%S}</time>').format(at.isoformat(), at.astimezone(UTC))


def hour(at: datetime) -> Markup:
    """The hour alone, beside a time of the same day."""
    return Markup('<time datetime="{}">{:%H:%M:%S}</time>').format(at.isoformat(), at.astimezone(UTC))


def legal(at: datetime, zone: str) -> Markup:
    """A date that a law sets: in UTC, and beside it by the clocks people there go by. Both always stand."""
    told = Markup('<time datetime="{}" data-both>{}</time>').format(at.astimezone(UTC).isoformat(), clock(at))
    there = at.astimezone(ZoneInfo(zone))
    if there.utcoffset():
        told += Markup(' <small class="there">{:%Y-%m-%d %H:%M:%S} {}</small>').format(there, there.tzname())
    return told


def number(value: object) -> str:
    """A count with thousands set apart: 12 500."""
    return f"{value:,}".replace(",", "\u202f") if isinstance(value, int | float) else str(value)


def laid_out(value: object) -> str:
    """Any value as JSON, one field a line, letters as they are."""
    return json.dumps(value, indent=2, ensure_ascii=False, default=str)


def small_print(plan: object) -> dict[str, object]:
    """The rest of a plan that its digest covers, under the labels a reader knows."""
    return {label: getattr(plan, name) for name, label in SMALL_PRINT.items()}


def marked(text: str) -> Markup:
    """Text with its gaps marked for the eye, everything else escaped."""
    parts = GAP.split(text)
    return Markup("").join(
        Markup('<mark class="gap">{}</mark>').format(part) if GAP.fullmatch(part) else escape(part) for part in parts
    )


CELLS = 5_000
"""So many cells a text's tables may have: every short row is filled up, and a page is drawn at each look."""


def rendered(markdown: str) -> Markup:
    """A notice's Markdown as a page shows it: no HTML of its own, no pictures, gaps marked; huge tables as text."""
    from markdown_it import MarkdownIt

    reader = MarkdownIt("commonmark", {"html": False}).disable("image")
    lines = markdown.splitlines()
    if len(lines) * max((line.count("|") for line in lines), default=0) <= CELLS:
        reader.enable("table")
    reader.add_render_rule("text", lambda _self, tokens, at, _options, _env: marked(tokens[at].content))
    reader.add_render_rule(
        "link_open", lambda _self, tokens, at, _options, _env: _link(str(tokens[at].attrGet("href")))
    )
    return Markup(reader.render(markdown))  # noqa: S704 - markdown-it escapes; HTML in the text is shown as text


def _link(address: str) -> Markup:
    safe = address if urlsplit(address).scheme in {"http", "https", "mailto"} else "#"
    return Markup('<a href="{}" rel="noopener noreferrer nofollow">').format(safe)
