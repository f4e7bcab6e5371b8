"""The stream: says that something changed to those whose it is to know, says nothing else, and ends when it must."""

from __future__ import annotations

import asyncio
import socket
from dataclasses import replace
from datetime import timedelta

import httpx

from bot.domain.lifecycle import Update
from bot.domain.policy import Role, Severity
from bot.engine.values import Profile
from bot.serving import _listen
from bot.web import pulse as pulses
from bot.web import stream as streams
from tests.inbox import alert
from tests.web.fakes import PEOPLE, Place
from tests.web.rich import declared
from tests.web.streaming import listening

TITLE = "zzz-sealed-title"


def now(home: Place) -> str:
    """What somebody says who heard everything until now."""
    return home.clock.now().isoformat()


async def update(home: Place, name: str, words: str) -> str:
    """Somebody tells something; the incident's newest hash."""
    home.clock.forward(seconds=1)
    await home.desk.submit(name, Update(words), await home.who("ana"))
    return (await home.desk.log.load(name)).head


async def test_an_incident_is_told_by_its_head(home: Place) -> None:
    """Each commit comes as one event that holds the newest hash and no word of it; an answer that no proxy holds back."""
    name = await declared(home)
    head = (await home.desk.log.load(name)).head
    async with await home.own("ana") as ana, listening(home, ana, incident=name, head=head) as line:
        assert line.status == 200
        assert line.headers["content-type"].startswith("text/event-stream")
        assert line.headers["x-accel-buffering"] == "no"
        assert line.headers["cache-control"] == "no-store"
        for many, words in enumerate(("first words", "second words"), 1):
            newest = await update(home, name, words)
            told = (await line.told(many))[-1]
            assert told == {"id": newest, "event": "changed", "data": newest}
        assert "words" not in line.said


async def test_who_comes_back_hears_what_they_missed(home: Place) -> None:
    """By the last event they heard: told at once where something came since, told nothing where not."""
    name = await declared(home)
    before = (await home.desk.log.load(name)).head
    after = await update(home, name, "while nobody listened")
    async with await home.own("ana") as ana:
        async with listening(home, ana, last=before, incident=name) as line:
            assert [each["data"] for each in await line.told(1)] == [after]
        async with listening(home, ana, last=after, incident=name, head=before) as line:
            await line.until(lambda heard: ": beat" in heard.said)
            assert line.events == []
        async with listening(home, ana, last=now(home), of="incidents") as line:
            await line.until(lambda heard: ": beat" in heard.said)
            assert line.events == []
        async with listening(home, ana, last="nonsense", of="incidents", since="nonsense") as line:
            assert len(await line.told(1)) == 1, "who knows not what they know is told to look"


async def test_a_restricted_incident_moves_in_silence(home: Place) -> None:
    """Lists tell those it is for; for others nothing comes, and its own line is no more there than its page."""
    name = await declared(home, restricted=True, title=TITLE, service="")
    async with await home.own("otto") as otto, await home.own("cleo") as cleo:
        async with (
            listening(home, otto, last=now(home), of="incidents") as outside,
            listening(home, cleo, last=now(home), of="incidents") as inside,
        ):
            await update(home, name, "more")
            assert len(await inside.told(1)) == 1
            await outside.until(lambda heard: heard.said.count(": beat") >= 1)
            assert outside.events == []
            other = await declared(home, fingerprint="other")
            assert len(await outside.told(1)) == 1
            assert TITLE not in inside.said + outside.said
            assert other not in outside.said, "which one it was is for the page to show"
        async with listening(home, otto, incident=name) as line:
            assert line.status == 404


async def test_whoever_is_out_hears_nothing_more(home: Place) -> None:
    """A session that ends, a role that goes, an incident that is closed to them: the line ends before the event."""
    name = await declared(home)
    browser = await home.browser("otto")
    async with listening(home, browser, last=now(home), of="incidents") as line:
        assert (await browser.post("/logout")).status_code == 303
        await update(home, name, "after the logout")
        await line.until(lambda heard: heard.ended)
        assert line.events == []
    await browser.aclose()

    async with await home.own("max") as max_, listening(home, max_, last=now(home), of="alerts") as line:
        changed = [
            each if each.key != "max" else Profile("", "max", "Max", frozenset({Role.AUDITOR})) for each in PEOPLE
        ]
        await home.store.people.enrol(changed)
        await update(home, name, "after the change of roles")
        await line.until(lambda heard: heard.ended)
        assert line.events == []


