"""Over and learnt from: the checks before resolving, the 5 Whys in one dialog, and promises with owner and date."""

from collections.abc import AsyncIterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from bot.domain.approval import ApproveMitigation, DeclineMitigation
from bot.domain.checks import resolve_checks
from bot.domain.claim import ClaimMitigation
from bot.domain.errors import Refused
from bot.domain.execution import ReportOutcome
from bot.domain.finding import RecordFinding
from bot.domain.five_whys import AddWhy, NameRootCause, StrikeWhy
from bot.domain.followup import AddFollowUp
from bot.domain.hold import ReportHold
from bot.domain.lifecycle import Close, Resolve
from bot.domain.mitigation import Outcome
from bot.domain.phase import Phase
from bot.domain.saying import TakeBack
from bot.slack.views.resolve import question
from tests.kit import held
from tests.slack.bench import Bench


@pytest.fixture
async def bench(tmp_path: Path) -> AsyncIterator[Bench]:
    async with Bench.open(tmp_path) as made:
        yield made


async def button(bench: Bench, deed: str, item: str = "", room: str = "C0INC") -> None:
    """A button left behind in an older message."""
    value = f"INC-1/{item}" if item else "INC-1"
    made = {"type": "button", "action_id": deed, "value": value, "text": {"type": "plain_text", "text": "x"}}
    await bench.room.client.post(room, "old", [{"type": "actions", "elements": [made]}])


def block(view: dict[str, Any], name: str) -> dict[str, Any]:
    """The question of that name."""
    (found,) = [one for one in view["blocks"] if str(one.get("block_id", "")).partition(":")[0] == name]
    return found


def asked(view: dict[str, Any], name: str) -> str:
    """The block id of a question."""
    return str(block(view, name)["block_id"])


async def fill(bench: Bench, who: str, **given: Any) -> dict[str, Any]:
    """Send the dialog that is open, its questions by name; what then is open, {} where it closed."""
    person = await bench.person(who)
    view = (await person.views())[-1]
    await person.submit({asked(view, name): value for name, value in given.items()})
    await bench.settle()
    views = await person.views()
    return views[-1] if views else {}


async def whys_of(bench: Bench, who: str = "ana") -> dict[str, Any]:
    """Open the 5 Whys from the card's menu."""
    person = await bench.person(who)
    (card,) = bench.posts("card")
    await person.click("more", value="whys.open INC-1", ts=card["ts"])
    return await person.wait_for_view("whys")


async def told(bench: Bench) -> list[str]:
    situation = await bench.desk.situation("INC-1")
    return [situation.say(line) for line in situation.timeline]


# -- resolve ---------------------------------------------------------------------------------------------------------


async def resolving(bench: Bench, who: str = "ana") -> dict[str, Any]:
    person = await bench.person(who)
    (card,) = bench.posts("card")
    await person.click("more", value="resolve.open INC-1", ts=card["ts"])
    return await person.wait_for_view("resolve")


async def staying(bench: Bench) -> None:
    """A rollback that was carried out and stays."""
    await bench.desk.changes.propose("INC-1", "rollback-v1", "", await bench.who("ana"))
    proposed = (await bench.incident()).mitigations["M1"]
    await bench.say(ApproveMitigation("M1", proposed.digest), "ben")
    await bench.desk.submit("INC-1", ReportHold("M1", held("a snapshot"), ()))
    await bench.desk.submit("INC-1", ClaimMitigation("M1", proposed.plan.token, ((await bench.who("ben")).person,)))
    await bench.desk.submit("INC-1", ReportOutcome("M1", Outcome.APPLIED, "done"))
    await bench.settle()


