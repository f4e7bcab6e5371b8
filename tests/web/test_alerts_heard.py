"""Who sends alerts is heard, by what it says; and how each sender stands, for Prometheus to read."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime, timedelta
from pathlib import Path

import pytest
from prometheus_client.parser import text_string_to_metric_families

from bot.domain.errors import Unavailable
from bot.web.app import build
from tests.kit import NOON
from tests.web.alerting import BEARER, SECRET, SENDERS, Gate, am, am_alert, gate
from tests.web.fakes import Place, place


@pytest.fixture
async def home(tmp_path: Path):
    async with gate(tmp_path) as made:
        yield made


@pytest.fixture
async def console(tmp_path: Path):
    async with place(tmp_path) as made:
        made.web = replace(made.web, inbox=made.store.alerts, senders=SENDERS)
        made.app = build(made.web)
        yield made


async def last(home: Gate) -> dict[str, datetime]:
    await home.door._inbox.close()  # what is being written is written
    return dict(await home.store.alerts.last_heard())


@pytest.mark.parametrize(
    "body",
    [am(), am(am_alert()), am(am_alert(), truncated=7), am(am_alert(status="resolved")), am({"labels": 1}, am_alert())],
    ids=["empty", "firing", "truncated", "resolved", "partly unreadable"],
)
async def test_any_message_that_can_be_read_counts(home: Gate, body: dict) -> None:
    """An empty one too: the sender lives, and its path works."""
    await home.post("prod", body)
    assert await last(home) == {"prod": NOON}


async def test_whoever_does_not_prove_it_is_not_heard(home: Gate) -> None:
    """Nor is a message that is none: a path that delivers rubbish does not work."""
    await home.post("prod", am(am_alert()), Authorization="Bearer wrong")
    await home.post("prod", b"{")
    await home.post("nobody", am())
    assert await last(home) == {}


async def test_with_a_watchdog_only_that_counts_and_it_is_never_news(home: Gate) -> None:
    """It fires: heard, and nothing is kept. Other alerts are kept and prove nothing; nor does its end."""
    assert (await home.post("dog", am(am_alert()))).status_code == 200
    await home.post("dog", am())
    await home.post("dog", am(am_alert("Watchdog", status="resolved", ends="2026-11-20T11:59:00Z")))
    assert await last(home) == {}
    home.clock.forward(seconds=60)
    answer = await home.post("dog", am(am_alert("Watchdog"), am_alert("Errors")))
    assert (answer.status_code, answer.json()["accepted"]) == (200, 2)
    assert await last(home) == {"dog": NOON + timedelta(seconds=60)}
    home.clock.forward(seconds=60)
    await home.post("dog", am(am_alert("Watchdog")))
    assert await last(home) == {"dog": NOON + timedelta(seconds=120)}
    assert [each.title for each in await home.kept()] == ["Latency is high", "Errors is high"]
    assert await home.store.alerts.count() == 2


async def test_a_watchdog_is_one_sender_s_word(home: Gate) -> None:
    """From a sender without one it is an alert like any other."""
    await home.post("prod", am(am_alert("Watchdog")))
    assert [each.title for each in await home.kept()] == ["Watchdog is high"]


def samples(text: str) -> dict[tuple[str, ...], float]:
    """What is told of senders: name, labels, value."""
    return {
        (
            one.name.removeprefix("tocsin_sender_"),
            one.labels["sender"],
            *filter(None, [one.labels.get("reason")]),
        ): one.value
        for family in text_string_to_metric_families(text)
        for one in family.samples
        if one.name.startswith("tocsin_sender_")
    }


async def metrics(console: Place) -> str:
    async with console.api("ana") as scraper:
        answer = await scraper.get("/metrics")
        assert answer.status_code == 200
        return answer.text


async def test_how_each_sender_stands_is_in_the_metrics(console: Place) -> None:
    """Accepted, refused by reason, waiting, and how long ago it was heard; every name there is, and no other."""
    async with console.client() as sender:
        for body, headers in (
            (am(am_alert(), {"labels": 1}), BEARER), (am(), BEARER), (am(), {"Authorization": f"Bearer {SECRET}x"}),
        ):  # fmt: skip
            await sender.post("/alerts/prod", json=body, headers=headers)
        await sender.post("/alerts/prod", content=b"{", headers={**BEARER, "content-type": "application/json"})
        await sender.post("/alerts/prod", content=b"x", headers={**BEARER, "content-type": "text/html"})
        await sender.get("/alerts/prod", headers=BEARER)
        await sender.post("/alerts/small", json=am(*[am_alert()] * 20), headers=BEARER)
        await sender.post("/alerts/made-up-by-a-stranger", json=am(), headers=BEARER)
    await console.store.alerts.close()
    console.clock.forward(seconds=90)
    text = await metrics(console)
    held = samples(text)
    refused = {key[1:]: value for key, value in held.items() if key[0] == "refusals_total" and value}
    assert held["alerts_total", "prod"] == 1
    assert refused == {
        ("prod", "alert"): 1, ("prod", "unproved"): 1, ("prod", "unreadable"): 1, ("prod", "type"): 1,
        ("prod", "method"): 1, ("small", "too_large"): 1,
    }  # fmt: skip
    assert held["waiting_alerts", "prod"] == 0
    assert held["heard_age_seconds", "prod"] == 90
    assert held["heard_age_seconds", "grafana"] != held["heard_age_seconds", "grafana"]  # never
    assert {key[1] for key in held} == {each.name for each in SENDERS}
    for secret in ("Latency", "visits", "made-up", SECRET, "99th"):
        assert secret not in text


async def test_a_silent_database_hides_only_who_was_heard(console: Place) -> None:
    """The counts are told all the same; how long ago is not a number, for nobody knows."""

    class Silent:
        def __init__(self) -> None:
            self.waiting_of = {"prod": 3}

        async def last_heard(self):
            raise Unavailable("the database", "no answer within 1.5 s")

    console.app.state.numbers._inbox = Silent()
    held = samples(await metrics(console))
    assert held["heard_age_seconds", "prod"] != held["heard_age_seconds", "prod"]
    assert (held["waiting_alerts", "prod"], held["waiting_alerts", "basic"]) == (3, 0)
    assert held["alerts_total", "prod"] == 0


async def test_a_house_without_senders_tells_of_none(tmp_path: Path) -> None:
    """Nothing is configured, nothing is told."""
    async with place(tmp_path) as made:
        assert "tocsin_sender" not in await metrics(made)
