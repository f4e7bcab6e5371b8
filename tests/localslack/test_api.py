"""The Web API as the real slack_sdk client sees it (peer: AsyncWebClient): answers, refusals, pages, faults."""

import asyncio

import aiohttp
import httpx
import pytest
from aiohttp import web
from slack_sdk.errors import SlackApiError
from slack_sdk.http_retry.builtin_async_handlers import AsyncRateLimitErrorRetryHandler
from slack_sdk.signature import SignatureVerifier
from slack_sdk.web.async_client import AsyncWebClient

from bot.blockkit.blocks import button, header, home, input_block, modal, plain_text_input, section
from bot.domain.errors import NotFound, Refused, Unavailable
from bot.localslack import LocalSlack, Person, Room

SIMPLE = modal("Simple", [section("hello")], callback_id="simple")


async def refused(call) -> SlackApiError:
    with pytest.raises(SlackApiError) as caught:
        await call
    return caught.value


async def test_tokens(slack: LocalSlack):
    """No token, a wrong one, and the wrong kind of one are told apart; an unknown method says so."""
    right = AsyncWebClient(token=slack.bot_token, base_url=slack.api_url)
    wrong = AsyncWebClient(token="xoxb-wrong", base_url=slack.api_url)
    answer = await right.auth_test()
    assert (answer["user_id"], answer["team_id"]) == ("U0TOCSIN", "T0TOCSIN")
    assert "chat:write" in answer.headers["x-oauth-scopes"]
    assert (await refused(wrong.auth_test())).response["error"] == "invalid_auth"
    assert (await refused(AsyncWebClient(base_url=slack.api_url).auth_test())).response["error"] == "not_authed"
    assert (await refused(right.apps_connections_open(app_token=slack.bot_token))).response[
        "error"
    ] == "not_allowed_token_type"
    assert (await refused(right.api_call("slackLists.create"))).response["error"] == "unknown_method"


@pytest.mark.parametrize(("method", "args", "error"), [
    ("chat.postMessage", {"channel": "C_NONE", "text": "x"}, "channel_not_found"),
    ("chat.postMessage", {"channel": "C0INC"}, "no_text"),
    ("chat.postMessage", {"text": "x"}, "invalid_arguments"),
    ("chat.postMessage", {"channel": "C0INC", "text": "x" * 40_001}, "msg_too_long"),
    ("chat.postMessage", {"channel": "C0INC", "text": "x", "thread_ts": "1.000001"}, "thread_not_found"),
    ("chat.postMessage", {"channel": "C0INC", "blocks": "{no json"}, "invalid_blocks_format"),
    ("chat.postMessage", {"channel": "C0INC", "blocks": [header("x" * 151)]}, "invalid_blocks"),
    ("chat.postMessage", {"channel": "C0INC", "blocks": [section("x" * 2900)] * 5}, "msg_blocks_too_long"),
    ("chat.postMessage", {"channel": "C0INC", "text": "x", "metadata": {"event_type": "e", "event_payload": {"a": "x" * 9000}}}, "metadata_too_large"),
    ("chat.postMessage", {"channel": "C0INC", "text": "x", "metadata": {"event_type": "e"}}, "invalid_metadata_schema"),
    ("chat.postMessage", {"channel": "C_SECRET", "text": "x"}, "channel_not_found"),
    ("chat.postMessage", {"channel": "C_ELSE", "text": "x"}, "not_in_channel"),
    ("chat.update", {"channel": "C0INC", "ts": "1.000001", "text": "x"}, "message_not_found"),
    ("chat.delete", {"channel": "C0INC", "ts": "1.000001"}, "message_not_found"),
    ("chat.postEphemeral", {"channel": "C0INC", "user": "U0GUS", "text": "x"}, "user_not_in_channel"),
    ("chat.getPermalink", {"channel": "C0INC", "message_ts": "1.000001"}, "message_not_found"),
    ("conversations.replies", {"channel": "C0INC", "ts": "1.000001"}, "thread_not_found"),
    ("conversations.history", {"channel": "C0INC", "cursor": "junk"}, "invalid_cursor"),
    ("conversations.history", {"channel": "C0INC", "limit": "many"}, "invalid_arguments"),
    ("conversations.history", {"channel": "C0INC", "oldest": "yesterday"}, "invalid_ts_oldest"),
    ("conversations.open", {"users": "U_NOBODY"}, "user_not_found"),
    ("conversations.create", {"name": "War Room"}, "invalid_name_specials"),
    ("conversations.create", {"name": "general"}, "name_taken"),
    ("users.info", {"user": "U_NOBODY"}, "user_not_found"),
    ("users.lookupByEmail", {"email": "no@example.com"}, "users_not_found"),
    ("usergroups.users.list", {"usergroup": "S1"}, "no_such_subteam"),
    ("views.open", {"trigger_id": "t", "view": SIMPLE}, "invalid_trigger_id"),
    ("views.open", {"trigger_id": "t", "view": {"type": "modal"}}, "invalid_arguments"),
    ("views.update", {"view_id": "V1", "view": SIMPLE}, "not_found"),
    ("views.publish", {"user_id": "U_NOBODY", "view": home([])}, "user_not_found"),
    ("files.completeUploadExternal", {"files": [{"id": "F1"}]}, "file_not_found"),
])  # fmt: skip
async def test_refusals_have_slacks_names(clock, method, args, error):
    """Each refusal carries the code Slack documents, by JSON and by form alike."""
    rooms = [Room("C0INC", "inc", members=["U0ANA"]), Room("C0GENERAL", "general"), Room("C_SECRET", "s", private=True, bot=False),
             Room("C_ELSE", "else", bot=False)]  # fmt: skip
    async with LocalSlack(clock=clock, channels=rooms) as slack:
        client = AsyncWebClient(token=slack.bot_token, base_url=slack.api_url)
        assert (await refused(client.api_call(method, json=args))).response["error"] == error
        flat = {
            k: v if isinstance(v, str) else httpx.Request("POST", "http://x", json=v).read().decode()
            for k, v in args.items()
        }
        assert (await refused(client.api_call(method, data=flat))).response["error"] == error


