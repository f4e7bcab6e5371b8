"""The same thousand webhooks through the database: a few permutations, each through an inbox of its own."""

from __future__ import annotations

import pytest

from bot.store import Store
from tests.domain.test_alert import mangled, messages, outcome
from tests.store.conftest import HandClock


@pytest.mark.parametrize("seed", [1, 2, pytest.param(3, marks=pytest.mark.nightly)])
async def test_every_permutation_ends_alike_in_the_inbox(url: str, clock: HandClock, seed: int) -> None:
    """What the database keeps is what `join` alone says, message by message and many at once."""
    webhooks = messages(4711)
    async with await Store.open(url, clock) as store:
        for batch in mangled(webhooks, seed):
            await store.alerts.accept(batch)
        kept = [each.alert for each in await store.alerts.since(0, 10_000)]
    assert {(alert.fingerprint, alert.starts): alert for alert in kept} == outcome(webhooks)
