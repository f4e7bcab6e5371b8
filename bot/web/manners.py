"""What every answer says to the browser, and how long a request may be."""

from __future__ import annotations

import secrets
from typing import Any

from fastapi import HTTPException
from starlette.datastructures import Headers, MutableHeaders
from starlette.responses import JSONResponse

LONGEST = 1_000_000
"""Bytes a request may hold; the longest notice is a tenth of that."""

CSP = (
    "default-src 'none'; script-src 'nonce-{nonce}' 'strict-dynamic'; style-src 'self'; img-src 'self'; "
    "connect-src 'self'; form-action 'self'; object-src 'none'; base-uri 'none'; frame-ancestors 'none'; "
    "require-trusted-types-for 'script'; trusted-types tocsin"
)
"""Scripts are the page's own or what those load; no text becomes markup but by the one policy of live.js."""

HEADERS = {
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
    "Referrer-Policy": "no-referrer",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "X-Permitted-Cross-Domain-Policies": "none",
    "Permissions-Policy": "accelerometer=(), camera=(), display-capture=(), geolocation=(), gyroscope=(), "
    "magnetometer=(), microphone=(), midi=(), payment=(), usb=()",
}


def nonce(scope: Any) -> str:
    """What this answer's own scripts are known by; made once, and good for no other answer."""
    state = scope.setdefault("state", {})
    if "nonce" not in state:
        state["nonce"] = secrets.token_urlsafe(18)
    return str(state["nonce"])


def said_of(scope: Any) -> dict[str, str]:
    """The security headers of this answer."""
    return {"Content-Security-Policy": CSP.format(nonce=nonce(scope)), **HEADERS}


class TooLongError(HTTPException):
    """The request is longer than any honest one. An HTTPException, because readers of bodies let only those through."""

    def __init__(self) -> None:
        super().__init__(413, f"a request may hold {LONGEST:,} bytes at most")


class Manners:
    """Middleware: security headers on every answer, nothing kept by caches, and no request without end."""

    def __init__(self, app: Any, *, secure: bool) -> None:
        self.app = app
        self.lasting = {"Strict-Transport-Security": "max-age=31536000"} if secure else {}

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        heard, answered, said = 0, False, said_of(scope) | self.lasting

        async def hear() -> Any:
            nonlocal heard
            message = await receive()
            heard += len(message.get("body", b""))
            if heard > LONGEST:
                raise TooLongError
            return message

        async def say(message: Any) -> None:
            nonlocal answered
            if message["type"] == "http.response.start":
                answered = True
                headers = MutableHeaders(scope=message)
                for name, value in said.items():
                    headers[name] = value
                lasting = scope["path"].startswith("/static/")
                headers.setdefault("Cache-Control", "max-age=300" if lasting else "no-store")
            await send(message)

        too_long = JSONResponse({"because": TooLongError().detail}, 413)
        length = Headers(scope=scope).get("content-length", "0")
        if length.isdigit() and int(length) > LONGEST:
            await too_long(scope, receive, say)
            return
        try:
            await self.app(scope, hear, say)
        except TooLongError:
            if not answered:
                await too_long(scope, receive, say)
