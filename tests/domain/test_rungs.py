"""A rung that changes while its pages wait, people who rest, and pages that are lost on the way: the next step is right."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime, timedelta

import pytest
from hypothesis import given as over
from hypothesis import strategies as st

from bot.domain.climbing import FollowOwed, PageOwed, StandDownOwed, UnansweredOwed
from bot.domain.escalation import Ladder, ReportUnanswered, Rung
from bot.domain.lifecycle import Resolve
from bot.domain.paging import Acknowledge, AskFor, Receipt, ReportPage
from bot.domain.policy import Severity
from bot.domain.receipt import ReportReceipt, ReportStoodDown
from bot.domain.trouble import ReportTrouble
from tests.domain.test_climbing import ALWAYS, LADDERS, NAMES, answered, keys, owed
from tests.kit import ANA, BEN, Story, at, declared

MORNING = at(8 * 3600)
BOTH, ALONE = Ladder((Rung(("ana", "ben")), Rung(("max",)))), Ladder((Rung(("ana",)), Rung(("max",))))
WAYS = {"ana": ("slack", "sms", "voice")}
TWO = replace(Ladder.of(["ana"]), ways={"ana": ("sms", "voice")})


def due(story: Story, ladder: Ladder) -> list[tuple[str, datetime]]:
    return [(each.key, each.due) for each in owed(story, ladder)]


def now(story: Story, ladder: Ladder) -> list[PageOwed]:
    return [each for each in owed(story, ladder) if isinstance(each, PageOwed) and each.due <= story.now]


def taken(story: Story, key: str, person: str, channel: str, **more: str) -> Story:
    return story.when(ReportPage(key, person, channel, Receipt.ACCEPTED, **more))


def lost(story: Story, key: str) -> Story:
    return story.when(ReportReceipt(key, Receipt.FAILED, 1, "unreachable"))


# -- lost on the way -------------------------------------------------------------------------------------------------


def test_what_was_lost_on_the_way_goes_by_the_next_channel() -> None:
    """Texted in vain, Ana is called; once that was lost too all her ways are tried anew, in their order."""
    story, used = declared(), list[tuple[str, ...]]()
    for channel in ("sms", "voice", "sms"):
        (page,) = now(story, TWO)
        assert page.key == "page:INC-1:0"
        used.append(page.past)
        story = lost(taken(story, page.key, "ana", channel).after(seconds=10), page.key)
    assert used == [(), ("sms",), ()]


def test_a_page_that_is_lost_in_a_later_round_goes_by_the_next_channel_too() -> None:
    """One try must do there, but a text that never arrived is no try by the other channel; then the next round comes."""
    never = replace(declared().policy, insist_after=timedelta(0))
    story = replace(taken(declared(), "page:INC-1:0", "ana", "sms").after(minutes=5), policy=never)
    story = lost(taken(story, "page:INC-1:0:r1", "ana", "sms").after(seconds=10), "page:INC-1:0:r1")
    (page,) = now(story, TWO)
    assert (page.key, page.attempt, page.past) == ("page:INC-1:0:r1", 2, ("sms",))
    story = lost(taken(story, page.key, "ana", "voice").after(seconds=10), page.key)
    assert [each.key for each in owed(story, TWO)] == ["page:INC-1:0:r2"]


def test_where_the_next_channel_takes_nothing_either_all_are_tried_again() -> None:
    """Texted in vain and no line for a call: the third try may be a text."""
    story = lost(taken(declared(), "page:INC-1:0", "ana", "sms").after(seconds=10), "page:INC-1:0")
    story = story.when(ReportPage("page:INC-1:0", "ana", "sms, voice", Receipt.FAILED, "no carrier")).after(seconds=5)
    (page,) = now(story, TWO)
    assert (page.attempt, page.past) == (3, ())


def test_somebody_asked_for_by_name_is_reached_by_another_channel_too() -> None:
    """What was lost goes past the channel that lost it, whoever was asked for."""
    story = declared().when(Acknowledge(), ANA).when(AskFor("ben"), ANA)
    story = lost(taken(story, "page:INC-1:call:1", "ben", "sms").after(seconds=10), "page:INC-1:call:1")
    (page,) = now(story, TWO)
    assert (page.person, page.past) == ("ben", ("sms",))


def test_whoever_is_told_at_the_end_is_reached_by_another_channel_too() -> None:
    """The same for the end of the line."""
    ladder = replace(TWO, end=("cleo",), ways={**TWO.ways, "cleo": ("sms", "voice")}, rounds=1)
    story = taken(declared(), "page:INC-1:0", "ana", "sms").after(minutes=5).when(ReportUnanswered(1))
    story = lost(taken(story, "page:INC-1:end:cleo", "cleo", "sms").after(seconds=10), "page:INC-1:end:cleo")
    assert [each.past for each in now(story, ladder) if each.person == "cleo"] == [("sms",)]


def test_an_insisted_page_that_is_lost_is_followed_by_the_next_channel_at_once() -> None:
    """Slack brought no answer, the text never arrived: the call goes out now, not with the next round."""
    ladder = replace(Ladder.of(["ana"]), ways=WAYS)
    story = taken(declared(), "page:INC-1:0", "ana", "slack").after(minutes=2)
    (again,) = now(story, ladder)
    story = taken(story, again.key, "ana", "sms").after(seconds=10)
    assert now(story, ladder) == []
    (third,) = now(lost(story, again.key), ladder)
    assert (third.key, third.past, third.insists) == ("page:INC-1:0:c2", ("slack", "sms"), True)
    ended = lost(taken(lost(story, again.key), third.key, "ana", "voice").after(seconds=10), third.key)
    assert [key for key, _ in due(ended, ladder)] == ["page:INC-1:0:r1"], "every channel was tried"


def test_insisting_outlives_what_broke_on_the_way_to_the_pager() -> None:
    """Trouble before there was a receipt is no channel tried: three times, then it is left."""
    ladder, key = replace(Ladder.of(["ana"]), ways=WAYS), "page:INC-1:0:c1"
    story = taken(declared(), "page:INC-1:0", "ana", "slack").after(minutes=2)
    for attempt in (1, 2, 3):
        assert [(each.key, each.attempt) for each in now(story, ladder)] == [(key, attempt)]
        story = story.when(ReportTrouble(key, attempt, "KeyError")).after(seconds=5)
    assert now(story, ladder) == []


def test_where_the_first_channel_lost_it_and_the_second_took_it_nobody_is_paged_by_both_again() -> None:
    """The text insisted by reached her: that Slack lost the first is no reason to write there again."""
    ladder = replace(Ladder.of(["ana"]), ways=WAYS)
    story = taken(declared(), "page:INC-1:0", "ana", "slack").after(minutes=2)
    story = lost(taken(story, "page:INC-1:0:c1", "ana", "sms").after(seconds=10), "page:INC-1:0")
    assert now(story, ladder) == []
    (later,) = now(story.after(minutes=2), ladder)
    assert (later.key, later.past) == ("page:INC-1:0:c2", ("slack", "sms"))


# -- each sending is followed ----------------------------------------------------------------------------------------


def test_each_sending_is_followed_and_stopped_under_keys_of_its_own() -> None:
    """The first one's are as they always were, so that what an older version did stays done."""
    first = taken(declared(), "page:INC-1:0", "ana", "sms", ref="SM1")
    again = taken(lost(first.after(seconds=10), "page:INC-1:0"), "page:INC-1:0", "ana", "voice", ref="CA1")
    asked = [[each.key for each in owed(story, TWO, FollowOwed)] for story in (first, again)]
    assert asked == [["follow:INC-1:0:1"], ["follow:INC-1:0:1:s2"]]
    ringing = declared().when(Acknowledge(), ANA).when(AskFor("ben"), ANA)
    call = ReportPage("page:INC-1:call:1", "ben", "pushover", Receipt.ACCEPTED, ref="r", rings=True)
    told = []
    for story in (rung := ringing.when(call), lost(rung, call.key).when(call)):
        (down,) = owed(story, TWO, StandDownOwed)
        told.append(down.key)
        assert owed(story.when(ReportStoodDown(call.key, "acknowledged")), TWO, StandDownOwed) == []
    assert told == ["down:INC-1:call:1:acknowledged", "down:INC-1:call:1:acknowledged:s2"]


