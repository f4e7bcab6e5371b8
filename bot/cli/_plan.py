"""A change of production on a terminal, as its approver reads it: what changes, how wide, how tried, the way back."""

from __future__ import annotations

import json
import textwrap
from collections.abc import Callable, Iterator, Mapping
from typing import Any

from bot.cli._paint import PLAIN, Paint
from bot.cli._text import clean, clock, line, percent, width
from bot.domain.reading import SMALL_PRINT

Json = Mapping[str, Any]

WAITING = frozenset({"proposed", "approved"})
PENDING = frozenset({"proposed", "approved", "claimed", "undoing", "unknown"})
LABEL, NARROW = 15, 60
CELLS = 20


def plan(incident: str, each: Json, paint: Paint = PLAIN) -> Iterator[str]:
    """A mitigation with all that an approval binds to, and how far it got."""
    yield f"{incident} {title(each, paint)}"
    until = f", until {clock(each['expires_at'])}" if each["state"] in WAITING else ""
    yield from row("state", f"{standing(each)}{until}")
    yield from row("proposed by", f"{each['proposed_by']} at {clock(each['proposed_at'])}")
    if each["because"]:
        yield from row("because", each["because"])
    if each["glass"]:
        yield from row("ACTED ALONE", each["glass"], paint.bad)
        yield from row("reviewed by", each["reviewed_by"] or "nobody yet")
    yield from body(each, paint)
    yield from _evidence(each, paint)
    yield from _approvals(each)
    yield from _in_its_way(each, paint)
    yield from _small(each, paint)
    yield from row("digest", each["digest"], wrap=False)


def preview(incident: str, each: Json, paint: Paint = PLAIN) -> Iterator[str]:
    """A prepared mitigation as it would be carried out now, and who would have to say yes."""
    yield paint.strong(f"{incident} {line(each['label'])}: {line(each['means'])} on {line(each['target'])}")
    yield from body(each, paint)
    yield from row("approvals", f"{each['needs']} needed, by {_by(each)}")
    yield from _small(each, paint)
    yield from row("digest", each["digest"], wrap=False)


def body(each: Json, paint: Paint) -> Iterator[str]:
    """What the plan itself says."""
    for at, told in enumerate(each["diff"] or ["nothing"]):
        yield from row("would change" if not at else "", told)
    yield from _diff(each["changes"], paint)
    yield from row("tried dry", each["dry_run"] or "not tried; the target says nothing of it")
    yield from row("blast radius", f"{each['blast_radius'] or 'not said'} (class {each['klass']})")
    yield from row("", f"{_bar(each['share'])} {percent(each['share'])} of production")
    for at, (version, share) in enumerate(each["serves"].items()):
        yield from row("afterwards" if not at else "", f"{_bar(share)} {percent(share)} {version}")
    if each["undo"]:
        yield from row("undo", each["undo"])
    else:
        yield from row("undo", "none: it cannot be undone", paint.bad)
    if each["managed_by"]:
        yield from row("managed by", f"{each['managed_by']}, which may put the old state back", paint.warn)
    for warning in each["warnings"]:
        yield from row("WARNING", warning, paint.warn)


def title(each: Json, paint: Paint = PLAIN) -> str:
    """The mitigation in one line, without where it stands."""
    return paint.strong(f"{line(each['id'])}: {line(each['means'])} on {line(each['target'])}")


def standing(each: Json) -> str:
    """Where it stands, with what is remarkable about it."""
    state = line(each["state"])
    if each["accepted_at"] and state in {"claimed", "undoing"}:
        state = "on its way" if state == "claimed" else "on its way back"
    told = [{"claimed": "being carried out", "undoing": "being taken back"}.get(state, state)]
    if each["automatic"]:
        told.append("automatic")
    if each["glass"]:
        told.append("acted alone")
        told.append("reviewed" if each["reviewed_by"] else "not reviewed yet")
    return ", ".join(told)


def quorum(each: Json) -> str:
    """How many have said yes, of how many."""
    return f"{each['approved']} of {each['needs']} approved"


def way_back(incident: str, each: Json, paint: Paint = PLAIN) -> Iterator[str]:
    """What an undo does: the plan's way back, and what speaks against taking it."""
    what = f"{incident} {line(each['id'])}: take back the {line(each['means'])} on {line(each['target'])}"
    yield paint.strong(what)
    yield from row("state", standing(each))
    yield from row("would change", each["undo"] or "the target says no way back")
    for told in each["changes"] if each["undo"] else ():
        yield from _sides(told["what"], told["after"], told["before"], paint)
    if each["state"] == "verified":
        yield from row("WARNING", "the data say that it helps: what it mitigates may come back", paint.warn)
    if each["held_back"]:
        yield from row("WARNING", "counsel's hold keeps it as it is", paint.warn)
    yield from row("digest", each["digest"], wrap=False)


