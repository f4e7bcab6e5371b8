"""Alertmanager and Grafana by their documented webhooks, through the door into the inbox."""

from __future__ import annotations

import json
from datetime import UTC, datetime

import pytest

from bot.intake.kinds.alertmanager import fingerprint
from tests.kit import NOON
from tests.web.alerting import Gate, am, am_alert, gate, signature


@pytest.fixture
async def home(tmp_path):
    async with gate(tmp_path) as made:
        yield made


async def newest(home: Gate):
    return (await home.kept())[-1]


def at(text: str) -> datetime:
    return datetime.fromisoformat(text)


# -- Alertmanager ----------------------------------------------------------------------------------------------------


async def test_an_alertmanager_webhook(home: Gate) -> None:
    """Version 4 (Alertmanager's documentation, <webhook_config>): title, text, service and severity from its labels."""
    answer = await home.post("prod", am(am_alert(pod="a-1")))
    assert (answer.status_code, answer.json()) == (200, {"accepted": 1, "refused": []})
    alert = await newest(home)
    assert (alert.source, alert.fingerprint) == ("prod", am_alert()["fingerprint"])
    assert alert.starts == at("2026-11-20T11:58:00.123Z")
    assert (alert.firing, alert.severity, alert.service) == (True, 1, "visits")
    assert (alert.title, alert.text) == ("Latency is high", "2.4 s at the 99th percentile")
    assert alert.url.startswith("http://prometheus.example:9090/graph")
    assert alert.labels["pod"] == "a-1"


async def test_its_end_ends_that_episode_and_no_newer_one(home: Gate) -> None:
    """Resolved comes late, after the alert began anew: the newer episode goes on firing."""
    again = am_alert() | {"startsAt": "2026-11-20T11:59:30Z"}
    over = am_alert(status="resolved", ends="2026-11-20T11:59:00Z")
    for one in (am_alert(), again, over):
        assert (await home.post("prod", am(one))).status_code == 200
    first, second = sorted(await home.kept(), key=lambda alert: alert.starts)
    assert first.ends == at("2026-11-20T11:59:00Z")
    assert second.firing


@pytest.mark.parametrize(
    ("status", "ends", "firing"),
    [
        ("firing", "0001-01-01T00:00:00Z", True),
        ("firing", "2026-11-20T12:04:00Z", True),
        ("resolved", "2026-11-20T11:59:00Z", False),
        ("resolved", "2026-11-20T12:00:30Z", False),  # its clock is ahead of ours: it said so all the same
        (None, "0001-01-01T00:00:00Z", True),
        (None, "2026-11-20T12:04:00Z", True),
        (None, "2026-11-20T11:59:00Z", False),
        (None, None, True),
    ],
)
async def test_whether_it_fires(home: Gate, status: str | None, ends: str | None, firing: bool) -> None:
    """The status says so; where there is none an end that is zero, absent or ahead means that it fires."""
    await home.post("prod", am(am_alert() | {"status": status, "endsAt": ends}))
    assert (await newest(home)).firing is firing


async def test_an_old_alertmanager_tells_no_fingerprint(home: Gate) -> None:
    """Before 0.16: computed from the labels as Prometheus' libraries do, so that an upgrade changes nothing."""
    old = am_alert()
    del old["fingerprint"]
    await home.post("prod", am(old))
    assert (await newest(home)).fingerprint == fingerprint(old["labels"])
    assert fingerprint({}) == "cbf29ce484222325"  # the offset of 64-bit FNV-1a, as model.LabelSet{}.Fingerprint() gives
    assert fingerprint({"name": "value", "a": "b"}) == fingerprint({"a": "b", "name": "value"})
    assert fingerprint({"a": "bc"}) != fingerprint({"ab": "c"})


async def test_a_truncated_webhook_is_to_be_asked_for(home: Gate) -> None:
    """What it holds is kept, and the sender is marked as one that left something out."""
    await home.post("prod", am(am_alert()))
    assert home.wanted == []
    await home.post("prod", am(am_alert(), truncated=12))
    assert home.wanted == ["prod"]
    assert len(await home.kept()) == 1


