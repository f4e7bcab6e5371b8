"""Chooses: from an installation's files it opens every door, hands each room what it needs, and starts the rounds."""

from __future__ import annotations

import asyncio
import contextlib
import importlib
from collections.abc import AsyncIterator, Callable, Mapping
from dataclasses import dataclass, field
from datetime import timedelta
from typing import TYPE_CHECKING, Any, cast

from pydantic import BaseModel, SecretStr

from bot import selfwatch, shelf
from bot.clock import Clock, SystemClock
from bot.engine.calling import Pager
from bot.engine.decisions import Decisions
from bot.engine.desk import Catalogue, Desk
from bot.engine.diagnose import Diagnosis
from bot.engine.draft import DraftingRoom
from bot.engine.handle import Handler
from bot.engine.hands import Hands
from bot.engine.ports import Action, Chat, Durable, Evidence, Reporter, Source
from bot.engine.pulling import Asked, Pulling
from bot.engine.reconcile import Reconciler
from bot.engine.rounds import Rounds
from bot.engine.summons import Link
from bot.engine.vigil import Vigil
from bot.engine.vitals import Vitals
from bot.engine.watch import Watch
from bot.heap import growing, settled
from bot.notices.draft import VOCABULARY
from bot.telemetry import log as logger
from bot.words import Words, house

if TYPE_CHECKING:
    from bot.config.load import Installation
    from bot.slack.room import SlackRoom
    from bot.store import Store
    from bot.store.alerts import Alerts


def models(shelf_name: str, name: str) -> type[BaseModel]:
    """What a choice on a shelf asks for: its settings model. Raises NotFound naming what there is."""
    found: type[BaseModel] = shelf.load(shelf_name, name).Settings
    return found


def templates(installation: Installation) -> Words:
    """The installation's own templates first, then those that travel with the product."""
    own = installation.root / "templates"
    return Words(*((own,) if own.is_dir() else ()), shipped=house() / "templates")


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


@dataclass
class Outside:
    """The doors to the world, by name; a test hands in its own."""

    sources: Mapping[str, Source]
    actions: Mapping[str, Action]  # by target
    instruments: Mapping[str, Mapping[str, Evidence]]  # by service
    reporters: Mapping[str, Reporter]  # by service
    decisions: Mapping[str, Decisions] = field(default_factory=dict)  # prediction logs by service

    async def close(self) -> None:
        """Close every door, each in turn, whatever the others do."""
        async with contextlib.AsyncExitStack() as stack:
            doors: list[Any] = [*self.sources.values(), *self.actions.values()]
            doors += [each for group in self.instruments.values() for each in group.values()]
            for door in doors:
                stack.push_async_callback(door.close)


Transport = Callable[[BaseModel], object]
"""What an adapter with these settings speaks HTTP through, in place of its own."""


def outside(installation: Installation, clock: Clock, through: Transport | None = None) -> Outside:
    """Open the doors the configuration names; targets and instruments speak `through` another transport where given."""

    def given(settings: BaseModel) -> dict[str, object]:
        return {"clock": clock} if through is None else {"clock": clock, "transport": through(settings)}

    sources = {
        name: shelf.load("sources", kind)(settings, clock=clock)
        for name, (kind, settings) in installation.sources.items()
    }
    actions: dict[str, Action] = {}
    instruments: dict[str, dict[str, Evidence]] = {}
    reporters: dict[str, Reporter] = {}
    for service in installation.services.values():
        for target in service.targets:
            made = shelf.load("actions", target.action)
            chosen = made.Settings.model_validate(dict(target.settings))
            actions[target.name] = made(chosen, **given(chosen))
        for name, settings in service.evidence.items():
            made = shelf.load("evidence", name)
            chosen = made.Settings.model_validate(dict(settings))
            instrument = made(chosen, **given(chosen))
            instruments.setdefault(service.name, {})[name] = instrument
            if hasattr(instrument, "report"):
                reporters[service.name] = instrument
    return Outside(sources, actions, instruments, reporters, decisions(installation))


def decisions(installation: Installation) -> dict[str, Decisions]:
    """The prediction logs of the catalogue, by service; nothing is opened before somebody counts."""
    from bot.decisions import DecisionLog
    from bot.documents.csv import lines

    services = installation.services.values()
    return {each.name: DecisionLog(each.name, each.prediction_log, lines) for each in services if each.prediction_log}


