"""Lists page by page: what follows after what, and the address of the next page in the header Link (RFC 8288)."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Annotated, Literal, TypeVar

from fastapi import Query, Request, Response
from pydantic import AfterValidator, AwareDatetime

from bot.domain.errors import NotFound
from bot.domain.phase import Phase
from bot.engine.values import Profile, Summary
from bot.web.door import Console
from bot.web.verbs._asking import storable

AT_ONCE = 500
MOST = 1000
Limit = Annotated[int, Query(ge=1, le=MOST, description="How many at most")]
Cursor = Annotated[
    str, Query(max_length=600, description="Where to go on: from the Link of the page before"), AfterValidator(storable)
]
Sought = Annotated[str, Query(max_length=200), AfterValidator(storable)]
State = Literal["", "open", "declared", "acknowledged", "mitigated", "resolved", "closed"]
Severities = Literal["", "SEV1", "SEV2", "SEV3", "SEV4"]
Since = Annotated[AwareDatetime | None, Query(description="Declared then or later; with its offset")]
Until = Annotated[AwareDatetime | None, Query(description="Declared before then; with its offset")]
T = TypeVar("T")
_OPEN = frozenset({Phase.DECLARED.value, Phase.ACKNOWLEDGED.value, Phase.MITIGATED.value})


@dataclass(frozen=True, slots=True)
class Filter:
    """Which incidents are asked for; what is left out asks for all."""

    state: str = ""
    service: str = ""
    severity: str = ""
    since: datetime | None = None
    until: datetime | None = None

    def takes(self, each: Summary) -> bool:
        """Whether it is one of those."""
        return (
            (not self.state or each.phase == self.state or (self.state == "open" and each.phase in _OPEN))
            and (not self.service or each.service == self.service)
            and (not self.severity or f"SEV{each.severity}" == self.severity)
            and (self.until is None or each.declared < self.until)
            and (self.since is None or each.declared >= self.since)
        )


async def incidents(
    here: Console, who: Profile, wanted: Filter, *, limit: int, before: str = ""
) -> tuple[list[Summary], bool]:
    """The newest of those this person may see, and whether more follow. Raises NotFound for a cursor not theirs."""
    if before:
        await here.incident(before, who)  # of a hidden one nobody learns that it is there
    found: list[Summary] = []
    while True:
        page = await here.desk.log.summaries(limit=AT_ONCE, before=before)
        for each in await here.seen(page, who):
            if wanted.takes(each):
                found.append(each)
            if len(found) > limit:
                return found[:limit], True
        if len(page) < AT_ONCE or (wanted.since is not None and page[-1].declared < wanted.since):
            return found, False
        before = page[-1].id


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
