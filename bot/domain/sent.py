"""Which pages of an escalation stand in the log, by rung and time round, and to whom, whoever stands there by now."""

from __future__ import annotations

import re
from bisect import bisect_right
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime

from bot.domain.incident import Incident
from bot.domain.nobody import STANDS_IN
from bot.domain.paging import Page

_KEY = re.compile(rf"(?P<instead>{STANDS_IN}?)(?P<level>\d+)(?::r(?P<turn>\d+))?(?::b(?P<returns>\d+))?(?::.+)?")
_RETURN = re.compile(r":b(\d+)(?=:|$)")
_BY_CHANNEL = re.compile(r":c\d+$")

Place = tuple[int, int]
"""The time round, and the rung."""


@dataclass(frozen=True, slots=True)
class Sent:
    """What was sent since the breach last began. `last` is the last time round of which anything is known, else -1."""

    by_place: Mapping[Place, Mapping[str, Page]]
    last: int
    _places: tuple[Place, ...]  # in order
    _first: tuple[datetime, ...]  # when anything was first sent from the same place on

    @classmethod
    def of(cls, incident: Incident, instead: str = "") -> Sent:
        """Read the log: of those who are on call, or by the beginning of their keys of those who stand in."""
        found: dict[Place, dict[str, Page]] = {}
        last = -1
        for page in incident.pages.values():
            place = _place(incident, page.key, instead)
            if place is None:
                continue
            last = max(last, place[0])
            if _BY_CHANNEL.search(page.key.removesuffix(f":{page.person}")):
                continue  # the same page by a further channel
            known = found.setdefault(place, {})
            had = known.get(page.person)
            if had is None or (page.reached, page.at) > (had.reached, had.at):
                known[page.person] = page
        for key in incident.troubles:
            place = _place(incident, key, instead)
            last = max(last, place[0]) if place is not None else last
        places = tuple(sorted(found))
        first: list[datetime] = []
        for place in reversed(places):
            first.append(min([page.at for page in found[place].values()] + first[-1:]))
        return cls(found, last, places, tuple(reversed(first)))

    def at(self, place: Place) -> Mapping[str, Page]:
        """The pages of one rung and round, by person."""
        return self.by_place.get(place, {})

    def left(self, place: Place) -> datetime | None:
        """When that rung was left for a later one at the latest; None where no later one was paged."""
        after = bisect_right(self._places, place)
        return self._first[after] if after < len(self._places) else None


def of_now(incident: Incident, key: str) -> bool:
    """Whether a page belongs to the breach as it last began, and not to one that was over since."""
    found = _RETURN.search(key)
    return int(found[1] if found else 0) == incident.returns


def _place(incident: Incident, key: str, instead: str) -> Place | None:
    found = _KEY.fullmatch(key.removeprefix(f"page:{incident.id}:")) if key.startswith("page:") else None
    if found is None or found["instead"] != instead or int(found["returns"] or 0) != incident.returns:
        return None
    return int(found["turn"] or 0), int(found["level"])
