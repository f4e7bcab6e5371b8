"""Against HAProxy itself: weights and slices really move the traffic, and undo brings it back."""

from __future__ import annotations

import contextlib
import os
import shutil
import tempfile
from collections import Counter
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler
from pathlib import Path

import httpx
import pytest

from bot.domain.errors import Refused, Unavailable
from bot.domain.mitigation import Means
from bot.domain.service import Target
from bot.engine.values import Seen
from tests.actions.fakes import make
from tests.parts import binary, free_port, running
from tests.serving import served

pytestmark = [pytest.mark.real, pytest.mark.xdist_group("haproxy")]

TARGET = Target("visits-lb", "haproxy")
CONFIG = """
global
  stats socket {folder}/admin.sock mode 600 level admin
  stats socket {folder}/reader.sock mode 600 level user
defaults
  mode http
  timeout connect 2s
  timeout client 5s
  timeout server 5s
frontend front
  bind 127.0.0.1:{port}
  use_backend %[req.hdr(x-slice),map({folder}/slices.map,visits)]
backend visits
  balance random
  server v1 127.0.0.1:{v1} weight 0
  server v2 127.0.0.1:{v2} weight 100
backend rules
  server rules 127.0.0.1:{rules}
"""


@contextlib.contextmanager
def naming(name: str) -> Iterator[int]:
    """A backend that answers with its name."""

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.send_response(200)
            self.send_header("content-length", str(len(name)))
            self.end_headers()
            self.wfile.write(name.encode())

        def log_message(self, *args: object) -> None:
            """Quiet."""

    with served(Handler) as port:
        yield port


@pytest.fixture
def balancer() -> Iterator[tuple[Path, str]]:
    """A fresh HAProxy before three backends: (its folder, its front's URL)."""
    program = binary("haproxy")
    folder = Path(tempfile.mkdtemp(prefix="hap"))  # short: a unix socket's path has 107 characters
    try:
        with naming("v1") as v1, naming("v2") as v2, naming("rules") as rules:
            port = free_port()
            (folder / "slices.map").write_text("")
            config = CONFIG.format(folder=folder, port=port, v1=v1, v2=v2, rules=rules)
            (folder / "haproxy.cfg").write_text(config)
            ready = (folder / "admin.sock").exists
            with running([program, "-db", "-f", "haproxy.cfg"], ready, within=10, cwd=folder, env=dict(os.environ)):
                yield folder, f"http://127.0.0.1:{port}"
    finally:
        shutil.rmtree(folder)


def action(folder: Path, socket: str = "admin.sock"):
    return make("haproxy", address=f"unix:{folder}/{socket}", backend="visits", map_file=f"{folder}/slices.map")


def answers(url: str, slice_: str = "health=good", times: int = 20) -> Counter[str]:
    """Who answered so many requests of this slice."""
    with httpx.Client(trust_env=False) as client:
        return Counter(client.get(url, headers={"x-slice": slice_}).text for _ in range(times))


async def test_a_rollback_moves_all_traffic_and_back(balancer) -> None:
    """Before: v2 alone. After: v1 alone. Undone: v2 alone."""
    folder, url = balancer
    haproxy = action(folder)
    assert answers(url) == {"v2": 20}
    plan = await haproxy.plan(TARGET, Means.ROLLBACK, {})
    assert plan.diff == ("weight v1 0 → 100", "weight v2 100 → 0")
    await haproxy.execute(plan, "K")
    await haproxy.execute(plan, "K")
    assert answers(url) == {"v1": 20}
    assert (await haproxy.observe(plan, "K")).seen is Seen.APPLIED
    await haproxy.undo(plan, "K")
    assert answers(url) == {"v2": 20}
    assert (await haproxy.undone(plan, "K")).seen is Seen.APPLIED


async def test_weights_share_the_traffic(balancer) -> None:
    """Both versions answer when both have weight."""
    folder, url = balancer
    haproxy = action(folder)
    await haproxy.execute(await haproxy.plan(TARGET, Means.TRAFFIC, {"weights": {"v1": 50, "v2": 50}}), "K")
    assert set(answers(url, times=60)) == {"v1", "v2"}


async def test_a_bypass_moves_one_slice_alone(balancer) -> None:
    """The slice goes to the rules, the rest stays; set again it is one entry, undone it is none."""
    folder, url = balancer
    haproxy = action(folder)
    plan = await haproxy.plan(TARGET, Means.BYPASS, {"slice": "health=poor", "to": "rules"})
    await haproxy.execute(plan, "K")
    await haproxy.execute(plan, "K")
    assert answers(url, "health=poor") == {"rules": 20}
    assert answers(url) == {"v2": 20}
    assert (await haproxy.plan(TARGET, Means.BYPASS, {"slice": "health=poor", "to": "rules"})).diff == ()
    other = await haproxy.plan(TARGET, Means.BYPASS, {"slice": "health=poor", "to": "visits"})
    assert other.diff == ("slice health=poor: sent to rules → sent to visits",)
    await haproxy.undo(plan, "K")
    await haproxy.undo(plan, "K")
    assert answers(url, "health=poor") == {"v2": 20}


async def test_a_change_by_another_hand_makes_the_plan_stale(balancer) -> None:
    """The token differs and nothing is done."""
    folder, _ = balancer
    haproxy, other = action(folder), action(folder)
    plan = await haproxy.plan(TARGET, Means.ROLLBACK, {})
    await other.execute(await other.plan(TARGET, Means.TRAFFIC, {"weights": {"v1": 10, "v2": 90}}), "other")
    assert await haproxy.token(plan) != plan.token
    with pytest.raises(Refused, match="changed again since"):
        await haproxy.execute(plan, "K")


async def test_what_haproxy_refuses_is_told(balancer) -> None:
    """A socket without the right level, a backend that is not there, a dead socket: each a sentence."""
    folder, _ = balancer
    weak = action(folder, "reader.sock")
    plan = await action(folder).plan(TARGET, Means.ROLLBACK, {})
    with pytest.raises((Refused, Unavailable), match=r"ermission|denied|admin"):
        await weak.execute(plan, "K")
    nowhere = make("haproxy", address=f"unix:{folder}/admin.sock", backend="nowhere")
    with pytest.raises(Unavailable, match="nowhere"):
        await nowhere.plan(TARGET, Means.ROLLBACK, {})
    dead = make("haproxy", address=f"unix:{folder}/none.sock", backend="visits")
    with pytest.raises(Unavailable, match="could not be reached"):
        await dead.plan(TARGET, Means.ROLLBACK, {})
