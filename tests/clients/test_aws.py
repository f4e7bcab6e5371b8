"""The door to AWS: whom it speaks as, and every way a call can fail, in front of answers as AWS gives them."""

from __future__ import annotations

import json
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path
from typing import Any

import httpx
import pytest
from pydantic import ValidationError

from bot.clients.aws import Aws, AwsSettings
from bot.clients.sagemaker import SERVICE
from bot.domain.errors import RateLimited, Refused, Unavailable
from tests.parts import CANARY, Hands

REGION = {"region": "eu-west-1"}
KEYS = {**REGION, "access_key_id": "AKID", "secret_access_key": CANARY}
CONTAINER = {**REGION, "role": {"kind": "container", "url": "http://169.254.170.2/v2/credentials/visits?a=1"}}
INSTANCE = {**REGION, "role": {"kind": "instance"}}
Answer = Callable[[httpx.Request], httpx.Response]


def door(answer: Answer, settings: dict[str, Any], hands: Hands | None = None) -> Aws:
    made = AwsSettings.model_validate(settings)
    return Aws(SERVICE, made, clock=hands or Hands(), transport=httpx.MockTransport(answer))


def saying(status: int, kind: str, said: str = "", **headers: str) -> Answer:
    return lambda request: httpx.Response(status, json={"__type": kind, "message": said}, headers=headers)


# -- requests --------------------------------------------------------------------------------------------------------


async def test_a_request_is_json_1_1_for_the_public_address_of_the_region() -> None:
    """POST to the root, the operation in a header, signed for the service; China's partition ends otherwise."""
    seen: list[httpx.Request] = []

    def answer(request: httpx.Request) -> httpx.Response:
        seen.append(request)
        return httpx.Response(200, json={"EndpointName": "visits"})

    assert await door(answer, KEYS).read("DescribeEndpoint", {"EndpointName": "visits"}) == {"EndpointName": "visits"}
    await door(answer, KEYS | {"region": "cn-north-1"}).read("DescribeEndpoint", {})
    first, second = seen
    assert (first.method, str(first.url)) == ("POST", "https://api.sagemaker.eu-west-1.amazonaws.com/")
    assert second.url.host == "api.sagemaker.cn-north-1.amazonaws.com.cn"
    assert json.loads(first.content) == {"EndpointName": "visits"}
    assert first.headers["x-amz-target"] == "SageMaker.DescribeEndpoint"
    assert first.headers["content-type"] == "application/x-amz-json-1.1"
    assert first.headers["x-amz-date"] == "20261120T120000Z"
    assert "Credential=AKID/20261120/eu-west-1/sagemaker/aws4_request" in first.headers["authorization"]
    assert "x-amz-security-token" not in first.headers
    assert CANARY not in str(first.headers)


@pytest.mark.parametrize(
    ("settings", "words"),
    [
        (REGION, "either"),
        (KEYS | {"role": {"kind": "instance"}}, "either"),
        ({**REGION, "access_key_id": "AKID"}, "either"),
        ({**KEYS, "region": "Ireland/1"}, "pattern"),
        ({**KEYS, "url": "ftp://x"}, "address"),
        ({**REGION, "role": {"kind": "container"}}, "url of its credentials"),
        ({**REGION, "role": {"kind": "container", "url": "http://keys.example/"}}, "only from this machine"),
        ({**REGION, "role": {"kind": "container", "url": "http://8.8.8.8/"}}, "only from this machine"),
    ],
)
def test_settings_name_one_identity_and_no_key_comes_in_clear(settings: dict[str, Any], words: str) -> None:
    """Keys or a role, not both and not half; a role's keys over plain HTTP only from the machine itself."""
    with pytest.raises(ValidationError, match=words) as caught:
        AwsSettings.model_validate(settings)
    assert CANARY not in str(caught.value)


# -- failures --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("answer", "words"),
    [
        (saying(400, "ValidationException", "1 validation error"), "ValidationException: 1 validation error"),
        (saying(400, "com.amazonaws.sagemaker#ConflictException:http://x/y#z", "busy"), "ConflictException: busy"),
        (saying(400, "ResourceLimitExceeded", "the limit is 4"), "ResourceLimitExceeded: the limit is 4"),
        (saying(400, "AccessDeniedException", "not authorized to perform: x"), "may not do this: not authorized"),
        (saying(400, "ExpiredTokenException", "x"), "session of our AWS keys has expired"),
        (saying(403, "UnrecognizedClientException", "x"), "did not accept our AWS keys"),
        (saying(403, "InvalidSignatureException", "Signature expired: 1 is earlier than 2"), "clock right"),
        (lambda request: httpx.Response(403, text="<html>"), r"did not accept our AWS keys, or .* \(403\)"),
        (lambda request: httpx.Response(404, text="nothing"), "answered 404"),
    ],
)
async def test_a_refused_change_did_not_happen_and_a_read_is_unavailable(answer: Answer, words: str) -> None:
    """The same failure in the same words: Refused where something was to change, Unavailable where it was read."""
    with pytest.raises(Refused, match=words):
        await door(answer, KEYS).change("UpdateEndpoint", {})
    with pytest.raises(Unavailable, match=words):
        await door(answer, KEYS).read("DescribeEndpoint", {})


