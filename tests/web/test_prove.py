"""A class 3 change on a login: only whom the provider has just asked anew gets a code, once, and nobody in their name.

Tested against oidc-provider-mock on a loopback port; the token's `auth_time` is what the provider itself sends.
"""

from __future__ import annotations

import re

import httpx
import pytest

pytest.importorskip("oidc_provider_mock", reason="the group ci has the provider")
from tests.web.changes import INCIDENT, wide
from tests.web.test_people_page import said
from tests.web.test_provider import Both, both, plain, provider, pytestmark  # noqa: F401

PAGE = f"/incidents/{INCIDENT}"
CODED = re.compile(r"[A-HJ-NP-Z2-9]{5}-[A-HJ-NP-Z2-9]{5}")
TYPED = {"mitigation": "M1"}


@pytest.fixture
def signed(both: Both) -> Both:  # noqa: F811
    """The provider knows ben, who approves, and otto."""
    both.provider.people |= {"sub-ben": {"name": "Ben Okafor"}, "sub-otto": {"name": "Otto Brandt"}}
    return both.having(subjects={"sub-ben": "ben", "sub-otto": "otto"})


async def browser(signed: Both, sub: str = "sub-ben") -> httpx.AsyncClient:
    client = signed.home.client(**{"Sec-Fetch-Site": "same-origin"})
    assert (await signed.entered(client, sub)).status_code == 303
    return client


async def proved(
    signed: Both, client: httpx.AsyncClient, sub: str = "sub-ben", *, ago: int | None = 0
) -> httpx.Response:
    """Ask the provider for a fresh proof, give it there as somebody so many seconds ago, and come back."""
    left = await client.get("/login/prove", params={"next": PAGE})
    assert left.status_code == 303, left.text
    now = int(signed.home.clock.now().timestamp())
    signed.provider.authenticated = None if ago is None else now - ago
    return await client.get(await signed.provider.answer(left.headers["location"], sub))


async def test_a_fresh_proof_is_good_for_one_code(signed: Both) -> None:
    """Asked for with prompt=login and max_age=0; the page offers it, the code approves, and a second code takes another."""
    digest = await wide(signed.home)
    ben = await browser(signed)
    page = said(await ben.get(PAGE))
    assert "prove to Example Login who you are" in page
    assert 'name="token"' in page
    before = ben.cookies["tocsin_session"]
    back = await proved(signed, ben)
    assert (back.status_code, back.headers["location"]) == (303, PAGE)
    assert (signed.provider.asked[-1]["prompt"], signed.provider.asked[-1]["max_age"]) == ("login", "0")
    assert ben.cookies["tocsin_session"] != before
    page = said(await ben.get(PAGE))
    assert "You proved to Example Login a moment ago who you are" in page
    assert 'name="token"' not in page
    code = CODED.search(said(await ben.post(f"{PAGE}/code", data=TYPED)))
    assert code is not None
    again = await ben.post(f"{PAGE}/code", data=TYPED)
    assert (again.status_code, "prove who you are first" in again.text) == (409, True)
    approved = await ben.post(
        f"{PAGE}/approve", data={**TYPED, "digest": digest, "code": code[0], "confirm": "visits-router"}
    )
    assert approved.status_code == 303, approved.text
    (approval,) = (await signed.home.desk.log.load(INCIDENT)).mitigations["M1"].approvals
    assert approval.stepped_up
    await ben.aclose()


async def test_a_login_alone_gives_no_code(signed: Both) -> None:
    """However fresh it is, by the provider or by a link; a proof is asked for."""
    await wide(signed.home)
    for client in (await browser(signed), await signed.home.browser("ben")):
        answer = await client.post(f"{PAGE}/code", data=TYPED)
        assert (answer.status_code, "prove who you are first" in answer.text) == (409, True)
        assert CODED.search(answer.text) is None
        assert (await client.post(f"/api{PAGE}/code", json=TYPED)).status_code == 403
        await client.aclose()