def test_news_of_a_sending_that_another_followed_say_nothing_of_the_new_one() -> None:
    """A replica that asked late about the lost text does not lose the call."""
    story = lost(taken(declared(), "page:INC-1:0", "ana", "sms", ref="SM1"), "page:INC-1:0")
    story = taken(story, "page:INC-1:0", "ana", "voice", ref="CA1")
    assert story.when(ReportReceipt("page:INC-1:0", Receipt.FAILED, 1, "late", ref="SM1")).events == ()
    assert story.when(ReportReceipt("page:INC-1:0", Receipt.DELIVERED, 1, ref="CA1")).events


# -- a rung that changes ---------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("before", "after"), [(BOTH, ALONE), (ALONE, BOTH)], ids=["shrinks", "grows"])
def test_a_rung_that_changes_pages_nobody_twice_and_keeps_its_time(before: Ladder, after: Ladder) -> None:
    """Ana's page stands, and Max's turn comes five minutes after it, whoever joins or leaves meanwhile."""
    story = answered(declared(), before)
    begun = story.now
    story = story.after(minutes=4)
    assert [each for each in owed(story, after) if isinstance(each, PageOwed) and each.person == "ana"] == []
    story = answered(story, after)
    assert due(story, after) == [("page:INC-1:1", begun + timedelta(minutes=5))]


