"""One person behind a Slack account, a browser's session and a token of their own is one person, however they come in.

Real here: the Slack room in the practice workspace, the web console with its sessions and tokens, one store behind both.
"""

from __future__ import annotations

import itertools
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from dataclasses import replace
from pathlib import Path

import httpx
import pytest

from bot.documents import Document
from bot.domain.errors import Refused
from bot.domain.guard import ActionClass
from bot.domain.mitigation import Mitigation, State
from bot.engine.values import Profile
from bot.slack.ids import Ref
from bot.store import Store
from bot.web.app import build
from bot.web.house import WebHouse
from tests.kit import NOON
from tests.slack.bench import PEOPLE, TEAM, Bench
from tests.web.fakes import FakeClock, FakeWatch, Place, enter

ADDRESS = "https://tocsin.example"
OWN = "ou proposed M1; a second person must approve it"
DOORS = ("slack", "browser", "token")


class Town:
    """One house with three doors, and people who come in by any of them."""

    def __init__(self, bench: Bench, place: Place) -> None:
        self.bench, self.place = bench, place
        self.propose: Mapping[str, Callable[[str], Awaitable[None]]] = {
            "slack": self._propose_in_slack,
            "browser": self._propose_in_a_browser,
            "token": self._propose_by_token,
        }
        self.approve: Mapping[str, Callable[[str], Awaitable[str]]] = {
            "slack": self._approve_in_slack,
            "browser": self._approve_in_a_browser,
            "token": self._approve_by_token,
        }

    async def m1(self) -> Mitigation:
        return (await self.bench.incident()).mitigations["M1"]

    async def _browser(self, key: str) -> httpx.AsyncClient:
        """Somebody logged in at the console's own address, whose forms come from there."""
        headers = {"Sec-Fetch-Site": "same-origin"}
        app = self.place.app
        client = httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url=ADDRESS, headers=headers)
        answer = await enter(client, await app.state.console.door.logins.mint(key))
        assert answer.status_code == 303, answer.text
        return client

    # -- propose -----------------------------------------------------------------------------------------------------

    async def _propose_in_slack(self, key: str) -> None:
        person = await self.bench.person(key)
        (card,) = self.bench.posts("card")
        await person.click("propose.open", in_thread_of=card["ts"], value="INC-1")
        await person.wait_for_view("propose")
        await person.submit({"offer": "rollback-v1", "reason": "v2 is wrong"})
        await self.bench.settle()

    async def _propose_in_a_browser(self, key: str) -> None:
        browser = await self._browser(key)
        told = await browser.post("/incidents/INC-1/propose", data={"offer": "rollback-v1", "because": ""})
        await browser.aclose()
        assert told.status_code in (200, 303), told.text

    async def _propose_by_token(self, key: str) -> None:
        async with await self.place.own(key) as terminal:
            told = await terminal.post("/api/incidents/INC-1/propose", json={"offer": "rollback-v1"})
        assert told.status_code == 200, told.text

    # -- approve: what the person reads who is refused, "" who is not ------------------------------------------------

    async def _approve_in_slack(self, key: str) -> str:
        metadata = Ref("INC-1", "M1", (await self.m1()).digest).metadata
        view = {"type": "modal", "callback_id": "approve", "private_metadata": metadata, "blocks": []}
        user = {"id": f"U0{key.upper()}", "team_id": TEAM}
        body = {"type": "view_submission", "user": user, "trigger_id": f"t.{next(_NUMBERS)}", "view": view}
        answer = await self.bench.room.ingress.take(body)
        return str(answer.body) if "a second person" in str(answer.body) else ""

    async def _approve_in_a_browser(self, key: str) -> str:
        body = {"mitigation": "M1", "digest": (await self.m1()).digest}
        browser = await self._browser(key)
        told = await browser.post("/incidents/INC-1/approve", data=body)
        await browser.aclose()
        return _refusal(told)

    async def _approve_by_token(self, key: str) -> str:
        body = {"mitigation": "M1", "digest": (await self.m1()).digest}
        async with await self.place.own(key) as terminal:
            told = await terminal.post("/api/incidents/INC-1/approve", json=body)
        return _refusal(told)


