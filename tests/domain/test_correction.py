"""Correcting times: what was first recorded is kept with who said what and why, and no order that cannot be."""

from __future__ import annotations

from datetime import timedelta

import pytest

from bot.domain.correction import CorrectTime, Moment
from bot.domain.lifecycle import Close, Reopen, Resolve
from bot.domain.measures import measures
from bot.domain.paging import Acknowledge
from bot.domain.sli import Judged, ObserveSli
from tests.kit import ANA, BEN, NOON, Story, at, breached, declared


def over() -> Story:
    """Began at noon, detected after 5 s, taken after 40, met again since 200, resolved after 300."""
    story = declared().after(seconds=35).when(Acknowledge(), ANA)
    story = story.after(seconds=210).when(ObserveSli(breached(judged=Judged.MET, since=at(200), because="met")))
    return story.after(seconds=50).when(Resolve("rolled back", waive="seen on the graph"), ANA)


def test_what_was_first_recorded_is_kept_through_two_corrections() -> None:
    """The first belief, the last author and reason, and how often; the measures say which of them rest on it."""
    story = over().when(CorrectTime(Moment.ONSET, at(-60), "the feed lagged"), ANA)
    story = story.after(minutes=5).when(CorrectTime(Moment.ONSET, at(-30), "lagged less"), BEN)
    kept = story.incident.corrected[Moment.ONSET]
    assert (kept.was, kept.to, kept.by, kept.because, kept.times) == (NOON, at(-30), "ben", "lagged less", 2)
    assert kept.at == story.now
    found = measures(story.incident)
    assert found.corrected == {"ttd", "ttm", "ttr"}
    assert found.ttd == timedelta(seconds=35)
    assert measures(over().incident).corrected == frozenset()


@pytest.mark.parametrize(
    ("moment", "to", "because"),
    [
        (Moment.ONSET, at(6), "after it was detected"),
        (Moment.DETECTED, at(-1), "detected before it began"),
        (Moment.DETECTED, at(6), "declared by then"),
        (Moment.DETECTED, at(41), "declared by then"),
        (Moment.MITIGATED, at(-1), "before it began"),
        (Moment.MITIGATED, at(301), "mitigated after it was resolved"),
        (Moment.RESOLVED, at(199), "resolved before it was mitigated"),
        (Moment.RESOLVED, at(-1), "resolved before it began"),
        (Moment.RESOLVED, at(99_999), "future"),
        (Moment.ONSET, at(99_999), "future"),
    ],
)
def test_an_order_that_cannot_be_is_refused(moment: Moment, to: object, because: str) -> None:
    """With a sentence that says what clashes, and nothing is written."""
    assert because in over().after(minutes=10).refuses(CorrectTime(moment, to, "the graph"), ANA)  # type: ignore[arg-type]


def test_resolved_after_it_was_closed_is_refused() -> None:
    """Nothing is closed that is not over."""
    story = over().after(minutes=1).when(Close(), ANA)
    assert "closed by then" in story.after(minutes=9).refuses(CorrectTime(Moment.RESOLVED, at(361), "x"), ANA)
    assert story.when(CorrectTime(Moment.RESOLVED, at(360), "the very end"), ANA).incident.resolved == at(360)


def test_resolved_before_it_was_detected_is_refused() -> None:
    """Also where the data never said that it was mitigated."""
    story = declared().after(seconds=60).when(Resolve("gone", waive="seen"), ANA)
    assert story.incident.mitigated is None
    assert "before it was detected" in story.refuses(CorrectTime(Moment.RESOLVED, at(4), "x"), ANA)


@pytest.mark.parametrize(
    ("moment", "to"), [(Moment.DETECTED, at(4)), (Moment.MITIGATED, at(299)), (Moment.RESOLVED, at(200))]
)
def test_an_order_that_can_be_is_taken(moment: Moment, to: object) -> None:
    """At the very edge too."""
    story = over().when(CorrectTime(moment, to, "the graph"), ANA)  # type: ignore[arg-type]
    assert getattr(story.incident, moment) == to
    assert story.incident.corrected.keys() == {moment}


def test_a_time_that_is_learned_anew_is_not_corrected_any_more() -> None:
    """Re-opened, the corrected resolution is gone; resolved again, its time is the record's own."""
    story = over().when(CorrectTime(Moment.RESOLVED, at(250), "said by phone"), ANA)
    assert story.incident.corrected
    story = story.after(minutes=5).when(Reopen("it came back"), ANA)
    assert story.incident.corrected == {}
    story = story.after(minutes=5).when(Resolve("rolled back", waive="seen"), ANA)
    assert measures(story.incident).corrected == frozenset()
    story = story.when(CorrectTime(Moment.RESOLVED, story.now - timedelta(seconds=1), "the log"), BEN)
    assert story.incident.corrected[Moment.RESOLVED].times == 1
