"""SageMaker three times over: moto's server, our own fake, and AWS's description of what both may say.

One script of calls is run against moto and the fake and finds the same status codes and answers; what moto has not got
(UpdateEndpoint, an endpoint that takes its time, refusals by account) is held to botocore's description of SageMaker.
Real here: moto's server, botocore's description and parser. Contract: SageMaker API 2017-07-24.
"""

from __future__ import annotations

import json
from collections.abc import Awaitable, Callable
from typing import Any

import httpx
import pytest

from bot.clients.sigv4 import Keys, Scope, signed
from bot.domain.errors import Refused, Unavailable
from bot.domain.mitigation import Means
from tests.actions.botocore_shapes import Shapes, described
from tests.actions.fake_sagemaker import ARN, WEIGHTS, AwsError, FakeSageMaker, planned, promoted, visits
from tests.actions.fakes import ROLLBACK
from tests.actions.test_sagemaker import KEY, TARGET, action
from tests.real.moto import Moto, moto_server

pytestmark = [pytest.mark.real, pytest.mark.xdist_group("moto")]

moto = pytest.fixture(scope="module")(moto_server)
Call = Callable[[str, dict[str, Any]], Awaitable[tuple[int, dict[str, Any]]]]
CONFIGS = {"visits-8": (planned("v1", "m1", 1.0),), "visits-9": (planned("v1", "m1", 0.0), planned("v2", "m1", 1.0))}


def weigh(*pairs: tuple[str, float], endpoint: str = "visits") -> tuple[str, dict[str, Any]]:
    wanted = [{"VariantName": name, "DesiredWeight": weight} for name, weight in pairs]
    return WEIGHTS, {"EndpointName": endpoint, "DesiredWeightsAndCapacities": wanted}


LISTED = {"NameContains": "visits", "SortBy": "CreationTime", "SortOrder": "Descending"}
SCRIPT: dict[str, tuple[str, dict[str, Any]]] = {
    "as created": ("DescribeEndpoint", {"EndpointName": "visits"}),
    "no such endpoint": ("DescribeEndpoint", {"EndpointName": "none"}),
    "the live configuration": ("DescribeEndpointConfig", {"EndpointConfigName": "visits-9"}),
    "no such configuration": ("DescribeEndpointConfig", {"EndpointConfigName": "none"}),
    "all configurations": ("ListEndpointConfigs", LISTED),
    "the newest alone": ("ListEndpointConfigs", LISTED | {"MaxResults": 1}),
    "none so old": ("ListEndpointConfigs", LISTED | {"CreationTimeBefore": 1.0}),
    "none of that name": ("ListEndpointConfigs", LISTED | {"NameContains": "absent"}),
    "tags": ("ListTags", {"ResourceArn": f"{ARN}:endpoint/visits"}),
    "other weights": weigh(("v1", 1.0), ("v2", 0.0)),
    "as weighed": ("DescribeEndpoint", {"EndpointName": "visits"}),
    "the same weights again": weigh(("v1", 1.0), ("v2", 0.0)),
    "one variant alone": weigh(("v2", 0.5)),
    "a variant that is not there": weigh(("v1", 1.0), ("v9", 1.0)),
    "a variant named twice": weigh(("v1", 1.0), ("v1", 0.0)),
    "weights of no endpoint": weigh(("v1", 1.0), endpoint="none"),
    "as left by what was refused": ("DescribeEndpoint", {"EndpointName": "visits"}),
}


def essence(told: dict[str, Any]) -> Any:
    """What the action reads of an answer; times and instances are each server's own."""
    if "__type" in told:
        return told["__type"], (told.get("message") or told["Message"]).replace("'", '"')
    if "EndpointStatus" in told:
        weights = {each["VariantName"]: each.get("CurrentWeight") or 0.0 for each in told["ProductionVariants"]}
        assert all(
            (each.get("DesiredWeight") or 0.0) == weights[each["VariantName"]] for each in told["ProductionVariants"]
        )
        assert told["LastModifiedTime"] > 0
        return {
            key: told[key] for key in ("EndpointName", "EndpointArn", "EndpointConfigName", "EndpointStatus")
        } | weights
    if "EndpointConfigs" in told:
        return [each["EndpointConfigName"] for each in told["EndpointConfigs"]], bool(told.get("NextToken"))
    if "ProductionVariants" in told:
        return told["EndpointConfigName"], told["EndpointConfigArn"], told["ProductionVariants"]
    return told


async def run(call: Call) -> dict[str, tuple[int, Any]]:
    """The script from top to bottom: (status code, what was answered) by step."""
    return {title: (status, essence(told)) for title, ask in SCRIPT.items() for status, told in [await call(*ask)]}


def calling(fake: FakeSageMaker) -> Call:
    """Ask our fake over its own door."""
    client = httpx.AsyncClient(transport=httpx.ASGITransport(fake.app), base_url="http://sagemaker")

    async def call(operation: str, body: dict[str, Any]) -> tuple[int, dict[str, Any]]:
        content, target = json.dumps(body).encode(), {"x-amz-target": f"SageMaker.{operation}"}
        headers = {"content-type": "application/x-amz-json-1.1", "host": "sagemaker", **target}
        scope = Scope("eu-west-1", "sagemaker")
        sent = signed(Keys("AKID", "secret"), scope, fake.hands.now(), "POST", "http://sagemaker/", headers, content)
        answer = await client.post("/", content=content, headers=sent)
        return answer.status_code, answer.json()

    return call


