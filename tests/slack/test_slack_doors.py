"""What Slack's room must not do: approve what nobody could read, promise what it does not know, starve a Home tab."""

import asyncio
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import aiohttp
import pytest

from bot.domain.errors import Unavailable
from bot.domain.mitigation import State
from bot.domain.notice import RequestNotice
from bot.domain.signing import FreezeNotice
from bot.slack.ids import Ref
from bot.slack.transport import Socket
from tests.slack.bench import TEAM, Bench

TOO_LONG = "This is too long for Slack; read and approve it on the console."


async def sent(bench: Bench, key: str, callback: str, ref: Ref) -> str:
    """What a person reads who sends a dialog that was made elsewhere or before."""
    body = {"type": "view_submission", "user": {"id": f"U0{key.upper()}", "team_id": TEAM}, "trigger_id": f"t.{callback}",
            "view": {"type": "modal", "callback_id": callback, "private_metadata": ref.metadata, "blocks": []}}  # fmt: skip
    answer = await bench.room.ingress.take(body)
    return str(answer.body)


# -- words that were cut off -----------------------------------------------------------------------------------------


async def test_a_plan_too_long_to_read_is_not_approved_from_slack(sock: Bench):
    """The dialog has no button, and one sent all the same is refused; the console still may."""
    await sock.declared()
    plan = sock.router.plan

    async def long(*given: Any) -> Any:
        return replace(await plan(*given), diff=("weights v1: 0 → 100", "and " * 1_000))

    sock.router.plan = long
    await sock.desk.changes.propose("INC-1", "rollback-v1", "", await sock.who("ana"))
    await sock.settle()
    ben = await sock.person("ben")
    (card,) = sock.posts("card")
    await ben.click("approve.open", in_thread_of=card["ts"])
    view = await ben.wait_for_view("approve")
    assert not view.get("submit")
    digest = (await sock.incident()).mitigations["M1"].digest
    assert TOO_LONG in await sent(sock, "ben", "approve", Ref("INC-1", "M1", digest))
    assert (await sock.incident()).mitigations["M1"].state is State.PROPOSED


async def test_a_notice_too_long_to_read_is_not_approved_from_slack(sock: Bench):
    """The same for the words of a notice."""
    await sock.declared()
    await sock.say(RequestNotice("stakeholders/update"), "dev")
    await sock.say(FreezeNotice("N1", "word " * 12_500, "d" * 64, (), sock.clock.now()), "dev")
    assert TOO_LONG in await sent(sock, "cleo", "notice.approve", Ref("INC-1", "N1", "d" * 64))
    assert str((await sock.incident()).notices["N1"].standing) == "waiting for approval"
    await sock.say(FreezeNotice("N1", "short", "e" * 64, (), sock.clock.now()), "dev")
    assert TOO_LONG not in await sent(sock, "cleo", "notice.approve", Ref("INC-1", "N1", "e" * 64))


# -- what became of a click ------------------------------------------------------------------------------------------


class LateLog:
    """A log that writes, and answers too late."""

    def __init__(self, inner: Any) -> None:
        self._inner = inner

    async def append(self, *given: Any, **more: Any) -> Any:
        done = await self._inner.append(*given, **more)
        await asyncio.sleep(5)
        return done

    def __getattr__(self, name: str) -> Any:
        return getattr(self._inner, name)


async def test_an_answer_that_comes_too_late_is_not_called_unrecorded(sock: Bench):
    """It was recorded although nobody heard so in time: the person is told to look, not to press again."""
    await sock.declared()
    ana = await sock.person("ana")
    sock.desk.handler.log = LateLog(sock.log)
    assert (await ana.click("ack"))["acked"]
    await sock.room.ingress.answers.settle()
    (told,) = sock.whispers("ana")
    assert told == "It may not have been recorded; look at the thread before you press again."
    assert (await sock.incident()).acknowledged is not None


# -- Home tabs -------------------------------------------------------------------------------------------------------


async def opened(bench: Bench, *keys: str) -> None:
    """People look at their Home tabs, in this order."""
    for key in keys:
        await (await bench.person(key)).open_home()
        await bench.slack.delivery.settle()
        await bench.settle()


def published(bench: Bench) -> list[str]:
    """Whose tab was published, in order."""
    return [one["sent"]["user_id"] for one in bench.calls("views.publish")]


