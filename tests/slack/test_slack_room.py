"""A responder's night in Slack: the card, the thread, the dialogs and the refusals, by socket and by signed HTTP."""

import asyncio

import pytest

from bot.domain.errors import Refused
from bot.domain.mitigation import State
from bot.domain.phase import Phase
from bot.domain.policy import Severity
from bot.domain.roles import Part
from tests.slack.bench import Bench


async def test_acknowledging_from_the_card(bench: Bench):
    """The card is there with one button; the click is recorded once and the same message then names the lead."""
    await bench.declared()
    ana = await bench.person("ana")
    told = await ana.click("ack", within=5)
    assert told["acked"]
    await bench.settle()
    incident = await bench.incident()
    assert incident.phase is Phase.ACKNOWLEDGED
    assert incident.parts[Part.COMMANDER] == (await bench.who("ana")).id
    (card,) = bench.posts("card")
    assert "<@U0ANA>" in str(card["blocks"])
    assert "Acknowledge" not in str(card["blocks"])


async def test_the_second_person_to_acknowledge_is_told_who_was_first(sock: Bench):
    """A click that changes nothing is answered, not swallowed."""
    await sock.declared()
    ana, ben = await sock.person("ana"), await sock.person("ben")
    (card,) = sock.posts("card")
    await ana.click("ack")
    await ben.click("ack", ts=card["ts"])
    await sock.settle()
    assert sock.whispers("ben") == ["Ana Souza acknowledged INC-1 already."]


async def test_a_rollback_needs_two_people_who_read_the_same_plan(bench: Bench):
    """Proposed by Ana, refused to Ana with the reason, approved by Ben: exactly that digest."""
    await bench.declared()
    ana, ben = await bench.person("ana"), await bench.person("ben")
    await ana.click("propose.open", within=5)
    view = await ana.wait_for_view("propose")
    assert "Roll back to v1" in str(view["blocks"])
    await ana.submit({"offer": "rollback-v1", "reason": "v2 is wrong"})
    await bench.settle()
    mitigation = (await bench.incident()).mitigations["M1"]
    assert mitigation.because == "v2 is wrong"
    (card,) = bench.posts("card")
    await ana.click("approve.open", in_thread_of=card["ts"], within=5)
    await ana.wait_for_view("approve")
    await ana.submit({})
    assert "Only admin or approver may approve a class 2 change" in str(await ana.views())
    assert (await bench.incident()).mitigations["M1"].state is State.PROPOSED
    await ben.click("approve.open", in_thread_of=card["ts"])
    view = await ben.wait_for_view("approve")
    assert mitigation.digest in str(view["blocks"])
    assert "weights v1: 0 → 100" in str(view["blocks"])
    told = await ben.submit({})
    assert told["acked"]
    assert not await ben.views()
    await bench.settle()
    approvals = (await bench.incident()).mitigations["M1"].approvals
    assert [given.digest for given in approvals] == [mitigation.digest]
    (request,) = bench.posts("request:M1")
    assert "approve.open" not in str(request["blocks"])


async def test_an_approver_who_proposes_reads_that_a_second_person_must(sock: Bench):
    """The words of the refusal reach the person, in the dialog they pressed in."""
    await sock.declared()
    ben = await sock.person("ben")
    await sock.desk.changes.propose("INC-1", "rollback-v1", "", await sock.who("ben"))
    await sock.settle()
    (card,) = sock.posts("card")
    await ben.click("approve.open", in_thread_of=card["ts"])
    await ben.submit({})
    assert "You proposed M1; a second person must approve it" in str(await ben.views())


async def test_the_worst_incidents_ask_for_the_targets_name(sock: Bench):
    """SEV1: approving takes typing what will be changed; a wrong name is marked at its question."""
    await sock.declared(severity=Severity.SEV1)
    await sock.desk.changes.propose("INC-1", "rollback-v1", "", await sock.who("ana"))
    await sock.settle()
    ben = await sock.person("ben")
    (card,) = sock.posts("card")
    await ben.click("approve.open", in_thread_of=card["ts"])
    await ben.submit({"confirm": "visits"})
    assert await ben.errors() == {"confirm": "Type visits-router exactly."}
    await ben.submit({"confirm": "visits-router"})
    assert (await sock.incident()).mitigations["M1"].state is State.APPROVED


