"""People at their browsers, headless Chromium on the real pages: practice Slack and console over the running bot.

TOCSIN_PICTURES=1 keeps the pictures that the README shows.
"""

from __future__ import annotations

import asyncio
import contextlib
import re
from pathlib import Path
from typing import Any

import httpx
import pytest

from bot.demo.play import BASELINE, FAULTS, Play
from tests.browser import SlowError, chromium, picture

pytestmark = [pytest.mark.real, pytest.mark.xdist_group("demo")]
SLOW = 30_000


class Desk:
    """Opens pages for people, and asks the API what is so."""

    def __init__(self, play: Play, browser: Any) -> None:
        self.play, self.browser = play, browser
        token = (play.folder / "tocsin" / "state" / "api-token").read_text().strip()
        self.http = httpx.AsyncClient(
            base_url=play.stage.web_url,
            trust_env=False,
            headers={"Authorization": f"Bearer {token}", "X-Tocsin-Person": "ben"},
        )

    async def slack(self, user: str, room: str = "") -> Any:
        page = await self.browser.new_page(viewport={"width": 1240, "height": 860})
        page.set_default_timeout(SLOW)
        await page.goto(f"{self.play.stage.slack_url}/?as={user}")
        if room:
            await page.get_by_text(room, exact=True).first.click()
        return page

    async def console(self, person: str) -> Any:
        """A page logged in by a one-time link."""
        link = (await self.http.post("/api/login", json={"person": person})).json()["url"]
        page = await self.browser.new_page(viewport={"width": 1240, "height": 860})
        page.set_default_timeout(SLOW)
        await page.goto(link)
        await page.get_by_role("button", name="Enter as").click()
        await page.get_by_role("button", name="Log out").wait_for()
        return page

    async def incident(self) -> dict[str, Any]:
        answer = await self.http.get("/api/incidents/INC-1")
        return answer.json() if answer.is_success else {}

    async def until(self, wanted: Any, within: float = 40.0) -> dict[str, Any]:
        for _ in range(int(within / 0.2)):
            seen = await self.incident()
            if seen and wanted(seen):
                return seen
            await asyncio.sleep(0.2)
        raise AssertionError(f"never so: {seen.get('phase')}, {[m['state'] for m in seen.get('mitigations', [])]}")


def mitigation(seen: dict[str, Any], *states: str) -> bool:
    return any(m["state"] in states for m in seen["mitigations"])


async def opened(page: Any, button: Any) -> Any:
    """Click until the dialog opens: Slack gives a click three seconds, and a busy machine may need a second one."""
    dialog = page.get_by_role("dialog")
    for _ in range(5):
        await button.click()
        with contextlib.suppress(TimeoutError, SlowError):
            await dialog.wait_for(timeout=6_000)
            return dialog
    raise AssertionError("the dialog never opened")


async def open_thread(page: Any) -> Any:
    await page.get_by_text("view thread").first.click()
    return page.locator("#thread")


async def test_from_the_page_to_the_approved_notice(tmp_path: Path) -> None:
    """Ana acknowledges, answers, proposes and is refused her own approval; Ben approves; counsel approves the words."""
    play = Play(tmp_path, acts=(1,), auto=False, embedded=True, say=lambda _text: None)
    try:
        await play.stage.up()
        async with chromium() as browser:
            desk = Desk(play, browser)
            await asyncio.sleep(BASELINE)
            path, body = FAULTS[1]
            await play.stage.http.post(f"{play.stage.world['world']}{path}", json=body)
            try:
                await walk(desk)
            except BaseException:
                for number, context in enumerate(browser.contexts):
                    for page in context.pages:
                        await page.screenshot(path=tmp_path / f"failed-{number}.png")
                raise
            await desk.http.aclose()
    finally:
        await play.stage.down()


async def walk(desk: Desk) -> None:
    ana = await desk.slack("U0ANA")
    await ana.get_by_text("training data", exact=False).first.wait_for()
    await ana.get_by_role("button", name="Continue runbook").wait_for()
    await picture(ana, "slack-card")
    await ana.get_by_role("button", name="Acknowledge").first.click()
    await desk.until(lambda seen: seen["acknowledged_by"])

    thread = await open_thread(ana)
    await thread.get_by_role("button", name="Done", exact=True).first.click()
    await desk.until(lambda seen: len(seen["run"]["done"]) >= 2)
    await thread.get_by_role("button", name="Yes, something was released").click()
    await desk.until(lambda seen: any(done["step"] == "what-changed" for done in seen["run"]["done"]))

    dialog = await opened(ana, ana.get_by_role("button", name="Propose action").first)
    await dialog.get_by_label("Action").select_option(label="Roll back to v1")
    await picture(ana, "slack-propose")
    await dialog.get_by_role("button", name="Ask for approval").click()
    await desk.until(lambda seen: mitigation(seen, "proposed"))

    await opened(ana, thread.get_by_role("button", name="Review & approve"))
    await dialog.get_by_role("button", name="Approve", exact=True).click()
    refusal = dialog.get_by_text("a second person must approve it")
    await refusal.wait_for()
    await picture(ana, "slack-refused")
    assert mitigation(await desk.incident(), "proposed"), "nothing was approved"

    ben = await desk.slack("U0BEN", "ml-incidents")
    his = await open_thread(ben)
    await opened(ben, his.get_by_role("button", name="Review & approve"))
    await ben.get_by_role("dialog").get_by_role("button", name="Approve", exact=True).wait_for()
    await picture(ben, "slack-approve")
    await ben.get_by_role("dialog").get_by_role("button", name="Approve", exact=True).click()
    await desk.until(lambda seen: mitigation(seen, "verified"), within=90)
    await asyncio.sleep(1)
    await picture(ben, "slack-thread")

    console = await desk.console("ana")
    await console.get_by_role("link", name=re.compile("INC-1|Recall for people")).first.click()
    await picture(console, "console-incident")
    await console.get_by_role("button", name="Draft it", exact=True).click()
    await console.get_by_role("link", name=re.compile("N1")).first.click()
    await console.get_by_role("button", name="Ask for approval").click()
    await desk.until(lambda seen: seen["notices"][0]["standing"] == "waiting for approval")

    cleo = await desk.console("cleo")
    await cleo.goto(f"{desk.play.stage.web_url}/incidents/INC-1/notices/N1")
    await picture(cleo, "console-notice")
    await cleo.get_by_role("button", name=re.compile("Approve version 1")).click()
    seen = await desk.until(lambda seen: seen["notices"][0]["standing"] == "approved")
    assert seen["notices"][0]["approved_by"] == "Cleo Martin"
    for kind, start in (("pdf", b"%PDF"), ("docx", b"PK")):
        answer = await desk.http.get(f"/incidents/INC-1/notices/N1/export.{kind}")
        assert answer.content.startswith(start), kind
