"""Those decided about on the console: numbers for responders, the list for counsel by their own hand, nothing kept."""

from __future__ import annotations

import csv
import hashlib
import io
from collections.abc import AsyncIterator
from contextlib import aclosing
from dataclasses import replace
from pathlib import Path

import pytest

from bot.decisions import DecisionLog
from bot.documents.csv import lines
from bot.domain.affected import ListTaken
from bot.engine.affected import AffectedRoom
from tests.decisions.logs import decided, many, write
from tests.web.fakes import SERVICE, Place, leads, place
from tests.web.rich import declared

ALL = {"until": "2026-11-20T13:59:00Z", "versions": ["v2"], "slice": "all"}


@pytest.fixture
async def home(tmp_path: Path) -> AsyncIterator[Place]:
    """A console whose service has a prediction log, with an incident."""
    async with place(tmp_path / "house") as made:
        told = write(tmp_path / "log.parquet", [decided(-1), *many(), decided(9, person="=1+1", decision="@D")])
        made.desk.catalogue.services["visits"] = replace(SERVICE, prediction_log=told)  # type: ignore[index]
        made.desk.affected = AffectedRoom(made.desk, {"visits": DecisionLog("visits", told, lines)})
        await declared(made)
        yield made


@pytest.fixture(autouse=True)
def _folder(tmp_path: Path) -> None:
    (tmp_path / "house").mkdir()


def kept(folder: Path) -> dict[str, bytes]:
    """Every file the house wrote, byte for byte."""
    return {each.name: each.read_bytes() for each in folder.rglob("*") if each.is_file()}


async def taken(home: Place) -> list[ListTaken]:
    return [each.event for each in await home.desk.log.entries("INC-1") if isinstance(each.event, ListTaken)]


async def test_counting_by_api(home: Place) -> None:
    """Numbers with what they rest on; by the machine's token too, for numbers name nobody."""
    async with home.api("ana") as api:
        told = (await api.get("/api/incidents/INC-1")).json()
        assert told["affected"] is None
        told = (await api.post("/api/incidents/INC-1/affected", json=ALL)).json()["affected"]
        assert (told["decisions"], told["adverse"], told["people"], told["complete"]) == (121, 60, 121, True)
        assert (told["versions"], told["slice"], told["counted_by"]) == (["v2"], "", "Ana Ruiz")
        assert {cut["by"] for cut in told["cuts"]} == {"sex", "country", "state", "day (UTC)"}
        assert told["ratios"][0]["ratio"] < 0.6
        no = await api.post("/api/incidents/INC-1/affected", json={"since": "soon"})
        assert no.status_code == 422
        assert "since" in no.json()["fields"]
        no = await api.post("/api/incidents/INC-1/affected", json={"since": "2027-01-01T00:00:00Z"})
        assert no.json()["because"] == "the stretch to count ends before it begins"
        own = (await api.post("/api/incidents/INC-1/affected", json={})).json()
        assert own["affected"]["decisions"] == 121, "that the incident's own slice is no column forgets nothing"
        assert "the slice health=poor is no column" in own["timeline"][-1]["text"]
    async with home.api("audrey") as api:
        no = await api.post("/api/incidents/INC-1/affected", json=ALL)
        assert no.status_code == 409
        assert "may count who is affected" in no.json()["because"]


async def test_the_list_by_api(home: Place) -> None:
    """Counsel by their own token: a file whose digest is recorded; nobody else, and nobody by a borrowed name."""
    async with home.api("cleo") as api:
        no = await api.post("/api/incidents/INC-1/affected/list", json=ALL)
        assert no.status_code == 403
        assert "your own token" in no.json()["because"]
    for who in ("ana", "ben", "max", "audrey", "ida"):
        async with await home.own(who) as api:
            no = await api.post("/api/incidents/INC-1/affected/list", json=ALL)
            assert no.status_code == 409, who
            assert "only counsel may take the list of the people affected" in no.json()["because"]
    assert await taken(home) == []
    async with await home.own("cleo") as api:
        keyed = {"Idempotency-Key": "once"}
        for _ in range(2):
            got = await api.post("/api/incidents/INC-1/affected/list", json=ALL, headers=keyed)
            assert got.status_code == 200
        assert got.headers["cache-control"] == "no-store"
        assert got.headers["content-disposition"].startswith("attachment")
        assert (await api.post("/api/incidents/INC-9/affected/list", json=ALL)).status_code == 404
        assert (await api.post("/api/incidents/INC-1/affected/list", json={"who": "all"})).status_code == 422
    (event,) = await taken(home)
    assert event.sha256 == got.headers["x-tocsin-sha256"] == hashlib.sha256(got.content).hexdigest()
    rows = list(csv.reader(io.StringIO(got.content.decode("utf-8-sig"))))
    assert (len(rows) - 1, event.rows, got.headers["x-tocsin-rows"]) == (121, 121, "121")
    assert ["'@D", "'=1+1"] in [row[:2] for row in rows]


