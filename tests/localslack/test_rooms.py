"""Rooms and what is stuck onto them, as slack_sdk's client sees them: every stored thing can be had back."""

import pytest
from slack_sdk.errors import SlackApiError
from slack_sdk.web.async_client import AsyncWebClient

from bot.localslack import LocalSlack, Person
from bot.localslack.people import CAST, ROOMS, Group, Member, Room


async def code(call) -> str:
    with pytest.raises(SlackApiError) as caught:
        await call
    return caught.value.response["error"]


async def posted(client, text="x", channel="C0INC") -> str:
    return (await client.chat_postMessage(channel=channel, text=text))["ts"]


async def test_a_war_room_from_its_making_to_its_archive(slack: LocalSlack, client, ana: Person):
    """Made, named, its topic set, people invited and sent away, archived and opened again; each told in the room."""
    made = (await client.conversations_create(name="inc-7"))["channel"]["id"]
    await client.conversations_setTopic(channel=made, topic="SEV2 · recall is down")
    await client.conversations_setPurpose(channel=made, purpose="for INC-7")
    await client.conversations_invite(channel=made, users="U0ANA,U0BEN")
    await client.conversations_rename(channel=made, name="inc-7-recall")
    await client.conversations_kick(channel=made, user="U0BEN")
    info = (await client.conversations_info(channel=made))["channel"]
    assert (info["name"], info["topic"]["value"], info["purpose"]["value"]) == (
        "inc-7-recall", "SEV2 · recall is down", "for INC-7")  # fmt: skip
    assert (await client.conversations_members(channel=made))["members"] == ["U0ANA", "U0TOCSIN"]
    told = [one["subtype"] for one in await ana.messages(made)]
    assert told == ["channel_topic", "channel_join", "channel_join", "channel_name", "channel_leave"]
    assert await code(client.conversations_kick(channel=made, user="U0BEN")) == "not_in_channel"
    assert await code(client.conversations_setTopic(channel=made, topic="x" * 251)) == "too_long"
    assert await code(client.conversations_rename(channel=made, name="general")) == "name_taken"
    await client.conversations_archive(channel=made)
    for call in (client.conversations_setTopic(channel=made, topic="y"), client.conversations_invite(channel=made, users="U0BEN"),
                 client.conversations_rename(channel=made, name="z"), client.chat_postMessage(channel=made, text="x")):  # fmt: skip
        assert await code(call) == "is_archived"
    assert await code(client.conversations_archive(channel=made)) == "already_archived"
    assert await code(client.conversations_archive(channel="C0GENERAL")) == "cant_archive_general"
    await client.conversations_unarchive(channel=made)
    await posted(client, channel=made)


async def test_the_same_topic_again_is_no_news(slack: LocalSlack, client, ana: Person):
    """Set twice, told once."""
    for _ in range(2):
        await client.conversations_setTopic(channel="C0INC", topic="quiet")
    assert [one.get("topic") for one in await ana.messages()] == ["quiet"]


async def test_leaving_and_joining(client):
    """Outside of a channel the bot hears `not_in_channel`; it joins public ones alone."""
    await client.conversations_leave(channel="C0GENERAL")
    assert await code(client.chat_postMessage(channel="C0GENERAL", text="x")) == "not_in_channel"
    assert (await client.conversations_leave(channel="C0GENERAL"))["not_in_channel"]
    await client.conversations_join(channel="C0GENERAL")
    await posted(client, channel="C0GENERAL")
    assert await code(client.conversations_join(channel="C0LEGAL")) == "channel_not_found"


async def test_pins(client, ana: Person):
    """A pin is listed with its message, shown on it, and taken out once."""
    ts = await posted(client, "keep me")
    await client.pins_add(channel="C0INC", timestamp=ts)
    assert await code(client.pins_add(channel="C0INC", timestamp=ts)) == "already_pinned"
    (item,) = (await client.pins_list(channel="C0INC"))["items"]
    assert (item["message"]["text"], item["created_by"]) == ("keep me", "U0TOCSIN")
    assert (await ana.messages())[-1]["pinned_to"] == ["C0INC"]
    await client.pins_remove(channel="C0INC", timestamp=ts)
    assert (await client.pins_list(channel="C0INC"))["items"] == []
    assert await code(client.pins_remove(channel="C0INC", timestamp=ts)) == "no_pin"
    assert await code(client.pins_add(channel="C0INC", timestamp="1.000001")) == "message_not_found"


