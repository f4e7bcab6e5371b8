"""Nights drawn by lot: the house holds what it promises, and planted bugs do not stay hidden."""

from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from bot import wiring
from bot.domain.errors import Unavailable
from bot.domain.mitigation import Mitigation, Outcome
from bot.domain.sli import Judged, Sli
from bot.engine.carry import Carrier
from bot.engine.ports import Action
from tests.simulation.play import BrokenError, night
from tests.world import Router, World


@pytest.mark.parametrize("seed", range(3))
async def test_a_night_drawn_by_lot(tmp_path: Path, seed: int) -> None:
    """Faults of the target, the source, the pager and the chat, crashes, late and double clicks: every promise holds."""
    await night(tmp_path, seed)


async def test_the_same_seed_is_the_same_night(tmp_path: Path) -> None:
    """What is found once is found again."""
    first, second = await night(tmp_path / "a", 3, 12), await night(tmp_path / "b", 3, 12)
    assert first.told == second.told
    assert first.world.router.effects == second.world.router.effects
    assert first.world.clock.now() == second.world.clock.now()


@pytest.mark.nightly
@pytest.mark.parametrize("seed", range(100, 300))
async def test_many_nights(tmp_path: Path, seed: int) -> None:
    """The same over many more seeds, and longer."""
    await night(tmp_path, seed, 150)


# -- planted bugs ----------------------------------------------------------------------------------------------------


class Impatient(Carrier):
    """A carrier that simply asks again where an answer was lost."""

    async def _fire(self, incident: str, mitigation: Mitigation, action: Action, key: str) -> None:
        try:
            await action.execute(mitigation.plan, key)
        except Unavailable:
            await action.execute(mitigation.plan, key)
        await self._settle(incident, mitigation, await self._observe(action, mitigation, key))


class Hopeful(Carrier):
    """A carrier that takes a lost answer for a good one."""

    async def _fire(self, incident: str, mitigation: Mitigation, action: Action, key: str) -> None:
        try:
            await action.execute(mitigation.plan, key)
        except Unavailable:
            await self._report(incident, mitigation, Outcome.APPLIED, "it will have worked")
        else:
            await self._settle(incident, mitigation, await self._observe(action, mitigation, key))


class Forgetful(Router):
    """A target that does not remember the keys it applied."""

    async def _change(self, state: Mapping[str, Any], key: str) -> None:
        self.keyed = False
        await super()._change(state, key)


def carried_by(kind: type[Carrier], router: type[Router] = Router) -> type[World]:
    """A world whose house carries out with another carrier, on that kind of target."""

    class Variant(World):
        def __init__(self, folder: Path, database: str = "") -> None:
            super().__init__(folder, database)
            self.router = router(self.clock)

        def engine(self, house: wiring.House) -> None:
            carrier = kind(house.desk)
            house.reconciler.hands = replace(house.reconciler.hands, carrier=carrier)

    return Variant


class Trusting(World):
    """A world whose watch takes silence for health."""

    def engine(self, house: wiring.House) -> None:
        told = house.watch.teller._sli

        def healthy(*given: object) -> Sli:
            sli = told(*given)
            return replace(sli, judged=Judged.MET) if sli.judged is Judged.NO_DATA else sli

        house.watch.teller._sli = healthy


async def first_broken(folder: Path, kind: type[World], seeds: int = 5) -> str:
    """What the simulation says of a planted bug; "" where it stayed hidden."""
    for seed in range(seeds):
        try:
            await night(folder / str(seed), seed, kind=kind)
        except BrokenError as broken:
            return str(broken)
    return ""


async def test_a_change_fired_again_is_caught(tmp_path: Path) -> None:
    """Planted: the answer was lost, so the carrier asks once more; a target that ignores keys changes twice."""
    assert "was applied 2 times" in await first_broken(tmp_path, carried_by(Impatient, Forgetful))


async def test_a_success_that_was_only_hoped_for_is_caught(tmp_path: Path) -> None:
    """Planted: a time-out is reported as applied; the target shows nothing."""
    assert "the target does not show it" in await first_broken(tmp_path, carried_by(Hopeful))


async def test_silence_taken_for_health_is_caught(tmp_path: Path) -> None:
    """Planted: no data is told as met; somebody resolves on it."""
    assert "data were silent" in await first_broken(tmp_path, Trusting)
