"""Against Prometheus itself: what a process counted is what the source reads, to the last event."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from http.server import BaseHTTPRequestHandler
from pathlib import Path

import httpx
import pytest
from prometheus_client import CollectorRegistry, Counter
from prometheus_client.exposition import generate_latest

from bot.slo.spec import Expression, Selector
from bot.sources.prometheus import Prometheus
from tests.parts import Hands, binary, free_port, running
from tests.serving import served

pytestmark = [pytest.mark.real, pytest.mark.xdist_group("prometheus")]  # the tests count on one another

CONFIG = """
global: {{scrape_interval: 200ms}}
scrape_configs:
- job_name: api
  static_configs: [{{targets: ["127.0.0.1:{port}"]}}]
"""
BAD = Selector.parse('requests_total{code="500"}')
GOOD = Selector.parse('requests_total{code="200"}')


class Process:
    """A process that counts and exposes; a switch takes it off the network."""

    def __init__(self) -> None:
        self.registry = CollectorRegistry()
        self.counted = Counter("requests", "n", ["code"], registry=self.registry)
        self.up = True


@contextlib.contextmanager
def exposing(process: Process) -> Iterator[int]:
    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            body = generate_latest(process.registry)
            self.send_response(200 if process.up else 500)
            self.send_header("content-length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *args: object) -> None:
            """Quiet."""

    with served(Handler) as port:
        yield port


@pytest.fixture(scope="module")
def watched(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Process, str]]:
    """A counting process, and a Prometheus that scrapes it five times a second."""
    program = binary("prometheus")
    folder: Path = tmp_path_factory.mktemp("prometheus")
    process = Process()
    with exposing(process) as port:
        (folder / "prometheus.yml").write_text(CONFIG.format(port=port))
        url = f"http://127.0.0.1:{(listen := free_port())}"
        command = [program, "--config.file=prometheus.yml", "--storage.tsdb.path=data"]

        def ready() -> bool:
            with contextlib.suppress(httpx.HTTPError):
                return httpx.get(f"{url}/-/ready", trust_env=False).status_code == 200
            return False

        with running([*command, f"--web.listen-address=127.0.0.1:{listen}"], ready, within=30, cwd=folder):
            yield process, url


@pytest.fixture
async def source(watched: tuple[Process, str]):
    made = Prometheus(Prometheus.Settings(url=watched[1], lookback_seconds=30), clock=Hands())
    yield made
    await made.close()


async def until(condition, *, seconds: float = 10):
    """Wait for the scrape to catch up; what the condition gave last."""
    for _ in range(int(seconds * 10)):
        if found := await condition():
            return found
        await asyncio.sleep(0.1)
    return await condition()


async def newest(source: Prometheus, selector: Selector) -> float:
    points = (await source.read([selector], datetime.now(UTC)))[selector]
    return points[-1].value if points else -1


async def test_counts_are_exact_and_one_read_serves_both(watched, source: Prometheus) -> None:
    """Two selectors of one metric come from one query, and both are what was counted."""
    process, _ = watched
    process.counted.labels("500").inc(3)
    process.counted.labels("200").inc(97)

    async def there() -> bool:
        return await newest(source, GOOD) == 97

    assert await until(there)
    read = await source.read([BAD, GOOD], datetime.now(UTC))
    assert (read[BAD][-1].value, read[GOOD][-1].value) == (3, 97)
    assert dict(read[BAD][-1].labels)["job"] == "api"


async def test_every_increase_of_the_lookback_is_seen(watched, source: Prometheus) -> None:
    """The raw samples rise one by one, each at its own time: no poll interval hides what came between."""
    process, _ = watched
    process.counted.labels("200").inc(0)

    async def scraped() -> bool:
        return await newest(source, GOOD) >= 0

    assert await until(scraped)
    begun = datetime.now(UTC)
    for _ in range(4):
        process.counted.labels("404").inc()
        await asyncio.sleep(0.3)
    selector = Selector.parse('requests_total{code="404"}')
    points = (await source.read([selector], datetime.now(UTC)))[selector]
    values = [point.value for point in points]
    assert values == sorted(values)
    assert len(set(values)) >= 3
    assert all(point.at >= begun for point in points)


async def test_a_target_that_is_gone_shows_as_old_samples(watched, source: Prometheus) -> None:
    """While scrapes fail, no fresh sample appears: silence is never a repeated last value."""
    process, _ = watched
    process.counted.labels("200").inc(0)

    async def there() -> bool:
        return await newest(source, GOOD) >= 0

    assert await until(there)
    process.up = False
    try:
        await asyncio.sleep(1.0)
        down = datetime.now(UTC)
        await asyncio.sleep(1.0)
        points = (await source.read([GOOD], datetime.now(UTC)))[GOOD]
        assert points
        assert max(point.at for point in points) < down
    finally:
        process.up = True


async def test_history_fills_what_was_missed(watched, source: Prometheus) -> None:
    """A range query gives the values at whole steps, oldest first."""
    process, _ = watched
    process.counted.labels("200")  # there, if only as 0

    async def filled() -> list[datetime]:
        now = datetime.now(UTC)
        past = source.past([GOOD, BAD], now - timedelta(seconds=20), now, timedelta(seconds=1))
        return [moment async for moment, batch in past if len(batch.value)]

    found = await until(filled)
    assert found == sorted(found)
    assert len(set(found)) == len(found)


async def test_a_metric_nobody_exposes_is_an_empty_answer(watched, source: Prometheus) -> None:
    """No series is not a failure of the source."""
    nothing = Selector.parse('nothing_total{a="1"}')
    assert await source.read([nothing], datetime.now(UTC)) == {nothing: ()}


async def test_a_regular_expression_of_ours_is_one_of_theirs(watched, source: Prometheus) -> None:
    """Values with special characters survive the union of two selectors."""
    process, _ = watched
    for code in ("a.b|c", "x(y)"):
        process.counted.labels(code).inc(5)
    one, two = Selector.parse('requests_total{code="a.b|c"}'), Selector.parse('requests_total{code="x(y)"}')

    async def there() -> bool:
        return await newest(source, one) == 5

    assert await until(there)
    read = await source.read([one, two], datetime.now(UTC))
    assert (read[one][-1].value, read[two][-1].value) == (5, 5)


async def test_what_only_the_server_can_work_out(watched, source: Prometheus) -> None:
    """A rate over the open window comes back as this expression's; one the server does not take leaves the rest alone."""
    process, _ = watched
    rate, junk = Expression("sum(rate(requests_total[$window]))"), Expression("sum by (")
    process.counted.labels("200").inc(5)

    async def there() -> list[float]:
        found = await source.read([rate, junk], datetime.now(UTC))
        assert found[junk] == ()
        return [point.value for point in found[rate]]

    (value,) = await until(there)
    assert value >= 0