@pytest.mark.parametrize(
    "answer",
    [
        saying(500, "InternalFailure"),
        saying(503, "ServiceUnavailable"),
        saying(400, "RequestTimeoutException"),
        lambda request: httpx.Response(408),
        lambda request: httpx.Response(302, headers={"location": "http://elsewhere/"}),
        lambda request: httpx.Response(200, text="[1]"),
        lambda request: httpx.Response(200, text="<html>"),
        lambda request: httpx.Response(200),
    ],
)
async def test_what_may_have_happened_is_never_called_refused(answer: Answer) -> None:
    """A broken service and an answer nobody can read leave it open."""
    with pytest.raises(Unavailable):
        await door(answer, KEYS).change("UpdateEndpoint", {})


@pytest.mark.parametrize(
    "kind", ["ThrottlingException", "Throttling", "TooManyRequestsException", "RequestLimitExceeded"]
)
async def test_being_throttled_says_when_to_come_again(kind: str) -> None:
    """Under whatever name and status."""
    with pytest.raises(RateLimited) as caught:
        await door(saying(400, kind, "Rate exceeded", **{"retry-after": "7"}), KEYS).change("UpdateEndpoint", {})
    assert caught.value.retry_after == 7
    with pytest.raises(RateLimited):
        await door(lambda request: httpx.Response(429), KEYS).read("DescribeEndpoint", {})


async def test_what_is_not_there_is_none_and_other_wrong_requests_are_not() -> None:
    """SageMaker says ValidationException for both; only its words tell."""
    none = saying(400, "ValidationException", 'Could not find endpoint "arn:aws:sagemaker:eu-west-1:1:endpoint/x".')
    assert await door(none, KEYS).find("DescribeEndpoint", {}) is None
    assert await door(saying(400, "ResourceNotFound", "x"), KEYS).find("DescribeEndpoint", {}) is None
    with pytest.raises(Unavailable, match="too long"):
        await door(saying(400, "ValidationException", "the name is too long"), KEYS).find("DescribeEndpoint", {})


async def test_an_explanation_that_repeats_our_secrets_is_told_without_them() -> None:
    """A failure may quote all that was signed, the session token too."""
    settings = KEYS | {"session_token": "the-session"}
    answer = saying(400, "SomethingException", f"you sent\nx-amz-security-token:the-session and {CANARY}")
    with pytest.raises(Refused, match=r"you sent x-amz-security-token:\[secret\] and \[secret\]"):
        await door(answer, settings).change("UpdateEndpoint", {})


# -- roles -----------------------------------------------------------------------------------------------------------


class Machine:
    """A machine that gives keys of its role, a new pair each time, and a service that knows them."""

    def __init__(self, hands: Hands) -> None:
        self.hands, self.given, self.lasts = hands, 0, timedelta(hours=1)
        self.signed_by: list[str] = []
        self.asked: list[httpx.Request] = []
        self.refused: set[str] = set()
        self.metadata: httpx.Response | None = None

    def __call__(self, request: httpx.Request) -> httpx.Response:
        if request.url.host.startswith("169.254."):
            self.asked.append(request)
            return self.metadata or self._metadata(request)
        by = request.headers["authorization"].partition("Credential=")[2].partition("/")[0]
        self.signed_by.append(by)
        assert request.headers["x-amz-security-token"] == f"token of {by}"
        if by in self.refused:
            return httpx.Response(400, json={"__type": "ExpiredTokenException", "message": "expired"})
        return httpx.Response(200, json={"by": by})

    def _metadata(self, request: httpx.Request) -> httpx.Response:
        if request.url.path == "/latest/api/token":
            assert request.method == "PUT"
            assert 1 <= int(request.headers["x-aws-ec2-metadata-token-ttl-seconds"]) <= 21600
            return httpx.Response(200, text="a-session")
        if request.url.path.startswith("/latest/"):
            assert request.headers["x-aws-ec2-metadata-token"] == "a-session"
        if request.url.path.endswith("/security-credentials/"):
            return httpx.Response(200, text="visits-role\n")
        self.given += 1
        name, until = f"AK{self.given}", self.hands.now() + self.lasts
        told = {"AccessKeyId": name, "SecretAccessKey": CANARY, "Token": f"token of {name}"}
        return httpx.Response(200, json={**told, "Expiration": until.strftime("%Y-%m-%dT%H:%M:%SZ")})


