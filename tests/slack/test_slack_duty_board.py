"""The duties as counsel sees them: forty-five regimes in one message, every reason on a page, each decision in place."""

from __future__ import annotations

from collections.abc import AsyncIterator
from dataclasses import replace
from datetime import date, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from bot.blockkit.validate import validate_message, validate_view
from bot.domain.duty import Answer, AnswerDuties, DecideDuty, Due, Duty
from bot.slack.views import duties, duty
from bot.slack.wanted import counsels, wanted
from tests.kit import CLEO, NOON, Story, declared
from tests.slack.bench import Bench
from tests.slack.reminding import words
from tests.slack.situations import SETTINGS, seen

LEGAL = "C0LEGAL"


def regime(number: int, answer: Answer, hours: float = 72, **more: Any) -> Duty:
    due = Due("first", f"Notice {number}", answer, "aware_at", NOON, NOON + timedelta(hours=hours))
    due = replace(due, outer=NOON + timedelta(hours=hours + 5))
    dues = () if answer is Answer.NO else (due,)
    return Duty(f"r{number}", f"Regime {number}", answer, f"reason {number}", "first", due.strict, due.outer, dues=dues,
                **more)  # fmt: skip


def asked(*found: Duty) -> Story:
    return declared().when(AnswerDuties(found, "b1"))


def told(story: Story, hours: float = 36) -> str:
    message = duties.render(replace(seen(story), now=NOON + timedelta(hours=hours)))
    assert validate_message(message.blocks, message.text) == []
    return message.text + str(message.blocks)


@pytest.mark.parametrize("owed", [0, 3, 20, 45])
def test_forty_five_regimes_fit_into_one_message_and_none_is_lost(owed: int):
    """However many are owed: taken by Slack, and those that do not fit are counted with the way to read them."""
    long = "because a condition of the law is met on the facts as they are known " * 4
    found = [replace(regime(n, Answer.YES if n < owed else Answer.NO), because=long) for n in range(45)]
    seen_ = told(asked(*found))
    shown = sum(f"*Regime {n}*" in seen_ for n in range(45))
    left = owed - shown
    assert shown >= min(owed, 12)
    assert (f"{left} more answered" in seen_) is (left > 0)
    if owed < 45:
        assert f"no duty under {45 - owed}" in seen_
    assert "Read all reasons" in seen_


def test_what_is_due_first_stands_first_with_the_share_of_its_time():
    """Strict and outer date, how much is gone, who answers; what is overdue says so."""
    found = told(asked(regime(1, Answer.YES, 72), regime(2, Answer.YES, 24), regime(3, Answer.UNKNOWN, 12)))
    assert found.index("*Regime 2*") < found.index("*Regime 1*") < found.index("*Regime 3*")
    assert "Notice 1 · 50 % of the time gone (at the latest <!date^" in found
    assert "Notice 2 · *overdue*" in found
    assert "Regime 3*: may be owed" in found
    assert "if it is owed, Notice 3" in found or "Notice 3" in found
    assert "2 duties to tell and 1 not known yet" in found


def test_a_regime_that_applies_later_says_from_when():
    """It has no clock, and stands apart from those without a duty."""
    later = regime(1, Answer.NO, applies_from=date(2027, 12, 11), would_be=Answer.YES)
    found = told(asked(later, regime(2, Answer.NO)))
    assert "Regime 1 applies from 2027-12-11, then it would be owed" in found
    assert "no duty under 1 " in found


def test_a_decision_that_the_facts_overtook_stands_first():
    """Decided no while the facts said no; now they say yes: loud. Decided against them knowingly: quiet."""
    story = asked(regime(1, Answer.NO), regime(2, Answer.YES)).when(
        DecideDuty("r1", Answer.NO, "nobody concerned"), CLEO
    )
    story = story.when(AnswerDuties((regime(1, Answer.YES), regime(2, Answer.YES)), "b2"))
    found = told(story)
    assert found.index("*Regime 1*") < found.index("*Regime 2*")
    assert "decided no; the facts now say yes" in found
    assert "1 decided against the facts" in found
    knowingly = asked(regime(1, Answer.YES)).when(DecideDuty("r1", Answer.NO, "test data only"), CLEO)
    found = told(knowingly)
    assert "the facts now say" not in found
    assert "no duty, decided by cleo against what the facts say" in found


@pytest.mark.parametrize("page", [0, 1, 2, 99])
def test_every_reason_can_be_read_a_page_at_a_time(page: int):
    """Forty-five on three pages; a page that is not there any more is the last one."""
    view = duty.reasons(seen(asked(*(regime(n, Answer.NO) for n in range(45)))), page)
    assert validate_view(view) == []
    assert f"page {min(page, 2) + 1} of 3, 45 regimes" in str(view)
    assert str(view).count("reason ") == (20 if page < 2 else 5)


def test_all_pages_together_hold_every_regime_once():
    """None is left out between two pages, none stands on both."""
    situation = seen(asked(*(regime(n, Answer.NO) for n in range(45))))
    found = [
        word for page in range(3) for word in str(duty.reasons(situation, page)).split("*") if word.startswith("Reg")
    ]
    assert sorted(found) == sorted(f"Regime {n}" for n in range(45))


def test_dates_that_moved_stay_readable():
    """Each date with when it was counted, in the dialog of the duty."""
    story = asked(regime(1, Answer.YES, 72)).when(AnswerDuties((regime(1, Answer.YES, 48),), "b2"))
    view = str(duty.one(seen(story), story.incident.duties["r1"]))
    assert "Dates as they were counted" in view
    assert view.count("counted <!date^") == 2


