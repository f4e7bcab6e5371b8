"""Pages a person by a push through ntfy, at ntfy.sh or a server of one's own.

    pagers:
      - ntfy: {url: https://ntfy.example.org, token: {env: NTFY_TOKEN}}

Whoever knows a topic's name reads it, so `push.ntfy` in people.yaml is best a reference to a long random name, on a
server that asks for a token. The message is published as JSON, because a title has no place in a header. The page's
key becomes its sequence id: from ntfy 2.16 on a repetition replaces the notification, before that it is shown twice.
"""

from __future__ import annotations

import re
from typing import Any, ClassVar

import httpx
from pydantic import SecretStr

from bot.clients.http import Rejected
from bot.clock import Clock
from bot.domain.errors import Refused
from bot.domain.policy import Severity
from bot.engine.calling import Kind, Sent, Summons
from bot.pagers import _words as words
from bot.pagers._vendor import Vendor, VendorSettings, said

WHAT, HANDLE = "ntfy", "ntfy"
TOPIC = re.compile(r"[-_A-Za-z0-9]{1,64}\Z")
TAGS = {Kind.PAGE: "rotating_light", Kind.TEST: "test_tube", Kind.HOUSE: "wrench"}
HOW_LOUD = {Severity.SEV1: 5, Severity.SEV2: 4, Severity.SEV3: 3, Severity.SEV4: 2}
LONGEST_TITLE, LONGEST_TEXT = 200, 1000
"""Letters; ntfy makes an attachment of what is longer than 4096 bytes."""


class NtfySettings(VendorSettings):
    """A server of ntfy."""

    url: str = "https://ntfy.sh"
    """Where the server answers."""

    token: SecretStr | None = None
    """An access token, where the server asks for one."""


class NtfyPager:
    """The pager of the name `ntfy`."""

    shelf: ClassVar[str] = "pagers"
    Settings = NtfySettings

    def __init__(
        self, settings: NtfySettings, *, clock: Clock, transport: httpx.AsyncBaseTransport | None = None
    ) -> None:
        self.settings, self.clock = settings, clock
        self._vendor = Vendor(WHAT, settings, url=settings.url, transport=transport, token=settings.token)

    def way(self, summons: Summons) -> str:
        _topic(summons)
        return f"push by ntfy to {summons.person.name}"

    async def page(self, summons: Summons) -> Sent:
        where = self.way(summons)
        message: dict[str, Any] = {
            "topic": _topic(summons),
            "title": words.one_line(summons.headline, LONGEST_TITLE),
            "message": words.body(summons, address=False, most=LONGEST_TEXT) or words.nobodys(summons),
            "priority": HOW_LOUD[summons.severity],
            "tags": [TAGS[summons.kind]],
            "sequence_id": words.mark(summons.key, 32),
        }
        if summons.url:
            view = {"action": "view", "label": words.label(summons), "url": summons.url, "clear": True}
            message |= {"click": summons.url, "actions": [view]}
        try:
            told = await self._vendor.post("/", body=message)
        except Rejected as no:
            raise Refused(f"{no.because} for {summons.person.name}; is push.ntfy in people.yaml a topic?") from None
        return Sent(where, said(told, "id", WHAT))

    async def close(self) -> None:
        await self._vendor.close()


def _topic(summons: Summons) -> str:
    topic = summons.contact.handles.get(HANDLE, "")
    if not topic:
        raise Refused(f"{summons.person.name} has no push.ntfy in people.yaml")
    if not TOPIC.match(topic):
        raise Refused(f"{summons.person.name}'s push.ntfy in people.yaml is no topic (letters, digits, - and _)")
    return topic
