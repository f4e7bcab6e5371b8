"""The whole house on PostgreSQL: the main walk, two replicas as processes of their own, and one of them killed.

Real here: PostgreSQL, the processes, DBOS, the web console, HTTP. Contract: the router and the counters of the
demonstration's world, served by the test.
"""

from __future__ import annotations

import asyncio
import contextlib
import os
import shutil
import signal
import sys
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest
import yaml
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import PlainTextResponse
from starlette.routing import Route

from bot.clock import SystemClock
from bot.demo import gateway, hosting
from bot.demo.router import Router
from bot.domain.approval import ApproveMitigation
from bot.domain.lifecycle import Resolve
from bot.domain.mitigation import State
from bot.domain.paging import Acknowledge
from bot.domain.phase import Phase
from tests.parts import free_port
from tests.postgres import Postgres
from tests.world import FOLDER, World

pytestmark = [pytest.mark.real, pytest.mark.xdist_group("replicas")]
ROOT = Path(__file__).parents[2]
Seen = dict[str, Any]


@pytest.fixture
def database(postgres: Postgres) -> Iterator[str]:
    with postgres.database() as url:
        yield url


async def test_the_main_walk_on_postgresql(tmp_path: Path, database: str) -> None:
    """Found, proposed, refused to the proposer, approved by a second, carried out once across a crash, proved, resolved.

    A second replica reads the same words, and nothing is kept beside the database.
    """
    async with World.open(tmp_path, database=database) as world:
        await world.healthy()
        await world.broken()
        assert world.phone.pages == [("ana", "page:INC-1:0")]
        await world.say(Acknowledge(), "ana")
        await world.propose("rollback-v1", "ana")
        digest = (await world.incident()).mitigations["M1"].digest
        assert await world.refuses(ApproveMitigation("M1", digest), "ana")
        await world.approve("M1", by="ben")
        await world.crash()
        assert world.router.weights == {"v1": 100, "v2": 0}
        assert len(world.router.effects) == 1
        await world.healthy(30)
        assert (await world.incident()).mitigations["M1"].state is State.VERIFIED
        await world.say(Resolve("v2 was rolled back"), "ana")
        assert (await world.incident()).phase is Phase.RESOLVED
        heads = await world.house.desk.log.verify()
        assert set(heads) == {"INC-1"}
        async with world.another() as second:
            assert await second.desk.log.verify() == heads
            assert (await second.desk.log.load("INC-1")).phase is Phase.RESOLVED
    assert [each.name for each in tmp_path.iterdir()] == ["console-secret"]  # noqa: ASYNC240 - after everything


# -- two replicas ----------------------------------------------------------------------------------------------------


class Held:
    """A router that can be made to hang in the midst of a change: before it takes place, or before it is answered."""

    def __init__(self, app: Any) -> None:
        self.app, self.when = app, ""
        self.reached, self.go_on = asyncio.Event(), asyncio.Event()
        self.asked = 0  # changes asked for, dry runs aside

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        if scope["type"] != "http" or scope["path"] != "/apply" or scope["query_string"]:
            await self.app(scope, receive, send)
            return
        self.asked += 1
        when, self.when = self.when, ""
        if when == "before":
            await self._hang()
        elif when == "after":
            inner = send

            async def send(message: Any) -> None:
                if not self.reached.is_set():
                    await self._hang()
                await inner(message)

        await self.app(scope, receive, send)

    async def _hang(self) -> None:
        self.reached.set()
        await self.go_on.wait()


