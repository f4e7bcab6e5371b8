"""PagerDuty schedules that nobody wrote: layers, restrictions, overrides and zones by chance, the same before and after."""

from __future__ import annotations

import random
from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest

from bot.importers import pagerduty
from tests.importers import kit
from tests.importers.kit import AUTUMN, WINTER
from tests.importers.test_pagerduty import KEYS, reference

ZONES = ("Europe/Berlin", "America/New_York", "Australia/Lord_Howe", "Asia/Kolkata", "America/St_Johns", "Etc/UTC")
SECONDS = (43_200, 86_400, 3 * 86_400, 604_800, 2 * 604_800, 5 * 86_400, 36 * 3600)
HOURS = range(5, 24, 6)  # no hand-off in the hours that the clocks leap over: nobody documents what happens then


def made(seed: int, now: datetime):
    """A schedule by chance."""
    chance = random.Random(seed)
    zone = ZoneInfo(ZONES[seed % len(ZONES)])
    layers = [layer(chance, number, zone, now) for number in range(chance.randint(1, 4))]
    overrides = []
    at = now + timedelta(days=chance.randint(0, 20))
    for number in range(chance.randint(0, 4)):
        end = at + timedelta(hours=chance.randint(1, 80))
        user = {"id": chance.choice(list(KEYS))}
        overrides.append({"id": f"O{number}", "start": at.isoformat(), "end": end.isoformat(), "user": user})
        at = end + timedelta(hours=chance.randint(1, 400))
    return {
        "id": "PGEN", "name": f"Generated {seed}", "time_zone": zone.key, "schedule_layers": layers, "overrides": overrides,
    }  # fmt: skip


def layer(chance: random.Random, number: int, zone: ZoneInfo, now: datetime):
    day = now.date() + timedelta(days=chance.randint(-200, -10))
    virtual = datetime(day.year, day.month, day.day, chance.choice((5, 11)), 30 * chance.randint(0, 1), tzinfo=zone)
    start = virtual + timedelta(hours=chance.choice((0, 0, -300, 77, 24 * 230)))
    end = now + timedelta(days=chance.randint(5, 60)) if chance.random() < 0.3 else None
    if end is not None and end <= start:
        end = None
    users = chance.sample(list(KEYS), chance.randint(1, 4))
    return {
        "id": f"L{number}",
        "name": f"Layer {number}",
        "start": start.isoformat(),
        "end": end.astimezone(UTC).replace(second=0, microsecond=0).isoformat() if end else None,
        "rotation_virtual_start": virtual.isoformat(),
        "rotation_turn_length_seconds": chance.choice(SECONDS),
        "users": [{"user": {"id": user}} for user in users],
        "restrictions": [restriction(chance) for _ in range(chance.choice((0, 0, 1, 2, 3)))],
    }


def restriction(chance: random.Random):
    since, until = chance.choice(HOURS), chance.choice(HOURS)
    held = {"start_time_of_day": f"{since:02}:00:00"}
    if chance.random() < 0.5:
        return held | {"type": "daily_restriction", "duration_seconds": ((until - since) % 24 or 24) * 3600}
    days = chance.randint(0, 6)
    hours = days * 24 + until - since
    seconds = (hours if hours > 0 else hours + 24) * 3600
    return held | {"type": "weekly_restriction", "start_day_of_week": chance.randint(1, 7), "duration_seconds": seconds}


@pytest.mark.parametrize("now", [WINTER, AUTUMN], ids=["forward", "back"])
@pytest.mark.parametrize("seed", range(30))
def test_every_instant_has_the_same_person(tmp_path, seed, now):
    """Thirty schedules in six zones, one of which moves its clocks by half an hour, over ninety days each way."""
    data = kit.export("pagerduty")
    held = made(seed, now)
    data["schedules"], data["overrides"], data["escalation_policies"] = [{"schedule": held}], {}, []
    harvest = kit.converted(pagerduty, data, tmp_path, now)
    (rota,) = kit.written(harvest, tmp_path).values()
    theirs = reference(data, "PGEN", now)
    kit.same(theirs, [rota], now, least=0)
    assert all(each.what for each in harvest.remarks)


def test_the_chance_is_not_all_the_same():
    """Layers on top of each other, layers ahead, restrictions and ends do come up."""
    held = [made(seed, WINTER) for seed in range(30)]
    layers = [layer for each in held for layer in each["schedule_layers"]]
    assert any(layer["restrictions"] for layer in layers)
    assert any(layer["end"] for layer in layers)
    assert any(datetime.fromisoformat(layer["start"]) > WINTER for layer in layers)
    assert sum(len(each["schedule_layers"]) > 1 for each in held) > 10
