"""The receiver's side of webhooks out: what it can rely on, as Standard Webhooks and CloudEvents say."""

from __future__ import annotations

import base64
import hashlib
import hmac
import json

import httpx
import pytest
from pydantic import SecretStr

from bot.clients.webhook import Webhook
from bot.domain.errors import RateLimited, Refused, Unavailable
from bot.engine.changed import ping
from tests.kit import NOON
from tests.parts import Hands

SECRET = "a secret of both sides"
TOLD = {**ping("https://tocsin.example", NOON), "id": "INC-7/3"}


def door(answer: httpx.Response, seen: list[httpx.Request]) -> Webhook:
    def taken(request: httpx.Request) -> httpx.Response:
        seen.append(request)
        return answer

    return Webhook(
        "ops", "https://ops.example/in", SecretStr(SECRET), clock=Hands(), transport=httpx.MockTransport(taken)
    )


async def test_it_is_signed_so_that_the_receiver_can_tell() -> None:
    """The signature holds over id, time and body; the id is the event's, so what comes twice is known."""
    seen: list[httpx.Request] = []
    hook = door(httpx.Response(204), seen)
    await hook.tell(TOLD)
    await hook.close()
    (request,) = seen
    name, at = request.headers["webhook-id"], request.headers["webhook-timestamp"]
    mac = hmac.new(SECRET.encode(), f"{name}.{at}.".encode() + request.content, hashlib.sha256).digest()
    assert request.headers["webhook-signature"] == f"v1,{base64.b64encode(mac).decode()}"
    assert (name, request.headers["idempotency-key"]) == ("INC-7/3", "INC-7/3")
    assert request.headers["content-type"] == "application/cloudevents+json; charset=utf-8"
    assert json.loads(request.content) == TOLD
    assert SECRET not in str(request.headers)


@pytest.mark.parametrize(
    ("status", "kind"),
    [
        (301, Unavailable), (307, Unavailable), (400, Refused), (401, Unavailable), (404, Unavailable),
        (408, Unavailable), (410, Refused), (422, Refused), (429, RateLimited), (500, Unavailable), (503, Unavailable),
    ],
)  # fmt: skip
async def test_what_becomes_of_an_answer(status: int, kind: type[Exception]) -> None:
    """A redirect is not followed; what is refused is told apart from what may be sent again; no secret is in it."""
    seen: list[httpx.Request] = []
    hook = door(httpx.Response(status, headers={"location": "http://169.254.169.254/", "retry-after": "7"}), seen)
    with pytest.raises(kind) as raised:
        await hook.tell(TOLD)
    await hook.close()
    assert type(raised.value) is kind or kind is Refused
    assert len(seen) == 1
    assert SECRET not in str(raised.value)
    assert "the webhook ops" in str(raised.value)
