"""What every answer says to the browser: the policy with its nonce, and the headers beside it."""

from __future__ import annotations

import re

import pytest

from tests.web.fakes import Place
from tests.web.rich import declared
from tests.web.test_pages import Reader

WANTED = {
    "cross-origin-opener-policy": "same-origin",
    "cross-origin-resource-policy": "same-origin",
    "referrer-policy": "no-referrer",
    "x-content-type-options": "nosniff",
    "x-frame-options": "DENY",
}
RULES = (
    "default-src 'none'", "style-src 'self'", "object-src 'none'", "base-uri 'none'", "frame-ancestors 'none'",
    "form-action 'self'", "require-trusted-types-for 'script'", "trusted-types tocsin",
)  # fmt: skip


@pytest.mark.parametrize("path", ["/", "/incidents/INC-1", "/login", "/nowhere", "/api/incidents", "/static/live.js"])
async def test_every_answer_says_it(home: Place, path: str) -> None:
    """Pages, errors, answers to programs and files alike, whoever asks."""
    await declared(home)
    browser = await home.browser("ana")
    for client in (browser, home.client()):
        answer = await client.get(path)
        assert {name: answer.headers[name] for name in WANTED} == WANTED
        assert "camera=()" in answer.headers["permissions-policy"]
        policy = answer.headers["content-security-policy"].split("; ")
        assert set(RULES) <= set(policy)
        assert not [rule for rule in policy if "unsafe" in rule or "*" in rule or "data:" in rule]
        await client.aclose()


async def test_the_script_is_known_by_its_nonce(home: Place) -> None:
    """The one of this very answer, long, and another at every look: who guesses or keeps one has nothing."""
    await declared(home)
    browser, seen = await home.browser("ana"), set()
    for path in ("/", "/incidents/INC-1", "/incidents/INC-1", "/nowhere"):
        answer = await browser.get(path)
        (rule,) = re.findall(
            r"script-src 'nonce-([\w-]{20,})' 'strict-dynamic'", answer.headers["content-security-policy"]
        )
        assert [attrs["nonce"] for attrs in Reader(answer.text).of("script")] == [rule]
        seen.add(rule)
    assert len(seen) == 4
    await browser.aclose()


async def test_a_fault_of_ours_says_it_too(home: Place) -> None:
    """The answer to a request that broke is a page like any other, its script's nonce in its policy."""
    browser = await home.browser("ana")

    async def broken(*_given: object) -> None:
        raise ZeroDivisionError

    home.app.state.console.unfinished = broken
    browser._transport.raise_app_exceptions = False
    answer = await browser.get("/")
    assert answer.status_code == 500
    (script,) = Reader(answer.text).of("script")
    assert f"'nonce-{script['nonce']}'" in answer.headers["content-security-policy"]
    assert {name: answer.headers[name] for name in WANTED} == WANTED
    await browser.aclose()
