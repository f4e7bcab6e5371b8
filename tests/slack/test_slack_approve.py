"""Approving in Slack: everything the digest covers is read, what changes first, and who may say yes says it once."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import fields, replace
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from bot.domain.approval import ApproveMitigation
from bot.domain.claim import ClaimMitigation
from bot.domain.execution import ReportOutcome, ReportVerification
from bot.domain.guard import ActionClass, Freeze
from bot.domain.hold import ReportHold
from bot.domain.mitigation import Means, Outcome, Plan, ProposeMitigation, State
from bot.domain.policy import Policy
from bot.domain.trouble import ReportTrouble
from bot.slack.views import approve, home, request
from bot.slack.views._plan import NO_WAY_BACK
from tests.kit import ANA, BEN, Story, declared, held, plan
from tests.slack.bench import TEAM, Bench
from tests.slack.situations import seen


@asynccontextmanager
async def bench_of(folder: Path, **rules: Any) -> AsyncIterator[Bench]:
    async with Bench.open(folder, policy=replace(Policy(), **rules)) as made:
        yield made


# -- what is read ----------------------------------------------------------------------------------------------------

OTHER: dict[str, Any] = {
    "means": Means.BYPASS, "params": {"to": "v0"}, "before": {"weights": {"v1": 1}}, "after": {"weights": {"v1": 2}},
    "diff": ("weight v1 0 → 99",), "klass": ActionClass.WIDE, "undo": "", "undo_params": {"to": "v9"}, "warnings": ("old",),
    "share": 0.1, "serves": {"v1": 0.9},
}  # fmt: skip
"""Another value for each field that is no plain text."""


def dialog(made: Plan) -> str:
    """What the dialog says of a plan, without its digest."""
    story = declared().when(ProposeMitigation(made, "x"), ANA)
    mitigation = replace(story.incident.mitigations["M1"], plan=made, digest="d")
    situation = replace(seen(story), policy=replace(story.policy))
    return str(approve.render(situation, mitigation)["blocks"])


@pytest.mark.parametrize("field", [each.name for each in fields(Plan)])
def test_every_field_of_the_plan_is_shown(field: str):
    """The digest covers all of them: a plan that differs in any one reads otherwise."""
    first = plan(undo_params={"to": "v2"}, serves={"v1": 1.0}, managed_by="Flux", dry_run="taken", rules="r1")
    second = replace(first, **{field: OTHER.get(field, "something else")})
    assert second.digest != first.digest
    assert dialog(first) != dialog(second)


@pytest.mark.parametrize("field", [each.name for each in fields(Plan) if each.name not in ("means", "klass", "share")])
def test_a_field_too_long_to_show_cannot_be_approved_here(field: str):
    """Whatever is cut, the dialog has no button, and says so."""
    long = "long " * 2_000
    given: dict[str, Any] = {name: {long: 1} for name in ("params", "before", "after", "undo_params")}
    given |= {"diff": (long,), "warnings": (long,), "serves": {long: 1.0}}
    made = plan(**{field: given.get(field, long)})
    situation = seen(declared().when(ProposeMitigation(made, "x"), ANA))
    mitigation = replace(situation.incident.mitigations["M1"], plan=made)
    view = approve.render(replace(situation, policy=Policy()), mitigation)
    assert not approve.whole(mitigation)
    assert "submit" not in view


def test_what_changes_stands_first_and_what_frightens_right_below():
    """Diff, then warnings, GitOps and that there is no way back, then how far it reaches; the digest comes last."""
    made = plan(warnings=("v1 is old",), managed_by="Argo CD", undo="", share=0.25, serves={"v2": 0.25, "v1": 0.75},
                dry_run="the server took it")  # fmt: skip
    situation = seen(declared().when(ProposeMitigation(made, "v2 is wrong"), ANA))
    text = str(approve.render(situation, situation.incident.mitigations["M1"])["blocks"])
    order = ["moves production traffic", "weight v1 0 → 100", "Careful: v1 is old", "Managed by Argo CD", NO_WAY_BACK,
             "25 %: 100 % of visits traffic", "v1 75 %, v2 25 %", "the server took it", "Evidence is being secured",
             "v2 is wrong", "from state 7", "digest"]  # fmt: skip
    assert sorted(order, key=text.index) == order


def story_until(state: State) -> Story:
    story = declared().when(ProposeMitigation(plan(), "x", "a"), ANA)
    digest = story.incident.mitigations["M1"].digest
    story = story.when(ReportHold("M1", held("rows"))).when(ApproveMitigation("M1", digest), BEN)
    story = story.when(ClaimMitigation("M1", "7", (BEN,))).when(
        ReportOutcome("M1", Outcome.APPLIED, "weights are v1 100")
    )
    if state is State.VERIFIED:
        proof = "weights are v1 100; of 240 requests since: v1 100%; met for 75 s"
        return story.when(ReportVerification("M1", helped=True, because=proof))
    return story.when(ReportVerification("M1", helped=False, because="10 min after it was applied: burns 2.4×"))


def test_what_proved_it_stands_below_a_change_that_helped():
    """Target, traffic per version and SLI, as they were when it was called verified."""
    situation = seen(story_until(State.VERIFIED))
    text = str(request.render(situation, situation.incident.mitigations["M1"]).blocks)
    assert "Proved by: weights are v1 100; of 240 requests since: v1 100%; met for 75 s" in text


def test_what_does_not_help_offers_its_undo_and_the_next_that_is_prepared():
    """The next is one that was not tried and may help; where none is left only the undo is offered."""
    situation = seen(story_until(State.NOT_HELPING), "Bypass the slice")
    text = str(request.render(situation, situation.incident.mitigations["M1"]).blocks)
    assert "undo.open" in text
    assert "INC-1/offer:b" in text
    assert situation.service is not None
    alone = replace(situation, service=replace(situation.service, offers=situation.service.offers[:1]))
    assert "offer:" not in str(request.render(alone, alone.incident.mitigations["M1"]).blocks)


def test_what_the_policy_approved_beforehand_says_so() -> None:
    """No person is named for it, neither in the message nor on the card."""
    story = declared().when(ProposeMitigation(plan(), "x"), ANA)
    itself = replace(story.incident.mitigations["M1"], automatic=True, state=State.APPROVED, held=("rows",))
    assert request.standing(seen(story), itself) == "Approved beforehand by the policy; carried out now."


def test_why_a_plan_is_void_and_what_keeps_one_waiting_is_said() -> None:
    """Rules or target that changed, each in its words and once; a refusal when it was tried, with the reason."""
    story = declared().when(ProposeMitigation(plan(), "x"), ANA)
    digest = story.incident.mitigations["M1"].digest
    ready = story.when(ApproveMitigation("M1", digest), BEN).when(ReportHold("M1", held("rows")))

    def said(after: Story) -> str:
        return request.standing(seen(after), after.incident.mitigations["M1"])

    moved_on = said(ready.when(ClaimMitigation("M1", "8", (BEN,))))
    assert "the target changed after the plan was made. Propose it again." in moved_on
    other = replace(ready, policy=replace(ready.policy, version="2"))
    ruled_out = said(other.when(ClaimMitigation("M1", "7", (BEN,))))
    assert "the rules of the house changed since it was proposed" in ruled_out
    assert ruled_out.lower().count("propose it again") == 1
    tried = ready.when(ReportTrouble("execute:INC-1:M1", 1, "it saw a rollback a moment ago"))
    situation = seen(tried)
    text = str(request.render(situation, situation.incident.mitigations["M1"]).blocks)
    assert "⚠ Not done yet: it saw a rollback a moment ago" in text


# -- two must approve ------------------------------------------------------------------------------------------------


async def test_of_two_who_must_approve_each_counts_once(tmp_path: Path):
    """The message says how many and who; the first is not asked again, and is told so when they open it anew."""
    async with bench_of(tmp_path, quorum={ActionClass.TRAFFIC: 2}) as bench:
        ts = await bench.proposed()
        assert "0 of 2 approved. Waits for 2 people" in bench.request()
        ben, text = await bench.opened("ben", "approve", ts)
        assert "0 of 2 approved" in text
        await ben.submit({})
        await bench.settle()
        assert "1 of 2 approved: <@U0BEN>. Waits for 1 more person" in bench.request()
        assert "1 of 2 so far" in str(bench.posts("card")[0]["blocks"])
        assert (await bench.incident()).mitigations["M1"].state is State.PROPOSED
        ben, text = await bench.opened("ben", "approve", ts, "info")
        assert "You approved M1; 1 more must" in text
        await ben.close_view()
        situation, policy = await bench.desk.situation("INC-1"), bench.policy
        waits = {key: home.waiting([situation], (await bench.who(key)).person, policy) for key in ("ana", "ben", "dev")}
        assert [key for key, found in waits.items() if any(one.deed == "approve.open" for one in found)] == ["dev"]
        assert "1 of 2 approved" in next(one.words for one in waits["dev"] if one.deed == "approve.open")
        dev, text = await bench.opened("dev", "approve", ts)
        assert "1 of 2 approved: <@U0BEN>" in text
        await dev.submit({})
        await bench.settle()
        assert "Approved by <@U0BEN> and <@U0DEV>" in bench.request()
        assert "approve.open" not in bench.request()


async def test_whoever_may_by_being_on_call_or_in_a_group_finds_it_on_their_home_tab(tmp_path: Path):
    """Not by their roles alone: Ana approves because she is on call, Dev does not although an approver."""
    async with bench_of(tmp_path, approve={ActionClass.TRAFFIC: frozenset({"on-call"})}) as bench:
        ts = await bench.proposed(by="dev")
        situation = await bench.desk.situation("INC-1")
        may = {
            key: home.waiting([situation], (await bench.who(key)).person, bench.policy)
            for key in ("ana", "cleo", "dev")
        }
        assert {key for key, found in may.items() if any(one.deed == "approve.open" for one in found)} == {"ana"}
        ana, _ = await bench.opened("ana", "approve", ts)
        await ana.submit({})
        assert (await bench.incident()).mitigations["M1"].state is State.APPROVED


# -- with a code -----------------------------------------------------------------------------------------------------


async def answer(bench: Bench, key: str, view: dict[str, Any], **given: str) -> dict[str, Any]:
    """What Slack is told when somebody sends a dialog."""
    values = {block: {"value": {"type": "plain_text_input", "value": text}} for block, text in given.items()}
    body = {"type": "view_submission", "user": {"id": f"U0{key.upper()}", "team_id": TEAM}, "trigger_id": f"t.{given}",
            "view": {**view, "state": {"values": values}}}  # fmt: skip
    found: dict[str, Any] = json.loads((await bench.room.ingress.take(body)).body)
    return found


async def test_a_wide_change_is_approved_with_a_code_that_no_slack_gives(sock: Bench):
    """What is wrong with the code stands at the code; it is one's own, fresh and for this plan alone."""
    ts = await sock.proposed(klass=ActionClass.WIDE)
    ben, text = await sock.opened("ben", "approve", ts)
    assert "Run: tocsin incident code INC-1 M1" in text
    view = await ben.wait_for_view("approve")

    async def wrong(**given: str) -> str:
        told = await answer(sock, "ben", view, **given)
        assert set(told["errors"]) == {"code"}, told
        return str(told["errors"]["code"])

    assert "approved with a one-time code" in await wrong()
    assert "That is not your code for M1" in await wrong(code="AAAAA-BBBBB")
    devs = await sock.desk.changes.give_code("INC-1", "M1", await sock.who("dev"))
    assert "That is not your code for M1" in await wrong(code=devs)
    code = await sock.desk.changes.give_code("INC-1", "M1", await sock.who("ben"))
    sock.clock.forward(5 * 60 + 1)
    assert "ran out" in await wrong(code=code)
    code = await sock.desk.changes.give_code("INC-1", "M1", await sock.who("ben"))
    await ben.submit({"code": f" {code.lower()} "})
    assert await ben.views() == []
    (given,) = (await sock.incident()).mitigations["M1"].approvals
    assert given.stepped_up


