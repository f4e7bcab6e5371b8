"""Takes accepted alerts into incidents: in batches, critical ones first, each once whatever dies meanwhile."""

from __future__ import annotations

import asyncio
import contextlib
from collections import deque
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import TypeVar

from bot.domain.alert import Alert
from bot.domain.alerts import AttachAlerts, DeclareForAlerts, EndAlerts, episode_claim, worst_first
from bot.domain.errors import Conflict, NotFound, Refused, Taken, Tampered, Unavailable
from bot.domain.grouping import Board, Graph, Window, standing
from bot.domain.incident import Incident
from bot.domain.lifecycle import Declare, Reopen, open_claim
from bot.domain.log import Command
from bot.domain.policy import Severity
from bot.domain.promotion import is_critical
from bot.domain.service import Service
from bot.engine.courtesy import Courtesy
from bot.engine.handle import Handler
from bot.engine.intake_ports import Inbox, cursor
from bot.engine.joining import merge
from bot.engine.placing import NEW, Opening, Plan, Planner
from bot.engine.rounds import Lead
from bot.engine.storm import Storm
from bot.telemetry import log as logger

BATCH = 500
SIDE_BY_SIDE = 32
"""So many commands are submitted at once: their transactions are committed together."""
PIECE = 100
"""So many alerts stand in one entry at most."""
TRIES = 3
"""How often an alert may break the rules or the log before it is put aside."""
PEEK = 200
EVERY = timedelta(seconds=2)
SEEN = 500
CAUSE = "alerts"
T = TypeVar("T")

Episode = tuple[str, datetime]


@dataclass(frozen=True, slots=True)
class Waiting:
    """An alert that is held by planned work."""

    alert: Alert
    window: Window


@dataclass(frozen=True, slots=True)
class Aside:
    """An alert that could not be taken in, and why; it stands in the inbox all the same."""

    alert: Alert
    because: str
    at: datetime