def test_who_joins_a_rung_beside_those_who_were_paged_is_paged_once() -> None:
    """Nobody left: Ben comes in addition, under his own name; whoever came in somebody's place is not woken anew."""
    story = answered(declared(), ALONE).after(minutes=4)
    assert keys(story, BOTH) == ["page:INC-1:0:ben"]
    pair = answered(declared(), BOTH).after(minutes=4)
    assert keys(pair, Ladder((Rung(("ana", "cleo")), Rung(("max",))))) == []
    assert keys(pair, Ladder((Rung(("cleo",)), Rung(("max",))))) == []
    assert keys(pair, Ladder((Rung(()), Rung(("max",))))) == [], "nor is the next one before their time"
    assert keys(pair, Ladder((Rung(("ana", "ben", "cleo")), Rung(("max",))))) == ["page:INC-1:0:cleo"]


def test_who_takes_over_from_somebody_who_could_not_be_reached_is_paged_in_the_same_round() -> None:
    """Ana was tried three times in vain and Max paged; Ben has tries of his own, and holds nobody up."""
    story = declared()
    for _ in range(3):
        story = story.when(ReportPage("page:INC-1:0", "ana", "sms", Receipt.FAILED, "off")).after(seconds=5)
    taking = Ladder((Rung(("ben",)), Rung(("max",))))
    assert keys(story, taking) == ["page:INC-1:0:ben"], "before Max was"
    story = answered(story, ALONE)
    since = story.now
    story = story.after(minutes=1)
    for attempt in (1, 2, 3):
        (page,) = now(story, taking)
        assert (page.key, page.attempt) == ("page:INC-1:0:ben", attempt)
        assert ("page:INC-1:0:r1", since + timedelta(minutes=5)) in due(story, taking)
        story = story.when(ReportPage(page.key, "ben", "sms", Receipt.FAILED, "off")).after(seconds=5)
    assert keys(story, taking) == []


