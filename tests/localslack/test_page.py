"""The page in a real browser (Chromium by Playwright): what a person clicks and types reaches a real bolt app."""

import os
import shutil

import aiohttp
import pytest
from slack_bolt.async_app import AsyncApp
from slack_sdk.errors import SlackApiError
from slack_sdk.web.async_client import AsyncWebClient

from bot.blockkit.blocks import actions, button, chart, input_block, modal, plain_text_input, section, untrusted
from bot.localslack import LocalSlack, Person
from bot.slack import drawing
from tests.localslack.conftest import by_socket

pytestmark = pytest.mark.real
CHROMIUM = shutil.which("chromium")
ARGS = ["--no-sandbox", "--disable-gpu", "--disable-quic", "--disable-background-networking", "--disable-sync"]


@pytest.fixture
async def page(slack: LocalSlack):
    if CHROMIUM is None:
        if os.environ.get("CI") == "true":
            pytest.fail("Chromium is required under CI")
        pytest.skip("Chromium is not installed")
    driver = pytest.importorskip("playwright.async_api", reason="the browser driver is not installed")
    async with driver.async_playwright() as playwright:
        browser = await playwright.chromium.launch(executable_path=CHROMIUM, args=ARGS)
        opened = await browser.new_page()
        opened.errors = []
        opened.on("pageerror", lambda error: opened.errors.append(str(error)))
        opened.set_default_timeout(8000)
        yield opened
        await browser.close()


async def test_click_type_send(app: AsyncApp, slack: LocalSlack, client, page, ana: Person):
    """A button opens a modal; an empty answer is complained about; a full one is sent and the card changes live."""
    reasons = []

    @app.action("approve")
    async def ask(ack, body, client):
        await ack()
        asked = [input_block("Reason", plain_text_input("t"), block_id="why")]
        await client.views_open(
            trigger_id=body["trigger_id"], view=modal("Approve", asked, callback_id="m", submit="Send it")
        )

    @app.view("m")
    async def sent(ack, view, client):
        await ack()
        reasons.append(view["state"]["values"]["why"]["t"]["value"])
        await client.chat_postMessage(channel="C0INC", text="approved, thank you")

    @app.event("message")
    async def ignore():
        pass

    alert = untrusted("<!channel> <img src=x onerror=alert(1)>", 200)
    await client.chat_postMessage(
        channel="C0INC", text="card", blocks=[section(alert), actions(button("Approve", "approve"))]
    )
    async with by_socket(slack, app):
        await page.goto(f"{slack.url}/")
        await page.get_by_text("Ana Souza").click()
        await page.get_by_text("<!channel> <img src=x onerror=alert(1)>").wait_for()
        await page.get_by_role("button", name="Approve").click()
        await page.get_by_role("button", name="Send it").click()
        await page.get_by_text("Please complete this required field.").wait_for()
        await page.locator(".modal .typed").fill("error rate is back")
        await page.get_by_role("button", name="Send it").click()
        await page.get_by_text("approved, thank you").wait_for()
        assert await page.locator(".modal").count() == 0
        await page.locator("#words").fill("thanks *all*")
        await page.locator("#words").press("Enter")
        await page.locator(".mrkdwn b", has_text="all").wait_for()
    assert reasons == ["error rate is back"]
    assert page.errors == []


async def test_a_picture_kept_in_slack_is_drawn(slack: LocalSlack, client, page):
    """An uploaded PNG named by its id in an image block is a picture on the page, with its words for who cannot see it."""
    graph = drawing.read(chart("PSI", ["1", "2"], {"psi": [0.1, 0.3], "allowed": [0.2, 0.2]}))
    raw = drawing.png(graph)
    asked = await client.files_getUploadURLExternal(filename="chart.png", length=len(raw))
    async with aiohttp.ClientSession() as http, http.post(asked["upload_url"], data=raw) as answer:
        assert answer.status == 200
    await client.files_completeUploadExternal(files=[{"id": asked["file_id"], "title": "chart"}])
    shown = {"type": "image", "slack_file": {"id": asked["file_id"]}, "alt_text": drawing.said(graph)}
    await client.chat_postMessage(channel="C0INC", text="card", blocks=[shown])
    await page.goto(f"{slack.url}/")
    await page.get_by_text("Ana Souza").click()
    image = page.locator(".block-image img")
    await image.wait_for()
    await page.wait_for_function("document.querySelector('.block-image img').naturalWidth > 0")
    assert await image.evaluate("each => each.naturalWidth") == 1080
    assert await image.get_attribute("alt") == drawing.said(graph)
    assert page.errors == []


