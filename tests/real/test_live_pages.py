"""Pages that keep themselves current, keys that lead somewhere and times by the reader's clock, in headless Chromium."""

from __future__ import annotations

import contextlib
import re
from datetime import timedelta
from pathlib import Path
from typing import Any

from bot.domain.lifecycle import Update
from bot.domain.saying import KeepNote
from tests.browser import SlowError, chromium
from tests.real.test_call_pages import furnished
from tests.real.test_change_pages import listening
from tests.real.test_every_page import entered, pytestmark
from tests.web.fakes import Place
from tests.web.legal import drafted
from tests.web.rich import declared, rich

__all__ = ["pytestmark"]
STILL = "document.documentElement.dataset.still"
HUSHED = """Object.defineProperty(window, "EventSource", { value: undefined });
window.EventSource = class extends EventTarget { static CLOSED = 2; readyState = 2;
  constructor() { super(); setTimeout(() => this.dispatchEvent(new Event("error"))); } close() {} };"""


async def tell(home: Place, name: str, words: str) -> None:
    await home.desk.submit(name, Update(words), await home.who("ana"))


async def reader(browser: Any, home: Place, who: str, address: str, script: str = "", **screen: Any) -> Any:
    """A page that is open and live; whether it is ever loaded anew can be seen by a mark that stays."""
    context = await browser.new_context(**screen)
    if script:
        await context.add_init_script(script)
    page = await entered(context, home, who)
    await page.goto(address)
    await page.evaluate(f"{STILL} = 'yes'")
    return page


async def test_a_page_keeps_what_is_in_hand(tmp_path: Path) -> None:
    """News comes into the timeline by itself: the words being typed, the focus, the place and what is open stay."""
    async with listening(tmp_path) as (home, address), chromium() as browser:
        name = await rich(home)
        page = await reader(browser, home, "ana", f"{address}/incidents/{name}")
        await page.locator("main details > summary").first.click()
        opened = await page.locator("main details[open]").count()
        box = page.locator(
            "#tell textarea, form[action$='/update'] textarea, form[action$='/update'] input[type=text]"
        ).first
        await box.fill("half a sentence")
        before = await page.evaluate("scrollY")
        await tell(home, name, "the second update")
        await page.locator("#timeline").get_by_text("the second update").wait_for()
        assert await box.input_value() == "half a sentence"
        assert await box.evaluate("e => e === document.activeElement")
        assert await page.locator("main details[open]").count() == opened
        assert abs(await page.evaluate("scrollY") - before) < 400
        assert await page.evaluate(STILL) == "yes"
        said = page.locator("#news")
        assert "brought up to date" in await said.text_content()
        assert await said.get_attribute("aria-live") == "polite"
        await box.fill("")
        await page.evaluate("document.activeElement.blur()")
        await tell(home, name, "the third update")
        await page.locator("#timeline").get_by_text("the third update").wait_for()
        assert await page.evaluate("window.broken ?? []") == []


async def test_lists_are_live(tmp_path: Path) -> None:
    """An incident somebody declares stands in the list of everybody else, and one that is restricted in nobody's."""
    async with listening(tmp_path, furnished) as (home, address), chromium() as browser:
        page = await reader(browser, home, "otto", f"{address}/")
        await page.get_by_text("Nothing is open.").wait_for()
        await declared(home, title="zzz-sealed-title", restricted=True, service="")
        await declared(home, title="Recall fell", fingerprint="other")
        await page.get_by_role("link", name="Recall fell").wait_for()
        assert "zzz-sealed-title" not in await page.content()
        assert await page.evaluate(STILL) == "yes"
        queue = await reader(browser, home, "cleo", f"{address}/notices")
        await queue.get_by_text("No legal clock is running.").wait_for()
        await drafted(home, fingerprint="third", title="Letters")
        await queue.get_by_text("Letters").first.wait_for()
        goals = await reader(browser, home, "ana", f"{address}/slos")
        await goals.get_by_text("not been asked yet").wait_for()
        home.watch.poll()
        await goals.get_by_text("burns 2.4×").first.wait_for()


