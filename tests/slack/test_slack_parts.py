"""The small parts of the Slack room: codec, typed words, signatures, the client's reading of failures, manifest."""

import asyncio
import contextlib
import hashlib
import hmac
from collections.abc import AsyncIterator
from datetime import timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from bot.domain.errors import RateLimited, Refused, Unavailable
from bot.domain.paging import Acknowledge
from bot.localslack import LocalSlack
from bot.localslack.traffic import Fault
from bot.slack import payload, verbs
from bot.slack.client import Client
from bot.slack.handlers.impact import number
from bot.slack.ids import Ref, choice, read_choice, read_metadata, read_value
from bot.slack.ingress import CLICKS, SUBMITS
from bot.slack.knock import Knock, Values
from bot.slack.meaning import SlackRefused
from bot.slack.settings import SlackSettings
from bot.slack.transport import HttpApp, signed
from bot.slack.verbs import Verb
from tests.kit import NOON
from tests.parts import Hands
from tests.slack.bench import MovedClock

SECRET = "s3cret"


# -- codec -----------------------------------------------------------------------------------------------------------


@given(st.text(max_size=30), st.text(max_size=40))
def test_a_reference_survives_its_journey(item: str, digest: str):
    """Through a button's value, a menu's option and a dialog's metadata."""
    assert read_value(Ref("INC-7", item).value) == Ref("INC-7", item)
    assert read_choice(choice("x.open", Ref("INC-7", "M1"))) == ("x.open", Ref("INC-7", "M1"))
    assert read_metadata(Ref("INC-7", item, digest).metadata) == Ref("INC-7", item, digest)


@given(st.text(max_size=60))
def test_junk_references_are_refused_not_raised(text: str):
    """Anything else is a sentence for the person or an empty reference."""
    for read in (read_value, read_metadata):
        with contextlib.suppress(Refused):
            assert read(text).incident is not None


@given(st.dictionaries(st.text(max_size=12), st.recursive(st.none() | st.text(max_size=5), st.lists, max_leaves=4)))
def test_no_payload_breaks_the_reader(body: dict[str, Any]):
    """What is missing or of another type is empty."""
    for kind in ("block_actions", "view_submission", "event_callback", "x"):
        door = payload.read(body | {"type": kind})
        with contextlib.suppress(Refused):
            payload.deed(door, body)


def test_every_repetition_has_its_id():
    """Events by event_id, interactions by trigger_id, else by the time and person of the click."""
    assert payload.read({"type": "event_callback", "event_id": "Ev1"}).inbound == "slack:Ev1"
    said = {"type": "event_callback", "event": {"channel": "C1", "ts": "1.2"}}
    assert payload.read(said).inbound == "slack:C1:1.2"
    assert payload.read({"type": "event_callback", "event": {"type": "app_home_opened"}}).inbound == ""
    assert payload.read({"type": "block_actions", "trigger_id": "t"}).inbound == "slack:t"
    pressed = {"type": "block_actions", "user": {"id": "U1"}, "actions": [{"action_ts": "1.5"}]}
    assert payload.read(pressed).inbound == "slack:1.5:U1"
    assert payload.read({"command": "/incident", "trigger_id": "c", "user_id": "U1"}).inbound == "slack:c"


def test_answers_are_found_by_their_question():
    """A question's block id may carry a turn behind a colon."""
    view = {
        "blocks": [{"type": "section"}, {"type": "input", "block_id": "answer:3"}, {"type": "input", "block_id": "x"}],
        "state": {"values": {"answer:3": {"value": {"type": "plain_text_input", "value": " a "}},
                             "x": {"v": {"selected_options": [{"value": "root"}]}}}},
    }  # fmt: skip
    values = Values(view)
    assert values.text("answer") == "a"
    assert values.ticked("x")
    assert not values.ticked("answer")
    assert values.text("nothing") == ""
    assert values.block("answer") == "answer:3"
    assert values.block("nothing") == "answer:3"
    assert Values({}).block("") == ""