def test_a_rung_that_changes_between_two_tries_goes_on_counting() -> None:
    """Ana failed once under her name; alone there now, her second try is the second."""
    story = taken(declared(), "page:INC-1:0:ben", "ben", "sms")
    story = story.when(ReportPage("page:INC-1:0:ana", "ana", "sms", Receipt.FAILED)).after(seconds=5)
    (page,) = now(story, ALONE)
    assert (page.key, page.attempt) == ("page:INC-1:0:ana", 2)


def test_a_log_of_an_older_version_that_paged_her_twice_is_read_as_it_is() -> None:
    """Both keys stand in it: the earlier page counts for the time, and nothing more is owed to her."""
    story = taken(declared(), "page:INC-1:0:ana", "ana", "sms")
    story = taken(story, "page:INC-1:0:ben", "ben", "sms").after(minutes=4)
    story = taken(story, "page:INC-1:0", "ana", "sms")
    for ladder in (BOTH, ALONE):
        assert [each.key for each in owed(story, ladder)] == ["page:INC-1:1"]


# -- who rests -------------------------------------------------------------------------------------------------------

NIGHT = replace(Ladder.of(["ana", "ben"]), quiet={"ana": MORNING}, end=("cleo",), rounds=2)


def through(story: Story, ladder: Ladder, until: datetime) -> tuple[Story, list[tuple[str, str]]]:
    """Everything that is owed is sent, until then; whom it paged under which key."""
    sent = []
    while True:
        every = sorted(owed(story, ladder), key=lambda each: each.due)
        if owed(story, ladder, UnansweredOwed) and owed(story, ladder, UnansweredOwed)[0].due <= story.now:
            story = story.when(ReportUnanswered(ladder.rounds))
        elif not every or every[0].due >= until:
            return replace(story, now=until), sent
        elif isinstance(page := every[0], PageOwed):
            story = replace(story, now=max(story.now, page.due))
            story = taken(story, page.key, page.person, "sms")
            sent.append((page.person, page.key))


def test_a_rung_on_which_everybody_rests_is_climbed_over_and_the_page_waits_for_the_morning() -> None:
    """Ben is paged at once and round after round, the end is told, and Ana has one page when she is up."""
    story = declared()
    assert due(story, NIGHT) == [("page:INC-1:1", at(5)), ("page:INC-1:0", MORNING)]
    story, sent = through(story, NIGHT, at(30 * 60))
    assert [who for who, _ in sent][:5] == ["ben", "ben", "ben", "cleo", "ben"]
    waits = [each for each in owed(story, NIGHT) if isinstance(each, PageOwed) and each.person == "ana"]
    assert [(each.due, each.rests) for each in waits] == [(MORNING, True)], "one page, however often it came round"


def test_in_the_morning_who_rested_is_paged_once_and_the_rounds_go_on() -> None:
    """At eight Ana's page goes out; of the rounds she slept through none is made up for."""
    story, _ = through(declared(), NIGHT, MORNING)
    up = replace(NIGHT, quiet={})
    (page,) = [each for each in now(story, up) if each.person == "ana"]
    story = taken(story, page.key, "ana", "sms")
    assert [each for each in now(story, up) if each.person == "ana"] == []
    _, sent = through(story, up, MORNING + timedelta(minutes=10))
    assert 1 <= [who for who, _ in sent].count("ana") <= 2
    assert [who for who, _ in sent].count("ben") >= 1


def test_where_everybody_rests_everybody_has_one_page_for_the_morning() -> None:
    """Nothing is owed before, and nobody is said not to have answered."""
    ladder = replace(NIGHT, quiet={"ana": MORNING, "ben": MORNING})
    assert due(declared(), ladder) == [("page:INC-1:0", MORNING), ("page:INC-1:1", MORNING)]
    assert owed(declared(), ladder, UnansweredOwed) == []


