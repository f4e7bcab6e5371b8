"""Acting alone in Slack: not offered at once, said plainly, heard by everybody, and reviewed by somebody else."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from pathlib import Path

from bot.domain.approval import MitigationApproved
from bot.domain.claim import ClaimMitigation
from bot.domain.execution import ReportOutcome
from bot.domain.guard import ActionClass, Freeze
from bot.domain.hold import PlaceHold
from bot.domain.mitigation import Outcome, ProposeMitigation, State
from bot.domain.policy import Policy
from bot.slack.views import home, request
from tests.kit import ANA, NOON, declared, plan
from tests.slack.bench import Bench
from tests.slack.situations import seen

WHY = "nobody else answers <!channel> and patients are *turned away*"


async def late(bench: Bench, **changes: object) -> str:
    """A proposal that nobody approved for five minutes; the ts of the card."""
    ts = await bench.proposed(**changes)
    bench.clock.forward(5 * 60 + 1)
    await bench.show()
    return ts


async def broken(bench: Bench) -> str:
    """Ben acted alone, and it was applied."""
    ts = await late(bench)
    ben, _ = await bench.opened("ben", "glass", ts)
    await ben.submit({"reason": WHY, "confirm": "visits-router"})
    await bench.settle()
    plan = (await bench.incident()).mitigations["M1"].plan
    await bench.desk.submit("INC-1", ClaimMitigation("M1", plan.token, ((await bench.who("ben")).person,)))
    await bench.desk.submit("INC-1", ReportOutcome("M1", Outcome.APPLIED, "weights are v1 100"))
    await bench.settle()
    return ts


# -- when it is offered ----------------------------------------------------------------------------------------------


async def test_nobody_is_tempted_while_somebody_may_still_come(sock: Bench):
    """Not in the first five minutes; then in the message, and in the dialog of whoever may, not of others."""
    ts = await sock.proposed()
    assert "glass.open" not in sock.request()
    ben, text = await sock.opened("ben", "approve", ts)
    assert "glass.open" not in text
    await ben.close_view()
    sock.clock.forward(5 * 60 + 1)
    await sock.show()
    assert "glass.open" in sock.request()
    ben, text = await sock.opened("ben", "approve", ts)
    assert "It has waited for 5 min. You may act alone" in text
    assert "glass.open" in text
    _ana, text = await sock.opened("ana", "approve", ts)
    assert "glass.open" not in text


async def test_where_nobody_else_may_approve_it_is_offered_at_once(tmp_path: Path):
    """Only Ben may, and he proposed it: he need not wait for somebody who cannot come."""
    policy = replace(Policy(), approve={ActionClass.TRAFFIC: frozenset({"@ben"})})
    async with Bench.open(tmp_path, policy=policy) as bench:
        ts = await bench.proposed(by="ben")
        assert "glass.open" in bench.request()
        _ben, text = await bench.opened("ben", "approve", ts)
        assert "There are too few people who may approve it. You may act alone" in text


async def test_over_an_approval_it_is_offered_where_nothing_may_move(tmp_path: Path):
    """Approved, then a freeze began: acting alone is the way on. Without a freeze an approved change offers nothing."""
    freeze = Freeze("night", "nobody is there", NOON, NOON + timedelta(days=30))
    for policy, offered in ((Policy(), False), (Policy(freezes=(freeze,)), True)):
        story = replace(declared(), policy=policy)
        made = plan(rules=policy.fingerprint)
        story = story.when(ProposeMitigation(made), ANA)
        story = story.tell(MitigationApproved("M1", made.digest), by="ben")
        situation = replace(seen(story), policy=policy)
        assert ("glass.open" in str(request.render(situation, story.incident.mitigations["M1"]).blocks)) is offered


# -- acting ----------------------------------------------------------------------------------------------------------


async def test_one_person_acts_alone_and_everybody_hears_of_it(bench: Bench):
    """Read whole, reasoned, named; then both dialogs close, on-call is paged, the channel is told, once."""
    ts = await late(bench)
    ben, text = await bench.opened("ben", "approve", ts)
    await ben.click_in_view("glass.open")
    text = str(await ben.wait_for_view("glass"))
    assert "weights v1: 0 → 100" in text
    assert "You alone decide this" in text
    assert "Paged at once: <@U0ANA>." in text  # managers and administrators too, of whom there is none here
    await ben.submit({"reason": WHY, "confirm": "visits"})
    assert await ben.errors() == {"confirm": "Type visits-router exactly."}
    await ben.submit({"reason": WHY, "confirm": "visits-router"})
    assert await ben.views() == []
    await bench.settle()
    incident = await bench.incident()
    mitigation = incident.mitigations["M1"]
    assert (mitigation.state, mitigation.approvers) == (State.APPROVED, ((await bench.who("ben")).id,))
    assert [call.person for call in incident.calls] == [(await bench.who("ana")).id]
    (heard,) = [
        one for one in bench.calls("chat.postMessage") if "acts alone in M1" in str(one) and "broadcast" in str(one)
    ]
    assert heard
    assert "⚠ *<@U0BEN> acts alone*: nobody else answers &lt;!channel&gt;" in bench.request()
    assert "is carried out by one person alone" in str(bench.posts("card")[0]["blocks"])
    assert "glass.open" not in bench.request()


async def test_a_second_click_and_a_restart_change_and_tell_nothing_anew(sock: Bench):
    """The button of a message that Slack still shows answers in words; after a restart the channel is not told again."""
    ts = await late(sock)
    again = sock.as_before("request:M1")
    ben, _ = await sock.opened("ben", "glass", ts)
    await ben.submit({"reason": WHY, "confirm": "visits-router"})
    await sock.settle()
    before = (await sock.incident()).seq
    again()
    ben, text = await sock.opened("ben", "glass", ts, "info")
    assert "M1 is approved; there is nothing to decide alone" in text
    await sock.restart()
    await sock.show()
    incident = await sock.incident()
    assert incident.seq == before
    told = [one for room in sock.slack.workspace.memory.messages.values() for one in room.values()
            if "acts alone in M1" in str(one.get("blocks"))]  # fmt: skip
    assert len(told) == 1


async def test_whoever_may_not_act_alone_is_told_who_may(sock: Bench):
    """Ana is a responder: no dialog opens, and nothing is recorded."""
    ts = await late(sock)
    ana, before = await sock.person("ana"), (await sock.incident()).seq
    await ana.click("glass.open", in_thread_of=ts)
    await sock.settle()
    (words,) = sock.whispers("ana")
    assert words.startswith("Only admin or approver may act alone")
    assert await ana.views() == []
    assert (await sock.incident()).seq == before


async def test_a_wide_change_takes_a_code_alone_too_and_counsel_still_stops_it(sock: Bench):
    """The code's error stands at the code; that counsel holds everything is said before, and stays so."""
    await sock.declared()
    await sock.say(PlaceHold("the regulator asks"), "cleo")
    ts = await late(sock, klass=ActionClass.WIDE)
    ben, text = await sock.opened("ben", "glass", ts)
    assert "Counsel\\'s hold still stops it" in text or "Counsel's hold still stops it" in text
    given = {"reason": WHY, "confirm": "visits-router"}
    await ben.submit({**given, "code": "AAAAA-AAAAA"})
    assert list(await ben.errors()) == ["code"]
    code = await sock.desk.changes.give_code("INC-1", "M1", await sock.who("ben"))
    await ben.submit({**given, "code": code})
    await sock.settle()
    assert "waits for counsel" in sock.request()


