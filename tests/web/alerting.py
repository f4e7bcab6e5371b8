"""Senders of alerts and the door they come to, over a real inbox."""

from __future__ import annotations

import hashlib
import hmac
import json
from collections.abc import Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import httpx

from bot.domain.alert import Alert
from bot.intake.sender import Basic, Bearer, Mapped, Sender, Signed
from bot.store import Store
from bot.store.alerts import MOST_WAITING, Alerts
from bot.web.alerts.door import AlertDoor
from tests.web.fakes import HOME, FakeClock

SECRET = "s3cret-of-prod-0123456789"
ALL = frozenset({"visits", "loans"})
MAPPED = Mapped({
    "fingerprint": ("event", "id"), "status": ("event", "state"), "starts": ("event", "since"),
    "title": ("event", "name"), "service": ("event", "for"), "severity": ("event", "level"),
    "labels": ("tags",), "url": ("links", "0"), "ends": ("event", "until"),
})  # fmt: skip
SENDERS = (
    Sender("prod", "alertmanager", Bearer(SECRET), ALL),
    Sender("bound", "alertmanager", Bearer(SECRET), frozenset({"visits"}), bound=True, default_service="visits"),
    Sender("grafana", "grafana", Signed(SECRET, "X-Grafana-Alerting-Signature", "", "X-Time"), ALL),
    Sender(
        "grafana2",
        "grafana",
        Signed(SECRET, "X-Grafana-Alerting-Signature", or_header="X-Grafana-Alert-Signature"),
        ALL,
    ),
    Sender("unsigned", "grafana", Bearer(SECRET), ALL),
    Sender("signed", "alertmanager", Signed(SECRET, "X-Signature", "sha256="), ALL),
    Sender("basic", "alertmanager", Basic("hook", SECRET), ALL),
    Sender("pd", "pagerduty", Bearer(SECRET), ALL),
    Sender("og", "opsgenie", Bearer(SECRET), ALL),
    Sender("ce", "cloudevents", Bearer(SECRET), ALL),
    Sender("own", "generic", Bearer(SECRET), ALL, mapped=MAPPED),
    Sender("dog", "alertmanager", Bearer(SECRET), ALL, watchdog="Watchdog"),
    Sender("small", "alertmanager", Bearer(SECRET), ALL, max_body=2000),
)
BEARER = {"Authorization": f"Bearer {SECRET}"}


async def nobody(scope: Any, receive: Any, send: Any) -> None:
    """What stands behind the door."""
    await send({"type": "http.response.start", "status": 418, "headers": []})
    await send({"type": "http.response.body", "body": b""})


@dataclass
class Gate:
    """The door, its inbox, and a sender's client."""

    store: Store
    clock: FakeClock
    door: AlertDoor
    wanted: list[str] = field(default_factory=list)

    async def post(self, name: str, body: object, **headers: str) -> httpx.Response:
        """Send with the sender's bearer token, unless the headers say otherwise."""
        content = body if isinstance(body, bytes) else json.dumps(body).encode()
        given = {"content-type": "application/json", **BEARER, **headers}
        return await self.send("POST", f"/alerts/{name}", content, given)

    async def send(self, method: str, path: str, content: bytes, headers: dict[str, str]) -> httpx.Response:
        transport = httpx.ASGITransport(self.door)
        async with httpx.AsyncClient(transport=transport, base_url=HOME) as client:
            given = {name: value for name, value in headers.items() if value}
            return await client.request(method, path, content=content, headers=given)

    async def kept(self) -> Sequence[Alert]:
        """Every episode in the inbox, in the order of its last change."""
        return [each.alert for each in await self.store.alerts.since(0, 10_000)]


@asynccontextmanager
async def gate(folder: Path, *, most_waiting: int = MOST_WAITING, **bounds: float):
    """A door over a fresh SQLite inbox."""
    clock = FakeClock()
    async with await Store.open(f"sqlite:///{folder / 'alerts.db'}", clock) as store:
        wanted: list[str] = []
        inbox = Alerts(store.database, clock, most_waiting=most_waiting)
        yield Gate(store, clock, AlertDoor(nobody, SENDERS, inbox, clock, wanted.append, **bounds), wanted)
        await inbox.close()


def signature(body: bytes, *, told: str = "", secret: str = SECRET) -> str:
    """HMAC-SHA256 in hex, of `time:body` where a time is told."""
    message = f"{told}:".encode() + body if told else body
    return hmac.new(secret.encode(), message, hashlib.sha256).hexdigest()


def am_alert(name: str = "Latency", *, status: str = "firing", ends: str = "0001-01-01T00:00:00Z", **labels) -> dict:
    """One alert as Alertmanager 0.27 writes it into a webhook."""
    return {
        "status": status,
        "labels": {"alertname": name, "severity": "critical", "service": "visits", **labels},
        "annotations": {"summary": f"{name} is high", "description": "2.4 s at the 99th percentile"},
        "startsAt": "2026-11-20T11:58:00.123Z",
        "endsAt": ends,
        "generatorURL": "http://prometheus.example:9090/graph?g0.expr=up&g0.tab=1",
        "fingerprint": f"{sum(map(ord, name)):016x}",
    }


def am(*alerts: dict, truncated: int = 0) -> dict:
    """A webhook of version 4 (Alertmanager's documentation, configuration, <webhook_config>)."""
    return {
        "version": "4",
        "groupKey": '{}:{alertname="Latency"}',
        "truncatedAlerts": truncated,
        "status": "firing",
        "receiver": "tocsin",
        "groupLabels": {"alertname": "Latency"},
        "commonLabels": {"alertname": "Latency"},
        "commonAnnotations": {},
        "externalURL": "http://alertmanager.example:9093",
        "alerts": list(alerts),
    }
