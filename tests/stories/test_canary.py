"""A risk-averse release: a few per cent of the traffic first, judged at every look, and only while there is budget."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path

import numpy as np

from bot.slo.budget import budget
from bot.slo.canary import Sides, Trial, Verdict
from tests.world import World, objective

ANSWERS = objective("answers", display="Good answers", slice_by="health", target=0.99)
ROUNDS = 240
LEAST = 0.2  # of the budget that a release wants to find


class Release:
    """Two versions behind one router; the canary gets five of every hundred requests."""

    def __init__(self, world: World, *, seed: int = 1) -> None:
        self.world, self.dice = world, np.random.default_rng(seed)

    async def serves(self, rounds: int, *, canary: float = 0.002, stable: float = 0.002) -> None:
        """Each version fails at its rate."""
        for _ in range(rounds):
            self._traffic(canary, stable)
            await self.world.round()

    async def tried(self, trial: Trial, *, canary: float, stable: float = 0.002) -> Verdict:
        """Judged after each poll by what that poll counted of both."""
        for _ in range(ROUNDS):
            self._traffic(canary, stable)
            await self.world.round()
            verdict = trial.see(self.world.clock.now(), {"answers": self._sides()})
            if verdict.state == "stop":
                return verdict
        return verdict

    def _traffic(self, canary: float, stable: float) -> None:
        for which, rate, share in (("canary", canary, 25), ("stable", stable, 475)):
            bad = int(self.dice.binomial(share, rate))
            self.world.traffic(which, good=share - bad, bad=bad)

    def _sides(self) -> Sides:
        looks = self.world.house.watch.counting.slices.sliced["answers"].looks
        (_, good, bad), (_, rest_good, rest_bad) = looks["canary"][-1], looks["stable"][-1]
        return Sides(good + bad, bad, rest_good + rest_bad, rest_bad)


def trial(world: World) -> Trial:
    return Trial(["answers"], world.clock.now(), timedelta(seconds=ROUNDS))


async def test_a_harmful_canary_is_stopped_at_once_with_the_evidence(tmp_path: Path) -> None:
    """Long before its planned end, in a sentence with both rates, the interval, and how often a harmless one is stopped."""
    async with World.open(tmp_path, slos=(ANSWERS,)) as world:
        release = Release(world)
        await release.serves(30)
        began = world.clock.now()
        verdict = await release.tried(trial(world), canary=0.08)
        assert verdict.state == "stop"
        assert verdict.at - began < timedelta(seconds=30)
        for words in ("Stop the canary: answers:", "of", "failed, stable", "95 % interval", "at most 1.0 % of trials"):
            assert words in verdict.because
        assert await world.house.desk.summaries() == [], "five per cent of the traffic broke no objective"


async def test_looking_at_every_poll_stops_no_harmless_canary(tmp_path: Path) -> None:
    """It passes after its time, and says what it could have found; an outage of both sides stops it no more than luck."""
    async with World.open(tmp_path, slos=(ANSWERS,)) as world:
        release = Release(world)
        await release.serves(5)
        verdict = await release.tried(trial(world), canary=0.002)
        assert verdict.state == "passed"
        assert "or more failing would likely have been found" in verdict.because
    stopped = 0
    for seed in range(100):
        dice = np.random.default_rng(seed)
        judged, rate = Trial(["answers"], world.clock.now(), timedelta(seconds=ROUNDS)), 0.002
        for look in range(ROUNDS):
            rate = 0.2 if 100 <= look < 120 else 0.002  # upstream is down for both
            sides = Sides(25, int(dice.binomial(25, rate)), 475, int(dice.binomial(475, rate)))
            verdict = judged.see(world.clock.now() + timedelta(seconds=look + 1), {"answers": sides})
        stopped += verdict.state == "stop"
    assert stopped <= 3, "at most one in a hundred, and luck"


async def test_a_spent_budget_holds_the_release_back(tmp_path: Path) -> None:
    """Whether a release may start is the budget's to say: not after an outage that ate it."""
    async with World.open(tmp_path, slos=(ANSWERS,)) as world:
        release = Release(world)
        await release.serves(120)
        ledger = world.house.watch.ledger
        before = budget(ANSWERS, ledger, world.clock.now())
        assert before.remaining > LEAST
        assert before.estimated, "and it is said that two minutes are no hour"
        await release.serves(60, canary=0.9, stable=0.9)
        after = budget(ANSWERS, ledger, world.clock.now())
        assert after.remaining < LEAST
        assert after.bad > before.bad
