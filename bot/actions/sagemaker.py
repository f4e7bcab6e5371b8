"""Moves traffic on a SageMaker endpoint: weights of its variants, or the configuration before, rolled out again.

Weights move traffic between variants that run. Where the bad version is all that runs, its endpoint is updated to an
earlier configuration, which takes minutes. SageMaker knows neither keys nor a compare-and-set: the endpoint is read,
changed and read again, and while it is being updated it takes no second change.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any, ClassVar

import httpx
from pydantic import Field

from bot.actions import _change as change
from bot.actions import _sagemaker as words
from bot.clients.aws import Aws, AwsSettings
from bot.clients.sagemaker import SERVICE, WHAT, Config, Endpoint, SageMaker
from bot.clock import Clock
from bot.domain.errors import Refused, Unavailable
from bot.domain.mitigation import Means, Plan
from bot.domain.policy import ActionClass
from bot.domain.service import Target
from bot.engine.values import Observation

_CAN = (Means.ROLLBACK, Means.TRAFFIC)
ELSEWHERE = (
    "a SageMaker endpoint cannot send a slice elsewhere: whoever calls it names the variant with each request "
    "(TargetVariant of InvokeEndpoint), so do it in the caller or in the router before it"
)
_PATTERN = rf"^{words.NAME.pattern}$"


class EndpointSettings(AwsSettings):
    """Which endpoint, and how it goes back to an earlier configuration."""

    endpoint: str = Field(pattern=_PATTERN)
    """The endpoint's name."""

    previous_config: str = Field(default="", pattern=rf"{_PATTERN}|^$")
    """The configuration to go back to; where empty, the newest older one whose name begins like the live one's."""

    config_prefix: str = Field(default="", pattern=rf"{_PATTERN}|^$")
    """How names of its configurations begin; where empty, the live one's name without the number at its end."""

    keep_instances: bool = True
    """Whether a variant that keeps its name keeps the instances it was scaled to, rather than what is written."""

    alarms: tuple[str, ...] = Field(default=(), max_length=10)
    """CloudWatch alarms on which SageMaker takes an update back by itself; none that the bad version sets off."""

    carries: str = ""
    """What the traffic is, in words for the plan; the target's name where empty."""


@dataclass(frozen=True, slots=True)
class Wanted:
    """What is asked for, resolved against the endpoint as it stands."""

    params: dict[str, Any]
    diff: tuple[str, ...]
    radius: str
    klass: ActionClass = ActionClass.TRAFFIC
    share: float = 1.0
    serves: Mapping[str, float] | None = None
    warnings: tuple[str, ...] = ()
    undo: str = ""


