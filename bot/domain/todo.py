"""What the bot owes an incident at a given time: a reading of the log, so that nothing owed is ever only remembered."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from bot.domain.alert_clock import alerts_due
from bot.domain.climbing import Owed, calls, following, pages
from bot.domain.escalation import Ladder
from bot.domain.guard import Means
from bot.domain.hold import held_back
from bot.domain.incident import Incident
from bot.domain.mitigation import EFFECTIVE, PENDING, Mitigation, State
from bot.domain.phase import Phase
from bot.domain.policy import Person, Policy, Urgency
from bot.domain.reminder import Matter, Reason, Reminded, reminders, ripe
from bot.domain.runbook import Kind
from bot.domain.service import Service

COLLECT_AFTER, COLLECT_TRIES = timedelta(minutes=1), 5
"""When evidence that was missing is asked for again, and how often at most."""


@dataclass(frozen=True, slots=True)
class DiagnoseOwed(Owed):
    """Collect the evidence and rank the explanations."""


@dataclass(frozen=True, slots=True)
class DutiesOwed(Owed):
    """Ask every regime anew: the facts changed since it last answered, or a date in a law has passed."""

    basis: str = ""


@dataclass(frozen=True, slots=True)
class HoldOwed(Owed):
    """Secure the evidence before this mitigation may be carried out."""

    mitigation: str = ""


@dataclass(frozen=True, slots=True)
class CollectOwed(Owed):
    """Collect what was missing when the evidence was held."""

    mitigation: str = ""


@dataclass(frozen=True, slots=True)
class AutoOwed(Owed):
    """Do this prepared mitigation by itself: the policy approved it beforehand."""

    offer: str = ""


@dataclass(frozen=True, slots=True)
class ExecuteOwed(Owed):
    """Carry this approved mitigation out (or, after a crash, find out whether it was)."""

    mitigation: str = ""


@dataclass(frozen=True, slots=True)
class SettleOwed(Owed):
    """Look whether a target that is on its way has arrived."""

    mitigation: str = ""


@dataclass(frozen=True, slots=True)
class ExpireOwed(Owed):
    """Let this mitigation's approval lapse."""

    mitigation: str = ""


@dataclass(frozen=True, slots=True)
class VerifyOwed(Owed):
    """Say whether this applied mitigation helped."""

    mitigation: str = ""


@dataclass(frozen=True, slots=True)
class UndoOwed(Owed):
    """Take this mitigation back."""

    mitigation: str = ""


@dataclass(frozen=True, slots=True)
class StepOwed(Owed):
    """Do the live runbook step, which needs no person."""

    step: str = ""


@dataclass(frozen=True, slots=True)
class RunbookOwed(Owed):
    """Open the runbook that answers the likeliest cause, so that nobody has to look for it at 3 a.m."""


@dataclass(frozen=True, slots=True)
class ReportOwed(Owed):
    """Write the drift report that belongs to the incident."""


@dataclass(frozen=True, slots=True)
class RemindOwed(Owed):
    """Remind this person of what waits for them, all of it in one message."""

    person: str = ""


@dataclass(frozen=True, slots=True)
class RoomOwed(Owed):
    """Open the war room that was asked for."""


@dataclass(frozen=True, slots=True)
class ArchiveOwed(Owed):
    """Put the war room of a closed incident away."""


@dataclass(frozen=True, slots=True)
class AlertsOwed(Owed):
    """Say what the clock says of its alerts: calm, or over for so long that an incident nobody took is too."""


LATER, BY_LAW = (DiagnoseOwed, ReportOwed, RunbookOwed, AutoOwed), (DutiesOwed, RemindOwed)
"""What waits in a child of a storm until it has a card, and what waits until somebody took it."""


