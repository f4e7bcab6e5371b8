"""What fires, in the API: for responders, page by page; how each sender stands, in /readyz."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import httpx
import pytest

from bot.domain.alert import Alert
from bot.web.app import build
from tests.kit import NOON
from tests.web.alerting import SECRET, SENDERS, am, am_alert
from tests.web.fakes import Place, place


def alert(n: int, **how) -> Alert:
    return Alert("prod", f"f{n}", NOON + timedelta(seconds=n), None, f"Alert {n}", severity=1 + n % 4, **how)


@pytest.fixture
async def home(tmp_path: Path):
    async with place(tmp_path) as made:
        made.web = replace(made.web, inbox=made.store.alerts, senders=SENDERS)
        made.app = build(made.web)
        yield made


async def test_what_fires_is_listed_page_by_page(home: Place) -> None:
    """The worst first, how many in all, each once, and where one came from."""
    await home.store.alerts.accept([alert(n, service="visits" if n % 2 else "") for n in range(25)])
    async with home.api("ana") as ana:
        found, after = [], ""
        while True:
            page = (await ana.get("/api/alerts", params={"limit": 10, "after": after})).json()
            assert page["firing"] == 25
            found += page["alerts"]
            if not (after := page["next"]):
                break
        assert len({each["fingerprint"] for each in found}) == len(found) == 25
        assert [each["severity"] for each in found] == sorted(each["severity"] for each in found)
        assert found[0]["title"] == "Alert 24"
        assert found[0]["starts"] == "2026-11-20T12:00:24.000Z"
        only = (await ana.get("/api/alerts", params={"service": "visits"})).json()["alerts"]
        assert {each["service"] for each in only} == {"visits"}
        assert (await ana.get("/api/alerts", params={"source": "elsewhere"})).json()["alerts"] == []
        assert (await ana.get("/api/alerts", params={"after": "nonsense"})).status_code == 409
        assert (await ana.get("/api/alerts", params={"limit": 0})).status_code == 422


async def test_what_fires_is_for_responders(home: Place) -> None:
    """Nobody reads it without a name, and counsel and auditors do not; approvers and managers do."""
    async with home.client() as stranger:
        assert (await stranger.get("/api/alerts")).status_code == 401
    for key, status in (("ana", 200), ("max", 200), ("ida", 200), ("cleo", 403), ("audrey", 403)):
        async with home.api(key) as client:
            assert (await client.get("/api/alerts")).status_code == status


async def test_senders_need_no_session_and_no_form(home: Place) -> None:
    """A message from a sender passes by what the console asks of people, and is in the list at once."""
    async with home.client(Authorization=f"Bearer {SECRET}", Origin="https://elsewhere.example") as sender:
        assert (await sender.post("/alerts/prod", json=am(am_alert()))).status_code == 200
        big = am(*(am_alert(f"A{n}") for n in range(3000)))
        answer = await sender.post("/alerts/prod", json=big)  # longer than a person's request may be
        assert (answer.status_code, answer.json()["accepted"]) == (200, 3000)
        assert "set-cookie" not in answer.headers
    async with home.api("ana") as ana:
        assert (await ana.get("/api/alerts")).json()["firing"] >= 2


async def test_how_each_sender_stands_is_in_readyz(home: Place) -> None:
    """Last heard, accepted, refused, and what waits; nothing of what the alerts say."""
    home.watch.poll()
    async with home.client(Authorization=f"Bearer {SECRET}") as sender:
        await sender.post("/alerts/prod", json=am(am_alert(), {}))
        told = (await sender.get("/readyz")).json()
    assert told["alerts"]["waiting"] == 0
    prod = told["alerts"]["senders"]["prod"]
    assert (prod["heard"], prod["accepted"], prod["refused"]) == ("2026-11-20T12:00:00.000Z", 1, 1)
    assert told["alerts"]["senders"]["grafana"]["heard"] is None
    assert "Latency" not in str(told)


async def test_a_house_without_senders_has_no_such_door(tmp_path: Path) -> None:
    """Nothing is configured: the address is nobody's, the list says so, readyz is silent about it."""
    async with place(tmp_path) as made:
        made.watch.poll()
        async with made.client(Authorization=f"Bearer {SECRET}") as sender:
            answer: httpx.Response = await sender.post("/alerts/prod", json={})
            assert answer.status_code in {404, 405}
            assert "alerts" not in (await sender.get("/readyz")).json()
        async with made.api("ana") as ana:
            assert (await ana.get("/api/alerts")).status_code == 404
