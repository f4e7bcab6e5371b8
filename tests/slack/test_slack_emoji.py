"""Emoji on what somebody said: kept, taken back, promised; in any order, by anybody, once."""

import asyncio
from datetime import timedelta
from pathlib import Path
from typing import Any

from bot.domain.finding import RecordFinding
from bot.domain.five_whys import AddWhy
from bot.domain.followup import FollowUp
from bot.domain.lifecycle import Close, Resolve
from bot.engine.talk import Mark
from bot.localslack.people import BOT_USER
from bot.slack.views import finding, whys
from tests.slack.bench import TEAM, Bench
from tests.slack.talking import deliver, react, reaction, said, signs, thread, timeline

STRANGER = "Tocsin does not know you here. Ask an administrator to add you to people.yaml."


async def test_a_pin_puts_a_message_into_the_timeline(bench: Bench):
    """Under the time it was said, with its author and link; our tick says so; a second pin changes nothing."""
    card = await thread(bench)
    ana, ben = await bench.person("ana"), await bench.person("ben")
    ts = await said(bench, ana, "ask @Ben Okafor: <https://x.example/b|board> &amp; more", card)
    bench.clock.forward(300)
    await react(bench, ben, "pushpin", ts)
    (note,) = (await bench.incident()).notes
    assert note.text == "ask @Ben Okafor: board (https://x.example/b) & more"
    assert (note.by, note.said) == ((await bench.who("ana")).id, f"C0INC/{ts}")
    assert abs(note.at.timestamp() - float(ts)) < 0.001
    assert note.link.endswith(f"/archives/C0INC/p{ts.replace('.', '')}?thread_ts={card}&cid=C0INC")
    assert signs(bench, ts) == ["heavy_check_mark"]
    assert "T1, Ana Souza said: ask @Ben Okafor: board (https://x.example/b) & more (kept by Ben Okafor)" in (
        await timeline(bench)
    )
    await react(bench, ana, "pushpin", ts)
    assert len((await bench.incident()).notes) == 1
    assert bench.whispers("ana") == bench.whispers("ben") == []


async def test_taking_the_pin_off_takes_the_note_out_once_nobody_has_one(sock: Bench):
    """Two pins: the first taken off changes nothing, the second one does; the finding of the same message stays."""
    card = await thread(sock)
    ana, ben = await sock.person("ana"), await sock.person("ben")
    ts = await said(sock, ana, "it is the export", card)
    for who, name in ((ana, "pushpin"), (ben, "pushpin"), (ben, "mag")):
        await react(sock, who, name, ts)
    await react(sock, ana, "pushpin", ts, remove=True)
    assert (await sock.incident()).notes[0].gone is None
    await react(sock, ben, "pushpin", ts, remove=True)
    incident = await sock.incident()
    assert incident.notes[0].gone is not None
    assert incident.findings[0].gone is None
    assert "Ben Okafor took back T1" in await timeline(sock)
    await react(sock, ana, "pushpin", ts)
    assert [note.id for note in (await sock.incident()).notes] == ["T1", "T2"]


async def test_a_pin_taken_off_before_it_was_put_on(sock: Bench):
    """Events in the wrong order, and delivered twice: off is off, and the later pin counts."""
    card = await thread(sock)
    ts = await said(sock, await sock.person("ana"), "x", card)
    await deliver(sock, reaction(sock, ts, "U0ANA", 20, off=True))
    await deliver(sock, reaction(sock, ts, "U0ANA", 10))
    assert (await sock.incident()).notes == ()
    for _ in range(2):
        await deliver(sock, reaction(sock, ts, "U0ANA", 30))
    assert len((await sock.incident()).notes) == 1
    for _ in range(2):
        await deliver(sock, reaction(sock, ts, "U0ANA", 40, off=True))
    seq = (await sock.incident()).seq
    assert (await sock.incident()).notes[0].gone is not None
    await deliver(sock, reaction(sock, ts, "U0ANA", 30))
    assert (await sock.incident()).seq == seq


