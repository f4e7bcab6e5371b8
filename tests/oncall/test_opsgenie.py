"""Opsgenie's timeline, by the schema of its schedule API (get a schedule's timeline, v2)."""

from __future__ import annotations

from datetime import timedelta

import httpx
import pytest

from bot.domain.errors import Unavailable
from bot.rota.rota import Shift
from tests.kit import NOON
from tests.oncall.fakes import HOUR, PLAN, in_front_of, parsed, query
from tests.parts import CANARY

SETTINGS = {"url": "{url}", "token": CANARY, "schedule": "ml first line", "by": "name", "timeout_seconds": 0.4}
ASKED = {"token": CANARY, "schedule": "ml first line", "by": "name"}


def period(mail: str, start, end, kind: str = "default") -> dict[str, object]:
    who = {"id": mail[:3], "type": "user", "name": mail}
    return {"startDate": start.isoformat(), "endDate": end.isoformat(), "type": kind, "recipient": who}


def api(request: httpx.Request) -> httpx.Response:
    """The final timeline in whole days from the day of `date` on; Cleo's rotation is another than the others'."""
    if request.headers["authorization"] != f"GenieKey {CANARY}":
        return httpx.Response(401, json={"message": "Key format is not valid!", "took": 0.0})
    if request.url.raw_path.split(b"?")[0] != b"/v2/schedules/ml%20first%20line/timeline":
        return httpx.Response(404, json={"message": "Schedule not found"})
    assert (query(request, "identifierType"), query(request, "intervalUnit")) == ("name", "days")
    since = parsed(query(request, "date")).replace(hour=0, minute=0, second=0)
    until = since + timedelta(days=int(query(request, "interval")))
    found = [each for each in PLAN if each[1] < until and each[2] > since]
    rotations = [
        {"id": "r1", "name": "by day", "order": 1.0, "periods": [period(*p) for p in found if p[0][0] != "c"]},
        {"id": "r2", "name": "by night", "order": 2.0, "periods": [period(*p) for p in found if p[0][0] == "c"]},
        {"id": "r3", "name": "empty", "order": 3.0},
    ]
    final = {"rotations": rotations}
    data = {"startDate": since.isoformat(), "endDate": until.isoformat(), "finalTimeline": final}
    return httpx.Response(200, json={"data": data, "took": 0.1, "requestId": "1"})


def scene():
    return in_front_of("opsgenie", ASKED, api)


async def test_a_team_on_call_is_the_people_it_comes_to() -> None:
    """`flattenedRecipients` goes before the recipient; a period of nobody is no shift."""
    team = {"startDate": NOON.isoformat(), "endDate": (NOON + HOUR).isoformat(), "type": "override"}
    flat = [{"id": "1", "type": "user", "name": "ana@visits.example"}, {"id": "2", "type": "team", "name": "ml"}]
    periods = [team | {"recipient": {"type": "team", "name": "ml"}, "flattenedRecipients": flat}]
    periods.append(team | {"recipient": {"type": "none"}})
    answer = {"data": {"finalTimeline": {"rotations": [{"name": "all", "periods": periods}]}}}
    async with in_front_of("opsgenie", ASKED, lambda _: httpx.Response(200, json=answer)) as known:
        assert await known.schedule.shifts(NOON, NOON + HOUR) == (
            Shift("ana@visits.example", NOON, NOON + HOUR, "all"),
        )


async def test_a_timeline_without_its_end_is_unavailable() -> None:
    """A field that is missing is no gap in the rota."""
    async with in_front_of("opsgenie", ASKED, lambda _: httpx.Response(200, json={"data": {}})) as known:
        with pytest.raises(Unavailable, match="finalTimeline"):
            await known.schedule.shifts(NOON, NOON + HOUR)
