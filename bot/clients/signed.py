"""Signs what is sent as Standard Webhooks says, so that its receiver knows who sent it and when.

`webhook-signature` is `v1,` and the base64 of HMAC-SHA256 with the secret over `ID.TIMESTAMP.BODY`, where ID is the
header `webhook-id` and TIMESTAMP the header `webhook-timestamp` (seconds since 1970). A secret that begins with
`whsec_` is base64 after it.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
from datetime import datetime

from pydantic import SecretStr

ENCODED = "whsec_"
SHORTEST = 16


def strong(secret: SecretStr) -> SecretStr:
    """The secret as it is. Raises ValueError where it can be guessed, or what should be base64 is none."""
    if len(_bytes(secret.get_secret_value())) < SHORTEST:
        raise ValueError("a secret has 16 bytes or more")
    return secret


def signed(secret: SecretStr, name: str, at: datetime, content: bytes) -> dict[str, str]:
    """The headers that go with a body."""
    moment = str(int(at.timestamp()))
    return {
        "idempotency-key": name,
        "webhook-id": name,
        "webhook-timestamp": moment,
        "webhook-signature": signature(secret, name, moment, content),
    }


def signature(secret: SecretStr, name: str, at: str, content: bytes) -> str:
    """The header `webhook-signature`."""
    mac = hmac.new(_bytes(secret.get_secret_value()), f"{name}.{at}.".encode() + content, hashlib.sha256)
    return f"v1,{base64.b64encode(mac.digest()).decode()}"


def _bytes(secret: str) -> bytes:
    """Raises ValueError where what should be base64 is none."""
    if secret.startswith(ENCODED):
        return base64.b64decode(secret.removeprefix(ENCODED), validate=True)
    return secret.encode()
