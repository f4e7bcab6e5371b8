"""The server as a process and as a neighbour: it ends promptly, survives being killed, and serves this machine only."""

import asyncio
import os
import signal
import sys
import time
from pathlib import Path

import httpx
import pytest
from slack_bolt.adapter.socket_mode.aiohttp import AsyncSocketModeHandler
from slack_bolt.async_app import AsyncApp
from slack_sdk.web.async_client import AsyncWebClient

from bot.localslack import LocalSlack, Person
from bot.localslack.__main__ import joining


async def test_stopping_is_prompt_with_everything_open():
    """Stopping does not wait for an open page or a socket the app (slack_sdk) still holds."""
    slack = LocalSlack()
    await slack.start()
    client = AsyncWebClient(token=slack.bot_token, base_url=slack.api_url)
    handler = AsyncSocketModeHandler(AsyncApp(client=client, signing_secret="x"), slack.app_token)
    await handler.connect_async()
    async with httpx.AsyncClient() as http, http.stream("GET", f"{slack.url}/stream") as page:
        assert page.status_code == 200
        before = time.monotonic()
        await slack.stop()
        assert time.monotonic() - before < 3
    await handler.close_async()


async def spawn(folder):
    """The server as a process; answers it and its address."""
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "bot.localslack", "--port", "0", "--state", str(folder),
        stdout=asyncio.subprocess.PIPE, env={**os.environ, "PYTHONPATH": str(Path.cwd())},
    )  # fmt: skip
    line = (await asyncio.wait_for(process.stdout.readline(), 30)).decode()
    return process, line.split("workspace at ")[1].split("/ ")[0]


async def test_a_killed_process_remembers(tmp_path):
    """SIGKILL right after a post: the next process still has message, Home tab and order, and gives no ts twice."""
    process, url = await spawn(tmp_path)
    client = AsyncWebClient(token="xoxb-local", base_url=f"{url}/api/")
    first = await client.chat_postMessage(
        channel="C0INC", text="before", metadata={"event_type": "x", "event_payload": {}}
    )
    await client.views_publish(user_id="U0ANA", view={"type": "home", "blocks": [{"type": "divider"}]})
    await client.conversations_open(users="U0BEN")
    process.send_signal(signal.SIGKILL)
    await process.wait()
    process, url = await spawn(tmp_path)
    client = AsyncWebClient(token="xoxb-local", base_url=f"{url}/api/")
    second = await client.chat_postMessage(channel="C0INC", text="after")
    kept = await client.conversations_history(channel="C0INC", include_all_metadata=True)
    async with Person(url, "U0ANA") as ana:
        assert (await ana.home())["blocks"][0]["type"] == "divider"
    rooms = await client.conversations_list(types="im")
    process.terminate()
    assert await asyncio.wait_for(process.wait(), 10) == 0
    assert [one["text"] for one in kept["messages"]] == ["after", "before"]
    assert kept["messages"][1]["metadata"]["event_type"] == "x"
    assert second["ts"] > first["ts"]
    assert [one["user"] for one in rooms["channels"]] == ["U0BEN"]


async def test_it_says_how_an_installation_joins():
    """Address, team, tokens, channels and people: what a person writes into their files to try them on it."""
    async with LocalSlack() as slack:
        said = joining(slack)
        address = slack.api_url
    for word in (address, "T0TOCSIN", "xoxb-local", "xapp-local", "#ml-incidents", "ana U0ANA"):
        assert word in said, word
    assert "U0TOCSIN" not in said


async def test_only_neighbours(slack: LocalSlack):
    """A foreign site's script and a foreign host name are refused; the page itself carries a strict policy."""
    async with httpx.AsyncClient(base_url=slack.url) as http:
        body = {"channel": "C0INC", "text": "x"}
        foreign = await http.post("/people/U0ANA/say", json=body, headers={"Origin": "https://evil.example"})
        renamed = await http.get("/", headers={"Host": "evil.example"})
        page = await http.get("/")
        assert (foreign.status_code, renamed.status_code, page.status_code) == (403, 403, 200)
        assert "default-src 'self'" in page.headers["content-security-policy"]
        assert (await http.get("/page/../server.py")).status_code == 404
        for name in (
            "app.js",
            "blocks.js",
            "composer.js",
            "message.js",
            "modal.js",
            "people.js",
            "traffic.js",
            "words.js",
            "style.css",
            "parts.css",
        ):
            assert (await http.get(f"/page/{name}")).status_code == 200


async def test_page_scripts_build_no_html():
    """Untrusted words become text nodes: no script of the page writes markup."""
    from importlib import resources

    for file in resources.files("bot.localslack").joinpath("page").iterdir():
        if file.name.endswith(".js"):
            source = file.read_text("utf-8")
            for forbidden in ("innerHTML", "outerHTML", "insertAdjacentHTML", "document.write", "eval("):
                assert forbidden not in source, file.name


async def test_bad_configuration_is_named():
    """A misspelt field of a person or room is refused with the fields there are."""
    with pytest.raises(ValueError, match="Member has no nick; it has id, name"):
        LocalSlack(people=[{"id": "U_X", "name": "x", "nick": "y"}])
