"""A one-time code is for one person, one plan and a few minutes, and only for a token presented anew."""

from __future__ import annotations

import re

import pytest

from bot.domain.mitigation import State
from bot.domain.policy import ActionClass
from tests.web.changes import INCIDENT, WHY, mitigation, post, proposed, told, under, wide
from tests.web.fakes import Place
from tests.web.test_pages import Reader, sound

CODE = f"/api/incidents/{INCIDENT}/code"
PAGE = f"/incidents/{INCIDENT}"
CODED = re.compile(r"[A-HJ-NP-Z2-9]{5}-[A-HJ-NP-Z2-9]{5}")


async def token_of(home: Place, who: str) -> str:
    async with await home.own(who) as api:
        return str(api.headers["Authorization"].removeprefix("Bearer "))


async def code_of(home: Place, who: str, name: str = "M1") -> str:
    return str((await post(home, who, "code", mitigation=name))["code"])


async def test_a_wide_change_takes_a_code(home: Place) -> None:
    """Without one, and with a wrong one, the sentence names the command; with it the approval says how it was given."""
    digest = await wide(home)
    assert (await told(home))["code_wanted"] is True
    body = {"mitigation": "M1", "digest": digest}
    how = f"get one with `tocsin incident code {INCIDENT} M1` or in the console"
    said = await post(home, "ben", "approve", 409, **body)
    assert said == f"a change this wide is approved with a one-time code; {how}"
    assert await post(home, "ben", "approve", 409, code="AAAAA-AAAAA", **body) == f"that is not your code for M1; {how}"
    given = await post(home, "ben", "code", mitigation="M1")
    assert CODED.fullmatch(given["code"])
    assert (given["mitigation"], given["until"]) == ("M1", "2026-11-20T12:05:05.000Z")
    after = await post(home, "ben", "approve", code=given["code"].lower().replace("-", " "), **body)
    assert after["mitigations"][0]["approvals"][0]["stepped_up"] is True
    assert after["mitigations"][0]["state"] == "approved"


async def test_it_is_nobody_elses_and_for_no_other_plan(home: Place) -> None:
    """Another approver's code, and one's own for another change, open nothing; a used one is used up."""
    under(home, quorum={ActionClass.WIDE: 3})
    digest = await wide(home)
    other = await wide(home, target="visits-model", target_uid="model")
    code = await code_of(home, "ben")
    assert "not your code for M1" in await post(home, "ida", "approve", 409, mitigation="M1", digest=digest, code=code)
    assert "not your code for M2" in await post(home, "ben", "approve", 409, mitigation="M2", digest=other, code=code)
    await post(home, "ben", "approve", mitigation="M1", digest=digest, code=code)
    assert "ben" not in (await mitigation(home)).codes
    said = await post(home, "ida", "approve", 409, mitigation="M1", digest=digest, code=code)
    assert "not your code for M1" in said


async def test_it_runs_out_and_the_one_before_is_void(home: Place) -> None:
    """After five minutes by the clock; a second asking makes a new one."""
    digest = await wide(home)
    first, second = await code_of(home, "ben"), await code_of(home, "ben")
    body = {"mitigation": "M1", "digest": digest}
    assert "not your code" in await post(home, "ben", "approve", 409, code=first, **body)
    home.clock.forward(minutes=5)
    assert "ran out at 12:05:05 UTC" in await post(home, "ben", "approve", 409, code=second, **body)
    await post(home, "ben", "approve", code=await code_of(home, "ben"), **body)


async def test_a_repeated_request_has_a_code_that_works(home: Place) -> None:
    """The same key twice, as after a lost answer: the last code told is the one that is good."""
    digest = await wide(home)
    async with await home.own("ben") as ben:
        keyed = {"Idempotency-Key": "k1"}
        made = [(await ben.post(CODE, json={"mitigation": "M1"}, headers=keyed)).json()["code"] for _ in range(2)]
    assert made[0] != made[1]
    await post(home, "ben", "approve", mitigation="M1", digest=digest, code=made[1])


async def test_a_session_alone_gets_none(home: Place) -> None:
    """Nor does the machine's token, nor a stranger; nothing is recorded."""
    await wide(home)
    before = (await home.desk.log.load(INCIDENT)).seq
    browser = await home.browser("ben")
    said = await browser.post(CODE, json={"mitigation": "M1"})
    assert (said.status_code, said.json()["because"]) == (
        403,
        "a login alone gives no one-time code: present your personal token for it",
    )
    form = await browser.post(f"{PAGE}/code", data={"mitigation": "M1", "token": ""})
    assert form.status_code == 409
    assert "that is not your personal token; `tocsin token ben` makes one" in Reader(form.text).text
    await browser.aclose()
    async with home.api("ben") as machine:
        said = await machine.post(CODE, json={"mitigation": "M1"})
        assert (said.status_code, "your own token or login" in said.json()["because"]) == (403, True)
        form = await machine.post(f"{PAGE}/code", data={"mitigation": "M1", "token": await token_of(home, "ben")})
        assert form.status_code == 403
    async with home.client() as nobody:
        assert (await nobody.post(CODE, json={"mitigation": "M1"})).status_code in {401, 403}
    assert (await home.desk.log.load(INCIDENT)).seq == before


