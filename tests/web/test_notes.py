"""A line of one's own in the timeline, what is taken back, a reminder put off; and who believes that it was done."""

from __future__ import annotations

import re
from datetime import timedelta

from bot.domain.finding import RecordFinding
from bot.domain.paging import Acknowledge
from bot.domain.policy import Role, Severity
from bot.domain.reminder import ReportReminder, reminders
from bot.domain.saying import NoteKept, SayingTakenBack
from bot.web.pages._done import LASTS
from tests.web.fakes import Place, leads
from tests.web.rich import declared
from tests.web.test_api import post
from tests.web.test_oncall_page import using
from tests.web.test_pages import sound
from tests.web.test_sessions import enrolled


async def test_a_line_by_a_form_stands_at_its_time(home: Place) -> None:
    """Written afterwards, it says when it was so and that it was late; the second click of one form is one line."""
    name = await declared(home)
    page = f"/incidents/{name}"
    earlier = home.clock.now().replace(microsecond=0)
    home.clock.forward(minutes=30)
    words = {"text": "called the vendor", "at": earlier.strftime("%Y-%m-%dT%H:%M:%S"), "once": "k"}
    async with using(home, "ben") as ben:
        for _ in range(2):
            assert leads(await ben.post(f"{page}/note", data=words)) == f"{page}?done=note#timeline"
        (note,) = (await home.desk.log.load(name)).notes
        assert (note.at, note.by) == (earlier, (await home.who("ben")).id)
        text = sound(await ben.get(page)).text
        assert "Ben Okafor said: called the vendor" in text
        assert "30 min later" in text
        no = await ben.post(f"{page}/note", data={"text": " ", "at": "", "once": "l"})
        assert no.status_code == 409
        assert "a message without words" in no.text
        late = await ben.post(f"{page}/note", data={"text": "x", "at": "2027-01-01T00:00:00", "once": "n"})
        assert late.status_code == 409
        assert "that time is still to come" in late.text
        wrong = await ben.post(f"{page}/note", data={"text": "kept", "at": "noon", "once": "m"})
        assert wrong.status_code == 422
        assert "kept</textarea>" in wrong.text


async def test_a_time_is_meant_by_the_clocks_the_page_shows(home: Place) -> None:
    """A script adds the zone; an hour that came twice there, or never, is refused, and every word comes back."""
    name = await declared(home)
    page = f"/incidents/{name}"
    words = {"text": "x", "zone": "Europe/Madrid"}
    async with using(home, "ben") as ben:
        told = await ben.post(f"{page}/note", data={**words, "at": "2026-11-20T12:58:00", "once": "a"})
        assert leads(told) == f"{page}?done=note#timeline"
        corrected = {
            "moment": "onset",
            "to": "2026-11-20T12:50:00",
            "because": "y",
            "zone": "Europe/Madrid",
            "once": "b",
        }
        await ben.post(f"{page}/correct", data=corrected)
        for at, because in (
            ("2026-10-25T02:30:00", "2026-10-25 02:30 came twice in Europe/Madrid; show all times in UTC"),
            ("2026-03-29T02:30:00", "2026-03-29 02:30 does not exist in Europe/Madrid"),
        ):
            no = await ben.post(f"{page}/note", data={**words, "at": at, "once": at})
            assert no.status_code == 409
            assert because in no.text
            assert f'value="{at}"' in no.text
        no = await ben.post(f"{page}/note", data={"text": "x", "at": "", "zone": "Etc/Unknown", "once": "c"})
        assert "Etc/Unknown is no zone known here" in no.text
        assert (await ben.post(f"{page}/note", data={**words, "at": "noon", "once": "d"})).status_code == 422
        assert (
            leads(await ben.post(f"{page}/note", data={**words, "at": "", "once": "e"})) == f"{page}?done=note#timeline"
        )
    incident = await home.desk.log.load(name)
    assert [each.at.isoformat() for each in incident.notes] == [
        "2026-11-20T11:58:00+00:00",
        home.clock.now().isoformat(),
    ]
    assert incident.onset is not None
    assert incident.onset.isoformat() == "2026-11-20T11:50:00+00:00"


async def test_what_is_taken_back_stays_in_the_record(home: Place) -> None:
    """A note and a finding of a person, with the reason; an instrument's finding has no such button, and is refused."""
    name = await declared(home)
    page = f"/incidents/{name}"
    await home.desk.submit(name, RecordFinding("psi 0.4", "drift"))
    async with using(home, "ana") as ana:
        await ana.post(f"{page}/finding", data={"text": "it is the join", "once": "a"})
        await ana.post(f"{page}/note", data={"text": "nobody was told", "once": "b"})
        before = sound(await ana.get(page))
        assert sorted(before.fields("name")) == ["F2", "T1"]
        no = await ana.post(f"{page}/take-back", data={"name": "F2", "because": " ", "once": "d"})
        assert (no.status_code, "say why F2 does not hold" in no.text) == (409, True)
        assert 'href="#findings"' in no.text
        for what, because, place in (("f2", "the query was wrong", "findings"), ("T1", "they were", "timeline")):
            told = await ana.post(f"{page}/take-back", data={"name": what, "because": because, "once": what})
            assert leads(told) == f"{page}?done=take-back#{place}"
        after = sound(await ana.get(page))
        assert not after.fields("name")
        assert "Ana Ruiz took back F2: the query was wrong" in after.text
        no = await ana.post(f"{page}/take-back", data={"name": "F1", "because": "no", "once": "c"})
        assert no.status_code == 409
        assert "what drift measured" in no.text
        assert 'value="no"' in no.text
    async with using(home, "audrey") as audrey:
        await ana_finds(home, name)
        no = await audrey.post(f"{page}/take-back", data={"name": "F3", "because": "no", "once": "e"})
        assert "may take back what somebody else said" in no.text
    kept = [entry.event for entry in await home.desk.log.entries(name)]
    assert [each.names for each in kept if isinstance(each, SayingTakenBack)] == [("F2",), ("T1",)]


