"""Counting those decided about in the real house: numbers in the record and before the law, people nowhere but in the list."""

from __future__ import annotations

import hashlib
import logging
from dataclasses import replace
from datetime import timedelta
from math import inf
from pathlib import Path

import pytest

from bot.domain.affected import Affected, Cell, CountAffected, Cut, ListTaken, Tallied
from bot.domain.duty import RecordFact
from bot.domain.errors import Refused, Unavailable
from bot.domain.incident import Incident
from bot.domain.service import PredictionLog
from bot.engine.affected import Listing, Wanted, implied, rates
from bot.engine.decisions import Number
from bot.notices.facts import AtLeast, Range
from tests.decisions.logs import NOON, decided, many, write
from tests.kit import ANA, at, declared
from tests.world import World, shipped


async def opened(world: World, told: PredictionLog | None) -> None:
    """The same house with a prediction log in its catalogue."""
    services = shipped().services
    await world.restart(services={**services, "visits": replace(services["visits"], prediction_log=told)})


@pytest.fixture
async def world(tmp_path: Path):
    async with World.open(tmp_path) as made:
        await made.declare("women are turned down", "ana")
        yield made


def kept(folder: Path) -> dict[str, bytes]:
    """Every file the house wrote, byte for byte."""
    return {each.name: each.read_bytes() for each in folder.rglob("*") if each.is_file() and each.name != "log.parquet"}


START = NOON - timedelta(minutes=1)
WANTED = Wanted(NOON, NOON + timedelta(minutes=119), ("v2",))


async def count(world: World, wanted: Wanted = WANTED, by: str = "ana") -> Tallied:
    after = await world.house.desk.affected.count("INC-1", await world.who(by), wanted)
    assert after.affected is not None
    return after.affected.told


async def test_the_numbers_and_what_they_mean(world: World, tmp_path: Path) -> None:
    """A whole count: numbers, cuts, the ratio with its interval, and the digest of exactly the list counsel then takes."""
    await opened(world, write(tmp_path / "log.parquet", [decided(-1, version="v1"), *many()]))
    told = await count(world)
    assert (told.decisions, told.adverse, told.people, told.complete, told.because) == (120, 60, 120, True, ())
    (ratio,) = told.ratios
    assert (ratio.by, ratio.lowest, ratio.highest, ratio.ratio) == ("sex", "f", "m", 0.5)
    assert 0.3 < ratio.low < 0.5 < ratio.high < 0.8
    listing = await world.house.desk.affected.take("INC-1", await world.who("cleo"), WANTED)
    content = b"".join(listing.chunks())
    assert listing.sha256 == told.sha256
    assert (listing.rows, content.count(b"person-")) == (120, 120)
    (taken,) = [each.event for each in await world.house.desk.log.entries("INC-1") if isinstance(each.event, ListTaken)]
    assert (taken.rows, taken.sha256) == (120, told.sha256)


async def test_the_law_is_asked_with_the_numbers(world: World, tmp_path: Path) -> None:
    """The facts are known at the next look, and the regimes were asked again; what a person states comes first."""
    await opened(world, write(tmp_path / "log.parquet", [decided(-1, version="v1"), *many()]))
    before = (await world.incident()).duty_basis
    await count(world)
    await world.settle()
    desk = world.house.desk
    assert (await world.incident()).duty_basis != before
    known = desk.drafter.known(await desk.situation("INC-1"))
    assert known["adverse_decisions_count"] == Range(60, inf), "the harm goes on"
    assert known["adverse_outcome"] is True
    assert known["selection_rate_ratio_min"] == 0.5
    assert known["us_states_of_individuals"] == AtLeast(frozenset({"CA", "NY"}))
    assert "residents_by_state" not in known, "a map would say that there is nobody elsewhere"
    assert known["countries_affected"] == AtLeast(frozenset({"US"}))
    assert "protected_groups_affected" not in known, "that is for counsel to say"
    await world.say(RecordFact("adverse_decisions_count", 61), "cleo")
    assert desk.drafter.known(await desk.situation("INC-1"))["adverse_decisions_count"] == 61


