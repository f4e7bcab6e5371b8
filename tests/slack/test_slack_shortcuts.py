"""From a message's menu: notes, findings, follow-ups and incidents, once per message."""

from datetime import timedelta

import pytest

from bot.domain.lifecycle import Close, Resolve
from tests.slack.bench import Bench
from tests.slack.talking import delete, edit, fill, react, said, settled, thread

STRANGER = "Tocsin does not know you here. Ask an administrator to add you to people.yaml."


async def use(bench: Bench, key: str, callback: str, ts: str, room: str = "C0INC") -> None:
    """Use a message's menu."""
    await (await bench.person(key)).shortcut(callback, ts=ts, room=room)
    await settled(bench)


# -- in the thread ---------------------------------------------------------------------------------------------------


async def test_a_message_is_added_to_the_timeline_from_its_menu(bench: Bench):
    """At once, without a form; the second use says what it is already."""
    card = await thread(bench)
    ts = await said(bench, await bench.person("ana"), "v2 went live at 11:58", card)
    await use(bench, "ben", "timeline_message", ts)
    await use(bench, "ana", "timeline_message", ts)
    (note,) = (await bench.incident()).notes
    assert (note.text, note.by) == ("v2 went live at 11:58", (await bench.who("ana")).id)
    assert bench.whispers("ben") == ["Kept as T1 in the timeline of INC-1."]
    assert bench.whispers("ana") == ["This message is T1 of INC-1 already."]


async def test_what_was_kept_from_the_menu_is_not_taken_back_by_anothers_emoji(sock: Bench):
    """Ben's own pin, put on and taken off again, leaves what Ana kept; ice takes it out."""
    card = await thread(sock)
    ana, ben = await sock.person("ana"), await sock.person("ben")
    ts = await said(sock, ana, "x", card)
    await use(sock, "ana", "timeline_message", ts)
    await react(sock, ben, "pushpin", ts)
    await react(sock, ben, "pushpin", ts, remove=True)
    assert (await sock.incident()).notes[0].gone is None
    await react(sock, ben, "ice_cube", ts)
    assert (await sock.incident()).notes[0].gone is not None


async def test_a_finding_is_recorded_from_a_message(bench: Bench):
    """Words and link are filled in; two people who opened the form: the slower one reads that it is F1 already."""
    card = await thread(bench)
    ana, ben = await bench.person("ana"), await bench.person("ben")
    ts = await said(bench, ana, "label rate is 0 &lt; 0.4", card)
    for key in ("ana", "ben"):
        await use(bench, key, "finding_message", ts)
    view = await ben.wait_for_view("finding")
    assert "label rate is 0 < 0.4" in str(view["blocks"])
    assert len(view["private_metadata"]) < 100
    await ana.submit({"text": "the label rate is 0"})
    await ben.submit({"text": "labels are missing"})
    assert "This message is F1 of INC-1 already." in str(await ben.views())
    await settled(bench)
    (found,) = (await bench.incident()).findings
    assert (found.text, found.said) == ("the label rate is 0", f"C0INC/{ts}")
    assert found.link.endswith(f"p{ts.replace('.', '')}?thread_ts={card}&cid=C0INC")
    assert abs(found.at.timestamp() - float(ts)) < 0.001
    await use(bench, "ana", "finding_message", ts)
    assert bench.whispers("ana") == ["This message is F1 of INC-1 already."]


async def test_a_follow_up_is_made_from_a_message(sock: Bench):
    """Words filled in, owner and date as chosen; again it says so."""
    card = await thread(sock)
    ana = await sock.person("ana")
    ts = await said(sock, ana, "alert on the label rate", card)
    await use(sock, "ana", "followup_message", ts)
    view = await ana.wait_for_view("followup")
    assert "alert on the label rate" in str(view["blocks"])
    due = sock.clock.now().date() + timedelta(days=3)
    await fill(ana, owner="U0BEN", due=due.isoformat())
    await settled(sock)
    item = (await sock.incident()).followups["U1"]
    assert (item.text, item.owner, item.due) == ("alert on the label rate", (await sock.who("ben")).id, due)
    await use(sock, "dev", "followup_message", ts)
    assert sock.whispers("dev") == ["This message is U1 of INC-1 already."]