class Stand:
    """A world of counters and a router, and two replicas of the house that watch it."""

    def __init__(self, folder: Path, database: str) -> None:
        self.folder, self.database = folder, database
        self.router = Router(folder / "router.json", SystemClock().now, weighted=("v1", "v2"), fallbacks=["rules"],
                             slices=["health=poor"])  # fmt: skip
        self.held = Held(gateway.app(gateway.Gateway(self.router, {})))
        self.good = self.total = 0
        self.urls: dict[str, str] = {}
        self.children: dict[str, asyncio.subprocess.Process] = {}
        self.ports = {name: free_port() for name in ("a", "b")}
        self.http = httpx.AsyncClient(trust_env=False, timeout=10)

    @classmethod
    @contextlib.asynccontextmanager
    async def open(cls, folder: Path, database: str) -> AsyncIterator[Stand]:
        stand = cls(folder, database)
        doors = {"router": (hosting.door(None), stand.held), "metrics": (hosting.door(None), stand.metrics())}
        stand.urls = {name: hosting.url(sock) for name, (sock, _app) in doors.items()}
        async with hosting.serving(doors):  # type: ignore[arg-type]
            traffic = asyncio.create_task(stand.traffic())
            try:
                yield stand
            finally:
                traffic.cancel()
                stand.held.go_on.set()
                await asyncio.gather(*(stand.end(name) for name in list(stand.children)))
                await stand.http.aclose()

    # -- the world ---------------------------------------------------------------------------------------------------

    def metrics(self) -> Starlette:
        async def told(_: Request) -> PlainTextResponse:
            counters = {"good_total": self.good, "all_total": self.total}
            return PlainTextResponse("".join(f'# TYPE {name} counter\n{name}{{health="poor"}} {value}\n'
                                             for name, value in counters.items()))  # fmt: skip

        return Starlette(routes=[Route("/metrics", told)])

    async def traffic(self) -> None:
        """A hundred a second; v1 gets 80 % of them right, v2 none."""
        while True:
            await asyncio.sleep(0.1)
            self.total += 10
            self.good += 8 if self.router.state()["weights"]["v1"] else 0

    def release(self, version: str) -> None:
        weights = {name: 100 * (name == version) for name in ("v1", "v2")}
        answer = self.router.apply({"key": f"deploy {version}", "expect_revision": self.router.revision,
                                    "weights": weights})  # fmt: skip
        assert answer.status == 200

    def ours(self) -> list[str]:
        """Keys of the changes that really took place and are not the deployer's, in order."""
        return [each["key"] for each in self.router.history() if str(each["key"]).startswith("INC-")]

    # -- replicas ----------------------------------------------------------------------------------------------------

    def configuration(self, name: str) -> Path:
        """The house of tests/house on PostgreSQL, with this replica's own port and state folder."""
        folder = self.folder / name
        if not folder.exists():
            shutil.copytree(FOLDER, folder)
            slo = folder / "slos" / "recall-poor.yaml"
            slo.write_text(slo.read_text().replace("page:15s/5s@1.7", "page:6s/2s@1.7").replace('"8s"', '"3s"'))
            service = folder / "services" / "visits.yaml"
            service.write_text(service.read_text().replace("http://127.0.0.1:1", self.urls["router"]))
            house = yaml.safe_load((folder / "tocsin.yaml").read_text())
            house |= {
                "database": {"url": self.database},
                "state": "state",
                "web": {"port": self.ports[name]},
                "slack": {"mode": "off"},
                "sources": {"metrics": {"kind": "openmetrics", "urls": [f"{self.urls['metrics']}/metrics"]}},
                "policy": {"verify_after": "2s", "soak": "0s", "evidence_hold": "1s"},
            }
            (folder / "tocsin.yaml").write_text(yaml.safe_dump(house))
        return folder / "tocsin.yaml"

    async def start(self, name: str) -> None:
        line = [sys.executable, str(Path(__file__).with_name("replica.py")), str(self.configuration(name))]
        with (self.folder / f"{name}.log").open("ab") as log:
            self.children[name] = await asyncio.create_subprocess_exec(
                *line, str(self.folder / "phone"), cwd=ROOT, stdout=log, stderr=log, stdin=asyncio.subprocess.DEVNULL,
                env={**os.environ, "PYTHONPATH": str(ROOT)},
            )  # fmt: skip

        async def ready() -> bool:
            assert self.children[name].returncode is None, self.log(name)[-2000:]
            return (await self.http.get(f"http://127.0.0.1:{self.ports[name]}/readyz")).is_success

        await self.until(ready, within=40)

    async def kill(self, name: str) -> None:
        child = self.children.pop(name)
        child.send_signal(signal.SIGKILL)
        await child.wait()

    async def end(self, name: str) -> None:
        child = self.children.pop(name)
        if child.returncode is None:
            child.terminate()
        try:
            await asyncio.wait_for(child.wait(), 20)
        except TimeoutError:
            child.kill()
            await child.wait()

    def log(self, name: str) -> str:
        return (self.folder / f"{name}.log").read_text(errors="replace")

    def pages(self) -> list[str]:
        path = self.folder / "phone"
        return path.read_text().splitlines() if path.exists() else []

    # -- people ------------------------------------------------------------------------------------------------------

    async def ask(self, name: str, method: str, path: str, who: str = "ben", **body: Any) -> Any:
        machine = (self.folder / name / "state" / "api-token").read_text().strip()
        base = f"http://127.0.0.1:{self.ports[name]}/api"
        headers = {"Authorization": f"Bearer {machine}", "X-Tocsin-Person": who}
        if path.endswith("/approve"):  # a person's own word: by a token of their own, kept by this replica
            made = await self.http.post(f"{base}/tokens", json={"person": who}, headers=headers)
            headers = {"Authorization": f"Bearer {made.raise_for_status().json()['token']}"}
        answer = await self.http.request(
            method, f"{base}{path}", json=None if method == "GET" else body, headers=headers
        )
        assert answer.is_success, f"{path}: {answer.status_code} {answer.text[:500]}"
        return answer.json()

    async def seen(self, name: str) -> Seen:
        told: Seen = await self.ask(name, "GET", "/incidents/INC-1")
        return told

    async def broken(self, name: str) -> None:
        """Something breaks, and somebody acknowledges the page for it."""
        self.release("v2")

        async def declared() -> bool:
            return bool(await self.ask(name, "GET", "/incidents")) and bool(self.pages())

        await self.until(declared)
        await self.ask(name, "POST", "/incidents/INC-1/acknowledge", who="ana")

    async def approved(self, name: str) -> None:
        """A rollback is proposed here and approved here."""
        await self.ask(name, "POST", "/incidents/INC-1/propose", who="ana", offer="rollback-v1", because="it was v2")

        async def held() -> bool:
            return (await self.seen(name))["mitigations"][0]["held"] is not None

        await self.until(held)
        (mitigation,) = (await self.seen(name))["mitigations"]
        await self.ask(name, "POST", "/incidents/INC-1/approve", mitigation="M1", digest=mitigation["digest"])

    async def state(self, name: str, wanted: str, within: float = 40) -> None:
        async def there() -> bool:
            return (await self.seen(name))["mitigations"][0]["state"] == wanted

        await self.until(there, within=within)

    async def until(self, holds: Callable[[], Awaitable[bool]], within: float = 40) -> None:
        deadline = asyncio.get_running_loop().time() + within
        while True:
            with contextlib.suppress(httpx.HTTPError, FileNotFoundError):
                if await holds():
                    return
            if asyncio.get_running_loop().time() > deadline:
                logs = "\n".join(f"{name}: {self.log(name)[-1500:]}" for name in ("a", "b") if name in self.children)
                raise AssertionError(f"{holds.__name__} does not come true\n{logs}")
            await asyncio.sleep(0.1)