async def test_following_a_runbook_from_the_thread(bench: Bench):
    """Start it from the card, answer by a button and by a dialog: one live step, the earlier one shrinks to a line."""
    await bench.declared()
    ana = await bench.person("ana")
    await ana.click("runbook.open")
    await ana.wait_for_view("runbook")
    await ana.submit({"book": "bad-release"})
    await bench.settle()
    (card,) = bench.posts("card")
    assert "Step 1 of 4" in str(card["blocks"])
    await ana.click("step.do.1", in_thread_of=card["ts"], within=5)
    await bench.settle()
    run = (await bench.incident()).run
    assert run.done[0].answer == "differs"
    assert run.current == "wait"
    (first,) = bench.posts("step:1")
    assert [block["type"] for block in first["blocks"]] == ["context"]
    assert bench.posts("step:2") == []  # a step the bot does itself needs no message


async def test_a_stale_step_button_is_refused_with_the_answer_given(sock: Bench):
    """Two people answer the same step: the slower one reads what was answered."""
    await sock.declared()
    await sock.desk.start_runbook("INC-1", "bad-release", await sock.who("ana"))
    await sock.settle()
    ana, ben = await sock.person("ana"), await sock.person("ben")
    (card,) = sock.posts("card")
    (step,) = sock.posts("step:1")
    await ana.click("step.do.0", in_thread_of=card["ts"], ts=step["ts"])
    await ben.click("step.do.1", in_thread_of=card["ts"], ts=step["ts"])
    await sock.settle()
    assert "answered already: same" in sock.whispers("ben")[0]


async def test_five_whys_grow_in_one_dialog(sock: Bench):
    """Each answer updates the same dialog; an answer that names a person is met with a question about the system."""
    await sock.declared()
    ana = await sock.person("ana")
    await ana.click("more", value="whys.open INC-1")
    first = await ana.wait_for_view("whys")
    await ana.submit({"answer:0": "Ben released without a test", "evidence:0": "assumed"})
    (view,) = await ana.views()
    assert view["id"] == first["id"]
    assert "names a person" in str(view["blocks"])
    await ana.submit({"answer:1": "The release has no gate", "evidence:1": "assumed", "root:1": ["root"]})
    whys = (await sock.incident()).whys
    assert whys["W2"].parent == "W1"
    assert whys["W2"].root


async def test_impact_keeps_blanks_apart_from_zeros(sock: Bench):
    """A word where a number belongs is marked; a blank is unknown with its reason, a zero is a zero."""
    await sock.declared()
    ana = await sock.person("ana")
    await ana.click("more", value="legal.open INC-1")
    await ana.wait_for_view("legal")
    await ana.click_in_view("impact.open")
    await ana.wait_for_view("impact")
    await ana.submit({"events": "lots", "people": "", "money": "0"})
    assert "is no number" in (await ana.errors())["events"]
    await ana.submit({"events": "1 200", "people": "", "money": "0", "unknowns": "people: no ids in the log"})
    impact = (await sock.incident()).impact
    assert (impact.events, impact.people, impact.money) == (1200, None, 0)
    assert impact.unknowns == ("people: no ids in the log",)


async def test_a_notice_is_frozen_and_approved_by_somebody_else_in_the_legal_channel(sock: Bench):
    """Requested from the card, its text read only in the dialog; the one who asked cannot approve."""
    await sock.declared("Canary title")
    dev, cleo = await sock.person("dev"), await sock.person("cleo")
    await dev.click("more", value="legal.open INC-1")
    await dev.wait_for_view("legal")
    await dev.submit({"kind": "stakeholders/update"})
    await dev.close_view(everything=True)
    await sock.settle()
    (message,) = sock.posts("notice:N1", "C0LEGAL")
    assert "Canary title" not in str(message["blocks"])
    assert "notice work in progress" in str(sock.posts("card")[0]["blocks"])
    await sock.desk.ask_approval("INC-1", "N1", await sock.who("dev"))
    await sock.settle()
    await cleo.click("notice.open", room="C0LEGAL")
    view = await cleo.wait_for_view("notice.approve")
    assert "Canary title" in str(view["blocks"])
    await cleo.submit({})
    await sock.settle()
    notice = (await sock.incident()).notices["N1"]
    assert str(notice.standing) == "approved"
    assert notice.approved_by == (await sock.who("cleo")).id


async def test_resolving_with_an_open_check_needs_a_reason(sock: Bench):
    """The reason is asked for at its own question; with it the incident is resolved and the summary is in the thread."""
    await sock.declared()
    await sock.desk.changes.propose("INC-1", "rollback-v1", "", await sock.who("ana"))
    await sock.settle()
    ana = await sock.person("ana")
    await ana.click("more", value="resolve.open INC-1")
    view = await ana.wait_for_view("resolve")
    assert "✗ M1 is still under way (proposed)" in str(view["blocks"])
    (waiver,) = [block["block_id"] for block in view["blocks"] if block.get("block_id", "").startswith("waive-")]
    with pytest.raises(Refused, match=waiver):
        await ana.submit({"summary": "It is over"})
    await ana.submit({"summary": "It is over", waiver: "M1 is withdrawn"})
    await sock.settle()
    assert (await sock.incident()).phase is Phase.RESOLVED
    (summary,) = sock.posts("summary")
    assert "Time to resolve" in str(summary["blocks"])


