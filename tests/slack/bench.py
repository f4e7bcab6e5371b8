"""The Slack room on the real store and the practice workspace; what needs a target is the world's router."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator, Callable, Mapping
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any, Self

import uvicorn

from bot.domain.duty import Duty
from bot.domain.errors import NotFound, Refused, Unavailable
from bot.domain.incident import Incident
from bot.domain.log import Command
from bot.domain.notice import Notice
from bot.domain.policy import Policy, Role, Severity
from bot.domain.runbook import END, Kind, Option, Runbook, Step
from bot.domain.service import Offer, Service, Target
from bot.engine.desk import Catalogue, Charts, Desk
from bot.engine.handle import Handler
from bot.engine.situation import Bar, Chart, Situation, Words
from bot.engine.values import Profile
from bot.localslack import LocalSlack, Person
from bot.notices.ask import OpenQuestion
from bot.notices.checklist import Item
from bot.notices.facts import UnreadableError
from bot.notices.regime import stated
from bot.slack.room import SlackRoom
from bot.slack.settings import SlackSettings
from bot.store import Store
from tests.world import Router

TEAM = "T0TOCSIN"
PEOPLE = (
    Profile("", "ana", "Ana Souza", frozenset({Role.RESPONDER}), TEAM, "U0ANA"),
    Profile("", "ben", "Ben Okafor", frozenset({Role.RESPONDER, Role.APPROVER}), TEAM, "U0BEN"),
    Profile("", "cleo", "Cleo Martin", frozenset({Role.COUNSEL}), TEAM, "U0CLEO"),
    Profile("", "dev", "Dev Rao", frozenset({Role.RESPONDER, Role.APPROVER, Role.COUNSEL}), TEAM, "U0DEV"),
)
BOOK = Runbook(
    "bad-release",
    "A bad release",
    "d1",
    (
        Step("compare", Kind.ASK, "Compare with the shadow model", "Look at *both*.",
             (Option("same", "The same"), Option("differs", "They differ"))),
        Step("wait", Kind.WAIT, "Wait a minute", params={"seconds": 60}),
        Step("act", Kind.ACT, "Roll back", params={"means": "rollback"}),
        Step("tell", Kind.READ, "Tell the consumers", "Write to them.", next=END),
    ),
)  # fmt: skip
SERVICE = Service(
    name="visits",
    title="Doctor-visits model",
    owner="care",
    channel="#ml-incidents",
    on_call=("ana", "ben"),
    runbooks=("bad-release",),
    targets=(Target("visits-router", "router"),),
    offers=(
        Offer("bypass-poor", "Bypass the slice", "bypass", "visits-router", {"slice": "health=poor", "to": "rules"}),
        Offer("rollback-v1", "Roll back to v1", "rollback", "visits-router", {"to": "v1"}),
    ),
    value_per_event=Decimal(42),
)


class MovedClock:
    """Real time that a test may move ahead; short waits pass by themselves, long ones when it is moved."""

    def __init__(self) -> None:
        self.ahead = timedelta()
        self._waiting: list[tuple[datetime, asyncio.Future[None]]] = []

    def now(self) -> datetime:
        return datetime.now(UTC) + self.ahead

    async def sleep(self, seconds: float) -> None:
        if seconds <= 3:
            self.forward(seconds)
            await asyncio.sleep(0)
            return
        future = asyncio.get_running_loop().create_future()
        self._waiting.append((self.now() + timedelta(seconds=seconds), future))
        await future

    def forward(self, seconds: float) -> None:
        self.ahead += timedelta(seconds=seconds)
        for due, future in self._waiting:
            if due <= self.now() and not future.done():
                future.set_result(None)
        self._waiting = [(due, future) for due, future in self._waiting if not future.done()]


class Drafts:
    """A drafter with one template, whose words follow the findings, and one fact."""

    def __init__(self) -> None:
        self.facts = frozenset({"personal_data_breach"})
        self.asked: tuple[OpenQuestion, ...] = ()
        self.templates = {"stakeholders/update": "Update for stakeholders"}
        self.items: tuple[Item, ...] = ()

    def stated(self, fact: str, given: Any) -> Any:
        known = {each.fact.key: each.fact for each in self.asked}
        if fact in known:
            try:
                return stated(known, fact, given)
            except UnreadableError as wrong:
                raise Refused(str(wrong)) from None
        if fact not in self.facts:
            raise Refused(f"there is no fact {fact}")
        return given

    def duties(self, situation: Situation) -> tuple[Duty, ...]:
        return ()

    def questions(self, situation: Situation) -> tuple[OpenQuestion, ...]:
        """Those that are asked, as long as nobody stated the fact."""
        return tuple(each for each in self.asked if situation.incident.facts.get(each.fact.key) is None)

    def entered(self, template: str, key: str, value: str) -> str:
        return value

    def postmortem(self, situation: Situation) -> str:
        return f"# {situation.incident.title}\n" + "\n".join(one.text for one in situation.incident.whys.values())

    def kinds(self) -> Mapping[str, str]:
        return self.templates

    def draft(self, situation: Situation, template: str, notice: Notice | None = None) -> Words:
        if template not in self.kinds():
            raise NotFound("template", template, list(self.kinds()))
        text = f"{situation.incident.title}\n" + "\n".join(one.text for one in situation.incident.findings)
        given = notice.given if notice else {}
        items = tuple(
            replace(each, state="value", value=given[each.key].value) if each.key in given else each
            for each in self.items
        )
        digest = f"digest-{len(situation.incident.findings)}" + "".join(one.value for one in given.values())
        gaps = tuple(each.label for each in items if each.required and each.state == "not_investigated") or (
            "affected people",
        )
        return Words(text, digest, gaps, items=items)


class Drawn(Charts):
    """A chart of forty buckets."""

    def chart(self, slo: str, since: datetime | None, until: datetime) -> Chart | None:
        start = datetime(2026, 11, 20, 12, tzinfo=UTC)
        bars = tuple(Bar(start + timedelta(minutes=n), 100 - n, n, True) for n in range(40))
        return Chart(slo, 0.9, bars)


class SilentLog:
    """The log of a database that can be told to be silent."""

    def __init__(self, inner: Any) -> None:
        self._inner, self.silent = inner, False

    def __getattr__(self, name: str) -> Any:
        if self.silent:
            raise Unavailable("the log", "no answer within 1.5 s")
        return getattr(self._inner, name)


class Bench:
    """One room in one workspace. `click` and the like act as people; `settle` lets everything be shown."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.policy = Policy()
        self.clock = self.new_clock()
        self.router = Router(self.clock)
        self.drafts = Drafts()
        self.dirty: set[str] = set()
        self.slack: LocalSlack
        self.store: Store
        self.log: SilentLog
        self.desk: Desk
        self.room: SlackRoom
        self._stack = contextlib.AsyncExitStack()
        self.people: dict[str, Person] = {}

    @staticmethod
    def new_clock() -> Any:
        return MovedClock()

    @classmethod
    @contextlib.asynccontextmanager
    async def open(
        cls, folder: Path, *, transport: str = "socket", strict: Mapping[str, Any] | None = None,
        policy: Policy | None = None, **settings: Any,
    ) -> AsyncIterator[Self]:  # fmt: skip
        """`strict` is what the workspace is strict about: limits, without, drops_metadata."""
        bench = cls(folder)
        bench.policy = policy or bench.policy
        given = {"clock": bench.clock, "ack_within": 3.0, "retry_after": (0.05, 1.5)} | dict(strict or {})
        async with LocalSlack(**given) as bench.slack:
            try:
                await bench.start(transport, **settings)
                yield bench
            finally:
                await bench._stack.aclose()

    async def start(self, transport: str, **settings: Any) -> None:
        self.store = await Store.open(f"sqlite+aiosqlite:///{self.folder / 't.db'}", self.clock)
        self.store.database.patience = 15.0  # a machine that is busy with other tests is no silent database
        self._stack.push_async_callback(self.store.close)
        await self.store.people.enrol(PEOPLE)
        self.log = SilentLog(self.store.log)
        handler = Handler(self.log, self.clock, self.policy)
        self.desk = Desk(
            handler=handler,
            people=self.store.people,
            exhibits=self.store.exhibits,
            catalogue=Catalogue(
                services={"visits": SERVICE}, runbooks={BOOK.name: BOOK}, policy=handler.policy,
                on_call={"visits": SERVICE.on_call}, web_url="https://tocsin.example",
            ),
            drafter=self.drafts,
            actions={"visits-router": self.router},
            charts=Drawn(),
            talk=self.store.talk,
        )  # fmt: skip
        handler.after_commit(self.dirty.add)
        given = {
            "mode": transport, "api_url": self.slack.api_url, "bot_token": self.slack.bot_token,
            "app_token": self.slack.app_token, "signing_secret": self.slack.signing_secret, "team": TEAM,
            "home_channel": "C0INC", "deaf_after": 1e9, "legal_channel": "legal-review", "web_url": "https://tocsin.example",
        } | settings  # fmt: skip
        self.room = SlackRoom(SlackSettings(**given), self.desk, self.store.mirror, self.clock)
        await self.room.open()
        self._stack.push_async_callback(self.room.close)
        if transport == "http":
            await self._serve()

    async def _serve(self) -> None:
        config = uvicorn.Config(self.room.http_app, host="127.0.0.1", port=0, log_level="error", lifespan="off")
        server = uvicorn.Server(config)
        task = asyncio.create_task(server.serve())
        while not server.started:  # noqa: ASYNC110 - uvicorn tells it no other way
            await asyncio.sleep(0.01)
        port = server.servers[0].sockets[0].getsockname()[1]
        self.slack.request_url = f"http://127.0.0.1:{port}/slack/events"

        async def stop() -> None:
            server.should_exit = True
            await task

        self._stack.push_async_callback(stop)

    async def restart(self, transport: str = "socket") -> None:
        """Kill the room and the store, and open others on the same state."""
        await self._stack.aclose()
        self._stack = contextlib.AsyncExitStack()
        self.people = {}
        await self.start(transport)

    # -- people ------------------------------------------------------------------------------------------------------

    async def person(self, key: str, room: str = "C0INC") -> Person:
        if key not in self.people:
            one = Person(self.slack.url, f"U0{key.upper()}", room=room)
            self.people[key] = await self._stack.enter_async_context(one)
        return self.people[key]

    async def who(self, key: str) -> Profile:
        found = await self.desk.people.by_key(key)
        assert found is not None
        return found

    async def declared(self, title: str = "Recall is down", by: str = "ana", **more: Any) -> Incident:
        """An incident declared by hand, and shown."""
        severity = more.pop("severity", Severity.SEV2)
        after = await self.desk.declare(title, severity, "visits", "the SLI fell", await self.who(by), **more)
        await self.settle()
        return after

    async def say(self, command: Command, by: str, incident: str = "INC-1") -> Incident:
        after = await self.desk.submit(incident, command, await self.who(by))
        await self.settle()
        return after

    async def incident(self, name: str = "INC-1") -> Incident:
        return await self.desk.log.load(name)

    # -- what is shown -----------------------------------------------------------------------------------------------

    async def show(self, name: str = "INC-1") -> None:
        await self.room.chat.show(await self.desk.situation(name))

    async def settle(self) -> None:
        """Let answers be given and show what changed."""
        await self.room.ingress.answers.settle()
        while self.dirty:
            await self.show(self.dirty.pop())

    def calls(self, method: str) -> list[dict[str, Any]]:
        """What the room asked of Slack."""
        return [one for one in self.slack.traffic.entries if one["what"] == method and one["way"] == "app->slack"]

    @property
    def asked(self) -> int:
        """How many calls the room has made; what Slack tells us of them comes when it comes."""
        return sum(1 for one in self.slack.traffic.entries if one["way"] == "app->slack")

    def posts(self, surface: str, room: str = "C0INC") -> list[dict[str, Any]]:
        """The messages of a surface that stand in a room."""
        kept = self.slack.workspace.memory.messages.get(room, {}).values()
        return [
            m for m in kept
            if (m.get("metadata") or {}).get("event_payload", {}).get("surface") == surface
        ]  # fmt: skip

    def fault(self, method: str, kind: str, times: int = 1, retry_after: int = 1) -> None:
        from bot.localslack.traffic import Fault

        self.slack.workspace.faults.add(Fault(method, kind, times, retry_after))

    async def proposed(self, offer: str = "rollback-v1", by: str = "ana", **changes: Any) -> str:
        """A change waits for approval, its plan with these `changes`; the ts of the card."""
        if not (await self.incident()).exists:
            await self.declared()
        plan = self.router.plan

        async def changed(*given: Any) -> Any:
            return replace(await plan(*given), **changes)

        self.router.plan = changed  # type: ignore[method-assign]
        try:
            await self.desk.changes.propose("INC-1", offer, "", await self.who(by))
        finally:
            self.router.plan = plan  # type: ignore[method-assign]
        await self.settle()
        return str(self.posts("card")[0]["ts"])

    async def opened(self, key: str, deed: str, ts: str, view: str = "") -> tuple[Person, str]:
        """Somebody presses a button in the thread; they, and everything the dialog says."""
        person = await self.person(key)
        await person.click(f"{deed}.open", in_thread_of=ts)
        shown = await person.wait_for_view(view or deed)
        return person, str(shown)

    def request(self, name: str = "M1") -> str:
        """What the message of a change says and offers."""
        (message,) = self.posts(f"request:{name}")
        return str(message["blocks"])

    def as_before(self, surface: str, room: str = "C0INC") -> Callable[[], None]:
        """Remembers what a message offers; called later, it stands so again, as on a phone that was offline."""
        (message,) = self.posts(surface, room)
        kept, ts = list(message["blocks"]), str(message["ts"])

        def again() -> None:
            self.slack.workspace.memory.messages[room][ts]["blocks"] = kept

        return again

    def whispers(self, key: str) -> list[str]:
        """What only this person was told."""
        return [one["text"] for one in self.slack.workspace.ephemerals if one["for"] == f"U0{key.upper()}"]
