"""The door for senders of alerts: who is let in, what is too much, and what is answered when it cannot be kept."""

from __future__ import annotations

import asyncio
import base64
import gzip
import json
import sqlite3
import time

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from bot.intake.sender import Bearer
from tests.web.alerting import BEARER, SECRET, SENDERS, Gate, am, am_alert, gate, signature


@pytest.fixture
async def home(tmp_path):
    async with gate(tmp_path) as made:
        yield made


# -- who is let in ---------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("path", "headers"),
    [
        ("prod", {"Authorization": ""}),
        ("prod", {"Authorization": "Bearer wrong"}),
        ("prod", {"Authorization": f"Bearer {SECRET}x"}),
        ("prod", {"Authorization": f"Basic {SECRET}"}),
        ("prod", {"Authorization": f"Bearer {'x' * 9000}"}),
        ("nobody", {}),
        ("", {}),
        ("PROD", {}),
        ("basic", {}),
        ("basic", {"Authorization": "Basic !!!"}),
        ("basic", {"Authorization": "Basic " + base64.b64encode(b"hook:wrong").decode()}),
        ("signed", {}),
        ("signed", {"X-Signature": "sha256=00"}),
        ("grafana", {"X-Grafana-Alerting-Signature": "00", "X-Time": "1"}),
        ("pd", {"Authorization": "Bearer wrong"}),
        ("pd", {"Authorization": ""}),
    ],
)
async def test_who_does_not_prove_it_is_told_nothing(home: Gate, path: str, headers: dict[str, str]) -> None:
    """401 in the same words whatever was wrong, whether there is such a sender or not; nothing is kept."""
    answer = await home.post(path, am(am_alert()), **headers)
    assert answer.status_code == 401
    assert answer.json() == {"because": "that is no sender of alerts here, or it did not prove that it is the one"}
    assert await home.kept() == []


async def test_each_way_to_prove_it(home: Gate) -> None:
    """Bearer, Basic, a signature with its prefix, one over time and body as Grafana makes it, Opsgenie's own scheme."""
    body = json.dumps(am(am_alert())).encode()
    plain = {"Authorization": ""}
    now = str(int(home.clock.now().timestamp()))
    basic = "Basic " + base64.b64encode(f"hook:{SECRET}".encode()).decode()
    timed = {"X-Grafana-Alerting-Signature": signature(body, told=now), "X-Time": now}
    answers = [
        await home.post("prod", body),
        await home.post("basic", body, Authorization=basic),
        await home.post("signed", body, **plain, **{"X-Signature": f"sha256={signature(body)}"}),
        await home.post("grafana", body, **plain, **timed),
        await home.post("og", {"message": "Disk is full"}, Authorization=f"GenieKey {SECRET}"),
    ]
    assert [each.status_code for each in answers] == [200, 200, 200, 200, 202]
    assert len({alert.source for alert in await home.kept()}) == 5


@pytest.mark.parametrize(
    "headers",
    [
        {"told": -301}, {"told": 301}, {"told": None}, {"secret": "other"}, {"body": b"{}"}, {"clock": "1" * 400},
    ],
)  # fmt: skip
async def test_a_signature_holds_for_its_body_its_time_and_its_secret(home: Gate, headers: dict) -> None:
    """Too old, too new, without its time, of another secret, of another body: each is refused."""
    body = json.dumps(am(am_alert())).encode()
    now = str(int(home.clock.now().timestamp()) + (headers.get("told") or 0))
    if "clock" in headers:
        now = headers["clock"]
    made = signature(headers.get("body", body), told=now, secret=headers.get("secret", SECRET))
    sent = {"X-Grafana-Alerting-Signature": made, "X-Time": "" if headers.get("told", 0) is None else now}
    answer = await home.post("grafana", body, Authorization="", **sent)
    assert answer.status_code == 401
    assert await home.kept() == []


