"""How fast the console answers with 500 open and 100,000 closed incidents, over HTTP, by the program as it is run."""

from __future__ import annotations

import asyncio
import contextlib
import os
import random
import statistics
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import httpx
from sqlalchemy import insert
from sqlalchemy.ext.asyncio import AsyncConnection

from bot.clock import SystemClock
from bot.domain.correction import Moment, TimeCorrected
from bot.domain.finding import Cause
from bot.domain.followup import FollowUpAdded
from bot.domain.incident import Incident
from bot.domain.lifecycle import IncidentClosed, IncidentDeclared, IncidentResolved, UpdatePosted
from bot.domain.log import Event
from bot.domain.paging import Acknowledged, Paged, Receipt
from bot.domain.policy import Role, Severity
from bot.engine.values import Profile
from bot.store import Store
from bot.store.tables import entries, followups, incidents, paged, texts
from tests.benchmarks.child import memory
from tests.parts import free_port, running

Say = Callable[[str], None]
SERVICES, PEOPLE, YEARS = 40, 8, 2
PIECE = 500
LONG = 5_000
GOAL = 500
"""Milliseconds within which 99 of 100 are to be answered, on two cores of which nothing else takes any."""
ANEW = ", anew"
"""Marks an address that is asked for just after something was written: no answer that was kept holds then."""
EARLY, CALM, BUSY = 10, 5, 0.25
"""How often is asked right after the start; seconds in a row of less CPU than that are called calm."""
TOCSIN = "organisation: {{name: Bench}}\nweb: {{port: {port}}}\n"
SEVERITIES = (Severity.SEV1, Severity.SEV2, Severity.SEV2, Severity.SEV3, Severity.SEV3, Severity.SEV3, Severity.SEV4)
CAUSES = tuple(str(cause) for cause in Cause)


def measure(closed: int, rounds: int, say: Say, keep: Path | None = None) -> None:
    """Fill a house (or go on with the one that was kept), start it, and ask each page so often."""
    with tempfile.TemporaryDirectory(prefix="tocsin-console-") as name:
        place = keep or Path(name)
        begun = time.perf_counter()
        made = asyncio.run(fill(place, closed, 500))
        size = sum(each.stat().st_size for each in (place / ".tocsin").glob("*.db")) / 2**20
        say(f"{made:,} incidents written in {time.perf_counter() - begun:.0f} s; the database has {size:,.0f} MiB")
        with house(place) as (process, port):
            say("just started, while the house does what waited for it:")
            ask(place, process, port, min(rounds, EARLY), say)
            say(f"after {settled(process):.0f} s more, when that is done:")
            used, begun = cpu_of(process), time.perf_counter()
            ask(place, process, port, rounds, say)
            share = (cpu_of(process) - used) / (time.perf_counter() - begun)
            load = os.getloadavg()[0]
            say(
                f"  the house took {share:.2f} of a core meanwhile, and holds {memory(process)}; the machine's load was {load:.1f}"
            )


# -- what was ----------------------------------------------------------------------------------------------------------


async def fill(place: Path, closed: int, still_open: int) -> int:
    """Every incident through the store's own sealing and lists, many in one transaction; 0 where they are there."""
    folder = place / ".tocsin"
    folder.mkdir(parents=True, exist_ok=True)
    async with await Store.open(f"sqlite:///{folder / 'tocsin.db'}", SystemClock()) as store:
        if await store.log.summaries(limit=1):
            return 0
        await store.people.enrol([_person(n) for n in range(PEOPLE)])
        people = [each.id for each in await store.people.everyone()]
        chance, now = random.Random(8), datetime.now(UTC).replace(microsecond=0)
        apart = timedelta(days=365 * YEARS) / max(closed, 1)
        number = 0
        for start in range(0, closed, PIECE):
            piece = []
            for n in range(start, min(start + PIECE, closed)):
                number += 1
                piece.append(_closed(store, number, now - timedelta(days=1) - (closed - n) * apart, people, chance))
            await store.database.write(lambda c, piece=piece: _write(c, piece), within=None)
        piece = []
        for n in range(still_open):
            number += 1
            long = LONG if n == still_open - 1 else 0
            piece.append(_open(store, number, now - timedelta(minutes=still_open - n), people, chance, long))
        await store.database.write(lambda c: _write(c, piece), within=None)
    return number


def _person(n: int) -> Profile:
    return Profile("", f"person{n}", f"Person {n}", frozenset({Role.RESPONDER, Role.APPROVER}))


Told = tuple[datetime, str, Event]


def _declared(number: int, at: datetime, chance: random.Random) -> IncidentDeclared:
    service = f"service-{chance.randrange(SERVICES):02d}"
    return IncidentDeclared(
        title=f"Recall of {service} is below its objective for segment {chance.randrange(9)}",
        severity=chance.choice(SEVERITIES),
        service=service,
        because="burns 2.4 times its budget over 15 minutes: 40 of 100 predictions were wrong, 10 are allowed",
        onset=at - timedelta(seconds=chance.uniform(5, 600)),
        detected=at,
        slo=f"{service}-recall",
        slice=f"segment={chance.randrange(9)}",
        fingerprint=f"slo/{number}",
        restricted=number % 200 == 0,
        sli=None,
    )