_NUMBERS = itertools.count(1)


def _refusal(told: httpx.Response) -> str:
    return told.text if told.status_code >= 400 else ""


@pytest.fixture
async def town(tmp_path: Path) -> AsyncIterator[Town]:
    async with Bench.open(tmp_path) as bench:
        await bench.declared()
        watch = FakeWatch(FakeClock(NOON))

        async def ready() -> dict[str, object]:
            return {"ok": True}

        web = WebHouse(
            bench.desk, watch, {}, Document.of, tmp_path / "state", "Visits", ready, None, access=bench.store.access
        )
        place = Place(bench.clock, bench.store, bench.desk, watch, web, build(web))
        yield Town(bench, place)


def quorum(town: Town, needed: int) -> None:
    """From now on so many people must approve."""
    handler = town.bench.desk.handler
    handler.policy = replace(handler.policy, quorum={ActionClass.TRAFFIC: needed})


@pytest.mark.parametrize("proposes", DOORS)
@pytest.mark.parametrize("approves", DOORS)
async def test_nobody_approves_their_own_proposal_through_another_door(
    town: Town, proposes: str, approves: str
) -> None:
    """All nine pairs of doors: ben proposed by the one and is refused at the other, and it stands in the timeline."""
    await town.propose[proposes]("ben")
    assert OWN in await town.approve[approves]("ben")
    refused = await town.m1()
    assert (refused.state, refused.approvals) == (State.PROPOSED, ())
    told = [type(each.event).__name__ for each in await town.bench.desk.log.entries("INC-1")]
    assert told[-1] == "ApprovalRefused"
    assert await town.approve[approves]("dev") == ""
    assert (await town.m1()).state is State.APPROVED


@pytest.mark.parametrize("first", DOORS)
@pytest.mark.parametrize("then", DOORS)
async def test_one_person_at_two_doors_is_counted_once(town: Town, first: str, then: str) -> None:
    """With a quorum of two: dev by one door and by another is one person; ben as well makes two."""
    quorum(town, 2)
    await town.propose["token"]("ana")
    for door in (first, then):
        assert await town.approve[door]("dev") == ""
    once = await town.m1()
    assert (len(once.approvals), once.state) == (1, State.PROPOSED)
    assert await town.approve[then]("ben") == ""
    twice = await town.m1()
    assert (len(twice.approvers), twice.state) == (2, State.APPROVED)


@pytest.mark.parametrize(
    ("second", "says"),
    [
        (Profile("", "ben2", "Ben O.", PEOPLE[1].roles, email="BEN@visits.example"), "the same mail address"),
        (Profile("", "ben2", "Ben O.", PEOPLE[1].roles, TEAM, "U0BEN"), "the same Slack account"),
        (Profile("", "ben2", "Ben O.", PEOPLE[1].roles, "", "U0BEN"), "the same Slack account"),
        (Profile("", "ben", "Ben O.", PEOPLE[1].roles), "two people are called ben"),
    ],
    ids=["mail address", "Slack account", "Slack account of any team", "key"],
)
async def test_one_person_is_not_two_in_the_directory(tmp_path: Path, second: Profile, says: str) -> None:
    """A second entry with an account, an address or a key of the first would be a second pair of eyes: it is refused."""
    people = [replace(each, email="ben@visits.example") if each.key == "ben" else each for each in PEOPLE]
    async with await Store.open(f"sqlite:///{tmp_path / 'tocsin.db'}", FakeClock()) as store:
        with pytest.raises(Refused, match=says):
            await store.people.enrol([*people, second])
        assert await store.people.everyone() == []
