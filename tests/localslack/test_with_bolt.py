"""Peers: slack_bolt's AsyncApp and slack_sdk's clients, unchanged; everything a person does reaches a real app."""

import asyncio

import pytest
from slack_bolt.async_app import AsyncApp

from bot.blockkit.blocks import actions, button, header, input_block, modal, option, overflow, plain_text_input, section
from bot.domain.errors import Refused
from bot.localslack import LocalSlack, Person
from tests.localslack.conftest import by_socket


def whole_modal(title="Approve", **more):
    inputs = [input_block("Reason", plain_text_input("text"), block_id="reason")]
    return modal(title, inputs, callback_id="approve", submit="Approve", notify_on_close=True, **more)


async def post_card(client, **more):
    row = actions(
        button("Acknowledge", "card.ack", value="INC-1", style="primary"),
        overflow("card.more", [option("Resolve", "resolve"), option("War room", "room")]),
        block_id="row",
    )
    answer = await client.chat_postMessage(channel="C0INC", text="card", blocks=[header("INC-1"), row], **more)
    return answer["ts"]


async def test_a_click_arrives_and_the_card_changes(app: AsyncApp, connect, client, ana: Person, slack: LocalSlack):
    """A button in a thread reaches the action listener with message, value and person; chat.update shows at once."""
    seen = []

    @app.action("card.ack")
    async def ack_it(ack, body, client):
        await ack()
        seen.append(body)
        await client.chat_update(channel=body["channel"]["id"], ts=body["message"]["ts"], text="Ana has it")

    await connect(app)
    root = await ana.say("it is slow")
    ts = await post_card(client, thread_ts=root)
    told = await ana.click("card.ack", in_thread_of=root)
    assert told["acked"]
    changed = await ana.wait_for(lambda m: m["ts"] == ts and m["text"] == "Ana has it")
    assert "blocks" not in changed or changed["blocks"] == []
    assert seen[0]["user"]["id"] == "U0ANA"
    assert seen[0]["actions"][0]["value"] == "INC-1"
    assert seen[0]["container"] == {
        "type": "message", "message_ts": ts, "channel_id": "C0INC", "is_ephemeral": False, "thread_ts": root,
    }  # fmt: skip


async def test_overflow_and_modal_walk(app: AsyncApp, connect, client, ana: Person):
    """Menu → views.open → refused by the app with errors → updated in place → sent again → closed."""
    sent = []

    @app.action("card.more")
    async def choose(ack, body, action, client):
        await ack()
        sent.append(action["selected_option"]["value"])
        await client.views_open(trigger_id=body["trigger_id"], view=whole_modal(private_metadata="INC-1"))

    @app.view("approve")
    async def approve(ack, view):
        reason = view["state"]["values"]["reason"]["text"]["value"]
        sent.append((view["private_metadata"], reason))
        if reason == "because":
            await ack(response_action="errors", errors={"reason": "Say more"})
        elif reason == "second":
            await ack(response_action="update", view=whole_modal("Really?"))
        else:
            await ack()

    await connect(app)
    await post_card(client)
    await ana.click("card.more", value="room")
    view = await ana.wait_for_view("approve")
    assert view["title"]["text"] == "Approve"
    with pytest.raises(Refused, match="required"):
        await ana.submit({})
    told = await ana.submit({"reason": "because"})
    assert told["errors"] == {"reason": "Say more"}
    assert await ana.errors() == {"reason": "Say more"}
    await ana.submit({"reason": "second"})
    assert (await ana.views())[-1]["title"]["text"] == "Really?"
    await ana.submit({"reason": "the rate fell back"})
    assert await ana.views() == []
    assert sent == ["room", ("INC-1", "because"), ("INC-1", "second"), ("", "the rate fell back")]


async def test_closing_a_modal_is_told(app: AsyncApp, connect, ana: Person):
    """A global shortcut opens a modal; closing it reaches the view_closed listener because it asked for it."""
    closed = asyncio.Event()

    @app.shortcut("declare")
    async def declare(ack, body, client):
        await ack()
        await client.views_open(trigger_id=body["trigger_id"], view=whole_modal())

    @app.view_closed("approve")
    async def gone(ack):
        await ack()
        closed.set()

    await connect(app)
    assert (await ana.shortcut("declare"))["acked"]
    await ana.wait_for_view("approve")
    assert (await ana.close_view())["acked"]
    assert closed.is_set()
    assert await ana.views() == []


