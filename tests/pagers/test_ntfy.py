"""The pager of the name ntfy, against a server built from its documentation (2.16): one notification for each page."""

from __future__ import annotations

import contextlib
from collections.abc import AsyncIterator
from dataclasses import replace
from typing import Any

import pytest

from bot import shelf
from bot.domain.errors import Refused
from bot.domain.policy import Severity
from tests.pagers.fake_push import Ntfy
from tests.pagers.fakes import CONTACT, LINK, TOPIC, Scene, page_of, summons
from tests.parts import CANARY, Hands

SETTINGS: dict[str, Any] = {"url": "{url}", "token": CANARY, "timeout_seconds": 0.4}


def made(server: Ntfy, **changes: Any):
    kind = shelf.load("pagers", "ntfy")
    return kind(kind.Settings.model_validate({"token": CANARY, **changes}), clock=Hands(), transport=server)


@contextlib.asynccontextmanager
async def scene() -> AsyncIterator[Scene]:
    """What the suite in tests/shelves tries it on."""
    server = Ntfy()
    pager = made(server)

    def reached() -> list[tuple[str, str]]:
        return [("ana" if each["topic"] == TOPIC else "?", page_of(name)) for name, each in server.shown.items()]

    yield Scene(pager, reached, server.breaks, lambda: "".join(server.says), lambda: server.asked)
    await pager.close()


def only(server: Ntfy) -> dict[str, Any]:
    """The one notification the phone shows."""
    (shown,) = server.shown.values()
    return shown


async def test_a_push_opens_the_page() -> None:
    """A touch and a button lead to the address; it is as loud as the page is bad, and a repetition replaces it."""
    server = Ntfy()
    pager = made(server)
    await pager.page(summons())
    await pager.page(summons(severity=Severity.SEV1))
    shown = only(server)
    assert (shown["priority"], shown["tags"], shown["click"]) == (5, ["rotating_light"], LINK)
    assert shown["actions"] == [{"action": "view", "label": "Acknowledge", "url": LINK, "clear": True}]
    assert LINK not in shown["message"]


async def test_a_hostile_title_stays_a_title() -> None:
    """Line ends and a direction mark are gone, umlauts stay; nothing of it becomes a header or a field."""
    server = Ntfy()
    await made(server).page(summons(headline='INC-7\r\nX-Call: +1555\u202e", "delay": "3d', text="über\x00alles\n<b>"))
    shown = only(server)
    assert shown["title"] == 'INC-7 X-Call: +1555 ", "delay": "3d'
    assert shown["message"] == "über alles\n<b>"
    assert {"call", "delay", "email"}.isdisjoint(shown)


@pytest.mark.parametrize("topic", ["a/b", "topic name", "x" * 65, "../v1/account", "ümlaut"])
async def test_what_is_no_topic_is_refused(topic: str) -> None:
    """By name, without telling it: who knows a topic reads it."""
    server = Ntfy()
    with pytest.raises(Refused, match=r"Ana Souza's push\.ntfy in people\.yaml is no topic") as caught:
        await made(server).page(summons(contact=replace(CONTACT, handles={"ntfy": topic})))
    assert topic not in str(caught.value)
    assert server.asked == 0


async def test_a_server_may_ask_for_no_token() -> None:
    """Then none is sent: this one asks, and says no."""
    server = Ntfy()
    with pytest.raises(Exception, match="did not accept our credentials"):
        await made(server, token=None).page(summons())
