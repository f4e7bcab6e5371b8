"""A HAProxy that behaves like the real one at its runtime API; tests/real/test_haproxy_conformance.py holds it to it."""

from __future__ import annotations

import asyncio
import contextlib
import re
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

from bot.clients import haproxy_files as files
from bot.clients.haproxy import servers_in
from tests.parts import Hands

_HEADER = (
    "# be_id be_name srv_id srv_name srv_addr srv_op_state srv_admin_state srv_uweight srv_iweight "
    "srv_time_since_last_change srv_check_status srv_check_result srv_check_health srv_check_state srv_agent_state "
    "bk_f_forced_id srv_f_forced_id srv_fqdn srv_port srvrecord srv_use_ssl srv_check_port srv_check_addr "
    "srv_agent_addr srv_agent_port"
)
_STATIC = "Backend is using a static LB algorithm and only accepts weights '0%' and '100%'."
_RANGE = "Absolute weight can only be between 0 and 256 inclusive."
_NO_MAP = "Unknown map identifier. Please use #<id> or <file>."
_DENIED = "Permission denied"
_MAINT, _DRAIN = 1, 8


class FakeHAProxy:
    """The runtime API of one HAProxy, with its habits: silence is success, `add map` twice is two entries.

    `map_file` is known under any name where it is "", else by its path only. `restart` is what a reload does: a new
    process, with what the configuration, the state file and the map file say.
    """

    def __init__(self, clock: Hands | None = None) -> None:
        self.clock = clock or Hands()
        self.configured = {"v1": 0, "v2": 100}
        self.weights = dict(self.configured)
        self.map: list[tuple[str, str]] = []
        self.held: dict[str, int] = {}
        """Servers in maintenance (1) or draining (8)."""
        self.algorithm, self.sticky = "unknown", False
        self.limits: dict[str, int] = {}
        self.sessions = 0
        self.requests = dict.fromkeys(self.configured, 0)
        self.state_file = self.map_file = ""
        self.started = self.clock.now()
        self.changed = 0
        self.lines: list[str] = []

    def state(self) -> dict[str, Any]:
        return {"weights": dict(self.weights), "map": list(self.map)}

    def someone_changes_it(self) -> None:
        self.weights, self.map = {"v1": 50, "v2": 50}, [("health=poor", "v2")]

    def restart(self) -> None:
        """Reload: another process, which knows only what stands in files."""
        self.started, self.weights, self.map = self.clock.now(), dict(self.configured), []
        self.requests = dict.fromkeys(self.configured, 0)
        if self.state_file and Path(self.state_file).exists():
            for name, kept in servers_in(files.read(self.state_file))["visits"].items():
                if kept.configured == self.configured[name]:  # as HAProxy: a new configuration goes before the state
                    self.weights[name] = kept.weight
        if self.map_file:
            for line in files.read(self.map_file).splitlines():
                if line.strip() and not line.startswith("#"):
                    key, value = line.split(maxsplit=1)
                    self.map.append((key, value))

    @contextlib.asynccontextmanager
    async def listening(self, level: str = "admin") -> AsyncIterator[str]:
        async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            line = (await reader.readline()).decode().strip()
            self.lines.append(line)
            writer.write("".join(f"{self.answer(part, level)}\n" for part in line.split(";")).encode())
            await writer.drain()
            writer.close()

        server = await asyncio.start_server(serve, "127.0.0.1", 0)
        try:
            yield f"tcp:127.0.0.1:{server.sockets[0].getsockname()[1]}"
        finally:
            server.close()

    def answer(self, command: str, level: str = "admin") -> str:
        """What it answers to one command; as with the real one, a map needs no level, a server does."""
        words = command.split()
        match words:
            case ["set", "server", *_] if level != "admin":
                return _DENIED
            case ["set", "server", place, "weight", weight]:
                return self._weigh(*place.split("/"), weight)
            case ["set", "server", place, "state", state]:
                self.held[place.partition("/")[2]] = {"maint": _MAINT, "drain": _DRAIN}.get(state, 0)
                return ""
            case ["get", "weight", place] if (name := place.partition("/")[2]) in self.weights:
                return f"{self.weights[name]} (initial {self.configured[name]})"
            case [_, "map", *_]:
                return self._mapped(words)
            case ["show", *rest]:
                return self._shown(rest)
            case _:
                return "Unknown command, but maybe one of the following ones is a better match:"

    def _weigh(self, backend: str, name: str, weight: str) -> str:
        if backend != "visits":
            return "No such backend."
        if name not in self.weights:
            return "No such server."
        if not re.match(r"\d", weight):
            return "Empty weight string empty or preceded by garbage"
        if int(weight) > 256:
            return _RANGE
        if self.algorithm == "static-rr" and int(weight):
            return _STATIC
        self.changed += self.weights[name] != int(weight)
        self.weights[name] = int(weight)
        return ""

    def _mapped(self, words: list[str]) -> str:
        if len(words) > 2 and self.map_file and words[2] != self.map_file:
            return _NO_MAP
        match words:
            case ["show", "map", _]:
                return "".join(f"0x55e0 {key} {value}\n" for key, value in self.map)
            case ["add", "map", _, key, value]:
                self.map.append((key, value))
            case ["set", "map", _, key, value]:
                if all(held != key for held, _ in self.map):
                    return "entry not found."
                self.map = [(held, value if held == key else old) for held, old in self.map]
            case ["del", "map", _, key]:
                if all(held != key for held, _ in self.map):
                    return "Key not found."
                self.map = [(held, old) for held, old in self.map if held != key]
        self.changed += 1
        return ""

    def _shown(self, rest: list[str]) -> str:
        match rest:
            case ["servers", "state"] | ["servers", "state", "visits"]:
                rows = [
                    f"3 visits {i} {name} 127.0.0.1 {0 if self.held.get(name) == _MAINT else 2} "
                    f"{self.held.get(name, 0)} {weight} {self.configured.get(name, weight)} 9 1 0 2 0 0 0 0 - 80 - 0 0 - - 0"
                    for i, (name, weight) in enumerate(self.weights.items(), 1)
                ]
                return "\n".join(["1", _HEADER, *rows, ""])
            case ["servers", "state", _]:
                return "Can't find backend."
            case ["backend"]:
                return "# name\nvisits\nrules\n"
            case ["info"]:
                return f"Name: HAProxy\nUptime_sec: {int((self.clock.now() - self.started).total_seconds())}\n"
            case ["table"]:
                return "# table: visits, type: ip, size:10240, used:1\n" if self.sticky else ""
            case ["stat", "visits", "6", "-1"]:
                rows = [
                    f"visits,{name},0,{self.limits.get(name, '')},{self.requests.get(name, 0)},2,,"
                    for name in self.weights
                ]
                total = sum(self.requests.values())
                rows.append(f"visits,BACKEND,{self.sessions},512,{total},1,,{self.algorithm}")
                return "\n".join(["# pxname,svname,scur,slim,stot,type,cookie,algo", *rows, ""])
            case ["stat", _, "6", "-1"]:
                return "No such proxy."
        return "Unknown command, but maybe one of the following ones is a better match:"
