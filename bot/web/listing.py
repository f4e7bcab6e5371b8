"""Lists page by page: what follows after what, and the address of the next page in the header Link (RFC 8288)."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Annotated, Literal, TypeVar

from fastapi import Query, Request, Response
from pydantic import AfterValidator, AwareDatetime

from bot.domain.errors import NotFound
from bot.domain.policy import Severity
from bot.engine.lists import Place, Wanted
from bot.engine.values import Profile, Summary
from bot.web.asked import PHASES
from bot.web.door import Console
from bot.web.phrases import in_utc
from bot.web.verbs._asking import storable

MOST = 1000
Limit = Annotated[int, Query(ge=1, le=MOST, description="How many at most")]
Cursor = Annotated[
    str, Query(max_length=600, description="Where to go on: from the Link of the page before"), AfterValidator(storable)
]
Sought = Annotated[str, Query(max_length=200), AfterValidator(storable)]
State = Literal["", "open", "over", "declared", "acknowledged", "mitigated", "resolved", "closed"]
Severities = Literal["", "SEV1", "SEV2", "SEV3", "SEV4"]
Time = Annotated[AwareDatetime, AfterValidator(in_utc)]
Since = Annotated[Time | None, Query(description="Declared then or later; with its offset")]
Until = Annotated[Time | None, Query(description="Declared before then; with its offset")]
T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Filter:
    """Which incidents are asked for; what is left out asks for all."""

    text: str = ""
    state: str = ""
    service: str = ""
    severity: str = ""
    cause: str = ""
    since: datetime | None = None
    until: datetime | None = None

    @property
    def wanted(self) -> Wanted:
        """As the list is asked."""
        return Wanted(
            self.text,
            self.service or None,
            int(Severity[self.severity]) if self.severity else 0,
            PHASES[self.state] if self.state else (),
            self.cause or None,
            self.since,
            self.until,
        )


async def incidents(
    here: Console, who: Profile, asked: Filter, *, limit: int, before: str = ""
) -> tuple[list[Summary], bool]:
    """The newest of those this person may see, and whether more follow. Raises NotFound for a cursor not theirs."""
    after = None
    if before:
        known = await here.incident(before, who)  # of a hidden one nobody learns that it is there
        number = known.id.rpartition("-")[2]
        assert known.declared_at is not None  # noqa: S101 - it is there
        after = Place(known.declared_at, int(number) if number.isdigit() else 0)
    found = await here.found(who, asked.wanted, limit=limit + 1, after=after)
    return found[:limit], len(found) > limit


def paged(items: Sequence[T], key: Callable[[T], str], *, limit: int, after: str) -> tuple[list[T], str]:
    """So many after the one of that key, and the cursor for what follows, "" where nothing does. Raises NotFound."""
    start = 0
    if after:
        names = [key(each) for each in items]
        if after not in names:
            raise NotFound("place in this list", after)
        start = names.index(after) + 1
    page = list(items[start : start + limit])
    return page, key(page[-1]) if page and start + limit < len(items) else ""


def follow(request: Request, response: Response, name: str, cursor: str) -> None:
    """Say where the next page is; nothing where there is none."""
    if cursor:
        query = request.url.include_query_params(**{name: cursor}).query
        response.headers["Link"] = f'<{request.url.path}?{query}>; rel="next"'
