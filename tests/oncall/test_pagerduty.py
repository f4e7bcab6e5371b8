"""PagerDuty's schedules and on-calls, by the schemas of its REST API v2 (get a schedule, list on-calls, get a user)."""

from __future__ import annotations

from datetime import timedelta

import httpx
import pytest

from bot.domain.errors import RateLimited, Unavailable
from bot.rota.rota import Shift
from tests.kit import NOON
from tests.oncall.fakes import HOUR, PLAN, in_front_of, parsed, query
from tests.parts import CANARY

SETTINGS = {"url": "{url}", "token": CANARY, "schedule": "PI7DH85", "timeout_seconds": 0.4}
IDS = {mail: f"P{mail[:3].upper()}" for mail, _, _ in PLAN}
ASKED = {"token": CANARY, "schedule": "PI7DH85"}


def api(request: httpx.Request) -> httpx.Response:
    """A schedule's entries cut to the time that is asked for, users by reference, at most three months."""
    if request.headers["authorization"] != f"Token token={CANARY}":
        return httpx.Response(401, json={"error": {"message": "Unauthorized", "code": 2006}})
    path = request.url.path
    if path.startswith("/users/"):
        mail = next((mail for mail, known in IDS.items() if known == path.removeprefix("/users/")), None)
        if mail is None:
            return httpx.Response(404, json={"error": {"message": "Not Found", "code": 2100}})
        return httpx.Response(200, json={"user": {"id": IDS[mail], "type": "user", "email": mail, "name": mail}})
    since, until = parsed(query(request, "since")), parsed(query(request, "until"))
    if until - since > timedelta(days=92):
        return httpx.Response(400, json={"error": {"message": "The range cannot exceed 3 months", "code": 2001}})
    entries = [
        {
            "start": max(start, since).isoformat(),
            "end": min(end, until).isoformat(),
            "user": {"id": IDS[mail], "type": "user_reference", "summary": mail.partition("@")[0].title()},
        }
        for mail, start, end in PLAN
        if start < until and end > since
    ]
    final = {"name": "Final Schedule", "rendered_coverage_percentage": 90.0, "rendered_schedule_entries": entries}
    return httpx.Response(200, json={"schedule": {"id": "PI7DH85", "time_zone": "UTC", "final_schedule": final}})


def scene():
    return in_front_of("pagerduty", ASKED, api)


async def test_a_person_is_asked_for_once() -> None:
    """References name no mail address; after the first time each user is known."""
    async with scene() as known:
        await known.schedule.shifts(NOON, NOON + 40 * HOUR)
        first = len(known.asked)
        await known.schedule.shifts(NOON, NOON + 40 * HOUR)
        assert (first, len(known.asked)) == (1 + 3, 1 + 3 + 1)


async def test_half_a_year_is_asked_for_in_pieces() -> None:
    """The API refuses more than three months at once; a shift over the seam is one."""
    async with scene() as known:
        found = await known.schedule.shifts(NOON - 180 * 24 * HOUR, NOON + 40 * HOUR)
        assert [shift.person for shift in found] == [mail for mail, _, _ in PLAN]


async def test_somebody_deleted_there_has_their_name() -> None:
    """Who it was is told all the same; nobody of ours answers to it."""

    def gone(request: httpx.Request) -> httpx.Response:
        if request.url.path.startswith("/users/"):
            return httpx.Response(404, json={"error": {"message": "Not Found"}})
        return api(request)

    async with in_front_of("pagerduty", ASKED, gone) as known:
        assert (await known.schedule.shifts(NOON, NOON + HOUR))[0].person == "Ana"


async def test_a_level_of_a_policy_is_followed_over_its_pages() -> None:
    """Only that level counts; without start and end somebody is on call for good."""

    def oncalls(request: httpx.Request) -> httpx.Response:
        assert query(request, "escalation_policy_ids[]") == "PT20YPA"
        offset = int(query(request, "offset"))
        user = {"id": "PANA", "type": "user", "email": "ana@visits.example"}
        other = {"id": "PBEN", "type": "user", "email": "ben@visits.example"}
        entries = [
            {"escalation_level": 2, "user": other, "start": None, "end": None},
            {"escalation_level": 1, "user": user if offset == 0 else other, "start": None, "end": None},
        ]
        return httpx.Response(200, json={"oncalls": entries, "limit": 100, "offset": offset, "more": offset == 0})

    asked = {"token": CANARY, "policy": "PT20YPA", "level": 1}
    async with in_front_of("pagerduty", asked, oncalls) as known:
        found = await known.schedule.shifts(NOON, NOON + HOUR)
    assert found == (
        Shift("ana@visits.example", NOON, NOON + HOUR, "level 1"),
        Shift("ben@visits.example", NOON, NOON + HOUR, "level 1"),
    )


async def test_pages_without_end_are_given_up() -> None:
    """A list that says `more` for ever is an error, not a loop."""

    def endless(request: httpx.Request) -> httpx.Response:
        return httpx.Response(200, json={"oncalls": [], "more": True})

    async with in_front_of("pagerduty", {"token": CANARY, "policy": "P1"}, endless) as known:
        with pytest.raises(Unavailable, match="more than"):
            await known.schedule.shifts(NOON, NOON + HOUR)
        assert len(known.asked) == 50


async def test_too_many_questions_are_told_as_such() -> None:
    """429 says when to ask again, so that the last answer is kept until then."""
    busy = httpx.Response(429, headers={"retry-after": "30"}, text=CANARY)
    async with in_front_of("pagerduty", ASKED, lambda _: busy) as known:
        with pytest.raises(RateLimited) as caught:
            await known.schedule.shifts(NOON, NOON + HOUR)
    assert CANARY not in str(caught.value)