# -- typed words -----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("said", "meant"),
    [
        ("<@UB> ack", Verb("ack")),
        ("hey <@UB>: Acknowledge!", Verb("ack")),
        ("<@UB> sev 1 all of Europe", Verb("sev", "1 all of Europe")),
        ("<@UB> lead <@U2|ben>", Verb("lead", "<@U2|ben>", people=("U2",))),
        ("<@UB> INC-7 find it is the data", Verb("find", "it is the data", "INC-7")),
        ("<@UB> update\nline one\nline two", Verb("update", "line one\nline two ")),
        ("<@UB>", Verb("help")),
        ("<@UB> make me a sandwich", Verb("", "make me a sandwich")),
    ],
)
def test_mentions(said: str, meant: Verb):
    """Words after the mention are a verb and its rest."""
    found = verbs.mention(said, "UB")
    assert (found.name, found.rest.strip(), found.incident, found.people) == (
        meant.name, meant.rest.strip(), meant.incident, meant.people,
    )  # fmt: skip


@pytest.mark.parametrize(
    ("said", "meant"),
    [
        ("", Verb("help")),
        ("declare Recall fell", Verb("declare", "Recall fell")),
        ("list", Verb("list")),
        ("inc-7", Verb("show", incident="INC-7")),
        ("INC-7 ack", Verb("ack", incident="INC-7")),
        ("approve", Verb("approve")),
        ("ack", Verb("", "ack")),
    ],
)
def test_the_slash_command(said: str, meant: Verb):
    """One command: rooms have their verbs, a named incident has the thread's."""
    assert verbs.slash(said) == meant


@given(st.text(max_size=80))
def test_no_words_break_the_parser(text: str):
    """Whatever is typed is a verb we know or none."""
    assert verbs.mention(f"<@UB> {text}", "UB").name in {*verbs.THREAD, ""}
    assert verbs.slash(text).name in {*verbs.THREAD, *verbs.ROOM, "show", ""}


@pytest.mark.parametrize(("typed", "value"), [("1 200", 1200), ("1,234,567", 1234567), (" 7 ", 7), ("3.50", 3.5)])
def test_numbers_as_people_type_them(typed: str, value: float):
    """Groups of thousands are understood."""
    assert float(number(typed)) == value


@pytest.mark.parametrize("typed", ["lots", "NaN", "Infinity", "-1", "1e99", "1,2,3"])
def test_what_is_no_number_is_said_so(typed: str):
    """Nothing is guessed; a blank stays a blank."""
    assert number("  ") is None
    with pytest.raises(ValueError, match="number"):
        number(typed)


# -- the way in ------------------------------------------------------------------------------------------------------


def sign(body: bytes, stamp: str, secret: str = SECRET) -> str:
    return "v0=" + hmac.new(secret.encode(), b"v0:" + stamp.encode() + b":" + body, hashlib.sha256).hexdigest()


def test_a_signature_is_checked_and_never_raises():
    """Right and fresh is true; wrong, old, future, foreign or junk is false."""
    stamp = str(int(NOON.timestamp()))
    assert signed(SECRET, stamp, b"x", sign(b"x", stamp), NOON)
    assert not signed(SECRET, stamp, b"y", sign(b"x", stamp), NOON)
    assert not signed(SECRET, stamp, b"x", sign(b"x", stamp), NOON + timedelta(seconds=301))
    assert not signed(SECRET, stamp, b"x", sign(b"x", stamp), NOON - timedelta(seconds=301))
    assert not signed("", stamp, b"x", sign(b"x", stamp, ""), NOON)


@given(st.text(max_size=20), st.binary(max_size=20), st.text(max_size=80))
def test_junk_signatures_are_false(stamp: str, body: bytes, signature: str):
    """No bytes make the check raise."""
    assert not signed(SECRET, stamp, body, signature, NOON)


async def asked(app: HttpApp, method: str, body: bytes, headers: dict[str, str]) -> int:
    """One request to the ASGI application; its status."""
    sent: list[Any] = []
    parts = [{"type": "http.request", "body": body, "more_body": False}]

    async def receive() -> Any:
        return parts.pop(0) if parts else {"type": "http.disconnect"}

    async def send(message: Any) -> None:
        sent.append(message)

    scope = {"type": "http", "method": method, "path": "/slack/events", "query_string": b"",
             "headers": [(k.encode(), v.encode("latin-1")) for k, v in headers.items()]}  # fmt: skip
    await app(scope, receive, send)
    return int(sent[0]["status"])


