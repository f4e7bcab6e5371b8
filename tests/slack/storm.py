"""Many incidents at once: the Slack room with the real reconciler, pages by the log, and a clock that stands still."""

from __future__ import annotations

import asyncio
from collections import Counter, deque
from collections.abc import Awaitable
from dataclasses import replace
from datetime import datetime, timedelta
from itertools import cycle
from typing import Any

from bot.domain.incident import Incident
from bot.domain.log import Command
from bot.domain.policy import Severity
from bot.durable.memory import Journal, Memory
from bot.engine.diagnose import Diagnosis
from bot.engine.hands import Hands
from bot.engine.reconcile import Reconciler
from bot.engine.situation import Situation
from bot.pagers.slack import SlackPager, SlackSettings
from bot.slack.wanted import wanted
from tests.kit import NOON
from tests.rosters import put_on_call
from tests.slack.bench import SERVICE, Bench

ON_CALL = ("ana", "ben", "dev")


class StillClock:
    """Time that stands until it is moved, and then stops wherever somebody wakes."""

    def __init__(self) -> None:
        self.at = NOON
        self.waiting: list[tuple[datetime, asyncio.Future[None]]] = []

    def now(self) -> datetime:
        return self.at

    async def sleep(self, seconds: float) -> None:
        future = asyncio.get_running_loop().create_future()
        self.waiting.append((self.at + timedelta(seconds=seconds), future))
        await future

    def next(self) -> datetime | None:
        """When the next one wakes."""
        self.waiting = [(due, future) for due, future in self.waiting if not future.done()]
        return min((due for due, _ in self.waiting), default=None)

    def move(self, to: datetime) -> None:
        """Move there, and wake whoever is due."""
        self.at = max(self.at, to)
        for due, future in self.waiting:
            if due <= self.at and not future.done():
                future.set_result(None)


class Watching:
    """A watch without objectives."""

    slos: dict[str, Any] = {}  # noqa: RUF012 - never written
    verdicts: dict[str, Any] = {}  # noqa: RUF012