async def test_what_is_not_theirs_is_refused(home: Place) -> None:
    """Nobody without a login, no topic that is not theirs, nothing that is no topic, and not everything at once."""
    await declared(home)
    async with home.client() as nobody, listening(home, nobody, of="incidents") as line:
        assert line.status in {303, 401}
    async with await home.own("audrey") as audrey:
        for asked, status in (
            ({"of": "alerts"}, 403),
            ({"of": "nonsense"}, 422),
            ({}, 422),
            ({"of": "incidents", "incident": "INC-1"}, 422),
            ({"incident": "../x"}, 404),
        ):
            async with listening(home, audrey, **asked) as line:
                assert line.status == status, asked


async def test_other_things_that_move(home: Place) -> None:
    """An alert that comes in, a poll, and what another replica wrote are noticed at the next look."""
    home = home.having(inbox=home.store.alerts)
    pulse = home.app.state.pulse
    pulse.every = 3600.0
    name = await declared(home)
    async with (
        await home.own("ana") as ana,
        listening(home, ana, last=now(home), of="alerts") as alerts,
        listening(home, ana, last=now(home), of="objectives") as polls,
        listening(home, ana, last=now(home), of="incidents") as incidents,
    ):
        await pulse.look()
        await pulse.look()
        assert (alerts.events, polls.events, incidents.events) == ([], [], [])
        await home.store.alerts.accept([alert("a")])
        home.watch.poll()
        pulse._heads[name] = "as this replica knew it before the other wrote"
        await pulse.look()
        for line, many in ((alerts, 1), (polls, 1), (incidents, 1)):
            assert len(await line.told(many)) == many
        await pulse.look()
        await alerts.until(lambda heard: heard.events)
        assert len(polls.events) == 1


async def test_a_commit_is_told_once(home: Place) -> None:
    """What this process wrote is not taken for another's at the next look, whether the incident is open or closed."""
    name = await declared(home)
    pulse = home.app.state.pulse
    pulse.every = 3600.0
    reader = pulses.Reader(pulses.HEARS[pulses.Topic.INCIDENTS])
    async with pulse.reading(reader):
        await pulse.look()
        await pulse.look()
        await update(home, name, "here")
        assert list(reader.pending) == [pulses.Change(pulses.Source.LOG, name)]
        reader.pending.clear()
        await pulse.look()
        assert not reader.pending


async def test_silence_is_broken_by_a_word(home: Place) -> None:
    """So that proxies keep the line, and so that who reads is asked again."""
    home.app.state.pulse.beat = 0.01
    name = await declared(home)
    browser = await home.browser("ana")
    async with listening(home, browser, incident=name) as line:
        await line.until(lambda heard: heard.said.count(": beat") >= 3)
        await browser.post("/logout")
        await line.until(lambda heard: heard.ended)
    await browser.aclose()


async def test_a_slow_reader_is_let_go(home: Place) -> None:
    """Whoever takes nothing in holds nothing up: their line is cut, the others hear on, and nothing piles up."""
    home.app.state.pulse.slow = 1.0
    name = await declared(home)
    async with (
        await home.own("ana") as ana,
        await home.own("ben") as ben,
        listening(home, ana, last=now(home), of="incidents") as slow,
        listening(home, ben, last=now(home), of="incidents") as quick,
    ):
        slow.stuck = True
        await update(home, name, "one")
        assert len(await quick.told(1)) == 1
        await slow.until(lambda heard: heard.ended)
        await update(home, name, "two")
        assert len(await quick.told(2)) == 2
    assert home.app.state.pulse.readers == set()


def test_a_reader_far_behind_is_let_go() -> None:
    """What waits for one reader is bounded, and the same change a thousand times is one."""
    reader = pulses.Reader(pulses.HEARS[pulses.Topic.INCIDENTS])
    for _ in range(1_000):
        reader.note(pulses.Change(pulses.Source.LOG, "INC-1"))
    assert (len(reader.pending), reader.over) == (1, False)
    for number in range(pulses.MOST_PENDING + 1):
        reader.note(pulses.Change(pulses.Source.LOG, f"INC-{number}"))
    assert reader.over


