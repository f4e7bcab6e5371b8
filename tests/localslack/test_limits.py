"""What a strict workspace does to an app: "wait", "no such method", and metadata that is not kept."""

from collections.abc import AsyncIterator

import httpx
import pytest

from bot.localslack import Limits, LocalSlack
from tests.parts import Hands


@pytest.fixture
def clock() -> Hands:
    return Hands()


@pytest.fixture
async def slack(clock: Hands) -> AsyncIterator[LocalSlack]:
    async with LocalSlack(clock=clock) as server:
        yield server


async def call(slack: LocalSlack, method: str, **given: object) -> httpx.Response:
    headers = {"Authorization": f"Bearer {slack.bot_token}"}
    async with httpx.AsyncClient(trust_env=False, headers=headers) as http:
        return await http.post(f"{slack.api_url}{method}", json=given)


async def control(slack: LocalSlack, verb: str, what: str, **given: object) -> httpx.Response:
    async with httpx.AsyncClient(trust_env=False) as http:
        return await http.request(verb, f"{slack.url}/control/{what}", json=given)


async def test_nothing_is_limited_unless_asked_for(slack: LocalSlack):
    """Thirty messages in one moment are let through."""
    answers = [await call(slack, "chat.postMessage", channel="C0INC", text="x") for _ in range(30)]
    assert {one.status_code for one in answers} == {200}


async def test_a_channel_takes_a_burst_and_one_message_a_second(slack: LocalSlack, clock: Hands):
    """The fifth must wait a second, and after that second it is taken; another channel has its own count."""
    slack.workspace.strict.limit(Limits())
    for _ in range(4):
        assert (await call(slack, "chat.postMessage", channel="C0INC", text="x")).json()["ok"]
    late = await call(slack, "chat.postMessage", channel="C0INC", text="x")
    assert (late.status_code, late.headers["Retry-After"]) == (429, "1")
    assert late.json() == {"ok": False, "error": "ratelimited"}
    assert (await call(slack, "chat.postMessage", channel="C0GENERAL", text="x")).json()["ok"]
    clock.forward(1)
    assert (await call(slack, "chat.postMessage", channel="C0INC", text="x")).json()["ok"]
    assert len(slack.workspace.memory.messages["C0INC"]) == 5


@pytest.mark.parametrize(("method", "most"), [("conversations.list", 20), ("users.lookupByEmail", 50),
                                              ("users.info", 100)])  # fmt: skip
async def test_a_method_is_limited_by_its_tier(slack: LocalSlack, clock: Hands, method: str, most: int):
    """As many as the tier says in any minute; Retry-After is when the next one is taken, not a second earlier."""
    slack.workspace.strict.limit(Limits())
    given = {"email": "ana@example.com", "user": "U0ANA"}
    for _ in range(most):
        assert (await call(slack, method, **given)).status_code == 200
    clock.forward(12.5)
    late = await call(slack, method, **given)
    assert (late.status_code, late.headers["Retry-After"]) == (429, "48")
    assert (await call(slack, "auth.test")).json()["ok"]
    clock.forward(47)
    assert (await call(slack, method, **given)).status_code == 429
    clock.forward(1)
    assert (await call(slack, method, **given)).status_code == 200


async def test_one_number_for_all_methods_can_be_switched_while_it_runs(slack: LocalSlack):
    """Twenty a minute each, the special ones too; switched off again, everything is let through."""
    assert (await control(slack, "POST", "limits", per_minute=2)).json()["ok"]
    codes = [(await call(slack, "auth.test")).status_code for _ in range(3)]
    assert codes == [200, 200, 429]
    assert (await call(slack, "api.test")).status_code == 200
    assert (await control(slack, "DELETE", "limits")).json()["ok"]
    assert (await call(slack, "auth.test")).status_code == 200


async def test_limits_that_make_no_sense_are_refused_in_words(slack: LocalSlack):
    """An unknown name, and a number that lets nothing through; the limits stay as they were."""
    for given in ({"per_second": 1}, {"burst": 0}, {"per_minute": "many"}):
        answer = await control(slack, "POST", "limits", **given)
        assert answer.status_code == 422
        assert "per_minute" in answer.json()["error"]
    assert slack.workspace.strict.limits is None


async def test_methods_a_server_does_not_have(slack: LocalSlack):
    """They answer unknown_method and do nothing, until they are there again."""
    (_channel, ts) = ("C0INC", (await call(slack, "chat.postMessage", channel="C0INC", text="x")).json()["ts"])
    assert (await control(slack, "POST", "without", methods=["pins.add"])).json()["ok"]
    assert (await call(slack, "pins.add", channel="C0INC", timestamp=ts)).json()["error"] == "unknown_method"
    assert (await control(slack, "POST", "without", methods="pins.add")).status_code == 422
    assert (await control(slack, "POST", "without", methods=[])).json()["ok"]
    assert (await call(slack, "pins.add", channel="C0INC", timestamp=ts)).json()["ok"]


async def test_metadata_can_be_dropped(slack: LocalSlack):
    """New and changed messages lose theirs; nonsense is refused all the same."""
    assert (await control(slack, "POST", "metadata", drops=True)).json()["ok"]
    data = {"event_type": "a", "event_payload": {}}
    sent = (await call(slack, "chat.postMessage", channel="C0INC", text="x", metadata=data)).json()
    assert "metadata" not in sent["message"]
    changed = await call(slack, "chat.update", channel="C0INC", ts=sent["ts"], text="y", metadata=data)
    assert "metadata" not in changed.json()["message"]
    wrong = await call(slack, "chat.postMessage", channel="C0INC", text="x", metadata={"event_type": 1})
    assert wrong.json()["error"] == "invalid_metadata_schema"
    assert (await control(slack, "POST", "metadata", drops=False)).json()["ok"]
    kept = (await call(slack, "chat.postMessage", channel="C0INC", text="x", metadata=data)).json()
    assert kept["message"]["metadata"] == data


async def test_calls_can_be_slow(slack: LocalSlack, clock: Hands):
    """Half of the delay on the way there, half on the way back, by the workspace's clock."""
    assert (await control(slack, "POST", "delay", seconds=0.3)).json()["ok"]
    begun = clock.now()
    sent = (await call(slack, "chat.postMessage", channel="C0INC", text="x")).json()
    assert (clock.now() - begun).total_seconds() == pytest.approx(0.3)
    assert float(sent["ts"]) - begun.timestamp() == pytest.approx(0.15, abs=1e-3)
    assert (await control(slack, "POST", "delay", seconds=-1)).status_code == 422


async def test_all_of_it_can_be_given_at_the_start(clock: Hands):
    """A strict server from its first call on."""
    strict = LocalSlack(clock=clock, limits=Limits(per_minute=1), without=frozenset({"auth.test"}), drops_metadata=True)
    async with strict as slack:
        assert (await call(slack, "auth.test")).json()["error"] == "unknown_method"
        assert (await call(slack, "auth.test")).status_code == 429
        assert slack.workspace.strict.drops_metadata