async def test_mentions_in_the_thread_do_what_buttons_do(bench: Bench):
    """`ack`, `sev`, `find` in the thread; what was recorded gets a reaction, a refusal is whispered."""
    await bench.declared()
    ana = await bench.person("ana")
    (card,) = bench.posts("card")
    ts = await ana.say("<@U0TOCSIN> ack", in_thread_of=card["ts"])
    await bench.slack.delivery.settle()
    await bench.settle()
    assert (await bench.incident()).acknowledged is not None
    said = await ana.wait_for(lambda m: m["ts"] == ts and bool(m.get("reactions")), in_thread_of=card["ts"])
    assert said["reactions"][0]["name"] == "heavy_check_mark"
    await ana.say("<@U0TOCSIN> sev 1 all of Europe &amp; more", in_thread_of=card["ts"])
    await ana.say("<@U0TOCSIN> find label rate is 0 &lt; 0.4", in_thread_of=card["ts"])
    await ana.say("<@U0TOCSIN> lead @ben", in_thread_of=card["ts"])
    await ana.say("<@U0TOCSIN> resolve", in_thread_of=card["ts"])
    await bench.slack.delivery.settle()
    await bench.settle()
    incident = await bench.incident()
    assert incident.severity is Severity.SEV1
    assert incident.findings[0].text == "label rate is 0 < 0.4"
    assert incident.parts[Part.COMMANDER] == (await bench.who("ben")).id
    assert bench.whispers("ana") == ["Say in a sentence how it ended"]


async def test_the_slash_command(bench: Bench):
    """Declare by a dialog, list, look at one, act on one, and see the own queue."""
    ana, ben = await bench.person("ana"), await bench.person("ben")
    await ana.command("/incident", "declare Recall fell")
    view = await ana.wait_for_view("declare")
    assert "Recall fell" in str(view["blocks"])
    await ana.submit({"title": "Recall fell", "service": "visits", "severity": "2", "because": "chart"})
    assert "INC-1 is declared: its card appears in #ml-incidents." in str(await ana.views())
    await bench.settle()
    assert len(bench.posts("card")) == 1
    await ana.command("/incident", "list")
    assert "INC-1* Recall fell" in bench.whispers("ana")[-1]
    await ana.command("/incident", "INC-1 ack")
    assert bench.whispers("ana")[-1] == "INC-1: recorded."
    await bench.desk.changes.propose("INC-1", "rollback-v1", "", await bench.who("ana"))
    await ben.command("/incident", "approve")
    note = bench.slack.workspace.ephemerals[-1]
    assert "approve.open" in str(note["blocks"])
    await ana.command("/incident", "INC-9 ack")
    assert bench.whispers("ana")[-1] == "There is no incident INC-9"
    await ana.command("/incident", "rubbish")
    assert bench.whispers("ana")[-1].startswith("I do not know “rubbish”.")
    assert "/incident declare" in bench.whispers("ana")[-1]
    await ben.command("/incident", "approve m1")
    assert "approve.open" in str(bench.slack.workspace.ephemerals[-1]["blocks"])
    await ben.command("/incident", "approve M9")
    assert bench.whispers("ben")[-1] == "No M9 waits for you; there is M1 of INC-1"


async def test_a_stranger_is_refused_with_a_sentence(sock: Bench):
    """A guest the directory does not know changes nothing and is told why."""
    gus = await sock.person("gus", "C0GENERAL")
    await gus.command("/incident", "list", room="C0GENERAL")
    assert "does not know you" in sock.whispers("gus")[-1]
    await gus.open_home()
    await sock.slack.delivery.settle()
    await sock.settle()
    assert "does not know you" in str(await gus.home())


