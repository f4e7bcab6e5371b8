"""Logging in with a real OpenID provider: whom it vouches for, and everything that must not be believed.

Tested against oidc-provider-mock, an Authlib provider with discovery, JWKS and the code flow, on a loopback port.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path

import httpx
import pytest

from bot.domain.policy import Role
from tests.web.fakes import HOME, Place, place

pytest.importorskip("oidc_provider_mock", reason="the group ci has the provider")
from tests.web.provider import Running, out_and_back, running

pytestmark = [
    pytest.mark.filterwarnings("ignore:get_jwt_config:DeprecationWarning"),  # the provider's own business
    pytest.mark.filterwarnings("ignore::authlib.deprecate.AuthlibDeprecationWarning"),
]
GROUPS = {Role.RESPONDER: frozenset({"sre"}), Role.APPROVER: frozenset({"leads"}), Role.ADMIN: frozenset({"platform"})}
ANA = {"name": "Ana Ruiz", "email": "ana@example.com", "groups": ["sre", "leads", "football"]}


@pytest.fixture
def provider() -> Iterator[Running]:
    with running(
        Running(people={"sub-ana": dict(ANA), "sub-x": {"name": "Xaver", "email": "ana@example.com"}})
    ) as made:
        yield made


@pytest.fixture
async def plain(tmp_path: Path) -> AsyncIterator[Place]:
    """A console whose clock goes with the provider's."""
    async with place(tmp_path) as made:
        made.clock.at = datetime.now(UTC).replace(microsecond=0)
        yield made


@dataclass
class Both:
    """The console and its provider."""

    home: Place
    provider: Running

    def having(self, **more: object) -> Both:
        return replace(self, home=self.home.having(sign_in=self.provider.sign_in(self.home, **more)))

    async def entered(self, client: httpx.AsyncClient, sub: str = "sub-ana", then: str = "/") -> httpx.Response:
        return await out_and_back(self.home, self.provider, client, sub, then)


@pytest.fixture
def both(plain: Place, provider: Running) -> Both:
    """people.yaml knows ana by her subject."""
    return Both(plain, provider).having(subjects={"sub-ana": "ana"})


async def test_the_provider_lets_in_whom_people_yaml_knows(both: Both) -> None:
    """By the subject; the browser ends where it wanted to go, and the record says how she came in."""
    async with both.home.client() as ana:
        page = await ana.get("/login", params={"next": "/slos"})
        assert 'href="/login/provider?next=/slos"' in page.text
        assert "Log in with Example Login" in page.text
        answer = await both.entered(ana, then="/slos")
        assert (answer.status_code, answer.headers["location"]) == (303, "/slos")
        assert "Ana Ruiz" in (await ana.get("/slos")).text
    (asked,) = both.provider.asked
    assert (asked["response_type"], asked["code_challenge_method"], asked["scope"]) == (
        "code", "S256", "openid profile email",
    )  # fmt: skip
    assert asked["redirect_uri"] == f"{HOME}/login/provider/back"
    assert len(asked["state"]) >= 43
    assert len(asked["nonce"]) >= 43
    deeds = [each.what for each in await both.home.store.access.accounts.deeds()]
    assert deeds == ["logged in with the provider", "bound to the provider's account"]
    assert "zzz-client-secret" not in str(asked)


@pytest.mark.parametrize(
    ("twist", "said"),
    [
        ({"nonce": "of-another-login"}, "nonce"),
        ({"nonce": None}, "nonce"),
        ({"aud": "another-client"}, "aud"),
        ({"aud": None}, "aud"),
        ({"aud": ["tocsin", "another-client"]}, "azp"),
        ({"azp": "another-client"}, "azp"),
        ({"iss": "http://localhost:1"}, "iss"),
        ({"iss": None}, "iss"),
        ({"exp": 1_000_000}, "it has ended"),
        ({"exp": None}, "exp"),
        ({"iat": 9_999_999_999}, "iat"),
        ({"at_hash": "AAAAAAAAAAAAAAAAAAAAAA"}, "at_hash"),
        ({"sub": None}, "sub"),
        ({"sub": ""}, "subject"),
        ({"sub": ["sub-ana"]}, ""),
    ],
    ids=str,
)
async def test_a_token_that_does_not_hold_lets_nobody_in(both: Both, twist: dict[str, object], said: str) -> None:
    """The provider itself sends it, well signed: each claim is looked at, and the page names it."""
    both.provider.twist.update(twist)
    async with both.home.client() as client:
        answer = await both.entered(client)
        assert answer.status_code == 403, answer.text
        assert said in answer.text
        assert "nobody was logged in" in answer.text
        assert (await client.get("/api/incidents")).status_code == 401
    assert await both.home.app.state.console.door.visits.of() == []