async def test_each_open_check_takes_its_own_reason(bench: Bench):
    """Two proposals wait: one reason is not enough, and each stands in the timeline and in the summary."""
    await bench.declared()
    for offer in ("rollback-v1", "bypass-poor"):
        await bench.desk.changes.propose("INC-1", offer, "", await bench.who("ana"))
    await bench.settle()
    await resolving(bench)
    first, second = [question(check) for check in resolve_checks(await bench.incident()) if check.open]
    ana = await bench.person("ana")
    with pytest.raises(Refused, match=second):  # Slack itself asks for the other
        await ana.submit({"summary": "It is over", first: "withdrawn"})
    await ana.submit({"summary": "It is over", first: "withdrawn", second: "  "})
    assert await ana.errors() == {second: "Say why it is over all the same."}
    await ana.submit({"summary": "It is over", first: "withdrawn", second: "not needed any more"})
    await bench.settle()
    assert (await bench.incident()).phase is Phase.RESOLVED
    (summary,) = bench.posts("summary")
    for words in (str(summary["blocks"]), (await told(bench))[-1]):
        assert "M1 is still under way (proposed), because withdrawn" in words
        assert "M2 is still under way (proposed), because not needed any more" in words


async def test_a_check_that_changed_brings_the_dialog_back(bench: Bench):
    """A proposal came after the dialog was opened: the new list is shown, and what was typed is still there."""
    await bench.declared()
    await resolving(bench)
    await bench.desk.changes.propose("INC-1", "rollback-v1", "", await bench.who("ben"))
    ana = await bench.person("ana")
    await ana.submit({"summary": "It is over, the labels are back"})
    (view,) = await ana.views()
    assert "Something changed meanwhile" in str(view["blocks"])
    assert "✗ M1 is still under way (proposed)" in str(view["blocks"])
    assert view["state"]["values"]["summary"]["value"]["value"] == "It is over, the labels are back"
    assert (await bench.incident()).is_open
    (check,) = [check for check in resolve_checks(await bench.incident()) if check.open]
    await ana.submit({question(check): "withdrawn"})
    assert (await bench.incident()).phase is Phase.RESOLVED


async def test_a_check_that_was_met_meanwhile_needs_no_reason(bench: Bench):
    """The other way round: the proposal was declined, the dialog says so and asks no more."""
    await bench.declared()
    await bench.desk.changes.propose("INC-1", "rollback-v1", "", await bench.who("ana"))
    await bench.settle()
    await resolving(bench)
    (check,) = [check for check in resolve_checks(await bench.incident()) if check.open]
    await bench.say(DeclineMitigation("M1", "no"), "ben")
    ana = await bench.person("ana")
    await ana.submit({"summary": "It is over", question(check): "it waits for nobody"})
    (view,) = await ana.views()
    assert "waive-" not in str(view["blocks"])
    await ana.submit({})
    await bench.settle()
    assert "waived" not in (await told(bench))[-1]


async def test_what_stays_in_place_becomes_a_promise(bench: Bench):
    """The tick is set; the lead has fourteen days, and the summary lists it with its button."""
    await bench.declared()
    await staying(bench)
    view = await resolving(bench)
    assert "M1 (rollback on visits-router) stays in place" in str(view["blocks"])
    await fill(bench, "ana", summary="v1 is back")
    (item,) = (await bench.incident()).followups.values()
    assert item.owner == (await bench.who("ana")).id
    assert item.due == (bench.clock.now() + timedelta(days=14)).date()
    assert "M1 (rollback on visits-router) permanent, or undo it" in item.text
    assert item.text in str(bench.posts("summary")[0]["blocks"])


async def test_the_tick_taken_away_makes_none(bench: Bench):
    """Nobody is promised anything they did not want."""
    await bench.declared()
    await staying(bench)
    await resolving(bench)
    await fill(bench, "ana", summary="v1 is back", permanent=[])
    assert (await bench.incident()).phase is Phase.RESOLVED
    assert (await bench.incident()).followups == {}


async def test_resolving_twice_and_by_whom(bench: Bench):
    """The second dialog that is sent changes nothing; one opened later says that it is over; counsel may not."""
    await bench.declared()
    cleo = await bench.person("cleo", "C0LEGAL")
    await button(bench, "resolve.open", room="C0LEGAL")
    await cleo.click("resolve.open", room="C0LEGAL")
    await cleo.submit({"summary": "over"})
    assert "may resolve an incident" in str(await cleo.errors())
    await resolving(bench)
    await resolving(bench, "ben")
    await fill(bench, "ana", summary="over")
    assert await fill(bench, "ben", summary="over, says ben") == {}
    assert sum("resolved it" in line for line in await told(bench)) == 1
    await button(bench, "resolve.open")
    ana = await bench.person("ana")
    await ana.click("resolve.open")
    assert "INC-1 is resolved already." in str(await ana.views())