def todo(
    incident: Incident,
    policy: Policy,
    service: Service | None,
    on_call: Sequence[str] | Ladder,
    people: Sequence[Person] = (),
) -> Iterator[Owed]:
    """Yield everything owed, including what falls due later (then `due` is when to look again).

    Args:
        incident: as folded from its log.
        policy: the rules in force.
        service: the catalogue's entry, or None where it has none (then nothing is asked of it).
        on_call: who is paged, level by level; opaque ids alone are a level each.
        people: everybody in the directory, among whom approvers are reminded.

    """
    if not incident.exists:
        return
    closed = incident.phase is Phase.CLOSED
    service = None if incident.storm is not None else service  # its children are looked into, not the storm
    ladder = on_call if isinstance(on_call, Ladder) else Ladder.of(on_call)
    if not closed:
        yield from pages(incident, policy, ladder) if not incident.is_silent else ()
        yield from calls(incident)
    owed: list[Owed] = [*following(incident)]
    if (settles := alerts_due(incident, policy)) is not None:
        owed.append(AlertsOwed(f"alerts:{incident.id}:{settles:%Y%m%dT%H%M%S}", settles))
    if service is not None and not closed:
        owed.extend(_understanding(incident, service))
    if service is not None:
        owed.extend(_automatic(incident, policy, service))
    for mitigation in incident.mitigations.values() if not closed else ():
        owed.extend(_mitigation(incident, mitigation, policy))
        owed.extend(_collect(incident, mitigation))
    owed.extend(_step(incident))
    owed.extend(_room(incident))
    owed.extend(_reminders(incident, policy, ladder.on_call, people))
    waits = LATER + (() if incident.acknowledged else BY_LAW) if incident.is_silent else ()
    for each in owed:
        if isinstance(each, waits):
            continue
        trouble = incident.troubles.get(each.key)
        if trouble is None:
            yield each
        else:  # what kept it back before it fell due, such as before somebody broke the glass, does not any more
            due = each.due if trouble.at < each.due else max(each.due, trouble.again_at)
            yield replace(each, attempt=trouble.count + 1, due=due)


def _understanding(incident: Incident, service: Service) -> Iterator[Owed]:
    start = incident.declared_at
    if start is None:
        return
    if incident.suspected and incident.acknowledged is None:
        if incident.is_open and incident.diagnosed is None and service.evidence:
            yield DiagnoseOwed(f"diagnose:{incident.id}", start)  # what it finds is there should it become a page
        return
    basis = duty_basis(incident, service)
    if incident.duty_basis != basis:  # the law goes on asking after the harm is over
        yield DutiesOwed(f"duties:{incident.id}:{basis}", start, basis=basis)
    elif (again := min((each.again for each in incident.duties.values() if each.again), default=None)) is not None:
        yield DutiesOwed(f"duties:{incident.id}:{basis}:{again:%Y%m%dT%H%M}", again, basis=basis)
    if not incident.is_open:
        return
    if incident.diagnosed is None and service.evidence:
        yield DiagnoseOwed(f"diagnose:{incident.id}", start)
    elif incident.diagnosed is not None and "drift" in service.evidence and not incident.reported:
        yield ReportOwed(f"report:{incident.id}", incident.diagnosed)
    if incident.run is None and (incident.diagnosed is not None or not service.evidence):
        yield RunbookOwed(f"runbook:{incident.id}", incident.diagnosed or start)


def duty_basis(incident: Incident, service: Service) -> str:
    """A short digest of the facts the regimes are asked with: they are asked again exactly when it changes."""
    facts = {
        "facts": dict(incident.facts),
        "legal": dict(service.legal),
        "people": incident.impact.people if incident.impact else None,
        "onset": incident.onset,
        "detected": incident.detected,
        "acknowledged": incident.acknowledged,
        "mitigated": incident.mitigated,
        "resolved": incident.resolved,
        "decided": {name: each.answer for name, each in incident.duties.items() if each.decided_by},
        "filed": {each.id: each.filing.at for each in incident.notices.values() if each.filing},
        **({"affected": incident.affected.basis} if incident.affected else {}),
    }
    return hashlib.sha256(json.dumps(facts, sort_keys=True, default=str).encode()).hexdigest()[:12]


def _automatic(incident: Incident, policy: Policy, service: Service) -> Iterator[AutoOwed]:
    """The first prepared mitigation that answers the likeliest cause and is approved beforehand, once per incident."""
    if not incident.is_open or incident.urgency is not Urgency.PAGE or not incident.hypotheses:
        return
    if incident.phase is Phase.MITIGATED or any(each.is_pending for each in incident.mitigations.values()):
        return
    tried = {(each.plan.target, each.plan.means) for each in incident.mitigations.values()}
    for means in incident.hypotheses[0].remedies:
        for offer in service.offers:
            fits = offer.means == means and policy.is_automatic(offer.target, Means(means))
            if fits and offer.name not in incident.left_to_people and (offer.target, means) not in tried:
                due = incident.diagnosed or incident.declared_at
                if due is not None:
                    yield AutoOwed(f"auto:{incident.id}:{offer.name}", due, offer=offer.name)
                return


