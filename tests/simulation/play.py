"""A night drawn by lot: faults, crashes, late and double clicks, and what must hold throughout, read off the fakes."""

from __future__ import annotations

import asyncio
import contextlib
import random
from collections import Counter
from collections.abc import Awaitable, Callable
from datetime import datetime, timedelta
from pathlib import Path

from bot.domain.approval import ApproveMitigation, DeclineMitigation
from bot.domain.errors import TocsinError
from bot.domain.execution import ReportOutcome
from bot.domain.incident import Incident
from bot.domain.lifecycle import Close, IncidentResolved, Reopen, Resolve
from bot.domain.log import Command
from bot.domain.mitigation import EFFECTIVE, Mitigation, Outcome, State
from bot.domain.paging import Acknowledge, Receipt
from bot.domain.phase import Phase
from bot.domain.undo import UndoMitigation
from tests.world import World

PEOPLE = ("ana", "ben", "cleo", "max")
FAULTS = ("", "", "refuse", "lost_before", "lost_after", "silent")
UNTOUCHED = {State.PROPOSED, State.APPROVED, State.DECLINED, State.EXPIRED, State.STALE}
BLIND_AFTER = timedelta(seconds=20)


class BrokenError(AssertionError):
    """Something that must never happen happened; names the seed and the step."""


