"""A change of production in headless Chromium, without JavaScript: read, proved by a code, approved; on any screen."""

from __future__ import annotations

import asyncio
import contextlib
import socket
from collections.abc import AsyncIterator, Callable
from pathlib import Path
from typing import Any

import pytest
import uvicorn

from bot.domain.hold import PlaceHold
from bot.domain.mitigation import State
from bot.domain.policy import ActionClass
from bot.domain.proof import ReportVerification
from tests.browser import chromium, picture
from tests.web.changes import INCIDENT, applied, mitigation, proposed, under, wide
from tests.web.fakes import Place, place

pytestmark = pytest.mark.real
SLOW = 30_000
FLAG = '{{\n  "state": "ENABLED",\n  "variants": {{"on": true, "off": false}},\n  "defaultVariant": "{}"\n}}'
SCREENS = {"laptop": (1280, 900), "phone": (390, 844)}


@contextlib.asynccontextmanager
async def listening(
    folder: Path, furnish: Callable[[Place], Place] = lambda home: home
) -> AsyncIterator[tuple[Place, str]]:
    """A console that listens on this machine, with what `furnish` puts into it; its address."""
    with socket.socket() as held:
        held.bind(("127.0.0.1", 0))
        address = f"http://127.0.0.1:{held.getsockname()[1]}"
        async with place(folder, address=address) as bare:
            home = furnish(bare)
            server = uvicorn.Server(uvicorn.Config(home.app, log_config=None, access_log=False, ws="none"))
            server.capture_signals = contextlib.nullcontext
            task = asyncio.create_task(server.serve(sockets=[held]))
            while not server.started and not task.done():  # noqa: ASYNC110 - uvicorn has no event to wait for
                await asyncio.sleep(0.01)
            try:
                yield home, address
            finally:
                home.app.state.pulse.close()  # as the house does: uvicorn waits for every answer that is not whole
                server.should_exit = True
                await task


async def opened(browser: Any, home: Place, address: str, who: str, **screen: Any) -> Any:
    """The incident's page as this person sees it, logged in by a link; scripts are off unless they are asked for."""
    context = await browser.new_context(**{"java_script_enabled": False, **screen})
    page = await context.new_page()
    page.set_default_timeout(SLOW)
    await page.goto(await home.app.state.console.door.logins.mint(who))
    await page.get_by_role("button", name="Enter as").click()
    await page.goto(f"{address}/incidents/{INCIDENT}")
    return page


async def test_a_wide_change_is_approved_by_hand(tmp_path: Path) -> None:
    """Counsel holds, ben reads the line that changes, gets a code for his token, and one press approves; ana sees it."""
    async with listening(tmp_path) as (home, address), chromium() as browser:
        before, after = {"flag": FLAG.format("on")}, {"flag": FLAG.format("off")}
        await wide(
            home, target="visits-flags", before=before, after=after, diff=("flag new-model: on → off",),
            undo="flag new-model: off → on", dry_run="the file was read and checked; nothing was written",
            blast_radius="everybody whose visits are scored", serves={"v1": 1.0, "v2": 0.0},
        )  # fmt: skip
        cleo = await opened(browser, home, address, "cleo")
        await cleo.get_by_text("Place a legal hold").click()
        await cleo.get_by_label("Why nothing may be altered").fill("the authority asked")
        await cleo.get_by_role("button", name="Hold", exact=True).click()
        await cleo.get_by_text("Held: changes of class 2 and 3 wait.").wait_for()

        ben = await opened(browser, home, address, "ben")
        change = ben.locator("#M1")
        assert await change.locator("ins").all_inner_texts() == ['  "defaultVariant": "off"']
        await change.get_by_label("Your personal token").fill(
            (await home.app.state.console.tokens.mint((await home.who("ben")).id))[0]
        )
        await change.get_by_role("button", name="Get a one-time code").click()
        await ben.get_by_text("Your one-time code for M1:").wait_for()
        await picture(ben, "console-change", around=change)
        await change.get_by_role("button", name="Approve M1").click()
        await ben.get_by_text("Approved:").wait_for()
        assert (await mitigation(home)).state is State.APPROVED

        ana = await opened(browser, home, address, "ana")
        await ana.get_by_text("Counsel's hold keeps it back.").wait_for()
        await cleo.goto(f"{address}/incidents/{INCIDENT}")
        await cleo.get_by_text("Release the hold").click()
        await cleo.get_by_label("Why it may be released").fill("copied")
        await cleo.get_by_role("button", name="Release", exact=True).click()
        await cleo.get_by_text("Released: what was approved goes on.").wait_for()
        assert (await home.desk.log.load(INCIDENT)).legal_hold is None


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("screen", SCREENS)
async def test_it_fits_every_screen(tmp_path: Path, screen: str, scheme: str) -> None:
    """Nothing sticks out at the side, what goes and comes is told apart by signs too, and text stands off its ground."""
    async with listening(tmp_path) as (home, address), chromium() as browser:
        under(home, quorum={ActionClass.TRAFFIC: 2})
        await proposed(home, share=0.4, serves={"v1": 1.0, "v2": 0.0}, warnings=("x" * 200,), managed_by="Argo CD")
        under(home, quorum={})
        await wide(home, target="m", target_uid="m", after={"flag": "y" * 300}, before={"flag": "z" * 300})
        await home.desk.submit(INCIDENT, PlaceHold("the authority asked"), await home.who("cleo"))
        width, height = SCREENS[screen]
        page = await opened(
            browser, home, address, "ida", viewport={"width": width, "height": height}, color_scheme=scheme
        )
        for path in (f"/incidents/{INCIDENT}", f"/incidents/{INCIDENT}/preview?offer=back-to-v1"):
            await page.goto(address + path)
            assert await page.evaluate("document.documentElement.scrollWidth") <= width, path
            for tag in ("del", "ins"):
                sign = await page.locator(f".sides {tag}").first.evaluate(
                    "e => getComputedStyle(e, '::before').content"
                )
                assert sign[1:2] == {"del": "\u2212", "ins": "+"}[tag]
            ratios = await page.evaluate(CONTRAST, READ)
            assert ratios, path
            assert min(ratios.values()) >= 4.5, ratios  # WCAG 2.2, 1.4.3


