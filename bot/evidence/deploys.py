"""Asks what changed lately, as most trouble begins so: releases, and new runs of the live feature pipeline."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from typing import Any, ClassVar

import httpx
from pydantic import Field

from bot.clients.http import Http, HttpSettings, field
from bot.clients.together import together
from bot.clock import Clock
from bot.engine.values import Collected, Found, Question
from bot.evidence._feeds import moment
from bot.evidence._versions import HINT, LIKELY, STRONG, bears

WHAT = "deploy log"
_LISTED = 5


class DeploysSettings(HttpSettings):
    """Where releases and pipeline runs are told."""

    path: str = "/deploys"
    """Where the list of releases stands: `{"deploys": [{"version", "previous", "at", ...}]}`."""

    pipeline_path: str = "/pipeline"
    """Where the feature pipeline tells its newest run (`run_id`, `started_at`, `code_revision`); empty for none."""

    window_minutes: float = Field(default=60.0, gt=0, le=10_080)
    """How long before now a change is still of interest; longer where the question reaches further back."""


class Deploys:
    """One service's releases and pipeline runs."""

    shelf: ClassVar[str] = "evidence"
    Settings = DeploysSettings

    def __init__(
        self, settings: DeploysSettings, *, clock: Clock, transport: httpx.AsyncBaseTransport | None = None
    ) -> None:
        self._settings, self._window = settings, timedelta(minutes=settings.window_minutes)
        self._http = Http(WHAT, settings, url=settings.url, transport=transport)

    async def close(self) -> None:
        await self._http.close()

    async def collect(self, question: Question) -> Collected:
        """Each change within the window, newest first; or that there was none."""
        jobs = [self._releases(question)]
        if self._settings.pipeline_path:
            jobs.append(self._run(question))
        found = [each for job in await together(*jobs) for each in job]
        if found:
            return Collected(tuple(found))
        looked = "released, and no pipeline run began," if self._settings.pipeline_path else "released"
        text = f"nothing was {looked} since {self._since(question).astimezone(UTC):%H:%M} UTC"
        steady = bears(
            TRAINING_DATA=-LIKELY, CODE_CHANGE=-LIKELY, FEATURE_PIPELINE=-HINT, CONCEPT_DRIFT=HINT, UPSTREAM=HINT
        )
        return Collected((Found(text, steady),))

    async def _releases(self, question: Question) -> list[Found]:
        answer = await self._http.get(f"/{self._settings.path.lstrip('/')}")
        told = answer if isinstance(answer, list) else field(answer, "deploys", list, WHAT)
        dated = [(moment(field(each, "at", str, WHAT), WHAT), each) for each in told]
        near = [(at, each) for at, each in dated if self._is_near(at, question)]
        near = [(at, each) for at, each in near if each.get("previous") is not None]  # the very first changed nothing
        near.sort(key=lambda pair: pair[0], reverse=True)
        # only the newest is what serves; a release gone back on since is told, but blames nothing
        return [
            Found(_release(each, at), bears(TRAINING_DATA=HINT, CODE_CHANGE=HINT) if place == 0 else ())
            for place, (at, each) in enumerate(near[:_LISTED])
        ]

    async def _run(self, question: Question) -> list[Found]:
        told = await self._http.get(f"/{self._settings.pipeline_path.lstrip('/')}")
        run, at = field(told, "run_id", str, WHAT), moment(field(told, "started_at", str, WHAT), WHAT)
        previous = told.get("previous")
        if not isinstance(previous, Mapping) or not self._is_near(at, question):
            return []
        text = f"a new run of the live feature pipeline, {run}, began at {at.astimezone(UTC):%H:%M:%S} UTC"
        now, was = told.get("code_revision"), previous.get("code_revision")
        if now and was and now != was:
            text += f", with other code ({was} → {now})"
            return [Found(text, bears(FEATURE_PIPELINE=STRONG))]
        return [Found(text, bears(FEATURE_PIPELINE=LIKELY))]

    def _since(self, question: Question) -> datetime:
        return min(question.since, question.until - self._window)

    def _is_near(self, at: datetime, question: Question) -> bool:
        return self._since(question) <= at <= question.until


def _release(each: Mapping[str, Any], at: datetime) -> str:
    by = f" by {each['by']}" if each.get("by") else ""
    return f"{each.get('version', 'a version')} replaced {each['previous']} at {at.astimezone(UTC):%H:%M:%S} UTC{by}"
