"""Making so what the log says should be: what is owed is done once, under its key, and views are kept current."""

from __future__ import annotations

import asyncio
import itertools
from dataclasses import replace
from datetime import datetime, timedelta

from bot.domain.alert_clock import SettleAlerts
from bot.domain.approval import ExpireMitigation
from bot.domain.climbing import FollowOwed, NobodyOwed, Owed, PageOwed, StandDownOwed, UnansweredOwed
from bot.domain.clocks import running
from bot.domain.duty import AnswerDuties
from bot.domain.errors import Conflict, RateLimited, Refused, TocsinError, Unavailable
from bot.domain.escalation import ReportUnanswered
from bot.domain.incident import Incident
from bot.domain.mitigation import State
from bot.domain.nobody import ReportNobody
from bot.domain.notice import Standing
from bot.domain.signing import MarkStale
from bot.domain.todo import (
    AlertsOwed,
    ArchiveOwed,
    AutoOwed,
    CollectOwed,
    DiagnoseOwed,
    DutiesOwed,
    ExecuteOwed,
    ExpireOwed,
    HoldOwed,
    RemindOwed,
    ReportOwed,
    RoomOwed,
    RunbookOwed,
    SettleOwed,
    StepOwed,
    UndoOwed,
    VerifyOwed,
    todo,
)
from bot.domain.trouble import ReportTrouble
from bot.engine.desk import Desk
from bot.engine.errands import Errands, everybody
from bot.engine.hands import Hands
from bot.engine.look import GLANCE_WITHIN
from bot.engine.paging import NO_CHANNEL
from bot.engine.ports import Durable
from bot.engine.vitals import Vitals
from bot.telemetry import log as logger

AT_ONCE = (AlertsOwed, NobodyOwed, UnansweredOwed, ExpireOwed, DutiesOwed, RunbookOwed, SettleOwed, VerifyOwed)
"""Decisions by the clock and the data: nothing outside is changed (at most a target is read), so none is durable."""

AT_A_TIME = 50
"""So many incidents without news are looked at before those with news are asked for again."""
FIRST_PAUSE, LONGEST_PAUSE = 1.0, 30.0  # seconds between two tries while the log is silent
DECIDE_WITHIN = GLANCE_WITHIN + 2.0  # seconds: one target that hangs must not hold up the others' pages


