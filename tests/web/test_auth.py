"""Getting in: links once, sessions that end, the machine's token, and no foreign forms."""

from __future__ import annotations

import json
import stat
from pathlib import Path

import pytest

from bot.web.auth import lasting_secret
from tests.web.fakes import Place, enter, place
from tests.web.rich import declared

OPENAPI_FILL = {"name": "visits", "cover": "cover-1", "incident": "INC-1", "notice": "N1", "version": "1"}
OWN = {"Sec-Fetch-Site": "same-origin"}


def typed(link: str) -> dict[str, str]:
    """What the button of that link sends."""
    return {"token": link.partition("token=")[2]}


async def test_a_link_works_once(home: Place) -> None:
    """The first who opens it is logged in; the second reads that it was used and stays outside."""
    link = await home.app.state.console.door.logins.mint("ana")
    async with home.client() as first, home.client() as second:
        assert (await enter(first, link)).status_code == 303
        assert "Ana Ruiz" in (await first.get("/")).text
        for again in (await second.get(link), await second.post("/login", data=typed(link), headers=OWN)):
            assert again.status_code == 403
            assert "used already" in again.text
        assert (await second.get("/")).headers["location"] == "/login"


async def test_looking_at_a_link_uses_nothing_up(home: Place) -> None:
    """Scanners of mail and chat open links before people do: nobody is logged in until the button is pressed."""
    link = await home.app.state.console.door.logins.mint("ana")
    async with home.client() as scanner, home.client() as ana:
        for _ in range(3):
            looked = await scanner.get(link)
            assert (looked.status_code, looked.headers.get("set-cookie")) == (200, None)
            assert "Enter as Ana Ruiz" in looked.text
        assert (await scanner.get("/api/incidents")).status_code == 401
        assert (await enter(ana, link)).status_code == 303
        assert (await ana.get("/api/incidents")).status_code == 200


@pytest.mark.parametrize("headers", [{"Sec-Fetch-Site": "cross-site"}, {"Origin": "https://evil.test"}, {}])
async def test_nobody_is_logged_in_by_a_foreign_page(home: Place, headers: dict[str, str]) -> None:
    """A link sent from another site is refused, and stays good for whom it was made."""
    link = await home.app.state.console.door.logins.mint("ana")
    async with home.client() as client:
        refused = await client.post("/login", data=typed(link), headers=headers)
        assert (refused.status_code, refused.headers.get("set-cookie")) == (403, None)
        assert (await enter(client, link)).status_code == 303


async def test_a_link_grows_old(home: Place) -> None:
    """After 15 minutes it lets nobody in."""
    link = await home.app.state.console.door.logins.mint("ana")
    home.clock.forward(minutes=15)
    async with home.client() as client:
        assert (await client.get(link)).status_code == 403
        assert (await client.post("/login", data=typed(link), headers=OWN)).status_code == 403


async def test_the_way_on_leads_nowhere_else(home: Place) -> None:
    """A link's `next` is followed inside the console alone."""
    for then, to in (("/slos", "/slos"), ("//evil.test/", "/"), ("https://evil.test/", "/"), ("/\\evil.test", "/")):
        async with home.client() as client:
            link = await home.app.state.console.door.logins.mint("ana")
            answer = await enter(client, link, then)
            assert answer.headers["location"] == to
        async with home.client() as client:
            sent = typed(await home.app.state.console.door.logins.mint("ana")) | {"next": then}
            assert (await client.post("/login", data=sent, headers=OWN)).headers["location"] == to


async def test_the_cookie_says_nothing_and_is_kept_from_scripts(home: Place) -> None:
    """It holds a random id; HttpOnly, SameSite=Lax; a changed one is nobody's."""
    async with home.client() as client:
        cookie = (await enter(client, await home.app.state.console.door.logins.mint("ana"))).headers["set-cookie"]
        assert "HttpOnly" in cookie
        assert "SameSite=lax" in cookie
        assert "ana" not in cookie.lower()
        value = client.cookies["tocsin_session"]
        client.cookies.clear()
        other = "A" if value[-5] != "A" else "B"
        for wrong in (value[:-5] + other + value[-4:], "x." + value, "nonsense", ""):
            answer = await client.get("/api/incidents", headers={"Cookie": f"tocsin_session={wrong}"})
            assert answer.status_code == 401


