"""The past from Prometheus: every raw sample once, in pieces a server is willing to answer."""

from __future__ import annotations

import contextlib
import json
import threading
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import parse_qs, urlsplit

import numpy as np
import pytest

from bot.domain.errors import Unavailable
from bot.engine.ports import History
from bot.slo.spec import Expression, Selector
from bot.sources.prometheus import Prometheus
from tests.kit import NOON, at
from tests.parts import Hands

REQUESTS = Selector.parse("requests_total")
EVERY = 15


@dataclass
class Server:
    """Scraped one series every 15 s; loads at most so many seconds of it for one query, as --query.max-samples does."""

    most: float = 1800
    asked: list[dict[str, str]] = field(default_factory=list)

    def answer(self, path: str, query: dict[str, str]) -> tuple[int, list[dict[str, object]]]:
        self.asked.append(query)
        if path.endswith("query_range"):
            moments = np.arange(float(query["start"]), float(query["end"]) + 1e-6, float(query["step"]))
            return 200, [{"metric": {"tocsin_query": "0"}, "values": [[each, "0.5"] for each in moments.tolist()]}]
        length = int(query["query"].partition("[")[2].removesuffix("ms]")) / 1000
        if length > self.most:
            return 422, []
        end = float(query["time"])
        first = -(-(end - length) // EVERY) * EVERY
        values = [[each, str(each)] for each in np.arange(first, end + 1e-6, EVERY).tolist()]
        return 200, [{"metric": {"__name__": "requests_total"}, "values": values}]

    @contextlib.contextmanager
    def listening(self) -> Iterator[str]:
        script = self

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                asked = urlsplit(self.path)
                query = {name: values[0] for name, values in parse_qs(asked.query).items()}
                status, result = script.answer(asked.path, query)
                body = json.dumps({"status": "success", "data": {"resultType": "matrix", "result": result}}).encode()
                self.send_response(status)
                self.send_header("content-length", str(len(body)))
                self.end_headers()
                self.wfile.write(body)

            def log_message(self, *_about: object) -> None:
                return

        with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
            thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
            thread.start()
            try:
                yield f"http://127.0.0.1:{server.server_address[1]}"
            finally:
                server.shutdown()
                thread.join()


async def recalled(server: Server, *queries, hours: float = 3):
    """The end of each stretch, and its samples."""
    with server.listening() as url:
        source = Prometheus(Prometheus.Settings(url=url), clock=Hands())
        assert isinstance(source, History)
        try:
            past = source.recall(queries, NOON, NOON + timedelta(hours=hours), timedelta(seconds=10))
            return [(upto, batch) async for upto, batch in past]
        finally:
            await source.close()


async def test_what_is_too_much_for_one_query_is_asked_in_smaller_pieces():
    """Half as long, until the server takes it; nothing is lost and nothing comes twice at the borders."""
    found = await recalled(Server(), REQUESTS)
    seen = [each for _, batch in found for each in batch.at.tolist()]
    assert seen[0] == at(15).timestamp() * 1000
    assert np.diff(seen).tolist() == [EVERY * 1000] * (3 * 240 - 1)
    assert found[-1][0] == NOON + timedelta(hours=3)
    assert all((upto - NOON) % timedelta(seconds=10) == timedelta(0) for upto, _ in found)


async def test_where_even_one_step_is_too_much_that_is_said():
    """The server's limit is below any use."""
    with pytest.raises(Unavailable, match="answered 422"):
        await recalled(Server(most=1), REQUESTS)


async def test_expressions_are_asked_at_every_step():
    """What only the server can work out has a value at each step, under its own name."""
    server = Server(most=1e9)
    found = await recalled(server, REQUESTS, Expression("sum(rate(x[$window]))"), hours=1)
    stamps = [
        int(when)
        for _, batch in found
        for when, series in zip(batch.at, batch.series, strict=True)
        if "__expression__" in batch.names[series]
    ]
    assert stamps == [int(at(10 * step).timestamp() * 1000) for step in range(1, 361)]
    assert any("rate(x[60s])" in each["query"] for each in server.asked)