@pytest.mark.long
async def test_two_replicas_do_everything_once(tmp_path: Path, database: str) -> None:
    """Both watch, both look at every commit of theirs: one incident, one page, one change, one word for each fact."""
    async with Stand.open(tmp_path, database) as stand:
        await asyncio.gather(stand.start("a"), stand.start("b"))
        await stand.broken("a")
        await stand.approved("a")
        await asyncio.gather(*(  # whoever commits looks: both look while the change is owed and being carried out
            stand.ask(name, "POST", "/incidents/INC-1/update", text=f"{turn} says {name}")
            for turn in range(3) for name in ("a", "b")
        ))  # fmt: skip
        await stand.state("b", "verified")
        for name in ("a", "b"):
            assert len(await stand.ask(name, "GET", "/incidents")) == 1
            assert (await stand.ask(name, "GET", "/verify"))["ok"]
        assert stand.pages() == ["ana page:INC-1:0"]
        assert len(stand.ours()) == 1
        assert stand.held.asked == 1
        assert sum(stand.log(name).count("leads now") for name in ("a", "b")) == 1
        lines = [line["text"] for line in (await stand.seen("a"))["timeline"]]
        for once in (
            "Tocsin suspects ",  # it opens on evidence, and pages when there is harm
            "it is a page now",
            "was paged",
            "approved M1",
            "M1 is being carried out",
            "M1 was applied",
            "M1 is verified",
        ):
            assert sum(once in line for line in lines) == 1, f"{once}: {lines}"


@pytest.mark.long
@pytest.mark.parametrize("when", ["before", "after"])
async def test_a_replica_is_killed_while_it_acts(tmp_path: Path, database: str, when: str) -> None:
    """SIGKILL of the leader while the router hangs, before or after the change took place: it takes place once.

    The other replica finds out which it was, leads from then on, and proves by the data that the change helped.
    """
    async with Stand.open(tmp_path, database) as stand:
        await stand.start("a")
        await stand.start("b")
        await stand.broken("a")
        stand.held.when = when
        await stand.approved("a")
        await asyncio.wait_for(stand.held.reached.wait(), 20)
        assert len(stand.ours()) == (when == "after")
        await stand.kill("a")
        await stand.state("b", "verified")
        stand.held.go_on.set()  # what the dead one asked for may land late
        await asyncio.sleep(0.5)
        assert len(stand.ours()) == 1
        assert stand.router.state()["weights"] == {"v1": 100, "v2": 0}
        assert stand.held.asked == (2 if when == "before" else 1)
        assert stand.pages() == ["ana page:INC-1:0"]
        assert (await stand.ask("b", "GET", "/verify"))["ok"]
        assert (stand.log("a").count("leads now"), stand.log("b").count("leads now")) == (1, 1)
