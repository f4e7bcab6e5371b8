"""Escalation: level by level, several people at once, round after round, until somebody answers; nobody twice."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime, timedelta

import pytest
from hypothesis import given as over
from hypothesis import strategies as st

from bot.domain.climbing import FollowOwed, Owed, PageOwed, StandDownOwed, UnansweredOwed
from bot.domain.escalation import Ladder, ReportUnanswered, Rung
from bot.domain.lifecycle import Resolve
from bot.domain.paging import Acknowledge, Receipt, ReportPage
from bot.domain.policy import Severity
from bot.domain.receipt import ReportReceipt, ReportStoodDown
from bot.domain.todo import todo
from tests.kit import ANA, BEN, Story, at, declared, lines

PAIR = Ladder((Rung(("ana", "ben"), timedelta(minutes=3)), Rung(("max",))), rounds=2, end=("cleo",))
ALWAYS = datetime.max.replace(tzinfo=at(0).tzinfo)


def owed(story: Story, ladder: Ladder, kind: type[Owed] = PageOwed) -> list[Owed]:
    return [each for each in todo(story.incident, story.policy, None, ladder) if isinstance(each, kind)]


def keys(story: Story, ladder: Ladder) -> list[str]:
    return [each.key for each in owed(story, ladder) if each.due <= story.now]


def answered(story: Story, ladder: Ladder, receipt: Receipt = Receipt.ACCEPTED) -> Story:
    """Everybody whose turn it is was paged, with this receipt."""
    for each in owed(story, ladder):
        if isinstance(each, PageOwed) and each.due <= story.now:
            story = story.when(ReportPage(each.key, each.person, "sms", receipt))
    return story


def test_everybody_on_a_rung_is_paged_at_once() -> None:
    """Each under a key of their own; one who fails is tried again while the other's time runs."""
    story = declared()
    assert keys(story, PAIR) == ["page:INC-1:0:ana", "page:INC-1:0:ben"]
    story = story.when(ReportPage("page:INC-1:0:ana", "ana", "sms", Receipt.ACCEPTED))
    story = story.when(ReportPage("page:INC-1:0:ben", "ben", "sms", Receipt.FAILED))
    later = [(each.key, each.due) for each in owed(story, PAIR)]
    assert later == [
        ("page:INC-1:0:ben", story.now + timedelta(seconds=5)),
        ("page:INC-1:1", story.now + timedelta(minutes=3)),
    ]


def test_the_rungs_own_time_goes_before_the_policys() -> None:
    """Three minutes on the first rung; on the second, which says nothing, the policy's five."""
    story = answered(declared(), PAIR)
    assert [each.due for each in owed(story, PAIR)] == [story.now + timedelta(minutes=3)]
    story = answered(story.after(minutes=3), PAIR)
    assert [each.due for each in owed(story, PAIR) if ":r1" in each.key] == [story.now + timedelta(minutes=5)] * 2


def test_a_rung_on_which_nobody_stands_is_climbed_over() -> None:
    """A gap in a rota keeps nobody waiting; where nobody stands anywhere and nobody is in their place, no page is owed."""
    gap = Ladder((Rung(), Rung(("ben",))))
    assert keys(declared(), gap) == ["page:INC-1:1"]
    assert keys(declared(), Ladder((Rung(), Rung()))) == []


def test_a_hand_off_while_a_page_waits_pages_nobody_anew() -> None:
    """The rung was paged: whoever takes over is paged when its turn comes again."""
    story = answered(declared(), Ladder.of(["ana"]))
    assert keys(story, Ladder.of(["ben"])) == []
    later = story.after(minutes=6)
    assert keys(later, Ladder.of(["ben"])) == ["page:INC-1:0:r1"]


def test_nobody_is_waked_in_their_quiet_hours_and_the_page_is_not_lost() -> None:
    """A page of a severity that can wait is owed when the quiet ends; whoever else stands there is paged at once."""
    morning = at(8 * 3600)
    ladder = replace(Ladder.of(["ana"]), quiet={"ana": morning})
    assert [(each.key, each.due) for each in owed(declared(), ladder)] == [("page:INC-1:0", morning)]
    both = Ladder((Rung(("ana", "ben")),), quiet={"ana": morning})
    assert keys(declared(), both) == ["page:INC-1:0:ben"]