async def test_one_refused_home_tab_starves_nobody(sock: Bench):
    """The first one left the workspace: the second one's tab is fresh, and the first one's is not tried again."""
    await sock.declared()
    await opened(sock, "ana", "ben")
    member = sock.slack.workspace.people.pop("U0ANA")
    await sock.declared("Latency is up", by="dev")
    await sock.desk.changes.propose("INC-1", "rollback-v1", "", await sock.who("ana"))
    assert await sock.room.ingress.refresh_homes()
    ben = await sock.person("ben")
    assert "Review & approve" in str(await ben.home())
    assert set(sock.room.ingress.homes.tabs) == {"U0BEN"}
    sock.slack.workspace.people["U0ANA"] = member


async def test_a_home_tab_without_an_answer_comes_again_and_last(sock: Bench):
    """Slack does not answer for the first: it is told that somebody waits, and the next round begins with the other."""
    await sock.declared()
    await opened(sock, "ana", "ben")
    before = len(published(sock))
    await sock.declared("Latency is up", by="dev")
    sock.fault("views.publish", "500")
    assert not await sock.room.ingress.refresh_homes()
    assert await sock.room.ingress.refresh_homes()
    assert published(sock)[before:] == ["U0ANA", "U0BEN", "U0ANA"]
    sock.log.silent = True
    assert not await sock.room.ingress.refresh_homes()
    with pytest.raises(Unavailable):
        await sock.desk.open_incidents()


async def test_open_situations_are_built_once_for_all_viewers(sock: Bench):
    """Three viewers, two incidents: two situations; a restricted one is built, and shown to its people alone."""
    await sock.declared("Plain")
    await sock.declared("Secret canary", by="dev", restricted=True)
    await opened(sock, "ana", "ben", "dev", "cleo")
    built = []
    situation = sock.desk.situation

    async def counted(name: str) -> Any:
        built.append(name)
        return await situation(name)

    sock.desk.situation = counted
    assert await sock.room.ingress.refresh_homes()
    assert sorted(built) == ["INC-1", "INC-2"]
    assert "*SEV2 INC-2* is restricted." in str(await (await sock.person("dev")).home())
    assert "INC-2" not in str(await (await sock.person("cleo")).home())


# -- sockets ---------------------------------------------------------------------------------------------------------


async def test_too_many_sockets_are_no_reason_to_knock_at_once_again(sock: Bench, caplog: pytest.LogCaptureFixture):
    """Ten are connected: the eleventh is told so once, leaves Slack alone for a minute, and comes in when one goes."""
    async with aiohttp.ClientSession() as session:
        others = [
            await session.ws_connect(f"{sock.slack.url}/socket?ticket={sock.slack.delivery.ticket()}") for _ in range(9)
        ]
        socket = Socket(sock.room.ingress.app, sock.room.settings, sock.clock)
        await socket.open()
        await until(lambda: socket.crowded_until is not None)
        await asyncio.sleep(0.2)
        opened = len(sock.calls("apps.connections.open"))
        assert opened <= 4, "one of the bench, one of the test, and one the library begins before it is stopped"
        assert not await socket.connected()
        for _ in range(5):
            sock.clock.forward(10)
            await socket.look()
        assert len(sock.calls("apps.connections.open")) == opened
        assert len([one for one in caplog.messages if "ten connections" in one]) == 1
        await others.pop().close()
        sock.clock.forward(11)
        await socket.look()
        assert await socket.connected()
        assert sock.slack.delivery.sockets == 10
        for one in others:
            await one.close()
        await socket.close()


async def test_a_refresh_is_survived(sock: Bench):
    """Slack asks every few hours to come again: another socket is opened, and clicks arrive as before."""
    await sock.declared()
    await sock.slack.delivery.disconnect("refresh_requested")
    socket = sock.room.socket
    assert socket is not None
    await until(lambda: sock.slack.delivery.sockets == 1)
    assert (await (await sock.person("ana")).click("ack"))["acked"]
    assert (await sock.incident()).acknowledged is not None


async def until(holds: Callable[[], bool]) -> None:
    """Give other tasks their turn until it holds; at most five seconds."""
    async with asyncio.timeout(5):
        while not holds():  # noqa: ASYNC110 - the library tells it no other way
            await asyncio.sleep(0.02)
