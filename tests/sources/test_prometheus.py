"""Reading from Prometheus: raw samples with their own times, few queries, and every failure of it in a sentence."""

from __future__ import annotations

import asyncio
import contextlib
import gc
import json
import math
import time
from collections.abc import AsyncIterator
from datetime import timedelta
from itertools import pairwise
from urllib.parse import parse_qs, urlsplit

import pytest
import requests

from bot.domain.errors import Unavailable
from bot.slo.batch import EXPRESSION
from bot.slo.spec import Expression, Selector
from bot.sources.prometheus import Prometheus, queries
from tests.kit import NOON, at
from tests.parts import CANARY, Hands, badly
from tests.shelves.files import SECONDS

SETTINGS = {"url": "{url}", "token": CANARY, "timeout_seconds": SECONDS}


@contextlib.asynccontextmanager
async def answering(answer, status: str = "200 OK") -> AsyncIterator[tuple[Prometheus, list[dict[str, str]]]]:
    """A Prometheus that gives one answer to everything, and the queries it got."""
    got: list[dict[str, str]] = []

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        head = (await reader.readuntil(b"\r\n\r\n")).decode()
        asked = urlsplit(head.split()[1])
        lines = dict(line.split(": ", 1) for line in head.split("\r\n")[1:] if ": " in line)
        query = {name: values[0] for name, values in parse_qs(asked.query).items()}
        got.append({"path": asked.path, **query, "auth": lines.get("Authorization", "")})
        body = json.dumps(answer).encode()
        writer.write(f"HTTP/1.1 {status}\r\nconnection: close\r\ncontent-length: {len(body)}\r\n\r\n".encode() + body)
        await writer.drain()
        writer.close()

    server = await asyncio.start_server(serve, "127.0.0.1", 0)
    url = f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}"
    source = Prometheus(Prometheus.Settings(url=url, token=CANARY, timeout_seconds=20), clock=Hands())
    try:
        yield source, got
    finally:
        await source.close()
        server.close()


def matrix(*series: dict) -> dict:
    return {"status": "success", "data": {"resultType": "matrix", "result": list(series)}}


def series(values: list[list[object]], **labels: str) -> dict:
    return {"metric": {"__name__": "requests_total", **labels}, "values": values}


ALL = Selector.parse('requests_total{job="api"}')
BAD = Selector.parse('requests_total{job="api",code="500"}')


async def test_samples_keep_the_time_they_were_scraped() -> None:
    """A raw range is asked for, so an old sample stays old instead of looking fresh at the asked time."""
    told = matrix(series([[NOON.timestamp() - 30.5, "7"], [NOON.timestamp() - 15.5, "9"]], job="api", code="500"))
    async with answering(told) as (source, got):
        read = await source.read([ALL, BAD], NOON)
    assert [(point.value, point.at) for point in read[BAD]] == [(7, at(-30.5)), (9, at(-15.5))]
    assert read[ALL] == read[BAD]
    assert len(got) == 1
    assert got[0]["query"] == 'requests_total{job="api"}[60000ms]'
    assert float(got[0]["time"]) == NOON.timestamp()


async def test_a_token_goes_into_the_header() -> None:
    """Neither a .netrc nor the environment may replace it."""
    async with answering(matrix()) as (source, got):
        assert await source.read([ALL], NOON) == {ALL: ()}
    assert got[0]["auth"] == f"Bearer {CANARY}"


async def test_what_is_new_suffices_after_the_first_sweep() -> None:
    """Only the time since is asked for, never more than the lookback; what was seen within that is still there."""
    told = matrix(series([[NOON.timestamp(), "9"]], job="api"))
    async with answering(told) as (source, got):
        first = await source.sweep((ALL,), NOON)
        second = await source.sweep((ALL,), NOON, at(-25))
        third = await source.sweep((ALL,), NOON, at(-600))
    assert [each["query"].rpartition("[")[2] for each in got] == ["60000ms]", "25000ms]", "60000ms]"]
    assert (first.patience, second.patience, third.patience) == (0, 60_000, 60_000)