# -- 5 whys ----------------------------------------------------------------------------------------------------------


async def test_one_dialog_from_the_symptom_to_the_promise(bench: Bench):
    """Answers, a branch, back, the root, what will change, and the tree again: always the same dialog."""
    await bench.declared()
    await bench.say(RecordFinding("label rate is 0", "ana"), "ana")
    first = await whys_of(bench)
    ana = await bench.person("ana")
    view = await fill(bench, "ana", answer="v2 never saw a sick person", evidence="F1")
    assert block(view, "answer")["label"]["text"] == "Why “v2 never saw a sick person”?"
    view = await fill(bench, "ana", answer="The export filtered them", evidence="assumed")
    await ana.click_in_view("whys.ask")  # back
    (view,) = await ana.views()
    assert block(view, "answer")["label"]["text"] == "Why “v2 never saw a sick person”?"
    await ana.click_in_view("more.branch", value="whys.ask INC-1/-")
    (view,) = await ana.views()
    assert block(view, "answer")["label"]["text"] == "Why: “Recall is down”?"
    view = await fill(bench, "ana", answer="The gate does not look at slices", root=["root"])
    assert view["callback_id"] == "followup"
    assert "The gate does not look at slices" in str(view["blocks"])
    view = await fill(bench, "ana", text="Gate every slice", owner="U0BEN", due="2027-06-30")
    assert view["id"] == first["id"]
    assert view["callback_id"] == "whys"
    assert "no follow-up yet" not in str(view["blocks"])
    incident = await bench.incident()
    assert {why.id: (why.parent, why.evidence, why.root) for why in incident.whys.values()} == {
        "W1": ("", "F1", False), "W2": ("W1", "", False), "W3": ("", "", True),
    }  # fmt: skip
    (item,) = incident.followups.values()
    assert (item.why, item.owner, item.due.isoformat()) == ("W3", (await bench.who("ben")).id, "2027-06-30")
    assert len(await ana.views()) == 1


async def test_a_root_without_a_promise_stays_marked(bench: Bench):
    """Put off, it is marked in the tree with its button, in the summary too, until somebody promises."""
    await bench.declared()
    await bench.say(AddWhy("The gate does not look at slices"), "ana")
    await bench.say(NameRootCause("W1"), "ana")
    await bench.say(Resolve("over", "seen"), "ana")
    assert "no follow-up yet" in str(bench.posts("summary")[0]["blocks"])
    view = await whys_of(bench)
    assert "root cause, no follow-up yet" in str(view["blocks"])
    ana = await bench.person("ana")
    await ana.click_in_view("whys.followup")
    view = await fill(bench, "ana", text="Gate every slice", owner="U0ANA")
    assert "no follow-up yet" not in str(view["blocks"])
    assert "no follow-up yet" not in str(bench.posts("summary")[0]["blocks"])


async def test_five_deep_the_root_is_asked_for(bench: Bench):
    """At the fifth why, or where the words say that we control it, a button names it; then what will change is asked."""
    await bench.declared()
    await whys_of(bench)
    for number in range(4):
        view = await fill(bench, "ana", answer=f"because {number}")
        assert "root cause" not in str([one for one in view["blocks"] if one["type"] == "section"])
    view = await fill(bench, "ana", answer="because 4")
    assert "Name W5 a root cause" in str(view["blocks"])
    view = await fill(bench, "ana", answer="The schedule, which we control")
    ana = await bench.person("ana")
    await ana.click_in_view("whys.root")
    (view,) = await ana.views()
    assert view["callback_id"] == "followup"
    assert (await bench.incident()).whys["W6"].root


