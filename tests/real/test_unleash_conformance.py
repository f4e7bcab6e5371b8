"""Unleash itself: our fake answers as it does, and the action switches its flags and proves it by the SDKs' own view.

Real here: npm's `unleash-server` 7.5 on Debian's PostgreSQL. Contract: its admin API and `/api/client/features`.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from typing import Any

import httpx
import psycopg
import pytest

from bot.domain.errors import Refused, Unavailable
from bot.domain.mitigation import Means
from bot.domain.service import Target
from bot.engine.ports import Action
from bot.engine.values import Observation, Seen
from tests.actions import fake_unleash as fakes
from tests.actions.fakes import ROLLBACK, make
from tests.actions.real_unleash import Unleash, unleash
from tests.postgres import Postgres

pytestmark = [pytest.mark.real, pytest.mark.xdist_group("unleash")]

TARGET = Target("model-flag", "unleash")
FEATURES = "/api/admin/projects/default/features"
KILL = (Means.BYPASS, {"enabled": False})
SLICE = (Means.BYPASS, {"slice": "region=fr", "to": "v1"})


@pytest.fixture(scope="module")
def server(postgres: Postgres, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Unleash]:
    """One server for this file."""
    with unleash(postgres, tmp_path_factory.mktemp("unleash")) as made:
        yield made


@pytest.fixture
async def admin(server: Unleash) -> AsyncIterator[httpx.AsyncClient]:
    headers = {"authorization": f"Bearer {server.admin}"}
    async with httpx.AsyncClient(base_url=server.url, headers=headers, trust_env=False, timeout=30) as client:
        yield client


@pytest.fixture
async def flag(admin: httpx.AsyncClient, request: pytest.FixtureRequest) -> str:
    """A flag of its own per test, on for everybody in production."""
    name = request.node.name.removeprefix("test_")[:60]
    return await released(admin, name)


async def released(admin: httpx.AsyncClient, name: str) -> str:
    assert (await admin.post(FEATURES, json={"name": name, "type": "kill-switch"})).status_code == 201
    assert (await admin.post(f"{FEATURES}/{name}/environments/production/on", json={})).status_code == 200
    return name


async def environment(admin: httpx.AsyncClient, name: str) -> dict[str, Any]:
    """The flag in production by the endpoint of that name, which the action does not use."""
    found: dict[str, Any] = (await admin.get(f"{FEATURES}/{name}/environments/production")).json()
    return found


def action(server: Unleash, flag: str, **settings: Any) -> Action:
    given = {"url": server.url, "flag": flag, "on": "v2", "off": "v1", "timeout_seconds": 30}
    return make("unleash", **(given | {"token": server.admin, "client_token": server.client} | settings))


async def settled(look: Callable[[], Awaitable[Observation]]) -> Observation:
    """What is seen once Unleash hands it out, within a second or two; a flag just made is not there yet either."""
    until = time.monotonic() + 20
    while (seen := await look()).seen in (Seen.MOVING, Seen.UNKNOWN) and time.monotonic() < until:  # noqa: ASYNC110 - no event tells it
        await asyncio.sleep(0.05)
    return seen


async def person(server: Unleash, admin: httpx.AsyncClient, name: str, role: int) -> str:
    """A personal token of somebody with that root role: 2 edits, 3 reads."""
    body = {"username": name, "password": "Long enough 4 Unleash!", "rootRole": role, "sendEmail": False}
    made = await admin.post("/api/admin/user-admin", json=body)
    assert made.status_code == 201, made.text
    async with httpx.AsyncClient(base_url=server.url, trust_env=False, timeout=30) as theirs:
        login = await theirs.post("/auth/simple/login", json={"username": name, "password": body["password"]})
        assert login.status_code == 200, login.text
        token = {"description": "tests", "expiresAt": "2099-01-01T00:00:00Z"}
        given = await theirs.post("/api/admin/user/tokens", json=token)
        assert given.status_code == 201, given.text
        return str(given.json()["secret"])


# -- the fake and the server answer alike ------------------------------------------------------------------------------

EXPECTED = {
    "create again": 409,
    "read": 200, "read nobody": 404, "read nowhere": 404, "read as an SDK": 403, "read as nobody": 401,
    "the environment": 200, "an environment that is not there": 404,
    "on": 200, "on again": 200, "off": 200, "off again": 200, "on nobody": 404, "on in no environment": 404,
    "off by a reader": 403, "off by an SDK": 403,
    "rewrite": 200, "rewrite again": 200, "a rollout of 150": 200, "a rollout of abc": 200,
    "an operator nobody knows": 400, "a constraint without values": 400, "a strategy that is not there": 404,
    "rewrite by a reader": 403,
    "protected, by an editor": 403, "protected, by an admin": 200,
    "handed out": 200, "handed out to an admin": 401, "handed out to nobody": 401,
    "archive": 202, "on when archived": 400, "read when archived": 404,
}  # fmt: skip
ODD = {"handed out to an admin": 200}
"""Where the server is laxer than the fake: an admin token is shown the default environment; nothing rests on it."""


async def walk(
    client: httpx.AsyncClient, name: str, tokens: dict[str, str], protect: Callable[[], Awaitable[None]]
) -> dict[str, int]:
    """One script of requests; what each was answered."""
    flag, at = f"{FEATURES}/{name}", f"{FEATURES}/{name}/environments/production"
    told: dict[str, int] = {}

    async def ask(step: str, method: str, path: str, body: object = None, who: str = "admin") -> httpx.Response:
        headers = {"authorization": f"Bearer {tokens[who]}"}
        answer = await client.request(method, path, json=body, headers=headers)
        told[step] = answer.status_code
        return answer

    await ask("create again", "POST", FEATURES, {"name": name, "type": "kill-switch"})
    read = await ask("read", "GET", flag)
    held = next(each for each in read.json()["environments"] if each["name"] == "production")["strategies"][0]
    await ask("read nobody", "GET", f"{FEATURES}/nobody")
    await ask("read nowhere", "GET", flag.replace("/default/", "/nowhere/"))
    await ask("read as an SDK", "GET", flag, who="client")
    await ask("read as nobody", "GET", flag, who="nobody")
    shown = await ask("the environment", "GET", at)
    assert shown.json()["enabled"] is True
    await ask("an environment that is not there", "GET", at.replace("production", "moon"))
    for step, path in [("on", "on"), ("on again", "on"), ("off", "off"), ("off again", "off")]:
        await ask(step, "POST", f"{at}/{path}", {})
    await ask("on nobody", "POST", f"{FEATURES}/nobody/environments/production/on", {})
    await ask("on in no environment", "POST", f"{flag}/environments/moon/on", {})
    await ask("off by a reader", "POST", f"{at}/off", {}, "reader")
    await ask("off by an SDK", "POST", f"{at}/off", {}, "client")
    kept, strategies = {**held, "constraints": [fakes.constraint("region", "fr")]}, f"{at}/strategies"
    one = await ask("rewrite", "PUT", f"{strategies}/{held['id']}", kept)
    assert one.json()["constraints"] == [fakes.constraint("region", "fr")]
    await ask("rewrite again", "PUT", f"{strategies}/{held['id']}", kept)
    for rollout in ("150", "abc"):
        wrong = {**kept, "parameters": {**held["parameters"], "rollout": rollout}}
        await ask(f"a rollout of {rollout}", "PUT", f"{strategies}/{held['id']}", wrong)
    sparse = await client.put(
        f"{strategies}/{held['id']}",
        json={"name": held["name"], "parameters": held["parameters"]},
        headers={"authorization": f"Bearer {tokens['admin']}"},
    )
    assert sparse.json()["constraints"] == []  # what a PUT leaves out is emptied
    unknown = {**kept, "constraints": [{"contextName": "region", "operator": "NOT_THERE", "values": ["fr"]}]}
    await ask("an operator nobody knows", "PUT", f"{strategies}/{held['id']}", unknown)
    empty = {**kept, "constraints": [fakes.constraint("region")]}
    await ask("a constraint without values", "PUT", f"{strategies}/{held['id']}", empty)
    await ask("a strategy that is not there", "PUT", f"{strategies}/11111111-1111-1111-1111-111111111111", held)
    await ask("rewrite by a reader", "PUT", f"{strategies}/{held['id']}", held, "reader")
    await protect()
    refused = await ask("protected, by an editor", "POST", f"{at}/on", {}, "editor")
    assert "SKIP_CHANGE_REQUEST" in refused.text
    await ask("protected, by an admin", "POST", f"{at}/on", {})
    await ask("handed out", "GET", "/api/client/features", who="client")
    await ask("handed out to an admin", "GET", "/api/client/features")
    await ask("handed out to nobody", "GET", "/api/client/features", who="nobody")
    await ask("archive", "DELETE", flag)
    await ask("on when archived", "POST", f"{at}/on", {})
    await ask("read when archived", "GET", flag)
    return told


async def test_our_fake_answers_as_unleash_does(server: Unleash, admin: httpx.AsyncClient, flag: str) -> None:
    """Happy, repeated, missing, wrong, forbidden, protected by change requests, archived: one script, the same codes."""
    tokens = {"admin": server.admin, "client": server.client, "nobody": "nonsense"}
    tokens |= {"editor": await person(server, admin, "eve", 2), "reader": await person(server, admin, "rita", 3)}
    try:
        real = await walk(admin, flag, tokens, lambda: guard(server))
    finally:
        await guard(server, on=False)
    fake = fakes.FakeUnleash(name=flag)
    ours = {"admin": fakes.ADMIN, "client": fakes.CLIENT, "editor": fakes.EDITOR, "reader": fakes.READER, "nobody": "x"}

    async def protect() -> None:
        fake.protected.add("production")

    transport = httpx.ASGITransport(fake.app)
    async with httpx.AsyncClient(base_url="http://unleash", transport=transport) as client:
        told = await walk(client, flag, ours, protect)
    assert told == EXPECTED
    assert real == EXPECTED | ODD


async def guard(server: Unleash, *, on: bool = True) -> None:
    """Change requests for production: the paid edition's switch, whose table the open one obeys."""
    statement = (
        "INSERT INTO change_request_settings (project, environment, required_approvals) VALUES (%s, %s, 1)"
        if on
        else "DELETE FROM change_request_settings WHERE project = %s AND environment = %s"
    )
    async with await psycopg.AsyncConnection.connect(server.database, autocommit=True) as connection:
        await connection.execute(statement.encode(), ("default", "production"))


