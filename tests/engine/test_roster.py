"""Who is on call for everybody who asks: rotas, schedules as last told, covers, quiet hours, on a real store."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, time, timedelta
from pathlib import Path

import pytest

from bot.domain.errors import NotFound, RateLimited, Unavailable
from bot.domain.escalation import Rung
from bot.domain.incident import Incident
from bot.domain.nobody import Lack
from bot.domain.policy import Role, Severity
from bot.domain.quiet import QuietHours
from bot.engine.calling import Contact
from bot.engine.roster import Plans, Roster
from bot.engine.roster_ports import Cover
from bot.engine.schedules import EVERY, Schedules
from bot.engine.values import Profile
from bot.rota.escalation import Escalation, Level
from bot.rota.rota import Layer, Rota, Shift, Turn, Unit
from bot.store import Store
from tests.kit import NOON, given
from tests.store.conftest import HandClock, declared

HOUR, DAY = timedelta(hours=1), timedelta(days=1)
RESPONDER = frozenset({Role.RESPONDER})
PEOPLE = [
    Profile("", key, key.title(), RESPONDER, email=f"{key}@visits.example") for key in ("ana", "ben", "cleo", "dan")
]
ML = Rota(
    "ml",
    "Europe/Berlin",
    (Layer("daily", (("ana",), ("ben",)), datetime(2026, 11, 20, 9, 0), Turn(1, Unit.DAYS)),),
    title="ML platform",
)


@dataclass
class Provider:
    """A schedule kept elsewhere that says what it is told to, or nothing."""

    shifts_: list[Shift] = field(default_factory=list)
    trouble: Exception | None = None
    asked: list[tuple[datetime, datetime]] = field(default_factory=list)

    async def shifts(self, start: datetime, end: datetime) -> Sequence[Shift]:
        self.asked.append((start, end))
        if self.trouble is not None:
            raise self.trouble
        return [shift for shift in self.shifts_ if shift.start < end and shift.end > start]

    async def close(self) -> None: ...


@dataclass(frozen=True)
class Elsewhere:
    provider: str = "ical"
    title: str = "Nights"
    zone: str = "UTC"


@pytest.fixture
def clock() -> HandClock:
    return HandClock()


@pytest.fixture
async def store(tmp_path: Path, clock: HandClock) -> AsyncIterator[Store]:
    async with await Store.open(f"sqlite:///{tmp_path}/tocsin.db", clock) as opened:
        await opened.people.enrol(PEOPLE)
        yield opened


def roster(store: Store, clock: HandClock, provider: Provider | None = None, **plans: object) -> Roster:
    known = Plans(rotas={"ml": ML}, elsewhere={"nights": Elsewhere()} if provider else {})
    doors = {"nights": provider} if provider else {}
    return Roster(
        replace(known, **plans),
        store.people,
        clock,
        covers=store.covers,
        schedules=Schedules(doors, store.checkpoints, clock),
    )


async def ids(store: Store, *keys: str) -> tuple[str, ...]:
    return tuple([(await store.people.by_key(key)).id for key in keys])


async def keys(store: Store, people: Sequence[str]) -> list[str]:
    return [(await store.people.by_id(person)).key for person in people]


def escalation(*levels: Sequence[str], **how: object) -> dict[str, Escalation]:
    return {"loans": Escalation("loans", tuple(Level(tuple(level)) for level in levels), **how)}


async def test_who_is_on_call_with_the_whole_of_their_shift(store: Store, clock: HandClock) -> None:
    """At noon it is Ana since nine o'clock in Berlin, and Ben from tomorrow."""
    known = roster(store, clock)
    (ana,) = await known.who("ml")
    nine = datetime(2026, 11, 20, 8, 0, tzinfo=UTC)
    assert (ana.key, ana.name, ana.start, ana.end) == ("ana", "Ana", nine, nine + DAY)
    (ben,) = await known.who("ml", nine + DAY)
    assert (ben.key, ben.person) == ("ben", (await ids(store, "ben"))[0])
    assert [each.key for each in await known.shifts("ml", NOON, NOON + 3 * DAY)] == ["ana", "ben", "ana", "ben"]
    with pytest.raises(NotFound, match="ml"):
        await known.who("mll")


