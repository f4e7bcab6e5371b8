"""The desk every door stands at: what people may ask of the house, in Slack, on the web or by command."""

from __future__ import annotations

import contextlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime

from bot.clock import Clock
from bot.domain.approval import ApproveMitigation
from bot.domain.duty import AssignDuty, RecordFact
from bot.domain.errors import Conflict, Invalid, NotFound, NotYours, Refused, Unavailable
from bot.domain.escalation import Ladder
from bot.domain.execution import ReportOutcome
from bot.domain.filing import FileNotice
from bot.domain.glass import BreakGlass, ReviewGlass
from bot.domain.impact import Impact, estimate
from bot.domain.incident import Incident
from bot.domain.kept import ReportKeptTooLate
from bot.domain.lifecycle import Declare
from bot.domain.log import Command
from bot.domain.mitigation import Outcome
from bot.domain.named import named
from bot.domain.notice import STANDING_WORDS, Notice, RequestNotice, notice_of
from bot.domain.phase import RESPONDERS
from bot.domain.policy import THE_BOT, Person, Policy, Role, Severity
from bot.domain.roles import Assign
from bot.domain.runbook import Runbook, StartRunbook
from bot.domain.service import Service
from bot.domain.signing import ApproveNotice, FreezeNotice, MarkStale
from bot.domain.stating import ApproveStatement
from bot.domain.storm import Digest
from bot.domain.turned_away import NoteRefusal
from bot.domain.undo import ReportUndo
from bot.domain.wording import EnterField, Reword
from bot.engine import joining
from bot.engine.affected import AffectedRoom
from bot.engine.changes import OF_CHANGES, Changes
from bot.engine.courtesy import Courtesy
from bot.engine.covering import Covering
from bot.engine.decisions import Decisions
from bot.engine.handle import Handler
from bot.engine.ports import Action, Drafter, Exhibits, Log, People, Talk
from bot.engine.roster import Plans, Roster
from bot.engine.situation import Bar, Chart, Keepsake, Shown, Situation, Words
from bot.engine.values import Profile, Summary
from bot.notices.locales import parted
from bot.rota.escalation import Escalation

EVERYTHING = frozenset({Role.COUNSEL, Role.ADMIN})
"""Who may see every restricted incident."""

ENOUGH_BARS, CLOSER = 10, 5
"""Bars with data that make a chart, and how often it is drawn closer for them."""


@dataclass(frozen=True, slots=True)
class Catalogue:
    """What the files in git say: services, runbooks, policy, and where the console is."""

    services: Mapping[str, Service] = field(default_factory=dict)
    runbooks: Mapping[str, Runbook] = field(default_factory=dict)
    policy: Policy = field(default_factory=Policy)
    on_call: Mapping[str, tuple[str, ...]] = field(default_factory=dict)  # service → keys of people, first one first
    web_url: str = ""
    timezone: str = "UTC"  # by whose clocks people type a time


class Charts:
    """Where charts come from; the watch fills it, an empty one shows none."""

    def chart(self, slo: str, since: datetime | None, until: datetime) -> Chart | None:
        """The SLI of that SLO over that time, or None where nothing is known of it."""
        return None

    def counted(self, slo: str, since: datetime, until: datetime) -> tuple[Bar, ...]:
        """Its events over that time as finely as they are still known, oldest first."""
        return ()


