"""The status page in Chromium: it fits every screen and the printer, reads well by day and night, and runs nothing."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from bot.domain.status import Kind, State
from bot.domain.status_page import Announced
from tests.browser import chromium, picture
from tests.kit import NOON
from tests.real.test_change_pages import CONTRAST, SCREENS, listening
from tests.web.fakes import Place
from tests.web.rich import HOSTILE, declared
from tests.web.speaking import drafted, published, speaking

READ = "p, h1, h2, h3, h4, li, a, .state, .mark, .states span"
UP, SLOW = (("portal", State.OPERATIONAL),), (("portal", State.DEGRADED),)


def furnished(home: Place) -> Place:
    soon = NOON + timedelta(days=12)
    text = "We move the portal to new machines. It may be away for **ten minutes**."
    return speaking(home, announced=[Announced(soon, soon + timedelta(hours=2), ("portal",), text)])


async def spoken(home: Place, words: str = "") -> str:
    """Two matters that are over, one of them corrected, and one that goes on; the incident of that one."""
    name = await declared(home)
    await published(home, name)
    home.clock.forward(minutes=25)
    text = "A release changed how one measure is read.\n\n- Affected: visits rated *poor*\n- Until then: check these by hand"
    await published(home, name, kind=Kind.IDENTIFIED, text=text)
    home.clock.forward(minutes=25)
    over = (("predictions", State.OPERATIONAL),)
    await published(home, name, kind=Kind.RESOLVED, title="Predictions are right again", text="Undone.", states=over)
    home.clock.forward(days=6)
    name = await declared(home, fingerprint="second")
    await published(home, name, title="The portal is slow", text="Pages take ten seconds.", states=SLOW)
    home.clock.forward(hours=2)
    await published(home, name, title="The portal is slow", text="Outside of Europe.", states=SLOW, corrects="S1")
    await published(home, name, kind=Kind.RESOLVED, title="The portal is fast again", text="A cache.", states=UP)
    home.clock.forward(days=4)
    name = await declared(home, fingerprint="third")
    await published(home, name, title=f"Predictions are away{words}", text=f"None are made.{words}",
                    states=(("predictions", State.MAJOR), *SLOW))  # fmt: skip
    await drafted(home, name, text="zzz-draft")
    return name


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("screen", SCREENS)
async def test_it_fits_every_screen(tmp_path: Path, screen: str, scheme: str) -> None:
    """Nothing sticks out, text stands off its ground, and each state is told in words too; without JavaScript."""
    async with listening(tmp_path, furnished) as (home, address), chromium() as browser:
        name = await spoken(home)
        width, height = SCREENS[screen]
        given: dict[str, Any] = {"viewport": {"width": width, "height": height}, "color_scheme": scheme}
        plain = await (await browser.new_context(**given, java_script_enabled=False)).new_page()
        await plain.goto(f"{address}/status")
        assert await plain.get_by_text("Major outage", exact=True).count() == 2
        assert await plain.get_by_text("zzz-draft").count() == 0
        await picture(plain, f"status-{screen}-{scheme}", full=True)
        page = await (await browser.new_context(**given)).new_page()
        await page.goto(f"{address}/status")
        assert await page.evaluate("document.documentElement.scrollWidth") <= width
        ratios = await page.evaluate(CONTRAST, READ)
        assert min(ratios.values()) >= 4.5, ratios  # WCAG 2.2, 1.4.3
        await page.goto(await home.app.state.console.door.logins.mint("max"))
        await page.get_by_role("button", name="Enter as").click()
        await page.goto(f"{address}/incidents/{name}")
        await page.evaluate("document.querySelectorAll('#status details').forEach(each => each.open = true)")
        assert await page.evaluate("document.documentElement.scrollWidth") <= width
        await picture(page, f"statements-{screen}-{scheme}", around=page.locator("#status"))


async def test_it_prints_and_hostile_words_run_nothing(tmp_path: Path) -> None:
    """A PDF comes out; no dialog opens, nothing is asked of elsewhere, and the browser finds nothing to block."""
    async with listening(tmp_path, furnished) as (home, address), chromium() as browser:
        await spoken(home, words=f" {HOSTILE}")
        page = await browser.new_page()
        seen: list[str] = []
        page.on("dialog", lambda dialog: seen.append(dialog.message))
        page.on("console", lambda line: seen.append(line.text))
        page.on("request", lambda asked: seen.append(asked.url) if not asked.url.startswith(address) else None)
        await page.goto(f"{address}/status")
        assert seen == []
        assert "<script>alert(1)</script>" in await page.locator("main").inner_text()
        assert (await page.pdf()).startswith(b"%PDF")
