"""The same request a second time: forged, replayed at another replica, or Slack's own redelivery."""

import asyncio
import json
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

import httpx
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from bot.localslack import payloads
from bot.localslack.delivery import signature
from bot.slack import payload
from bot.slack.room import SlackRoom
from bot.slack.transport import HttpApp
from tests.slack.bench import Bench

URL = "http://replica/slack/events"
FORM = {"content-type": "application/x-www-form-urlencoded"}


@pytest.fixture
async def bench(tmp_path: Path) -> AsyncIterator[Bench]:
    async with Bench.open(tmp_path, transport="http") as made:
        yield made


def signed(bench: Bench, body: str, *, at: float | None = None) -> dict[str, str]:
    stamp = int(bench.clock.now().timestamp() if at is None else at)
    return FORM | {k.lower(): v for k, v in signature(bench.slack.signing_secret, body, stamp).items()}


async def sent(app: HttpApp, body: str, headers: dict[str, str]) -> httpx.Response:
    async with httpx.AsyncClient(transport=httpx.ASGITransport(app=app)) as http:
        return await http.post(URL, content=body, headers=headers)


def command(bench: Bench, text: str, trigger: str = "t1") -> str:
    room = bench.slack.workspace.rooms["C0INC"]
    made = payloads.command(bench.slack.workspace, "U0ANA", room, "/incident", text, trigger=trigger, response_url="")
    return urlencode(made)


@pytest.fixture
async def other(bench: Bench) -> AsyncIterator[SlackRoom]:
    """A second replica on the same record."""
    room = SlackRoom(bench.room.settings, bench.desk, bench.store.mirror, bench.clock)
    await room.client.connect()
    yield room
    await room.ingress.close()
    await room.client.close()


async def test_a_replayed_command_has_no_second_effect_and_learns_nothing(bench: Bench, other: SlackRoom):
    """Whoever recorded a signed request gets an empty answer from every replica, and nothing happens again."""
    await bench.declared()
    body = command(bench, "INC-1 update all is known")
    headers = signed(bench, body)
    first = await sent(bench.room.http_app, body, headers)
    assert first.status_code == 200
    assert first.text
    await bench.settle()
    for app in (bench.room.http_app, other.http_app):
        again = await sent(app, body, headers)
        assert (again.status_code, again.text) == (200, "")
    await bench.settle()
    events = [type(e.event).__name__ for e in await bench.log.entries("INC-1")]
    assert events.count("UpdatePosted") == 1


async def test_a_replayed_look_is_not_answered(bench: Bench, other: SlackRoom):
    """A list is no effect, and still for the person alone who asked."""
    await bench.declared("Secret sauce is down")
    body = command(bench, "list")
    headers = signed(bench, body)
    assert "Secret sauce" in (await sent(other.http_app, body, headers)).text
    await other.ingress.answers.settle()
    assert (await sent(bench.room.http_app, body, headers)).text == ""
    later = signed(bench, body, at=bench.clock.now().timestamp() + 1)
    assert "Secret sauce" in (await sent(bench.room.http_app, body, later)).text, "signed anew it is another request"


async def test_two_of_the_same_at_once_are_one(bench: Bench):
    """However close they come, one is answered."""
    await bench.declared("Secret sauce is down")
    body = command(bench, "list")
    headers = signed(bench, body)
    told = await asyncio.gather(*(sent(bench.room.http_app, body, headers) for _ in range(5)))
    assert sorted(bool(one.text) for one in told) == [False] * 4 + [True]


async def test_a_forged_replay_fails_its_signature(bench: Bench):
    """Another body, another time or a request of six minutes ago: 401, and nothing is recorded."""
    await bench.declared()
    body = command(bench, "INC-1 ack")
    headers = signed(bench, body)
    before = len(await bench.log.entries("INC-1"))
    assert (await sent(bench.room.http_app, body.replace("ack", "close"), headers)).status_code == 401
    moved = headers | {"x-slack-request-timestamp": str(int(headers["x-slack-request-timestamp"]) + 1)}
    assert (await sent(bench.room.http_app, body, moved)).status_code == 401
    bench.clock.forward(301)
    assert (await sent(bench.room.http_app, body, headers)).status_code == 401
    assert len(await bench.log.entries("INC-1")) == before


async def test_a_silent_record_refuses_before_anything_happened(bench: Bench):
    """The replay guard is in the record too: silent, the person reads "not recorded", and may press again."""
    await bench.declared()
    bench.log.silent = True
    body = command(bench, "INC-1 ack")
    told = await sent(bench.room.http_app, body, signed(bench, body))
    assert "Not recorded" in told.text
    bench.log.silent = False
    again = await sent(bench.room.http_app, body, signed(bench, body, at=bench.clock.now().timestamp() + 1))
    assert "Not recorded" not in again.text
    assert (await bench.incident()).acknowledged is not None


