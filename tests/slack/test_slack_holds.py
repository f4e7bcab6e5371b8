"""Holds in Slack: counsel stops what is altered and lets it go on, people at risk do not wait, and both are heard."""

from __future__ import annotations

from pathlib import Path

from bot.domain.approval import ApproveMitigation
from bot.domain.claim import ClaimMitigation
from bot.domain.execution import ReportOutcome
from bot.domain.hold import HoldPlaced, PlaceHold, ReleaseHold, ReportHold
from bot.domain.mitigation import Outcome
from bot.slack.wanted import wanted
from tests.kit import CLEO, declared, held
from tests.slack.bench import Bench
from tests.slack.situations import SETTINGS, seen
from tests.slack.test_slack_typed import typed

LEGAL = "C0LEGAL"


async def approved(bench: Bench, *, secured: bool = True) -> str:
    """Ana proposed and Ben approved; the ts of the card."""
    ts = await bench.proposed()
    if secured:
        await bench.desk.submit("INC-1", ReportHold("M1", held("rows")))
    await bench.say(ApproveMitigation("M1", (await bench.incident()).mitigations["M1"].digest), "ben")
    return ts


def legal(bench: Bench) -> list[str]:
    """What stands in counsel's own channel."""
    kept = bench.slack.workspace.memory.messages.get(LEGAL, {}).values()
    return [str(one["blocks"]) for one in kept]


# -- counsel's hold --------------------------------------------------------------------------------------------------


async def test_counsel_places_a_hold_and_everybody_hears_of_it(bench: Bench):
    """From Legal and impact; the whole channel is told, the card says so, what was approved waits for counsel."""
    ts = await approved(bench)
    cleo = await bench.person("cleo")
    await cleo.click("more", ts=ts, value="legal.open INC-1")
    await cleo.wait_for_view("legal")
    await cleo.click_in_view("hold.open")
    text = str(await cleo.wait_for_view("hold"))
    assert "M1 will wait" in text
    assert "write nothing that is privileged" in text
    await cleo.submit({"reason": " "})
    assert await cleo.errors() == {"reason": "Say why."}
    await cleo.submit({"reason": "the regulator asks for v2"})
    assert await cleo.views() == []
    await bench.settle()
    assert "waits for counsel" in bench.request()
    card = str(bench.posts("card")[0]["blocks"])
    assert "⚠ *Legal hold* by <@U0CLEO>" in card
    assert "is approved and waits for counsel" in card
    (heard,) = [
        one for one in bench.calls("chat.postMessage") if "placed a legal hold" in str(one) and "broadcast" in str(one)
    ]
    assert heard
    (own,) = legal(bench)
    assert "release.open" in own
    assert "M1 waits for it" in own


async def test_a_responder_neither_holds_nor_releases(sock: Bench):
    """The overview shows the hold to whoever reads it, and the button to counsel alone; a borrowed one is refused."""
    ts = await approved(sock)
    ana = await sock.person("ana")
    await ana.click("more", ts=ts, value="legal.open INC-1")
    assert "hold.open" not in str(await ana.wait_for_view())
    await ana.close_view()
    await sock.say(PlaceHold("wait"), "cleo")
    await ana.click("more", ts=ts, value="legal.open INC-1")
    text = str(await ana.wait_for_view())
    assert "*Legal hold* by <@U0CLEO>" in text
    assert "release.open" not in text
    await ana.close_view()
    signed, told = await typed(sock, "ana", "release I need it")
    assert (signed, "Only counsel may release a legal hold" in told[0]) == (False, True)
    assert (await sock.incident()).legal_hold is not None


async def test_counsel_releases_it_in_their_own_channel_once(sock: Bench):
    """What waited may go on; both messages say that it is over, and a second click that there is none."""
    await approved(sock)
    await sock.say(PlaceHold("the regulator asks"), "cleo")
    cleo = await sock.person("cleo")
    (seq,) = [entry.seq for entry in await sock.log.entries("INC-1") if isinstance(entry.event, HoldPlaced)]
    again = sock.as_before(f"hold:{seq}", LEGAL)
    await cleo.click("release.open", room=LEGAL)
    assert "Carried out then, if still in time: M1" in str(await cleo.wait_for_view("release"))
    await cleo.submit({"reason": "a copy is safe"})
    await sock.settle()
    assert (await sock.incident()).legal_hold is None
    assert "Legal hold" not in str(sock.posts("card")[0]["blocks"])
    assert "waits for counsel" not in sock.request()
    (own,) = legal(sock)
    assert "is over" in own
    assert "release.open" not in own
    seq = (await sock.incident()).seq
    again()
    await cleo.click("release.open", room=LEGAL)
    await sock.settle()
    assert "There is no legal hold on INC-1 any more" in str(sock.slack.workspace.ephemerals)
    assert (await sock.incident()).seq == seq


