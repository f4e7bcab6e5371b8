"""Those decided about: numbers in the record that name nobody, and a list whose taking is remembered."""

from __future__ import annotations

import random
from dataclasses import replace

import pytest

from bot.domain.affected import (
    COUNTRY,
    DAY,
    GROUP,
    OTHERS,
    STATE,
    AffectedCounted,
    Cell,
    CountAffected,
    Cut,
    ListTaken,
    TakeList,
    Tallied,
    bad_versions,
    window,
    withheld,
)
from bot.domain.approval import ApproveMitigation
from bot.domain.claim import ClaimMitigation
from bot.domain.errors import Refused
from bot.domain.execution import ReportOutcome
from bot.domain.hold import ReportHold
from bot.domain.lifecycle import Resolve
from bot.domain.mitigation import Outcome, ProposeMitigation
from bot.domain.policy import Policy, Role
from bot.domain.service import Service
from bot.domain.todo import duty_basis
from tests.kit import ANA, AUDREY, BEN, CLEO, MAX, NOON, Story, at, declared, held, lines, plan

SEX = Cut("sex", GROUP, (Cell("f", 600, 400, 590), Cell("m", 604, 201, 604)))
TOLD = Tallied(NOON, at(600), ("v2",), "", 1204, 601, 1194, complete=True, cuts=(SEX,), sha256="ab" * 32)
TAKE = TakeList(1204, "ab" * 32, NOON, at(600), ("v2",), "")


def test_a_count_is_told_in_a_line() -> None:
    """Numbers with what they rest on; at least, where something is missing; not known, with the reason."""
    story = declared().when(CountAffected(TOLD), ANA)
    line = lines(story)[-1]
    assert line.startswith("ana counted who was decided about by v2 from ")
    assert line.endswith(": 1,204 decisions, adverse 601, people 1,194")
    assert story.incident.affected is not None
    assert (story.incident.affected.by, story.incident.affected.at) == ("ana", story.now)
    part = replace(TOLD, complete=False, adverse=None, slice="sex=f", because=("the log begins only at 12:03",))
    line = lines(declared().when(CountAffected(part), CLEO))[-1]
    assert ", sex=f: at least 1,204 decisions, adverse unknown, people at least 1,194 (the log begins" in line
    nothing = Tallied(NOON, at(600), (), "", None, because=("there is no prediction log",))
    line = lines(declared().when(CountAffected(nothing), ANA))[-1]
    assert "by every version" in line
    assert line.endswith("not known, there is no prediction log")


def test_counting_twice_is_counting_once() -> None:
    """The same numbers yield nothing; others do; and what was known is not forgotten for a log that is away."""
    story = declared().when(CountAffected(TOLD), ANA)
    assert story.after(minutes=1).when(CountAffected(TOLD), CLEO).events == ()
    more = story.when(CountAffected(replace(TOLD, decisions=1205)), ANA)
    assert more.incident.affected.told.decisions == 1205
    away = more.when(CountAffected(replace(TOLD, decisions=None, because=("away",))), ANA)
    assert away.events
    assert away.incident.affected == more.incident.affected


def test_who_may_count_and_who_may_take_the_list() -> None:
    """Responders and counsel count; the list is counsel's, or theirs whom the policy names, and never the bot's own."""
    assert "only" in declared().refuses(CountAffected(TOLD), AUDREY)
    assert "no incident" in Story().refuses(CountAffected(TOLD), ANA)
    for person in (ANA, BEN, MAX, AUDREY):
        assert "only counsel may take the list" in declared().refuses(TAKE, person)
    assert "does not take the list of the people affected by itself" in declared().refuses(TAKE)
    assert "no incident" in Story().refuses(TAKE, CLEO)
    story = declared().when(TAKE, CLEO)
    assert story.events == (ListTaken(1204, "ab" * 32, NOON, at(600), ("v2",), ""),)
    assert lines(story)[-1] == "cleo took the list of those decided about: 1,204 rows, SHA-256 abababababab"
    assert story.when(TAKE, CLEO).events, "each taking is a taking"
    ours = replace(declared(), policy=Policy(people_data=frozenset({Role.MANAGER, "@ana"})))
    assert ours.when(TAKE, replace(ANA, groups=frozenset({"@ana"}))).events
    assert "only @ana or manager" in ours.refuses(TAKE, CLEO)


def test_the_law_is_asked_again_when_the_numbers_change() -> None:
    """A count changes what the regimes are asked with; the same count does not, and no count leaves all as it was."""
    service = Service("visits", "Visits", "care", "C1")
    bare = declared()
    story = bare.when(CountAffected(TOLD), ANA)
    assert duty_basis(story.incident, service) != duty_basis(bare.incident, service)
    again = story.after(minutes=5).tell(AffectedCounted(TOLD))
    assert duty_basis(again.incident, service) == duty_basis(story.incident, service)


