"""Findings with their source, and the ranking that follows from them."""

from bot.domain.finding import AttachReport, Cause, Diagnose, Hypothesis, RecordFinding, certainty
from tests.kit import ANA, AUDREY, Story, at, declared, lines

FIRST = Hypothesis(Cause.TRAINING_DATA, 0.83, ("F1",), ("F2",), "compare label rates", ("rollback",))
SECOND = Hypothesis(Cause.CONCEPT_DRIFT, 0.1, ("F2",), (), "follow the outcomes", ("retrain",))


def test_a_finding_keeps_its_source_its_finder_and_its_time() -> None:
    """What was seen earlier than it was written down stands at the time it was seen."""
    story = declared().after(minutes=9).when(RecordFinding(" the export is empty ", "lineage", seen=at(-30)), AUDREY)
    found = story.incident.finding("F1")
    assert found is not None
    assert (found.text, found.source, found.by, found.at) == ("the export is empty", "lineage", "audrey", at(-30))
    assert story.incident.finding("F2") is None


def test_the_same_words_from_the_same_source_are_one_finding() -> None:
    """An instrument asked again repeats itself; another source saying it is another finding."""
    story = declared().when(RecordFinding("x", "drift"))
    assert story.when(RecordFinding(" x", "drift")).events == ()
    assert len(story.when(RecordFinding("x", "ana"), ANA).incident.findings) == 2
    assert "needs words" in story.refuses(RecordFinding(" ", "drift"), ANA)
    assert "no incident" in Story().refuses(RecordFinding("x", "drift"), ANA)


def test_nobody_is_quite_sure() -> None:
    """Neither of an explanation nor against it: there is no 100 % and no 0 %."""
    assert [certainty(share) for share in (1.0, 0.995, 0.99, 0.5, 0.011, 0.004, 0.0)] == [
        "over 99 %", "over 99 %", "99 %", "50 %", "1 %", "under 1 %", "under 1 %",
    ]  # fmt: skip


def test_the_likeliest_cause_is_the_first_of_the_ranking() -> None:
    """The sentence names it with its belief, what supports it and what was not to be had."""
    story = declared().when(Diagnose((FIRST, SECOND), ("mlflow: no answer within 15 s",)))
    assert story.incident.cause == "training_data"
    assert story.incident.hypotheses[0].opposed_by == ("F2",)
    assert lines(story)[-1] == (
        "the likeliest cause is training data (83 %), supported by F1; not to be had: mlflow: no answer within 15 s"
    )


def test_an_unchanged_ranking_is_no_news_and_a_changed_one_is() -> None:
    """Ranking the same evidence again yields nothing."""
    story = declared().when(Diagnose((FIRST, SECOND)))
    assert story.when(Diagnose((FIRST, SECOND))).events == ()
    turned = story.when(Diagnose((SECOND, FIRST)))
    assert turned.incident.cause == "concept_drift"


def test_nothing_found_is_said_and_is_not_a_cause() -> None:
    """An empty ranking is recorded once: the diagnosis was made and supports nothing."""
    story = declared().when(Diagnose((), ("drift: down",)))
    assert story.incident.cause == ""
    assert story.incident.diagnosed is not None
    assert "no explanation is supported" in lines(story)[-1]
    assert story.when(Diagnose(())).events == ()


def test_one_drift_report_or_one_reason_why_not() -> None:
    """A second report does not replace the first, and a missing one is said."""
    assert declared().when(AttachReport("E1")).when(AttachReport("E2")).incident.reported == "E1"
    none = declared().when(AttachReport("", "no reference data"))
    assert none.incident.reported == "none"
    assert lines(none)[-1] == "no drift report: no reference data"
