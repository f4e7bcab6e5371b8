"""Logging in, proving anew and logging out in headless Chromium with a real provider; the pages of access on any screen."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from bot.domain.policy import Role
from bot.engine.access import Account, Scope
from tests.browser import chromium, picture
from tests.real.test_change_pages import SCREENS, SLOW, listening, opened
from tests.web.changes import INCIDENT, wide
from tests.web.fakes import Place

pytest.importorskip("oidc_provider_mock", reason="the group ci has the provider")
from tests.web.provider import Running, running
from tests.web.test_provider import pytestmark as provider_marks

pytestmark = [pytest.mark.real, *provider_marks]
GROUPS = {Role.APPROVER: frozenset({"leads"}), Role.ADMIN: frozenset({"platform"})}


@pytest.fixture
def provider() -> Iterator[Running]:
    ben = {"name": "Ben Okafor", "email": "ben@example.com", "groups": ["leads"]}
    with running(Running(people={"sub-ben": ben, "sub-new": {"name": "Nia New", "email": "nia@example.com"}})) as made:
        yield made


def with_it(provider: Running, **more: Any) -> Callable[[Place], Place]:
    """A house whose people log in with that provider."""

    def furnish(home: Place) -> Place:
        home.clock.at = datetime.now(UTC).replace(microsecond=0)
        return home.having(sign_in=provider.sign_in(home, subjects={"sub-ben": "ben"}, **more))

    return furnish


async def entered(page: Any, address: str, sub: str) -> None:
    """Press the button, log in over there, come back."""
    await page.goto(f"{address}/login")
    await page.get_by_role("link", name="Log in with Example Login").click()
    await over_there(page, sub)


async def over_there(page: Any, sub: str) -> None:
    await page.locator("input[name=sub]").first.fill(sub)
    await page.locator("input[name=sub]").first.press("Enter")


async def test_in_proved_and_out_again(tmp_path: Path, provider: Running) -> None:
    """A browser lets the cookies through on the way back from another site, and the content policy stands in no way."""
    async with listening(tmp_path, with_it(provider)) as (home, address), chromium() as browser:
        await wide(home)
        page = await (await browser.new_context()).new_page()
        page.set_default_timeout(SLOW)
        refused: list[str] = []
        page.on("console", lambda said: refused.append(said.text) if "Content Security" in said.text else None)
        await entered(page, address, "sub-ben")
        await page.wait_for_url(f"{address}/")
        await page.goto(f"{address}/incidents/{INCIDENT}")
        await page.get_by_role("link", name="prove to Example Login").click()
        provider.authenticated = int(home.clock.now().timestamp())
        await over_there(page, "sub-ben")
        await page.wait_for_url(f"{address}/incidents/{INCIDENT}")
        await page.get_by_role("button", name="Get a one-time code").click()
        assert "Your one-time code for M1" in await page.inner_text("main")
        await page.get_by_role("button", name="Log out").click()
        await page.wait_for_url(f"{provider.issuer}/oauth2/end_session?**")
        await page.goto(f"{address}/slos")
        assert page.url == f"{address}/login?next=/slos"
        assert refused == []


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("screen", SCREENS)
async def test_it_fits_every_screen(tmp_path: Path, provider: Running, screen: str, scheme: str) -> None:
    """Nothing of the pages of access sticks out at the side, however long names are."""
    async with listening(tmp_path, with_it(provider, groups=GROUPS)) as (home, address), chromium() as browser:
        width, height = SCREENS[screen]
        look: dict[str, Any] = {"viewport": {"width": width, "height": height}, "color_scheme": scheme}
        long = (screen, scheme) != ("laptop", "light")  # that one is shown in the README
        accounts, tokens = home.store.access.accounts, home.app.state.console.tokens
        for key, name in (("ida", "deploy pipeline"), ("ida", "night report"), ("ben", "x" * 80 if long else "laptop")):
            await tokens.mint((await home.who(key)).id, name=name, scopes=[Scope.READ])
        for n, shown in enumerate(("Noor Haddad <noor@example.com>", "y" * 120)[: 1 + long]):
            await accounts.met(
                Account(provider.issuer, f"{n}{'0' * 40}" if long else "sub-noor", shown, home.clock.now())
            )
        stranger = await (await browser.new_context(**look)).new_page()
        stranger.set_default_timeout(SLOW)
        await stranger.goto(f"{address}/login")
        await fits(stranger, width, f"login-{screen}-{scheme}")
        await entered(stranger, address, "sub-new")
        await stranger.wait_for_url(f"{address}/login/provider/back?**")
        await fits(stranger, width, f"stranger-{screen}-{scheme}")
        other = await (await browser.new_context(**look)).new_page()
        await entered(other, address, "sub-ben")
        await other.wait_for_url(f"{address}/")
        page = await opened(browser, home, address, "ida", **look)
        for path in ("/me", "/people"):
            await page.goto(address + path)
            while await page.locator("main details:not([open]) > summary").count():
                await page.locator("main details:not([open]) > summary").first.click()
            await fits(page, width, f"{path[1:]}-{screen}-{scheme}")


async def fits(page: Any, width: int, name: str) -> None:
    assert await page.evaluate("document.documentElement.scrollWidth") <= width, name
    if name == "people-laptop-light":
        await picture(page, "console-people", full=True)
