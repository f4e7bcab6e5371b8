"""Whether a request comes from the sender it names: compared in constant time, and never with a hint."""

from __future__ import annotations

import base64
import binascii
import hashlib
import hmac
from collections.abc import Mapping
from datetime import datetime
from typing import Any

from bot.intake.sender import Basic, Bearer, Sender, Signed

_SCHEMES = frozenset({"bearer", "geniekey", "token"})


class Proof:
    """How one sender proves itself; only hashes of what is compared are at hand."""

    def __init__(self, sender: Sender) -> None:
        self._auth = sender.auth
        self._in_body = sender.kind == "pagerduty" and isinstance(sender.auth, Bearer)
        match sender.auth:
            case Bearer(secret=secret):
                self._wanted = _hash(secret)
            case Basic(user=user, password=password):
                self._wanted = _hash(f"{user}:{password}")
            case Signed():
                self._wanted = b""

    @property
    def needs_body(self) -> bool:
        """Whether what proves it stands in the body, or covers it."""
        return isinstance(self._auth, Signed) or self._in_body

    def holds(self, headers: Mapping[str, str]) -> bool:
        """Whether the headers alone prove it."""
        scheme, _, given = headers.get("authorization", "").partition(" ")
        match self._auth:
            case Bearer():
                given = given.strip().removeprefix("token=") if scheme.lower() in _SCHEMES else ""
            case Basic():
                given = _decoded(given) if scheme.lower() == "basic" else ""
            case Signed():
                return False
        return hmac.compare_digest(_hash(given), self._wanted)

    def holds_with(self, headers: Mapping[str, str], body: bytes, now: datetime) -> bool:
        """Whether the headers and the body as it was sent prove it."""
        if isinstance(self._auth, Signed):
            return _signed(self._auth, headers, body, now)
        return self.holds(headers)

    def holds_in(self, document: Any) -> bool:
        """Whether the key that events of PagerDuty's kind carry within them is the sender's."""
        key = document.get("routing_key") if self._in_body and type(document) is dict else None
        return type(key) is str and hmac.compare_digest(_hash(key), self._wanted)


def _hash(text: str) -> bytes:
    return hashlib.sha256(text.encode("utf-8", "surrogatepass")).digest()


def _decoded(given: str) -> str:
    try:
        return base64.b64decode(given.strip(), validate=True).decode()
    except (binascii.Error, ValueError):
        return ""


def _signed(auth: Signed, headers: Mapping[str, str], body: bytes, now: datetime) -> bool:
    given = (headers.get(auth.header.lower()) or headers.get(auth.or_header.lower(), "")).strip()
    told, message = "", body
    fresh = True
    if auth.timestamp_header:
        told = headers.get(auth.timestamp_header.lower(), "").strip()
        fresh = told.isascii() and told.isdigit() and len(told) <= _DIGITS
        fresh = fresh and abs(now.timestamp() - int(told)) <= auth.tolerance.total_seconds()
        message = told.encode("latin-1", "replace") + b":" + body
    wanted = auth.prefix + hmac.new(auth.secret.encode(), message, hashlib.sha256).hexdigest()
    return hmac.compare_digest(_hash(given.lower()), _hash(wanted.lower())) and fresh


_DIGITS = 12
