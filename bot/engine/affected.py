"""Who was decided about by the bad version in the bad window: numbers for the record, the list for counsel alone."""

from __future__ import annotations

import hashlib
import zlib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from math import inf
from typing import TYPE_CHECKING

from bot.domain.affected import (
    COUNTERS,
    COUNTRY,
    DAY,
    GROUP,
    OTHERS,
    STATE,
    Cell,
    CountAffected,
    Cut,
    Ratio,
    TakeList,
    Tallied,
    bad_versions,
    covers,
    require_people_data,
    window,
)
from bot.domain.errors import Refused
from bot.domain.incident import Incident
from bot.domain.log import Ask
from bot.domain.service import PredictionLog
from bot.engine.decisions import DAY as BY_DAY
from bot.engine.decisions import MOST, Asked, Decisions, Number, Numbers
from bot.engine.values import Profile
from bot.notices.facts import AtLeast, Range, Value
from bot.slo.interval import ratio

if TYPE_CHECKING:
    from bot.engine.desk import Desk

FEW = 30
"""Decisions a group needs before its rate is compared with another's."""
EVERY = "all"
"""Said in place of versions or a slice: do not tell them apart."""
LONGEST = 2_000_000
"""Rows one list may have; it waits in memory until it is sent."""


@dataclass(frozen=True, slots=True)
class Wanted:
    """What to count where it is not what the incident says: `all` as versions or slice tells nothing apart."""

    since: datetime | None = None
    until: datetime | None = None
    versions: tuple[str, ...] = ()
    slice: str = ""


@dataclass
class Listing:
    """The list as a file: its digest, and its bytes, deflated while they wait."""

    rows: int = 0
    _hash: hashlib._Hash = field(default_factory=hashlib.sha256)
    _parts: list[bytes] = field(default_factory=list)

    @property
    def sha256(self) -> str:
        return self._hash.hexdigest()

    def add(self, rows: int, content: bytes, *, keep: bool) -> None:
        """Take a piece in. Raises Refused where the list grows too long to be kept."""
        self.rows += rows
        if keep and self.rows > LONGEST:
            raise Refused(f"has more than {LONGEST:,} rows to list; take them in shorter stretches")
        self._hash.update(content)
        if keep:
            self._parts.append(zlib.compress(content, 1))

    def chunks(self) -> Iterator[bytes]:
        """Its bytes in order; what was given is let go."""
        while self._parts:
            yield zlib.decompress(self._parts.pop(0))


class AffectedRoom:
    """Counts and lists those decided about; `logs` are prediction logs by service."""

    def __init__(self, desk: Desk, logs: Mapping[str, Decisions]) -> None:
        self._desk, self._logs = desk, logs

    def log_of(self, incident: Incident) -> Decisions | None:
        """The prediction log of an incident's service."""
        return self._logs.get(incident.service)

    async def count(self, incident: str, who: Profile, wanted: Wanted = Wanted(), *, inbound: str = "") -> Incident:
        """Count, and write the numbers down. Raises Refused, Unavailable."""
        known = await self._desk.log.load(incident)
        self._desk.handler.policy.require(who.person, COUNTERS, "count who is affected")
        told, _listing = await self._read(known, wanted, keep=False)
        return await self._desk.submit(incident, CountAffected(told), who, inbound=inbound)

    async def take(self, incident: str, who: Profile, wanted: Wanted = Wanted(), *, inbound: str = "") -> Listing:
        """The list of the people; that it was taken is in the log before the first byte leaves.

        Raises Refused, also where the log cannot tell whom it concerns; Unavailable.
        """
        known = await self._desk.log.load(incident)
        handler = self._desk.handler
        badged = who.person.among(await self._desk.on_call(known.service))
        require_people_data(Ask(badged, self._desk.clock.now(), inbound, handler.policy))
        told, listing = await self._read(known, wanted, keep=True)
        if told.decisions is None:
            raise Refused(f"there is no list: {'; '.join(told.because)}")
        command = TakeList(listing.rows, listing.sha256, told.since, told.until, told.versions, told.slice)
        # another content under the same inbound id is another taking
        name = f"{inbound}:{listing.sha256[:16]}" if inbound else ""
        await handler.submit(incident, command, by=badged, inbound=name)
        return listing

    async def _read(self, known: Incident, wanted: Wanted, *, keep: bool) -> tuple[Tallied, Listing]:
        since, until = window(known, self._desk.clock.now(), wanted.since, wanted.until)
        versions = () if EVERY in wanted.versions else wanted.versions or bad_versions(known)
        part = "" if wanted.slice == EVERY else wanted.slice or known.slice
        log, listing = self.log_of(known), Listing()
        nothing = Tallied(since, until, versions, part, None)
        if log is None:
            why = f"the catalogue names no prediction log for {known.service or 'this incident, which has no service'}"
            return _unknown(nothing, why), listing
        dimension, values = _sliced(part, log.told)
        if part and not dimension:
            why = f"the slice {part} is no column of the prediction log; count `{EVERY}`, or name it in the catalogue"
            return _unknown(nothing, why), listing
        asked = Asked(since, until, versions, dimension, values)
        numbers = await log.count(asked, lambda rows, content: listing.add(rows, content, keep=keep))
        return tallied(nothing, log.told, numbers, listing.sha256), listing


def _unknown(nothing: Tallied, why: str) -> Tallied:
    return Tallied(nothing.since, nothing.until, nothing.versions, nothing.slice, None, because=(why,))


