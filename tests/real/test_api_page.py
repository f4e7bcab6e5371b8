"""The page of the API in a real browser, at every size and in both schemes."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.browser import chromium
from tests.real.test_change_pages import SCREENS, listening, opened
from tests.web.rich import declared

pytestmark = pytest.mark.real


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("screen", SCREENS)
async def test_it_fits_every_screen(tmp_path: Path, screen: str, scheme: str) -> None:
    """Nothing sticks out at the side, a route opens without scripts, and nothing is fetched from elsewhere."""
    async with listening(tmp_path) as (home, address), chromium() as browser:
        await declared(home)
        width, height = SCREENS[screen]
        view = {"viewport": {"width": width, "height": height}, "color_scheme": scheme}
        page = await opened(browser, home, address, "ana", **view)
        asked: list[str] = []
        page.on("request", lambda request: asked.append(request.url))
        await page.goto(f"{address}/api")
        await page.locator("#post-incidents > summary").click()
        assert await page.locator("#post-incidents li").first.is_visible()
        assert await page.evaluate("document.documentElement.scrollWidth") <= width
        assert all(each.startswith(address) for each in asked)
        await page.screenshot(path=tmp_path / f"api-{screen}-{scheme}.png")