async def looking(page, slack: LocalSlack, user: str = "U0ANA", where: str = "C0INC") -> None:
    """Open the page as somebody and wait until it stands."""
    await page.goto(f"{slack.url}/?as={user}#{where}")
    await page.locator("#me b").wait_for()


MANIFEST = {
    "features": {
        "shortcuts": [{"name": "Keep it", "type": "message", "callback_id": "keep"}],
        "slash_commands": [{"command": "/incident", "description": "Incidents", "usage_hint": "declare | list"}],
    },
    "oauth_config": {"scopes": {"bot": ["commands", "chat:write", "channels:history"]}},
    "settings": {"event_subscriptions": {"bot_events": ["message.channels"]}},
}


async def test_what_can_be_done_with_a_message(slack: LocalSlack, page, ana: Person):
    """A reaction by the picker and taken back, a pin that shows above the room, an edit, and a deletion."""
    await ana.say("restarted the router")
    await looking(page, slack)
    message = page.locator(".message", has_text="restarted the router")
    await message.hover()
    await message.get_by_label("More reactions").click()
    await page.get_by_label("Emoji by name").fill("rock")
    await message.get_by_role("button", name="rocket").click()
    await message.locator(".reactions button", has_text="🚀 1").click()
    await message.locator(".reactions").wait_for(state="detached")
    await message.hover()
    await message.get_by_label("More", exact=True).click()
    await message.get_by_role("button", name="Pin to channel").click()
    await message.get_by_text("Pinned by Ana Souza").wait_for()
    await page.get_by_text("1 pinned").wait_for()
    await message.hover()
    await message.get_by_label("More", exact=True).click()
    await message.get_by_role("button", name="Edit").click()
    await page.get_by_label("Edit message").fill("restarted it twice")
    await page.get_by_role("button", name="Save").click()
    changed = page.locator(".message", has_text="restarted it twice")
    await changed.get_by_text("(edited)").wait_for()
    await changed.hover()
    await changed.get_by_label("More", exact=True).click()
    await changed.get_by_role("button", name="Delete").click()
    await page.get_by_text("Nothing here yet.").wait_for()
    assert page.errors == []


async def test_hints_while_typing(slack: LocalSlack, page, ana: Person):
    """`/` offers the app's commands and their words, `@` offers people; Tab and Enter take one, Escape none."""
    slack.workspace.install(MANIFEST)
    await looking(page, slack)
    field, hints = page.locator("#words"), page.locator("#composer .hints")
    await field.press_sequentially("/i")
    await hints.get_by_text("declare | list").wait_for()
    await field.press("Tab")
    await hints.get_by_role("option", name="declare").wait_for()
    await field.press("ArrowDown")
    await field.press("Enter")
    assert await field.input_value() == "/incident list "
    await field.fill("")
    await field.press_sequentially("hi @b")
    await hints.get_by_text("Ben Okafor").wait_for()
    await field.press("Enter")
    assert await field.input_value() == "hi @ben "
    await field.press("Enter")
    await page.locator(".message .mention", has_text="@ben").wait_for()
    await field.press_sequentially("@")
    await field.press("Escape")
    await hints.wait_for(state="hidden")
    await field.press("Enter")
    said = await ana.wait_for(lambda m: m["text"] == "@")
    assert said["user"] == "U0ANA"


