"""Which entries are kept in memory: those of incidents people read line by line, and no more than was said."""

from __future__ import annotations

import random

import pytest

from bot.domain.lifecycle import IncidentClosed, SeverityChanged
from bot.domain.policy import Severity
from bot.store import Store
from bot.store.log import Log
from tests.kit import at
from tests.store.conftest import HandClock, opened

LINES = {"INC-1": 30, "INC-2": 3, "INC-3": 4, "INC-4": 5, "INC-5": 20}


async def several(store: Store) -> None:
    """Incidents with so many lines."""
    for name, lines in LINES.items():
        incident = await opened(store, name)
        for number in range(lines - incident.seq):
            grade = Severity.SEV1 if number % 2 else Severity.SEV2
            event = SeverityChanged(grade, f"line {number}")
            incident = await store.log.append(incident, [event], by="p_ana", at=at(number + 1), cause="test")


@pytest.mark.parametrize("seed", range(5))
async def test_no_more_lines_are_kept_than_was_said(store: Store, clock: HandClock, seed: int) -> None:
    """Read, written and looked at in any order, answers are right; one that is longer than that is kept alone."""
    await several(store)
    dice = random.Random(seed)
    log = Log(store.database, store.log._codec, clock, most_lines=12)
    for step in range(60):
        name = dice.choice(list(LINES))
        kind = dice.randrange(4)
        if kind == 0:
            told = await log.entries(name)
            assert [each.seq for each in told] == list(range(1, len(told) + 1))
            assert len(told) >= LINES[name]
        elif kind == 1:
            grade = dice.choice([Severity.SEV1, Severity.SEV2, Severity.SEV3])
            event = SeverityChanged(grade, f"step {step}")
            await log.append(await log.load(name), [event], by="p_ana", at=at(step), cause="test")
        else:
            assert (await log.load(name)).exists
        assert log.lines_at_hand <= max(12, await longest(log))
    assert (await log.load("INC-1")) == (await store.log.load("INC-1"))


async def longest(log: Log) -> int:
    """The lines of the longest."""
    return max([(await log.load(name)).seq for name in LINES])


async def test_who_is_read_line_by_line_stays_though_others_are_looked_at(store: Store, clock: HandClock) -> None:
    """The round that looks at every open incident makes nobody's page slow."""
    await several(store)
    log = Log(store.database, store.log._codec, clock, most_lines=40)
    await log.entries("INC-1")
    for name in ("INC-2", "INC-5", "INC-3", "INC-4", "INC-5"):
        await log.load(name)
    held = log._at_hand["INC-1"]
    assert held.entries is not None, "it was asked for line by line, the others were not"
    assert log.lines_at_hand <= 40
    await log.entries("INC-5")
    assert log._at_hand["INC-1"].entries is None
    assert log.lines_at_hand <= 40


async def test_what_is_closed_goes_before_what_is_open(store: Store, clock: HandClock) -> None:
    """A look through many closed incidents takes no open one from what is at hand; many open ones take the oldest."""
    for number in range(8):
        made = await opened(store, f"INC-{number}", fingerprint=str(number))
        if number > 2:
            await store.log.append(made, [IncidentClosed()], by="p_ana", at=at(9), cause="test")
    log = Log(store.database, store.log._codec, clock, most=4)
    for number in (0, 1, 3, 4, 5, 6, 7, 3):
        assert (await log.load(f"INC-{number}")).exists
    there = [n for n in range(8) if log.at_hand(f"INC-{n}") is not None]
    assert there == [0, 1, 3, 7], "the two that are open, and the two of the closed that were read last"
    made = await log.load("INC-1")
    await log.append(made, [IncidentClosed()], by="p_ana", at=at(9), cause="test")
    for number in (2, 0, 6):
        await log.load(f"INC-{number}")
    assert [n for n in range(8) if log.at_hand(f"INC-{n}") is not None] == [0, 1, 2, 6]
    for number in range(8, 11):
        await opened(store, f"INC-{number}", fingerprint=str(number))
        await log.load(f"INC-{number}")
    assert [n for n in range(11) if log.at_hand(f"INC-{n}") is not None] == [0, 8, 9, 10]
