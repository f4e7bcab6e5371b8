"""The clockwork: one poll per tick, one look at everything each minute; a job only reads, or wakes the reconciler."""

from __future__ import annotations

import asyncio
from datetime import datetime, timedelta
from typing import Any, Protocol

from bot.domain.kept import KEEP_EVERY
from bot.engine.ports import Durable
from bot.engine.reconcile import Reconciler
from bot.engine.roster import Roster
from bot.engine.vigil import Vigil
from bot.engine.vitals import Vitals
from bot.engine.watch import Watch
from bot.engine.weekly import WeeklyNote
from bot.telemetry import log as logger

LOOK_EVERY = timedelta(seconds=60)
LETTERS_EVERY = timedelta(seconds=5)
"""A page that was under way in three crashes is not their cause as a rule, and nobody else sends it meanwhile."""
ROSTER_EVERY = timedelta(seconds=15)
"""How soon a cover that was taken at another replica counts here; providers are asked when their own time comes."""
NOTE_EVERY = timedelta(minutes=5)
PRUNE_AFTER = timedelta(days=14)
FORGET_INBOUND_AFTER = timedelta(days=30)
FORGET_ALERTS_AFTER = timedelta(days=30)


class Lead(Protocol):
    """Settles which of several replicas tells the log what the data say."""

    async def holds(self) -> bool:
        """Whether this one does now. Never raises: in doubt, no."""
        ...


class Job(Protocol):
    """What goes on until it is cancelled."""

    async def run(self) -> None: ...


class Forgetful(Protocol):
    """What grows, and may forget."""

    async def prune(self, before: datetime) -> int:
        """Forget what was over before then; how much. Raises Unavailable."""
        ...


