"""Duties, clocks and notices on a terminal."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime
from typing import Any

from bot.cli._text import clean, clock, line, span, table, when, wrapped
from bot.domain.clocks import called

Json = Mapping[str, Any]
READ_IT = "waiting for approval"


def duty_lines(duties: Sequence[Json]) -> Iterator[str]:
    for each in duties:
        yield f"  {str(each['answer']).upper():<8}{line(each['name'])}"
        yield from wrapped(each["because"], "          ")
        if each["strict"] and each["answer"] != "no":
            outer = f" (for counsel: {clock(each['outer'])} at the latest)" if each["outer"] else ""
            yield f"          due {clock(each['strict'])}{outer}"
        if each["ask"]:
            yield f"          to settle it: {', '.join(map(line, each['ask']))}"


def notice_lines(incident: Json) -> Iterator[str]:
    for each in incident["notices"]:
        gaps = f", {len(each['gaps'])} gaps" if each["gaps"] else ""
        version = f"version {each['version']}" if each["version"] else "draft"
        yield f"  {each['id']}  {line(each['template'])}: {line(each['standing'])}, {version}{gaps}"
        if each["unfilled"]:
            yield from wrapped(each["unfilled"], "      ")
        if each["standing"] == READ_IT:
            yield f"      read and approve: tocsin incident approve-notice {incident['id']} {each['id']}"


def notice(incident: str, each: Json) -> Iterator[str]:
    """The words an approval binds to."""
    yield f"{incident} {each['id']}: {line(each['template'])}, {line(each['standing'])}, version {each['version']}"
    if each["unfilled"]:
        yield from wrapped(each["unfilled"], "")
    yield ""
    for row in str(each["text"]).splitlines():
        yield clean(row).rstrip()
    yield ""
    for gap in each["gaps"]:
        yield f"  gap     {line(gap)}"
    yield f"  digest  {line(each['digest'])}"


def rewording(each: Json, words: str) -> Iterator[str]:
    """What somebody's words change in those that stand; none of them goes back to what the facts say."""
    from bot.notices.redline import plain, redline

    now = str(each["text"])
    told = plain(redline(now, words)) if words.strip() else now
    for row in told.splitlines():
        yield clean(row).rstrip()
    yield ""
    if not words.strip():
        yield "  Without words of your own it reads as the facts say it."
    yield f"  digest  {line(each['digest'])}"


def form(incident: str, each: Json) -> Iterator[str]:
    """The lines of a notice's form, what is missing first."""
    if not each["items"]:
        yield f"{incident} {each['id']} has no form: its words follow the record."
    missing = [item for item in each["items"] if item["required"] and item["state"] == "not_investigated"]
    for item in [*missing, *(item for item in each["items"] if item not in missing)]:
        state = {"value": "filled", "unknown": "unknown"}.get(item["state"], "MISSING" if item["required"] else "empty")
        yield f"  {state:<8}{line(item['key'])}: {line(item['label'])}"
        yield from wrapped(item["value"] or item["because"], "          ")
        if item["choices"]:
            yield from wrapped(f"one of: {'; '.join(item['choices'])}", "          ")


def queue(rows: Sequence[Json], now: datetime) -> Iterator[str]:
    """Every clock that runs, one a line."""
    if not rows:
        yield "No legal clock is running."
        return
    yield from table(
        [("DUE", "LEFT", "INCIDENT", "NOTICE", "MISSING", "ANSWERS FOR IT"), *(_row(r, now) for r in rows)]
    )


def _row(row: Json, now: datetime) -> tuple[str, ...]:
    sure = "" if row["sure"] else " (may be owed)"
    notice = f"{called(line(row['regime_name']), line(row['stage_name']))}{sure}"
    missing, owner = ", ".join(map(line, row["missing"])), line(row["owner"]) or "nobody yet"
    return clock(row["strict"]), _left(row["strict"], now), row["incident"], notice, missing, owner


def _left(strict: str, now: datetime) -> str:
    seconds = (when(strict) - now).total_seconds()
    return span(seconds) if seconds > 0 else f"{span(-seconds)} late"
