"""Webhooks out: at least once, in order, across restarts, replicas and days of silence, and no word of what is sealed."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator, Mapping
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path
from typing import Any

import jsonschema
import pytest

from bot.domain.errors import Refused, Unavailable
from bot.domain.filing import NoticeFiled
from bot.domain.lifecycle import Resolve, Update
from bot.domain.paging import Acknowledge
from bot.engine.changed import KINDS, OF, ping
from bot.engine.outgoing import GIVEN_UP_AFTER, REFUSED_AT_MOST, TOLD_AFTER, Hook, HooksProbe, Outgoing
from bot.engine.vitals import Vitals
from tests.web.fakes import HOME, Place, place
from tests.web.legal import TEMPLATE, breach, privileged
from tests.web.rich import declared

SCHEMA = json.loads((Path(__file__).parents[2] / "bot" / "web" / "static" / "webhook.schema.json").read_text("utf-8"))


@dataclass
class Receiver:
    """Takes what it is told, unless it is away or does not like it."""

    took: list[Mapping[str, Any]] = field(default_factory=list)
    asked: int = 0
    away: bool = False
    dislikes: str = ""

    async def tell(self, told: Mapping[str, Any]) -> None:
        self.asked += 1
        if self.away:
            raise Unavailable("the webhook ops", "answered 502")
        if self.dislikes and told["type"].endswith(self.dislikes):
            raise Refused("the webhook ops refused it (400)")
        self.took.append(told)

    async def close(self) -> None: ...

    @property
    def ids(self) -> list[str]:
        return [str(each["id"]) for each in self.took]

    @property
    def kinds(self) -> list[str]:
        return [str(each["data"]["change"]) for each in self.took]


@dataclass
class Lead:
    """Held or not."""

    held: bool = True

    async def holds(self) -> bool:
        return self.held


@pytest.fixture
async def home(tmp_path: Path) -> AsyncIterator[Place]:
    async with place(tmp_path) as made:
        yield made


def telling(home: Place, receiver: Receiver, *, lead: Lead | None = None, **hook: Any) -> Outgoing:
    """The loop as it is after a start; each call is a restart, or another replica."""
    given = (Hook("ops", **hook), receiver)
    vitals = Vitals(home.clock)
    return Outgoing(home.store.log, home.store.hooks, home.clock, lead or Lead(), {"ops": given}, HOME, vitals=vitals)


async def lived(home: Place, **changes: object) -> str:
    """An incident from its declaration to its resolution."""
    ana = await home.who("ana")
    name = await declared(home, **changes)
    await home.desk.submit(name, Acknowledge(), ana)
    await home.desk.submit(name, Update("zzz-words of an update"), ana)
    await home.desk.submit(name, Resolve("zzz-words of its end", waive="zzz-words of a waiver"), ana)
    return name


LIFE = ["declared", "acknowledged", "update-posted", "resolved"]


async def test_a_life_is_told_in_order(home: Place) -> None:
    """Each change once, as the schema we publish says, and no words but the title."""
    receiver = Receiver()
    out = telling(home, receiver)
    await out.look()
    name = await lived(home)
    await out.look()
    await out.look()
    assert receiver.kinds == LIFE
    assert len(set(receiver.ids)) == len(LIFE)
    for each in [*receiver.took, ping(HOME, home.clock.now())]:
        jsonschema.validate(each, SCHEMA, format_checker=jsonschema.FormatChecker())
    first = receiver.took[0]
    assert (first["source"], first["subject"]) == (HOME, name)
    assert first["data"]["url"] == f"{HOME}/incidents/{name}"
    assert [each["data"]["phase"] for each in receiver.took] == ["declared", "acknowledged", "acknowledged", "resolved"]
    assert "zzz-words" not in json.dumps(receiver.took)
    assert out.standing["ops"].waiting == 0


async def test_a_new_receiver_hears_no_old_stories(home: Place) -> None:
    """What was there before it was set up is not told; what happens to it from then on is."""
    receiver = Receiver()
    name = await declared(home)
    out = telling(home, receiver)
    await out.look()
    assert receiver.took == []
    await home.desk.submit(name, Acknowledge(), await home.who("ana"))
    await out.look()
    assert receiver.kinds == ["acknowledged"]


async def test_a_day_of_silence_loses_nothing(home: Place) -> None:
    """It is asked ever less often, the admin learns of it after half an hour, and then everything comes in order."""
    receiver = Receiver()
    out = telling(home, receiver)
    await out.look()
    receiver.away = True
    for _ in range(3):
        await lived(home, service="", fingerprint="")
    await out.look()
    probe, began, told = HooksProbe(out), home.clock.now(), None
    while home.clock.now() - began < timedelta(days=1):
        home.clock.forward(minutes=5)
        await out.look()
        if await probe.look(home.clock.now()) and told is None:
            told = home.clock.now() - began
    assert told == TOLD_AFTER
    assert 100 < receiver.asked < 160
    assert out.standing["ops"].waiting == 3
    assert b"tocsin_webhook_waiting_incidents 3.0" in (out.vitals.text() if out.vitals else b"")
    receiver.away = False
    home.clock.forward(minutes=11)
    out = telling(home, receiver)  # and there was a restart
    await out.look()
    for number in (1, 2, 3):
        mine = [each["data"]["change"] for each in receiver.took if each["subject"] == f"INC-{number}"]
        assert mine == LIFE
    assert not await HooksProbe(out).look(home.clock.now())


async def test_a_restart_and_a_second_replica_tell_nothing_twice(home: Place) -> None:
    """Where the one that leads was, the next goes on; who does not lead says nothing."""
    receiver, second = Receiver(), Lead(held=False)
    await telling(home, receiver).look()
    await lived(home)
    await telling(home, receiver, lead=second).look()
    assert receiver.asked == 0
    await telling(home, receiver).look()
    second.held = True
    await telling(home, receiver, lead=second).look()
    assert receiver.kinds == LIFE


async def test_what_it_refuses_is_put_aside_and_seen(home: Place) -> None:
    """One change it never takes keeps the others only for a while; it is seen, and can be sent once more."""
    receiver = Receiver(dislikes="acknowledged")
    out = telling(home, receiver)
    await out.look()
    await lived(home)
    for _ in range(REFUSED_AT_MOST):
        await out.look()
        assert receiver.kinds == ["declared"]
        home.clock.forward(minutes=10)
    await out.look()
    assert receiver.kinds == ["declared", "update-posted", "resolved"]
    letters = await home.store.hooks.letters("ops")
    assert [(each.incident, each.because) for each in letters] == [("INC-1", "the webhook ops refused it (400)")]
    found = await HooksProbe(out).look(home.clock.now())
    assert [each.headline for each in found] == ["The webhook ops did not take everything"]
    assert out.vitals is not None
    assert b"tocsin_webhook_dead_letters 1.0" in out.vitals.text()
    receiver.dislikes = ""
    assert await home.store.hooks.again("ops") == 1
    await out.look()
    assert receiver.kinds[3:] == ["acknowledged", "update-posted", "resolved"]
    assert receiver.ids[4:] == receiver.ids[1:3]  # the same ids as before: the receiver takes each once
    assert not await HooksProbe(out).look(home.clock.now())


async def test_one_that_never_comes_back_is_put_aside_change_by_change(home: Place) -> None:
    """After days, where an admin sees it; it can still be sent once more."""
    receiver = Receiver()
    out = telling(home, receiver)
    await out.look()
    receiver.away = True
    await declared(home)
    await out.look()
    home.clock.forward(days=GIVEN_UP_AFTER.days, minutes=1)
    await out.look()
    assert len(await home.store.hooks.letters("ops")) == 1
    receiver.away = False
    await home.store.hooks.again("ops")
    await telling(home, receiver).look()
    assert receiver.kinds == ["declared"]


async def test_what_is_restricted_is_for_who_asked_for_it(home: Place) -> None:
    """Not told where that was not said; where it was, its number and where it stands, and no word."""
    plain, sealed = Receiver(), Receiver()
    one, other = telling(home, plain), telling(home, sealed, restricted=True)
    other.receivers = {"board": (Hook("board", restricted=True), sealed)}
    other.__post_init__()
    await one.look()
    await other.look()
    await lived(home, restricted=True, title="zzz-title", slice="zzz-slice")
    await one.look()
    await other.look()
    assert plain.took == []
    assert sealed.kinds == LIFE
    assert "zzz" not in json.dumps(sealed.took)
    assert "visits" not in json.dumps(sealed.took)
    for each in sealed.took:
        jsonschema.validate(each, SCHEMA)


async def test_only_what_was_chosen(home: Place) -> None:
    """Events and services; what was not wanted is passed over and never comes later."""
    receiver = Receiver()
    out = telling(home, receiver, events=frozenset({"declared"}), services=frozenset({"visits"}))
    await out.look()
    await lived(home)
    await lived(home, service="", fingerprint="")
    await out.look()
    assert [(each["subject"], each["type"]) for each in receiver.took] == [("INC-1", "dev.tocsin.incident.declared")]
    assert out.standing["ops"].waiting == 0


def test_every_kind_is_an_entry_of_the_log() -> None:
    """A kind whose entry was renamed would fall silent; the schema names each."""
    from bot.domain.log import Event

    assert set(OF) <= {each.__name__ for each in Event.__subclasses__()}
    assert SCHEMA["$defs"]["change"]["enum"] == list(KINDS)


@pytest.mark.parametrize("privilege", [False, True])
async def test_a_privileged_notice_is_no_news(home: Place, privilege: bool) -> None:
    """That counsel filed a document of their own is told nobody."""
    receiver = Receiver()
    out = telling(home, receiver)
    await out.look()
    name = await breach(home)
    cleo = await home.who("cleo")
    await home.desk.request_notice(name, TEMPLATE, cleo)
    if privilege:
        await privileged(home, name)
    known = await home.store.log.load(name)
    filed = NoticeFiled("N1", "the authority", "A-1")
    await home.store.log.append(known, [filed], by=cleo.id, at=home.clock.now(), cause="")
    await out.look()
    assert receiver.kinds.count("notice-filed") == (not privilege)
