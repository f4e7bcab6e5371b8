"""Reads a whole configuration folder: either everything in it fits together, or every mistake is named at once."""

from collections.abc import Iterable, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from pydantic import BaseModel

from bot.config import check, instead, oncall_checks, regimes, rules, signin
from bot.config.admins import admin_problems, admin_warnings, admins
from bot.config.alerts import AlertSource, read_alerts
from bot.config.emoji import overlaps as emoji_overlaps
from bot.config.escalations import read_escalations
from bot.config.files import listed, read_page
from bot.config.fit import Fitter, Unreadable
from bot.config.guards import read_freezes
from bot.config.heartbeat import LOOPBACK
from bot.config.installation import Installation
from bot.config.maintenance import Named, read_maintenance
from bot.config.marks import Marked
from bot.config.model import Database, Organisation, Slack, Tocsin
from bot.config.objectives import objectives
from bot.config.openslo import DEFAULT, same_language
from bot.config.pagers import named_pagers, read_pagers
from bot.config.people import read_people
from bot.config.policy import PolicyModel
from bot.config.rotas import read_rotas
from bot.config.runbooks import read_runbooks
from bot.config.secrets import Resolved, Secrets, plain_secret
from bot.config.services import Catalogue, read_services
from bot.config.shelves import Models, settings_model
from bot.config.status_checks import status_problems, status_warnings
from bot.config.templates import template_problems
from bot.config.webhooks import read_webhooks
from bot.domain.errors import Invalid, NotFound, Problem
from bot.domain.policy import Policy
from bot.domain.service import Service
from bot.heap import growing
from bot.slo.maintenance import Maintenance
from bot.slo.spec import Slo
from bot.words import house

SLACK_ADDRESS = "TOCSIN_SLACK_API_URL"


def load(path: Path, *, environ: Mapping[str, str], models: Models, shipped: Path | None = None) -> Installation:
    """The installation whose `tocsin.yaml` is at `path`.

    Args:
        path: the file; folders slos/, services/, rotas/, escalations/, runbooks/, templates/, people.yaml and
            maintenance.yaml are looked for beside it.
        environ: where `{env: NAME}` is looked up.
        models: (shelf, name) → the settings model of that file; raises NotFound naming what there is.
        shipped: the folder holding the product's own runbooks/ and templates/; left out, it is found.

    Raises:
        Invalid: with every problem of every file, each with file, line and column.

    """
    with growing():
        return _Reader(path, environ, models, shipped or house()).installation()


def record(path: Path, *, environ: Mapping[str, str]) -> str:
    """The address of the log alone: an auditor's machine has no other secret of the installation, and needs none.

    Raises:
        Invalid: where `tocsin.yaml` cannot be read, or its database or state folder cannot be meant.

    """
    return _Reader(path, environ, _no_models, path.parent).record()


def organisation(path: Path, *, environ: Mapping[str, str]) -> tuple[Organisation, tuple[str, ...]]:
    """Who runs the installation, and the regimes it watches: counsel's machine needs none of its secrets.

    Raises:
        Invalid: where `tocsin.yaml` cannot be read, or these two parts of it cannot be meant.

    """
    return _Reader(path, environ, _no_models, path.parent).organisation()


def _no_models(shelf: str, name: str) -> type[BaseModel]:
    raise NotFound(shelf, name)


