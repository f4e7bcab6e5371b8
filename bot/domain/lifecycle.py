"""An incident's life: declared, resolved, closed, re-opened; its times come from the data, not from typing."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, ClassVar

from bot.domain.checks import resolve_checks, running_clocks, unfinished_changes
from bot.domain.errors import Refused
from bot.domain.log import Ask, Claim, Command, Entry, Event, Free, Sentence, Take, When, Who, Words, says
from bot.domain.phase import ANYBODY, RESPONDERS, Phase, require_open
from bot.domain.policy import Severity, Urgency
from bot.domain.sli import Sli

if TYPE_CHECKING:
    from bot.domain.incident import Incident


def open_claim(fingerprint: str) -> str:
    """The claim that keeps one open incident per fingerprint."""
    return f"open:{fingerprint}"


# -- declare ---------------------------------------------------------------------------------------------------------


LONGEST_TITLE = 200


@dataclass(frozen=True, slots=True)
class Declare(Command):
    """Open an incident. `onset` is when the harm began by the data, `detected` when a verdict first said so."""

    title: str
    severity: Severity
    service: str
    because: str
    onset: datetime
    detected: datetime
    slo: str = ""
    slice: str = ""
    fingerprint: str = ""
    restricted: bool = False
    sli: Sli | None = None
    urgency: Urgency = Urgency.PAGE
    lag: tuple[tuple[str, float], ...] = ()  # stages of the bot's own detection, in seconds

    def decide(self, incident: Incident, ask: Ask) -> Iterator[Event]:
        ask.policy.require(ask.person, ANYBODY, "declare an incident")
        if incident.exists:
            raise Refused(f"{incident.id} was declared already")
        if not self.title.strip():
            raise Refused("an incident needs a title that says what is broken")
        if len(self.title.strip()) > LONGEST_TITLE and not ask.person.is_bot:
            many = len(self.title.strip())
            raise Refused(f"a title has at most {LONGEST_TITLE} letters, this one {many}: give the rest as the reason")
        if self.onset > self.detected:
            raise Refused("the onset cannot lie after the detection")
        yield IncidentDeclared(
            title=self.title.strip(),
            severity=self.severity,
            service=self.service,
            because=self.because,
            onset=self.onset,
            detected=self.detected,
            slo=self.slo,
            slice=self.slice,
            fingerprint=self.fingerprint or f"manual/{incident.id}",
            restricted=self.restricted,
            sli=self.sli,
            urgency=self.urgency,
            lag=self.lag,
        )


@dataclass(frozen=True, slots=True)
class IncidentDeclared(Event):
    """An incident was opened."""

    title: Words
    severity: Severity
    service: str
    because: Words
    onset: datetime
    detected: datetime
    slo: str
    slice: str
    fingerprint: str
    restricted: bool
    sli: Sli | None
    urgency: Urgency = Urgency.PAGE
    lag: tuple[tuple[str, float], ...] = ()
    umbrella: str = ""  # the incident of the storm it is a child of

    @property
    def happened_at(self) -> datetime:
        return self.detected

    def evolve(self, incident: Incident, entry: Entry) -> Incident:
        return replace(
            incident,
            phase=Phase.DECLARED,
            title=self.title,
            severity=self.severity,
            urgency=self.urgency,
            lag=self.lag,
            service=self.service,
            because=self.because,
            onset=self.onset,
            detected=self.detected,
            slo=self.slo,
            slice=self.slice,
            fingerprint=self.fingerprint,
            restricted=self.restricted,
            umbrella=self.umbrella,
            sli=self.sli,
            declared_by=entry.by,
            declared_at=entry.at,
        )

    def says(self, by: str) -> Sentence:
        said = (
            "{who} suspects {severity}: {title} (began {onset})"
            if self.urgency is Urgency.NOTICE
            else ("{who} declared {severity}: {title} (began {onset})")
        )
        return says(
            said,
            who=Who(by),
            severity=str(self.severity),
            title=self.title,
            onset=When(self.onset),
        )

    def claims(self, incident: Incident) -> Iterable[Claim]:
        return [Take(open_claim(self.fingerprint), f"an incident for {self.fingerprint} is open already: {{holder}}")]


# -- change ----------------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class ChangeSeverity(Command):
    """Raise or lower the severity, with a reason."""

    severity: Severity
    because: str

    def decide(self, incident: Incident, ask: Ask) -> Iterator[Event]:
        ask.policy.require(ask.person, RESPONDERS, "change the severity")
        require_open(incident, "change its severity")
        if self.severity is incident.severity:
            return
        if not self.because.strip():
            raise Refused("say why the severity changes")
        yield SeverityChanged(self.severity, self.because.strip(), self._sooner(incident, ask))

    def _sooner(self, incident: Incident, ask: Ask) -> datetime | None:
        """Worse than before, everybody hears in the new rhythm, unless they were promised to hear sooner."""
        due = ask.policy.next_update(self.severity, ask.at)
        if due is None or incident.unclaimed or self.severity > incident.severity:
            return None
        return due if incident.update_due is None or due < incident.update_due else None


@dataclass(frozen=True, slots=True)
class SeverityChanged(Event):
    """The severity was changed by a person."""

    severity: Severity
    because: Words
    next_due: datetime | None = None  # where the next update is due sooner now

    def evolve(self, incident: Incident, entry: Entry) -> Incident:
        return replace(incident, severity=self.severity, update_due=self.next_due or incident.update_due)

    def says(self, by: str) -> Sentence:
        return says(
            "{who} set the severity to {severity}: {because}",
            who=Who(by),
            severity=str(self.severity),
            because=self.because,
        )


@dataclass(frozen=True, slots=True)
class Update(Command):
    """Tell everybody where things stand, and when they hear again.

    `next_in` is how long until then: None is the policy's rhythm for this severity, zero promises nothing.
    `broadcast` says whether the whole channel hears it, not the thread alone; None leaves that to the policy.
    """

    text: str
    next_in: timedelta | None = None
    broadcast: bool | None = None

    def decide(self, incident: Incident, ask: Ask) -> Iterator[Event]:
        ask.policy.require(ask.person, RESPONDERS, "post an update")
        if not incident.exists:
            raise Refused(f"there is no incident {incident.id}")
        if not self.text.strip():
            raise Refused("an update needs words")
        if self.next_in is not None and self.next_in < timedelta(0):
            raise Refused("the next update cannot lie in the past")
        broadcast = ask.policy.tells_everybody(incident.severity) if self.broadcast is None else self.broadcast
        yield UpdatePosted(self.text.strip(), self._next(incident, ask), broadcast)

    def _next(self, incident: Incident, ask: Ask) -> datetime | None:
        if not incident.is_open:
            return None
        if self.next_in is None:
            return ask.policy.next_update(incident.severity, ask.at)
        return ask.at + self.next_in if self.next_in else None


@dataclass(frozen=True, slots=True)
class UpdatePosted(Event):
    """A status update for everybody who follows."""

    text: Words
    next_due: datetime | None = None
    broadcast: bool = True

    def evolve(self, incident: Incident, entry: Entry) -> Incident:
        return replace(incident, update_due=self.next_due)

    def says(self, by: str) -> Sentence:
        return says("{who}: {text}", who=Who(by), text=self.text)


# -- end -------------------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Resolve(Command):
    """Say that it is over. Missing data is not good news: each open check needs a reason in so many words.

    `waivers` are (key of the check, reason); `waive` is one reason for every open check that has none of its own.
    """

    summary: str
    waive: str = ""
    waivers: tuple[tuple[str, str], ...] = ()

    def decide(self, incident: Incident, ask: Ask) -> Iterator[Event]:
        ask.policy.require(ask.person, RESPONDERS, "resolve an incident")
        if incident.phase in (Phase.RESOLVED, Phase.CLOSED):
            return
        require_open(incident, "resolve it")
        if not self.summary.strip():
            raise Refused("say in a sentence how it ended")
        given = {key: reason.strip() for key, reason in self.waivers}
        open_checks = [check for check in resolve_checks(incident) if check.open]
        reasons = {check.key: given.get(check.key) or self.waive.strip() for check in open_checks}
        if bare := [check.what for check in open_checks if not reasons[check.key]]:
            raise Refused(f"not yet: {'; '.join(bare)}. Waive with a reason to resolve all the same")
        waived = tuple(Waiver(check.key, check.what, reasons[check.key]) for check in open_checks)
        yield IncidentResolved(self.summary.strip(), waivers=waived)


@dataclass(frozen=True, slots=True)
class Waiver:
    """A check that was open at the end, and why it was over all the same."""

    key: str
    what: str
    because: Words


@dataclass(frozen=True, slots=True)
class IncidentResolved(Event):
    """A person said it is over. `waived` and `waived_because` are how older entries say it, for all checks at once."""

    summary: Words
    waived: str = ""
    waived_because: Words = ""
    waivers: tuple[Waiver, ...] = ()

    quiet: ClassVar[bool] = False

    def evolve(self, incident: Incident, entry: Entry) -> Incident:
        ended = replace(incident, phase=Phase.RESOLVED, resolved=entry.happened_at, resolved_by=entry.by)
        return replace(ended, update_due=None, ending=self.summary)

    @property
    def exceptions(self) -> str:
        """Every check that was waived with its reason, "" where all held."""
        known = self.waivers or ((Waiver("", self.waived, self.waived_because),) if self.waived else ())
        return "; ".join(f"{one.what}, because {one.because}" for one in known)

    def says(self, by: str) -> Sentence:
        if self.exceptions:
            words = "{who} resolved it: {summary} (waived: {waived})"
            return says(words, who=Who(by), summary=self.summary, waived=self.exceptions)
        return says("{who} resolved it: {summary}", who=Who(by), summary=self.summary)

    def claims(self, incident: Incident) -> Iterable[Claim]:
        return [Free(open_claim(key)) for key in (incident.fingerprint, *incident.alerts)]


@dataclass(frozen=True, slots=True)
class Reopen(Command):
    """It came back, or was never over."""

    because: str

    def decide(self, incident: Incident, ask: Ask) -> Iterator[Event]:
        ask.policy.require(ask.person, RESPONDERS, "re-open an incident")
        if incident.is_open:
            return
        if not incident.exists:
            raise Refused(f"there is no incident {incident.id}")
        due = ask.policy.next_update(incident.severity, ask.at) if incident.acknowledged else None
        yield IncidentReopened(self.because.strip() or "no reason given", due)


@dataclass(frozen=True, slots=True)
class IncidentReopened(Event):
    """The incident is open again, and everybody hears of it again."""

    because: Words
    next_due: datetime | None = None

    def evolve(self, incident: Incident, entry: Entry) -> Incident:
        phase = Phase.ACKNOWLEDGED if incident.acknowledged else Phase.DECLARED
        back = replace(incident, phase=phase, resolved=None, closed=None, mitigated=None, update_due=self.next_due)
        return replace(back, resolved_by="", ending="", alerts_quiet=None, merged_into="", moved={})

    def says(self, by: str) -> Sentence:
        return says("{who} re-opened it: {because}", who=Who(by), because=self.because)

    def claims(self, incident: Incident) -> Iterable[Claim]:
        firing = [key for key, each in incident.alerts.items() if each.firing]
        because = "a newer incident for the same cause is open: {holder}"
        return [Take(open_claim(key), because) for key in (incident.fingerprint, *firing)]


@dataclass(frozen=True, slots=True)
class Close(Command):
    """File it away: learning is done."""

    def decide(self, incident: Incident, ask: Ask) -> Iterator[Event]:
        ask.policy.require(ask.person, RESPONDERS, "close an incident")
        if incident.phase is Phase.CLOSED:
            return
        if incident.phase is not Phase.RESOLVED:
            raise Refused(f"{incident.id} is {incident.phase}; resolve it first")
        if unfinished := unfinished_changes(incident) or running_clocks(incident):
            raise Refused(unfinished)
        yield IncidentClosed()


@dataclass(frozen=True, slots=True)
class IncidentClosed(Event):
    """The incident was filed away."""

    def evolve(self, incident: Incident, entry: Entry) -> Incident:
        return replace(incident, phase=Phase.CLOSED, closed=entry.at)

    def says(self, by: str) -> Sentence:
        return says("{who} closed it", who=Who(by))