async def test_a_log_that_does_not_reach_gives_a_least_number(world: World, tmp_path: Path) -> None:
    """It begins late, ends early, or its rows do not say enough: at least, everywhere, with the reason."""
    rows = [*many(), decided(10, at=None, decision="X"), decided(11, outcome=None, decision="Y")]
    await opened(world, write(tmp_path / "log.parquet", rows))
    told = await count(world, Wanted(START, NOON + timedelta(days=1), ("v2",)))
    assert not told.complete
    assert told.because == (
        "the prediction log begins only at 2026-11-20 12:00:00 UTC",
        "the prediction log ends already at 2026-11-20 13:59:00 UTC",
        "1 row has no time that can be read",
        "1 row has no outcome",
    )
    known = implied(await world.incident())
    assert known["adverse_decisions_count"] == Range(60, inf)
    assert "residents_by_state" not in known, "a map would say that there is nobody elsewhere"
    assert "decisions at least" not in (line := (await world.lines())[-1])
    assert "at least 121 decisions, adverse at least 60" in line


async def test_unknown_is_an_answer(world: World, tmp_path: Path) -> None:
    """No log, or a slice it does not have: not known, with the reason; a log that is away is an error, not an answer."""
    told = await count(world)
    assert told.decisions is None
    assert told.because == ("the catalogue names no prediction log for visits",)
    assert implied(await world.incident()) == {}
    log = write(tmp_path / "log.parquet", many())
    await opened(world, log)
    told = await count(world, replace(WANTED, slice="health=poor"))
    assert told.because[0].startswith("the slice health=poor is no column of the prediction log")
    with pytest.raises(Refused, match="there is no list: the slice health=poor"):
        await world.house.desk.affected.take("INC-1", await world.who("cleo"), replace(WANTED, slice="health=poor"))
    assert (await count(world, replace(WANTED, slice="sex=f"))).decisions == 60
    (tmp_path / "log.parquet").unlink()
    with pytest.raises(Unavailable, match="the prediction log of visits: is not there"):
        await count(world, WANTED)
    assert (await world.incident()).affected.told.decisions == 60


async def test_outcomes_the_catalogue_does_not_know(world: World, tmp_path: Path) -> None:
    """Where no outcome is called adverse there, nobody says that there were none."""
    await opened(world, replace(write(tmp_path / "log.parquet", many()), adverse=("Rejected",)))
    told = await count(world)
    assert (told.decisions, told.adverse, told.ratios) == (120, None, ())
    assert "no outcome in it is one the catalogue calls adverse" in told.because[0]
    assert not {"adverse_decisions_count", "adverse_outcome"} & set(implied(await world.incident()))


async def test_who_may(world: World, tmp_path: Path) -> None:
    """Nobody without the badge opens the log for its list, and nobody without a part counts."""
    await opened(world, write(tmp_path / "log.parquet", many()))
    room = world.house.desk.affected
    before = (await world.incident()).seq
    with pytest.raises(Refused, match="only counsel may take the list"):
        await room.take("INC-1", await world.who("ana"), WANTED)
    assert (await world.incident()).seq == before
    world.house.desk.handler.policy = replace(world.house.desk.handler.policy, people_data=frozenset({"on-call"}))
    assert (await room.take("INC-1", await world.who("ana"), WANTED)).rows == 120


async def test_a_taking_is_recorded_once_per_content(world: World, tmp_path: Path) -> None:
    """The same request asked again is one taking; where the log has grown it is another file, and another taking."""
    await opened(world, write(tmp_path / "log.parquet", many()))
    room, cleo = world.house.desk.affected, await world.who("cleo")
    for _ in range(2):
        await room.take("INC-1", cleo, WANTED, inbound="web:1")
    write(tmp_path / "log.parquet", many(119))
    await room.take("INC-1", cleo, WANTED, inbound="web:1")
    taken = [each.event for each in await world.house.desk.log.entries("INC-1") if isinstance(each.event, ListTaken)]
    assert [each.rows for each in taken] == [120, 119]


async def test_no_person_is_kept(world: World, tmp_path: Path, caplog, capfd) -> None:
    """After counting and listing, no person or decision stands in the database, the logs, or what a view is given."""
    caplog.set_level(logging.DEBUG)
    rows = [*many(), decided(7, sex="person-0007", person="person-0007", decision="D9999")]
    await opened(world, write(tmp_path / "log.parquet", rows))
    await count(world)
    await world.house.desk.affected.take("INC-1", await world.who("cleo"), WANTED)
    await world.settle()
    for name, content in kept(tmp_path).items():
        assert b"person-0" not in content, name
        assert b"D0007" not in content, name
    assert "person-0" not in caplog.text + "".join(capfd.readouterr())
    situation = await world.house.desk.situation("INC-1")
    assert "person-0" not in repr(situation)
    assert str(tmp_path) not in repr(situation.service), "where the log stands is shown nowhere"


