"""The API of who is on call: by key and name alone, once per key, and every refusal in its sentence."""

from __future__ import annotations

from collections.abc import AsyncIterator
from dataclasses import replace
from pathlib import Path

import pytest

from bot.rota.escalation import Escalation
from tests.oncall.house import ML, NIGHTS
from tests.web.fakes import Place, place

ASK = {"rota": "ml", "start": "2026-11-20T14:00:00Z", "end": "2026-11-20T18:00:00Z", "because": "a visit"}


def with_rotas(home: Place) -> Place:
    """The console's house with two rotas, and Visits paged by one of them."""
    roster = home.desk.roster
    levels = {"visits": Escalation.of("visits", ["rota:ml", "max"])}
    roster.plans = replace(roster.plans, rotas={"ml": ML, "nights": NIGHTS}, by_service=levels, pagers=("phone",))
    roster.kept = home.store.covers
    return home


@pytest.fixture
async def home(tmp_path: Path) -> AsyncIterator[Place]:
    async with place(tmp_path) as made:
        yield with_rotas(made)


async def test_who_is_on_call_is_told_by_key_and_name(home: Place) -> None:
    """No opaque id leaves the house; a time without a zone is refused, a rota that is none lists what there is."""
    async with home.api("audrey") as api:
        told = (await api.get("/api/oncall")).json()
        assert [(each["rota"], [s["person"]["name"] for s in each["now"]]) for each in told["rotas"]] == [
            ("ml", ["Ana Ruiz"]),
            ("nights", []),
        ]
        assert told["rotas"][0]["next_at"] == "2026-11-21T08:00:00.000Z"
        assert [[p["key"] for p in level["people"]] for level in told["services"][0]["levels"]] == [["ana"], ["max"]]
        later = (await api.get("/api/oncall", params={"at": "2026-11-21T21:00:00+01:00", "rota": "nights"})).json()
        assert (later["rotas"][0]["now"][0]["person"]["key"], later["services"]) == ("max", [])
        assert "p_" not in str(told)
        assert (await api.get("/api/oncall", params={"at": "2026-11-21T21:00:00"})).status_code == 422
        missing = await api.get("/api/oncall/shifts", params={"rota": "mll"})
        assert (missing.status_code, "ml, nights" in missing.json()["because"]) == (404, True)
        assert (await api.get("/api/oncall/shifts", params={"days": "4000"})).status_code == 422


async def test_shifts_and_gaps(home: Place) -> None:
    """Of every rota or one, of everybody or one person, from any time on."""
    async with home.api("audrey") as api:
        told = (await api.get("/api/oncall/shifts", params={"days": "2"})).json()
        ben = {"days": "2", "person": "ben", "start": "2026-11-21T00:00:00Z"}
        one = (await api.get("/api/oncall/shifts", params=ben)).json()
    assert [(each["rota"], each["person"]["key"]) for each in told["shifts"]] == [
        ("ml", "ana"),
        ("ml", "ben"),
        ("nights", "max"),
        ("ml", "ana"),
    ]
    assert [(each["rota"], each["end"]) for each in told["gaps"]] == [("nights", "2026-11-21T19:00:00.000Z")]
    assert [each["start"] for each in one["shifts"]] == ["2026-11-21T08:00:00.000Z"]


async def test_a_cover_asked_for_twice_under_one_key_is_one(home: Place) -> None:
    """The lost answer is asked for again; other words under the same key are another request, and refused."""
    async with home.api("ana") as api:
        first = await api.post("/api/oncall/covers", json=ASK, headers={"Idempotency-Key": "k1"})
        again = await api.post("/api/oncall/covers", json=ASK, headers={"Idempotency-Key": "k1"})
        other = await api.post("/api/oncall/covers", json=ASK | {"because": "x"}, headers={"Idempotency-Key": "k1"})
    assert (first.status_code, again.status_code, other.status_code) == (201, 201, 409)
    assert first.json()["cover"]["id"] == again.json()["cover"]["id"]
    assert (first.json()["concerns"], again.json()["concerns"]) == (["Ben Okafor"], [])
    assert ":" not in first.json()["cover"]["id"]


async def test_a_cover_is_taken_and_let_go(home: Place) -> None:
    """The list shows how it stands, the rota follows, and a second taker is refused."""
    async with home.api("ana") as api:
        cover = (await api.post("/api/oncall/covers", json=ASK)).json()["cover"]["id"]
    async with home.api("ben") as api:
        taken = (await api.post(f"/api/oncall/covers/{cover}/take")).json()
        assert (taken["cover"]["taker"]["key"], taken["concerns"]) == ("ben", ["Ana Ruiz"])
        now = (await api.get("/api/oncall", params={"rota": "ml", "at": "2026-11-20T15:00:00Z"})).json()
        assert [(s["person"]["key"], s["instead_of"]) for s in now["rotas"][0]["now"]] == [("ben", "Ana Ruiz")]
    async with home.api("otto") as api:
        late = await api.post(f"/api/oncall/covers/{cover}/take")
        assert (late.status_code, "somebody else" in late.json()["because"]) == (409, True)
        assert (await api.post(f"/api/oncall/covers/{cover}/withdraw")).status_code == 409
        assert (await api.post("/api/oncall/covers/none/take")).status_code == 404
    async with home.api("max") as api:
        assert (await api.post(f"/api/oncall/covers/{cover}/withdraw")).json()["cover"]["stand"] == "withdrawn"
        assert [each["stand"] for each in (await api.get("/api/oncall/covers")).json()] == ["withdrawn"]