async def test_two_people_answer_the_same_why(bench: Bench):
    """Both answers are kept as branches, and the second sees the tree as it is."""
    await bench.declared()
    await bench.say(AddWhy("The labels are gone"), "ana")
    await whys_of(bench)
    await whys_of(bench, "ben")
    await fill(bench, "ana", answer="The export filtered them")
    view = await fill(bench, "ben", answer="The join dropped them")
    assert "The export filtered them" in str(view["blocks"])
    assert {why.parent for why in (await bench.incident()).whys.values()} == {"", "W1"}
    view = await fill(bench, "ana", answer="The join dropped them")
    assert len((await bench.incident()).whys) == 4  # below Ana's own answer it is another branch


async def test_the_same_dialog_sent_twice_is_one_answer(bench: Bench):
    """Slack delivers it again: one answer, and the tree comes back."""
    await bench.declared()
    await whys_of(bench)
    await fill(bench, "ana", answer="The labels are gone", root=["root"])
    entries = [one for one in bench.slack.traffic.entries if (one["sent"] or {}).get("type") == "view_submission"]
    again = await bench.slack.delivery.send("interactive", entries[-1]["sent"])
    assert again.acked
    assert [why.root for why in (await bench.incident()).whys.values()] == [True]
    assert sum("named a root cause" in line for line in await told(bench)) == 1


async def test_the_why_was_struck_below_the_dialog(bench: Bench):
    """Answer, branch and button of a stale dialog: it says what happened and shows the tree, and nothing typed is lost."""
    await bench.declared()
    await bench.say(AddWhy("The labels are gone"), "ana")
    await bench.say(AddWhy("The export filtered them", "W1"), "ana")
    view = await whys_of(bench)
    await whys_of(bench, "ben")
    await bench.say(StrikeWhy("W1", "the labels were there"), "dev")
    question_of = asked(view, "answer")
    view = await fill(bench, "ana", answer="Somebody changed the filter")
    assert "W2 was struck meanwhile (the labels were there)" in str(view["blocks"])
    assert view["state"]["values"][question_of]["value"]["value"] == "Somebody changed the filter"
    assert (await bench.incident()).whys == {}
    ben = await bench.person("ben")
    await ben.click_in_view("more.fix", value="whys.fix INC-1/W2")
    assert "W2 is in the tree no more" in str(await ben.views())
    await fill(bench, "ana", answer="Somebody changed the filter")
    assert [why.id for why in (await bench.incident()).whys.values()] == ["W3"]


async def test_correcting_and_striking(bench: Bench):
    """Words and evidence set right in the same dialog; struck with a reason it takes what is below along."""
    await bench.declared()
    await bench.say(RecordFinding("the export has a filter", "ana"), "ana")
    await bench.say(AddWhy("The join lost them"), "ana")
    await bench.say(AddWhy("Nobody tests joins", "W1"), "ana")
    await whys_of(bench)
    ana = await bench.person("ana")
    await ana.click_in_view("more.fix", value="whys.fix INC-1/W1")
    (view,) = await ana.views()
    assert view["state"]["values"]["text:W1"]["value"]["value"] == "The join lost them"
    assert "with the 1 answer below it" in str(view["blocks"])
    view = await fill(bench, "ana", text="The export filtered them", evidence="F1")
    assert "W1 is corrected." in str(view["blocks"])
    why = (await bench.incident()).whys["W1"]
    assert (why.text, why.evidence) == ("The export filtered them", "F1")
    await ana.click_in_view("more.fix", value="whys.fix INC-1/W1")
    view = await fill(bench, "ana", strike="the filter is older")
    assert "W1 was struck" in str(view["blocks"])
    assert set((await bench.incident()).struck) == {"W1", "W2"}
    assert any("The join lost them" in line for line in await told(bench))


