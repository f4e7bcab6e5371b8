"""The page of who is on call, and its forms, without JavaScript: in the reader's zone, with every refusal beside it."""

from __future__ import annotations

import contextlib
import itertools
import re
from collections.abc import AsyncIterator
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import httpx
import pytest

from bot.engine.board import gaps
from bot.engine.calling import Contact
from bot.engine.schedules import Schedules
from bot.rota.rota import Shift
from bot.web.bars import HEIGHT, WIDTH, drawn
from tests.engine.test_roster import Elsewhere, Provider
from tests.kit import NOON
from tests.web.fakes import Place, leads, place
from tests.web.test_oncall_api import with_rotas

HOUR = timedelta(hours=1)


@pytest.fixture
async def home(tmp_path: Path) -> AsyncIterator[Place]:
    async with place(tmp_path) as made:
        yield made


@contextlib.asynccontextmanager
async def using(home: Place, key: str) -> AsyncIterator[httpx.AsyncClient]:
    """Somebody's browser, logged in."""
    client = await home.browser(key)
    try:
        yield client
    finally:
        await client.aclose()


def plain(text: str) -> str:
    """What stands on the page, without its markup; a time stands in its sentence."""
    return " ".join(re.sub(r"<[^>]+>", " ", re.sub(r"</?time[^>]*>", "", text)).split())


async def test_a_house_without_rotas_says_what_to_do(home: Place) -> None:
    """Whom pages come to is told all the same; there is nothing to cover."""
    async with using(home, "ana") as ana:
        page = plain((await ana.get("/oncall")).text)
    assert "There is no rota yet." in page
    assert "Visit predictions" in page
    assert "Ask to be covered" not in page


async def test_every_rota_now_and_next_in_the_readers_zone(home: Place) -> None:
    """Ana reads in Tokyo; the gap is marked; nothing of it needs a script or a style of its own."""
    with_rotas(home)
    plans = home.desk.roster.plans
    home.desk.roster.plans = replace(
        plans, contacts={"ana": Contact("ana", zone="Asia/Tokyo")}, timezone="Europe/Berlin"
    )
    async with using(home, "ana") as ana:
        answer = await ana.get("/oncall")
    async with using(home, "ben") as ben:
        berlin = plain((await ben.get("/oncall")).text)
    page = plain(answer.text)
    assert "Ana Ruiz until Sat 21 Nov 17:00 Then Ben Okafor , from Sat 21 Nov 17:00" in page
    assert "Ana Ruiz until Sat 21 Nov 09:00" in berlin
    assert "nights nobody Nobody is on call. Then Max Weber , from Sun 22 Nov 04:00" in page
    assert "The coming two weeks: 1 gap" in page
    assert "by Asia/Tokyo, your zone" in page
    assert "style=" not in answer.text
    assert "p_" not in answer.text


async def test_a_cover_is_asked_for_taken_and_withdrawn_by_forms(home: Place) -> None:
    """In the reader's own hours; the second click of one form asks once; buttons only for those who may."""
    with_rotas(home)
    words = {"rota": "ml", "from": "2026-11-20T15:00", "to": "2026-11-20T18:00", "because": "a visit", "once": "k"}
    async with using(home, "ana") as ana:
        for _ in range(2):
            answer = await ana.post("/oncall/covers", data=words)
            assert leads(answer) == "/oncall?done=ask#covers"
        page = (await ana.get(answer.headers["location"])).text
        assert "Asked. Those who share the rota" in page
        assert "I cover" not in page
        assert "Withdraw" in page
    (cover,) = home.desk.roster.covers
    assert cover.start == NOON + 3 * HOUR
    async with using(home, "ben") as ben:
        page = (await ben.get("/oncall")).text
        assert f'action="/oncall/covers/{cover.id}/take"' in page
        assert "Withdraw" not in page
        assert (await ben.post(f"/oncall/covers/{cover.id}/take")).status_code == 303
        assert "Ben Okafor covers" in plain((await ben.get("/oncall")).text)
        assert (await ben.get(f"/oncall/covers/{cover.id}/take")).headers["location"] == "/oncall"
    async with using(home, "otto") as otto:
        late = await otto.post(f"/oncall/covers/{cover.id}/take")
        assert (late.status_code, "somebody else has taken" in late.text) == (409, True)
        assert (await otto.post(f"/oncall/covers/{cover.id}/eat")).status_code == 404
    async with using(home, "max") as max_:
        assert (await max_.post(f"/oncall/covers/{cover.id}/withdraw")).status_code == 303
        assert "withdrawn" in plain((await max_.get("/oncall")).text)


