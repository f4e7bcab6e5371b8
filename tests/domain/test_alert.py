"""An alert's messages in any order, any number, any truncation: one end."""

from __future__ import annotations

import random
from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.domain.alert import Alert, join
from tests.kit import NOON

WORDS = st.text("ab=", max_size=2)
ALERTS = st.builds(
    lambda ends, severity, words, labels: Alert(
        "s", "f", NOON, None if ends is None else NOON + timedelta(microseconds=ends), *words[:2], severity, *words[2:],
        labels,
    ),
    st.none() | st.integers(0, 3),
    st.integers(1, 4),
    st.tuples(WORDS, WORDS, WORDS, WORDS),
    st.dictionaries(WORDS, WORDS, max_size=2),
)  # fmt: skip


@given(ALERTS, ALERTS, ALERTS)
def test_join_minds_neither_order_nor_number(one: Alert, two: Alert, three: Alert) -> None:
    """Commutative, associative and idempotent, whatever the words: labels that only look alike are told apart."""
    assert join(one, two) == join(two, one)
    assert join(join(one, two), three) == join(one, join(two, three))
    assert join(one, one) == one


def messages(seed: int) -> list[list[Alert]]:
    """A thousand webhooks of up to eight alerts: firing, ended, ended later, grown in severity, begun again."""
    rng = random.Random(seed)
    made: list[list[Alert]] = []
    for _ in range(1000):
        batch = []
        for _ in range(rng.randint(1, 8)):
            starts = NOON + timedelta(minutes=10 * rng.randrange(4))
            ends = starts + timedelta(seconds=rng.randrange(500)) if rng.random() < 0.4 else None
            title = rng.choice(("Latency is high", "Latency is very high"))
            batch.append(Alert("prod", f"fp{rng.randrange(200)}", starts, ends, title, "loans", rng.randint(1, 4)))
        made.append(batch)
    return made


def mangled(webhooks: list[list[Alert]], seed: int) -> list[list[Alert]]:
    """The same set as another night delivers it: shuffled, some twice, cut into other messages, none missing."""
    rng = random.Random(seed)
    given = [list(batch) for batch in webhooks]
    given += [list(batch) for batch in rng.choices(webhooks, k=len(webhooks) // 5)]
    cut: list[list[Alert]] = []
    for batch in given:
        rng.shuffle(batch)
        at = rng.randint(0, len(batch))  # what was truncated is told in a message of its own
        cut += [part for part in (batch[:at], batch[at:]) if part]
    rng.shuffle(cut)
    return cut


def outcome(webhooks: list[list[Alert]]) -> dict[tuple[str, object], Alert]:
    """What is known after them."""
    known: dict[tuple[str, object], Alert] = {}
    for batch in webhooks:
        for alert in batch:
            key = alert.fingerprint, alert.starts
            known[key] = join(known[key], alert) if key in known else alert
    return known


@pytest.mark.parametrize("seeds", [range(50), pytest.param(range(50, 1000), marks=pytest.mark.nightly)])
def test_a_thousand_webhooks_end_alike_in_every_permutation(seeds: range) -> None:
    """50 permutations in a plain run, 1,000 with the nightly ones: shuffled, duplicated, cut, one end state."""
    webhooks = messages(4711)
    wanted = outcome(webhooks)
    for seed in seeds:
        assert outcome(mangled(webhooks, seed)) == wanted, seed
