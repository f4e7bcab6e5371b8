"""The pager of the name pagerduty, against Events API v2 built from its documentation: one alert for each page."""

from __future__ import annotations

import contextlib
from collections.abc import AsyncIterator
from typing import Any

import pytest

from bot import shelf
from bot.domain.errors import RateLimited, Refused
from bot.domain.policy import Severity
from bot.engine.calling import Following, Over
from tests.kit import NOON
from tests.pagers.fake_alarms import PagerDuty
from tests.pagers.fakes import KEY, LINK, BadRequestError, Scene, summons
from tests.parts import CANARY, Hands

SETTINGS: dict[str, Any] = {"url": "{url}", "routing_key": CANARY, "timeout_seconds": 0.4}


def made(server: PagerDuty, **changes: Any):
    kind = shelf.load("pagers", "pagerduty")
    return kind(kind.Settings.model_validate({"routing_key": CANARY, **changes}), clock=Hands(), transport=server)


@contextlib.asynccontextmanager
async def scene() -> AsyncIterator[Scene]:
    """What the suite in tests/shelves tries it on; an event names the person for people to read."""
    server = PagerDuty()
    pager = made(server)

    def reached() -> list[tuple[str, str]]:
        found = [(key, each["payload"]["custom_details"]["for"]) for key, each in server.alerts.items()]
        return [("ana" if name == "Ana Souza" else "?", key) for key, name in found]

    yield Scene(pager, reached, server.breaks, lambda: "".join(server.says), lambda: server.asked, everybody=True,
                ringing=lambda: [key for key, each in server.alerts.items() if each["state"] == "triggered"])  # fmt: skip
    await pager.close()


async def test_the_key_is_the_alerts_own() -> None:
    """A page in doubt triggers the same alert again; its severity, words and address are those of the page."""
    server = PagerDuty()
    pager = made(server)
    sent = await pager.page(summons())
    await pager.page(summons())
    alert = server.alerts[KEY]
    assert (list(server.alerts), alert["triggers"]) == ([KEY], 2)
    assert alert["payload"]["summary"] == "SEV2 INC-7: Recall below its objective for health=poor"
    assert (alert["payload"]["severity"], alert["payload"]["timestamp"]) == ("error", NOON.isoformat())
    assert alert["links"] == [{"href": LINK, "text": "Acknowledge in Tocsin"}]
    assert (sent.ref, sent.rings, sent.where) == (KEY, True, "PagerDuty, for whoever is on call there")


@pytest.mark.parametrize(("over", "state"), [(Over.ACKNOWLEDGED, "acknowledged"), (Over.RESOLVED, "resolved")])
async def test_it_is_told_that_somebody_answers_here(over: Over, state: str) -> None:
    """Acknowledged stays open there, resolved is over; both by the key alone."""
    server = PagerDuty()
    pager = made(server)
    sent = await pager.page(summons())
    await pager.stand_down(KEY, sent.ref, over)
    await pager.stand_down(KEY, "", over)
    assert server.alerts[KEY]["state"] == state


@pytest.mark.parametrize("severity", list(Severity))
async def test_every_severity_has_a_word_there(severity: Severity) -> None:
    """The fake takes those of the documentation alone."""
    server = PagerDuty()
    await made(server).page(summons(severity=severity))
    assert server.alerts[KEY]["payload"]["severity"] == ["critical", "error", "warning", "info"][severity - 1]


async def test_a_key_longer_than_theirs_is_another_of_the_same_meaning() -> None:
    """The same long key is the same alert, another one is not."""
    server = PagerDuty()
    pager = made(server)
    for key in ("k" * 300 + "a", "k" * 300 + "b", "k" * 300 + "a"):
        await pager.page(summons(key=key))
    assert sorted(each["triggers"] for each in server.alerts.values()) == [1, 2]


async def test_what_it_says_of_our_key_is_not_repeated() -> None:
    """Its errors quote the routing key; ours name the status and what to look at."""
    server = PagerDuty()
    with pytest.raises(Refused, match="is the routing key still that of a service") as caught:
        await made(server, routing_key="another-one-of-theirs").page(summons())
    assert "another-one" not in str(caught.value)


async def test_asked_to_wait_it_waits() -> None:
    """429 is RateLimited, so that the page is tried again and another channel before that."""

    class Busy(PagerDuty):
        def answer(self, request: Any) -> tuple[int, Any]:
            raise BadRequestError(429, {"status": "throttle exceeded"})

    with pytest.raises(RateLimited, match="asked to wait"):
        await made(Busy()).page(summons())


def test_it_does_not_pretend_to_be_asked() -> None:
    """Its API for events answers no questions, so nothing follows a page there."""
    assert not isinstance(made(PagerDuty()), Following)
