"""Duties: facts stated, regimes answered, counsel's decision kept."""

from dataclasses import replace

from bot.domain.duty import Answer, AnswerDuties, DecideDuty, DutiesStand, Duty, RecordFact
from bot.domain.impact import AssessImpact
from bot.domain.lifecycle import Close, Resolve
from bot.domain.paging import Acknowledge
from bot.domain.policy import Policy
from bot.domain.service import Service
from bot.domain.sli import Judged, ObserveSli
from bot.domain.todo import DutiesOwed, duty_basis, todo
from tests.kit import ANA, AUDREY, CLEO, MAX, Story, at, breached, declared, lines

GDPR = Duty(
    "gdpr", "GDPR", Answer.UNKNOWN, "nobody said whether personal data was breached", ask=("personal_data_breach",)
)
AI_ACT = Duty("ai_act", "AI Act", Answer.NO, "No duty, because the system is not of high risk")
SERVICE = Service("visits", "Visits", "care", "C1", legal={"ai_system": True})


def answered() -> Story:
    return declared().when(AnswerDuties((GDPR, AI_ACT), "b1"))


def asked_anew(story: Story) -> bool:
    return any(isinstance(each, DutiesOwed) for each in todo(story.incident, Policy(), SERVICE, []))


def settled(story: Story) -> Story:
    """The regimes have answered with what is known now."""
    return story.when(AnswerDuties((GDPR,), duty_basis(story.incident, SERVICE)))


def test_a_fact_is_stated_once_and_may_be_unknown() -> None:
    """None is an answer; the same answer twice is one."""
    story = declared().when(RecordFact("personal_data_breach", False, " only wrong predictions "), CLEO)
    assert story.incident.facts == {"personal_data_breach": False}
    assert story.when(RecordFact("personal_data_breach", False), ANA).events == ()
    unknown = story.when(RecordFact("personal_data_breach", None), ANA)
    assert lines(unknown)[-1] == "ana stated personal data breach: unknown"
    assert "only" in declared().refuses(RecordFact("x", True), AUDREY)
    assert "no incident" in Story().refuses(RecordFact("x", True), ANA)


def test_every_answer_is_recorded_a_no_with_its_reason_too() -> None:
    """The timeline says each regime, its answer and why."""
    story = answered()
    assert "AI Act: No duty, because the system is not of high risk" in lines(story)[-1]
    assert story.when(AnswerDuties((GDPR, AI_ACT), "b1")).events == ()


def test_many_answers_make_one_short_line() -> None:
    """What is owed by name, what is not known by its first names and a number, no duty by number; reasons stay behind."""
    why = "a reason of many words, " * 40
    some = [Duty(f"r{n}", f"Regime {n}", Answer.UNKNOWN, why) for n in range(5)]
    none = [Duty(f"n{n}", f"None {n}", Answer.NO, why) for n in range(38)]
    owed = Duty("gdpr", "GDPR", Answer.YES, why, strict=at(72 * 3600))
    (line,) = lines(declared().when(AnswerDuties((*none, *some, owed), "b1")))[-1:]
    assert line == (
        "duties: owed: GDPR (by 2026-11-23 12:00 UTC); not known yet: Regime 0 · Regime 1 · Regime 2 and 2 more; "
        "no duty under 38 regimes"
    )
    (line,) = lines(declared().when(AnswerDuties((none[0],), "b1")))[-1:]
    assert line.endswith("…")
    assert len(line) < 240
    (line,) = lines(declared().when(AnswerDuties(tuple(none), "b1")))[-1:]
    assert line == "duties: no duty under 38 regimes"


def test_a_line_tells_the_date_that_changed() -> None:
    """An answer told again for its date alone says the date, and what is not known is due only if it is owed."""
    story = answered().when(AnswerDuties((replace(GDPR, strict=at(3600)), AI_ACT), "b2"))
    assert lines(story)[-1] == f"duties: GDPR: {GDPR.because} (if so, by 2026-11-20 13:00 UTC)"
    owed = replace(GDPR, answer=Answer.YES, strict=at(3600))
    assert lines(story.when(AnswerDuties((owed,), "b3")))[-1].endswith(" (by 2026-11-20 13:00 UTC)")


def test_only_answers_that_changed_are_told_again() -> None:
    """New facts with one new answer make one line; with none the log keeps that they stand, without a line."""
    yes = replace(GDPR, answer=Answer.YES, because="risk to people", strict=at(72 * 3600))
    story = answered().when(AnswerDuties((yes, AI_ACT), "b2"))
    assert [duty.regime for duty in story.events[0].duties] == ["gdpr"]
    assert story.incident.duties["gdpr"].strict == at(72 * 3600)
    same = story.when(AnswerDuties((yes, AI_ACT), "b3"))
    assert same.incident.duty_basis == "b3"
    assert lines(same) == lines(story)
    assert isinstance(same.events[0], DutiesStand)


def test_counsels_decision_stands_against_later_answers() -> None:
    """A person decided with a reason; the rules go on asking and change nothing of it, nor write it down again."""
    story = answered().when(DecideDuty("gdpr", Answer.YES, "voluntary disclosure"), CLEO)
    assert (story.incident.duties["gdpr"].answer, story.incident.duties["gdpr"].decided_by) == (Answer.YES, "cleo")
    later = story.when(AnswerDuties((replace(GDPR, answer=Answer.NO), AI_ACT), "b9"))
    kept = later.incident.duties["gdpr"]
    assert (kept.answer, kept.because, kept.facts_say) == (Answer.YES, "voluntary disclosure", Answer.NO)
    (told,) = [duty for duty in later.events[0].duties if duty.regime == "gdpr"]
    assert told.because == "", "erasing the decision's words reaches every copy"
    assert story.when(DecideDuty("gdpr", Answer.YES, "voluntary disclosure "), CLEO).events == ()
    assert story.when(DecideDuty("gdpr", Answer.NO, "advice received"), CLEO).events


def test_a_decision_needs_counsel_a_reason_and_a_regime_that_was_asked() -> None:
    """Neither a manager nor an empty reason nor an unknown regime."""
    assert "only counsel" in answered().refuses(DecideDuty("gdpr", Answer.NO, "x"), MAX)
    assert "needs its reason" in answered().refuses(DecideDuty("gdpr", Answer.NO, " "), CLEO)
    assert "was not asked" in answered().refuses(DecideDuty("nis2", Answer.NO, "x"), CLEO)


def test_the_regimes_are_asked_again_exactly_when_what_they_turn_on_changes() -> None:
    """A fact, the people affected, being aware, the end: each asks anew; a finding, an update or money do not."""
    story = settled(declared())
    assert not asked_anew(story)
    assert asked_anew(story.when(RecordFact("x", True), CLEO))
    assert asked_anew(story.when(Acknowledge(), ANA))
    counted = story.when(AssessImpact(1, 5, None, "EUR"), ANA)
    assert asked_anew(counted)
    assert not asked_anew(settled(counted).when(AssessImpact(2, 5, None, "EUR"), ANA))
    mitigated = story.when(ObserveSli(breached(judged=Judged.MET)))
    assert asked_anew(mitigated)


def test_the_law_goes_on_asking_after_it_is_over_until_it_is_closed() -> None:
    """Facts are found in the review: a resolved incident asks the regimes again, a closed one does not."""
    over = settled(declared().when(Resolve("off", waive="off"), ANA))
    assert not asked_anew(over)
    learned = over.when(RecordFact("personal_data_breach", True), CLEO)
    assert asked_anew(learned)
    assert not asked_anew(learned.when(Close(), ANA))