async def test_a_ladder_has_the_people_who_stand_on_it_now(store: Store, clock: HandClock) -> None:
    """Entries become people, several on a level, each once; how long a level has and who is told at the end go along."""
    levels = (Level(("rota:ml",), timedelta(minutes=2)), Level(("rota:ml", "cleo")))
    known = roster(store, clock, by_service={"loans": Escalation("x", levels, rounds=2, end=("dan",))})
    ladder = await known.ladder("loans")
    ana, cleo, dan = await ids(store, "ana", "cleo", "dan")
    assert ladder.rungs == (Rung((ana,), timedelta(minutes=2)), Rung((ana, cleo)))
    assert (ladder.rounds, ladder.end) == (2, (dan,))
    assert ladder.people == (ana, cleo) == await known.on_call("loans")
    clock.forward(hours=24)
    assert await keys(store, await known.on_call("loans")) == ["ben", "cleo"]
    assert await known.on_call("nothing") == ()


async def test_a_gap_is_a_level_of_nobody(store: Store, clock: HandClock) -> None:
    """The level stays, so that the next one is climbed at once; the same where a rota is not known at all."""
    ended = replace(ML, layers=(replace(ML.layers[0], end=datetime(2026, 11, 20, 10, 0)),))
    known = roster(store, clock, rotas={"ml": ended}, by_service=escalation(["rota:ml"], ["rota:gone"], ["ben"]))
    assert [len(rung.people) for rung in (await known.ladder("loans")).rungs] == [0, 0, 1]


def incident(service: str, **more: object) -> Incident:
    return Incident("INC-1", service=service, severity=Severity.SEV1, **more)


async def test_where_nobody_is_on_call_others_are_in_their_place(store: Store, clock: HandClock) -> None:
    """First the end, then what the house says, then the administrators; each level keeps its number whoever stands on it."""
    ended = replace(ML, layers=(replace(ML.layers[0], end=datetime(2026, 11, 20, 10, 0)),))
    house, admins = Escalation("house", (Level(("rota:ml",)), Level(("ben", "dan"))), 2, ("cleo",)), ("dan", "ana")
    plans = {"rotas": {"ml": ended}, "by_service": escalation(["rota:ml"], end=("dan",))}
    known = roster(store, clock, instead=(house, Escalation.of("admins", admins)), **plans)
    ladder = await known.ladder(incident("loans"))
    ana, ben, cleo, dan = await ids(store, "ana", "ben", "cleo", "dan")
    assert ladder.lack is Lack.VACANT
    assert [rung.people for rung in ladder.rungs] == [(dan,), (), (ben,), (), ()]
    assert (ladder.rounds, ladder.end, ladder.on_call) == (2, (cleo,), ())
    assert (await known.instead("loans"), await known.on_call("loans")) == ((dan, ben), ())
    ladder = await known.ladder(incident("unheard of"))
    assert ladder.lack is Lack.UNSAID
    assert [rung.people for rung in ladder.rungs] == [(), (), (ben, dan), (), ()]
    nobody = Escalation("house", (Level(("rota:ml",)),))
    known = roster(store, clock, instead=(nobody, Escalation.of("admins", admins)), **plans)
    ladder = await known.ladder(incident(""))
    assert [rung.people for rung in ladder.rungs] == [(), (), (dan,), (ana,)]
    assert (await known.ladder(incident("", umbrella="INC-9"))).people == (), "a silent one pages nobody"


async def test_whoever_is_on_call_needs_nobody_in_their_place(store: Store, clock: HandClock) -> None:
    """The house's people are neither paged nor on call for it; they hold no badge of theirs."""
    known = roster(store, clock, by_service=escalation(["rota:ml"]), instead=(Escalation.of("admins", ("dan",)),))
    ladder = await known.ladder(incident("loans"))
    assert (ladder.lack, ladder.people, ladder.on_call) == (None, await ids(store, "ana"), await ids(store, "ana"))
    assert await known.instead("loans") == ()
    assert await known.on_call("unheard of") == ()
    assert await known.instead("unheard of") == await ids(store, "dan")


async def test_whoever_is_unknown_is_left_out_and_reported(store: Store, clock: HandClock) -> None:
    """The others on the level are paged all the same."""
    known = roster(store, clock, by_service=escalation(["eve", "ben"]))
    assert await keys(store, await known.on_call("loans")) == ["ben"]
    assert known.unknown == ("eve",)