async def test_whoever_came_by_a_link_may_prove_it_too(signed: Both) -> None:
    """Where the provider knows them: people.yaml says as whom."""
    await wide(signed.home)
    ben = await signed.home.browser("ben")
    assert (await proved(signed, ben)).status_code == 303
    assert CODED.search((await ben.post(f"{PAGE}/code", data=TYPED)).text)
    await ben.aclose()


async def test_a_proof_grows_old(signed: Both) -> None:
    """Five minutes later it is none any more."""
    await wide(signed.home)
    ben = await browser(signed)
    await proved(signed, ben)
    signed.home.clock.forward(minutes=5)
    assert (await ben.post(f"{PAGE}/code", data=TYPED)).status_code == 409
    await ben.aclose()


@pytest.mark.parametrize(
    ("sub", "ago", "words"),
    [
        ("sub-otto", 0, "somebody else proved"),
        ("sub-x", 0, "somebody else proved"),
        ("sub-ben", 301, "without asking anew"),
        ("sub-ben", 3600, "without asking anew"),
        ("sub-ben", -3600, "without asking anew"),
        ("sub-ben", None, "does not say when"),
    ],
)
async def test_what_proves_nothing(signed: Both, sub: str, ago: int | None, words: str) -> None:
    """Somebody else there, a proof of before, or of no known time: no code, and the session is as it was."""
    await wide(signed.home)
    ben = await browser(signed)
    answer = await proved(signed, ben, sub, ago=ago)
    assert (answer.status_code, words in answer.text.lower()) == (403, True), answer.text
    assert (await ben.post(f"{PAGE}/code", data=TYPED)).status_code == 409
    assert "Ben Okafor" in (await ben.get("/slos")).text
    await ben.aclose()


async def test_a_proof_is_for_the_session_that_asked(signed: Both) -> None:
    """Brought into another session of the same browser it is refused; without any session as well."""
    await wide(signed.home)
    ben = await browser(signed)
    left = await ben.get("/login/prove", params={"next": PAGE})
    signed.provider.authenticated = int(signed.home.clock.now().timestamp())
    back = await signed.provider.answer(left.headers["location"], "sub-ben")
    way = ben.cookies["tocsin_way"]
    assert (await ben.post("/logout")).status_code == 200
    ben.cookies.set("tocsin_way", way)
    refused = await ben.get(back)
    assert (refused.status_code, "ended meanwhile" in refused.text) == (403, True)
    otto, ben = await browser(signed, "sub-otto"), await browser(signed)
    left = await ben.get("/login/prove")
    back = await signed.provider.answer(left.headers["location"], "sub-ben")
    otto.cookies.set("tocsin_way", ben.cookies["tocsin_way"])
    refused = await otto.get(back)
    assert (refused.status_code, "another session" in refused.text) == (403, True)
    assert (await ben.post(f"{PAGE}/code", data=TYPED)).status_code == 409
    for client in (otto, ben):
        await client.aclose()


async def test_a_provider_that_proves_nothing_is_not_offered(signed: Both) -> None:
    """Slack lets whoever is logged in pass: a personal token stays the only way, and the address says so."""
    await wide(signed.home)
    ben = await browser(signed)
    signed.home.app.state.console.signing_in.provider.issuer = "https://slack.com"
    page = said(await ben.get(PAGE))
    assert 'name="token"' in page
    assert "prove to" not in page
    refused = await ben.get("/login/prove")
    assert (refused.status_code, "use a personal token" in refused.text) == (409, True)
    await ben.aclose()


async def test_without_a_provider_there_is_nobody_to_prove_it_to(signed: Both) -> None:
    """Then all is as it was: the page asks for a token."""
    home = signed.home.having(sign_in=type(signed.home.web.sign_in)())
    await wide(home)
    ben = await home.browser("ben")
    assert "prove to" not in said(await ben.get(PAGE))
    assert (await ben.get("/login/prove")).status_code == 409
    assert (await ben.get("/login/provider")).status_code == 404
    refused = await ben.post(f"{PAGE}/code", data=TYPED)
    assert (refused.status_code, "not your personal token" in refused.text) == (409, True)
    await ben.aclose()