async def test_the_end_of_the_house_ends_every_line(home: Place) -> None:
    """Nobody is waited for, and nobody is let in any more."""
    name = await declared(home)
    async with await home.own("ana") as ana:
        async with listening(home, ana, incident=name) as one, listening(home, ana, of="oncall") as other:
            home.app.state.pulse.close()
            for line in (one, other):
                await line.until(lambda heard: heard.ended)
        async with listening(home, ana, incident=name) as late:
            assert late.status == 503


async def test_many_readers_cost_one_look(home: Place) -> None:
    """Two hundred lines are told of a commit, and what changed is looked up once for all of them."""
    name = await declared(home)
    pulse, looks = home.app.state.pulse, 0
    log = home.desk.log
    heads = log.heads

    async def counted():
        nonlocal looks
        looks += 1
        return await heads()

    log.heads = counted
    pulse.every = 3600.0
    readers = [pulses.Reader(pulses.HEARS[pulses.Topic.INCIDENTS]) for _ in range(200)]
    entered = [pulse.reading(each) for each in readers]
    for each in entered:
        await each.__aenter__()
    waiting = [asyncio.create_task(each.wait(timedelta(seconds=10).total_seconds())) for each in readers]
    await update(home, name, "for everybody")
    found = await asyncio.gather(*waiting)
    assert all(each == [pulses.Change(pulses.Source.LOG, name)] for each in found)
    assert looks <= 1
    for each in entered:
        await each.__aexit__(None, None, None)


async def test_a_server_that_stops_waits_for_no_open_page(home: Place) -> None:
    """Asked to stop while somebody reads a stream over a real socket, it ends by itself, and the line with it."""
    stop = asyncio.Event()
    with socket.socket() as held:
        held.bind(("127.0.0.1", 0))
        serving = asyncio.create_task(_listen(home.app, [held], stop))
        name, own = await declared(home), await home.own("ana")
        address = f"http://127.0.0.1:{held.getsockname()[1]}/stream?incident={name}"
        async with (
            httpx.AsyncClient(headers=own.headers, trust_env=False) as client,
            client.stream("GET", address, timeout=10) as line,
        ):
            chunks = line.aiter_text()
            assert "live" in await anext(chunks)
            stop.set()
            async with asyncio.timeout(10):
                await serving
                assert "".join([chunk async for chunk in chunks]).count("event:") <= 1
        await own.aclose()


async def test_a_stream_is_nobody_who_is_there(home: Place) -> None:
    """By a browser that says nothing of what it fetches: it draws no new session, which nobody would be given.

    Roles that changed meanwhile give one at the next page, and the old cookie is good until then.
    """
    browser = await home.browser("ana")
    del browser.headers["sec-fetch-site"]
    async with listening(home, browser, of="overview") as heard:
        await heard.until(lambda line: "live" in line.said)
        more = tuple(replace(one, roles=one.roles | {Role.APPROVER}) if one.key == "ana" else one for one in PEOPLE)
        await home.store.people.enrol(more)
        await home.desk.declare("x", Severity.SEV3, "visits", "", await home.who("ben"))
        await heard.told(1)
        home.clock.forward(seconds=61)
        assert (await browser.get("/")).status_code == 200
    await browser.aclose()


async def test_one_person_does_not_take_every_line(home: Place) -> None:
    """So many pages may lie open by one person; one more waits, and others read on."""
    pulse: pulses.Pulse = home.app.state.pulse
    otto, ana = await home.who("otto"), await home.browser("ana")
    held = [pulses.Reader(frozenset(), person=otto.id) for _ in range(streams.EACH)]
    pulse.readers.update(held)
    async with await home.own("otto") as own:
        refused = await own.get("/stream?of=overview")
    assert refused.status_code == 503
    assert "close some" in refused.text
    async with listening(home, ana, of="overview") as heard:
        await heard.until(lambda line: "live" in line.said)
    pulse.readers.difference_update(held)
    await ana.aclose()