def test_who_rests_beside_somebody_who_cannot_be_reached_holds_up_nobody() -> None:
    """Ben's phone is off and Ana rests: Max at once."""
    ladder = replace(BOTH, quiet={"ana": MORNING})
    story = declared()
    for _ in range(3):
        story = story.when(ReportPage("page:INC-1:0:ben", "ben", "sms", Receipt.FAILED, "off")).after(seconds=5)
    assert keys(story, ladder) == ["page:INC-1:1"]
    assert ("page:INC-1:0:ana", MORNING) in due(story, ladder)


def test_nobody_is_climbed_over_who_was_only_paged_a_moment_ago() -> None:
    """A wait of seconds is waited for: the next one's turn comes when theirs is over."""
    ladder = replace(Ladder.of(["ana", "ben"]), calm={"ana": at(25)})
    assert due(declared(), ladder) == [("page:INC-1:0", at(25))]


def test_insisting_waits_for_the_morning_too() -> None:
    """Paged a moment before the quiet began, Ana is not called in the midst of it."""
    ladder = replace(Ladder.of(["ana"]), ways=WAYS, quiet={"ana": MORNING})
    story = taken(declared(), "page:INC-1:0", "ana", "slack")
    assert [each.due for each in owed(story, ladder) if isinstance(each, PageOwed) and each.insists] == [MORNING]


def test_a_page_that_was_begun_is_owed_whoever_rests_by_now() -> None:
    """Ben was climbed to while Ana rested; she is up and was paged, and his page, which is under way, is still owed."""
    story = declared()
    up = replace(NIGHT, quiet={})
    assert keys(story, up) == ["page:INC-1:0"]
    begun = replace(up, begun=True)
    assert {"page:INC-1:0", "page:INC-1:1"} <= {each.key for each in owed(story, begun)}
    story = taken(story, "page:INC-1:0", "ana", "sms")
    assert "page:INC-1:1" in {each.key for each in owed(story, begun)}
    assert owed(story.when(Acknowledge(), BEN), begun) == []
    assert owed(story.when(Resolve("over", "seen"), BEN), begun) == []


# -- any ladder, any night -------------------------------------------------------------------------------------------

SHIFTS = st.lists(st.lists(st.sampled_from(NAMES), max_size=3, unique=True).map(tuple), min_size=2, max_size=2)


@over(LADDERS, st.lists(st.tuples(SHIFTS, st.sets(st.sampled_from(NAMES)), st.sampled_from(Receipt)), max_size=25))
def test_whoever_comes_goes_or_rests_nobody_is_paged_twice_in_one_round(
    ladder: Ladder, moves: list[tuple[list[tuple[str, ...]], set[str], Receipt]]
) -> None:
    """A person hears of one rung and round once; what is owed is due at some time, and owed in the begun reading too."""
    story, heard = declared(severity=Severity.SEV3), set[tuple[str, str]]()
    for people, resting, receipt in moves:
        rungs = tuple(Rung(each, timedelta(minutes=3)) for each in people) + ladder.rungs[2:]
        now_on = replace(ladder, rungs=rungs, quiet=dict.fromkeys(resting, story.now + timedelta(hours=1)))
        pages = sorted(owed(story, now_on), key=lambda each: each.due)
        assert bool(pages) or not now_on.people
        assert {each.key for each in pages} <= {each.key for each in owed(story, replace(now_on, begun=True))}
        assert len({each.key for each in pages}) == len(pages)
        if not pages:
            continue
        first = pages[0]
        assert isinstance(first, PageOwed)
        story = replace(story, now=max(story.now, first.due))
        story = story.when(ReportPage(first.key, first.person, "sms", receipt))
        if receipt is not Receipt.FAILED:
            place = (first.key.removesuffix(f":{first.person}"), first.person)
            assert place not in heard
            heard.add(place)
    assert all(each.due < ALWAYS for each in owed(story, ladder))
