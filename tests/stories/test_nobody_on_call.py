"""Nights on which nobody is on call: somebody is paged all the same, it is said why them, and it goes on until one answers."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

from bot.config.alerts import AlertSource
from bot.domain.ahead import ahead, loud_words
from bot.domain.alert import Alert
from bot.domain.incident import Incident
from bot.domain.lifecycle import Declare
from bot.domain.paging import Acknowledge
from bot.domain.policy import Severity, Urgency
from bot.engine.deliveries import Deliveries
from bot.engine.vitals import PAGES, Vitals
from bot.intake.sender import Bearer, Sender
from bot.rota.escalation import Escalation, Level
from bot.rota.rota import Layer, Override, Rota, Turn, Unit
from tests.engine.test_roster import Elsewhere
from tests.kit import NOON
from tests.stories.test_sender_silent import post
from tests.web.alerting import SECRET, am, am_alert
from tests.world import World, shipped

SENDER = AlertSource(Sender("prod", "alertmanager", Bearer(SECRET), frozenset({"visits"})))
UNSAID = "no service says who is on call for this"
VACANT = "nobody is on call for this now"
ENDED = Rota("ml", "UTC", (Layer("daily", (("ana",),), datetime(2026, 11, 1, 9, 0), Turn(1, Unit.DAYS),
                                 end=datetime(2026, 11, 20, 10, 0)),))  # fmt: skip
TO_MAX = Escalation("ml", (Level(("rota:ml",)),), end=("max",))


def escalated(rota: Rota = ENDED, climbed: Escalation = TO_MAX, **more: Any) -> Mapping[str, Any]:
    """The visits are paged by a rota that has ended two hours ago."""
    visits = replace(shipped().services["visits"], on_call=(), escalation="ml")
    services = {**shipped().services, "visits": visits}
    return {"rotas": {"ml": rota}, "escalations": {"ml": climbed}, "services": services, **more}


def paged(world: World) -> list[str]:
    """Whose phone rang, in order."""
    return [who for who, _key in world.phone.pages]


async def passes(world: World, minutes: float) -> None:
    """So many minutes go by, while all else is well and nobody answers."""
    for _ in range(round(minutes * 2)):
        world.traffic("poor", good=8, bad=2)
        world.traffic("good", good=80, bad=20)
        await world.round(seconds=30)


async def by_hand(world: World, service: str = "") -> Incident:
    """Somebody on the phone opens an incident."""
    now = world.clock.now()
    declare = Declare("answers are odd", Severity.SEV1, service, "a call", now, now)
    incident = await world.house.desk.handler.open(declare, by=(await world.who("ben")).person)
    await world.settle()
    return await world.incident(incident.id)


async def said(world: World, name: str = "INC-1") -> list[str]:
    """What the timeline says of nobody being there, and of nobody answering."""
    return [line for line in await world.lines(name) if line.startswith((UNSAID, VACANT, "nobody answered"))]


async def aloud(world: World, name: str = "INC-1") -> str:
    """What the incident's page says aloud of its pages."""
    situation = await world.house.desk.situation(name)
    desk = world.house.desk
    known = ahead(situation.incident, desk.handler.policy, await desk.ladder(situation.incident))
    assert known is not None
    return loud_words(known, situation.name, str)


# -- no service says it ----------------------------------------------------------------------------------------------


async def test_alerts_of_no_known_service_page_the_administrators(tmp_path: Path) -> None:
    """One names a service nobody catalogued, one names none: both page at once, and say in a sentence why Max."""
    async with World.open(tmp_path, alerts=(SENDER,), admins=("max",)) as world:
        unknown, none = am_alert("One", service="not-in-catalogue"), am_alert("Two")
        del none["labels"]["service"]
        await post(world.house, "prod", am(unknown, none))
        await world.house.intake.round()
        await world.settle()
        for name in ("INC-1", "INC-2"):
            incident = await world.incident(name)
            assert (incident.service, incident.severity, incident.urgency) == ("", Severity.SEV1, Urgency.PAGE)
            assert await said(world, name) == [f"{UNSAID}: Max Lindqvist is paged instead"]
        assert await aloud(world) == "No service says who is on call for this: Max Lindqvist is paged instead."
        await passes(world, 1)
        assert {key for _who, key in world.phone.pages} == {"page:INC-1:s0", "page:INC-2:s0"} or paged(world)
        assert set(paged(world)) == {"max"}
        assert world.phone.said[0].text.startswith(f"You are paged because {UNSAID}.")
        for name in ("INC-1", "INC-2"):
            assert [page.reached for page in (await world.incident(name)).pages.values()] == [True]
            await world.say(Acknowledge(), "max", name)
        rung = len(world.phone.pages)
        await passes(world, 40)
        assert len(world.phone.pages) == rung


