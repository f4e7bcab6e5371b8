"""Each kind of sender by its vendor's documented schema, through the door into the inbox."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta

import pytest

from bot.intake.kinds.alertmanager import fingerprint
from tests.kit import NOON
from tests.web.alerting import BEARER, Gate, am, am_alert, gate, signature


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
    answer = await home.post("prod", am({}, {"labels": {"a": "b"}, "startsAt": "2030-01-01T00:00:00Z"}))
    assert answer.status_code == 400
    assert answer.json()["because"] == "alert 1: it has no labels; alert 2: it begins in the future"


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
    """Grafana's documentation, "Configure webhook notifications", section on the body."""
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
    """What its button sends is answered with what it was, counts as heard, and a real alert of that name is kept."""
    test = grafana_alert(
        labels={"alertname": "TestAlert", "instance": "Grafana"}, annotations={"summary": "Notification test"}
    )
    answer = await send_grafana(home, grafana(test))
    assert answer.json()["because"] == "that was a test: it arrived, and nothing was opened"
    assert await home.kept() == []
    assert (home.door.heard["grafana"].tests, home.door.heard["grafana"].at) == (1, NOON)
    await send_grafana(home, grafana(grafana_alert(labels={"alertname": "TestAlert", "instance": "db-1"})))
    assert len(await home.kept()) == 1


# -- PagerDuty -------------------------------------------------------------------------------------------------------


def pd(action: str = "trigger", **how) -> dict:
    """PagerDuty's documentation, Events API v2, "Send an alert event" (PD-CEF payload)."""
    event = {
        "payload": {
            "summary": "DISK at 99% on machine prod-datapipe03",
            "timestamp": "2026-11-20T11:55:00.000+0000",
            "severity": "critical",
            "source": "prod-datapipe03",
            "component": "mysql",
            "group": "prod-datapipe",
            "class": "disk",
            "custom_details": {"free space": "1%", "service": "visits", "load": 0.9},
        },
        "routing_key": "s3cret-of-prod-0123456789",
        "dedup_key": "srv01/mysql",
        "links": [{"href": "https://pagerduty.example/", "text": "PagerDuty"}],
        "event_action": action,
        "client": "Sample",
        "client_url": "https://monitoring.example",
    }
    if action != "trigger":
        del event["payload"]
    return event | how


async def test_a_pagerduty_event_is_known_by_its_routing_key(home: Gate) -> None:
    """No header: the key in the body is the secret. The answer is the one PagerDuty's clients expect."""
    answer = await home.post("pd/v2/enqueue", pd(), Authorization="")
    assert answer.status_code == 202
    assert answer.json()["status"] == "success"
    assert answer.json()["dedup_key"] == "srv01/mysql"
    alert = await newest(home)
    assert (alert.fingerprint, alert.starts) == ("srv01/mysql", at("2026-11-20T11:55:00Z"))
    assert (alert.severity, alert.service, alert.labels["component"]) == (1, "visits", "mysql")
    assert alert.url == "https://pagerduty.example/"


async def test_triggers_of_an_open_alert_are_its_own_and_a_resolve_ends_it_in_its_words(home: Gate) -> None:
    """Triggered again later: the same episode. Resolved without a payload: title, service and severity stay."""
    await home.post("pd", pd())
    home.clock.forward(seconds=60)
    later = pd()
    later["payload"]["timestamp"] = "2026-11-20T12:00:30Z"
    await home.post("pd", later)
    assert len(await home.kept()) == 1
    await home.post("pd", pd("acknowledge"))
    assert (await newest(home)).firing
    await home.post("pd", pd("resolve"))
    (alert,) = await home.kept()
    assert (alert.ends, alert.severity, alert.service) == (home.clock.now(), 1, "visits")
    assert alert.title.startswith("DISK at 99%")


async def test_a_late_copy_of_a_trigger_opens_nothing_and_a_new_one_does(home: Gate) -> None:
    """After the resolve: the old trigger delivered again is the old episode; one from now is a new one."""
    await home.post("pd", pd())
    await home.post("pd", pd("resolve"))
    await home.post("pd", pd())
    assert [alert.firing for alert in await home.kept()] == [False]
    home.clock.forward(seconds=60)
    again = pd()
    del again["payload"]["timestamp"]
    await home.post("pd", again)
    assert sorted(alert.firing for alert in await home.kept()) == [False, True]
    assert (await newest(home)).starts == home.clock.now()