async def test_bookmarks(client):
    """Added, changed, listed and removed; a link that is none and a bookmark that is gone are refused."""
    made = (await client.bookmarks_add(channel_id="C0INC", title="Console", type="link", link="https://t.example/1"))[
        "bookmark"
    ]
    await client.bookmarks_edit(
        channel_id="C0INC", bookmark_id=made["id"], title="Incident", link="https://t.example/2"
    )
    (held,) = (await client.bookmarks_list(channel_id="C0INC"))["bookmarks"]
    assert (held["title"], held["link"]) == ("Incident", "https://t.example/2")
    wrong = client.bookmarks_add(channel_id="C0INC", title="x", type="link", link="javascript:alert(1)")
    assert await code(wrong) == "invalid_link"
    assert (
        await code(client.bookmarks_add(channel_id="C0INC", title="x", type="file", link="https://a.b"))
        == "invalid_bookmark_type"
    )
    await client.bookmarks_remove(channel_id="C0INC", bookmark_id=made["id"])
    assert (await client.bookmarks_list(channel_id="C0INC"))["bookmarks"] == []
    assert await code(client.bookmarks_remove(channel_id="C0INC", bookmark_id=made["id"])) == "not_found"


async def test_reactions(client, ana: Person):
    """The bot's own are counted beside a person's, and only its own can be taken off."""
    ts = await posted(client)
    await ana.react("eyes", ts)
    await client.reactions_add(channel="C0INC", timestamp=ts, name="eyes")
    (held,) = (await client.reactions_get(channel="C0INC", timestamp=ts))["message"]["reactions"]
    assert (held["name"], held["count"], held["users"]) == ("eyes", 2, ["U0ANA", "U0TOCSIN"])
    await client.reactions_remove(channel="C0INC", timestamp=ts, name="eyes")
    assert await code(client.reactions_remove(channel="C0INC", timestamp=ts, name="eyes")) == "no_reaction"


async def test_canvases_are_edited_by_section(slack: LocalSlack, client):
    """A channel has one; sections are found by their words, changed in place, and the whole can be replaced."""

    async def text(name: str) -> list[str]:
        return [one["text"] for one in slack.workspace.memory.get("canvas", name)["sections"]]

    given = {"type": "markdown", "markdown": "# INC-7\n\nWhat happened\n\nWhat helped"}
    made = (await client.conversations_canvases_create(channel_id="C0INC", document_content=given))["canvas_id"]
    assert (
        await code(client.conversations_canvases_create(channel_id="C0INC", document_content=given))
        == "channel_canvas_already_exists"
    )
    found = (await client.canvases_sections_lookup(canvas_id=made, criteria={"contains_text": "helped"}))["sections"]

    async def change(operation: str, markdown: str = "", section: str = "") -> None:
        asked = {"operation": operation} | ({"section_id": section} if section else {})
        asked |= {"document_content": {"type": "markdown", "markdown": markdown}} if markdown else {}
        await client.canvases_edit(canvas_id=made, changes=[asked])

    await change("replace", "A rollback helped", found[0]["id"])
    await change("insert_at_end", "Follow-ups")
    await change("insert_at_start", "Draft")
    assert await text(made) == ["Draft", "# INC-7", "What happened", "A rollback helped", "Follow-ups"]
    assert (
        await code(client.canvases_edit(canvas_id=made, changes=[{"operation": "delete", "section_id": "gone"}]))
        == "canvas_editing_failed"
    )
    assert await code(client.canvases_edit(canvas_id="F_NONE", changes=[{}])) == "canvas_not_found"
    await change("replace", "All new")
    assert await text(made) == ["All new"]
    await client.canvases_delete(canvas_id=made)
    await client.conversations_canvases_create(channel_id="C0INC", document_content=given)


