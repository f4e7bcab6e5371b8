"""Who may act: those the directory names and Slack does not call a guest, a bot, gone or somebody else's."""

import asyncio
from dataclasses import replace

import pytest

from bot.slack import standing
from tests.slack.bench import Bench


def become(bench: Bench, key: str, **changes: object) -> None:
    """Slack thinks otherwise of somebody from now on."""
    people = bench.slack.workspace.people
    people[f"U0{key.upper()}"] = replace(people[f"U0{key.upper()}"], **changes)


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"is_restricted": True}, standing.GUEST),
        ({"is_ultra_restricted": True}, standing.GUEST),
        ({"team": "T0OTHER"}, "Tocsin does not know you here"),
    ],
)
async def test_a_guest_is_refused_though_the_directory_names_them(sock: Bench, changes, words):
    """Click, mention and command alike: nothing is recorded, and the person is told why."""
    await sock.declared()
    become(sock, "ben", **changes)
    ben = await sock.person("ben")
    (card,) = sock.posts("card")
    before = len(await sock.log.entries("INC-1"))
    assert (await ben.click("ack"))["acked"]
    await ben.command("/incident", "INC-1 ack")
    await ben.say("@Tocsin ack", in_thread_of=card["ts"])
    await sock.slack.delivery.settle()
    await sock.settle()
    assert len(await sock.log.entries("INC-1")) == before
    assert len([one for one in sock.whispers("ben") if words in one]) == 3


@pytest.mark.parametrize(
    ("user", "because"),
    [
        ({"id": "U0BEN", "team_id": "T0TOCSIN", "deleted": True}, standing.GONE),
        ({"id": "U0BEN", "team_id": "T0TOCSIN", "is_bot": True}, standing.BOT),
        ({"id": "U0BEN", "team_id": "T0OTHER"}, standing.ELSEWHERE),
        ({"id": "U0BEN", "team_id": "T0TOCSIN", "is_stranger": True}, standing.ELSEWHERE),
        ({"id": "U0BEN", "team_id": "T0OTHER", "enterprise_user": {"id": "W1", "teams": ["T0TOCSIN"]}}, ""),
        ({"id": "U0BEN", "team_id": "T0TOCSIN"}, ""),
        ("junk", ""),
        (None, ""),
    ],
)
def test_what_slack_says_of_a_person(user, because):
    """Each kind of nobody has its sentence; people of a Grid organisation are ours; junk says nothing."""
    assert standing.judged(user, "T0TOCSIN") == because


async def test_slack_is_asked_once_and_believed_for_a_while(sock: Bench):
    """Ten clicks are one question; a quarter of an hour later a guest of meanwhile is found out."""
    await sock.declared()
    ana = await sock.person("ana")
    for _ in range(10):
        await ana.click("update.open")
        await ana.close_view()
    assert len(sock.calls("users.info")) == 1
    become(sock, "ana", is_restricted=True)
    assert (await ana.click("ack"))["acked"]
    assert (await sock.incident()).acknowledged is not None
    sock.clock.forward(15 * 60 + 1)
    await ana.click("update.open")
    await sock.settle()
    assert sock.whispers("ana")[-1] == standing.GUEST
    assert len(sock.calls("users.info")) == 2


async def test_an_answer_is_renewed_while_it_is_believed(sock: Bench):
    """After ten minutes a click asks anew and waits for nothing; the next one goes by the newer answer."""
    await sock.declared()
    ana = await sock.person("ana")
    await ana.click("update.open")
    await ana.close_view()
    become(sock, "ana", is_restricted=True)
    sock.clock.forward(10 * 60 + 1)
    assert (await ana.click("ack"))["acked"]
    assert (await sock.incident()).acknowledged is not None
    await asyncio.gather(*sock.room.ingress.standing._asking.values())
    await ana.click("update.open")
    await sock.settle()
    assert sock.whispers("ana")[-1] == standing.GUEST
    assert len(sock.calls("users.info")) == 2


@pytest.mark.parametrize("kind", ["500", "cut", "outage", "429"])
async def test_where_slack_does_not_say_the_directory_does(sock: Bench, kind: str):
    """The click is recorded all the same, and Slack is not asked again at every click."""
    await sock.declared()
    ana = await sock.person("ana")
    sock.fault("users.info", kind)
    await ana.click("ack")
    assert (await sock.incident()).acknowledged is not None
    asked = len(sock.calls("users.info"))
    await ana.click("update.open")
    assert len(sock.calls("users.info")) == asked


async def test_a_scope_that_is_not_granted_refuses_nobody(sock: Bench):
    """Without users:read nothing can be said against anybody."""
    scopes = [one for one in sock.slack.workspace.settings.scopes if one != "users:read"]
    sock.slack.workspace.settings = replace(sock.slack.workspace.settings, scopes=tuple(scopes))
    await sock.declared()
    await (await sock.person("ana")).click("ack")
    assert (await sock.incident()).acknowledged is not None


async def test_no_click_waits_for_a_slow_answer(sock: Bench):
    """Slack takes its time: after half a second the directory's word counts, and the late answer is kept."""
    await sock.declared()
    become(sock, "ana", is_restricted=True)
    call, gate = sock.room.client.call, asyncio.Event()

    async def slow(method: str, **given):
        if method == "users.info":
            await gate.wait()
        return await call(method, **given)

    sock.room.client.call = slow
    ana = await sock.person("ana")
    before = asyncio.get_running_loop().time()
    await ana.click("ack")
    assert asyncio.get_running_loop().time() - before < 2
    assert (await sock.incident()).acknowledged is not None
    gate.set()
    await asyncio.gather(*sock.room.ingress.standing._asking.values())
    await ana.click("update.open")
    await sock.settle()
    assert sock.whispers("ana")[-1] == standing.GUEST