# -- not now ---------------------------------------------------------------------------------------------------------


async def test_while_nothing_may_move_nobody_is_offered_to_approve(tmp_path: Path):
    """Which freeze, why and until when stand in message and dialog; once it is over there is a button."""
    async with bench_of(tmp_path) as bench:
        now = bench.clock.now()
        quiet = Freeze("Black Friday", "the shop is full", now, now + timedelta(minutes=5))
        bench.desk.handler.policy = bench.policy = replace(bench.policy, freezes=(quiet,))
        ts = await bench.proposed()
        assert "*Black Friday* holds until" in bench.request()
        ben, text = await bench.opened("ben", "approve", ts)
        assert "nobody can approve it before" in text
        assert "the shop is full" in text
        assert not (await ben.wait_for_view("approve")).get("submit")
        await ben.close_view()
        bench.clock.forward(5 * 60 + 1)
        ben, text = await bench.opened("ben", "approve", ts)
        assert "nobody can approve it before" not in text
        await ben.submit({})
        assert (await bench.incident()).mitigations["M1"].state is State.APPROVED


async def test_other_rules_than_it_was_proposed_under_void_a_proposal(sock: Bench):
    """The message says so and offers no approval; a dialog opened before is refused with the same words."""
    ts = await sock.proposed()
    ben, _ = await sock.opened("ben", "approve", ts)
    sock.desk.handler.policy = replace(sock.policy, version="2")
    await ben.submit({})
    assert "rules of the house changed since it was proposed" in str(await ben.views())
    await sock.show()
    assert "approve.open" not in sock.request()
    assert "Propose it again" in sock.request()
    assert (await sock.incident()).mitigations["M1"].state is State.PROPOSED


