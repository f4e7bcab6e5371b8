"""Reads raw counters from Prometheus (or what speaks its API): samples as they were scraped, never extrapolated."""

from __future__ import annotations

import asyncio
import math
import re
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from functools import partial
from typing import Any, ClassVar

import anyio
import httpx
import requests
from anyio import to_thread
from prometheus_api_client import PrometheusConnect
from prometheus_api_client.exceptions import PrometheusApiClientException
from pydantic import Field
from urllib3.util.retry import Retry

from bot.clients.http import HttpSettings
from bot.clients.together import together
from bot.clock import Clock
from bot.domain.errors import Unavailable
from bot.slo.spec import Labels, Matcher, Point, Selector

WHAT = "Prometheus"
_MOST_STEPS = 10_000  # Prometheus refuses more than 11,000 points per series
_THREADS = 4
_STATUS = re.compile(r"HTTP Status Code (\d{3})")
_SPECIAL = re.compile(r"[\\.+*?()|\[\]{}^$]")  # what RE2 gives a meaning to

Samples = list[tuple[str, Point]]


class PrometheusSettings(HttpSettings):
    """Where Prometheus answers, and how far back one read looks."""

    lookback_seconds: float = Field(default=60.0, ge=1, le=3600)
    """Raw samples of so many seconds before the asked time are read; longer than the scrape interval."""


class Prometheus:
    """One Prometheus server, asked in a thread of its own under one deadline; nothing is tried twice by itself."""

    shelf: ClassVar[str] = "sources"
    Settings = PrometheusSettings

    def __init__(
        self, settings: PrometheusSettings, *, clock: Clock, transport: httpx.AsyncBaseTransport | None = None
    ) -> None:
        self._seconds, self._lookback = settings.timeout_seconds, settings.lookback_seconds
        self._session = _session(settings)
        self._api = PrometheusConnect(
            settings.url,
            headers=_headers(settings),
            session=self._session,
            # the library's own three retries turn a second into ten; a poll comes again by itself
            retry=Retry(0, read=False),
            timeout=settings.timeout_seconds,
        )
        self._limiter = anyio.CapacityLimiter(_THREADS)

    async def close(self) -> None:
        self._session.close()

    async def read(self, selectors: Collection[Selector], at: datetime) -> Mapping[Selector, Sequence[Point]]:
        """The raw samples of the lookback before `at`, with the times they were scraped.

        A range selector gives true sample times, so a target that is no longer scraped shows as old samples, not as
        fresh ones repeated. One query per metric where its selectors have something in common. Raises Unavailable.
        """
        window = f"[{round(self._lookback * 1000)}ms]"
        ask = partial(self._api.custom_query, params={"time": f"{at.timestamp():.3f}"})
        asked = [(metric, f"{query}{window}", ask) for metric, query in queries(selectors)]
        return _sorted(selectors, await self._all(asked))

    async def history(
        self, selectors: Collection[Selector], start: datetime, end: datetime, step: timedelta
    ) -> Mapping[Selector, Sequence[Point]]:
        """Values at every `step` from `start` to `end` (range queries), for filling a ledger after an outage.

        Values are the last known within Prometheus's own lookback, at whole steps. Raises Unavailable.
        """
        span = step * _MOST_STEPS
        asked: list[tuple[str, str, Callable[[str], Any]]] = []
        for metric, query in queries(selectors):
            begin = start
            while begin <= end:
                until = min(begin + span, end)
                # the library rounds both ends to whole seconds, and naive times are the machine's own: ours have a zone
                ask = partial(
                    self._api.custom_query_range, start_time=begin, end_time=until, step=f"{step.total_seconds():g}"
                )
                asked.append((metric, query, ask))
                begin = until + step
        return _sorted(selectors, await self._all(asked))

    async def _all(self, asked: Sequence[tuple[str, str, Callable[[str], Any]]]) -> Samples:
        """Every query side by side, all under one deadline; the first failure ends the read."""
        try:
            async with asyncio.timeout(self._seconds):
                answers = await together(*(self._ask(metric, query, call) for metric, query, call in asked))
        except TimeoutError:
            raise Unavailable(WHAT, f"did not answer within {self._seconds:g} s") from None
        return [sample for answer in answers for sample in answer]

    async def _ask(self, metric: str, query: str, call: Callable[[str], Any]) -> Samples:
        # the library's time-out is per read: a dripping server is left behind in its thread by the deadline above
        try:
            answer = await to_thread.run_sync(call, query, abandon_on_cancel=True, limiter=self._limiter)
        except PrometheusApiClientException as error:
            status = _STATUS.search(str(error))
            raise Unavailable(WHAT, f"answered {status[1]}" if status else "did not accept the query") from None
        except requests.Timeout:
            raise Unavailable(WHAT, f"did not answer within {self._seconds:g} s") from None
        except requests.JSONDecodeError:
            raise Unavailable(WHAT, "answered something that is not JSON") from None
        except requests.ConnectionError:
            raise Unavailable(WHAT, "could not be reached, or broke off its answer") from None
        except requests.RequestException as error:
            raise Unavailable(WHAT, f"could not be asked ({type(error).__name__})") from None
        except (KeyError, TypeError):  # 200 without data, or with something else in its place
            raise Unavailable(WHAT, "answered without a result") from None
        return list(_samples(metric, answer))


