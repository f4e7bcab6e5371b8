"""What the law costs: every regime asked anew, and every notice of a break-in at a bank drafted from known facts."""

from __future__ import annotations

import asyncio
import sqlite3
import tempfile
import time
from collections.abc import Callable, Mapping
from dataclasses import replace
from pathlib import Path

from bot.domain.duty import Answer, DutiesAnswered, RecordFact
from bot.domain.incident import Incident
from bot.engine.draft import DraftingRoom
from bot.engine.situation import Situation
from bot.openings import drafting_room
from tests.benchmarks.child import Times
from tests.counsel import PLAIN, every_regime, practice, setting
from tests.kit import NOON
from tests.world import shipped

Say = Callable[[str], None]

BANK: Mapping[str, object] = {
    **PLAIN,
    "eu_nexus": True,
    "financial_entity": True,
    "dora_entity_type": "credit_institution",
    "nydfs_covered_entity": True,
    "sec_registrant": "domestic",
    "reporting_member_state": "DE",
    "data_encrypted_key_safe": False,
    "high_risk_removed_by_later_measures": False,
    "contracts_with_notice_duty": {"Processor": 24},
    "insurance_policies_with_notice_duty": {"Cyber policy": 48},
}
BREAK_IN: Mapping[str, str | float | bool | tuple[str, ...]] = {
    "personal_data": True,
    "security_breach": True,
    "ict_related_incident": True,
    "critical_services_affected": True,
    "malicious_access": True,
    "cybersecurity_incident_sec": True,
    "material_to_investors": True,
    "nydfs_cybersecurity_incident": True,
    "risk_to_individuals": "high",
    "countries_affected": ("DE", "US", "UK"),
    "residents_by_state": "NY: 1200, CA: 800, TX: 300, OH: 40",
    "unencrypted_personal_information_acquired": True,
    "classified_major_at": "2026-11-20T14:00:00+00:00",
    "breach_discovered_at": "2026-11-20T12:00:00+00:00",
    "notification_incident_determined_at": "2026-11-20T15:00:00+00:00",
    "materiality_determined_at": "2026-11-23T20:00:00+00:00",
}
AWARE = RecordFact("aware_at", "2026-11-20T12:00:00+00:00")


def measure(rounds: int, say: Say) -> None:
    """Say what one answer of all regimes costs, and every draft."""
    say(
        f"notices, {len(every_regime())} regimes; a break-in at a bank with customers in four states and three countries"
    )
    begun = time.perf_counter()
    room = _room()
    say(f"  every law's file read       {1000 * (time.perf_counter() - begun):7.1f} ms, once at the start")
    situation = _known()
    one = _timed(lambda: _only(room, "eu_gdpr_art33").duties(situation), 10 * rounds)
    every = _timed(lambda: room.duties(situation), 10 * rounds)
    say(f"  one regime asked            {one}")
    say(f"  all of them asked           {every}, {every.median / one.median:5.1f} x one")

    owed = _owed(room, situation)
    begun = time.perf_counter()
    _all(room, situation)
    first = time.perf_counter() - begun
    whole = _timed(lambda: _all(room, situation), rounds)
    size = sum(len(room.draft(situation, each).text) for each in owed)
    say(f"  facts known to all drafts   {whole}, {whole.median / every.median:5.1f} x asking alone")
    say(
        f"    {len(owed)} notices, {size / 1000:.0f} thousand characters, {1000 * whole.median / len(owed):.1f} ms a notice"
    )
    say(f"    the first time            {1000 * first:7.1f} ms, templates read and compiled")
    asyncio.run(_logged(rounds, say))


def _room() -> DraftingRoom:
    installation = replace(shipped(), **setting("Payments", BANK, {}))
    return drafting_room(installation)


def _only(room: DraftingRoom, regime: str) -> DraftingRoom:
    return DraftingRoom(
        facts=room.facts,
        regimes={regime: room.regimes[regime]},
        templates=room.templates,
        organisation=room.organisation,
        tz=room.tz,
        country=room.country,
        standing=room.standing,
    )


def _known() -> Situation:
    facts = {**BREAK_IN, AWARE.fact: AWARE.value}
    incident = Incident("INC-1", title="Somebody read the customer table", onset=NOON, detected=NOON, facts=facts)
    return Situation(incident, (), NOON)


def _owed(room: DraftingRoom, situation: Situation) -> list[str]:
    """Every stage of every regime that asks for a notice."""
    asked = [duty for duty in room.duties(situation) if duty.answer is Answer.YES]
    return [f"{duty.regime}/{due.stage}" for duty in asked for due in duty.dues]


def _all(room: DraftingRoom, situation: Situation) -> None:
    for template in _owed(room, situation):
        room.draft(situation, template)


def _timed(do: Callable[[], object], rounds: int) -> Times:
    do()
    taken = []
    for _ in range(rounds):
        begun = time.perf_counter()
        do()
        taken.append(time.perf_counter() - begun)
    return Times(taken)


async def _logged(rounds: int, say: Say) -> None:
    """The whole house on SQLite: from a fact stated to every answer in the log, and how heavy the answers are there."""
    with tempfile.TemporaryDirectory(prefix="tocsin-notices-") as folder:
        async with practice(Path(folder), "Payments", BANK, {}) as world:
            await world.declare("Somebody read the customer table", "ana", restricted=True)
            for fact, value in BREAK_IN.items():
                await world.say(RecordFact(fact, value), "cleo")
            taken = []
            for turn in range(max(rounds, 2)):
                value = f"2026-11-20T12:{turn:02}:00+00:00"
                begun = time.perf_counter()
                await world.say(RecordFact("aware_at", value), "cleo")
                taken.append(time.perf_counter() - begun)
            entries = (await world.house.desk.situation("INC-1")).entries
            asked = [entry.seq for entry in entries if isinstance(entry.event, DutiesAnswered)]
        with sqlite3.connect(Path(folder) / "tocsin.db") as log:
            sizes = dict(log.execute("SELECT seq, length(stored) FROM entries WHERE incident = 'INC-1'"))
        later = sorted(sizes[seq] for seq in asked[1:])
    say(f"  a fact stated, to the log   {Times(taken)}, SQLite and every round of the house")
    say(
        f"  in the log                  first answers {sizes[asked[0]] / 1024:.1f} KiB, each later change "
        f"{later[len(later) // 2] / 1024:.1f} KiB (median of {len(later)}), the incident {sum(sizes.values()) / 1024:.0f} KiB"
    )