async def test_a_foreign_signature_lets_nobody_in(both: Both) -> None:
    """A key that is not among those the provider shows."""
    both.provider.alien_key = True
    async with both.home.client() as client:
        answer = await both.entered(client)
        assert (answer.status_code, "bad signature" in answer.text) == (403, True)


async def test_clocks_differ_by_a_minute_at_most(both: Both) -> None:
    """A token that ended 50 seconds ago still holds; one that ended two minutes ago does not."""
    now = int(both.home.clock.now().timestamp())
    for ended, status in ((50, 303), (120, 403)):
        both.provider.twist["exp"] = now - ended
        async with both.home.client() as client:
            assert (await both.entered(client)).status_code == status


async def test_an_answer_is_good_once_and_in_one_browser(both: Both) -> None:
    """Replayed, brought by another browser, with another state, without one: refused each time."""
    async with both.home.client() as ana, both.home.client() as other:
        left = await ana.get("/login/provider")
        back = await both.provider.answer(left.headers["location"], "sub-ana")
        stolen = await other.get(back)
        assert (stolen.status_code, "not asked for in this browser" in stolen.text) == (403, True)
        cookies = dict(ana.cookies)
        assert (await ana.get(back)).status_code == 303
        async with both.home.client() as again:
            again.cookies.update({name: value for name, value in cookies.items() if name == "tocsin_way"})
            replayed = await again.get(back)
            assert (replayed.status_code, "used already" in replayed.text) == (403, True)
        for query in ({}, {"state": "x", "code": "y"}, {"code": "y"}, {"state": "x" * 5000, "code": "y"}):
            assert (await other.get("/login/provider/back", params=query)).status_code == 403
        assert (await other.get("/api/incidents")).status_code == 401


async def test_an_answer_that_comes_late_is_refused(both: Both) -> None:
    """After ten minutes one begins anew."""
    async with both.home.client() as ana:
        left = await ana.get("/login/provider")
        back = await both.provider.answer(left.headers["location"], "sub-ana")
        both.home.clock.forward(minutes=10)
        assert "too late" in (await ana.get(back)).text


async def test_a_code_is_of_use_to_nobody_else(both: Both) -> None:
    """PKCE: put into another login of our own, a stolen code is refused by the provider, for the verifier is not its."""
    async with both.home.client() as ana, both.home.client() as thief:
        hers = await both.provider.answer((await ana.get("/login/provider")).headers["location"], "sub-ana")
        own = await both.provider.answer((await thief.get("/login/provider")).headers["location"], "sub-x")
        code = httpx.URL(hers).params["code"]
        mixed = httpx.URL(own).copy_set_param("code", code)
        answer = await thief.get(str(mixed))
        assert (answer.status_code, "invalid_grant" in answer.text) == (403, True)


async def test_another_provider_answers_for_nobody(both: Both) -> None:
    """RFC 9207: an answer that names another issuer is refused before its code goes anywhere."""
    async with both.home.client() as ana:
        back = await both.provider.answer((await ana.get("/login/provider")).headers["location"], "sub-ana")
        answer = await ana.get(f"{back}&iss=https://evil.test")
        assert (answer.status_code, "nother provider than" in answer.text) == (403, True)
    assert both.provider.exchanged == []
    both.provider.said["authorization_response_iss_parameter_supported"] = True
    named = both.having(subjects={"sub-ana": "ana"})
    async with named.home.client() as ana:
        assert (await named.entered(ana)).status_code == 403
        back = await both.provider.answer((await ana.get("/login/provider")).headers["location"], "sub-ana")
        assert (await ana.get(f"{back}&iss={both.provider.issuer}")).status_code == 303


async def test_somebody_who_says_no_is_told_so(both: Both) -> None:
    """Nothing is a fault then; codes of errors are told, sentences are not repeated."""
    async with both.home.client() as ana:
        left = await ana.get("/login/provider")
        back = await both.provider.answer(left.headers["location"], "sub-ana", action="deny")
        denied = await ana.get(back)
        assert (denied.status_code, "you said no there" in denied.text) == (403, True)
        state = httpx.URL((await ana.get("/login/provider")).headers["location"]).params["state"]
        query = {"state": state, "error": "<script>alert(1)</script>"}
        assert "it answered scriptalert1script" in (await ana.get("/login/provider/back", params=query)).text


async def test_a_provider_started_anew_with_other_keys(both: Both) -> None:
    """Its keys are read again when a token is signed with one we do not know; nobody has to restart anything."""
    async with both.home.client() as ana:
        assert (await both.entered(ana)).status_code == 303
        both.provider.restart()
        assert (await both.entered(ana)).status_code == 303
        assert (await ana.get("/api/incidents")).status_code == 200


