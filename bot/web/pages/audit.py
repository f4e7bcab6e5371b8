"""The audit: whether the record verifies, a search of it entry by entry, what was corrected and erased, and exports."""

from __future__ import annotations

from collections.abc import AsyncIterator
from urllib.parse import urlencode

from fastapi import APIRouter, Request
from fastapi.responses import RedirectResponse, Response, StreamingResponse

from bot.domain.errors import NotFound, Refused
from bot.domain.log import Event
from bot.engine.record import Pageful, Wanted
from bot.telemetry import log
from bot.web.access import Area, reading
from bot.web.door import Console, Here, Who
from bot.web.pages._page import show
from bot.web.searching import COLUMNS, After, Search, Typed, every, in_words, line, names, record, row, wanted

router = APIRouter()

PAGE = 50
LISTED = 20
"""So many corrections and erasures are listed; the search finds the others."""
CORRECTED = "TimeCorrected"
CHUNK = 500


@router.get("/audit")
async def look(
    request: Request,
    here: Here,
    who: Who,
    typed: Search,
    after: After = "",
) -> Response:
    """What was typed stays in the form, also where it could not be read."""
    reading(who, Area.AUDIT)
    held, proofs = record(here), here.house.proofs
    wrong, page = "", Pageful(())
    whole = await wanted(here, who, Typed())
    try:
        page = await held.search(await wanted(here, who, typed), after=after, limit=PAGE)
    except (Refused, NotFound) as refused:
        wrong = refused.because if isinstance(refused, Refused) else str(refused)
    corrected = await held.search(Wanted(name=CORRECTED, all_incidents=whole.all_incidents), limit=LISTED)
    known = await names(here)
    proof = await proofs.last() if proofs is not None else None
    context: dict[str, object] = {
        "proof": proof,
        "progress": proofs.progress if proofs is not None else None,
        "trouble": proofs.trouble if proofs is not None else "",
        "typed": typed,
        "wrong": wrong,
        "entries": page.entries,
        "back_to": page.back_to,
        "after": after,
        "onward": _link(typed, page.next) if page.next else "",
        "first": _link(typed),
        "exports": {name: f"/audit/entries.{name}?{urlencode(typed.fields)}" for name in ("csv", "jsonl")},
        "corrected": corrected.entries,
        "erased": await held.erased(all_incidents=whole.all_incidents, limit=LISTED),
        "names": known,
        "people": sorted(await here.desk.people.everyone(), key=lambda each: each.name),
        "kinds": sorted((in_words(name), name) for name in Event.named),
        "in_words": in_words,
        "every_incident": whole.all_incidents,
    }
    return show(request, "audit", who, context, status=422 if wrong else 200)


def _link(typed: Typed, after: str = "") -> str:
    query = urlencode({**typed.fields, **({"after": after} if after else {})})
    return f"/audit?{query}#entries" if query else "/audit#entries"


@router.post("/audit/verify")
async def verify(here: Here, who: Who) -> Response:
    """Begin to walk every chain; a second press while one walk is under way begins no other."""
    reading(who, Area.AUDIT)
    if here.house.proofs is None:
        raise NotFound("record", "audit")
    here.house.proofs.begin(who.id)
    await here.house.proofs.settled(1.0)
    return RedirectResponse("/audit#chain", 303)


@router.get("/audit/entries.{kind}")
async def export(
    kind: str,
    here: Here,
    who: Who,
    typed: Search,
) -> Response:
    """All the search finds, as CSV or as JSON lines; that it was taken stands in Tocsin's own log."""
    reading(who, Area.AUDIT)
    asked = await wanted(here, who, typed)
    ways = {"csv": (_csv, "text/csv; charset=utf-8"), "jsonl": (_lines, "application/jsonl; charset=utf-8")}
    if kind not in ways:
        raise NotFound("export", kind, sorted(ways))
    log().info(
        "the record was taken away", person=who.key, kind=kind, **{f"of_{k}": v for k, v in typed.fields.items()}
    )
    write, media_type = ways[kind]
    headers = {"Content-Disposition": f'attachment; filename="record.{kind}"'}
    return StreamingResponse(write(here, asked), media_type=media_type, headers=headers)


async def _csv(here: Console, asked: Wanted) -> AsyncIterator[bytes]:
    known, rows, write = await names(here), [COLUMNS], here.house.write_rows
    yield b"\xef\xbb\xbf"
    async for entry in every(record(here), asked):
        rows.append(row(entry, known))  # type: ignore[arg-type]
        if len(rows) >= CHUNK:
            yield write(rows)
            rows = []
    yield write(rows)


async def _lines(here: Console, asked: Wanted) -> AsyncIterator[bytes]:
    async for entry in every(record(here), asked):
        yield line(entry).encode()
