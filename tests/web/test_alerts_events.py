"""PagerDuty, Opsgenie and mapped JSON by their documented schemas, through the door into the inbox."""

from __future__ import annotations

import asyncio
import json
from datetime import UTC, datetime, timedelta

import pytest

from tests.kit import NOON
from tests.web.alerting import BEARER, Gate, gate


@pytest.fixture
async def home(tmp_path):
    async with gate(tmp_path) as made:
        yield made


async def newest(home: Gate):
    return (await home.kept())[-1]


def at(text: str) -> datetime:
    return datetime.fromisoformat(text)


# -- PagerDuty -------------------------------------------------------------------------------------------------------


def pd(action: str = "trigger", **how) -> dict:
    """PagerDuty's developer documentation, Events API v2, "Send an Alert Event", its example of a trigger (PD-CEF)."""
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
        "images": [{"src": "https://pagerduty.example/logo.png", "href": "https://pagerduty.example/", "alt": "Logo"}],
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
    bare = pd()
    del bare["payload"]["timestamp"]

    async def one(n: int) -> None:
        home.clock.forward(seconds=1)
        await home.post("pd", bare if n else pd(dedup_key="other"))

    await asyncio.gather(*(one(n) for n in range(11)))
    assert sorted(alert.fingerprint for alert in await home.kept()) == ["other", "srv01/mysql"]


async def test_an_event_without_a_key_gets_one_that_lasts(home: Gate) -> None:
    """The same words once more are the same alert, and the key that was answered resolves it.

    Here we differ on purpose: PagerDuty makes a new key, and so a new alert, of each event without one.
    """
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
    """Opsgenie's documentation, "Alert API", Create Alert: its JSON body fields."""
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


@pytest.mark.parametrize("query", ["", "?identifierType=id", "?identifierType=tiny"])
async def test_opsgenies_identifier_is_an_id_unless_it_says_alias(home: Gate, query: str) -> None:
    """Alert API, Close Alert: the default is `id`. We give none, so closing by one is refused, not lost in silence."""
    await home.post("og/v2/alerts", og(alias="4711"))
    answer = await home.post(f"og/v2/alerts/4711/close{query}", {"source": "Nagios"})
    assert answer.status_code == 400
    assert "identifierType=alias" in answer.json()["because"]
    assert (await newest(home)).firing


@pytest.mark.parametrize(
    ("what", "body"),
    [
        ("message", {"message": "Another message"}), ("priority", {"priority": "P2"}), ("escalate", {"escalation": {}}),
        ("description", {"description": "More"}), ("notes", {"note": "seen"}), ("assign", {"owner": {}}),
        ("actions/Restart", {"note": "done"}), ("responders", {"responder": {}}), ("teams", {"team": {}}),
    ],
)  # fmt: skip
async def test_what_is_done_to_an_alert_of_opsgenies_opens_none(home: Gate, what: str, body: dict) -> None:
    """Alert API and its continuation: every other request about an alert is taken, and changes nothing here."""
    await home.post("og/v2/alerts", og(alias="a"))
    answer = await home.post(f"og/v2/alerts/a/{what}?identifierType=alias", body)
    assert (answer.status_code, answer.json()["accepted"]) == (202, 0)
    (alert,) = await home.kept()
    assert alert.title == "An example alert message"


async def test_an_address_opsgenie_does_not_have_is_none(home: Gate) -> None:
    """An alert sent to a wrong address is refused with the right one."""
    answer = await home.post("og/v2/incidents/create", og())
    assert (answer.status_code, await home.kept()) == (400, [])
    assert "v2/alerts" in answer.json()["because"]


async def test_opsgenies_own_webhook(home: Gate) -> None:
    """Its documentation, "Opsgenie Edge Connector alert action data", which is the webhook's body too.

    `createdAt` counts milliseconds, `updatedAt` nanoseconds; actions that neither open nor close change nothing.
    """
    held = {
        "alertId": "052652ac-5d1c-464a-812a-7dd18bbfba8c", "message": "Disk is full", "tags": ["t"], "alias": "aliastest",
        "createdAt": 1795175700000, "updatedAt": 1795175880000000000, "priority": "P3", "details": {"service": "visits"},
        "teams": ["team1"], "recipients": [], "username": "ana@visits.example", "source": "ana@visits.example",
        "tinyId": "23", "userId": "daed1180-0ce8-438b-8f8e-57e1a5920a2d", "entity": "",
    }  # fmt: skip
    for action in ("Create", "Acknowledge", "AddNote", "Close"):
        sent = {"source": {"name": "web", "type": "API"}, "action": action, "alert": held, "integrationName": "Tocsin"}
        assert (await home.post("og", sent)).status_code == 202
    (alert,) = await home.kept()
    assert alert.starts == datetime.fromtimestamp(1795175700, UTC)
    assert alert.ends == datetime.fromtimestamp(1795175880, UTC)
    assert (alert.fingerprint, alert.severity) == ("aliastest", 3)


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
