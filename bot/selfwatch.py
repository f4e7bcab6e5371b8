"""Wires the watch over Tocsin itself: its numbers, promises, troubles and silences, and the heartbeat."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Mapping
from datetime import datetime, timedelta
from typing import TYPE_CHECKING
from zoneinfo import ZoneInfo

from bot.clients.deadman import Deadman
from bot.engine import own
from bot.engine.calling import Contact, Pager
from bot.engine.deliveries import Deliveries
from bot.engine.heartbeat import Heartbeat, answers, keeps_up, leads, on_time
from bot.engine.probes import (
    ChatProbe,
    DatabaseProbe,
    DiskProbe,
    LettersProbe,
    PagerProbe,
    RecordsProbe,
    RoundsProbe,
    acting,
    taking_in,
)
from bot.engine.selfcare import Admin, Probe, SelfCare
from bot.engine.silence import Silences
from bot.engine.vigil import LOOK_EVERY, Vigil, waiting
from bot.engine.watch import Watch

if TYPE_CHECKING:
    from collections.abc import Sequence

    from bot.config.installation import Installation
    from bot.domain.service import Service
    from bot.engine.heartbeat import Receiver
    from bot.engine.intake_ports import Inbox
    from bot.engine.reconcile import Reconciler
    from bot.engine.rounds import Lead
    from bot.engine.silence import Heard
    from bot.engine.vitals import Vitals
    from bot.slack.room import SlackRoom
    from bot.store import Store


def services(installation: Installation) -> Mapping[str, Service]:
    """The catalogue with Tocsin itself in it; where a file describes it, nobody on call there means the admins."""
    from dataclasses import replace

    held = dict(installation.services)
    known = held.get(own.SERVICE)
    if known is None:
        held[own.SERVICE] = own.service(installation.admins, installation.slack.home_channel)
    elif not known.on_call:
        held[own.SERVICE] = replace(known, on_call=installation.admins)
    return held


def vigil(
    installation: Installation,
    *,
    store: Store,
    main: Watch,
    reconciler: Reconciler,
    vitals: Vitals,
    lead: Lead,
    pagers: Mapping[str, Pager],
    slack: SlackRoom | None = None,
    receiver: Receiver | None = None,
    heard: Heard | None = None,
    expected: Mapping[str, timedelta] | None = None,
    inbox: Inbox | None = None,
) -> Vigil:
    """Everything that watches the watcher, not yet started. `expected` is how often each alert sender must be heard."""
    handler, clock = main.handler, main.handler.clock
    catalogue = services(installation)
    watch = Watch(
        slos=own.OBJECTIVES,
        sources={own.SERVICE: own.Mirrored(vitals)},
        services=catalogue,
        handler=handler,
        checkpoints=own.Beside(store.checkpoints),
        every=LOOK_EVERY,
    )
    deliveries = Deliveries(handler.log, handler.legible, clock, vitals, reconciler.owing)
    handler.after_commit(vitals.noted)
    handler.after_commit(deliveries.noted)
    spell = spoken(installation.organisation.timezone)

    async def asked() -> object:
        return await handler.log.open_ids()

    async def acted() -> timedelta:
        return reconciler.waits()

    async def taken() -> timedelta:
        """While another replica leads, it takes in; nobody can tell here how far it is."""
        if inbox is None or not await lead.holds():
            return timedelta(0)
        return await waiting(inbox, clock.now())

    vitals.acting.set_function(lambda: reconciler.waits().total_seconds())
    probes: list[Probe] = [
        DatabaseProbe(asked, vitals),
        PagerProbe(vitals.lines),
        DiskProbe(lambda: _free(installation)),
        LettersProbe(vitals),
        RoundsProbe(lambda: main.polled, main.every, clock.now()),
        RecordsProbe(handler.legible.still, vitals),
        acting(acted),
        taking_in(taken),
    ]
    if slack is not None:
        probes.append(ChatProbe(lambda: _stands(slack)))

    async def speaks() -> bool:
        """The one that leads; and each of them while the database is silent, for nobody can tell who leads."""
        return await lead.holds() or not vitals.answers

    care = SelfCare(
        clock=clock,
        admins=_admins(installation),
        pagers=pagers,
        probes=probes,
        vitals=vitals,
        speaks=speaks,
        zone=spell,
    )
    beat = installation.heartbeat
    if receiver is None and beat is not None:
        receiver = Deadman(beat.url, method=beat.method, within=beat.within.total_seconds())
    signs = (
        on_time(lambda: main.polled, clock, main.every),
        answers(asked, "the database"),
        leads(lead.holds),
        answers(reconciler.durable.dead_letters, "the durable engine"),
        keeps_up(acted, "what is noted waits {} to be acted on"),
        keeps_up(taken, "alerts wait {} to be taken in"),
    )
    tier = catalogue[own.SERVICE].tier
    silences = Silences(handler, heard, expected or {}, zone=spell, tier=tier) if heard is not None else None
    return Vigil(
        vitals=vitals,
        watch=watch,
        deliveries=deliveries,
        silences=silences,
        care=care,
        heartbeat=Heartbeat(clock, receiver, signs, vitals) if receiver is not None else None,
        beat_every=beat.every if beat is not None else LOOK_EVERY,
        holds=lead.holds,
        inbox=inbox,
    )


def spoken(zone: str) -> Callable[[datetime], str]:
    """Writes a moment by the organisation's clocks."""
    here = ZoneInfo(zone)
    return lambda at: at.astimezone(here).strftime("%Y-%m-%d %H:%M %Z")


def _admins(installation: Installation) -> Sequence[Admin]:
    by_key = {each.key: each for each in installation.people}
    known = [by_key[key] for key in installation.admins if key in by_key]
    return [Admin(each, installation.contacts.get(each.key) or Contact(each.key, email=each.email)) for each in known]


def _free(installation: Installation) -> tuple[int, int]:
    place = installation.state if installation.state.exists() else installation.root
    found = shutil.disk_usage(place)
    return found.free, found.total


def _stands(slack: SlackRoom) -> tuple[bool, int, str]:
    health = slack.health()
    return health.connected, health.behind.incidents, health.behind.error
