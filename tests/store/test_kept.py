"""What is kept beside the log: exhibits, checkpoints, and what stands in the chat."""

import asyncio
from dataclasses import replace

import pytest
from sqlalchemy import update

from bot.domain.errors import Refused, Tampered
from bot.engine.values import Posted
from bot.store import Store
from bot.store.tables import exhibits
from tests.kit import NOON, at
from tests.store.conftest import HandClock


async def test_the_same_exhibit_is_kept_once(store: Store) -> None:
    """The same name and content is one exhibit, the first; other content is another."""
    one = await store.exhibits.put("INC-1", "drift.json", "application/json", b"{}\x00\xff", NOON, "first")
    assert await store.exhibits.put("INC-1", "drift.json", "text/plain", b"{}\x00\xff", at(9), "again") == one
    two = await store.exhibits.put("INC-1", "drift.json", "application/json", b"[]", at(5))
    other = await store.exhibits.put("INC-2", "drift.json", "application/json", b"[]", at(5))
    assert len({one.id, two.id, other.id}) == 3
    assert await store.exhibits.get(one.id) == one
    assert (one.content, one.note, one.at) == (b"{}\x00\xff", "first", NOON)
    assert await store.exhibits.of("INC-1") == [replace(one, content=b""), replace(two, content=b"")]
    assert await store.exhibits.get("x_0") is None
    assert await store.exhibits.of("INC-3") == []


async def test_an_altered_exhibit_is_not_handed_out(store: Store) -> None:
    """Content that does not match its hash is reported, never shown as evidence."""
    kept = await store.exhibits.put("INC-1", "drift.json", "application/json", b"{}", NOON)
    await store.database.write(lambda c: c.execute(update(exhibits).values(content=b"[]")))
    with pytest.raises(Tampered, match=r"drift\.json"):
        await store.exhibits.get(kept.id)


async def test_an_exhibit_can_be_erased(store: Store) -> None:
    """Content and note go, name and hash stay and say so; not under a legal hold; another incident's stay."""
    kept = await store.exhibits.put("INC-1", "drift.json", "application/json", b"[1]", NOON, "of Eve")
    other = await store.exhibits.put("INC-2", "drift.json", "application/json", b"[1]", NOON)
    await store.erasure.hold("INC-1", "litigation 4711")
    with pytest.raises(Refused, match="litigation 4711"):
        await store.exhibits.erase("INC-1", at(5))
    assert await store.exhibits.get(kept.id) == kept
    await store.erasure.release("INC-1")
    assert await store.exhibits.erase("INC-1", at(5)) == 1
    assert await store.exhibits.erase("INC-1", at(6)) == 0
    with pytest.raises(Refused, match=rf"drift\.json was erased on {NOON:%Y-%m-%d}; .*{kept.sha256}"):
        await store.exhibits.get(kept.id)
    gone = replace(kept, content=b"", note="[erased]")
    assert await store.exhibits.of("INC-1") == [gone]
    assert await store.exhibits.put("INC-1", "drift.json", "application/json", b"[1]", at(7)) == gone
    assert await store.exhibits.get(other.id) == other


async def test_a_checkpoint_is_the_last_one_saved(store: Store, url: str, clock: HandClock) -> None:
    """A named document survives a restart; saving again replaces it; an unknown name has none."""
    await store.checkpoints.save({"ledger": {"buckets": [[1, 2.5]], "last": None, "note": "a\x00b"}, "old": {}}, NOON)
    await store.checkpoints.save({"ledger": {"buckets": [[1, 3]], "note": "a\x00b"}}, at(1), drop=["old"])
    async with await Store.open(url, clock) as other:
        assert await other.checkpoints.load(["ledger", "old"]) == {"ledger": {"buckets": [[1, 3]], "note": "a\x00b"}}
    assert await store.checkpoints.load(["episodes"]) == {}


CARD = Posted("INC-1", "card", "C1", "", "abc", "sending", 1, NOON)


