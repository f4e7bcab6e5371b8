"""Counsel's day in real headless Chromium: from the clock in the queue to a filed notice, and to a duty that is none."""

from __future__ import annotations

from pathlib import Path

import pytest

from bot.domain.duty import Answer
from bot.domain.notice import Standing
from bot.domain.signing import ApproveNotice
from bot.domain.stating import FreezeStatement
from bot.domain.status import Step, statement_of
from bot.domain.wording import EnterField
from tests.browser import chromium
from tests.real.test_change_pages import listening, opened
from tests.web.fakes import Place
from tests.web.legal import GDPR, TEMPLATE, TWO, breach, drafted, under
from tests.web.rich import declared
from tests.web.speaking import drafted as stated
from tests.web.speaking import speaking

pytestmark = pytest.mark.real
NAME = "INC-1"
SCREEN = {"viewport": {"width": 1280, "height": 900}}


async def asked(home: Place, value: str) -> str:
    """Ana enters a line and asks for approval; the digest that is frozen then."""
    ana = await home.who("ana")
    await home.desk.submit(NAME, EnterField("N1", "likely_consequences", value), ana)
    await home.desk.ask_approval(NAME, "N1", ana)
    return (await home.desk.log.load(NAME)).notices["N1"].latest.digest


async def test_a_notice_from_the_queue_to_the_authority(tmp_path: Path) -> None:
    """Counsel reads the clock and the gaps, remarks, sends the words back, signs the next ones, and records the filing."""
    async with listening(tmp_path) as (home, _address), chromium() as browser:
        under(home, TWO)
        await drafted(home)
        home.clock.forward(hours=30)
        cleo = await opened(browser, home, _address, "cleo", **SCREEN)
        await cleo.get_by_role("link", name="Notices", exact=True).click()
        row = cleo.locator(".queue tbody tr")
        assert await row.count() == 1
        said = await row.inner_text()
        assert "in 1 d 17 h" in said
        assert "gaps" in said
        assert said.count("supervisory authority") == 1  # whose name says already which notice it is
        await row.locator("a.title").click()
        assert await cleo.locator("article.paper mark.gap").count() > 5
        await cleo.get_by_label("The words you mean").fill("wrong letters to 412 patients")
        await cleo.get_by_label("Comment", exact=True).fill("Say how many of them are children.")
        await cleo.get_by_role("button", name="Comment", exact=True).click()
        await cleo.locator("#comments blockquote", has_text="412 patients").wait_for()

        first = await asked(home, "wrong letters to 412 patients")
        await cleo.reload()
        await cleo.locator("summary", has_text="Request changes").click()
        await cleo.get_by_label("What must change").fill("name the children")
        await cleo.get_by_role("button", name="Request changes", exact=True).click()
        await cleo.get_by_text("Changes were requested: name the children").wait_for()
        assert (await home.desk.log.load(NAME)).notices["N1"].standing is not Standing.FROZEN

        second = await asked(home, "wrong letters to 412 patients, 31 of them children")
        assert first != second
        await cleo.reload()
        await cleo.locator("#redline ins", has_text="children").first.wait_for()
        await cleo.get_by_role("button", name="Approve version 2").click()
        await cleo.get_by_text("You signed it as legal").wait_for()
        assert await cleo.get_by_role("button", name="Approve version 2").count() == 0
        await home.desk.submit(NAME, ApproveNotice("N1", second, "technical"), await home.who("ben"))
        await cleo.reload()
        await cleo.get_by_label("Filed with").fill("the authority's portal")
        await cleo.get_by_label("Reference received").fill("DSB-2026-117")
        await cleo.get_by_role("button", name="Record the filing").click()
        await cleo.locator("#decide").get_by_text("DSB-2026-117").wait_for()
        await cleo.goto(f"{_address}/notices")
        assert await cleo.locator(".queue").get_by_role("link", name="N1").count() == 0
        assert (await home.desk.log.load(NAME)).notices["N1"].standing is Standing.FILED


async def test_a_duty_that_is_none_is_decided_with_its_reason(tmp_path: Path) -> None:
    """What counsel decides takes the clock out of the queue, and the reason stands with their name."""
    async with listening(tmp_path) as (home, address), chromium() as browser:
        await breach(home)
        await home.desk.request_notice(NAME, TEMPLATE, await home.who("ana"))
        cleo = await opened(browser, home, address, "cleo", **SCREEN)
        await cleo.goto(f"{address}/incidents/{NAME}/notices/N1")
        await cleo.locator("summary", has_text="Not reportable").click()
        await cleo.get_by_label("No duty under").fill("the letters came back unopened")
        await cleo.get_by_role("button", name="Record the decision").click()
        duty = (await home.desk.log.load(NAME)).duties[GDPR]
        assert duty.answer is Answer.NO
        assert duty.decided_by == (await home.who("cleo")).id
        await cleo.goto(f"{address}/incidents/{NAME}/notices/N1")
        assert "the letters came back unopened" in await cleo.locator("#clock").inner_text()
        await cleo.goto(f"{address}/notices")
        assert await cleo.locator(".queue tbody tr", has_text="supervisory authority").count() == 0


async def test_words_for_the_status_page_find_who_approves_them(tmp_path: Path) -> None:
    """A statement stands in counsel's queue and on their overview until they approve it, and waits for ana no more."""
    async with listening(tmp_path, speaking) as (home, address), chromium() as browser:
        name = await declared(home)
        statement = await stated(home, name)
        said = statement_of(await home.desk.log.load(name), statement).said
        await home.desk.submit(name, FreezeStatement(statement, said), await home.who("ana"))
        cleo = await opened(browser, home, address, "cleo", **SCREEN)
        await cleo.goto(f"{address}/")
        await cleo.locator("section", has_text="Waits for you").get_by_text("words for the status page wait").wait_for()
        await cleo.goto(f"{address}/notices")
        await cleo.locator("#waits a.title").click()
        await cleo.locator(f"#statement-{statement}").get_by_role("button", name="Approve exactly these words").click()
        assert statement_of(await home.desk.log.load(name), statement).step is Step.APPROVED
        await cleo.goto(f"{address}/notices")
        assert await cleo.locator("#waits").count() == 0
        ana = await opened(browser, home, address, "ana", **SCREEN)
        await ana.goto(f"{address}/notices")
        assert "is approved and not published" in await ana.locator("#waits").inner_text()
