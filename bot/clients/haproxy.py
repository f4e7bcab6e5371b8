"""HAProxy's runtime API: weights of servers and entries of map files, over its unix socket or TCP port.

Management guide, section 9.3: a change that worked answers with nothing; what goes wrong is answered in words.
"""

from __future__ import annotations

import asyncio
import re
from dataclasses import dataclass

from bot.domain.errors import Refused, Unavailable

WHAT = "HAProxy"
MOST_WEIGHT = 256
NAME = re.compile(r"[A-Za-z0-9_.:@=/#-]+")  # nothing that ends a command: no blank, semicolon, newline or backslash
_CAP = 4 * 1024 * 1024
_STATE_COLUMNS = ("srv_name", "srv_uweight")


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


class HAProxy:
    """One runtime API. A connection carries one line of commands, as the non-interactive mode is meant to be used."""

    def __init__(self, address: Address, seconds: float) -> None:
        self._address, self._seconds = address, seconds

    async def weights(self, backend: str) -> dict[str, int]:
        """Effective weight per server of a backend, 0 to 256, in the configuration's order. Raises Unavailable."""
        answer = await self.ask(f"show servers state {safe(backend)}")
        lines = answer.splitlines()
        header = next((line[2:].split() for line in lines if line.startswith("# ")), [])
        if any(column not in header for column in _STATE_COLUMNS):
            raise Unavailable(WHAT, _why(answer) or f"tells nothing of a backend {backend}")
        name, weight = (header.index(column) for column in _STATE_COLUMNS)
        found: dict[str, int] = {}
        for line in lines:
            cells = line.split()
            if len(cells) > max(name, weight) and not line.startswith("#") and len(cells) >= len(header):
                if not cells[weight].isdigit():
                    raise Unavailable(WHAT, f"told a weight that is no number for {cells[name]}")
                found[cells[name]] = int(cells[weight])
        if not found:
            raise Unavailable(WHAT, f"backend {backend} has no servers")
        return found

    async def set_weights(self, backend: str, weights: dict[str, int]) -> None:
        """Set them in one line of commands. Raises Refused with HAProxy's words, Unavailable."""
        for server, weight in weights.items():
            if not 0 <= weight <= MOST_WEIGHT:
                raise Refused(f"a weight lies between 0 and {MOST_WEIGHT}, not {weight} for {server}")
        # raised before lowered: HAProxy may refuse a later command, and somebody must have weight at every moment
        ordered = sorted(weights.items(), key=lambda each: -each[1])
        lines = [f"set server {safe(backend)}/{safe(server)} weight {weight}" for server, weight in ordered]
        self._expect_nothing(await self.ask(";".join(lines)))

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
