"""Grafana OnCall's final shifts, by the schema of its API (export a schedule's final shifts)."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import httpx
import pytest

from bot.domain.errors import Unavailable
from tests.kit import NOON
from tests.oncall.fakes import HOUR, PLAN, in_front_of, query
from tests.parts import CANARY

SETTINGS = {"url": "{url}", "token": CANARY, "schedule": "SBM7DV7BKFUYU", "timeout_seconds": 0.4}
ASKED = {"url": "https://oncall.example", "token": CANARY, "schedule": "SBM7DV7BKFUYU"}
PER_PAGE = 2


def api(request: httpx.Request) -> httpx.Response:
    """Whole days, two shifts a page; `next` is an address of its own."""
    if request.headers["authorization"] != CANARY:
        return httpx.Response(403, json={"detail": "Invalid token."})
    since = datetime.fromisoformat(query(request, "start_date")).replace(tzinfo=UTC)
    until = datetime.fromisoformat(query(request, "end_date")).replace(tzinfo=UTC) + timedelta(days=1)
    rows = [
        {
            "user_pk": mail[:3].upper(),
            "user_email": mail,
            "user_username": mail.partition("@")[0],
            "shift_start": f"{start:%Y-%m-%dT%H:%M:%SZ}",
            "shift_end": f"{end:%Y-%m-%dT%H:%M:%SZ}",
        }
        for mail, start, end in PLAN
        if start < until and end > since
    ]
    page = int(query(request, "page"))
    more = len(rows) > page * PER_PAGE
    return httpx.Response(
        200,
        json={
            "count": len(rows),
            "next": f"https://oncall.example/api/v1/schedules/S/final_shifts/?page={page + 1}" if more else None,
            "previous": None,
            "results": rows[(page - 1) * PER_PAGE : page * PER_PAGE],
            "current_page_number": page,
            "page_size": PER_PAGE,
            "total_pages": 2,
        },
    )


def scene():
    return in_front_of("grafana_oncall", ASKED, api)


async def test_a_service_accounts_token_travels_as_bearer_beside_its_stack() -> None:
    """Grafana Cloud asks for both; an API key of OnCall travels bare."""

    def cloud(request: httpx.Request) -> httpx.Response:
        assert request.headers["authorization"] == f"Bearer {CANARY}"
        assert request.headers["x-grafana-url"] == "https://visits.example"
        return httpx.Response(200, json={"results": [], "next": None})

    async with in_front_of("grafana_oncall", ASKED | {"stack": "https://visits.example"}, cloud) as known:
        assert await known.schedule.shifts(NOON, NOON + HOUR) == ()


async def test_pages_without_end_are_given_up() -> None:
    """A `next` that never ends is an error, not a loop; its address is not followed."""
    endless = {"results": [], "next": "https://elsewhere.example/?page=2"}
    async with in_front_of("grafana_oncall", ASKED, lambda _: httpx.Response(200, json=endless)) as known:
        with pytest.raises(Unavailable, match="100 pages"):
            await known.schedule.shifts(NOON, NOON + HOUR)
        assert {request.url.host for request in known.asked} == {"oncall.example"}
