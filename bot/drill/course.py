"""The course of a drill, link by link: breach, page, diagnosis, runbook, a change with its proof, and the end."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from datetime import timedelta

from bot.clock import Clock, SystemClock
from bot.domain.errors import Refused, TocsinError
from bot.domain.finding import HypothesesRanked
from bot.domain.incident import Incident
from bot.domain.lifecycle import Resolve
from bot.domain.log import Command
from bot.domain.paging import Acknowledge
from bot.domain.policy import Policy, Urgency
from bot.domain.runbook import CompleteStep
from bot.domain.timeline import plain
from bot.drill import change
from bot.drill.cast import Cast
from bot.drill.house import Stage
from bot.drill.report import Broken, Link, Notice, Report, span
from bot.engine.values import Profile

HEALTHY = 20  # polls before it breaks
DETECT_WITHIN = timedelta(hours=6)
LOOK = 0.5  # seconds between two looks while people are at it
STEPS = 40  # of a runbook at most: some go in circles
BECAUSE = "drill"

Say = Callable[[str], None]


@dataclass
class Course:
    """Walks the chain on a stage and writes down what held."""

    stage: Stage
    report: Report
    say: Say = lambda _words: None
    machine: Clock = field(default_factory=SystemClock)
    incident: str = ""
    cast: Cast = field(init=False)

    async def run(self) -> Report:
        """The whole chain; a broken link ends only what hangs on it."""
        self.cast = await Cast.of(self.stage.house.desk, self.stage.service.name)
        self._look_around()
        if await self.link("breach", self._breach):
            self.report.incident = self.incident
            await self.link("page", self._page)
            await self.link("acknowledge", self._acknowledge)
            await self.link("diagnosis", self._diagnosis)
            await self.link("runbook", self._runbook)
            await change.walk(self)
            await self.link("resolve", self._resolve)
            await self.link("notices", self._notices)
            await self.link("record", self._record)
            situation = await self.stage.house.desk.situation(self.incident)
            self.report.timeline = [plain(entry.event.says(entry.by), situation.name) for entry in situation.entries]
        return self.report

    @property
    def policy(self) -> Policy:
        """The rules in force."""
        return self.stage.house.desk.handler.policy

    async def known(self) -> Incident:
        """The incident as it stands."""
        return await self.stage.house.desk.log.load(self.incident)

    async def link(self, name: str, walk: Callable[[], Awaitable[str | None]]) -> bool:
        """Walk one link; whether it held. None for its words says that there was nothing to try."""
        begun, before = self.machine.now(), self.stage.clock.now()
        held: bool | None = True
        try:
            told = await walk()
            if told is None:
                held, told = None, ""
        except Broken as broken:
            held, told = False, str(broken)
        except TocsinError as trouble:
            held, told = False, trouble.because if isinstance(trouble, Refused) else str(trouble)
        took = (self.machine.now() - begun).total_seconds()
        link = Link(name, held, told, took, (self.stage.clock.now() - before).total_seconds())
        self.report.links.append(link)
        self.say(f"{name}: {told or 'left out'}")
        return held is True

    async def until(self, holds: Callable[[Incident], bool], within: timedelta) -> Incident:
        """Let time pass, poll by poll, until it holds or so much time is over."""
        seconds = self.stage.house.watch.every.total_seconds()
        until = self.stage.clock.now() + within
        while True:
            known = await self.known()
            if holds(known) or self.stage.clock.now() >= until:
                return known
            await self.stage.round(seconds)

    # -- before ------------------------------------------------------------------------------------------------------

    def _look_around(self) -> None:
        """What is not set up, or would hold people up on a real night."""
        own, gaps = self.stage.installation, self.report.gaps
        if not own.pagers:
            gaps.append("no pager is set up (Slack is off): incidents stand in the console, and nobody is woken")
        for key in own.ever_on_call(self.stage.service):
            person = next((each for each in own.people if each.key == key), None)
            if person is not None and "slack" in own.pagers and not person.slack_user:
                gaps.append(f"{person.name} is on call and has no Slack account to be paged at")
        now = self.stage.clock.now()
        for freeze in own.policy.freezes:
            if (until := freeze.until(now)) is not None:
                gaps.append(
                    f"{freeze.name} holds until {until:%Y-%m-%d %H:%M} UTC: only breaking the glass moves anything "
                    "it covers; the drill went on without it"
                )
        if not self.stage.service.runbooks and not self.stage.slo.runbook:
            gaps.append(f"{self.stage.service.name} has no runbook")

    # -- detection ---------------------------------------------------------------------------------------------------

    async def _breach(self) -> str:
        stage = self.stage
        seconds = stage.house.watch.every.total_seconds()
        for _ in range(HEALTHY):
            await stage.round(seconds)
        stage.breach.broken = True
        begun = stage.clock.now()
        while not (opened := await stage.house.desk.log.open_ids()):
            if stage.clock.now() - begun > DETECT_WITHIN:
                raise Broken(f"every event of {stage.slo.name} failed for six hours, and no incident was opened")
            await stage.round(seconds)
        self.incident = opened[0]
        paging = stage.slo.tiers and any(tier.severity == "page" for tier in stage.slo.tiers)
        known = await self.until(
            lambda i: i.urgency is Urgency.PAGE or not paging or i.acknowledged is not None, timedelta(hours=1)
        )
        took = span(((known.detected or stage.clock.now()) - begun).total_seconds())
        return f"{known.id} “{known.title}”, {known.severity}, found {took} after every event began to fail"

    async def _page(self) -> str | None:
        known = await self.known()
        if known.urgency is not Urgency.PAGE and known.acknowledged is not None:
            return "somebody took it while it was a suspicion: nobody had to be woken"
        if known.urgency is not Urgency.PAGE:
            self.report.gaps.append(f"{self.stage.slo.name} opens a {known.urgency}: nobody is woken for it")
            return None
        names = [self._name(key) for key, incident in self.stage.recorder.pages if incident == self.incident]
        self.report.paged = names
        if not names:
            raise Broken(f"nobody is on call for {self.stage.service.name}: nobody would have been paged")
        if known.nobody is not None:
            self.report.gaps.append(f"nobody is on call for {self.stage.service.name}: others are paged instead")
        others = [self._name(key) for key in self.stage.service.on_call if self._name(key) not in names]
        within = span(self.policy.acknowledge_within[known.severity].total_seconds())
        then = f"; without an answer within {within}, {others[0]}" if others else "; and nobody after them"
        return f"{', '.join(names)} would have been paged{then}"

    def by(self, person: str) -> str:
        return next((each.name for each in self.cast.people if each.id == person), person)

    def _name(self, key: str) -> str:
        return next((each.name for each in self.cast.people if each.key == key), key)

    async def _acknowledge(self) -> str:
        who = self.cast.responder()
        if who is None:
            raise Broken("nobody in people.yaml may take an incident: it takes a responder, an approver or an admin")
        words = f"{who.name} is paged: press Acknowledge on the card"
        await self.act(words, lambda: self.ask(Acknowledge(), who), lambda i: i.acknowledged is not None)
        taken = (await self.known()).acknowledged_by
        return f"{self.by(taken)} took it"

    async def act(self, words: str, do: Callable[[], Awaitable[object]], done: Callable[[Incident], bool]) -> None:
        """What a person does: played, or left to whoever sits at the practice workspace, however long they take."""
        slack = self.stage.slack
        if slack is None:
            await do()
            return
        self.say(f"your turn: {words}")
        slack.workspace.set_hint(words)
        while not done(await self.known()):
            await self.stage.look()
            await self.machine.sleep(LOOK)
        slack.workspace.set_hint("Wait: the drill goes on by itself")

    async def ask(self, command: Command, who: Profile) -> Incident:
        after = await self.stage.house.desk.submit(self.incident, command, who)
        await self.stage.settle()
        return after

    # -- understanding -----------------------------------------------------------------------------------------------

    async def _diagnosis(self) -> str | None:
        service = self.stage.service
        if not service.evidence:
            self.report.gaps.append(f"{service.name} has no instruments: nobody looks why by itself")
            return None
        known = await self.until(lambda i: i.diagnosed is not None, timedelta(minutes=5))
        if known.diagnosed is None:
            raise Broken("the instruments said nothing within five minutes")
        if self.report.offline:
            return f"not asked, the drill is offline: {', '.join(service.evidence)}"
        entries = await self.stage.house.desk.log.entries(self.incident)
        missing = [gap for e in entries if isinstance(e.event, HypothesesRanked) for gap in e.event.missing]
        if missing:
            raise Broken(f"no answer from {'; '.join(dict.fromkeys(missing))}")
        return f"{', '.join(service.evidence)} answered with {len(known.findings)} findings"

    async def _runbook(self) -> str | None:
        """Open by itself, and walked step by step, each time with the first answer there is."""
        known = await self.until(lambda i: i.run is not None, timedelta(minutes=1))
        who = self.cast.responder()
        if known.run is None or who is None:
            return None
        if self.stage.slack is not None:
            return f"“{known.run.book.title}” opened by itself, for people to follow"
        walked = 0
        while (run := (await self.known()).run) is not None and (step := run.step) is not None and walked < STEPS:
            walked += 1
            if step.kind.automatic:
                here = len(run.done)
                await self.until(_further(here), timedelta(hours=2))
                if len(((await self.known()).run or run).done) == here:
                    raise Broken(f"step “{step.title}” of {run.book.title} did not end within two hours")
                continue
            if step.id in {done.step for done in run.done}:
                break  # it goes in circles until the data are good again
            answer = step.options[0].value if step.options else "done"
            await self.ask(CompleteStep(step.id, answer, BECAUSE), who)
        return f"“{known.run.book.title}” opened by itself; {walked} steps walked"

    # -- afterwards --------------------------------------------------------------------------------------------------

    async def _resolve(self) -> str:
        self.stage.breach.broken = False
        who = self.cast.responder()
        if who is None:
            raise Broken("nobody may resolve it")
        longest = self.stage.slo.recover_for + timedelta(hours=1)
        known = await self.until(lambda i: i.mitigated is not None, longest)
        resolve = Resolve("the drill is over", waive=BECAUSE)
        words = f"{who.name} resolves: ⋯ → Resolve"
        await self.act(words, lambda: self.ask(resolve, who), lambda i: i.resolved is not None)
        mitigated = "by the data" if known.mitigated is not None else "and the data did not say that it was over"
        return f"{who.name} resolved it, {mitigated}"

    async def _notices(self) -> str | None:
        known = await self.known()
        if not self.stage.installation.regimes:
            return None
        for duty in known.duties.values():
            told = Notice(duty.name, str(duty.answer), duty.because, duty.strict, duty.outer, duty.ask)
            self.report.notices.append(told)
        if not known.duties:
            raise Broken("no regime gave an answer")
        due = sum(each.answer == "yes" for each in self.report.notices)
        open_ = sum(each.answer == "unknown" for each in self.report.notices)
        return f"{due} due, {open_} would depend on facts nobody has stated"

    async def _record(self) -> str:
        heads = await self.stage.house.desk.log.verify()
        return f"the chain of {len(heads)} incident{'s' if len(heads) > 1 else ''} is whole"


def _further(here: int) -> Callable[[Incident], bool]:
    return lambda incident: incident.run is None or len(incident.run.done) > here
