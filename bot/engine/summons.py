"""What a page says on any channel: what is broken and since when, and nothing of what is not for everybody's eyes."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import datetime

from bot.domain.incident import Incident
from bot.engine.calling import Contact, Summons
from bot.engine.situation import Situation
from bot.engine.values import Profile

Link = Callable[[str, str, str], str]
"""(incident, key of the page, opaque id of the person) → where that page is acknowledged; "" without a console."""

NAMED = 3
"""So many incidents are named in one page; of the rest it says how many they are."""


def summon(
    key: str,
    person: Profile,
    contact: Contact,
    situations: Sequence[Situation],
    url: str,
    why: str = "",
    instead: str = "",
) -> Summons:
    """The page about these incidents, the worst first. `why` is what somebody who asked for this person said.

    `instead` is why this person is paged who is not on call, in a sentence that tells nothing of the incident.
    """
    ordered = tuple(sorted(situations, key=lambda each: (each.incident.severity, _since(each.incident))))
    worst = ordered[0].incident
    text = "\n".join([*([instead] if instead else []), *_lines(ordered, why)])
    return Summons(key, person, contact, _headline(ordered), text, url, worst.severity, ordered)


def told(incident: Incident) -> str:
    """An incident in a line; of a restricted one only that it is there."""
    if incident.restricted:
        return f"{incident.id}, {incident.severity}: a restricted incident"
    about = f"{incident.severity} {incident.service}" if incident.service else str(incident.severity)
    return f"{incident.id}, {about}: {' '.join(incident.title.split())}"


def _headline(ordered: Sequence[Situation]) -> str:
    first = told(ordered[0].incident)
    return first if len(ordered) == 1 else f"{len(ordered)} incidents, the worst {first}"


def _lines(ordered: Sequence[Situation], why: str) -> list[str]:
    first = ordered[0].incident
    lines = []
    if not first.restricted:
        lines += [" ".join(why.split())] if why else []
        lines += [" ".join(first.because.split())] if first.because and first.because != first.title else []
        lines += [f"since {_since(first):%d %b %H:%M} UTC"] if first.onset else []
    lines += [f"also {told(each.incident)}" for each in ordered[1:NAMED]]
    if len(ordered) > NAMED:
        lines.append(f"and {len(ordered) - NAMED} more")
    return lines


def _since(incident: Incident) -> datetime:
    known = incident.onset or incident.detected or incident.declared_at
    if known is None:
        raise ValueError(f"{incident.id} has no beginning")
    return known
