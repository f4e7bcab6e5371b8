"""What a person in Slack waits for: from the breach to the first message, and from a click to its acknowledgement.

The house is the real one: the store on SQLite, DBOS, the reconciler, Socket Mode. Slack is the practice workspace in a
process of its own, where every call takes 150 ms on its way. Times are those of the workspace: when a message was
accepted, and how long an acknowledgement took from the click.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import os
import statistics
import subprocess
import sys
import tempfile
import threading
import time
import urllib.request
from collections.abc import AsyncIterator, Callable, Iterator, Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from pydantic import SecretStr

from bot import openings, wiring
from bot.domain.finding import RecordFinding
from bot.domain.lifecycle import Declare
from bot.domain.policy import THE_BOT, Role, Severity
from bot.engine.values import Profile
from bot.heap import settled
from bot.pagers.slack import SlackSettings
from bot.slack.lanes import Lane, Pace
from tests.benchmarks.child import end
from tests.edge import Counters
from tests.world import objective, shipped

DELAY = 0.150  # seconds a call to Slack takes
MANY = 40
PATIENCE = 60.0
PROCESSOR: list[float] = []
"""What our process used of the processor from the first click to the last acknowledgement of each round, seconds."""
ON_CALL = ("ana", "ben", "dev")
_DIRECT = urllib.request.build_opener(urllib.request.ProxyHandler({}))
Say = Callable[[str], None]


class Ahead:
    """The machine's time and some more, so that a past can be made in no time."""

    def __init__(self) -> None:
        self.ahead = timedelta()

    def now(self) -> datetime:
        return datetime.now(UTC) + self.ahead

    async def sleep(self, seconds: float) -> None:
        await asyncio.sleep(seconds)