# -- the action against the server -------------------------------------------------------------------------------------


async def test_a_kill_switch_goes_out_and_comes_back(server: Unleash, admin: httpx.AsyncClient, flag: str) -> None:
    """Planned, done once, proved by the SDKs' view, undone: the environment is what it was."""
    door, before = action(server, flag), await environment(admin, flag)
    plan = await door.plan(TARGET, *KILL)
    assert plan.diff == (f"{flag} in production: on (v2 by its strategies) → off (v1 for everybody)",)
    assert (await door.observe(plan, "K")).seen is Seen.NOT_APPLIED
    await door.execute(plan, "K")
    await door.execute(plan, "K")
    assert not (await environment(admin, flag))["enabled"]
    assert (await settled(lambda: door.observe(plan, "K"))).seen is Seen.APPLIED
    assert (await door.plan(TARGET, *KILL)).diff == ()
    await door.undo(plan, "K/undo")
    await door.undo(plan, "K/undo")
    assert (await settled(lambda: door.undone(plan, "K/undo"))).seen is Seen.APPLIED
    assert await environment(admin, flag) == before
    await door.close()


async def test_a_slice_is_kept_off_and_let_in_again(server: Unleash, admin: httpx.AsyncClient, flag: str) -> None:
    """The constraint stands on every strategy, reaches the SDKs, and is gone without a trace after the undo."""
    segment = {"name": flag[:50], "constraints": [{"contextName": "beta", "operator": "IN", "values": ["1"]}]}
    made = (await admin.post("/api/admin/segments", json=segment)).json()["id"]
    at = f"{FEATURES}/{flag}/environments/production"
    second = {"name": "flexibleRollout", "parameters": {"rollout": "10", "stickiness": "default", "groupId": "g"}}
    await admin.post(f"{at}/strategies", json={**second, "segments": [made], "title": "beta"})
    door, before = action(server, flag), (await admin.get(f"{at}/strategies")).json()
    plan = await door.plan(TARGET, *SLICE)
    await door.execute(plan, "K")
    assert all(
        fakes.constraint("region", "fr") in each["constraints"]
        for each in (await environment(admin, flag))["strategies"]
    )
    assert (await settled(lambda: door.observe(plan, "K"))).seen is Seen.APPLIED
    await door.undo(plan, "K/undo")
    assert (await settled(lambda: door.undone(plan, "K/undo"))).seen is Seen.APPLIED
    assert (await admin.get(f"{at}/strategies")).json() == before
    await door.close()