async def test_a_surface_is_claimed_by_exactly_one(store: Store) -> None:
    """Of ten who want to post a surface one may; a later attempt may again, an equal or earlier one may not."""
    won = await asyncio.gather(*(store.mirror.claim(CARD) for _ in range(10)))
    assert sorted(won) == [False] * 9 + [True]
    assert await store.mirror.claim(replace(CARD, attempt=2))
    assert not await store.mirror.claim(CARD)
    assert await store.mirror.of("INC-1") == {"card": replace(CARD, attempt=2)}


async def test_what_stands_in_a_channel_is_found_by_its_kind(store: Store) -> None:
    """Whatever incident it belongs to, the newest last; what is gone or only being sent does not stand."""
    for number, (surface, state) in enumerate([("nudge:a", "posted"), ("nudge:b", "posted"), ("nudge:c", "gone"),
                                               ("card", "posted"), ("nudge%d", "posted")]):  # fmt: skip
        row = Posted(f"INC-{9 - number}", surface, "D1", f"{number}.0", "s", state, 1, NOON)
        await store.mirror.save(row)
    await store.mirror.save(Posted("INC-1", "nudge:a", "D2", "1.0", "s", "posted", 1, NOON))
    assert [one.surface for one in await store.mirror.standing("D1", "nudge:")] == ["nudge:a", "nudge:b"]
    assert await store.mirror.standing("D3", "nudge:") == []


async def test_a_posted_message_is_found_by_its_place(store: Store) -> None:
    """Saved with its timestamp it is found by channel and timestamp; one still being sent is found by none."""
    await store.mirror.claim(CARD)
    assert await store.mirror.find("C1", "") is None
    there = replace(CARD, ts="17.1", state="posted", at=at(2))
    await store.mirror.save(there)
    assert await store.mirror.find("C1", "17.1") == there
    assert await store.mirror.find("C2", "17.1") is None
    thread = replace(CARD, surface="thread/3")
    await store.mirror.save(thread)
    assert await store.mirror.of("INC-1") == {"card": there, "thread/3": thread}
    assert await store.mirror.of("INC-2") == {}


async def test_a_card_that_was_posted_anew_is_still_known_where_it_stood(store: Store) -> None:
    """Below each of its former places people speak of the same incident; as a surface only the newest stands."""
    await store.mirror.claim(CARD)
    first = replace(CARD, ts="17.1", state="posted")
    await store.mirror.save(first)
    await store.mirror.save(replace(first, state="gone"))
    again = replace(CARD, attempt=2)
    assert await store.mirror.claim(again)
    assert not await store.mirror.claim(replace(CARD, channel="C7")), "who comes too late has moved nothing"
    await store.mirror.save(replace(again, ts="18.1", state="posted"))
    moved = replace(CARD, channel="C2", attempt=3)
    assert await store.mirror.claim(moved)
    third = replace(moved, ts="19.1", state="posted")
    await store.mirror.save(third)
    for channel, ts in (("C1", "17.1"), ("C1", "18.1"), ("C2", "19.1")):
        assert await store.mirror.spoken_of(channel, ts) == "INC-1"
        found = await store.mirror.find(channel, ts)
        assert found is not None
        assert (found.incident, found.state) == ("INC-1", "posted" if channel == "C2" else "gone")
    assert await store.mirror.of("INC-1") == {"card": third}
    assert await store.mirror.find("C2", "19.1") == third
    assert await store.mirror.hosts("C1")
    assert await store.mirror.spoken_of("C1", "16.0") == await store.mirror.spoken_of("C2", "17.1") == ""
    assert not await store.mirror.hosts("C7")
    other = replace(CARD, incident="INC-2", surface="summary", ts="30.1", state="posted")
    await store.mirror.save(other)
    await store.mirror.save(replace(other, ts="31.1"))
    assert await store.mirror.find("C1", "30.1") is None, "nobody speaks below a reply"