async def test_what_tocsin_yaml_says_goes_before_the_administrators(tmp_path: Path) -> None:
    """Its own on_call is climbed level by level; only where nobody of it is there, the administrators are."""
    given = {"on_call": Escalation.of("instead", ("ana", "ben")), "admins": ("max",)}
    async with World.open(tmp_path, **given) as world:
        await by_hand(world, "not-in-catalogue")
        await passes(world, 5)
        assert paged(world)[:2] == ["ana", "ben"]
        assert "max" not in paged(world)
        assert await said(world) == [f"{UNSAID}: Ana Aydin and Ben Okafor are paged instead"]
    given = {"on_call": Escalation.of("instead", ("rota:ml",)), "admins": ("max",), "rotas": {"ml": ENDED}}
    (tmp_path / "other").mkdir()
    async with World.open(tmp_path / "other", **given) as world:
        await by_hand(world)
        assert paged(world) == ["max"]


async def test_a_service_with_nobody_on_call_is_paged_for_as_well(tmp_path: Path) -> None:
    """Its file names nobody: the same people, the same sentence."""
    services = {"visits": replace(shipped().services["visits"], on_call=())}
    async with World.open(tmp_path, services=services, admins=("max",)) as world:
        await by_hand(world, "visits")
        assert paged(world) == ["max"]
        assert await said(world) == [f"{UNSAID}: Max Lindqvist is paged instead"]


async def test_a_storm_of_nothing_that_is_known_pages_somebody(tmp_path: Path) -> None:
    """Sixty mild alerts without a service: the umbrella has none either, and pages the administrator, once."""
    async with World.open(tmp_path, admins=("max",)) as world:
        now = world.clock.now()
        told = [Alert("am", f"n{n}", now, None, f"node {n} is gone", "", 3) for n in range(60)]
        await world.house.inbox.accept(told)
        await world.house.intake.round()
        await passes(world, 1)
        (umbrella,) = [each for each in await world.house.desk.open_incidents() if each.storm is not None]
        assert umbrella.service == ""
        assert [page.person for page in umbrella.pages.values()] == [(await world.who("max")).id]
        silent = [each for each in await world.house.desk.open_incidents() if each.is_silent]
        assert silent
        assert not [each for each in silent if each.pages or each.nobody]


async def test_where_nobody_is_there_at_all_the_incident_says_so_and_the_promise_is_broken(tmp_path: Path) -> None:
    """No admins and nobody on call: a line, aloud on its page, and one page that did not go out within a minute."""
    async with World.open(tmp_path) as world:
        house = world.house
        vitals = Vitals(world.clock)
        deliveries = Deliveries(
            house.desk.handler.log, house.desk.handler.legible, world.clock, vitals, house.reconciler.owing
        )
        await deliveries.look()
        await by_hand(world)
        assert await said(world) == [f"{UNSAID}, and nobody could be paged instead"]
        assert "nobody could be paged instead. Page somebody by name." in await aloud(world)
        await passes(world, 1)
        await deliveries.look()
        assert counted(vitals) == (0, 0)
        for _ in range(3):
            await passes(world, 1)
            await deliveries.look()
            assert counted(vitals) == (1, 1), "once, however long it lasts"


def counted(vitals: Vitals) -> tuple[int, int]:
    """How many pages were promised, and how many came too late or not at all."""
    found = vitals.samples(["tocsin_slo_events_total", "tocsin_slo_errors_total"])
    mine = {name: value for name, labels, value in found if labels["slo"] == PAGES.name}
    return int(mine["tocsin_slo_events_total"]), int(mine["tocsin_slo_errors_total"])


async def test_a_restart_says_and_pages_nothing_twice(tmp_path: Path) -> None:
    """Killed right after; then it climbs on by the administrators' turns, where it stood."""
    given = {"admins": ("max", "cleo")}
    async with World.open(tmp_path, **given) as world:
        await by_hand(world)
        assert paged(world) == ["max"]
        await world.crash(**given)
        await world.settle()
        assert paged(world) == ["max"]
        await passes(world, 2.5)
        assert paged(world) == ["max", "cleo"], "after two minutes, as SEV1 has it"
        assert len(await said(world)) == 1


