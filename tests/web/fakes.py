"""A house for the console: the real store, desk and drafting room; a target and a watch that remember."""

from __future__ import annotations

import html
import re
from collections import Counter
from collections.abc import Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from decimal import Decimal
from functools import partial
from pathlib import Path

import httpx

from bot.config.regimes import load as load_regimes
from bot.documents import Document
from bot.documents._calendar import write as write_calendar
from bot.documents._pack import pack
from bot.documents.csv import Csv, lines
from bot.documents.docx import Docx
from bot.documents.json import Json
from bot.documents.markdown import Markdown
from bot.documents.pdf import Pdf
from bot.domain.errors import Unavailable
from bot.domain.mitigation import Means, Plan
from bot.domain.policy import Policy, Role
from bot.domain.runbook import Kind, Option, Runbook, Step
from bot.domain.service import Offer, Service, Target
from bot.engine.desk import Catalogue, Charts, Desk
from bot.engine.draft import DraftingRoom
from bot.engine.handle import Handler
from bot.engine.hindsight import Hindsight
from bot.engine.proofs import Proofs
from bot.engine.situation import Bar, Chart
from bot.engine.standing import Standing
from bot.engine.values import Observation, Profile, Seen
from bot.slo.budget import Budget
from bot.slo.burn import Verdict
from bot.slo.ledger import Counts
from bot.slo.spec import Slo
from bot.store import Store
from bot.web.app import build
from bot.web.house import WebHouse
from bot.words import Words, house
from tests.kit import NOON, plan
from tests.slo.kit import slo

HOME = "http://127.0.0.1:8080"

PEOPLE = (
    Profile("", "ana", "Ana Ruiz", frozenset({Role.RESPONDER})),
    Profile("", "ben", "Ben Okafor", frozenset({Role.RESPONDER, Role.APPROVER})),
    Profile("", "cleo", "Cleo Martin", frozenset({Role.COUNSEL})),
    Profile("", "max", "Max Weber", frozenset({Role.MANAGER})),
    Profile("", "audrey", "Audrey Lind", frozenset({Role.AUDITOR})),
    Profile("", "ida", "Ida Novak", frozenset({Role.ADMIN})),
    Profile("", "otto", "Otto Brandt", frozenset({Role.RESPONDER})),
)

BOOK = Runbook(
    "bad-release",
    "Bad release",
    "d1",
    (
        Step("look", Kind.READ, "Look at the release", "Open the release notes of v2."),
        Step("same", Kind.ASK, "Did v2 change the features?", "", (Option("yes", "Yes, it did"), Option("no", "No"))),
    ),
    causes=("code_change",),
)

SERVICE = Service(
    name="visits",
    title="Visit predictions",
    owner="ana",
    channel="#visits",
    on_call=("ana", "ben"),
    targets=(Target("visits-router", "router"),),
    offers=(Offer("back-to-v1", "Roll back to v1", "rollback", "visits-router", {"to": "v1"}),),
    value_per_event=Decimal("2.50"),
    people_per_event=Decimal(1),
    legal={"eu_nexus": True, "personal_data": True},
)


@dataclass
class FakeClock:
    """Time that stands until it is moved."""

    at: datetime = NOON

    def now(self) -> datetime:
        return self.at

    async def sleep(self, seconds: float) -> None:
        self.at += timedelta(seconds=seconds)

    def forward(self, **by: float) -> None:
        self.at += timedelta(**by)


@dataclass
class FakeRouter:
    """A router that plans a rollback and remembers what it was asked to do."""

    done: list[str] = field(default_factory=list)
    down: bool = False

    async def plan(self, target: Target, means: Means, params: Mapping[str, object]) -> Plan:
        if self.down:
            raise Unavailable("visits-router", "no answer in 2 s")
        return plan(means=means, params=dict(params))

    def keyed_for(self, plan: Plan) -> bool:
        return True

    async def uid(self, plan: Plan) -> str:
        return plan.target_uid

    async def token(self, plan: Plan) -> str:
        return plan.token

    async def execute(self, plan: Plan, key: str) -> None:
        self.done.append(key)

    async def observe(self, plan: Plan, key: str) -> Observation:
        return Observation(Seen.APPLIED if key in self.done else Seen.NOT_APPLIED, "as asked")

    async def undo(self, plan: Plan, key: str) -> None:
        self.done.append(key)

    async def undone(self, plan: Plan, key: str) -> Observation:
        return await self.observe(plan, key)

    async def close(self) -> None: ...


class FakeWatch(Charts):
    """One objective with a course that falls at noon and is blind for a while."""

    def __init__(self, clock: FakeClock) -> None:
        self.clock = clock
        self.slos: Mapping[str, Slo] = {"recall": slo(0.9, name="recall", service="visits", display="Recall of visits")}
        self.verdicts: dict[str, Verdict] = {}
        self.polled: datetime | None = None
        self.stands = Standing(Budget(4_000, 160, 400.0, timedelta(days=30), estimated=False, since=NOON))

    def standing(self, slo: str, at: datetime) -> Standing:
        return self.stands

    @property
    def states(self) -> Mapping[str, int]:
        return Counter(verdict.state for verdict in self.verdicts.values())

    def poll(self, state: str = "breached", because: str = "burns 2.4× over 15 s") -> None:
        self.polled = self.clock.now()
        counts = Counts(60, 40, timedelta(seconds=15))
        self.verdicts["recall"] = Verdict(
            "recall", state, because, self.polled, burn_long=2.4, counts=counts, spent=0.4
        )

    def chart(self, slo: str, since: datetime | None, until: datetime) -> Chart | None:
        if slo not in self.slos:
            return None
        start, bars = NOON - timedelta(minutes=3), []
        for n in range(60):
            at = start + timedelta(seconds=15 * n)
            if at > until:
                break
            bad = 2 + n % 3 if at < NOON or n > 25 else 38 + n % 7
            bars.append(Bar(at, 0 if 30 <= n < 33 else 100 - bad, 0 if 30 <= n < 33 else bad, covered=not 30 <= n < 33))
        return Chart(slo, 0.9, tuple(bars))


