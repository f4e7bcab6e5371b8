"""Whether whoever is paged will be reached: what is an alarm, what is worth knowing, and the note of Monday morning."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from bot.domain.errors import Unavailable
from bot.domain.service import Service
from bot.engine.calling import Contact
from bot.engine.readiness import Report, note, report
from bot.engine.roster_ports import Cover
from bot.engine.values import Profile
from bot.engine.weekly import WeeklyNote
from bot.rota.escalation import Escalation
from bot.rota.rota import Shift
from bot.store import Store
from tests.engine.test_roster import DAY, HOUR, ML, PEOPLE, RESPONDER, Provider, clock, escalation, ids, roster, store
from tests.kit import NOON
from tests.store.conftest import HandClock

__all__ = ["clock", "store"]
LOANS = Service("loans", "Loans", "ml", "#loans", on_call=("rota:ml",))
MONTH = 30 * DAY


async def found(known, services: Sequence[Service] = (LOANS,), days: int = 30) -> Report:
    return await report(known, services, NOON, NOON + days * DAY)


async def test_in_order_is_no_alarm(store: Store, clock: HandClock) -> None:
    """Everybody on the rota has an address, and somebody is on call at every hour."""
    told = await found(roster(store, clock, pagers=("email",), by_service=escalation(["rota:ml"])))
    assert told.alarms == ()
    assert told.ahead == (("ML platform", ("Ana", "Ben")),)


async def test_whom_no_channel_reaches_is_an_alarm(store: Store, clock: HandClock) -> None:
    """With what their own order asks for; of somebody who is reached otherwise it is worth knowing."""
    contacts = {
        "ana": Contact("ana", "a@x", reach=("sms", "fax")),
        "ben": Contact("ben", "b@x", reach=("voice", "email")),
    }
    plans = {"contacts": contacts, "pagers": ("email", "sms", "voice"), "by_service": escalation(["rota:ml"])}
    told = await found(roster(store, clock, **plans))
    assert told.alarms[0] == (
        "no channel reaches Ana, who is paged by ML platform: sms needs a phone number; fax is no pager of this installation"
    )
    assert "Ben asked to be reached in vain: voice needs a phone number" in told.notes
    assert told.alarms[1].startswith(
        "a page for Loans reaches nobody from Fri 2026-11-20 12:00 to Sat 2026-11-21 08:00"
    )
    assert told.alarms[-1] == "and so in 8 more stretches for Loans"


async def test_without_a_pager_nobody_is_reached(store: Store, clock: HandClock) -> None:
    """One sentence instead of one for each person."""
    told = await found(roster(store, clock, by_service=escalation(["rota:ml"])), services=())
    assert told.alarms == ("no pager is set up, so a page reaches nobody",)


async def test_a_gap_that_another_level_fills_is_worth_knowing(store: Store, clock: HandClock) -> None:
    """And an alarm where nobody on any level is there; a cover can close it."""
    ends = replace(ML, layers=(replace(ML.layers[0], end=datetime(2026, 11, 25, 9, 0)),))
    with_dan = escalation(["rota:ml"], ["dan"])
    plans = {"rotas": {"ml": ends}, "pagers": ("email",)}
    told = await found(roster(store, clock, by_service=with_dan, **plans))
    assert told.alarms == ()
    assert any("nobody is on call" in each for each in told.notes)
    told = await found(roster(store, clock, by_service=escalation(["rota:ml"]), **plans))
    assert told.alarms == ("a page for Loans reaches nobody from Wed 2026-11-25 08:00 to Sun 2026-12-20 12:00 (UTC)",)


async def test_strangers_and_silent_providers_are_alarms(store: Store, clock: HandClock) -> None:
    """Somebody a provider names whom nobody knows; a provider that never answered; an old answer is worth knowing."""
    provider = Provider([Shift("Zoe", NOON - DAY, NOON + MONTH)])
    plans = {"pagers": ("email",), "by_service": escalation(["rota:nights"])}
    known = roster(store, clock, provider, **plans)
    told = await found(known, services=())
    assert told.alarms == ("nothing is known of Nights: its provider was not asked yet",)
    await known.refresh()
    told = await found(known)
    assert told.alarms[0] == "Zoe is on call in Nights and stands for nobody in people.yaml: a page would reach nobody"
    assert told.alarms[1].startswith("a page for Loans reaches nobody from")
    provider.trouble = Unavailable("the calendar", "did not answer")
    clock.forward(hours=3)
    await known.refresh()
    assert "Nights is known as it was 3 h ago: the calendar: did not answer" in (await found(known)).notes


async def test_covers_count(store: Store, clock: HandClock) -> None:
    """One that changes nothing is told; the taker is one of those who must be reached."""
    await store.people.enrol([*PEOPLE, Profile("", "gus", "Gus", RESPONDER)])
    known = roster(store, clock, pagers=("email",), by_service=escalation(["rota:ml"], ["ben"]))
    ana, gus = await ids(store, "ana", "gus")
    await store.covers.ask(Cover("c1", "ml", NOON + HOUR, NOON + 3 * HOUR, ana, asked_at=NOON))
    await store.covers.take("c1", gus, NOON)
    await known.reread()
    assert (await found(known)).alarms == ("no channel reaches Gus, who is paged by ML platform",)


async def test_a_service_that_pages_nobody_is_an_alarm(store: Store, clock: HandClock) -> None:
    """By its title, and somebody it names whom nobody knows by key."""
    known = roster(store, clock, pagers=("email",), by_service=escalation(["eve"]))
    told = await found(known, services=(LOANS, Service("other", "Other", "ml", "")))
    assert told.alarms[0] == "eve is paged by the escalation of loans and stands for nobody in people.yaml"
    assert told.alarms[-1] == "nobody is paged for Other"


async def test_an_end_that_reaches_nobody_is_an_alarm(store: Store, clock: HandClock) -> None:
    """Who should hear that nobody answered is as much on call as the others: a rota's gap there is told as well."""
    ends = replace(ML, layers=(replace(ML.layers[0], end=datetime(2026, 11, 25, 9, 0)),))
    plans = {"rotas": {"ml": ends}, "pagers": ("email",)}
    told = await found(roster(store, clock, by_service=escalation(["dan"], end=("eve",)), **plans))
    assert told.alarms[-1] == "the end of the escalation of Loans reaches nobody"
    told = await found(roster(store, clock, by_service=escalation(["dan"], end=("rota:ml",)), **plans))
    assert told.alarms == (
        "the end of the escalation of Loans reaches nobody from Wed 2026-11-25 08:00 to Sun 2026-12-20 12:00 (UTC)",
    )
    told = await found(roster(store, clock, by_service=escalation(["dan"], end=("ben",)), **plans))
    assert told.alarms == ()


