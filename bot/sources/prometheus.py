"""Reads raw counters from Prometheus (or what speaks its API): samples as they were scraped, never extrapolated."""

from __future__ import annotations

import asyncio
import re
from collections.abc import AsyncIterator, Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from functools import partial
from typing import Any, ClassVar

import anyio
import httpx
import numpy as np
import requests
from anyio import to_thread
from prometheus_api_client import PrometheusConnect
from prometheus_api_client.exceptions import PrometheusApiClientException
from pydantic import Field
from pydantic_core import from_json
from urllib3.util.retry import Retry

from bot.clients.http import HttpSettings
from bot.clients.together import together
from bot.clock import Clock
from bot.domain.errors import Unavailable
from bot.slo.batch import Batch
from bot.slo.grid import from_ms, to_ms
from bot.slo.spec import Expression, Labels, Point, Query, Selector
from bot.sources._apart import Apart
from bot.sources._asking import expressions, queries
from bot.sources._columns import WHAT, batch, moments
from bot.telemetry import log as logger

_MOST_STEPS = 10_000  # Prometheus refuses more than 11,000 points per series
_MOST_SAMPLES = 100_000  # of the past in one answer: some 3 MB, as much as a poll of many series brings
_THREADS = 4
_FIRST_STRETCH, _LONGEST_STRETCH = timedelta(hours=1), timedelta(days=1)
_COMFORTABLE = 200_000  # samples in one answer: 6 MB of JSON
_STATUS = re.compile(r"HTTP Status Code (\d{3})")

Call = Callable[[str], Any]
Plan = tuple[list[str], list[tuple[tuple[Expression, ...], str]]]


class PrometheusSettings(HttpSettings):
    """Where Prometheus answers, and how far back one read looks."""

    lookback_seconds: float = Field(default=60.0, ge=1, le=3600)
    """Raw samples of so many seconds before the asked time are read; longer than the scrape interval."""

    compressed: bool = False
    """Whether answers come compressed: a tenth of the bytes for a third more of the server's time. For one far away."""


class NotAccepted(Unavailable):
    """The server answered and did not take the query."""