async def test_on_the_page(home: Place) -> None:
    """A responder counts by a button and sees no list's; counsel takes the list with what was counted."""
    async with aclosing(await home.browser("ana")) as browser:
        page = (await browser.get("/incidents/INC-1")).text
        assert "Not counted yet." in page
        assert "Take the list" not in page
        no = await browser.post("/incidents/INC-1/affected.csv", data={"once": "x"})
        assert no.status_code == 409
        assert "only counsel may take the list" in no.text
        sent = {"once": "1", "until": "2026-11-20T13:59", "versions": "v2", "slice": "all", "since": ""}
        done = await browser.post("/incidents/INC-1/affected", data=sent)
        assert leads(done) == "/incidents/INC-1?done=affected#affected"
        page = (await browser.get("/incidents/INC-1")).text
        assert "<dd>121</dd>" in page
        assert "A screen, not a legal conclusion." in page
        wrong = await browser.post("/incidents/INC-1/affected", data={**sent, "once": "2", "until": "2020-01-01T00:00"})
        assert wrong.status_code == 409
        assert "the stretch to count ends before it begins" in wrong.text
    async with aclosing(await home.browser("cleo")) as browser:
        page = (await browser.get("/incidents/INC-1")).text
        assert "Take the list" in page
        fields = {"since": "2026-11-20T12:00:00.000Z", "until": "2026-11-20T13:59:00.000Z", "versions": "v2"}
        for name, value in fields.items():
            assert f'name="{name}" value="{value.replace(".000Z", "+00:00")}"' in page
        got = await browser.post("/incidents/INC-1/affected.csv", data={"once": "1", **fields, "slice": "all"})
        assert got.headers["content-type"] == "text/csv; charset=utf-8"
        assert (await home.desk.log.load("INC-1")).affected.told.sha256 == hashlib.sha256(got.content).hexdigest()
        bad = await browser.post("/incidents/INC-1/affected.csv", data={"once": "1", "since": "soon"})
        assert bad.status_code == 409
        assert "since" in bad.text
    assert len(await taken(home)) == 1


async def test_a_form_of_another_site_takes_nothing(home: Place) -> None:
    """A page elsewhere cannot make counsel's browser take the list."""
    async with aclosing(await home.browser("cleo")) as browser:
        got = await browser.post("/incidents/INC-1/affected.csv", headers={"Sec-Fetch-Site": "cross-site"})
        assert got.status_code == 403
    assert await taken(home) == []


async def test_a_restricted_incident_hides_its_list(home: Place) -> None:
    """Whoever may not see the incident is told that there is none, whatever badge they hold."""
    await declared(home, restricted=True, fingerprint="slo/other")
    home.desk.handler.policy = replace(home.desk.handler.policy, people_data=frozenset({"auditor"}))
    async with await home.own("audrey") as api:
        got = await api.post("/api/incidents/INC-2/affected/list", json=ALL)
        assert got.status_code == 404
        assert (await api.post("/api/incidents/INC-1/affected/list", json=ALL)).status_code == 200


async def test_nothing_of_a_person_is_told_elsewhere(home: Place) -> None:
    """Not in the incident's JSON, its page, the metrics, nor any file of the house."""
    async with await home.own("cleo") as api:
        await api.post("/api/incidents/INC-1/affected", json=ALL)
        await api.post("/api/incidents/INC-1/affected/list", json=ALL)
        told = (await api.get("/api/incidents/INC-1")).text + (await api.get("/metrics")).text
        assert "tocsin" in told
        assert "person-0" not in told
        assert "log.parquet" not in told
    written = kept(home.web.state.parent)
    assert "tocsin.db" in written
    assert not [name for name, content in written.items() if b"person-0" in content]


async def test_without_a_log_nobody_is_offered_a_list(home: Place) -> None:
    """The page says why there are no numbers, and counting writes the reason down."""
    home.desk.catalogue.services["visits"] = SERVICE  # type: ignore[index]
    home.desk.affected = AffectedRoom(home.desk, {})
    async with aclosing(await home.browser("cleo")) as browser:
        page = (await browser.get("/incidents/INC-1")).text
        assert "the catalogue names no prediction log for this service" in page
        assert "Take the list" not in page
        await browser.post("/incidents/INC-1/affected", data={"once": "1"})
        page = (await browser.get("/incidents/INC-1")).text
        assert "<b>Not known:</b> the catalogue names no prediction log for visits." in page
