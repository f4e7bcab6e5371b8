"""The numbers: nearest-rank percentiles over what counts, and a reason for whatever does not."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest

from bot.domain.measures import spread
from bot.engine.lists import Paged, Past
from bot.engine.numbers import FEW, load, numbers, still_open


def past(*rows: tuple[str, int | None, int | None, str, str]) -> Past:
    """(service, ms to detect, ms to resolve, why left out, corrected) each."""
    n = len(rows)
    return Past(
        service=[each[0] for each in rows],
        severity=[1 + k % 2 for k in range(n)],
        cause=["code_change"] * n,
        phase=["closed" if each[2] is not None else "declared" for each in rows],
        left_out=[each[3] for each in rows],
        corrected=[each[4] for each in rows],
        ttd=[each[1] for each in rows],
        tta=[None] * n,
        ttm=[None] * n,
        ttr=[each[2] for each in rows],
    )


def test_nothing_is_no_zero() -> None:
    """Of no incident every measure says that it has none."""
    found = numbers(Past())
    assert (found.total, found.counted, found.by_service) == (0, 0, ())
    assert [(each.spread, each.bins, each.missing) for each in found.measures] == [(None, (), 0)] * 4


def test_the_same_as_one_by_one() -> None:
    """Percentiles and mean equal those of the plain definition, over all and of each service."""
    sample = [((n * 7919) % 1000) * 1000 + n for n in range(101)]
    found = numbers(past(*((f"s{n % 3}", ms, None, "", "") for n, ms in enumerate(sample))))
    plain = spread([timedelta(milliseconds=ms) for ms in sample])
    assert plain is not None
    assert found.measures[0].spread == replace(plain, mean=pytest.approx(plain.mean))
    assert sum(each.number for each in found.measures[0].bins) == 101
    for group in found.by_service:
        theirs = [ms for n, ms in enumerate(sample) if f"s{n % 3}" == group.name]
        assert group.incidents == len(theirs)
        one_by_one, made = spread([timedelta(milliseconds=ms) for ms in theirs]), group.measures[0].spread
        assert one_by_one is not None
        assert made is not None
        assert (made.size, made.median, made.p90) == (one_by_one.size, one_by_one.median, one_by_one.p90)
        assert made.mean == pytest.approx(one_by_one.mean)
    assert sum(group.incidents for group in found.by_severity) == 101


def test_what_is_left_out_has_its_reason() -> None:
    """Merged, withdrawn and a storm's silent children are counted apart; without an end it is missing from a measure."""
    found = numbers(
        past(
            ("a", 5_000, 60_000, "", "resolved"),
            ("a", 5_000, None, "", ""),
            ("a", 9_000, 90_000, "merged", ""),
            ("b", 9_000, None, "withdrawn", "onset"),
            ("b", 9_000, None, "storm", ""),
        )
    )
    assert (found.total, found.counted, dict(found.left_out)) == (5, 2, {"merged": 1, "withdrawn": 1, "storm": 1})
    ttd, tta, _, ttr = found.measures
    assert (ttd.size, ttd.corrected) == (2, 0)
    assert (tta.size, tta.missing) == (0, 2)
    assert (ttr.size, ttr.missing, ttr.corrected) == (1, 1, 1)
    assert [group.name for group in found.by_service] == ["a"]
    assert still_open(past(("a", 1, None, "", ""), ("a", 1, 2, "", ""), ("a", 1, None, "merged", ""))) == 1


def test_a_small_sample_is_called_one() -> None:
    """From FEW on it is not."""
    few, enough = (numbers(past(*[("a", 1_000, None, "", "")] * n)).measures[0] for n in (FEW - 1, FEW))
    assert few.few
    assert not enough.few
    assert not numbers(Past()).measures[0].few


def test_night_is_by_ones_own_clock() -> None:
    """23:00 in Berlin is a night's page to who lives there, and none to who lives in New York; months likewise."""
    hour = datetime(2026, 10, 31, 22, tzinfo=UTC)
    pages = Paged(["ana", "ben", "ana"], [hour, hour, hour + timedelta(hours=2)], [2, 1, 1])
    found = load(pages, {"ana": ZoneInfo("Europe/Berlin"), "ben": ZoneInfo("America/New_York")}, ZoneInfo("UTC"))
    ana, ben = found
    assert (ana.person, ana.pages, ana.at_night, dict(ana.months)) == (
        "ana", 3, 3, {"2026-10": (2, 2), "2026-11": (1, 1)},
    )  # fmt: skip
    assert (ben.pages, ben.at_night) == (1, 0)
