"""What the log holds for a draft, in the words a template may use: no clock and no age, so looking changes nothing.

Nothing here may come from the standing of a notice: asking for its approval would then change its own words.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import datetime
from math import inf

from bot.domain.affected import bad_versions, covers
from bot.domain.duty import Answer, Duty
from bot.domain.incident import Incident
from bot.domain.mitigation import Mitigation, State
from bot.domain.reminder import leader
from bot.engine import postmortem
from bot.engine.situation import Situation
from bot.notices.facts import Facts, Range
from bot.words import utc


def material(situation: Situation, organisation: Mapping[str, object], known: Facts) -> dict[str, object]:
    """Every word that belongs to no regime, as `bot.notices.draft` lists them."""
    incident, impact = situation.incident, situation.incident.impact
    return {
        "as_of": situation.now,
        "incident": _incident(situation),
        "impact": {
            "events": impact.events if impact else None,
            "people": impact.people if impact else None,
            "money": float(impact.money) if impact and impact.money is not None else None,
            "currency": impact.currency if impact else None,
            "unknown": list(impact.unknowns) if impact else [],
            "as_of": impact.as_of if impact else None,
        },
        "affected": _affected(incident, known),
        "actions": [
            {
                "at": mitigation.applied_at,
                "what": f"{mitigation.plan.means} on {mitigation.plan.target}",
                "by": situation.name(mitigation.proposed_by),
                "outcome": _outcome(mitigation),
            }
            for mitigation in incident.mitigations.values()
            if mitigation.applied_at is not None
        ],
        "timeline": _changes(incident),
        "followups": [
            {
                "what": item.text,
                "owner": situation.name(item.owner),
                "due": item.due,
                "status": "done" if item.done else "open",
            }
            for item in incident.followups.values()
        ],
        "duties": [each for duty in _told(incident) for each in _duty(situation, duty)],
        "known": [
            {"at": finding.at, "what": finding.text}
            for finding in sorted(incident.findings, key=lambda each: each.at)
            if finding.gone is None
        ],
        "open": _open(incident),
        "updates": [],
        "org": dict(organisation),
    }


def _incident(situation: Situation) -> dict[str, object]:
    incident, impact = situation.incident, situation.incident.impact
    return {
        "id": incident.id,
        "title": incident.title,
        "service": situation.service.title if situation.service else incident.service or None,
        "slice": incident.slice or None,
        "severity": str(incident.severity),
        "onset": incident.onset,
        "onset_basis": postmortem.onset_basis(situation),
        "detected": incident.detected,
        "acknowledged": incident.acknowledged,
        "mitigated": incident.mitigated,
        "resolved": incident.resolved,
        "cause": incident.cause.replace("_", " ") or None,
        "summary": impact.note if impact and impact.note else None,
        "lead": situation.name(leader(incident)) if leader(incident) else None,
        "next_update": incident.update_due if incident.is_open else None,
        "link": f"{situation.web_url.rstrip('/')}/incidents/{incident.id}" if situation.web_url else None,
        "legal_hold": incident.legal_hold.at if incident.legal_hold else None,
    }


def _affected(incident: Incident, known: Facts) -> dict[str, object]:
    """What was decided wrongly, by what, from when on until when: as it was counted, else as far as facts tell.

    Without a count the impact's events are the decisions, where the service decides anything about people.
    """
    told = incident.affected.told if incident.affected else None
    decided: object = incident.impact.events if incident.impact and known.get("decision_domain") else None
    if told is not None and told.decisions is not None:
        decided = told.decisions if covers(incident, told) else Range(told.decisions, inf)
    versions = told.versions if told is not None and told.versions else bad_versions(incident)
    return {
        "version": known.get("ai_system_name_version") or ", ".join(versions) or None,
        "decided": decided,
        "adverse": known.get("adverse_decisions_count"),
        "window_start": told.since if told is not None else incident.onset,
        "window_end": incident.mitigated or incident.resolved,
    }


def _told(incident: Incident) -> list[Duty]:
    """The duties there are or may be: those certain first, then by date."""
    shown = [duty for duty in incident.duties.values() if duty.answer is not Answer.NO]
    return sorted(
        shown, key=lambda duty: (duty.answer is not Answer.YES, duty.strict is None, str(duty.strict), duty.regime)
    )


def _duty(situation: Situation, duty: Duty) -> Iterator[dict[str, object]]:
    """Each notice a regime asks for or may ask for, with its dates; the regime alone where it has none yet."""
    owner = situation.incident.duty_owners.get(duty.regime, ("", ""))[0] or duty.decided_by
    told: dict[str, object] = {
        "regime": duty.regime,
        "name": duty.name,
        "answer": str(duty.answer),
        "because": duty.because,
        "stage": None,
        "due": duty.strict,
        "outer": duty.outer,
        "owner": situation.name(owner) if owner else None,
    }
    for due in duty.dues:
        yield told | {"stage": due.name, "due": due.strict, "outer": due.outer, "answer": str(due.answer)}
    if not duty.dues:
        yield told


def _open(incident: Incident) -> list[dict[str, object]]:
    """What waits for somebody's decision: changes proposed, and duties that are counsel's to settle."""
    waits = [each for each in incident.mitigations.values() if each.state is State.PROPOSED]
    doubtful = [duty for duty in incident.duties.values() if duty.answer is Answer.UNKNOWN]
    found: list[dict[str, object]] = [
        {"what": f"{each.plan.means} on {each.plan.target}: {each.plan.blast_radius}", "who": None} for each in waits
    ]
    found += [{"what": f"whether there is a duty under {duty.name}", "who": "counsel"} for duty in doubtful]
    return found


def _outcome(mitigation: Mitigation) -> str:
    return f"taken back {utc(mitigation.undone_at)}" if mitigation.undone_at else str(mitigation.state)


def _changes(incident: Incident) -> list[dict[str, object]]:
    """What was changed and what was taken back, each at its time: a change that no longer stands is not told alone."""
    told: list[tuple[datetime, str]] = []
    for each in incident.mitigations.values():
        if each.applied_at is not None:
            told.append((each.applied_at, f"{each.plan.means}: {'; '.join(each.plan.diff)}"))
        if each.undone_at is not None:
            told.append((each.undone_at, f"that {each.plan.means} was taken back: {each.plan.undo}"))
    return [{"at": at, "what": what} for at, what in sorted(told, key=lambda pair: pair[0])]
