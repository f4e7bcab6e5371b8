"""Alerts that say they begin, or ended, far ahead: a mistake in a time loses no alert and hides none."""

from __future__ import annotations

from datetime import timedelta

import pytest

from tests.kit import NOON
from tests.web.alerting import Gate, am, am_alert, gate
from tests.web.test_alerts_events import og, own, pd

NEXT_YEAR = "2027-11-20T12:00:00Z"


@pytest.fixture
async def home(tmp_path):
    async with gate(tmp_path) as made:
        yield made


async def the_one(home: Gate):
    (alert,) = await home.kept()
    return alert


def ahead(**how) -> dict:
    return am_alert() | {"startsAt": NEXT_YEAR} | how


async def test_it_is_kept_and_counts_from_when_it_was_heard_of(home: Gate) -> None:
    """Accepted, with a word in the answer and a count for those who look at the sender."""
    answer = await home.post("prod", am(ahead(), am_alert("Other")))
    assert answer.status_code == 200
    assert answer.json() == {
        "accepted": 2, "refused": [], "ahead": 1,
        "because": "what begins more than a day ahead counts from now; is your clock right?",
    }  # fmt: skip
    assert (home.door.heard["prod"].ahead, home.door.heard["prod"].refused) == (1, 0)
    assert {alert.starts for alert in await home.kept()} == {
        NOON,
        NOON - timedelta(minutes=2) + timedelta(milliseconds=123),
    }


async def test_told_again_it_is_the_same_alert_until_it_is_over(home: Gate) -> None:
    """Repeated for hours it begins once; its end ends it; told to fire after that it is a new one."""
    await home.post("prod", am(ahead()))
    for _ in range(3):
        home.clock.forward(hours=4)
        await home.post("prod", am(ahead()))
    alert = await the_one(home)
    assert (alert.starts, alert.firing) == (NOON, True)
    await home.post("prod", am(ahead(status="resolved", endsAt="2026-11-20T23:00:00Z")))
    assert not (await the_one(home)).firing
    home.clock.forward(hours=1)
    await home.post("prod", am(ahead()))
    assert sorted(alert.firing for alert in await home.kept()) == [False, True]


async def test_an_end_without_a_beginning_is_nothing(home: Gate) -> None:
    """Over before it was ever heard of: answered, and nothing to keep."""
    answer = await home.post("prod", am(ahead(status="resolved")))
    assert (answer.status_code, await home.kept()) == (200, [])


async def test_it_joins_an_episode_that_fires(home: Gate) -> None:
    """Its start was told rightly before: that one goes on, and no second begins."""
    await home.post("prod", am(am_alert()))
    await home.post("prod", am(ahead()))
    assert (await the_one(home)).starts < NOON


async def test_a_clock_that_is_a_little_ahead_is_believed(home: Gate) -> None:
    """Up to a day: the start stays as it was told, so that the same message is the same episode wherever it arrives."""
    await home.post("prod", am(ahead(startsAt="2026-11-21T11:00:00Z")))
    assert (await the_one(home)).starts == NOON + timedelta(hours=23)
    assert home.door.heard["prod"].ahead == 0


async def test_every_kind_keeps_it(home: Gate) -> None:
    """Grafana, PagerDuty, Opsgenie's webhook, CloudEvents and mapped JSON alike."""
    event = pd()
    event["payload"]["timestamp"] = NEXT_YEAR
    held = {"alertId": "1", "alias": "a", "message": "Disk is full", "createdAt": 1826712000000}
    cloud = {"specversion": "1.0", "type": "disk.full", "source": "/s", "id": "1", "time": NEXT_YEAR}
    answers = [
        await home.post("unsigned", am(ahead())),
        await home.post("pd", event),
        await home.post("og", {"action": "Create", "alert": held}),
        await home.post("ce", cloud),
        await home.post("own", own(since=NEXT_YEAR)),
    ]
    assert [each.json()["ahead"] for each in answers] == [1] * 5
    assert [alert.starts for alert in await home.kept()] == [NOON] * 5


async def test_an_end_far_ahead_swallows_nothing(home: Gate) -> None:
    """An event said to be over next year is over now: what fires an hour later is a new alert."""
    cloud = {"specversion": "1.0", "type": "disk.full", "source": "/s", "subject": "a", "id": "1"}
    await home.post("ce", cloud | {"time": "2026-11-20T11:59:00Z"})
    await home.post("ce", cloud | {"type": "disk.resolved", "time": NEXT_YEAR})
    assert (await the_one(home)).ends == NOON
    home.clock.forward(hours=1)
    await home.post("ce", cloud | {"time": "2026-11-20T12:59:00Z"})
    assert sorted(alert.firing for alert in await home.kept()) == [False, True]


async def test_opsgenie_without_times_is_none_of_those(home: Gate) -> None:
    """A created alert says no time at all: it counts from now, and nobody's clock is blamed."""
    answer = await home.post("og/v2/alerts", og())
    assert "ahead" not in answer.json()
