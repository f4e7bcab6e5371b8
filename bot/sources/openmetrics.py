"""Reads counters straight from `/metrics` endpoints, so that a fresh machine needs no server to be watched."""

from __future__ import annotations

import asyncio
import math
import re
from collections.abc import Collection, Iterable, Mapping, Sequence
from datetime import UTC, datetime
from typing import ClassVar
from urllib.parse import urlsplit

import httpx
from prometheus_client.openmetrics.parser import text_string_to_metric_families as parse_openmetrics
from prometheus_client.parser import text_string_to_metric_families as parse_text
from prometheus_client.samples import Sample
from pydantic import BaseModel, ConfigDict, Field, SecretStr, field_validator

from bot.clients.http import Http, address, where
from bot.clients.together import together
from bot.clock import Clock
from bot.domain.errors import Unavailable
from bot.slo.spec import Point, Selector

ACCEPT = "text/plain;version=0.0.4,application/openmetrics-text;version=1.0.0;q=0.5"
_LINE = re.compile(r"\s*(?P<name>[A-Za-z_:][A-Za-z0-9_:]*)(\s*\{.*\}\s*|\s+)[-+0-9.eEInfaN]+(\s+-?[0-9]+)?\s*")
_COMMENT = re.compile(r"\s*(#.*)?")


class OpenMetricsSettings(BaseModel):
    """Which endpoints are scraped, and how."""

    model_config = ConfigDict(extra="forbid", use_attribute_docstrings=True, hide_input_in_errors=True)

    urls: tuple[str, ...] = Field(min_length=1)
    """Full addresses of the endpoints, such as `http://127.0.0.1:8000/metrics`. All of them must answer."""

    token: SecretStr | None = None
    """Sent as `Authorization: Bearer ...` where given."""

    timeout_seconds: float = Field(default=5.0, gt=0, le=120)
    """How long one scrape may take in all."""

    ca: str = ""
    """A file with the certificate authority to trust instead of the public ones."""

    max_megabytes: int = Field(default=16, ge=1, le=512)
    """The largest exposition that is read."""

    @field_validator("urls")
    @classmethod
    def _addresses(cls, urls: tuple[str, ...]) -> tuple[str, ...]:
        return tuple(dict.fromkeys(map(address, urls)))


class OpenMetrics:
    """Scrapes every endpoint once per read. Each series is told apart by an `instance` label, as Prometheus would."""

    shelf: ClassVar[str] = "sources"
    Settings = OpenMetricsSettings

    def __init__(
        self, settings: OpenMetricsSettings, *, clock: Clock, transport: httpx.AsyncBaseTransport | None = None
    ) -> None:
        self._clock, self._urls = clock, settings.urls
        self._doors = {url: Http(where(url), settings, transport=transport) for url in settings.urls}

    async def close(self) -> None:
        await asyncio.gather(*(door.close() for door in self._doors.values()))

    async def read(self, selectors: Collection[Selector], at: datetime) -> Mapping[Selector, Sequence[Point]]:
        """The samples of every selector from all endpoints, at the time of the scrape unless a sample carries its own.

        One endpoint missing makes the sum wrong, so it is Unavailable as a whole.
        """
        wanted = frozenset(selector.metric for selector in selectors)
        scrapes = await together(*(self._scrape(url, wanted) for url in self._urls))
        samples = [found for scrape in scrapes for found in scrape]
        return {selector: tuple(_points(selector, samples)) for selector in selectors}

    async def _scrape(self, url: str, wanted: Collection[str]) -> list[tuple[str, Point]]:
        """(metric, point) of every wanted sample one endpoint exposes."""
        what = where(url)
        answer = await self._doors[url].text(url, ACCEPT)
        at = self._clock.now()
        kind = answer.headers.get("content-type", "")
        try:
            text = answer.content.decode("utf-8")
        except UnicodeDecodeError:
            raise Unavailable(what, "answered something that is not text") from None
        if not text.strip():
            raise Unavailable(what, "answered nothing")
        if "html" in kind or text.lstrip()[:1] == "<":
            raise Unavailable(what, "answered a web page, not metrics; is the path right?")
        found = _openmetrics(text, what) if "openmetrics" in kind else _classic(text, wanted, what)
        instance = urlsplit(url).netloc
        return [(sample.name, _point(sample, instance, at, what)) for sample in found if sample.name in wanted]


def _points(selector: Selector, samples: Iterable[tuple[str, Point]]) -> Iterable[Point]:
    return (point for metric, point in samples if metric == selector.metric and selector.matches(point.labels))


def _classic(text: str, wanted: Collection[str], what: str) -> list[Sample]:
    """Samples of the text format 0.0.4. Every line is checked, only the wanted ones are taken apart.

    Without their TYPE lines the library leaves the samples' names as they were exposed.
    """
    if not text.endswith("\n"):
        raise Unavailable(what, "broke off in the middle of a line")  # the format ends each line, the last one too
    kept: list[str] = []
    for number, line in enumerate(text.split("\n"), 1):
        sample = _LINE.fullmatch(line)
        if sample is None and _COMMENT.fullmatch(line) is None:
            raise Unavailable(what, f"line {number} is no metric")
        if sample is not None and sample["name"] in wanted:
            kept.append(line)
    try:
        return [sample for family in parse_text("\n".join(kept) + "\n") for sample in family.samples]
    except (ValueError, KeyError, IndexError):
        raise Unavailable(what, "exposes a sample that cannot be read") from None


def _openmetrics(text: str, what: str) -> list[Sample]:
    """Samples of OpenMetrics 1.0, whose closing `# EOF` proves that nothing was cut off."""
    try:
        families = parse_openmetrics(text)  # type: ignore[no-untyped-call]
        return [sample for family in families for sample in family.samples]
    except (ValueError, KeyError, IndexError):
        raise Unavailable(what, "answered something that is not OpenMetrics, or only a part of it") from None


def _point(sample: Sample, instance: str, at: datetime, what: str) -> Point:
    """One sample with the endpoint it came from; a label of that name it already had becomes `exported_instance`."""
    if not math.isfinite(sample.value):
        raise Unavailable(what, f"{sample.name} reads {sample.value}, which is no count")
    labels = dict(sample.labels)
    if "instance" in labels:
        labels["exported_instance"] = labels.pop("instance")
    if sample.timestamp is not None:
        try:
            at = datetime.fromtimestamp(float(sample.timestamp), UTC)
        except (ValueError, OverflowError, OSError):
            raise Unavailable(what, f"{sample.name} carries a time that is none") from None
    return Point(frozenset({**labels, "instance": instance}.items()), float(sample.value), at)
