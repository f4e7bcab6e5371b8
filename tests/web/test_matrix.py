"""Every route of the console and its API, for everybody, of an open and a restricted incident: as the table says."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

import httpx
import pytest

from bot.domain.policy import Role
from bot.engine.access import Scope
from bot.engine.values import Profile
from bot.web.calendars import given
from bot.web.described import describe, operations
from tests.web.fakes import PEOPLE, Place
from tests.web.legal import TEMPLATE, breach
from tests.web.policy_table import ROLES, Line, asked, table
from tests.web.speaking import speaking

TABLE = table()
PERSONS = {
    "responder on call": "ana", "responder": "otto", "approver": "abe", "manager": "max", "counsel": "cleo",
    "auditor": "audrey", "admin": "ida",
}  # fmt: skip
MORE = (
    Profile("", "abe", "Abe Stone", frozenset({Role.APPROVER})),
    Profile("", "nemo", "Nemo Nil", frozenset()),
)
FILL = {
    "incident": "INC-1", "name": "INC-1", "notice": "N1", "number": "1", "version": "1", "offer": "back-to-v1",
    "cover": "cover-1", "rota": "ml", "kind": "md", "verb": "finding", "exhibit": "none", "token": "never",
    "secret": "never", "deed": "tokens",
}  # fmt: skip
"""A value for every parameter of a path."""
WORDS: Mapping[str, Any] = {
    "severity": "SEV3", "part": "operations lead", "answer": "no", "moment": "onset", "to": "2026-11-20T11:00:00Z",
    "due": "2026-12-20", "outcome": "applied", "start": "2026-11-21T00:00:00Z", "end": "2026-11-22T00:00:00Z",
    "person": "otto", "owner": "otto", "events": 1, "kind": "investigating",
}  # fmt: skip
"""What a field is given that takes not just any text."""
QUERY = {"offer": "back-to-v1"}


@pytest.fixture
async def house(home: Place) -> Place:
    """With an approver who is on call for nothing, and somebody who is no longer with us."""
    await home.store.people.enrol((*PEOPLE, *MORE))
    return speaking(home.having(inbox=home.store.alerts))


def address(ask: str, **fill: str) -> tuple[str, str]:
    """(method, address) with every parameter filled in."""
    method, path = ask.split(" ", 1)
    known = {**FILL, **fill}
    lacking = set(re.findall(r"\{(\w+)", path)) - known.keys()
    assert not lacking, f"{ask}: say in FILL of tests/web/test_matrix.py what to ask {lacking} with"
    path = re.sub(r"\{(\w+)(?::\w+)?\}", lambda hit: known[hit[1]], path)
    return method, "/static/style.css" if path == "/static" else path


def bodies(app: Any) -> dict[str, dict[str, Any]]:
    """For each operation that takes JSON a body in order, made from its own schema."""
    document, found = describe(app), {}
    for path, method, operation in operations(document):
        content = operation.get("requestBody", {}).get("content", {}).get("application/json")
        if content:
            name = content["schema"]["$ref"].rpartition("/")[2]
            schema = document["components"]["schemas"][name]
            found[f"{method.upper()} {path}"] = {
                field: WORDS.get(field, _value(schema["properties"][field])) for field in schema.get("required", ())
            }
    return found


def _value(schema: Mapping[str, Any]) -> Any:
    kinds = {"integer": 1, "number": 1, "boolean": False, "array": []}
    if "enum" in schema:
        return schema["enum"][0]
    return kinds.get(str(schema.get("type")), "x")


async def send(client: httpx.AsyncClient, ask: str, known: Mapping[str, Any], **fill: str) -> httpx.Response:
    method, path = address(ask, **fill)
    if method == "GET":
        return await client.get(path, params=QUERY if path.endswith("preview") else None)
    if path.startswith("/api/"):
        return await client.request(method, path, json=known.get(ask, {}))
    data = {} if path.endswith("/affected.csv") else {"because": "x"}
    return await client.request(method, path, data=data, headers={"Sec-Fetch-Site": "same-origin"})


def hidden(answer: httpx.Response) -> bool:
    """Whether the answer is that there is no such incident."""
    return answer.status_code == 404 and "no incident called 'INC-1'" in answer.text.replace("&#39;", "'")


def let_in(answer: httpx.Response) -> bool:
    """Whether the asker was taken for somebody who may ask this; what they asked for may be refused all the same."""
    return answer.status_code not in {401, 403} and not hidden(answer) and "/login" not in _led_to(answer)


def _led_to(answer: httpx.Response) -> str:
    return answer.headers.get("location", "") if answer.status_code == 303 else ""


async def scene(house: Place, *, restricted: bool) -> str:
    """A breach nobody is named in, with a notice begun."""
    name = await breach(house, restricted=restricted)
    await house.desk.request_notice(name, TEMPLATE, await house.who("cleo"))
    return name


async def own(house: Place, key: str) -> httpx.AsyncClient:
    """Somebody with a token of their own, whether or not they still have a role."""
    made, _ = await house.app.state.console.tokens.mint((await house.who(key)).id, scopes=list(Scope))
    return house.client(Authorization=f"Bearer {made}")


async def test_every_route_has_a_line(house: Place) -> None:
    """A new route without a line in the table, or a line without its route, fails and says what to do."""
    there = asked(house.app)
    without = sorted(there - TABLE.keys())
    assert not without, (
        f"bot/web/access.yaml does not say who may ask {', '.join(without)}: put each under the group whose sentence is "
        "true of it, or begin a group; then this test asks it as everybody"
    )
    assert not TABLE.keys() - there, f"bot/web/access.yaml speaks of what is not there: {sorted(TABLE.keys() - there)}"
    described = {f"{method.upper()} {path}" for path, method, _ in operations(describe(house.app))}
    api = {ask for ask in there if ask.split(" ")[1].startswith("/api/")} - {"GET /api/openapi.json"}
    assert api <= described, f"not in the OpenAPI document: {sorted(api - described)}"


@pytest.mark.parametrize("restricted", [False, True], ids=["open", "restricted"])
@pytest.mark.parametrize("role", PERSONS)
async def test_everybody_by_their_own_token(house: Place, role: str, restricted: bool) -> None:
    """Each is let in, refused (403), or told that there is no such incident, as the table says; nothing else."""
    await scene(house, restricted=restricted)
    known, wrong = bodies(house.app), []
    client = await own(house, PERSONS[role])
    for ask, line in sorted(TABLE.items()):
        answer = await send(client, ask, known)
        wrong += _wrong(line, role, answer, restricted=restricted)
    await client.aclose()
    assert not wrong, "\n".join(wrong)


def _wrong(line: Line, role: str, answer: httpx.Response, *, restricted: bool) -> list[str]:
    said = f"{line.ask} as {role}: {answer.status_code} {answer.text[:120]!r}"
    if answer.status_code >= 500 and answer.status_code != 503:
        return [f"{said} is a fault"]
    if line.nearby or line.ask in {"POST /login", "POST /logout"}:
        return []  # asked for by test_numbers_are_for_this_machine, and by the stories of the login
    if "a login" in line.who:
        return [] if answer.status_code == 403 else [f"{said}, but no token may ask it"]
    if "the machine" in line.who:
        return [] if answer.status_code == 401 else [f"{said}, but it is for the machine's token alone"]
    if line.may(role, restricted=restricted):
        return [] if let_in(answer) else [f"{said}, but the table lets them in"]
    if line.incident and restricted and role.removesuffix(" on call") in line.who:
        return (
            [] if hidden(answer) else [f"{said}, but of a restricted incident they may not even learn that it is there"]
        )
    return [] if answer.status_code in {403, 404} else [f"{said}, but the table does not let them in"]


@pytest.mark.parametrize("restricted", [False, True], ids=["open", "restricted"])
@pytest.mark.parametrize("role", ["responder on call", "responder", "counsel", "admin"])
async def test_the_machines_token(house: Place, role: str, restricted: bool) -> None:
    """It asks for the person it names, no further than they may, and never where a person's own hand is needed."""
    await scene(house, restricted=restricted)
    known, wrong = bodies(house.app), []
    client = house.api(PERSONS[role])
    for ask, line in sorted(TABLE.items()):
        answer = await send(client, ask, known)
        if "the machine" in line.who or line.machine == "always":
            wrong += [] if let_in(answer) else [f"{ask}: {answer.status_code}, but it is for the machine's token"]
        elif not line.machine:
            shut = answer.status_code == 403 or (restricted and hidden(answer))
            wrong += [] if shut else [f"{ask} as {role}: {answer.status_code} by the machine's token"]
        else:
            wrong += _wrong(line, role, answer, restricted=restricted)
    await client.aclose()
    assert not wrong, "\n".join(wrong)


