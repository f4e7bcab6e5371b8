"""The page in a real browser (Chromium by Playwright): what a person clicks and types reaches a real bolt app."""

import os
import shutil

import aiohttp
import pytest
from slack_bolt.async_app import AsyncApp

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
