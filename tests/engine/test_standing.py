"""Where an objective stands, by what has been counted."""

from datetime import timedelta
from pathlib import Path

from bot.domain.policy import Urgency
from tests.world import World, objective

WHOLE = objective("answers", slice_by="health", target=0.9)


async def test_slices_say_what_they_could_show(tmp_path: Path) -> None:
    """By the traffic seen: the group with least of it needs longest; before any traffic nothing is promised."""
    async with World.open(tmp_path, slos=(WHOLE,)) as world:
        watch = world.house.watch
        before = watch.standing("answers", world.clock.now())
        assert (before.slices, before.findable, before.coverage) == (0, (), None)
        for _ in range(60):
            world.traffic("poor", good=9, bad=1)
            world.traffic("good", good=90, bad=10)
            await world.round()
        held = watch.standing("answers", world.clock.now())
        assert (held.slices, held.failing) == (2, ())
        few, many = held.findable
        assert few.startswith(
            "health=poor: At 10 labels per second and 2 slices, a failure rate going from 10.0 % to 20.0 %"
        )
        assert many.startswith("health=good: At 100 labels per second")
        assert "within 1 h the smallest rise found is about" in few
        for _ in range(40):
            world.traffic("poor", good=2, bad=8)
            world.traffic("good", good=90, bad=10)
            await world.round()
        (failing,) = watch.standing("answers", world.clock.now()).failing
        assert (failing.value, failing.urgency) == ("poor", Urgency.PAGE)
        assert "health=poor: " in failing.because


async def test_a_budget_is_an_estimate_until_the_window_was_seen(tmp_path: Path) -> None:
    """It begins where the window does, and says that most of it is unknown."""
    async with World.open(tmp_path, slos=(WHOLE,)) as world:
        await world.healthy(10)
        held = world.house.watch.standing("answers", world.clock.now()).budget
        assert held.since == world.clock.now() - WHOLE.window
        assert held.estimated is (held.covered < WHOLE.window - timedelta(seconds=5))
