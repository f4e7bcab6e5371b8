"""The 5 Whys in one dialog, from the symptom to the promise."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from bot.domain.finding import RecordFinding
from bot.domain.five_whys import AddWhy, NameRootCause, StrikeWhy
from bot.domain.lifecycle import Close, Resolve
from bot.domain.saying import TakeBack
from tests.slack.bench import Bench
from tests.slack.learning import asked, block, button, fill, told, whys_of


@pytest.fixture
async def bench(tmp_path: Path) -> AsyncIterator[Bench]:
    async with Bench.open(tmp_path) as made:
        yield made


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
