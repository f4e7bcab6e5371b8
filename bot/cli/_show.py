"""An incident on a terminal at 3 a.m.: what is broken, since when, why probably, what waits, and the command for it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime
from typing import Any

from bot.cli._text import clean, clock, line, span, table, when, wrapped
from bot.domain.finding import certainty

Json = Mapping[str, Any]
MEASURES = (("ttd_s", "detected"), ("tta_s", "acknowledged"), ("ttm_s", "mitigated"), ("ttr_s", "resolved"))
WAITING = "waiting for approval"
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


def picture(incident: Json, now: datetime, *, whole: bool = False) -> Iterator[str]:
    """The whole incident, the most urgent first; `whole` gives every line of the timeline."""
    yield from _head(incident, now)
    for title, lines in (
        ("Why, probably", _whys_probably(incident)),
        ("Impact", impact_lines(incident["impact"])),
        ("Mitigations", _mitigations(incident)),
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
        ("Duties to tell", _duties(incident["duties"])),
        ("Notices", _notices(incident)),
        ("Follow-ups", _followups(incident["followups"])),
        ("Evidence", (f"  {line(each['name'])}  sha256 {each['sha256']}" for each in incident["exhibits"])),
        ("Timeline, times in UTC", _timeline(incident["timeline"], whole=whole)),
    ):
        told = list(lines)
        if told:
            yield ""
            yield title
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


def _mitigations(incident: Json) -> Iterator[str]:
    for each in incident["mitigations"]:
        what = f"{line(each['means'])} on {line(each['target'])}: {line(each['state'])}"
        yield f"  {each['id']}  {what}, proposed by {line(each['proposed_by'])}"
        if each["detail"]:
            yield from wrapped(each["detail"], "      ")
        if each["state"] == "proposed":
            yield f"      read and approve (not the proposer): tocsin incident approve {incident['id']} {each['id']}"
        if each["state"] == "unknown":
            yield f"      look at the target, then: tocsin incident settle {incident['id']} {each['id']} applied|failed"


def plan(incident: str, mitigation: Json) -> Iterator[str]:
    """All that an approval binds to, in the words the approver must read."""
    yield f"{incident} {mitigation['id']}: {line(mitigation['means'])} on {line(mitigation['target'])}"
    yield f"  state          {line(mitigation['state'])}, until {clock(mitigation['expires_at'])}"
    yield f"  proposed by    {line(mitigation['proposed_by'])}"
    if mitigation["because"]:
        yield f"  because        {line(mitigation['because'])}"
    for at, each in enumerate(mitigation["diff"] or ["nothing"]):
        yield f"  {'would change' if not at else '':<13}  {line(each)}"
    yield f"  blast radius   {line(mitigation['blast_radius'])} (class {mitigation['klass']})"
    yield f"  undo           {line(mitigation['undo'])}"
    for each in mitigation["warnings"]:
        yield f"  WARNING        {line(each)}"
    for each in mitigation["approvals"]:
        yield f"  approved by    {line(each['person'])} at {clock(each['at'])}"
    yield f"  digest         {line(mitigation['digest'])}"


def way_back(incident: str, mitigation: Json) -> Iterator[str]:
    """What an undo does: the plan's way back, and what speaks against taking it."""
    yield f"{incident} {mitigation['id']}: take back the {line(mitigation['means'])} on {line(mitigation['target'])}"
    yield f"  state          {line(mitigation['state'])}"
    yield f"  would change   {line(mitigation['undo']) or 'the target says no way back'}"
    if mitigation["state"] == "verified":
        yield "  WARNING        the data say that it helps: what it mitigates may come back"


def _offers(incident: Json) -> Iterator[str]:
    for each in incident["offers"]:
        warning = f"  WARNING: {line(each['warning'])}" if each["warning"] else ""
        yield f"  {line(each['name'])}  {line(each['label'])} ({line(each['means'])}){warning}"
    if incident["offers"]:
        yield f"  to propose one: tocsin incident propose {incident['id']} NAME"


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


def _duties(duties: Sequence[Json]) -> Iterator[str]:
    for each in duties:
        yield f"  {str(each['answer']).upper():<8}{line(each['name'])}"
        yield from wrapped(each["because"], "          ")
        if each["strict"] and each["answer"] != "no":
            outer = f" (for counsel: {clock(each['outer'])} at the latest)" if each["outer"] else ""
            yield f"          due {clock(each['strict'])}{outer}"
        if each["ask"]:
            yield f"          to settle it: {', '.join(map(line, each['ask']))}"


def _notices(incident: Json) -> Iterator[str]:
    for each in incident["notices"]:
        gaps = f", {len(each['gaps'])} gaps" if each["gaps"] else ""
        version = f"version {each['version']}" if each["version"] else "draft"
        yield f"  {each['id']}  {line(each['template'])}: {line(each['standing'])}, {version}{gaps}"
        if each["unfilled"]:
            yield from wrapped(each["unfilled"], "      ")
        if each["standing"] == WAITING:
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