async def test_escape_closes_one_thing_at_a_time(slack: LocalSlack, client, page, ana: Person):
    """The menu, then each dialog of the stack, then the thread; nothing of it is sent."""
    ts = await ana.say("here")
    await looking(page, slack, where=f"C0INC/{ts}")
    thread = page.locator("#thread")
    await thread.locator(".message").wait_for()
    asked = modal("First", [section("one")], callback_id="a")
    view = (await client.views_open(trigger_id=slack.dialogs.trigger("U0ANA"), view=asked))["view"]
    await client.views_push(
        trigger_id=slack.dialogs.trigger("U0ANA", view=view["id"]),
        view=modal("Second", [section("two")], callback_id="b"),
    )
    await page.get_by_role("dialog", name="Second").wait_for()
    assert await page.locator(".modal.below").count() == 1
    await page.keyboard.press("Escape")
    await page.get_by_role("dialog", name="First").wait_for()
    await page.keyboard.press("Escape")
    await page.locator(".modal").first.wait_for(state="detached")
    message = page.locator("#list .message")
    await message.hover()
    await message.get_by_label("More", exact=True).click()
    await page.keyboard.press("Escape")
    await message.get_by_role("button", name="Pin to channel").wait_for(state="hidden")
    assert await thread.is_visible()
    await page.keyboard.press("Escape")
    await thread.wait_for(state="hidden")


async def test_shelf_and_marks(slack: LocalSlack, client, page, ana: Person, gus: Person):
    """Topic, bookmark and canvas stand above the room; guests and the undisturbed are marked; archived rooms take no words."""
    await client.conversations_setTopic(channel="C0GENERAL", topic="all is quiet")
    await client.bookmarks_add(channel_id="C0GENERAL", title="Console", type="link", link="https://tocsin.example/")
    await client.canvases_create(
        title="Draft", channel_id="C0GENERAL", document_content={"type": "markdown", "markdown": "# It fell"}
    )
    await gus.say("hello")
    await gus._post("status", {"dnd": True})
    made = (await client.conversations_create(name="inc-1"))["channel"]["id"]
    await client.conversations_invite(channel=made, users="U0ANA")
    await client.conversations_archive(channel=made)
    await looking(page, slack, where="C0GENERAL")
    await page.locator(".head").get_by_text("all is quiet").wait_for()
    assert await page.get_by_role("link", name="Console").get_attribute("href") == "https://tocsin.example/"
    await page.get_by_role("button", name="Draft").click()
    await page.locator("dialog", has_text="It fell").wait_for()
    await page.get_by_role("button", name="Close").last.click()
    said = page.locator(".message", has_text="hello")
    await said.get_by_text("guest").wait_for()
    await said.get_by_label("do not disturb").wait_for()
    await page.get_by_text("inc-1").click()
    await page.locator(".head").get_by_text("archived").wait_for()
    assert not await page.locator("#composer").is_visible()
    assert page.errors == []


async def test_the_directors_desk(page):
    """A fault thrown from the page strikes the next call and shows in red; the moved clock shows and is the server's."""
    async with LocalSlack() as slack, Person(slack.url, "U0ANA", room="C0INC") as ana:
        client = AsyncWebClient(token=slack.bot_token, base_url=slack.api_url, retry_handlers=[])
        await ana.say("before")
        await looking(page, slack)
        await page.get_by_text("Traffic and faults").click()
        await page.get_by_label("Fault", exact=True).select_option("500_after_storing")
        await page.get_by_role("button", name="Throw").click()
        for _ in range(100):
            if slack.workspace.faults.waiting:
                break
            await page.wait_for_timeout(20)
        with pytest.raises(SlackApiError):
            await client.chat_postMessage(channel="C0INC", text="stored all the same")
        row = page.locator("#traffic-list .bad", has_text="chat.postMessage")
        await row.get_by_text("fault 500_after_storing").wait_for()
        await row.get_by_text("stored all the same").first.wait_for()
        await page.get_by_label("Show").select_option("slack->app")
        await row.wait_for(state="hidden")
        await page.get_by_role("button", name="+1 h").click()
        await page.get_by_title("the clock of this workspace was moved").wait_for()
        assert slack.forward(0) == 3600
        await page.keyboard.press("Escape")
        await page.locator("#traffic").wait_for(state="hidden")
    assert [one for one in page.errors if "fetch" not in one] == []


async def test_what_one_sets_others_see(slack: LocalSlack, page, ana: Person):
    """Do not disturb is one press, and dnd.info says so."""
    await looking(page, slack)
    await page.get_by_title("Do not disturb me").click()
    await page.get_by_title("I may be disturbed again").wait_for()
    assert slack.workspace.people["U0ANA"].dnd