async def test_groups_guests_and_people_of_elsewhere(clock):
    """A group's handle becomes its mention; guests and strangers are marked, and invited only where they may be."""
    people = [*CAST, Member("U0SIM", "sim", is_ultra_restricted=True), Member("U0KIM", "kim", team="T0OTHER")]
    rooms = [*ROOMS, Room("C0PART", "partners", members=("U0ANA", "U0KIM"), shared_with=("T0OTHER",)),
             Room("C0SIM", "sims-room", members=("U0SIM",))]  # fmt: skip
    groups = {
        "S0ONCALL": Group("S0ONCALL", "ml-oncall", ("U0ANA", "U0BEN")),
        "S0OLD": Group("S0OLD", "old", disabled=True),
    }
    async with (
        LocalSlack(clock=clock, people=people, channels=rooms, groups=groups) as slack,
        Person(slack.url, "U0ANA", room="C0INC") as ana,
        Person(slack.url, "U0KIM", room="C0PART") as kim,
    ):
        client = AsyncWebClient(token=slack.bot_token, base_url=slack.api_url)
        (listed,) = (await client.usergroups_list(include_users=True))["usergroups"]
        assert (listed["handle"], listed["users"], listed["user_count"]) == ("ml-oncall", ["U0ANA", "U0BEN"], 2)
        assert await code(client.usergroups_users_list(usergroup="S0OLD")) == "no_such_subteam"
        await ana.say("@ml-oncall please look")
        assert (await ana.messages())[-1]["text"] == "<!subteam^S0ONCALL> please look"
        guest, stranger = (
            (await client.users_info(user="U0SIM"))["user"],
            (await client.users_info(user="U0KIM"))["user"],
        )
        assert (guest["is_restricted"], guest["is_ultra_restricted"]) == (True, True)
        assert (stranger["is_stranger"], stranger["team_id"]) == (True, "T0OTHER")
        assert await code(client.conversations_invite(channel="C0INC", users="U0SIM")) == "ura_max_channels"
        assert await code(client.conversations_invite(channel="C0INC", users="U0KIM")) == "user_team_not_in_channel"
        await kim.say("hello from elsewhere")
        await kim.command("/incident")
        event, command = (one["sent"] for one in list(slack.traffic.entries)[-2:])
        event, command = (event, command) if "event" in event else (command, event)
        assert event["is_ext_shared_channel"]
        assert event["event"]["user_team"] == command["team_id"] == "T0OTHER"


async def test_quiet_and_away(client, ana: Person):
    """Do not disturb and presence are what the person set, for one and for many."""
    await ana._post("status", {"dnd": True, "away": True})
    assert (await client.users_getPresence(user="U0ANA"))["presence"] == "away"
    both = (await client.dnd_teamInfo(users=["U0ANA", "U0BEN", "U_NOBODY"]))["users"]
    assert {name: one["dnd_enabled"] for name, one in both.items()} == {"U0ANA": True, "U0BEN": False}
    assert (await client.dnd_info(user="U0ANA"))["next_dnd_end_ts"] > 1
    await ana._post("status", {"away": False})
    assert (await client.users_getPresence(user="U0ANA"))["presence"] == "active"


async def test_it_all_survives_a_restart(tmp_path):
    """Bookmarks, pins, topics, canvases, who is quiet and how far the clock was moved are there again."""
    async with LocalSlack(state=tmp_path) as slack, Person(slack.url, "U0ANA", room="C0INC") as ana:
        client = AsyncWebClient(token=slack.bot_token, base_url=slack.api_url)
        await client.bookmarks_add(channel_id="C0INC", title="Console", type="link", link="https://t.example")
        await client.pins_add(channel="C0INC", timestamp=await posted(client))
        await client.conversations_setTopic(channel="C0INC", topic="kept")
        await client.canvases_create(
            title="Draft", channel_id="C0INC", document_content={"type": "markdown", "markdown": "a"}
        )
        await ana._post("status", {"dnd": True})
        slack.forward(3600)
    async with LocalSlack(state=tmp_path) as slack, Person(slack.url, "U0ANA", room="C0INC") as ana:
        client = AsyncWebClient(token=slack.bot_token, base_url=slack.api_url)
        seen = await ana._get("/people/U0ANA/screen", {"channel": "C0INC"})
        (room,) = [one for one in seen["rooms"] if one["id"] == "C0INC"]
        assert (room["topic"]["value"], room["bookmarks"][0]["title"], len(room["pinned"])) == ("kept", "Console", 1)
        assert room["canvases"][0]["text"] == "a"
        assert (await client.dnd_info(user="U0ANA"))["dnd_enabled"]
        assert slack.forward(0) == 3600