def test_groups_too_small_are_not_compared() -> None:
    """A rate of a few decisions is chance; one group, or nobody selected at all, is no ratio."""
    big, less = Number(100, 100, 20, 100), Number(60, 60, 30, 60)
    found = rates("age", {"a": big, "b": less, "c": Number(6, 6, 6, 6), "d": Number(2, 2, 2, 2), "": less})
    assert found is not None
    assert (found.lowest, found.highest, found.ratio, found.small) == ("b", "a", 0.625, ("c",))
    assert rates("age", {"a": big}) is None
    nobody = Number(100, 100, 100, 100)
    assert rates("age", {"a": nobody, "b": nobody}) is None
    none = rates("age", {"a": big, "b": nobody})
    assert none is not None
    assert none.ratio == 0
    assert 0 < none.high < 0.1


@pytest.mark.parametrize(
    ("cells", "silent", "complete", "whole"),
    [
        ((Cell("CA", 9, 5, 9), Cell("NY", 8, 5, 8)), 0, True, True),
        ((Cell("CA", 9, 5, 9), Cell("NY", 8, 5, 3)), 0, True, False),
        ((Cell("CA", 9, 5, 9), Cell("ny", 8, 5, 8)), 0, True, False),
        ((Cell("CA", 9, 5, 9), Cell("NY", 8, 5, 8)), 7, True, False),
        ((Cell("CA", 9, 5, 9), Cell("NY", 8, 5, 8)), 0, False, False),
    ],
)
def test_residents_by_state_are_all_or_nothing(cells, silent: int, complete: bool, whole: bool) -> None:
    """A map that lacks anybody would rule out what is only unknown; the states seen are at least those."""
    told = Tallied(NOON, at(60), (), "", 17, 10, 17, complete=complete, cuts=(Cut("s", "state", cells, silent),))
    story = declared().when(CountAffected(told), ANA)
    known = implied(replace(story.incident, onset=NOON, mitigated=at(60)))
    assert ("residents_by_state" in known) == whole
    assert "CA" in known["us_states_of_individuals"].items


def test_only_a_count_of_the_whole_harm_settles_a_no() -> None:
    """A minute, another version, one slice, or a count made too early say nothing of the rest: there may be others."""
    whole = Tallied(NOON, at(600), (), "", 17, 0, 17, complete=True)
    ended = replace(declared().incident, onset=NOON, mitigated=at(600), slice="health=poor")
    affected = {
        "whole": (ended, whole),
        "the slice it fell on": (ended, replace(whole, slice="health=poor")),
        "a minute of it": (ended, replace(whole, until=at(60))),
        "begun too late": (ended, replace(whole, since=at(5))),
        "another slice": (ended, replace(whole, slice="sex=m")),
        "one version of nobody knows which": (ended, replace(whole, versions=("v9",))),
        "while it goes on": (replace(ended, mitigated=None), whole),
    }
    settled = {
        why: implied(replace(incident, affected=Affected(told, "ana", NOON))).get("adverse_outcome")
        for why, (incident, told) in affected.items()
    }
    assert settled == dict.fromkeys(affected) | {"whole": False, "the slice it fell on": False}


def test_nothing_counted_implies_nothing() -> None:
    """An incident nobody counted for has no such facts."""
    assert implied(Incident("INC-1")) == {}


def test_a_listing_is_let_go_as_it_is_sent() -> None:
    """Its bytes are those that were taken in, in order, and its digest is theirs; too long a list is refused."""
    listing = Listing()
    for rows, content in ((0, b"header\n"), (2, b"a\nb\n")):
        listing.add(rows, content, keep=True)
    assert b"".join(listing.chunks()) == b"header\na\nb\n"
    assert list(listing.chunks()) == []
    assert listing.sha256 == hashlib.sha256(b"header\na\nb\n").hexdigest()
    with pytest.raises(Refused, match="shorter stretches"):
        listing.add(2_000_000, b"", keep=True)