async def test_invalid_blocks_are_explained(client):
    """The place stands in response_metadata, and blocks.validate gives the same as a list."""
    bad = [section("x"), header("x" * 151)]
    error = await refused(client.chat_postMessage(channel="C0INC", blocks=bad, text="x"))
    assert error.response["response_metadata"]["messages"] == [
        "[ERROR] must be at most 150 characters [json-pointer:/blocks/1/text/text]"
    ]
    error = await refused(client.blocks_validate(blocks=bad))
    assert error.response["error"] == "invalid_blocks"
    assert error.response["errors"][0]["pointer"] == "/blocks/1/text/text"
    assert (await client.blocks_validate(view=SIMPLE))["ok"]


async def test_history_replies_and_pages(client, ana: Person):
    """Newest first, replies apart unless broadcast, metadata on request, every message on exactly one page."""
    meta = {"event_type": "post", "event_payload": {"id": "1"}}
    first = (await client.chat_postMessage(channel="C0INC", text="0", metadata=meta))["ts"]
    for n in range(1, 5):
        await client.chat_postMessage(channel="#ml-incidents", text=str(n))
    await ana.say("reply", in_thread_of=first)
    loud = (await client.chat_postMessage(channel="C0INC", text="loud", thread_ts=first, reply_broadcast=True))["ts"]
    seen, cursor = [], ""
    while True:
        page = await client.conversations_history(channel="C0INC", limit=2, cursor=cursor)
        seen += [one["text"] for one in page["messages"]]
        cursor = page["response_metadata"]["next_cursor"]
        if not page["has_more"]:
            break
    assert seen == ["loud", "4", "3", "2", "1", "0"]
    plain = (await client.conversations_history(channel="C0INC", latest=first, inclusive=True))["messages"]
    assert [(one["text"], "metadata" in one, one["reply_count"]) for one in plain] == [("0", False, 2)]
    thread = (await client.conversations_replies(channel="C0INC", ts=loud, include_all_metadata=True))["messages"]
    assert [one["text"] for one in thread] == ["0", "reply", "loud"]
    assert thread[0]["metadata"] == meta
    newer = (await client.conversations_history(channel="C0INC", oldest=first))["messages"]
    assert "0" not in [one["text"] for one in newer]


async def test_only_ones_own_messages_change(client, ana: Person):
    """The bot cannot change a person's words; deleting a parent leaves a tombstone for its thread."""
    theirs = await ana.say("mine")
    assert (await refused(client.chat_update(channel="C0INC", ts=theirs, text="x"))).response[
        "error"
    ] == "cant_update_message"
    assert (await refused(client.chat_delete(channel="C0INC", ts=theirs))).response["error"] == "cant_delete_message"
    ours = (await client.chat_postMessage(channel="C0INC", text="a", blocks=[section("a")]))["ts"]
    assert (await refused(client.chat_update(channel="C0INC", ts=ours, text="x" * 4001))).response[
        "error"
    ] == "msg_too_long"
    await ana.say("below", in_thread_of=ours)
    await client.chat_delete(channel="C0INC", ts=ours)
    left = await ana.messages(in_thread_of=ours)
    assert [one["text"] for one in left] == ["This message was deleted.", "below"]