class Workspace:
    """The practice workspace in its own process."""

    def __init__(self, url: str) -> None:
        self.url = url

    def ask(self, verb: str, path: str, **body: Any) -> Any:
        data = json.dumps(body).encode() if body else None
        request = urllib.request.Request(f"{self.url}{path}", data, {"Content-Type": "application/json"}, method=verb)
        with _DIRECT.open(request, timeout=20) as answer:
            return json.load(answer)

    def traffic(self, after: int = 0) -> list[dict[str, Any]]:
        found: list[dict[str, Any]] = self.ask("GET", f"/control/traffic?after={after}")["entries"]
        return found

    def clicks(self, presses: Sequence[tuple[str, str, str, str]]) -> list[bool]:
        """Press all these buttons (user, channel, ts, action) at once; whether each was acknowledged."""
        acked = [False] * len(presses)
        ready = threading.Barrier(len(presses))

        def press(place: int, user: str, channel: str, ts: str, action: str) -> None:
            ready.wait()
            body = {"channel": channel, "ts": ts, "action_id": action}
            acked[place] = bool(self.ask("POST", f"/people/{user}/click", **body)["acked"])

        threads = [threading.Thread(target=press, args=(place, *each)) for place, each in enumerate(presses)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        return acked


@contextlib.contextmanager
def workspace() -> Iterator[Workspace]:
    """A workspace, listening, whose calls take their time."""
    command = [sys.executable, "-m", "bot.localslack", "--port", "0"]
    process = subprocess.Popen(command, stdout=subprocess.PIPE, stdin=subprocess.DEVNULL, start_new_session=True)
    try:
        assert process.stdout is not None
        url = process.stdout.readline().decode().split("/ (")[0].removeprefix("practice workspace at ")
        made = Workspace(url)
        made.ask("POST", "/control/delay", seconds=DELAY)
        yield made
    finally:
        end(process)


@contextlib.asynccontextmanager
async def house(slack: Workspace, folder: Path, objectives: int) -> AsyncIterator[tuple[Any, Ahead, Counters]]:
    """The house at work on so many objectives, its polls made by hand, connected to that workspace."""
    clock = Ahead()
    counters = Counters(clock)  # type: ignore[arg-type]
    given = shipped()
    base = given.services["visits"]
    services = {
        f"model-{n}": replace(base, name=f"model-{n}", title=f"Model {n}", channel="#ml-incidents", targets=(),
                              offers=(), evidence={}, runbooks=(), slos=(f"slo-{n}",),
                              on_call=(ON_CALL[n % len(ON_CALL)],))
        for n in range(max(objectives, MANY))
    }  # fmt: skip
    slos = [objective(f"slo-{n}", f'health="h{n}"', service=f"model-{n}", rule="burn_rate") for n in range(objectives)]
    people = [
        Profile("", key, key.title(), frozenset({Role.RESPONDER, Role.APPROVER}), "T0TOCSIN", f"U0{key.upper()}")
        for key in ON_CALL
    ]
    chat = given.slack.model_copy(update={
        "mode": "socket", "api_url": f"{slack.url}/api/", "bot_token": SecretStr("xoxb-local"),
        "app_token": SecretStr("xapp-local"), "team": "T0TOCSIN", "home_channel": "#ml-incidents",
    })  # fmt: skip
    installation = replace(
        given, database_url=f"sqlite+aiosqlite:///{folder / 'tocsin.db'}", state=folder, services=services,
        slos=tuple(slos), people=tuple(people), slack=chat, pagers={"slack": SlackSettings()}, regimes=(),
    )  # fmt: skip
    doors = openings.Outside(sources={"metrics": counters}, actions={}, instruments={}, reporters={})  # type: ignore[dict-item]
    async with wiring.opened(installation, clock=clock, doors=doors) as home, contextlib.AsyncExitStack() as stack:
        await home.durable.open(home.reconciler.perform, home.reconciler.wake)
        stack.push_async_callback(home.durable.close)
        await home.slack.open()
        await home.slack.warm()
        stack.push_async_callback(home.slack.close)
        looking = asyncio.create_task(home.reconciler.run())
        stack.push_async_callback(home.reconciler.close)
        stack.callback(looking.cancel)
        with settled():
            yield home, clock, counters


# -- from the breach to the first message ----------------------------------------------------------------------------


async def breaches(slack: Workspace, rounds: int, say: Say) -> None:
    """One objective after the other breaks; when its page and its card were accepted, since the tick that saw it."""
    first, pages, cards, declared = [], [], [], []
    with tempfile.TemporaryDirectory(prefix="tocsin-slack-") as folder:
        async with house(slack, Path(folder), rounds) as (home, clock, counters):

            async def tick(broken: int = -1) -> float:
                clock.ahead += timedelta(seconds=5)
                for n in range(rounds):
                    counters.add(f"h{n}", 0 if n == broken else 95, 100 if n == broken else 5)
                begun = time.time()
                await home.watch.tick()
                return begun

            for _ in range(24):
                await tick()
            for n in range(rounds):
                last = (slack.traffic() or [{"n": 0}])[-1]["n"]
                known = {one.id for one in await home.desk.summaries(limit=1_000)}
                fresh: set[str] = set()
                for _ in range(20):
                    begun = await tick(n)
                    fresh = {one.id for one in await home.desk.summaries(limit=1_000)} - known
                    if fresh:
                        break
                (name,) = fresh
                made = (await home.desk.log.load(name)).declared_at - clock.ahead
                declared.append(made.timestamp() - begun)
                await asyncio.sleep(1.0)
                seen = [
                    one for one in await asyncio.to_thread(slack.traffic, last)
                    if one["what"] == "chat.postMessage" and one["outcome"] == "ok" and f" {name} " in one["sent"]["text"]
                ]  # fmt: skip
                page = next(one["at"] - begun for one in seen if one["sent"]["channel"].startswith("D"))
                card = next(one["at"] - begun for one in seen if one["sent"]["channel"].startswith("C"))
                first.append(min(page, card))
                pages.append(page)
                cards.append(card)
                for _ in range(3):
                    await tick()
    say(f"from the breach to Slack, {rounds} breaches, {1000 * DELAY:.0f} ms a call (75 there, 75 back)")
    say(f"  tick to declared           {_spread(declared)}")
    say(f"  tick to page accepted      {_spread(pages)}")
    say(f"  tick to card accepted      {_spread(cards)}")
    say(f"  tick to first message      {_spread(first)}")
    p50, p99 = _at(first, 0.5), _at(first, 0.99)
    say(f"  {_holds(p50 < 0.4)} p50 under 400 ms\n  {_holds(p99 < 1)} p99 under 1 s")


# -- from the click to its acknowledgement ---------------------------------------------------------------------------


async def clicks(slack: Workspace, rounds: int, say: Say) -> None:
    """Forty people press at once, first with an idle way out, then with one that is full of what waits."""
    with tempfile.TemporaryDirectory(prefix="tocsin-slack-") as folder:
        async with house(slack, Path(folder), 1) as (home, clock, _counters):
            idle: list[float] = []
            for number in range(rounds):
                idle += await _pressed(slack, home, clock, f"idle {number}")
            say(f"click to acknowledgement, {MANY} at once on {MANY} incidents, {rounds} rounds")
            say(f"  idle                       {_spread(idle)}")
            say(f"  {_holds(_at(idle, 0.99) < 0.25)} p99 under 250 ms")
            used = 1000 * statistics.median(PROCESSOR)
            say(f"  our processor, {MANY} clicks  {used:.0f} ms; load of the machine {os.getloadavg()[0]:.1f}")
            busy: list[float] = []
            for number in range(rounds):
                busy += await _pressed(slack, home, clock, f"busy {number}", strict=True)
            say(f"  under 429s, {MANY} more incidents waiting for their turn")
            say(f"                             {_spread(busy)}")
            say(f"  {_holds(_at(busy, 0.99) < 0.5)} p99 under 500 ms")


async def _pressed(slack: Workspace, home: Any, clock: Ahead, title: str, *, strict: bool = False) -> list[float]:
    """Cards for forty incidents, then forty clicks at once; how long each acknowledgement took."""
    slack.ask("DELETE", "/control/limits")
    names = await _declared(home, clock, title, Severity.SEV4)
    cards: dict[str, str] = {}
    begun = time.monotonic()
    with _unpaced(home):
        while len(cards) < MANY and time.monotonic() - begun < PATIENCE:
            await asyncio.sleep(0.5)
            for name in names:
                row = (await home.store.mirror.of(name)).get("card")
                if row is not None and row.ts:
                    cards[name] = row.ts
        if len(cards) < MANY:
            raise RuntimeError(f"only {len(cards)} of {MANY} cards were posted within {PATIENCE:.0f} s")
        await asyncio.sleep(2.0)
    if strict:
        slack.ask("POST", "/control/limits", per_minute=20)
        others = await _declared(home, clock, f"{title}, another", Severity.SEV2)
        for name in [*names, *others]:
            who = await home.desk.people.by_key("ana")
            await home.desk.submit(name, RecordFinding("the upstream changed", "ana"), who)
        await asyncio.sleep(0.5)
    presses = [(f"U0{ON_CALL[n % 3].upper()}", "C0INC", cards[name], "ack") for n, name in enumerate(names)]
    action = _action(slack, cards[names[0]])
    last, used = (await asyncio.to_thread(slack.traffic))[-1]["n"], time.process_time()
    acked = await asyncio.to_thread(slack.clicks, [(user, channel, ts, action) for user, channel, ts, _ in presses])
    if not all(acked):
        raise RuntimeError(f"{acked.count(False)} of {len(acked)} clicks were not acknowledged")
    PROCESSOR.append(time.process_time() - used)
    seen = await asyncio.to_thread(slack.traffic, last)
    return [one["ms"] / 1000 for one in seen if one["what"].startswith("interactive")]


@contextlib.contextmanager
def _unpaced(home: Any) -> Iterator[None]:
    """What is only prepared need not wait for its turn."""
    pacer = home.slack.client.pacer
    pacer._lane = lambda _key: Lane(Pace(None, 1.0), home.clock.now())
    try:
        yield
    finally:
        del pacer._lane
        pacer._lanes.clear()


async def _declared(home: Any, clock: Ahead, title: str, severity: Severity) -> list[str]:
    made = []
    for n in range(MANY):
        command = Declare(f"{title} {n}", severity, f"model-{n}", "it fell", clock.now(), clock.now())
        made.append((await home.desk.handler.open(command, by=THE_BOT)).id)
    return made


def _action(slack: Workspace, ts: str) -> str:
    """The acknowledging button's action id on that card."""
    messages = slack.ask("GET", "/control/state")["messages"]["C0INC"]
    card = next(one for one in messages if one["ts"] == ts)
    elements = [one for block in card["blocks"] for one in block.get("elements", [])]
    return next(str(one["action_id"]) for one in elements if str(one.get("action_id", "")).startswith("ack"))


# -- words -----------------------------------------------------------------------------------------------------------


def measure(rounds: int, say: Say) -> None:
    """Measure all of it and say it."""
    with workspace() as slack:
        asyncio.run(breaches(slack, max(20, rounds), say))
    with workspace() as slack:
        asyncio.run(clicks(slack, 3, say))


def _at(all_: Sequence[float], share: float) -> float:
    return sorted(all_)[min(len(all_) - 1, int(share * len(all_)))]


def _spread(all_: Sequence[float]) -> str:
    p50, p99 = 1000 * statistics.median(all_), 1000 * _at(all_, 0.99)
    return f"p50 {p50:6.0f} ms, p99 {p99:6.0f} ms, most {1000 * max(all_):6.0f} ms, n={len(all_)}"


def _holds(holds: bool) -> str:
    return "holds " if holds else "MISSED"
