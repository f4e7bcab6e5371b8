"""Pages that were begun as one message, remembered on every database alike."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

from bot.domain.climbing import PageOwed
from bot.domain.paging import Page, Receipt
from bot.engine.begun import Message, Part
from bot.store import Store
from tests.kit import NOON


def part(number: int, attempt: int = 1) -> Part:
    """The first page of an incident."""
    due = NOON + timedelta(microseconds=number)
    return Part(
        f"INC-{number}", PageOwed(f"page:INC-{number}:0", due, attempt, "p_ana", past=("sms", "voice"), insists=True)
    )


async def test_a_message_is_found_by_each_of_its_pages(store: Store) -> None:
    """Whole, the page it is named by first; of one never begun nothing is known."""
    message = Message(part(2).owed.key, (part(2), part(1), part(3)), NOON)
    await store.begun.keep(message)
    assert await store.begun.of("page:INC-4:0") is None
    for number in (1, 2, 3):
        known = await store.begun.of(f"page:INC-{number}:0")
        assert known is not None
        assert (known.key, known.parts[0], known.at) == (message.key, part(2), NOON)
        assert set(known.parts) == set(message.parts)


async def test_a_page_is_in_the_message_it_was_begun_in_last(store: Store) -> None:
    """By another try it may go with others; those it left stay where they were."""
    later = NOON + timedelta(seconds=5)
    await store.begun.keep(Message(part(1).owed.key, (part(1), part(2)), NOON))
    await store.begun.keep(Message(part(2).owed.key, (part(2, attempt=2),), later))
    first, second = [await store.begun.of(part(number).owed.key) for number in (1, 2)]
    assert first == Message(part(1).owed.key, (part(1),), NOON)
    assert second == Message(part(2).owed.key, (part(2, attempt=2),), later)


def test_what_became_of_it_is_in_doubt_until_it_is_written_down() -> None:
    """By whichever try it is owed now: that the house died over it says nothing of the phone."""
    message = Message(part(1).owed.key, (part(1), part(2)), NOON)
    kept = Page(part(2).owed.key, "p_ana", "sms", Receipt.FAILED, NOON, attempts=1)
    assert message.may_have_told(part(2).owed, None)
    assert message.may_have_told(part(2, attempt=2).owed, None)
    assert message.may_have_told(part(2, attempt=3).owed, replace(kept, at=NOON - timedelta(seconds=1)))
    assert not message.may_have_told(part(2, attempt=2).owed, kept)
    assert not message.may_have_told(part(3).owed, None)


async def test_after_a_day_it_is_forgotten(store: Store) -> None:
    """By then what became of it is in the log; what is younger stays."""
    for number, hours in ((1, 0), (2, 2), (3, 25)):
        await store.begun.keep(Message(part(number).owed.key, (part(number),), NOON + timedelta(hours=hours)))
    found = [await store.begun.of(part(number).owed.key) for number in (1, 2, 3)]
    assert [each is not None for each in found] == [False, True, True]
