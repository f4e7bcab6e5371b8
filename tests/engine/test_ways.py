"""By which channels somebody is reached, by one table for the files and the engine."""

from __future__ import annotations

import pytest

from bot.engine.calling import NEEDS, Contact, has_address
from bot.engine.values import Profile
from bot.engine.ways import missing, ways
from bot.shelf import names

WHOLE = Contact("ana", "a@x", "+4930123456", handles={"ntfy": "ana", "pushover": "u"})
KNOWN = Profile("p1", "ana", "Ana", frozenset(), slack_user="U1", email="ana@x")
BARE = Profile("p1", "ana", "Ana", frozenset())


@pytest.mark.parametrize("channel", names("pagers"))
def test_a_channel_that_needs_something_says_what(channel: str) -> None:
    """Of the whole shelf: whoever has no address gets a sentence, and a channel without needs reaches anybody."""
    bare = Contact("ana", reach=(channel,))
    assert has_address(channel, WHOLE, slack=True)
    assert has_address(channel, bare, slack=False) is (channel not in NEEDS)
    wanted = (f"{channel} needs {NEEDS[channel].what}",) if channel in NEEDS else ()
    assert missing(BARE, bare, [channel]) == wanted
    assert ways(BARE, bare, [channel]) == (() if wanted else (channel,))


def test_a_mail_address_known_elsewhere_is_one() -> None:
    """The directory's own counts where the contact has none."""
    assert ways(KNOWN, Contact("ana"), ["email", "slack", "sms"]) == ("email", "slack")