async def test_behind_https_the_cookie_belongs_to_the_host(tmp_path: Path) -> None:
    """Secure and `__Host-`, and browsers are told to stay on https."""
    async with place(tmp_path, address="https://tocsin.example") as home, home.client() as client:
        answer = await enter(client, await home.app.state.console.door.logins.mint("ana"))
        assert answer.headers["set-cookie"].startswith("__Host-tocsin=")
        assert "Secure" in answer.headers["set-cookie"]
        assert "max-age" in answer.headers["strict-transport-security"]


async def test_logging_out_ends_every_session_of_that_person(home: Place) -> None:
    """The other browser is out as well; somebody else is not."""
    one, two, other = await home.browser("ana"), await home.browser("ana"), await home.browser("ben")
    assert (await one.post("/logout")).status_code == 303
    assert (await one.get("/api/incidents")).status_code == 401
    assert (await two.get("/api/incidents")).status_code == 401
    assert (await other.get("/api/incidents")).status_code == 200
    for client in (one, two, other):
        await client.aclose()


async def test_who_is_named_no_more_is_out(home: Place) -> None:
    """A session does not outlive the person's place in people.yaml."""
    client = await home.browser("ana")
    await home.store.people.enrol([await home.who("ben")])
    assert (await client.get("/api/incidents")).status_code == 401
    await client.aclose()


async def test_secrets_lie_where_only_their_owner_reads(home: Place) -> None:
    """Every file of the state folder has mode 0600, and the token stays the same."""
    async with home.app.router.lifespan_context(home.app):
        pass
    await (await home.browser("ana")).aclose()
    await (await home.own("ana")).aclose()
    kept = {path.name: stat.S_IMODE(path.stat().st_mode) for path in home.web.state.iterdir()}
    assert set(kept) == {"api-token", "console-secret", "console-login.txt"}
    assert set(kept.values()) == {0o600}
    assert lasting_secret(home.web.state / "api-token") == home.token


async def test_at_start_administrators_find_a_link(home: Place) -> None:
    """The letter in the state folder holds one for each, and it works."""
    async with home.app.router.lifespan_context(home.app), home.client() as client:
        letter = (home.web.state / "console-login.txt").read_text()
        assert "Ana" not in letter
        link = next(line for line in letter.splitlines() if line.startswith("Ida Novak: ")).split(": ", 1)[1]
        assert (await enter(client, link)).status_code == 303


async def test_the_token_makes_links(home: Place) -> None:
    """`tocsin login NAME` is this request; without the token, or for nobody, it is refused."""
    async with home.api("ana") as operator, home.client() as stranger:
        made = await operator.post("/api/login", json={"person": "ben"})
        assert (await enter(stranger, made.json()["url"])).status_code == 303
        assert (await stranger.post("/api/login", json={"person": "ben"})).status_code == 401
        nobody = await operator.post("/api/login", json={"person": "zoe"})
        assert nobody.status_code == 404
        assert "ana" in nobody.json()["because"]


async def test_every_door_asks_who_is_there(home: Place) -> None:
    """Each route OpenAPI knows answers 401 without a token, with a wrong one, and 403 for nobody's name."""
    await declared(home)
    open_doors = {"/healthz", "/readyz"}
    asked = 0
    for path, methods in home.app.openapi()["paths"].items():
        for method in methods:
            if path in open_doors or (path == "/metrics"):
                continue
            asked += 1
            address = path.format(**OPENAPI_FILL)
            async with home.client() as client:
                bare = await client.request(method, address, json={})
                wrong = await client.request(method, address, json={}, headers={"Authorization": "Bearer wrong"})
                assert (bare.status_code, wrong.status_code) == (401, 401), path
                assert bare.json()["because"]
            if path not in {"/api/login", "/api/tokens", "/api/tokens/revoke"}:
                async with home.api("nobody") as client:
                    assert (await client.request(method, address, json={})).status_code == 403, path
    assert asked > 30


