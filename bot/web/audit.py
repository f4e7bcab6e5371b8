"""The audit's API: whether the record verifies, asked without walking it each time; its entries by time; erasures."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Query

from bot.engine.proofs import Proof
from bot.engine.values import Profile
from bot.web.access import Area, may_read, reading
from bot.web.api import ANSWERS
from bot.web.door import ByMachine, Console, Here, Who
from bot.web.searching import After, Search, Typed, record, wanted
from bot.web.shapes_audit import EntriesShape, EntryShape, ErasedShape, Verified

audit = APIRouter(prefix="/api", responses=ANSWERS)

SEEN = 1_000
"""Heads of the newest incidents are told to whoever is no auditor, as far as they may see them."""


@audit.get("/verify")
async def verify(here: Here, who: Who) -> Verified:
    """What walking every chain of hashes last found; renewed beside this where that is old for what it costs.

    Auditors and administrators are told of all, others of what they may see.
    """
    held = here.house.proofs
    proof = await held.looked(who.id) if held is not None else None
    return await _told(here, who, proof)


@audit.post("/verify", status_code=202)
async def verify_now(here: Here, who: Who) -> Verified:
    """Walk every chain now, beside everything else; while one walk is under way there is no second one."""
    if not isinstance(who, ByMachine):
        reading(who, Area.AUDIT)
    held = here.house.proofs
    if held is None:
        return await _told(here, who, None)
    held.begin(who.id)
    await held.settled()
    return await _told(here, who, await held.last())


async def _told(here: Console, who: Profile, proof: Proof | None) -> Verified:
    whole = isinstance(who, ByMachine) or may_read(who, Area.AUDIT)
    held = here.house.proofs
    under_way = held.progress if held is not None else None
    progress = {"running": True, "done": under_way.done, "of": under_way.of} if under_way else {}
    if held is None or proof is None:
        why = held.trouble if held is not None else ""
        return Verified.model_validate({"ok": False, "error": why or "not verified yet", **progress})
    known = {
        "count": proof.count, "at": proof.at, "took_s": proof.took.total_seconds(), "entries": proof.entries,
        "bad": proof.bad, "digest": proof.digest if whole else "", **progress,
    }  # fmt: skip
    if not proof.ok:
        error = "; ".join(proof.errors) if whole else "an entry was altered; an auditor is told which"
        return Verified.model_validate({"ok": False, "error": error, **known})
    heads = await held.heads()
    if not whole:
        seen = {each.id for each in await here.summaries(who, limit=max(1, min(len(heads), SEEN)))}
        heads = {name: head for name, head in heads.items() if name in seen}
        known |= {"count": len(heads), "entries": 0}  # how many restricted ones there are is nobody's business
    return Verified.model_validate({"ok": True, "heads": heads, **known})


@audit.get("/audit/entries")
async def entries(
    here: Here,
    who: Who,
    typed: Search,
    after: After = "",
    limit: Annotated[int, Query(ge=1, le=1000)] = 100,
) -> EntriesShape:
    """Entries of the record, the newest first; an answer may be short, or empty, and still go on at `next`."""
    reading(who, Area.AUDIT)
    asked = await wanted(here, who, typed)
    page = await record(here).search(asked, after=after, limit=limit)
    told = [EntryShape.of(each) for each in page.entries]
    return EntriesShape(entries=told, next=page.next, back_to=page.back_to)


@audit.get("/audit/erasures")
async def erasures(here: Here, who: Who) -> list[ErasedShape]:
    """What was erased, the latest first: where and how much, never what."""
    reading(who, Area.AUDIT)
    asked = await wanted(here, who, Typed())
    found = await record(here).erased(all_incidents=asked.all_incidents)
    return [ErasedShape.of(each) for each in found]
