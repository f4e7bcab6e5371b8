"""Watching: raw counters in, verdicts out; an incident is told only what changed, and no data changes nothing."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import datetime, timedelta

from bot.domain.errors import Conflict, Invalid, Refused, Taken, Unavailable
from bot.domain.incident import Incident
from bot.domain.lifecycle import ChangeSeverity, Declare, open_claim
from bot.domain.policy import Severity, severity
from bot.domain.service import Service
from bot.domain.sli import Attach, Judged, ObserveSli, Sli
from bot.engine.desk import Charts
from bot.engine.handle import Handler
from bot.engine.ports import Checkpoints, Source
from bot.engine.situation import Bar, Chart
from bot.slo.burn import Verdict
from bot.slo.episode import Change, Episode, Phase, step
from bot.slo.ledger import Ledger, NoData
from bot.slo.spec import Point, Selector, Slo
from bot.telemetry import log as logger

CHECKPOINT = "watch"
SAVE_EVERY = timedelta(seconds=30)
BARS = 60
KEEP = timedelta(days=92)

JUDGED = {
    "opened": Judged.BREACHED,
    "raised": Judged.BREACHED,
    "reopened": Judged.BREACHED,
    "recovered": Judged.MET,
    "blind": Judged.NO_DATA,
}


class Watch(Charts):
    """Polls every source once per tick, keeps the ledger, and speaks up when a verdict changes."""

    def __init__(
        self,
        *,
        slos: Sequence[Slo],
        sources: Mapping[str, Source],
        services: Mapping[str, Service],
        handler: Handler,
        checkpoints: Checkpoints,
        every: timedelta,
    ) -> None:
        self.slos = {slo.name: slo for slo in slos}
        self.sources, self.services, self.handler, self.checkpoints = sources, services, handler, checkpoints
        self.every = every
        self.ledger = Ledger(width=min(every, timedelta(seconds=30)))
        self.episodes: dict[str, Episode] = {}
        self.verdicts: Mapping[str, Verdict] = {}
        self.polled: datetime | None = None
        self._saved: datetime | None = None
        self._stood_by = False
        self._away: set[str] = set()  # sources that did not answer the last time

    # -- a tick ------------------------------------------------------------------------------------------------------

    async def tick(self, *, leads: bool = True) -> None:
        """Poll, count, judge, tell. A source that does not answer makes "no data", never an exception.

        Of several replicas one leads. The others count and judge all the same, so that each can verify, answer a
        runbook's check and take over without a gap; they tell nobody and write nothing down.
        """
        at = self.handler.clock.now()
        if leads and self._stood_by:
            await self._take_up(await self.checkpoints.load(CHECKPOINT) or {})  # its own ledger has no gap
        self._stood_by = not leads
        by_source = {name: [slo for slo in self.slos.values() if slo.source == name] for name in self.sources}
        # side by side: a slow source holds up its own objectives only until the tick ends
        await asyncio.gather(*(self._count(slos, self.sources[name], at) for name, slos in by_source.items() if slos))
        for slo in self.slos.values():
            await self._judge(slo, at)
        self.polled = at
        if self._saved is None or at - self._saved >= SAVE_EVERY:
            if leads:
                await self.save()
            else:
                self._tidy(at)
                self._saved = at

    async def _count(self, slos: Sequence[Slo], source: Source, at: datetime) -> None:
        wanted = {selector for slo in slos for selector in (slo.indicator.part, slo.indicator.total)}
        try:
            points: Mapping[Selector, Sequence[Point]] = await source.read(wanted, at)
        except Unavailable as trouble:
            if slos[0].source not in self._away:
                self._away.add(slos[0].source)
                logger().warning("a source does not answer", source=slos[0].source, because=str(trouble))
            self._miss(slos, str(trouble), at)
            return
        except Exception as error:  # noqa: BLE001 - whatever broke, nothing is known, and the other sources are polled
            logger().error("a source broke", slos=[slo.name for slo in slos], error=repr(error))
            self._miss(slos, f"its source broke ({type(error).__name__})", at)
            return
        if slos[0].source in self._away:
            self._away.discard(slos[0].source)
            logger().info("a source answers again", source=slos[0].source)
        for slo in slos:
            part, total = points.get(slo.indicator.part, ()), points.get(slo.indicator.total, ())
            outcome = self.ledger.ingest(slo, part, total, at)
            if isinstance(outcome, NoData):
                logger().debug("no data", slo=slo.name, because=outcome.because)

    def _miss(self, slos: Sequence[Slo], because: str, at: datetime) -> None:
        for slo in slos:
            self.ledger.miss(slo, because, at)

    async def _judge(self, slo: Slo, at: datetime) -> None:
        try:
            before = self.episodes.get(slo.name) or await self._begun(slo)
        except Unavailable as trouble:
            logger().warning("an objective is judged at the next tick", slo=slo.name, because=str(trouble))
            return
        episode, change, verdict = step(slo, self.ledger, before, at)
        self.verdicts = {**self.verdicts, slo.name: verdict}
        if change is not None and not self._stood_by:
            try:
                await self._tell(slo, verdict, change, before)
            except (Unavailable, Refused, Conflict) as trouble:
                # the episode is not moved on: the next tick tells it again
                logger().warning("a verdict could not be recorded yet", slo=slo.name, because=str(trouble))
                return
        self.episodes[slo.name] = episode

    async def _begun(self, slo: Slo) -> Episode:
        """Where an SLO stands that has no episode here: in the incident that is open for it, if there is one."""
        blind = await self._silent(open_claim(blindness(slo)))
        holder = await self.handler.log.holder(open_claim(fingerprint(slo)))
        if holder is None:
            return Episode(slo.name, blind=blind, blinded=int(blind))
        incident = await self.handler.log.load(holder)
        if incident.sli is None or incident.sli.judged is Judged.MET:
            return Episode(slo.name, number=1, settled_at=incident.mitigated, blind=blind, blinded=int(blind))
        blind = blind or incident.sli.judged is Judged.NO_DATA
        factor = min(tier.factor for tier in slo.tiers)
        return Episode(
            slo.name,
            phase=Phase.PAGE,
            number=1,
            severity="page",
            factor=factor,
            opened_at=incident.detected,
            onset_at=incident.onset,
            blind=blind,
            blinded=int(blind),
        )

    async def _silent(self, claim: str) -> bool:
        """Whether the incident that holds this claim was last told that there is no data."""
        holder = await self.handler.log.holder(claim)
        sli = (await self.handler.log.load(holder)).sli if holder else None
        return sli is not None and sli.judged is Judged.NO_DATA

    # -- telling -----------------------------------------------------------------------------------------------------

    async def _tell(self, slo: Slo, verdict: Verdict, change: Change, before: Episode) -> None:
        cause = f"poll:{change.key}:{change.kind}"
        sli = self._sli(slo, verdict, change, before)
        holder = await self.handler.log.holder(open_claim(fingerprint(slo)))
        blind = await self.handler.log.holder(open_claim(blindness(slo)))
        if blind is not None:  # of that incident, data are what was missing: any verdict is good news, silence is none
            seen = Judged.NO_DATA if change.kind == "blind" else Judged.MET
            await self.handler.submit(blind, ObserveSli(replace(sli, judged=seen)), cause=cause)
        if holder is not None:
            await self.handler.submit(holder, ObserveSli(sli), cause=cause)
            await self._raise(holder, slo, verdict, cause)
        elif change.kind == "blind":
            await self._declare(slo, sli, verdict, blindness(slo))
        elif sli.judged is Judged.MET:
            await self._release(slo, sli)
        elif change.kind != "sighted":
            sibling = await self._sibling(slo)
            if sibling is None:
                await self._declare(slo, sli, verdict, fingerprint(slo))
            else:
                await self.handler.submit(sibling.id, Attach(sli), cause=cause)
                await self._raise(sibling.id, slo, verdict, cause)

    async def _raise(self, name: str, slo: Slo, verdict: Verdict, cause: str) -> None:
        """Severity only goes up by itself; lowering it is a person's word."""
        incident = await self.handler.log.load(name)
        grade = self._grade(slo, verdict)
        if incident.is_open and verdict.state == "breached" and grade < incident.severity:
            await self.handler.submit(name, ChangeSeverity(grade, verdict.because), cause=cause)

    def _grade(self, slo: Slo, verdict: Verdict) -> Severity:
        if slo.severity:
            return Severity(slo.severity)
        service = self.services.get(slo.service)
        return severity(tier=service.tier if service else 2, paging=verdict.severity == "page")

    async def _declare(self, slo: Slo, sli: Sli, verdict: Verdict, mark: str) -> None:
        command = Declare(
            title=title(slo, sli.judged),
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
            opened = await self.handler.open(command, cause=f"poll:{slo.name}")
            logger().info("an incident was declared", incident=opened.id, title=command.title)
        except Taken as taken:
            await self.handler.submit(taken.holder, ObserveSli(sli), cause=f"poll:{slo.name}")
        except Refused as refused:
            logger().info("no incident was opened", slo=slo.name, because=refused.because)

    async def _sibling(self, slo: Slo) -> Incident | None:
        """An incident of the same service to which this breach belongs: still going on, and seen by all responders."""
        for name in await self.handler.log.open_ids():
            incident = await self.handler.log.load(name)
            going_on = incident.is_open and incident.mitigated is None and not incident.restricted
            if going_on and incident.service == slo.service and incident.slo != slo.name:
                return incident
        return None

    async def _release(self, slo: Slo, sli: Sli) -> None:
        """Tell the incident a breach was attached to that it is over."""
        for name in await self.handler.log.open_ids():
            incident = await self.handler.log.load(name)
            if incident.is_open and any(have.slo == slo.name for have in incident.attached):
                await self.handler.submit(name, Attach(sli), cause=f"poll:{slo.name}")

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
            bad_events=verdict.counts.bad,
            burn=verdict.burn_long,
        )

    # -- showing -----------------------------------------------------------------------------------------------------

    def chart(self, slo: str, since: datetime | None, until: datetime) -> Chart | None:
        """The SLI in at most 60 bars, from a quarter of the stretch before `since` until `until`."""
        known = self.slos.get(slo)
        if known is None:
            return None
        length = until - (since or until - timedelta(hours=1))
        start = (since or until - timedelta(hours=1)) - max(length / 4, timedelta(seconds=30))
        step = max(timedelta(seconds=round((until - start).total_seconds() / BARS)), self.ledger.width)
        bars = [
            Bar(b.start, b.good, b.bad, covered=b.total > 0) for b in self.ledger.buckets(known, start, until, step)
        ]
        return Chart(slo, known.target, tuple(bars), known.title)

    # -- surviving ---------------------------------------------------------------------------------------------------

    async def save(self) -> None:
        """Write the ledger and the episodes down."""
        at = self.handler.clock.now()
        self._tidy(at)
        document = {
            "ledger": self.ledger.checkpoint(),
            "episodes": {name: episode.to_dict() for name, episode in self.episodes.items()},
        }
        await self.checkpoints.save(CHECKPOINT, document, at)
        self._saved = at

    def _tidy(self, at: datetime) -> None:
        self.ledger.forget(at - KEEP)
        self.ledger.thin(at)

    async def restore(self) -> None:
        """Take up where the last save left off; what happened since counts as one gap for the budget."""
        document = await self.checkpoints.load(CHECKPOINT)
        if document is None:
            return
        held = document.get("ledger")
        try:
            if isinstance(held, dict):
                self.ledger.restore(held)
                self.ledger.keep(set(self.slos))
        except Invalid as trouble:  # another poll interval, another version: watching begins anew, the log stands
            logger().warning("what the watch knew cannot be taken up", because=str(trouble))
            return
        await self._take_up(document)

    async def _take_up(self, document: Mapping[str, object]) -> None:
        """The episodes as they were told: as saved, but for an incident that was opened after the last save."""
        saved = document.get("episodes")
        known: dict[str, Episode] = {}
        try:
            for name, each in saved.items() if isinstance(saved, dict) else ():
                if name in self.slos:
                    known[name] = Episode.from_dict(each)
        except Invalid as trouble:
            logger().warning("what the watch knew cannot be taken up", because=str(trouble))
        for name, episode in known.items():
            told = await self._begun(self.slos[name])
            if told.open and not episode.open:
                known[name] = told
        self.episodes = known


def fingerprint(slo: Slo) -> str:
    """What makes two breaches one incident."""
    return f"slo/{slo.name}"


def blindness(slo: Slo) -> str:
    """The fingerprint of not seeing anything, which is an incident of its own."""
    return f"blind/{slo.name}"


def title(slo: Slo, judged: Judged) -> str:
    """What is broken, in the words of the objective."""
    named = slo.display or slo.name
    where = f" for {slo.slice}" if slo.slice else ""
    if judged is Judged.NO_DATA:
        return f"No data on {named}{where}"
    return f"{named} below its objective{where}"