class Night:
    """One world and a seed. `play` lets so many things happen and raises BrokenError at the first that must not."""

    def __init__(self, world: World, seed: int) -> None:
        self.world, self.lot, self.seed = world, random.Random(seed), seed
        self.step = 0
        self.failing_since: datetime | None = None  # the first poll in a row that got no answer
        self.told: list[str] = []
        world.router.keyed = self.lot.random() < 0.5

    async def play(self, steps: int) -> None:
        happenings = self._happenings()
        for self.step in range(steps):
            (happening,) = self.lot.choices(
                [each for each, _weight in happenings], [weight for _each, weight in happenings]
            )
            self.told.append(happening.__name__)
            with contextlib.suppress(TocsinError):
                await happening()
            await self._pass(self.lot.choice((1, 2, 3, 3, 5)))
            await self.check()
        await self.dawn()

    def _happenings(self) -> list[tuple[Callable[[], Awaitable[None]], int]]:
        return [
            (self.quiet, 5), (self.breaks_out, 6), (self.source, 3), (self.phone, 2), (self.chat, 1), (self.fault, 5),
            (self.restart, 2), (self.crash, 1), (self.crash_while_acting, 3), (self.wait_long, 2), (self.propose, 3), (self.handled, 16),
            (self.approve, 8), (self.decline, 1), (self.undo, 3), (self.look, 3), (self.acknowledge, 2),
            (self.resolve, 5), (self.reopen, 1), (self.resolve_in_the_dark, 3), (self.close, 1), (self.declare, 1), (self.somebody_deploys, 1),
        ]  # fmt: skip

    # -- time --------------------------------------------------------------------------------------------------------

    async def _pass(self, seconds: int, polls: int = 1) -> None:
        for _ in range(polls):
            well = self.world.router.weights["v1"] == 100 or self.world.router.bypass or self.lot.random() < 0.3
            self.world.traffic("poor", good=9 * seconds if well else 0, bad=seconds if well else 10 * seconds)
            self.world.traffic("good", good=8 * seconds, bad=2 * seconds)
            await self.world.round(seconds=seconds)
            if not self.world.counters.down:
                self.failing_since = None
            elif self.failing_since is None:
                self.failing_since = self.world.clock.now()

    async def quiet(self) -> None:
        await self._pass(2, polls=4)

    async def breaks_out(self) -> None:
        """The new release is put back into service by its owners."""
        self._release()
        await self._pass(2, polls=6)

    def _release(self) -> None:
        self.world.router.weights = {"v1": 0, "v2": 100}
        self.world.router.bypass = {}
        self.world.router.revision += 1

    async def somebody_deploys(self) -> None:
        self.world.router.revision += 1

    async def wait_long(self) -> None:
        await self._pass(self.lot.choice((30, 300, 960)))

    # -- faults ------------------------------------------------------------------------------------------------------

    async def source(self) -> None:
        self.world.counters.down = self.lot.choice(("", "time-out"))
        if self.world.counters.down:
            await self._pass(5, polls=self.lot.choice((1, 3, 7)))

    async def phone(self) -> None:
        self.world.phone.dead = self.lot.choice(("", "no carrier"))

    async def chat(self) -> None:
        self.world.board.down = self.lot.choice(("", "503"))

    async def fault(self) -> None:
        self.world.router.fault = self.lot.choice(FAULTS)

    async def restart(self) -> None:
        if self.lot.random() < 0.5:
            await self.world.house.watch.save()
        await self.world.restart()

    async def crash(self) -> None:
        await self.world.crash()

    async def crash_while_acting(self) -> None:
        """An approval is given, the target is asked, and the house dies before the answer is written down."""
        router = self.world.router
        router.fault = self.lot.choice(("hang_before", "hang_after"))
        router.reached.clear()
        found = await self._mitigation(State.PROPOSED)
        if found is not None:
            incident, mitigation = found
            command = ApproveMitigation(mitigation.id, mitigation.digest)
            with contextlib.suppress(TocsinError):
                await self.world.house.desk.submit(incident.id, command, await self.world.who("ben"))
                await self.world.house.reconciler.settle()
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(router.reached.wait(), 0.3)
        router.fault = ""
        await self.world.crash()

    # -- people ------------------------------------------------------------------------------------------------------

    async def _mitigation(self, *states: State) -> tuple[Incident, Mitigation] | None:
        found = [
            (incident, mitigation)
            for incident in await self.world.house.desk.open_incidents()
            for mitigation in incident.mitigations.values()
            if mitigation.state in states
        ]
        return self.lot.choice(found) if found else None

    async def _incident(self, *phases: Phase) -> Incident | None:
        found = [each for each in await self.world.house.desk.open_incidents() if not phases or each.phase in phases]
        return self.lot.choice(found) if found else None

    async def _click(self, command: Command, incident: str, by: str = "") -> None:
        """A click that is delivered once, twice or three times."""
        who = by or self.lot.choice(PEOPLE)
        for _ in range(self.lot.choice((1, 1, 2, 3))):
            with contextlib.suppress(TocsinError):
                await self.world.say(command, who, incident, inbound=f"click:{self.step}:{who}")

    async def handled(self) -> None:
        """The usual course: proposed, read and approved within seconds, on a target in whatever state it is."""
        incident = await self._incident(Phase.DECLARED, Phase.ACKNOWLEDGED, Phase.MITIGATED)
        if incident is None:
            incident = await self.world.declare("a call", "ana", inbound=f"call:{self.step}")
        router = self.world.router
        router.fault = ""
        await self.look()
        while (pending := await self._mitigation(State.PROPOSED)) is not None:
            await self.world.say(DeclineMitigation(pending[1].id, "another way"), "ben", pending[0].id)
        if router.weights["v1"] == 100 and router.bypass:
            self._release()
        router.fault = self.lot.choice(FAULTS[2:])
        offer = "bypass-poor" if router.weights["v1"] == 100 else "rollback-v1"
        after = await self.world.propose(offer, "ana", incident.id)
        last = list(after.mitigations.values())[-1]
        await self._click(ApproveMitigation(last.id, last.digest), incident.id, "ben")

    async def propose(self) -> None:
        incident = await self._incident(Phase.DECLARED, Phase.ACKNOWLEDGED, Phase.MITIGATED)
        if incident is not None:
            await self.world.propose(
                self.lot.choice(("rollback-v1", "bypass-poor")), self.lot.choice(PEOPLE), incident.id
            )

    async def approve(self) -> None:
        found = await self._mitigation(State.PROPOSED)
        if found is not None:
            incident, mitigation = found
            digest = mitigation.digest if self.lot.random() < 0.95 else "0" * 64
            await self._click(
                ApproveMitigation(mitigation.id, digest), incident.id, self.lot.choice(("ben", "ben", ""))
            )

    async def decline(self) -> None:
        found = await self._mitigation(State.PROPOSED, State.APPROVED)
        if found is not None:
            await self._click(DeclineMitigation(found[1].id, "no"), found[0].id)

    async def undo(self) -> None:
        found = await self._mitigation(*EFFECTIVE)
        if found is not None:
            await self._click(UndoMitigation(found[1].id, "worse"), found[0].id, "ben")

    async def look(self) -> None:
        """A person looks at the target and says truly what they found of an unknown outcome."""
        found = await self._mitigation(State.UNKNOWN)
        if found is not None:
            incident, mitigation = found
            outcome = Outcome.APPLIED if self._in_force(incident, mitigation) else Outcome.FAILED
            await self._click(ReportOutcome(mitigation.id, outcome, "looked"), incident.id, "ben")

    async def acknowledge(self) -> None:
        incident = await self._incident(Phase.DECLARED)
        if incident is not None:
            await self._click(Acknowledge(), incident.id)

    async def resolve(self) -> None:
        incident = await self._incident(Phase.DECLARED, Phase.ACKNOWLEDGED, Phase.MITIGATED)
        if incident is not None:
            await self._resolve(incident, "known" if self.lot.random() < 0.2 else "")

    async def resolve_in_the_dark(self) -> None:
        """The release breaks, then the source falls silent, and somebody has had enough."""
        await self.breaks_out()
        self.world.counters.down = "time-out"
        await self._pass(5, polls=7)
        for incident in await self.world.house.desk.open_incidents():
            if incident.is_open and incident.slo:
                with contextlib.suppress(TocsinError):
                    await self._resolve(incident, "")
        self.world.counters.down = self.lot.choice(("", "time-out"))

    async def _resolve(self, incident: Incident, waive: str) -> None:
        after = await self.world.say(Resolve("over", waive), self.lot.choice(("ana", "ben")), incident.id)
        entries = await self.world.house.desk.log.entries(incident.id)
        last = [entry.event for entry in entries if isinstance(entry.event, IncidentResolved)][-1]
        silent = self.failing_since is not None and self.world.clock.now() - self.failing_since > BLIND_AFTER
        if not last.exceptions and silent and after.slo:
            raise self.broken(f"{incident.id} was resolved while its data were silent since {self.failing_since}")

    async def reopen(self) -> None:
        incident = await self._incident(Phase.RESOLVED)
        if incident is not None:
            await self._click(Reopen("again"), incident.id)

    async def close(self) -> None:
        incident = await self._incident(Phase.RESOLVED)
        if incident is not None:
            await self._click(Close(), incident.id)

    async def declare(self) -> None:
        await self.world.declare("a call", self.lot.choice(PEOPLE), inbound=f"declare:{self.step}")

    # -- what must hold ----------------------------------------------------------------------------------------------

    def broken(self, what: str) -> BrokenError:
        return BrokenError(f"seed {self.seed}, step {self.step} after {', '.join(self.told[-6:])}: {what}")

    def _in_force(self, incident: Incident, mitigation: Mitigation) -> bool:
        key, effects = mitigation.key(incident.id), self.world.router.effects
        return key in effects and f"{key}/undo" not in effects

    async def check(self) -> None:
        """Every oracle reads what the target really did and what the log really holds."""
        for key, count in Counter(self.world.router.effects).items():
            if count > 1:
                raise self.broken(f"{key} was applied {count} times")
        log = self.world.house.desk.log
        every = [await log.load(each.id) for each in await self.world.house.desk.summaries()]
        marks = Counter(incident.fingerprint for incident in every if incident.is_open)
        if marks and max(marks.values()) > 1:
            raise self.broken(f"two open incidents for one cause: {marks.most_common(1)}")
        known = set()
        for incident in every:
            for mitigation in incident.mitigations.values():
                known |= {mitigation.key(incident.id), f"{mitigation.key(incident.id)}/undo"}
                self._check_mitigation(incident, mitigation)
        if set(self.world.router.effects) - known:
            raise self.broken("the target was changed by something nobody proposed")
        if self.step % 10 == 0:
            await log.verify()

    def _check_mitigation(self, incident: Incident, mitigation: Mitigation) -> None:
        effects, key = self.world.router.effects, mitigation.key(incident.id)
        name, state = f"{incident.id}/{mitigation.id}", mitigation.state
        approvers = {given.person for given in mitigation.approvals if given.digest == mitigation.plan.digest}
        if key in effects and (not approvers or mitigation.proposed_by in approvers):
            raise self.broken(f"{name} was carried out without a second person's approval of these words")
        if state in EFFECTIVE and not self._in_force(incident, mitigation):
            raise self.broken(f"{name} is reported {state} and the target does not show it")
        if state in UNTOUCHED and key in effects:
            raise self.broken(f"{name} is reported {state} and the target was changed")
        if state is State.FAILED and self._in_force(incident, mitigation):
            raise self.broken(f"{name} is reported failed and is in force")
        if state is State.UNDONE and f"{key}/undo" not in effects:
            raise self.broken(f"{name} is reported undone and is still in force")

    async def dawn(self) -> None:
        """Faults stop: what is owed is done, what cannot be known waits for a person, everybody sees what stands."""
        world = self.world
        world.counters.down = world.phone.dead = world.board.down = world.router.fault = ""
        for _ in range(4):
            await self._pass(300)
        self.step = 0
        await self.check()
        for incident in await world.house.desk.open_incidents():
            stuck = [
                m.id for m in incident.mitigations.values() if m.state in (State.CLAIMED, State.UNDOING, State.PROPOSED)
            ]
            if stuck:
                raise self.broken(f"{incident.id}: {', '.join(stuck)} never came to an end")
            reached = any(page.receipt is Receipt.ACCEPTED for page in incident.pages.values())
            if incident.phase is Phase.DECLARED and incident.acknowledged is None and not reached:
                raise self.broken(f"{incident.id}: nobody was ever reached")
            if (incident.id, incident.seq) not in world.board.shown:
                raise self.broken(f"{incident.id}: the chat is behind")


def fresh(folder: Path) -> Path:
    """The folder, made where it is missing."""
    folder.mkdir(parents=True, exist_ok=True)
    return folder


async def night(folder: Path, seed: int, steps: int = 35, kind: type[World] = World) -> Night:
    """Play one night on a fresh world of that kind."""
    async with kind.open(fresh(folder)) as world:
        played = Night(world, seed)
        await played.play(steps)
        return played
