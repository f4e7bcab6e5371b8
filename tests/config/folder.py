"""A small configuration folder that is in order, to be broken in one place at a time."""

from datetime import timedelta
from pathlib import Path

from pydantic import BaseModel, ConfigDict, SecretStr

from bot.config.installation import Installation
from bot.config.load import load
from bot.domain.errors import Invalid, NotFound, Problem

TOCSIN = """\
organisation:
  name: Example Ltd
  country: 'DE'
  currency: CHF
slack:
  mode: socket
  team: T0EXAMPLE
  bot_token: {env: BOT_TOKEN}
  app_token: {env: APP_TOKEN}
sources:
  prom:
    kind: prometheus
    url: http://127.0.0.1:9090
    token: {env: PROM_TOKEN}
poll:
  every: 5s
policy:
  acknowledge_within: 4m
  approve:
    traffic: ['@ada']
regimes: [eu_gdpr_art33]
"""
PEOPLE = """\
ada:
  name: Ada
  roles: [responder, approver]
  slack: {user: U0ADA}
ben:
  name: Ben
  email: ben@example.com
"""
SERVICE = """\
name: scoring
title: Scoring
owner: ml
channel: '#ml'
on_call: [ada, ben]
tier: 1
depends_on: [features]
runbooks: [own]
targets:
  - name: live
    action: router
    settings:
      url: http://127.0.0.1:7000
      token: {env: ROUTER_TOKEN}
      drain: 2m
offers:
  - name: back
    label: Go back
    means: rollback
    target: live
    params: {to: v1}
evidence:
  drift: {rows: 500}
  lineage:
value_per_event: 0.02
legal:
  ai_system: true
  placed_on_market_date: 2025-03-01
"""
FEATURES = "name: features\nowner: data\non_call: [ada]\n"
SLO = """\
apiVersion: openslo/v1
kind: SLO
metadata:
  name: scoring-answers
  annotations:
    tocsin.dev/runbook: own
spec:
  service: scoring
  budgetingMethod: Occurrences
  timeWindow: [{duration: 30d, isRolling: true}]
  objectives: [{target: 0.99}]
  indicator:
    spec:
      ratioMetric:
        counter: true
        good:
          metricSource:
            metricSourceRef: prom
            spec: {query: 'hits_total{ok="yes"}'}
        total:
          metricSource:
            metricSourceRef: prom
            spec: {query: hits_total}
"""
RUNBOOK = """\
---
name: own
title: Own runbook
causes: [capacity]
steps:
  - id: look
    kind: check
    title: Look
    params: {slo: scoring-answers}
    options:
      - {value: met, label: Met, next: end}
      - {value: breached, label: Breached}
      - {value: no_data, label: No data}
  - id: act
    kind: act
    title: Go back
    params: {offer: back}
  - id: call
    kind: page
    title: Call
    params: {person: ada}
---
Prose for people.
"""
ENVIRON = {"BOT_TOKEN": "xoxb-1", "APP_TOKEN": "xapp-1", "PROM_TOKEN": "p-1", "ROUTER_TOKEN": "r-1"}


class Http(BaseModel):
    """Settings of a part that is reached over HTTP."""

    model_config = ConfigDict(extra="forbid")
    url: str
    token: SecretStr | None = None
    drain: timedelta = timedelta(seconds=1)
    labels: dict[str, str] = {}


class Rows(BaseModel):
    """Settings of an instrument."""

    model_config = ConfigDict(extra="forbid")
    rows: int = 100


class Mail(BaseModel):
    """Settings of a pager that needs some."""

    model_config = ConfigDict(extra="forbid")
    host: str
    password: SecretStr | None = None


class Feed(BaseModel):
    """Settings of a schedule kept elsewhere."""

    model_config = ConfigDict(extra="forbid")
    url: SecretStr
    every: timedelta = timedelta(minutes=5)


SHELVES: dict[str, dict[str, type[BaseModel]]] = {
    "sources": {"prometheus": Http, "openmetrics": Http},
    "actions": {"router": Http, "mlflow": Http},
    "evidence": {"drift": Rows, "lineage": Rows},
    "pagers": {"slack": Rows, "email": Mail, "sms": Rows, "voice": Rows, "ntfy": Rows, "pushover": Rows},
    "oncall": {"ical": Feed},
}


def models(shelf: str, name: str) -> type[BaseModel]:
    """What is on the shelves of these tests."""
    if name not in SHELVES[shelf]:
        raise NotFound(shelf.rstrip("s"), name, sorted(SHELVES[shelf]))
    return SHELVES[shelf][name]


class Folder:
    """The folder on disk."""

    def __init__(self, root: Path) -> None:
        self.root, self.environ = root, dict(ENVIRON)
        self.write("tocsin.yaml", TOCSIN)
        self.write("people.yaml", PEOPLE)
        self.write("services/scoring.yaml", SERVICE)
        self.write("services/features.yaml", FEATURES)
        self.write("slos/scoring.yaml", SLO)
        self.write("runbooks/own.md", RUNBOOK)

    def write(self, name: str, text: str) -> None:
        path = self.root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")

    def text(self, name: str) -> str:
        return (self.root / name).read_text(encoding="utf-8")

    def change(self, name: str, old: str, new: str) -> None:
        """Replace what stands there once."""
        text = self.text(name)
        assert text.count(old) == 1, f"{old!r} stands {text.count(old)} times in {name}"
        self.write(name, text.replace(old, new))

    def load(self) -> Installation:
        return load(self.root / "tocsin.yaml", environ=self.environ, models=models)

    def problems(self) -> list[Problem]:
        """What is wrong with it; nothing where it loads."""
        try:
            self.load()
        except Invalid as wrong:
            return list(wrong.problems)
        return []

    def told(self) -> list[str]:
        """Each problem as `file:line:column: what`, the file as in this folder."""
        return [
            f"{Path(each.file).relative_to(self.root)}:{each.line}:{each.column}: {each.what}"
            for each in self.problems()
        ]

    def place(self, name: str, needle: str) -> str:
        """`file:line:column` of the one place where those letters stand."""
        text = self.text(name)
        assert text.count(needle) == 1, f"{needle!r} stands {text.count(needle)} times in {name}"
        at = text.index(needle)
        return f"{name}:{text.count(chr(10), 0, at) + 1}:{at - text.rfind(chr(10), 0, at)}"