async def test_grafana_signs_in_either_of_two_headers(home: Gate) -> None:
    """Grafana's documentation, webhook, HMAC signature: hex over the body; its form and its library differ in the name."""
    body = json.dumps(am(am_alert())).encode()
    for header in ("X-Grafana-Alerting-Signature", "X-Grafana-Alert-Signature"):
        for made, status in ((signature(body), 200), (signature(body, secret="other"), 401), ("", 401)):
            answer = await home.post("grafana2", body, Authorization="", **{header: made})
            assert (answer.status_code, header) == (status, header)


async def test_one_senders_secret_is_not_anothers_name(home: Gate) -> None:
    """An alert is kept under the name in the address; nothing in its body makes it another's."""
    await home.post("prod", am(am_alert(source="grafana")))
    assert {alert.source for alert in await home.kept()} == {"prod"}


async def test_everything_else_passes_by(home: Gate) -> None:
    """The door is for its own paths only."""
    for path in ("/", "/alerts", "/api/alerts", "/alertsx"):
        assert (await home.send("POST", path, b"{}", BEARER)).status_code == 418


# -- what is too much, or no message at all --------------------------------------------------------------------------

BOMB = gzip.compress(b" " * 50_000_000, mtime=0)


@pytest.mark.parametrize(
    ("body", "headers", "status"),
    [
        (b"", {}, 400),
        (b"{", {}, 400),
        (b"null", {}, 400),
        (b"[]", {}, 400),
        (b'{"alerts": {}}', {}, 400),
        (b'{"alerts": [], "alerts": []}', {}, 400),
        (b'{"alerts": [NaN]}', {}, 400),
        (b'{"alerts": [-Infinity]}', {}, 400),
        (b'{"alerts": [1e999]}', {}, 400),
        (b'{"alerts": [' + b"9" * 100_000 + b"]}", {}, 400),
        (b"\xff\xfe{\x00}\x00", {}, 400),
        (b'{"alerts": ["\xed\xa0\x80"]}', {}, 400),
        (b"[" * 200_000, {}, 400),
        (b'{"alerts":' + b"[" * 40 + b"]" * 40 + b"}", {}, 400),
        (b"\xef\xbb\xbf{}", {}, 400),
        (b"{}", {"Content-Type": "text/html"}, 415),
        (b"{}", {"Content-Type": "application/json; charset=utf-16"}, 415),
        (b"{}", {"Content-Encoding": "br"}, 415),
        (b"{}", {"Content-Encoding": "gzip"}, 400),
        (gzip.compress(b"{}", mtime=0)[:-4], {"Content-Encoding": "gzip"}, 400),
        (gzip.compress(b"{}", mtime=0) + b"more", {"Content-Encoding": "gzip"}, 400),
        (BOMB, {"Content-Encoding": "gzip"}, 413),
        (b" " * 5_000_000, {}, 413),
    ],
    ids=lambda value: repr(value)[:30],
)
async def test_what_cannot_be_read_is_refused_in_a_sentence(
    home: Gate, body: bytes, headers: dict, status: int
) -> None:
    """Every one a 4xx with one short sentence, and nothing is kept."""
    answer = await home.post("prod", body, **headers)
    assert answer.status_code == status
    assert 5 < len(answer.json()["because"]) < 120
    assert await home.kept() == []
    assert home.door.heard["prod"].refused == 1


async def test_a_body_that_never_says_how_long_it_is_is_cut_off(home: Gate) -> None:
    """Chunk after chunk without a length: refused as soon as it is too long, and not read to its end."""
    chunks = 0

    async def receive():
        nonlocal chunks
        chunks += 1
        return {"type": "http.request", "body": b" " * 1000, "more_body": True}

    sent = []

    async def send(message):
        sent.append(message)

    headers = [(b"authorization", BEARER["Authorization"].encode())]
    scope = {"type": "http", "method": "POST", "path": "/alerts/small", "headers": headers, "query_string": b""}
    await home.door(scope, receive, send)
    assert sent[0]["status"] == 413
    assert chunks == 3