# -- nobody stands on the escalation ---------------------------------------------------------------------------------


async def test_an_escalation_on_which_nobody_stands_pages_its_end_at_once(tmp_path: Path) -> None:
    """The rota ended: Max is paged with the first look, then the administrator, and after the rounds it is said aloud."""
    async with World.open(tmp_path, **escalated(admins=("cleo",))) as world:
        await by_hand(world, "visits")
        assert paged(world) == ["max"]
        assert await said(world) == [f"{VACANT}: Max Lindqvist and Cleo Marchetti are paged instead"]
        assert world.phone.said[0].text.startswith(f"You are paged because {VACANT}.")
        await passes(world, 3)
        assert paged(world) == ["max", "cleo"]
        await passes(world, 12)
        assert paged(world)[:6] == ["max", "cleo"] * 3
        assert (await said(world))[1:] == ["nobody answered: everybody on the escalation was paged 3 times"]
        await world.say(Acknowledge(), "max")
        rung = len(world.phone.pages)
        await passes(world, 30)
        assert len(world.phone.pages) == rung


async def test_without_an_end_the_administrators_are_paged(tmp_path: Path) -> None:
    """The same where the end itself is a rota on which nobody stands."""
    for number, end in enumerate([(), ("rota:ml",)]):
        folder = tmp_path / str(number)
        folder.mkdir()
        climbed = replace(TO_MAX, end=end)
        async with World.open(folder, **escalated(climbed=climbed, admins=("cleo",))) as world:
            await by_hand(world, "visits")
            assert paged(world) == ["cleo"]
            assert await said(world) == [f"{VACANT}: Cleo Marchetti is paged instead"]


async def test_a_schedule_that_never_answered_is_nobody_on_call(tmp_path: Path) -> None:
    """Nobody can tell who would be: the end is paged, and once the schedule answers, whoever is on call as well."""
    climbed = Escalation("ml", (Level(("rota:nights",)),), end=("max",))
    given = escalated(climbed=climbed, rotas={}, schedules={})
    async with World.open(tmp_path, **given) as world:
        plans = world.house.desk.roster.plans
        world.house.desk.roster.plans = replace(plans, elsewhere={"nights": Elsewhere()})
        await by_hand(world, "visits")
        assert paged(world) == ["max"]
        assert await said(world) == [f"{VACANT}: Max Lindqvist is paged instead"]


async def test_whoever_comes_on_call_before_the_end_was_told_is_paged_in_its_place(tmp_path: Path) -> None:
    """No channel works for three minutes; then Ana's shift begins: she is paged, and Max hears of it at the end alone."""
    back = replace(ENDED, overrides=(Override(NOON + timedelta(minutes=3), NOON + timedelta(days=1), "ana"),))
    async with World.open(tmp_path, **escalated(back)) as world:
        world.phone.dead = "no carrier"
        await by_hand(world, "visits")
        await passes(world, 2)
        await world.crash(**escalated(back))
        await passes(world, 1.5)
        world.phone.dead = ""
        await passes(world, 1)
        assert paged(world) == ["ana"]
        await passes(world, 4)
        assert paged(world) == ["ana"] * 3, "rounds of her own"
        await passes(world, 2)
        assert paged(world)[:3] == ["ana"] * 3
        assert sorted(paged(world)[3:]) == ["ana", "max"], "nobody answered: with the last call the end is told"
        assert (await said(world)) == [
            f"{VACANT}: Max Lindqvist is paged instead",
            "nobody answered: everybody on the escalation was paged 3 times",
        ]


async def test_whoever_comes_on_call_later_is_paged_although_another_was_in_their_place(tmp_path: Path) -> None:
    """Max was paged at once and does not answer; Ana is paged as her shift begins, not a round later."""
    back = replace(ENDED, overrides=(Override(NOON + timedelta(minutes=1), NOON + timedelta(days=1), "ana"),))
    async with World.open(tmp_path, **escalated(back)) as world:
        await by_hand(world, "visits")
        assert paged(world) == ["max"]
        await passes(world, 1.5)
        assert paged(world) == ["max", "ana"]
