"""Counsel's hold on an incident keeps its words from being erased, on every database."""

import pytest

from bot.domain.errors import Refused
from bot.domain.hold import HoldPlaced, HoldReleased
from bot.store import Store
from tests.store.conftest import append, opened


async def test_counsels_hold_stops_erasure_until_it_is_released(store: Store) -> None:
    """The hold stands in the log alone; nobody has to remember to place a second one for erasure."""
    incident = await opened(store)
    incident = await append(store, incident, HoldPlaced("a claim is expected"), by="p_cora")
    for asked in (store.erasure.concerned, store.erasure.erase):
        with pytest.raises(Refused, match="INC-1 is under a legal hold: counsel holds"):
            await asked(person="p_ana")
    assert "counsel" in await store.erasure.held("INC-1")
    incident = await append(store, incident, HoldReleased("settled"), by="p_cora")
    assert await store.erasure.held("INC-1") == ""
    assert await store.erasure.erase(person="p_ana") > 0
    incident = await append(store, await store.log.load("INC-1"), HoldPlaced("another claim"), by="p_cora")
    assert "counsel" in await store.erasure.held(incident.id)