class Desk:
    """One desk serves every door. All its methods may raise Refused, Unavailable, NotFound with a sentence to show."""

    def __init__(
        self,
        *,
        handler: Handler,
        people: People,
        exhibits: Exhibits,
        catalogue: Catalogue,
        drafter: Drafter,
        actions: Mapping[str, Action],
        charts: Charts,
        talk: Talk,
        decisions: Mapping[str, Decisions] | None = None,  # prediction logs by service
        roster: Roster | None = None,  # left out, everybody of the catalogue's `on_call` is a level of their own
    ) -> None:
        self.handler, self.people, self.exhibits, self.talk = handler, people, exhibits, talk
        self.courtesy = Courtesy()
        self.catalogue, self.drafter, self.charts = catalogue, drafter, charts
        self.changes = Changes(self, actions)
        self.affected = AffectedRoom(self, decisions or {})
        self.roster = roster or Roster(Plans(by_service=_levels(catalogue)), people, handler.clock)
        self.covering = Covering(self.roster)

    @property
    def log(self) -> Log:
        """The log behind the handler."""
        return self.handler.log

    @property
    def clock(self) -> Clock:
        """The handler's clock."""
        return self.handler.clock

    # -- asking ------------------------------------------------------------------------------------------------------

    async def submit(
        self, incident: str, command: Command, who: Profile | None = None, *, cause: str = "", inbound: str = ""
    ) -> Incident:
        """Pass a command on for a person (None: Tocsin itself).

        A fact is kept only if it is one and the value is of its kind: the log cannot be corrected by hand.
        """
        person = who.person if who else THE_BOT
        if who is not None and isinstance(command, OF_CHANGES):
            person = await self.changes.badged(incident, who)
        if isinstance(command, RecordFact):
            command = replace(command, value=self.drafter.stated(command.fact, command.value))
        if isinstance(command, EnterField):
            command = await self._entered(incident, command)
        if isinstance(command, ApproveNotice | FileNotice):
            command = await self._compared(incident, command)
        if isinstance(command, AssignDuty):
            await self._fit_duty(command)
        if isinstance(command, Assign):
            await self._fit(command)
        if isinstance(command, ReportOutcome | ReportUndo | ReportKeptTooLate) and command.outcome is Outcome.UNKNOWN:
            command = replace(command, tell=await self.changes.looked_after_by(incident))
        try:
            return await self.handler.submit(incident, command, by=person, cause=cause, inbound=inbound)
        except NotYours as refused:
            await self._remember(incident, command, refused, person, inbound)
            raise

    async def _remember(self, incident: str, command: Command, refused: NotYours, person: Person, inbound: str) -> None:
        """That somebody tried to approve what is not theirs stands in the timeline; they are refused either way."""
        if isinstance(command, ApproveMitigation | BreakGlass | ReviewGlass | ApproveNotice | ApproveStatement):
            note, name = NoteRefusal(command.id, refused.because), f"{inbound}#refused" if inbound else ""
            with contextlib.suppress(Unavailable, Conflict):
                await self.handler.submit(incident, note, by=person, inbound=name)

    async def _fit(self, command: Assign) -> None:
        """Who plays a part must be allowed what it takes. Raises Refused."""
        given = await self.people.by_id(command.person)
        if given is not None and not given.roles & RESPONDERS:
            wanted = " or ".join(sorted(RESPONDERS))
            raise Refused(f"{given.name} cannot be {command.part}: that takes a {wanted}")

    async def declare(
        self,
        title: str,
        severity: Severity,
        service: str,
        because: str,
        who: Profile,
        *,
        restricted: bool = False,
        inbound: str = "",
    ) -> Incident:
        """Open an incident by hand; onset is then the time of asking until somebody corrects it."""
        if service and service not in self.catalogue.services:
            raise NotFound("service", service, sorted(self.catalogue.services))
        if inbound and (before := await self.handler.again(inbound)) is not None:
            return before
        now = self.clock.now()
        command = Declare(title, severity, service, because, now, now, restricted=restricted)
        return await self.handler.open(command, by=who.person, inbound=inbound)

    async def merge(self, incident: str, into: str, who: Profile, because: str = "", *, inbound: str = "") -> Incident:
        """Resolve an incident as the same thing as another, which goes on with its alerts; that one."""
        other = await self.log.load(into)
        may_see = not other.restricted or who.id in named(other) or who.id in await self.on_call(other.service)
        if not other.exists or not (may_see or who.roles & EVERYTHING):
            raise NotFound("incident", into)
        return await joining.merge(self.handler, incident, into, because, by=who.person, inbound=inbound)

    async def split(
        self, incident: str, alerts: Sequence[str], who: Profile, because: str = "", *, inbound: str = ""
    ) -> Incident:
        """Go on with these alerts, by key, in an incident of their own; the new one."""
        return await joining.split(self.handler, incident, alerts, because, by=who.person, inbound=inbound)

    def service_of(self, incident: Incident) -> Service | None:
        """The catalogue's entry of an incident."""
        return self.catalogue.services.get(incident.service)

    async def start_runbook(self, incident: str, name: str, who: Profile | None, *, inbound: str = "") -> Incident:
        """Follow a runbook."""
        book = self.catalogue.runbooks.get(name)
        if book is None:
            raise NotFound("runbook", name, sorted(self.catalogue.runbooks))
        return await self.submit(incident, StartRunbook(book), who, inbound=inbound)

    async def _entered(self, incident: str, command: EnterField) -> EnterField:
        """A line of the form exists and takes that value. Raises Refused."""
        notice = notice_of(await self.log.load(incident), command.id)
        return replace(command, value=self.drafter.entered(notice.template, command.key, command.value.strip()))

    async def _compared(self, incident: str, command: ApproveNotice | FileNotice) -> ApproveNotice | FileNotice:
        """Frozen words that no longer say what the record says are marked stale before anybody signs or files them.

        What was approved is recorded as filed even where its template is gone since.
        """
        situation = await self._bare(incident)
        notice = situation.incident.notices.get(command.id)
        if notice is None or notice.latest is None or notice.standing not in STANDING_WORDS:
            return command
        try:
            now = self._drafted(situation, notice.template, notice).digest
        except NotFound as gone:
            return command if isinstance(command, FileNotice) else replace(command, unfilled=str(gone))
        except Refused as wrong:
            return replace(command, unfilled=wrong.because)
        if now != notice.latest.digest:
            await self.submit(incident, MarkStale(notice.id, now), cause=f"notice:{notice.id}")
        return command

    async def _fit_duty(self, command: AssignDuty) -> None:
        """Who answers for a duty must be somebody the directory knows. Raises NotFound."""
        for person in filter(None, (command.owner, command.deputy)):
            if await self.people.by_id(person) is None:
                raise NotFound("person", person, sorted(each.id for each in await self.people.everyone()))

    async def request_notice(
        self, incident: str, template: str, who: Profile, *, locale: str = "", inbound: str = ""
    ) -> Incident:
        """Begin a notice, such as `stakeholders/update` or `eu_gdpr_art33/sa_notification`, in a language if it has it.

        `stakeholders/executives.de` is that template in German.
        """
        kinds = self.drafter.kinds()
        if template not in kinds or (locale and not parted(template)[1] and f"{template}.{locale}" not in kinds):
            raise NotFound("notice template", f"{template}.{locale}" if locale else template, sorted(kinds))
        stem, tag = parted(template)
        if tag and stem in kinds:
            template, locale = stem, tag
        self._drafted(await self.situation(incident), template)
        regime, _, stage = parted(template)[0].partition("/")
        regime, stage = ("", "") if regime == "stakeholders" else (regime, stage)
        return await self.submit(incident, RequestNotice(template, regime, stage, locale), who, inbound=inbound)

    async def ask_approval(self, incident: str, notice: str, who: Profile, *, inbound: str = "") -> Incident:
        """Freeze a notice's words as they are now and ask for approval of exactly those."""
        situation = await self.situation(incident)
        known = notice_of(situation.incident, notice)
        words = self._drafted(situation, known.template, known)
        command = FreezeNotice(
            notice, words.text, words.digest, words.gaps, situation.now, words.facts, words.rules, words.form
        )
        return await self.submit(incident, command, who, inbound=inbound)

    async def reword(
        self, incident: str, notice: str, text: str, digest: str, who: Profile, *, inbound: str = ""
    ) -> Incident:
        """Counsel's own words in place of those of that digest; what the facts say later is merged into them."""
        situation = await self.situation(incident)
        known = notice_of(situation.incident, notice)
        words = self._drafted(situation, known.template, known)
        lines = text.replace("\r\n", "\n")  # as a browser sends them
        over = known.rewording.text if known.rewording else ""
        command = Reword(notice, lines, words.base, digest == words.digest, over)
        return await self.submit(incident, command, who, inbound=inbound)

    async def estimate_impact(self, incident: str) -> Impact:
        """What the data and the catalogue say of the impact, to begin an assessment with."""
        known = await self.log.load(incident)
        service = self.service_of(known)
        if service is None:
            raise NotFound("service", known.service, sorted(self.catalogue.services))
        now = self.clock.now()
        chart = self.charts.chart(known.slo, known.onset, known.mitigated or now) if known.slo else None
        bad = sum(bar.bad for bar in chart.bars) if chart else None
        return estimate(service, bad, now)

    # -- looking -----------------------------------------------------------------------------------------------------

    async def summaries(self, *, limit: int = 100) -> list[Summary]:
        """The newest incidents first."""
        return await self.log.summaries(limit=limit)

    async def situation(self, incident: str) -> Situation:
        """Everything a view may look at. Raises NotFound where there is no such incident."""
        return self._with_drafts(await self._bare(incident))

    async def _bare(self, incident: str) -> Situation:
        """All of it but the words of its notices and what is asked."""
        known = await self.log.load(incident)
        if not known.exists:
            raise NotFound("incident", incident)
        entries = await self.log.entries(incident)
        now = self.clock.now()
        everyone, on_call = await self.people.everyone(), await self.on_call(known.service)
        people = {p.id: Shown(p.id, p.name, p.slack_team, p.slack_user) for p in everyone}
        names = [known.slo, *(sli.slo for sli in known.attached)]
        charts = [self._chart(slo, known.onset, now) for slo in names if slo]
        kept = [Keepsake(e.id, e.name, e.media_type, e.sha256, e.at) for e in await self.exhibits.of(incident)]
        return Situation(
            incident=known,
            entries=tuple(entries),
            now=now,
            service=self.service_of(known),
            people=people,
            charts=tuple(chart for chart in charts if chart),
            runbooks=tuple(self.catalogue.runbooks.values()),
            exhibits=tuple(kept),
            notice_kinds=self.drafter.kinds(),
            on_call=on_call,
            web_url=self.catalogue.web_url,
            policy=self.handler.policy,
            directory=tuple(p.person.among(on_call) for p in everyone),
            digest=await self._digest(known, now),
        )

    async def _digest(self, incident: Incident, now: datetime) -> Digest | None:
        storm = incident.storm
        return await self.log.digest(incident.id, storm.since, storm.until or now) if storm is not None else None

    async def postmortem(self, incident: str) -> str:
        """The draft of a post-mortem as of now, in Markdown. Raises NotFound; Refused where its template is wrong."""
        situation = replace(await self.situation(incident), spoken=await self.talk.spoken(incident))
        try:
            return self.drafter.postmortem(situation)
        except Invalid as wrong:
            raise Refused(f"the template of the post-mortem cannot be filled: {wrong}") from None

    def _chart(self, slo: str, since: datetime | None, until: datetime) -> Chart | None:
        """The SLI from the onset on; where the data begin much later, from there, so that there is a course to see."""
        drawn = self.charts.chart(slo, since, until)
        for _ in range(CLOSER):
            covered = [bar.at for bar in drawn.bars if bar.covered] if drawn else []
            if drawn is None or not covered or len(covered) >= ENOUGH_BARS:
                break
            closer = self.charts.chart(slo, covered[0], until)
            if closer is None or not closer.bars or closer.bars[0].at <= drawn.bars[0].at:
                break
            drawn = closer
        return drawn

    def _with_drafts(self, situation: Situation) -> Situation:
        """Every notice's words as they would be now; a template that is gone or wrong takes nothing else with it."""
        drafts: dict[str, Words] = {}
        unfilled: dict[str, str] = {}
        for name, notice in situation.incident.notices.items():
            try:
                drafts[name] = self._drafted(situation, notice.template, notice)
            except NotFound as missing:
                unfilled[name] = f"{name} cannot be drafted: {missing}"
            except Refused as refused:
                unfilled[name] = refused.because
        questions = self.drafter.questions(situation) if situation.incident.duties else ()
        return replace(situation, drafts=drafts, unfilled=unfilled, questions=questions)

    def _drafted(self, situation: Situation, template: str, notice: Notice | None = None) -> Words:
        """The words of that template now. Raises NotFound; Refused where the template itself is wrong, saying where."""
        try:
            return self.drafter.draft(situation, template, notice)
        except Invalid as wrong:
            raise Refused(f"the template of {template} cannot be filled: {wrong}") from None

    async def on_call(self, service: str) -> tuple[str, ...]:
        """Opaque ids of the people on call for a service, first level first."""
        return await self.roster.on_call(service)

    async def ladder(self, incident: Incident) -> Ladder:
        """Whom its pages climb to, as it stands now."""
        return await self.roster.ladder(incident)

    async def open_incidents(self) -> Sequence[Incident]:
        """Every incident that is not closed and can be read, oldest first."""
        return await self.handler.legible.open()


def _levels(catalogue: Catalogue) -> dict[str, Escalation]:
    return {service: Escalation.of(service, keys) for service, keys in catalogue.on_call.items()}