async def test_the_tick_makes_a_follow_up_for_whoever_reacts(bench: Bench):
    """Theirs, due in two weeks, told with a way to change it; taken off it stays promised; another's is the same one."""
    card = await thread(bench)
    ana, ben = await bench.person("ana"), await bench.person("ben")
    ts = await said(bench, ana, "alert on the label rate", card)
    await react(bench, ben, "white_check_mark", ts)
    due = bench.clock.now().date() + timedelta(days=14)
    wanted = FollowUp("U1", "alert on the label rate", (await bench.who("ben")).id, due, "", said=f"C0INC/{ts}")
    assert dict((await bench.incident()).followups) == {"U1": wanted}
    assert bench.whispers("ben") == [f"*U1* of INC-1 is yours until {due}: alert on the label rate"]
    note = next(one for one in bench.slack.workspace.ephemerals if one["for"] == "U0BEN")
    assert note["blocks"][1]["elements"][0]["text"]["text"] == "Change"
    assert note["thread_ts"] == card
    await react(bench, ana, "white_check_mark", ts)
    assert bench.whispers("ana") == ["This message is U1 of INC-1 already."]
    await react(bench, ben, "white_check_mark", ts, remove=True)
    assert dict((await bench.incident()).followups) == {"U1": wanted}


async def test_ice_takes_a_message_out_again(sock: Bench):
    """Note and finding, whoever kept them; our tick goes where nothing is left; kept again it is a new one."""
    card = await thread(sock)
    ana, ben = await sock.person("ana"), await sock.person("ben")
    ts = await said(sock, ana, "never mind", card)
    await react(sock, ana, "pushpin", ts)
    await react(sock, ana, "mag", ts)
    await react(sock, ben, "ice_cube", ts)
    incident = await sock.incident()
    assert incident.notes[0].gone is not None
    assert incident.findings[0].gone is not None
    assert [one["sent"]["name"] for one in sock.calls("reactions.remove")] == ["heavy_check_mark"]
    await react(sock, ben, "ice_cube", ts, remove=True)
    assert (await sock.incident()).seq == incident.seq


async def test_whatever_skin_and_name_the_emoji_has(tmp_path: Path):
    """Configured ones, with skin tones and second names; others mean nothing."""
    emoji = {"timeline": ("thumbsup", "memo"), "finding": (), "followup": ("eyes",), "ignore": ()}
    async with Bench.open(tmp_path, emoji=emoji) as bench:
        card = await thread(bench)
        ana = await bench.person("ana")
        one, two = await said(bench, ana, "one", card), await said(bench, ana, "two", card)
        await react(bench, ana, "+1::skin-tone-2", one)
        await react(bench, ana, "memo", two)
        await react(bench, ana, "mag", two)
        await react(bench, ana, "pushpin", two)
        incident = await bench.incident()
        assert [note.text for note in incident.notes] == ["one", "two"]
        assert incident.findings == ()


async def test_strangers_react_in_vain_and_are_told_once(sock: Bench):
    """A guest's emoji keeps nothing; they are told why the first time, and not again after a restart."""
    card = await thread(sock)
    room = sock.slack.workspace.rooms["C0INC"]
    room.members = (*room.members, "U0GUS")
    ts = await said(sock, await sock.person("ana"), "x", card)
    for at, name in ((10, "pushpin"), (20, "mag"), (30, "white_check_mark")):
        await deliver(sock, reaction(sock, ts, "U0GUS", at, name=name))
    await sock.restart()
    await deliver(sock, reaction(sock, ts, "U0GUS", 40))
    incident = await sock.incident()
    assert (incident.notes, incident.findings, dict(incident.followups)) == ((), (), {})
    assert sock.whispers("gus") == [STRANGER]
    assert signs(sock, ts) == []