@pytest.mark.parametrize("settings", [CONTAINER, INSTANCE])
async def test_keys_of_a_role_are_asked_for_once_and_again_before_they_run_out(settings: dict[str, Any]) -> None:
    """Kept for most of their hour; five minutes before its end there are new ones."""
    hands = Hands()
    machine = Machine(hands)
    aws = door(machine, settings, hands)
    for forward in (0, 3000, 301, 10):
        hands.forward(forward)
        await aws.read("DescribeEndpoint", {})
    assert machine.signed_by == ["AK1", "AK1", "AK2", "AK2"]
    await aws.close()


async def test_where_the_machine_is_silent_keys_hold_until_they_have_run_out() -> None:
    """The old pair is used as long as it is good, then it is a sentence; afterwards all is well again."""
    hands = Hands()
    machine = Machine(hands)
    aws = door(machine, INSTANCE, hands)
    await aws.read("DescribeEndpoint", {})
    machine.metadata = httpx.Response(500, text=CANARY)
    hands.forward(3400)
    await aws.read("DescribeEndpoint", {})
    hands.forward(200)
    with pytest.raises(Unavailable, match="answered 500 when asked for its role's keys") as caught:
        await aws.change("UpdateEndpoint", {})
    assert CANARY not in str(caught.value)
    machine.metadata = None
    assert await aws.read("DescribeEndpoint", {}) == {"by": "AK2"}


async def test_a_session_that_ended_early_is_renewed_once() -> None:
    """Refused as expired, the call is made again with new keys, because nothing happened; a second refusal is told."""
    hands = Hands()
    machine = Machine(hands)
    machine.refused = {"AK1"}
    aws = door(machine, CONTAINER, hands)
    assert await aws.change("UpdateEndpoint", {}) == {"by": "AK2"}
    machine.refused = {"AK2", "AK3"}
    with pytest.raises(Refused, match="has expired"):
        await aws.change("UpdateEndpoint", {})
    assert machine.signed_by == ["AK1", "AK2", "AK2", "AK3"]


async def test_a_container_is_asked_with_its_token_which_may_change(tmp_path: Path) -> None:
    """The address with its query; the token from the settings or from a file that is read anew."""
    hands, file = Hands(), tmp_path / "token"
    machine = Machine(hands)
    await door(machine, {**REGION, "role": {**CONTAINER["role"], "token": CANARY}}, hands).read("DescribeEndpoint", {})
    aws = door(machine, {**REGION, "role": {**CONTAINER["role"], "token_file": str(file)}}, hands)
    with pytest.raises(Unavailable, match="token file of the role cannot be read"):
        await aws.read("DescribeEndpoint", {})
    for text in ("first\n", "second\n"):
        file.write_text(text)
        await aws.read("DescribeEndpoint", {})
        hands.forward(3600)
    assert [request.headers["authorization"] for request in machine.asked] == [CANARY, "first", "second"]
    assert {request.url.query for request in machine.asked} == {b"a=1"}


@pytest.mark.parametrize(
    ("answer", "words"),
    [
        (httpx.Response(404), "answered 404|no role"),
        (httpx.Response(200, text=""), "nothing"),
        (httpx.Response(200, text="\x00\x01"), "nothing usable|not JSON"),
        (httpx.Response(200, json={"AccessKeyId": "A"}), "without|nothing usable"),
        (
            httpx.Response(200, json={"AccessKeyId": "A", "SecretAccessKey": "B", "Token": "C", "Expiration": "soon"}),
            "run out",
        ),
    ],
)
async def test_a_machine_that_gives_no_keys_is_a_sentence(answer: httpx.Response, words: str) -> None:
    """No role, nothing, junk, half an answer or one without an end: never a request signed with nothing."""
    hands = Hands()
    machine = Machine(hands)
    machine.metadata = answer
    with pytest.raises(Unavailable, match=words):
        await door(machine, CONTAINER, hands).change("UpdateEndpoint", {})
    assert machine.signed_by == []


async def test_a_machine_without_a_role_says_so() -> None:
    """The list of its roles is not there."""
    hands = Hands()
    machine = Machine(hands)

    def without(request: httpx.Request) -> httpx.Response:
        return httpx.Response(404) if "security-credentials" in request.url.path else machine(request)

    with pytest.raises(Unavailable, match="this machine has no role"):
        await door(without, INSTANCE, hands).read("DescribeEndpoint", {})