async def test_every_page_leads_to_the_login(home: Place) -> None:
    """Without a session a page redirects, and says where to go on; files too."""
    name = await declared(home)
    async with home.client() as client:
        for path in ("/", "/incidents", "/slos", f"/incidents/{name}", f"/incidents/{name}/impact",
                     f"/incidents/{name}/notices/N1", f"/incidents/{name}/notices/N1/export.pdf",
                     f"/incidents/{name}/exhibits/x"):  # fmt: skip
            answer = await client.get(path)
            assert answer.status_code == 303, path
            assert answer.headers["location"].startswith("/login")
        assert "tocsin login NAME" in (await client.get("/login")).text


@pytest.mark.parametrize(
    "headers",
    [
        {"Sec-Fetch-Site": "cross-site", "Origin": "https://evil.test"},
        {"Sec-Fetch-Site": "same-site"},
        {"Origin": "https://evil.test"},
        {"Origin": "null"},
        {"Origin": "http://127.0.0.1:9999"},
        {},
    ],
)
async def test_a_foreign_form_is_refused(home: Place, headers: dict[str, str]) -> None:
    """A session alone changes nothing: the browser must say that the form came from here."""
    name = await declared(home)
    client = await home.browser("ana")
    client.headers.pop("Sec-Fetch-Site")
    for path in (f"/incidents/{name}/acknowledge", f"/api/incidents/{name}/acknowledge", "/incidents", "/logout"):
        answer = await client.post(path, data={} if "/api/" not in path else None, headers=headers)
        assert answer.status_code in {403, 422}, path
    assert (await home.desk.log.load(name)).acknowledged is None
    assert (await client.get("/api/incidents")).status_code == 200
    await client.aclose()


@pytest.mark.parametrize("headers", [{"Sec-Fetch-Site": "same-origin"}, {"Origin": "http://127.0.0.1:8080"}])
async def test_a_form_from_here_is_taken(home: Place, headers: dict[str, str]) -> None:
    """By Sec-Fetch-Site, or by Origin in older browsers."""
    name = await declared(home)
    client = await home.browser("ana")
    client.headers.pop("Sec-Fetch-Site")
    assert (await client.post(f"/incidents/{name}/acknowledge", headers=headers)).status_code == 303
    assert (await home.desk.log.load(name)).acknowledged == home.clock.now()
    await client.aclose()


async def test_manners(home: Place) -> None:
    """Every answer forbids inline scripts, framing, sniffing and telling where one came from."""
    async with home.client() as client, home.api("ana") as api:
        for answer in (
            await client.get("/login"),
            await client.get("/"),
            await client.get("/static/style.css"),
            await api.get("/api/incidents"),
            await api.get("/nowhere"),
        ):
            policy = answer.headers["content-security-policy"]
            assert "default-src 'none'" in policy
            assert "frame-ancestors 'none'" in policy
            assert "unsafe" not in policy
            assert answer.headers["x-content-type-options"] == "nosniff"
            assert answer.headers["referrer-policy"] == "no-referrer"
        assert (await api.get("/api/incidents")).headers["cache-control"] == "no-store"


async def test_no_request_is_without_end(home: Place) -> None:
    """A body of more than a megabyte is refused, announced or not."""
    name = await declared(home)

    async def endless():
        for _ in range(40):
            yield b"x" * 50_000

    async with home.api("ana") as api:
        long = json.dumps({"text": "x" * 1_100_000})
        assert (await api.post(f"/api/incidents/{name}/update", content=long)).status_code == 413
        assert (await api.post(f"/api/incidents/{name}/update", content=endless())).status_code == 413


@pytest.mark.parametrize("address", ["//[", "//[::1", "https://[x", "/\\["])
async def test_an_address_nobody_can_read_leads_to_the_front_page(home: Place, address: str) -> None:
    """Half an IPv6 address is no error of the house, neither as where to go on nor as the host of a form."""
    async with home.client() as client:
        assert (await client.get("/login", params={"next": address})).status_code == 200
        headers = {"Host": "[", "Origin": "http://["}
        assert (await client.post("/login", data={"token": "x"}, headers=headers)).status_code == 403
    browser = await enter(home.client(), await home.app.state.console.door.logins.mint("ana"), then=address)
    assert browser.headers["location"] == "/"