async def test_without_a_stream_it_asks(tmp_path: Path) -> None:
    """Where a proxy lets no stream through, the page says since when it is not live, and asks every few seconds."""
    async with listening(tmp_path) as (home, address), chromium() as browser:
        name = await declared(home)
        page = await reader(browser, home, "ana", f"{address}/incidents/{name}", HUSHED)
        await page.get_by_text("Not live since").wait_for()
        await tell(home, name, "found by asking")
        await page.locator("#timeline").get_by_text("found by asking").wait_for()


async def test_a_line_that_is_cut_is_told_and_taken_up(tmp_path: Path) -> None:
    """While it is away the page says since when; once it is back, what came meanwhile is there."""
    async with listening(tmp_path) as (home, address), chromium() as browser:
        name = await declared(home)
        page = await reader(browser, home, "ana", f"{address}/incidents/{name}")
        pulse = home.app.state.pulse
        while not pulse.readers:
            await page.wait_for_timeout(20)
        await page.context.set_offline(True)
        for line in pulse.readers:
            line.over = True
            line.woken.set()
        await page.get_by_text("Not live since").wait_for()
        await tell(home, name, "while it was away")
        await page.context.set_offline(False)
        await page.locator("#timeline").get_by_text("while it was away").wait_for()
        await page.get_by_text("Not live since").wait_for(state="hidden")


async def test_who_is_logged_out_is_told(tmp_path: Path) -> None:
    """The page that lies open says so; it shows nothing that came after."""
    async with listening(tmp_path) as (home, address), chromium() as browser:
        name = await declared(home)
        page = await reader(browser, home, "otto", f"{address}/incidents/{name}")
        other = await page.context.new_page()
        await other.goto(f"{address}/incidents/{name}")
        await other.get_by_role("button", name="Log out").click()
        await other.wait_for_url("**/login")
        await page.bring_to_front()
        await tell(home, name, "after the logout")
        await page.get_by_text("Not live since").wait_for()
        assert "after the logout" not in await page.content()


async def went(page: Any, letter: str, address: str) -> None:
    """Pressed again where a busy machine let more time pass between the two keys than a hand does."""
    for _ in range(5):
        await page.keyboard.press("g")
        await page.keyboard.press(letter)
        with contextlib.suppress(SlowError):
            return await page.wait_for_url(address, timeout=6_000)
    raise AssertionError(f"g {letter} never led to {address}")


async def test_keys_lead_where_they_say(tmp_path: Path) -> None:
    """`?` tells them, `g` and a letter go, j and k move, Enter opens; none does while somebody types, none once off."""
    async with listening(tmp_path) as (home, address), chromium() as browser:
        await declared(home)
        await declared(home, title="Another", fingerprint="other")
        page = await reader(browser, home, "ana", f"{address}/")
        await page.keyboard.press("?")
        dialog = page.get_by_role("dialog", name="Keyboard shortcuts")
        await dialog.wait_for()
        assert "Objectives" in await dialog.inner_text()
        await page.keyboard.press("Escape")
        await dialog.wait_for(state="hidden")
        for letter, path in (
            ("a", "/alerts"),
            ("n", "/notices"),
            ("o", "/oncall"),
            ("s", "/slos"),
            ("i", "/incidents"),
        ):
            await went(page, letter, f"{address}{path}")
        for key in "jjk":
            await page.keyboard.press(key)
        assert await page.evaluate("document.activeElement.textContent") == "Another"
        await page.keyboard.press("Enter")
        await page.wait_for_url(f"{address}/incidents/INC-2")
        await page.goto(f"{address}/")
        await page.get_by_text("Declare an incident").click()
        await page.get_by_label("What is broken").fill("")
        await page.get_by_label("What is broken").press_sequentially("ga?")
        assert await page.get_by_label("What is broken").input_value() == "ga?"
        assert await dialog.is_hidden()

        await page.get_by_role("button", name="Keyboard shortcuts").click()
        await dialog.get_by_label("Shortcuts by single keys").uncheck()
        await dialog.get_by_role("button", name="Close").click()
        await page.reload()
        await page.keyboard.press("?")
        assert await page.get_by_role("dialog").count() == 0