async def test_commands_and_message_shortcuts(app: AsyncApp, connect, ana: Person):
    """A command is answered privately; a message shortcut carries its message; commands in threads are refused."""

    @app.command("/incident")
    async def incident(ack, command):
        await ack(f"you asked {command['text']} in {command['channel_name']}")

    @app.shortcut("to_timeline")
    async def to_timeline(ack, shortcut, respond):
        await ack()
        await respond(text="kept: " + shortcut["message"]["text"])

    await connect(app)
    assert (await ana.command("/incident", "list"))["acked"]
    whisper = await ana.wait_for(lambda m: m.get("is_ephemeral", False))
    assert whisper["text"] == "you asked list in ml-incidents"
    ts = await ana.say("restarted the router")
    await ana.shortcut("to_timeline", ts=ts)
    await ana.wait_for(lambda m: m["text"] == "kept: restarted the router")
    with pytest.raises(Refused, match="not supported in threads"):
        await ana._post("command", {"channel": "C0INC", "command": "/incident", "thread_ts": ts})


async def test_events_arrive(app: AsyncApp, connect, ana: Person, slack: LocalSlack):
    """Messages, mentions, reactions and the Home tab become events with an event id; the Home tab is published."""
    seen: list[str] = []

    @app.event("message")
    async def message(event, body):
        seen.append("message " + event["text"])
        assert body["event_id"].startswith("Ev")

    @app.event("app_mention")
    async def mention(event):
        seen.append("mention " + event["text"])

    @app.event("reaction_added")
    async def reaction(event):
        seen.append("reaction " + event["reaction"] + " " + event["item"]["channel"])

    @app.event("app_home_opened")
    async def home(event, client):
        await client.views_publish(user_id=event["user"], view={"type": "home", "blocks": [section("nothing waits")]})

    await connect(app)
    ts = await ana.say("@Tocsin ack")
    await ana.react("pushpin", ts)
    await ana.open_home()
    await slack.delivery.settle()
    for _ in range(40):
        if len(seen) == 3 and await ana.home():
            break
        await asyncio.sleep(0.05)
    assert sorted(seen) == ["mention <@U0TOCSIN> ack", "message <@U0TOCSIN> ack", "reaction pushpin C0INC"]
    assert (await ana.home())["blocks"][0]["text"]["text"] == "nothing waits"


async def test_a_slow_app_is_reported(app: AsyncApp, connect, client, ana: Person):
    """A click nobody handles is answered "not acknowledged", as Slack shows a warning triangle."""
    await connect(app)
    await post_card(client)
    told = await ana.click("card.ack")
    assert not told["acked"]
    assert told["because"]


async def test_two_sockets_share_the_work(app: AsyncApp, slack: LocalSlack, client, ana: Person):
    """With two sockets each message is delivered to exactly one of them."""
    seen = []

    @app.event("message")
    async def message(event):
        seen.append(event["text"])

    async with by_socket(slack, app), by_socket(slack, app):
        assert slack.delivery.sockets == 2
        for number in range(6):
            await ana.say(f"line {number}")
        await slack.delivery.settle()
        await asyncio.sleep(0.1)
    assert sorted(seen) == [f"line {n}" for n in range(6)]


async def test_closing_a_stack_is_told_for_each(app: AsyncApp, connect, client, ana: Person, slack: LocalSlack):
    """Three dialogs on one another, the stack is closed at once: each that asked is told, cleared."""
    told = []

    @app.view_closed("approve")
    async def gone(ack, body):
        await ack()
        told.append((body["view"]["title"]["text"], body["is_cleared"]))

    await connect(app)
    view = (await client.views_open(trigger_id=slack.dialogs.trigger("U0ANA"), view=whole_modal("1")))["view"]
    for title in ("2", "3"):
        trigger = slack.dialogs.trigger("U0ANA", view=view["id"])
        await client.views_push(trigger_id=trigger, view=whole_modal(title))
    await ana.close_view(everything=True)
    assert told == [("3", True), ("2", True), ("1", True)]
    assert await ana.views() == []


async def test_options_of_a_select_in_a_message(app: AsyncApp, connect, client, ana: Person):
    """What the app offers while somebody types, groups included, arrives in a message's select too."""

    @app.options("model")
    async def offer(ack, payload):
        names = [one for one in ("fraud", "fare") if one.startswith(payload["value"])]
        await ack(option_groups=[{"label": {"type": "plain_text", "text": "Models"},
                                  "options": [option(one, one) for one in names]}])  # fmt: skip

    await connect(app)
    ask = {"type": "external_select", "action_id": "model", "min_query_length": 1}
    ts = (await client.chat_postMessage(channel="C0INC", text="which?", blocks=[section("Which?", accessory=ask)]))[
        "ts"
    ]
    told = await ana._post("options", {"channel": "C0INC", "ts": ts, "action_id": "model", "query": "fr"})
    assert [one["value"] for one in told["options"]] == ["fraud"]
