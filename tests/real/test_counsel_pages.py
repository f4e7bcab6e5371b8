"""Counsel's desk in headless Chromium: a notice drafted, signed, stale and filed; duties and queue on any screen."""

from __future__ import annotations

from pathlib import Path

import pytest

from bot.domain.duty import RecordFact
from bot.domain.notice import Standing
from bot.domain.signing import ApproveNotice, MarkStale
from bot.domain.wording import CommentNotice, EnterField
from tests.browser import chromium, picture
from tests.real.test_change_pages import CONTRAST, SCREENS, listening, opened
from tests.web.fakes import Place
from tests.web.legal import TWO, UPDATE, answered, drafted, under

pytestmark = pytest.mark.real
NAME = "INC-1"
NOTICE = f"/incidents/{NAME}/notices/N1"
TEXTS = (
    "article p, .line p, .line b, .chip, .note, .redline ins, .redline del, small, .faint, dt, dd, .warn, h4, legend"
)


async def waiting(home: Place) -> str:
    """Two signatures are wanted, one is given: approval was asked for once, changed, and asked for again."""
    under(home, TWO)
    name = await drafted(home)
    ana, otto, cleo = await home.who("ana"), await home.who("otto"), await home.who("cleo")
    await home.desk.submit(name, CommentNotice("N1", "Say how many of them are children.", "412 patients"), cleo)
    await home.desk.ask_approval(name, "N1", ana)
    home.clock.forward(hours=30)
    await home.desk.submit(name, EnterField("N1", "likely_consequences", "wrong letters to 398 patients"), ana)
    await home.desk.ask_approval(name, "N1", otto)
    digest = (await home.desk.log.load(name)).notices["N1"].latest.digest
    await home.desk.submit(name, ApproveNotice("N1", digest), cleo)
    return name


async def stale(home: Place) -> str:
    """A later fact changed the words of the signed version."""
    name = await waiting(home)
    await home.desk.submit(name, RecordFact("data_subjects_count", 1403), await home.who("cleo"))
    await answered(home, name)
    words = (await home.desk.situation(name)).drafts["N1"]
    await home.desk.submit(name, MarkStale("N1", words.digest))
    await home.desk.request_notice(name, UPDATE, await home.who("ana"))
    return name


async def test_counsel_works_through_a_notice(tmp_path: Path) -> None:
    """A line is said to be unknown, the words are edited, ben signs, counsel files with the hour of the receipt."""
    async with listening(tmp_path) as (home, address), chromium() as browser:
        under(home, TWO)
        await drafted(home)
        cleo = await opened(browser, home, address, "cleo")
        await cleo.goto(f"{address}{NOTICE}")
        first = cleo.locator(".line.not_investigated").first
        await first.get_by_label("or unknown, because").fill("the team still counts")
        await first.get_by_role("button", name="Record").click()
        await cleo.get_by_text("Line recorded").wait_for()
        await cleo.locator("#form > details > summary", has_text="Required").click()
        await cleo.get_by_text("Unknown, because the team still counts").first.wait_for()

        await cleo.get_by_text("Edit the words").click()
        box = cleo.get_by_label("The whole text")
        before = await box.input_value()
        await box.fill(before.replace("wrong letters", "letters to wrong addresses"))
        await cleo.get_by_role("button", name="Keep these words").click()
        await cleo.get_by_text("Worded by Cleo Martin").first.wait_for()
        await cleo.get_by_role("button", name="Ask for approval").click()
        await cleo.get_by_text("a second person must approve it").first.wait_for()

        ben = await opened(browser, home, address, "ben")
        await ben.goto(f"{address}{NOTICE}")
        await ben.get_by_role("button", name="Approve version 1 as technical").click()
        await ben.get_by_text("You signed it as technical").wait_for()
        assert (await home.desk.log.load(NAME)).notices["N1"].standing is Standing.FROZEN


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("screen", SCREENS)
async def test_it_fits_every_screen(tmp_path: Path, screen: str, scheme: str) -> None:
    """Nothing sticks out at the side, every field has a name, and text stands off its ground, on each of the pages."""
    async with listening(tmp_path) as (home, address), chromium() as browser:
        await stale(home)
        width, height = SCREENS[screen]
        page = await opened(
            browser, home, address, "cleo", viewport={"width": width, "height": height}, color_scheme=scheme
        )
        for path in (f"/incidents/{NAME}", NOTICE, f"{NOTICE}/versions/2", "/notices"):
            await page.goto(address + path)
            assert await page.evaluate("document.documentElement.scrollWidth") <= width, path
            assert await page.evaluate(NAMELESS) == [], path
            ratios = await page.evaluate(CONTRAST, TEXTS)
            assert ratios, path
            assert min(ratios.values()) >= 4.5, (path, ratios)  # WCAG 2.2, 1.4.3


NAMELESS = """() => [...document.querySelectorAll("input:not([type=hidden]), select, textarea, button, svg[role=img]")]
  .filter((e) => !(e.labels?.length && e.labels[0].textContent.trim()) && !e.textContent.trim() && !e.ariaLabel
    && !e.getAttribute("aria-labelledby")).map((e) => e.outerHTML.slice(0, 120))"""


@pytest.mark.parametrize("at", ["drafting", "waiting", "stale"])
async def test_what_counsel_sees(tmp_path: Path, at: str) -> None:
    """While a notice is drafted, waits for signatures and is stale; kept as pictures where they are wanted."""
    async with listening(tmp_path) as (home, address), chromium() as browser:
        await {"drafting": drafted, "waiting": waiting, "stale": stale}[at](home)
        page = await opened(browser, home, address, "cleo", viewport={"width": 1280, "height": 900})
        await page.goto(f"{address}{NOTICE}")
        seen = {"drafting": "Asking for approval freezes", "waiting": "still wanted", "stale": "Void:"}[at]
        await page.get_by_text(seen).wait_for()
        await picture(page, f"counsel-{at}", full=True)
        if at == "stale":
            await page.goto(f"{address}/incidents/{NAME}")
            await picture(page, "counsel-duties", around=page.locator("#duties"))
            await page.goto(f"{address}/notices")
            await page.get_by_role("heading", name="Notices due").wait_for()
            await picture(page, "counsel-queue")
