"""Socket Mode on the wire, spoken by hand with aiohttp: envelopes, acknowledgements, redelivery, single-use tickets."""

import asyncio

import aiohttp
import httpx
import pytest
from slack_sdk.web.async_client import AsyncWebClient

from bot.localslack import LocalSlack, Person


@pytest.fixture
async def socket(slack: LocalSlack):
    client = AsyncWebClient(base_url=slack.api_url)
    url = (await client.apps_connections_open(app_token=slack.app_token))["url"]
    async with aiohttp.ClientSession() as session, session.ws_connect(url) as opened:
        yield opened
        with pytest.raises(aiohttp.WSServerHandshakeError):
            await session.ws_connect(url)  # a ticket opens one socket


async def test_hello_then_envelopes_again_until_acked(slack: LocalSlack, socket, ana: Person):
    """An event nobody acknowledges comes again with retry_attempt counted and the same event id."""
    slack.delivery.ack_within = 0.05
    hello = await socket.receive_json(timeout=5)
    assert (hello["type"], hello["num_connections"]) == ("hello", 1)
    await ana.say("hello")
    first, second = await socket.receive_json(timeout=5), await socket.receive_json(timeout=5)
    assert (first["type"], first["retry_attempt"], second["retry_attempt"]) == ("events_api", 0, 1)
    assert second["retry_reason"] == "timeout"
    assert first["payload"]["event_id"] == second["payload"]["event_id"]
    assert first["envelope_id"] != second["envelope_id"]
    await socket.send_str("junk")
    await socket.send_json({"envelope_id": second["envelope_id"]})
    await slack.delivery.settle()
    assert [entry["outcome"] for entry in slack.traffic.entries][-2:] == ["no ack within 0.05 s", "acked"]


async def test_a_submit_is_answered_in_the_ack(slack: LocalSlack, socket, ana: Person):
    """A slash command's words come back as the payload of its acknowledgement."""
    await socket.receive_json(timeout=5)
    asked = asyncio.create_task(ana.command("/incident", "help"))
    envelope = await socket.receive_json(timeout=5)
    assert (envelope["type"], envelope["accepts_response_payload"]) == ("slash_commands", True)
    await socket.send_json({"envelope_id": envelope["envelope_id"], "payload": {"text": "here"}})
    assert (await asked)["acked"]
    assert (await ana.messages())[-1]["text"] == "here"


async def test_disconnect_on_request(slack: LocalSlack, socket):
    """The director can send every socket away, as Slack does every few hours."""
    await socket.receive_json(timeout=5)
    async with httpx.AsyncClient(base_url=slack.url) as http:
        assert (await http.post("/control/sockets", json={"reason": "refresh_requested"})).json()["closed"] == 1
    assert (await socket.receive_json(timeout=5))["reason"] == "refresh_requested"
    assert (await socket.receive(timeout=5)).type is aiohttp.WSMsgType.CLOSE