async def test_an_approver_overrides_it_for_one_change_and_counsel_is_told(sock: Bench):
    """Not the proposer; the hold stays for everything else, and counsel reads who set it aside and why."""
    ts = await approved(sock)
    await sock.say(PlaceHold("the regulator asks"), "cleo")
    assert "override.open" in sock.request()
    ana = await sock.person("ana")
    await ana.click("override.open", in_thread_of=ts)
    await sock.settle()
    assert "Only admin or approver may override a legal hold" in sock.whispers("ana")[0]
    dev, text = await sock.opened("dev", "override", ts)
    assert "the regulator asks" in text
    await dev.submit({"reason": "patients wait <!here>"})
    await sock.settle()
    assert "Goes ahead in spite of the legal hold: patients wait &lt;!" in sock.request()
    assert "override.open" not in sock.request()
    assert (await sock.incident()).legal_hold is not None
    hold, aside = legal(sock)
    assert "release.open" in hold
    assert "<@U0DEV> overrode the legal hold for M1" in aside


async def test_a_hold_keeps_what_was_applied_from_being_taken_back(sock: Bench):
    """In place of Undo stands what it takes to override; released, Undo is there again."""
    await approved(sock)
    plan = (await sock.incident()).mitigations["M1"].plan
    await sock.desk.submit("INC-1", ClaimMitigation("M1", plan.token, ((await sock.who("ben")).person,)))
    await sock.desk.submit("INC-1", ReportOutcome("M1", Outcome.APPLIED, "weights are v1 100"))
    await sock.say(PlaceHold("the regulator asks"), "cleo")
    assert "undo.open" not in sock.request()
    assert "Taking it back waits until counsel releases the hold" in sock.request()
    assert "override.open" in sock.request()
    await sock.say(ReleaseHold("a copy is safe"), "cleo")
    assert "undo.open" in sock.request()


async def test_counsel_types_it_as_well(sock: Bench):
    """In the thread: recorded with a sign, or why it changes nothing; whoever is no counsel is told so."""
    await approved(sock)
    assert await typed(sock, "cleo", "hold the regulator asks") == (True, [])
    assert (await sock.incident()).legal_hold is not None
    assert await typed(sock, "cleo", "hold the regulator asks") == (False, ["INC-1 is held for that reason already."])
    assert await typed(sock, "cleo", "release") == (False, ["Say why it may be released"])
    assert await typed(sock, "cleo", "release a copy is safe") == (True, [])
    assert await typed(sock, "cleo", "release a copy is safe") == (False, ["There is no legal hold on INC-1."])


def test_a_hold_that_came_and_went_while_slack_was_away_is_not_told_any_more() -> None:
    """Nor is an earlier reason once another took its place; what stands is told."""
    story = declared().when(PlaceHold("first"), CLEO).after(minutes=1).when(PlaceHold("second"), CLEO)
    fresh = {one.name: one.fresh for one in wanted(seen(story), SETTINGS) if "aloud" in one.name}
    assert list(fresh.values()) == [False, True]
    over = story.after(minutes=1).when(ReleaseHold("safe"), CLEO)
    told = [one for one in wanted(seen(over), SETTINGS) if "aloud" in one.name]
    assert [(one.fresh, one.broadcast) for one in told] == [(False, True), (False, True), (True, False)]


# -- people at risk --------------------------------------------------------------------------------------------------


async def test_where_people_are_at_risk_nobody_waits_for_the_evidence(sock: Bench):
    """Offered while it is being secured and only then; the reason stands in the message, what comes late is kept."""
    ts = await approved(sock, secured=False)
    assert "Go ahead without the evidence" in sock.request()
    ana = await sock.person("ana")
    await ana.click("skip.open", in_thread_of=ts)
    await sock.settle()
    assert "Only admin or approver may go ahead without the evidence" in sock.whispers("ana")[0]
    dev, text = await sock.opened("dev", "skip", ts)
    assert "Only where people are at risk" in text
    await dev.submit({"reason": " "})
    assert await dev.errors() == {"reason": "Say who is at risk."}
    await dev.submit({"reason": "patients are sent home"})
    await sock.settle()
    assert "Does not wait for the evidence: patients are sent home" in sock.request()
    assert "skip.open" not in sock.request()
    assert (await sock.incident()).mitigations["M1"].hold_finished


async def test_evidence_that_was_held_meanwhile_is_not_waived(sock: Bench):
    """A button pressed too late opens nothing; a dialog that stood open changes nothing."""
    ts = await approved(sock, secured=False)
    dev, _ = await sock.opened("dev", "skip", ts)
    again = sock.as_before("request:M1")
    await sock.desk.submit("INC-1", ReportHold("M1", held("rows")))
    await sock.settle()
    assert "Evidence held: rows" in sock.request()
    seq = (await sock.incident()).seq
    await dev.submit({"reason": "patients are sent home"})
    assert await dev.views() == []
    again()
    await dev.click("skip.open", in_thread_of=ts)
    await sock.settle()
    assert sock.whispers("dev") == ["Nothing waits for the evidence of M1 any more"]
    assert (await sock.incident()).seq == seq


async def test_holds_survive_a_restart_and_are_told_once(tmp_path: Path):
    """Another process shows the same hold in the same messages."""
    async with Bench.open(tmp_path) as bench:
        await approved(bench)
        await bench.say(PlaceHold("the regulator asks"), "cleo")
        count = len(bench.calls("chat.postMessage"))
        await bench.restart()
        await bench.show()
        assert len(bench.calls("chat.postMessage")) == count
        assert "waits for counsel" in bench.request()
        dev, _ = await bench.opened("dev", "override", str(bench.posts("card")[0]["ts"]))
        await dev.submit({"reason": "patients wait"})
        await bench.settle()
        assert (await bench.incident()).mitigations["M1"].override == "patients wait"
