"""Targets in a drill: planned for real where they can be read, and acted on in a stand-in that remembers."""

from __future__ import annotations

import re
import ssl
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field, replace

import httpx
from pydantic import BaseModel

from bot.domain.errors import TocsinError, Unavailable
from bot.domain.mitigation import Means, Plan
from bot.domain.policy import ActionClass
from bot.domain.service import Target
from bot.engine.values import Observation, Seen

DRILL = "DRILL"
NOT_REAL = "DRILL: carried out in a stand-in; the target itself is not touched"
NOTHING_NEW = "the target is in the wanted state already; in the drill it is taken not to be"

ASKS = re.compile(
    r"""
    (?: / (?!\.{1,2}/) [\w.~-]+ )*                                        # below whatever path, and never out of it
    (?: /auth/token                                                       # Airflow: logging in
      | /api/v2/dags/~/dagRuns (?:/~/taskInstances)? /list                # Airflow
      | /(?:ajax-)?api/2\.0/mlflow/ (?:experiments|runs|logged-models) /search
      | /(?:ajax-)?api/2\.0/mlflow/registered-models/get-latest-versions
      | /apis/authorization\.k8s\.io/v1/ (?:selfsubjectaccess|selfsubjectrules|subjectaccess) reviews
      | /api/v1/ (?:query|query_range|series|labels)                      # Prometheus
    )
    """,
    re.VERBOSE,
)
"""Paths that are asked with POST and change nothing."""

Planning = Callable[[Target, Means, Mapping[str, object]], Awaitable[Plan]]


class ReadsOnly(httpx.AsyncBaseTransport):
    """Lets through what reads, and what the target is told to try dry; anything else never leaves the machine."""

    def __init__(self, inner: httpx.AsyncBaseTransport) -> None:
        self.inner = inner

    @classmethod
    def of(cls, settings: BaseModel) -> ReadsOnly:
        """With the trust these settings ask for, and no proxy of the machine's, as the adapter itself would have it."""
        ca = str(getattr(settings, "ca", "") or "")
        verify = ssl.create_default_context(cafile=ca) if ca else True
        return cls(httpx.AsyncHTTPTransport(verify=verify, trust_env=False))

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        """Raises httpx.UnsupportedProtocol for a request that would change something."""
        if not reads(request):
            raise httpx.UnsupportedProtocol("a drill only reads", request=request)
        return await self.inner.handle_async_request(request)

    async def aclose(self) -> None:
        await self.inner.aclose()


def reads(request: httpx.Request) -> bool:
    """Whether a request changes nothing: it asks, it is a dry run, or it asks in a way of its target's own."""
    if request.method in {"GET", "HEAD", "OPTIONS"}:
        return True
    if request.method == "POST" and ASKS.fullmatch(request.url.path):
        return True
    asked = {key.lower().replace("_", ""): value.lower() for key, value in request.url.params.multi_items()}
    if asked.get("dryrun") in {"1", "true", "all"}:
        return True
    operation = str(request.headers.get("x-amz-target", "")).rpartition(".")[2]
    return operation.startswith(("Describe", "List", "Get"))


@dataclass
class Tried:
    """What became of planning one target for real: the plan's difference, or why there is none."""

    target: str
    means: str
    offer: str = ""
    diff: tuple[str, ...] = ()
    why_not: str = ""
    unplanned: bool = False  # the real target gave no plan
    away: bool = False  # because it did not answer, as opposed to having said no


@dataclass
class StandIn:
    """An action that changes nothing but itself. It has no way to its target but the one that plans, or not even that.

    Where the real one cannot be planned a plan is made up, so that the rest of the chain can be drilled; `tried` tells.
    """

    name: str
    planning: Planning | None = None
    tried: list[Tried] = field(default_factory=list)
    standing: list[str] = field(default_factory=list)  # keys of changes in effect
    taken_back: set[str] = field(default_factory=set)

    async def plan(self, target: Target, means: Means, params: Mapping[str, object]) -> Plan:
        """The real plan, marked as a drill's; else one made up."""
        tried = Tried(target.name, str(means))
        self.tried.append(tried)
        try:
            if self.planning is None:
                raise Unavailable(target.name, "not read: the drill is offline")
            made = await self.planning(target, means, params)
        except TocsinError as trouble:
            tried.why_not, tried.unplanned = str(trouble), True
            tried.away = isinstance(trouble, Unavailable)
            return _made_up(target, means, params)
        tried.diff = made.diff
        if not made.diff:
            tried.why_not = NOTHING_NEW
        return replace(made, diff=made.diff or (NOTHING_NEW,), warnings=(NOT_REAL, *made.warnings), serves={})

    def keyed_for(self, plan: Plan) -> bool:
        """It remembers keys."""
        return True

    async def uid(self, plan: Plan) -> str:
        """What was planned is what is stood in for."""
        return plan.target_uid

    async def token(self, plan: Plan) -> str:
        """The version the plan was made on: nobody else changes a stand-in."""
        return plan.token

    async def execute(self, plan: Plan, key: str) -> None:
        """Remember it."""
        if key not in self.standing:
            self.standing.append(key)

    async def observe(self, plan: Plan, key: str) -> Observation:
        """Whether it is remembered."""
        seen = Seen.APPLIED if key in self.standing else Seen.NOT_APPLIED
        return Observation(seen, f"{DRILL}: the stand-in of {self.name} shows it")

    async def undo(self, plan: Plan, key: str) -> None:
        """Forget it."""
        self.taken_back.add(key)
        self.standing = [each for each in self.standing if f"{each}/undo" != key]

    async def undone(self, plan: Plan, key: str) -> Observation:
        """Whether it was forgotten."""
        seen = Seen.APPLIED if key in self.taken_back else Seen.NOT_APPLIED
        return Observation(seen, f"{DRILL}: the stand-in of {self.name} is as it was")

    async def close(self) -> None:
        """Nothing is open: the real doors are closed by whoever opened them."""


def _made_up(target: Target, means: Means, params: Mapping[str, object]) -> Plan:
    """What a change of that kind would look like, were the target there."""
    small = means in (Means.BYPASS, Means.PAUSE)
    told = ", ".join(f"{key} {value}" for key, value in params.items())
    return Plan(
        means=means,
        action=target.action,
        target=target.name,
        target_uid=f"{DRILL}/{target.name}",
        token=DRILL,
        params=dict(params),
        before={DRILL: "not read"},
        after={DRILL: dict(params)},
        diff=(f"{means} of {target.name}{f': {told}' if told else ''} (not read, made up for the drill)",),
        blast_radius="unknown: the target was not read",
        klass=ActionClass.SMALL if small else ActionClass.TRAFFIC,
        undo="put the former state back",
        warnings=(NOT_REAL,),
        share=0.0,
        dry_run="the target was not read",
    )