async def test_triggers_views_and_hashes(slack: LocalSlack, client, clock, ana: Person):
    """A trigger opens once and for three seconds; three views stack; a stale hash is refused."""
    late = slack.dialogs.trigger("U0ANA")
    clock.forward(3.1)
    assert (await refused(client.views_open(trigger_id=late, view=SIMPLE))).response["error"] == "expired_trigger_id"
    trigger = slack.dialogs.trigger("U0ANA")
    view = (await client.views_open(trigger_id=trigger, view=SIMPLE))["view"]
    assert (await refused(client.views_open(trigger_id=trigger, view=SIMPLE))).response[
        "error"
    ] == "exchanged_trigger_id"
    for _ in range(2):
        await client.views_push(trigger_id=slack.dialogs.trigger("U0ANA", view=view["id"]), view=SIMPLE)
    error = await refused(client.views_push(trigger_id=slack.dialogs.trigger("U0ANA", view=view["id"]), view=SIMPLE))
    assert error.response["error"] == "push_limit_reached"
    assert len(await ana.views()) == 3
    after = (await client.views_update(view_id=view["id"], hash=view["hash"], view=SIMPLE))["view"]
    assert after["hash"] != view["hash"]
    stale = await refused(client.views_update(view_id=view["id"], hash=view["hash"], view=SIMPLE))
    assert stale.response["error"] == "hash_conflict"
    tab = (await client.views_publish(user_id="U0ANA", view=home([section("1")])))["view"]
    await client.views_publish(user_id="U0ANA", view=home([section("2")]), hash=tab["hash"])
    assert (await refused(client.views_publish(user_id="U0ANA", view=home([]), hash=tab["hash"]))).response[
        "error"
    ] == "hash_conflict"


async def test_typed_words_survive_an_update(slack: LocalSlack, client, ana: Person):
    """views.update keeps what stands in an input that remains."""
    asked = modal("Ask", [input_block("Why", plain_text_input("t"), block_id="why")], callback_id="m", submit="Go")
    view = (await client.views_open(trigger_id=slack.dialogs.trigger("U0ANA"), view=asked))["view"]
    told = await ana._post("click", {"view_id": view["id"], "action_id": "t", "value": "because"})
    assert told["acked"]
    after = (await client.views_update(view_id=view["id"], view=asked))["view"]
    assert after["state"]["values"]["why"]["t"]["value"] == "because"


async def test_only_members_act(client, ana: Person, gus: Person):
    """Who is not in a room can neither click, read nor write there; unknown buttons and people are named."""
    ts = (
        await client.chat_postMessage(
            channel="C0INC", text="x", blocks=[{"type": "actions", "elements": [button("Go", "go")]}]
        )
    )["ts"]
    for act in (
        gus._post("click", {"channel": "C0INC", "ts": ts, "action_id": "go"}),
        gus.say("hi", room="C0INC"),
        gus.messages("C0INC"),
    ):
        with pytest.raises(Refused, match="not a member of ml-incidents"):
            await act
    with pytest.raises(NotFound, match="there is go"):
        await ana.click("stop")
    with pytest.raises(Refused, match="there is no person 'U0TOCSIN'"):
        async with Person(str(ana._http.base_url), "U0TOCSIN", room="C0INC") as bot:
            await bot.say("x")
    with pytest.raises(Unavailable):
        await ana.wait_for(lambda m: m["text"] == "never", within=0.1)