async def test_a_silent_provider_keeps_nobody_out(both: Both, plain: Place) -> None:
    """The page says that it is silent and how to get in without it; a link works."""
    with running(Running()) as gone:
        sign_in = gone.sign_in(plain)
    home = plain.having(sign_in=sign_in)
    async with home.client() as client:
        answer = await client.get("/login/provider")
        assert answer.status_code == 503
        assert "could not be reached" in answer.text
        assert "tocsin login NAME" in answer.text
    ana = await home.browser("ana")
    assert (await ana.get("/slos")).status_code == 200
    assert (await ana.post("/logout")).status_code == 303
    await ana.aclose()


async def test_a_provider_that_falls_silent_between_is_told(both: Both) -> None:
    """Somebody comes back with a code and the provider is gone: a page, and the next login works."""
    async with both.home.client() as ana:
        back = await both.provider.answer((await ana.get("/login/provider")).headers["location"], "sub-ana")
        both.home.app.state.console.signing_in.provider.timeout_seconds = 1.0
        both.provider.said["token_endpoint"] = "http://localhost:9/token"
        both.home.clock.forward(hours=2)  # what it said of itself is read anew
        home = both.having(subjects={"sub-ana": "ana"})
        left = await ana.get("/login/provider")
        assert left.status_code == 303
        async with home.home.client() as client:
            back = await both.provider.answer((await client.get("/login/provider")).headers["location"], "sub-ana")
            assert (await client.get(back)).status_code == 503
            both.provider.said.clear()
        again = both.having(subjects={"sub-ana": "ana"})
        again.provider.twist["exp"] = int(both.home.clock.now().timestamp()) + 60
        again.provider.twist["iat"] = int(both.home.clock.now().timestamp())
        async with again.home.client() as client:
            assert (await again.entered(client)).status_code == 303


@pytest.mark.parametrize(
    "said",
    [
        {"issuer": "https://evil.test"},
        {"issuer": None},
        {"token_endpoint": "http://evil.test/token"},
        {"authorization_endpoint": "javascript:alert(1)"},
        {"jwks_uri": None},
    ],
    ids=str,
)
async def test_a_provider_that_is_not_what_it_should_be_is_not_asked(both: Both, said: dict[str, object]) -> None:
    """Another issuer in its own words, endpoints in the clear or of no kind: nobody is sent there."""
    both.provider.said.update(said)
    async with both.home.client() as client:
        assert (await client.get("/login/provider")).status_code == 503


async def test_what_the_provider_said_stands_while_it_is_silent(both: Both) -> None:
    """Discovery is kept for an hour, and used for a day where there is no newer one; then it is said."""
    async with both.home.client() as client:
        assert (await client.get("/login/provider")).status_code == 303
        both.provider.said["issuer"] = "https://evil.test"
        for hours, status in ((2, 303), (24, 503)):
            both.home.clock.forward(hours=hours)
            assert (await client.get("/login/provider")).status_code == status


async def test_a_mail_address_is_nobody(both: Both) -> None:
    """Whoever has ana's address there and another subject is a stranger, and reads what to tell an administrator."""
    people = [replace(each, email="ana@example.com") if each.key == "ana" else each for each in await everybody(both)]
    await both.home.store.people.enrol(people)
    async with both.home.client() as client:
        answer = await both.entered(client, "sub-x")
        assert answer.status_code == 403
        for word in (
            "knows you as Xaver &lt;ana@example.com&gt;, and that is nobody here",
            "sub-x",
            both.provider.issuer,
        ):
            assert word in answer.text
        assert (await client.get("/api/incidents")).status_code == 401


async def everybody(both: Both) -> list[object]:
    return await both.home.store.people.everyone()


async def test_whom_an_administrator_linked_is_let_in(both: Both) -> None:
    """Until the link is taken away again; what people.yaml says goes before it."""
    accounts, ben = both.home.store.access.accounts, await both.home.who("ben")
    async with both.home.client() as client:
        assert (await both.entered(client, "sub-x")).status_code == 403
        stranger = await accounts.account(both.provider.issuer, "sub-x")
        assert stranger is not None
        assert (stranger.person, stranger.shown) == ("", "Xaver <ana@example.com>")
        await accounts.met(replace(stranger, person=ben.id))
        assert (await both.entered(client, "sub-x")).status_code == 303
        assert "Ben Okafor" in (await client.get("/slos")).text
    other = both.having(subjects={"sub-ana": "ana", "sub-of-ben": "ben"})
    async with other.home.client() as client:
        assert (await other.entered(client, "sub-x")).status_code == 403  # the file names another subject of his


