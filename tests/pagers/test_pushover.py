"""The pager of the name pushover, against its API built from the documentation: emergencies ring, are seen and stood down."""

from __future__ import annotations

import contextlib
from collections.abc import AsyncIterator
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

import pytest

from bot import shelf
from bot.domain.errors import Refused, Unavailable
from bot.domain.paging import Receipt
from bot.domain.policy import Severity
from bot.engine.calling import Over
from bot.pagers._words import mark
from tests.pagers.fake_push import Pushover
from tests.pagers.fakes import CONTACT, KEY, LINK, OTHER, USER, Scene, page_of, summons
from tests.parts import CANARY, Hands

SETTINGS: dict[str, Any] = {"url": "{url}", "token": CANARY, "timeout_seconds": 0.4}


def made(server: Pushover, **changes: Any):
    kind = shelf.load("pagers", "pushover")
    return kind(kind.Settings.model_validate({"token": CANARY, **changes}), clock=Hands(), transport=server)


@contextlib.asynccontextmanager
async def scene() -> AsyncIterator[Scene]:
    """What the suite in tests/shelves tries it on."""
    server = Pushover()
    pager = made(server)

    def reached() -> list[tuple[str, str]]:
        return [
            ("ana" if each["user"] == USER else "?", page_of(each.get("tags", "").removeprefix("tocsin-")))
            for each in server.pushed
        ]

    def ringing() -> list[str]:
        return [
            page_of(each["tags"].removeprefix("tocsin-")) for each in server.receipts.values() if not each["expired"]
        ]

    yield Scene(
        pager, reached, server.breaks, lambda: "".join(server.says), lambda: server.asked, tells=False, ringing=ringing
    )
    await pager.close()


@pytest.mark.parametrize(
    ("severity", "priority", "rings"),
    [(Severity.SEV1, "2", True), (Severity.SEV2, "2", True), (Severity.SEV3, "1", False), (Severity.SEV4, "0", False)],
)
async def test_the_worst_ones_ring_until_somebody_answers(severity: Severity, priority: str, rings: bool) -> None:
    """They are repeated each minute for an hour, as the settings say; the others come once and have no receipt."""
    server = Pushover()
    sent = await made(server, retry_seconds=45, expire_seconds=900).page(summons(severity=severity))
    (pushed,) = server.pushed
    assert pushed["priority"] == priority
    assert (pushed.get("retry"), pushed.get("expire")) == (("45", "900") if rings else (None, None))
    assert (sent.rings, bool(sent.ref)) == (rings, rings)
    assert (pushed["url"], pushed["url_title"]) == (LINK, "Acknowledge in Tocsin")


async def test_its_receipt_goes_from_delivered_to_seen() -> None:
    """Called, and then acknowledged on the phone; who that was by is not told."""
    server = Pushover()
    pager = made(server)
    sent = await pager.page(summons())
    assert await pager.became(sent.ref) == await pager.became(sent.ref)
    assert (await pager.became(sent.ref)).receipt is Receipt.ACCEPTED
    held = server.receipts[sent.ref]
    held["last_delivered_at"] = 1_795_176_000
    became = await pager.became(sent.ref)
    assert (became.receipt, became.at, became.final) == (
        Receipt.DELIVERED,
        datetime(2026, 11, 20, 12, tzinfo=UTC),
        False,
    )
    held |= {"acknowledged": 1, "acknowledged_at": 1_795_176_060, "acknowledged_by": USER}
    became = await pager.became(sent.ref)
    assert (became.receipt, became.detail, became.final) == (Receipt.SEEN, "acknowledged there", True)
    assert became.at == datetime(2026, 11, 20, 12, 1, tzinfo=UTC)
    assert USER not in repr(became)


async def test_one_that_rang_to_its_end_is_final() -> None:
    """Nobody answered there; it stays delivered, and is asked no more."""
    server = Pushover()
    pager = made(server)
    sent = await pager.page(summons())
    server.receipts[sent.ref] |= {"last_delivered_at": 1_795_176_000, "expired": 1}
    became = await pager.became(sent.ref)
    assert (became.receipt, became.final, became.detail) == (Receipt.DELIVERED, True, "nobody answered there")


async def test_standing_down_silences_every_repetition_of_a_page_and_no_other() -> None:
    """One whose receipt never arrived rings as loudly as the one that is known."""
    server = Pushover()
    pager = made(server)
    await pager.page(summons())
    sent = await pager.page(summons())
    await pager.page(summons(key=OTHER))
    await pager.stand_down(KEY, sent.ref, Over.ACKNOWLEDGED)
    left = [each["tags"] for each in server.receipts.values() if not each["expired"]]
    assert left == [f"tocsin-{mark(OTHER, 32)}"]


@pytest.mark.parametrize("ref", ["", "r" * 30])
async def test_nothing_is_learned_of_what_has_no_receipt(ref: str) -> None:
    """None was given, or it is older than a week: final."""
    became = await made(Pushover()).became(ref)
    assert (became.receipt, became.final) == (Receipt.ACCEPTED, True)


async def test_whose_key_is_wrong_is_told_apart() -> None:
    """The person's key is refused by name, the application's is our credentials; neither is repeated."""
    server, other = Pushover(), "u" * 30
    with pytest.raises(Refused, match=r"for Ana Souza; is push\.pushover in people\.yaml their user key") as refused:
        await made(server).page(summons(contact=replace(CONTACT, handles={"pushover": other})))
    assert other not in str(refused.value)
    with pytest.raises(Unavailable, match="did not accept our credentials") as away:
        await made(server, token="another-application").page(summons())
    assert "another" not in str(away.value)
    with pytest.raises(Refused, match="30 letters and digits"):
        await made(server).page(summons(contact=replace(CONTACT, handles={"pushover": "short"})))


async def test_an_address_that_is_too_long_says_where_to_look() -> None:
    """Its limit is 512 letters; the text then carries the address if it fits, whole."""
    server = Pushover()
    url = "https://tocsin.example.org/p/" + "a" * 600
    await made(server).page(summons(url=url, text="x" * 3000))
    (pushed,) = server.pushed
    assert "url" not in pushed
    assert pushed["message"].endswith(f"Acknowledge: {url}")
