"""Scraping `/metrics` directly: what is exposed is what is counted, and half an answer is none."""

from __future__ import annotations

from datetime import UTC, datetime

import httpx
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from prometheus_client import CollectorRegistry, Counter, Histogram
from prometheus_client.exposition import generate_latest
from prometheus_client.openmetrics.exposition import CONTENT_TYPE_LATEST
from prometheus_client.openmetrics.exposition import generate_latest as generate_openmetrics

from bot.domain.errors import Unavailable
from bot.slo.spec import Point, Selector
from bot.sources.openmetrics import OpenMetrics
from tests.kit import NOON, at
from tests.parts import CANARY, Hands
from tests.shelves.files import SECONDS

SETTINGS = {"urls": ["{url}/metrics"], "token": CANARY, "timeout_seconds": SECONDS}

TEXT = "text/plain; version=0.0.4; charset=utf-8"
ALL = Selector.parse("requests_total")
AWKWARD = '/a "b" \\ {c}\n# d \u2028 \x85 } 5'
BAD = Selector.parse('requests_total{code=~"5.."}')


class Endpoint:
    """Exposes what it is told to and counts how often it was asked."""

    def __init__(self, body: bytes | str, kind: str = TEXT) -> None:
        self.body, self.kind, self.asked = body, kind, 0

    def __call__(self, request: httpx.Request) -> httpx.Response:
        self.asked += 1
        self.request = request
        return httpx.Response(200, content=self.body, headers={"content-type": self.kind})


def source(answer, *urls: str, **more) -> OpenMetrics:
    made = OpenMetrics.Settings(urls=urls or ("http://a:1/metrics",), **more)
    return OpenMetrics(made, clock=Hands(at(3)), transport=httpx.MockTransport(answer))


async def test_series_are_read_as_exposed() -> None:
    """Every matching series is a point of its own, with the instance it came from, at the time of the scrape."""
    endpoint = Endpoint('# TYPE requests_total counter\nrequests_total{code="200"} 90\nrequests_total{code="503"} 10\n')
    read = await source(endpoint).read([ALL, BAD], NOON)
    assert read[BAD] == (Point.of(10, at(3), code="503", instance="a:1"),)
    assert sum(point.value for point in read[ALL]) == 100


async def test_one_request_serves_every_selector() -> None:
    """However many objectives there are, an endpoint is asked once per read."""
    endpoint = Endpoint("requests_total 1\n")
    await source(endpoint).read([ALL, BAD, Selector.parse("other_total")], NOON)
    assert endpoint.asked == 1


async def test_nothing_that_matches_is_an_empty_answer() -> None:
    """A metric that is not there is no failure: the ledger says what it means."""
    assert await source(Endpoint("up 1\n")).read([ALL], NOON) == {ALL: ()}


async def test_a_sample_that_carries_its_time_keeps_it() -> None:
    """Milliseconds in the text format; a sample without one was seen now."""
    read = await source(Endpoint("requests_total 5 1700000000500\n")).read([ALL], NOON)
    assert read[ALL][0].at == datetime.fromtimestamp(1700000000.5, UTC)


async def test_several_endpoints_are_told_apart() -> None:
    """Equal series of two processes stay two series, so that one restart is not mistaken for a fall of the sum."""
    read = await source(Endpoint("requests_total 5\n"), "http://a:1/metrics", "http://b:2/metrics").read([ALL], NOON)
    assert {dict(point.labels)["instance"] for point in read[ALL]} == {"a:1", "b:2"}


async def test_one_endpoint_down_fails_the_read() -> None:
    """The sum of what is left would be wrong, so the read fails and names the endpoint that did."""

    def answer(request: httpx.Request) -> httpx.Response:
        return httpx.Response(503 if request.url.host == "b" else 200, content="requests_total 5\n")

    with pytest.raises(Unavailable, match="b:2/metrics: answered 503"):
        await source(answer, "http://a:1/metrics", "http://b:2/metrics").read([ALL], NOON)


async def test_a_label_called_instance_is_kept_under_another_name() -> None:
    """As Prometheus does: the scraped label moves aside."""
    read = await source(Endpoint('requests_total{instance="pod-1"} 5\n')).read([ALL], NOON)
    assert dict(read[ALL][0].labels) == {"instance": "a:1", "exported_instance": "pod-1"}


