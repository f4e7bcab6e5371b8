"""Accepted alerts become incidents: once, whatever dies meanwhile, and none stops another. On the SQLite store."""

from __future__ import annotations

import contextlib
import random
from collections.abc import AsyncIterator
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest

from bot.domain.alert import Alert
from bot.domain.errors import Unavailable
from bot.domain.grouping import Window
from bot.domain.incident import Incident
from bot.domain.lifecycle import Resolve
from bot.domain.log import Command
from bot.domain.noise import AlertRules, StormRules
from bot.domain.paging import Acknowledge
from bot.domain.phase import Phase
from bot.domain.policy import Policy
from bot.domain.service import Service
from bot.engine.handle import Handler
from bot.engine.intake import Intake
from bot.engine.joining import merge, split
from bot.engine.storm import Storm
from bot.store import Store
from tests.edge import Watch
from tests.inbox import Inbox, alert
from tests.kit import ANA, NOON

SERVICES = {
    name: Service(name, name, "team", channel, tier=tier, depends_on=depends_on)
    for name, channel, tier, depends_on in (
        ("visits", "visits", 1, ("db",)),
        ("db", "data", 2, ()),
        ("gate", "edge", 2, ()),
        ("mail", "mail", 3, ()),
    )
}
CALM = Policy(storm=StormRules(incidents_per_minute=100_000))


class Leads:
    """Always this one."""

    async def holds(self) -> bool:
        return True


class Killed(BaseException):
    """The process dies here."""


class Site:
    """A store, an inbox, and whoever takes in; `restart` forgets everything but these two."""

    def __init__(self, store: Store, clock: Watch, policy: Policy, windows: tuple[Window, ...] = ()) -> None:
        self.store, self.clock, self.policy, self.windows = store, clock, policy, windows
        self.inbox = Inbox(clock)
        self.restart()

    def restart(self) -> None:
        self.handler = Handler(self.store.log, self.clock, self.policy)
        self.storm = Storm(self.handler, SERVICES)
        self.intake = Intake(self.inbox, self.handler, SERVICES, self.storm, Leads(), self.windows)

    async def tell(self, *alerts: Alert) -> None:
        await self.inbox.accept(alerts)
        await self.intake.round()

    async def every(self) -> list[Incident]:
        found = [await self.store.log.load(each.id) for each in await self.store.log.summaries(limit=5000)]
        return sorted(found, key=lambda each: int(each.id.split("-")[1]))

    async def open(self) -> list[Incident]:
        return [each for each in await self.every() if each.is_open]

    async def firing(self) -> set[frozenset[str]]:
        """The open incidents as sets of the alerts that fire in them."""
        sets = [frozenset(key for key, one in each.alerts.items() if one.firing) for each in await self.open()]
        return {each for each in sets if each}


@contextlib.asynccontextmanager
async def site(
    folder: Path, policy: Policy = CALM, windows: tuple[Window, ...] = (), name: str = "t"
) -> AsyncIterator[Site]:
    clock = Watch()
    async with await Store.open(f"sqlite:///{folder / name}.db", clock) as store:
        yield Site(store, clock, policy, windows)


async def test_an_alert_that_always_fires_opens_nothing(tmp_path: Path) -> None:
    """Kept before anybody said that it is a watchdog: it opens nothing any more; what it opened ends with it."""
    async with site(tmp_path) as here:
        await here.tell(alert("dog"))
        (before,) = await here.open()

        def no_news(one: Alert) -> bool:
            return one.fingerprint in {"dog", "watch"}

        here.intake = Intake(here.inbox, here.handler, SERVICES, here.storm, Leads(), no_news=no_news)
        await here.tell(alert("watch", service="gate"), alert("c", service="gate"))
        assert [set(each.alerts) for each in await here.open()] == [{"alert/am/dog"}, {"alert/am/c"}]
        await here.tell(alert("dog", over=3))
        assert (await here.store.log.load(before.id)).phase is Phase.MITIGATED