class Prometheus:
    """One Prometheus server, asked in a thread of its own under one deadline; nothing is tried twice by itself."""

    shelf: ClassVar[str] = "sources"
    Settings = PrometheusSettings

    def __init__(
        self, settings: PrometheusSettings, *, clock: Clock, transport: httpx.AsyncBaseTransport | None = None
    ) -> None:
        self._seconds, self._lookback = settings.timeout_seconds, settings.lookback_seconds
        self._session = _session(settings)
        self._session.hooks["response"].append(self._decoding)
        self._apart = Apart()
        self._api = PrometheusConnect(
            settings.url,
            headers=_headers(settings),
            session=self._session,
            # the library's own three retries turn a second into ten; a poll comes again by itself
            retry=Retry(0, read=False),
            timeout=settings.timeout_seconds,
        )
        self._limiter = anyio.CapacityLimiter(_THREADS)
        self._refused: set[Expression] = set()  # told once
        self._planned: Collection[Query] | None = None  # what was asked last, and by which queries
        self._plan: Plan = ([], [])

    async def close(self) -> None:
        self._session.close()

    async def read(self, asked: Collection[Query], at: datetime) -> Mapping[Query, Sequence[Point]]:
        """The raw samples of the lookback before `at`, with the times they were scraped.

        A range selector gives true sample times, so a target that is no longer scraped shows as old samples, not as
        fresh ones repeated. One query per metric where its selectors have something in common. Raises Unavailable.
        """
        found = await self.sweep(asked, at)
        return {query: tuple(_points(query, found)) for query in asked}

    async def sweep(self, asked: Collection[Query], at: datetime, since: datetime | None = None) -> Batch:
        """The same in columns: every series of these metrics, and every answer to these expressions.

        With `since` only samples after it, if that is less than the lookback. Raises Unavailable. An expression that
        the server does not take is left out, and told once.
        """
        if asked is not self._planned:
            self._planned, self._plan = asked, self._planning(asked)
        window = self._lookback if since is None else min((at - since).total_seconds(), self._lookback)
        ask = partial(self._api.custom_query, params={"time": f"{at.timestamp():.3f}"})
        selected, chunks = self._plan
        wanted: list[tuple[Sequence[Expression], str, Call]] = [
            ((), f"{query}[{round(window * 1000)}ms]", ask) for query in selected
        ]
        found = batch(await self._all([*wanted, *((chunk, text, ask) for chunk, text in chunks)]))
        return found if since is None else replace(found, patience=round(self._lookback * 1000))

    def _planning(self, asked: Collection[Query]) -> Plan:
        selectors = [query for query in asked if isinstance(query, Selector)]
        free = [query for query in asked if isinstance(query, Expression)]
        return [query for _, query in queries(selectors)], expressions(free, round(self._lookback))

    async def past(
        self, asked: Collection[Query], start: datetime, end: datetime, step: timedelta, *, series: int = 1000
    ) -> AsyncIterator[tuple[datetime, Batch]]:
        """What stood at every `step` from `start` to `end` (range queries), oldest first.

        Values are the last known within Prometheus's own lookback, at whole seconds. Expressions are not asked: they
        speak of the time between two polls. Of many series a short stretch is asked at a time. Raises Unavailable.
        """
        selectors = [query for query in asked if isinstance(query, Selector)]
        most = min(_MOST_STEPS, max(1, int(timedelta(hours=6) / step)))
        begin, series = start, max(series, 1)
        while begin <= end and selectors:
            until = min(begin + step * min(most, max(1, _MOST_SAMPLES // series)), end)
            # the library rounds both ends to whole seconds, and naive times are the machine's own: ours have a zone
            ask = partial(
                self._api.custom_query_range, start_time=begin, end_time=until, step=f"{step.total_seconds():g}"
            )
            whole = batch(await self._all([((), query, ask) for _, query in queries(selectors)]))
            series = max(series, len(whole.names))
            for moment, held in moments(whole):
                yield from_ms(moment), held
            begin = until + step

    async def recall(
        self, asked: Collection[Query], start: datetime, end: datetime, step: timedelta
    ) -> AsyncIterator[tuple[datetime, Batch]]:
        """All raw samples after `start` up to `end` with the times of their scrapes, in stretches of whole steps.

        A range query of plain values would repeat each for five minutes and hide where data ended, so ranges are asked
        for. What an expression says is asked at every step. A stretch is as long as one answer holds comfortably; the
        next is asked for while the last is used. Raises Unavailable.
        """
        steps, begin = max(1, _FIRST_STRETCH // step), start
        asking = asyncio.create_task(self._stretch(asked, begin, min(begin + steps * step, end), step))
        try:
            while True:
                upto, found = await asking
                taken = max(1, (upto - begin) // step)
                comfortable = taken * _COMFORTABLE // max(1, len(found.at))
                steps = max(1, min(_LONGEST_STRETCH // step, 2 * taken, comfortable))
                begin = upto
                if begin < end:
                    asking = asyncio.create_task(self._stretch(asked, begin, min(begin + steps * step, end), step))
                yield upto, found
                if begin >= end:
                    return
        finally:
            asking.cancel()
            await asyncio.gather(asking, return_exceptions=True)

    async def _stretch(
        self, asked: Collection[Query], start: datetime, end: datetime, step: timedelta
    ) -> tuple[datetime, Batch]:
        """Everything of one stretch, or of the first part of it that the server is willing to answer."""
        selected, chunks = self._planning(asked)
        while True:
            ask = partial(self._api.custom_query, params={"time": f"{end.timestamp():.3f}"})
            length = (end - start) // timedelta(milliseconds=1)
            wanted: list[tuple[Sequence[Expression], str, Call]] = [
                ((), f"{query}[{length}ms]", ask) for query in selected
            ]
            at_steps = partial(
                self._api.custom_query_range, start_time=start + step, end_time=end, step=f"{step.total_seconds():g}"
            )
            try:
                stepwise = chunks if start + step <= end else []
                found = batch(await self._all([*wanted, *((chunk, text, at_steps) for chunk, text in stepwise)]))
            except NotAccepted:  # more samples than one query may load
                if (end - start) // step <= 1:
                    raise
                end = start + step * ((end - start) // step // 2)
                continue
            return end, found.only(np.flatnonzero(found.at > to_ms(start)))

    async def _all(
        self, asked: Sequence[tuple[Sequence[Expression], str, Call]]
    ) -> list[tuple[Sequence[Expression], Any]]:
        """Every query side by side, all under one deadline; the first failure ends the read."""
        try:
            async with asyncio.timeout(self._seconds):
                found = await together(*(self._one(chunk, query, call) for chunk, query, call in asked))
        except TimeoutError:
            raise Unavailable(WHAT, f"did not answer within {self._seconds:g} s") from None
        return [answer for answers in found for answer in answers]

    async def _one(self, chunk: Sequence[Expression], query: str, call: Call) -> list[tuple[Sequence[Expression], Any]]:
        """One query's answer; of a chunk that the server does not take, those of its expressions that it does."""
        try:
            return [(chunk, await self._ask(query, call))]
        except NotAccepted as trouble:
            if not chunk:
                raise
            if len(chunk) == 1:
                if chunk[0] not in self._refused:
                    self._refused.add(chunk[0])
                    logger().warning("a query is not taken", query=chunk[0].text, because=str(trouble))
                return []
            singles = [expressions([each], round(self._lookback))[0] for each in chunk]
            found = await together(*(self._one(alone, text, call) for alone, text in singles))
            return [answer for answers in found for answer in answers]

    async def _ask(self, query: str, call: Call) -> Any:
        # the library's time-out is per read: a dripping server is left behind in its thread by the deadline above
        try:
            answer = await to_thread.run_sync(call, query, abandon_on_cancel=True, limiter=self._limiter)
        except PrometheusApiClientException as error:
            status = _STATUS.search(str(error))
            kind = NotAccepted if status is None or status[1] in {"400", "422"} else Unavailable
            raise kind(WHAT, f"answered {status[1]}" if status else "did not accept the query") from None
        except requests.Timeout:
            raise Unavailable(WHAT, f"did not answer within {self._seconds:g} s") from None
        except requests.ConnectionError:
            raise Unavailable(WHAT, "could not be reached, or broke off its answer") from None
        except requests.RequestException as error:
            raise Unavailable(WHAT, f"could not be asked ({type(error).__name__})") from None
        except ValueError:
            raise Unavailable(WHAT, "answered something that is not JSON") from None
        except (KeyError, TypeError):  # 200 without data, or with something else in its place
            raise Unavailable(WHAT, "answered without a result") from None
        if not isinstance(answer, list | Batch):
            raise Unavailable(WHAT, "answered something that is no list of series")
        return answer

    def _decoding(self, response: requests.Response, **_given: object) -> None:
        """Let what the library decodes be taken apart by us, where it can be."""
        # the body, never the response: that would hold itself, and its megabytes, until somebody collects cycles
        response.json = partial(self._decoded, response.content)  # type: ignore[method-assign]

    def _decoded(self, body: bytes) -> Any:
        taken = self._apart.take(body)
        return from_json(body) if taken is None else {"data": {"result": taken}}


def _points(query: Query, found: Batch) -> Iterable[Point]:
    """What one query asked for, oldest first; a sample two queries brought counts once."""
    mine: dict[tuple[Labels, int], Point] = {}
    for series, at, value in zip(found.series.tolist(), found.at.tolist(), found.value.tolist(), strict=True):
        names = found.names[series]
        if not _answers(query, names):
            continue
        labels = frozenset(pair for pair in names.items() if not pair[0].startswith("__"))
        mine[labels, at] = Point(labels, value, from_ms(at))
    return sorted(mine.values(), key=lambda point: (point.at, sorted(point.labels)))


def _answers(query: Query, names: Mapping[str, str]) -> bool:
    if isinstance(query, Expression):
        return names.get("__expression__") == query.text
    return names.get("__name__") == query.metric and query.matches(names)


def _session(settings: PrometheusSettings) -> requests.Session:
    session = requests.Session()
    session.trust_env = False  # a .netrc would replace our Authorization header
    session.verify = settings.ca or True
    session.max_redirects = 0
    if not settings.compressed:
        session.headers["Accept-Encoding"] = "identity"
    return session


def _headers(settings: PrometheusSettings) -> dict[str, str] | None:
    return {"Authorization": f"Bearer {settings.token.get_secret_value()}"} if settings.token else None
