"""The pager of the name webhook: what its receiver can rely on, proved as its page and Standard Webhooks say."""

from __future__ import annotations

import base64
import contextlib
import hashlib
import hmac
import json
from collections.abc import AsyncIterator
from typing import Any

import httpx
import pytest
from pydantic import ValidationError

from bot import shelf
from bot.domain.errors import Refused, Unavailable
from tests.kit import NOON
from tests.pagers.fake_push import Receiver
from tests.pagers.fakes import EMAIL, KEY, LINK, PHONE, Scene, summons
from tests.parts import CANARY, Hands

SETTINGS: dict[str, Any] = {"url": "{url}/tocsin", "secret": CANARY, "timeout_seconds": 0.4}
ABSENT = frozenset({"junk", "html", "other json", "empty object", "empty"})
"""A 2xx is all it asks for."""


def made(server: httpx.AsyncBaseTransport, **changes: Any):
    kind = shelf.load("pagers", "webhook")
    given = {"url": "https://pages.example.org/tocsin", "secret": CANARY, **changes}
    return kind(kind.Settings.model_validate(given), clock=Hands(), transport=server)


@contextlib.asynccontextmanager
async def scene() -> AsyncIterator[Scene]:
    """What the suite in tests/shelves tries it on."""
    server = Receiver()
    pager = made(server)

    def reached() -> list[tuple[str, str]]:
        return [(each["person"]["key"], key) for key, each in server.taken.items()]

    yield Scene(pager, reached, server.breaks, lambda: "".join(server.says), lambda: server.asked, everybody=True)
    await pager.close()


async def test_the_signature_is_proved_by_the_documented_recipe() -> None:
    """HMAC-SHA256 over id, timestamp and body; a changed body, time or name is told."""
    server = Receiver()
    await made(server).page(summons())
    assert server.last is not None
    head, body = server.last.headers, server.last.content

    def proved(name: str, at: str, content: bytes) -> bool:
        mac = hmac.new(CANARY.encode(), f"{name}.{at}.".encode() + content, hashlib.sha256).digest()
        return hmac.compare_digest(head["webhook-signature"], "v1," + base64.b64encode(mac).decode())

    at = head["webhook-timestamp"]
    assert at == str(int(NOON.timestamp()))
    assert proved(head["webhook-id"], at, body)
    assert not proved(head["webhook-id"], at, body + b" ")
    assert not proved(head["webhook-id"], str(int(at) + 1), body)
    assert not proved("page:INC-8:0", at, body)
    assert head["idempotency-key"] == head["webhook-id"] == KEY


async def test_a_secret_of_the_standards_kind_is_base64() -> None:
    """`whsec_` and base64, as its libraries make and read them."""
    server, raw = Receiver(), b"0123456789abcdef01234567"
    await made(server, secret="whsec_" + base64.b64encode(raw).decode()).page(summons())
    assert server.last is not None
    head = server.last.headers
    signed = f"{head['webhook-id']}.{head['webhook-timestamp']}.".encode() + server.last.content
    assert (
        head["webhook-signature"] == "v1," + base64.b64encode(hmac.new(raw, signed, hashlib.sha256).digest()).decode()
    )


async def test_its_body_is_what_the_page_says_and_nobodys_address() -> None:
    """The receiver knows people by their keys: mail, phone and push names stay here."""
    server = Receiver()
    await made(server).page(summons())
    assert server.taken[KEY] == {
        "type": "page",
        "key": KEY,
        "person": {"key": "ana", "name": "Ana Souza"},
        "severity": "SEV2",
        "headline": "SEV2 INC-7: Recall below its objective for health=poor",
        "text": "Burns 2.4x over 15 s.\nVisit predictions, since 12:00 UTC.",
        "url": LINK,
        "incidents": ["INC-7"],
    }
    assert not any(each in "".join(server.says) for each in (EMAIL, PHONE))
    await made(server).page(summons(key="page:test:ana", situations=()))
    assert server.taken["page:test:ana"]["type"] == "test"


async def test_a_hostile_page_adds_no_header_and_no_field() -> None:
    """Line ends, quotes and half characters stay letters of the headline; a key of other letters is written in ASCII."""
    server = Receiver()
    await made(server).page(
        summons(key="page:INC-7:ü\r\nx: y", headline='a\r\nX-Evil: 1\ud800", "url": "https://evil.example')
    )
    assert server.last is not None
    told = json.loads(server.last.content)
    assert told["headline"] == 'a X-Evil: 1 ", "url": "https://evil.example'
    assert (told["url"], told["key"]) == (LINK, "page:INC-7:ü\r\nx: y")
    assert server.last.headers["webhook-id"] == "page:INC-7:%C3%BC%0D%0Ax:%20y"
    assert "x-evil" not in server.last.headers


async def test_a_redirect_is_not_followed() -> None:
    """A page goes where the settings say and nowhere else."""
    asked = []

    def away(request: httpx.Request) -> httpx.Response:
        asked.append(str(request.url))
        return httpx.Response(307, headers={"location": "https://evil.example/"})

    with pytest.raises(Unavailable, match="answered 307"):
        await made(httpx.MockTransport(away)).page(summons())
    assert asked == ["https://pages.example.org/tocsin"]


async def test_whom_it_cannot_reach_it_refuses() -> None:
    """A 4xx names the person for those who read the timeline, and repeats no word of the answer."""
    answer = httpx.MockTransport(lambda _request: httpx.Response(404, json={"message": f"no {EMAIL}"}))
    with pytest.raises(Refused, match=r"the page webhook refused it \(404\) for Ana Souza") as caught:
        await made(answer).page(summons())
    assert EMAIL not in str(caught.value)


@pytest.mark.parametrize(
    "wrong",
    [{"secret": "short"}, {"secret": "whsec_not base64!"}, {"url": "http://pages.example.org"}, {"url": "ftp://x"}],
)
def test_settings_that_protect_nothing_are_refused(wrong: dict[str, str]) -> None:
    """A guessable secret, one that cannot be read, or an address readable on the way; no error tells the secret."""
    with pytest.raises(ValidationError) as caught:
        made(Receiver(), **wrong)
    assert wrong.get("secret", "…") not in str(caught.value)
