"""A drill's report on a terminal."""

from __future__ import annotations

from collections.abc import Iterator

from bot.cli._text import line, span, table, wrapped
from bot.drill.report import Report

_SIGNS = {True: "ok", False: "BROKEN", None: "-"}


def told(report: Report) -> Iterator[str]:
    """What held, and what would have been missing on a real night."""
    offline = ", offline" if report.offline else ""
    yield f"DRILL of {line(report.service)}, objective {line(report.objective)}{offline}"
    yield "Nothing of yours was changed, and nobody was paged."
    yield ""
    rows = [["", "link", "incident", "machine", "what happened"]]
    for each in report.links:
        passed = span(each.passed) if each.passed else ""
        rows.append([_SIGNS[each.held], each.name, passed, f"{each.took:.1f} s", each.told or "nothing to try"])
    yield from table(rows)
    if report.paged:
        yield from _list("Would have been paged", report.paged)
    for tried in report.targets:
        yield ""
        yield f"{line(tried.offer)}: {line(tried.means)} of {line(tried.target)}"
        for part in tried.diff:
            yield from wrapped(part)
        if tried.why_not:
            yield from wrapped(f"not planned: {tried.why_not}" if tried.unplanned else tried.why_not)
        able = report.approvers.get(tried.offer)
        if able is not None:
            yield from wrapped(f"could have approved it: {', '.join(able) or 'NOBODY'}")
    if report.notices:
        yield ""
        yield "Notices"
        for notice in report.notices:
            due = f", by {notice.strict:%Y-%m-%d %H:%M} UTC" if notice.strict else ""
            asks = f" (asks: {', '.join(notice.asks)})" if notice.asks else ""
            yield from wrapped(f"{notice.name}: {notice.answer}{due}. {notice.because}{asks}")
    if report.gaps:
        yield from _list("Not set up, or in the way", report.gaps)
    yield ""
    yield "The chain held." if report.held else "The chain BROKE: see above."


def _list(title: str, lines: list[str]) -> Iterator[str]:
    yield ""
    yield title
    for each in dict.fromkeys(lines):
        yield from wrapped(f"- {each}")