async def test_a_dialog_that_changed_meanwhile_is_drawn_again(bench: Bench):
    """Slack says that the dialog is another one by now (hash_conflict): it is drawn as things are."""
    await bench.declared()
    await bench.say(AddWhy("The labels are gone"), "ana")
    view = await whys_of(bench)
    ana = await bench.person("ana")
    shown = bench.slack.dialogs.find(view["id"])[1]
    payload = {
        "type": "block_actions", "user": {"id": "U0ANA", "team_id": "T0TOCSIN"}, "team": {"id": "T0TOCSIN"},
        "trigger_id": "late.1", "view": {**shown, "hash": "older"},
        "actions": [{"action_id": "whys.ask", "type": "button", "value": "INC-1/-", "block_id": "b", "action_ts": "1"}],
    }  # fmt: skip
    told_of = await bench.slack.delivery.send("interactive", payload)
    assert told_of.acked
    (view,) = await ana.views()
    assert block(view, "answer")["label"]["text"] == "Why: “Recall is down”?"
    outcomes = [one["outcome"] for one in bench.calls("views.update")]
    assert outcomes[-2:] == ["hash_conflict", "ok"]


async def test_evidence_that_was_taken_back_is_none(bench: Bench):
    """It is not offered any more; an answer that rested on it says so, and a stale choice is marked at its question."""
    await bench.declared()
    await bench.say(RecordFinding("label rate is 0", "ana", said="C0INC/1.0"), "ana")
    await bench.say(AddWhy("The labels are gone", evidence="F1"), "ana")
    await whys_of(bench)
    await bench.say(TakeBack("C0INC/1.0"), "ana")
    ana = await bench.person("ana")
    (view,) = await ana.views()
    await ana.submit({asked(view, "answer"): "The export", asked(view, "evidence"): "F1"})
    assert "F1 was taken back" in (await ana.errors())[asked(view, "evidence")]
    await ana.close_view()
    view = await whys_of(bench)
    assert "assumed: F1 was taken back" in str(view["blocks"])
    assert "F1 label rate" not in str(block(view, "evidence"))


async def test_a_large_tree_is_read_on_the_console(bench: Bench):
    """More than sixty answers: the dialog counts them, links to the console and still asks on."""
    await bench.declared()
    for number in range(61):
        await bench.desk.submit("INC-1", AddWhy(f"because {number}"), await bench.who("ana"))
    view = await whys_of(bench)
    assert "61 answers so far" in str(view["blocks"])
    assert "tocsin.example/incidents/INC-1" in str(view["blocks"])
    view = await fill(bench, "ana", answer="one more")
    assert "62 answers so far" in str(view["blocks"])


async def test_learning_goes_on_when_it_is_closed_and_not_for_counsel(bench: Bench):
    """A closed incident still takes answers; counsel reads why they cannot give one."""
    await bench.declared()
    await bench.say(Resolve("over", "seen"), "ana")
    await bench.say(Close(), "ana")
    await whys_of(bench)
    view = await fill(bench, "ana", answer="The labels are gone")
    assert "The labels are gone" in str(view["blocks"])
    await button(bench, "whys.open", room="C0LEGAL")
    cleo = await bench.person("cleo", "C0LEGAL")
    await cleo.click("whys.open", room="C0LEGAL")
    view = await fill(bench, "cleo", answer="because")
    assert "may answer a why" in str(await cleo.errors())
    assert len((await bench.incident()).whys) == 1


async def test_a_restart_in_the_middle_loses_no_answer(bench: Bench):
    """Every answer was recorded when it was sent; the tree is there again afterwards."""
    await bench.declared()
    await whys_of(bench)
    await fill(bench, "ana", answer="The labels are gone")
    await bench.restart()
    ana = await bench.person("ana")
    await ana.close_view(everything=True)
    assert "The labels are gone" in str((await whys_of(bench))["blocks"])


async def test_slack_goes_away_while_the_dialog_is_redrawn(bench: Bench):
    """The look elsewhere is not shown, and what was answered before is kept."""
    await bench.declared()
    await bench.say(AddWhy("The labels are gone"), "ana")
    await whys_of(bench)
    bench.fault("views.update", "outage")
    ana = await bench.person("ana")
    assert (await ana.click_in_view("whys.ask"))["acked"]
    await bench.settle()
    assert "what was recorded stands" in str((await ana.views())[-1])
    await ana.close_view()
    await ana.click_in_view("whys.ask")
    (view,) = await ana.views()
    assert block(view, "answer")["label"]["text"] == "Why: “Recall is down”?"