async def test_slacks_own_redelivery_is_no_replay(bench: Bench):
    """An event left for redelivery comes again in the same second under the same signature, and is taken then."""
    await bench.declared()
    (card,) = bench.posts("card")
    room = bench.slack.workspace.rooms["C0INC"]
    said = {"type": "message", "user": "U0ANA", "ts": "1.000001", "text": "<@U0TOCSIN> ack", "thread_ts": card["ts"]}
    event = bench.slack.workspace.message_event(room, said) | {"type": "app_mention"}
    body = json.dumps({"type": "event_callback", "team_id": "T0TOCSIN", "event_id": "Ev1", "event": event})
    headers = signed(bench, body) | {"content-type": "application/json"}
    bench.log.silent = True
    assert (await sent(bench.room.http_app, body, headers)).status_code == 503
    bench.log.silent = False
    for _ in range(2):
        assert (await sent(bench.room.http_app, body, headers)).status_code == 200
    events = [type(e.event).__name__ for e in await bench.log.entries("INC-1")]
    assert len([one for one in events if one == "Acknowledged"]) == 1


async def test_every_family_has_an_inbound_id(bench: Bench):
    """Clicks, dialogs sent and closed, shortcuts of both kinds, commands, options and events: known when they come again."""
    await bench.declared()
    workspace = bench.slack.workspace
    (card,) = bench.posts("card")
    room = workspace.rooms["C0INC"]
    view = {"id": "V1", "hash": "h1", "callback_id": "c", "blocks": [], "state": {"values": {}}}
    action = {"action_id": "ack", "action_ts": "1.1", "value": "INC-1"}

    def made(n: str) -> dict[str, dict[str, Any]]:
        element, block = {"action_id": "model"}, {"block_id": "b"}
        return {
            "block_actions": payloads.click_on_message(workspace, "U0ANA", room, card, action, trigger=n, response_url=""),
            "view_submission": payloads.submit(workspace, "U0ANA", view, trigger=n),
            "view_closed": payloads.closed(workspace, "U0ANA", view | {"id": n}, everything=False),
            "shortcut": payloads.shortcut(workspace, "U0ANA", "declare", trigger=n),
            "message_action": payloads.message_shortcut(workspace, "U0ANA", "m", room, card, trigger=n, response_url=""),
            "block_suggestion": payloads.suggestion(workspace, "U0ANA", {"view": view}, block, element, n),
            "command": payloads.command(workspace, "U0ANA", room, "/incident", "", trigger=n, response_url=""),
            "event_callback": {"type": "event_callback", "event_id": n, "event": {"type": "message"}},
        }  # fmt: skip

    first, again, others = made("one"), made("one"), made("two")
    for family, body in first.items():
        door = payload.read(body)
        assert door.family == family
        assert door.inbound
        assert door.inbound == payload.read(again[family]).inbound
        assert door.inbound != payload.read(others[family]).inbound
    assert len({payload.read(body).inbound for body in first.values() if body.get("trigger_id") is None}) == 3


JUNK = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=10),
    lambda inner: st.lists(inner, max_size=3)
    | st.dictionaries(st.sampled_from(["type", "event", "user", "team", "view", "actions", "command", "trigger_id", "message",
                                       "container", "state", "channel", "action_ts", "id", "x"]), inner, max_size=5),
    max_leaves=12,
)  # fmt: skip


@settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(JUNK, st.booleans())
async def test_no_signed_junk_raises(bench: Bench, junk: Any, form: bool):
    """Whatever JSON stands in a signed request, it is answered; nothing of the room breaks."""
    body = urlencode({"payload": json.dumps(junk)}) if form else json.dumps(junk)
    kind = FORM if form else {"content-type": "application/json"}
    answer = await sent(bench.room.http_app, body, signed(bench, body) | kind)
    assert answer.status_code in {200, 400, 404, 503}


@settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.binary(max_size=40), st.binary(max_size=80), st.binary(max_size=60))
async def test_no_unsigned_junk_raises(bench: Bench, stamp: bytes, signed_with: bytes, body: bytes):
    """Whatever bytes stand in headers and body, the answer is 401."""
    told: list[Any] = []

    async def receive() -> dict[str, Any]:
        return {"type": "http.request", "body": body}

    async def send(message: Any) -> None:
        told.append(message)

    headers = [(b"X-Slack-Request-Timestamp", stamp), (b"X-Slack-Signature", signed_with), (b"content-type", stamp)]
    scope = {"type": "http", "method": "POST", "path": "/", "query_string": stamp, "headers": headers}
    await bench.room.http_app(scope, receive, send)
    assert told[0]["status"] == 401
