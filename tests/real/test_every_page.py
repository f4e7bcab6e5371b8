"""Every page the console has, in headless Chromium, light and dark, laptop and phone: found by its own routes.

Filled as tests/web/test_sight.py fills them. TOCSIN_PICTURES=1 keeps the pictures that the README shows.
"""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest

from tests.browser import axe, chromium, picture
from tests.real.test_call_pages import furnished, night
from tests.real.test_change_pages import SCREENS, SLOW, listening
from tests.web.fakes import Place
from tests.web.legal import TEMPLATE, breach
from tests.web.rich import rich
from tests.web.test_sight import addresses

pytestmark = pytest.mark.real
NAME = "INC-1"
TAGS = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"]
WATCH = """addEventListener("securitypolicyviolation", (e) => {
  window.broken ??= []; window.broken.push(`${e.effectiveDirective} ${e.blockedURI} ${e.sample}`); });"""
AXE = """async (tags) => {
  const found = await axe.run(document, { runOnly: tags, rules: { "target-size": { enabled: true } } });
  return found.violations.flatMap((each) => each.nodes.map((node) =>
    `${each.id}: ${node.target.join(" ")} ${node.html.slice(0, 160)} ${node.any.map((a) => a.message).join("; ")}`));
}"""
README = {
    ("/", "laptop", "light"): "console-overview",
    (f"/incidents/{NAME}", "laptop", "dark"): "console-dark",
    ("/", "phone", "dark"): "console-phone",
}
"""Which pictures the README shows."""


async def full(home: Place) -> None:
    """A house in which every page has something to show."""
    await rich(home)
    home.watch.poll()
    await breach(home, fingerprint="", slo="", slice="", title="Letters went to wrong addresses", restricted=True)
    await home.desk.request_notice("INC-2", TEMPLATE, await home.who("cleo"))
    await night(home)


async def pages(home: Place) -> list[str]:
    """The addresses at which a person sees a page: every route that answers with one, and two that are no route's."""
    found = []
    async with await home.own("ida") as client:
        for address in await addresses(home, NAME):
            answer = await client.get(address)
            here = answer.headers.get("content-type", "").startswith("text/html")
            if answer.status_code == 200 and here and "content-disposition" not in answer.headers:
                found.append(address)
    assert {"/", f"/incidents/{NAME}", f"/incidents/{NAME}/notices/N1", "/alerts", "/oncall", "/slos"} <= set(found)
    return [*found, "/incidents/INC-2", "/incidents/INC-2/notices/N1", "/nowhere"]


async def entered(context: Any, home: Place, who: str) -> Any:
    """A page of somebody who is logged in, which remembers what its policy forbade."""
    await context.add_init_script(WATCH)
    page = await context.new_page()
    page.set_default_timeout(SLOW)
    await page.goto(await home.app.state.console.door.logins.mint(who))
    await page.get_by_role("button", name="Enter as").click()
    await page.wait_for_url(lambda url: "/login" not in url)
    return page


def named(address: str) -> str:
    """A file's name for an address."""
    short = re.sub(r"/p/.*", "/p", address)
    return re.sub(r"\W+", "-", short).strip("-") or "overview"


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("screen", SCREENS)
async def test_everybody_can_use_every_page(tmp_path: Path, screen: str, scheme: str) -> None:
    """By axe no page breaks WCAG 2.2 AA, nothing sticks out, no policy is broken, no script fails."""
    script = axe()
    wrong: list[str] = []
    async with listening(tmp_path, furnished) as (home, address), chromium() as browser:
        await full(home)
        width, height = SCREENS[screen]
        context = await browser.new_context(viewport={"width": width, "height": height}, color_scheme=scheme)
        page = await entered(context, home, "ida")
        page.on("pageerror", lambda error: wrong.append(f"{page.url}: {error}"))
        for path in [*await pages(home), "/login"]:
            await page.goto(address + path)
            if await page.evaluate("document.documentElement.scrollWidth") > width:
                wrong.append(f"{path}: sticks out")
            await page.evaluate(script)
            wrong += [f"{path}: {each}" for each in await page.evaluate(AXE, TAGS)]
            wrong += [f"{path}: {each}" for each in await page.evaluate("window.broken ?? []")]
            await page.screenshot(path=tmp_path / f"{named(path)}-{screen}-{scheme}.png", full_page=True)
            if kept := README.get((path, screen, scheme)):
                await picture(page, kept)
        await context.close()
    assert wrong == []
