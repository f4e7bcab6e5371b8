"""Watching: raw samples in, verdicts out; an incident is told only what changed, and no data changes nothing."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from datetime import datetime, timedelta

import numpy as np

from bot.domain.errors import TocsinError, Unavailable
from bot.domain.incident import Incident
from bot.domain.service import Service
from bot.domain.sli import Judged
from bot.engine.counting import Counting
from bot.engine.desk import Charts
from bot.engine.handle import Handler
from bot.engine.memory import CHECKPOINT, Memory
from bot.engine.ports import Checkpoints, Source
from bot.engine.situation import Bar, Chart
from bot.engine.standing import Standing, standing
from bot.engine.telling import Away, Teller, blindness, fingerprint, title
from bot.slo.burn import Verdict, judge
from bot.slo.episode import Episode, Phase, step
from bot.slo.ledger import Ledger
from bot.slo.maintenance import Maintenance
from bot.slo.rule import Level
from bot.slo.spec import Slo
from bot.telemetry import log as logger

__all__ = ["CHECKPOINT", "Verdicts", "Watch", "blindness", "fingerprint", "title"]

SAVE_EVERY = timedelta(seconds=30)
TIDY_EVERY = timedelta(minutes=1)
BARS = 60
MOST_BUCKETS = 5000
UNTOLD = timedelta(minutes=2)  # so long a standby keeps what the leader should have told of slices
FEW = 1  # objectives of one source that are told one by one when it does not answer
SLACK = timedelta(days=2)  # kept beyond the longest window

STATES = {Level.SILENT: "no_data", Level.QUIET: "no_data", Level.MET: "met"}


class Verdicts(Mapping[str, Verdict]):
    """What the last tick found of each objective; put into words where somebody asks."""

    def __init__(self, watch: Watch, at: datetime) -> None:
        self._watch, self._at = watch, at
        self._said: dict[str, Verdict] = {}

    def __getitem__(self, name: str) -> Verdict:
        if name not in self._said:
            of_slice = self._watch.counting.slices.verdict(name, self._at)
            self._said[name] = of_slice or self._watch.verdict(self._watch.slos[name], self._at)
        return self._said[name]

    def __iter__(self) -> Iterator[str]:
        return iter(self._watch.slos)

    def __len__(self) -> int:
        return len(self._watch.slos)

    def say(self, verdict: Verdict) -> None:
        """Keep a verdict that was put into words already."""
        self._said[verdict.slo] = verdict


class Watch(Charts):
    """Polls every source once per tick, keeps the ledger, and speaks up when a verdict changes.

    Each tick judges all objectives at once; only those of which something could be told are looked at one by one.
    """

    def __init__(
        self,
        *,
        slos: Sequence[Slo],
        sources: Mapping[str, Source],
        services: Mapping[str, Service],
        handler: Handler,
        checkpoints: Checkpoints,
        every: timedelta,
        maintenance: Sequence[Maintenance] = (),
    ) -> None:
        self.slos = {slo.name: slo for slo in slos}
        self.handler, self.every = handler, every
        self.teller = Teller(handler, services)
        self.teller.timing, self.teller.away = self._timing, self._away
        self._unanswered: set[str] = set()  # sources that were away at the last tick, or may have been before it
        self.memory = Memory(checkpoints)
        self.counting = Counting.of(tuple(self.slos.values()), sources, every, maintenance)
        self.episodes: dict[str, Episode] = {}
        self.verdicts: Mapping[str, Verdict] = {}
        self.states: Mapping[str, int] = {}
        self.polled: datetime | None = None
        self._saved: datetime | None = None
        self._tidied: datetime | None = None
        self._began: datetime | None = None
        self._stood_by = False
        self._calm = np.zeros(len(self.slos), dtype=bool)  # a met verdict would change nothing
        self._waiting = np.zeros(len(self.slos), dtype=bool)  # too little traffic would change nothing

    @property
    def ledger(self) -> Ledger:
        """What has been counted."""
        return self.counting.ledger

    # -- a tick ------------------------------------------------------------------------------------------------------

    async def tick(self, *, leads: bool = True) -> None:
        """Poll, count, judge, tell. A source that does not answer makes "no data", never an exception.

        Of several replicas one leads. The others count and judge all the same, so that each can verify, answer a
        runbook's check and take over without a gap; they tell nobody and write nothing down.
        """
        at = self.handler.clock.now()
        if leads and self._stood_by:
            await self._take_up(await self.memory.episodes())  # its own ledger has no gap
            await self.memory.fair(self.counting)
        self._stood_by = not leads
        self._began = at
        await self.counting.poll(at)
        self.teller.begin(self.handler.clock.now())
        await self._judge(at)
        await self._tell_sources(at)
        if leads:
            waiting, self.counting.changed = self.counting.changed, []
            self.counting.changed += await self.teller.slices(waiting)
            await self.teller.fair(self.counting.fair, at)
        else:  # the leader tells them, unless it dies first: telling what was told already changes nothing
            self.counting.changed = [each for each in self.counting.changed if at - each.sli.seen <= UNTOLD]
        self.polled = at
        if self._tidied is None or at - self._tidied >= TIDY_EVERY:
            self._tidy(at)
        if leads and (self._saved is None or at - self._saved >= SAVE_EVERY):
            await self.save()

    async def _judge(self, at: datetime) -> None:
        if not self.slos:
            return
        level = self.counting.panel.rule(at).level
        counted = [(STATES.get(Level(each), "breached"), int(np.sum(level == each))) for each in np.unique(level)]
        self.states = {
            state: sum(n for name, n in counted if name == state) for state in ("met", "breached", "no_data")
        }
        self.verdicts = verdicts = Verdicts(self, at)
        # what is taken down on purpose is silent on purpose
        excused = (level == Level.SILENT) & self.ledger.excused(at)[self.counting.panel.numbers]
        nothing_new = (level == Level.MET) & self._calm | (level == Level.QUIET) & self._waiting | excused
        try:
            begun = None if nothing_new.all() else await self._standing()
        except Unavailable as trouble:
            logger().warning("objectives are judged at the next tick", because=str(trouble))
            return
        for place in np.flatnonzero(~nothing_new):
            slo = self.counting.panel.slos[int(place)]
            before = self.episodes.get(slo.name) or _begun(slo, begun or {})
            if level[place] in (Level.MET, Level.QUIET) and not before.eventful and before.phase is Phase.UNKNOWN:
                self._first(slo, int(place), before, met=level[place] == Level.MET)
            else:
                await self._look(slo, int(place), before, verdicts, at)

    def _first(self, slo: Slo, place: int, before: Episode, *, met: bool) -> None:
        """Of an objective that nothing was known of, the first look finds nothing to tell: not worth its own words."""
        self.episodes[slo.name] = episode = replace(before, phase=Phase.OK) if met else before
        self._calm[place], self._waiting[place] = episode.calm, episode.waiting

    async def _look(self, slo: Slo, place: int, before: Episode, verdicts: Verdicts, at: datetime) -> None:
        """Judge one objective by itself, move its episode on, and tell what changed."""
        evidence = self.counting.panel.evidence(slo.name)
        episode, change, verdict = step(slo, self.ledger, before, at, evidence=evidence)
        verdicts.say(verdict)
        if change is not None and not self._stood_by:
            try:
                await self.teller.tell(slo, verdict, change, before)
            except TocsinError as trouble:
                # the episode is not moved on: the next tick tells it again
                logger().warning("a verdict could not be recorded yet", slo=slo.name, because=str(trouble))
                return
        if change is not None and change.kind == "recovered":
            self.counting.panel.settle(slo.name, episode.settled_at)
        self.episodes[slo.name] = episode
        self._calm[place], self._waiting[place] = episode.calm, episode.waiting

    def _away(self, slo: Slo) -> Away | None:
        """The source of this objective, where it does not answer and others hang on it too."""
        desk = self.counting.desks.get(slo.source)
        return Away(desk.name, desk.slos) if desk is not None and desk.away and len(desk.slos) > FEW else None

    async def _tell_sources(self, at: datetime) -> None:
        """Tell incidents of silent sources that they answer again."""
        for name, desk in self.counting.desks.items():
            if desk.away:
                self._unanswered.add(name)
            elif name in self._unanswered and not self._stood_by:
                try:
                    await self.teller.back(name, at)
                    self._unanswered.discard(name)
                except TocsinError as trouble:
                    logger().warning("a source is back, which could not be recorded yet", because=str(trouble))

    def _timing(self, slo: str) -> tuple[tuple[str, float], ...]:
        """How old the newest sample was when the poll began, and how long the poll took; in seconds."""
        seen, answered = self.ledger.last_seen(self.slos[slo]), self.teller.answered
        if seen is None or answered is None or self._began is None:
            return ()
        scrape, poll = (self._began - seen).total_seconds(), (answered - self._began).total_seconds()
        return ("scrape", round(max(scrape, 0.0), 3)), ("poll", round(max(poll, 0.0), 3))

    def verdict(self, slo: Slo, at: datetime) -> Verdict:
        """What the data say of one objective at `at`, by what has been counted."""
        episode = self.episodes.get(slo.name)
        since = episode.settled_at if episode else None
        return judge(slo, self.ledger, at, evidence=self.counting.panel.evidence(slo.name), since=since)

    async def _standing(self) -> dict[str, Incident]:
        """The open incidents by fingerprint, asked for only while some objective has no episode here."""
        if len(self.episodes) == len(self.slos):
            return {}
        incidents = await self.handler.legible.open()
        return {each.fingerprint: each for each in incidents if each.is_open and each.fingerprint}

    # -- showing -----------------------------------------------------------------------------------------------------

    def chart(self, slo: str, since: datetime | None, until: datetime) -> Chart | None:
        """The SLI in at most 60 bars, from a quarter of the stretch before `since` until `until`."""
        known = self.slos.get(slo)
        if known is None:
            return self.counting.slices.chart(slo)
        length = until - (since or until - timedelta(hours=1))
        start = (since or until - timedelta(hours=1)) - max(length / 4, timedelta(seconds=30))
        step = max(timedelta(seconds=round((until - start).total_seconds() / BARS)), self.ledger.width)
        bars = [
            Bar(b.start, b.good, b.bad, covered=b.total > 0) for b in self.ledger.buckets(known, start, until, step)
        ]
        return Chart(slo, known.target, tuple(bars), known.title)

    def counted(self, slo: str, since: datetime, until: datetime) -> tuple[Bar, ...]:
        """The SLI's buckets as they were recorded; where those would be too many, of whole multiples of their width."""
        known = self.slos.get(slo)
        if known is None:
            chart = self.counting.slices.chart(slo)
            return tuple(bar for bar in chart.bars if since <= bar.at <= until) if chart else ()
        long = until - since > MOST_BUCKETS * self.ledger.width
        step = self.ledger.width * math.ceil((until - since) / self.ledger.width / MOST_BUCKETS) if long else None
        held = self.ledger.buckets(known, since, until, step)
        return tuple(Bar(b.start, b.good, b.bad, covered=b.total > 0) for b in held)

    def standing(self, slo: str, at: datetime) -> Standing:
        """The budget, the slices and the outcomes of an objective, for people."""
        return standing(self.counting, self.slos[slo], at)

    # -- surviving ---------------------------------------------------------------------------------------------------

    async def save(self) -> None:
        """Write the ledger, the evidence and the episodes down. Raises Unavailable."""
        at = self.handler.clock.now()
        await self.memory.save(self.counting, self.episodes, at)
        self._saved = at

    def _tidy(self, at: datetime) -> None:
        longest = max((max(slo.window, slo.longest) for slo in self.slos.values()), default=timedelta(0))
        self.ledger.forget(at - longest - SLACK)
        self.ledger.thin(at)
        self.counting.refresh()
        self._tidied = at

    async def restore(self) -> None:
        """Take up where the last save left off; a source that remembers fills what happened since."""
        await self.memory.restore(self.counting)
        await self._take_up(await self.memory.episodes())

    async def _take_up(self, saved: Mapping[str, Episode]) -> None:
        """The episodes as they were told: as saved, but for an incident that was opened after the last save."""
        self.episodes = {}
        self._unanswered = set(self.counting.desks)  # one may have been silent when this house stood still
        begun = await self._standing()
        self.counting.slices.take_up(begun)
        for name, slo in self.slos.items():
            episode = saved.get(name)
            told = _begun(slo, begun)
            if episode is None or (told.open and not episode.open):
                episode = told
            if episode.eventful or episode.open:
                self.episodes[name] = episode
                self.counting.panel.leave_out(name, episode.settled_at)
        self._calm[:] = self._waiting[:] = False


def _begun(slo: Slo, standing: Mapping[str, Incident]) -> Episode:
    """Where an SLO stands that has no episode here: in the incident that is open for it, if there is one."""

    def judged(mark: str) -> Judged | None:
        incident = standing.get(mark)
        return incident.sli.judged if incident is not None and incident.sli is not None else None

    blind = Judged.NO_DATA in (judged(blindness(slo)), judged(fingerprint(slo)))
    incident = standing.get(fingerprint(slo))
    if incident is None:
        return Episode(slo.name, blind=blind, blinded=int(blind))
    if incident.sli is None or incident.sli.judged is Judged.MET:
        blind = judged(blindness(slo)) is Judged.NO_DATA
        return Episode(slo.name, number=1, settled_at=incident.mitigated, blind=blind, blinded=int(blind))
    return Episode(
        slo.name,
        phase=Phase.PAGE,
        number=1,
        severity="page",
        factor=min(tier.factor for tier in slo.tiers),
        opened_at=incident.detected,
        onset_at=incident.onset,
        blind=blind,
        blinded=int(blind),
    )