@dataclass
class Place:
    """The console with everything behind it, and browsers to open it with."""

    clock: FakeClock
    store: Store
    desk: Desk
    watch: FakeWatch
    web: WebHouse
    app: object

    def having(self, **changes: object) -> Place:
        """The same place with other parts behind its console, such as an inbox of alerts."""
        web = replace(self.web, **changes)
        return replace(self, web=web, app=build(web))

    async def who(self, key: str) -> Profile:
        found = await self.store.people.by_key(key)
        assert found is not None
        return found

    @property
    def token(self) -> str:
        return (self.web.state / "api-token").read_text(encoding="utf-8").strip()

    def client(self, **headers: str) -> httpx.AsyncClient:
        return httpx.AsyncClient(transport=httpx.ASGITransport(self.app), base_url=HOME, headers=headers)

    def api(self, key: str) -> httpx.AsyncClient:
        """Somebody with the machine's token."""
        return self.client(**{"Authorization": f"Bearer {self.token}", "X-Tocsin-Person": key})

    async def own(self, key: str) -> httpx.AsyncClient:
        """Somebody with a token of their own."""
        async with self.client(Authorization=f"Bearer {self.token}") as operator:
            made = await operator.post("/api/tokens", json={"person": key})
        assert made.status_code == 201, made.text
        return self.client(Authorization=f"Bearer {made.json()['token']}")

    async def browser(self, key: str) -> httpx.AsyncClient:
        """Somebody logged in, whose forms come from this console."""
        client = self.client(**{"Sec-Fetch-Site": "same-origin"})
        answer = await enter(client, await self.app.state.console.door.logins.mint(key))
        assert answer.status_code == 303
        return client


async def enter(client: httpx.AsyncClient, link: str, then: str = "/") -> httpx.Response:
    """Open a login link and press its button, as a browser does."""
    token = link.partition("token=")[2]
    page = await client.get(link, params={"token": token, "next": then})
    field = re.search(r'name="next" value="([^"]*)"', page.text)
    if page.status_code != 200 or field is None:
        return page
    own = {"Sec-Fetch-Site": "same-origin"}
    return await client.post("/login", data={"token": token, "next": html.unescape(field[1])}, headers=own)


def leads(answer: httpx.Response) -> str:
    """Where a form leads once it was carried out, without the sign by which the page believes what was done."""
    assert answer.status_code == 303, answer.text[:300]
    return re.sub(r"&sign=[0-9a-f.]+", "", answer.headers["location"])


def drafting_room() -> DraftingRoom:
    """The regimes and templates as shipped."""
    known = load_regimes(house() / "templates" / "notices")
    return DraftingRoom(
        facts=known.facts,
        regimes=known.by_id,
        templates=Words(),
        organisation={"name": "Praxis AG", "address": None, "contact": None, "legal_contact": None, "dpo": None},
        tz="Europe/Berlin",
        country="DE",
    )


@asynccontextmanager
async def place(folder: Path, *, address: str = HOME, slack_http: object = None, chat: object = None):
    """A console over a fresh SQLite store."""
    clock = FakeClock()
    async with await Store.open(f"sqlite:///{folder / 'tocsin.db'}", clock) as store:
        store.database.patience = 15.0  # a machine that is busy with other tests is no silent database
        await store.people.enrol(PEOPLE)
        watch = FakeWatch(clock)

        async def ready() -> dict[str, object]:
            if watch.polled is None:
                raise Unavailable("the sources", "not asked yet")
            return {"ok": True}

        desk = Desk(
            handler=Handler(store.log, clock, Policy()),
            people=store.people,
            exhibits=store.exhibits,
            catalogue=Catalogue(
                {"visits": SERVICE},
                {"bad-release": BOOK},
                Policy(),
                {"visits": ("ana", "ben")},
                address,
                "Europe/Berlin",
            ),
            drafter=drafting_room(),
            actions={"visits-router": FakeRouter()},
            charts=watch,
            talk=store.talk,
        )
        writers = {writer.name: writer for writer in (Pdf(), Docx(), Markdown(), Csv(), Json())}
        state = folder / "state"
        web = WebHouse(
            desk,
            watch,
            writers,
            Document.of,
            state,
            "Praxis AG",
            ready,
            slack_http,
            chat=chat,
            pack=partial(pack, product="tocsin test"),
            calendars=store.calendars,
            write_calendar=write_calendar,
            access=store.access,
            record=store.audit,
            proofs=Proofs(store.audit, store.checkpoints, clock),
            write_rows=lines,
            past=store.past,
            hindsight=Hindsight(watch.slos, {}, store.checkpoints, clock),
        )
        try:
            yield Place(clock, store, desk, watch, web, build(web))
        finally:
            await web.proofs.close()
            await web.hindsight.close()
