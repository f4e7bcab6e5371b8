"""The API is asked by schemathesis what its own document promises: in order, out of order, and by each role."""

from __future__ import annotations

import asyncio
import json
import os
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import httpx
import pytest
from hypothesis import HealthCheck, Phase, given, seed, settings

from bot.web.described import describe
from bot.web.pace import Pace
from tests.web.fakes import HOME, Place, place
from tests.web.legal import TEMPLATE, breach

schemathesis = pytest.importorskip("schemathesis")

EXAMPLES = 20 if os.environ.get("CI") else 2
ROLES = ("ana", "ben", "max", "cleo", "audrey", "ida")
IDS = {"incident": "INC-1", "notice": "N1"}
"""Half of what is asked is about an incident there is: what a made-up name is answered is soon known."""


class Served:
    """The console in a loop of its own, asked one request at a time."""

    def __init__(self, folder: Path) -> None:
        self._folder, self._loop = folder, asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, daemon=True)
        self._clients: dict[str, httpx.AsyncClient] = {}

    def __enter__(self) -> Served:
        self._thread.start()
        self.wait(self._open())
        return self

    def __exit__(self, *_ended: object) -> None:
        self.wait(self._close())
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join()
        self._loop.close()

    def wait(self, what: Any) -> Any:
        return asyncio.run_coroutine_threadsafe(what, self._loop).result(60)

    async def _open(self) -> None:
        self._held = place(self._folder)
        home: Place = await self._held.__aenter__()
        self.home = home.having(inbox=home.store.alerts, pace=Pace(burst=10_000_000))
        await breach(self.home)
        await self.home.desk.request_notice("INC-1", TEMPLATE, await self.home.who("cleo"))
        for key in ROLES:
            self._clients[key] = await self.home.own(key)
        self._clients["machine"] = self.home.api("ana")
        self.document = json.loads(json.dumps(describe(self.home.app)))

    async def _close(self) -> None:
        for client in self._clients.values():
            await client.aclose()
        await self._held.__aexit__(None, None, None)

    def ask(self, who: str, method: str, path: str, **words: Any) -> httpx.Response:
        async def asked() -> httpx.Response:
            self.home.clock.forward(seconds=1)
            return await self._clients[who].request(method, path, **words)

        return self.wait(asked())


@contextmanager
def served(folder: Path) -> Iterator[Served]:
    with Served(folder) as made:
        yield made


def sweep(place_: Served, who: str, examples: int) -> tuple[int, list[str]]:
    """Ask every operation that often; how many requests those were, and what was wrong."""
    api = schemathesis.openapi.from_dict(place_.document)
    asked, wrong = 0, []
    checks = (
        schemathesis.checks.not_a_server_error,
        schemathesis.openapi.checks.status_code_conformance,
        schemathesis.openapi.checks.content_type_conformance,
        schemathesis.openapi.checks.response_schema_conformance,
        schemathesis.openapi.checks.negative_data_rejection,
    )
    for result in api.get_all_operations():
        operation = result.ok()
        for mode in (schemathesis.GenerationMode.POSITIVE, schemathesis.GenerationMode.NEGATIVE):
            try:
                strategy = operation.as_strategy(generation_mode=mode)
            except Exception as none:  # nothing of it can be said wrongly
                assert "negat" in str(none).lower(), none
                continue

            @seed(20261130)
            @settings(
                max_examples=examples, deadline=None, database=None, phases=[Phase.generate],
                suppress_health_check=list(HealthCheck),
            )  # fmt: skip
            @given(case=strategy)
            def one(case: Any) -> None:
                nonlocal asked
                asked += 1
                for name, value in IDS.items():
                    if asked % 2 and case.path_parameters and name in case.path_parameters:
                        case.path_parameters[name] = value
                words = case.as_transport_kwargs(base_url=HOME)
                sent = {name: words[name] for name in ("params", "headers", "json", "data", "content", "cookies") if words.get(name) is not None}
                sent = {name: value for name, value in sent.items() if name != "cookies"}
                try:
                    answer = place_.ask(who, words["method"], words["url"], **sent)
                except (UnicodeEncodeError, httpx.InvalidURL):
                    return  # no client could send that
                told = schemathesis.Response.from_any(answer) if hasattr(schemathesis.Response, "from_any") else schemathesis.Response.from_httpx(answer, verify=True)
                case.validate_response(told, checks=checks)

            try:
                one()
            except BaseException as found:  # noqa: BLE001 - a group of what schemathesis found
                if "no examples" in str(found).lower() or type(found).__name__ == "Unsatisfiable":
                    continue
                wrong.append(f"{operation.method.upper()} {operation.path} as {who}: {str(found)[:600]}")
    return asked, wrong


@pytest.mark.parametrize("who", [*ROLES, "machine"])
def test_it_is_as_it_says(tmp_path: Path, who: str) -> None:
    """No fault, no nonsense taken, and every answer in the form the document gives it."""
    with served(tmp_path) as here:
        asked, wrong = sweep(here, who, EXAMPLES)
    assert not wrong, "\n\n".join(wrong)
    assert asked > 100


@pytest.mark.nightly
def test_it_is_as_it_says_two_thousand_times(tmp_path: Path) -> None:
    """The same at length, as an administrator."""
    with served(tmp_path) as here:
        _, wrong = sweep(here, "ida", 1000)
    assert not wrong, "\n\n".join(wrong)