def drafting_room(installation: Installation) -> DraftingRoom:
    """The enabled regimes and the templates."""
    from bot.config.regimes import load as load_regimes
    from bot.notices.deadline import Policy

    folders = (installation.root / "templates" / "notices", house() / "templates" / "notices")
    known = load_regimes(*(folder for folder in folders if folder.is_dir()))
    organisation = installation.organisation
    return DraftingRoom(
        facts=known.facts,
        regimes={name: known.by_id[name] for name in installation.regimes},
        standing=organisation.legal,
        templates=templates(installation),
        organisation={name: getattr(organisation, name) or None for name in VOCABULARY["org"]},
        tz=organisation.timezone,
        country=organisation.country,
        counting=Policy(closures={place: frozenset(days) for place, days in organisation.closures.items()}),
    )


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
        await store.people.enrol(installation.people)
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
        desk = Desk(
            handler=handler,
            people=store.people,
            exhibits=store.exhibits,
            catalogue=Catalogue(
                services=catalogue,
                runbooks=installation.runbooks,
                policy=installation.policy,
                on_call={name: service.on_call for name, service in catalogue.items()},
                web_url=installation.web.address,
                timezone=installation.organisation.timezone,
            ),
            drafter=drafting_room(installation),
            actions=doors.actions,
            charts=watch,
            talk=store.talk,
            decisions=doors.decisions,
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
            lines=vitals.lines,
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
        rounds = Rounds(watch, reconciler, durable, store.lead, vitals=vitals, vigil=vigil, alerts=store.alerts)
        pulling = Pulling(store.alerts, clock, alerting(installation, clock))
        stack.push_async_callback(pulling.close)
        yield House(
            installation, clock, store, desk, watch, reconciler, durable, rounds, slack, store.alerts, pulling, vigil
        )


def expected(installation: Installation) -> dict[str, timedelta]:
    """How often each sender of alerts must be heard, of those that must."""
    return {each.sender.name: each.expect_every for each in installation.alerts if each.expect_every is not None}


def alerting(installation: Installation, clock: Clock) -> dict[str, Asked]:
    """The senders of alerts that can be asked what fires."""
    from bot.clients.alertmanager import Alertmanager

    return {
        each.sender.name: Asked(
            Alertmanager(each.pull, each.sender, clock=clock), each.pull.every, each.sender.watchdog
        )
        for each in installation.alerts
        if each.pull is not None
    }


def engine(installation: Installation) -> Durable:
    """The durable engine beside the log: its own SQLite file, or the same PostgreSQL."""
    from bot.durable.dbos import Dbos

    url = installation.database_url
    return Dbos(f"sqlite:///{installation.state / 'work.db'}" if url.startswith("sqlite") else url)


def slack_room(installation: Installation, desk: Desk, store: Store, clock: Clock) -> SlackRoom:
    """The Slack room with its settings."""
    from bot.slack.room import SlackRoom
    from bot.slack.settings import SlackSettings

    given = installation.slack
    settings = SlackSettings(
        mode="http" if given.mode == "http" else "socket",
        api_url=given.api_url,
        bot_token=given.bot_token or SecretStr(""),
        app_token=given.app_token or SecretStr(""),
        signing_secret=given.signing_secret or SecretStr(""),
        team=given.team,
        home_channel=given.home_channel,
        legal_channel=given.legal_channel,
        charts=given.charts,
        emoji=given.emoji.by_kind,
        settle_after=given.settle_after.total_seconds(),
        repost_after=given.repost_after.total_seconds(),
        web_url=installation.web.address,
    )
    return SlackRoom(settings, desk, store.mirror, clock)


def console_secret(installation: Installation) -> str:
    """What the console signs with, where that is set; "" means a secret of the state folder's own."""
    held = installation.web.secret
    return held.get_secret_value() if held is not None else ""


def page_link(installation: Installation, clock: Clock) -> Link | None:
    """Where a page is acknowledged from whatever phone it arrived on; None without a console to do it at."""
    if not installation.web.address:
        return None
    from bot.web.ack import PageLinks

    return PageLinks(clock, installation.state, installation.web.address, console_secret(installation)).link


def pager(name: str, settings: BaseModel, clock: Clock, slack: SlackRoom | None) -> Pager:
    """A pager of the shelf with its settings; Slack's is handed Slack's own delivery."""
    made = shelf.load("pagers", name)
    if name == "slack":
        if slack is None:
            from bot.domain.errors import NotFound

            raise NotFound("pager", "slack", ["none: slack is off"])
        found: Pager = made(settings, clock=clock, deliver=slack.page, resting=slack.chat.resting)
        return found
    return cast("Pager", made(settings, clock=clock))


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
