"""HAProxy's runtime API: weights of servers, entries of map files and its counters, over its unix socket or TCP port.

Management guide, section 9.3: a change that worked answers with nothing; what goes wrong is answered in words.
"""

from __future__ import annotations

import asyncio
import csv
import re
from collections.abc import Mapping
from dataclasses import dataclass

from bot.domain.errors import Refused, Unavailable

WHAT = "HAProxy"
MOST_WEIGHT = 256
NAME = re.compile(r"[A-Za-z0-9_.:@=/#-]+")  # nothing that ends a command: no blank, semicolon, newline or backslash
_CAP = 4 * 1024 * 1024
_STATE_COLUMNS = ("be_name", "srv_name", "srv_op_state", "srv_admin_state", "srv_uweight", "srv_iweight")
_STOPPED, _STOPPING = 0, 3
_BACKEND, _SERVER = "1", "2"  # `show stat`: column type
_COUNTED = 2 + 4  # ... and what to show: backends and servers


@dataclass(frozen=True, slots=True)
class Address:
    """`unix:/run/haproxy.sock` or `tcp:127.0.0.1:9999`."""

    path: str = ""
    host: str = ""
    port: int = 0

    @classmethod
    def parse(cls, text: str) -> Address:
        """Raises ValueError with what was expected."""
        kind, _, rest = text.partition(":")
        if kind == "unix" and rest.startswith("/"):
            return cls(path=rest)
        host, _, port = rest.rpartition(":")
        if kind == "tcp" and host and port.isdigit():
            return cls(host=host, port=int(port))
        raise ValueError("expected unix:/path/to/socket or tcp:host:port")


@dataclass(frozen=True, slots=True)
class Server:
    """One server: its weight now, the one of the configuration, and whether it takes new traffic at all."""

    weight: int
    configured: int
    ready: bool


@dataclass(frozen=True, slots=True)
class Statistics:
    """Requests per server since the start, each server's limit of sessions, the sessions now, how it balances.

    `sticky`: clients are kept to a server, by a cookie or a table, whatever its weight.
    """

    requests: Mapping[str, int]
    limits: Mapping[str, int]
    sessions: int
    algorithm: str
    sticky: bool


