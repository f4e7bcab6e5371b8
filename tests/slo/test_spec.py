from datetime import timedelta

import pytest

from bot.domain.errors import Invalid
from bot.slo.notation import parse_length, parse_tiers
from bot.slo.spec import by_source, default_tiers, floored, max_burn, unreachable
from tests.slo.kit import slo

HOUR = timedelta(hours=1)


def test_workbook_tiers():
    """For 30 days the tiers are those of the SRE Workbook, ch. 5, and spend 2, 5, 10 and 10 % of the budget."""
    tiers = default_tiers(timedelta(days=30))
    assert [(t.severity, t.long, t.short, t.factor) for t in tiers] == [
        ("page", HOUR, HOUR / 12, 14.4),
        ("page", 6 * HOUR, HOUR / 2, 6),
        ("ticket", 24 * HOUR, 2 * HOUR, 3),
        ("ticket", 72 * HOUR, 6 * HOUR, 1),
    ]
    assert [round(t.factor * (t.long / timedelta(days=30)), 6) for t in tiers] == [0.02, 0.05, 0.1, 0.1]


def test_tiers_scale_with_the_window():
    """Another window keeps the factors and the share of budget each tier spends."""
    week = default_tiers(timedelta(days=7))
    assert week[0].long == timedelta(minutes=14)
    assert [t.factor for t in week] == [14.4, 6, 3, 1]
    assert min(t.short for t in default_tiers(HOUR)) >= timedelta(seconds=5)


@pytest.mark.parametrize(("target", "largest"), [(0.999, 1000), (0.93, 14.2857), (0.5, 2), (0.65, 2.857)])
def test_max_burn(target, largest):
    """A total outage burns 1 / (1 − target)."""
    assert max_burn(target) == pytest.approx(largest, rel=1e-3)


def test_unreachable_factors_are_named():
    """14.4× can never fire below a target of 93.06 %, 6× never below 83.33 %; the largest that can is said."""
    assert unreachable(slo(0.9306)) == []
    assert [each.tier.factor for each in unreachable(slo(0.9305))] == [14.4]
    found = unreachable(slo(0.65))
    assert [each.tier.factor for each in found] == [14.4, 6, 3]
    assert "2.85×" in str(found[0])
    assert float(floored(max_burn(0.65))) <= max_burn(0.65)


@pytest.mark.parametrize("target", [0, 1, 1.5, -0.1])
def test_targets_leave_a_budget(target):
    """A target of 0 or 100 % is no objective."""
    with pytest.raises(ValueError, match="between 0 and 1"):
        slo(target)


@pytest.mark.parametrize(
    ("text", "length"), [("4w", 28 * 24), ("30d", 720), ("1h30m", 1.5), (" 15s ", 1 / 240), ("1d12h", 36)]
)
def test_lengths(text, length):
    """OpenSLO's shorthand, also combined."""
    assert parse_length(text) == length * HOUR


@pytest.mark.parametrize("text", ["", "30", "d", "1.5h", "-1h", "0s", "1M", "1h 5", "99999999w"])
def test_no_lengths(text):
    """What is no usable length is refused."""
    with pytest.raises(ValueError, match="length of time"):
        parse_length(text)


def test_tiers_are_read():
    """Tiers of one's own: severity, windows, factor."""
    page, ticket = parse_tiers("page:15s/5s@1.7, ticket: 1m/10s@1.2x", HOUR)
    assert (page.severity, page.long, page.short, page.factor) == ("page", HOUR / 240, HOUR / 720, 1.7)
    assert (ticket.severity, ticket.factor) == ("ticket", 1.2)


def test_every_wrong_tier_is_named_with_its_column():
    """All wrong entries are told at once, each with its place."""
    with pytest.raises(Invalid) as caught:
        parse_tiers("page:5s/15s@1.7, call:1m/5s@2, page:2h/5m@1, page:1m/5s@0,", HOUR)
    said = [(p.column, p.what) for p in caught.value.problems]
    assert [column for column, _ in said] == [1, 18, 32, 46, 59]
    assert "not shorter" in said[0][1]
    assert "longer than the objective" in said[2][1]


def test_sources_are_asked_once():
    """Objectives are grouped by their source."""
    first, second = slo(name="a"), slo(name="b", source="prom")
    assert by_source([first, second]) == {"default": [first], "prom": [second]}
