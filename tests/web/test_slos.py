"""The objectives' page: budgets with how they are reckoned, slices with what they could show, outcomes still missing."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

from bot.domain.policy import Urgency
from bot.engine.standing import FailingSlice, Standing
from bot.slo.budget import Budget
from bot.slo.fairness import Gap
from bot.slo.labels import Coverage
from tests.kit import NOON
from tests.web.fakes import Place
from tests.web.test_pages import Reader, sound


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
    assert "owned by ana" in text
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
