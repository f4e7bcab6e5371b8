"""Keeping changes in effect: a target that forgot one, after a reload for instance, is made to show it again."""

from __future__ import annotations

import asyncio

from bot.domain.claim import another
from bot.domain.errors import Refused, TocsinError
from bot.domain.kept import ReportKept, ReportKeptTooLate, to_keep
from bot.domain.mitigation import Mitigation, Outcome, State, mitigation_of
from bot.engine.desk import Desk
from bot.engine.look import until_seen
from bot.engine.ports import Keeping
from bot.engine.values import Observation, Seen
from bot.telemetry import log as logger

WITHIN = 30.0
"""Seconds one target is given; then it is asked again the next minute."""


class Keeper:
    """Looks after every change in effect, each target by itself: one that hangs holds up neither others nor pages."""

    def __init__(self, desk: Desk, within: float = WITHIN) -> None:
        self.desk, self.within = desk, within
        self._under_way: dict[str, asyncio.Task[None]] = {}  # by target

    async def keep(self) -> None:
        """Begin to look after what is in effect; a target that is still being asked is not asked twice."""
        for uid, pairs in to_keep(await self.desk.open_incidents()).items():
            action = self.desk.changes.actions.get(pairs[0][1].plan.target)
            if isinstance(action, Keeping) and uid not in self._under_way:
                self._under_way[uid] = task = asyncio.create_task(self._look_after(uid, action))
                task.add_done_callback(lambda _done, uid=uid: self._under_way.pop(uid, None))

    async def _look_after(self, uid: str, action: Keeping) -> None:
        """One target, change by change in the order in which they were made."""
        asked: set[str] = set()
        try:
            async with asyncio.timeout(self.within):
                while True:
                    wanted = to_keep(await self.desk.open_incidents()).get(uid, [])  # one may be taken back meanwhile
                    pairs = [(i, m) for i, m in wanted if m.key(i.id) not in asked]
                    if not pairs:
                        return
                    incident, mitigation = pairs[0]
                    asked.add(mitigation.key(incident.id))
                    await self._keep(incident.id, mitigation, action)
        except TimeoutError:
            logger().warning("a target could not be looked after in time", target=uid, seconds=self.within)
        except Exception:  # noqa: BLE001 - the next minute looks again
            logger().exception("looking after a target failed", target=uid)

    async def _keep(self, incident: str, mitigation: Mitigation, action: Keeping) -> None:
        name, acted = mitigation.id, True
        try:
            stood = mitigation.kept_at or mitigation.applied_at or mitigation.proposed_at
            door = self.desk.changes.door(mitigation.plan.target)
            if other := another(mitigation.plan, await door.uid(mitigation.plan)):
                raise Refused(other)
            done = await action.keep(mitigation.plan, mitigation.key(incident), stood)
            acted = bool(done)
            if done:
                await self.desk.submit(incident, ReportKept(name, done), cause=f"keep:{name}")
        except TocsinError as trouble:
            because = str(trouble)
            logger().warning("a change could not be looked after", incident=incident, change=name, because=because)
        if acted:  # or may have, where the target fell silent
            await self._unless_undone(incident, mitigation)

    async def _unless_undone(self, incident: str, mitigation: Mitigation) -> None:
        """Another replica may have taken it back meanwhile, having seen the target as it was before: then it must go.

        Whoever takes it back is let finish first. Where it cannot be taken back once more, people are called.
        """
        name = mitigation.id
        while (state := mitigation_of(await self.desk.log.load(incident), name).state) is State.UNDOING:
            await self.desk.clock.sleep(1)
        if state is not State.UNDONE:
            return
        action, plan, key = self.desk.changes.door(mitigation.plan.target), mitigation.plan, mitigation.key(incident)

        async def look() -> Observation:
            return await action.undone(plan, f"{key}/undo")

        seen, trouble = await until_seen(look, self.desk.clock), ""
        if seen.seen is Seen.APPLIED:
            return
        try:
            await action.undo(plan, f"{key}/undo/again")  # a key of its own: the former may have been used
        except TocsinError as refused:
            trouble = f"{refused}; afterwards: "
        seen = await until_seen(look, self.desk.clock)
        outcome = Outcome.APPLIED if seen.seen is Seen.APPLIED else Outcome.UNKNOWN
        report = ReportKeptTooLate(name, outcome, f"{trouble}{seen.detail}")
        await self.desk.submit(incident, report, cause=f"keep:{name}")

    async def cease(self, uid: str) -> None:
        """Stop looking after a target, and wait until that has stopped: it is about to be changed, or changed back."""
        task = self._under_way.get(uid)
        if task is not None:
            task.cancel()
            await asyncio.wait({task})

    async def idle(self) -> None:
        """Wait until nothing is being looked after."""
        while self._under_way:
            await asyncio.wait(set(self._under_way.values()))

    async def close(self) -> None:
        """Stop."""
        for uid in list(self._under_way):
            await self.cease(uid)
