"""By saying so in a thread: notes, findings, promises, what is retracted, who is fetched and who is on call."""

from datetime import date, timedelta

import pytest

from bot.domain.finding import RecordFinding
from bot.domain.reminder import Reminded
from bot.domain.saying import SayingTakenBack
from bot.engine.values import Posted
from bot.localslack.people import BOT_USER
from tests.calling import summons
from tests.slack.bench import Bench
from tests.slack.talking import delete, deliver, edit, event, said, settled, thread


async def test_a_mention_keeps_its_own_message_once(bench: Bench):
    """`find` and `note`: said in the thread, delivered twice, edited; each is one, reads as its author left it."""
    card = await thread(bench)
    ana = await bench.person("ana")
    ts = await said(bench, ana, "<@U0TOCSIN> find recal is low, says @Ben Okafor", card)
    await said(bench, ana, "<@U0TOCSIN> note v2 went live", card)
    again = {"channel": "C0INC", "user": "U0ANA", "thread_ts": card, "ts": ts}
    await deliver(bench, event("app_mention", **again, text="<@U0TOCSIN> find recal is low, says <@U0BEN>"))
    await edit(ana, ts, "<@U0TOCSIN> find recall is low, says @Ben Okafor")
    edited = {"edited": {"user": "U0ANA", "ts": "9.9"}, "event_ts": "9.9"}
    await deliver(bench, event("app_mention", **again, **edited, text="<@U0TOCSIN> find recall is low"))
    await settled(bench)
    incident = await bench.incident()
    assert [one.text for one in incident.findings] == ["recall is low, says @Ben Okafor"]
    assert [one.text for one in incident.notes] == ["v2 went live"]
    assert bench.whispers("ana") == ["An edited message is not read again. Please say it anew."]
    reactions = bench.slack.workspace.message("C0INC", ts)["reactions"]
    assert [(one["name"], one["users"]) for one in reactions] == [("heavy_check_mark", [BOT_USER])]


async def test_a_deleted_mention_undoes_nothing(sock: Bench):
    """What was done is done; what was kept of the message says that it was deleted."""
    card = await thread(sock)
    ana = await sock.person("ana")
    one = await said(sock, ana, "<@U0TOCSIN> sev 1 all of Europe", card)
    two = await said(sock, ana, "<@U0TOCSIN> find it is the export", card)
    for ts in (one, two):
        await delete(ana, ts)
    await settled(sock)
    incident = await sock.incident()
    assert str(incident.severity) == "SEV1"
    assert incident.findings[0].gone is not None


@pytest.mark.parametrize(
    ("words", "text", "owner", "days"),
    [
        ("alert on the label rate", "alert on the label rate", "ana", 14),
        ("alert on it @Ben Okafor by {day}", "alert on it", "ben", 20),
        ("alert on it until {day} for @Ben Okafor.", "alert on it", "ben", 20),
        ("ask @Ben Okafor about it in 2 weeks", "ask @Ben Okafor about it", "ana", 14),
        ("alert on it in a month", "alert on it", "ana", 30),
    ],
)
async def test_a_promise_in_the_thread(sock: Bench, words: str, text: str, owner: str, days: int):
    """`follow …`: who and until when stand at the end, in any order; else oneself, in two weeks."""
    card = await thread(sock)
    ana = await sock.person("ana")
    day = sock.clock.now().date() + timedelta(days=20)
    await said(sock, ana, f"<@U0TOCSIN> follow {words.format(day=day)}", card)
    (item,) = (await sock.incident()).followups.values()
    due = sock.clock.now().date() + timedelta(days=days)
    assert (item.text, item.owner, item.due) == (text, (await sock.who(owner)).id, due)


async def test_a_promise_that_cannot_be_kept_is_refused_with_words(sock: Bench):
    """No such day, nobody we know, no words: each says what is wrong."""
    card = await thread(sock)
    ana = await sock.person("ana")
    for words in ("follow x by 2026-02-31", "follow x <@U0GUS>", "follow", "note", "find"):
        await said(sock, ana, f"<@U0TOCSIN> {words}", card)
    incident = await sock.incident()
    assert (incident.notes, incident.findings, dict(incident.followups)) == ((), (), {})
    assert sock.whispers("ana") == [
        "2026-02-31 is no date; say by 2026-12-31, or in 2 weeks", "The directory does not know this person",
        "A follow-up needs words", "A message without words cannot be added to the timeline", "A finding needs words",
    ]  # fmt: skip


async def test_a_mention_anywhere_that_names_its_incident_is_followed(sock: Bench):
    """Beside the thread, or from a command: kept all the same; an edit of the message is followed."""
    await sock.declared()
    ana = await sock.person("ana", room="C0GENERAL")
    ts = await ana.say("<@U0TOCSIN> INC-1 find recal is low")
    await settled(sock)
    await edit(ana, ts, "<@U0TOCSIN> INC-1 find recall is low")
    await settled(sock)
    for words in ("note v2 went live", "follow alert on it @Ben Okafor in 3 days", "find the export"):
        answer = await ana.command("incident", f"INC-1 {words.replace('@Ben Okafor', '<@U0BEN|ben>')}")
        assert answer["answer"]["text"] == "INC-1: recorded."
    incident = await sock.incident()
    assert [one.text for one in incident.findings] == ["recall is low", "the export"]
    assert [one.text for one in incident.notes] == ["v2 went live"]
    (item,) = incident.followups.values()
    due = sock.clock.now().date() + timedelta(days=3)
    assert (item.text, item.owner, item.due) == ("alert on it", (await sock.who("ben")).id, due)


