"""Groups under watch: what is compared, and what is no table of groups."""

from datetime import timedelta

import pytest

from bot.engine.fair import Fair, FairWatch, measure
from bot.slo.spec import Indicator, Selector
from tests.kit import NOON
from tests.world import objective

SECOND = timedelta(seconds=1)
INVITED = objective("invited", slice_by="group", allowed_gap=0.0)


@pytest.mark.parametrize(
    ("part", "total", "named"),
    [
        ("predicted_positive_total", "predictions_total", "demographic parity"),
        ("true_positive_total", "positive_total", "true positive rate"),
        ("false_positive_total", "negative_total", "false positive rate"),
    ],
)
def test_the_measure_is_named_after_what_is_counted(part: str, total: str, named: str) -> None:
    """Equalised odds are two objectives: one among those with the outcome, one among those without."""
    counted = Indicator("good", Selector.parse(part), Selector.parse(total))
    assert measure(objective("x", indicator=counted)) == named


def test_a_column_of_ids_is_no_table_of_groups() -> None:
    """It is told and nothing breaks; what was known stays."""
    fair = Fair(INVITED, SECOND)
    fair.see({"a": (10, 5), "b": (10, 5)}, NOON)
    fair.see({f"user-{number}": (1, 0) for number in range(2_000)}, NOON + SECOND)
    assert set(fair.gap.counts) == {"a", "b"}


def test_what_cannot_be_taken_up_begins_anew() -> None:
    """A checkpoint of other groups or of another form is passed over; the others are taken up."""
    held = FairWatch([INVITED], SECOND)
    held.by_name["invited"].see({"a": (10, 5), "b": (10, 2)}, NOON)
    fresh = FairWatch([INVITED], SECOND)
    fresh.restore({"invited": {"parity": {}, "told": True, "began": None}, "gone": {}})
    assert (fresh.by_name["invited"].gap.counts, fresh.by_name["invited"].told) == ({}, False)
    fresh.restore(held.checkpoint())
    assert fresh.by_name["invited"].gap == held.by_name["invited"].gap