async def test_a_silent_database_is_told_in_time_and_the_event_comes_again(bench: Bench):
    """A click: "not recorded" within three seconds. A mention: left for redelivery, and then recorded once."""
    await bench.declared()
    ana = await bench.person("ana")
    (card,) = bench.posts("card")
    bench.log.silent = True
    told = await ana.click("ack")
    assert told["acked"]
    await bench.room.ingress.answers.settle()
    assert "Not recorded" in bench.whispers("ana")[-1]
    await ana.say("<@U0TOCSIN> find once only", in_thread_of=card["ts"])
    while not any("app_mention" in e["what"] for e in bench.slack.traffic.entries):  # noqa: ASYNC110 - another's task
        await asyncio.sleep(0.05)
    bench.log.silent = False
    await bench.slack.delivery.settle()
    await bench.settle()
    assert [one.text for one in (await bench.incident()).findings] == ["once only"]
    assert (await bench.incident()).acknowledged is None


async def test_the_same_envelope_twice_has_one_effect(sock: Bench):
    """Slack delivers a click and an event again under the same id: one entry each."""
    await sock.declared()
    ana = await sock.person("ana")
    (card,) = sock.posts("card")
    await ana.say("<@U0TOCSIN> update all is known", in_thread_of=card["ts"])
    await sock.slack.delivery.settle()
    await sock.settle()
    entries = [one for one in sock.slack.traffic.entries if "app_mention" in one["what"]]
    again = await sock.slack.delivery.send("events_api", entries[-1]["sent"], attempt=1)
    assert again.acked
    await sock.settle()
    events = [type(e.event).__name__ for e in await sock.desk.log.entries("INC-1")]
    assert events.count("UpdatePosted") == 1
    assert len(sock.posts(f"update:{len(events)}")) == 1


async def test_the_home_tab_shows_what_waits_for_this_person(sock: Bench):
    """Ben sees the approval with its button, Ana (who proposed) does not; the button works from there."""
    await sock.declared()
    await sock.desk.changes.propose("INC-1", "rollback-v1", "", await sock.who("ana"))
    await sock.settle()
    ana, ben = await sock.person("ana"), await sock.person("ben")
    await ana.open_home()
    await ben.open_home()
    await sock.slack.delivery.settle()
    await sock.settle()
    assert "Review & approve" in str(await ben.home())
    assert "Review & approve" not in str(await ana.home())
    view = await ben.home()
    await ben._post("click", {"view_id": view["id"], "action_id": "approve.open"})
    assert (await ben.wait_for_view("approve"))["callback_id"] == "approve"


async def test_a_slow_target_shows_that_it_goes_on(sock: Bench):
    """Reading the target takes longer than Slack waits: the dialog says so, then says what came of it."""
    await sock.declared()
    ana = await sock.person("ana")
    plan = sock.router.plan
    gate = asyncio.Event()

    async def slow(*given):
        await gate.wait()
        return await plan(*given)

    sock.router.plan = slow
    await ana.click("propose.open")
    told = await ana.submit({"offer": "rollback-v1"})
    assert told["acked"]
    assert "nothing is recorded yet" in str(await ana.views())
    gate.set()
    await sock.settle()
    assert "M1 is proposed" in str(await ana.views())
    assert "M1" in (await sock.incident()).mitigations


async def test_a_button_of_another_version_is_answered(sock: Bench):
    """An unknown deed is a sentence, not a dead click."""
    await sock.declared()
    ana = await sock.person("ana")
    blocks = [{"type": "actions", "elements": [
        {"type": "button", "action_id": "from.the.past", "value": "INC-1", "text": {"type": "plain_text", "text": "x"}},
        {"type": "button", "action_id": "ack", "value": "../../etc", "text": {"type": "plain_text", "text": "y"}}]}]  # fmt: skip
    await sock.room.client.post("C0INC", "old", blocks)
    assert (await ana.click("from.the.past"))["acked"]
    assert (await ana.click("ack", value="../../etc"))["acked"]
    await sock.settle()
    assert len([one for one in sock.whispers("ana") if "another version" in one]) == 2


async def test_a_restricted_incident_reaches_named_people_without_content(sock: Bench):
    """Nothing in channels; a direct message without the title; others are told there is no such incident."""
    await sock.declared("Secret canary", restricted=True)
    assert sock.slack.workspace.memory.messages.get("C0INC", {}) == {}
    every = str(sock.slack.workspace.memory.messages)
    assert "INC-1" in every
    assert "canary" not in every
    dev, ana = await sock.person("dev"), await sock.person("ana")
    await dev.command("/incident", "INC-1")
    assert sock.whispers("dev")[-1] == "There is no incident INC-1"
    await dev.command("/incident", "list")
    assert sock.whispers("dev")[-1] == "No incident is open."
    await ana.command("/incident", "INC-1")
    assert "console only" in sock.whispers("ana")[-1]
    await ana.click("ack", room="D0ANA")
    await sock.settle()
    assert (await sock.incident()).acknowledged is not None