async def test_what_ran_out_or_is_too_long_to_read_is_not_done_alone(sock: Bench):
    """The time of the proposal holds for one person as well; a plan that does not fit has no button."""
    ts = await late(sock)
    ben, _ = await sock.opened("ben", "glass", ts)
    sock.clock.forward(15 * 60)
    await ben.submit({"reason": WHY, "confirm": "visits-router"})
    assert "M1 expired at" in (await ben.errors())["reason"]
    await ben.close_view()
    await late(sock, undo="way " * 2_000)
    ben = await sock.person("ben")
    await ben.click("glass.open", ts=str(sock.posts("request:M2")[0]["ts"]), in_thread_of=ts)
    view = await ben.wait_for_view("glass")
    assert not view.get("submit")
    assert "too long for Slack" in str(view)


# -- afterwards ------------------------------------------------------------------------------------------------------


async def test_somebody_else_reviews_it_and_the_promise_is_kept_by_that(sock: Bench):
    """Not who acted; the promise to review has Review for its button, and closing it waits for that."""
    ts = await broken(sock)
    assert "acted alone" in sock.request()
    assert "Nobody has reviewed it yet." in sock.request()
    assert "M1 was done by one person alone, not reviewed yet" in str(sock.posts("card")[0]["blocks"])
    ben = await sock.person("ben")
    await ben.click("review.open", in_thread_of=ts)
    await sock.settle()
    assert sock.whispers("ben") == ["You acted in M1; somebody else must review it"]
    situation = await sock.desk.situation("INC-1")
    waits = home.waiting([situation], (await sock.who("dev")).person, sock.policy)
    assert ("review.open", "M1") in [(one.deed, one.item) for one in waits]
    owner = replace((await sock.who("ana")).person)
    tab = home.render([situation], owner, sock.policy, promised=[situation.incident])
    assert "review.open" in str(tab)
    assert "followup.done" not in str(tab)
    dev, text = await sock.opened("dev", "review", ts)
    assert "patients are *turned away*" in text
    await dev.submit({"justified": "no", "reason": " "})
    assert await dev.errors() == {"reason": "Say what you found."}
    await dev.submit({"justified": "no", "reason": "Dev was awake; ask him next time"})
    await sock.settle()
    incident = await sock.incident()
    assert incident.mitigations["M1"].reviewed_by == (await sock.who("dev")).id
    assert all(item.done is not None for item in incident.followups.values())
    assert "Reviewed by <@U0DEV>" in sock.request()
    assert "review.open" not in sock.request()