def _sliced(part: str, told: PredictionLog) -> tuple[str, tuple[str, ...]]:
    """(column, values) of a slice such as `health=poor|fair`; no column where the log has none of that name."""
    name, sign, value = part.partition("=")
    values = tuple(each.strip() for each in (value if sign else name).split("|") if each.strip())
    columns = (*told.slices, *told.groups)
    if not sign:
        return (told.slices[0] if len(told.slices) == 1 else "", values)
    return (name.strip() if name.strip() in columns else "", values)


# -- what the numbers say --------------------------------------------------------------------------------------------


def tallied(nothing: Tallied, told: PredictionLog, numbers: Numbers, sha256: str) -> Tallied:
    """The numbers as they are written down, with every reason why they may be too low."""
    whole = numbers.whole
    reasons = tuple(_gaps(nothing, numbers))
    matched = whole.adverse > 0 or not whole.decided
    remarks = [] if matched else ["no outcome in it is one the catalogue calls adverse, so that number is not known"]
    if numbers.repeated:
        remarks.append(f"{numbers.repeated:,} rows repeat a decision, which counts once, as it was last written")
    by = numbers.by or {}
    groups = {name: by[name] for name in told.groups if name in by}
    return Tallied(
        nothing.since,
        nothing.until,
        nothing.versions,
        nothing.slice,
        whole.decisions,
        whole.adverse if matched else None,
        whole.people,
        complete=not reasons,
        because=(*reasons, *remarks),
        cuts=tuple(_cut(name, kind, by[name]) for name, kind in _kinds(told) if name in by),
        ratios=tuple(found for name, cells in groups.items() if cells and (found := rates(name, cells)))
        if matched
        else (),
        sha256=sha256,
    )


def _kinds(told: PredictionLog) -> Iterator[tuple[str, str]]:
    yield from ((name, GROUP) for name in told.groups)
    yield from ((name, kind) for name, kind in ((told.country, COUNTRY), (told.state, STATE)) if name)
    yield BY_DAY, DAY


def _gaps(nothing: Tallied, numbers: Numbers) -> Iterator[str]:
    """Why the count is a least one."""
    if numbers.begins is None or numbers.ends is None:
        yield "the prediction log is empty"
        return
    if numbers.begins > nothing.since:
        yield f"the prediction log begins only at {_time(numbers.begins)}"
    if numbers.ends < nothing.until:
        yield f"the prediction log ends already at {_time(numbers.ends)}"
    for count, what in (
        (numbers.unplaced, "time that can be read"),
        (numbers.unversioned, "version"),
        (numbers.unsliced, "slice"),
        (numbers.nameless, "person"),
        (numbers.whole.decisions - numbers.whole.decided, "outcome"),
    ):
        if count:
            yield f"{count:,} {'row has' if count == 1 else 'rows have'} no {what}"


def _time(at: datetime) -> str:
    return at.strftime("%Y-%m-%d %H:%M:%S UTC")


def _cut(name: str, kind: str, cells: Mapping[str, Number] | None) -> Cut:
    if cells is None:
        return Cut(name, kind, (), note=f"more than {MOST} values, which are not told apart here")
    told = tuple(Cell(value, each.decisions, each.adverse, each.people) for value, each in cells.items() if value)
    return Cut(name, kind, told, cells[""].decisions if "" in cells else 0)


def rates(by: str, cells: Mapping[str, Number]) -> Ratio | None:
    """The lowest selection rate over the highest, of groups large enough; None where there are not two."""
    small = tuple(sorted(value for value, each in cells.items() if value and each.decided < FEW))
    chosen = {
        value: (each.decided - each.adverse, each.decided)
        for value, each in cells.items()
        if value and value not in small
    }
    ranked = sorted(chosen, key=lambda value: (chosen[value][0] / chosen[value][1], value))
    if len(ranked) < 2 or not chosen[ranked[-1]][0]:  # noqa: PLR2004 - a ratio is of two
        return None
    share, low, high = ratio(*chosen[ranked[0]], *chosen[ranked[-1]])
    few = tuple(value for value in small if cells[value].people >= FEW // 6)
    return Ratio(by, ranked[0], ranked[-1], round(share, 3), round(low, 3), round(high, 3), few)


# -- what the law may know of it -------------------------------------------------------------------------------------


def implied(incident: Incident) -> dict[str, Value | None]:
    """The facts that the newest count implies: a part of it gives at least, and only the whole settles a no."""
    if incident.affected is None or incident.affected.told.decisions is None:
        return {}
    told = incident.affected.told
    whole = covers(incident, told)
    found: dict[str, Value | None] = {}
    if told.adverse is not None:
        found["adverse_decisions_count"] = told.adverse if whole else Range(told.adverse, inf)
        if told.adverse or whole:
            found["adverse_outcome"] = told.adverse > 0
    if told.ratios:
        found["selection_rate_ratio_min"] = min(each.ratio for each in told.ratios)
    for cut in told.cuts:
        places = frozenset(cell.value for cell in cut.cells if cell.value != OTHERS)
        if cut.kind == COUNTRY and places:
            found["countries_affected"] = AtLeast(frozenset("GB" if each == "UK" else each for each in places))
        if cut.kind == STATE and places:
            found["us_states_of_individuals"] = AtLeast(places)
            people = {cell.value: cell.people for cell in cut.cells}
            # a map says of everything it does not name that there is none, so a part of one is no answer
            if whole and cut.silent == 0 and OTHERS not in people and None not in people.values():
                found["residents_by_state"] = {state: count for state, count in people.items() if count is not None}
    return found
