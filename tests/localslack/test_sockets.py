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


async def test_the_eleventh_socket_is_turned_away(slack: LocalSlack):
    """Ten connections an app; one more is told `too_many_websockets` and closed, the ten stay."""
    client = AsyncWebClient(base_url=slack.api_url)
    async with aiohttp.ClientSession() as session:
        opened = []
        for number in range(11):
            url = (await client.apps_connections_open(app_token=slack.app_token))["url"]
            socket = await session.ws_connect(url)
            opened.append((await socket.receive_json(timeout=5), socket))
            assert slack.delivery.sockets == min(number + 1, 10)
        assert [one["type"] for one, _ in opened] == ["hello"] * 10 + ["disconnect"]
        assert opened[-1][0]["reason"] == "too_many_websockets"
        assert (await opened[-1][1].receive(timeout=5)).type is aiohttp.WSMsgType.CLOSE
        assert slack.delivery.sockets == 10


async def test_an_envelope_goes_to_one_socket(slack: LocalSlack, socket, ana: Person):
    """Two sockets, ten events: each event arrives once, at one of them, and both get some."""
    client = AsyncWebClient(base_url=slack.api_url)
    url = (await client.apps_connections_open(app_token=slack.app_token))["url"]
    async with aiohttp.ClientSession() as session, session.ws_connect(url) as other:
        heard: dict[int, list[str]] = {0: [], 1: []}

        async def listen(number: int, one) -> None:
            async for frame in one:
                envelope = frame.json()
                if envelope["type"] == "events_api":
                    heard[number].append(envelope["payload"]["event"]["text"])
                    await one.send_json({"envelope_id": envelope["envelope_id"]})

        listening = [asyncio.create_task(listen(n, one)) for n, one in enumerate((socket, other))]
        for number in range(10):
            await ana.say(str(number))
        await slack.delivery.settle()
        for task in listening:
            task.cancel()
        await asyncio.gather(*listening, return_exceptions=True)
    assert sorted(heard[0] + heard[1], key=int) == [str(n) for n in range(10)]
    assert heard[0]
    assert heard[1]
