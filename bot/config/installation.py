"""One organisation's Tocsin as its files say it should be."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path

from pydantic import BaseModel

from bot.config import instead
from bot.config.alerts import AlertSource
from bot.config.heartbeat import Heartbeat
from bot.config.model import Organisation, Slack, Web
from bot.config.rotas import Elsewhere
from bot.config.status import Status
from bot.config.webhooks import Webhook
from bot.domain.errors import Problem
from bot.domain.policy import Policy
from bot.domain.runbook import Runbook
from bot.domain.service import Service
from bot.engine.calling import Contact
from bot.engine.values import Profile
from bot.rota.escalation import Escalation, climbed_for, everybody
from bot.rota.rota import Rota
from bot.slo.maintenance import Maintenance
from bot.slo.spec import Slo


@dataclass(frozen=True)
class Installation:
    """One organisation's Tocsin as its folder says it should be."""

    root: Path
    organisation: Organisation
    database_url: str
    state: Path
    web: Web
    slack: Slack
    sources: Mapping[str, tuple[str, BaseModel]]
    """Name → kind and its settings."""
    poll_every: timedelta
    policy: Policy
    services: Mapping[str, Service]
    slos: tuple[Slo, ...]
    runbooks: Mapping[str, Runbook]
    people: tuple[Profile, ...]
    """Their `id` is empty: the directory gives it."""
    regimes: tuple[str, ...]
    pagers: Mapping[str, BaseModel]
    """Name → its settings, in the order in which they are tried."""
    admins: tuple[str, ...] = ()
    """Keys of those Tocsin tells how it is itself."""
    on_call: Escalation | None = None
    """Who is paged where no service says who is on call, as tocsin.yaml says it."""
    heartbeat: Heartbeat | None = None
    status: Status | None = None
    maintenance: tuple[Maintenance, ...] = ()
    alerts: tuple[AlertSource, ...] = ()
    webhooks: tuple[Webhook, ...] = ()
    warnings: tuple[Problem, ...] = ()
    rotas: Mapping[str, Rota] = field(default_factory=dict)
    schedules: Mapping[str, Elsewhere] = field(default_factory=dict)
    """Those that are kept elsewhere, by name."""
    escalations: Mapping[str, Escalation] = field(default_factory=dict)
    contacts: Mapping[str, Contact] = field(default_factory=dict)
    """By key of the person; never stored."""
    subjects: Mapping[str, str] = field(default_factory=dict)
    """As whom the provider of logins knows people: its subject → key."""
    file: str = "tocsin.yaml"
    """The name of the file in `root` that all begins with."""

    def escalation_of(self, service: Service) -> Escalation:
        """How pages for a service climb: by its escalation, or each entry of its on_call a level of its own."""
        return climbed_for(service, self.escalations)

    @property
    def instead(self) -> tuple[Escalation, ...]:
        """Who is paged where nobody is on call: the first of these on which somebody stands."""
        return instead.instead(self.on_call, self.admins)

    def ever_on_call(self, service: Service) -> tuple[str, ...]:
        """Keys of everybody who may be paged for a service, as far as our own files tell."""
        return everybody(self.escalation_of(service).paged, self.rotas)
