"""The list of those decided about, to take away: made when it is asked for, kept nowhere, and every taking recorded."""

from __future__ import annotations

from urllib.parse import quote

from fastapi import APIRouter, Request, Response
from fastapi.responses import StreamingResponse
from pydantic import ValidationError

from bot.domain.errors import Refused
from bot.engine.affected import Listing
from bot.web.door import Here, Who
from bot.web.pages._forms import in_utc, inbound, typed
from bot.web.phrases import wrong_fields
from bot.web.verbs.affected import ListWanted

router = APIRouter()

ONCE = "once"


@router.post("/incidents/{name}/affected.csv")
async def take(request: Request, name: str, here: Here, who: Who) -> Response:
    """The list as CSV."""
    words = await typed(request)
    try:
        told = in_utc(words, ListWanted.moments)
        asked = ListWanted.model_validate({field: value for field, value in told.items() if field != ONCE})
    except ValidationError as wrong:
        raise Refused("; ".join(f"{field}: {what}" for field, what in wrong_fields(wrong.errors()).items())) from None
    listing = await here.people(name, asked, who, inbound(who, f"{name}:affected.csv", words))
    return as_file(name, listing)


def as_file(name: str, listing: Listing) -> Response:
    """The list as the browser saves it, its digest beside it."""
    headers = {
        "Content-Disposition": f"attachment; filename*=UTF-8''{quote(f'{name}-affected.csv', safe='')}",
        "X-Tocsin-Rows": str(listing.rows),
        "X-Tocsin-SHA256": listing.sha256,
    }
    return StreamingResponse(listing.chunks(), media_type="text/csv; charset=utf-8", headers=headers)
