"""Who is on call, what fires, and an unanswered page in headless Chromium, without JavaScript, on any screen."""

from __future__ import annotations

import itertools
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from bot.domain.alerts import DeclareForAlerts
from bot.domain.escalation import ReportUnanswered
from bot.domain.lifecycle import Declare
from bot.domain.paging import Receipt, ReportPage
from bot.domain.policy import Severity
from bot.domain.storm import BeginStorm
from bot.engine.intake import Aside
from bot.engine.trial import Trials
from tests.browser import chromium, picture
from tests.inbox import alert
from tests.kit import NOON
from tests.real.test_change_pages import CONTRAST, SCREENS, SLOW, listening
from tests.real.test_counsel_pages import NAMELESS
from tests.web.fakes import Place
from tests.web.test_alerts_page import taking
from tests.web.test_oncall_api import with_rotas
from tests.web.test_trial_page import reachable

pytestmark = pytest.mark.real
READ = (
    ".chip, .note, .why-not, .faint, .empty, .climb, b.bad, small, code, th, td, h1, h2, h3, p, li, summary, label, a"
)
BAR = """svg => {
  const whole = svg.getBoundingClientRect();
  return [...svg.querySelectorAll("rect")].map(each => {
    const box = each.getBoundingClientRect();
    return { tone: each.getAttribute("class"), said: each.querySelector("title").textContent,
             from: (box.left - whole.left) / whole.width, to: (box.right - whole.left) / whole.width,
             out: box.top < whole.top - 0.5 || box.bottom > whole.bottom + 0.5, fill: getComputedStyle(each).fill };
  });
}"""
HIDDEN = """() => [...document.querySelectorAll(".scroll")].filter((e) => e.scrollWidth > e.clientWidth)
  .map((e) => e.innerText.slice(0, 60))"""


def furnished(home: Place) -> Place:
    """Rotas, three channels to page by, an inbox and its senders."""
    there, _sms, _mail = reachable(with_rotas(taking(home)))
    plans = there.desk.roster.plans
    there.desk.roster.plans = replace(plans, timezone="Europe/Berlin")
    assert isinstance(there.web.trials, Trials)
    return there


async def night(home: Place) -> None:
    """A storm with children, an incident that nobody answers, something held, and something set aside."""
    handler, ana, max_ = home.desk.handler, await home.who("ana"), await home.who("max")
    first = (alert("Latency of visits", severity=1), alert("Disk of visits"), alert("x" * 120, severity=4))
    name = (await handler.open(DeclareForAlerts(first, "new", NOON))).id
    for level, person in enumerate((ana, max_)):
        await home.desk.submit(name, ReportPage(f"page:{name}:{level}", person.id, "sms", Receipt.ACCEPTED))
    await home.desk.submit(name, ReportUnanswered(3))
    storm = Declare("Many things fail at once", Severity.SEV1, "visits", "40 a minute", NOON, NOON, fingerprint="storm")
    above = (await handler.open(storm)).id
    await home.desk.submit(above, BeginStorm(40, NOON))
    home.clock.forward(minutes=1)
    for n in range(6):
        await handler.open(DeclareForAlerts((alert(f"n{n}", severity=1 + n % 4),), "new", NOON, umbrella=above))
    await home.store.alerts.accept([*first, alert("held", service="gate"), *(alert(f"n{n}") for n in range(6))])
    await home.web.intake.round()
    bad = alert("broken", severity=1)
    home.web.intake.aside[bad.key, bad.starts] = Aside(bad, "ZeroDivisionError", home.clock.now())


async def entered(browser: Any, home: Place, who: str, **screen: Any) -> Any:
    """Somebody's page, logged in, without scripts."""
    context = await browser.new_context(java_script_enabled=False, **screen)
    page = await context.new_page()
    page.set_default_timeout(SLOW)
    await page.goto(await home.app.state.console.door.logins.mint(who))
    await page.get_by_role("button", name="Enter as").click()
    return page


