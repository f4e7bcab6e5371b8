"""A house killed by SIGKILL before, inside and after every step of a change of production, and started again.

Real here: the processes, the signal, DBOS, SQLite and PostgreSQL. The target is served by the test and keeps its own
record. Every point that a calm life passes is one at which another life ends; under CI=true more than two hundred, each
on one of two databases and with one of two targets; a plain run takes a few of every step; a nightly one takes them all
everywhere, and many pairs.
"""

from __future__ import annotations

import os
import random

import pytest

from tests.crash import points
from tests.crash.story import Stage

CI = os.environ.get("CI") == "true"
DATABASES = ("sqlite", pytest.param("postgresql", marks=pytest.mark.real))
PLACES = [(database, target) for database in ("sqlite", "postgresql") for target in ("router", "balancer")]
KILLS = 27 if CI else 3
"""At least so many in each of the eight sweeps: 216 and 24."""
NIGHTLY = 200


@pytest.fixture(params=DATABASES)
def stage(request: pytest.FixtureRequest) -> Stage:
    """Where the houses of one database are killed."""
    found: Stage = request.getfixturevalue(f"on_{request.param}")
    return found


def sweep(stage: Stage, target: str, scenario: str, place: int, of: int, most: int | None, seed: int) -> set[str]:
    """Kill at this place's share of the points, then at pairs that dice choose; the points at which somebody died.

    Each third story has a second kill at another point, and in each second one all clicks are repeated.
    """
    calm = stage.play(target, scenario, trace=True)
    assert calm.troubles == [], calm
    assert calm.state == "undone"
    every = points.every(calm)
    dice = random.Random(seed)
    chosen = points.share(every, place, of)
    least = most or len(chosen) + NIGHTLY
    if most is not None:
        chosen = points.picked(chosen, most, dice) if most < KILLS_OF_A_SHARE else chosen
    killed, kills, number = set[str](), 0, 0
    while kills < least or number < len(chosen):
        first = chosen[number] if number < len(chosen) else dice.choice(every)
        more = [dice.choice(every)] if number % 3 == 2 or number >= len(chosen) else []
        told = stage.play(target, scenario, [first, *more], repeat=number % 2 == 1)
        assert told.troubles == [], f"killed at {[first, *more]}: {told}"
        kills, number = kills + told.kills, number + 1
        if first not in told.unreached:
            killed.add(first)
        assert number < 3 * least + len(chosen), f"only {kills} kills in {number} stories"
    return killed


KILLS_OF_A_SHARE = 20


@pytest.mark.long
@pytest.mark.parametrize("target", ["router", "balancer"])
@pytest.mark.parametrize("scenario", ["undo", "auto"])
def test_killed_at_every_step(stage: Stage, request: pytest.FixtureRequest, target: str, scenario: str) -> None:
    """No effect twice, no approval lost, every outcome done, failed, or unknown and told; no claim stays, the log is whole."""
    database = request.node.callspec.params["stage"]
    place = PLACES.index((database, target))
    killed = sweep(stage, target, scenario, place, len(PLACES), KILLS, seed=place)
    if CI:
        assert {points.step_of(point) for point in killed} >= set(points.STEPS)


@pytest.mark.nightly
@pytest.mark.parametrize("target", ["router", "balancer"])
@pytest.mark.parametrize("scenario", ["undo", "auto"])
def test_killed_at_every_point_there_is(stage: Stage, target: str, scenario: str) -> None:
    """Every point of every step on every database and target, then two hundred kills more at pairs that dice choose."""
    killed = sweep(stage, target, scenario, 0, 1, None, seed=random.SystemRandom().randrange(2**32))
    for step in points.STEPS:
        assert {points.when_of(point) for point in killed if points.step_of(point) == step} == {
            "before",
            "inside",
            "after",
        }, step
