"""The API of the numbers: what the page shows, for programs."""

from __future__ import annotations

import csv

import pytest

from bot.domain.lifecycle import Resolve
from bot.domain.policy import Severity
from tests.web.fakes import Place


async def lived(home: Place, severity: Severity, minutes: float, *, restricted: bool = False) -> str:
    """An incident that took so long."""
    who = await home.who("max")
    name = (await home.desk.declare("Slow", severity, "visits", "", who, restricted=restricted)).id
    home.clock.forward(minutes=minutes)
    await home.desk.submit(name, Resolve("over", "none"), who)
    return name


async def test_it_says_what_the_file_says(home: Place) -> None:
    """Median, 90th percentile and mean with how many they rest on, over all and apart; sealed ones in none of it."""
    for severity, minutes in ((Severity.SEV1, 10), (Severity.SEV2, 20), (Severity.SEV2, 60)):
        await lived(home, severity, minutes)
    await lived(home, Severity.SEV1, 600, restricted=True)
    async with await home.own("max") as api:
        told = (await api.get("/api/analytics")).json()
        file = (await api.get("/analytics.csv")).content.decode("utf-8-sig")
    assert (told["incidents"], told["counted"], told["open"]) == (3, 3, 0)
    mttr = next(each for each in told["measures"] if each["name"] == "MTTR")
    assert (mttr["measured"], mttr["median_s"], mttr["few"]) == (3, 1200.0, True)
    assert mttr["mean_s"] == 1800.0
    assert sum(each["number"] for each in mttr["bins"]) == 3
    row = next(row for row in csv.DictReader(file.splitlines()) if (row["by"], row["measure"]) == ("all", "MTTR"))
    assert [float(row[name]) for name in ("median s", "p90 s", "mean s")] == [
        mttr[name] for name in ("median_s", "p90_s", "mean_s")
    ]
    assert {(each["name"], each["incidents"]) for each in told["by_severity"]} == {("SEV1", 1), ("SEV2", 2)}
    assert [each["name"] for each in told["by_service"]] == ["visits"]


async def test_it_is_narrowed_down(home: Place) -> None:
    """By severity and by day; a stretch in which nothing lies has no figures, and none of them is nought."""
    await lived(home, Severity.SEV1, 10)
    await lived(home, Severity.SEV3, 20)
    async with await home.own("max") as api:
        assert (await api.get("/api/analytics?severity=SEV3")).json()["counted"] == 1
        told = (await api.get("/api/analytics?until=2020-01-01")).json()
    assert told["counted"] == 0
    assert {each["median_s"] for each in told["measures"]} == {None}


@pytest.mark.parametrize(
    ("asked", "status"),
    [("days=7", 422), ("since=soon", 422), ("since=0", 422), ("severity=9", 422), ("since=0001-01-01", 409),
     ("since=2026-02-01&until=2026-01-01", 409)],
)  # fmt: skip
async def test_what_cannot_be_meant_is_said(home: Place, asked: str, status: int) -> None:
    """Never another stretch of time than was asked for."""
    async with await home.own("max") as api:
        assert (await api.get(f"/api/analytics?{asked}")).status_code == status
