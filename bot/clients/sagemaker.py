"""SageMaker's control plane as far as endpoints go: what serves, with which weights, and the two calls that change it.

Amazon SageMaker API 2017-07-24. SageMaker knows no compare-and-set; a changed endpoint is `Updating` until it is not.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from bot.clients.aws import Aws, Service
from bot.clients.http import field
from bot.domain.errors import Unavailable

WHAT = "SageMaker"
SERVICE = Service(what=WHAT, signing="sagemaker", target="SageMaker", host="api.sagemaker")
_PAGE = 100
_PAGES = 20


@dataclass(frozen=True, slots=True)
class Variant:
    """One model behind an endpoint: its weight now, the weight it is on its way to, its instances where it has any."""

    name: str
    weight: float
    wanted: float
    instances: int | None
    doing: str = ""


@dataclass(frozen=True, slots=True)
class Endpoint:
    """An endpoint as it stands; `pending` is the configuration it is on its way to."""

    name: str
    arn: str
    config: str
    status: str
    modified: float
    variants: tuple[Variant, ...]
    shadows: tuple[Variant, ...]
    pending: str = ""
    failure: str = ""


@dataclass(frozen=True, slots=True)
class Planned:
    """A variant as a configuration describes it."""

    name: str
    model: str
    weight: float
    instances: int | None


@dataclass(frozen=True, slots=True)
class Config:
    """An endpoint's configuration, which never changes once it is made."""

    name: str
    created: float
    variants: tuple[Planned, ...]
    shadows: tuple[Planned, ...]


class SageMaker:
    """Endpoints of one account and region."""

    def __init__(self, aws: Aws) -> None:
        self._aws = aws

    async def close(self) -> None:
        await self._aws.close()

    async def endpoint(self, name: str) -> Endpoint | None:
        """The endpoint, None where there is none of that name. Raises Unavailable."""
        told = await self._aws.find("DescribeEndpoint", {"EndpointName": name})
        if told is None:
            return None
        pending = told.get("PendingDeploymentSummary") or {}
        return Endpoint(
            name=field(told, "EndpointName", str, WHAT),
            arn=field(told, "EndpointArn", str, WHAT),
            config=field(told, "EndpointConfigName", str, WHAT),
            status=field(told, "EndpointStatus", str, WHAT),
            modified=float(field(told, "LastModifiedTime", (int, float), WHAT)),
            variants=tuple(_variant(each) for each in field(told, "ProductionVariants", list, WHAT)),
            shadows=tuple(_variant(each) for each in _list(told, "ShadowProductionVariants")),
            pending=field(pending, "EndpointConfigName", str, WHAT) if pending else "",
            failure=str(told.get("FailureReason") or ""),
        )

    async def config(self, name: str) -> Config | None:
        """A configuration, None where there is none of that name. Raises Unavailable."""
        told = await self._aws.find("DescribeEndpointConfig", {"EndpointConfigName": name})
        if told is None:
            return None
        return Config(
            name=field(told, "EndpointConfigName", str, WHAT),
            created=float(field(told, "CreationTime", (int, float), WHAT)),
            variants=tuple(_planned(each) for each in field(told, "ProductionVariants", list, WHAT)),
            shadows=tuple(_planned(each) for each in _list(told, "ShadowProductionVariants")),
        )

    async def configs(self, contains: str, before: float) -> AsyncIterator[list[tuple[str, float]]]:
        """(name, created) of configurations made before then, page by page, the newest first. Raises Unavailable."""
        asked: dict[str, Any] = {"SortBy": "CreationTime", "SortOrder": "Descending", "MaxResults": _PAGE}
        asked |= {"NameContains": contains, "CreationTimeBefore": before}
        for _ in range(_PAGES):
            told = await self._aws.read("ListEndpointConfigs", asked)
            yield [
                (field(each, "EndpointConfigName", str, WHAT), float(field(each, "CreationTime", (int, float), WHAT)))
                for each in field(told, "EndpointConfigs", list, WHAT)
            ]
            if not told.get("NextToken"):
                return
            asked["NextToken"] = field(told, "NextToken", str, WHAT)
        raise Unavailable(WHAT, f"has more than {_PAGES * _PAGE} configurations named like {contains}")

    async def tags(self, arn: str) -> dict[str, str]:
        """What is written on a resource (the first page: fifty tags are the most there are). Raises Unavailable."""
        told = await self._aws.read("ListTags", {"ResourceArn": arn})
        return {str(each.get("Key")): str(each.get("Value")) for each in field(told, "Tags", list, WHAT)}

    async def set_weights(self, name: str, weights: Mapping[str, float]) -> None:
        """Ask for other weights; instances stay as they are. Raises Refused, Unavailable."""
        asked = [{"VariantName": variant, "DesiredWeight": weight} for variant, weight in weights.items()]
        body = {"EndpointName": name, "DesiredWeightsAndCapacities": asked}
        await self._aws.change("UpdateEndpointWeightsAndCapacities", body)

    async def update(self, name: str, config: str, *, keep_instances: bool, alarms: Sequence[str] = ()) -> None:
        """Ask for another configuration; its own weights hold. Raises Refused, Unavailable.

        With `keep_instances`, variants that keep their name keep the instances they were scaled to. Any of the alarms
        makes SageMaker go back.
        """
        body: dict[str, Any] = {"EndpointName": name, "EndpointConfigName": config}
        if keep_instances:
            body["RetainAllVariantProperties"] = True
            # a kept weight could be the 0 that the variant was set to while another served
            body["ExcludeRetainedVariantProperties"] = [{"VariantPropertyType": "DesiredWeight"}]
        if alarms:
            named = [{"AlarmName": alarm} for alarm in alarms]
            body["DeploymentConfig"] = {"AutoRollbackConfiguration": {"Alarms": named}}
        await self._aws.change("UpdateEndpoint", body)


def _variant(told: Any) -> Variant:
    name = field(told, "VariantName", str, WHAT)
    weight = _number(told, "CurrentWeight", 0)  # not told of a variant that never took any
    doing = [str(each.get("Status", "")) for each in _list(told, "VariantStatus") if isinstance(each, dict)]
    return Variant(
        name=name,
        weight=weight,
        wanted=_number(told, "DesiredWeight", weight),
        instances=_count(told, "CurrentInstanceCount"),
        doing=", ".join(filter(None, doing)),
    )


def _planned(told: Any) -> Planned:
    return Planned(
        name=field(told, "VariantName", str, WHAT),
        model=str(told.get("ModelName") or ""),
        weight=_number(told, "InitialVariantWeight", 1),  # what SageMaker takes where none is given
        instances=_count(told, "InitialInstanceCount"),
    )


def _number(told: Mapping[str, Any], name: str, otherwise: float) -> float:
    """A weight; a whole one as a whole number, so that it reads as people write it."""
    if told.get(name) is None:
        return otherwise
    found = float(field(told, name, (int, float), WHAT))
    return int(found) if found.is_integer() else found


def _count(told: Mapping[str, Any], name: str) -> int | None:
    found = told.get(name)
    return found if isinstance(found, int) and not isinstance(found, bool) else None


def _list(told: Mapping[str, Any], name: str) -> list[Any]:
    return [] if told.get(name) is None else list(field(told, name, list, WHAT))