async def test_our_own_reactions_and_messages_mean_nothing(sock: Bench):
    """Neither our tick, nor an emoji on the card, nor one on a message beside the thread keeps anything."""
    card = await thread(sock)
    ana = await sock.person("ana")
    ts = await said(sock, ana, "x", card)
    await deliver(sock, reaction(sock, ts, BOT_USER, 10, name="white_check_mark"))
    await react(sock, ana, "pushpin", card)
    beside = await ana.say("lunch?")
    await react(sock, ana, "pushpin", beside)
    await react(sock, ana, "mag", beside)
    await react(sock, ana, "heavy_check_mark", ts)
    incident = await sock.incident()
    assert (incident.notes, incident.findings, dict(incident.followups)) == ((), (), {})
    assert sock.whispers("ana") == []
    asked = [one["sent"]["ts"] for one in sock.calls("conversations.replies")]
    assert sorted(asked) == sorted({card, beside})  # each once, however many emoji


async def test_who_may_not_promise_is_told_why(sock: Bench):
    """Counsel adds to the timeline, and promises no change."""
    card = await thread(sock)
    ts = await said(sock, await sock.person("ana"), "x", card)
    cleo = await sock.person("cleo")
    await react(sock, cleo, "pushpin", ts)
    await react(sock, cleo, "white_check_mark", ts)
    assert len((await sock.incident()).notes) == 1
    assert not (await sock.incident()).followups
    assert sock.whispers("cleo") == [
        "Only admin or approver or manager or responder may add a follow-up; your roles: counsel"
    ]


async def test_a_message_from_before_is_fetched_once(sock: Bench):
    """Said while we were away: its emoji brings it; where Slack does not show it, the person is told why."""
    card = await thread(sock)
    ana = await sock.person("ana")
    memory = sock.slack.workspace.memory
    for ts, text in (("1700000000.000100", "said before"), ("1700000000.000200", "also before")):
        memory.put_message("C0INC", {"type": "message", "user": "U0BEN", "ts": ts, "thread_ts": card, "team": TEAM,
                                     "text": text})  # fmt: skip
    await react(sock, ana, "pushpin", "1700000000.000100")
    await react(sock, ana, "mag", "1700000000.000100")
    incident = await sock.incident()
    assert [note.text for note in incident.notes] == [one.text for one in incident.findings] == ["said before"]
    assert incident.notes[0].by == (await sock.who("ben")).id
    assert len(sock.calls("conversations.replies")) == 1
    sock.fault("conversations.replies", "500")
    body = reaction(sock, "1700000000.000200", "U0ANA", 10)
    assert await deliver(sock, body) == 503
    assert await deliver(sock, body) == 200
    assert [note.text for note in (await sock.incident()).notes] == ["said before", "also before"]


async def test_where_slack_does_not_show_the_message_the_person_is_told(sock: Bench):
    """Why nothing was kept, and only once."""
    await thread(sock)
    sock.slack.workspace.rooms["C0INC"].bot = False
    for at in (10, 20):
        await deliver(sock, reaction(sock, "1700000000.000100", "U0ANA", at))
    sock.slack.workspace.rooms["C0INC"].bot = True
    await deliver(sock, reaction(sock, "1700000000.000100", "U0DEV", 30))
    assert (await sock.incident()).notes == ()
    told = [one["sent"]["text"] for one in sock.calls("chat.postEphemeral")]
    assert told == ["Nothing was kept: Slack does not show me that message (not_in_channel)."]


async def test_slack_falling_silent_leaves_no_half_kept_message(sock: Bench):
    """The tick cannot be set and nobody can be told: the note is kept all the same."""
    card = await thread(sock)
    ana = await sock.person("ana")
    ts = await said(sock, ana, "x", card)
    sock.fault("reactions.add", "500", times=2)
    await react(sock, ana, "pushpin", ts)
    assert len((await sock.incident()).notes) == 1
    assert signs(sock, ts) == []
    sock.log.silent = True
    assert await deliver(sock, reaction(sock, ts, "U0BEN", 1e10, name="mag")) == 503
    sock.log.silent = False
    await sock.restart()
    assert await deliver(sock, reaction(sock, ts, "U0BEN", 1e10, name="mag")) == 200
    assert len((await sock.incident()).findings) == 1