async def test_requests_that_slack_did_not_sign_go_nowhere():
    """401 without a signature, 405 for a look, 413 for a flood, 400 for signed rubbish; nothing is dispatched."""

    class Deaf:
        async def async_dispatch(self, _request: Any) -> Any:
            raise AssertionError("dispatched")

    app = HttpApp(Deaf(), SECRET, Hands())  # type: ignore[arg-type]
    stamp = str(int(NOON.timestamp()))
    form = {"content-type": "application/x-www-form-urlencoded"}
    assert await asked(app, "POST", b"{}", {}) == 401
    assert await asked(app, "POST", b"{}", {"x-slack-request-timestamp": "1e9", "x-slack-signature": "ü"}) == 401
    assert await asked(app, "GET", b"", {}) == 405
    assert await asked(app, "POST", b"x" * (3 * 2**20), {}) == 413
    body = b"payload=not json"
    good = {"x-slack-request-timestamp": stamp, "x-slack-signature": sign(body, stamp), **form}
    assert await asked(app, "POST", body, good) == 400


# -- the way out -----------------------------------------------------------------------------------------------------


@pytest.fixture
async def slack() -> AsyncIterator[LocalSlack]:
    async with LocalSlack(clock=MovedClock()) as server:
        yield server


async def test_failures_are_told_apart(slack: LocalSlack):
    """429 waits, a refusal is final and named, everything else is doubt; no token in any of the words."""
    clock = MovedClock()
    client = Client.open(slack.bot_token, slack.api_url, clock=clock)
    for kind in ("500", "cut", "outage", "500_after_storing", "cut_after_storing"):
        slack.workspace.faults.add(Fault("chat.postMessage", kind, 1))
        with pytest.raises(Unavailable) as lost:
            await client.post("C0INC", "x", [])
        assert not isinstance(lost.value, RateLimited)
        assert slack.bot_token not in str(lost.value)
    slack.workspace.faults.add(Fault("chat.postMessage", "429", 1, 70))
    with pytest.raises(RateLimited) as limited:
        await client.post("C0INC", "x", [])
    assert limited.value.retry_after == 70
    clock.forward(71)
    with pytest.raises(SlackRefused) as refused:
        await client.post("C0INC", "x", [{"type": "nonsense"}])
    assert refused.value.code == "invalid_blocks"
    with pytest.raises(SlackRefused, match="channel_not_found"):
        await client.post("C0NOWHERE", "x", [])
    assert await client.optional("slackLists.create") is None


async def test_a_workspace_that_is_not_there_is_doubt():
    """Connection refused, and a deadline."""
    client = Client.open("xoxb-secret", "http://127.0.0.1:1/api/")
    with pytest.raises(Unavailable) as lost:
        await client.call("auth.test")
    assert "xoxb" not in str(lost.value)


async def test_channels_are_known_by_name(slack: LocalSlack):
    """With or without the sign; ids go through."""
    client = Client.open(slack.bot_token, slack.api_url)
    await client.connect()
    assert await client.channel_id("#ml-incidents") == "C0INC"
    assert await client.channel_id("legal-review") == "C0LEGAL"
    assert await client.channel_id("C0GENERAL") == "C0GENERAL"
    await client.close()
    await asyncio.sleep(0)


# -- settings, manifest, shelf ---------------------------------------------------------------------------------------


async def test_a_knock_without_an_id_has_none_in_its_parts_either():
    """Several commands of one knock get ids from the knock's own; a constant id would swallow the second knock."""
    heard = []

    class Listening:
        async def submit(self, _incident: str, _command: Any, _who: Any, *, inbound: str) -> None:
            heard.append(inbound)

    for name in ("", "slack:t"):
        await Knock(Listening(), None, None, name, "x", Ref("INC-1")).submit(Acknowledge(), part="#step")
    assert heard == ["", "slack:t#step"]


def test_the_keys_must_fit_the_mode():
    """Each mode says which key it misses; addresses get their slash; unknown words are refused."""
    with pytest.raises(ValidationError, match="app_token"):
        SlackSettings(bot_token="x")
    with pytest.raises(ValidationError, match="signing_secret"):
        SlackSettings(mode="http", bot_token="x")
    with pytest.raises(ValidationError):
        SlackSettings(bot_token="x", app_token="y", colour="red")
    made = SlackSettings(
        bot_token="canary", app_token="y", api_url="https://slack-gov.com/api", web_url="https://a.b/c"
    )
    assert made.api_url == "https://slack-gov.com/api/"
    assert made.hosts == {"a.b"}
    assert "canary" not in repr(made)


def test_no_deed_is_registered_twice():
    """Clicks open or do, dialogs are sent; every feature's names are its own."""
    from bot.slack.ingress import _FEATURES

    assert len(CLICKS) == sum(len(one.CLICKS) for one in _FEATURES)
    assert len(SUBMITS) == sum(len(one.SUBMITS) for one in _FEATURES)