async def test_one_bad_alert_does_not_lose_the_others(home: Gate) -> None:
    """Five of them, three bad: two are kept, and the answer says which were not and why."""
    bad = [am_alert() | {"startsAt": "yesterday"}, "junk", am_alert() | {"labels": {}}]
    answer = await home.post("prod", am(am_alert("A"), *bad, am_alert("B")))
    assert answer.status_code == 200
    assert answer.json() == {
        "accepted": 2,
        "refused": ["alert 2: a time that is none", "alert 3: it is not an object", "alert 4: it has no labels"],
    }
    assert [alert.title for alert in await home.kept()] == ["A is high", "B is high"]


async def test_where_nothing_could_be_kept_it_is_no_success(home: Gate) -> None:
    """A message all of whose alerts are bad is a 400 with the reasons: the sender's own log shows it."""
    answer = await home.post("prod", am({}, {"labels": {"a": "b"}, "startsAt": "2030"}))
    assert answer.status_code == 400
    assert answer.json()["because"] == "alert 1: it has no labels; alert 2: a time that is none"


async def test_an_empty_webhook_is_answered(home: Gate) -> None:
    """No alerts, nothing wrong."""
    assert (await home.post("prod", am())).json() == {"accepted": 0, "refused": []}


async def test_a_service_that_is_not_the_senders_to_name(home: Gate) -> None:
    """Bound to visits, it speaks of loans: kept without a service, at most SEV3, counted and said; never lost."""
    answer = await home.post("bound", am(am_alert("A", service="loans"), am_alert("B"), am_alert("C", service="")))
    assert answer.json() == {"accepted": 3, "refused": [], "unbound": 1}
    found = {alert.title[0]: (alert.service, alert.severity) for alert in await home.kept()}
    assert found == {"A": ("", 3), "B": ("visits", 1), "C": ("visits", 1)}
    assert home.door.heard["bound"].unbound == 1


async def test_a_service_nobody_catalogued_keeps_its_severity(home: Gate) -> None:
    """A sender that may speak for all names one that is not in the catalogue: no service, and still critical."""
    await home.post("prod", am(am_alert(service="new-thing")))
    alert = await newest(home)
    assert (alert.service, alert.severity) == ("", 1)
    assert home.door.heard["prod"].unbound == 1


@pytest.mark.parametrize(
    ("word", "severity"),
    [("critical", 1), ("PAGE", 1), ("error", 2), ("Warning", 3), ("info", 4), ("none", 4), ("weird", 3), ("", 3)],
)
async def test_the_senders_words_for_severity(home: Gate, word: str, severity: int) -> None:
    """Common words are known in any case; a word nobody mapped, and none, are SEV3."""
    await home.post("prod", am(am_alert(severity=word)))
    assert (await newest(home)).severity == severity


async def test_words_without_end_are_cut(home: Gate) -> None:
    """Labels in number and length, titles, texts and addresses: bounded, and what is no web address is none."""
    huge = am_alert(**{f"l{n:03}": "v" * 5000 for n in range(200)}) | {
        "annotations": {"summary": "s" * 9000, "description": "d\x00\x1b[31m" + "d" * 9000},
        "generatorURL": "javascript:alert(1)",
        "fingerprint": "f" * 5000,
    }
    await home.post("prod", am(huge) | {"externalURL": "file:///etc/passwd"})
    alert = await newest(home)
    assert len(alert.labels) == 64
    assert max(map(len, alert.labels.values())) == 512
    assert (len(alert.title), len(alert.text), alert.url) == (300, 4000, "")
    assert "\x00" not in alert.text and "\x1b" not in alert.text  # noqa: PT018
    assert alert.fingerprint.startswith("sha256:")


# -- Grafana ---------------------------------------------------------------------------------------------------------


