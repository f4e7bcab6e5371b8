"""Trouble: tried, failed, tried again more patiently."""

import inspect
import re
from datetime import timedelta

from hypothesis import given as over
from hypothesis import strategies as st

from bot.domain import climbing, todo
from bot.domain.trouble import DEEDS, FIRST_WAIT, LONGEST_WAIT, ReportTrouble, Trouble
from tests.kit import NOON, Story, declared, lines


@over(st.integers(1, 10_000))
def test_waits_double_and_never_exceed_five_minutes(count: int) -> None:
    """The n-th wait is 5 s · 2^(n−1), at most five minutes, however often it failed."""
    waited = Trouble(count, NOON, "x").again_at - NOON
    assert waited == min(FIRST_WAIT * 2 ** min(count - 1, 16), LONGEST_WAIT)
    assert timedelta(0) < waited <= LONGEST_WAIT


def test_each_key_counts_by_itself() -> None:
    """One thing's failures do not slow another down; the sentence says what could not be done and why."""
    story = declared().when(ReportTrouble("diagnose:INC-1", 1, "drift: down"))
    story = story.when(ReportTrouble("undo:INC-1:M1:1", 1, "router: time-out"))
    assert {key: each.count for key, each in story.incident.troubles.items()} == {
        "diagnose:INC-1": 1,
        "undo:INC-1:M1:1": 1,
    }
    assert lines(story)[-1] == "could not undo M1 yet (router: time-out); it is tried again"


def test_everything_owed_is_said_in_words() -> None:
    """Each kind of key has its deed, none too many; a room and a reminder read as sentences, a strange key does too."""
    kinds = set(re.findall(r'(?:Owed\(\s*|key = )f"(\w+):', inspect.getsource(todo) + inspect.getsource(climbing)))
    assert kinds | {"page"} == set(DEEDS)
    told = {key: lines(declared().when(ReportTrouble(key, 1, "down")))[-1] for key in
            ("room:INC-1:1", "remind:INC-1:p1:2", "step:INC-1:1:0:wait", "hold:INC-1:M2", "odd")}  # fmt: skip
    assert told == {
        "room:INC-1:1": "could not open the war room yet (down); it is tried again",
        "remind:INC-1:p1:2": "could not remind somebody yet (down); it is tried again",
        "step:INC-1:1:0:wait": "could not do the runbook's step yet (down); it is tried again",
        "hold:INC-1:M2": "could not secure the evidence before M2 yet (down); it is tried again",
        "odd": "could not finish “odd” yet (down); it is tried again",
    }


def test_no_trouble_without_an_incident() -> None:
    """A key of an incident that never was is no fact."""
    assert Story().when(ReportTrouble("x:INC-9", 1, "y")).events == ()
