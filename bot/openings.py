"""Opens what an installation names: sources, targets, instruments, pagers, schedules, senders, Slack, templates."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from datetime import timedelta
from typing import TYPE_CHECKING, Any, cast

from pydantic import BaseModel, SecretStr

from bot import selfwatch, shelf
from bot.clock import Clock
from bot.engine.calling import Pager
from bot.engine.decisions import Decisions
from bot.engine.desk import Desk
from bot.engine.draft import DraftingRoom
from bot.engine.handle import Handler
from bot.engine.intake import Intake
from bot.engine.outgoing import Hook, Outgoing
from bot.engine.ports import Action, Durable, Evidence, Reporter, Source
from bot.engine.pulling import Asked
from bot.engine.reconcile import Reconciler
from bot.engine.roster import Plans
from bot.engine.roster_ports import Schedule
from bot.engine.silence import is_watchdog
from bot.engine.storm import Storm
from bot.engine.summons import Link
from bot.engine.vitals import Vitals
from bot.notices.draft import VOCABULARY
from bot.words import Words, house

if TYPE_CHECKING:
    import httpx

    from bot.clients.oidc import Provider
    from bot.clients.webhook import Webhook
    from bot.config.installation import Installation
    from bot.config.signin import Oidc
    from bot.config.webhooks import Webhook as WebhookModel
    from bot.domain.service import Service
    from bot.slack.room import SlackRoom
    from bot.store import Store
    from bot.web.house import SignIn


def models(shelf_name: str, name: str) -> type[BaseModel]:
    """What a choice on a shelf asks for: its settings model. Raises NotFound naming what there is."""
    found: type[BaseModel] = shelf.load(shelf_name, name).Settings
    return found


def templates(installation: Installation) -> Words:
    """The installation's own templates first, then those that travel with the product."""
    own = installation.root / "templates"
    return Words(*((own,) if own.is_dir() else ()), shipped=house() / "templates")


@dataclass
class Outside:
    """The doors to the world, by name; a test hands in its own."""

    sources: Mapping[str, Source]
    actions: Mapping[str, Action]  # by target
    instruments: Mapping[str, Mapping[str, Evidence]]  # by service
    reporters: Mapping[str, Reporter]  # by service
    decisions: Mapping[str, Decisions] = field(default_factory=dict)  # prediction logs by service
    schedules: Mapping[str, Schedule] = field(default_factory=dict)  # kept elsewhere, by rota

    async def close(self) -> None:
        """Close every door, each in turn, whatever the others do."""
        async with contextlib.AsyncExitStack() as stack:
            doors: list[Any] = [*self.sources.values(), *self.actions.values(), *self.schedules.values()]
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
    return Outside(sources, actions, instruments, reporters, decisions(installation), schedules(installation, clock))


def schedules(installation: Installation, clock: Clock) -> dict[str, Schedule]:
    """The schedules kept elsewhere; where a provider reads wall-clock times, the rota's zone is theirs."""
    found: dict[str, Schedule] = {}
    for name, place in installation.schedules.items():
        settings = place.settings
        if getattr(settings, "zone", None) == "":
            settings = settings.model_copy(update={"zone": place.zone})
        found[name] = shelf.load("oncall", place.provider)(settings, clock=clock)
    return found


def plans(installation: Installation, pagers: Iterable[str]) -> Plans:
    """What the files say of who is on call."""
    return Plans(
        rotas=installation.rotas,
        elsewhere=installation.schedules,
        by_service={name: installation.escalation_of(each) for name, each in selfwatch.services(installation).items()},
        instead=installation.instead,
        contacts=installation.contacts,
        pagers=tuple(pagers),
        quiet=installation.policy.quiet,
        timezone=installation.organisation.timezone,
    )


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


def taking_in(
    installation: Installation, catalogue: Mapping[str, Service], store: Store, handler: Handler, reconciler: Reconciler
) -> Intake:
    """What takes accepted alerts into incidents; each acceptance wakes it."""
    from bot.domain.grouping import Window

    storm = Storm(handler, catalogue)
    storm.changed = reconciler.note
    windows = [
        Window(each.start, each.end, each.services, each.because, each.owner)
        for each in installation.maintenance
        if each.services
    ]
    watchdogs = {each.sender.name: each.sender.watchdog for each in installation.alerts}
    intake = Intake(
        store.alerts, handler, catalogue, storm, store.lead, windows,
        no_news=lambda alert: is_watchdog(alert, watchdogs.get(alert.source, "")),
        courtesy=store.alerts.courtesy,
    )  # fmt: skip
    store.alerts.accepted = intake.wake
    return intake


def outgoing(
    installation: Installation,
    clock: Clock,
    store: Store,
    vitals: Vitals,
    through: httpx.AsyncBaseTransport | None = None,
) -> Outgoing | None:
    """Who is told what becomes of incidents; None where nobody is."""
    if not installation.webhooks:
        return None
    receivers = {
        each.name: (
            Hook(each.name, frozenset(each.events), frozenset(each.services), each.restricted),
            webhook(each, clock, through),
        )
        for each in installation.webhooks
    }
    return Outgoing(store.log, store.hooks, clock, store.lead, receivers, house=installation.web.address, vitals=vitals)


def webhook(settings: WebhookModel, clock: Clock, through: httpx.AsyncBaseTransport | None = None) -> Webhook:
    """One receiver's door."""
    from bot.clients.webhook import Webhook

    return Webhook(
        settings.name, settings.url, settings.secret,
        clock=clock, seconds=settings.timeout.total_seconds(), ca=settings.ca, transport=through,
    )  # fmt: skip


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


def sign_in(installation: Installation, clock: Clock) -> SignIn:
    """How people come in to the console."""
    from urllib.parse import urlsplit

    from bot.web.house import SignIn

    times, oidc = installation.web.session, installation.web.oidc
    if oidc is None:
        return SignIn(times.idle, times.lasts)
    return SignIn(
        times.idle,
        times.lasts,
        provider(oidc, clock),
        oidc.title or urlsplit(oidc.issuer).hostname or oidc.issuer,
        installation.subjects,
        {role: frozenset(names) for role, names in oidc.groups.items()},
    )


def provider(oidc: Oidc, clock: Clock) -> Provider:
    """Who vouches for people."""
    from bot.clients.oidc import Provider

    return Provider(oidc if oidc.groups else oidc.model_copy(update={"groups_claim": ""}), clock=clock)


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
