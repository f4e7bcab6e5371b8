"""Chooses: from an installation's files it opens every door, hands each room what it needs, and starts the rounds."""

from __future__ import annotations

import asyncio
import contextlib
import importlib
from collections.abc import AsyncIterator, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from bot import selfwatch
from bot.clock import Clock, SystemClock
from bot.engine.calling import Pager
from bot.engine.desk import Catalogue, Desk
from bot.engine.diagnose import Diagnosis
from bot.engine.handle import Handler
from bot.engine.hands import Hands
from bot.engine.intake import Intake
from bot.engine.outgoing import HooksProbe
from bot.engine.ports import Chat, Durable, Source
from bot.engine.pulling import Pulling
from bot.engine.reconcile import Reconciler
from bot.engine.roster import Roster
from bot.engine.rounds import Rounds
from bot.engine.schedules import Schedules
from bot.engine.vigil import Vigil
from bot.engine.vitals import Vitals
from bot.engine.watch import Watch
from bot.engine.weekly import WeeklyNote
from bot.heap import growing, settled
from bot.openings import (
    Outside,
    alerting,
    drafting_room,
    engine,
    expected,
    outgoing,
    outside,
    page_link,
    pager,
    plans,
    slack_room,
    taking_in,
)
from bot.telemetry import log as logger

if TYPE_CHECKING:
    from bot.config.installation import Installation
    from bot.slack.room import SlackRoom
    from bot.store import Store
    from bot.store.alerts import Alerts


@dataclass
class House:
    """Everything that runs, in one place; `web` and the command line are given this and nothing else."""

    installation: Installation
    clock: Clock
    store: Store
    desk: Desk
    watch: Watch
    reconciler: Reconciler
    durable: Durable
    rounds: Rounds
    slack: SlackRoom | None
    inbox: Alerts
    pulling: Pulling
    vigil: Vigil
    intake: Intake
    sources: Mapping[str, Source]