class HAProxy:
    """One runtime API. A connection carries one line of commands, as the non-interactive mode is meant to be used."""

    def __init__(self, address: Address, seconds: float) -> None:
        self._address, self._seconds = address, seconds

    async def servers(self, backend: str) -> dict[str, Server]:
        """Every server of a backend, in the configuration's order. Raises Unavailable."""
        answer = await self.ask(f"show servers state {safe(backend)}")
        try:
            found = servers_in(answer).get(backend, {})
        except ValueError as wrong:
            raise Unavailable(WHAT, _why(answer) or f"tells nothing of a backend {backend}: {wrong}") from None
        if not found:
            raise Unavailable(WHAT, f"backend {backend} has no servers")
        return found

    async def backends(self) -> list[str]:
        """The names of its backends. Raises Unavailable."""
        answer = await self.ask("show backend")
        names = [line.strip() for line in answer.splitlines() if line.strip() and not line.startswith("#")]
        if not answer.startswith("#"):
            raise Unavailable(WHAT, _why(answer) or "tells no backends")
        return names

    async def set_weights(self, backend: str, weights: Mapping[str, int], now: Mapping[str, int]) -> None:
        """Bring weights from `now` to `weights`. Raises Refused with HAProxy's words, Unavailable.

        HAProxy carries on with a line after a command it refused, so what takes traffic away is said only once what
        gives it was taken: somebody has weight at every moment.
        """
        for server, weight in weights.items():
            if not 0 <= weight <= MOST_WEIGHT:
                raise Refused(f"a weight lies between 0 and {MOST_WEIGHT}, not {weight} for {server}")
        raised = [name for name, weight in weights.items() if weight > now.get(name, 0)]
        lowered = [name for name, weight in weights.items() if weight < now.get(name, 0)]
        for names in filter(None, (raised, lowered)):
            lines = [f"set server {safe(backend)}/{safe(name)} weight {weights[name]}" for name in names]
            self._expect_nothing(await self.ask(";".join(lines)))

    async def state(self) -> str:
        """The state of every server as its state file holds it. Raises Unavailable."""
        told = await self.ask("show servers state")
        try:
            servers_in(told)
        except ValueError as wrong:
            raise Unavailable(WHAT, _why(told) or f"tells no state of its servers: {wrong}") from None
        return f"{told}\n"

    async def uptime(self) -> float:
        """Seconds since the process that answers was started; a reload is a new process. Raises Unavailable."""
        told = dict(line.partition(": ")[::2] for line in (await self.ask("show info")).splitlines())
        if not told.get("Uptime_sec", "").isdigit():
            raise Unavailable(WHAT, "does not tell since when it runs")
        return float(told["Uptime_sec"])

    async def statistics(self, backend: str) -> Statistics:
        """What it counted of one backend since it was started. Raises Unavailable."""
        answer = await self.ask(f"show stat {safe(backend)} {_COUNTED} -1")
        rows = [row for row in csv.DictReader(answer.removeprefix("# ").splitlines()) if row.get("pxname") == backend]
        whole = next((row for row in rows if row.get("type") == _BACKEND), None)
        servers = {str(row["svname"]): row for row in rows if row.get("type") == _SERVER}
        if whole is None or not servers:
            raise Unavailable(WHAT, _why(answer) or f"counts nothing of a backend {backend}")
        cookies = any(row.get("cookie") for row in servers.values())
        tables = cookies or f"# table: {backend}," in await self.ask("show table")
        try:
            return Statistics(
                {name: int(row.get("stot") or 0) for name, row in servers.items()},
                {name: int(row["slim"]) for name, row in servers.items() if row.get("slim")},
                int(whole.get("scur") or 0),
                whole.get("algo") or "",
                sticky=tables,
            )
        except (ValueError, TypeError):
            raise Unavailable(WHAT, "counted something that is no number") from None

    async def entries(self, map_file: str) -> list[tuple[str, str]]:
        """Every (key, value) of a map, duplicates included. Raises Unavailable."""
        answer = await self.ask(f"show map {safe(map_file)}")
        found: list[tuple[str, str]] = []
        for line in answer.splitlines():
            cells = line.split(maxsplit=2)
            if not cells:
                continue
            if len(cells) < 3 or not cells[0].startswith("0x"):  # noqa: PLR2004 - pointer, key, value
                raise Unavailable(WHAT, _why(answer) or f"tells nothing of a map {map_file}")
            found.append((cells[1], cells[2].strip()))
        return found

    async def put(self, map_file: str, key: str, value: str) -> None:
        """Make the map hold that key once with that value: `add map` alone would let a second entry in."""
        there = [held for name, held in await self.entries(map_file) if name == key]
        verb = "set" if there else "add"
        self._expect_nothing(await self.ask(f"{verb} map {safe(map_file)} {safe(key)} {safe(value)}"))

    async def drop(self, map_file: str, key: str) -> None:
        """Make the map not hold that key."""
        if any(name == key for name, _ in await self.entries(map_file)):
            self._expect_nothing(await self.ask(f"del map {safe(map_file)} {safe(key)}"))

    async def ask(self, line: str) -> str:
        """The answer to one line of commands. Raises Unavailable (no answer in time, no socket, too long)."""
        try:
            async with asyncio.timeout(self._seconds):
                return await self._exchange(line)
        except TimeoutError:
            raise Unavailable(WHAT, f"did not answer within {self._seconds:g} s") from None
        except OSError as error:
            because = "could not be reached" if isinstance(error, ConnectionRefusedError | FileNotFoundError) else ""
            raise Unavailable(WHAT, because or f"broke off ({type(error).__name__})") from None

    async def _exchange(self, line: str) -> str:
        at = self._address
        opening = asyncio.open_unix_connection(at.path) if at.path else asyncio.open_connection(at.host, at.port)
        reader, writer = await opening
        try:
            writer.write(line.encode() + b"\n")
            await writer.drain()
            answer = bytearray()
            while chunk := await reader.read(65536):
                answer += chunk
                if len(answer) > _CAP:
                    raise Unavailable(WHAT, "answered more than 4 MB")
        finally:
            writer.close()
            await asyncio.gather(writer.wait_closed(), return_exceptions=True)
        if not answer.endswith(b"\n"):
            raise Unavailable(WHAT, "broke off its answer")
        return answer.decode(errors="replace").strip()

    def _expect_nothing(self, answer: str) -> None:
        if answer:
            raise Refused(f"{WHAT} refused: {_words(answer)}")


def servers_in(text: str) -> dict[str, dict[str, Server]]:
    """By backend, what `show servers state` or a state file says. Raises ValueError saying what is wrong."""
    lines = text.splitlines()
    header = next((line[2:].split() for line in lines if line.startswith("# ")), [])
    if missing := [column for column in _STATE_COLUMNS if column not in header]:
        raise ValueError(f"no column {missing[0]}")
    backend, name, running, admin, weight, configured = (header.index(column) for column in _STATE_COLUMNS)
    found: dict[str, dict[str, Server]] = {}
    for line in lines:
        cells = line.split()
        if line.startswith("#") or len(cells) < len(header):
            continue
        numbers = [cells[each] for each in (running, admin, weight, configured)]
        if not all(number.isdigit() for number in numbers):
            raise ValueError(f"a weight or state that is no number for {cells[name]}")
        up, held, now, first = map(int, numbers)
        ready = not held and up not in {_STOPPED, _STOPPING}
        found.setdefault(cells[backend], {})[cells[name]] = Server(now, first, ready)
    return found


def safe(name: str) -> str:
    """The name, if it cannot end a command or begin another. Raises Refused."""
    if not NAME.fullmatch(name):
        raise Refused(f"{name!r} cannot be said to HAProxy: letters, digits and _.:@=/#- only")
    return name


def _why(answer: str) -> str:
    """The one refusal of a read worth telling; whatever else came may not be HAProxy's words at all."""
    return "denied it: the runtime API needs level admin" if answer.startswith("Permission denied") else ""


def _words(answer: str) -> str:
    return " ".join(answer.split())[:200]
