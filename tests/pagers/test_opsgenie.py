"""The pager of the name opsgenie, against the Alert API built from its documentation: one alert, followed and ended."""

from __future__ import annotations

import contextlib
from collections.abc import AsyncIterator
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

import pytest

from bot import shelf
from bot.domain.paging import Receipt
from bot.domain.policy import Severity
from bot.engine.calling import Over
from tests.pagers.fake_alarms import Opsgenie
from tests.pagers.fakes import CONTACT, EMAIL, KEY, LINK, Scene, summons
from tests.parts import CANARY, Hands

SETTINGS: dict[str, Any] = {"url": "{url}", "api_key": CANARY, "timeout_seconds": 0.4}


def made(server: Opsgenie, **changes: Any):
    kind = shelf.load("pagers", "opsgenie")
    return kind(kind.Settings.model_validate({"api_key": CANARY, **changes}), clock=Hands(), transport=server)


@contextlib.asynccontextmanager
async def scene() -> AsyncIterator[Scene]:
    """What the suite in tests/shelves tries it on."""
    server = Opsgenie()
    pager = made(server)

    def reached() -> list[tuple[str, str]]:
        found = [(key, each["responders"][0]["username"]) for key, each in server.alerts.items()]
        return [("ana" if name == EMAIL else "?", key) for key, name in found]

    def ringing() -> list[str]:
        return [key for key, each in server.alerts.items() if each["status"] == "open" and not each["acknowledged"]]

    yield Scene(pager, reached, server.breaks, lambda: "".join(server.says), lambda: server.asked, ringing=ringing)
    await pager.close()


async def test_the_key_is_the_alerts_alias() -> None:
    """A repetition is counted to the same alert; the words fit what Opsgenie takes."""
    server = Opsgenie()
    pager = made(server)
    sent = await pager.page(summons(headline="SEV1 " + "x" * 300, severity=Severity.SEV1))
    await pager.page(summons())
    alert = server.alerts[KEY]
    assert (len(server.alerts), alert["count"]) == (1, 2)
    assert alert["responders"] == [{"type": "user", "username": EMAIL}]
    assert alert["description"].endswith(f"Acknowledge: {LINK}")
    assert (sent.where, sent.rings) == ("Opsgenie's user Ana Souza", True)


async def test_it_is_followed_until_somebody_acknowledges_there() -> None:
    """Not made yet, open, then acknowledged by a person there: seen, with the time."""
    server = Opsgenie()
    pager = made(server)
    sent = await pager.page(summons())
    server.busy = True
    assert (await pager.became(sent.ref)).receipt is Receipt.ACCEPTED
    server.busy = False
    became = await pager.became(sent.ref)
    assert (became.receipt, became.final) == (Receipt.ACCEPTED, False)
    server.done(server.alerts[KEY], "acknowledge", EMAIL)
    became = await pager.became(sent.ref)
    assert (became.receipt, became.detail, became.final) == (Receipt.SEEN, "acknowledged there", True)
    assert became.at == datetime(2026, 11, 20, 12, 3, 4, 500_000, UTC)
    assert EMAIL not in repr(became)


@pytest.mark.parametrize(("over", "final"), [(Over.ACKNOWLEDGED, False), (Over.RESOLVED, True)])
async def test_what_we_ended_ourselves_nobody_has_seen(over: Over, final: bool) -> None:
    """Standing down acknowledges or closes there as Tocsin, and that is no receipt."""
    server = Opsgenie()
    pager = made(server)
    sent = await pager.page(summons())
    await pager.stand_down(KEY, sent.ref, over)
    became = await pager.became(sent.ref)
    assert (became.receipt, became.final) == (Receipt.ACCEPTED, final)


async def test_a_request_that_came_to_nothing_is_a_lost_page() -> None:
    """Opsgenie takes first and looks later: a user it does not have is heard of by asking."""
    server = Opsgenie()
    pager = made(server)
    sent = await pager.page(summons(contact=replace(CONTACT, email="nobody@example.org")))
    became = await pager.became(sent.ref)
    assert (became.receipt, became.final) == (Receipt.FAILED, True)
    assert "no alert" in became.detail


async def test_an_alert_somebody_deleted_is_asked_for_no_more() -> None:
    """It stays accepted, and that is final."""
    server = Opsgenie()
    pager = made(server)
    sent = await pager.page(summons())
    server.alerts.clear()
    became = await pager.became(sent.ref)
    assert (became.receipt, became.final) == (Receipt.ACCEPTED, True)


async def test_a_reference_is_one_segment_of_a_path() -> None:
    """Whatever stands in it, no other address is asked."""
    server = Opsgenie()
    assert (await made(server).became("../../v2/users")).receipt is Receipt.ACCEPTED
    assert "/v2/alerts/requests/" in server.says[-1]