def row(label: str, text: object, paint: Callable[[str], str] = str, *, wrap: bool = True) -> Iterator[str]:
    """A label and its words; on a narrow terminal the words stand below it."""
    said, wide = line(text), width()
    indent = LABEL + 2
    if wide < NARROW:
        indent = 4
        if label:
            yield f"  {paint(label)}"
    lines = textwrap.wrap(said, max(20, wide - indent), break_on_hyphens=False) if wrap else [said]
    for at, each in enumerate(lines or [""]):
        head = label if not at and wide >= NARROW else ""
        yield f"  {paint(head)}{' ' * (indent - 2 - len(head))}{paint(each)}"


def _small(each: Json, paint: Paint) -> Iterator[str]:
    """The rest that the digest covers: looked up, not read."""
    for name, label in SMALL_PRINT.items():
        value = each[name]
        told = json.dumps(value, ensure_ascii=False) if isinstance(value, dict) and value else value
        yield from row(label, told or "nothing", paint.faint)


def _diff(changes: list[Json], paint: Paint) -> Iterator[str]:
    for each in changes:
        yield from _sides(each["what"], each["before"], each["after"], paint)


def _sides(what: object, before: object, after: object, paint: Paint) -> Iterator[str]:
    """One field as a diff shows it: what goes, then what comes; of several lines each has its sign."""
    for sign, value, tint in (("-", before, paint.bad), ("+", after, paint.good)):
        if value is None:
            continue
        told = clean(value).splitlines() or ["(empty)"]
        name = f"{line(what)}: " if len(told) == 1 else f"{line(what)}:"
        shown = [f"{name}{told[0]}"] if len(told) == 1 else [name, *told]
        for text in shown:
            wide = max(20, width() - 8)
            for part in textwrap.wrap(text, wide, break_on_hyphens=False, drop_whitespace=False) or [""]:
                yield f"    {tint(f'{sign} {part.rstrip()}')}"


def _evidence(each: Json, paint: Paint) -> Iterator[str]:
    if each["hold_waived"]:
        yield from row("evidence", f"not waited for, people are at risk: {each['hold_waived']}", paint.warn)
    elif each["held"] is None:
        waits = f"being held; the change waits for it until {clock(each['hold_until'])} at most"
        yield from row("evidence", "nothing held; this change does not wait for it" if each["hold_finished"] else waits)
    elif not each["held"]:
        yield from row("evidence", "nothing was held")
    hashes = {held["name"]: held["sha256"] for held in each["held_as"]}
    for at, name in enumerate(each["held"] or []):
        known = hashes.get(name)
        yield from row("evidence" if not at else "", f"{name}{f'  sha256 {str(known)[:16]}' if known else ''}")
    if each["not_held"]:
        yield from row("MISSING", ", ".join(map(str, each["not_held"])), paint.warn)


def _approvals(each: Json) -> Iterator[str]:
    if each["automatic"]:
        yield from row("approvals", "approved beforehand by the policy")
        return
    if each["glass"]:
        own = each["approvals"][-1]
        yield from row("approvals", f"none but their own: {own['person']} at {clock(own['at'])}")
        return
    more = f", by {_by(each)}" if each["state"] == "proposed" else ""
    yield from row("approvals", f"{quorum(each)}{more}")
    for given in each["approvals"]:
        how = " with a one-time code" if given["stepped_up"] else ""
        yield from row("", f"{given['person']} at {clock(given['at'])}{how}")


def _in_its_way(each: Json, paint: Paint) -> Iterator[str]:
    if each["state"] in WAITING and each["outdated"]:
        yield from row("WARNING", "the rules of the house changed since; propose it again", paint.warn)
    if each["held_back"] and each["state"] in WAITING:
        yield from row("WARNING", "counsel's hold keeps it back until it is released or overridden", paint.warn)
    if each["override"]:
        yield from row("OVERRIDDEN", f"counsel's hold does not stop it: {each['override']}", paint.warn)
    if each["waits_because"]:
        yield from row("WARNING", f"it could not be done yet: {each['waits_because']}; it is tried again", paint.warn)


def _by(each: Json) -> str:
    code = "; each with a one-time code" if each["code_wanted"] else ""
    return f"{' or '.join(map(line, each['approve_by'])) or 'nobody'}{code}"


def _bar(share: float) -> str:
    """A share of twenty cells; whatever is more than nothing shows."""
    filled = min(CELLS, max(round(share * CELLS), 1 if share > 0 else 0))
    return f"[{'#' * filled}{'.' * (CELLS - filled)}]"