def _closed(store: Store, number: int, at: datetime, people: Sequence[str], chance: random.Random) -> Any:
    """Declared, paged, acknowledged, told of, resolved and filed away; each two-hundredth is restricted."""
    person = chance.choice(people)
    taken = at + timedelta(seconds=chance.lognormvariate(4.5, 1))
    over = taken + timedelta(seconds=chance.lognormvariate(7.5, 1.2))
    told: list[Told] = [
        (at, "tocsin", _declared(number, at, chance)),
        (at, "tocsin", Paged(f"page:{number}", person, "ntfy", Receipt.ACCEPTED, "")),
        (taken, person, Acknowledged()),
        (over, person, IncidentResolved("v2 was rolled back and the recall is where it was")),
    ]
    if number % 50 == 0:
        told.append((over, person, TimeCorrected(Moment.RESOLVED, over, over - timedelta(seconds=30), "the graph")))
    if number % 20 == 0:
        told.append((over, person, FollowUpAdded("U1", "alert on the feature store", person, over.date(), "")))
    told.append((over + timedelta(days=1), person, IncidentClosed()))
    return _sealed(store, f"INC-{number}", told, cause=chance.choice(CAUSES))


def _open(store: Store, number: int, at: datetime, people: Sequence[str], chance: random.Random, updates: int) -> Any:
    """Declared and paged, half of them taken; one with so many updates."""
    person = chance.choice(people)
    told: list[Told] = [
        (at, "tocsin", _declared(number, at, chance)),
        (at, "tocsin", Paged(f"page:{number}", person, "ntfy", Receipt.ACCEPTED, "")),
    ]
    if number % 2 or updates:
        told.append((at + timedelta(seconds=90), person, Acknowledged()))
    for n in range(updates):
        told.append((at + timedelta(seconds=91 + n / 100), person, UpdatePosted(f"update {n}: still looking")))
    return _sealed(store, f"INC-{number}", told)


def _sealed(store: Store, name: str, told: Sequence[Told], cause: str = "") -> Any:
    """The entries as the log itself would seal them, and the incident they come to."""
    incident, kept = Incident(name), []
    for at, by, event in told:
        sealed, _wanted, incident = store.log._prepare(incident, [event], by=by, at=at, cause="bench")
        kept += sealed
    return kept, incident, cause


async def _write(connection: AsyncConnection, piece: Sequence[Any]) -> None:
    """All of them with their lists, as an append writes them one by one."""
    from bot.store.projections import _hour, _row

    rows: dict[Any, list[dict[str, Any]]] = {entries: [], texts: [], incidents: [], followups: [], paged: []}
    for kept, incident, cause in piece:
        for one in kept:
            entry = one.entry
            rows[entries].append({
                "incident": entry.incident, "seq": entry.seq, "at": entry.at, "by": entry.by,
                "name": type(entry.event).__name__, "before": entry.before, "hash": entry.hash, "stored": one.stored,
            })  # fmt: skip
            rows[texts] += [
                {"ref": text.ref, "incident": entry.incident, "seq": entry.seq, "by": entry.by, "salt": text.salt,
                 "text": text.text}
                for text in one.texts
            ]  # fmt: skip
        row = _row(incident)
        assert row is not None
        rows[incidents].append({**row, "cause": cause})
        rows[followups] += [
            {"incident": incident.id, "item": item.id, "owner": item.owner, "due": item.due.isoformat()}
            for item in incident.followups.values()
        ]
        rows[paged] += [
            {"incident": incident.id, "person": page.person, "hour": _hour(page.at), "number": 1,
             "service": incident.service, "restricted": incident.restricted}
            for page in incident.pages.values()
        ]  # fmt: skip
    for table, those in rows.items():
        if those:
            await connection.execute(insert(table), those)


# -- the house ---------------------------------------------------------------------------------------------------------


@contextmanager
def house(place: Path) -> Iterator[tuple[int, int]]:
    """A running house that polls nothing; its process and port."""
    (place / "services").mkdir(parents=True, exist_ok=True)
    port = free_port()
    (place / "tocsin.yaml").write_text(TOCSIN.format(port=port))
    lines = [
        f"person{n}: {{name: Person {n}, roles: [responder, approver], email: p{n}@example.com}}" for n in range(PEOPLE)
    ]
    (place / "people.yaml").write_text("\n".join(lines) + "\n")
    for n in range(SERVICES):
        text = f"name: service-{n:02d}\nowner: ml\non_call: [person{n % PEOPLE}, person{(n + 1) % PEOPLE}]\n"
        (place / "services" / f"service-{n:02d}.yaml").write_text(text)
    environ = {**os.environ, "PYTHONPATH": str(Path(__file__).parents[2])}
    command = [sys.executable, "-m", "bot", "run", "-c", "tocsin.yaml"]

    def up() -> bool:
        try:
            return httpx.get(f"http://127.0.0.1:{port}/healthz", trust_env=False, timeout=2).status_code == 200
        except httpx.HTTPError:
            return False

    with running(command, up, within=120, env=environ, cwd=place) as child:
        yield child.pid, port


