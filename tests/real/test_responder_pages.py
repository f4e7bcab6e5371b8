"""A responder's night in headless Chromium, with its scripts: from the breach that comes in by itself to why it happened."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from bot.domain.mitigation import State
from bot.domain.sli import Judged, ObserveSli
from tests.browser import chromium
from tests.kit import at, breached
from tests.real.test_change_pages import listening
from tests.real.test_every_page import entered, pytestmark
from tests.web.fakes import Place
from tests.web.rich import declared

__all__ = ["pytestmark"]
NAME = "INC-1"
TITLE = "Recall below its objective for health=poor"
WHY = "the new features were never compared with the old ones"


async def at_work(browser: Any, home: Place, who: str) -> Any:
    """Somebody's console at a desk, open on the overview."""
    return await entered(await browser.new_context(viewport={"width": 1280, "height": 900}), home, who)


async def test_a_breach_is_taken_worked_and_understood(tmp_path: Path) -> None:
    """Ana sees it come, takes it, walks the runbook, asks for a rollback she may not approve, ends it and says why."""
    async with listening(tmp_path) as (home, _address), chromium() as browser:
        page = await at_work(browser, home, "ana")
        await page.get_by_text("Nothing is open.").wait_for()
        home.watch.poll()
        await declared(home)
        await page.get_by_role("region", name="Waits for you").get_by_role("link", name="Nobody has it yet").wait_for()
        await page.get_by_role("link", name=TITLE).click()

        await page.get_by_role("button", name="Acknowledge").click()
        await page.get_by_role("button", name="Acknowledge").wait_for(state="detached")
        assert "Ana Ruiz" in await page.locator(".times").inner_text()

        book = page.locator("#runbook")
        await book.get_by_role("button", name="Start").click()
        await book.get_by_role("heading", name="Look at the release").wait_for()
        await book.get_by_label("Note").fill("v2 has a new imputer")
        await book.get_by_role("button", name="Done, next step").click()
        await book.get_by_label("Yes, it did").check()
        await book.get_by_role("button", name="Answer").click()
        await book.get_by_text("The runbook has ended.").wait_for()
        assert "v2 has a new imputer" in await book.inner_text()

        changes = page.locator("#mitigations")
        await changes.get_by_role("link", name="look first").click()
        await page.get_by_text("Nothing was changed.").wait_for()
        await page.get_by_label("Because").fill("it began with v2")
        await page.get_by_role("button", name="Propose").click()
        await changes.get_by_text("You proposed it; a second person must approve it.").wait_for()
        assert await changes.get_by_role("button", name="Approve M1").count() == 0
        assert (await home.desk.log.load(NAME)).mitigations["M1"].state is State.PROPOSED
        await changes.get_by_text("Withdraw", exact=True).click()
        await changes.get_by_role("button", name="Withdraw M1").click()
        await changes.get_by_role("button", name="Withdraw M1").wait_for(state="detached")
        assert (await home.desk.log.load(NAME)).mitigations["M1"].state is State.DECLINED

        await ended(page, home)
        await understood(page)
        known = await home.desk.log.load(NAME)
        assert (known.ending, [each.root for each in known.whys.values()]) == ("v1 serves again", [False, True])


async def ended(page: Any, home: Place) -> None:
    """Resolving over an open check is refused with every word kept; once the objective is met, it is done."""
    end = page.locator("#end")
    await end.get_by_label("How it ended, in a sentence").fill("v1 serves again")
    await end.get_by_role("button", name="Resolve").click()
    await end.locator(".why-not").wait_for()
    assert await end.get_by_label("How it ended, in a sentence").input_value() == "v1 serves again"
    met = breached(judged=Judged.MET, since=at(200), because="no bad event for 60 s")
    home.clock.forward(minutes=4)
    await home.desk.submit(NAME, ObserveSli(met))
    await end.get_by_role("button", name="Resolve").click()
    await page.locator("main > header .chip.resolved").wait_for()


async def understood(page: Any) -> None:
    """Why, and why of that; the last is the root cause, and something is promised for it."""
    whys = page.locator("#whys")
    for n, answer in enumerate(("the recall fell with v2", WHY), 1):
        await whys.get_by_role("textbox", name="Because", exact=True).fill(answer)
        await whys.get_by_role("button", name="Answer").click()
        await whys.locator(f"#W{n}").wait_for()
    await whys.locator("#W2").get_by_role("button", name="Name as root cause").click()
    await whys.locator("#W2").get_by_text("no follow-up yet").wait_for()
    promised = page.locator("#followups")
    await promised.get_by_label("What must change").fill("Compare features before a release")
    await promised.get_by_label("Until").fill("2026-12-04")
    await promised.get_by_label("Answers").select_option("W2")
    await promised.get_by_role("button", name="Promise").click()
    await promised.get_by_text("U1", exact=True).wait_for()
    assert await whys.get_by_text("no follow-up yet").count() == 0
    await page.get_by_role("link", name="Post-mortem draft").click()
    await page.get_by_text(WHY).first.wait_for()