class Intake:
    """One for the house. What it holds in memory is a reading of inbox and log, made anew at every start."""

    def __init__(
        self,
        inbox: Inbox,
        handler: Handler,
        services: Mapping[str, Service],
        storm: Storm,
        lead: Lead,
        windows: Sequence[Window] = (),
        no_news: Callable[[Alert], bool] = lambda _alert: False,
        courtesy: Courtesy | None = None,
    ) -> None:
        """`no_news` says of an alert that fires that it opens nothing and belongs to nothing: a watchdog.

        `courtesy` knows of senders that wait for their answer: what wakes nobody lets them pass.
        """
        self.inbox, self.handler, self.storm, self.lead = inbox, handler, storm, lead
        self.services, self.windows, self._no_news = services, windows, no_news
        self.graph = Graph({name: each.depends_on for name, each in services.items()})
        self.held: dict[str, Waiting] = {}
        self.aside: dict[Episode, Aside] = {}
        self._courtesy = courtesy or Courtesy()
        self._board = Board()
        self._stale: set[str] = set()  # incidents that changed since the board was last right
        self._looked_at: set[str] = set()
        self._seen: deque[tuple[str, datetime]] = deque(maxlen=SEEN)  # over before anybody heard of them
        self._tries: dict[Episode, int] = {}
        self._woken = asyncio.Event()
        self._leads = False
        handler.after_commit(self._changed)

    @property
    def leads(self) -> bool:
        """Whether this replica is the one that takes in; the others hold nothing and put nothing aside."""
        return self._leads

    # -- when --------------------------------------------------------------------------------------------------------

    def wake(self) -> None:
        """Alerts were accepted: do not wait for the next look."""
        self._woken.set()

    async def run(self) -> None:
        """Take in whatever comes, until cancelled."""
        while True:
            try:
                await self.round()
            except (Unavailable, Conflict) as trouble:
                logger().warning("alerts wait to be taken in; the next round goes on", because=str(trouble))
            except Exception:  # noqa: BLE001 - what was accepted waits in the inbox, and the next round must come
                logger().exception("taking alerts in failed; the next round goes on")
            try:
                async with asyncio.timeout(EVERY.total_seconds()):
                    await self._woken.wait()
            except TimeoutError:
                continue
            finally:
                self._woken.clear()

    async def round(self) -> int:
        """Take in everything that waits; how many changes that were. Of several replicas one does.

        Raises Unavailable, Conflict: what is not done yet is done by the next round.
        """
        if not await self.lead.holds():
            self._leads = False
            return 0
        if not self._leads:
            await self._take_up()
        await self._let_go()
        taken = 0
        while arrived := await self.inbox.since(await self.inbox.applied(), BATCH):
            urgent = await self._critical() if len(arrived) == BATCH else []
            await self.apply([*urgent, *(each.alert.key for each in arrived)])
            await self.inbox.advance(arrived[-1].seq)
            taken += len(arrived)
        await self.storm.tick()
        return taken

    async def _take_up(self) -> None:
        """After a start, or taking over from another replica: what fires and belongs to nothing is taken in."""
        self._board, self._looked_at, self.held = Board(), set(), {}
        await self.storm.restore()
        after = ""
        while page := await self.inbox.firing(limit=BATCH, after=after):
            await self.apply([each.alert.key for each in page])
            after = cursor(page[-1])
        self._leads = True

    async def _let_go(self) -> None:
        """What planned work held is placed once that is over."""
        now = self.handler.clock.now()
        if due := [key for key, each in self.held.items() if not each.window.holds(each.alert.service, now)]:
            await self.apply(due)

    async def _critical(self) -> list[str]:
        """While many wait, those that wake people do not wait behind the others: they come with the next batch."""
        page = await self.inbox.firing(limit=PEEK)
        urgent = [each.alert for each in page if is_critical(each.alert.severity, self._tier(each.alert.service))]
        return [each.key for each in urgent]

    def _tier(self, service: str) -> int | None:
        known = self.services.get(service)
        return known.tier if known is not None else None

    # -- what --------------------------------------------------------------------------------------------------------

    async def apply(self, keys: Collection[str]) -> None:
        """Take the latest episode of each alert in; twice is the same as once. Raises Unavailable, Conflict.

        Where one breaks the rules or the log, the others are taken in one by one without it, and it is put aside.
        """
        broken = await self._take_in(list(dict.fromkeys(keys)))
        while broken:
            for key in list(broken):
                again = await self._take_in([key])
                if key not in again:
                    del broken[key]
                    continue
                broken |= again
                alert = broken[key][0]
                tries = self._tries[key, alert.starts] = self._tries.get((key, alert.starts), 1) + 1
                if tries >= TRIES:
                    await self._put_aside(*broken.pop(key))

    async def _take_in(self, keys: list[str]) -> dict[str, tuple[Alert, Exception]]:
        """One try at all of them; those that broke something, with what they broke."""
        newest = await self.inbox.newest(keys)
        news = [each for each in newest.values() if not (each.firing and self._no_news(each))]
        alerts = sorted(news, key=lambda each: (each.starts, each.key))
        alerts = [each for each in alerts if (each.key, each.starts) not in self.aside]
        await self._look_around()
        rules, now = self.handler.policy.alerts, self.handler.clock.now()
        planner = Planner(self._board, self.graph, rules, self.windows, tuple(self._seen), now)
        try:
            await self._planned(planner, alerts)
        finally:
            planner.undo()
        return await self._carry_out(planner.plan)

    async def _planned(self, planner: Planner, alerts: Sequence[Alert]) -> None:
        claims = [open_claim(each.key) for each in alerts] + [episode_claim(e.key, e.starts) for e in alerts]
        holders = await self.handler.log.holders(claims)
        for alert in alerts:
            self.held.pop(alert.key, None)
            holder = holders.get(open_claim(alert.key))
            past = holders.get(episode_claim(alert.key, alert.starts))
            if holder is None and past is not None:
                where = await self._goes_on(past, alert)
                if alert.firing and where is not None and where != past:
                    planner.plan.moves.append((past, where, alert))
                    continue
                holder = where
            if holder is not None:
                if alert.firing:
                    planner.plan.join(holder, alert, "the same alert")
                    planner.link(alert)
                else:
                    planner.plan.end(holder, alert)
            elif past is not None:  # a person resolved it, or it is over: it opens nothing anew
                planner.plan.end(past, alert)
            elif alert.firing:
                planner.place(alert)
            elif alert.service:
                planner.bridge(alert)
                self._seen.append((alert.service, alert.starts))
        for alert, window in planner.plan.held:
            self.held[alert.key] = Waiting(alert, window)

    async def _goes_on(self, past: str, alert: Alert) -> str | None:
        """The open incident in which an episode goes on that another one had; None where it ended with that.

        A crash between the two halves of a merge leaves alerts that nobody has: they go where the pointer says. Where
        that incident was resolved without them, the first one is open again.
        """
        walked = [past]
        incident = await self.handler.legible.one(past)
        while incident is not None and (to := incident.moved.get(alert.key)) and to not in walked:
            walked.append(to)
            incident = await self.handler.legible.one(to)
        if incident is None:  # nobody can tell; what fires is handed to it, put aside as that fails, and told
            return walked[-1]
        known = incident.alerts.get(alert.key)
        if incident.is_open:
            return incident.id
        if len(walked) == 1 or not alert.firing or (known is not None and known.starts >= alert.starts):
            return None
        try:
            reopen = Reopen(f"{incident.id} was resolved without its alerts")
            return (await self.handler.submit(past, reopen, cause=CAUSE)).id
        except Taken as taken:
            return taken.holder

    def _changed(self, incident: str) -> None:
        self._stale.add(incident)

    async def _look_around(self) -> None:
        """Make the board say what the log says of open incidents; only what changed is read."""
        names = set(await self.handler.log.open_ids())
        for name in self._looked_at - names:
            self._board.drop(name)
        self._looked_at &= names
        legible = self.handler.legible
        for name in sorted((self._stale | (names - self._looked_at - legible.unread.keys())) & names):
            self._stale.discard(name)  # before it is read: what changes meanwhile is read again
            try:
                incident = await legible.one(name)
            except BaseException:
                self._stale.add(name)
                raise
            if incident is None:  # until it can be read, alerts find their places without it
                self._looked_at.discard(name)
                self._board.drop(name)
                continue
            known = standing(incident)
            self._looked_at.add(name)
            if known is None:
                self._board.drop(name)
            else:
                self._board.put(known)
        self._stale &= names

    # -- doing -------------------------------------------------------------------------------------------------------

    async def _carry_out(self, plan: Plan) -> dict[str, tuple[Alert, Exception]]:
        """Write down what was planned; what could not be, with why. Raises Unavailable, Conflict."""
        names: dict[str, str] = {}
        broken = await self._opened(plan, names)
        joins = [(name, piece) for name, pairs in plan.joins.items() for piece in _pieces(pairs)]
        for name, pairs in sorted(joins, key=lambda each: min(alert.severity for alert, _because in each[1])):
            await self._let_pass(alert.severity for alert, _because in pairs)
            because = "" if any(why == "the same alert" for _alert, why in pairs) else pairs[0][1]
            command = AttachAlerts(tuple(alert for alert, _because in pairs), because)
            if (error := await self._submit(name, command)) is not None:
                broken |= {alert.key: (alert, error) for alert, _because in pairs}
        for past, name, alert in plan.moves:
            if (await self.handler.log.load(past)).merged_into == name:  # the half that was not written
                await self._merge(past, name, "")
            elif (error := await self._submit(name, AttachAlerts((alert,), origin=past))) is not None:
                broken[alert.key] = alert, error
        ends = [(name, tuple(piece)) for name, over in plan.ends.items() for piece in _pieces(over)]
        for start in range(0, len(ends), SIDE_BY_SIDE):
            asked = [self._submit(name, EndAlerts(over)) for name, over in ends[start : start + SIDE_BY_SIDE]]
            await asyncio.gather(*asked)
        for this, into, because in plan.merges:
            await self._merge(this, names.get(into, into), because)
        return broken

    async def _opened(self, plan: Plan, names: dict[str, str]) -> dict[str, tuple[Alert, Exception]]:
        """Open what is to be opened, the worst first; `names` then says which incident was planned under which name."""
        broken: dict[str, tuple[Alert, Exception]] = {}
        opens = sorted(plan.opens.items(), key=lambda each: (each[1].severity, each[1].alerts[0].starts, each[0]))
        await self.storm.expects([(opening.severity, opening.service) for _name, opening in opens])
        for start in range(0, len(opens), SIDE_BY_SIDE):
            some = opens[start : start + SIDE_BY_SIDE]
            await self._let_pass(each.severity for _name, each in some)
            outcomes = await self.handler.open_all([self._declaring(each) for _name, each in some], cause=CAUSE)
            for (name, opening), outcome in zip(some, outcomes, strict=True):
                if isinstance(outcome, Incident):
                    names[name] = outcome.id
                    self.storm.opened(opening.service)
                    rest = worst_first(opening.alerts)[PIECE:]
                    plan.joins.setdefault(outcome.id, []).extend((each, opening.because) for each in rest)
                elif isinstance(outcome, Unavailable | Conflict):
                    raise outcome
                else:
                    broken |= {each.key: (each, outcome) for each in opening.alerts}
        plan.joins = {name: pairs for name, pairs in plan.joins.items() if pairs}
        return broken

    async def _let_pass(self, severities: Iterable[int]) -> None:
        """Senders that wait for their answer go first, except before what wakes people."""
        if min(severities) > Severity.SEV1:
            await self._courtesy.let_pass()

    def _declaring(self, opening: Opening) -> DeclareForAlerts:
        alerts = tuple(worst_first(opening.alerts)[:PIECE])
        child = self.storm.child(opening.severity, opening.service)
        now = self.handler.clock.now()
        return DeclareForAlerts(alerts, opening.because, now, child.umbrella, child.promote, child.channel)

    async def _submit(self, incident: str, command: Command) -> Exception | None:
        """Ask; what went wrong for good. Raises Unavailable, Conflict."""
        try:
            after = await self.handler.submit(incident, command, cause=CAUSE)
        except (Unavailable, Conflict):
            raise
        except Exception as error:  # noqa: BLE001 - one alert's trouble must not stop the others
            self._stale.add(incident)  # it may have been resolved by another replica
            logger().warning("an alert was not taken in yet", incident=incident, because=str(error))
            return error
        await self.storm.grown(after)
        return None

    async def _merge(self, this: str, into: str, because: str) -> None:
        """The bot merges what nobody has taken; where that is refused, both go on."""
        if into.startswith(NEW):  # it could not be opened
            return
        try:
            await merge(self.handler, this, into, because)
        except (Refused, NotFound, Tampered) as refused:
            self._stale |= {this, into}
            logger().info("two incidents are not merged", incident=this, into=into, because=str(refused))

    async def _put_aside(self, alert: Alert, error: Exception) -> None:
        """An alert nobody can take in is not lost in silence: an incident says that there is one."""
        because = f"{type(error).__name__} three times; it stands in the list of alerts as it was sent"
        logger().error("an alert was put aside", key=alert.key, because=str(error))
        now, grade = self.handler.clock.now(), Severity(min(max(alert.severity, 1), 4))
        title = f"An alert of {alert.source} could not be taken in"
        service = alert.service if alert.service in self.services else ""
        declare = Declare(title, grade, service, because, now, now, fingerprint=f"aside/{alert.source}")
        with contextlib.suppress(Taken):  # said already
            await self.handler.open(declare, cause=CAUSE)
        self.aside[alert.key, alert.starts] = Aside(alert, str(error), now)


def _pieces(things: Sequence[T]) -> Iterable[Sequence[T]]:
    return (things[start : start + PIECE] for start in range(0, len(things), PIECE))