@dataclass(slots=True)
class Answers:
    """What one address took, each time it was asked: seconds of wall and of the house's CPU; and how large it is."""

    wall: list[float] = field(default_factory=list)
    cpu: list[float] = field(default_factory=list)
    size: int = 0

    @property
    def p99(self) -> float:
        """Of all but the first, in milliseconds, by nearest rank."""
        return _p99(self.wall[1:])

    @property
    def cpu_p99(self) -> float:
        """The same of the CPU: what the house did beside is in it."""
        return _p99(self.cpu[1:])

    def __str__(self) -> str:
        first, *others = (1000 * each for each in self.wall)
        cpu = [1000 * each for each in self.cpu[1:]]
        taken = f"CPU p50 {statistics.median(cpu):4.0f} ms, p99 {self.cpu_p99:4.0f} ms" if any(cpu) else "CPU not known"
        return (
            f"first {first:6.0f} ms, p50 {statistics.median(others):6.1f} ms, p99 {self.p99:6.1f} ms"
            f"{'' if self.p99 < GOAL else '  TOO SLOW'}; {taken}; {self.size / 1024:,.0f} KiB"
        )


def ask(place: Path, process: int, port: int, rounds: int, say: Say) -> None:
    """Each address in turn, so that all meet the same disturbances; the first answer of each stands for itself."""
    token = (place / ".tocsin" / "api-token").read_text().strip()
    headers = {"Authorization": f"Bearer {token}", "X-Tocsin-Person": "person0"}
    with httpx.Client(base_url=f"http://127.0.0.1:{port}", headers=headers, trust_env=False, timeout=30) as client:
        newest = client.get("/api/incidents", params={"limit": 1}).raise_for_status().json()[0]["id"]
        number = int(newest.rpartition("-")[2])
        ordinary = f"INC-{number - 1}"
        numbers = ("/analytics", "/analytics?days=all", f"/analytics{ANEW}", f"/analytics?days=all{ANEW}")
        goals = ("/", f"/incidents/{ordinary}", f"/incidents/{newest}", *numbers)
        asked = (
            "/", "/incidents", "/incidents?q=service-07+recall", "/incidents?q=nothing+has+this", f"/incidents/{ordinary}",
            f"/incidents/{newest}", f"/incidents/{newest}?q=4321", *numbers, "/notices", "/api/incidents",
            f"/api/incidents/{ordinary}", f"/api/incidents/{newest}",
        )  # fmt: skip
        taken = {address: Answers() for address in asked}
        for turn in range(rounds + 1):
            for address, told in taken.items():
                if address.endswith(ANEW):
                    said = {"text": f"round {turn}: still looking"}
                    client.post(f"/api/incidents/{ordinary}/update", json=said).raise_for_status()
                used, begun = cpu_of(process), time.perf_counter()
                answer = client.get(address.removesuffix(ANEW))
                told.wall.append(time.perf_counter() - begun)
                told.cpu.append(cpu_of(process) - used)
                assert answer.is_success, (address, answer.status_code, answer.text[:300])
                told.size = len(answer.content)
    say(f"  asked {rounds} times each after a first time; {newest} has {LONG:,} lines")
    for address, told in taken.items():
        say(f"  {address:<32} {told}")
    known = any(any(each.cpu) for each in taken.values())
    for clock, p99s in (("the wall clock", "p99"), *([("the house's CPU alone", "cpu_p99")] if known else [])):
        missed = [address for address in goals if getattr(taken[address], p99s) >= GOAL]
        verdict = f"missed by {', '.join(missed)}" if missed else "held"
        say(f"  goal: p99 of overview, incidents and analytics under {GOAL} ms, by {clock}: {verdict}")


def _p99(times: Sequence[float]) -> float:
    return 1000 * sorted(times)[max(0, -(-99 * len(times) // 100) - 1)]


def settled(process: int, within: float = 300) -> float:
    """Wait until the house has done what waited for its start; seconds that took."""
    begun, idle = time.perf_counter(), 0
    while idle < CALM and time.perf_counter() - begun < within:
        used = cpu_of(process)
        time.sleep(1)
        idle = idle + 1 if cpu_of(process) - used < BUSY else 0
    return time.perf_counter() - begun


def cpu_of(process: int) -> float:
    """Seconds of CPU all its threads took, to the microsecond; 0 where the kernel does not tell."""
    taken = 0
    for thread in Path(f"/proc/{process}/task").glob("*/schedstat"):
        with contextlib.suppress(OSError):  # it ended meanwhile
            taken += int(thread.read_text().split()[0])
    return taken / 1e9
