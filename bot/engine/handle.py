"""The one door through which anything changes: a command is decided on the log as it stands, then committed."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator, Callable, Sequence
from weakref import WeakValueDictionary

from bot.clock import Clock
from bot.domain.errors import Conflict, Refused, TocsinError, Unavailable, Undecided
from bot.domain.incident import Incident
from bot.domain.log import Ask, Command, Event
from bot.domain.policy import THE_BOT, Person, Policy
from bot.domain.trouble import ReportTrouble, rules_key
from bot.engine.legible import Legible, why
from bot.engine.ports import Log
from bot.telemetry import log as logger

AGAIN = 6
"""How often a command is decided anew when somebody else writes first."""


class Handler:
    """Takes commands from every door: Slack, web, command line, poller, wake-ups."""

    def __init__(self, log: Log, clock: Clock, policy: Policy) -> None:
        self.log, self.clock, self.policy = log, clock, policy
        self.legible = Legible(lambda: self.log)
        self._listeners: list[Callable[[str], None]] = []
        # one at a time per incident in this process; other replicas are settled by the log's optimistic concurrency
        self._turns: WeakValueDictionary[str, asyncio.Lock] = WeakValueDictionary()

    def after_commit(self, listener: Callable[[str], None]) -> None:
        """Call `listener(incident)` after each commit; it must only take note, never wait."""
        self._listeners.append(listener)

    async def open(self, command: Command, *, by: Person = THE_BOT, cause: str = "", inbound: str = "") -> Incident:
        """Commit a declaration under an id nobody has; whoever is given the same id a moment too late takes the next.

        Raises like `submit`.
        """
        for _attempt in range(AGAIN):
            name = await self.log.fresh_id()
            try:
                return await self.submit(name, command, by=by, cause=cause, inbound=inbound, anew=True)
            except Conflict:
                continue
        raise Conflict("many incidents are being declared at once; try again")

    async def open_all(self, commands: Sequence[Command], *, cause: str = "") -> list[Incident | Exception]:
        """Commit several declarations side by side, each an incident of its own or what kept it from being one.

        They have ids that follow one another; whoever is given the same id a moment too late takes a later one.
        """
        outcomes: list[Incident | Exception] = [Conflict("many incidents are being declared at once; try again")] * len(
            commands
        )
        left = list(range(len(commands)))
        for _attempt in range(AGAIN):
            if not left:
                break
            names = following(await self.log.fresh_id(), len(left))
            asked = [
                self.submit(name, commands[place], cause=cause, anew=True)
                for name, place in zip(names, left, strict=True)
            ]
            for place, outcome in zip(left, await asyncio.gather(*asked, return_exceptions=True), strict=True):
                if isinstance(outcome, BaseException) and not isinstance(outcome, Exception):
                    raise outcome
                outcomes[place] = outcome
            left = [place for place in left if isinstance(outcomes[place], Conflict)]
        return outcomes

    async def submit(
        self,
        incident: str,
        command: Command,
        *,
        by: Person = THE_BOT,
        cause: str = "",
        inbound: str = "",
        anew: bool = False,
    ) -> Incident:
        """Decide and commit; the incident as it then stands.

        `inbound` is the id of the click, event or request that asked: it commits together with the events, so that a
        redelivery has no second effect. Raises Refused (with the sentence for the person), Taken, Unavailable (nothing
        was recorded: try again), Conflict (many writers at once: try again; with `anew`, also where the incident is
        there already), NotFound and Tampered (the incident cannot be read by this program).
        """
        turn = self._turns.setdefault(incident, asyncio.Lock())
        async with turn:
            if not anew and (done := await self._at_once(incident, command, by, cause, inbound)) is not None:
                return done
            return await self._submit(incident, command, by, cause, inbound, anew=anew)

    async def _at_once(self, incident: str, command: Command, by: Person, cause: str, inbound: str) -> Incident | None:
        """Decide on what is at hand: whoever waits is spared two reads. None where it has to be decided anew.

        What is at hand may be old. So nothing is refused by it, and nothing is left undone; and where events follow,
        appending them proves that it was not, and that the inbound id is new.
        """
        known = self.log.at_hand(incident)
        if known is None:
            return None
        ask = Ask(by, self.clock.now(), cause or inbound, self.policy)
        try:
            events = _decided(command, known, ask)
            return await self._append(known, events, ask, inbound) if events else None
        except (Refused, Conflict):
            return None

    async def _submit(
        self, incident: str, command: Command, by: Person, cause: str, inbound: str, *, anew: bool
    ) -> Incident:
        for attempt in range(1, AGAIN + 1):
            if inbound and (before := await self.again(inbound)) is not None:
                return before
            known = await self.legible.sure(incident)
            if anew and known.exists:
                raise Conflict(f"{incident} was declared by somebody else")
            try:
                ask = Ask(by, self.clock.now(), cause or inbound, self.policy)
                return await self._commit(known, command, ask, inbound)
            except Undecided as broken:  # not remembered: once the rules are mended, the same click may be judged
                await self.tell_broken(incident, type(command).__name__, broken.broke)
                raise
            except Refused as refused:  # by a rule, or because another incident holds what it needs
                if inbound:
                    await self.log.remember(inbound, incident, refused.because)
                raise
            except Conflict:
                if attempt == AGAIN:
                    raise
        raise Unavailable("the log", "could not be written")  # pragma: no cover - the loop returns or raises

    async def _commit(self, known: Incident, command: Command, ask: Ask, inbound: str) -> Incident:
        events = _decided(command, known, ask)
        if not events:
            if inbound:
                await self.log.remember(inbound, known.id)
            return known
        return await self._append(known, events, ask, inbound)

    async def _append(self, known: Incident, events: list[Event], ask: Ask, inbound: str) -> Incident:
        after = await self.log.append(known, events, by=ask.by, at=ask.at, cause=ask.cause, inbound=inbound)
        for listener in self._listeners:
            listener(known.id)
        return after

    # -- when the rules themselves break -----------------------------------------------------------------------------

    @contextlib.asynccontextmanager
    async def judging(self, incident: str, asked: str) -> AsyncIterator[None]:
        """Ask the rules outside of a command: where they break, the answer is no, and the timeline says so.

        Raises Undecided.
        """
        try:
            yield
        except TocsinError:
            raise
        except Exception as error:
            logger().exception("the rules broke", incident=incident, asked=asked)
            await self.tell_broken(incident, asked, type(error).__name__)
            raise Undecided(type(error).__name__) from error

    async def tell_broken(self, incident: str, asked: str, broke: str) -> None:
        """Say in the timeline that the rules broke over such a request, patiently; the rules are not asked for that.

        Never raises: whoever says it is in trouble already.
        """
        key, now = rules_key(incident, asked), self.clock.now()
        try:
            known = await self.log.load(incident)
            before = known.troubles.get(key)
            if before is not None and now < before.again_at:
                return
            ask = Ask(THE_BOT, now, key, Policy())
            events = list(ReportTrouble(key, before.count + 1 if before else 1, broke).decide(known, ask))
            if events:
                await self._append(known, events, ask, "")
        except (Unavailable, Conflict) as silent:
            logger().warning("it is not in the timeline that the rules broke", incident=incident, because=str(silent))
        except Exception as error:  # noqa: BLE001 - an incident that cannot be read cannot be written to either
            logger().error("it is not in the timeline that the rules broke", incident=incident, because=why(error))

    async def again(self, inbound: str) -> Incident | None:
        """The incident of an inbound id received before, None for a new one; what was refused is refused again."""
        before = await self.log.received(inbound)
        if before is None:
            return None
        if before.refused:
            raise Refused(before.refused)
        return await self.log.load(before.incident)


def following(name: str, many: int) -> list[str]:
    """That id and those that come after it."""
    stem, _, number = name.rpartition("-")
    return [f"{stem}-{int(number) + more}" for more in range(many)]


def _decided(command: Command, known: Incident, ask: Ask) -> list[Event]:
    """What follows. Raises Refused by a rule; Undecided where the rules broke: what cannot be judged is not done."""
    try:
        return list(command.decide(known, ask))
    except TocsinError:
        raise
    except Exception as error:
        logger().exception("the rules broke", incident=known.id, asked=type(command).__name__)
        raise Undecided(type(error).__name__) from error
