"""One's calendar at its secret address, read back by our own reader of iCalendar feeds."""

from __future__ import annotations

from collections.abc import AsyncIterator
from datetime import timedelta
from pathlib import Path

import httpx
import pytest
from icalendar import Calendar

from bot.engine.calendar import AHEAD, BACK
from bot.oncall import _feed
from tests.kit import NOON
from tests.web.fakes import Place, place
from tests.web.test_oncall_api import ASK, with_rotas

DAY = timedelta(days=1)


@pytest.fixture
async def home(tmp_path: Path) -> AsyncIterator[Place]:
    async with place(tmp_path) as made:
        yield with_rotas(made)


async def addresses(home: Place, who: str = "ana") -> dict[str, str]:
    async with home.api(who) as api:
        answer = await api.post("/api/oncall/calendar")
    assert answer.status_code == 201
    told = answer.json()
    return {"own": told["url"], **told["rotas"]}


async def get(home: Place, url: str, method: str = "GET", **headers: str) -> httpx.Response:
    async with home.client() as client:
        return await client.request(method, httpx.URL(url).path, headers=headers)


def shifts(answer: httpx.Response, person: str = "summary") -> list[tuple[str, object, object]]:
    found = _feed.shifts(_feed.read(answer.text), NOON - BACK, NOON + AHEAD, "UTC", person, None)
    return sorted((each.person, each.start, each.end) for each in found)


def uids(answer: httpx.Response) -> dict[str, object]:
    return {str(e["UID"]): e["DTSTART"].dt for e in Calendar.from_ical(answer.text).walk("VEVENT")}


async def test_ones_own_shifts_without_a_login(home: Place) -> None:
    """A month back and three ahead, exactly what the roster says, covers included."""
    async with home.api("ben") as api:
        start, end = "2026-11-21T14:00:00Z", "2026-11-21T18:00:00Z"
        cover = (await api.post("/api/oncall/covers", json=ASK | {"start": start, "end": end})).json()["cover"]["id"]
    async with home.api("ana") as api:
        assert (await api.post(f"/api/oncall/covers/{cover}/take")).status_code == 200
    answer = await get(home, (await addresses(home))["own"])
    assert (answer.status_code, answer.headers["content-type"]) == (200, "text/calendar; charset=utf-8")
    stints = await home.desk.roster.shifts("ml", NOON - 2 * BACK, NOON + 2 * AHEAD)
    wanted = [s for s in stints if s.key == "ana" and s.start < NOON + AHEAD and s.end > NOON - BACK]
    assert shifts(answer) == sorted(("On call: ML platform", s.start, s.end) for s in wanted)
    assert len(wanted) > 40
    notes = [str(e.get("DESCRIPTION")) for e in Calendar.from_ical(answer.text).walk("VEVENT") if e.get("DESCRIPTION")]
    assert notes == ["Covers Ben Okafor."]
    assert "p_" not in answer.text


async def test_a_rotas_shifts_with_everybodys_names(home: Place) -> None:
    """Under the same secret; a rota that is none is not there."""
    known = await addresses(home)
    answer = await get(home, known["ml"])
    assert {title for title, _, _ in shifts(answer)} == {"Ana Ruiz: ML platform", "Ben Okafor: ML platform"}
    assert [title for title, _, _ in shifts(await get(home, known["nights"]))] == ["Max Weber: nights"]
    assert (await get(home, known["ml"].replace("/ml.ics", "/mll.ics"))).status_code == 404


async def test_a_shift_keeps_its_name(home: Place) -> None:
    """Tomorrow, and after a cover cut it in two, so that an application changes the event instead of making another."""
    known = await addresses(home)
    today = uids(await get(home, known["ml"]))
    home.clock.forward(days=1)
    tomorrow = uids(await get(home, known["ml"]))
    assert len(today.keys() & tomorrow.keys()) >= len(today) - 1
    assert all(tomorrow[name] == today[name] for name in today.keys() & tomorrow.keys())
    async with home.api("ben") as api:
        hours = {"start": "2026-11-21T14:00:00Z", "end": "2026-11-21T18:00:00Z"}
        cover = (await api.post("/api/oncall/covers", json=ASK | hours)).json()["cover"]["id"]
    async with home.api("ana") as api:
        await api.post(f"/api/oncall/covers/{cover}/take")
    after = uids(await get(home, known["ml"]))
    assert tomorrow.items() <= after.items()
    assert len(after) == len(tomorrow) + 2


async def test_an_unchanged_calendar_is_not_sent_again(home: Place) -> None:
    """By its ETag, weak or strong; HEAD answers without the body; nobody between keeps it."""
    url = (await addresses(home))["own"]
    first = await get(home, url)
    home.clock.forward(hours=1)
    tag = first.headers["etag"]
    for known in (tag, f"W/{tag}", f'"other", {tag}'):
        assert (await get(home, url, **{"if-none-match": known})).status_code == 304
    assert (await get(home, url, **{"if-none-match": '"other"'})).status_code == 200
    head = await get(home, url, "HEAD")
    assert (head.status_code, head.content, head.headers["etag"]) == (200, b"", tag)
    assert first.headers["cache-control"].startswith("private")


async def test_an_address_ends(home: Place, tmp_path: Path) -> None:
    """By a new one, by its owner's word, and with its owner; unknown and ended look alike, and leave no secret behind."""
    old = (await addresses(home))["own"]
    new = (await addresses(home))["own"]
    never = old.rpartition("/")[0] + "/" + "x" * 43 + ".ics"
    answers = [await get(home, each) for each in (old, never, never.replace("x" * 43, "x" * 5000))]
    assert {(each.status_code, each.text) for each in answers} == {(404, '{"because":"there is no such page"}')}
    assert (await get(home, new)).status_code == 200
    async with home.api("ana") as api:
        assert (await api.post("/api/oncall/calendar/end")).json() == {"ended": True}
        assert (await api.post("/api/oncall/calendar/end")).json() == {"ended": False}
    assert (await get(home, new)).status_code == 404
    last = (await addresses(home, "otto"))["own"]
    await home.store.people.enrol([])
    assert (await get(home, last)).status_code == 404
    kept = _kept(tmp_path)
    assert kept
    assert new.rpartition("/")[2].removesuffix(".ics").encode() not in kept


def _kept(folder: Path) -> bytes:
    """Everything the database holds, as it lies on disk."""
    return b"".join(path.read_bytes() for path in folder.glob("tocsin.db*"))