class _Reader:
    """Reads part by part; a part that does not fit does not keep the others from being looked at."""

    def __init__(self, path: Path, environ: Mapping[str, str], models: Models, shipped: Path) -> None:
        self.path, self.root, self.environ, self.models, self.shipped = path, path.parent, environ, models, shipped
        self.fitter = Fitter(Secrets(environ, path.parent))
        self.problems = self.fitter.problems
        if not path.exists():
            begin = "what `tocsin init FOLDER` writes to begin from; `-c FILE` says where it is"
            raise Invalid([Problem(str(path), 1, 1, "is not there", begin)])
        page = read_page(path, self.problems)
        if page is None:
            raise Invalid(self.problems)
        self.page = page
        self.notes: list[Problem] = []

    def record(self) -> str:
        database = self.fitter.fit(Database, self.page, "database")
        self._database_secret()
        state = self.page.get("state")
        if state is not None and not (isinstance(state, str) and state):
            self.problems.append(self.page.problem("state is no folder's name", "state", expected="state: .tocsin"))
        if self.problems or database is None:
            raise Invalid(self.problems)
        return _address(database, self.root, str(state or Tocsin.model_fields["state"].default))

    def organisation(self) -> tuple[Organisation, tuple[str, ...]]:
        found = self.fitter.fit(Organisation, self.page, "organisation")
        watched = self.page.get("regimes") or []
        if not isinstance(watched, list):
            self.problems.append(self.page.problem("expected a list of regimes", "regimes"))
            watched = []
        for at, each in enumerate(watched):
            if not isinstance(each, str):
                self.problems.append(self.page.problem(f"{each!r} is no regime's id", "regimes", at))
        if self.problems or found is None:
            raise Invalid(self.problems)
        return found, tuple(watched)

    def installation(self) -> Installation:
        tocsin = self.fitter.fit(Tocsin, self.page)
        slack = self._slack(tocsin)
        self.problems += emoji_overlaps(self.page, slack.emoji) if slack is not None else ()
        self._database_secret()
        sources = self._sources()
        pagers = read_pagers(self.page, self.fitter, self.models, slack) if tocsin is not None else {}
        known = self._known(tocsin, sources, pagers)
        self.problems += (*check.problems(known), *oncall_checks.problems(known))
        self.problems += instead.problems(known)
        policy = self._policy(tocsin)
        self.problems += rules.problems(known, policy) if policy is not None else ()
        self.problems += template_problems(self.root / "templates", self.shipped / "templates", known.regimes)
        maintenance = self._maintenance(tocsin, known)
        alerts = read_alerts(self.page, self.fitter, known.catalogue.named, known.catalogue.by_name)
        webhooks = read_webhooks(self.page, self.fitter, known.catalogue.named)
        self.problems += admin_problems(tocsin.admins, known.people, self.page) if tocsin is not None else ()
        self.problems += status_problems(tocsin.status, known) if tocsin is not None else ()
        if self.problems or tocsin is None or slack is None or policy is None:
            raise Invalid(sorted(dict.fromkeys(self.problems), key=lambda each: (each.file, each.line, each.column)))
        services = {
            name: replace(each.service, slos=check.watched(each.service, known.slos))
            for name, each in known.catalogue.by_name.items()
        }
        known = replace(known, catalogue=_with(known.catalogue, services))
        unspoken = status_warnings(tocsin.status, known, maintenance)
        return Installation(
            root=self.root.resolve(),
            file=self.path.name,
            organisation=tocsin.organisation,
            database_url=_address(tocsin.database, self.root, tocsin.state),
            state=_folder(self.root, tocsin.state),
            web=tocsin.web,
            slack=slack,
            sources=sources,
            poll_every=tocsin.poll.every,
            policy=replace(policy, status=tocsin.status.rules() if tocsin.status else None),
            services=services,
            slos=known.slos,
            runbooks={name: written.book for name, written in sorted(known.books.items())},
            people=known.people.profiles,
            regimes=regimes.enabled(tocsin.regimes, known.regimes),
            pagers=pagers,
            rotas=known.rotas.by_name,
            schedules=known.rotas.schedules,
            escalations=known.escalations.by_name,
            contacts=known.people.contacts,
            subjects=known.people.subjects,
            admins=admins(tocsin.admins, known.people),
            on_call=instead.written(tocsin.on_call, tocsin.escalation, known.escalations.by_name),
            heartbeat=tocsin.heartbeat,
            status=tocsin.status,
            maintenance=maintenance,
            alerts=tuple(alerts),
            webhooks=tuple(webhooks),
            warnings=(*self._warnings(known, tocsin, alerts), *rules.warnings(known, policy), *unspoken),
        )

    def _known(self, tocsin: Tocsin | None, sources: Mapping[str, Any], pagers: Mapping[str, BaseModel]) -> check.Known:
        """Everything in the files beside tocsin.yaml."""
        team, currency = self.page.get("slack", "team"), self.page.get("organisation", "currency")
        named = self.page.get("sources")
        slos, slo_names, slo_places = self._slos(sources)
        folders = (self.root / "runbooks", self.shipped / "runbooks")
        return check.Known(
            page=self.page,
            sources=frozenset(str(name) for name in named) if isinstance(named, dict) else frozenset(),
            people=read_people(self.root / "people.yaml", self.fitter, team=team if isinstance(team, str) else ""),
            catalogue=read_services(
                self.root / "services",
                self.fitter,
                self.models,
                currency=currency if isinstance(currency, str) else Organisation.model_fields["currency"].default,
            ),
            slos=slos,
            slo_names=slo_names,
            slo_places=slo_places,
            books=read_runbooks(self.fitter, *folders),
            book_names=frozenset(path.stem for folder in folders for path in listed(folder, ".md")),
            regimes=self._regimes(),
            regime_names=tuple(tocsin.regimes) if tocsin is not None else (),
            rotas=read_rotas(self.root / "rotas", self.fitter, self.models),
            escalations=read_escalations(self.root / "escalations", self.fitter),
            pagers=named_pagers(self.page, pagers),
        )

    def _slos(
        self, sources: Mapping[str, tuple[str, BaseModel]]
    ) -> tuple[tuple[Slo, ...], frozenset[str], check.Places]:
        """The objectives, every name of one, and where they name what.

        An objective that names no source has the only one there is, or the only Prometheus.
        """
        found = objectives(listed(self.root / "slos", ".yaml", ".yml", ".json"), frozenset(sources))
        self.problems += found.problems
        self.notes += found.notes
        slos = tuple(_sourced(slo, _plain_source(sources)) for slo in found.slos)
        for each in found.sources:
            kind = sources[each.name][0] if each.name in sources else each.type
            if not same_language(each.type, kind):
                what = f"the DataSource {each.name!r} is of type {each.type}, and the source of that name is {kind}"
                self.problems.append(replace(each.at, what=what, expected=f"type: {kind}"))
        return slos, frozenset(found.names) if found.sound else Unreadable(found.names), found.places

    def _policy(self, tocsin: Tocsin | None) -> Policy | None:
        """The rules, looked at though another part of the file does not fit; None where they themselves do not."""
        model = tocsin.policy if tocsin is not None else self.fitter.fit(PolicyModel, self.page, "policy")
        zone = tocsin.organisation.timezone if tocsin is not None else Organisation.model_fields["timezone"].default
        freezes = read_freezes(self.page, self.problems, zone=zone)
        return model.policy(freezes) if model is not None else None

    def _maintenance(self, tocsin: Tocsin | None, known: check.Known) -> tuple[Maintenance, ...]:
        by_service = {name: check.watched(each.service, known.slos) for name, each in known.catalogue.by_name.items()}
        named = Named(by_service, known.catalogue.named, known.slo_names, known.people.named)
        zone = tocsin.organisation.timezone if tocsin is not None else "UTC"
        return read_maintenance(self.root / "maintenance.yaml", self.problems, named, zone=zone)

    def _regimes(self) -> regimes.Regimes | None:
        own, theirs = self.root / "templates" / "notices", self.shipped / "templates" / "notices"
        try:
            return regimes.load(*(folder for folder in (own, theirs) if folder.is_dir()))
        except Invalid as wrong:
            self.problems += wrong.problems
            return None

    def _sources(self) -> dict[str, tuple[str, BaseModel]]:
        held = self.page.get("sources")
        found: dict[str, tuple[str, BaseModel]] = {}
        for name in held if isinstance(held, dict) else ():
            here = ("sources", name)
            kind = self.page.get(*here, "kind")
            if not isinstance(self.page.get(*here), dict) or not isinstance(name, str):
                continue  # told already
            if not isinstance(kind, str):
                what = f"the source {name!r} does not say its kind"
                self.problems.append(self.page.problem(what, *here, expected="kind: prometheus, or another source"))
                continue
            model = settings_model("sources", kind, self.page, (*here, "kind"), self.models, self.problems)
            made = self.fitter.fit(model, _without(self.page, "kind", *here), *here) if model is not None else None
            if made is not None:
                found[name] = (kind, made)
        return found

    def _slack(self, tocsin: Tocsin | None) -> Slack | None:
        """Slack's part; the environment's address comes before the file's."""
        address = self.environ.get(SLACK_ADDRESS, "")
        if not address or tocsin is None:
            return tocsin.slack if tocsin is not None else None
        try:
            return tocsin.slack.model_copy(update={"api_url": Slack.safe(address)})
        except ValueError as wrong:
            self.problems.append(self.page.problem(f"the environment's {SLACK_ADDRESS}: {wrong}", "slack"))
            return None

    def _database_secret(self) -> None:
        url = self.page.get("database", "url")
        if isinstance(url, str) and not isinstance(url, Resolved) and _has_password(url):
            line, column = self.page.where("database", "url")
            self.problems.append(plain_secret(self.page.file, line, column, "the database's password"))

    def _warnings(self, known: check.Known, tocsin: Tocsin, alerts: Iterable[AlertSource]) -> list[Problem]:
        own = instead.written(tocsin.on_call, tocsin.escalation, known.escalations.by_name)
        climbed, off = instead.instead(own, admins(tocsin.admins, known.people)), tocsin.slack.mode == "off"
        found = list(check.warnings(known, shipped=self.shipped, slack_off=off, instead=instead.words(climbed)))
        found += oncall_checks.warnings(known) if not off else ()
        if tocsin.web.host not in LOOPBACK and not tocsin.web.address.startswith("https://"):
            what = "the console listens beyond this machine and its address is not https"
            found.append(self.page.problem(what, "web", expected="a proxy with https in front, and web.url naming it"))
        if tocsin.web.secret is None and tocsin.database.url.startswith("postgresql"):
            what = "of several replicas only the one that sent a page knows the address in it"
            found.append(
                self.page.problem(what, "web", expected="web: {secret: {env: NAME}}, the same at every replica")
            )
        found += signin.warnings(self.page, tocsin.web.oidc, known.people.subjects)
        if not off or tocsin.pagers:
            found += admin_warnings(tocsin.admins, known.people, self.page, stand_in=own is None)
            found += instead.warnings(self.page, alerts, own, climbed)
        return [*found, *self.notes]