def test_nobody_answers_and_somebody_is_told() -> None:
    """After the rounds it is said once that nobody answered, the end is paged, and the climbing goes on."""
    story = declared()
    for _ in range(2 * 2):
        story = answered(story, PAIR).after(minutes=5)
    (said,) = owed(story, PAIR, UnansweredOwed)
    assert said.due <= story.now
    story = story.when(ReportUnanswered(2))
    assert lines(story)[-1] == "nobody answered: everybody on the escalation was paged 2 times"
    assert owed(story, PAIR, UnansweredOwed) == []
    assert "page:INC-1:end:cleo" in keys(story, PAIR)
    assert any(":r2" in key for key in keys(story, PAIR)), "it goes on"
    assert story.when(ReportUnanswered(2)).events == ()


def test_an_acknowledgement_stops_the_climbing_at_once() -> None:
    """Whatever was owed to whomever, the end too, is owed no more."""
    story = answered(declared(), PAIR).after(minutes=10)
    assert keys(story, PAIR)
    assert owed(story.when(Acknowledge(), ANA), PAIR) == []


def test_acknowledging_what_is_resolved_is_refused() -> None:
    """It never re-opens, and nobody is paged any more; acknowledging first and resolving then is no error either."""
    over_ = declared().when(Resolve("over", "seen"), BEN)
    assert over_.refuses(Acknowledge(), ANA) == "INC-1 is resolved already; an acknowledgement never re-opens it"
    assert owed(over_, PAIR) == []
    assert declared().when(Acknowledge(), ANA).when(Resolve("over", "seen"), BEN).incident.resolved is not None


def test_a_person_who_does_not_answer_is_paged_by_their_next_channel() -> None:
    """Each channel once, two minutes apart, while the rung's time runs; the same page, no second person."""
    ladder = replace(Ladder.of(["ana"]), ways={"ana": ("slack", "sms", "voice")})
    story = declared().when(ReportPage("page:INC-1:0", "ana", "slack", Receipt.ACCEPTED))
    story = story.after(minutes=2)
    (again,) = [each for each in owed(story, ladder) if each.due <= story.now]
    assert isinstance(again, PageOwed)
    assert (again.key, again.person, again.past) == ("page:INC-1:0:c1", "ana", ("slack",))
    story = story.when(ReportPage(again.key, "ana", "sms", Receipt.ACCEPTED))
    assert keys(story, ladder) == []
    story = story.after(minutes=2)
    (third,) = [each for each in owed(story, ladder) if each.due <= story.now]
    assert isinstance(third, PageOwed)
    assert third.past == ("slack", "sms")
    story = story.when(ReportPage(third.key, "ana", "voice", Receipt.FAILED, "busy"))
    assert [key for key in keys(story, ladder) if ":c" in key] == [], "what failed is not insisted on in this round"
    never = replace(story, policy=replace(story.policy, insist_after=timedelta(0)))
    assert not [each for each in owed(never, ladder) if ":c" in each.key]


# -- receipts --------------------------------------------------------------------------------------------------------


def taken(**more: object) -> Story:
    return declared().when(replace(ReportPage("page:INC-1:0", "ana", "sms", Receipt.ACCEPTED, ref="SM1"), **more))


def test_a_receipt_goes_further_and_never_back() -> None:
    """Accepted, delivered, seen, each with its time; what is late and says less is no news."""
    story = taken().after(seconds=10).when(ReportReceipt("page:INC-1:0", Receipt.DELIVERED, 1))
    story = story.after(seconds=5).when(ReportReceipt("page:INC-1:0", Receipt.SEEN, 2, final=True))
    assert story.when(ReportReceipt("page:INC-1:0", Receipt.ACCEPTED, 2)).events == ()
    page = story.incident.pages["page:INC-1:0"]
    assert dict(page.receipts) == {Receipt.ACCEPTED: at(5), Receipt.DELIVERED: at(15), Receipt.SEEN: at(20)}
    assert lines(story)[-2:] == [
        "the page to ana was delivered by sms", "ana opened the page (sms)",
    ]  # fmt: skip
    assert owed(story, Ladder.of(["ana"]), FollowOwed) == [], "nothing more is to be learned"


def test_a_page_that_was_lost_on_the_way_is_sent_again() -> None:
    """The provider took it and could not deliver it: the next try goes out, by whatever channel takes it."""
    story = taken().after(seconds=10).when(ReportReceipt("page:INC-1:0", Receipt.FAILED, 1, "unreachable"))
    assert lines(story)[-1] == "the page to ana was lost on the way by sms: unreachable"
    (again,) = owed(story, Ladder.of(["ana"]))
    assert (again.key, again.attempt, again.due) == ("page:INC-1:0", 2, at(10))
    story = story.when(ReportPage("page:INC-1:0", "ana", "voice", Receipt.ACCEPTED))
    assert story.incident.pages["page:INC-1:0"].channel == "voice"