async def test_moto_and_our_fake_answer_one_script_alike(moto: Moto) -> None:
    """Happy, repeated, missing, unknown and doubled: the same status codes, kinds, words and states."""
    fake = FakeSageMaker(tags={"team": "visits"})
    for name, variants in CONFIGS.items():
        fake.add_config(name, *variants)
    fake.create("visits-9")
    await moto.create("visits", "visits-9", CONFIGS, tags={"team": "visits"})
    theirs, ours = await run(moto.call), await run(calling(fake))
    assert ours == theirs
    codes = [status for status, _ in theirs.values()]
    assert codes.count(200) == 12
    assert codes.count(400) == 5


# -- what AWS describes ----------------------------------------------------------------------------------------------


async def walks(fake: FakeSageMaker) -> None:
    """Everything the action asks, against an endpoint that takes its time, goes back, refuses and fails."""
    made = action(fake, alarms=["visits-5xx", "visits-latency"])
    for ask in (ROLLBACK, (Means.ROLLBACK, {"to": "visits-v7"}), (Means.TRAFFIC, {"weights": {"v9": 0.5}})):
        if ask[0] is Means.TRAFFIC:
            fake.create("visits-v9")
        fake.takes, fake.fails = 60, ""
        plan = await made.plan(TARGET, *ask)
        await made.execute(plan, KEY)
        await made.observe(plan, KEY)
        with pytest.raises(Refused):
            await made.undo(plan, KEY)
        fake.hands.forward(60)
        await made.observe(plan, KEY)
        await made.undo(plan, KEY)
        fake.hands.forward(60)
        await made.undone(plan, KEY)
        fake.fails = "an alarm fired"
        await made.execute(await made.plan(TARGET, *ask), KEY)
        fake.hands.forward(60)
        await made.observe(plan, KEY)
    for status in ("RollingBack", "SystemUpdating", "Failed", "UpdateRollbackFailed"):
        fake.endpoint |= {"status": status, "failure": "no capacity"}
        await made.observe(plan, KEY)
    fake.endpoint |= {"status": "InService", "failure": ""}
    for kind in ("ResourceLimitExceeded", "ThrottlingException", "AccessDeniedException", "ExpiredTokenException"):
        fake.troubles = {operation: AwsError(kind, "said") for operation in ("UpdateEndpoint", WEIGHTS)}
        with pytest.raises((Refused, Unavailable)):
            await made.execute(await made.plan(TARGET, *ROLLBACK), KEY)


async def test_every_request_and_every_answer_is_as_aws_describes_it() -> None:
    """Names, types, patterns, lengths, enumerations; failures as botocore's parser reads them; nothing left out."""
    shapes: Shapes = described()
    shadowed = FakeSageMaker(takes=60)
    shadowed.add_config("visits-1", planned("v1", "m1"), shadows=(planned("candidate", "m2", 0.5),))
    shadowed.create("visits-1")
    mirror = action(shadowed)
    await mirror.execute(await mirror.plan(TARGET, Means.TRAFFIC, {"mirror": 0.25}), KEY)
    weighed = visits()
    await action(weighed).execute(await action(weighed).plan(TARGET, *ROLLBACK), KEY)
    with pytest.raises(Refused):
        await action(weighed).plan(TARGET, Means.ROLLBACK, {"to": "none"})
    with pytest.raises(Refused):
        await action(weighed, endpoint="none").plan(TARGET, *ROLLBACK)
    whole = promoted()
    await walks(whole)
    fakes = (shadowed, weighed, whole)
    requests = [each for fake in fakes for each in fake.asked]
    answers = [each for fake in fakes for each in fake.answered]
    assert [wrong for operation, body in requests for wrong in shapes.wrong_request(operation, body)] == []
    assert [wrong for each in answers for wrong in shapes.wrong_answer(*each)] == []
    assert {operation for operation, _ in requests} == {
        "DescribeEndpoint", "DescribeEndpointConfig", "ListEndpointConfigs", "ListTags", "UpdateEndpoint", WEIGHTS,
    }  # fmt: skip
    told = [each for _, status, each in answers if status == 200]
    assert {each["EndpointStatus"] for each in told if "EndpointStatus" in each} > {"Updating", "RollingBack", "Failed"}
    assert any("PendingDeploymentSummary" in each for each in told)
    assert any("ShadowProductionVariants" in each for each in told)


def test_the_description_finds_what_is_wrong() -> None:
    """A misspelt member, a wrong type, a name no endpoint can have, a status nobody knows, a failure never told."""
    shapes = described()
    assert shapes.wrong_request("UpdateEndpoint", {"EndpointName": "visits"})
    assert shapes.wrong_request("DescribeEndpoint", {"EndpointName": "visits", "Endpoint": "visits"})
    assert shapes.wrong_request("DescribeEndpoint", {"EndpointName": "no/name"})
    assert shapes.wrong_request(*weigh(("v1", "much")))  # type: ignore[arg-type]
    fine = {"EndpointName": "visits", "EndpointArn": f"{ARN}:endpoint/visits", "EndpointStatus": "InService"}
    fine |= {"CreationTime": 1.0, "LastModifiedTime": 1.0}
    assert shapes.wrong_answer("DescribeEndpoint", 200, fine) == []
    assert shapes.wrong_answer("DescribeEndpoint", 200, fine | {"EndpointStatus": "Resting"})
    assert shapes.wrong_answer("DescribeEndpoint", 200, {"EndpointName": "visits"})
    assert shapes.wrong_answer("DescribeEndpoint", 400, {"__type": "ResourceLimitExceeded", "message": ""})
