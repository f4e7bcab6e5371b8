"""Hostile words in every text field of every form, in headless Chromium: they stay words, and the pages stay pages."""

from __future__ import annotations

import itertools
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from bot.web.verbs import VERBS
from tests.browser import chromium
from tests.hostile import MANY, hostile
from tests.inbox import alert
from tests.real.test_call_pages import furnished
from tests.real.test_change_pages import listening
from tests.real.test_every_page import NAME, entered, pages
from tests.web.fakes import Place
from tests.web.legal import answered
from tests.web.rich import rich

pytestmark = pytest.mark.real
PASSES = 25
FEW = 8
"""How often their wish must at least be read on the incident's page: as words."""
KNOWN = {
    "notice": "N2", "mitigation": "M1", "offer": "back-to-v1", "step": "same", "why": "W1", "parent": "W1", "evidence": "F1",
    "followup": "A1", "comment": "C1", "regime": "eu_gdpr_art33", "owner": "ben", "deputy": "", "person": "ben", "part": "lead",
    "severity": "SEV2", "due": "2026-12-01", "read": "", "moment": "mitigated", "to": "2026-11-20T12:03", "key": "likely_consequences",
    "outcome": "applied", "capacity": "", "template": "stakeholders/update", "locale": "", "digest": "0" * 64, "code": "",
    "when": "", "since": "", "until": "", "events": "1", "people": "1", "money": "1", "justified": "true", "tell": "true",
    "broadcast": "true", "members": "", "local": "", "unknown": "", "into": "INC-9", "waivers": "", "name": "bad-release",
}  # fmt: skip
"""What a form says where its field takes no words; every other field is filled with hostile ones."""
LAST = ("drop-notice", "resolve", "reopen", "merge", "close")
SUBMIT = """([action, words]) => {
  const form = Object.assign(document.createElement("form"), { method: "post", action });
  for (const [name, value] of words)
    form.append(Object.assign(document.createElement("textarea"), { name, value }));
  document.body.append(form); form.submit();
}"""
UNHARMED = """() => [
  ...(window.ran ? [`a script ran ${window.ran} times`] : []), ...(window.broken ?? []),
  ...(document.documentElement.scrollWidth > innerWidth ? [`sticks out: ${document.documentElement.scrollWidth}`] : []),
  ...(document.querySelectorAll("main").length === 1 && document.querySelector("footer") ? [] : ["the page is torn"]),
  ...[...document.querySelectorAll("a[href]")].filter((a) => !/^(https?|mailto):$/.test(a.protocol)).map((a) => `leads to ${a.href}`),
]"""


def forms(words: Iterator[str], known: dict[str, str]) -> Iterator[tuple[str, dict[str, str]]]:
    """Every form of an incident with words in its fields; those that end the incident come last."""
    order = sorted(VERBS, key=lambda verb: LAST.index(verb) if verb in LAST else -1)
    for verb in order:
        yield verb, {field: known[field] if field in known else next(words) for field in VERBS[verb].model_fields}


async def poured(home: Place, words: Iterator[str]) -> None:
    """An incident in which everybody typed them wherever they could, and alerts that brought them along."""
    await rich(home, next(words))
    await answered(home, NAME)
    browsers = [await home.browser(who) for who in ("cleo", "ben", "ana")]
    for verb, given in forms(words, KNOWN):
        for browser in browsers:
            answer = await browser.post(f"/incidents/{NAME}/{verb}", data=given)
            assert answer.status_code < 500, (verb, given)
            if answer.status_code == 303:
                break
    for field in ("title", "because"):
        await browsers[2].post("/incidents", data={"title": "x", "severity": "SEV3", "because": "", field: next(words)})
    cover = {"rota": "ml", "from": "2026-11-21T10:00", "to": "2026-11-21T12:00", "because": next(words)}
    await browsers[2].post("/oncall/covers", data=cover)
    await home.store.alerts.accept([alert(next(words)[:200] or "x") for _ in range(3)])
    for browser in browsers:
        await browser.aclose()


async def suffered(tmp_path: Path, first: int) -> None:
    """Pour them in from there on, look at every page, and have every form come back with them."""
    words = itertools.cycle(hostile()[first:] + hostile()[:first])
    wrong: list[str] = []
    async with listening(tmp_path, furnished) as (home, address), chromium() as browser:
        await poured(home, words)
        context = await browser.new_context(viewport={"width": 390, "height": 844})
        page = await entered(context, home, "cleo")

        async def seen(what: object) -> None:
            wrong.extend(f"{what}: {each}" for each in await page.evaluate(UNHARMED))

        page.on("dialog", lambda dialog: wrong.append(f"{page.url}: {dialog.message}"))
        for path in await pages(home):
            await page.goto(address + path)
            await seen(path)
            if path == f"/incidents/{NAME}":
                assert (await page.inner_text("main")).count("window.ran") > FEW, "they were not typed after all"
        for verb, given in forms(words, {"notice": "N2"}):
            await _sent(page, f"/incidents/{NAME}/{verb}", given)
            await seen((verb, given))
        for action, fields in (("/incidents", ("title", "because")), ("/oncall/covers", ("rota", "from", "because"))):
            await _sent(page, action, {field: next(words) for field in fields})
            await seen(action)
        await context.close()
    assert wrong == []


async def _sent(page: Any, action: str, words: dict[str, str]) -> None:
    async with page.expect_navigation():
        await page.evaluate(SUBMIT, [action, list(words.items())])


def test_there_are_enough_of_them() -> None:
    """Five hundred different ones, the same at every run, none with what no text may hold."""
    found = hostile()
    assert len(set(found)) == MANY
    assert found == hostile()
    assert not any("\x00" in each for each in found)


async def test_a_page_that_lets_them_run_is_seen() -> None:
    """What looks for harm finds it: a script that ran, a link that leads to one, something that sticks out."""
    async with chromium() as browser:
        page = await browser.new_page(viewport={"width": 390, "height": 844})
        await page.set_content("<main></main><footer></footer>")
        assert await page.evaluate(UNHARMED) == []
        words = "<script>window.ran=1</script><a href='javascript:1'>x</a><pre>" + "x" * 900 + "</pre>"
        await page.set_content(f"<main>{words}</main><footer></footer>")
        assert [each.split(" ")[0] for each in await page.evaluate(UNHARMED)] == ["a", "sticks", "leads"]


async def test_hostile_words_stay_words(tmp_path: Path) -> None:
    """No script runs, no policy is broken, no link leads to a script, and every page still fits a phone."""
    await suffered(tmp_path, 0)


@pytest.mark.nightly
@pytest.mark.parametrize("part", range(1, PASSES))
async def test_all_of_them_in_every_field(tmp_path: Path, part: int) -> None:
    """The same with every one of the five hundred, begun at another place so that fields meet others of them."""
    await suffered(tmp_path, part * (MANY // PASSES))
