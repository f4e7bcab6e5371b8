"""The objectives' page: budgets with how they are reckoned, slices with what they could show, outcomes still missing."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from datetime import timedelta

import pytest

from bot.domain.policy import Urgency
from bot.engine.hindsight import Hindsight
from bot.engine.standing import FailingSlice, Standing
from bot.slo.budget import Budget
from bot.slo.fairness import Gap
from bot.slo.labels import Coverage
from tests.engine.test_hindsight import API, Forgetful, Remembering
from tests.kit import NOON
from tests.web.fakes import Place
from tests.web.rich import HOSTILE, rich
from tests.web.test_pages import EVERYBODY, Reader, sound


async def shown(home: Place) -> Reader:
    browser = await home.browser("max")
    page = sound(await browser.get("/slos"))
    await browser.aclose()
    return page


async def test_a_budget_says_how_it_is_reckoned(home: Place) -> None:
    """What is left, since when, whether it is an estimate, and what maintenance left out; the bar has a name."""
    home.watch.poll("met", "Recall meets its objective.")
    page = await shown(home)
    assert "Budget left 60.0 % Since" in page.text
    assert "160 failed of the 400 that may." in page.text
    (meter,) = page.of("meter")
    assert meter["aria-label"] == "Budget spent"
    held = Budget(900, 600, 300.0, timedelta(hours=5), estimated=True, excused=250, since=NOON)
    home.watch.stands = Standing(held)
    text = (await shown(home)).text
    assert "Budget left overspent by 100 % estimated" in text
    assert "as far as can be told from 5 h of data; 250 more failed in planned maintenance and are left out." in text


async def test_slices_are_shown_with_what_they_could_show(home: Place) -> None:
    """The failing ones with their reasons; without any, how many were looked at; and what silence of theirs is worth."""
    home.watch.poll()
    home.watch.slos = {name: replace(slo, slice_by="language") for name, slo in home.watch.slos.items()}
    assert "Slices by language None was seen yet." in (await shown(home)).text
    home.watch.stands = replace(home.watch.stands, slices=7, findable=("language=cy: nothing can be found.",))
    text = (await shown(home)).text
    assert "None of 7 is worse than the rest." in text
    assert "What the slices could show language=cy: nothing can be found." in text
    failing = FailingSlice("cy", "language=cy: 40 % of 500 failed, the rest 8 %.", Urgency.PAGE)
    home.watch.stands = replace(home.watch.stands, failing=(failing,), unwatched=12)
    text = (await shown(home)).text
    assert "page language=cy: 40 % of 500 failed, the rest 8 %." in text
    assert "None of" not in text
    assert "owned by Ana Ruiz" in text
    assert "12 values more came" in text


async def test_missing_outcomes_are_shown(home: Place) -> None:
    """Nobody takes the quality of the few judged answers for that of all."""
    home.watch.poll("met", "Recall meets its objective.")
    coverage = Coverage(NOON, 1_000, 120, timedelta(days=30))
    home.watch.stands = replace(home.watch.stands, coverage=coverage)
    text = (await shown(home)).text
    assert "Outcomes: 12.0 % of 1,000 answers older than 30 d have an outcome; none came lately." in text


async def test_a_gap_between_groups_is_shown(home: Place) -> None:
    """What is known of it, and a mark only where it is proved."""
    home.watch.poll("met", "Invitations meet their objective.")
    home.watch.slos = {name: replace(slo, slice_by="age_group") for name, slo in home.watch.slos.items()}
    gap = Gap("demographic parity", 0.12, "young", "old", {}, 3.0, 14.0, "a gap of 12.0 points, not more than chance.")
    home.watch.stands = replace(home.watch.stands, gap=gap)
    assert "Fairness by age_group a gap of 12.0 points, not more than chance." in (await shown(home)).text
    home.watch.stands = replace(home.watch.stands, gap=replace(gap, evidence=20.0))
    text = (await shown(home)).text
    assert "Fairness by age_group gap a gap of 12.0 points" in text
    assert "Slices by" not in text


async def objective(home: Place, path: str = "/slos/recall", who: str = "max") -> Reader:
    browser = await home.browser(who)
    page = sound(await browser.get(path))
    await browser.aclose()
    return page


@pytest.mark.parametrize("who", EVERYBODY)
async def test_each_objective_has_a_page(home: Place, who: str) -> None:
    """For everybody: the budget's course with its numbers, the last hour, slices, drift, and how it is written."""
    home.clock.forward(minutes=12)
    home.watch.poll()
    held = Budget(4_000, 160, 400.0, timedelta(days=30), estimated=False, since=NOON - timedelta(days=30))
    home.watch.stands = Standing(held)
    page = await objective(home, who=who)
    for words in (
        "Recall of visits breached", "Budget left 60.0 %", "Since 2026-10-21", "points, ended", "The numbers",
        "The last hour", "It is watched as a whole", "Nothing compares its inputs", "90 %",
    ):  # fmt: skip
        assert words in page.text, words
    async with await home.own(who) as api:
        told = (await api.get("/api/slos/recall")).json()
    assert (told["budget_left"], told["state"], told["bad"]) == (0.6, "breached", 160)
    assert told["burn_down"][-1]["left"] == pytest.approx(0.6)


