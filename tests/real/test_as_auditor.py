"""An auditor's day in real headless Chromium: everything is read, the chain is proved, and nothing can be changed."""

from __future__ import annotations

import asyncio
import csv
import json
from pathlib import Path
from typing import Any

import pytest

from bot.domain.turned_away import ApprovalRefused
from tests.browser import chromium
from tests.real.test_change_pages import listening, opened
from tests.web.fakes import Place
from tests.web.legal import breach
from tests.web.rich import rich

pytestmark = pytest.mark.real
SCREEN = {"viewport": {"width": 1280, "height": 900}}
READS = ("/", "/incidents", "/services", "/slos", "/analytics", "/notices", "/oncall", "/audit", "/people", "/settings")
CHANGES = {
    "acknowledge": {}, "update": {"text": "all is well"},
    "propose": {"offer": "back-to-v1", "because": "now"}, "resolve": {"because": "over"}, "severity": {"severity": "SEV4", "because": "less"},
    "fact": {"fact": "personal_data_breach", "value": "no"}, "notice": {"template": "stakeholders/update"},
    "enter-field": {"notice": "N2", "key": "likely_consequences", "value": "none"},
    "approve-notice": {"notice": "N2", "digest": "0" * 64}, "decide-duty": {"regime": "eu_gdpr_art33", "answer": "no", "because": "no"},
    "correct": {"moment": "onset", "to": "2026-11-20T11:00:00Z", "because": "so"}, "hold": {"because": "so"},
    "draft-statement": {"kind": "investigating", "title": "All is well", "text": "It is."}, "close": {}, "why": {"text": "so"},
}  # fmt: skip
"""What a form of an incident could send, each with words that would do; what they saw, anybody may say (a finding)."""


async def house(home: Place) -> str:
    """An incident in which everything happened, and a restricted one."""
    name = await rich(home)
    await breach(home, fingerprint="", slo="", slice="", title="Letters went to wrong addresses", restricted=True)
    home.watch.poll()
    return name


async def taken(page: Any, link: str, to: Path) -> bytes:
    """The file behind a link of the page."""
    async with page.expect_download() as coming:
        await page.get_by_role("link", name=link).click()
    await (await coming.value).save_as(to)
    return await asyncio.to_thread(to.read_bytes)


async def test_the_record_is_read_proved_and_taken_away(tmp_path: Path) -> None:
    """Every part opens; the chain is in order; a search narrows by person, kind and incident, and its files hold the same."""
    from tests.real.test_record_pages import furnished

    async with listening(tmp_path, furnished(tmp_path)) as (home, address), chromium() as browser:
        name = await house(home)
        page = await opened(browser, home, address, "audrey", **SCREEN)
        for path in (*READS, f"/incidents/{name}", f"/incidents/{name}/notices/N2", f"/incidents/{name}/postmortem"):
            answer = await page.goto(address + path)
            assert answer.status == 200, path
        assert (await page.goto(f"{address}/incidents/INC-2")).status == 404
        assert (await page.goto(f"{address}/alerts")).status == 403
        assert "what fires is for" in (await page.locator("main").inner_text()).lower()

        await page.goto(f"{address}/audit")
        await page.get_by_text("not verified yet").wait_for()
        await page.get_by_role("button", name="Verify now").click()
        await page.get_by_text("in order", exact=True).wait_for()
        entries = await home.desk.log.entries(name)
        assert await page.locator("#chain code.whole").inner_text() != ""

        await page.locator("select[name=person]").select_option("ana")
        await page.locator("select[name=kind]").select_option("NoticeRequested")
        await page.locator("input[name=incident]").fill(name)
        await page.get_by_role("button", name="Search").click()
        rows = page.locator(".record tbody tr")
        meant = [each for each in entries if type(each.event).__name__ == "NoticeRequested"]
        assert await rows.count() == len(meant)
        assert "Letters went to" not in await page.locator("main").inner_text()
        sheet = (await taken(page, "Take it as CSV", tmp_path / "record.csv")).decode("utf-8-sig")
        told = list(csv.reader(sheet.splitlines()))
        assert [row[1] for row in told[1:]] == [str(each.seq) for each in reversed(meant)]
        lines = (await taken(page, "as JSON lines", tmp_path / "record.jsonl")).splitlines()
        assert {json.loads(each)["seq"] for each in lines} == {each.seq for each in meant}
        pack = await taken(page, f"The whole pack of {name}", tmp_path / "pack.zip")
        assert pack.startswith(b"PK")


async def test_nothing_can_be_changed_by_who_audits(tmp_path: Path) -> None:
    """Whatever a form could send is refused; the log tells of nothing but the approval that was not theirs to give."""
    async with listening(tmp_path) as (home, address), chromium() as browser:
        name = await house(home)
        before = len(await home.desk.log.entries(name))
        page = await opened(browser, home, address, "audrey", **SCREEN)
        own = {"Sec-Fetch-Site": "same-origin"}
        for verb, words in CHANGES.items():
            answer = await page.context.request.post(f"{address}/incidents/{name}/{verb}", form=words, headers=own)
            assert answer.status in {403, 404, 409, 422}, (verb, answer.status)
        since = (await home.desk.log.entries(name))[before:]
        assert [type(each.event) for each in since] == [ApprovalRefused]
        answer = await page.context.request.post(f"{address}/people/tokens", form={"person": "ana"}, headers=own)
        assert answer.status == 403
        await page.goto(f"{address}/people")
        assert await page.locator("main button").count() == 0
