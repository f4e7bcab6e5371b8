"""What of an incident's log other systems are told: which kinds of change there are, and the facts that go with one."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import Any

from bot.domain.filing import NoticeFiled
from bot.domain.incident import Incident
from bot.domain.log import Entry, Event

OF: Mapping[str, str] = {
    "IncidentDeclared": "declared",
    "Acknowledged": "acknowledged",
    "SeverityChanged": "severity-changed",
    "UpdatePosted": "update-posted",
    "MitigationProposed": "mitigation-proposed",
    "MitigationApproved": "mitigation-approved",
    "ChangeAccepted": "mitigation-started",
    "MitigationVerified": "mitigation-verified",
    "MitigationNotHelping": "mitigation-not-helping",
    "IncidentResolved": "resolved",
    "IncidentReopened": "reopened",
    "IncidentMerged": "merged",
    "IncidentClosed": "closed",
    "TimeCorrected": "time-corrected",
    "NoticeFiled": "notice-filed",
    "NobodyOnCall": "nobody-on-call",
    "Unanswered": "unanswered",
}
"""Entry → the kind of change it is; what is not listed is the house's own business."""
KINDS = tuple(OF.values())
TYPE = "dev.tocsin.incident."


@dataclass(frozen=True, slots=True)
class Change:
    """One change of one incident, as it was then. Of a restricted one `title`, `service` and `slice` are empty."""

    kind: str
    incident: str
    seq: int
    at: datetime
    phase: str
    severity: str
    restricted: bool
    about: str
    """Its service, to choose by; it is told as `service`, where it is told."""
    title: str = ""
    service: str = ""
    slice: str = ""


def changed(entry: Entry, then: Incident, now: Incident) -> Change | None:
    """What an entry tells others, None where it is the house's own business.

    `then` is the incident as the entry left it, `now` as it is: whatever became restricted since is told without words.
    """
    kind = OF.get(type(entry.event).__name__)
    if kind is None or _privileged(entry.event, then, now):
        return None
    restricted = then.restricted or now.restricted
    bare = Change(
        kind, entry.incident, entry.seq, entry.at, str(then.phase), str(then.severity), restricted, then.service
    )
    return bare if restricted else replace(bare, title=then.title, service=then.service, slice=then.slice)


def _privileged(event: Event, then: Incident, now: Incident) -> bool:
    """Whether it is about a document that is, or was, counsel's alone."""
    if not isinstance(event, NoticeFiled):
        return False
    found = (each.notices.get(event.id) for each in (then, now))
    return any(notice is not None and notice.privilege is not None for notice in found)


def event(change: Change, house: str) -> dict[str, Any]:
    """A change as CloudEvents tells it; of a restricted incident nothing but its number and where it stands."""
    data: dict[str, Any] = {
        "incident": change.incident, "seq": change.seq, "change": change.kind, "phase": change.phase,
        "severity": change.severity, "restricted": change.restricted,
        "url": f"{house}/incidents/{change.incident}" if house else "",
    }  # fmt: skip
    if not change.restricted:
        data |= {"title": change.title, "service": change.service, "slice": change.slice}
    return {
        "specversion": "1.0", "id": f"{change.incident}/{change.seq}", "source": house or "tocsin",
        "type": f"{TYPE}{change.kind}", "subject": change.incident, "time": moment(change.at),
        "datacontenttype": "application/json", "data": data,
    }  # fmt: skip


def moment(at: datetime) -> str:
    """RFC 3339, in UTC."""
    return at.astimezone(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


def ping(house: str, at: datetime) -> dict[str, Any]:
    """A test that is about no incident."""
    return {
        "specversion": "1.0", "id": f"ping/{at.timestamp():.3f}", "source": house or "tocsin",
        "type": "dev.tocsin.ping", "time": moment(at), "datacontenttype": "application/json",
        "data": {"text": "A test of Tocsin: nothing happened."},
    }  # fmt: skip
