"""Telling incidents what the data say: one open incident per failure, severity that only rises, silence as silence."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, replace
from datetime import datetime

from bot.domain.errors import Refused, Taken, TocsinError
from bot.domain.incident import Incident
from bot.domain.lifecycle import ChangeSeverity, Declare, open_claim
from bot.domain.log import Command
from bot.domain.policy import Severity, Urgency, severity
from bot.domain.service import Service
from bot.domain.sli import Attach, Judged, ObserveSli, Sli
from bot.domain.urgency import RaiseUrgency, Withdraw
from bot.engine.fair import Fair
from bot.engine.handle import Handler
from bot.engine.slices import SliceChange, slice_mark
from bot.slo.burn import Verdict
from bot.slo.episode import Change, Episode
from bot.slo.spec import Slo
from bot.telemetry import log as logger

JUDGED = {
    "opened": Judged.BREACHED,
    "raised": Judged.BREACHED,
    "reopened": Judged.BREACHED,
    "recovered": Judged.MET,
    "blind": Judged.NO_DATA,
}


@dataclass(frozen=True, slots=True)
class Away:
    """A source that does not answer, and the objectives nothing is known of."""

    source: str
    slos: tuple[Slo, ...]


class Teller:
    """Turns what changed into commands. All methods may raise like `submit`: then nothing was told."""

    def __init__(self, handler: Handler, services: Mapping[str, Service]) -> None:
        self.handler, self.services = handler, services
        self.timing: Callable[[str], tuple[tuple[str, float], ...]] = lambda _slo: ()
        self.answered: datetime | None = None  # when the sources had answered the poll now being told
        self.away: Callable[[Slo], Away | None] = lambda _slo: None
        self._open: dict[str, Incident] | None = None

    def begin(self, answered: datetime) -> None:
        """A poll was answered: what was read of open incidents before is not looked at again."""
        self.answered, self._open = answered, None

    async def _incidents(self) -> list[Incident]:
        """The incidents that are not closed, read once per poll; each command decides anew on the log itself."""
        if self._open is None:
            self._open = {each.id: each for each in await self.handler.legible.open()}
        return list(self._open.values())

    async def _submit(self, name: str, command: Command, cause: str) -> Incident:
        incident = await self.handler.submit(name, command, cause=cause)
        if self._open is not None:
            self._open[name] = incident
        return incident

    def _lag(self, slo: str) -> tuple[tuple[str, float], ...]:
        """How long it took from the sample until now, in stages."""
        if self.answered is None:
            return ()
        judged = (self.handler.clock.now() - self.answered).total_seconds()
        return (*self.timing(slo), ("judge", round(max(judged, 0.0), 3)))

    async def tell(self, slo: Slo, verdict: Verdict, change: Change, before: Episode) -> None:
        """Tell the incident concerned, or open one."""
        cause = f"poll:{change.key}:{change.kind}"
        sli = self._sli(slo, verdict, change, before)
        holder = await self.handler.log.holder(open_claim(fingerprint(slo)))
        blind = await self.handler.log.holder(open_claim(blindness(slo)))
        if blind is not None:  # of that incident, data are what was missing: any verdict is good news, silence is none
            seen = Judged.NO_DATA if change.kind == "blind" else Judged.MET
            await self._submit(blind, ObserveSli(replace(sli, judged=seen)), cause)
        if holder is not None:
            await self._submit(holder, ObserveSli(sli), cause)
            await self._raise(holder, slo, verdict, cause)
            if sli.judged is Judged.MET:
                await self._submit(holder, Withdraw(sli.because), cause)
        elif change.kind == "blind":
            away = self.away(slo)
            if away is not None:
                await self._declare_away(away, slo, sli, verdict)
            elif slo.blind_opens:
                await self._declare(slo, sli, verdict, blindness(slo))
        elif sli.judged is Judged.MET:
            await self._release(slo, sli)
        elif change.kind != "sighted" and slo.opens:
            sibling = await self._sibling(slo)
            if sibling is None:
                await self._declare(slo, sli, verdict, fingerprint(slo))
            else:
                await self._submit(sibling.id, Attach(sli), cause)
                await self._raise(sibling.id, slo, verdict, cause)

    async def _raise(self, name: str, slo: Slo, verdict: Verdict, cause: str) -> None:
        """Severity and urgency only go up by themselves; lowering them is a person's word."""
        grade = self._grade(slo, verdict)
        if verdict.severity is not None:
            raising = RaiseUrgency(Urgency(verdict.severity), grade, verdict.because)
            incident = await self._submit(name, raising, cause)
        else:
            incident = await self.handler.log.load(name)
        if incident.is_open and verdict.state == "breached" and grade < incident.severity:
            await self._submit(name, ChangeSeverity(grade, verdict.because), cause)

    def _grade(self, slo: Slo, verdict: Verdict) -> Severity:
        if slo.severity:
            return Severity(slo.severity)
        service = self.services.get(slo.service)
        return severity(tier=service.tier if service else 2, paging=verdict.severity == "page")

    async def _declare(self, slo: Slo, sli: Sli, verdict: Verdict, mark: str) -> None:
        command = Declare(
            title=title(slo, sli.judged),
            urgency=Urgency(verdict.severity or "page"),
            lag=self._lag(slo.name),
            severity=self._grade(slo, verdict),
            service=slo.service,
            because=sli.because,
            onset=sli.since,
            detected=sli.seen,
            slo=slo.name,
            slice=str(slo.slice or ""),
            fingerprint=mark,
            sli=sli,
        )
        try:
            await self._opened(command, f"poll:{slo.name}")
        except Taken as taken:
            await self.handler.submit(taken.holder, ObserveSli(sli), cause=f"poll:{slo.name}")
        except Refused as refused:
            logger().info("no incident was opened", slo=slo.name, because=refused.because)

    async def _opened(self, command: Declare, cause: str) -> None:
        opened = await self.handler.open(command, cause=cause)
        if self._open is not None:
            self._open[opened.id] = opened
        logger().info("an incident was declared", incident=opened.id, title=command.title)

    async def _declare_away(self, away: Away, slo: Slo, sli: Sli, verdict: Verdict) -> None:
        """A source that does not answer is one incident, however many objectives it leaves unseen."""
        mark = source_mark(away.source)
        if await self.handler.log.holder(open_claim(mark)) is not None:
            return
        concerned = len({each.service for each in away.slos})
        services = [self.services[each.service] for each in away.slos if each.service in self.services]
        first = min(services, key=lambda each: each.tier, default=None)
        seen = Sli(mark, Judged.NO_DATA, sli.because, sli.since, sli.seen)
        command = Declare(
            title=f"No data from {away.source}: {len(away.slos):,} objectives are not watched",
            severity=severity(tier=first.tier if first else 2, paging=True),
            service=first.name if first else slo.service,
            because=f"{sli.because} Nothing is known of {len(away.slos):,} objectives of {concerned:,} services.",
            onset=sli.since,
            detected=sli.seen,
            fingerprint=mark,
            sli=seen,
            lag=self._lag(slo.name),
        )
        try:
            await self._opened(command, f"poll:{mark}")
        except (Taken, Refused) as refused:
            logger().info("no incident was opened", source=away.source, because=str(refused))

    async def back(self, source: str, at: datetime) -> None:
        """A source answers again: the incident that it did not, if there is one, is told."""
        holder = await self.handler.log.holder(open_claim(source_mark(source)))
        if holder is not None:
            sli = Sli(source_mark(source), Judged.MET, f"{source} answers again.", at, at)
            await self._submit(holder, ObserveSli(sli), f"poll:{source_mark(source)}:back")

    async def _sibling(self, slo: Slo) -> Incident | None:
        """An incident of the same service to which this breach belongs: still going on, and seen by all responders."""
        for incident in await self._incidents():
            going_on = incident.is_open and incident.mitigated is None and not incident.restricted
            if going_on and incident.service == slo.service and incident.slo != slo.name:
                return incident
        return None

    async def _release(self, slo: Slo, sli: Sli) -> None:
        """Tell the incident a breach was attached to that it is over."""
        for incident in await self._incidents():
            if incident.is_open and any(have.slo == slo.name for have in incident.attached):
                await self._submit(incident.id, Attach(sli), f"poll:{slo.name}")
                await self._submit(incident.id, Withdraw(sli.because), f"poll:{slo.name}")

    def _sli(self, slo: Slo, verdict: Verdict, change: Change, before: Episode) -> Sli:
        judged = JUDGED.get(change.kind) or (Judged.BREACHED if before.open else Judged.MET)  # data came back
        return Sli(
            slo=slo.name,
            judged=judged,
            because=change.because,
            since=min(change.happened_at, verdict.at),
            seen=verdict.at,
            value=1 - verdict.counts.ratio if verdict.counts.total else None,
            objective=slo.target,
            bad_events=round(verdict.counts.bad / slo.unit),
            burn=verdict.burn_long,
        )

    async def slices(self, changes: Iterable[SliceChange]) -> list[SliceChange]:
        """Tell of slices what changed; what cannot be recorded yet is given back."""
        left: list[SliceChange] = []
        for change in changes:
            mark = slice_mark(change.name)
            cause = f"poll:{change.name}:{change.sli.judged}:{change.sli.since.isoformat()}"
            try:
                holder = await self.handler.log.holder(open_claim(mark))
                if holder is not None:
                    await self._submit(holder, ObserveSli(change.sli), cause)
                elif change.sli.judged is Judged.BREACHED and change.slo.opens:
                    await self._declare_slice(change, mark)
            except TocsinError as trouble:
                left.append(change)
                logger().warning("a verdict could not be recorded yet", slo=change.name, because=str(trouble))
        return left

    async def fair(self, watched: Iterable[Fair], at: datetime) -> None:
        """Open a ticket where a gap between groups is proved; begin anew where a person resolved the last one.

        It never pages by itself: what to do about people treated unlike is decided by people, awake.
        """
        for each in watched:
            mark = f"fair/{each.name}"
            try:
                if each.told and await self.handler.log.holder(open_claim(mark)) is None:
                    each.settle()
                elif each.gap.proved and not each.told and each.slo.opens:
                    await self._declare_gap(each, mark, at)
                    each.told = True
            except TocsinError as trouble:
                logger().warning("a gap could not be recorded yet", slo=each.name, because=str(trouble))

    async def _declare_gap(self, fair: Fair, mark: str, at: datetime) -> None:
        slo, gap = fair.slo, fair.gap
        service = self.services.get(slo.service)
        command = Declare(
            title=f"{slo.title} unlike between groups of {slo.slice_by}",
            severity=severity(tier=service.tier if service else 2, paging=False),
            service=slo.service,
            because=gap.because,
            onset=min(fair.began or at, at),
            detected=at,
            slo=fair.name,
            slice=f"{slo.slice_by}={gap.low}",
            fingerprint=mark,
            urgency=Urgency.TICKET,
        )
        try:
            opened = await self.handler.open(command, cause=f"poll:{fair.name}")
        except Taken:  # it was told before this replica led
            return
        logger().info("an incident was declared", incident=opened.id, title=command.title)

    async def _declare_slice(self, change: SliceChange, mark: str) -> None:
        service = self.services.get(change.slo.service)
        paging = change.urgency is Urgency.PAGE
        where = f"{change.slo.slice_by}={change.value}"
        command = Declare(
            title=f"{change.slo.title} worse for {where} than for the rest",
            severity=severity(tier=service.tier if service else 2, paging=paging),
            service=change.slo.service,
            because=change.sli.because,
            onset=change.sli.since,
            detected=change.sli.seen,
            slo=change.name,
            slice=where,
            fingerprint=mark,
            sli=change.sli,
            urgency=change.urgency,
        )
        await self._opened(command, f"poll:{change.name}")


def fingerprint(slo: Slo) -> str:
    """What makes two breaches one incident."""
    return f"slo/{slo.name}"


def blindness(slo: Slo) -> str:
    """The fingerprint of not seeing anything, which is an incident of its own."""
    return f"blind/{slo.name}"


def source_mark(source: str) -> str:
    """The fingerprint of a whole source that does not answer."""
    return f"blind/source/{source}"


def title(slo: Slo, judged: Judged) -> str:
    """What is broken, in the words of the objective."""
    named = slo.display or slo.name
    where = f" for {slo.slice}" if slo.slice else ""
    if judged is Judged.NO_DATA:
        return f"No data on {named}{where}"
    return f"{named} below its objective{where}"
