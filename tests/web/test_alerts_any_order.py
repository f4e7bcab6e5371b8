"""The same thousand webhooks through the door: shuffled, duplicated and truncated, over HTTP, into one end state."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import pytest

from bot.domain.alert import Alert
from tests.domain.test_alert import mangled, messages
from tests.web.alerting import am, gate


def written(alert: Alert) -> dict:
    """As an Alertmanager writes it (its documentation, <webhook_config> and "Notification template reference")."""
    return {
        "status": "firing" if alert.firing else "resolved",
        "labels": {"alertname": "Latency", "severity": f"sev{alert.severity}", "service": alert.service},
        "annotations": {"summary": alert.title},
        "startsAt": alert.starts.isoformat(),
        "endsAt": "0001-01-01T00:00:00Z" if alert.ends is None else alert.ends.isoformat(),
        "generatorURL": "http://prometheus.example:9090/graph",
        "fingerprint": alert.fingerprint,
    }


def folder(place: Path, name: str) -> Path:
    """A new one."""
    made = place / name
    made.mkdir()
    return made


async def kept(place: Path, webhooks: Sequence[Sequence[Alert]], most: int) -> dict[tuple[str, object], Alert]:
    """What is known once they were all sent; one cut short says how many alerts it left out."""
    async with gate(place) as home:
        home.store.database.patience = 15.0  # a machine that is busy with other tests is no silent database
        home.clock.forward(minutes=45)  # after the last of them began
        for batch in webhooks:
            answer = await home.post("prod", am(*map(written, batch), truncated=max(0, most - len(batch))))
            assert answer.json() == {"accepted": len(batch), "refused": []}
        return {(alert.fingerprint, alert.starts): alert for alert in await home.kept()}


@pytest.mark.parametrize("seeds", [range(1, 2), pytest.param(range(2, 5), marks=pytest.mark.nightly)])
async def test_a_thousand_webhooks_end_alike_through_the_door(tmp_path: Path, seeds: range) -> None:
    """One permutation in a plain run, three more at night; a thousand of them by what decides alone, in tests/domain."""
    webhooks = messages(4711)
    most = max(map(len, webhooks))
    wanted = await kept(folder(tmp_path, "in order"), webhooks, most)
    assert len(wanted) > 700
    for seed in seeds:
        assert await kept(folder(tmp_path, str(seed)), mangled(webhooks, seed), most) == wanted, seed