def test_what_is_said_below_counsels_messages_is_counsels():
    """Every message of the legal channel but the hold's, which the incident hears as well."""
    story = asked(regime(1, Answer.YES)).after(minutes=60 * 40)
    names = [one.name for one in wanted(seen(story), SETTINGS) if one.channel == SETTINGS.legal_channel]
    assert any(name.startswith("clock:r1/first:") for name in names)
    assert all(counsels(name) for name in names)
    assert not any(counsels(name) for name in ("card", "questions", "update:7", "request:M1"))


# -- what is done there ----------------------------------------------------------------------------------------------


@pytest.fixture
async def bench(tmp_path: Path) -> AsyncIterator[Bench]:
    async with Bench.open(tmp_path) as made:
        await made.declared()
        now: datetime = made.clock.now()
        due = Due("first", "Notification", Answer.UNKNOWN, "aware_at", now, now + timedelta(hours=72))
        found = Duty("gdpr", "GDPR Art. 33", Answer.UNKNOWN, "not known", "first", due.strict, dues=(due,))
        await made.desk.submit("INC-1", AnswerDuties((found,), "b1"))
        await made.settle()
        yield made


async def test_what_may_be_owed_is_decided_either_way_with_a_reason(bench: Bench):
    """From the message to the duty to the decision: yes or no is chosen, never guessed, and needs its because."""
    cleo = await bench.person("cleo", LEGAL)
    await cleo.click("duty.open")
    await bench.settle()
    await cleo.click_in_view("duty.choose")
    await cleo.wait_for_view("duty.decide")
    await cleo.submit({"answer": "yes", "reason": "  "})
    assert "needs its reason" in str(await cleo.errors())
    await cleo.submit({"answer": "yes", "reason": "patients are concerned"})
    await bench.settle()
    known = (await bench.incident()).duties["gdpr"]
    assert (known.answer, known.because) == (Answer.YES, "patients are concerned")
    (message,) = bench.posts("duties", LEGAL)
    assert "owed, decided by <@U0CLEO>" in words(message)
    assert "1 duty to tell" in message["text"]


async def test_only_counsel_gets_the_form_to_decide(bench: Bench):
    """Ben is in the channel and reads the duty; the button tells him whose it is."""
    ben = await bench.person("ben", LEGAL)
    await ben.click("duty.open")
    await bench.settle()
    await ben.click_in_view("duty.choose")
    await bench.settle()
    assert "only counsel may decide a duty" in str((await ben.views())[-1]).lower()
    assert not (await bench.incident()).duties["gdpr"].decided_by


async def test_who_answers_for_it_is_chosen_from_the_workspace(bench: Bench):
    """Slack's people are the directory's; a stranger and a deputy who is the same person are refused at their field."""
    await bench.say(DecideDuty("gdpr", Answer.YES, "patients"), "cleo")
    cleo = await bench.person("cleo", LEGAL)
    await cleo.click("duty.owner")
    view = await cleo.wait_for_view("duty.owner")
    chosen = [one["element"].get("initial_user") for one in view["blocks"] if one["type"] == "input"]
    assert "U0CLEO" in chosen  # counsel answers while nobody is named
    await cleo.submit({"owner": "U0GUS"})
    assert "does not know this person" in str(await cleo.errors())
    await cleo.submit({"owner": "U0ANA", "deputy": "U0ANA"})
    assert "somebody else" in str(await cleo.errors())
    await cleo.submit({"owner": "U0ANA", "deputy": "U0BEN"})
    await bench.settle()
    ana, ben = await bench.who("ana"), await bench.who("ben")
    assert (await bench.incident()).duty_owners["gdpr"] == (ana.id, ben.id)
    assert "<@U0ANA> answers for it, deputy <@U0BEN>" in words(bench.posts("duties", LEGAL)[0])


async def test_the_pages_of_reasons_turn_in_place(bench: Bench):
    """One dialog, not one upon the other; an old page's button leads to a page that is there."""
    many = tuple(Duty(f"r{n}", f"Regime {n}", Answer.NO, f"reason {n}") for n in range(45))
    await bench.desk.submit("INC-1", AnswerDuties(many, "b2"))
    await bench.settle()
    cleo = await bench.person("cleo", LEGAL)
    await cleo.click("duty.reasons")
    await bench.settle()
    for expected in ("page 2 of 3", "page 3 of 3"):
        await cleo.click_in_view("duty.reasons.on")
        await bench.settle()
        (view,) = await cleo.views()
        assert expected in str(view)
    await cleo.click_in_view("duty.reasons.back")
    await bench.settle()
    assert "page 2 of 3" in str((await cleo.views())[-1])


def test_a_duty_denied_in_time_is_never_told_loudly():
    """Decided before any share had passed: whatever time it is later, no message of its clock is wanted."""
    story = asked(regime(1, Answer.UNKNOWN)).when(DecideDuty("r1", Answer.NO, "nobody"), CLEO)
    found = {one.name: one for one in wanted(seen(story.after(minutes=9_000)), SETTINGS)}
    assert not [name for name, one in found.items() if name.startswith("clock:") and one.fresh]
    still = {one.name: one for one in wanted(seen(asked(regime(1, Answer.UNKNOWN)).after(minutes=9_000)), SETTINGS)}
    assert [one.fresh for name, one in still.items() if name.startswith("clock:")] == [False, False, False, True]