async def test_faults(slack: LocalSlack, client):
    """429 is retried by the SDK; "after storing" really stored; a cut connection gives no answer; then all is well."""
    patient = AsyncWebClient(
        token=slack.bot_token, base_url=slack.api_url, retry_handlers=[AsyncRateLimitErrorRetryHandler(2)]
    )
    async with httpx.AsyncClient(base_url=slack.url) as http:

        async def fault(**asked):
            assert (await http.post("/control/fault", json=asked)).status_code == 200

        await fault(method="chat.postMessage", kind="429", times=1)
        assert (await patient.chat_postMessage(channel="C0INC", text="patient"))["ok"]
        await fault(method="chat.postMessage", kind="500_after_storing")
        with pytest.raises(SlackApiError):
            await client.chat_postMessage(channel="C0INC", text="stored, 500")
        await fault(method="chat.postMessage", kind="cut_after_storing")
        with pytest.raises(aiohttp.ClientError):
            await client.chat_postMessage(channel="C0INC", text="stored, cut")
        await fault(method="*", kind="outage", times=2)
        for _ in range(2):
            with pytest.raises(SlackApiError):
                await client.chat_postMessage(channel="C0INC", text="lost")
        assert (await http.post("/control/fault", json={"kind": "fire"})).status_code == 422
        texts = [one["text"] for one in (await client.conversations_history(channel="C0INC"))["messages"]]
        entries = (await http.get("/control/traffic")).json()["entries"]
        state = (await http.get("/control/state")).json()
    assert texts == ["stored, cut", "stored, 500", "patient"]
    assert [one["outcome"] for one in entries if one["outcome"].startswith("fault")] == [
        "fault 429", "fault 500_after_storing", "fault cut_after_storing", "fault outage", "fault outage",
    ]  # fmt: skip
    assert slack.bot_token not in str(entries)
    assert state["faults"] == []


async def test_events_are_sent_again_until_acked(slack: LocalSlack, ana: Person):
    """Unacknowledged events come again under one event id with retry headers and a valid signature (slack_sdk verifies)."""
    seen = []

    async def handle(request: web.Request) -> web.Response:
        raw = await request.text()
        assert SignatureVerifier(slack.signing_secret).is_valid_request(raw, dict(request.headers))
        seen.append(((await request.json())["event_id"], request.headers.get("X-Slack-Retry-Num")))
        return web.Response(status=500 if len(seen) < 3 else 200)

    serving = web.Application()
    serving.add_routes([web.post("/", handle)])
    runner = web.AppRunner(serving)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    slack.request_url = f"http://127.0.0.1:{runner.addresses[0][1]}/"
    await ana.say("hello")
    await asyncio.wait_for(slack.delivery.settle(), 5)
    await runner.cleanup()
    assert [number for _, number in seen] == [None, "1", "2"]
    assert len({event for event, _ in seen}) == 1


async def test_files(client, slack: LocalSlack, ana: Person):
    """The SDK's three-step upload ends as a message with a download; unfinished files are not served."""
    await client.files_upload_v2(
        channel="C0INC", content="a,b\n1,2\n", filename="drift.csv", title="Drift", initial_comment="see"
    )
    said = await ana.wait_for(lambda m: bool(m.get("files")))
    assert said["text"] == "see"
    async with httpx.AsyncClient() as http:
        got = await http.get(said["files"][0]["url_private"])
        assert got.text == "a,b\n1,2\n"
        assert "attachment" in got.headers["content-disposition"]
        assert (await http.get(f"{slack.url}/files/F_NONE")).status_code == 404


async def test_people_rooms_and_permalinks(client, slack: LocalSlack):
    """Look-ups answer in Slack's shapes; a permalink leads to the page at that message."""
    assert (await client.users_lookupByEmail(email="BEN@example.com"))["user"]["id"] == "U0BEN"
    assert (await client.users_info(user="U0GUS"))["user"]["is_restricted"]
    assert "U0TOCSIN" in (await client.conversations_members(channel="C0LEGAL"))["members"]
    names = [
        one["name"] for one in (await client.conversations_list(types="public_channel,private_channel"))["channels"]
    ]
    assert names == ["ml-incidents", "general", "legal-review"]
    made = (await client.conversations_create(name="inc-1-war-room"))["channel"]["id"]
    await client.conversations_invite(channel=made, users=["U0ANA", "U0BEN"])
    assert (await refused(client.conversations_invite(channel=made, users="U0ANA"))).response[
        "error"
    ] == "already_in_channel"
    await client.conversations_archive(channel=made)
    assert (await refused(client.chat_postMessage(channel=made, text="x"))).response["error"] == "is_archived"
    ts = (await client.chat_postMessage(channel="C0INC", text="x"))["ts"]
    await client.pins_add(channel="C0INC", timestamp=ts)
    await client.reactions_add(channel="C0INC", timestamp=ts, name="eyes")
    assert (await refused(client.reactions_add(channel="C0INC", timestamp=ts, name="eyes"))).response[
        "error"
    ] == "already_reacted"
    link = (await client.chat_getPermalink(channel="C0INC", message_ts=ts))["permalink"]
    async with httpx.AsyncClient() as http:
        assert (await http.get(link)).headers["location"] == f"/#C0INC/{ts}"
    assert not (await client.dnd_info(user="U0ANA"))["dnd_enabled"]