async def test_a_share_and_a_rollback_move_the_rollout(server: Unleash, admin: httpx.AsyncClient, flag: str) -> None:
    """Thirty per cent, then nobody; asked for the one before again, there is none."""
    door = action(server, flag)
    share = await door.plan(TARGET, Means.TRAFFIC, {"weights": {"v1": 70, "v2": 30}})
    await door.execute(share, "K")
    assert (await environment(admin, flag))["strategies"][0]["parameters"]["rollout"] == "30"
    back = await door.plan(TARGET, *ROLLBACK)
    assert back.diff == (f"{flag} in production: v2 for 30 % → 0 %",)
    await door.execute(back, "K2")
    assert (await settled(lambda: door.observe(back, "K2"))).seen is Seen.APPLIED
    with pytest.raises(Refused, match="nobody gets v2 already"):
        await door.plan(TARGET, *ROLLBACK)
    await door.close()


async def test_another_hand_makes_the_plan_stale_and_is_never_undone(
    server: Unleash, admin: httpx.AsyncClient, flag: str
) -> None:
    """The token tells, the plan is refused, and so is an undo over what somebody changed since."""
    door, other = action(server, flag), action(server, flag)
    stale = await door.plan(TARGET, *ROLLBACK)
    await other.execute(await other.plan(TARGET, Means.TRAFFIC, {"percent": 55}), "other")
    assert await door.token(stale) != stale.token
    with pytest.raises(Refused, match="was changed in production since"):
        await door.execute(stale, "K")
    plan = await door.plan(TARGET, *ROLLBACK)
    await door.execute(plan, "K")
    await other.execute(await other.plan(TARGET, Means.TRAFFIC, {"percent": 5}), "other 2")
    with pytest.raises(Refused, match="was changed in production since"):
        await door.undo(plan, "K/undo")
    assert (await environment(admin, flag))["strategies"][0]["parameters"]["rollout"] == "5"
    await door.close()
    await other.close()


async def test_refusals_are_sentences(server: Unleash, admin: httpx.AsyncClient, flag: str) -> None:
    """Change requests, a missing flag, a wrong kind of token, an archived flag: each said so, none with a secret."""
    editor = await person(server, admin, "emil", 2)
    weak = action(server, flag, token=editor)
    plan = await weak.plan(TARGET, *KILL)
    await guard(server)
    try:
        with pytest.raises(Refused, match="through change requests only") as caught:
            await weak.execute(plan, "K")
    finally:
        await guard(server, on=False)
    assert editor not in str(caught.value)
    await weak.execute(plan, "K")  # without change requests an editor may
    nobody = action(server, "nobody")
    with pytest.raises(Refused, match="no flag nobody"):
        await nobody.plan(TARGET, *KILL)
    sdk = action(server, flag, token=server.client)
    with pytest.raises(Unavailable, match=r"did not accept our credentials \(403\)"):
        await sdk.plan(TARGET, *KILL)
    await admin.delete(f"{FEATURES}/{flag}")
    with pytest.raises(Refused, match="or it is archived"):
        await weak.plan(TARGET, *KILL)
    for each in (weak, nobody, sdk):
        await each.close()
