"""An approver's part in headless Chromium: what waits for them, a second look, one yes, and what is not theirs."""

from __future__ import annotations

from pathlib import Path

from bot.domain.mitigation import State
from tests.browser import chromium
from tests.kit import plan
from tests.real.test_change_pages import listening
from tests.real.test_every_page import pytestmark
from tests.real.test_responder_pages import at_work
from tests.web.changes import INCIDENT, mitigation, proposed, wide
from tests.web.rich import rich

__all__ = ["pytestmark"]


async def test_a_yes_is_to_exactly_what_was_read(tmp_path: Path) -> None:
    """Ben finds it under what waits for him; while he reads, another plan comes, and his press approves that one alone."""
    async with listening(tmp_path) as (home, address), chromium() as browser:
        page = await at_work(browser, home, "ben")
        first = await proposed(home)
        waits = page.get_by_role("region", name="Waits for you").get_by_role("link", name="A change waits for a yes")
        await waits.click()
        await page.wait_for_url(f"{address}/incidents/{INCIDENT}#mitigations")
        change = page.locator("#M1")
        assert first[:12] in await change.inner_text()
        assert "0 of 1" in await change.inner_text()
        await proposed(home, target="visits-cache")
        await page.locator("#M2").wait_for()
        await change.get_by_role("button", name="Approve M1").click()
        await page.get_by_text("Approved:").wait_for()
        assert "approved by Ben Okafor" in await change.inner_text()
        assert (await mitigation(home)).digest == first
        assert [(await mitigation(home, each)).state for each in ("M1", "M2")] == [State.APPROVED, State.PROPOSED]
        await page.locator("#M2").get_by_text("Decline", exact=True).click()
        await page.locator("#M2").get_by_label("Because").fill("one thing at a time")
        await page.locator("#M2").get_by_role("button", name="Decline M2").click()
        await page.locator("#timeline").get_by_text("one thing at a time").wait_for()
        await page.goto(address)
        await page.get_by_role("region", name="Waits for you").wait_for()
        assert await waits.count() == 0


async def test_a_wide_change_is_looked_at_twice(tmp_path: Path) -> None:
    """It takes a code for the approver's own token: a wrong one is refused beside its field, and then the right one."""
    async with listening(tmp_path) as (home, address), chromium() as browser:
        await wide(home)
        token, _made = await home.app.state.console.tokens.mint((await home.who("ben")).id)
        page = await at_work(browser, home, "ben")
        await page.goto(f"{address}/incidents/{INCIDENT}")
        change = page.locator("#M1")
        await change.get_by_label("One-time code", exact=True).first.fill("000000")
        await change.get_by_role("button", name="Approve M1").click()
        await change.locator(".why-not").wait_for()
        assert (await mitigation(home)).state is State.PROPOSED
        await change.get_by_label("Your personal token").fill(token)
        await change.get_by_role("button", name="Get a one-time code").click()
        await change.get_by_text("Your one-time code for M1:").wait_for()
        await change.get_by_role("button", name="Approve M1").click()
        await page.get_by_text("Approved:").wait_for()
        assert "with a one-time code" in await change.inner_text()


async def test_what_is_not_theirs_is_refused(tmp_path: Path) -> None:
    """Not one's own change, not with a responder's badge alone, not counsel's notice, not the house's record."""
    async with listening(tmp_path) as (home, address), chromium() as browser:
        await rich(home)
        await proposed(home, by="ben")
        ben = await at_work(browser, home, "ben")
        await ben.goto(f"{address}/incidents/{INCIDENT}")
        await ben.locator("#M2").get_by_text("You proposed it; a second person must approve it.").wait_for()
        assert await ben.get_by_role("button", name="Approve M2").count() == 0
        await ben.goto(f"{address}/incidents/{INCIDENT}/notices/N1")
        assert await ben.get_by_role("button", name="Approve version").count() == 0
        answer = await ben.goto(f"{address}/people")
        assert answer.status == 403
        await ben.get_by_role("heading", name="Not yours to open").wait_for()

        otto = await at_work(browser, home, "otto")
        await otto.goto(f"{address}/incidents/{INCIDENT}")
        await otto.locator("#M2").get_by_text("Waits for admin or approver.").wait_for()
        assert await otto.get_by_role("button", name="Approve M2").count() == 0
        sent = await otto.request.post(
            f"{address}/incidents/{INCIDENT}/approve",
            form={"mitigation": "M2", "digest": plan().digest, "once": "by hand"},
            headers={"Sec-Fetch-Site": "same-origin"},
        )
        assert sent.status in {403, 409}
        assert (await mitigation(home, "M2")).state is State.PROPOSED