async def test_two_weeks_of_a_rota_are_drawn(tmp_path: Path) -> None:
    """Everybody's days follow one another without a hole, in their own colour; where nobody is on call the bar is red."""
    async with listening(tmp_path, furnished) as (home, address), chromium() as browser:
        page = await entered(browser, home, "ana", viewport={"width": 1280, "height": 900})
        await page.goto(f"{address}/oncall")
        bars = page.get_by_role("img", name="The coming two weeks")
        ml, nights = [await bars.nth(n).evaluate(BAR) for n in range(2)]
        assert {each["said"] for each in ml} == {"Ana Ruiz", "Ben Okafor"}
        assert len({each["fill"] for each in ml}) == 2
        ends = sorted((each["from"], each["to"]) for each in ml)
        assert all(abs(one[1] - other[0]) < 0.002 for one, other in itertools.pairwise(ends))
        assert (ends[0][0], ends[-1][1]) == (pytest.approx(0, abs=0.002), pytest.approx(1, abs=0.002))
        (gap,) = [each for each in nights if each["tone"] == "gap"]
        assert gap["said"] == "nobody"
        assert gap["fill"] not in {each["fill"] for each in [*ml, *nights] if each is not gap}
        assert not any(each["out"] for each in [*ml, *nights])
        await picture(page, "console-oncall", full=True)


async def test_a_test_page_shows_its_receipts(tmp_path: Path) -> None:
    """One press, and each channel says how far it got."""
    async with listening(tmp_path, furnished) as (home, address), chromium() as browser:
        page = await entered(browser, home, "ana", viewport={"width": 1280, "height": 900})
        await page.goto(f"{address}/oncall")
        await page.get_by_role("button", name="Send me a test page").click()
        receipts = page.get_by_role("status").locator("li")
        assert await receipts.count() == 4
        assert "delivered" in await receipts.filter(has_text="sms").inner_text()
        await page.get_by_role("button", name="Send me a test page").click()
        await page.locator("#test .why-not").get_by_text("you tested a moment ago").wait_for()


async def test_alerts_are_split_off_and_an_incident_merged_by_hand(tmp_path: Path) -> None:
    """By boxes and a number; the page says where they went."""
    async with listening(tmp_path, furnished) as (home, address), chromium() as browser:
        await night(home)
        page = await entered(browser, home, "ben", viewport={"width": 1280, "height": 900})
        await page.goto(f"{address}/incidents/INC-1")
        await page.get_by_text("Nobody answered: since").wait_for()
        await picture(page, "console-unanswered")
        await page.get_by_text("Split some off").click()
        await page.get_by_label("Disk of visits is broken").check()
        await page.get_by_role("button", name="Split off").click()
        await page.get_by_text("Split off.", exact=True).wait_for()
        await page.get_by_text("It is the same thing as another incident").click()
        await page.get_by_label("The other incident").fill("INC-1")
        await page.get_by_role("button", name="Merge").click()
        await page.locator("#merge .why-not").get_by_text("INC-1 cannot be merged into itself").wait_for()
        assert await page.get_by_label("The other incident").input_value() == "INC-1"


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("screen", SCREENS)
async def test_they_fit_every_screen(tmp_path: Path, screen: str, scheme: str) -> None:
    """Nothing sticks out at the side or hides there, every field has a name, and text stands off its ground."""
    async with listening(tmp_path, furnished) as (home, address), chromium() as browser:
        await night(home)
        width, height = SCREENS[screen]
        page = await entered(browser, home, "ida", viewport={"width": width, "height": height}, color_scheme=scheme)
        for path in ("alerts", "oncall", "incidents/INC-1", "incidents/INC-2", "incidents/INC-4"):
            await page.goto(f"{address}/{path}")
            assert await page.evaluate("document.documentElement.scrollWidth") <= width, path
            assert await page.evaluate(HIDDEN) == [], path
            assert await page.evaluate(NAMELESS) == [], path
            ratios = await page.evaluate(CONTRAST, READ)
            assert min(ratios.values()) >= 4.5, (path, {k: v for k, v in ratios.items() if v < 4.5})  # WCAG 2.2, 1.4.3
