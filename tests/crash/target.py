"""Targets that outlive every kill and remember what was really done to them: a router with keys, a balancer without.

Each can end the process that asks, at one request of its choice: before it does what was asked, after it did and before
it answers, or before, and do it later all the same, as a request does that was on its way.
"""

from __future__ import annotations

import json
import socketserver
import threading
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, TypeVar
from urllib.parse import parse_qs, unquote, urlsplit

V1, V2 = {"v1": 100, "v2": 0}, {"v1": 0, "v2": 100}
FORWARD, BACK = "apply", "revert"
CHANGES = (FORWARD, "apply the rest", BACK, "revert the rest")
"""Requests to change something; a target that changes in two steps is asked for the rest apart."""

LOST, DONE, LATE = "lost", "done", "late"
"""What becomes of the request at which the asking process is killed."""


class Target:
    """What both have in common: weights, what was asked, what took effect, and the trap."""

    keyed: bool

    def __init__(self) -> None:
        self.lock = threading.RLock()
        self.weights = dict(V2)
        self.asked: list[str] = []  # every request to change something, by its direction
        self.effects: list[str] = []  # those that changed something, in order
        self.requests: Counter[str] = Counter()  # of the process that asks now, by what they ask
        self.address = ""
        self._trap, self._kill = "", _nothing
        self._late: list[Callable[[], None]] = []

    def arm(self, point: str, kill: Callable[[], None]) -> None:
        """Before a process starts: kill it at `apply#1 lost`, say, the first request of that kind; "" leaves it alone."""
        with self.lock:
            self.requests.clear()
            self._trap, self._kill = point, kill

    def disarm(self) -> None:
        """Nobody lives who could be killed."""
        with self.lock:
            self._trap, self._kill = "", _nothing

    def land(self) -> None:
        """Let what was on its way arrive."""
        with self.lock:
            waiting, self._late = self._late, []
            for deed in waiting:
                deed()

    def stands(self) -> bool:
        """Whether the change stands, as somebody sees who looks; what was done by half they finish by hand."""
        self.land()
        with self.lock:
            if self.weights not in (V1, V2):
                self.turn(V1 if self.asked[-1].startswith(FORWARD) else V2)
            return self.weights == V1

    def meet(self, kind: str, deed: Callable[[], str]) -> str | None:
        """Do what was asked and give the answer; None where there is nobody left to answer."""
        with self.lock:
            self.requests[kind] += 1
            here = f"{kind}#{self.requests[kind]}"
            how = self._trap.removeprefix(f"{here} ") if self._trap.startswith(f"{here} ") else ""
            if kind in CHANGES:
                self.asked.append(kind)
            if how:
                self._trap = ""
            if how == DONE:
                deed()
            elif how == LATE:
                self._late.append(lambda: (deed(), None)[1])
            if how:
                self._kill()
                return None
            return deed()

    def turn(self, weights: dict[str, int]) -> None:
        """Take new weights, and remember that it did."""
        if weights != self.weights:
            self.weights = dict(weights)
            if weights in (V1, V2):
                self.effects.append(FORWARD if weights == V1 else BACK)


def _nothing() -> None:
    """No process to kill."""


class Router(Target):
    """Revisions, dry runs and keys over HTTP: a key it knows never changes anything twice."""

    keyed = True

    def __init__(self) -> None:
        super().__init__()
        self.revision = 4
        self.applied: dict[str, dict[str, Any]] = {}

    def state(self) -> str:
        told = {"revision": self.revision, "weights": self.weights, "bypass": {}, "backends": [*self.weights]}
        return _ok(told)

    def apply(self, body: dict[str, Any], *, dry: bool) -> str:
        if not dry and body["key"] in self.applied:
            return _ok(self.applied[body["key"]])
        if body["expect_revision"] != self.revision:
            return _answer(409, {"reasons": [f"it is revision {self.revision} now"]})
        if dry:
            return _ok({"dry_run": True})
        self.turn(self.weights | body["weights"])
        self.revision += 1
        record = {"revision": self.revision, "at": "2026-11-20T12:00:00+00:00"}
        self.applied[body["key"]] = record
        return _ok(record)

    def record(self, key: str) -> str:
        found = self.applied.get(key)
        return _ok(found) if found else _answer(404, {"reasons": ["no such key"]})

    def serve(self, method: str, path: str, body: dict[str, Any]) -> str | None:
        parts = urlsplit(path)
        if parts.path == "/state":
            return self.meet("state", self.state)
        if method == "POST" and parts.path == "/apply":
            dry = parse_qs(parts.query).get("dry_run") == ["1"]
            back = str(body.get("key", "")).endswith("/undo")
            kind = "dry_run" if dry else BACK if back else FORWARD
            return self.meet(kind, lambda: self.apply(body, dry=dry))
        key = unquote(parts.path.removeprefix("/applied/"))
        return self.meet("record", lambda: self.record(key))


