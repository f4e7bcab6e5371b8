"""What a SageMaker endpoint shows, in words: its state, what a change is about, what a person must know first."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Mapping, Sequence
from datetime import UTC, datetime
from math import isfinite
from typing import Any

from bot.actions import _change as change
from bot.clients.sagemaker import Config, Endpoint, Planned, Variant
from bot.domain.errors import Refused
from bot.engine.values import Observation, Seen

IN_SERVICE, MIXED = "InService", "UpdateRollbackFailed"
NAME = re.compile(r"[a-zA-Z0-9](-*[a-zA-Z0-9]){0,62}")
SLOW = "new instances are started first: this takes minutes, and until then the version now live answers"
KUBERNETES = "services.k8s.aws/namespace"
STACK = "aws:cloudformation:stack-name"

_STATES = {  # API DescribeEndpoint, EndpointStatus
    "Creating": "is still being created",
    "Updating": "is being updated",
    "SystemUpdating": "is under maintenance by AWS",
    "RollingBack": "is going back by itself, because a change of its weights or capacity failed",
    "Deleting": "is being deleted",
    "OutOfService": "takes no requests",
    "Failed": "has failed, and SageMaker lets it only be deleted",
    MIXED: "serves a mix of two configurations, because its last update and the way back both failed",
}
PASSING = frozenset({"Creating", "Updating", "SystemUpdating", "RollingBack"})
"""States that end by themselves."""
_EXPLAINED = frozenset({"RollingBack", "OutOfService", "Failed", MIXED})
"""States whose FailureReason is their own; elsewhere it is that of an update long ago."""


def state(now: Endpoint) -> str:
    """`endpoint visits is being updated to configuration visits-7 (v1 Baking)`."""
    words = _STATES.get(now.status, f"is {now.status}")
    if now.pending and now.status == "Updating":
        words += f" to configuration {now.pending}"
    doing = [f"{each.name} {each.doing}" for each in now.variants if each.doing]
    if doing and now.status in PASSING:
        words += f" ({'; '.join(doing)})"
    return f"endpoint {now.name} {words}{_why(now) if now.status in _EXPLAINED else ''}"


def _why(now: Endpoint) -> str:
    failure = re.sub(r"\s+", " ", now.failure).strip()
    return f": {failure[:300]}" if failure else ""


def utc(seconds: float) -> str:
    """A time as SageMaker tells it (seconds since 1970), in ISO 8601."""
    return datetime.fromtimestamp(seconds, UTC).isoformat()


def weights(variants: Iterable[Variant], *, wanted: bool = False) -> dict[str, float]:
    """The weights now, or those that SageMaker is on its way to."""
    return {each.name: each.wanted if wanted else each.weight for each in variants}


def token(now: Endpoint) -> str:
    """The endpoint's version: another one as soon as anybody changed anything."""
    return change.fingerprint([now.modified, now.config, weights(now.variants), weights(now.shadows)])


def part(now: Endpoint, params: Mapping[str, Any], *, wanted: bool = False) -> dict[str, Any]:
    """What holds of what a change is about, or what SageMaker is on its way to."""
    if "config" in params:
        settled = not wanted or now.status == IN_SERVICE
        return {"config": now.config if settled else now.pending}
    kind, variants = ("mirror", now.shadows) if "mirror" in params else ("weights", now.variants)
    return {"config": now.config, kind: weights(variants, wanted=wanted)}


def told(part_: Mapping[str, Any]) -> str:
    """`configuration visits-8, weights v1 90, v2 10`, or as much of it as there is."""
    said = [f"configuration {part_['config']}"] if "config" in part_ else []
    for kind, word in (("weights", "weights"), ("mirror", "shadow weights")):
        if kind in part_:
            said.append(f"{word} {', '.join(f'{name} {weight}' for name, weight in part_[kind].items())}")
    return ", ".join(said)


def shown(now: Endpoint, params: Mapping[str, Any], before: Any, after: Any) -> Observation:
    """What the effective state proves: nothing while SageMaker is on its way, or where it stopped half-way."""
    if now.status != IN_SERVICE:
        heading = now.status in ("Updating", "SystemUpdating") and part(now, params, wanted=True) == after
        return Observation(Seen.MOVING if heading else Seen.UNKNOWN, state(now))
    holds = part(now, params)
    since = change.moment(utc(now.modified))
    words = f"endpoint {now.name} is in service with {told(holds)}, last changed {since}"
    if holds == after:
        return Observation(Seen.APPLIED, words)
    if holds == before:
        return Observation(Seen.NOT_APPLIED, f"{words}; its last update failed{_why(now)}" if now.failure else words)
    return Observation(Seen.UNKNOWN, f"neither as before nor as wanted: {json.dumps(holds)[:200]}; {words}")