class Reconciler:
    """Looks at one incident at a time; looking twice is harmless, a missed look is repaired by the next."""

    def __init__(self, desk: Desk, durable: Durable, hands: Hands, vitals: Vitals | None = None) -> None:
        self.desk, self.durable, self.hands = desk, durable, hands
        self.vitals = vitals or Vitals(desk.clock)
        self.errands = Errands(desk, hands.chat)
        self._dirty: dict[str, bool] = {}  # whether it is only looked at because everything is
        self._noted = asyncio.Event()
        self._since: dict[str, datetime] = {}  # since when those with news wait
        self._looking = False
        self._moved = desk.clock.now()  # when a look began or ended last, or there was nothing to look at
        self._ended: datetime | None = None
        self._shows: dict[str, asyncio.Task[None]] = {}
        self._again: set[str] = set()
        self.proving: set[str] = set()  # incidents that wait for the data: looked at again after each poll
        desk.handler.after_commit(self.note)

    def note(self, incident: str) -> None:
        """Remember to look at an incident; called after every commit."""
        self._stirs()
        self._dirty[incident] = False
        self._since.setdefault(incident, self.desk.clock.now())
        self._noted.set()

    def _stirs(self) -> None:
        """From now on there is something to look at, if there was not before."""
        if not self._dirty and not self._looking:
            self._moved = self.desk.clock.now()

    def waits(self) -> timedelta:
        """How long news wait to be acted on at most, or no look ends, or nobody looks any more."""
        since = [*self._since.values(), *((self._moved,) if self._dirty or self._looking else ())]
        since += [self._ended] if self._ended is not None else []
        return max((self.desk.clock.now() - each for each in since), default=timedelta(0))

    @property
    def busy(self) -> bool:
        """True while something is noted or being shown."""
        return bool(self._dirty or self._shows)

    async def run(self) -> None:
        """Look whenever something was noted, until cancelled; whatever goes wrong, the next look comes."""
        self._ended = None
        try:
            while True:
                await self._noted.wait()
                try:
                    await self.settle()
                except Exception:  # noqa: BLE001 - if this ended, nobody would be paged any more
                    logger().exception("looking at what was noted failed; it goes on")
                    await self.desk.clock.sleep(FIRST_PAUSE)
        finally:
            self._ended = self.desk.clock.now()

    async def settle(self) -> None:
        """Look at everything noted, and at what is noted meanwhile; all their pages are begun before any is shown."""
        while self._dirty:
            if not any(self._may_page(name) for name in self._dirty):
                await self.desk.courtesy.let_pass()
            noted = self._next()
            self._looking = True
            try:
                for name in noted:
                    await self._look_at(name)
            finally:
                self._looking = False
            for name in noted:
                self._show(name)
        self._noted.clear()
        if self._dirty:
            self._noted.set()

    def _next(self) -> list[str]:
        """Those that have news; where there are none, a few of all: no page waits until ten thousand were looked at."""
        noted = [name for name, swept in self._dirty.items() if not swept]
        noted = noted or list(itertools.islice(self._dirty, AT_A_TIME))
        for name in noted:
            del self._dirty[name]
        return noted

    async def everything(self) -> None:
        """Note every incident that is not closed: at start, and each minute."""
        for name in await self.desk.log.open_ids():
            self._stirs()
            self._dirty.setdefault(name, True)
            self._noted.set()

    async def promises(self) -> None:
        """Note every incident in which something is promised, closed ones too: a wake-up may have been lost."""
        for name in await self.desk.log.promised():
            self.note(name)

    def _may_page(self, name: str) -> bool:
        """Whether somebody may have to be woken: that stands aside for nobody."""
        known = self.desk.log.at_hand(name)
        return known is None or (known.unclaimed and not known.is_silent)

    # -- one look ----------------------------------------------------------------------------------------------------

    async def _look_at(self, name: str) -> None:
        self.vitals.looked(name)
        self._since.pop(name, None)
        self._moved = self.desk.clock.now()
        try:
            await self.look(name)
        except Unavailable as trouble:
            logger().warning("an incident was not looked at; the next round does", incident=name, because=str(trouble))
        except Exception as error:  # noqa: BLE001 - one incident's trouble must not stop the others
            logger().exception("looking at an incident failed; the next round looks again", incident=name)
            await self.desk.handler.tell_broken(name, "what is owed", type(error).__name__)
        finally:
            self._moved = self.desk.clock.now()

    async def look(self, name: str) -> None:
        """Start what is due, set wake-ups for what is not, and see what became of frozen words.

        One that cannot be read is left alone until it can be; `handler.legible` knows which.
        """
        incident = await self.desk.handler.legible.one(name)
        if incident is None:
            return
        now = self.desk.clock.now()
        todo_now = await self._owed(incident)
        waits = any(isinstance(each, SettleOwed | VerifyOwed) for each in todo_now)
        (self.proving.add if waits else self.proving.discard)(name)
        self.hands.paging.note(name, [each for each in todo_now if isinstance(each, PageOwed)], now)
        for owed in sorted(todo_now, key=lambda each: each.due > now):  # no wake-up is set before what is due begins
            if owed.due > now:
                await self.durable.wake_at(name, owed.due, now)
            else:
                await self._try(incident, owed)
        if incident.is_open and incident.update_due is not None and incident.update_due > now:
            await self.durable.wake_at(name, incident.update_due, now)  # its views change then, whoever leads
        await self.hands.diagnosis.rerank(incident)
        await self._check_notices(incident)

    async def owing(self, incident: Incident) -> list[Owed]:
        """Everything owed to an incident, now and later, by whoever is on call now. Raises Unavailable."""
        return await self._owed(incident)

    async def _owed(self, incident: Incident, *, begun: bool = False) -> list[Owed]:
        """What is owed now and later. A page that was `begun` does not wait: its attempt cannot be begun again."""
        ladder = await self.desk.ladder(incident)
        ladder = replace(ladder, begun=True) if begun else self.hands.paging.calmly(incident, ladder)
        asked = any(each.state is State.PROPOSED for each in incident.mitigations.values())
        people = await everybody(self.desk) if asked or running(incident) else ()
        owed = list(todo(incident, self.desk.handler.policy, self.desk.service_of(incident), ladder, people))
        if not self.hands.pagers and any(page.channel == NO_CHANNEL for page in incident.pages.values()):
            return [each for each in owed if not isinstance(each, PageOwed)]  # said once; trying again changes nothing
        return owed

    async def _try(self, incident: Incident, owed: Owed) -> None:
        """Decide or start it; what cannot be now keeps nothing else waiting, and is looked at again with the next."""
        try:
            if isinstance(owed, AT_ONCE):
                async with asyncio.timeout(DECIDE_WITHIN):
                    await self._decide(incident, owed)
            else:
                await self.durable.start(owed.key, owed.attempt)
        except TimeoutError:
            logger().warning("not decided in time; the next look tries again", key=owed.key)
        except TocsinError as trouble:
            logger().warning("not decided yet; the next look tries again", key=owed.key, because=str(trouble))

    async def _decide(self, incident: Incident, owed: Owed) -> None:
        match owed:
            case AlertsOwed():
                await self.desk.submit(incident.id, SettleAlerts(), cause=owed.key)
            case NobodyOwed(lack=lack, people=people):
                await self.desk.submit(incident.id, ReportNobody(lack, people), cause=owed.key)
            case UnansweredOwed(rounds=rounds):
                await self.desk.submit(incident.id, ReportUnanswered(rounds), cause=owed.key)
            case ExpireOwed(mitigation=name):
                await self.desk.submit(incident.id, ExpireMitigation(name), cause=owed.key)
            case SettleOwed(mitigation=name):
                await self.hands.carrier.settle(incident, name)
            case VerifyOwed(mitigation=name):
                await self.hands.prover.verify(incident, name)
            case RunbookOwed():
                book = self.hands.guide.fitting(incident)
                if book is not None:
                    await self.desk.start_runbook(incident.id, book.name, None)
            case DutiesOwed(basis=basis):
                situation = await self.desk.situation(incident.id)
                duties = self.desk.drafter.duties(situation)
                await self.desk.submit(incident.id, AnswerDuties(duties, basis), cause=owed.key)
            case _:
                raise AssertionError(f"{owed} is not decided at once")

    async def _check_notices(self, incident: Incident) -> None:
        """A later fact that changes frozen words voids them."""
        frozen = [n for n in incident.notices.values() if n.standing in (Standing.FROZEN, Standing.APPROVED)]
        if not frozen:
            return
        situation = await self.desk.situation(incident.id)
        for notice in frozen:
            words = situation.drafts.get(notice.id)
            if words is not None:
                await self.desk.submit(incident.id, MarkStale(notice.id, words.digest), cause=f"notice:{notice.id}")

    # -- doing -------------------------------------------------------------------------------------------------------

    async def wake(self, incident: str) -> None:
        """A wake-up came due."""
        self.note(incident)

    async def perform(self, key: str) -> None:
        """Do one owed thing if the log still owes it; what goes wrong is written down and tried again later.

        An attempt ends only when its outcome or its trouble stands in the log: while the log is silent it goes on
        asking, and a crash meanwhile is taken up by the durable engine.
        """
        wait = FIRST_PAUSE
        while True:
            try:
                await self._perform(key)
            except (Unavailable, Conflict) as silent:
                logger().warning("the log is silent; what is owed is not given up", key=key, because=str(silent))
                await self.desk.clock.sleep(wait)
                wait = min(wait * 2, LONGEST_PAUSE)
            else:
                return

    async def take_up_dead_letters(self) -> None:
        """What took the process down again and again was given up: say so in the log, and it is tried anew later."""
        for key, attempt in await self.durable.dead_letters():
            try:
                await self._take_up(key, attempt)
            except Unavailable:
                raise
            except Exception:  # noqa: BLE001 - one incident's trouble must not keep the others' work given up
                logger().exception("work that was given up is not taken up yet", key=key)

    async def _take_up(self, key: str, attempt: int) -> None:
        name = key.split(":")[1]
        incident = await self.desk.handler.legible.one(name)
        if incident is None:
            return
        owed = next((each for each in await self._owed(incident) if each.key == key), None)
        if owed is not None and owed.attempt == attempt:
            because = "it was given up after the bot died of it several times"
            await self.desk.submit(name, ReportTrouble(key, attempt, because), cause=key)
            self.vitals.given_up()

    async def _perform(self, key: str) -> None:
        name = key.split(":")[1]
        incident = await self.desk.handler.legible.one(name)
        if incident is None:  # an attempt that ended without a word could not be begun again once it is read
            raise Unavailable("the log", f"{name} cannot be read by this program")
        now = self.desk.clock.now()
        every = await self._owed(incident, begun=True)
        owed = next((e for e in every if e.key == key and (e.due <= now or isinstance(e, PageOwed))), None)
        if owed is None:
            return
        try:
            begun = isinstance(owed, PageOwed)  # it waits no more, whatever the log would have it wait for by now
            await self._do(incident, replace(owed, due=min(owed.due, now)) if begun else owed)
        except Refused as refused:
            logger().info("refused", key=key, because=refused.because)
            await self.desk.submit(name, ReportTrouble(key, owed.attempt, refused.because), cause=key)
        except TocsinError as trouble:
            await self.desk.submit(name, ReportTrouble(key, owed.attempt, str(trouble)), cause=key)
        except Exception as error:  # noqa: BLE001 - written down, tried again, never silent
            logger().exception("performing failed", key=key)
            await self.desk.submit(name, ReportTrouble(key, owed.attempt, type(error).__name__), cause=key)

    async def _do(self, incident: Incident, owed: Owed) -> None:
        match owed:
            case PageOwed():
                await self.hands.paging.page(incident, owed)
            case FollowOwed():
                await self.hands.paging.follow(incident, owed)
            case StandDownOwed():
                await self.hands.paging.stand_down(incident, owed)
            case DiagnoseOwed():
                await self.hands.diagnosis.diagnose(incident)
            case ReportOwed():
                await self.hands.diagnosis.report(incident)
            case HoldOwed() | CollectOwed() | AutoOwed() | ExecuteOwed() | UndoOwed():
                await self.hands.change(incident, owed)
            case StepOwed(step=step):
                await self.hands.guide.step(incident, step)
            case RemindOwed() | RoomOwed() | ArchiveOwed():
                await self.errands.run(incident, owed)
            case _:
                raise AssertionError(f"nobody does {owed}")

    # -- showing -----------------------------------------------------------------------------------------------------

    def _show(self, name: str) -> None:
        """Bring the chat up to date without anybody waiting for it; while one showing runs, at most one more waits."""
        known = self.desk.log.at_hand(name)
        if self.hands.chat is None or (known is not None and known.is_silent):  # counted on the storm's card
            return
        if name in self._shows:
            self._again.add(name)
            return
        self._shows[name] = asyncio.create_task(self._show_now(name))

    async def _show_now(self, name: str) -> None:
        chat = self.hands.chat
        try:
            while chat is not None:
                await self.desk.courtesy.let_pass()
                self._again.discard(name)
                await chat.show(await self.desk.situation(name))
                if name not in self._again:
                    break
        except RateLimited as later:
            logger().info(
                "the chat's turn has not come; it shows the incident by itself", incident=name, because=str(later)
            )
        except TocsinError as trouble:
            logger().warning("the chat is behind; the next round repairs it", incident=name, because=str(trouble))
        except Exception:  # noqa: BLE001 - views never stop the work
            logger().exception("showing failed; the next round shows again", incident=name)
        finally:
            self._shows.pop(name, None)
            if name in self._again:
                self._again.discard(name)
                self._show(name)

    async def shown(self) -> None:
        """Wait until every showing under way has ended."""
        while self._shows:
            await asyncio.gather(*self._shows.values(), return_exceptions=True)

    async def close(self) -> None:
        """Stop showing."""
        for task in list(self._shows.values()):
            task.cancel()
        await asyncio.gather(*self._shows.values(), return_exceptions=True)
