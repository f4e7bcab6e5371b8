"""What the store promises of covers and of calendars' addresses, on every database alike."""

import asyncio
from dataclasses import replace
from datetime import timedelta

import pytest

from bot.domain.errors import NotFound, Refused
from bot.engine.roster_ports import Cover, Stand
from bot.store import Store
from tests.kit import NOON, at

HOUR = 3600
ASKED = Cover("c1", "ml", at(HOUR), at(9 * HOUR), "p_ana", because="a doctor's visit", asked_at=NOON)


async def test_a_request_is_kept_once(store: Store) -> None:
    """The second click with the same id changes nothing; it reads as it was asked."""
    await store.covers.ask(ASKED)
    await store.covers.ask(replace(ASKED, because="another reason"))
    assert await store.covers.since(NOON) == [ASKED]
    assert await store.covers.since(NOON, "ml") == [ASKED]
    assert await store.covers.since(NOON, "other") == []
    assert await store.covers.since(ASKED.end) == []
    with pytest.raises(Refused, match="ends after it begins"):
        await store.covers.ask(replace(ASKED, id="c2", end=ASKED.start))


async def test_a_request_is_taken_by_one(store: Store) -> None:
    """Whoever clicks again has it still; everybody else is refused, its asker too."""
    await store.covers.ask(ASKED)
    with pytest.raises(Refused, match="your own request"):
        await store.covers.take("c1", "p_ana", at(60))
    taken = await store.covers.take("c1", "p_ben", at(60))
    assert taken == replace(ASKED, taker="p_ben", stand=Stand.TAKEN, taken_at=at(60))
    assert await store.covers.take("c1", "p_ben", at(90)) == taken
    with pytest.raises(Refused, match="somebody else"):
        await store.covers.take("c1", "p_cleo", at(90))
    assert await store.covers.since(NOON) == [taken]


async def test_of_two_clicks_at_once_one_takes_it(store: Store) -> None:
    """The other is told; nobody is on call twice for one cover."""
    await store.covers.ask(ASKED)
    people = [f"p_{n}" for n in range(6)]
    told = await asyncio.gather(*(store.covers.take("c1", who, at(60)) for who in people), return_exceptions=True)
    assert sum(isinstance(each, Cover) for each in told) == 1
    assert all(isinstance(each, Cover | Refused) for each in told)


async def test_what_is_over_or_withdrawn_cannot_be_taken(store: Store) -> None:
    """In words; an id that stands for nothing is not found."""
    await store.covers.ask(ASKED)
    with pytest.raises(Refused, match="over"):
        await store.covers.take("c1", "p_ben", ASKED.end)
    assert (await store.covers.withdraw("c1", "p_ana", at(60))).stand is Stand.WITHDRAWN
    assert (await store.covers.withdraw("c1", "p_ana", at(90))).stand is Stand.WITHDRAWN
    with pytest.raises(Refused, match="withdrawn"):
        await store.covers.take("c1", "p_ben", at(60))
    with pytest.raises(NotFound, match="c9"):
        await store.covers.take("c9", "p_ben", at(60))


async def test_who_took_it_lets_go_and_it_is_open_again(store: Store) -> None:
    """Before it began, the whole of it; a third person may neither withdraw it nor take it back."""
    await store.covers.ask(ASKED)
    await store.covers.take("c1", "p_ben", at(60))
    with pytest.raises(Refused, match="only who asked"):
        await store.covers.withdraw("c1", "p_cleo", at(70))
    assert await store.covers.withdraw("c1", "p_ben", at(80)) == ASKED
    assert (await store.covers.take("c1", "p_cleo", at(90))).taker == "p_cleo"


async def test_hours_stood_in_for_stay_theirs(store: Store) -> None:
    """Let go in the midst of it, the cover ends then, and the rest is asked for anew; its asker back early ends it."""
    await store.covers.ask(ASKED)
    await store.covers.take("c1", "p_ben", at(60))
    rest = await store.covers.withdraw("c1", "p_ben", at(3 * HOUR))
    assert (rest.id != "c1", rest.start, rest.end, rest.stand, rest.taker) == (
        True, at(3 * HOUR), ASKED.end, Stand.ASKED, "",
    )  # fmt: skip
    await store.covers.take(rest.id, "p_cleo", at(4 * HOUR))
    assert (await store.covers.withdraw(rest.id, "p_ana", at(5 * HOUR))).end == at(5 * HOUR)
    kept = [(each.taker, each.start, each.end) for each in await store.covers.since(NOON)]
    assert kept == [("p_ben", at(HOUR), at(3 * HOUR)), ("p_cleo", at(3 * HOUR), at(5 * HOUR))]


async def test_covers_are_told_in_the_order_in_which_they_were_taken(store: Store) -> None:
    """Those nobody took come first, by when they were asked; so that the one taken last counts."""
    for n in range(4):
        await store.covers.ask(replace(ASKED, id=f"c{n}", asked_at=NOON + timedelta(minutes=n)))
    await store.covers.take("c3", "p_ben", at(60))
    await store.covers.take("c1", "p_cleo", at(50))
    assert [each.id for each in await store.covers.since(NOON)] == ["c0", "c2", "c1", "c3"]


async def test_an_address_is_one_persons_until_it_ends(store: Store) -> None:
    """A new one ends the one before; what is nobody's is nobody's."""
    await store.calendars.give("p_ana", "d1", NOON)
    await store.calendars.give("p_ben", "d2", NOON)
    assert [await store.calendars.whose(each) for each in ("d1", "d2", "d3")] == ["p_ana", "p_ben", ""]
    await store.calendars.give("p_ana", "d4", at(60))
    assert [await store.calendars.whose(each) for each in ("d1", "d4")] == ["", "p_ana"]
    assert await store.calendars.end("p_ana")
    assert not await store.calendars.end("p_ana")
    assert await store.calendars.whose("d4") == ""


async def test_why_somebody_asked_goes_with_their_words(store: Store) -> None:
    """Erasing a person takes their reason; who was on call stays known."""
    await store.covers.ask(ASKED)
    await store.erasure.erase(person="p_ana")
    assert await store.covers.since(NOON) == [replace(ASKED, because="")]