def _plain_source(sources: Mapping[str, tuple[str, BaseModel]]) -> str:
    """The source of objectives that name none."""
    prometheus = [name for name, (kind, _) in sources.items() if kind == "prometheus"]
    if len(sources) == 1:
        return next(iter(sources))
    return prometheus[0] if len(prometheus) == 1 and DEFAULT not in sources else DEFAULT


def _sourced(slo: Slo, plain: str) -> Slo:
    parts = tuple(replace(part, source=plain) if part.source == DEFAULT else part for part in slo.parts)
    return replace(slo, source=plain if slo.source == DEFAULT else slo.source, parts=parts)


def _folder(root: Path, state: str) -> Path:
    return (root / state).expanduser().resolve()


def _address(database: Database, root: Path, state: str) -> str:
    """Left out, the database is a file in the state folder."""
    return str(database.url) or f"sqlite+aiosqlite:///{_folder(root, state) / 'tocsin.db'}"


def _with(catalogue: Catalogue, services: Mapping[str, Service]) -> Catalogue:
    by_name = {name: replace(each, service=services[name]) for name, each in catalogue.by_name.items()}
    return replace(catalogue, by_name=by_name)


def _without(page: Marked, key: str, *path: str | int) -> Marked:
    """The page as if the map at `path` had no such key; its places stay."""

    def cut(value: Any, ahead: tuple[str | int, ...]) -> Any:
        if not ahead:
            return {name: held for name, held in value.items() if name != key}
        return {name: cut(held, ahead[1:]) if name == ahead[0] else held for name, held in value.items()}

    return replace(page, data=cut(page.data, path))


def _has_password(url: str) -> bool:
    try:
        return bool(urlsplit(url).password)
    except ValueError:
        return True