async def test_who_may_not_approve_gets_none(home: Place) -> None:
    """By role, by having proposed it, where none is wanted, and once it is over."""
    await proposed(home, target_uid="other", target="visits-model")
    await wide(home, "ana")
    assert "may be given a code for M2" in await post(home, "otto", "code", 409, mitigation="M2")
    assert await post(home, "ben", "code", 409, mitigation="M1") == "M1 is approved without a code"
    assert "has no mitigation M9" in await post(home, "ben", "code", 409, mitigation="M9")
    await post(home, "ana", "decline", mitigation="M2")
    assert await post(home, "ben", "code", 409, mitigation="M2") == "M2 is declined; there is nothing to approve"


async def test_whoever_acts_alone_proves_themselves_too(home: Place) -> None:
    """Even the proposer, who may not approve: a code for acting alone, and not without."""
    digest = await wide(home, "ben")
    body = {"mitigation": "M1", "digest": digest, "because": WHY}
    assert "one-time code" in await post(home, "ben", "alone", 409, **body)
    await post(home, "ben", "alone", code=await code_of(home, "ben"), **body)
    assert (await mitigation(home)).state is State.APPROVED


# -- on the page -----------------------------------------------------------------------------------------------------


async def test_the_page_asks_for_the_token_and_shows_the_code_once(home: Place) -> None:
    """Filled into the form beside it, so that one press approves; the next look does not have it, nor has the record."""
    digest = await wide(home)
    browser = await home.browser("ben")
    page = sound(await browser.get(PAGE))
    (field,) = [each for each in page.of("input") if each.get("name") == "token"]
    assert field.get("type") == "password"
    shown = await browser.post(f"{PAGE}/code", data={"mitigation": "M1", "token": await token_of(home, "ben")})
    assert shown.headers["cache-control"] == "no-store"
    page = sound(shown)
    (code,) = set(CODED.findall(page.text))
    assert f"Your one-time code for M1: {code} It is good until 2026-11-20 12:05:05 UTC" in page.text
    assert set(page.fields("code")) == {code}
    assert "data-watch" not in page.of("main")[0], "it is not taken away while it is read"
    assert code not in (await browser.get(PAGE)).text
    async with home.api("audrey") as api:
        assert code not in (await api.get(f"/api/incidents/{INCIDENT}")).text
    body = {"mitigation": "M1", "digest": digest, "code": code, "once": "x"}
    for _ in range(2):
        assert (await browser.post(f"{PAGE}/approve", data=body)).status_code == 303
    assert len((await mitigation(home)).approvals) == 1
    assert "with a one-time code" in sound(await browser.get(PAGE)).text
    await browser.aclose()


@pytest.mark.parametrize("whose", ["ida", "nobody", "the machine"])
async def test_only_ones_own_token_counts(home: Place, whose: str) -> None:
    """Another person's, a made-up one and the machine's are refused beside the field; none is sent back."""
    await wide(home)
    token = {"ida": await token_of(home, "ida"), "nobody": "tocsin_made-up", "the machine": home.token}[whose]
    browser = await home.browser("ben")
    answer = await browser.post(f"{PAGE}/code", data={"mitigation": "M1", "token": token})
    assert answer.status_code == 409
    assert "that is not your personal token" in answer.text
    assert token not in answer.text
    assert not (await mitigation(home)).codes
    await browser.aclose()


async def test_an_ended_token_gives_none(home: Place) -> None:
    """Revoked a moment ago: the session lasts, the proof does not."""
    await wide(home)
    token = await token_of(home, "ben")
    browser = await home.browser("ben")
    async with home.api("ben") as operator:
        await operator.post("/api/tokens/revoke", json={"person": "ben"})
    answer = await browser.post(f"{PAGE}/code", data={"mitigation": "M1", "token": token})
    assert (answer.status_code, (await mitigation(home)).codes) == (409, {})
    await browser.aclose()


async def test_a_foreign_page_cannot_ask_for_one(home: Place) -> None:
    """The form of another site is refused before anything is looked at."""
    await wide(home)
    browser = await home.browser("ben")
    data = {"mitigation": "M1", "token": await token_of(home, "ben")}
    answer = await browser.post(f"{PAGE}/code", data=data, headers={"Sec-Fetch-Site": "cross-site"})
    assert (answer.status_code, (await mitigation(home)).codes) == (403, {})
    await browser.aclose()