def test_the_provider_is_asked_a_few_times_and_less_and_less_often() -> None:
    """Each look has its own key; with none left nothing is owed. An acknowledgement ends it."""
    story, due = taken(), []
    while looks := owed(story, Ladder(), FollowOwed):
        (look,) = looks
        due.append((look.due - at(5)).total_seconds())
        assert isinstance(look, FollowOwed)
        story = story.when(ReportReceipt("page:INC-1:0", Receipt.ACCEPTED, look.look))
    assert due == [10, 30, 60, 180, 600]
    assert lines(story) == lines(taken()), "no news is no line"
    assert owed(taken().when(Acknowledge(), ANA), Ladder(), FollowOwed) == []


def test_who_may_say_what_became_of_a_page() -> None:
    """The bot, and that it was seen whoever it was for; nobody else, and of no page that is not there."""
    story = taken()
    assert "its channel" in story.refuses(ReportReceipt("page:INC-1:0", Receipt.SEEN), BEN)
    assert "its channel" in story.refuses(ReportReceipt("page:INC-1:0", Receipt.DELIVERED), ANA)
    assert story.when(ReportReceipt("page:INC-1:0", Receipt.SEEN), ANA).events
    assert "knows no page" in story.refuses(ReportReceipt("page:INC-1:9", Receipt.SEEN))


def test_a_page_that_rings_is_told_that_it_is_over() -> None:
    """First that somebody has it, then that it is resolved; each once, and a refusal is written down."""
    story = taken(rings=True).when(Acknowledge(), ANA)
    (down,) = owed(story, Ladder(), StandDownOwed)
    assert isinstance(down, StandDownOwed)
    assert (down.key, down.over) == ("down:INC-1:0:acknowledged", "acknowledged")
    story = story.when(ReportStoodDown("page:INC-1:0", "acknowledged"))
    assert owed(story, Ladder(), StandDownOwed) == []
    story = story.when(Resolve("over", "seen"), BEN)
    (down,) = owed(story, Ladder(), StandDownOwed)
    story = story.when(ReportStoodDown("page:INC-1:0", "resolved", "it knows no such alert"))
    assert lines(story)[-1] == "sms may go on calling ana: it knows no such alert"
    assert owed(story, Ladder(), StandDownOwed) == []


# -- any ladder ------------------------------------------------------------------------------------------------------

NAMES = ("ana", "ben", "cleo", "max", "audrey")
RUNGS = st.builds(
    Rung,
    st.lists(st.sampled_from(NAMES), max_size=3, unique=True).map(tuple),
    st.none() | st.integers(1, 20).map(lambda minutes: timedelta(minutes=minutes)),
)
LADDERS = st.builds(Ladder, st.lists(RUNGS, max_size=4).map(tuple), st.integers(0, 4),
                    st.lists(st.sampled_from(NAMES), max_size=2, unique=True).map(tuple))  # fmt: skip


@over(LADDERS, st.lists(st.sampled_from(Receipt), max_size=40), st.sampled_from(Severity))
def test_any_ladder_is_climbed_in_order_and_nobody_twice_in_one_round(
    ladder: Ladder, receipts: list[Receipt], severity: Severity
) -> None:
    """While nobody answers something is always owed to somebody; each key once; the rungs come in their order."""
    story, sent = declared(severity=severity), list[tuple[int, int]]()
    for receipt in receipts:
        pages = sorted(owed(story, ladder), key=lambda each: each.due)
        if not ladder.people:
            assert pages == []
            return
        assert pages, "somebody is always to be paged"
        assert len({each.key for each in pages}) == len(pages)
        first = pages[0]
        assert isinstance(first, PageOwed)
        assert first.person in (*ladder.people, *ladder.end)
        story = replace(story, now=max(story.now, first.due))
        story = story.when(ReportPage(first.key, first.person, "sms", receipt))
        if ":end:" not in first.key:
            turn = int(first.key.partition(":r")[2].partition(":")[0] or 0)
            sent.append((turn, first.level))
        if owed(story, ladder, UnansweredOwed):
            story = story.when(ReportUnanswered(ladder.rounds))
    assert sent == sorted(sent)


@pytest.mark.parametrize("people", [("ana",), ("ana", "ben")])
def test_a_list_of_people_is_a_rung_each(people: tuple[str, ...]) -> None:
    """As services name them without an escalation."""
    assert [rung.people for rung in Ladder.of(people).rungs] == [(one,) for one in people]
    assert Ladder.of(people).people == people