async def test_who_stands_in_where_nobody_is_on_call_is_looked_at(store: Store, clock: HandClock) -> None:
    """A gap stays an alarm and says who is paged meanwhile; a fall-back that no channel reaches is one too."""
    ends = replace(ML, layers=(replace(ML.layers[0], end=datetime(2026, 11, 25, 9, 0)),))
    plans = {"rotas": {"ml": ends}, "pagers": ("email",), "by_service": escalation(["rota:ml"])}
    admins = (Escalation.of("instead", ("dan",)),)
    told = await found(roster(store, clock, instead=admins, **plans))
    assert told.alarms == (
        "nobody on call for Loans is reached from Wed 2026-11-25 08:00 to Sun 2026-12-20 12:00 (UTC): pages go to dan",
    )
    told = await found(roster(store, clock, instead=(Escalation.of("instead", ("eve",)),), **plans))
    assert "eve is paged by the fall-back where nobody is on call and stands for nobody in people.yaml" in told.alarms
    assert told.alarms[-1] == "where no service says who is on call a page reaches nobody"
    assert any(each.startswith("a page for Loans reaches nobody from Wed") for each in told.alarms)


async def test_without_an_end_and_without_administrators_is_worth_knowing(store: Store, clock: HandClock) -> None:
    """Today somebody is on call, and the night on which nobody is would be silent."""
    told = await found(roster(store, clock, pagers=("email",), by_service=escalation(["rota:ml"])))
    assert told.alarms == ()
    assert told.notes == (
        "once nobody is on call for Loans nobody is paged: its escalation has no end, and there are no admins",
        "nobody is paged where no service says who is on call: on_call of tocsin.yaml is empty, and there are no admins",
    )
    admins = {"instead": (Escalation.of("instead", ("dan",)),), "pagers": ("email",)}
    told = await found(roster(store, clock, by_service=escalation(["rota:ml"]), **admins))
    assert (told.alarms, told.notes) == ((), ())
    told = await found(roster(store, clock, **admins), services=(Service("other", "Other", "ml", ""),))
    assert (told.alarms, told.notes) == ((), ("nobody is on call for Other: pages go to dan",))


