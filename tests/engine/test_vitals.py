"""What the bot counts about itself: each promise kept or broken, also where nothing at all happens."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path

import pytest
from prometheus_client.parser import text_string_to_metric_families

from bot.domain.errors import Unavailable
from bot.domain.paging import Acknowledge
from bot.domain.policy import Severity
from bot.engine.own import ERRORS, EVENTS, OBJECTIVES
from bot.engine.vitals import LOOKS, PAGES, POLLS, PROMISES, WEBHOOKS, Promise, Vitals
from tests.engine.test_silence import silence
from tests.parts import Hands
from tests.world import World


def counted(vitals: Vitals, promise: Promise) -> tuple[float, float]:
    """(all, broken)."""
    held = {name: value for name, labels, value in vitals.samples((EVENTS, ERRORS)) if labels["slo"] == promise.name}
    return held[EVENTS], held[ERRORS]


def test_every_name_is_as_prometheus_wants_it() -> None:
    """Names begin with tocsin_, carry their unit, counters end in _total, and the parser reads them all."""
    families = {each.name: each for each in text_string_to_metric_families(Vitals(Hands()).text().decode())}
    plain = {name for name, each in families.items() if each.type != "counter" and not name.endswith("_created")}
    assert all(name.startswith("tocsin_") for name in families)
    assert {name for name in plain if not name.endswith(("_seconds", "_ratio"))} == {
        "tocsin_slo_burn_rate", "tocsin_dead_letters", "tocsin_database_up", "tocsin_house_troubles",
            "tocsin_unreadable_incidents", "tocsin_webhook_waiting_incidents", "tocsin_webhook_dead_letters",
    }  # fmt: skip
    labels = {label for each in families.values() for sample in each.samples for label in sample.labels}
    assert labels <= {"slo", "le", "window", "kind"}
    held = {sample.labels["slo"] for each in families.values() for sample in each.samples if "slo" in sample.labels}
    assert held == {each.name for each in PROMISES} == {each.name.partition("-")[2] for each in OBJECTIVES}


def test_polls_on_time_late_and_left_out() -> None:
    """Each poll that should have begun counts once, whether it began late, was left out, or never came again."""
    clock = Hands()
    vitals = Vitals(clock, timedelta(seconds=15))
    for _ in range(4):
        vitals.poll_began()
        clock.forward(15)
    assert counted(vitals, POLLS) == (4, 0)
    clock.forward(4)
    vitals.poll_began()  # four seconds late: within what is promised
    assert counted(vitals, POLLS) == (5, 0)
    clock.forward(15 + 6)
    vitals.poll_began()  # six are not
    assert counted(vitals, POLLS) == (6, 1)
    clock.forward(15 + 45)
    vitals.poll_began()  # three more should have begun meanwhile
    assert counted(vitals, POLLS) == (9, 4)
    clock.forward(3600)
    vitals.overdue()  # nothing began for an hour
    assert counted(vitals, POLLS) == (248, 243)
    vitals.overdue()
    assert counted(vitals, POLLS) == (248, 243)


@pytest.mark.parametrize(("every", "late"), [(0.1, 1), (1, 1), (4, 2), (15, 5), (3600, 5)])
def test_what_late_means(every: float, late: float) -> None:
    """Half an interval; never less than a second, never more than five."""
    assert Vitals(Hands(), timedelta(seconds=every)).late_after == timedelta(seconds=late)


def test_a_commit_is_acted_on_in_time_late_or_never() -> None:
    """What nobody acts on is broken as soon as its time is over, and is not counted a second time when somebody does."""
    clock = Hands()
    vitals = Vitals(clock)
    vitals.noted("INC-1")
    vitals.noted("INC-1")
    vitals.looked("INC-1")
    vitals.looked("INC-1")  # the look of each minute, of which nothing was promised
    assert counted(vitals, LOOKS) == (1, 0)
    vitals.noted("INC-2")
    clock.forward(6)
    vitals.overdue()
    vitals.overdue()
    assert counted(vitals, LOOKS) == (2, 1)
    vitals.looked("INC-2")
    assert counted(vitals, LOOKS) == (2, 1)
    vitals.noted("INC-3")
    clock.forward(6)
    vitals.looked("INC-3")
    assert counted(vitals, LOOKS) == (3, 2)


def test_a_webhook_breaks_the_promise_only_where_it_is_our_fault() -> None:
    """Taken in, turned away by us, or wrong in itself: the last is neither."""
    vitals = Vitals(Hands())
    for status in (200, 202, 400, 401, 413, 503, 500):
        vitals.webhook(status)
    assert counted(vitals, WEBHOOKS) == (4, 2)


async def test_a_page_taken_at_once_is_kept(tmp_path: Path) -> None:
    """Owed and taken between two readings of the log: it was in time, and counts once however often it is read."""
    async with World.open(tmp_path) as world:
        await world.house.vigil.look()
        await world.healthy()
        await world.broken()
        assert world.phone.pages
        await world.house.vigil.look()
        await world.house.vigil.look()
        assert counted(world.house.vigil.vitals, PAGES) == (1, 0)
        assert counted(world.house.vigil.vitals, LOOKS)[1] == 0


async def test_a_page_that_no_channel_takes_is_broken(tmp_path: Path) -> None:
    """Each that is given up for the next level counts once; that somebody is reached in the end changes nothing."""
    async with World.open(tmp_path) as world:
        vigil = world.house.vigil
        await vigil.look()
        await world.healthy()
        world.phone.dead = "no signal"
        await world.broken()
        await vigil.look()
        assert counted(vigil.vitals, PAGES) == (0, 0)
        for _ in range(8):
            await world.round(seconds=15)
            await vigil.look()
        late = counted(vigil.vitals, PAGES)[1]
        assert late >= 1
        world.phone.dead = ""
        for _ in range(12):
            await world.round(seconds=15)
            await vigil.look()
        assert world.phone.pages
        after = counted(vigil.vitals, PAGES)
        assert after[1] >= late
        assert after[0] == len((await world.incident()).pages)


async def test_a_page_nobody_sends_is_broken_after_a_minute(tmp_path: Path) -> None:
    """The engine stands still, so no receipt ever comes: it counts once all the same, and what comes later is seen."""
    async with World.open(tmp_path) as world:
        vigil = world.house.vigil
        await vigil.look()
        await world.house.desk.declare("It is down", Severity.SEV1, "visits", "a call", await world.who("ben"))
        for seconds in (15, 30, 45, 60):
            world.clock.forward(seconds=15)
            await vigil.look()
            assert counted(vigil.vitals, PAGES) == (0, 0), seconds
        world.clock.forward(seconds=15)
        await vigil.look()
        await vigil.look()
        assert counted(vigil.vitals, PAGES) == (1, 1)
        await world.settle()
        await vigil.look()
        assert world.phone.pages
        assert counted(vigil.vitals, PAGES) == (1, 1)
        assert 'tocsin_page_delay_seconds_bucket{le="120.0"} 1.0' in vigil.vitals.text().decode()


async def test_a_page_made_needless_is_no_promise(tmp_path: Path) -> None:
    """Acknowledged before the next level fell due: nothing was owed any more."""
    async with World.open(tmp_path) as world:
        await world.house.vigil.look()
        await world.healthy()
        await world.broken()
        await world.say(Acknowledge(), "ana")
        for _ in range(10):
            await world.round(seconds=60)
            await world.house.vigil.look()
        assert counted(world.house.vigil.vitals, PAGES) == (1, 0)


async def test_what_was_paged_before_a_restart_is_not_counted_again(tmp_path: Path) -> None:
    """The counters begin at zero, and the first reading of the log is where they begin."""
    async with World.open(tmp_path) as world:
        await world.house.vigil.look()
        await world.healthy()
        await world.broken()
        await world.house.vigil.look()
        await world.restart()
        await world.house.vigil.look()
        await world.house.vigil.look()
        assert counted(world.house.vigil.vitals, PAGES) == (0, 0)


async def test_a_broken_promise_is_an_incident_like_any_other(tmp_path: Path) -> None:
    """Polls that never come again burn the budget; the bot pages for itself, says how fast, and a healthy hour ends it."""
    async with World.open(tmp_path, admins=("max",)) as world:
        vigil = world.house.vigil
        vigil.vitals.every = timedelta(seconds=15)

        async def minutes(count: int, *, polls: bool) -> None:
            for _ in range(4 * count):
                if polls:
                    vigil.vitals.poll_began()
                world.clock.forward(seconds=15)
                await vigil.look()
            await world.house.reconciler.everything()
            await world.settle()

        await minutes(10, polls=True)
        assert not await world.house.desk.open_incidents()
        await minutes(12, polls=False)
        (incident,) = [each async for each in _open(world)]
        assert (incident.service, incident.slo, incident.fingerprint) == ("tocsin", "tocsin-polls", "slo/tocsin-polls")
        assert [who for who, _key in world.phone.pages] == ["max"]
        (polls,) = [each for each in vigil.promises() if each.name == "tocsin-polls"]
        assert polls.state == "breached"
        assert polls.burn["5m"] == pytest.approx(100)
        text = vigil.vitals.text().decode()
        assert 'tocsin_slo_burn_rate{slo="polls",window="5m"} 100.0' in text
        await minutes(70, polls=True)
        (incident,) = [each async for each in _open(world)]
        assert incident.mitigated is not None


async def _open(world: World):
    for name in await world.house.desk.log.open_ids():
        yield await world.incident(name)


async def test_the_budget_survives_a_restart(tmp_path: Path) -> None:
    """What was broken before is not forgiven by starting anew: the ledger is kept beside that of everything else."""
    async with World.open(tmp_path) as world:
        for _ in range(20):
            world.house.vigil.vitals.count(POLLS, kept=3, broken=1)
            world.clock.forward(seconds=15)
            await world.house.vigil.look()
        before = {each.name: each.burn["1h"] for each in world.house.vigil.promises()}
        assert before["tocsin-polls"]
        await world.house.vigil.close()
        await world.restart()
        await world.house.vigil.begin()
        world.clock.forward(seconds=15)
        await world.house.vigil.look()
        after = {each.name: each.burn["1h"] for each in world.house.vigil.promises()}
        assert after["tocsin-polls"] == pytest.approx(before["tocsin-polls"], rel=0.1)


async def test_a_silent_database_stops_no_counting(tmp_path: Path) -> None:
    """What can be counted without it is counted, and the rest with the next look."""
    async with World.open(tmp_path) as world:
        vigil = world.house.vigil
        vigil.vitals.poll_began()
        world.clock.forward(seconds=60)
        silence(world, 100, "open_ids", "load", "append", "holder")
        with pytest.raises(Unavailable):
            await world.house.desk.handler.log.open_ids()
        await vigil.look()
        assert counted(vigil.vitals, POLLS)[1] > 0