@contextlib.asynccontextmanager
async def opened(
    installation: Installation,
    *,
    clock: Clock | None = None,
    durable: Durable | None = None,
    doors: Outside | None = None,
    chat: Chat | None = None,
    pagers: Mapping[str, Pager] | None = None,
) -> AsyncIterator[House]:
    """The house, wired and not yet started. What is not handed in is opened from the configuration; all is closed."""
    from bot.store import Store

    clock = clock or SystemClock()
    async with contextlib.AsyncExitStack() as stack:
        store = await Store.open(installation.database_url, clock)
        stack.push_async_callback(store.close)
        oidc = installation.web.oidc
        await store.people.enrol(installation.people, granting=oidc is not None and bool(oidc.groups))
        if doors is None:
            doors = outside(installation, clock)
            stack.push_async_callback(doors.close)
        handler = Handler(store.log, clock, installation.policy)
        catalogue = selfwatch.services(installation)
        vitals = Vitals(clock, installation.poll_every)
        watch = Watch(
            slos=installation.slos,
            sources=doors.sources,
            services=catalogue,
            handler=handler,
            checkpoints=store.checkpoints,
            every=installation.poll_every,
            maintenance=installation.maintenance,
        )
        roster = Roster(
            plans(installation, installation.pagers if pagers is None else pagers),
            store.people,
            clock,
            covers=store.covers,
            schedules=Schedules(doors.schedules, store.checkpoints, clock),
        )
        await roster.restore()
        desk = Desk(
            handler=handler,
            people=store.people,
            exhibits=store.exhibits,
            catalogue=Catalogue(
                services=catalogue,
                runbooks=installation.runbooks,
                policy=installation.policy,
                on_call={name: installation.ever_on_call(each) for name, each in catalogue.items()},
                web_url=installation.web.address,
                timezone=installation.organisation.timezone,
            ),
            drafter=drafting_room(installation),
            actions=doors.actions,
            charts=watch,
            talk=store.talk,
            decisions=doors.decisions,
            roster=roster,
        )
        slack = None
        if chat is None and installation.slack.mode != "off":
            slack = slack_room(installation, desk, store, clock)
            chat = slack.chat
        if pagers is None:
            pagers = {name: pager(name, settings, clock, slack) for name, settings in installation.pagers.items()}
        diagnosis = Diagnosis(desk, doors.instruments, doors.reporters)
        hands = Hands.of(
            desk, watch, diagnosis, pagers, chat,
            sources=doors.sources, contacts=installation.contacts, link=page_link(installation, clock),
            lines=vitals.lines, begun=store.begun,
        )  # fmt: skip
        durable = durable or engine(installation)
        reconciler = Reconciler(desk, durable, hands, vitals)
        vigil = selfwatch.vigil(
            installation,
            store=store,
            main=watch,
            reconciler=reconciler,
            vitals=vitals,
            lead=store.lead,
            pagers=pagers,
            slack=slack,
            inbox=store.alerts,
            heard=store.alerts,
            expected=expected(installation),
        )
        stack.push_async_callback(vigil.end)
        telling = outgoing(installation, clock, store, vitals)
        if telling is not None:
            handler.after_commit(telling.wake)
            vigil.care.also(HooksProbe(telling))
            stack.push_async_callback(telling.close)
        note = WeeklyNote(roster, tuple(installation.services.values()), store.checkpoints, clock)
        if slack is not None and slack.settings.home_channel:
            note.post = slack.announce
        rounds = Rounds(
            watch, reconciler, durable, store.lead,
            vitals=vitals, vigil=vigil, roster=roster, note=note, alerts=store.alerts,
        )  # fmt: skip
        pulling = Pulling(store.alerts, clock, alerting(installation, clock))
        rounds.telling = telling
        rounds.intake = intake = taking_in(installation, catalogue, store, handler, reconciler)
        stack.push_async_callback(pulling.close)
        doing = (durable, rounds, slack, store.alerts, pulling, vigil, intake, doors.sources)
        yield House(installation, clock, store, desk, watch, reconciler, *doing)


WARM = ("numpy", "jinja2", "holidays", "markdown_it", "bot.slo.drift", "bot.web.pages")
"""What the first incident would otherwise load while people wait."""


def warm() -> None:
    """Load what is not needed to start and will be needed in a hurry; run in a thread, after the start."""
    for name in WARM:
        with contextlib.suppress(ImportError):
            importlib.import_module(name)


async def _connect(slack: SlackRoom) -> None:
    """Open Slack beside the rounds: nobody waits for it, so its being away delays neither watching nor the console."""
    try:
        await slack.open()
        await slack.warm()
    except Exception:  # noqa: BLE001 - a house without its chat is still a house
        logger().exception("Slack could not be opened; the console and the commands do all it does")


async def _ended(task: asyncio.Task[None]) -> None:
    task.cancel()
    await asyncio.gather(task, return_exceptions=True)


@contextlib.asynccontextmanager
async def running(installation: Installation, **given: Any) -> AsyncIterator[House]:
    """The house at work: durable engine taken up, ledger restored, Slack being connected, rounds going."""
    async with opened(installation, **given) as home, contextlib.AsyncExitStack() as stack:  # whatever one end does
        with growing():
            await home.watch.restore()
            await home.vigil.begin()
        await home.durable.open(home.reconciler.perform, home.reconciler.wake)
        stack.push_async_callback(home.durable.close)
        if home.slack is not None:
            stack.push_async_callback(home.slack.close)
            connecting = asyncio.create_task(_connect(home.slack))
            stack.push_async_callback(_ended, connecting)
        stack.enter_context(settled())
        stack.push_async_callback(home.rounds.stop)
        await home.rounds.start()
        home.pulling.start()
        warming = asyncio.create_task(asyncio.to_thread(warm))
        stack.push_async_callback(asyncio.wait, {warming})
        yield home
