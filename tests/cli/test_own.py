"""What `tocsin doctor` says of a running server's own promises and troubles."""

from __future__ import annotations

from datetime import timedelta

import pytest

from bot.cli._checks import BAD, NOTE, OK, Found
from bot.cli._own import TROUBLES, told
from bot.engine.probes import (
    ChatProbe,
    DatabaseProbe,
    DiskProbe,
    LettersProbe,
    PagerProbe,
    RecordsProbe,
    RoundsProbe,
    acting,
    taking_in,
)


def test_each_promise_with_its_burn_rates() -> None:
    """Kept, broken, or too little to tell."""
    ready = {
        "ok": True,
        "own": {
            "tocsin-polls": {"state": "met", "burn": {"5m": 0.0, "1h": 0.4}, "budget_remaining": 0.985},
            "tocsin-pages": {"state": "breached", "burn": {"5m": 100.0, "1h": 25.0}, "budget_remaining": -0.2},
            "tocsin-looks": {"state": "met", "burn": {"5m": 0.0}, "budget_remaining": 1.0},
            "tocsin-webhooks": {"state": "no_data", "burn": {"5m": None}, "budget_remaining": 1.0},
        },
        "troubles": [],
    }
    assert list(told(ready)) == [
        Found(OK, "tocsin-polls", "burns 1h 0.4×; 98.5% of the budget is left"),
        Found(BAD, "tocsin-pages", "burns 5m 100×, 1h 25×; -20.0% of the budget is left"),
        Found(OK, "tocsin-looks", "burns nothing; 100.0% of the budget is left"),
        Found(NOTE, "tocsin-webhooks", "too little happened for a verdict"),
    ]


async def never() -> timedelta:
    """Nothing waits."""
    return timedelta(0)


def test_each_trouble_in_words() -> None:
    """Every kind there is has its words; one from a newer server is named."""
    probes = (ChatProbe, DatabaseProbe, DiskProbe, LettersProbe, PagerProbe, RecordsProbe, RoundsProbe)
    waiting = (acting(never), taking_in(never))
    assert {each.kind for each in (*probes, *waiting)} == set(TROUBLES)
    (known, newer) = told({"troubles": ["database", "moon"]})
    assert (known.mark, known.said) == (BAD, "its database does not answer")
    assert newer.said == "has trouble with moon"


@pytest.mark.parametrize("ready", [None, [], "x", {}, {"own": None, "troubles": "x"}, {"own": {"a": 1}}])
def test_a_server_that_says_nothing_of_itself(ready: object) -> None:
    """An older one, or something else that answers there."""
    assert list(told(ready)) == []
