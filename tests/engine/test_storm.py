"""A storm as it is lived through: one umbrella, critical incidents at once, few channels, an end, and nothing dropped."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from pathlib import Path

from bot.domain.alert import Alert
from bot.domain.lifecycle import Declare, Resolve
from bot.domain.noise import AlertRules, StormRules
from bot.domain.paging import Acknowledge
from bot.domain.phase import Phase
from bot.domain.policy import Policy, Severity
from bot.domain.promotion import HOME
from bot.domain.storm import StormBegan, StormEnded
from tests.engine.test_intake import Killed, Site, site
from tests.inbox import alert
from tests.kit import ANA, NOON

RULES = Policy(storm=StormRules(incidents_per_minute=20))


def many(number: int, start: int = 0, **changes: object) -> list[Alert]:
    """So many alerts that belong to no service, each an incident of its own."""
    return [alert(f"n{start + n}", **{"service": "", "severity": 3, **changes}) for n in range(number)]


async def umbrella(here: Site):
    assert here.storm.umbrella
    return await here.store.log.load(here.storm.umbrella)


async def children(here: Site):
    return [each for each in await here.every() if each.umbrella]


async def test_above_the_rate_one_umbrella_stands_for_all(tmp_path: Path) -> None:
    """What came before keeps its card; what comes from then on is a child without one, and none is lost."""
    async with site(tmp_path, RULES) as here:
        await here.tell(*many(20))
        assert not here.storm.storms
        await here.tell(*many(80, 20))
        assert here.storm.storms
        above = await umbrella(here)
        assert (above.title, above.fingerprint) == ("Alert storm", "storm")
        assert "100 new incidents within a minute, more than 20" in above.because
        found = await children(here)
        assert len(found) == 80
        assert all(each.is_silent and each.umbrella == above.id for each in found)
        assert len(await here.open()) == 101


async def test_a_storm_in_one_batch_has_no_twenty_cards_first(tmp_path: Path) -> None:
    """The rate is looked at before anything is opened."""
    async with site(tmp_path, RULES) as here:
        await here.tell(*many(300))
        assert len(await children(here)) == 300
        entries = await here.store.log.entries(here.storm.umbrella)
        assert sum(isinstance(each.event, StormBegan) for each in entries) == 1


async def test_alerts_of_open_incidents_attach_and_open_nothing(tmp_path: Path) -> None:
    """Also in a storm: one open incident per alert, and children of one service are one."""
    async with site(tmp_path, RULES) as here:
        await here.tell(*many(60))
        before = len(await here.every())
        await here.tell(*many(60, severity=2))
        await here.tell(*[alert(f"g{n}", service="gate", severity=3) for n in range(50)])
        assert len(await here.every()) == before + 1


async def test_critical_children_are_shown_at_once_in_few_channels(tmp_path: Path) -> None:
    """Severity 1, or 2 of a tier-1 service: a card each; beyond three channels in the umbrella's own."""
    async with site(tmp_path, RULES) as here:
        told = many(40)
        told += [alert("v", service="visits", severity=2), alert("g", service="gate", severity=2)]
        told += [alert(name, service=name, severity=1, minutes=9) for name in ("db", "mail")]
        await here.tell(*told)
        by_service = {each.service: each for each in await children(here) if each.service}
        assert {name for name, each in by_service.items() if not each.is_silent} == {"visits", "db", "mail"}
        places = {name: each.card_channel for name, each in by_service.items() if not each.is_silent}
        own = {name for name, place in places.items() if place == ""}
        above = await umbrella(here)
        assert len(own | {above.service}) <= 3
        home = {"visits": "visits", "db": "data", "gate": "edge", "mail": "mail"}.get(above.service, HOME)
        assert {place for place in places.values() if place} <= {home}


async def test_a_child_that_becomes_critical_gets_its_card(tmp_path: Path) -> None:
    """A worse alert joins it, or its own becomes worse."""
    async with site(tmp_path, RULES) as here:
        await here.tell(*many(40))
        await here.tell(replace(many(1)[0], severity=1))
        loud = [each for each in await children(here) if not each.is_silent]
        assert [each.severity for each in loud] == [Severity.SEV1]


async def calm(here: Site, minutes: int) -> None:
    """Let time pass, with a look every ten seconds."""
    for _ in range(minutes * 6):
        here.clock.forward(seconds=10)
        await here.intake.round()


async def test_it_is_over_after_five_quiet_minutes_and_says_so(tmp_path: Path) -> None:
    """The end is an entry with numbers; then incidents have cards again; the umbrella waits for its children."""
    async with site(tmp_path, RULES) as here:
        await here.tell(*many(100))
        name = here.storm.umbrella
        await calm(here, 5)
        assert here.storm.storms
        await calm(here, 2)
        assert not here.storm.storms
        (end,) = [each for each in await here.store.log.entries(name) if isinstance(each.event, StormEnded)]
        assert (end.event.incidents, end.event.open) == (100, 100)
        await here.tell(*many(1, 500))
        assert not (await here.every())[-1].umbrella
        assert len([each for each in await children(here) if each.is_silent]) == 100
        await calm(here, 15)
        assert (await here.store.log.load(name)).phase is Phase.MITIGATED  # its children are still open


