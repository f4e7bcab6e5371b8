"""What a post-mortem tells, read off the log: nothing is written by hand, and what nobody said stays an open place."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta

from bot.domain.correction import Moment, TimeCorrected
from bot.domain.duty import Answer
from bot.domain.finding import certainty
from bot.domain.five_whys import Why, walk
from bot.domain.followup import FollowUp
from bot.domain.incident import Incident
from bot.domain.lifecycle import IncidentResolved
from bot.domain.log import Entry
from bot.domain.measures import DEFINITIONS
from bot.domain.mitigation import Mitigation
from bot.domain.notice import Standing
from bot.domain.reminder import leader
from bot.engine.situation import Situation
from bot.words import span

TEMPLATE = "postmortem"
UNTOLD = frozenset(
    {f"bot.domain.{topic}" for topic in ("duty", "notice", "signing", "filing", "wording", "disclosure")}
    | {"bot.domain.reminder", "bot.domain.trouble"}
)
"""Topics the story leaves out: whom the law wants told is read where it is worked on, nudges are nobody's history."""
LATE = timedelta(minutes=1)
LIKELY = 0.05
NAMES = {"ttd": "Time to detect", "tta": "Time to acknowledge", "ttm": "Time to mitigate", "ttr": "Time to resolve"}


def material(situation: Situation) -> dict[str, object]:
    """The words of the template beside those of every draft: story, measures, causes, whys, what was changed."""
    incident = situation.incident
    return {
        "lead": situation.name(leader(incident)) if leader(incident) else None,
        "ended": _ended(situation),
        "waivers": _waivers(situation),
        "measures": _measures(situation),
        "spoken": {"messages": situation.spoken.messages, "people": situation.spoken.people},
        "story": sorted([*_moments(situation), *_story(situation)], key=lambda step: step.at),
        "causes": _causes(incident),
        "findings": [{"id": one.id, "text": one.text} for one in incident.findings if one.gone is None],
        "whys": [_why(situation, why, deep) for why, deep in walk(incident.whys)],
        "struck": [{"id": why.id, "text": why.text, "because": why.struck} for why in incident.struck.values()],
        "mitigations": [_mitigation(situation, one) for one in incident.mitigations.values()],
        "promises": [_promise(situation, item) for item in incident.followups.values()],
        "notice_work": _notice_work(incident),
    }


def _last(situation: Situation) -> IncidentResolved | None:
    ends = [entry.event for entry in situation.entries if isinstance(entry.event, IncidentResolved)]
    return ends[-1] if ends and situation.incident.resolved is not None else None


def _ended(situation: Situation) -> str | None:
    """How it ended, in the words of whoever resolved it."""
    end = _last(situation)
    return end.summary if end is not None else None


def _waivers(situation: Situation) -> list[dict[str, object]]:
    end = _last(situation)
    if end is None:
        return []
    if end.waived:
        return [{"what": end.waived, "because": end.waived_because}]
    return [{"what": one.what, "because": one.because} for one in end.waivers]


def _measures(situation: Situation) -> list[dict[str, object]]:
    spans = situation.measures
    return [
        {"name": label, "value": span(getattr(spans, name)) or None, "definition": DEFINITIONS[name].partition(": ")[2]}
        for name, label in NAMES.items()
    ]


@dataclass(frozen=True, slots=True)
class Step:
    """One line of the story: when it was so, and when it was written down where that was noticeably later."""

    at: datetime
    what: str
    recorded: datetime | None = None
    gone: bool = False
    link: str = ""


def _moments(situation: Situation) -> Iterator[Step]:
    """What the data say, as they are believed now: nobody wrote these down at the time."""
    incident = situation.incident
    if incident.onset is not None:
        yield Step(incident.onset, f"It began ({onset_basis(situation)})")
    if incident.mitigated is not None:
        yield Step(incident.mitigated, "Harm stopped: the SLI was met again from here on")


def _story(situation: Situation) -> Iterator[Step]:
    """The timeline as people read it, but for what is nobody's history."""
    entries = {entry.seq: entry for entry in situation.entries}
    for line in situation.timeline:
        entry = entries[line.seq]
        if type(entry.event).__module__ not in UNTOLD:
            late = line.recorded - line.at >= LATE
            recorded = line.recorded if late else None
            yield Step(line.at, situation.say(line), recorded, _gone(situation.incident, entry), line.link)


def _gone(incident: Incident, entry: Entry) -> bool:
    """Whether what an entry kept was taken back, deleted or struck since."""
    name = getattr(entry.event, "id", "")
    kept = [(one.id, one.gone) for one in incident.notes] + [(one.id, one.gone) for one in incident.findings]
    return any(known == name and gone is not None for known, gone in kept) or name in incident.struck


def _causes(incident: Incident) -> list[dict[str, object]]:
    def told(names: tuple[str, ...]) -> list[str]:
        return [f"{name}: {one.text}" for name in names if (one := incident.finding(name)) and one.gone is None]

    return [
        {
            "cause": each.cause.replace("_", " "),
            "certainty": certainty(each.belief),
            "supported_by": told(each.supported_by),
            "opposed_by": told(each.opposed_by),
        }
        for each in incident.hypotheses
        if each.belief >= LIKELY
    ]


def _why(situation: Situation, why: Why, deep: int) -> dict[str, object]:
    incident = situation.incident
    finding = incident.finding(why.evidence) if why.evidence else None
    ground = None if finding is None or finding.gone is not None else f"{finding.id}: {finding.text}"
    promised = [item.id for item in incident.followups.values() if item.why == why.id]
    return {"id": why.id, "text": why.text, "deep": deep - 1, "ground": ground, "root": why.root, "promised": promised}


def _mitigation(situation: Situation, each: Mitigation) -> dict[str, object]:
    return {
        "id": each.id,
        "what": f"{each.plan.means} on {each.plan.target}",
        "state": str(each.state),
        "because": each.because or None,
        "proposed_by": situation.name(each.proposed_by),
        "proposed_at": each.proposed_at,
        "approvals": [
            {"by": situation.name(given.person), "at": given.at, "digest": given.digest[:12]}
            for given in each.approvals
        ],
        "applied_at": each.applied_at,
        "verified_at": each.verified_at,
        "undone_at": each.undone_at,
        "changes": list(each.plan.diff),
        "detail": each.detail or None,
    }


def _promise(situation: Situation, item: FollowUp) -> dict[str, object]:
    overdue = item.overdue(situation.now.date())
    return {
        "id": item.id,
        "what": item.text,
        "owner": situation.name(item.owner),
        "due": item.due,
        "why": item.why or None,
        "status": "done" if item.done else "overdue" if overdue else "open",
    }


def _notice_work(incident: Incident) -> dict[str, object]:
    """How much there is to tell others, never what or whom: that is read where it is worked on."""
    notices = [each for each in incident.notices.values() if each.privilege is None]
    clocks = [duty.strict for duty in incident.duties.values() if duty.answer is Answer.YES and duty.strict]
    return {
        "begun": len(notices),
        "filed": sum(1 for notice in notices if notice.standing is Standing.FILED),
        "clocks": len(clocks),
        "open_questions": sum(1 for duty in incident.duties.values() if duty.answer is Answer.UNKNOWN),
    }


def onset_basis(situation: Situation) -> str:
    """Where the time of the beginning comes from: a correction wins, then the data, then whoever declared it."""
    corrected = [e for e in situation.entries if isinstance(e.event, TimeCorrected) and e.event.moment is Moment.ONSET]
    if corrected:
        return f"set right by {situation.name(corrected[-1].by)}"
    return "estimated from the data" if situation.incident.slo else "as stated when it was declared"