async def test_a_cover_counts_from_the_moment_it_is_taken(store: Store, clock: HandClock) -> None:
    """Asked for changes nothing; taken, pages come to the taker, and the one they stand in for is named."""
    known = roster(store, clock, by_service=escalation(["rota:ml"]))
    ana, cleo = await ids(store, "ana", "cleo")
    await store.covers.ask(Cover("c1", "ml", NOON + HOUR, NOON + 3 * HOUR, ana, asked_at=NOON))
    await known.reread()
    assert [each.key for each in await known.who("ml", NOON + 2 * HOUR)] == ["ana"]
    await store.covers.take("c1", cleo, NOON)
    await known.reread()
    assert [(each.key, each.instead_of) for each in await known.who("ml", NOON + 2 * HOUR)] == [("cleo", "Ana")]
    assert await known.on_call("loans", NOON + 2 * HOUR) == (cleo,)
    assert await known.on_call("loans", NOON + 3 * HOUR) == (ana,)
    shown = [(each.key, each.end - each.start) for each in await known.shifts("ml", NOON, NOON + 4 * HOUR)]
    assert shown == [("ana", HOUR), ("cleo", 2 * HOUR), ("ana", HOUR)]


async def test_a_schedule_kept_elsewhere_names_people_in_its_own_way(store: Store, clock: HandClock) -> None:
    """By mail address, by name, or by key; whoever is nobody of ours is told as they are called there."""
    shifts = [
        Shift("ANA@visits.example", NOON, NOON + HOUR),
        Shift("Ben", NOON, NOON + HOUR),
        Shift("cleo", NOON, NOON + HOUR),
        Shift("Zoe from the agency", NOON, NOON + HOUR),
    ]
    known = roster(store, clock, Provider(shifts), by_service=escalation(["rota:nights"]))
    await known.refresh()
    assert await keys(store, await known.on_call("loans")) == ["ana", "ben", "cleo"]
    told = [(each.name, bool(each.person)) for each in await known.who("nights")]
    assert sorted(told) == [("Ana", True), ("Ben", True), ("Cleo", True), ("Zoe from the agency", False)]
    assert known.unknown == ("Zoe from the agency",)


async def test_covers_hold_for_schedules_kept_elsewhere_too(store: Store, clock: HandClock) -> None:
    """The taker stands in the middle of the shift, and is there once where they were on call anyway."""
    shifts = [Shift("ana", NOON, NOON + 8 * HOUR), Shift("ben", NOON, NOON + 3 * HOUR)]
    known = roster(store, clock, Provider(shifts))
    ana, ben = await ids(store, "ana", "ben")
    await store.covers.ask(Cover("c1", "nights", NOON + 2 * HOUR, NOON + 4 * HOUR, ana, asked_at=NOON))
    await store.covers.take("c1", ben, NOON)
    await known.refresh()
    found = [(each.key, each.start, each.end) for each in await known.shifts("nights", NOON, NOON + 8 * HOUR)]
    assert found == [
        ("ana", NOON, NOON + 2 * HOUR),
        ("ben", NOON, NOON + 4 * HOUR),
        ("ana", NOON + 4 * HOUR, NOON + 8 * HOUR),
    ]


async def test_a_silent_provider_leaves_nobody_off_call(store: Store, clock: HandClock) -> None:
    """What it said last stands, its age and the trouble are told; and so after a restart, before anybody was asked."""
    provider = Provider([Shift("ana", NOON - DAY, NOON + 2 * DAY)])
    known = roster(store, clock, provider, by_service=escalation(["rota:nights"]))
    await known.refresh()
    provider.trouble = Unavailable("the calendar", "did not answer within 10 s")
    clock.forward(hours=2)
    await known.refresh()
    assert await keys(store, await known.on_call("loans")) == ["ana"]
    assert known.age("nights") == 2 * HOUR
    because, since = known.schedules.trouble("nights")
    assert ("did not answer" in because, since) == (True, NOON + 2 * HOUR)

    again = roster(store, clock, provider, by_service=escalation(["rota:nights"]))
    await again.restore()
    assert await keys(store, await again.on_call("loans")) == ["ana"]
    assert again.age("nights") == 2 * HOUR

    provider.trouble = None
    clock.forward(minutes=5)
    await again.refresh()
    assert (again.age("nights"), again.schedules.trouble("nights")) == (timedelta(), ("", None))