class Balancer(Target):
    """HAProxy's runtime API for two servers: it knows neither keys nor revisions, and does what each line says."""

    keyed = False

    def state(self) -> str:
        columns = "be_id be_name srv_id srv_name srv_addr srv_op_state srv_admin_state srv_uweight srv_iweight"
        rows = [
            f"3 visits {number} {name} 127.0.0.1 2 0 {weight} {weight}"
            for number, (name, weight) in enumerate(self.weights.items(), 1)
        ]
        return "\n".join(("1", f"# {columns}", *rows, "", ""))

    def counts(self) -> str:
        rows = [f"visits,{name},2,0,,,," for name in self.weights]
        return "\n".join(
            ("# pxname,svname,type,stot,slim,scur,algo,cookie", *rows, "visits,BACKEND,1,0,,0,roundrobin,", "")
        )

    def serve(self, line: str) -> str | None:
        if line.startswith("show servers state"):
            return self.meet("state", self.state)
        if line.startswith("show"):
            return self.meet("count", self.counts if line.startswith("show stat") else lambda: "\n")
        _set, _server, name, _weight, weight = line.split()  # weights are raised first, then the others lowered
        wanted = {name.partition("/")[2]: int(weight)}

        def deed() -> str:
            self.turn(self.weights | wanted)
            return "\n"

        return self.meet(CHANGES[[{"v1": 100}, {"v2": 0}, {"v2": 100}, {"v1": 0}].index(wanted)], deed)


def _ok(body: Any) -> str:
    return _answer(200, body)


def _answer(status: int, body: Any) -> str:
    return json.dumps({"status": status, "body": body})


R = TypeVar("R", bound=Router)


@contextmanager
def routing(given: R | None = None) -> Iterator[R]:
    """A router that answers on a free port."""
    router: Any = given or Router()

    class Page(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_GET(self) -> None:
            self._answer({})
            router.land()

        def do_POST(self) -> None:
            length = int(self.headers.get("Content-Length") or 0)
            self._answer(json.loads(self.rfile.read(length)))

        def _answer(self, body: dict[str, Any]) -> None:
            told = router.serve(self.command, self.path, body)
            if told is None:
                self.close_connection = True
                return
            answer = json.loads(told)
            content = json.dumps(answer["body"]).encode()
            with suppress(OSError):  # whoever asked may be gone
                self.send_response(answer["status"])
                self.send_header("Content-Type", "application/json")
                self.send_header("Content-Length", str(len(content)))
                self.end_headers()
                self.wfile.write(content)

        def log_message(self, *_words: object) -> None:
            """Say nothing."""

    with _serving(ThreadingHTTPServer(("127.0.0.1", 0), Page)) as port:
        router.address = f"http://127.0.0.1:{port}"
        yield router


@contextmanager
def balancing() -> Iterator[Balancer]:
    """A balancer that answers on a free port."""
    balancer = Balancer()

    class Line(socketserver.StreamRequestHandler):
        def handle(self) -> None:
            line = self.rfile.readline().decode().strip()
            told = balancer.serve(line) if line else None
            if told is None:
                return
            with suppress(OSError):
                self.wfile.write(told.encode())
            if line.startswith("show"):
                balancer.land()

    with _serving(socketserver.ThreadingTCPServer(("127.0.0.1", 0), Line)) as port:
        balancer.address = f"tcp:127.0.0.1:{port}"
        yield balancer


@contextmanager
def _serving(server: socketserver.TCPServer) -> Iterator[int]:
    server.daemon_threads = True  # type: ignore[attr-defined]
    server.handle_error = lambda *_given: None  # type: ignore[method-assign]  # a killed process breaks off
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True)
    thread.start()
    try:
        yield server.server_address[1]
    finally:
        server.shutdown()
        server.server_close()
        thread.join(5)