async def test_what_was_refused_comes_back_with_every_word(home: Place) -> None:
    """The form is open, the sentence beside it, and nothing was typed in vain."""
    with_rotas(home)
    async with using(home, "ana") as ana:
        words = {"rota": "ml", "from": "2026-11-22T15:00", "to": "yesterday", "because": "my <b>own</b> reason"}
        answer = await ana.post("/oncall/covers", data=words)
        assert answer.status_code == 409
        assert "say from when to when" in answer.text
        assert 'value="my &lt;b&gt;own&lt;/b&gt; reason"' in answer.text
        assert '<details class="card" id="ask" open>' in answer.text
        again = await ana.post("/oncall/covers", data=words | {"rota": "mll", "to": "2026-11-22T16:00"})
        assert (again.status_code, "there is ml, nights" in again.text) == (404, True)
    async with using(home, "max") as max_:
        assert "as a manager you may ask for somebody else" in (await max_.get("/oncall")).text


async def test_a_silent_provider_is_told_with_its_age(home: Place) -> None:
    """And somebody it names whom nobody knows is marked."""
    with_rotas(home)
    roster = home.desk.roster
    roster.plans = replace(roster.plans, rotas={}, elsewhere={"ops": Elsewhere(title="Operations")})
    provider = Provider([Shift("Zoe", NOON - HOUR, NOON + 9 * HOUR)])
    roster.schedules = Schedules({"ops": provider}, None, home.clock)
    await roster.refresh()
    provider.trouble = OSError()
    home.clock.forward(hours=2)
    await roster.refresh()
    async with using(home, "ana") as ana:
        page = plain((await ana.get("/oncall")).text)
    assert "As told 2 h ago: OSError" in page
    assert "Zoe not in people.yaml" in page


async def test_ones_calendar_is_made_and_ended_on_the_page(home: Place) -> None:
    """The address is shown once, and is none any more when its owner ends it."""
    with_rotas(home)
    async with using(home, "ana") as ana:
        page = (await ana.post("/oncall/calendar")).text
        url = re.search(r"<code>(http\S+?\.ics)</code>", page)
        assert url
        path = url[1].removeprefix("http://127.0.0.1:8080")
        async with home.client() as anybody:
            assert (await anybody.get(path)).status_code == 200
            assert path not in (await ana.get("/oncall")).text
            ended = await ana.post("/oncall/calendar/end")
            assert leads(ended) == "/oncall?done=calendar-end#calendar"
            assert (await anybody.get(path)).status_code == 404


async def test_the_bar_holds_everybody_and_the_gaps(home: Place) -> None:
    """Pieces lie within it, two at once below one another, and together they are as long as it is."""
    with_rotas(home)
    start, end = NOON, NOON + timedelta(days=14)
    roster = home.desk.roster
    zone = roster.zone_of(await home.who("ana"))
    stints = await roster.shifts("ml", start, end)
    bar = drawn(stints, (), start, end, NOON, zone)
    assert sum(box.width for box in bar.boxes) == pytest.approx(WIDTH, abs=0.5)
    assert {(box.tone, box.said) for box in bar.boxes} == {("tone0", "Ana Ruiz"), ("tone1", "Ben Okafor")}
    assert (len(bar.days), bar.now, bar.said) == (14, 0, "Ana Ruiz, then Ben Okafor")
    both = (*stints, *await roster.shifts("nights", start, end))
    boxes = drawn(both, gaps("x", both, start, end), start, end, NOON, zone).boxes
    assert all(box.x >= 0 and box.x + box.width <= WIDTH + 0.1 and box.y + box.height <= HEIGHT for box in boxes)
    for one, other in itertools.combinations(boxes, 2):
        beside = one.x + one.width <= other.x + 0.1 or other.x + other.width <= one.x + 0.1
        assert beside or one.y + one.height <= other.y + 0.1 or other.y + other.height <= one.y + 0.1, (one, other)
