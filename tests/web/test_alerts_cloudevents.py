"""CloudEvents 1.0.2 by its HTTP protocol binding, JSON event format and webhook specification, through the door."""

from __future__ import annotations

import base64
import json
from datetime import datetime

import pytest

from tests.web.alerting import BEARER, Gate, gate

STRUCTURED = {"Content-Type": "application/cloudevents+json; charset=utf-8"}
BATCHED = {"Content-Type": "application/cloudevents-batch+json"}


@pytest.fixture
async def home(tmp_path):
    async with gate(tmp_path) as made:
        yield made


async def newest(home: Gate):
    return (await home.kept())[-1]


def at(text: str) -> datetime:
    return datetime.fromisoformat(text)


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
BINARY = {f"ce-{name}": str(value) for name, value in EVENT.items() if name not in {"data", "datacontenttype"}}
OVER = EVENT | {"type": "com.example.disk.resolved", "id": "A-2", "time": "2026-11-20T11:59:00Z"}


async def test_cloudevents_structured(home: Gate) -> None:
    """CloudEvents 1.0, HTTP protocol binding, section 3.2: source and subject are the alert, its type says it is over."""
    assert (await home.post("ce", EVENT, **STRUCTURED)).status_code == 200
    alert = await newest(home)
    assert (alert.fingerprint, alert.starts) == ("/sensors/eu-1 host-7", at("2026-11-20T11:58:31Z"))
    assert (alert.title, alert.severity, alert.service) == ("Disk is full", 1, "visits")
    assert alert.labels == {"disk": "sda"}
    await home.post("ce", EVENT | {"id": "A-3", "time": "2026-11-20T11:58:45Z"}, **STRUCTURED)
    await home.post("ce", OVER, **STRUCTURED)
    (alert,) = await home.kept()
    assert (alert.starts, alert.ends) == (at("2026-11-20T11:58:31Z"), at("2026-11-20T11:59:00Z"))


async def test_cloudevents_binary(home: Gate) -> None:
    """Section 3.1: attributes in ce- headers, percent-encoded, the data alone in the body."""
    await home.post("ce", EVENT["data"], **BINARY | {"ce-subject": "host%207"})
    alert = await newest(home)
    assert (alert.fingerprint, alert.title) == ("/sensors/eu-1 host 7", "Disk is full")


async def test_cloudevents_batched(home: Gate) -> None:
    """Section 3.3: a list; one that is no event is said, the others are kept."""
    batch = [EVENT, {"specversion": "1.0"}, EVENT | {"subject": "host-8"}, EVENT | {"specversion": "0.3"}]
    answer = await home.post("ce", batch, **BATCHED)
    assert answer.json() == {
        "accepted": 2, "refused": ["event 2: it has no id", "event 4: its specversion is not 1.0"],
    }  # fmt: skip
    assert (await home.post("ce", EVENT, **BATCHED)).status_code == 400


@pytest.mark.parametrize(
    ("header", "subject"),
    [
        ("Euro%20%E2%82%AC%20%F0%9F%98%80", "Euro € 😀"), ("%65uro", "euro"), ("%e2%82%ac", "€"), ("a%2520b", "a%20b"),
        ('"host 7"', "host 7"), (r'"a \"b\" \\ c"', 'a "b" \\ c'), ('"host%207"', "host 7"), ("100%", "100%"),
    ],
)  # fmt: skip
async def test_a_header_is_unquoted_and_decoded_once(home: Gate, header: str, subject: str) -> None:
    """Section 3.1.3.2, with its own example: quotes of older senders go, then percent signs are read, once."""
    await home.post("ce", EVENT["data"], **BINARY | {"ce-subject": header})
    assert (await newest(home)).fingerprint == f"/sensors/eu-1 {subject}"


async def test_a_header_that_is_no_text_is_refused(home: Gate) -> None:
    """Section 3.1.3.2: what decodes to no UTF-8 (an overlong space) must be rejected."""
    answer = await home.post("ce", EVENT["data"], **BINARY | {"ce-subject": "%C0%A0"})
    assert (answer.status_code, await home.kept()) == (400, [])
    assert "UTF-8" in answer.json()["because"]


async def test_the_content_type_says_how_an_event_travels(home: Gate) -> None:
    """Sections 3 and 3.2.3: an envelope may be accompanied by the same headers, and stays an envelope."""
    await home.post("ce", EVENT, **STRUCTURED, **BINARY | {"ce-subject": "other"})
    await home.post("ce", [EVENT], **BATCHED, **BINARY | {"ce-subject": "other"})
    (alert,) = await home.kept()
    assert (alert.fingerprint, alert.title) == ("/sensors/eu-1 host-7", "Disk is full")


async def test_an_empty_batch_is_one(home: Gate) -> None:
    """Section 3.3.2: the batch may be empty."""
    answer = await home.post("ce", [], **BATCHED)
    assert (answer.status_code, answer.json()) == (200, {"accepted": 0, "refused": []})


