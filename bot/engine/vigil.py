"""The watcher is watched: its numbers are read, its promises judged, its silence and its troubles told."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from bot.domain.errors import TocsinError
from bot.engine.deliveries import Deliveries
from bot.engine.heartbeat import Heartbeat
from bot.engine.intake_ports import Inbox
from bot.engine.selfcare import SelfCare
from bot.engine.silence import Silences
from bot.engine.vitals import Vitals
from bot.engine.watch import Watch
from bot.slo.notation import length_text
from bot.telemetry import log as logger

LOOK_EVERY, CARE_EVERY = timedelta(seconds=15), timedelta(seconds=15)


@dataclass(frozen=True, slots=True)
class Own:
    """How one promise of the bot's stands: `burn` by the length of the window, None where nothing happened in it."""

    name: str
    title: str
    state: str
    because: str
    burn: Mapping[str, float | None]
    remaining: float


@dataclass
class Vigil:
    """Everything that watches the watcher. Its jobs are apart from the rounds, so that neither holds the other up."""

    vitals: Vitals
    watch: Watch
    deliveries: Deliveries
    silences: Silences | None
    care: SelfCare
    heartbeat: Heartbeat | None
    beat_every: timedelta
    holds: Callable[[], Awaitable[bool]]
    inbox: Inbox | None = None

    @property
    def jobs(self) -> Sequence[tuple[str, timedelta, Callable[[], Awaitable[None]]]]:
        """Name, how often, and what is done; none of them ever raises."""
        found = [("vigil", LOOK_EVERY, self.look), ("selfcare", CARE_EVERY, self.care.look)]
        return [*found, ("heartbeat", self.beat_every, self.heartbeat.beat)] if self.heartbeat else found

    async def begin(self) -> None:
        """Take up where the last save left off. Raises Unavailable."""
        await self.watch.restore()

    async def look(self) -> None:
        """Read the numbers, judge the promises by them, and see who was heard."""
        leads = await self.holds()
        self.vitals.overdue()
        for part in (self.deliveries.look, self._waiting, self._judged(leads), self._silent(leads)):
            try:
                await part()
            except TocsinError as trouble:
                logger().warning("a part of the watch over ourselves is put off", because=str(trouble))
            except Exception as error:  # noqa: BLE001 - the other parts, and the next look, must come
                logger().error("a part of the watch over ourselves broke", error=repr(error))

    def _judged(self, leads: bool) -> Callable[[], Awaitable[None]]:
        async def judged() -> None:
            await self.watch.tick(leads=leads)
            for each in self.promises():
                for window, burn in each.burn.items():
                    self.vitals.burn.labels(_plain(each.name), window).set(float("nan") if burn is None else burn)
                self.vitals.budget.labels(_plain(each.name)).set(each.remaining)

        return judged

    def _silent(self, leads: bool) -> Callable[[], Awaitable[None]]:
        async def silent() -> None:
            if self.silences is not None:
                await self.silences.tick(leads=leads)

        return silent

    async def _waiting(self) -> None:
        if self.inbox is not None:
            self.vitals.inbox.set((await waiting(self.inbox, self.vitals.clock.now())).total_seconds())

    def promises(self) -> list[Own]:
        """How each promise stands by what has been counted; nothing before the first look."""
        at = self.watch.polled
        if at is None:
            return []
        found = []
        for name, slo in self.watch.slos.items():
            verdict = self.watch.verdicts.get(name)
            lengths = sorted({each for tier in slo.tiers for each in (tier.short, tier.long)})
            counts = {length: self.watch.ledger.counts(slo, at, length) for length in lengths}
            burn = {length_text(each): _burn(held, slo.budget) for each, held in counts.items()}
            left = self.watch.standing(name, at).budget.remaining
            state = verdict.state if verdict is not None else "no data"
            found.append(Own(name, slo.title, state, verdict.because if verdict else "", burn, left))
        return found

    async def end(self) -> None:
        """Let go of the heartbeat's receiver."""
        if self.heartbeat is not None:
            await self.heartbeat.close()

    async def close(self) -> None:
        """Write down what was counted, as far as the database takes it."""
        try:
            async with asyncio.timeout(5):
                if await self.holds():
                    await self.watch.save()
        except (TocsinError, TimeoutError) as trouble:
            logger().warning("what the bot knows of itself could not be written down at the end", because=str(trouble))


async def waiting(inbox: Inbox, now: datetime) -> timedelta:
    """How long the oldest alert waits that no incident has taken in. Raises Unavailable."""
    first = await inbox.since(await inbox.applied(), 1)
    return max(now - first[0].at, timedelta(0)) if first else timedelta(0)


def _burn(counts: Any, budget: float) -> float | None:
    return round(counts.ratio / budget, 3) if counts.total else None


def _plain(name: str) -> str:
    """The promise's own name, as the counters have it."""
    return name.partition("-")[2]
