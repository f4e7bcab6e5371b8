"""A manager's morning in headless Chromium: what is open, what happened, a time set right, and numbers to take along."""

from __future__ import annotations

import csv
from pathlib import Path
from typing import Any

from tests.browser import chromium
from tests.real.test_change_pages import listening
from tests.real.test_every_page import pytestmark
from tests.real.test_reading_pages import busy
from tests.real.test_responder_pages import at_work

__all__ = ["pytestmark"]
NAME = "INC-37"


async def test_an_incident_is_read_and_a_time_set_right(tmp_path: Path) -> None:
    """Max reads what was changed, is refused a time that cannot be, gives one with a reason, and all say corrected."""
    async with listening(tmp_path) as (home, address), chromium() as browser:
        await busy(home)
        page = await at_work(browser, home, "max")
        assert await page.locator("#open").inner_text() == "Open 3"
        await page.get_by_role("link", name="Recall below its objective").first.click()
        await page.wait_for_url(f"{address}/incidents/{NAME}")
        times = page.locator("#timeline")
        whole = await times.locator("li").count()
        await times.get_by_text("Show only some lines").click()
        await times.get_by_label("About").select_option("changes")
        await times.get_by_role("button", name="Show").click()
        await times.get_by_text("lines match").wait_for()
        assert 0 < await times.locator("li").count() < whole
        assert "approved M1" in await times.inner_text()

        await corrected(page, "2026-11-20T12:30:00", "read off the graph")
        await page.locator("#measures .why-not").wait_for()
        assert await page.locator("#measures").get_by_label("What shows it").input_value() == "read off the graph"
        assert await page.locator("#measures .chip").count() == 0
        await page.goto(f"{address}/incidents/{NAME}")
        await corrected(page, "2026-11-20T11:58:00", "the release log says 11:58")
        await page.locator("#measures .corrected").wait_for()
        said = await page.locator("#measures").inner_text()
        assert "corrected by Max Weber, first recorded as" in said
        assert "the release log says 11:58" in said
        assert await page.locator("#measures .speed .chip", has_text="corrected").count() == 2
        await page.goto(f"{address}/incidents?q={NAME}")
        await page.get_by_text("times corrected").first.wait_for()


async def corrected(page: Any, to: str, because: str) -> None:
    """Ask for another time at which it began."""
    measures = page.locator("#measures")
    if not await measures.get_by_label("What shows it").is_visible():
        await measures.get_by_text("Correct a time").click()
    await measures.get_by_label("Moment").select_option("onset")
    await measures.get_by_label("It was").fill(to)
    await measures.get_by_label("What shows it").fill(because)
    await measures.get_by_role("button", name="Correct", exact=True).click()


async def test_numbers_are_narrowed_down_and_taken_along(tmp_path: Path) -> None:
    """Of one severity only: the counts shrink, the address holds what was asked, and the files hold the same."""
    async with listening(tmp_path) as (home, _address), chromium() as browser:
        await busy(home)
        page = await at_work(browser, home, "max")
        await page.get_by_role("link", name="Analytics").click()
        rests = page.get_by_role("region", name="What these numbers rest on")
        assert "39 incidents" in await rests.inner_text()
        await page.get_by_role("combobox", name="Severity").select_option("SEV3")
        await page.get_by_role("button", name="Show").click()
        await page.wait_for_url("**/analytics?*severity=SEV3*")
        assert "9 incidents" in await rests.inner_text()
        assert await page.get_by_role("combobox", name="Severity").input_value() == "SEV3"
        assert await page.locator(".measure").count() == 4
        assert "1 corrected" in await page.get_by_role("region", name="MTTR").inner_text()
        await page.get_by_text("Follow-ups overdue").wait_for()
        rows = await taken(page, tmp_path, "The incidents as CSV")
        assert len(rows) == 9
        assert {row["severity"] for row in rows} == {"SEV3"}
        assert [row["incident"] for row in rows if row["corrected"]] == ["INC-31"]
        assert any("SEV3" in row.values() for row in await taken(page, tmp_path, "The tables as CSV"))


async def taken(page: Any, folder: Path, link: str) -> list[dict[str, str]]:
    """The rows of a file that a link hands out."""
    async with page.expect_download() as waiting:
        await page.get_by_role("link", name=link).click()
    kept = folder / (await waiting.value).suggested_filename
    await (await waiting.value).save_as(kept)
    with kept.open(encoding="utf-8-sig", newline="") as file:
        return list(csv.DictReader(file))
