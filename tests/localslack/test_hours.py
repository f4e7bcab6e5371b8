"""What the workspace's clock moves: triggers, redelivery, scheduled messages, dates (peer: slack_sdk's client)."""

import asyncio
from email.utils import parsedate_to_datetime

import aiohttp
import httpx
import pytest
from slack_sdk.errors import SlackApiError
from slack_sdk.web.async_client import AsyncWebClient

from bot.blockkit.blocks import modal, section
from bot.localslack import LocalSlack, Person
from tests.localslack.conftest import MovedClock

SIMPLE = modal("Simple", [section("hello")], callback_id="simple")


async def forward(http: httpx.AsyncClient, seconds) -> httpx.Response:
    return await http.post("/control/clock", json={"forward": seconds})


async def test_the_clock_can_be_moved():
    """A trigger of before is expired, messages carry the new time, answers are dated by it, and it stands in the state."""
    async with LocalSlack() as slack, httpx.AsyncClient(base_url=slack.url) as http:
        client = AsyncWebClient(token=slack.bot_token, base_url=slack.api_url)
        before = slack.workspace.now()
        trigger = slack.dialogs.trigger("U0ANA")
        moved = (await forward(http, 86_400)).json()
        assert moved["ahead"] == 86_400
        assert moved["now"] >= before + 86_400
        with pytest.raises(SlackApiError, match="expired_trigger_id"):
            await client.views_open(trigger_id=trigger, view=SIMPLE)
        answer = await client.chat_postMessage(channel="C0INC", text="tomorrow")
        assert float(answer["ts"]) >= before + 86_400
        dated = parsedate_to_datetime(answer.headers["Date"]).timestamp()
        assert dated >= before + 86_399
        assert (await http.get("/control/state")).json()["now"] >= before + 86_400


@pytest.mark.parametrize("wrong", [-1, "soon", 1e12, float("1e400")])
async def test_time_does_not_run_back(wrong):
    """A move that makes no sense is refused with a sentence, and nothing is moved."""
    async with LocalSlack() as slack, httpx.AsyncClient(base_url=slack.url) as http:
        body = b'{"forward": Infinity}' if wrong == float("inf") else None
        answer = await http.post("/control/clock", content=body) if body else await forward(http, wrong)
        assert answer.status_code == 422
        assert slack.forward(0) == 0


async def test_a_clock_from_outside_is_not_moved_from_inside(slack: LocalSlack):
    """Tests and drills that bring a clock move it themselves."""
    async with httpx.AsyncClient(base_url=slack.url) as http:
        assert "clock from outside" in (await forward(http, 1)).json()["error"]


async def test_redelivery_comes_when_its_time_has_come():
    """An event nobody took comes again after a minute and after five more, by the moved clock, with why and how often."""
    async with LocalSlack() as slack, Person(slack.url, "U0ANA", room="C0INC") as ana:
        await ana.say("anybody?")

        async def outcomes(count: int) -> list[str]:
            for _ in range(200):
                told = [one["what"] for one in slack.traffic.entries]
                if len(told) >= count:
                    return told
                await asyncio.sleep(0.01)
            raise AssertionError(told)

        assert await outcomes(1) == ["events_api message"]
        slack.forward(1.1)
        await outcomes(2)
        slack.forward(60)
        client = AsyncWebClient(base_url=slack.api_url)
        url = (await client.apps_connections_open(app_token=slack.app_token))["url"]
        await outcomes(4)
        async with aiohttp.ClientSession() as session, session.ws_connect(url) as socket:
            assert (await socket.receive_json(timeout=5))["type"] == "hello"
            slack.forward(300)
            last = await socket.receive_json(timeout=5)
            await socket.send_json({"envelope_id": last["envelope_id"]})
            await asyncio.wait_for(slack.delivery.settle(), 5)
        assert (last["retry_attempt"], last["retry_reason"]) == (3, "connection_failed")


async def test_scheduled_messages_are_said_in_time():
    """Neither before nor twice; taken back they are not said, with metadata they never are."""
    async with LocalSlack() as slack, Person(slack.url, "U0ANA", room="C0INC") as ana:
        client = AsyncWebClient(token=slack.bot_token, base_url=slack.api_url)
        now = int(slack.workspace.now())

        async def schedule(text: str, after: int, **more) -> str:
            answer = await client.chat_scheduleMessage(channel="C0INC", text=text, post_at=now + after, **more)
            return answer["scheduled_message_id"]

        await schedule("second", 120)
        await schedule("first", 60)
        back = await schedule("never", 90)
        await schedule("named", 95, metadata={"event_type": "x", "event_payload": {}})
        for wrong, after in (("time_in_past", -5), ("time_too_far", 121 * 86_400)):
            with pytest.raises(SlackApiError, match=wrong):
                await schedule("x", after)
        listed = (await client.chat_scheduledMessages_list(channel="C0INC"))["scheduled_messages"]
        assert [one["text"] for one in listed] == ["first", "never", "named", "second"]
        await client.chat_deleteScheduledMessage(channel="C0INC", scheduled_message_id=back)
        slack.forward(30)
        assert await ana.messages() == []
        slack.forward(300)
        await ana.wait_for(lambda m: m["text"] == "second")
        assert [one["text"] for one in await ana.messages()] == ["first", "second"]
        with pytest.raises(SlackApiError, match="invalid_scheduled_message_id"):
            await client.chat_deleteScheduledMessage(channel="C0INC", scheduled_message_id=back)


async def test_what_fell_due_while_nobody_served_is_said_at_the_start(tmp_path):
    """A restart loses no scheduled message."""
    clock = MovedClock()
    async with LocalSlack(state=tmp_path, clock=clock) as slack:
        client = AsyncWebClient(token=slack.bot_token, base_url=slack.api_url)
        await client.chat_scheduleMessage(channel="C0INC", text="late", post_at=int(slack.workspace.now()) + 60)
    clock.forward(120)
    async with LocalSlack(state=tmp_path, clock=clock) as slack, Person(slack.url, "U0ANA", room="C0INC") as ana:
        await ana.wait_for(lambda m: m["text"] == "late")


async def test_a_response_url_answers_five_times_in_half_an_hour(slack: LocalSlack, clock: MovedClock, ana: Person):
    """The sixth answer and the late one are refused; what was said reaches the one person alone."""
    room = slack.workspace.rooms["C0INC"]
    many, late = slack.hands._response_url("U0ANA", room), slack.hands._response_url("U0ANA", room)
    async with httpx.AsyncClient() as http:
        for number in range(5):
            assert (await http.post(many, json={"text": str(number)})).status_code == 200
        assert (await http.post(many, json={"text": "5"})).json()["error"] == "used_url"
        clock.forward(1801)
        assert (await http.post(late, json={"text": "late"})).status_code == 404
    assert [one["text"] for one in await ana.messages()] == ["0", "1", "2", "3", "4"]
    async with Person(slack.url, "U0BEN", room="C0INC") as ben:
        assert await ben.messages() == []