class Storm(Bench):
    """Forty models, each with somebody on call; `pass_by` lets time pass as everything it wakes is done."""

    def __init__(self, folder: Any) -> None:
        super().__init__(folder)
        self.journal = Journal()
        self.acks: list[bool] = []
        self.looking = asyncio.Event()
        self.looking.set()
        self.busy = False
        self._extra: set[asyncio.Task[Any]] = set()

    @staticmethod
    def new_clock() -> Any:
        return StillClock()

    async def start(self, transport: str, **settings: Any) -> None:
        await super().start(transport, **settings)
        self.slack.traffic.entries = deque(self.slack.traffic.entries)  # all of it
        services = {
            f"model-{n}": replace(SERVICE, name=f"model-{n}", on_call=(first, "ben"), runbooks=())
            for n, first in enumerate(ON_CALL)
        }
        self.desk.catalogue = replace(self.desk.catalogue, services=services)
        put_on_call(self.desk, {name: service.on_call for name, service in services.items()})
        patient = dict.fromkeys(Severity, timedelta(minutes=5))  # no clock of people's own in the midst of it
        calm = replace(self.desk.handler.policy, acknowledge_within=patient, update_every={}, merge_pages=timedelta(0))
        self.desk.handler.policy = calm
        self.durable = Memory(self.clock, self.journal)
        pagers = {"slack": SlackPager(SlackSettings(), clock=self.clock, deliver=self.room.page)}
        diagnosis = Diagnosis(self.desk, {}, {})
        watch: Any = Watching()
        hands = Hands.of(self.desk, watch, diagnosis, pagers, self.room.chat, sources={})
        self.reconciler = Reconciler(self.desk, self.durable, hands)
        await self.durable.open(self.reconciler.perform, self.reconciler.wake)
        self._stack.push_async_callback(self.reconciler.close)
        self._stack.push_async_callback(self.durable.crash)
        await self.reconciler.everything()
        for work in (self._looks(), self._minutes()):
            task = asyncio.create_task(work)
            self._stack.push_async_callback(self._ended, task)
        assert self.room.socket is not None
        async with asyncio.timeout(10):
            while not await self.room.socket.connected():  # noqa: ASYNC110 - the library tells it no other way
                await asyncio.sleep(0)

    @staticmethod
    async def _ended(task: asyncio.Task[None]) -> None:
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)

    async def _looks(self) -> None:
        while True:
            await self.looking.wait()
            self.busy = True
            await self.reconciler.settle()
            self.busy = False
            await self.reconciler._noted.wait()

    async def _minutes(self) -> None:
        while True:
            await self.clock.sleep(60)
            await self.reconciler.everything()

    # -- time --------------------------------------------------------------------------------------------------------

    async def pass_by(self, seconds: float) -> None:
        """Let that much time pass; whoever wakes in between acts at its own time."""
        until = self.clock.at + timedelta(seconds=seconds)
        while True:
            await self.quiet()
            due = self.clock.next()
            if due is None or due > until:
                break
            self.clock.move(due)
        self.clock.move(until)

    async def quiet(self) -> None:
        """Until whatever can go on without time passing has gone on."""
        calm, before = 0, None
        while calm < (600 if self._moving() else 4):
            await asyncio.sleep(0.0005)
            now = (self.slack.traffic.count, len(self.clock.waiting), len(asyncio.all_tasks()))
            calm, before = (calm + 1 if now == before else 0), now

    def _moving(self) -> bool:
        """Whether somebody does something: not all wait for a turn, for the clock, or for one who does."""
        if self.busy or self.reconciler._dirty or self.room.client.under_way or self._extra:
            return True
        at_work = len(self.reconciler._shows) + len(self.room.chat._retries) + len(self.durable._tasks)
        locks = [work.lock._waiters or () for work in self.room.chat._work.values()]
        return at_work > len(self.room.client.pacer._queue) + sum(len(one) for one in locks)

    # -- what happens ------------------------------------------------------------------------------------------------

    async def declare_many(self, many: int) -> list[Incident]:
        """So many incidents at once, of every severity, the mild ones first; nobody looks before all are there."""
        self.looking.clear()
        who = await self.who("ana")
        models = cycle(self.desk.catalogue.services)
        titles = [(f"Model {n} drifts", Severity(4 - n * 4 // many), next(models)) for n in range(many)]
        made = [await self.desk.declare(title, severity, model, "it fell", who) for title, severity, model in titles]
        self.looking.set()
        return made

    def click(self, key: str, action: str, incident: str, *, room: str = "C0INC") -> None:
        """Somebody presses a button of an incident's newest message there; whether it was answered in time is kept."""
        user = f"U0{key.upper()}"
        kept = self.slack.workspace.memory.messages.get(room, {}).values()
        for message in reversed(list(kept)):
            for block in message.get("blocks") or []:
                for element in block.get("elements") or []:
                    if element.get("value") == incident and str(element.get("action_id")).startswith(action):
                        body = {"channel": room, "ts": message["ts"], "action_id": element["action_id"]}
                        self._beside(self._answered(self.slack.hands.click(user, body)))
                        return
        raise AssertionError(f"{key} sees no {action} of {incident}")

    async def _answered(self, click: Awaitable[Any]) -> None:
        self.acks.append(bool((await click)["acked"]))

    def _beside(self, work: Any) -> None:
        task = asyncio.create_task(work)
        self._extra.add(task)
        task.add_done_callback(self._extra.discard)

    async def say_now(self, command: Command, by: str, incident: str) -> None:
        """Recorded; shown when its turn comes."""
        await self.desk.submit(incident, command, await self.who(by))

    # -- what is there -----------------------------------------------------------------------------------------------

    def accepted(self, method: str, after: int = 0) -> list[dict[str, Any]]:
        """Calls Slack carried out."""
        return [one for one in self.calls(method) if one["outcome"] == "ok" and one["n"] > after]

    def standing(self, room: str = "C0INC") -> list[dict[str, Any]]:
        """Tocsin's messages in a room."""
        kept = self.slack.workspace.memory.messages.get(room, {}).values()
        return [m for m in kept if m["user"] == "U0TOCSIN" and m.get("subtype") != "tombstone"]

    def cards(self, room: str = "C0INC") -> Counter[str]:
        """How many cards stand for each incident, by their headlines."""
        found: Counter[str] = Counter()
        for message in self.standing(room):
            first = (message.get("blocks") or [{}])[0]
            if first.get("type") == "header" and not message.get("thread_ts"):
                found[first["text"]["text"].split(" · ")[1]] += 1
        return found

    async def orphans(self) -> list[str]:
        """Messages of Tocsin's that are nobody's: a second copy of something, or what was given up."""
        known = set()
        for incident in await self.desk.open_incidents():
            known |= {(row.channel, row.ts) for row in (await self.store.mirror.of(incident.id)).values()}
        return [
            m["text"]
            for room in self.slack.workspace.rooms
            for m in self.standing(room)
            if (room, m["ts"]) not in known
        ]

    async def wrong(self) -> list[str]:
        """What is not shown as it stands: every surface that is wanted, against the words that stand in the workspace."""
        found = []
        for incident in await self.desk.open_incidents():
            situation = await self.desk.situation(incident.id)
            found += [f"{incident.id} {name}" for name in await self._wrong(situation)]
        return found

    async def _wrong(self, situation: Situation) -> list[str]:
        rows = await self.store.mirror.of(situation.incident.id)
        found = []
        for surface in wanted(situation, self.room.settings):
            row = rows.get(surface.name)
            message = self.slack.workspace.memory.messages.get(row.channel, {}).get(row.ts) if row else None
            if not surface.fresh and row is None:
                continue
            if message is None:
                found.append(f"{surface.name} is missing")
            elif message["text"] != surface.message.text or _sayings(message["blocks"]) != _sayings(
                surface.message.blocks
            ):
                found.append(f"{surface.name} is old")
        return found


def _sayings(node: Any) -> list[str]:
    """Every text of some blocks, in order."""
    if isinstance(node, list):
        return [words for one in node for words in _sayings(one)]
    if not isinstance(node, dict):
        return []
    own = [node["text"]] if isinstance(node.get("text"), str) else []
    return own + [words for name, one in node.items() if name != "text" or not own for words in _sayings(one)]