async def test_a_body_that_drips_is_not_waited_for(tmp_path) -> None:
    """A sender that stops in the middle is answered, and its room is free again."""
    sent = []

    async def receive():
        if not sent:
            await asyncio.Event().wait()

    async def send(message):
        sent.append(message)

    headers = [(b"authorization", BEARER["Authorization"].encode())]
    scope = {"type": "http", "method": "POST", "path": "/alerts/prod", "headers": headers, "query_string": b""}
    async with gate(tmp_path, patience=0.05) as home:
        await home.door(scope, receive, send)
        assert sent[0]["status"] == 408
        assert (await home.post("prod", am(am_alert()))).status_code == 200


async def test_a_sender_that_hangs_up_changes_nothing(home: Gate) -> None:
    """Half a body and then nobody: no answer, nothing kept."""
    parts = [{"type": "http.request", "body": b'{"alerts"', "more_body": True}, {"type": "http.disconnect"}]

    async def receive():
        return parts.pop(0)

    async def send(message):
        raise AssertionError(message)

    headers = [(b"authorization", BEARER["Authorization"].encode())]
    scope = {"type": "http", "method": "POST", "path": "/alerts/prod", "headers": headers, "query_string": b""}
    await home.door(scope, receive, send)
    assert await home.kept() == []


async def test_only_posts_are_taken(home: Gate) -> None:
    """A browser that opens the address learns what it is for."""
    answer = await home.send("GET", "/alerts/prod", b"", BEARER)
    assert (answer.status_code, answer.headers["allow"]) == (405, "POST, PUT")


async def test_a_packed_message_is_unpacked(home: Gate) -> None:
    """gzip, as some senders pack."""
    body = gzip.compress(json.dumps(am(am_alert())).encode())
    assert (await home.post("prod", body, **{"Content-Encoding": "gzip"})).json() == {"accepted": 1, "refused": []}


# -- any bytes -------------------------------------------------------------------------------------------------------

KINDS = sorted(sender.name for sender in SENDERS if isinstance(sender.auth, Bearer))
JSON = st.recursive(
    st.none() | st.booleans() | st.integers(-(10**20), 10**20) | st.floats(allow_nan=False) | st.text(max_size=8)
    | st.sampled_from(["firing", "resolved", "2026-11-20T11:00:00Z", "9999-12-31T23:59:59-14:00", "trigger", "1.0"]),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(
        st.sampled_from([
            "alerts", "labels", "annotations", "startsAt", "endsAt", "status", "fingerprint", "event_action",
            "payload", "dedup_key", "summary", "timestamp", "custom_details", "links", "message", "alias", "action",
            "alert", "createdAt", "updatedAt", "details", "tags", "priority", "specversion", "id", "source", "type",
            "subject", "time", "data", "event", "state", "since", "name", "for", "until", "truncatedAlerts",
        ]) | st.text(max_size=4), inner, max_size=6,
    ),
    max_leaves=25,
)  # fmt: skip
ODD = settings(suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None, max_examples=150)


@ODD
@given(name=st.sampled_from(KINDS), body=st.binary(max_size=200), packed=st.booleans())
async def test_no_bytes_are_a_fault_of_ours(home: Gate, name: str, body: bytes, packed: bool) -> None:
    """Whatever the bytes: a 4xx, and nothing in the inbox."""
    headers = {"Content-Encoding": "gzip"} if packed else {}
    answer = await home.post(name, body, **headers)
    assert 400 <= answer.status_code < 500
    assert await home.kept() == []


