"""Objectives with indicators of their own are the parts of one composite (OpenSLO, composite objectives)."""

from datetime import timedelta

import pytest

from bot.config.openslo import gather
from bot.slo.measure import Constituent, Indicator, Method
from bot.slo.selector import Selector
from tests.config.openslo_texts import GOOD, asked, one, sli, slo
from tests.config.reading import gathered, told


def composite(*objectives, method="Occurrences"):
    return slo(objectives, method=method, indicator="")


A = f"indicator: {{metadata: {{name: a}}, spec: {{ratioMetric: {{counter: true, good: {asked('a_ok')}, total: {asked('a')}}}}}}}"
B = "indicatorRef: b"
REF = sli("ratioMetric", f"{{counter: true, good: {asked('b_ok')}, total: {asked('b')}}}", "b")


def test_objectives_with_indicators_of_their_own_are_one_composite():
    """Parts with weights (default 1) share one budget under the SLO's name (OpenSLO, composite objectives)."""
    text = composite(f"{{target: 0.99, compositeWeight: 3, displayName: Pay, {A}}}", f"{{target: 0.99, {B}}}")
    found = one(text, REF)
    first, second = (Indicator("good", Selector(f"{each}_ok"), Selector(each)) for each in "ab")
    assert found.name == "till"
    assert found.indicator == first
    assert found.parts == (Constituent("Pay", first, 3), Constituent("b", second, 1))
    assert found.measures == (first, second)


def test_parts_of_timeslices_have_targets_of_their_own():
    """With Timeslices a slice is bad where any part falls short of its own timeSliceTarget (README, composites)."""
    objective = "{{target: 0.99, timeSliceTarget: {}, timeSliceWindow: 1m, {}}}"
    found = one(composite(objective.format(0.9, A), objective.format(0.5, B), method="Timeslices"), REF)
    assert [(part.name, part.good_from) for part in found.parts] == [("a", 0.9), ("b", 0.5)]
    assert found.method == Method("timeslices", timedelta(minutes=1), 0.9)


def test_parts_may_come_from_different_sources():
    """A part that another source answers says so; the others have the composite's."""
    text = composite(f"{{target: 0.99, {A}}}", f"{{target: 0.99, {B}}}")
    found = one(text, REF.replace("type: Prometheus", "metricSourceRef: far"))
    assert (found.source, [part.source for part in found.parts]) == ("default", ["", "far"])


def test_one_part_is_no_composite():
    """An objective alone with its own indicator is an ordinary one."""
    found = one(composite(f"{{target: 0.99, {A}}}"))
    assert found.parts == ()
    assert found.name == "till"


@pytest.mark.parametrize(
    ("objectives", "indicator", "words"),
    [
        ((f"{{target: 0.99, {A}}}", "{target: 0.99}"), "", "this part has no indicator"),
        (
            (f"{{target: 0.99, {A}}}", f"{{target: 0.95, {B}}}"),
            "",
            "share one budget, and the first one's target is 0.99",
        ),
        (
            (f"{{target: 0.99, {A}}}", f"{{target: 0.99, {B}}}"),
            GOOD,
            "one indicator, or each of its objectives has its own",
        ),
        ((f"{{target: 0.99, compositeWeight: 0, {A}}}", f"{{target: 0.99, {B}}}"), "", "compositeWeight is 0"),
        ((f"{{target: 0.99, compositeWeight: -2, {A}}}", f"{{target: 0.99, {B}}}"), "", "compositeWeight is -2"),
        (("{target: 0.99, compositeWeight: 2}",), GOOD, "compositeWeight is for a part with an indicator of its own"),
        ((f"{{target: 0.99, {A}, {B}}}",), "", "an SLO has one indicator"),
        (("{target: 0.99}",), "", "an SLO has one indicator"),
        ((f"{{target: 0.99, {A}}}", "{target: 0.99, indicatorRef: c}"), "", "there is no SLI 'c' (expected b)"),
    ],
)
def test_composites_that_cannot_be_meant(objectives, indicator, words):
    """What the parts do not share, or lack, is told at the part."""
    found = gathered(gather, slo(objectives, indicator=indicator), REF)
    assert found.slos == []
    assert any(words in each for each in told(found.problems)), told(found.problems)


def test_parts_are_sliced_alike():
    """Slices of different lengths have no common end."""
    objective = "{{target: 0.99, timeSliceWindow: {}, {}}}"
    found = gathered(
        gather, composite(objective.format("1m", A), objective.format("5m", B), method="RatioTimeslices"), REF
    )
    assert any("sliced alike" in each for each in told(found.problems))
