"""Asking an Alertmanager what fires: what it says is news, what it no longer lists is over, and doubt changes nothing."""

from __future__ import annotations

import asyncio
import sqlite3
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from pathlib import Path

import httpx
import pytest

from bot.clients.alertmanager import Alertmanager, Pull
from bot.clock import MovedClock
from bot.domain.alert import Alert
from bot.engine.pulling import Asked, Pulling
from bot.intake.sender import Bearer, Sender
from bot.store import Store
from tests.kit import NOON

SENDER = Sender("prod", "alertmanager", Bearer("x"), frozenset({"loans"}))


@dataclass
class There:
    """An Alertmanager by its OpenAPI description (api/v2): GET /alerts and /status; it may misbehave."""

    alerts: list[object] = field(default_factory=list)
    up: datetime = NOON - timedelta(days=1)
    cluster: str = "ready"
    broken: str = ""
    asked: list[str] = field(default_factory=list)

    def __call__(self, request: httpx.Request) -> httpx.Response:
        self.asked.append(f"{request.url.path}?{request.url.query.decode()}")
        if self.broken == request.url.path:
            return httpx.Response(500)
        if self.broken == "junk":
            return httpx.Response(200, text="<html>")
        if request.url.path == "/api/v2/status":
            return httpx.Response(200, json={"uptime": self.up.isoformat(), "cluster": {"status": self.cluster}})
        return httpx.Response(200, json=self.alerts)


def held(name: str, *, state: str = "active", starts: datetime = NOON - timedelta(minutes=5)) -> dict:
    """A gettableAlert."""
    return {
        "annotations": {"summary": f"{name} is high"},
        "endsAt": "2026-11-20T12:04:00.000Z",
        "fingerprint": name,
        "receivers": [{"name": "tocsin"}],
        "startsAt": starts.isoformat(),
        "status": {"inhibitedBy": [], "silencedBy": ["s1"] if state == "suppressed" else [], "state": state},
        "updatedAt": "2026-11-20T11:59:00.000Z",
        "generatorURL": "http://prometheus.example/graph",
        "labels": {"alertname": name, "service": "loans", "severity": "critical"},
    }


def known(name: str, *, starts: datetime = NOON - timedelta(minutes=5), source: str = "prod") -> Alert:
    return Alert(source, name, starts, None, f"{name} is high", "loans", 1)


@dataclass
class Scene:
    store: Store
    clock: MovedClock
    there: There
    pulling: Pulling

    async def firing(self) -> set[str]:
        return {f"{each.alert.source}/{each.alert.fingerprint}" for each in await self.store.alerts.firing()}


@pytest.fixture
async def scene(tmp_path: Path):
    clock = MovedClock(NOON)
    there = There()
    settings = Pull(url="http://am.example:9093", receiver="to.csin", every=timedelta(minutes=1))
    asks = Alertmanager(settings, SENDER, clock=clock, transport=httpx.MockTransport(there))
    async with await Store.open(f"{tmp_path}/t.db", clock) as store:
        pulling = Pulling(store.alerts, clock, {"prod": Asked(asks, timedelta(minutes=1))})
        yield Scene(store, clock, there, pulling)
        await pulling.close()


async def test_what_fires_there_and_was_never_told_is_news(scene: Scene) -> None:
    """Accepted as if it had been sent, by the sender's own words; asked again it is no news."""
    scene.there.alerts = [held("A"), held("B")]
    found = await scene.pulling.pull("prod")
    assert (found.news, found.over, found.because) == (2, 0, "")
    (first, _) = await scene.store.alerts.firing()
    assert (first.alert.service, first.alert.severity, first.alert.source) == ("loans", 1, "prod")
    assert (await scene.pulling.pull("prod")).news == 0
    assert scene.there.asked[0].startswith("/api/v2/alerts?")
    assert "receiver=%5Eto%5C.csin%24" in scene.there.asked[0]


async def test_the_alert_that_always_fires_is_no_news(scene: Scene) -> None:
    """It opens nothing; one that was taken in before anybody said what it is, is over."""
    await scene.store.alerts.accept([known("Watchdog")])
    scene.clock.forward(seconds=60)
    asks = scene.pulling._asked["prod"]
    pulling = Pulling(scene.store.alerts, scene.clock, {"prod": replace(asks, watchdog="Watchdog")})
    scene.there.alerts = [held("Watchdog"), held("A")]
    found = await pulling.pull("prod")
    assert (found.news, found.over) == (1, 1)
    assert await scene.firing() == {"prod/A"}
    assert (await pulling.pull("prod")).news == 0


async def test_what_is_not_listed_any_more_is_over(scene: Scene) -> None:
    """Ended when the asking began; other senders' alerts are nobody's business here."""
    await scene.store.alerts.accept([known("A"), known("B"), known("B", source="other")])
    scene.clock.forward(seconds=60)
    scene.there.alerts = [held("A")]
    assert (await scene.pulling.pull("prod")).over == 1
    assert await scene.firing() == {"prod/A", "other/B"}
    over = (await scene.store.alerts.newest(["alert/prod/B"]))["alert/prod/B"]
    assert over == replace(known("B"), ends=scene.clock.now())