# -- what is asked ---------------------------------------------------------------------------------------------------


def asked_weights(given: Any, names: Sequence[str]) -> dict[str, float]:
    """A weight for every variant, 0 where none was given. Raises Refused saying what is wrong."""
    found = _numbers(given, names, "variant", "a change of traffic needs weights, such as {v1: 90, v2: 10}")
    if not any(found.values()):
        raise Refused("with every weight at 0 nothing would take traffic")
    return {name: found.get(name, 0) for name in names}


def asked_mirror(given: Any, now: Mapping[str, float]) -> dict[str, float]:
    """A weight for every shadow variant, as it is where none was given. Raises Refused."""
    if not now:
        raise Refused("the live configuration has no shadow variant to copy requests to; roll one out first")
    if isinstance(given, int | float) and not isinstance(given, bool) and len(now) == 1:
        given = {next(iter(now)): given}
    example = "a change of the mirror needs shadow variants and their weights, such as {candidate: 0.5}"
    return {**now, **_numbers(given, list(now), "shadow variant", example)}


def _numbers(given: Any, names: Sequence[str], what: str, example: str) -> dict[str, float]:
    if not isinstance(given, Mapping) or not given:
        raise Refused(example)
    if unknown := [str(name) for name in given if name not in names]:
        raise Refused(f"there is no {what} {', '.join(unknown)}; there is {', '.join(names)}")
    for name, weight in given.items():
        if not isinstance(weight, int | float) or isinstance(weight, bool) or not isfinite(weight) or weight < 0:
            raise Refused(f"the weight of {name} is a number from 0 up, not {weight!r}")
    return {str(name): int(weight) if float(weight).is_integer() else weight for name, weight in given.items()}


def prefix(config: str) -> str:
    """What the names of one endpoint's configurations have in common: the live one's without the number at its end."""
    return re.sub(r"[-0-9]+$", "", config) or config


# -- what a person must know first -----------------------------------------------------------------------------------


def models(variants: Iterable[Planned]) -> str:
    """`v2 (model visits-9)`."""
    return ", ".join(f"{each.name} (model {each.model})" if each.model else each.name for each in variants)


def thin(before: Mapping[str, int | None], after: Mapping[str, int | None], was: str, will: str) -> str:
    """A warning where the variant that will take most traffic has fewer instances than the one that takes it now."""
    had, has = before.get(was), after.get(will)
    if had is None or has is None or has >= had:
        return ""
    return f"{will} will take the traffic with {has} instance{'s' * (has != 1)}, {was} has {had} now"


def reminders(now: Endpoint, to: Config, live: Config | None, *, keep: bool, alarms: Sequence[str]) -> list[str]:
    """What to know before another configuration is rolled out."""
    running = {each.name: each.instances for each in now.variants}
    starts = {
        each.name: running[each.name] if keep and each.name in running else each.instances for each in to.variants
    }
    most = change.serving({each.name: each.weight for each in to.variants})
    said = [SLOW, thin(running, starts, change.serving(weights(now.variants)), most)]
    if both := [each.name for each in to.variants if each.name in running]:
        said.append(f"both configurations call a variant {', '.join(both)}: traffic per variant cannot tell them apart")
    if live and change.shares(weights(now.variants)) != change.shares({v.name: v.weight for v in live.variants}):
        own = ", ".join(f"{each.name} {each.weight}" for each in live.variants)
        said.append(f"undo brings {live.name} back with the weights written in it ({own}), not with those of now")
    if alarms:
        said.append(f"SageMaker goes back by itself where one of these alarms fires meanwhile: {', '.join(alarms)}")
    if gone := [each.name for each in now.shadows if each.name not in [planned.name for planned in to.shadows]]:
        said.append(f"the shadow variant {', '.join(gone)} ends with it")
    if new := [each.name for each in to.shadows if each.name not in [variant.name for variant in now.shadows]]:
        said.append(f"requests are copied to the shadow variant {', '.join(new)} again")
    if now.status == MIXED:
        said.append(state(now))
    return list(filter(None, said))


def owner(tags: Mapping[str, str]) -> tuple[str, list[str]]:
    """(what reverts a change by itself, warnings) as the endpoint's tags tell."""
    if KUBERNETES in tags or "services.k8s.aws/controller-version" in tags:
        return f"the SageMaker controller of Kubernetes (namespace {tags.get(KUBERNETES, 'unknown')})", []
    if stack := tags.get(STACK):
        return "", [f"CloudFormation stack {stack} describes this endpoint: its next update sets it anew"]
    return "", []