@pytest.mark.parametrize(
    ("body", "kind", "because"),
    [
        ("<html><body>Sign in</body></html>", "text/html", "a web page"),
        ("\n<!doctype html><p>hi", TEXT, "a web page"),
        ('requests_total{code="200"} 90\nrequests_total{code="5', TEXT, "broke off in the middle"),
        ("requests_total{} 1\nthis is no metric at all\n", TEXT, "line 2 is no metric"),
        ("requests_total NaN\n", TEXT, "reads nan"),
        ("requests_total +Inf\n", TEXT, "reads inf"),
        ("requests_total 1e\n", TEXT, "cannot be read"),
        ("requests_total 5 99999999999999999999\n", TEXT, "a time that is none"),
        (b"\xff\xfe\x00", TEXT, "not text"),
        ("   \n", TEXT, "nothing"),
        ("", TEXT, "nothing"),
        ("# TYPE requests counter\nrequests_total 5\n", CONTENT_TYPE_LATEST, "only a part"),
    ],
)
async def test_junk_is_a_sentence(body: bytes | str, kind: str, because: str) -> None:
    """Whatever comes that is not a whole exposition of counts is Unavailable, and says why."""
    with pytest.raises(Unavailable, match=because):
        await source(Endpoint(body, kind)).read([ALL], NOON)


async def test_a_nan_elsewhere_hurts_nobody() -> None:
    """Only what is asked for must be a count."""
    read = await source(Endpoint("temperature NaN\nrequests_total 5\n")).read([ALL], NOON)
    assert read[ALL][0].value == 5


async def test_too_large_an_exposition_is_not_swallowed() -> None:
    """Beyond the cap the read stops."""
    with pytest.raises(Unavailable, match="more than 1 MB"):
        await source(Endpoint("x_total 1\n" * 150_000), max_megabytes=1).read([ALL], NOON)


@pytest.mark.parametrize("generate", [generate_latest, generate_openmetrics])
async def test_what_the_client_library_exposes_is_read_back(generate) -> None:
    """Counters and histogram buckets in both formats, with awkward label values."""
    registry = CollectorRegistry()
    counter = Counter("requests", "n", ["path"], registry=registry)
    counter.labels(AWKWARD).inc(7)
    seconds = Histogram("took_seconds", "t", registry=registry, buckets=(0.1, 1))
    seconds.observe(0.05)
    seconds.observe(0.5)
    kind = CONTENT_TYPE_LATEST if generate is generate_openmetrics else TEXT
    fast, whole = Selector.parse('took_seconds_bucket{le="0.1"}'), Selector.parse("took_seconds_count")
    read = await source(Endpoint(generate(registry), kind)).read([ALL, fast, whole], NOON)
    assert [(dict(p.labels)["path"], p.value) for p in read[ALL]] == [(AWKWARD, 7)]
    assert (read[fast][0].value, read[whole][0].value) == (1, 2)


async def test_a_counter_without_total_keeps_its_name() -> None:
    """The text format allows a counter called `hits`; a selector for `hits` finds it."""
    hits = Selector.parse("hits")
    read = await source(Endpoint("# TYPE hits counter\nhits 4\n")).read([hits], NOON)
    assert read[hits][0].value == 4


async def test_the_token_is_sent_and_never_told() -> None:
    """A bearer token goes into the header, and neither into the settings' words nor into an error."""
    endpoint = Endpoint("nonsense nonsense\n")
    with pytest.raises(Unavailable) as caught:
        await source(endpoint, token=CANARY).read([ALL], NOON)
    assert endpoint.request.headers["authorization"] == f"Bearer {CANARY}"
    assert CANARY not in str(caught.value)


@pytest.mark.parametrize("url", ["http://ana:secret@a/metrics", "ftp://a/metrics", "metrics", "http://"])
def test_an_address_is_checked_when_it_is_read(url: str) -> None:
    """No password in an address, and nothing that is no web address."""
    with pytest.raises(ValueError) as caught:
        OpenMetrics.Settings(urls=(url,))
    assert "secret" not in str(caught.value)


@settings(max_examples=60, deadline=None)
@given(st.text(max_size=200))
async def test_no_text_does_anything_but_answer_or_refuse(body: str) -> None:
    """Any text is read or refused in a sentence; nothing else escapes."""
    try:
        read = await source(Endpoint(body.encode("utf-8", "replace"))).read([ALL], NOON)
    except Unavailable:
        return
    assert all(isinstance(point.value, float) for point in read[ALL])
