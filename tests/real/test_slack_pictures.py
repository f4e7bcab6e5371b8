"""Every dialog, Home tab and message as a person sees it: the product's own specimens on the practice Slack's page.

Headless Chromium on the real page. TOCSIN_PICTURES=1 keeps the ones that the README shows; TOCSIN_ALBUM names a folder
that is given a picture of each.
"""

from __future__ import annotations

import os
import re
from pathlib import Path
from typing import Any

import pytest
from slack_sdk.web.async_client import AsyncWebClient

from bot.localslack import LocalSlack
from bot.slack.specimen import Sample, samples
from tests.browser import chromium, picture

pytestmark = pytest.mark.real
KEPT = {"5 Whys (open)": "slack-whys", "Resolve (open)": "slack-resolve", "Update (open)": "slack-update",
        "War room (open)": "slack-room", "Home of ben (open)": "slack-home"}  # fmt: skip
WIDE = "each => each.scrollWidth > each.clientWidth + 1"


async def kept(page: Any, name: str) -> None:
    """For the README, and for whoever wants to look at all of them."""
    if name in KEPT:
        await picture(page, KEPT[name])
    if album := os.environ.get("TOCSIN_ALBUM"):
        await page.screenshot(path=Path(album) / f"{re.sub('[^a-z0-9]+', '-', name.lower()).strip('-')}.png")


async def looks(page: Any, slack: LocalSlack, client: AsyncWebClient, sample: Sample) -> None:
    """Show one dialog or Home tab, and look whether it fits and can be left."""
    view = sample.payload
    if view["type"] == "home":
        await client.views_publish(user_id="U0BEN", view=view)
        await page.goto("about:blank")  # or the tab published before would be looked at
        await page.goto(f"{slack.url}/?as=U0BEN#home")
        await page.get_by_text(view["blocks"][0]["text"]["text"]).first.wait_for()
        await kept(page, sample.name)
        return
    await client.views_open(trigger_id=slack.dialogs.trigger("U0ANA"), view=view)
    dialog = page.get_by_role("dialog", name=view["title"]["text"])
    await dialog.wait_for()
    assert not await dialog.evaluate(WIDE), f"{sample.name} is wider than its window"
    assert await dialog.get_by_role("button").count() >= 1, sample.name
    await kept(page, sample.name)
    await page.keyboard.press("Escape")
    await dialog.wait_for(state="detached")


async def test_every_dialog_and_home_fits_and_can_be_left():
    """Each opens on the page, is not cut at the side, has a way out, and breaks no script."""
    errors: list[str] = []
    async with LocalSlack() as slack, chromium() as browser:
        client = AsyncWebClient(token=slack.bot_token, base_url=slack.api_url, retry_handlers=[])
        page = await browser.new_page(viewport={"width": 1240, "height": 900})
        page.on("pageerror", lambda error: errors.append(str(error)))
        await page.goto(f"{slack.url}/?as=U0ANA#C0INC")
        await page.locator("#me b").wait_for()
        views = [one for one in samples() if one.kind == "view"]
        assert len(views) > 30
        for sample in sorted(views, key=lambda one: one.payload["type"] == "home"):
            await looks(page, slack, client, sample)
    assert errors == []


async def test_what_counsel_sees_in_their_channel():
    """The duties, a question and a running clock beside one another, each whole on a page of its own."""
    await posted(
        {
            "message duties of forty regimes": "slack-duties",
            "message questions": "slack-questions",
            "message clock, 60 hours, 75": "slack-clock",
        },
        "C0LEGAL",
        "U0CLEO",
    )


async def test_what_is_seen_of_being_on_call():
    """A storm's card, a request to be covered, and who is on call: each whole, in the room where it is read."""
    wanted = {
        "message card, storm": "slack-storm",
        "message cover, asked": "slack-cover",
        "message who is on call": "slack-oncall",
    }
    await posted(wanted, "C0INC", "U0BEN")


async def posted(wanted: dict[str, str], channel: str, user: str) -> None:
    """Each of these specimens as somebody sees it in a channel; its picture is kept under that name."""
    async with LocalSlack() as slack, chromium() as browser:
        client = AsyncWebClient(token=slack.bot_token, base_url=slack.api_url, retry_handlers=[])
        page = await browser.new_page(viewport={"width": 1100, "height": 1100})
        for sample in [one for one in samples() if one.name in wanted]:
            if "clock" in sample.name and "is gone" not in sample.payload["text"]:
                continue  # that share of another clock, which a newer message has overtaken
            sent = await client.chat_postMessage(channel=channel, **sample.payload)
            await page.goto("about:blank")
            await page.goto(f"{slack.url}/?as={user}#{channel}")
            message = page.locator(".message").last
            await message.wait_for()
            assert not await message.evaluate(WIDE), f"{sample.name} is wider than the room"
            await picture(page, wanted.pop(sample.name), around=message)
            await client.chat_delete(channel=channel, ts=str(sent["ts"]))
    assert wanted == {}


async def test_every_message_fits_the_room_and_the_thread():
    """Card, steps, requests, updates, summary, pages and notices: none is cut at the side, in the room or in a thread."""
    errors: list[str] = []
    async with LocalSlack() as slack, chromium() as browser:
        client = AsyncWebClient(token=slack.bot_token, base_url=slack.api_url, retry_handlers=[])
        page = await browser.new_page(viewport={"width": 1100, "height": 1100})
        page.on("pageerror", lambda error: errors.append(str(error)))
        messages = [one for one in samples() if one.kind == "message"]
        root = (await client.chat_postMessage(channel="C0INC", text="all of them"))["ts"]
        for sample in messages:
            await client.chat_postMessage(channel="C0INC", thread_ts=root, **sample.payload)
        await page.goto(f"{slack.url}/?as=U0ANA#C0INC/{root}")
        shown = page.locator("#thread .message")
        await shown.nth(len(messages)).wait_for()
        assert await shown.count() == len(messages) + 1
        for number, sample in enumerate(messages, start=1):
            assert not await shown.nth(number).evaluate(WIDE), f"{sample.name} is wider than the thread"
            await shown.nth(number).scroll_into_view_if_needed()
            await kept(page, sample.name)
    assert errors == []
