"""Signs a request the way AWS asks for it, so that nobody on the way can alter it or use it later.

Signature Version 4 as AWS publishes it (IAM user guide, "Create a signed AWS API request"): a canonical request, a
string to sign with its hash, and a key made of the secret, the day, the region and the service.
"""

from __future__ import annotations

import hashlib
import hmac
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from urllib.parse import quote, urlsplit

_ALGORITHM = "AWS4-HMAC-SHA256"
_MOMENT = "%Y%m%dT%H%M%SZ"


@dataclass(frozen=True, slots=True)
class Keys:
    """One identity's keys; those of a role come with a session token."""

    access_key_id: str
    secret_access_key: str = field(repr=False)
    session_token: str = field(default="", repr=False)

    @property
    def secrets(self) -> tuple[str, ...]:
        """What must never be told."""
        return tuple(filter(None, (self.secret_access_key, self.session_token)))


@dataclass(frozen=True, slots=True)
class Scope:
    """What a signature is good for."""

    region: str
    service: str


def signed(
    keys: Keys, scope: Scope, at: datetime, method: str, url: str, headers: Mapping[str, str], body: bytes
) -> dict[str, str]:
    """The headers with those that sign them; `url` is percent-encoded as it is sent, `at` has zone UTC."""
    parts, moment = urlsplit(url), at.strftime(_MOMENT)
    day = moment[:8]
    lowered = {name.lower(): " ".join(value.split()) for name, value in headers.items()}
    lowered |= {"host": lowered.get("host", parts.netloc), "x-amz-date": moment}
    if keys.session_token:
        lowered["x-amz-security-token"] = keys.session_token
    names = ";".join(sorted(lowered))
    canonical = "\n".join(
        (
            method.upper(),
            quote(_plain(parts.path), safe="/~"),  # twice encoded: every service but S3 wants it so
            _query(parts.query),
            *(f"{name}:{lowered[name]}" for name in sorted(lowered)),
            "",
            names,
            hashlib.sha256(body).hexdigest(),
        )
    )
    place = f"{day}/{scope.region}/{scope.service}/aws4_request"
    to_sign = "\n".join((_ALGORITHM, moment, place, hashlib.sha256(canonical.encode()).hexdigest()))
    key = f"AWS4{keys.secret_access_key}".encode()
    for piece in place.split("/"):
        key = hmac.digest(key, piece.encode(), "sha256")
    signature = hmac.digest(key, to_sign.encode(), "sha256").hex()
    credential = f"{keys.access_key_id}/{place}"
    said = f"{_ALGORITHM} Credential={credential}, SignedHeaders={names}, Signature={signature}"
    return {**lowered, "authorization": said}


def _plain(path: str) -> str:
    """The path without empty, `.` and `..` segments (RFC 3986, 5.2.4)."""
    kept: list[str] = []
    for piece in path.split("/"):
        if piece == "..":
            kept[-1:] = []
        elif piece not in ("", "."):
            kept.append(piece)
    return f"/{'/'.join(kept)}{'/' if kept and path.endswith('/') else ''}"


def _query(query: str) -> str:
    """Its pairs in the order of their names, of equal names in that of their values."""
    pairs = sorted(tuple(pair.partition("=")[::2]) for pair in query.split("&")) if query else []
    return "&".join(f"{name}={value}" for name, value in pairs)