async def test_a_form_whose_message_was_deleted_meanwhile(sock: Bench):
    """Its author took it back while somebody was typing: nothing is kept, and the form says why."""
    card = await thread(sock)
    ana, ben = await sock.person("ana"), await sock.person("ben")
    ts = await said(sock, ana, "x", card)
    await use(sock, "ben", "finding_message", ts)
    await ben.wait_for_view("finding")
    await delete(ana, ts)
    await settled(sock)
    await ben.submit({"text": "x"})
    assert "This message is not there any more" in str(await ben.errors())
    assert (await sock.incident()).findings == ()


async def test_our_own_messages_and_strangers_are_refused(sock: Bench):
    """The card is no talk; a guest keeps nothing."""
    card = await thread(sock)
    ts = await said(sock, await sock.person("ana"), "x", card)
    await use(sock, "ana", "timeline_message", card)
    assert sock.whispers("ana") == ["Tocsin's own messages are in the timeline already"]
    sock.slack.workspace.rooms["C0INC"].members = ("U0GUS", *sock.slack.workspace.rooms["C0INC"].members)
    await use(sock, "gus", "timeline_message", ts)
    assert sock.whispers("gus") == [STRANGER]
    assert (await sock.incident()).notes == ()


async def test_a_closed_incident_is_completed_from_the_menu(sock: Bench):
    """Notes and findings alike."""
    card = await thread(sock)
    ana = await sock.person("ana")
    await sock.say(Resolve("over", "nothing to check"), "ana")
    await sock.say(Close(), "ana")
    ts = await said(sock, ana, "for the record", card)
    await use(sock, "ana", "timeline_message", ts)
    await use(sock, "ana", "finding_message", ts)
    await ana.wait_for_view("finding")
    await ana.submit({})
    incident = await sock.incident()
    assert (len(incident.notes), len(incident.findings)) == (1, 1)


async def test_while_the_record_is_silent_the_menu_says_so(sock: Bench):
    """Nothing is recorded, the person learns it in time, and a second use works."""
    card = await thread(sock)
    ts = await said(sock, await sock.person("ana"), "x", card)
    sock.log.silent = True
    await (await sock.person("ana")).shortcut("timeline_message", ts=ts)
    await sock.room.ingress.answers.settle()
    sock.log.silent = False
    assert sock.whispers("ana") == ["Not recorded: the record does not answer right now. Please try again."]
    await use(sock, "ana", "timeline_message", ts)
    assert len((await sock.incident()).notes) == 1


# -- elsewhere -------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("kind", ["timeline", "finding", "followup"])
async def test_elsewhere_a_form_asks_which_incident(sock: Bench, kind: str):
    """The open ones, the newest first, none that is restricted; kept once, after a restart in between."""
    await sock.declared("Recall is down")
    await sock.declared("Secret canary", by="dev", restricted=True)
    await sock.declared("Scores drift")
    ana = await sock.person("ana", room="C0GENERAL")
    ts = await ana.say("since the export changed")
    await use(sock, "ana", f"{kind}_message", ts, room="C0GENERAL")
    view = await ana.wait_for_view("keep")
    assert [one["value"] for one in view["blocks"][0]["element"]["options"]] == ["INC-3", "INC-1"]
    assert "since the export changed" in str(view["blocks"])
    assert "Secret canary" not in str(view)
    await sock.restart()
    ana = await sock.person("ana", room="C0GENERAL")
    await ana.submit({"incident": "INC-1"})
    incident = await sock.incident()
    kept = {"timeline": incident.notes, "finding": incident.findings, "followup": incident.followups.values()}[kind]
    assert [one.text for one in kept] == ["since the export changed"]
    name = {"timeline": "T1", "finding": "F1", "followup": "U1"}[kind]
    assert f"{name}" in str((await ana.views())[-1]["blocks"])
    await use(sock, "ben", f"{kind}_message", ts, room="C0GENERAL")
    assert sock.whispers("ben") == [f"This message is {name} of INC-1 already."]
    await edit(ana, ts, "since the export changed twice")
    await settled(sock)
    incident = await sock.incident()
    assert "changed twice" in str((incident.notes, incident.findings, incident.followups))


