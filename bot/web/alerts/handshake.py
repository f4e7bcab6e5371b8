"""Consents to being sent CloudEvents, when a sender asks before it delivers: nothing is remembered, nobody is let in.

"HTTP 1.1 Web Hooks for Event Delivery" 1.0.2, section 4: it keeps a sender from being turned against somebody who
expects no events. What it delivers afterwards must prove itself all the same.
"""

from __future__ import annotations

import re
from typing import Any

_ORIGIN = re.compile(r"[A-Za-z0-9*](?:[A-Za-z0-9*._:-]{0,252})")
_ALLOW = "POST, PUT"


def handshake(scope: Any) -> tuple[int, dict[str, str], dict[str, str]]:
    """Status, words and headers for an OPTIONS request: consent only to one who says by a name of hosts who asks."""
    asked = [value.decode("latin-1") for name, value in scope["headers"] if name.lower() == b"webhook-request-origin"]
    if not asked:
        return 405, {"because": "events are sent by POST"}, {"allow": _ALLOW}
    if len(asked) > 1 or not _ORIGIN.fullmatch(asked[0]):
        return 400, {"because": "WebHook-Request-Origin is not one name of hosts"}, {"allow": _ALLOW}
    consent = {"allow": _ALLOW, "webhook-allowed-origin": asked[0], "webhook-allowed-rate": "*"}
    return 200, {"because": "events are welcome here, with proof of who sends them"}, consent
