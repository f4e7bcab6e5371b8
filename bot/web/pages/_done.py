"""What a page says once a form was carried out: the address tells it, and only what this house wrote is believed.

A link that somebody sends must not say "Approved" over a page where nothing was; nor must an address of an hour ago.
"""

from __future__ import annotations

import hashlib
import hmac
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from urllib.parse import urlencode

from fastapi import Request
from fastapi.responses import RedirectResponse

from bot.web.door import console, session_of
from bot.web.sessions import hashed
from bot.web.turnover import FRESH

LASTS = timedelta(minutes=2)
"""How long an address says what was done; opened again later it says nothing."""


def after(request: Request, page: str, deed: str, section: str = "") -> RedirectResponse:
    """To the page, which says once more what was just done there."""
    query = {"done": deed}
    at = f"{console(request).desk.clock.now().timestamp():.0f}"
    if sign := _sign(request, page, deed, at):
        query["sign"] = f"{at}.{sign}"
    return RedirectResponse(f"{page}?{urlencode(query)}{'#' if section else ''}{section}", 303)


def just_done(request: Request, words: Mapping[str, str]) -> str:
    """The sentence for what was done; "" where nothing was, or where the address is no longer, or not, of this house.

    Whoever came with a token has no session to sign for, and reads no links that others send.
    """
    deed = request.query_params.get("done", "")
    if session_of(request) is None:
        return words.get(deed, "")
    at, _, sign = request.query_params.get("sign", "").partition(".")
    wanted = _sign(request, request.url.path, deed, at)
    if not hmac.compare_digest(wanted.encode(), sign.encode()):
        return ""
    age = console(request).desk.clock.now() - datetime.fromtimestamp(int(at), UTC)
    return words.get(deed, "") if age <= LASTS else ""


def _sign(request: Request, page: str, deed: str, at: str) -> str:
    """Good in this session alone, for this page; "" where there is no session.

    One whose person has other roles now goes on under a new name, with which the page is asked for.
    """
    session = session_of(request)
    if session is None:
        return ""
    fresh: str = getattr(request.state, FRESH, "")
    digest = hashed(fresh) if fresh else session.digest
    return hmac.new(digest.encode(), f"{page} {deed} {at}".encode(), hashlib.sha256).hexdigest()[:24]