async def test_alerts_become_incidents_and_end_them(tmp_path: Path) -> None:
    """One of a service, another service's own; what is over is over; nothing is read twice."""
    async with site(tmp_path) as here:
        await here.tell(alert("a"), alert("b", minutes=1), alert("c", service="gate"))
        one, two = await here.open()
        assert (set(one.alerts), set(two.alerts)) == ({"alert/am/a", "alert/am/b"}, {"alert/am/c"})
        assert await here.intake.round() == 0
        await here.tell(alert("a", over=3), alert("b", minutes=1, over=4))
        one, two = await here.open()
        assert (one.phase, two.phase) == (Phase.MITIGATED, Phase.DECLARED)
        before = one.seq
        await here.tell(alert("a", over=3))
        assert (await here.store.log.load(one.id)).seq == before


async def test_an_alert_that_was_over_before_anybody_heard_opens_nothing(tmp_path: Path) -> None:
    """Nobody is woken for what is over; should it fire again, that is an incident."""
    async with site(tmp_path) as here:
        await here.tell(alert("a", over=1))
        assert await here.every() == []
        await here.tell(alert("a", minutes=2))
        assert len(await here.open()) == 1


async def test_the_cause_takes_in_what_depends_on_it(tmp_path: Path) -> None:
    """The consequence opened first, its incident points to the cause's, which has both alerts."""
    async with site(tmp_path) as here:
        await here.tell(alert("a", service="visits"))
        await here.tell(alert("b", service="db", minutes=1))
        first, second = await here.every()
        assert (first.phase, first.merged_into) == (Phase.RESOLVED, second.id)
        assert set(second.alerts) == {"alert/am/a", "alert/am/b"}
        assert second.merged == (first.id,)
        await here.tell(alert("a", service="visits", over=3))
        assert not (await here.store.log.load(second.id)).alerts["alert/am/a"].firing


async def test_what_a_person_resolved_does_not_open_anew(tmp_path: Path) -> None:
    """The same episode told again stays with whoever resolved it; the next episode is news."""
    async with site(tmp_path) as here:
        await here.tell(alert("a"))
        await here.handler.submit("INC-1", Resolve("known", waive="being retired"), by=ANA)
        await here.tell(alert("a", title="other words", severity=1))
        here.restart()
        await here.intake.round()
        assert await here.open() == []
        await here.tell(alert("a", minutes=30))
        assert [each.id for each in await here.open()] == ["INC-2"]


@pytest.mark.parametrize("at_write", range(1, 9))
async def test_killed_anywhere_it_goes_on_where_it_stopped(tmp_path: Path, at_write: int) -> None:
    """Whatever was written last: after the restart every alert has one incident, and none is told twice."""
    told = [alert("a"), alert("b", service="gate"), alert("c", service="mail"), alert("d", minutes=1)]
    more = [alert("a", over=2), alert("e", service="db", minutes=1), alert("b", service="gate", minutes=3)]

    async def go(here: Site, alive: bool = True) -> None:
        written = 0
        append, advance = here.store.log.append, here.inbox.advance

        async def dying(*given, **more_given):
            nonlocal written
            after = await append(*given, **more_given)
            written += 1
            if not alive and written == at_write:
                raise Killed
            return after

        async def lost(seq: int) -> None:
            nonlocal written
            written += 1
            if not alive and written == at_write:
                raise Killed
            await advance(seq)

        here.store.log.append, here.inbox.advance = dying, lost
        try:
            for batch in (told, more):
                await here.inbox.accept(batch)
                with contextlib.suppress(Killed):
                    await here.intake.round()
                if not alive and written >= at_write:
                    here.store.log.append, here.inbox.advance = append, advance
                    here.restart()
                    await here.intake.round()
                    written, alive = -1000, True
        finally:
            here.store.log.append, here.inbox.advance = append, advance

    async with site(tmp_path, name="whole") as whole, site(tmp_path, name="killed") as killed:
        await go(whole)
        await go(killed, alive=False)
        assert await killed.firing() == await whole.firing()
        assert {tuple(sorted(each.alerts)) for each in await killed.open()} == {
            tuple(sorted(each.alerts)) for each in await whole.open()
        }
        times = {key: one.times for each in await killed.open() for key, one in each.alerts.items()}
        assert times["alert/am/b"] == 2
        assert all(number == 1 for key, number in times.items() if key != "alert/am/b")