class SageMakerEndpoint:
    """One endpoint."""

    shelf: ClassVar[str] = "actions"
    Settings = EndpointSettings

    def __init__(
        self, settings: EndpointSettings, *, clock: Clock, transport: httpx.AsyncBaseTransport | None = None
    ) -> None:
        self._settings = settings
        self._api = SageMaker(Aws(SERVICE, settings, clock=clock, transport=transport))

    async def close(self) -> None:
        await self._api.close()

    async def plan(self, target: Target, means: Means, params: Mapping[str, object]) -> Plan:
        """Resolve `{"to": variant | configuration | "previous"}`, `{"weights": {...}}` or `{"mirror": {...}}`."""
        if means is Means.BYPASS:
            raise Refused(f"{ELSEWHERE}; here it can {', '.join(_CAN)}")
        if means not in _CAN:
            raise change.cannot(WHAT, means, _CAN)
        now = await self._endpoint()
        if now.status not in (words.IN_SERVICE, words.MIXED):
            raise Refused(words.state(now) + _advice(now))
        wanted = await self._wanted(means, params, now, self._settings.carries or target.name)
        if now.status == words.MIXED and "config" not in wanted.params:
            raise Refused(f"{words.state(now)}; roll one configuration out, weights cannot mend it")
        by, told = await self._owner(now)
        before = words.part(now, wanted.params)
        return Plan(
            means=means,
            action=target.action,
            target=target.name,
            target_uid=now.arn,
            token=words.token(now),
            params=wanted.params,
            before=before,
            after={key: wanted.params.get(key, holds) for key, holds in before.items()},
            diff=wanted.diff,
            blast_radius=wanted.radius,
            klass=wanted.klass,
            undo=wanted.undo,
            undo_params={key: before.get(key, asked) for key, asked in wanted.params.items()} if wanted.undo else {},
            warnings=(*wanted.warnings, *told),
            share=wanted.share,
            serves=wanted.serves or {},
            dry_run=change.READ_ONLY,
            managed_by=by,
        )

    def keyed_for(self, plan: Plan) -> bool:
        return False

    async def uid(self, plan: Plan) -> str:
        return (await self._seen()).arn

    async def token(self, plan: Plan) -> str:
        return words.token(await self._seen())

    async def execute(self, plan: Plan, key: str) -> None:
        await self._carry(plan.after, plan.params, only_from=plan.before, token=plan.token)

    async def observe(self, plan: Plan, key: str) -> Observation:
        return words.shown(await self._seen(), plan.params, plan.before, plan.after)

    async def undo(self, plan: Plan, key: str) -> None:
        if not plan.reversible:
            raise Refused("there is no way back: the configuration that was live before is deleted")
        await self._carry(plan.before, plan.undo_params, only_from=plan.after)

    async def undone(self, plan: Plan, key: str) -> Observation:
        return words.shown(await self._seen(), plan.params, before=plan.after, after=plan.before)

    async def _carry(
        self, wanted: Mapping[str, Any], params: Mapping[str, Any], *, only_from: Mapping[str, Any], token: str = ""
    ) -> None:
        """Bring the endpoint from `only_from` to `wanted`; nothing to do where it is there or on its way there."""
        now = await self._endpoint()
        ready = now.status == words.IN_SERVICE
        if (ready or now.status == "Updating") and words.part(now, params, wanted=not ready) == wanted:
            return
        if not ready and not ("config" in params and now.status == words.MIXED):
            raise Refused(f"{words.state(now)}; nothing was done{_advice(now)}")
        holds = words.part(now, params)
        if holds != only_from or (token and words.token(now) != token):
            raise Refused(f"endpoint {now.name} was changed again since ({words.told(holds)}); nothing was done")
        if "config" in params:
            config, keep = str(params["config"]), bool(params["keep_instances"])
            await self._api.update(now.name, config, keep_instances=keep, alarms=params["alarms"])
        else:
            await self._api.set_weights(now.name, params.get("weights") or params["mirror"])
        after = await self._seen()
        on_its_way = after.status == "Updating" and not after.pending and "config" in params
        if not on_its_way and words.part(after, params, wanted=True) != wanted:
            # somebody came in between, or it failed at once
            raise Unavailable(WHAT, f"was asked for {words.told(wanted)}; afterwards {words.state(after)}")

    # -- resolving ---------------------------------------------------------------------------------------------------

    async def _wanted(self, means: Means, params: Mapping[str, object], now: Endpoint, carries: str) -> Wanted:
        """Raises Refused."""
        live = words.weights(now.variants)
        if means is Means.ROLLBACK:
            to = params.get("to", change.PREVIOUS)
            if not isinstance(to, str) or not (to == change.PREVIOUS or words.NAME.fullmatch(to)):
                raise Refused(
                    f"a rollback goes to a variant, to a configuration or to {change.PREVIOUS}, not to {to!r}"
                )
            if not self._among_variants(to, live):
                return await self._config(to, now, carries)
            back = change.rollback_to(to, live)
            total = sum(live.values()) or 1
            return self._weights(now, {name: total * (name == back) for name in live}, carries)
        if "mirror" in params:
            if "weights" in params:
                raise Refused("either the weights or the mirror is changed at a time, so that each can be judged")
            return self._mirror(now, params["mirror"])
        return self._weights(now, words.asked_weights(params.get("weights"), list(live)), carries)

    def _among_variants(self, to: str, live: Mapping[str, float]) -> bool:
        """Whether going there is a matter of weights. Raises Refused where `previous` could mean either variant."""
        if to != change.PREVIOUS:
            return to in live
        if len(live) == 1:
            return False
        if any(character.isdigit() for name in live for character in name):
            return True
        if self._settings.previous_config:
            return False
        raise Refused(f"nothing tells which of {', '.join(live)} came before; name the one to go to")

    def _weights(self, now: Endpoint, asked: dict[str, float], carries: str) -> Wanted:
        live, shadows = words.weights(now.variants), words.weights(now.shadows)
        counts = {each.name: each.instances for each in now.variants}
        if empty := [name for name, weight in asked.items() if weight and counts[name] == 0]:
            raise Refused(f"{', '.join(empty)} runs on no instance; requests sent there would fail")
        moved = change.moved_share(live, asked)
        warnings = [words.thin(counts, counts, change.serving(live), change.serving(asked))]
        if shadows:
            warnings.append(f"requests are copied to the shadow variant {', '.join(shadows)} as before")
        return Wanted(
            params={"weights": asked},
            diff=change.weight_words(live, asked),
            radius=f"{moved} % of {carries} traffic",
            share=moved / 100,
            serves=change.shares(asked),
            warnings=tuple(filter(None, warnings)),
            undo=f"put back {words.told({'weights': live})}",
        )

    def _mirror(self, now: Endpoint, given: object) -> Wanted:
        live = words.weights(now.shadows)
        asked = words.asked_mirror(given, live)
        return Wanted(
            params={"mirror": asked},
            diff=tuple(f"shadow {line}" for line in change.weight_words(live, asked)),
            radius=f"no answer of {now.name}: only copies of its requests",
            klass=ActionClass.SMALL,
            share=0.0,
            serves=change.shares(words.weights(now.variants)),
            warnings=("SageMaker may refuse to change a shadow variant's weight; then nothing changes",),
            undo=f"put back {words.told({'mirror': live})}",
        )

    async def _config(self, to: str, now: Endpoint, carries: str) -> Wanted:
        """Another configuration rolled out. Raises Refused where there is none."""
        live = await self._api.config(now.config)
        target, guessed = await self._previous(now, live) if to == change.PREVIOUS else (await self._api.config(to), ())
        if target is None:
            there_is = ", ".join(each.name for each in now.variants)
            name = self._settings.previous_config if to == change.PREVIOUS else to
            raise Refused(f"there is no variant or configuration {name}; {now.config} is live, with {there_is}")
        same = target.name == now.config and now.status == words.IN_SERVICE
        diff: tuple[str, ...] = (f"configuration {now.config} → {target.name}",)
        if live is not None:
            diff += (f"serves {words.models(live.variants)} → {words.models(target.variants)}",)
        settings = self._settings
        warnings = words.reminders(now, target, live, keep=settings.keep_instances, alarms=settings.alarms)
        running = {each.name for each in now.variants}
        told_apart = not any(each.name in running for each in target.variants)
        wanted = Wanted(
            params={
                "config": target.name,
                "keep_instances": settings.keep_instances,
                "alarms": list(settings.alarms),
            },
            diff=() if same else diff,
            radius=f"100 % of {carries} traffic, onto new instances",
            serves=change.shares({each.name: each.weight for each in target.variants}) if told_apart else {},
            warnings=(*warnings, *guessed),
            undo=f"put back configuration {now.config}",
        )
        if live is None:
            lost = f"configuration {now.config} is deleted, so nobody can put it back"
            return replace(wanted, undo="", warnings=(lost, *wanted.warnings))
        return wanted

    async def _previous(self, now: Endpoint, live: Config | None) -> tuple[Config | None, tuple[str, ...]]:
        """(the configuration before, warnings). Raises Refused where nothing tells which one it was."""
        if named := self._settings.previous_config:
            if named == now.config:
                raise Refused(f"{named} is live, which is the configuration to go back to; name another one")
            return await self._api.config(named), ()
        if live is None:
            raise Refused(f"configuration {now.config} is deleted, so nothing tells which came before; name one")
        begins = self._settings.config_prefix or words.prefix(now.config)
        async for page in self._api.configs(begins, live.created):
            older = [each for each in page if each[0].startswith(begins) and each[1] < live.created]
            if older:
                name, created = max(older, key=lambda each: each[1])
                made = change.moment(words.utc(created))
                told = f"{name} is only the newest older configuration that begins with {begins} (made {made})"
                return await self._api.config(name), (told,)
        raise Refused(f"no configuration that begins with {begins} is older than {now.config}; name the one to go to")

    async def _owner(self, now: Endpoint) -> tuple[str, list[str]]:
        try:
            return words.owner(await self._api.tags(now.arn))
        except Unavailable as trouble:
            return "", [f"its tags could not be read ({trouble.because}), so something else may manage this endpoint"]

    async def _seen(self) -> Endpoint:
        """The endpoint. Raises Unavailable."""
        found = await self._api.endpoint(self._settings.endpoint)
        if found is None:
            raise Unavailable(WHAT, self._missing)
        return found

    async def _endpoint(self) -> Endpoint:
        """The endpoint that is to be changed. Raises Refused where there is none, Unavailable."""
        found = await self._api.endpoint(self._settings.endpoint)
        if found is None:
            raise Refused(f"{WHAT} {self._missing}")
        return found

    @property
    def _missing(self) -> str:
        return f"has no endpoint {self._settings.endpoint} in {self._settings.region}"


def _advice(now: Endpoint) -> str:
    return "; wait until it is in service again" if now.status in words.PASSING else ""