async def ana_finds(home: Place, name: str) -> None:
    await home.desk.submit(name, RecordFinding("it is the cache", "responder"), await home.who("ana"))


async def test_by_api_the_timeline_names_what_can_be_taken_back(home: Place) -> None:
    """Two notes of the same words are two lines, for nobody named a key; each has its name."""
    await declared(home)
    for _ in range(2):
        told = await post(home, "ana", "note", text="still looking")
    assert [line["kept"] for line in told["timeline"] if line["name"] == NoteKept.__name__] == ["T1", "T2"]
    told = await post(home, "ben", "take-back", name="T1", because="said twice")
    gone = {line["kept"]: line["gone"] for line in told["timeline"] if line["kept"]}
    assert gone["T1"] is not None
    assert gone["T2"] is None


async def reminded(home: Place, name: str) -> None:
    """The chat told ana what waits for her there."""
    ana = await home.who("ana")
    home.clock.forward(minutes=90)
    incident = await home.desk.log.load(name)
    marks = tuple(each.mark for each in reminders(incident, home.desk.handler.policy) if each.person == ana.id)
    assert marks
    await home.desk.submit(name, ReportReminder(ana.id, marks, "chat"), cause=f"remind:{name}:{ana.id}:1")


async def test_a_reminder_is_put_off_where_the_chat_is_not(home: Place) -> None:
    """The button stands for whom something waits, and is gone once it is put off; after that it may be put off again."""
    name = await declared(home)
    page = f"/incidents/{name}"
    await home.desk.submit(name, Acknowledge(), await home.who("ana"))
    async with using(home, "ana") as ana:
        assert f"{page}/snooze" not in (await ana.get(page)).text
        no = await ana.post(f"{page}/snooze", data={"once": "a"})
        assert no.status_code == 409
        assert "you were not reminded of anything here" in no.text
    await reminded(home, name)
    async with using(home, "ana") as ana, using(home, "ben") as ben:
        assert [each["action"] for each in sound(await ana.get(page)).of("form") if "snooze" in each["action"]]
        assert f"{page}/snooze" not in (await ben.get(page)).text
        told = await ana.post(f"{page}/snooze", data={"once": "b"})
        assert leads(told) == f"{page}?done=snooze#top"
        assert "You hear of it again in 15 minutes." in (await ana.get(told.headers["location"])).text
        known = (await home.desk.log.load(name)).reminded[(await home.who("ana")).id]
        assert known.until == home.clock.now() + timedelta(minutes=15)
        assert f"{page}/snooze" not in (await ana.get(page)).text
        home.clock.forward(minutes=14)
        no = await ana.post(f"{page}/snooze", data={"once": "c"})
        assert f"put off already: you hear of it again at {known.until:%H:%M} UTC" in no.text
        assert (await home.desk.log.load(name)).reminded[(await home.who("ana")).id].until == known.until


async def test_a_page_says_only_what_was_done(home: Place) -> None:
    """Neither a link that somebody made up, nor another's, nor another page's, nor the same address later says so."""
    name = await declared(home)
    page = f"/incidents/{name}"
    said = "Acknowledged: paging stops."
    async with using(home, "ana") as ana, using(home, "ben") as ben:
        taken = (await ana.post(f"{page}/acknowledge", data={"once": "a"})).headers["location"].partition("#")[0]
        assert said in (await ana.get(taken)).text
        sign = re.search(r"sign=([0-9a-f.]+)", taken)
        assert sign
        for made_up in (
            f"{page}?done=acknowledge",
            f"{page}?done=acknowledge&sign=",
            f"{page}?done=acknowledge&sign=é.é",
            f"{page}?done=acknowledge&sign=9{sign[1]}",
            f"{page}?done=resolve&sign={sign[1]}",
        ):
            answer = await ana.get(made_up)
            assert answer.status_code == 200
            assert 'class="note good"' not in answer.text, made_up
        assert said not in (await ben.get(taken)).text
        other = await home.desk.declare("Slow", Severity.SEV3, "", "", await home.who("ana"))
        assert said not in (await ana.get(taken.replace(name, other.id))).text
        assert said in (await ana.get(taken)).text
        home.clock.forward(seconds=LASTS.total_seconds() + 1)
        assert said not in (await ana.get(taken)).text


async def test_whose_roles_changed_is_told_what_was_done(home: Place) -> None:
    """Their session goes on under a new name with the form they send, and the page knows them by it."""
    name = await declared(home)
    async with using(home, "ana") as ana:
        await enrolled(home, "ana", Role.RESPONDER, Role.MANAGER)
        told = await ana.post(f"/incidents/{name}/note", data={"text": "x", "at": "", "once": "a"})
        assert "set-cookie" in told.headers
        assert "In the timeline." in (await ana.get(told.headers["location"])).text
