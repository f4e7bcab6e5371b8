"""An administrator's day in real headless Chromium: the first login, somebody's access, a token's life, the settings.

Tested against oidc-provider-mock, an Authlib provider, on a loopback port.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import httpx
import pytest

from bot.domain.policy import Role
from tests.browser import chromium
from tests.real.test_change_pages import SLOW, listening
from tests.real.test_record_pages import furnished
from tests.web.fakes import Place
from tests.web.rich import declared

pytest.importorskip("oidc_provider_mock", reason="the group ci has the provider")
from tests.real.test_sign_in_pages import entered
from tests.web.provider import Running, running
from tests.web.test_provider import pytestmark as provider_marks

pytestmark = [pytest.mark.real, *provider_marks]


@pytest.fixture
def provider() -> Iterator[Running]:
    nia = {"name": "Nia New", "email": "nia@example.com", "groups": ["football"]}
    with running(Running(people={"sub-nia": nia})) as made:
        yield made


async def first(browser: Any, home: Place) -> tuple[Any, str]:
    """Ida comes in with the link that lies in the state folder after a start; her page, and the link."""
    letter = (home.web.state / "console-login.txt").read_text(encoding="utf-8")
    link = next(line.partition(": ")[2] for line in letter.splitlines() if line.startswith("Ida Novak: "))
    page = await (await browser.new_context(java_script_enabled=False)).new_page()
    page.set_default_timeout(SLOW)
    await page.goto(link)
    await page.get_by_role("button", name="Enter as Ida Novak").click()
    await page.get_by_role("link", name="Ida Novak").wait_for()
    return page, link


async def test_the_first_link_works_once(tmp_path: Path) -> None:
    """The one-time link of the first start lets its administrator in, and nobody after that."""
    async with listening(tmp_path) as (home, _address), chromium() as browser:
        _page, link = await first(browser, home)
        other = await (await browser.new_context()).new_page()
        await other.goto(link)
        await other.get_by_text("That link was used already").wait_for()
        assert await other.get_by_role("button", name="Enter as").count() == 0


async def test_a_stranger_is_given_a_person_and_a_role(tmp_path: Path, provider: Running) -> None:
    """An account that is nobody's becomes otto's; a group there makes it an approver's; taken away, it is nobody's again."""

    def furnish(home: Place) -> Place:
        home.clock.at = datetime.now(UTC).replace(microsecond=0)
        groups = {Role.APPROVER: frozenset({"leads"})}
        return home.having(sign_in=provider.sign_in(home, groups=groups))

    async with listening(tmp_path, furnish) as (home, address), chromium() as browser:
        ida, _link = await first(browser, home)
        nia = await (await browser.new_context()).new_page()
        nia.set_default_timeout(SLOW)
        await entered(nia, address, "sub-nia")
        await nia.get_by_text("Give this to an administrator").wait_for()

        await ida.get_by_role("link", name="People", exact=True).click()
        await ida.locator("#accounts").get_by_label("This is").select_option(label="Otto Brandt")
        await ida.locator("#accounts").get_by_role("button", name="Link").click()
        await ida.get_by_text("Linked: from now on").wait_for()
        assert "linked an account" in await ida.locator("#record").inner_text()

        provider.people["sub-nia"]["groups"] = ["leads"]
        await entered(nia, address, "sub-nia")
        await nia.get_by_role("link", name="Otto Brandt").click()
        assert "approver from your groups" in " ".join((await nia.locator("dl").first.inner_text()).split())

        await ida.reload()
        await ida.locator("tr#otto").get_by_role("button", name="Take away").click()
        await ida.get_by_text("That account is nobody's now").wait_for()
        await nia.goto(f"{address}/slos")
        assert "/login" in nia.url


async def test_a_token_is_made_used_and_revoked(tmp_path: Path) -> None:
    """It is shown once and acts as its owner; from the press that revokes it on, it is nobody's."""
    async with listening(tmp_path) as (home, address), chromium() as browser:
        await declared(home)
        page, _link = await first(browser, home)
        await page.get_by_role("link", name="Ida Novak").click()
        await page.get_by_label("Name").fill("deploy pipeline")
        await page.get_by_role("button", name="Make it").click()
        token = await page.locator("code.whole").inner_text()
        async with httpx.AsyncClient(base_url=address, headers={"Authorization": f"Bearer {token}"}) as script:
            assert (await script.get("/api/incidents")).status_code == 200
            await page.goto(f"{address}/me")
            assert token not in await page.content()
            await page.get_by_role("button", name="Revoke").click()
            await page.get_by_text("That token has ended.").wait_for()
            assert (await script.get("/api/incidents")).status_code == 401
        await page.goto(f"{address}/people")
        done = await page.locator("#record").inner_text()
        assert "made a token" in done
        assert "revoked a token" in done


async def test_settings_are_read_with_their_lines(tmp_path: Path) -> None:
    """Each value stands with the line of its file; of a secret only where it comes from, and whether it is there."""
    async with listening(tmp_path, furnished(tmp_path)) as (home, _address), chromium() as browser:
        page, _link = await first(browser, home)
        await page.get_by_role("link", name="Settings").click()
        lines = (tmp_path / "ops" / "tocsin.yaml").read_text(encoding="utf-8").splitlines()
        row = page.locator(".settings tbody tr", has_text="web.metrics_token")
        line = int(await row.locator("td").first.inner_text())
        assert "metrics_token" in lines[line - 1]
        assert "not set" in await row.inner_text()
        assert "With these files Tocsin would not start" in await page.locator("#check").inner_text()