async def test_roles_come_from_groups(both: Both) -> None:
    """Recomputed at each login and the same everywhere; a session that is there goes on under a new id."""
    both = both.having(subjects={"sub-ana": "ana"}, groups=GROUPS)
    async with both.home.client() as ana, both.home.client() as second:
        assert (await both.entered(ana)).status_code == 303
        assert (await both.home.who("ana")).roles == {Role.RESPONDER, Role.APPROVER}
        before = ana.cookies["tocsin_session"]
        both.provider.people["sub-ana"]["groups"] = ["platform"]
        assert (await both.entered(second)).status_code == 303
        assert (await both.home.who("ana")).roles == {Role.ADMIN}
        assert "admin" in (await ana.get("/slos")).text
        assert ana.cookies["tocsin_session"] != before
        deeds = [each.detail for each in await both.home.store.access.accounts.deeds() if "roles" in each.what]
        assert deeds == ["from approver, responder to admin", "from responder to approver, responder"]
        both.provider.people["sub-ana"]["groups"] = ["football"]
        async with both.home.client() as third:
            refused = await both.entered(third)
            assert (refused.status_code, "none of your groups" in refused.text.lower()) == (403, True)
            assert "football" in refused.text
        assert (await ana.get("/slos")).status_code == 303  # out at once: she has no role any more


async def test_groups_no_longer_asked_for_give_nothing(both: Both) -> None:
    """Started without `groups`, everybody has the roles of people.yaml again."""
    both = both.having(subjects={"sub-ana": "ana"}, groups=GROUPS)
    async with both.home.client() as ana:
        await both.entered(ana)
    await both.home.store.people.enrol(await everybody(both), granting=True)
    assert (await both.home.who("ana")).roles == {Role.RESPONDER, Role.APPROVER}
    listed = [replace(each, roles=frozenset({Role.RESPONDER})) for each in await everybody(both)]
    await both.home.store.people.enrol(listed, granting=False)
    assert (await both.home.who("ana")).roles == {Role.RESPONDER}


async def test_logging_out_ends_the_session_there_too(both: Both) -> None:
    """The page goes on to the provider's own place for that, with its own token and the way back here."""
    async with both.home.client(**{"Sec-Fetch-Site": "same-origin"}) as ana:
        await both.entered(ana)
        out = await ana.post("/logout")
        assert out.status_code == 200
        to = httpx.URL(out.headers["refresh"].partition("url=")[2])
        assert str(to).startswith(f"{both.provider.issuer}/oauth2/end_session?")
        assert to.params["post_logout_redirect_uri"] == f"{HOME}/login"
        assert to.params["client_id"] == "tocsin"
        assert to.params["id_token_hint"].count(".") == 2
        async with httpx.AsyncClient() as browser:
            assert (await browser.get(to)).status_code == 200
        assert (await ana.get("/api/incidents")).status_code == 401


async def test_logging_out_where_the_provider_has_no_place_for_it(both: Both) -> None:
    """Then it ends here, and the login page is next."""
    both.provider.said["end_session_endpoint"] = None
    async with both.home.client(**{"Sec-Fetch-Site": "same-origin"}) as ana:
        await both.entered(ana)
        out = await ana.post("/logout")
        assert (out.status_code, out.headers["location"]) == (303, "/login")
        assert (await ana.get("/api/incidents")).status_code == 401


async def test_a_login_with_the_provider_ends_like_any_other(both: Both) -> None:
    """Half an hour without anything done, and the provider is asked again."""
    async with both.home.client() as ana:
        await both.entered(ana)
        both.home.clock.forward(minutes=30)
        assert (await ana.get("/slos")).status_code == 303


async def test_sign_in_with_slack_knows_people_by_their_account(plain: Place, provider: Running) -> None:
    """Team and user of people.yaml; the same user of another team is nobody."""
    people = [
        replace(each, slack_team="T1", slack_user="UANA") if each.key == "ana" else each
        for each in await plain.store.people.everyone()
    ]
    await plain.store.people.enrol(people)
    home = plain.having(sign_in=provider.sign_in(plain))
    signing_in = home.app.state.console.signing_in
    signing_in.provider.issuer = "https://slack.com"
    from bot.clients.oidc import Vouched

    found = await signing_in.somebody(Vouched("UANA", "Ana", slack_team="T1", slack_user="UANA"))
    assert found.key == "ana"
    assert not signing_in.proves
    from bot.web.signing_in import StrangerError

    for team in ("T2", ""):
        with pytest.raises(StrangerError):
            await signing_in.somebody(Vouched("UANA2", "Ana", slack_team=team, slack_user="UANA"))