async def test_expressions_are_asked_fifty_at_a_time() -> None:
    """Each series of the answer tells by its label whose it is; the window stands where the author left it open."""
    asked = [Expression(f"sum(rate(x{number}[$window])) / $seconds") for number in range(120)]
    told = {"status": "success", "data": {"resultType": "vector", "result": [
        {"metric": {"tocsin_query": "1", "pod": "a"}, "value": [NOON.timestamp(), "2.5"]}]}}  # fmt: skip
    async with answering(told) as (source, got):
        found = await source.sweep(tuple(asked), NOON)
    assert len(got) == 3
    assert got[0]["query"].count(" or ") == 49
    assert 'label_replace((sum(rate(x1[60s])) / 60), "tocsin_query", "1", "", "")' in {
        part for each in got for part in each["query"].split(" or ")
    }
    assert {(labels[EXPRESSION], labels["pod"]) for labels in found.names} == {
        (asked[number].text, "a") for number in (1, 51, 101)
    }


def test_a_metric_with_thousands_of_objectives_is_asked_for_whole() -> None:
    """An alternation of 5,000 names fits no address line; every series of the metric is then less than that."""
    wanted = [Selector.parse(f'x{{team="a",slo="s{number}"}}') for number in range(5000)]
    assert queries(wanted) == [("x", 'x{team="a"}')]
    assert queries([Selector.parse(f'x{{slo="s{number}"}}') for number in range(5000)]) == [("x", "x")]


@pytest.mark.parametrize(
    ("selectors", "asked"),
    [
        (['x{a="1"}'], ['x{a="1"}']),
        (['x{a="1",b="2"}', 'x{a="1"}'], ['x{a="1"}']),
        (['x{a="1"}', 'x{a="2.0"}'], [r'x{a=~"1|2\\.0"}']),
        (["x", 'x{a="1"}'], ["x"]),
        (['x{a="1"}', 'x{b="1"}'], ['x{a="1"}', 'x{b="1"}']),
        (['x{a="1"}', 'y{a="1"}', 'x{a="1"}'], ['x{a="1"}', 'y{a="1"}']),
        (['x{a=~"1|2",b="q"}', 'x{a="3",b="r"}'], ['x{b=~"q|r"}']),
        (['x{a!="1"}', 'x{a!="1",b="2"}'], ['x{a!="1"}']),
    ],
)
def test_selectors_of_one_metric_become_one_query(selectors: list[str], asked: list[str]) -> None:
    """The union matches at least what each selector does; where they share nothing they are asked one by one."""
    wanted = [Selector.parse(text) for text in selectors]
    got = queries(wanted)
    assert [query for _, query in got] == asked
    for selector in wanted:
        values = {m.label: m.value.split("|")[0] for m in selector.matchers if m.operator in {"=", "=~"}}
        covering = [Selector.parse(query) for metric, query in got if metric == selector.metric]
        assert any(each.matches(values) for each in covering)


@pytest.mark.parametrize(
    ("answer", "status", "because"),
    [
        ({"status": "error", "error": f"parse error {CANARY}"}, "400 Bad Request", "answered 400"),
        ({}, "503 Service Unavailable", "answered 503"),
        ({"status": "success"}, "200 OK", "without a result"),
        ({"status": "success", "data": None}, "200 OK", "without a result"),
        ({"data": {"result": [NOON.timestamp(), "1"]}}, "200 OK", "no list of series"),
        (matrix(series([[1, "seven"]])), "200 OK", "cannot be read"),
        (matrix(series([[1]])), "200 OK", "cannot be read"),
        (matrix({"metric": {}}), "200 OK", "no list of series"),
    ],
)
async def test_an_unusable_answer_is_a_sentence(answer, status: str, because: str) -> None:
    """Whatever Prometheus says that is no matrix of counts is Unavailable, without its own words."""
    async with answering(answer, status) as (source, _):
        with pytest.raises(Unavailable, match=because) as caught:
            await source.read([ALL], NOON)
    assert CANARY not in str(caught.value)