async def test_an_umbrella_nobody_took_ends_with_its_children(tmp_path: Path) -> None:
    """Once every incident of the storm is over, so is it; one that somebody took is theirs to resolve."""
    for taken in (False, True):
        async with site(tmp_path, RULES, name=f"taken-{taken}") as here:
            await here.tell(*many(40))
            name = here.storm.umbrella
            if taken:
                await here.handler.submit(name, Acknowledge(), by=ANA)
            for each in await children(here):
                await here.handler.submit(each.id, Resolve("over", waive="known"), by=ANA)
            await calm(here, 20)
            assert (await here.store.log.load(name)).is_open is taken


async def test_a_storm_that_comes_back_has_the_same_umbrella(tmp_path: Path) -> None:
    """One is open at most; resolved, the next storm has a new one."""
    async with site(tmp_path, RULES) as here:
        await here.tell(*many(40))
        name = here.storm.umbrella
        await calm(here, 8)
        await here.tell(*many(40, 100))
        assert here.storm.umbrella == name
        assert (await umbrella(here)).returns == 1
        await here.handler.submit(name, Resolve("enough"), by=ANA)
        await calm(here, 2)
        await here.tell(*many(40, 200))
        assert here.storm.umbrella != name


async def test_a_restart_in_a_storm_goes_on_in_it(tmp_path: Path) -> None:
    """The umbrella, the rate and the channels touched stand in the log; a second one is not opened."""
    async with site(tmp_path, RULES) as here:
        await here.tell(*many(40), alert("d", service="db", severity=1), alert("m", service="mail", severity=1))
        name, channels = here.storm.umbrella, here.storm._channels
        here.restart()
        await here.tell(*many(10, 100))
        assert (here.storm.umbrella, here.storm.storms) == (name, True)
        assert set(here.storm._channels) == set(channels)
        assert all(each.umbrella == name for each in (await here.every())[-10:])


async def test_killed_while_it_begins_it_begins_once(tmp_path: Path) -> None:
    """After the umbrella was declared and before it said that it storms: the next round says it, in the same one."""
    async with site(tmp_path, RULES) as here:
        await here.intake.round()
        append, written = here.store.log.append, []

        async def dying(incident, events, **given):
            after = await append(incident, events, **given)
            written.append(after.id)
            if len(written) == 1:
                raise Killed
            return after

        here.store.log.append = dying
        await here.inbox.accept(many(60))
        try:
            await here.intake.round()
        except Killed:
            here.restart()
        here.store.log.append = append
        await here.intake.round()
        umbrellas = [each for each in await here.every() if each.fingerprint == "storm"]
        assert len(umbrellas) == 1
        assert umbrellas[0].storm is not None
        assert len(await children(here)) == 60


async def test_a_digest_counts_what_is_in_the_log_and_names_nothing_restricted(tmp_path: Path) -> None:
    """By service and severity, the newest critical ones by name, and the rate; of restricted ones not even a number."""
    async with site(tmp_path, RULES) as here:
        await here.tell(*many(40), alert("d", service="db", severity=1, title="db is gone"))
        secret = Declare("payroll leaked", Severity.SEV1, "db", "b", NOON, NOON, restricted=True)
        await here.handler.open(secret)
        above = await umbrella(here)
        assert above.storm is not None
        digest = await here.store.log.digest(above.id, above.storm.since, here.clock.now())
        assert [(each.service, each.severity, each.incidents, each.open) for each in digest.counted] == [
            ("db", 1, 1, 1), ("", 3, 40, 40)]  # fmt: skip
        assert [each.title for each in digest.newest] == ["db is gone"]
        assert digest.per_minute == 41
        later = await here.store.log.digest(above.id, above.storm.since, here.clock.now() + timedelta(minutes=2))
        assert (later.per_minute, later.incidents) == (0, 41)


async def test_whose_people_lead_a_storm(tmp_path: Path) -> None:
    """The service of the configuration, else the busiest; a storm of tickets wakes nobody."""
    for given, severity, leads, urgency in (
        ("", 3, "gate", "page"),
        ("db", 3, "db", "page"),
        ("", 4, "gate", "ticket"),
    ):
        rules = replace(RULES, storm=replace(RULES.storm, service=given), alerts=AlertRules(together=timedelta(0)))
        async with site(tmp_path, rules, name=f"{given}{severity}") as here:
            told = [alert(f"g{n}", service="gate", severity=severity, minutes=n) for n in range(30)]
            await here.tell(*told, alert("m", service="mail", severity=severity))
            above = await umbrella(here)
            assert (above.service, str(above.urgency)) == (leads, urgency)