async def test_times_are_by_the_readers_clock(tmp_path: Path) -> None:
    """With the zone's name, UTC at the pointer or at one press; a date by law says both; without scripts all is UTC."""
    async with listening(tmp_path) as (home, address), chromium() as browser:
        name = await drafted(home)
        page = await reader(browser, home, "cleo", f"{address}/incidents/{name}", timezone_id="Asia/Tokyo")
        began = page.locator(".times time").first
        assert await began.text_content() == "2026-11-20 21:00:00"
        assert (await page.locator("footer time").text_content()).endswith(" GMT+9")
        assert (await page.locator(".chart .tick[data-at]").all_text_contents())[-1] == "21:00:00"
        assert "hours in GMT+9" in await page.locator(".chart figcaption").inner_text()
        assert await began.get_attribute("title") == "2026-11-20 12:00:00 UTC"
        assert "Asia/Tokyo" in await page.locator("footer").inner_text()
        due = page.locator("#duties .clock").first
        text = await due.inner_text()
        assert "2026-11-23 12:00:00 UTC" in text
        assert "2026-11-23 21:00:00 GMT+9" in text
        await page.get_by_role("button", name="Show all times in UTC").click()
        assert await began.text_content() == "2026-11-20 12:00:00"
        await page.reload()
        assert await began.text_content() == "2026-11-20 12:00:00"
        assert "All times are UTC." in await page.locator("footer").inner_text()
        plain = await reader(
            browser, home, "cleo", f"{address}/incidents/{name}", timezone_id="Asia/Tokyo", java_script_enabled=False
        )
        assert await plain.locator(".times time").first.text_content() == "2026-11-20 12:00:00"
        assert "2026-11-23 13:00:00 CET" in await plain.locator("#duties .clock").first.inner_text()


async def test_a_time_is_typed_by_the_clock_that_is_shown(tmp_path: Path) -> None:
    """In Tokyo nine hours ahead, in UTC at one press; what a person wrote is taken back with a reason, and stays."""
    async with listening(tmp_path) as (home, address), chromium() as browser:
        name = await drafted(home)
        page = await reader(browser, home, "ben", f"{address}/incidents/{name}", timezone_id="Asia/Tokyo")
        lines = page.locator("#timeline")

        async def add(text: str, at: str) -> None:
            await lines.get_by_text("Add a line").click()
            await lines.get_by_label("What happened").fill(text)
            await lines.get_by_label("When").fill(at)
            await lines.get_by_role("button", name="Add to the timeline").click()
            await page.get_by_text("In the timeline.").wait_for()

        assert "Asia/Tokyo; left empty: now" in await lines.locator("label", has_text="When").text_content()
        await add("called the vendor", "2026-11-20T20:59:00")
        line = lines.locator("li", has_text="called the vendor")
        assert await line.locator("time").first.text_content() == "2026-11-20 20:59:00"
        await page.get_by_role("button", name="Show all times in UTC").click()
        assert "UTC; left empty: now" in await lines.locator("label", has_text="When").text_content()
        await add("they called back", "2026-11-20T11:59:30")
        times = [each.at.strftime("%H:%M:%S") for each in (await home.desk.log.load(name)).notes]
        assert times == ["11:59:00", "11:59:30"]
        await line.get_by_text("Take back").click()
        await line.get_by_label("Because").fill("it was another vendor")
        await line.get_by_role("button", name="Take T1 back").click()
        await lines.get_by_text("took back T1: it was another vendor").wait_for()
        assert await lines.locator("li.gone", has_text="called the vendor").count() == 1
        assert await lines.get_by_text("Take back").count() == 1