class Rounds:
    """APScheduler in the running loop, its jobs built anew from the configuration at every start."""

    def __init__(
        self,
        watch: Watch,
        reconciler: Reconciler,
        durable: Durable,
        lead: Lead,
        *,
        vitals: Vitals | None = None,
        vigil: Vigil | None = None,
        roster: Roster | None = None,
        note: WeeklyNote | None = None,
        alerts: Forgetful | None = None,
    ) -> None:
        self.vitals, self.vigil = vitals, vigil
        self.watch, self.reconciler, self.durable, self.lead = watch, reconciler, durable, lead
        self.roster, self.note = roster, note
        self._alerts = alerts
        self._scheduler: Any = None
        self._polling = self._slow = False
        self._looking: asyncio.Task[None] | None = None
        self._asking: asyncio.Task[bool] | None = None
        self.intake: Job | None = None  # takes alerts into incidents, beside everything else
        self.telling: Job | None = None  # tells other systems, beside everything else
        self._taking: asyncio.Task[None] | None = None
        self._tells: asyncio.Task[None] | None = None

    async def start(self) -> None:
        """Begin; returns at once."""
        from apscheduler.schedulers.asyncio import AsyncIOScheduler

        self._looking = asyncio.create_task(self.reconciler.run())
        await self.reconciler.everything()
        await self.reconciler.promises()
        if self.intake is not None:
            self._taking = asyncio.create_task(self.intake.run())
        if self.telling is not None:
            self._tells = asyncio.create_task(self.telling.run())
        scheduler = AsyncIOScheduler(timezone="UTC", job_defaults={"coalesce": True, "max_instances": 1})
        every = self.watch.every.total_seconds()
        # two at once, so that a tick during a slow poll comes to `poll`, which leaves it out in one sentence
        polls = {"seconds": every, "misfire_grace_time": None, "max_instances": 2}
        scheduler.add_job(self.poll, "interval", id="poll", **polls)
        scheduler.add_job(self.look, "interval", seconds=LOOK_EVERY.total_seconds(), id="look", misfire_grace_time=None)
        letters = {"seconds": LETTERS_EVERY.total_seconds(), "misfire_grace_time": None}
        scheduler.add_job(self.letters, "interval", id="letters", **letters)
        scheduler.add_job(self.keep, "interval", seconds=KEEP_EVERY.total_seconds(), id="keep", misfire_grace_time=None)
        if self.roster is not None:
            rereads = {"seconds": ROSTER_EVERY.total_seconds(), "misfire_grace_time": None}
            scheduler.add_job(self.roster.reread, "interval", id="covers", **rereads)
            scheduler.add_job(self.roster.schedules.refresh, "interval", id="schedules", **rereads)
            self._asking = asyncio.create_task(self.roster.schedules.refresh())  # nobody waits for a provider
        scheduler.add_job(self.weekly, "interval", seconds=NOTE_EVERY.total_seconds(), id="weekly")
        scheduler.add_job(self.prune, "cron", hour=3, minute=17, id="prune", misfire_grace_time=None)
        for name, often, job in self.vigil.jobs if self.vigil is not None else ():
            seconds = often.total_seconds()
            scheduler.add_job(job, "interval", seconds=seconds, id=name, misfire_grace_time=None)
        scheduler.start()
        self._scheduler = scheduler
        await self.poll()

    async def poll(self) -> None:
        """One tick of the watch; what is being verified is looked at again with the new verdicts."""
        if self._polling:
            if not self._slow:
                logger().warning("a poll takes longer than poll.every; ticks are left out until it ends")
            self._slow = True
            return
        self._polling, slow = True, self._slow
        if self.vitals is not None:
            self.vitals.poll_began()
        try:
            await self.watch.tick(leads=await self.lead.holds())
            for name in tuple(self.reconciler.proving):
                self.reconciler.note(name)
        except Exception:  # noqa: BLE001 - the next tick must come
            logger().exception("a poll failed; the next one follows")
        finally:
            self._polling, self._slow = False, self._slow and not slow

    async def look(self) -> None:
        """Look at everything that is not closed."""
        try:
            await self.reconciler.everything()
        except Exception as error:  # noqa: BLE001 - the next minute looks again
            logger().error("looking at everything failed; the next minute looks again", error=repr(error))

    async def letters(self) -> None:
        """Take up what was given up, because the house died of it or over it several times."""
        try:
            await self.reconciler.take_up_dead_letters()
        except Exception as error:  # noqa: BLE001 - the next look is soon
            logger().error("looking at what was given up failed; it is looked at again", error=repr(error))

    async def keep(self) -> None:
        """Make what is in effect stand again where a target forgot it; one replica does, and nobody waits for it."""
        try:
            if await self.lead.holds():
                await self.reconciler.hands.keeper.keep()
        except Exception as error:  # noqa: BLE001 - the next minute looks again
            logger().error("looking after what is in effect failed; the next minute looks again", error=repr(error))

    async def weekly(self) -> None:
        """Post the note of who is on call where it is due; one replica does."""
        if self.note is not None and await self.lead.holds():
            await self.note.look()

    async def prune(self) -> None:
        """Forget durable work that ended two weeks ago, and what came in a month ago."""
        now = self.watch.handler.clock.now()
        try:
            await self.reconciler.promises()
            gone = await self.durable.prune(now - PRUNE_AFTER)
            await self.reconciler.desk.log.prune(now - FORGET_INBOUND_AFTER)
            if self._alerts is not None:
                await self._alerts.prune(now - FORGET_ALERTS_AFTER)
        except Exception as error:  # noqa: BLE001 - the next night prunes again
            logger().error("pruning failed; the next night prunes again", error=repr(error))
        else:
            logger().info("pruned", workflows=gone)

    async def stop(self) -> None:
        """End in order: no new tick, then the looking, then what the watch knows is written down."""
        if self._scheduler is not None:
            self._scheduler.shutdown(wait=False)
        for task in filter(None, (self._taking, self._tells, self._looking, self._asking)):
            task.cancel()
            await asyncio.gather(task, return_exceptions=True)
        await self.reconciler.hands.keeper.close()
        await self.reconciler.close()
        try:
            if await self.lead.holds():
                await self.watch.save()
        except Exception as error:  # noqa: BLE001 - best effort: the next start takes up an older checkpoint
            logger().warning("what the watch knows could not be written down at the end", error=repr(error))
        if self.vigil is not None:
            await self.vigil.close()
