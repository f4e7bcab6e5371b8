"""Holds what a house wrote down and whom its phone reached against what its sender was promised."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Sequence
from dataclasses import dataclass, field

from sqlalchemy import func, select

from bot.clock import SystemClock
from bot.domain.errors import Tampered
from bot.domain.incident import Incident
from bot.domain.phase import Phase
from bot.domain.policy import Severity, Urgency
from bot.store import Store
from bot.store.tables import alert_marks, alerts
from tests.crash.alert_sender import SOURCE, Told

PAGES = Severity.SEV2
"""The least severity that wakes somebody in these houses."""


WANTED = 0.005
"""The share of pages that may come twice on a channel that knows keys, as all do but voice and Pushover.

A kill between a page and its record leaves it in doubt, and in doubt it is sent again, as the message it was: a channel
that knows its key drops it. On one that knows none it rings again; how often hangs on how long a record takes the machine,
so that share is told, and what is held is one page a kill.
"""


@dataclass
class Audit:
    """What was found after so many kills."""

    kills: int
    lost: list[str] = field(default_factory=list)
    not_taken: list[str] = field(default_factory=list)
    doubled: list[str] = field(default_factory=list)
    unpaged: list[str] = field(default_factory=list)
    others: list[str] = field(default_factory=list)
    incidents: int = 0
    brief: int = 0
    """Incidents whose alerts were over before anybody could be paged."""
    pages: int = 0
    """Messages that rang; one may be about several incidents."""
    again: int = 0
    """Pages that told somebody again of what they had been told of as often as the log says."""
    keyless: int = 0
    """The same on a phone that rings for whatever it is sent."""

    @property
    def part(self) -> float:
        """The share of pages that came twice."""
        return self.again / max(self.pages, 1)

    @property
    def share(self) -> str:
        """How many pages came twice, and whether that is few enough."""
        verdict = "holds" if self.part < WANTED else "MISSED"
        return (
            f"{self.again} of {self.pages} pages twice, {100 * self.part:.2f} %: {verdict}; "
            f"on a phone that knows no keys {self.keyless}"
        )

    @property
    def troubles(self) -> list[str]:
        """All that must not be."""
        found = [*self.lost, *self.not_taken, *self.doubled, *self.unpaged, *self.others]
        if self.part >= WANTED:
            found.append(f"{self.again} of {self.pages} pages came twice")
        if self.keyless > self.kills:
            found.append(f"without keys {self.keyless} pages would have come twice in {self.kills} kills")
        return found


async def rest(store: Store) -> bool:
    """Whether everything accepted was looked at."""
    query = select(func.coalesce(func.max(alerts.c.seq), 0))
    last = (await store.database.read(lambda c: c.execute(query))).scalar_one()
    mark = select(alert_marks.c.seq).where(alert_marks.c.name == "applied")
    return int((await store.database.read(lambda c: c.execute(mark))).scalar() or 0) >= int(last)


async def audit(url: str, rang: Sequence[str], sent: Collection[Told], kills: int) -> Audit:
    """Look at everything."""
    found = Audit(kills)
    async with await Store.open(url, SystemClock()) as store:
        if not await rest(store):
            found.others.append("the inbox is not empty")
        await _kept(store, sent, found)
        incidents = [await store.log.load(each.id) for each in await store.log.summaries(limit=1_000_000)]
        found.incidents = len(incidents)
        _taken(incidents, sent, found)
        people = {each.id: each.key for each in await store.people.everyone()}
        _paged(incidents, people, rang, found)
        try:
            heads = await store.log.verify()
        except Tampered as error:
            found.others.append(str(error))
        else:
            if len(heads) != len(incidents):
                found.others.append(f"{len(heads)} logs of {len(incidents)} incidents")
    return found


async def _kept(store: Store, sent: Collection[Told], found: Audit) -> None:
    query = select(alerts.c.fingerprint, alerts.c.starts, alerts.c.ends).where(alerts.c.source == SOURCE)
    rows = {(row[0], row[1]): row[2] for row in await store.database.read(lambda c: c.execute(query))}
    for alert in sent:
        for starts, ends in alert.episodes.items():
            if (alert.fingerprint, starts) not in rows or rows[alert.fingerprint, starts] != ends:
                found.lost.append(f"{alert.key} at {starts} was accepted and is lost")


def _taken(incidents: list[Incident], sent: Collection[Told], found: Audit) -> None:
    """Each alert that fires is in exactly one open incident, each that is over in none as firing."""
    opened: dict[str, list[Incident]] = {}
    for incident in incidents:
        for key in incident.alerts.keys() - incident.moved.keys() if incident.is_open else ():
            opened.setdefault(key, []).append(incident)
    found.doubled += [f"{key} is in {len(homes)} open incidents" for key, homes in opened.items() if len(homes) > 1]
    for alert in sent:
        home = next((each for each in opened.get(alert.key, ()) if each.alerts[alert.key].firing), None)
        if alert.ends is not None:
            found.not_taken += [f"{alert.key} is over, and fires in {home.id}"] if home is not None else []
        elif home is None or home.alerts[alert.key].starts != alert.starts:
            found.not_taken.append(f"{alert.key} fires and is in no open incident")
        elif alert.severity != "warning" and not home.pages:
            found.unpaged.append(f"{home.id}, which has {alert.key}, paged nobody")


def _paged(incidents: list[Incident], people: dict[str, str], lines: Sequence[str], found: Audit) -> None:
    """What the log says was sent was sent, and nothing that should have been was not; a known key rings no phone."""
    sent = [(person, key, about.split(",")) for person, key, about in map(str.split, lines)]
    heard = {(person, key): about for person, key, about in reversed(sent)}  # what came first under each key
    rings = [[(person, name) for name in about] for (person, _key), about in heard.items()]
    rang = Counter(pair for ring in rings for pair in ring)
    told = Counter[tuple[str, str]]()
    for incident in incidents:
        reached = [page for page in incident.pages.values() if page.reached]
        told.update((people.get(page.person, "?"), incident.id) for page in reached)
        if incident.urgency is Urgency.PAGE and incident.severity <= PAGES and not incident.merged_into:
            if any(rang[person, incident.id] for person in people.values()):
                continue
            if incident.phase is Phase.DECLARED:
                found.unpaged.append(f"{incident.id} pages, and no phone rang")
            else:
                found.brief += 1
    found.pages = len(rings)
    for pair, many in told.items():
        if rang[pair] < many:
            found.unpaged.append(f"{pair[0]} was paged {many} times about {pair[1]} by the log, {rang[pair]} by phone")
    found.again = _again(rings, told)
    found.keyless = _again([[(person, name) for name in about] for person, _key, about in sent], told)


def _again(rings: list[list[tuple[str, str]]], told: Counter[tuple[str, str]]) -> int:
    """As few messages as explain what was told once too often."""
    rang = Counter(pair for ring in rings for pair in ring)
    # one that rang once came once, though the house died before it was written down and the alert was over then
    again = rang - Counter({pair: max(told[pair], 1) for pair in rang})
    found = 0
    for ring in rings:
        if twice := [pair for pair in ring if again[pair] > 0]:
            found += 1
            again.subtract(twice)
    return found