async def test_what_is_taken_back_stays_below_its_line(tmp_path: Path) -> None:
    """While a reason is typed, an earlier line comes in between: form and words stay with their own."""
    async with listening(tmp_path) as (home, address), chromium() as browser:
        name = await drafted(home)
        ben, now = await home.who("ben"), home.clock.now()
        await home.desk.submit(name, KeepNote("the later one", "a", ben.id, now), ben)
        page = await reader(browser, home, "ben", f"{address}/incidents/{name}")
        mine = page.locator("#T1")
        await mine.get_by_text("Take back").click()
        await mine.get_by_label("Because").fill("another vendor")
        await home.desk.submit(name, KeepNote("the earlier one", "b", ben.id, now - timedelta(minutes=5)), ben)
        await page.locator("#T2").wait_for()
        assert await page.locator("#timeline details.take-back[open]").count() == 1
        assert await mine.get_by_label("Because").input_value() == "another vendor"
        assert "the later one" in await mine.inner_text()
        assert await page.locator("#T2").get_by_label("Because").count() == 1


async def test_the_bar_folds_on_a_phone(tmp_path: Path) -> None:
    """Without scripts too: one press shows what is theirs, and nothing that is not."""
    async with listening(tmp_path) as (home, address), chromium() as browser:
        screen = {"viewport": {"width": 390, "height": 844}, "java_script_enabled": False}
        context = await browser.new_context(**screen)
        page = await entered(context, home, "audrey")
        bar = page.get_by_role("navigation", name="Console")
        assert await bar.is_hidden()
        await page.get_by_text("Menu", exact=True).click()
        theirs = await bar.get_by_role("link").all_inner_texts()
        assert {"Overview", "Incidents", "Objectives", "Audit"} <= set(theirs)
        assert "Alerts" not in theirs
        assert await page.evaluate("document.documentElement.scrollWidth") <= 390
        wide = await browser.new_context(viewport={"width": 1280, "height": 900}, java_script_enabled=False)
        desk = await entered(wide, home, "ana")
        assert await desk.get_by_role("navigation", name="Console").get_by_role("link", name="Alerts").is_visible()
        assert await desk.get_by_text("Menu", exact=True).is_hidden()
        await desk.goto(f"{address}/oncall")
        assert await desk.locator("nav [aria-current=page]").inner_text() == "On call"


PRESSED = """() => [...document.querySelectorAll("button, form, input, select, nav, .jump, .button")]
  .filter((e) => e.checkVisibility()).map((e) => e.outerHTML.slice(0, 90))"""


async def test_an_incident_and_a_notice_print(tmp_path: Path) -> None:
    """On A4, with the words, the times and nothing to press; nothing is cut off at the side, dark screens print white."""
    async with listening(tmp_path) as (home, address), chromium() as browser:
        name = await rich(home)
        context = await browser.new_context(viewport={"width": 680, "height": 960}, color_scheme="dark")
        page = await entered(context, home, "cleo")
        await page.emulate_media(media="print", color_scheme="dark")
        for path, words in (
            (f"/incidents/{name}", "Timeline"),
            (f"/incidents/{name}/notices/N2", "Likely consequences"),
        ):
            await page.goto(address + path)
            assert await page.get_by_role("heading", name=words).first.is_visible()
            assert await page.evaluate(PRESSED) == []
            assert await page.evaluate("document.documentElement.scrollWidth") <= 680
            assert await page.evaluate("getComputedStyle(document.body).backgroundColor") == "rgb(255, 255, 255)"
            paper = await page.pdf(prefer_css_page_size=True, print_background=True)
            width, height = map(float, re.findall(rb"/MediaBox \[0 0 ([\d.]+) ([\d.]+)\]", paper)[0])
            assert (round(width), round(height)) == (595, 842)
