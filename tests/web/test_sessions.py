"""How long people stay in: idle ends, twelve hours, new ids, every replica, and nothing in the database to steal."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import httpx
from sqlalchemy import text

from bot.domain.policy import Role
from bot.web.house import SignIn
from tests.web.fakes import Place, enter, place

COOKIE = "tocsin_session"


async def link(home: Place, key: str) -> str:
    return await home.app.state.console.door.logins.mint(key)


async def test_replicas_know_each_others_sessions_and_links(home: Place) -> None:
    """A link made at one works at the other, once for both; who is logged in at one is so at both, and out of both."""
    other = home.having()
    made = await link(home, "ana")
    async with other.client(**{"Sec-Fetch-Site": "same-origin"}) as there, home.client() as here:
        assert (await enter(there, made)).status_code == 303
        assert (await enter(here, made)).status_code == 403
        here.cookies.update(there.cookies)
        assert (await here.get("/api/incidents")).status_code == 200
        assert (await there.post("/logout")).status_code == 303
        assert (await here.get("/api/incidents")).status_code == 401


async def test_nothing_kept_lets_anybody_in(home: Place) -> None:
    """The database holds hashes: neither the link nor the cookie stands in it."""
    made = await link(home, "ana")
    async with home.client() as ana:
        for table in ("login_links", "sessions"):
            rows = (await home.store.database.read(lambda c, t=table: c.execute(text(f"SELECT * FROM {t}")))).all()
            assert (len(rows), made.partition("token=")[2] in str(rows)) == (table == "login_links", False)
        await enter(ana, made)
        rows = (await home.store.database.read(lambda c: c.execute(text("SELECT * FROM sessions")))).all()
        assert len(rows) == 1
        assert ana.cookies[COOKIE] not in str(rows)


async def test_a_session_left_alone_ends(home: Place) -> None:
    """After half an hour without anything done; before, each thing done begins the half hour anew."""
    ana = await home.browser("ana")
    for _ in range(3):
        home.clock.forward(minutes=29)
        assert (await ana.get("/")).status_code == 200
    home.clock.forward(minutes=30)
    assert (await ana.get("/")).headers["location"].startswith("/login")
    await ana.aclose()


async def test_a_page_that_looks_by_itself_keeps_nobody_in(home: Place) -> None:
    """What a script of an open page reads counts as nothing done; pressing something there does."""
    ana = await home.browser("ana")
    for _ in range(3):
        home.clock.forward(minutes=9)
        assert (await ana.get("/api/incidents", headers={"Sec-Fetch-Dest": "empty"})).status_code == 200
    home.clock.forward(minutes=3)
    assert (await ana.get("/api/incidents", headers={"Sec-Fetch-Dest": "empty"})).status_code == 401
    await ana.aclose()


async def test_a_session_of_twelve_hours(home: Place) -> None:
    """Then it is over, whatever is done, and the page asks for a new login."""
    ana = await home.browser("ana")
    for _ in range(12 * 3 - 1):
        home.clock.forward(minutes=20)
        assert (await ana.get("/slos")).status_code == 200
    home.clock.forward(minutes=20)
    assert (await ana.get("/slos")).status_code == 303
    await ana.aclose()


async def test_how_long_is_set(tmp_path: Path) -> None:
    """`web.session` shortens both."""
    async with place(tmp_path) as home:
        short = home.having(sign_in=SignIn(idle=SignIn().idle / 30, lasts=SignIn().idle / 10))
        ana = await short.browser("ana")
        home.clock.forward(seconds=59)
        assert (await ana.get("/slos")).status_code == 200
        home.clock.forward(seconds=60)
        assert (await ana.get("/slos")).status_code == 303
        await ana.aclose()


async def enrolled(home: Place, key: str, *roles: Role) -> None:
    """From now on the configuration gives this person these roles; none takes them out of it."""
    found = [replace(each, roles=frozenset(roles)) if each.key == key else each for each in await everyone(home)]
    await home.store.people.enrol([each for each in found if each.roles])


async def everyone(home: Place) -> list[object]:
    return await home.store.people.everyone()


async def test_new_roles_draw_a_new_id(home: Place) -> None:
    """Whoever stole the id of a responder has not that of an approver; the old one ends within a minute."""
    ana = await home.browser("ana")
    before = ana.cookies[COOKIE]
    await enrolled(home, "ana", Role.RESPONDER, Role.APPROVER)
    answer = await ana.get("/")
    assert (answer.status_code, "approver" in answer.text) == (200, True)
    assert answer.headers["set-cookie"].startswith(f"{COOKIE}=")
    assert ana.cookies[COOKIE] != before
    assert "set-cookie" not in (await ana.get("/")).headers
    async with home.client(Cookie=f"{COOKIE}={before}") as late:
        assert "set-cookie" not in (await late.get("/slos")).headers  # a page asks for several things at once
        assert (await late.get("/slos")).status_code == 200
        home.clock.forward(minutes=1)
        assert (await late.get("/slos")).status_code == 303
    assert (await ana.get("/slos")).status_code == 200
    assert len(await home.app.state.console.door.visits.of()) == 1
    await ana.aclose()


async def test_who_is_named_no_more_is_out_at_once(home: Place) -> None:
    """A session outlives nobody's place in people.yaml."""
    ana = await home.browser("ana")
    await enrolled(home, "ana")
    assert (await ana.get("/")).status_code == 303
    await ana.aclose()


async def test_each_login_draws_a_new_id(home: Place) -> None:
    """The browser's session before is over: an id that somebody planted there gains nothing."""
    ana = await home.browser("ana")
    before = ana.cookies[COOKIE]
    assert (await enter(ana, await link(home, "ana"))).status_code == 303
    assert ana.cookies[COOKIE] != before
    async with home.client(Cookie=f"{COOKIE}={before}") as planted:
        assert (await planted.get("/slos")).status_code == 303
    await ana.aclose()


async def test_sessions_hang_on_no_secret_of_a_machine(home: Place) -> None:
    """Whatever each replica signs addresses with, the database alone says who is logged in."""
    one, other = home.having(secret="s" * 32), home.having(secret="t" * 32)
    ana = await one.browser("ana")
    async with other.client() as client:
        client.cookies.update(ana.cookies)
        assert (await client.get("/api/incidents")).status_code == 200
    await ana.aclose()


async def test_the_file_of_an_earlier_version_is_removed(home: Place) -> None:
    """Its sessions are not taken over: people log in once more."""
    (home.web.state / "console-sessions.json").write_text("{}")
    async with home.app.router.lifespan_context(home.app):
        assert not (home.web.state / "console-sessions.json").exists()


async def test_a_silent_database_logs_nobody_out(home: Place) -> None:
    """It is said that nothing can be read now, and the session is there again afterwards."""
    ana = await home.browser("ana")
    home.store.database.patience = 0.0
    answer: httpx.Response = await ana.get("/api/incidents")
    assert answer.status_code == 503
    home.store.database.patience = 15.0
    assert (await ana.get("/api/incidents")).status_code == 200
    await ana.aclose()