async def test_after_the_incident_is_closed_its_story_is_completed(sock: Bench):
    """Notes and findings are added to a closed incident as to an open one."""
    card = await thread(sock)
    ana = await sock.person("ana")
    await sock.say(Resolve("over", "nothing to check"), "ana")
    await sock.say(Close(), "ana")
    ts = await said(sock, ana, "for the record", card)
    await react(sock, ana, "pushpin", ts)
    await react(sock, ana, "mag", ts)
    incident = await sock.incident()
    assert (len(incident.notes), len(incident.findings)) == (1, 1)


async def test_a_finding_that_is_there_already_in_the_same_words(sock: Bench):
    """Recorded by form, then by emoji on a message that says just that: one finding."""
    card = await thread(sock)
    ana = await sock.person("ana")
    await sock.say(RecordFinding("it is the export", "responder"), "ben")
    ts = await said(sock, ana, "it is the export", card)
    await react(sock, ana, "mag", ts)
    assert [one.id for one in (await sock.incident()).findings] == ["F1"]


async def test_many_people_at_once_keep_one_note(sock: Bench):
    """Four pins and four magnifiers in the same moment: one note, one finding, and every event is taken."""
    card = await thread(sock)
    ts = await said(sock, await sock.person("ana"), "look at this", card)
    people = ("U0ANA", "U0BEN", "U0CLEO", "U0DEV")
    events = [reaction(sock, ts, user, 10, name=name) for user in people for name in ("pushpin", "mag")]
    answers = await asyncio.gather(*(sock.room.ingress.take(body) for body in events))
    await sock.settle()
    assert {answer.status for answer in answers} == {200}
    incident = await sock.incident()
    assert (len(incident.notes), len(incident.findings)) == (1, 1)


class PinnedMeanwhile:
    """Talk in which another replica writes a pin down just after ours has looked for one."""

    def __init__(self, inner: Any, other: Mark) -> None:
        self._inner, self._other = inner, other

    async def marks(self, channel: str, ts: str) -> Any:
        found = await self._inner.marks(channel, ts)
        await self._inner.mark(self._other)
        return found

    def __getattr__(self, name: str) -> Any:
        return getattr(self._inner, name)


async def test_a_pin_put_on_while_another_is_taken_off_is_kept(sock: Bench):
    """At two replicas in the same moment: whoever takes back looks once more, and the note stands for the other."""
    card = await thread(sock)
    ana = await sock.person("ana")
    ts = await said(sock, ana, "x", card)
    await react(sock, ana, "pushpin", ts)
    ben = await sock.who("ben")
    other = Mark("C0INC", ts, ben.id, "pushpin", stands=True, at=sock.clock.now())
    sock.desk.talk = PinnedMeanwhile(sock.store.talk, other)
    await react(sock, ana, "pushpin", ts, remove=True)
    incident = await sock.incident()
    assert [note.gone is None for note in incident.notes] == [False, True]
    assert (await sock.desk.log.entries("INC-1"))[-1].by == ben.id


async def test_a_why_whose_finding_was_taken_back_is_assumed(sock: Bench):
    """In the dialog: the tree says so, and the finding is offered for no other answer."""
    card = await thread(sock)
    ana = await sock.person("ana")
    ts = await said(sock, ana, "the export changed", card)
    await react(sock, ana, "mag", ts)
    await sock.say(AddWhy("nobody checks the export", evidence="F1"), "ana")
    assert "(W1, F1)" in str(whys.render(await sock.desk.situation("INC-1")))
    await react(sock, ana, "mag", ts, remove=True)
    view = str(whys.render(await sock.desk.situation("INC-1")))
    assert "(W1, assumed: F1 was taken back)" in view
    assert "'value': 'F1'" not in view
    assert "no findings yet" in str(sock.posts("card")[0]["blocks"])
    assert "F1" not in str(finding.render(await sock.desk.situation("INC-1")))
