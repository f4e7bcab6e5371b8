"""Planned maintenance: stretches of time announced beforehand, whose failures are told and not held against anybody."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime

Window = tuple[datetime, datetime]


@dataclass(frozen=True, slots=True)
class Maintenance:
    """From `start` to `end` the failures of these objectives are excused, `because` of what somebody wrote down.

    New alerts of these services are held until then; `owner` (a key of people) answers for the window. `announce` is
    what the status page says of it, nothing where it is empty.
    """

    start: datetime
    end: datetime
    slos: frozenset[str]
    because: str
    services: frozenset[str] = frozenset()
    owner: str = ""
    announce: str = ""


def windows(planned: Iterable[Maintenance], slo: str) -> tuple[Window, ...]:
    """When an objective is excused, in order; stretches that overlap are one, for nothing is left out twice."""
    found: list[Window] = []
    for start, end in sorted((each.start, each.end) for each in planned if slo in each.slos):
        if found and start <= found[-1][1]:
            found[-1] = (found[-1][0], max(end, found[-1][1]))
        else:
            found.append((start, end))
    return tuple(found)
