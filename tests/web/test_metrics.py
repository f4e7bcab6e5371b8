"""/metrics: whoever may read it learns how the bot is, and nothing of what it knows."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace
from pathlib import Path

import httpx
import pytest
from prometheus_client.parser import text_string_to_metric_families

from bot.domain.errors import Unavailable
from bot.domain.policy import Severity
from bot.serving import console
from bot.web.counted import Counted
from tests.engine.test_silence import silence
from tests.parts import CANARY
from tests.web.fakes import HOME
from tests.world import World, shipped

SECRET = "only-for-metrics-1f2e3d"


@asynccontextmanager
async def served(folder: Path) -> AsyncIterator[tuple[World, object]]:
    """A house and its console."""
    web = shipped().web.model_copy(update={"metrics_token": _Secret()})
    async with World.open(folder, web=web, admins=("max",)) as world:
        yield world, console(world.house)


class _Secret:
    def get_secret_value(self) -> str:
        return SECRET


def client(app: object, host: str = "127.0.0.1", **headers: str) -> httpx.AsyncClient:
    transport = httpx.ASGITransport(app, client=(host, 4242), raise_app_exceptions=False)
    return httpx.AsyncClient(transport=transport, base_url=HOME, headers=headers)


def values(text: str) -> dict[str, float]:
    """Every sample by its name and labels, as the library of Prometheus reads it."""
    return {
        f"{one.name}{sorted(one.labels.items())}": one.value
        for family in text_string_to_metric_families(text)
        for one in family.samples
    }


async def test_from_elsewhere_only_with_a_token(tmp_path: Path) -> None:
    """The token for /metrics opens that and nothing else; a wrong one, none and a proxy's request open nothing."""
    async with served(tmp_path) as (_world, app):
        far = "203.0.113.7"
        for headers in ({}, {"Authorization": "Bearer wrong"}, {"Authorization": f"Basic {SECRET}"}):
            async with client(app, far, **headers) as stranger:
                assert (await stranger.get("/metrics")).status_code == 401, headers
        async with client(app, **{"X-Forwarded-For": "127.0.0.1"}) as proxied:
            assert (await proxied.get("/metrics")).status_code == 401
        async with client(app, far, Authorization=f"Bearer {SECRET}") as scraper:
            assert (await scraper.get("/metrics")).status_code == 200
            for path in ("/api/incidents", "/api/slos"):
                assert (await scraper.get(path)).status_code == 401
            assert (await scraper.post("/api/tokens", json={"person": "ana"})).status_code == 401
        async with client(app) as near:
            assert (await near.get("/metrics")).status_code == 200


async def test_no_token_set_opens_nothing(tmp_path: Path) -> None:
    """An empty token is none."""
    async with World.open(tmp_path) as world:
        stranger = client(console(world.house), "203.0.113.7", Authorization="Bearer ")
        assert (await stranger.get("/metrics")).status_code == 401
        await stranger.aclose()


async def test_nothing_of_an_incident_a_person_or_a_service_is_told(tmp_path: Path) -> None:
    """Not of an open one, not of a restricted one, not of who was paged; the parser of Prometheus reads it all."""
    async with served(tmp_path) as (world, app), client(app) as near:
        await world.house.vigil.look()
        await world.healthy()
        await world.broken()
        await world.house.desk.declare(CANARY, Severity.SEV1, "visits", CANARY, await world.who("ben"), restricted=True)
        await world.settle()
        await world.house.vigil.look()
        answer = await near.get("/metrics")
        text = answer.text
        people = [word for each in shipped().people for word in (each.key, each.name, each.email)]
        slos = [slo.name for slo in shipped().slos]
        for word in (CANARY, "INC-", "visits", "Recall", "poor", SECRET, *slos, *people):
            assert f'"{word}' not in text, word
            assert word not in [part for line in text.splitlines() for part in line.replace('"', " ").split()], word
        held = values(text)
        assert held["tocsin_open_incidents[]"] == 1
        assert held["tocsin_slo_events_total[('slo', 'pages')]"] >= 1
        assert held["tocsin_slo_errors_total[('slo', 'pages')]"] == 0
        assert held["tocsin_database_up[]"] == 1


