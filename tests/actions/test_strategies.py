"""What an environment of a flag says, told without asking anybody."""

from __future__ import annotations

from typing import Any

import pytest

from bot.actions import _strategies as flags
from tests.actions.fake_unleash import constraint, strategy

Many = list[dict[str, Any]]


def state(*strategies: dict[str, Any], enabled: bool = True) -> flags.State:
    return flags.state_of({"enabled": enabled, "strategies": list(strategies)})


@pytest.mark.parametrize(
    ("strategies", "enabled", "reached"),
    [
        ([strategy()], True, 1.0),
        ([strategy()], False, 0.0),
        ([], True, 1.0),
        ([strategy(rollout="30")], True, 0.3),
        ([strategy(rollout="30"), strategy("b", "50")], True, None),  # two overlap, nobody can tell by how much
        ([strategy(rollout="30"), strategy("b", "100")], True, 1.0),
        ([strategy(rollout="30"), strategy("b", "100", disabled=True)], True, 0.3),
        ([strategy(disabled=True)], True, None),
        ([strategy(constraints=[constraint("region", "fr")])], True, None),
        ([strategy(segments=[3])], True, None),
        ([strategy(name="default", parameters={})], True, 1.0),
        ([strategy(name="userWithId", parameters={"userIds": "ann"})], True, None),
        ([strategy(rollout="abc")], True, None),
    ],
)
def test_how_many_a_flag_is_on_for(strategies: Many, enabled: bool, reached: float | None) -> None:
    """A number only where it follows from the rollout alone; else nothing, never a guess."""
    assert flags.reached(state(*strategies, enabled=enabled)) == reached


FR, DE, BETA = constraint("region", "fr"), constraint("region", "de"), constraint("beta", "no")


@pytest.mark.parametrize(
    ("ours", "theirs", "shown"),
    [
        ([strategy(constraints=[FR])], [strategy(constraints=[FR])], True),
        ([strategy(constraints=[FR])], [strategy(constraints=[DE])], False),
        ([strategy(constraints=[FR])], [strategy()], False),
        ([strategy()], [strategy(constraints=[FR])], False),
        ([strategy(segments=[3])], [strategy(constraints=[BETA])], True),  # a segment arrives as its constraints
        ([strategy(segments=[3], constraints=[FR])], [strategy(constraints=[BETA])], False),
        ([strategy(segments=[3], constraints=[FR])], [strategy(constraints=[BETA, FR])], True),
        ([strategy(rollout="30")], [strategy(rollout="40")], False),
        ([strategy(), strategy("b")], [strategy()], False),
        ([strategy(), strategy("b", disabled=True)], [strategy()], True),
        ([strategy()], [strategy(name="default")], False),
    ],
)
def test_whether_the_sdks_have_it(ours: Many, theirs: Many, shown: bool) -> None:
    """Strategy by strategy; switched off, nothing but the switch matters."""
    assert flags.shown(state(*ours), {"enabled": True, "strategies": theirs}) is shown
    assert flags.shown(state(*ours, enabled=False), {"enabled": False, "strategies": []})
    assert not flags.shown(state(*ours), {"enabled": False, "strategies": theirs})
    assert not flags.shown(state(*ours), {"enabled": True})


def test_a_slice_is_kept_off_only_where_every_active_strategy_does() -> None:
    """One that lets it in is enough to let it in, and an inverted constraint keeps nobody off."""
    kept, open_ = strategy(constraints=[constraint("region", "de", "fr")]), strategy("b", sortOrder=1)
    assert flags.kept_off(state(kept), "region=fr")
    assert not flags.kept_off(state(kept, open_), "region=fr")
    assert flags.kept_off(state(kept, {**open_, "disabled": True}), "region=fr")
    assert not flags.kept_off(state(strategy(constraints=[FR | {"inverted": True}])), "region=fr")
    assert not flags.kept_off(state(), "region=fr")
