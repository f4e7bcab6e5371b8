"""Reads a body that anybody may have sent: no longer than allowed, packed or not, and not for ever."""

from __future__ import annotations

import zlib
from collections.abc import Awaitable, Callable, Mapping
from typing import Any

_GZIP = 31  # zlib's word for: a gzip header, and the largest window
JSON_TYPES = frozenset({
    "", "application/json", "text/json", "application/cloudevents+json", "application/cloudevents-batch+json",
})  # fmt: skip


class NotTakenError(Exception):
    """A request that gets an answer of its own, and nothing else happens."""

    def __init__(self, status: int, because: str, **headers: str) -> None:
        super().__init__(because)
        self.status, self.because, self.headers = status, because, headers


class GoneError(Exception):
    """Whoever asked has hung up."""


def check(headers: Mapping[str, str], most: int) -> None:
    """Refuse by its headers what need not be read. Raises NotTakenError."""
    length = headers.get("content-length", "0")
    if length.isascii() and length.isdigit() and (len(length) > _LONG or int(length) > most):
        raise _too_long(most)
    if headers.get("content-encoding", "identity").strip().lower() not in {"identity", "gzip", ""}:
        raise NotTakenError(415, "only gzip packs a body here", **{"accept-encoding": "gzip"})
    kind, _, parameters = headers.get("content-type", "").partition(";")
    kind = kind.strip().lower()
    if kind not in JSON_TYPES and not (kind.startswith("application/") and kind.endswith("+json")):
        raise NotTakenError(415, "the body must be JSON (content-type: application/json)")
    if "charset" in (told := parameters.lower()) and "utf-8" not in told and "utf8" not in told:
        raise NotTakenError(415, "the body must be UTF-8")


async def whole(receive: Callable[[], Awaitable[Any]], most: int) -> bytes:
    """The body as it was sent. Raises NotTakenError where it is too long, GoneError."""
    message = await receive()
    body: bytes = message.get("body", b"")
    if message["type"] == "http.request" and not message.get("more_body", False):
        if len(body) > most:
            raise _too_long(most)
        return body
    held = bytearray(body)
    while message.get("more_body", False):
        message = await receive()
        held += message.get("body", b"")
        if len(held) > most:
            raise _too_long(most)
    if message["type"] != "http.request":
        raise GoneError
    return bytes(held)


def unpacked(body: bytes, headers: Mapping[str, str], most: int) -> bytes:
    """The body without its gzip, if it had one. Raises NotTakenError where it is none, or grows beyond the bound."""
    if headers.get("content-encoding", "").strip().lower() != "gzip":
        return body
    unpack = zlib.decompressobj(_GZIP)
    try:
        text = unpack.decompress(body, most + 1)
    except zlib.error:
        raise NotTakenError(400, "the body is not gzip, though its header says so") from None
    if len(text) > most:
        raise _too_long(most)
    if not unpack.eof or unpack.unused_data:
        raise NotTakenError(400, "the body is gzip that breaks off, or goes on after its end")
    return text


_LONG = 12


def _too_long(most: int) -> NotTakenError:
    return NotTakenError(413, f"a message of this sender may hold {most:,} bytes")