async def test_a_silent_database_is_what_it_says_first(tmp_path: Path) -> None:
    """It answers all the same, and says that the database does not; readiness is refused with the reason."""
    async with served(tmp_path) as (world, app), client(app) as near:
        await world.round()
        log = silence(world, 100, "open_ids")
        answer = await near.get("/metrics")
        assert answer.status_code == 200
        held = values(answer.text)
        assert held["tocsin_database_up[]"] == 0
        assert held["tocsin_open_incidents[]"] != held["tocsin_open_incidents[]"]  # not a number: nobody knows
        ready = await near.get("/readyz")
        assert (ready.status_code, "no answer within 1.5 s" in ready.text) == (503, True)
        log.left = 0
        assert values((await near.get("/metrics")).text)["tocsin_database_up[]"] == 1


async def test_readiness_says_how_the_bot_keeps_its_promises(tmp_path: Path) -> None:
    """Each promise with its burn rates and what is left of its budget, and the kinds of trouble there are."""
    async with served(tmp_path) as (world, app), client(app) as near:
        vigil = world.house.vigil
        for _ in range(20):
            vigil.vitals.poll_began()
            world.clock.forward(seconds=1)
            await world.round()
            await vigil.look()
        told = (await near.get("/readyz")).json()
        assert told["troubles"] == []
        assert set(told["own"]) == {"tocsin-pages", "tocsin-polls", "tocsin-webhooks", "tocsin-looks"}
        polls = told["own"]["tocsin-polls"]
        assert (polls["state"], polls["burn"]["1h"], polls["budget_remaining"]) == ("met", 0.0, 1.0)
        assert told["own"]["tocsin-webhooks"]["burn"]["1h"] is None


@pytest.mark.parametrize(
    ("path", "method", "status", "counted"),
    [
        ("/alerts/am", "POST", 202, (1, 0)),
        ("/alerts/am", "POST", 503, (1, 1)),
        ("/alerts/am", "POST", 401, (0, 0)),
        ("/alerts/am", "POST", 0, (1, 1)),
        ("/alerts/am", "GET", 200, (0, 0)),
        ("/api/incidents", "POST", 503, (0, 0)),
    ],
)
async def test_webhooks_are_counted_by_what_they_are_answered(
    path: str, method: str, status: int, counted: tuple[int, int], tmp_path: Path
) -> None:
    """Taken in, turned away, wrong in themselves, broken on the way (0), or none at all."""
    async with World.open(tmp_path) as world:
        vitals = world.house.vigil.vitals

        async def app(_scope, _receive, send) -> None:
            if not status:
                raise Unavailable("the database", "no answer")
            await send({"type": "http.response.start", "status": status, "headers": []})
            await send({"type": "http.response.body", "body": b""})

        async with client(Counted(app, vitals=vitals)) as sender:
            await sender.request(method, path)
        held = {name: value for name, labels, value in vitals.samples(
            ("tocsin_slo_events_total", "tocsin_slo_errors_total")) if labels["slo"] == "webhooks"}  # fmt: skip
        assert tuple(held.values()) == counted


def test_the_token_is_shown_nowhere(tmp_path: Path) -> None:
    """Not where somebody prints the house's configuration."""
    from bot.web.house import WebHouse

    assert SECRET not in repr(replace(_house(WebHouse), metrics_token=SECRET))


def _house(kind):
    return kind(None, None, {}, None, Path(), "x", None, access=None)


async def test_restricted_incidents_are_in_no_number(tmp_path: Path) -> None:
    """Whoever reads the metrics learns of no incident that is kept from them."""
    async with served(tmp_path) as (world, app), client(app) as near:
        for restricted, open_now in ((True, 0), (False, 1)):
            await world.declare("scores look wrong", "max", restricted=restricted)
            assert values((await near.get("/metrics")).text)["tocsin_open_incidents[]"] == open_now
