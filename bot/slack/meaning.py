"""What Slack's answers mean for a retry: not carried out, never will be, or nobody knows."""

from typing import Any

from slack_sdk.errors import SlackApiError

from bot.domain.errors import RateLimited, Refused, Unavailable

_LATER = frozenset({
    "internal_error", "fatal_error", "service_unavailable", "request_timeout", "team_added_to_org", "ratelimited",
    "rate_limited", "message_limit_exceeded",
})  # fmt: skip


class SlackRefused(Refused):
    """Slack said no for good: nothing was carried out, and the same call would be refused again."""

    def __init__(self, method: str, code: str, details: tuple[str, ...] = ()) -> None:
        more = f" ({'; '.join(details)[:500]})" if details else ""
        super().__init__(f"Slack refused {method}: {code}{more}")
        self.method, self.code = method, code


def meaning(method: str, error: SlackApiError) -> Exception:
    """What an answer other than `ok` means for a retry."""
    response = error.response
    status = int(getattr(response, "status_code", 0) or getattr(response, "status", 0) or 0)
    data = getattr(response, "data", None)
    if status == 429:  # noqa: PLR2004
        headers = getattr(response, "headers", None) or {}
        return RateLimited(f"Slack {method}", _seconds(headers))
    if not isinstance(data, dict) or status >= 500:  # noqa: PLR2004
        return Unavailable("Slack", f"{method}: HTTP {status}")
    code = str(data.get("error") or "unknown_error")
    if code in {"ratelimited", "rate_limited"}:
        return RateLimited(f"Slack {method}", 1.0)
    if code in _LATER:
        return Unavailable("Slack", f"{method}: {code}")
    told = data.get("errors") or (data.get("response_metadata") or {}).get("messages") or []
    details = tuple(str(one) for one in told if isinstance(one, str | dict))[:5] if isinstance(told, list) else ()
    return SlackRefused(method, code, details)


def _seconds(headers: Any) -> float:
    """The Retry-After of an answer, one second where it is missing or junk."""
    for name, value in dict(headers).items():
        if str(name).lower() == "retry-after":
            try:
                return min(600.0, max(0.1, float(value)))
            except ValueError:
                return 1.0
    return 1.0