def test_the_note_reads_in_one_look() -> None:
    """What needs somebody first, long lists cut with where the rest is, and a calm sentence where all is well."""
    start = datetime(2026, 11, 23, 8, 0, tzinfo=UTC)
    ahead = (("ML platform", ("Ana", "Ben")), ("Nights", ()))
    assert note(Report(start, start + MONTH, (), (), ahead), "Europe/Berlin").splitlines() == [
        "On call from Mon 2026-11-23 on",
        "Everybody on call can be reached.",
        "",
        "Who is on call:",
        "• ML platform: Ana, then Ben",
        "• Nights: nobody",
    ]
    alarms, notes = tuple(f"alarm {n}" for n in range(10)), ("one note",)
    lines = note(Report(start, start + MONTH, alarms, notes), "UTC").splitlines()
    assert lines[1:4] == ["", "Needs somebody:", "• alarm 0"]
    assert lines[11:] == ["• and 2 more: tocsin check --oncall", "", "Worth knowing:", "• one note"]


class Board:
    """A chat that remembers, and may be away."""

    def __init__(self) -> None:
        self.texts: list[str] = []
        self.away = False

    async def post(self, text: str) -> None:
        if self.away:
            raise Unavailable("Slack", "did not answer")
        self.texts.append(text)


@pytest.fixture
async def weekly(store: Store, clock: HandClock) -> tuple[WeeklyNote, Board]:
    known = roster(store, clock, pagers=("email",), by_service=escalation(["rota:ml"]), timezone="Europe/Berlin")
    board = Board()
    made = WeeklyNote(known, (LOANS,), store.checkpoints, clock)
    made.post = board.post
    return made, board


async def looks(weekly: WeeklyNote, clock: HandClock, until: datetime) -> list[datetime]:
    """When it posted, looking every quarter of an hour."""
    posted = []
    while clock.now() < until:
        if await weekly.look():
            posted.append(clock.now())
        clock.forward(minutes=15)
    return posted


async def test_the_note_is_posted_on_monday_at_nine_once(weekly: tuple[WeeklyNote, Board], clock: HandClock) -> None:
    """By the organisation's clock, each week once, whatever is asked how often."""
    made, board = weekly
    assert await looks(made, clock, NOON + timedelta(days=14)) == [
        datetime(2026, 11, 23, 8, 0, tzinfo=UTC),
        datetime(2026, 11, 30, 8, 0, tzinfo=UTC),
    ]
    assert board.texts[0].startswith("On call from Mon 2026-11-23 on\nEverybody on call can be reached.")
    assert "• ML platform: Ben, then Ana" in board.texts[0]


async def test_the_note_survives_a_restart_and_a_silent_chat(
    weekly: tuple[WeeklyNote, Board], store: Store, clock: HandClock
) -> None:
    """Tried again while the chat is away; a house that was down all Monday posts once it is up: never at night."""
    made, board = weekly
    board.away = True
    clock.time = datetime(2026, 11, 23, 8, 0, tzinfo=UTC)
    assert not await made.look()
    board.away = False
    clock.forward(hours=5)
    assert await made.look()
    again = WeeklyNote(made.roster, (LOANS,), store.checkpoints, clock)
    again.post = board.post
    assert not await again.look()
    assert await looks(again, clock, datetime(2026, 11, 30, 7, 59, tzinfo=UTC)) == []
    clock.time = datetime(2026, 12, 1, 2, 0, tzinfo=UTC)
    assert await looks(again, clock, datetime(2026, 12, 7, 7, 59, tzinfo=UTC)) == [
        datetime(2026, 12, 1, 8, 0, tzinfo=UTC)
    ]
    clock.time = datetime(2026, 12, 12, 9, 0, tzinfo=UTC)  # a Saturday: Monday is near
    assert not await again.look()
    clock.time = datetime(2026, 12, 18, 9, 0, tzinfo=UTC)
    assert await again.look()
    assert len(board.texts) == 3


async def test_without_a_chat_there_is_no_note(weekly: tuple[WeeklyNote, Board], clock: HandClock) -> None:
    """Nor where there is no rota at all."""
    made, board = weekly
    clock.time = datetime(2026, 11, 23, 9, 0, tzinfo=UTC)
    made.roster.plans = replace(made.roster.plans, rotas={})
    assert not await made.look()
    made.post = None
    assert not await made.look()
    assert board.texts == []
