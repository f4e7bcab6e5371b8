"""An incident on a terminal at 3 a.m.: what is broken, since when, why probably, what waits, and the command for it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime
from typing import Any

from bot.cli._paint import PLAIN, Paint
from bot.cli._plan import PENDING, WAITING, plan, standing, title
from bot.cli._show_notices import duty_lines, notice_lines
from bot.cli._text import clock, line, span, table, when, wrapped
from bot.domain.finding import certainty

Json = Mapping[str, Any]
MEASURES = (("ttd_s", "detected"), ("tta_s", "acknowledged"), ("ttm_s", "mitigated"), ("ttr_s", "resolved"))
LAST = 10


def listing(rows: Sequence[Json], now: datetime) -> Iterator[str]:
    """One line per incident."""
    if not rows:
        yield "No incident."
        return
    header = ("INCIDENT", "SEVERITY", "PHASE", "BEGAN", "SERVICE", "TITLE")
    yield from table([
        header,
        *(
            (
                row["id"],
                row["severity"],
                row["phase"],
                f"{span((now - when(row['onset'])).total_seconds())} ago",
                row["service"] or "-",
                f"{row['title']}{' (restricted)' if row['restricted'] else ''}",
            )
            for row in rows
        ),
    ])  # fmt: skip


def _alerts(together: Json | None) -> Iterator[str]:
    if together is None:  # an older server
        return
    if together["merged_into"]:
        yield f"  merged into {line(together['merged_into'])}"
    if together["umbrella"] and not together["has_card"]:
        yield f"  a child of the storm {line(together['umbrella'])}, without a card of its own"
    for each in together["alerts"][:ALERTS]:
        over = "over" if each["ended"] else "fires"
        flaps = ", flaps" if each["flapping"] else ""
        yield f"  {over:<5} {line(each['title'])} (SEV{each['severity']}, {each['times']}×{flaps})  {line(each['key'])}"
    if len(together["alerts"]) > ALERTS:
        yield f"  and {len(together['alerts']) - ALERTS:,} more; all of them with --json"


ALERTS = 20
"""So many alerts are listed."""


def picture(incident: Json, now: datetime, *, whole: bool = False, paint: Paint = PLAIN) -> Iterator[str]:
    """The whole incident, the most urgent first; `whole` gives every line of the timeline."""
    yield from _head(incident, now)
    for section, lines in (
        ("Alerts", _alerts(incident.get("together"))),
        ("Why, probably", _whys_probably(incident)),
        ("Impact", impact_lines(incident["impact"])),
        ("Mitigations", _mitigations(incident, paint)),
        ("Prepared", _offers(incident)),
        ("Runbook", _run(incident)),
        (
            "Findings",
            (
                f"  {each['id']}  {line(each['text'])} ({line(each['source'])})"
                f"{' · does not count any more' if each.get('gone') else ''}"
                for each in incident["findings"]
            ),
        ),
        ("Five whys", _whys(incident["whys"])),
        ("Duties to tell", duty_lines(incident["duties"])),
        ("Notices", notice_lines(incident)),
        ("Follow-ups", _followups(incident["followups"])),
        ("Evidence", (f"  {line(each['name'])}  sha256 {each['sha256']}" for each in incident["exhibits"])),
        ("Timeline, times in UTC", _timeline(incident["timeline"], whole=whole)),
    ):
        told = list(lines)
        if told:
            yield ""
            yield section
            yield from told


def head(incident: Json) -> str:
    """The incident in one line."""
    urgency = "" if incident.get("urgency", "page") == "page" else f" ({incident['urgency']}, nobody is paged)"
    return f"{incident['id']}  {incident['severity']}  {incident['phase']}{urgency}  {line(incident['title'])}"


def _head(incident: Json, now: datetime) -> Iterator[str]:
    name = incident["id"]
    yield head(incident)
    about = [("service", incident["service"]), ("slice", incident["slice"]), ("objective", incident["slo"])]
    told = [f"{what} {line(value)}" for what, value in about if value]
    if incident["restricted"]:
        told.append("restricted: only for those it names")
    if told:
        yield ", ".join(told)
    if incident["because"]:
        yield from wrapped(incident["because"], "")
    if incident["onset"]:
        ago = "" if incident["resolved"] else f", {span((now - when(incident['onset'])).total_seconds())} ago"
        spans = [f"{word} after {span(incident['measures'][key])}" for key, word in MEASURES
                 if incident["measures"][key] is not None]  # fmt: skip
        yield "; ".join([f"began {clock(incident['onset'])}{ago}", *spans])
    parts = [f"{line(part)}: {line(person)}" for part, person in incident["parts"].items()]
    if incident["acknowledged_by"]:
        parts.insert(0, f"acknowledged by {line(incident['acknowledged_by'])}")
    if parts:
        yield ", ".join(parts)
    if incident["phase"] == "declared":
        yield f"Nobody has taken it yet: tocsin incident ack {name}"
    if held := incident["legal_hold"]:
        yield from wrapped(f"COUNSEL HOLDS IT AS IT IS: {held['because']} ({held['by']}, {clock(held['at'])})", "")
    for each in incident["pages"]:
        yield f"paged {line(each['person'])} by {line(each['channel'])}: {line(each['receipt'])}"


def _whys_probably(incident: Json) -> Iterator[str]:
    for each in incident["hypotheses"][:3]:
        yield f"  {certainty(each['belief']):>9}  {line(each['cause']).replace('_', ' ')}"
        if each["next_test"]:
            yield from wrapped(f"to tell: {each['next_test']}", "             ")
    if incident["cause"]:
        yield f"  taken for the cause: {line(incident['cause']).replace('_', ' ')}"


def impact_lines(impact: Json | None) -> Iterator[str]:
    """Whom it hurts and how much, what is not known said so."""
    if impact is None:
        return
    for key, unit in (("events", ""), ("people", ""), ("money", f" {impact['currency']}")):
        yield f"  {key}: {'not known' if impact[key] is None else f'{impact[key]}{unit}'}"
    for unknown in impact["unknowns"]:
        yield f"    {line(unknown)}"
    if impact["note"]:
        yield from wrapped(impact["note"])


def _mitigations(incident: Json, paint: Paint) -> Iterator[str]:
    """What is under way as its approver reads it; what has come to an end in a few lines."""
    for at, each in enumerate(incident["mitigations"]):
        if at:
            yield ""
        if each["state"] in PENDING:
            yield from plan(incident["id"], each, paint)
        else:
            yield f"  {title(each, paint)}: {standing(each)}, proposed by {line(each['proposed_by'])}"
            for told in each["diff"]:
                yield from wrapped(told, "      ")
        if each["detail"]:
            yield from wrapped(each["detail"], "      ")
        for what, command in _commands(incident["id"], each):
            yield f"      {what}: tocsin incident {command}"


def _commands(incident: str, each: Json) -> Iterator[tuple[str, str]]:
    """What people may do about it, and the command for it."""
    name, state = f"{incident} {line(each['id'])}", each["state"]
    if state == "proposed" and each["code_wanted"]:
        yield "your one-time code for it", f"code {name}"
    if state == "proposed":
        yield "read and approve (not the proposer)", f"approve {name}"
    if state in WAITING and each["held_back"]:
        yield "in spite of counsel's hold (not the proposer)", f"override {name} --because WHY"
    if state == "unknown":
        found = "taken-back|still-stands" if each["undos"] else "applied|failed"
        yield "look at the target, then", f"settle {name} {found}"
    if state == "not helping" and each["undo"]:
        yield "take it back", f"undo {name}"
    if state == "not helping":
        yield "try another", f"propose {incident} NAME"
    if each["glass"] and each["claimed_at"] and not each["reviewed_by"]:
        yield "review it (nobody who acted in it)", f"review {name} justified|unjustified WORDS"


def _offers(incident: Json) -> Iterator[str]:
    for each in incident["offers"]:
        warning = f"  WARNING: {line(each['warning'])}" if each["warning"] else ""
        warning += "  not done by itself, the timeline says why" if each["name"] in incident["left_to_people"] else ""
        yield f"  {line(each['name'])}  {line(each['label'])} ({line(each['means'])}){warning}"
    if incident["offers"]:
        yield f"  to look first, or to propose one: tocsin incident preview|propose {incident['id']} NAME"


def _run(incident: Json) -> Iterator[str]:
    run = incident["run"]
    if run is None:
        return
    yield f"  {line(run['title'])} ({line(run['name'])}), {line(run['place'])}"
    yield from step(incident["id"], run)


def step(incident: str, run: Json) -> Iterator[str]:
    """The live step with the command for each answer."""
    live = run["step"]
    if live is None:
        yield "  it has come to its end"
        return
    yield f"  {line(live['id'])}: {line(live['title'])}"
    if live["text"]:
        yield from wrapped(live["text"], "    ")
    for each in live["options"]:
        yield f"    {line(each['label'])}: tocsin incident step {incident} {line(live['id'])} {line(each['value'])}"
    if not live["options"]:
        yield f"    tocsin incident step {incident} {line(live['id'])} ANSWER"


def _whys(whys: Sequence[Json]) -> Iterator[str]:
    depth: dict[str, int] = {}
    for each in whys:
        depth[each["id"]] = depth.get(each["parent"], -1) + 1
        mark = " [root cause]" if each["root"] else " [assumed]" if each["assumed"] else ""
        yield f"  {'  ' * depth[each['id']]}{each['id']}  {line(each['text'])}{mark}"


def _followups(items: Sequence[Json]) -> Iterator[str]:
    for each in items:
        state = "done" if each["done"] else "OVERDUE" if each["overdue"] else f"due {each['due']}"
        yield f"  {each['id']}  {line(each['text'])} ({line(each['owner'])}, {state})"


def _timeline(lines: Sequence[Json], *, whole: bool) -> Iterator[str]:
    left_out = 0 if whole else max(0, len(lines) - LAST)
    if left_out:
        yield f"  ({left_out} earlier lines: --all)"
    day = ""
    for each in lines[left_out:]:
        at = when(each["at"])
        if f"{at:%Y-%m-%d}" != day:
            day = f"{at:%Y-%m-%d}"
            yield f"  {day}"
        yield from wrapped(f"{at:%H:%M:%S}  {line(each['text'])}", "    ")
