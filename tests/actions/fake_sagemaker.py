"""SageMaker's endpoints as a fake that remembers: weights, configurations, and an endpoint that takes its time.

Its answers are held to AWS's own description of them and to moto in tests/real/test_sagemaker_conformance.py.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any

from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from tests.kit import NOON
from tests.parts import Hands

ARN = "arn:aws:sagemaker:eu-west-1:123456789012"
WEIGHTS = "UpdateEndpointWeightsAndCapacities"


class AwsError(Exception):
    """A failure as the service tells it."""

    def __init__(self, kind: str, said: str, status: int = 400) -> None:
        super().__init__(said)
        self.kind, self.said, self.status = kind, said, status


def planned(name: str, model: str, weight: float = 1.0, instances: int = 2) -> dict[str, Any]:
    """A variant as a configuration describes it."""
    return {"VariantName": name, "ModelName": model, "InitialInstanceCount": instances,
            "InstanceType": "ml.m5.large", "InitialVariantWeight": weight}  # fmt: skip


def _summary(variant: Mapping[str, Any]) -> dict[str, Any]:
    weight, count = variant["InitialVariantWeight"], variant["InitialInstanceCount"]
    return {"VariantName": variant["VariantName"], "CurrentWeight": weight, "DesiredWeight": weight,
            "CurrentInstanceCount": count, "DesiredInstanceCount": count}  # fmt: skip


@dataclass
class FakeSageMaker:
    """One endpoint of one account. `takes` is how long an update lasts; `fails` is why the next one goes back.

    With `quiet` it does not tell where an update leads.
    """

    hands: Hands = field(default_factory=Hands)
    takes: float = 0
    fails: str = ""
    ends: str = "InService"
    tags: dict[str, str] = field(default_factory=dict)
    configs: dict[str, dict[str, Any]] = field(default_factory=dict)
    endpoint: dict[str, Any] = field(default_factory=dict)
    asked: list[tuple[str, dict[str, Any]]] = field(default_factory=list)
    answered: list[tuple[str, int, dict[str, Any]]] = field(default_factory=list)
    troubles: dict[str, AwsError] = field(default_factory=dict)
    quiet: bool = False
    changed: int = 0
    came_between: Callable[[], None] | None = None

    def __post_init__(self) -> None:
        self.app = Starlette(routes=[Route("/", self._post, methods=["POST"])])
        self._until = self.hands.now()
        self._then: Callable[[], None] = lambda: None

    # -- what a test does to it ----------------------------------------------------------------------------------------

    def add_config(self, name: str, *variants: dict[str, Any], shadows: tuple[dict[str, Any], ...] = ()) -> None:
        """Make a configuration; the later it is added, the newer it is."""
        made = NOON.timestamp() - 86400 + 60 * len(self.configs) + 0.0006  # kept finer than it is told
        self.configs[name] = {"made": made, "variants": variants, "shadows": shadows}

    def create(self, config: str, name: str = "visits") -> None:
        """Create the endpoint, in service at once."""
        made = NOON.timestamp() - 3600
        self.endpoint = {"name": name, "status": "InService", "failure": "", "made": made, "modified": made}
        self._serve(config)

    def state(self) -> dict[str, Any]:
        """What serves, and with which weights."""
        self._settle()
        shown = {
            kind: {v["VariantName"]: v["CurrentWeight"] for v in self.endpoint[kind]}
            for kind in ("variants", "shadows")
        }
        return {"config": self.endpoint["config"], **shown}

    def weigh(self, **weights: float) -> None:
        """Another hand's change of weights."""
        wanted = [{"VariantName": name, "DesiredWeight": weight} for name, weight in weights.items()]
        self._weigh({"EndpointName": self.endpoint["name"], "DesiredWeightsAndCapacities": wanted})

    # -- the service ---------------------------------------------------------------------------------------------------

    async def _post(self, request: Request) -> Response:
        operation = request.headers["x-amz-target"].removeprefix("SageMaker.")
        assert request.headers["content-type"] == "application/x-amz-json-1.1"
        day = self.hands.now().strftime("%Y%m%d")
        credential = rf"AWS4-HMAC-SHA256 Credential=\S+/{day}/[a-z0-9-]+/sagemaker/aws4_request, SignedHeaders=\S+, Signature=[0-9a-f]{{64}}"
        assert re.fullmatch(credential, request.headers["authorization"])
        body = await request.json()
        self.asked.append((operation, body))
        try:
            status, told = 200, self._answer(operation, body)
        except AwsError as error:
            status, told = error.status, {"__type": error.kind, "message": error.said}
        self.answered.append((operation, status, told))
        return Response(json.dumps(told), status, media_type="application/x-amz-json-1.1")

    def _answer(self, operation: str, body: dict[str, Any]) -> dict[str, Any]:
        self._settle()
        if operation in self.troubles:
            raise self.troubles[operation]
        verbs = {
            "DescribeEndpoint": self._describe, "DescribeEndpointConfig": self._config, "ListTags": self._tags,
            "ListEndpointConfigs": self._configs, WEIGHTS: self._weigh, "UpdateEndpoint": self._update,
        }  # fmt: skip
        if operation not in verbs:
            raise AwsError("UnknownOperationException", "")
        return verbs[operation](body)

    def _describe(self, body: dict[str, Any]) -> dict[str, Any]:
        self._known(body)
        if self.came_between:
            self.came_between, do = None, self.came_between
            do()
        at = self.endpoint
        told = {
            "EndpointName": at["name"], "EndpointArn": f"{ARN}:endpoint/{at['name']}", "EndpointConfigName": at["config"],
            "ProductionVariants": at["variants"], "EndpointStatus": at["status"], "CreationTime": at["made"],
            "LastModifiedTime": at["modified"],
        }  # fmt: skip
        if at["shadows"]:
            told["ShadowProductionVariants"] = at["shadows"]
        if at["failure"]:
            told["FailureReason"] = at["failure"]
        if at.get("pending") and not self.quiet:
            told["PendingDeploymentSummary"] = {"EndpointConfigName": at["pending"], "StartTime": at["modified"]}
        return json.loads(json.dumps(told))

    def _config(self, body: dict[str, Any]) -> dict[str, Any]:
        name = body["EndpointConfigName"]
        if name not in self.configs:
            raise AwsError(
                "ValidationException", f"Could not find endpoint configuration '{ARN}:endpoint-config/{name}'."
            )
        config = self.configs[name]
        told = {"EndpointConfigName": name, "EndpointConfigArn": f"{ARN}:endpoint-config/{name}",
                "ProductionVariants": list(config["variants"]), "CreationTime": round(config["made"], 3)}  # fmt: skip
        return told | ({"ShadowProductionVariants": list(config["shadows"])} if config["shadows"] else {})

    def _configs(self, body: dict[str, Any]) -> dict[str, Any]:
        found = [
            (config["made"], name) for name, config in self.configs.items() if body.get("NameContains", "") in name
        ]
        before = body.get("CreationTimeBefore")
        found = sorted(
            (each for each in found if before is None or each[0] < before),
            reverse=body.get("SortOrder") == "Descending",
        )
        start, most = int(body.get("NextToken", "0")), body.get("MaxResults", 10)
        listed = [
            {
                "EndpointConfigName": name,
                "EndpointConfigArn": f"{ARN}:endpoint-config/{name}",
                "CreationTime": round(made, 3),
            }
            for made, name in found[start : start + most]
        ]
        return {"EndpointConfigs": listed} | ({"NextToken": str(start + most)} if len(found) > start + most else {})

    def _tags(self, body: dict[str, Any]) -> dict[str, Any]:
        return {"Tags": [{"Key": key, "Value": value} for key, value in self.tags.items()]}

    def _weigh(self, body: dict[str, Any]) -> dict[str, Any]:
        self._known(body)
        seen, wanted = [], {}
        known = {each["VariantName"] for kind in ("variants", "shadows") for each in self.endpoint[kind]}
        for each in body["DesiredWeightsAndCapacities"]:
            name = each["VariantName"]
            if name in seen:
                raise AwsError("ValidationException", f'The variant name "{name}" was non-unique within the request.')
            if name not in known:
                said = f'The variant name(s) "{name}" is/are not present within endpoint configuration "{self.endpoint["config"]}".'
                raise AwsError("ValidationException", said)
            seen.append(name)
            wanted[name] = each["DesiredWeight"]
        self._begin()

        def set_(which: str) -> None:
            for kind in ("variants", "shadows"):
                for variant in self.endpoint[kind]:
                    variant[which] = wanted.get(variant["VariantName"], variant[which])

        before = {v["VariantName"]: v["CurrentWeight"] for kind in ("variants", "shadows") for v in self.endpoint[kind]}
        set_("DesiredWeight")

        def end() -> None:
            if self.endpoint["failure"]:
                wanted.update(before)
            set_("DesiredWeight")
            set_("CurrentWeight")

        return self._ends(end)

    def _update(self, body: dict[str, Any]) -> dict[str, Any]:
        self._known(body)
        to = body["EndpointConfigName"]
        if to not in self.configs:
            raise AwsError(
                "ValidationException", f'Could not find endpoint configuration "{ARN}:endpoint-config/{to}".'
            )
        self._begin()
        self.endpoint["pending"] = to
        keep = body.get("RetainAllVariantProperties", False)
        return self._ends(lambda: None if self.endpoint["failure"] else self._serve(to, keep=keep))

    def _known(self, body: dict[str, Any]) -> None:
        if body["EndpointName"] != self.endpoint["name"]:
            raise AwsError("ValidationException", f"Could not find endpoint '{ARN}:endpoint/{body['EndpointName']}'.")

    def _begin(self) -> None:
        if self.endpoint["status"] not in ("InService", "UpdateRollbackFailed"):
            raise AwsError(
                "ValidationException", f'Cannot update in-progress endpoint "{ARN}:endpoint/{self.endpoint["name"]}".'
            )
        self.changed += 1
        self.endpoint |= {
            "status": "Updating",
            "failure": "",
            "modified": self.hands.now().timestamp() + self.changed / 1000,
        }

    def _ends(self, end: Callable[[], None]) -> dict[str, Any]:
        def then() -> None:
            self.endpoint |= {"failure": self.fails, "pending": "", "status": self.ends}
            end()

        self._then, self._until = then, self.hands.now() + timedelta(seconds=self.takes)
        self._settle()
        return {"EndpointArn": f"{ARN}:endpoint/{self.endpoint['name']}"}

    def _settle(self) -> None:
        if self.hands.now() >= self._until:
            then, self._then = self._then, lambda: None
            then()

    def _serve(self, config: str, *, keep: bool = False) -> None:
        running = {v["VariantName"]: v["CurrentInstanceCount"] for v in self.endpoint.get("variants", ())}
        made = {kind: [_summary(each) for each in self.configs[config][kind]] for kind in ("variants", "shadows")}
        for each in made["variants"]:
            if keep and each["VariantName"] in running:
                each.update(
                    dict.fromkeys(("CurrentInstanceCount", "DesiredInstanceCount"), running[each["VariantName"]])
                )
        self.endpoint |= {"config": config, **made}


def visits(**changes: Any) -> FakeSageMaker:
    """An endpoint with two versions of which v2 serves, and two configurations before the live one."""
    fake = FakeSageMaker(**changes)
    fake.add_config("visits-staging-1", planned("v1", "other"))
    fake.add_config("visits-7", planned("v0", "visits-v0"))
    fake.add_config("visits-8", planned("v1", "visits-v1", 100), planned("v2", "visits-v2", 0))
    fake.add_config("visits-9", planned("v1", "visits-v1", 0), planned("v2", "visits-v2", 100))
    fake.create("visits-9")
    return fake


def promoted(**changes: Any) -> FakeSageMaker:
    """An endpoint whose bad version is all that runs, scaled to twelve instances."""
    fake = FakeSageMaker(**changes)
    fake.add_config("visits-v7", planned("v7", "visits-v7", 1, 4))
    fake.add_config("visits-v8", planned("v8", "visits-v8", 1, 4))
    fake.add_config("visits-v9", planned("v9", "visits-v9", 1, 4))
    fake.create("visits-v9")
    fake.endpoint["variants"][0] |= {"CurrentInstanceCount": 12, "DesiredInstanceCount": 12}
    return fake