async def test_a_budget_that_was_spent_meanwhile_is_said_in_the_dialog(tmp_path: Path):
    """Another change of the service was carried out since this one was proposed: whoever reads it learns that it waits."""
    async with bench_of(tmp_path, changes_per_hour=1) as bench:
        await bench.proposed()
        ts = await bench.proposed("bypass-poor", target="other", target_uid="router/other")
        spent = "changes of the service are used up"
        ben, text = await bench.opened("ben", "approve", ts)
        assert spent not in text
        await ben.close_view()
        first = (await bench.incident()).mitigations["M1"]
        await bench.say(ApproveMitigation("M1", first.digest), "dev")
        await bench.desk.submit("INC-1", ReportHold("M1", held("rows")))
        dev = (await bench.who("dev")).person
        await bench.desk.submit("INC-1", ClaimMitigation("M1", first.plan.token, (dev,)))
        _ben, text = await bench.opened("ben", "approve", ts)
        assert spent in text


async def test_a_proposal_that_ran_out_below_an_open_dialog_is_refused(sock: Bench):
    """The words say when, and the message offers nothing any more once that is written down."""
    ts = await sock.proposed()
    ben, _ = await sock.opened("ben", "approve", ts)
    sock.clock.forward(15 * 60 + 1)
    await ben.submit({})
    assert "M1 expired at" in str(await ben.views())
    await ben.close_view()
    ben, text = await sock.opened("ben", "approve", ts)
    assert "It ran out" in text
    assert not (await ben.wait_for_view("approve")).get("submit")
