"""An app may do what its scopes say and no more (peer: slack_sdk's AsyncWebClient); a small manifest shows at once."""

import asyncio
import os
import sys
from pathlib import Path

import httpx
import pytest
from slack_sdk.errors import SlackApiError
from slack_sdk.web.async_client import AsyncWebClient

from bot.domain.errors import Refused
from bot.localslack import LocalSlack, Person, Room
from bot.localslack.methods import METHODS
from bot.localslack.scopes import EVERYTHING, needed

FREE = {"api.test", "auth.test", "apps.connections.open", "blocks.validate", "chat.getPermalink",
        "chat.scheduledMessages.list", "conversations.list", "views.open", "views.push", "views.update",
        "views.publish"}  # fmt: skip
"""Methods without a scope of their own; conversations.list asks by type."""


def test_every_method_has_its_scope():
    """Nothing is served without a scope but what Slack gives every app."""
    assert {name for name in METHODS if not needed(name)} == FREE
    assert needed("conversations.list", types=["private_channel"]) == [("groups:read",)]
    assert needed("conversations.archive", "group") == [("groups:write",)]


@pytest.mark.parametrize(
    ("lost", "method", "given", "wanted"),
    [
        ("chat:write", "chat.postMessage", {"channel": "C0INC", "text": "x"}, "chat:write"),
        ("channels:history", "conversations.history", {"channel": "C0INC"}, "channels:history"),
        ("groups:history", "conversations.history", {"channel": "C0LEGAL"}, "groups:history"),
        ("groups:read", "conversations.list", {"types": "public_channel,private_channel"}, "groups:read"),
        ("pins:write", "pins.add", {"channel": "C0INC", "timestamp": "1.000001"}, "pins:write"),
        ("dnd:read", "dnd.teamInfo", {"users": "U0ANA"}, "dnd:read"),
        ("groups:write", "conversations.create", {"name": "war", "is_private": True}, "groups:write"),
        ("channels:manage", "conversations.create", {"name": "war"}, "channels:manage"),
    ],
)
async def test_a_missing_scope_is_named(clock, lost, method, given, wanted):
    """`missing_scope` with what is needed and what is provided, and the header says what was granted."""
    kept = [one for one in EVERYTHING if one != lost]
    async with LocalSlack(clock=clock, scopes=kept) as slack:
        client = AsyncWebClient(token=slack.bot_token, base_url=slack.api_url)
        with pytest.raises(SlackApiError) as caught:
            await client.api_call(method, json=given)
        answer = caught.value.response
        assert (answer["error"], answer["needed"]) == ("missing_scope", wanted)
        assert answer["provided"].split(",") == kept
        assert (await client.auth_test()).headers["x-oauth-scopes"] == ",".join(kept)


async def test_addresses_are_shown_to_those_who_may_read_them(clock):
    """Without `users:read.email` a profile has no address, and nobody is found by one."""
    async with LocalSlack(clock=clock, scopes=["users:read"]) as slack:
        client = AsyncWebClient(token=slack.bot_token, base_url=slack.api_url)
        assert "email" not in (await client.users_info(user="U0ANA"))["user"]["profile"]
        with pytest.raises(SlackApiError, match="missing_scope"):
            await client.users_lookupByEmail(email="ana@example.com")


async def test_posting_uninvited_takes_a_scope_of_its_own(clock):
    """`chat:write.public` reaches public channels the bot is not in; private ones stay unknown."""
    rooms = [Room("C_OPEN", "open", bot=False), Room("C_SHUT", "shut", private=True, bot=False)]
    async with LocalSlack(clock=clock, channels=rooms, scopes=[*EVERYTHING, "chat:write.public"]) as slack:
        client = AsyncWebClient(token=slack.bot_token, base_url=slack.api_url)
        assert (await client.chat_postMessage(channel="C_OPEN", text="x"))["ok"]
        with pytest.raises(SlackApiError, match="channel_not_found"):
            await client.chat_postMessage(channel="C_SHUT", text="x")


async def test_an_app_without_scopes_hears_nothing_and_has_no_command(clock):
    """Events go to those who may read them; commands and shortcuts are not there at all."""
    async with LocalSlack(clock=clock, scopes=["chat:write"]) as slack, Person(slack.url, "U0ANA", room="C0INC") as ana:
        await ana.say("@Tocsin hello")
        await asyncio.wait_for(slack.delivery.settle(), 5)
        assert not [one for one in slack.traffic.entries if one["way"] == "slack->app"]
        for act in (ana.command("/incident"), ana.shortcut("declare")):
            with pytest.raises(Refused, match="lacks the scope `commands`"):
                await act


MANIFEST = {
    "features": {
        "shortcuts": [{"name": "Keep it", "type": "message", "callback_id": "keep"}],
        "slash_commands": [{"command": "/incident", "description": "Incidents", "usage_hint": "list"}],
    },
    "oauth_config": {"scopes": {"bot": ["commands", "chat:write"]}},
    "settings": {"event_subscriptions": {"bot_events": ["app_mention"]}},
}


async def test_a_workspace_takes_a_manifest(clock, tmp_path):
    """Scopes, menus and commands are the manifest's from then on, also after a restart; junk changes nothing."""
    async with LocalSlack(clock=clock, state=tmp_path) as slack, httpx.AsyncClient(base_url=slack.url) as http:
        assert (await http.post("/control/manifest", json={"features": {}})).status_code == 422
        assert slack.workspace.settings.scopes == EVERYTHING
        assert (await http.post("/control/manifest", json=MANIFEST)).status_code == 200
    async with LocalSlack(clock=clock, state=tmp_path) as slack, Person(slack.url, "U0ANA", room="C0INC") as ana:
        assert slack.workspace.settings.scopes == ("commands", "chat:write")
        assert slack.workspace.settings.events == {"app_mention"}
        assert slack.workspace.shortcuts == [{"callback_id": "keep", "label": "Keep it", "type": "message"}]
        with pytest.raises(Refused, match=r"/other is not a valid command. There is /incident"):
            await ana.command("/other")
        assert not (await ana.command("/incident"))["acked"], "it is sent, and nobody listens here"


@pytest.mark.parametrize("text", ["no: manifest\n", "- a list\n", "{unclosed\n", None])
async def test_a_process_says_what_is_wrong_with_its_manifest(tmp_path, text):
    """A file that is none, or is not there, ends the process with a sentence."""
    page = tmp_path / "manifest.yaml"
    if text is not None:
        page.write_text(text)
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "bot.localslack", "--port", "0", "--manifest", str(page), stderr=asyncio.subprocess.PIPE,
        env={**os.environ, "PYTHONPATH": str(Path.cwd())},
    )  # fmt: skip
    _out, told = await asyncio.wait_for(process.communicate(), 30)
    assert process.returncode == 1
    assert told.decode().startswith("cannot begin: ")
    assert "Traceback" not in told.decode()