@pytest.mark.parametrize("bearer", ["", "Bearer tocsin_made-up", "Basic eDp5", "nemo"])
async def test_nobody_is_let_in(house: Place, bearer: str) -> None:
    """401 by API and the way to the login on pages: without a token, with a made-up one, or with one whose owner left."""
    await scene(house, restricted=False)
    known, wrong = bodies(house.app), []
    headers = {"Authorization": bearer} if bearer and bearer != "nemo" else {}
    before = (await house.desk.log.load("INC-1")).seq
    async with await own(house, "nemo") if bearer == "nemo" else house.client(**headers) as client:
        for ask, line in sorted(TABLE.items()):
            if line.who & {"anybody", "the address"} or line.nearby:
                continue
            answer = await send(client, ask, known)
            page = not address(ask)[1].startswith("/api/")
            led = answer.status_code == 303 and answer.headers["location"].startswith("/login")
            if not (led if page else answer.status_code == 401):
                wrong.append(f"{ask}: {answer.status_code} {answer.text[:80]!r}")
    assert not wrong, "\n".join(wrong)
    assert (await house.desk.log.load("INC-1")).seq == before


async def test_doors_without_a_login(house: Place) -> None:
    """Health, login and static files are there for anybody; a signed or secret address is its own key, a wrong one none."""
    async with house.client() as client:
        for ask, line in TABLE.items():
            if "the address" in line.who:
                answer = await send(client, ask, {})
                # a phone is told in its own words
                hung_up = ask.endswith("/call") and "Not acknowledged" in answer.text
                assert answer.status_code in {404, 410} or hung_up, (ask, answer.text)
            elif ask.startswith("GET /login/provider"):
                assert (await send(client, ask, {})).status_code in {303, 404, 409}, ask
            elif "anybody" in line.who and ask.startswith("GET"):
                assert (await send(client, ask, {})).status_code in {200, 503}, ask
        calendar = await given(house.app.state.console, await house.who("otto"))
        secret = calendar.url.rpartition("/")[2].removesuffix(".ics")
        assert (await send(client, "GET /calendar/{secret}.ics", {}, secret=secret)).status_code == 200
        await house.store.calendars.end((await house.who("otto")).id)
        assert (await send(client, "GET /calendar/{secret}.ics", {}, secret=secret)).status_code == 404


async def test_numbers_are_for_this_machine(house: Place) -> None:
    """/metrics answers to loopback without a proxy, and to a token; elsewhere 401."""
    from tests.web.fakes import HOME

    near = httpx.ASGITransport(house.app)
    far = httpx.ASGITransport(house.app, client=("192.0.2.7", 5))
    for transport, headers, status in (
        (near, {}, 200),
        (near, {"X-Forwarded-For": "192.0.2.7"}, 401),
        (far, {}, 401),
        (far, {"Authorization": f"Bearer {house.token}"}, 200),
    ):
        async with httpx.AsyncClient(transport=transport, base_url=HOME, headers=headers) as client:
            assert (await client.get("/metrics")).status_code == status, headers


def test_the_table_knows_every_role() -> None:
    """A role that is added stands in the table, or nobody has decided what it may ask."""
    assert set(ROLES) == {str(role) for role in Role}