async def test_a_message_behind_a_restricted_declaration_may_be_kept_elsewhere(sock: Bench):
    """Whoever may not know of it learns nothing of it, keeps the message where they may, and it is followed there."""
    await sock.declared("Recall is down")
    dev = await sock.person("dev", room="C0GENERAL")
    ts = await dev.say("the export changed")
    await sock.slack.delivery.settle()
    await dev.shortcut("declare_message", ts=ts)
    await dev.wait_for_view("declare")
    await fill(dev, title="Secret canary", severity="2", restricted=["restricted"])
    await settled(sock)
    assert (await sock.incident("INC-2")).restricted
    await use(sock, "cleo", "finding_message", ts, room="C0GENERAL")
    assert "INC-2" not in str(await (await sock.person("cleo")).views()) + str(sock.whispers("cleo"))
    ben = await sock.person("ben", room="C0GENERAL")
    await react(sock, ben, "pushpin", ts)
    await use(sock, "ben", "timeline_message", ts, room="C0GENERAL")
    view = await ben.wait_for_view("keep")
    assert "INC-2" not in str(view) + str(sock.whispers("ben"))
    await ben.submit({"incident": "INC-1"})
    await edit(dev, ts, "the export changed twice")
    await settled(sock)
    for name in ("INC-1", "INC-2"):
        assert [note.text for note in (await sock.incident(name)).notes] == ["the export changed twice"]
    await delete(dev, ts)
    await settled(sock)
    for name in ("INC-1", "INC-2"):
        assert (await sock.incident(name)).notes[0].gone is not None
    assert "INC-2" not in str(sock.whispers("ben"))


async def test_elsewhere_with_no_incident_open(sock: Bench):
    """Nothing to choose from: the person reads what to do instead."""
    ana = await sock.person("ana")
    ts = await ana.say("hm")
    await use(sock, "ana", "timeline_message", ts)
    assert sock.whispers("ana") == [
        "No incident is open. Declare one from the message's menu: its first note is then this message."
    ]


async def test_a_forged_choice_of_a_restricted_incident_is_refused(sock: Bench):
    """As if it were not there, for whoever sends it."""
    await sock.declared("Plain")
    await sock.declared("Secret canary", by="dev", restricted=True)
    ana = await sock.person("ana")
    ts = await ana.say("hm")
    await use(sock, "ana", "timeline_message", ts)
    view = await ana.wait_for_view("keep")
    values = {"incident": {"value": {"selected_option": {"value": "INC-2"}}}}
    body = {"type": "view_submission", "user": {"id": "U0ANA", "team_id": "T0TOCSIN"}, "trigger_id": "t.forged",
            "view": {**view, "state": {"values": values}}}  # fmt: skip
    answer = await sock.room.ingress.take(body)
    assert "There is no incident INC-2" in str(answer.body)
    assert (await sock.incident("INC-2")).notes == ()


# -- declaring -------------------------------------------------------------------------------------------------------


async def test_an_incident_is_declared_from_a_message(bench: Bench):
    """Its words and link are filled in, and the message is the new incident's first note."""
    ana = await bench.person("ana", room="C0GENERAL")
    ts = await ana.say("Recall fell in Lisbon\nsince noon")
    await use(bench, "ana", "declare_message", ts, room="C0GENERAL")
    view = await ana.wait_for_view("declare")
    title, seen = (
        next(one for one in view["blocks"] if one["block_id"] == name)["element"]["initial_value"]
        for name in ("title", "because")
    )
    assert title == "Recall fell in Lisbon"
    assert seen.startswith("Recall fell in Lisbon\nsince noon\nhttp")
    assert seen.endswith(f"/archives/C0GENERAL/p{ts.replace('.', '')}")
    await ana.submit({"service": "visits", "severity": "2"})
    assert "INC-1 is declared" in str(await ana.views())
    await settled(bench)
    incident = await bench.incident()
    (note,) = incident.notes
    assert (note.text, note.by, note.said) == (
        "Recall fell in Lisbon\nsince noon", (await bench.who("ana")).id, f"C0GENERAL/{ts}",
    )  # fmt: skip
    assert incident.seq == 2


async def test_a_declaration_stands_though_its_message_cannot_be_kept(sock: Bench):
    """Deleted while the form was open: the incident is declared, and the person reads what is missing."""
    ana = await sock.person("ana")
    ts = await ana.say("Recall fell")
    await use(sock, "ana", "declare_message", ts)
    await ana.wait_for_view("declare")
    await delete(ana, ts)
    await settled(sock)
    await ana.submit({"service": "visits", "severity": "2"})
    told = str(await ana.views())
    assert "INC-1 is declared" in told
    assert "The message could not be kept" in told
    assert (await sock.incident()).exists