def grafana_alert(**how) -> dict:
    return {
        "status": "firing",
        "labels": {"alertname": "High memory usage", "team": "blue", "zone": "us-1", "severity": "high"},
        "annotations": {"runbook_url": "https://runbooks.example/memory", "summary": "The memory is nearly full"},
        "startsAt": "2026-11-20T11:57:06.644281146+02:00",
        "endsAt": "0001-01-01T00:00:00Z",
        "values": {"B": 44.23943737541908, "C": 1},
        "valueString": "[ var='B' labels={} value=44.2 ]",
        "generatorURL": "https://grafana.example/alerting/1afz29v7z/edit",
        "fingerprint": "c6eadffa33fcdf37",
        "silenceURL": "https://grafana.example/alerting/silence/new",
        "dashboardURL": "",
        "panelURL": "https://grafana.example/d/abc?viewPanel=2",
        "imageURL": "",
    } | how


def grafana(*alerts: dict) -> bytes:
    """Grafana's documentation, "Configure webhook notifications": webhook JSON payload, body and alert."""
    return json.dumps({
        "receiver": "My Super Webhook", "status": "firing", "orgId": 1, "alerts": list(alerts),
        "groupLabels": {}, "commonLabels": {}, "commonAnnotations": {}, "externalURL": "https://grafana.example/",
        "version": "1", "groupKey": "{}:{}", "truncatedAlerts": 0, "title": "[FIRING:1]", "state": "alerting",
        "message": "**Firing**",
    }).encode()  # fmt: skip


async def send_grafana(home: Gate, body: bytes):
    now = str(int(home.clock.now().timestamp()))
    signed = {"X-Grafana-Alerting-Signature": signature(body, told=now), "X-Time": now}
    return await home.post("grafana", body, Authorization="", **signed)


async def test_a_grafana_webhook(home: Gate) -> None:
    """Unified alerting: the same family as Alertmanager's; the panel is what people look at; values stand in for text."""
    assert (await send_grafana(home, grafana(grafana_alert()))).json() == {"accepted": 1, "refused": []}
    alert = await newest(home)
    assert (alert.title, alert.severity) == ("The memory is nearly full", 2)
    assert alert.url == "https://grafana.example/d/abc?viewPanel=2"
    assert alert.text == "[ var='B' labels={} value=44.2 ]"
    assert alert.starts == datetime(2026, 11, 20, 9, 57, 6, 644000, UTC)
    await send_grafana(home, grafana(grafana_alert(status="resolved", endsAt="2026-11-20T11:59:00Z")))
    assert not (await newest(home)).firing
    assert len(await home.kept()) == 1


async def test_grafanas_test_button_opens_nothing(home: Gate) -> None:
    """What its button sends is answered with what it was, counts as heard, and a real alert of that name is kept.

    As Grafana's alerting library makes it (notify, newTestAlert): two labels and a summary, each of which the dialog
    lets people replace; its group's key is a name, a fingerprint and a time, where a policy's begins with a brace.
    """
    test = grafana_alert(
        labels={"alertname": "TestAlert", "instance": "Grafana"}, annotations={"summary": "Notification test"}
    )
    answer = await send_grafana(home, grafana(test))
    assert answer.json()["because"] == "that was a test: it arrived, and nothing was opened"
    assert await home.kept() == []
    assert (home.door.heard["grafana"].tests, home.door.heard["grafana"].at) == (1, NOON)
    reworded = json.loads(grafana(test | {"annotations": {"summary": "Does this reach us?"}}))
    reworded |= {"groupKey": "webhook-57c6d9296de2ad39-1795176000"}
    await send_grafana(home, json.dumps(reworded).encode())
    assert (await home.kept(), home.door.heard["grafana"].tests) == ([], 2)
    await send_grafana(home, grafana(grafana_alert(labels={"alertname": "TestAlert", "instance": "db-1"})))
    named = grafana_alert(labels={"alertname": "TestAlert", "instance": "Grafana"}, fingerprint="b")
    await send_grafana(home, grafana(named))  # a rule of that very name, grouped by a policy
    assert len(await home.kept()) == 2