async def test_two_at_once_open_one_incident_per_alert(tmp_path: Path) -> None:
    """Both replicas believe they lead: claims settle it, and both come to rest."""
    async with site(tmp_path) as here:
        handler = Handler(here.store.log, here.clock, here.policy)
        other = Intake(here.inbox, handler, SERVICES, Storm(handler, SERVICES), Leads())
        await here.inbox.accept([alert(f"n{n}", service="") for n in range(40)] + [alert("a"), alert("b")])
        import asyncio

        for _ in range(3):
            await asyncio.gather(here.intake.round(), other.round(), return_exceptions=True)
        await here.intake.round()
        keys = [key for each in await here.open() for key in each.alerts]
        assert sorted(keys) == sorted({each.alert.key for each in here.inbox.rows.values()})
        assert not here.intake.aside
        assert not other.aside


class Poisoned(Handler):
    """The rules break over one alert."""

    async def submit(self, incident: str, command: Command, **given) -> Incident:
        alerts = getattr(command, "alerts", ())
        if any(getattr(each, "fingerprint", "") == "bad" for each in alerts):
            raise ZeroDivisionError("cannot be judged")
        return await super().submit(incident, command, **given)


@pytest.mark.parametrize("service", ["visits", "gate"])
async def test_a_poisonous_alert_stops_nobody_else(tmp_path: Path, service: str) -> None:
    """Three tries, then it is put aside, an incident says so, and all others are taken in."""
    async with site(tmp_path) as here:
        here.handler = Poisoned(here.store.log, here.clock, here.policy)
        here.intake = Intake(here.inbox, here.handler, SERVICES, Storm(here.handler, SERVICES), Leads())
        told = [alert(f"n{n}", minutes=n / 10) for n in range(5)]
        await here.tell(*told, alert("bad", service=service), alert("x", service="mail"))
        titles = {each.title for each in await here.open()}
        assert "An alert of am could not be taken in" in titles
        keys = {key for each in await here.open() for key in each.alerts}
        assert keys == {one.key for one in told} | {"alert/am/x"}
        (aside,) = here.intake.aside.values()
        assert (aside.alert.fingerprint, aside.because) == ("bad", "cannot be judged")
        assert await here.intake.round() == 0
        assert len(await here.open()) == 3


async def test_words_no_database_keeps_stop_nobody(tmp_path: Path) -> None:
    """Half a letter in a title is put aside like anything else that breaks."""
    async with site(tmp_path) as here:
        await here.tell(alert("bad", title="\ud800"), alert("good", service="gate"))
        keys = {key for each in await here.open() for key in each.alerts}
        assert "alert/am/good" in keys


async def test_a_silent_database_loses_nothing(tmp_path: Path) -> None:
    """The round fails, the cursor stays, and the next round does it all."""
    async with site(tmp_path) as here:
        await here.intake.round()
        await here.inbox.accept([alert("a"), alert("b", service="gate")])
        append = here.store.log.append

        async def silent(*_given, **_more):
            raise Unavailable("the database", "no answer within 1.5 s")

        here.store.log.append = silent
        with pytest.raises(Unavailable):
            await here.intake.round()
        here.store.log.append = append
        assert await here.intake.round() == 2
        assert len(await here.open()) == 2
        assert not here.intake.aside


async def test_planned_work_holds_alerts_and_lets_them_go(tmp_path: Path) -> None:
    """Shown as held with window and owner; what fires at its end opens, what is over does not; a restart knows."""
    window = Window(NOON, NOON + timedelta(hours=1), frozenset({"visits"}), "database upgrade", "ana")
    async with site(tmp_path, windows=(window,)) as here:
        await here.tell(alert("a"), alert("b"), alert("c", service="gate"))
        assert [set(each.alerts) for each in await here.open()] == [{"alert/am/c"}]
        held = here.intake.held["alert/am/a"]
        assert (held.window.owner, held.window.because, held.alert.title) == ("ana", "database upgrade", "a is broken")
        await here.tell(alert("b", over=9))
        assert set(here.intake.held) == {"alert/am/a"}
        here.restart()
        here.clock.forward(minutes=30)
        await here.intake.round()
        assert set(here.intake.held) == {"alert/am/a"}
        here.clock.forward(minutes=30)
        await here.intake.round()
        assert here.intake.held == {}
        assert {key for each in await here.open() for key in each.alerts} == {"alert/am/a", "alert/am/c"}