# -- follow-ups ------------------------------------------------------------------------------------------------------


async def promised(bench: Bench, owner: str = "ben") -> None:
    await bench.declared()
    due = (bench.clock.now() + timedelta(days=7)).date()
    await bench.say(AddFollowUp("Gate every slice", (await bench.who(owner)).id, due), "ana")
    await bench.say(Resolve("over", "seen"), "ana")


async def test_done_and_done_again(bench: Bench):
    """The summary's button ends it once; pressed in an older message it says so; the summary strikes it off."""
    await promised(bench)
    ana, ben = await bench.person("ana"), await bench.person("ben")
    (card,) = bench.posts("card")
    await button(bench, "followup.done", "U1")
    await ana.click("followup.done", in_thread_of=card["ts"])
    await bench.settle()
    assert (await bench.incident()).followups["U1"].done is not None
    assert "✓ U1 Gate every slice" in str(bench.posts("summary")[0]["blocks"])
    assert "followup.done" not in str(bench.posts("summary")[0]["blocks"])
    await ben.click("followup.done")
    await bench.settle()
    assert bench.whispers("ben") == ["U1 is done already."]
    await button(bench, "followup.done", "U9")
    await ben.click("followup.done")
    await bench.settle()
    assert bench.whispers("ben")[-1] == "There is no follow-up U9"


async def test_a_promise_changes_hands_in_the_summary(bench: Bench):
    """Owner and day are chosen, not typed; a day that has passed and a stranger are marked at their questions."""
    await promised(bench)
    ana = await bench.person("ana")
    (card,) = bench.posts("card")
    await ana.click("more.followup", in_thread_of=card["ts"], value="followup.change INC-1/U1")
    view = await ana.wait_for_view("followup.move")
    assert block(view, "due")["element"]["type"] == "datepicker"
    assert block(view, "owner")["element"]["initial_user"] == "U0BEN"
    await ana.submit({"owner": "U0GUS", "due": "2027-01-31"})
    assert "does not know" in (await ana.errors())["owner"]
    await ana.submit({"owner": "U0DEV", "due": "2001-01-01"})
    assert "passed already" in (await ana.errors())["due"]
    await ana.submit({"owner": "U0DEV", "due": "2027-01-31"})
    await bench.settle()
    item = (await bench.incident()).followups["U1"]
    assert (item.owner, item.due.isoformat()) == ((await bench.who("dev")).id, "2027-01-31")
    assert "<@U0DEV> until 2027-01-31" in str(bench.posts("summary")[0]["blocks"])


async def test_counsel_moves_their_own_promise_from_the_home_tab(bench: Bench):
    """The owner may, whatever their role; nobody else's."""
    await promised(bench, "cleo")
    cleo = await bench.person("cleo")
    await cleo.open_home()
    await bench.slack.delivery.settle()
    await bench.settle()
    home = await cleo.home()
    assert home is not None
    body = {"view_id": home["id"], "action_id": "more.followup", "value": "followup.change INC-1/U1"}
    await cleo._post("click", body)
    await cleo.wait_for_view("followup.move")
    await cleo.submit({"owner": "U0CLEO", "due": "2027-01-31"})
    assert (await bench.incident()).followups["U1"].due.isoformat() == "2027-01-31"


async def test_a_promise_made_by_hand(bench: Bench):
    """From the card's button after the end: the day is chosen, fourteen days ahead at first."""
    await bench.declared()
    await bench.say(Resolve("over", "seen"), "ana")
    ana = await bench.person("ana")
    (card,) = bench.posts("card")
    await ana.click("followup.open", ts=card["ts"])
    view = await ana.wait_for_view("followup")
    ahead = (bench.clock.now() + timedelta(days=14)).date().isoformat()
    assert block(view, "due")["element"]["initial_date"] == ahead
    assert await fill(bench, "ana", text="Test the export") == {}
    (item,) = (await bench.incident()).followups.values()
    assert (item.owner, item.due.isoformat()) == ((await bench.who("ana")).id, ahead)