@ODD
@given(
    name=st.sampled_from(KINDS), document=JSON,
    path=st.sampled_from(["", "/v2/enqueue", "/v2/alerts", "/v2/alerts/a%2Fb/close", "/v2/alerts/a/notes", "/%ff"]),
    headers=st.dictionaries(st.sampled_from(["ce-specversion", "ce-id", "ce-source", "ce-type", "ce-time"]),
                            st.sampled_from(["1.0", "a", "2026-11-20T11:00:00Z", "%ff"])),
)  # fmt: skip
async def test_no_json_is_a_fault_of_ours(home: Gate, name: str, document: object, path: str, headers: dict) -> None:
    """Whatever the JSON: an answer below 500; what is refused changes nothing, what is kept can be read again."""
    before = await home.kept()
    answer = await home.post(name + path, document, **headers)
    assert answer.status_code < 500
    after = await home.kept()
    if answer.status_code >= 400:
        assert after == before
    for alert in after:
        assert 1 <= alert.severity <= 4
        assert alert.service in {"", "visits", "loans"}
        assert len(alert.labels) <= 64
        assert len(alert.title) <= 300


# -- when it cannot be kept ------------------------------------------------------------------------------------------


async def test_a_full_inbox_is_told_to_come_back(tmp_path) -> None:
    """503 with Retry-After; what was answered 200 is there, and what was not is counted."""
    async with gate(tmp_path, most_waiting=3) as home:
        answers = await asyncio.gather(*(home.post("prod", am(am_alert(f"A{n}"))) for n in range(12)))
        full = [each for each in answers if each.status_code == 503]
        assert full
        assert {each.headers["retry-after"] for each in full} == {"2"}
        assert len(await home.kept()) == sum(each.status_code == 200 for each in answers)
        assert home.door.heard["prod"].turned_away == len(full)


async def test_a_silent_inbox_is_told_to_come_back(home: Gate) -> None:
    """Somebody holds the database's lock: 503, in time, and nothing was promised; afterwards all is well."""
    other = sqlite3.connect(str(home.store.database.url.database), isolation_level=None)
    other.execute("BEGIN IMMEDIATE")
    begun = time.monotonic()
    answers = await asyncio.gather(
        home.post("prod", am(am_alert())), home.post("pd", {"event_action": "resolve", "dedup_key": "k"})
    )
    assert time.monotonic() - begun < 3
    other.close()
    assert [each.status_code for each in answers] == [503, 202]  # what changes nothing need not be kept
    assert answers[0].headers["retry-after"] == "2"
    assert "send it again" in answers[0].json()["because"]
    assert await home.kept() == []
    assert (await home.post("prod", am(am_alert()))).status_code == 200


async def test_bodies_in_hand_have_a_bound(tmp_path) -> None:
    """More at once than memory has room for: the later ones are told to come back."""
    release = asyncio.Event()
    sent = []

    async def receive():
        await release.wait()
        return {"type": "http.request", "body": b"{}", "more_body": False}

    async def send(message):
        sent.append(message)

    headers = [(b"authorization", BEARER["Authorization"].encode()), (b"content-length", b"900")]
    scope = {"type": "http", "method": "POST", "path": "/alerts/prod", "headers": headers, "query_string": b""}
    async with gate(tmp_path, most_held=1000) as home:
        first = asyncio.create_task(home.door(scope, receive, send))
        await asyncio.sleep(0)
        assert (await home.post("prod", am(am_alert()))).status_code == 503
        release.set()
        await first
        assert (await home.post("prod", am(am_alert()))).status_code == 200


async def test_what_was_heard_is_told_by_sender(home: Gate) -> None:
    """Last heard, accepted, refused, turned away, unbound: the numbers people look at when an alert path is quiet."""
    await home.post("prod", am(am_alert(), {"labels": 1}))
    await home.post("prod", b"{")
    told = home.door.told(home.store.alerts.waiting)
    assert told["waiting"] == 0
    assert told["senders"]["prod"] == {
        "heard": "2026-11-20T12:00:00.000Z", "accepted": 1, "refused": 2, "turned_away": 0, "unbound": 0, "ahead": 0,
        "tests": 0,
    }  # fmt: skip
    assert told["senders"]["basic"]["heard"] is None