async def test_many_triggers_at_once_begin_one_episode(home: Gate) -> None:
    """Ten copies without a time, side by side: one alert; another key beside them is its own."""
    import asyncio

    bare = pd()
    del bare["payload"]["timestamp"]

    async def one(n: int) -> None:
        home.clock.forward(seconds=1)
        await home.post("pd", bare if n else pd(dedup_key="other"))

    await asyncio.gather(*(one(n) for n in range(11)))
    assert sorted(alert.fingerprint for alert in await home.kept()) == ["other", "srv01/mysql"]


async def test_an_event_without_a_key_gets_one_that_lasts(home: Gate) -> None:
    """The same words once more are the same alert, and the key that was answered resolves it."""
    bare = pd()
    del bare["dedup_key"]
    key = (await home.post("pd", bare)).json()["dedup_key"]
    assert (await home.post("pd", bare)).json()["dedup_key"] == key
    assert len(await home.kept()) == 1
    await home.post("pd", pd("resolve", dedup_key=key))
    assert not (await newest(home)).firing


@pytest.mark.parametrize(
    "event",
    [pd("explode"), pd("resolve", dedup_key=""), pd(payload={}), pd(payload={"summary": "x", "timestamp": "now"})],
)
async def test_an_event_that_is_none_is_refused(home: Gate, event: dict) -> None:
    """400 and a sentence; a resolve of what never began is none of those: it is answered, and changes nothing."""
    assert (await home.post("pd", event)).status_code == 400
    assert (await home.post("pd", pd("resolve"))).status_code == 202
    assert await home.kept() == []


# -- Opsgenie --------------------------------------------------------------------------------------------------------


def og(**how) -> dict:
    """Opsgenie's documentation, Alert API, "Create alert"."""
    return {
        "message": "An example alert message",
        "alias": "Life is too short for no alias",
        "description": "Every alert needs a description",
        "responders": [{"name": "NOC", "type": "team"}],
        "actions": ["Restart", "AnExampleAction"],
        "tags": ["OverwriteQuietHours", "Critical"],
        "details": {"service": "loans", "key2": "value2"},
        "entity": "An example entity",
        "source": "Nagios",
        "priority": "P1",
    } | how


async def test_opsgenies_create_and_close_by_alias(home: Gate) -> None:
    """On its own addresses, the alias with spaces and a slash in it; created again it is the same alert."""
    alias = "disk/1 of host a"
    for _ in range(2):
        assert (await home.post("og/v2/alerts", og(alias=alias))).status_code == 202
        home.clock.forward(seconds=10)
    alert = await newest(home)
    assert (alert.severity, alert.service, alert.title) == (1, "loans", "An example alert message")
    assert alert.labels["tags"] == "OverwriteQuietHours, Critical"
    await home.post("og/v2/alerts/disk%2F1%20of%20host%20a/acknowledge?identifierType=alias", {"user": "Ana"})
    assert (await newest(home)).firing
    answer = await home.post("og/v2/alerts/disk%2F1%20of%20host%20a/close?identifierType=alias", {"source": "Nagios"})
    assert answer.status_code == 202
    (alert,) = await home.kept()
    assert (alert.ends, alert.service, alert.title) == (home.clock.now(), "loans", "An example alert message")
    assert (await home.post("og/v2/alerts/4711/close?identifierType=id", {})).status_code == 400


async def test_opsgenies_own_webhook(home: Gate) -> None:
    """Its documentation, "Webhook integration": action and alert, createdAt in milliseconds; other actions are quiet."""
    held = {
        "alertId": "052652ac-5d1c-464a-812a-7dd18bbfba8c", "message": "Disk is full", "tags": ["t"], "alias": "aliastest",
        "createdAt": 1795175700000, "updatedAt": 1795175880000000000, "priority": "P3", "details": {"service": "visits"},
    }  # fmt: skip
    for action in ("Create", "Acknowledge", "AddNote", "Close"):
        sent = {"action": action, "alert": held, "integrationName": "Tocsin"}
        assert (await home.post("og", sent)).status_code == 202
    (alert,) = await home.kept()
    assert alert.starts == datetime.fromtimestamp(1795175700, UTC)
    assert alert.ends == datetime.fromtimestamp(1795175880, UTC)
    assert (alert.fingerprint, alert.severity) == ("aliastest", 3)


# -- CloudEvents -----------------------------------------------------------------------------------------------------

EVENT = {
    "specversion": "1.0",
    "type": "com.example.disk.full",
    "source": "/sensors/eu-1",
    "subject": "host-7",
    "id": "A234-1234-1234",
    "time": "2026-11-20T11:58:31Z",
    "datacontenttype": "application/json",
    "data": {"summary": "Disk is full", "severity": "critical", "service": "visits", "labels": {"disk": "sda"}},
}
OVER = EVENT | {"type": "com.example.disk.resolved", "id": "A-2", "time": "2026-11-20T11:59:00Z"}