def test_the_window_is_the_harm() -> None:
    """From the onset until it was mitigated, or over, or now; a person may say otherwise, but not backwards."""
    story = declared()
    assert window(story.incident, at(900)) == (NOON, at(900))
    assert window(replace(story.incident, mitigated=at(60)), at(900)) == (NOON, at(60))
    over = story.after(minutes=1).when(Resolve("off", "nothing to see"), ANA)
    assert window(over.incident, at(9000)) == (NOON, at(65))
    assert window(over.incident, at(9000), until=at(100)) == (NOON, at(100))
    with pytest.raises(Refused, match="ends before it begins"):
        window(story.incident, at(900), since=at(1000))
    with pytest.raises(Refused, match="say since when"):
        window(replace(story.incident, onset=None, detected=None), at(900))


def test_the_bad_version_is_the_one_taken_out() -> None:
    """By the weights of a change in effect; a change only proposed, or one without weights, names none."""
    story = declared().when(ProposeMitigation(plan()), ANA)
    assert bad_versions(story.incident) == ()
    story = story.when(ReportHold("M1", held("rows"))).when(
        ApproveMitigation("M1", story.incident.mitigations["M1"].digest), BEN
    )
    story = story.when(ClaimMitigation("M1", "7", (BEN,))).when(ReportOutcome("M1", Outcome.APPLIED))
    assert bad_versions(story.incident) == ("v2",)
    mitigation = story.incident.mitigations["M1"]
    odd = replace(mitigation, plan=plan(before={"paused": False}, after={"paused": True}))
    assert bad_versions(replace(story.incident, mitigations={"M1": odd})) == ()


# -- withholding -----------------------------------------------------------------------------------------------------


def test_small_groups_are_told_together() -> None:
    """A group of a few people has no name in the record, nor has a value that may be a person's own."""
    cut = Cut("sex", GROUP, (*SEX.cells, Cell("x", 3, 1, 3), Cell("person-17", 1, 1, 1), Cell("busy", 50, 9, 2)))
    told = withheld(cut)
    assert [cell.value for cell in told.cells] == ["f", "m", OTHERS]
    assert told.cells[-1] == Cell(OTHERS, 54, 11, None)
    assert "person-17" not in repr(told)


def test_a_number_below_five_is_withheld_with_company() -> None:
    """One withheld number would be the difference to the whole; zero names nobody."""
    cut = Cut(
        "state", STATE, (Cell("CA", 90, 40, 90), Cell("NY", 30, 2, 30), Cell("TX", 8, 0, 8), Cell("ny?", 9, 9, 9))
    )
    told = {cell.value: cell for cell in withheld(cut).cells}
    assert set(told) == {"CA", "NY", "TX", OTHERS}, "a place that is no code may be anything"
    assert told["NY"].adverse is None
    assert [cell.adverse for cell in told.values()].count(None) == 2
    assert told["TX"].adverse == 0
    assert withheld(replace(cut, silent=3)).silent is None
    assert withheld(replace(cut, silent=3)).cells[2].decisions is None, "the smallest goes with it"
    assert withheld(replace(cut, silent=30)).silent == 30


def test_no_small_number_ever_reaches_the_log() -> None:
    """Of any table: no cell of one to four, and no column with exactly one number withheld that its sum would give."""
    chance = random.Random(7)
    for _ in range(3000):
        kind = chance.choice((GROUP, COUNTRY, STATE, DAY))
        cells = []
        for place in range(chance.randint(0, 6)):
            decisions = chance.choice((0, 1, 3, 4, 5, 6, 12, 80))
            adverse = chance.randint(0, decisions)
            value = f"A{chr(65 + place)}" if kind in {COUNTRY, STATE} else f"v{place}"
            cells.append(Cell(value, decisions, adverse, chance.randint(0, decisions)))
        cut = Cut("x", kind, tuple(cells), chance.choice((0, 2, 5)))
        story = declared().when(CountAffected(replace(TOLD, cuts=(cut,))), ANA)
        (told,) = story.events[0].told.cuts
        for name in ("decisions", "adverse", "people"):
            numbers = [getattr(cell, name) for cell in told.cells]
            assert all(number is None or number == 0 or number >= 5 for number in numbers), cut
            unseen = numbers.count(None) + (name == "decisions" and told.silent is None)
            if name != "people" and len(numbers) > 1 and any(numbers):
                assert unseen != 1, (cut, told)