def _collect(incident: Incident, mitigation: Mitigation) -> Iterator[CollectOwed]:
    """What was missing is asked for again after a while, a few times."""
    key = f"collect:{incident.id}:{mitigation.id}"
    trouble = incident.troubles.get(key)
    if mitigation.held is None or not mitigation.not_held or (trouble is not None and trouble.count >= COLLECT_TRIES):
        return
    yield CollectOwed(key, mitigation.hold_until + COLLECT_AFTER, mitigation=mitigation.id)


def _mitigation(incident: Incident, mitigation: Mitigation, policy: Policy) -> Iterator[Owed]:
    name = f"{incident.id}:{mitigation.id}"
    if mitigation.held is None and mitigation.state in PENDING | EFFECTIVE:  # once it began, what there still is
        yield HoldOwed(f"hold:{name}", mitigation.proposed_at, mitigation=mitigation.id)
    match mitigation.state:
        case State.PROPOSED | State.APPROVED:
            yield ExpireOwed(f"expire:{name}", mitigation.expires_at, mitigation=mitigation.id)
            if mitigation.state is State.APPROVED and not held_back(incident, mitigation):
                yes = mitigation.approvals[-1].at if mitigation.approvals else mitigation.proposed_at  # or beforehand
                due = yes if mitigation.hold_finished else mitigation.hold_until
                yield ExecuteOwed(f"execute:{name}", due, mitigation=mitigation.id)
        case State.CLAIMED | State.UNDOING if mitigation.accepted_at is not None:
            yield SettleOwed(f"settle:{name}:{mitigation.undos}", mitigation.accepted_at, mitigation=mitigation.id)
        case State.CLAIMED:
            yield ExecuteOwed(
                f"execute:{name}", mitigation.claimed_at or mitigation.proposed_at, mitigation=mitigation.id
            )
        case State.APPLIED | State.NOT_HELPING:
            applied = mitigation.applied_at or mitigation.proposed_at
            yield VerifyOwed(f"verify:{name}", applied + policy.verify_after, mitigation=mitigation.id)
        case State.UNDOING if mitigation.undo_begun_at is not None or not held_back(incident, mitigation):
            applied = mitigation.applied_at or mitigation.proposed_at
            yield UndoOwed(f"undo:{name}:{mitigation.undos}", applied, mitigation=mitigation.id)
        case (
            State.UNDOING
            | State.VERIFIED
            | State.FAILED
            | State.UNKNOWN
            | State.DECLINED
            | State.EXPIRED
            | State.STALE
            | State.UNDONE
        ):
            return


def _step(incident: Incident) -> Iterator[Owed]:
    run = incident.run
    step = run.step if run else None
    if run is None or step is None or not step.kind.automatic or not incident.is_open or run.since is None:
        return
    due = run.since
    if step.kind is Kind.WAIT:
        due += timedelta(seconds=float(str(step.params.get("seconds", 0))))
    started = f"{run.started:%Y%m%dT%H%M%S.%f}"  # a runbook started again owes its steps again
    yield StepOwed(f"step:{incident.id}:{started}:{len(run.done)}:{step.id}", due, step=step.id)


def _room(incident: Incident) -> Iterator[Owed]:
    room = incident.room
    if room is None:
        return
    if room.pending and incident.is_open:
        yield RoomOwed(f"room:{incident.id}:{room.number}", room.asked_at)
    if room.stands and incident.phase is Phase.CLOSED and incident.closed is not None:
        yield ArchiveOwed(f"archive:{incident.id}:{room.number}", incident.closed)


def _reminders(
    incident: Incident, policy: Policy, on_call: Sequence[str], people: Sequence[Person]
) -> Iterator[RemindOwed]:
    """One message per person for everything that waits for them; not sooner than they were last reminded or asked."""
    waiting: dict[str, list[tuple[datetime, Matter]]] = {}
    for matter in reminders(incident, policy, on_call, people):
        if incident.phase is not Phase.CLOSED or matter.reason is Reason.FOLLOWUP:
            due = ripe(matter, incident.reminded.get(matter.person, Reminded()), policy)
            waiting.setdefault(matter.person, []).append((due, matter))
    for person, matters in waiting.items():
        due, first = min(matters, key=lambda pair: pair[0])
        turns = incident.reminded.get(person, Reminded()).turns
        occasion = hashlib.sha256(f"{turns}:{first.mark}".encode()).hexdigest()[:8]  # another one, another key
        yield RemindOwed(f"remind:{incident.id}:{person}:{occasion}", due, person=person)