@pytest.mark.parametrize("declared", ["application/json", "application/vnd.example+json; charset=utf-8", None])
async def test_data_in_base64_are_read_where_they_are_json(home: Gate, declared: str | None) -> None:
    """JSON event format, section 3.1.2: `data_base64` in place of `data`."""
    packed = base64.b64encode(json.dumps(EVENT["data"]).encode()).decode()
    event = {name: value for name, value in EVENT.items() if name != "data"}
    await home.post("ce", event | {"data_base64": packed, "datacontenttype": declared}, **STRUCTURED)
    alert = await newest(home)
    assert (alert.title, alert.severity, alert.service) == ("Disk is full", 1, "visits")


@pytest.mark.parametrize(
    "more",
    [
        {"data_base64": "!", "datacontenttype": "application/json"},
        {"data_base64": base64.b64encode(b"{").decode()},
        {"data_base64": base64.b64encode(b"[" * 40).decode()},
        {"data_base64": base64.b64encode(b"\x80thrift").decode(), "datacontenttype": "application/vnd.apache.thrift.binary"},
        {"data": '<much wow="xml"/>', "datacontenttype": "application/xml"},
        {"data": None},
        {},
    ],
)  # fmt: skip
async def test_an_event_whose_data_nobody_reads_is_an_alert_all_the_same(home: Gate, more: dict) -> None:
    """JSON event format, sections 3.1 and 3.2: packed, of another kind or none; the attributes say what happened."""
    event = {name: value for name, value in EVENT.items() if name not in {"data", "datacontenttype"}}
    answer = await home.post("ce", event | more, **STRUCTURED)
    assert answer.json() == {"accepted": 1, "refused": []}
    assert (await newest(home)).title == "com.example.disk.full"


async def test_an_attribute_that_is_null_is_unset(home: Gate) -> None:
    """JSON event format, section 2.2: a null subject and time are none; the type stands in."""
    await home.post("ce", EVENT | {"subject": None, "time": None}, **STRUCTURED)
    alert = await newest(home)
    assert (alert.fingerprint, alert.starts) == ("/sensors/eu-1 com.example.disk.full", home.clock.now())


@pytest.mark.parametrize(("word", "severity"), [("FATAL", 1), ("ERROR", 2), ("WARN", 3), ("INFO", 4), ("TRACE", 4)])
async def test_the_severity_extension_counts_where_the_data_say_nothing(home: Gate, word: str, severity: int) -> None:
    """The documented extension "severity": `severitytext`, by its recommended values."""
    data = {"summary": "Disk is full"}
    await home.post("ce", EVENT | {"severitytext": word, "data": data}, **STRUCTURED)
    assert (await newest(home)).severity == severity
    await home.post("ce", EVENT | {"subject": "b", "severitytext": word}, **STRUCTURED)
    assert (await newest(home)).severity == 1  # as the data say


# -- the handshake ---------------------------------------------------------------------------------------------------


async def ask(home: Gate, name: str, **headers: str):
    return await home.send("OPTIONS", f"/alerts/{name}", b"", headers)


async def test_events_are_consented_to_before_they_are_sent(home: Gate) -> None:
    """Webhook specification, section 4: the origin that asks is allowed, at any rate, and nothing is remembered."""
    origin = {"WebHook-Request-Origin": "eventemitter.example.com", "WebHook-Request-Rate": "120"}
    answer = await ask(home, "ce", **origin)
    assert answer.status_code == 200
    assert answer.headers["webhook-allowed-origin"] == "eventemitter.example.com"
    assert answer.headers["webhook-allowed-rate"] == "*"
    assert "POST" in answer.headers["allow"]
    assert home.door.heard["ce"].at is None
    refused = await home.post("ce", EVENT, Authorization="", **STRUCTURED, **origin)
    assert (refused.status_code, await home.kept()) == (401, [])  # consent is no proof
    assert (await home.post("ce", EVENT, **STRUCTURED, **origin)).status_code == 200


async def test_who_does_not_ask_by_the_rules_gets_no_consent(home: Gate) -> None:
    """Without an origin, as if OPTIONS were not supported; an origin that is no name of hosts is not repeated."""
    answers = [await ask(home, "ce")]
    answers += [await ask(home, "ce", **{"WebHook-Request-Origin": odd}) for odd in ("a b", "<b>", "x" * 300, "a/b")]
    assert [each.status_code for each in answers] == [405, 400, 400, 400, 400]
    assert not [each for each in answers if "webhook-allowed-origin" in each.headers]


@pytest.mark.parametrize(("name", "status"), [("prod", 405), ("og", 405), ("nobody", 401)])
async def test_other_senders_know_no_handshake(home: Gate, name: str, status: int) -> None:
    """Alertmanager and the rest never ask; nobody is told that they may send."""
    answer = await ask(home, name, **BEARER, **{"WebHook-Request-Origin": "eventemitter.example.com"})
    assert answer.status_code == status
    assert "webhook-allowed-origin" not in answer.headers