async def test_what_people_merged_stays_merged(tmp_path: Path) -> None:
    """Further messages of its alerts go to the other; both logs say so; a second click changes nothing."""
    async with site(tmp_path) as here:
        await here.tell(alert("a"), alert("b", service="gate"))
        for _ in range(2):
            await merge(here.handler, "INC-1", "INC-2", "same cause", by=ANA, inbound="click-1")
        await here.tell(alert("a", over=2))
        await here.tell(alert("a", minutes=9))
        first, second = await here.every()
        assert (first.phase, first.merged_into, second.merged) == (Phase.RESOLVED, "INC-2", ("INC-1",))
        assert second.alerts["alert/am/a"].times == 2
        entries = await here.store.log.entries("INC-2")
        assert sum(1 for each in entries if type(each.event).__name__ == "IncidentTakenIn") == 1


async def test_a_crash_between_the_halves_of_a_merge_is_healed(tmp_path: Path) -> None:
    """The first has its pointer and the second never heard: at the next start the alerts go where it points."""
    async with site(tmp_path) as here:
        await here.tell(alert("a"), alert("b", service="gate"))
        from bot.domain.merging import MergeInto

        await here.handler.submit("INC-1", MergeInto("INC-2"), by=ANA)
        here.restart()
        await here.intake.round()
        assert await here.firing() == {frozenset({"alert/am/a", "alert/am/b"})}


async def test_what_people_split_stays_split(tmp_path: Path) -> None:
    """The new incident goes on with the alerts; whoever splits an incident in hand has both in hand."""
    async with site(tmp_path) as here:
        await here.tell(alert("a"), alert("b"), alert("c"))
        await here.handler.submit("INC-1", Acknowledge(), by=ANA)
        new = await split(here.handler, "INC-1", ["alert/am/b"], "another disk", by=ANA, inbound="click-1")
        again = await split(here.handler, "INC-1", ["alert/am/b"], "another disk", by=ANA, inbound="click-1")
        assert (new.id, again.id, new.acknowledged_by) == ("INC-2", "INC-2", "ana")
        await here.tell(alert("b", over=4), alert("a", over=4))
        first, second = await here.every()
        assert (set(first.alerts), set(second.alerts)) == ({"alert/am/a", "alert/am/c"}, {"alert/am/b"})
        assert second.phase is Phase.MITIGATED
        assert first.is_open


async def test_the_same_messages_in_any_order_end_alike(tmp_path: Path) -> None:
    """Eight orders of 120 messages with a restart in each: the same open incidents, up to their ids."""
    dice = random.Random(11)
    told = []
    for number in range(60):
        one = alert(
            f"n{number}", minutes=dice.uniform(0, 60), service=dice.choice(["visits", "db", "gate", "mail", ""])
        )
        told.append(one)
        if dice.random() < 0.5:
            told.append(replace(one, ends=one.starts + timedelta(minutes=dice.uniform(0, 9))))
        if dice.random() < 0.3:
            told.append(replace(one, starts=one.starts + timedelta(minutes=dice.uniform(10, 30))))
    ends = []
    quiet = replace(CALM, alerts=AlertRules(flaps=19))
    for turn in range(8):
        order = told + dice.sample(told, 40)
        dice.shuffle(order)
        async with site(tmp_path, quiet, name=f"order{turn}") as here:
            restart = dice.randrange(len(order))
            for place in range(0, len(order), 15):
                if place <= restart < place + 15:
                    here.restart()
                await here.tell(*order[place : place + 15])
            fires = {key for one in await here.firing() for key in one}
            newest = await here.inbox.newest({one.key for one in told})
            assert fires == {key for key, one in newest.items() if one.firing}
            ends.append(len([key for each in await here.open() for key, one in each.alerts.items() if one.firing]))
    assert len(set(ends)) == 1
