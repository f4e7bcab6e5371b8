"""What an auditor takes away of an incident: everything the house knows of it, gathered at one moment."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from bot.domain.errors import Refused
from bot.domain.log import verify
from bot.engine.desk import Desk
from bot.engine.situation import Situation
from bot.engine.values import Chain

SMALL, IN_ALL = 5_000_000, 25_000_000
"""Bytes of an exhibit that is put in, and of all of them; what is larger is named with its hash."""


@dataclass(frozen=True, slots=True)
class Piece:
    """An exhibit's content, or why it is not here."""

    content: bytes | None
    because: str = ""


@dataclass(frozen=True, slots=True)
class Parcel:
    """An incident with its chain as stored and its evidence by id."""

    situation: Situation
    chain: Chain
    pieces: Mapping[str, Piece]


async def gather(desk: Desk, situation: Situation) -> Parcel:
    """All that belongs to what a situation shows, no entry later than it. Raises Tampered where its log was altered."""
    incident = situation.incident
    found = await desk.log.chain(incident.id)
    entries = tuple(each for each in found.entries if each.seq <= incident.seq)
    verify(incident.id, ((each.seq, each.before, each.hash, each.stored) for each in entries))
    texts = tuple(each for each in found.texts if each.seq <= incident.seq)
    return Parcel(situation, Chain(entries, texts), await _pieces(desk, situation))


async def _pieces(desk: Desk, situation: Situation) -> dict[str, Piece]:
    pieces: dict[str, Piece] = {}
    left = IN_ALL
    for each in situation.exhibits:
        try:
            found = await desk.exhibits.get(each.id)
        except Refused as erased:
            pieces[each.id] = Piece(None, erased.because)
            continue
        size = len(found.content) if found else 0
        if found is None or size > min(SMALL, left):
            pieces[each.id] = Piece(None, f"too large for a pack ({size:,} bytes); it is at hand in the console")
            continue
        left -= size
        pieces[each.id] = Piece(found.content)
    return pieces