async def test_a_value_that_is_no_number_is_handed_on() -> None:
    """One broken series is its own objective's trouble (the ledger names it), not the whole source's."""
    async with answering(matrix(series([[1, "NaN"]], job="api"))) as (source, _):
        (point,) = (await source.read([ALL], NOON))[ALL]
    assert math.isnan(point.value)


async def test_a_dripping_server_is_given_up_in_time() -> None:
    """The time-out holds for the whole read, not for each byte of it."""
    async with badly("drips") as port:
        url = f"http://127.0.0.1:{port}"
        source = Prometheus(Prometheus.Settings(url=url, timeout_seconds=0.3), clock=Hands())
        begun = time.monotonic()
        with pytest.raises(Unavailable, match="did not answer within"):
            await source.read([ALL], NOON)
        assert time.monotonic() - begun < 2
        await source.close()


async def test_a_long_history_is_asked_in_pieces() -> None:
    """Prometheus answers at most 11,000 points per series: a longer span is several questions, each sample once."""
    async with answering(matrix(series([[NOON.timestamp(), "7"]], job="api"))) as (source, got):
        found = [moment async for moment, _ in source.past([ALL], at(-24_000), NOON, timedelta(seconds=1), series=10)]
    assert set(found) == {NOON}
    spans = sorted((float(each["start"]), float(each["end"])) for each in got)
    assert len(spans) == 3
    assert spans[0][0] == at(-24_000).timestamp()
    assert spans[-1][1] == NOON.timestamp()
    assert all(end - start <= 10_000 for start, end in spans)
    assert all(later[0] > earlier[1] for earlier, later in pairwise(spans))


async def test_the_past_of_many_series_is_asked_in_short_stretches() -> None:
    """However many series answer, one answer stays small enough to be held: the first says how many there are."""
    crowd = matrix(*(series([[NOON.timestamp(), "7"]], job="api", pod=str(number)) for number in range(3_000)))
    async with answering(crowd) as (source, got):
        async for _ in source.past([ALL], at(-21_600), NOON, timedelta(seconds=15), series=1):
            pass
    spans = sorted((float(each["start"]), float(each["end"])) for each in got)
    assert spans[0] == (at(-21_600).timestamp(), NOON.timestamp())  # nobody knew yet
    async with answering(crowd) as (source, got):
        async for _ in source.past([ALL], at(-43_200), NOON, timedelta(seconds=15)):
            pass
    spans = sorted((float(each["start"]), float(each["end"])) for each in got)
    assert all((end - start) / 15 * 3_000 <= 100_000 for start, end in spans[1:])
    assert spans[-1][1] == NOON.timestamp()
    assert all(later[0] == earlier[1] + 15 for earlier, later in pairwise(spans))


async def test_an_answer_is_let_go_of_as_soon_as_it_is_counted() -> None:
    """Its megabytes do not wait for somebody who collects cycles, which is rare where the collector was told to be."""
    async with answering(matrix(series([[1, "7"]], job="api"))) as (source, _):
        await source.sweep([ALL], NOON)
        gc.collect()
        gc.disable()
        try:
            before = sum(isinstance(each, requests.Response) for each in gc.get_objects())
            for _ in range(3):
                await source.sweep([ALL], NOON)
            assert sum(isinstance(each, requests.Response) for each in gc.get_objects()) <= before
        finally:
            gc.enable()


@pytest.mark.parametrize(("compressed", "asked"), [(False, "identity"), (True, "gzip")])
async def test_answers_come_as_they_are_unless_asked_for_compressed(compressed: bool, asked: str) -> None:
    """Compressing costs the server more than the pass costs us; a server far away can be told to."""
    url = "http://127.0.0.1:1"
    source = Prometheus(Prometheus.Settings(url=url, compressed=compressed), clock=Hands())
    assert str(source._session.headers["Accept-Encoding"]).startswith(asked)
    await source.close()


def test_an_address_with_a_password_is_refused() -> None:
    """Secrets go by reference, and the error does not repeat this one."""
    with pytest.raises(ValueError) as caught:
        Prometheus.Settings(url=f"http://ana:{CANARY}@prometheus:9090")
    assert CANARY not in str(caught.value)
