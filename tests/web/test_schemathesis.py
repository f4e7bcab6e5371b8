"""The API is asked by schemathesis what its own document promises: in order, out of order, and by each role."""

from __future__ import annotations

import asyncio
import json
import os
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Self

import httpx
import pytest
from hypothesis import HealthCheck, Phase, given, seed, settings
from hypothesis.errors import Unsatisfiable

from bot.web.described import describe
from bot.web.pace import Pace
from tests.web.fakes import HOME, Place, place
from tests.web.legal import TEMPLATE, breach

schemathesis = pytest.importorskip("schemathesis")

CI = bool(os.environ.get("CI"))
EXAMPLES, AT_LENGTH = 10 if CI else 1, 30
ROLES = ("ana", "ben", "max", "cleo", "audrey", "ida")
EVERYBODY = (*ROLES, "machine")
IN_TURN = "each in turn"
CHECKS = (
    "not_a_server_error", "status_code_conformance", "content_type_conformance", "response_schema_conformance",
    "negative_data_rejection",
)  # fmt: skip
OWN = frozenset({"authorization", "x-tocsin-person", "cookie"})
"""Who asks is the sweep's own to say."""
IDS = {"incident": "INC-1", "notice": "N1"}
"""Half of what is asked is about an incident there is: what a made-up name is answered is soon known."""


class Served:
    """The console in a loop of its own, asked one request at a time."""

    def __init__(self, folder: Path) -> None:
        self._folder, self._loop = folder, asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, daemon=True)
        self._clients: dict[str, httpx.AsyncClient] = {}

    def __enter__(self) -> Self:
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
        self.home.watch.poll()
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


def sweep(here: Served, who: str, examples: int) -> tuple[int, list[str]]:
    """Ask every operation that often; how many requests those were, and what was wrong."""
    asked, wrong = 0, []
    for number, result in enumerate(schemathesis.openapi.from_dict(here.document).get_all_operations()):
        operation = result.ok()
        asker = EVERYBODY[number % len(EVERYBODY)] if who == IN_TURN else who
        for mode in (schemathesis.GenerationMode.POSITIVE, schemathesis.GenerationMode.NEGATIVE):
            many, found = _asked(here, asker, operation, mode, examples)
            asked += many
            wrong += [f"{operation.method.upper()} {operation.path} as {asker}: {found}"] if found else []
    return asked, wrong


def _asked(here: Served, who: str, operation: Any, mode: Any, examples: int) -> tuple[int, str]:
    """Ask one operation in that way; how often, and what was wrong, "" where nothing was."""
    checks = [schemathesis.checks.CHECKS.get_one(name) for name in CHECKS]
    count = 0

    @seed(20261130)
    @settings(
        max_examples=examples, deadline=None, database=None, phases=[Phase.generate],
        suppress_health_check=list(HealthCheck),
    )  # fmt: skip
    @given(case=operation.as_strategy(generation_mode=mode))
    def one(case: Any) -> None:
        nonlocal count
        count += 1
        for name, value in IDS.items():
            if count % 2 and name in (case.path_parameters or {}):
                case.path_parameters[name] = value
        answer = _sent(here, who, case)
        if answer is not None:
            case.validate_response(answer, checks=checks)

    try:
        one()
    except (Unsatisfiable, schemathesis.errors.SchemathesisError):
        return count, ""  # nothing of it can be said wrongly
    except BaseExceptionGroup as found:
        return count, "\n".join(str(each)[:600] for each in found.exceptions)
    except AssertionError as found:
        return count, str(found)[:600]
    return count, ""


def _sent(here: Served, who: str, case: Any) -> httpx.Response | None:
    """The answer; None where no client could send that."""
    words = case.as_transport_kwargs(base_url=HOME)
    sent = {name: words[name] for name in ("params", "headers", "json", "data") if words.get(name) is not None}
    if "data" in sent:  # a body of no form that JSON has
        data = sent.pop("data")
        sent["content"] = data if isinstance(data, bytes) else str(data).encode("utf-8", "replace")
    sent["headers"] = {name: value for name, value in sent["headers"].items() if name.lower() not in OWN}
    try:
        return here.ask(who, words["method"], words["url"], **sent)
    except (UnicodeEncodeError, httpx.InvalidURL):
        return None


@pytest.mark.parametrize("who", EVERYBODY if CI else [IN_TURN])
def test_it_is_as_it_says(tmp_path: Path, who: str) -> None:
    """No fault, no nonsense taken, and every answer in the form the document gives it."""
    with served(tmp_path) as here:
        asked, wrong = sweep(here, who, EXAMPLES)
    assert not wrong, "\n\n".join(wrong)
    assert asked > 100


@pytest.mark.nightly
def test_it_is_as_it_says_at_length(tmp_path: Path) -> None:
    """The same, thirty rightly and thirty wrongly made requests to each operation, as an administrator: some minutes."""
    with served(tmp_path) as here:
        _, wrong = sweep(here, "ida", AT_LENGTH)
    assert not wrong, "\n\n".join(wrong)
