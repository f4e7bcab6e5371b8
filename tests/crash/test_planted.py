"""The oracle of the crash sweep is not blind: houses that make a mistake are caught, at the point where it shows.

Real here: the processes, the signal, DBOS and SQLite.
"""

from __future__ import annotations

from dataclasses import dataclass

import pytest

from tests.crash.story import Stage


@dataclass(frozen=True)
class Plant:
    """A mistake, where it shows, and what the oracle says of it."""

    bug: str
    target: str
    kill: str
    says: str


PLANTS = [
    Plant("fires again", "balancer", "target apply#1 late", "was asked 2 times of a target without keys"),
    Plant("acts first", "balancer", "execute#1 after", "nobody had claimed"),
    Plant("acts first", "router", "execute#1 after", "nobody had claimed"),
    Plant("gives up", "balancer", "target apply#1 late", "the log says failed, and the change stands"),
    Plant("takes back again", "balancer", "target revert#1 lost", "was asked 2 times of a target without keys"),
    Plant("forgets", "router", "execute#1 before", "stuck: claimed"),
    Plant("tells nobody", "balancer", "target apply#1 lost", "nobody can tell, and ana, ben, dora was not called"),
    Plant(
        "acknowledges first",
        "router",
        "commit MitigationApproved#1 before",
        "ben's approval was acknowledged and is lost",
    ),
]


@pytest.mark.long
@pytest.mark.parametrize("plant", PLANTS, ids=[f"{each.bug}, {each.target}" for each in PLANTS])
def test_a_planted_mistake_is_caught(on_sqlite: Stage, plant: Plant) -> None:
    """Killed there, the house with the mistake is found out, and the one without it is not."""
    planted = on_sqlite.play(plant.target, "undo", [plant.kill], bug=plant.bug, patience=6)
    assert planted.kills == 1
    assert any(plant.says in trouble for trouble in planted.troubles), planted
    honest = on_sqlite.play(plant.target, "undo", [plant.kill])
    assert (honest.kills, honest.troubles) == (1, []), honest