async def test_a_command_in_the_war_room_means_its_incident(sock: Bench):
    """`/incident ack` there acknowledges; elsewhere it asks which."""
    await sock.declared()
    await sock.store.mirror.save(Posted("INC-1", "room", "C0GENERAL", "1.0", "", "posted", 1, sock.clock.now()))
    ana = await sock.person("ana")
    assert "I do not know" in (await ana.command("incident", "ack"))["answer"]["text"]
    assert (await ana.command("incident", "ack", room="C0GENERAL"))["answer"]["text"] == "INC-1: recorded."
    assert (await sock.incident()).acknowledged is not None


async def test_what_was_found_is_retracted_by_its_name(sock: Bench):
    """What somebody filled in or typed was kept from no message whose sign could be taken away; the log keeps why."""
    card = await thread(sock)
    ana = await sock.person("ana")
    who = await sock.who("ana")
    await sock.desk.submit("INC-1", RecordFinding("it is the join", "responder"), who)
    await said(sock, ana, "<@U0TOCSIN> retract f1: the query was wrong", card)
    assert (await sock.incident()).findings[0].gone is not None
    (last, *_) = [one.event for one in reversed(await sock.desk.log.entries("INC-1")) if one.by == who.id]
    assert last == SayingTakenBack("", ("F1",), "the query was wrong")
    for words, answer in (
        ("retract F1", "F1 was taken back already."),
        ("retract", "Say which: retract F2, or retract T1"),
        ("retract T7 no", "INC-1 has no note and no finding T7"),
    ):
        await said(sock, ana, f"<@U0TOCSIN> {words}", card)
        assert answer in sock.whispers("ana")[-1]


async def test_a_war_room_and_quiet_are_asked_for_in_the_thread(sock: Bench):
    """`room` asks for one, `snooze` puts reminders off."""
    card = await thread(sock)
    ana = await sock.person("ana")
    await said(sock, ana, "<@U0TOCSIN> room", card)
    room = (await sock.incident()).room
    assert room is not None
    assert room.asked_by == (await sock.who("ana")).id
    await said(sock, ana, "<@U0TOCSIN> snooze", card)
    assert sock.whispers("ana") == ["You were not reminded of anything here."]
    assert (await sock.incident()).reminded.get((await sock.who("ana")).id, Reminded()).at is None


async def test_somebody_is_paged_by_name_or_by_service(sock: Bench):
    """`page @ben why` and `page visits`; an unknown service says what there is; from a channel the incident is named."""
    card = await thread(sock)
    ana = await sock.person("ana")
    await said(sock, ana, "<@U0TOCSIN> page <@U0BEN> you know the router", card)
    await said(sock, ana, "<@U0TOCSIN> page visits", card)
    who = [(await sock.who(key)).id for key in ("ben", "ana")]
    calls = (await sock.incident()).calls
    assert [(one.person, one.because) for one in calls] == [(who[0], "you know the router"), (who[1], "")]
    await said(sock, ana, "<@U0TOCSIN> page loans", card)
    assert "Say whom to page: mention a person, or name a service, of which there is visits" in sock.whispers("ana")[-1]
    answer = (await ana.command("incident", "page visits"))["answer"]
    assert "INC-7 page" in answer["text"]
    await sock.room.chat.page(summons(await sock.who("ben"), await sock.desk.situation("INC-1"), calls[0].key("INC-1")))
    (page,) = sock.posts(f"page:{calls[0].key('INC-1')}", "D0BEN")
    assert "asks for you: you know the router" in str(page["blocks"])


async def test_who_is_on_call(sock: Bench):
    """For one service or all, by whoever asks; an unknown one says what there is."""
    ana = await sock.person("ana")
    told = {
        "oncall": "• *Doctor-visits model*: <@U0ANA>, then <@U0BEN>",
        "on-call visits": "*Doctor-visits model*, a page climbs so:\n1. <@U0ANA>\n2. <@U0BEN>",
    }
    for words, wanted in told.items():
        answer = (await ana.command("incident", words))["answer"]
        assert wanted in [block["text"]["text"] for block in answer["blocks"] if block["type"] == "section"]
    answer = (await ana.command("incident", "oncall loans"))["answer"]
    assert "visits" in answer["text"]
    assert "loans" in answer["text"]


def test_today_is_the_day_promises_count_from():
    """Words without a date have none; a word that only looks like one stays."""
    from bot.slack.verbs import Promise, promise

    today = date(2026, 11, 30)
    assert promise("check in 3 days", today) == Promise("check", "", date(2026, 12, 3))
    assert promise("check in with legal", today) == Promise("check in with legal")
    assert promise("<@U1>", today) == Promise("", "U1")