READ = ".plan dt, .plan dd, .plan b, .plan code, .sides td, .sides th, ins, del, .note, .diff li"
CONTRAST = """(read) => {
  const canvas = document.createElement("canvas").getContext("2d", { willReadFrequently: true });
  const over = (colour, ground) => {
    canvas.fillStyle = ground; canvas.fillRect(0, 0, 1, 1); canvas.fillStyle = colour; canvas.fillRect(0, 0, 1, 1);
    const [r, g, b] = canvas.getImageData(0, 0, 1, 1).data; return `rgb(${r}, ${g}, ${b})`;
  };
  const ground = (node) => node ? over(getComputedStyle(node).backgroundColor, ground(node.parentElement)) : "white";
  const light = (colour) => { const [r, g, b] = colour.match(/[0-9.]+/g).map((v) => v / 255)
    .map((v) => v <= 0.04045 ? v / 12.92 : ((v + 0.055) / 1.055) ** 2.4); return 0.2126 * r + 0.7152 * g + 0.0722 * b; };
  const found = {};
  for (const node of document.querySelectorAll(read)) {
    const under = ground(node), a = light(over(getComputedStyle(node).color, under)), b = light(under);
    const name = `${node.tagName}.${node.className}`, ratio = (Math.max(a, b) + 0.05) / (Math.min(a, b) + 0.05);
    found[name] = Math.min(found[name] ?? ratio, ratio);
  }
  return found;
}"""


async def test_a_change_that_does_not_help_is_taken_back(tmp_path: Path) -> None:
    """The way back stands open, with a field for why; one press asks for it."""
    async with listening(tmp_path) as (home, address), chromium() as browser:
        await applied(home)
        await home.desk.submit(INCIDENT, ReportVerification("M1", helped=False, because="burns on"))
        ben = await opened(browser, home, address, "ben")
        await ben.get_by_text("It does not seem to help.").wait_for()
        await ben.locator("#M1").get_by_label("Because").fill("no use")
        await ben.get_by_role("button", name="Undo M1").click()
        await ben.get_by_text("Undo asked for.").wait_for()
        assert (await mitigation(home)).state is State.UNDOING


async def test_what_is_open_stays_open_when_the_page_renews_itself(tmp_path: Path) -> None:
    """The very part that was open, though others came before it meanwhile: a hold brings its override along."""
    async with listening(tmp_path) as (home, address), chromium() as browser:
        await proposed(home)
        page = await opened(browser, home, address, "ida", java_script_enabled=True)
        await page.get_by_text("Act alone", exact=True).click()
        await page.evaluate("document.activeElement.blur()")
        await home.desk.submit(INCIDENT, PlaceHold("the authority asked"), await home.who("cleo"))
        await page.evaluate("document.dispatchEvent(new Event('visibilitychange'))")
        await page.get_by_text("Counsel's hold keeps it back.").wait_for()
        assert await page.locator("#M1 details[open] > summary").all_inner_texts() == ["Act alone"]