def queries(selectors: Collection[Selector]) -> list[tuple[str, str]]:
    """(metric, PromQL selector) to ask: one per metric, the union of its selectors, where they share something.

    The union may match more than was asked; it never matches less. Selectors that have nothing in common are asked one
    by one, rather than fetching every series of the metric.
    """
    asked: list[tuple[str, str]] = []
    for metric in dict.fromkeys(selector.metric for selector in selectors):
        same = [selector for selector in dict.fromkeys(selectors) if selector.metric == metric]
        shared = _union(same)
        if shared or any(not selector.matchers for selector in same):
            asked.append((metric, str(Selector(metric, shared))))
        else:
            asked.extend((metric, str(selector)) for selector in same)
    return asked


def _union(same: Sequence[Selector]) -> tuple[Matcher, ...]:
    """Matchers that hold for all: those written alike in each, and `=` on one label with several values as `=~`."""
    first, *others = same
    kept = [matcher for matcher in first.matchers if all(matcher in other.matchers for other in others)]
    for label in dict.fromkeys(matcher.label for matcher in first.matchers if matcher not in kept):
        equal = [[m.value for m in each.matchers if m.label == label and m.operator == "="] for each in same]
        if all(len(values) == 1 for values in equal):
            values = sorted({values[0] for values in equal})
            kept.append(Matcher(label, "=~", "|".join(_SPECIAL.sub(r"\\\g<0>", value) for value in values)))
    return tuple(kept)


def _samples(metric: str, answer: Any) -> Iterable[tuple[str, Point]]:
    """The points of a matrix. Raises Unavailable where the answer is something else."""
    if not isinstance(answer, list):
        raise Unavailable(WHAT, "answered something that is no list of series")
    for series in answer:
        if not isinstance(series, dict) or not isinstance(series.get("metric"), dict) or "values" not in series:
            raise Unavailable(WHAT, "answered something that is no list of series")
        labels = frozenset((str(name), str(value)) for name, value in series["metric"].items() if name != "__name__")
        for pair in series["values"]:
            yield metric, _point(metric, labels, pair)


def _point(metric: str, labels: Labels, pair: Any) -> Point:
    try:
        at, value = datetime.fromtimestamp(float(pair[0]), UTC), float(pair[1])
    except (TypeError, ValueError, IndexError, KeyError, OverflowError, OSError):
        raise Unavailable(WHAT, f"answered a sample of {metric} that cannot be read") from None
    if not math.isfinite(value):
        raise Unavailable(WHAT, f"{metric} reads {value}, which is no count")
    return Point(labels, value, at)


def _sorted(selectors: Collection[Selector], samples: Samples) -> dict[Selector, tuple[Point, ...]]:
    """What each selector asked for, oldest first; a sample two queries brought counts once."""
    found: dict[Selector, tuple[Point, ...]] = {}
    for selector in selectors:
        mine = {
            (point.labels, point.at): point
            for metric, point in samples
            if metric == selector.metric and selector.matches(point.labels)
        }
        found[selector] = tuple(sorted(mine.values(), key=lambda point: (point.at, sorted(point.labels))))
    return found


def _session(settings: PrometheusSettings) -> requests.Session:
    session = requests.Session()
    session.trust_env = False  # a .netrc would replace our Authorization header
    session.verify = settings.ca or True
    session.max_redirects = 0
    return session


def _headers(settings: PrometheusSettings) -> dict[str, str] | None:
    return {"Authorization": f"Bearer {settings.token.get_secret_value()}"} if settings.token else None