async def test_cloudevents_structured(home: Gate) -> None:
    """CloudEvents 1.0, HTTP protocol binding, section 3.2: source and subject are the alert, its type says it is over."""
    kind = {"Content-Type": "application/cloudevents+json; charset=utf-8"}
    assert (await home.post("ce", EVENT, **kind)).status_code == 200
    alert = await newest(home)
    assert (alert.fingerprint, alert.starts) == ("/sensors/eu-1 host-7", at("2026-11-20T11:58:31Z"))
    assert (alert.title, alert.severity, alert.service) == ("Disk is full", 1, "visits")
    assert alert.labels == {"disk": "sda"}
    await home.post("ce", EVENT | {"id": "A-3", "time": "2026-11-20T11:58:45Z"}, **kind)
    await home.post("ce", OVER, **kind)
    (alert,) = await home.kept()
    assert (alert.starts, alert.ends) == (at("2026-11-20T11:58:31Z"), at("2026-11-20T11:59:00Z"))


async def test_cloudevents_binary(home: Gate) -> None:
    """Section 3.1: attributes in ce- headers, percent-encoded, the data alone in the body."""
    headers = {f"ce-{name}": str(value) for name, value in EVENT.items() if name not in {"data", "datacontenttype"}}
    await home.post("ce", EVENT["data"], **headers | {"ce-subject": "host%207"})
    alert = await newest(home)
    assert (alert.fingerprint, alert.title) == ("/sensors/eu-1 host 7", "Disk is full")


async def test_cloudevents_batched(home: Gate) -> None:
    """Section 3.3: a list; one that is no event is said, the others are kept."""
    batch = [EVENT, {"specversion": "1.0"}, EVENT | {"subject": "host-8"}, EVENT | {"specversion": "0.3"}]
    answer = await home.post("ce", batch, **{"Content-Type": "application/cloudevents-batch+json"})
    assert answer.json() == {
        "accepted": 2, "refused": ["event 2: it has no id", "event 4: its specversion is not 1.0"],
    }  # fmt: skip
    assert (await home.post("ce", EVENT, **{"Content-Type": "application/cloudevents-batch+json"})).status_code == 400


# -- generic ---------------------------------------------------------------------------------------------------------


def own(**event) -> dict:
    since = "2026-11-20T11:50:00Z"
    return {
        "event": {"id": 4711, "state": "ALARM", "since": since, "name": "Queue is long", "level": "p2", "for": "loans"} | event,
        "tags": {"region": "eu", "depth": 7, "nested": {"no": 1}},
        "links": ["https://queue.example/"],
    }  # fmt: skip


async def test_json_of_any_shape_by_its_mapping(home: Gate) -> None:
    """Dotted paths and list places; a number is an id too; a list of them is a batch."""
    answer = await home.post("own", [own(), own(id="b", since=1795175700), own(id=None)])
    assert answer.json() == {"accepted": 2, "refused": ["alert 3: it has no fingerprint"]}
    first, second = await home.kept()
    assert (first.fingerprint, first.title, first.severity, first.service) == ("4711", "Queue is long", 2, "loans")
    assert (first.labels, first.url) == ({"region": "eu", "depth": "7"}, "https://queue.example/")
    assert second.starts == datetime.fromtimestamp(1795175700, UTC)
    await home.post("own", own(state="OK", until="2026-11-20T11:55:00Z"))
    assert (await newest(home)).ends == at("2026-11-20T11:55:00Z")


async def test_without_a_start_the_open_episode_is_meant(home: Gate) -> None:
    """Told again it is the same; over and told again it is a new one; over without having begun is nothing."""
    await home.post("own", own(state="ok", since=None))
    assert await home.kept() == []
    await home.post("own", own(since=None))
    home.clock.forward(seconds=30)
    await home.post("own", own(since=None))
    assert len(await home.kept()) == 1
    await home.post("own", own(since=None, state="resolved"))
    assert (await newest(home)).ends == home.clock.now()
    home.clock.forward(seconds=30)
    await home.post("own", own(since=None))
    assert [alert.starts for alert in await home.kept()] == [NOON, NOON + timedelta(seconds=60)]


async def test_one_message_may_begin_and_end_an_alert(home: Gate) -> None:
    """In the order in which it tells: begun, over, begun anew, all without times."""
    home.clock.forward(seconds=1)
    answer = await home.send(
        "POST", "/alerts/own", json.dumps([own(since=None), own(since=None, state="ok")]).encode(), BEARER
    )
    assert answer.status_code == 200
    (alert,) = await home.kept()
    assert (alert.starts, alert.ends) == (home.clock.now(), home.clock.now())