async def test_an_objective_nobody_counted_says_so(home: Place) -> None:
    """Before the first poll there is a page all the same; one that is not there is named with those that are."""
    home.watch.stands = Standing(Budget(0, 0, 0.0, timedelta(0), estimated=True, since=NOON - timedelta(days=30)))
    page = await objective(home)
    assert "Not asked yet." in page.text
    assert "there is no course to draw" in page.text
    async with await home.own("ana") as api:
        answer = await api.get("/api/slos/nothing")
    assert (answer.status_code, answer.json()["because"]) == (404, "no objective called 'nothing'; there is recall")


async def test_the_past_is_looked_at_beside_the_page(home: Place) -> None:
    """The first look begins it, the page does not wait; what was found stands there with its time, and is renewed."""
    source = Remembering((3,), gate=asyncio.Event())
    looking = Hindsight({"recall": replace(API, name="recall")}, {"main": source}, home.store.checkpoints, home.clock)
    there = home.having(hindsight=looking)
    assert "Its past is being looked at" in (await objective(there)).text
    source.gate.set()
    await looking.settled(60)
    page = await objective(there)
    assert "1 page and 0 tickets in the last 7 days" in page.text
    assert "Looked at 2026-11-20 12:00:00 UTC" in page.text
    await objective(there)
    assert source.asked == 1
    assert "1 page and" in (await objective(there, "/slos")).text
    async with await there.own("ana") as api:
        told = (await api.get("/api/slos/recall")).json()["hindsight"]
    assert (told["pages_7d"], told["pages_28d"], told["because"]) == (1, 1, "")
    browser = await there.browser("ana")
    pressed = await browser.post("/slos/recall/hindsight")
    assert (pressed.status_code, pressed.headers["location"]) == (303, "/slos/recall#hindsight")
    await looking.settled(60)
    assert source.asked == 2
    assert (await browser.post("/slos/nothing/hindsight")).status_code == 404
    await browser.aclose()
    await looking.close()


async def test_a_source_without_a_past_is_said(home: Place) -> None:
    """No number stands where nothing can be known."""
    looking = Hindsight(
        {"recall": replace(API, name="recall")}, {"main": Forgetful()}, home.store.checkpoints, home.clock
    )
    there = home.having(hindsight=looking)
    await objective(there)
    await looking.settled(5)
    page = await objective(there)
    assert "cannot be told: its source 'main' remembers nothing of the past." in page.text
    assert "0 pages" not in page.text
    await looking.close()


async def test_drift_is_what_the_instrument_last_said(home: Place) -> None:
    """The newest incident's findings with their time, and where they were said."""
    name = await rich(home)
    page = await objective(home)
    assert "no feature drifted: largest PSI 0.02 2026-11-20" in page.text
    assert f"Said in {name}" in page.text


async def test_many_objectives_are_a_list_below_the_cards(home: Place) -> None:
    """The first ones are shown whole, the others by name, each with its page; none is left out."""
    one = home.watch.slos["recall"]
    home.watch.slos = {f"o{n}": replace(one, name=f"o{n}", display=f"Objective {n:03}") for n in range(60)}
    page = await shown(home)
    links = [attrs["href"] for attrs in page.of("a") if str(attrs.get("href")).startswith("/slos/")]
    assert len(links) == len(set(links)) == 60
    assert "The others 36" in page.text


async def test_strange_words_of_an_objective_do_nothing(home: Place) -> None:
    """Title, service and reasons stay text on the list and the page."""
    one = home.watch.slos["recall"]
    home.watch.slos = {"recall": replace(one, display=HOSTILE, service=HOSTILE)}
    home.watch.poll("met", HOSTILE)
    for path in ("/slos", "/slos/recall"):
        page = await objective(home, path)
        assert HOSTILE in page.text
        assert not page.of("img")