async def test_many_that_are_gone_are_all_over(scene: Scene) -> None:
    """Page after page, though what is over leaves the list while it is read."""
    await scene.store.alerts.accept([known(f"n{n}") for n in range(1300)])
    scene.clock.forward(seconds=60)
    assert (await scene.pulling.pull("prod")).over == 1300
    assert await scene.store.alerts.count() == 0


async def test_what_begins_far_ahead_begins_once(scene: Scene) -> None:
    """Its clock is wrong: it counts from when it was first heard of, told by it or by us, and ends with the list."""
    scene.there.alerts = [held("A", starts=NOON + timedelta(days=365)), held("B")]
    assert (await scene.pulling.pull("prod")).news == 2
    for _ in range(3):
        scene.clock.forward(seconds=60)
        found = await scene.pulling.pull("prod")
        assert (found.news, found.over, found.because) == (0, 0, "")
    assert await scene.firing() == {"prod/A", "prod/B"}
    assert (await scene.store.alerts.newest(["alert/prod/A"]))["alert/prod/A"].starts == NOON
    scene.there.alerts = [held("A", starts=NOON + timedelta(days=365), state="suppressed")]
    assert (await scene.pulling.pull("prod")).over == 1
    scene.there.alerts = []
    assert (await scene.pulling.pull("prod")).over == 1
    assert await scene.firing() == set()


async def test_a_silenced_alert_is_no_news_and_not_over(scene: Scene) -> None:
    """Somebody there wished not to hear of it: nobody is told, and nothing that fires here ends by it."""
    await scene.store.alerts.accept([known("A")])
    scene.clock.forward(seconds=60)
    scene.there.alerts = [held("A", state="suppressed"), held("B", state="suppressed")]
    found = await scene.pulling.pull("prod")
    assert (found.news, found.over) == (0, 0)
    assert await scene.firing() == {"prod/A"}


async def test_what_came_while_it_was_asked_is_left_alone(scene: Scene) -> None:
    """A message that arrives, or an alert that begins, after the asking began: the old answer cannot know it."""
    await scene.store.alerts.accept([known("arrived now")])
    scene.clock.forward(seconds=-1)
    scene.there.alerts = []
    assert (await scene.pulling.pull("prod")).over == 0
    scene.clock.forward(seconds=61)
    await scene.store.alerts.accept([known("begins later", starts=scene.clock.now() + timedelta(seconds=30))])
    scene.clock.forward(seconds=10)
    assert (await scene.pulling.pull("prod")).over == 1
    assert await scene.firing() == {"prod/begins later"}


@pytest.mark.parametrize(
    ("how", "told"),
    [
        ({"up": NOON - timedelta(minutes=3)}, "started too short a while ago"),
        ({"cluster": "settling"}, "still settling"),
        ({"alerts": [held("A"), {"labels": {}}]}, "1 of its alerts could not be read"),
        ({"broken": "/api/v2/status"}, "answered 500"),
        ({"broken": "/api/v2/alerts"}, "answered 500"),
        ({"broken": "junk"}, "not JSON"),
        ({"alerts": {"not": "a list"}}, "no list of alerts"),
    ],
)
async def test_doubt_ends_nothing(scene: Scene, how: dict, told: str) -> None:
    """An answer that may lack something, and none at all: what fires here goes on firing, and it is said why."""
    await scene.store.alerts.accept([known("B")])
    scene.clock.forward(seconds=60)
    for name, value in how.items():
        setattr(scene.there, name, value)
    found = await scene.pulling.pull("prod")
    assert found.over == 0
    assert told in found.because
    assert "prod/B" in await scene.firing()


async def test_an_inbox_that_is_silent_is_tried_again(scene: Scene) -> None:
    """Somebody holds the database's lock: what was asked and could not be kept is asked anew."""
    scene.there.alerts = [held("A")]
    other = sqlite3.connect(str(scene.store.database.url.database), isolation_level=None)
    other.execute("BEGIN IMMEDIATE")
    assert (await scene.pulling.pull("prod")).failed
    other.close()
    assert (await scene.pulling.pull("prod")).news == 1


async def test_it_is_asked_at_the_start_every_so_often_and_when_wanted(scene: Scene) -> None:
    """Three reasons to ask; a sender that cannot be asked is wanted in vain."""

    async def asked(times: int) -> None:
        async with asyncio.timeout(5):
            while sum("alerts" in each for each in scene.there.asked) < times:  # noqa: ASYNC110 - no sleeping: it yields
                await asyncio.sleep(0)
            while scene.pulling.last.get("prod") is None or not scene.clock._waiting:  # noqa: ASYNC110
                await asyncio.sleep(0)

    scene.pulling.start()
    await asked(1)
    scene.clock.forward(seconds=61)
    await asked(2)
    scene.pulling.want("prod")
    scene.pulling.want("nobody")
    await asked(3)
