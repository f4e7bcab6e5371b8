"""Services, objectives, audit and settings in headless Chromium, without JavaScript: worked with, and on any screen."""

from __future__ import annotations

import shutil
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from bot.config.shown import Shown
from bot.domain.correction import CorrectTime, Moment
from bot.domain.finding import AttachReport
from bot.domain.service import Service
from bot.engine.hindsight import Hindsight
from bot.engine.situation import Bar, Chart
from bot.engine.standing import Standing
from bot.evidence._evidently import write_report
from bot.openings import models
from bot.slo.budget import Budget
from tests.browser import chromium, picture
from tests.engine.test_hindsight import API, Remembering
from tests.evidence.test_report import table
from tests.kit import at
from tests.real.test_call_pages import entered
from tests.real.test_change_pages import CONTRAST, SCREENS, listening
from tests.web.fakes import SERVICE, Place
from tests.web.rich import rich
from tests.web.test_services import LOG, catalogued

pytestmark = [pytest.mark.real, pytest.mark.xdist_group("evidently")]

HOUSE = Path(__file__).parent.parent / "house"
PAGES = ("/services", "/services/visits", "/slos", "/slos/recall", "/audit", "/settings")
READ = (
    "main p, main td, main th, main dt, main dd, main small, main a, main .chip, main code, main li, main label, nav a"
)


def furnished(folder: Path) -> Any:
    """A console with a configuration folder behind it that lacks a secret."""
    ops = shutil.copytree(HOUSE, folder / "ops")
    with (ops / "tocsin.yaml").open("a") as file:
        file.write("web: {metrics_token: {env: METRICS}}\n")
    return lambda home: home.having(settings=Shown(ops / "tocsin.yaml", {}, models))


async def lived_in(home: Place) -> str:
    """A month of a service with neighbours, an incident with a report and a correction, and a look at its past."""
    people = {"prediction_log": LOG, "evidence": {"drift": {}}}
    catalogued(
        home,
        replace(SERVICE, depends_on=("store", "lake"), consumers=("the clinics",), runbooks=("bad-release",), **people),
        Service("store", "Feature store", "ben", "#store"),
    )
    name = await rich(home)
    await home.desk.submit(name, CorrectTime(Moment.ONSET, at(-60), "the graph"), await home.who("ana"))
    report = await write_report(table(100, shift=12), table(120), 60)
    kept = await home.desk.exhibits.put(name, "drift-report.json", "application/json", report, home.clock.now())
    await home.desk.submit(name, AttachReport(kept.id))
    home.watch.poll()
    since = home.clock.now() - timedelta(days=30)
    home.watch.stands = Standing(Budget(400_000, 3_100, 4_000.0, timedelta(days=30), estimated=False, since=since))
    hour = home.watch.chart

    def chart(slo: str, begun: Any, until: Any) -> Any:
        if until - begun < timedelta(hours=2):
            return hour(slo, begun, until)
        width = (until - since) / 60
        bars = [
            Bar(since + width * n, 6_600, 900 if n in {23, 24} else 5 + n * 7 % 30, covered=True) for n in range(60)
        ]
        return Chart(slo, 0.9, tuple(bars))

    home.watch.chart = chart
    looking: Hindsight = home.web.hindsight
    looking.slos, looking.sources = {"recall": replace(API, name="recall")}, {"main": Remembering((3, 20))}
    looking.begin("recall")
    await looking.settled(60)
    return name


async def test_an_auditor_proves_and_searches_the_record(tmp_path: Path) -> None:
    """One press verifies, the search narrows by person and kind and goes to the incident, and a file is taken away."""
    async with listening(tmp_path, furnished(tmp_path)) as (home, address), chromium() as browser:
        name = await lived_in(home)
        page = await entered(browser, home, "audrey", viewport={"width": 1280, "height": 900})
        await page.get_by_role("link", name="Audit").click()
        await page.get_by_role("button", name="Verify now").click()
        await page.get_by_text("in order", exact=True).wait_for()
        await picture(page, "console-audit")
        await page.locator("select[name=person]").select_option("ben")
        await page.locator("select[name=kind]").select_option("MitigationApproved")
        await page.get_by_role("button", name="Search").click()
        rows = page.locator(".record tbody tr")
        assert await rows.count() == 1
        assert "Ben Okafor" in await rows.first.inner_text()
        async with page.expect_download() as taken:
            await page.get_by_role("link", name="Take it as CSV").click()
        await (await taken.value).save_as(tmp_path / "record.csv")
        assert f"{name},1".encode() in (tmp_path / "record.csv").read_bytes()
        await rows.first.get_by_role("link", name=name).click()
        assert await page.locator("#exhibits tbody tr").first.inner_text() != ""
        assert address in page.url


async def test_a_manager_goes_from_a_service_to_its_objective(tmp_path: Path) -> None:
    """From the list to the service, to its neighbour and back, and to what its objective would have paged."""
    async with listening(tmp_path, furnished(tmp_path)) as (home, _address), chromium() as browser:
        await lived_in(home)
        page = await entered(browser, home, "max", viewport={"width": 1280, "height": 900})
        await page.get_by_role("link", name="Services").click()
        await page.get_by_role("link", name="Visit predictions").click()
        await picture(page, "console-service")
        await page.locator("#neighbours").get_by_role("link", name="Feature store").click()
        await page.locator("#neighbours").get_by_role("link", name="Visit predictions").click()
        await page.get_by_role("link", name="Recall of visits").first.click()
        await page.get_by_text("1 page and 0 tickets in the last 7 days").wait_for()
        await page.get_by_role("button", name="Look at the past 28 days").click()
        await page.get_by_text("What would have paged").wait_for()
        await home.web.hindsight.settled(60)


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("screen", SCREENS)
async def test_they_fit_every_screen(tmp_path: Path, screen: str, scheme: str) -> None:
    """Nothing sticks out at the side, and every word stands off its ground."""
    async with listening(tmp_path, furnished(tmp_path)) as (home, address), chromium() as browser:
        name = await lived_in(home)
        width, height = SCREENS[screen]
        page = await entered(browser, home, "ida", viewport={"width": width, "height": height}, color_scheme=scheme)
        for path in (*PAGES, f"/incidents/{name}"):
            await page.goto(address + path)
            assert await page.evaluate("document.documentElement.scrollWidth") <= width, path
            ratios = await page.evaluate(CONTRAST, READ)
            assert ratios, path
            assert min(ratios.values()) >= 4.5, (path, ratios)  # WCAG 2.2, 1.4.3