async def test_two_who_review_are_counted_once(sock: Bench):
    """The second reads who was first, in place of a form."""
    ts = await broken(sock)
    again = sock.as_before("request:M1")
    dev, _ = await sock.opened("dev", "review", ts)
    await dev.submit({"justified": "yes", "reason": "it could not wait"})
    await sock.settle()
    seq = (await sock.incident()).seq
    again()
    dev, text = await sock.opened("dev", "review", ts, "info")
    assert "M1 was reviewed by Dev Rao" in text
    assert (await sock.incident()).seq == seq


# -- what nobody can tell --------------------------------------------------------------------------------------------


async def test_that_nobody_can_tell_is_told_to_all_until_a_person_settled_it(sock: Bench):
    """A message of its own with the button; settled, it says what it is now, and is posted for nobody who comes later."""
    ts = await late(sock)
    ben, _ = await sock.opened("ben", "glass", ts)
    await ben.submit({"reason": WHY, "confirm": "visits-router"})
    plan = (await sock.incident()).mitigations["M1"].plan
    await sock.desk.submit("INC-1", ClaimMitigation("M1", plan.token, ((await sock.who("ben")).person,)))
    await sock.desk.submit("INC-1", ReportOutcome("M1", Outcome.UNKNOWN, "no answer in 10 s"))
    await sock.settle()
    name = next(surface for surface in surfaces(sock) if "Nobody can tell" in str(sock.posts(surface)))
    (message,) = sock.posts(name)
    assert "settle.open" in str(message["blocks"])
    waits = home.waiting([await sock.desk.situation("INC-1")], (await sock.who("dev")).person, sock.policy)
    assert ("settle.open", "M1") in [(one.deed, one.item) for one in waits]
    dev, _ = await sock.opened("dev", "settle", ts)
    await dev.submit({"outcome": "applied", "reason": "the router shows v1"})
    await sock.settle()
    (message,) = sock.posts(name)
    assert "settle.open" not in str(message["blocks"])
    assert "now applied" in str(message["blocks"])


def surfaces(bench: Bench) -> list[str]:
    """What is told aloud."""
    kept = bench.slack.workspace.memory.messages.get("C0INC", {}).values()
    named = [str((m.get("metadata") or {}).get("event_payload", {}).get("surface", "")) for m in kept]
    return [one for one in named if one.startswith("aloud:")]
