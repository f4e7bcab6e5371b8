"""What the law costs: reading every regime once, and asking all of them anew whenever a fact changes."""

from __future__ import annotations

import statistics
import time
from collections.abc import Callable
from datetime import UTC, datetime, timedelta

from bot.config.regimes import Regimes, load
from bot.notices.calculator import Given, calculate
from bot.notices.derive import derived
from bot.notices.facts import Value
from bot.notices.sample import sample_facts
from bot.words import house

Say = Callable[[str], None]
NOW = datetime(2026, 11, 20, 12, tzinfo=UTC)


def measure(rounds: int, say: Say) -> None:
    """Print the time to read the regimes, and of one recomputation with nothing, half and everything known.

    The first date that needs holidays reads them from their library.
    """
    began = time.perf_counter()
    shelf = load(house() / "templates" / "notices")
    read = time.perf_counter() - began
    stages = sum(len(each.stages) for each in shelf.by_id.values())
    say(f"{len(shelf.by_id)} regimes, {stages} notices, {len(shelf.facts)} facts, read in {read * 1000:.0f} ms")
    everything = dict(sample_facts(shelf.facts))
    cases: dict[str, dict[str, Value | None]] = {
        "nothing known": {},
        "every second fact": dict(list(everything.items())[::2]),
        "everything known": everything,
    }
    for name, facts in cases.items():
        first, *rest = (_once(shelf, facts, number) for number in range(max(2, rounds) + 1))
        say(
            f"  {name:<18} {statistics.median(rest) * 1000:6.2f} ms, at most {max(rest) * 1000:.2f} ms"
            f" ({len(rest)} times; the first time {first * 1000:.0f} ms)"
        )


def _once(shelf: Regimes, facts: dict[str, Value | None], number: int) -> float:
    """One recomputation: what follows from the facts, every answer, every date, in the order they are told."""
    began = time.perf_counter()
    known = derived(facts, shelf.facts)
    rulings = calculate(
        shelf.by_id.values(), Given(known, NOW + timedelta(minutes=number), tz="Europe/Berlin", country="DE")
    )
    taken = time.perf_counter() - began
    if len(rulings) != len(shelf.by_id):
        raise RuntimeError("a regime was not asked")
    return taken
