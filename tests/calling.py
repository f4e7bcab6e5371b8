"""What a pager is asked in tests: a page to somebody about one incident, or about none."""

from __future__ import annotations

from bot.engine.calling import Contact, Summons
from bot.engine.situation import Situation
from bot.engine.summons import summon
from bot.engine.values import Profile


def summons(person: Profile, situation: Situation | None, key: str, **contact: str) -> Summons:
    """As the engine would put it."""
    own = Contact(person.key, **{"email": person.email, **contact})
    if situation is None:
        return Summons(key, person, own, "INC-7, SEV1 visits: scores look wrong", "since 10:00 UTC")
    return summon(key, person, own, [situation], "")