async def test_providers_are_asked_every_five_minutes_and_left_alone_where_they_ask_for_it(
    store: Store, clock: HandClock
) -> None:
    """A look each quarter of a minute asks nobody in between."""
    provider = Provider()
    known = roster(store, clock, provider)
    for _ in range(4 * 5 + 1):
        await known.refresh()
        clock.forward(seconds=15)
    assert len(provider.asked) == 2
    assert provider.asked[0] == (NOON - timedelta(days=31), NOON + timedelta(days=93))
    provider.trouble = RateLimited("PagerDuty", 1200)
    clock.forward(minutes=5)
    await known.refresh()
    clock.forward(seconds=EVERY.total_seconds() + 1)
    await known.refresh()
    assert len(provider.asked) == 3


async def test_one_provider_that_hangs_or_breaks_holds_up_nobody(store: Store, clock: HandClock) -> None:
    """A fault of its own is trouble in a word, and who is on call is told without waiting."""
    known = roster(store, clock, Provider(trouble=KeyError("user")))
    await known.refresh()
    assert known.schedules.trouble("nights")[0] == "KeyError"

    class Hanging(Provider):
        async def shifts(self, start: datetime, end: datetime) -> Sequence[Shift]:
            await asyncio.Event().wait()
            return ()

    hanging = roster(store, clock, Hanging())
    task = asyncio.create_task(hanging.refresh())
    await asyncio.sleep(0)
    assert [each.key for each in await hanging.who("ml")] == ["ana"]
    task.cancel()
    await asyncio.gather(task, return_exceptions=True)


async def test_quiet_hours_are_by_each_persons_own_clock(store: Store, clock: HandClock) -> None:
    """At noon UTC it is nine in the evening in Tokyo and one in Berlin; a grave incident wakes everybody."""
    quiet = QuietHours(time(20), time(7))
    contacts = {"ben": Contact("ben", zone="Asia/Tokyo")}
    levels = escalation(["ana", "ben"])
    known = roster(store, clock, quiet=quiet, contacts=contacts, timezone="Europe/Berlin", by_service=levels)
    mild = given(replace(declared(), severity=Severity.SEV3, service="loans")).incident
    grave = given(replace(declared(), severity=Severity.SEV1, service="loans")).incident
    (ben,) = await ids(store, "ben")
    assert (await known.ladder(mild)).quiet == {ben: datetime(2026, 11, 20, 22, 0, tzinfo=UTC)}
    assert (await known.ladder(grave)).quiet == {}
    assert (await known.ladder("loans")).quiet == {}


async def test_ways_are_the_persons_own_order_where_there_is_an_address(store: Store, clock: HandClock) -> None:
    """Without an order of their own, the installation's; a channel that does not know them is left out."""
    contacts = {"ana": Contact("ana", phone="+4930123456", reach=("voice", "email", "fax")), "ben": Contact("ben")}
    pagers = ("slack", "email", "sms", "voice", "webhook")
    levels = escalation(["ana", "ben"])
    known = roster(store, clock, contacts=contacts, pagers=pagers, by_service=levels)
    ana, ben = await ids(store, "ana", "ben")
    ladder = await known.ladder("loans")
    assert ladder.ways == {ana: ("voice", "email"), ben: ("email", "webhook")}


async def test_where_the_database_is_silent_the_covers_known_before_stand(store: Store, clock: HandClock) -> None:
    """Nobody is taken off call because a table could not be read."""
    known = roster(store, clock)
    ana, cleo = await ids(store, "ana", "cleo")
    await store.covers.ask(Cover("c1", "ml", NOON, NOON + HOUR, ana, asked_at=NOON))
    await store.covers.take("c1", cleo, NOON)
    await known.reread()

    class Silent:
        async def since(self, moment: datetime, rota: str = "") -> Sequence[Cover]:
            raise Unavailable("the database", "no answer within 1.5 s")

    known.kept = Silent()
    await known.reread()
    assert [each.key for each in await known.who("ml")] == ["cleo"]
