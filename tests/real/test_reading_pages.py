"""Overview, list and numbers in a real Chromium: they fit laptop and phone, light and dark, without any script."""

from __future__ import annotations

import random
from datetime import timedelta
from pathlib import Path

import pytest

from bot.domain.correction import CorrectTime, Moment
from bot.domain.followup import AddFollowUp
from bot.domain.lifecycle import Close, Resolve
from bot.domain.paging import Acknowledge, Receipt, ReportPage
from bot.domain.policy import Severity
from tests.browser import chromium, picture
from tests.real.test_change_pages import CONTRAST, SCREENS, listening, opened
from tests.web.fakes import Place
from tests.web.legal import breach
from tests.web.rich import rich

pytestmark = pytest.mark.real

READ = "main td, main th, main dt, main dd, main small, .note, .chip, label, .chart text, h1, h2, main a, .faint"


async def busy(home: Place) -> None:
    """Weeks of incidents of every length, one of them corrected, some promises late; a few open now."""
    ana, ben, desk, chance = await home.who("ana"), await home.who("ben"), home.desk, random.Random(4)
    home.watch.poll()
    end = home.clock.at
    for n in range(36):
        home.clock.at = end - timedelta(days=80 - 2 * n)
        title = f"Recall of visits is below its objective for segment {n % 5}"
        made = await desk.declare(title, Severity(1 + n % 4), "visits" if n % 3 else "", "the graph", ana)
        for k, person in enumerate((ana, ben)[: 1 + n % 2]):
            await desk.submit(made.id, ReportPage(f"page:{k}", person.id, "ntfy", Receipt.ACCEPTED, ""))
        home.clock.forward(seconds=chance.lognormvariate(4.5, 1))
        await desk.submit(made.id, Acknowledge(), ana)
        home.clock.forward(seconds=chance.lognormvariate(7.5, 1.3))
        await desk.submit(made.id, Resolve("v2 was rolled back", waive="seen on the graph"), ana)
        if n == 30:
            before = home.clock.at - timedelta(seconds=20)
            await desk.submit(made.id, CorrectTime(Moment.RESOLVED, before, "said by phone"), ben)
        if n % 9 == 0:
            due = (home.clock.at + timedelta(days=7)).date()
            await desk.submit(made.id, AddFollowUp("Alert on the feature store", ben.id, due, ""), ana)
        await desk.submit(made.id, Close(), ana)
    home.clock.at = end
    await rich(home)
    await breach(home, title="Decisions for applicants without a bank account were wrong", fingerprint="slo/other")
    await desk.declare("Predictions are late", Severity.SEV1, "visits", "the queue grows", await home.who("otto"))


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("screen", SCREENS)
async def test_they_fit_every_screen(tmp_path: Path, screen: str, scheme: str) -> None:
    """Nothing sticks out at the side, and every text stands off its ground."""
    async with listening(tmp_path) as (home, address), chromium() as browser:
        await busy(home)
        width, height = SCREENS[screen]
        page = await opened(
            browser, home, address, "ben", viewport={"width": width, "height": height}, color_scheme=scheme
        )
        for name, path in (
            ("overview", "/"),
            ("incidents", "/incidents?q=segment"),
            ("analytics", "/analytics"),
            ("timeline", "/incidents/INC-37?kind=changes"),
        ):
            await page.goto(address + path)
            if (screen, scheme) == ("laptop", "light") and name in ("overview", "analytics"):
                await picture(page, f"console-{name}")
            assert await page.evaluate("document.documentElement.scrollWidth") <= width, path
            ratios = await page.evaluate(CONTRAST, READ)
            assert ratios, path
            assert min(ratios.values()) >= 4.5, {text: ratio for text, ratio in ratios.items() if ratio < 4.5}


async def test_the_list_is_narrowed_down_by_hand(tmp_path: Path) -> None:
    """A word typed and a state chosen make an address that shows the same to whoever is sent it."""
    async with listening(tmp_path) as (home, address), chromium() as browser:
        await busy(home)
        page = await opened(browser, home, address, "max")
        await page.goto(f"{address}/incidents")
        await page.get_by_label("Words").fill("segment")
        await page.get_by_label("Severity").select_option("SEV2")
        await page.get_by_label("State").select_option("closed")
        await page.get_by_role("button", name="Show").click()
        shown = await page.locator("a.title").all_inner_texts()
        assert len(shown) == 9
        assert all("segment" in each for each in shown)
        assert set(await page.locator("main .chip.sev").all_inner_texts()) == {"SEV2"}
        other = await opened(browser, home, address, "audrey")
        await other.goto(page.url)
        assert await other.locator("a.title").all_inner_texts() == shown
