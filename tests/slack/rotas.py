"""The Slack bench with rotas: one that changes daily, one that has nobody, and an escalation over both."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime, timedelta

from bot.rota.escalation import Escalation, Level
from bot.rota.rota import Layer, Rota, Turn, Unit
from tests.slack.bench import Bench

LONG_AGO = datetime(2026, 1, 5, 9, 0)
ML = Rota(
    "ml", "Europe/Berlin", (Layer("daily", (("ana",), ("ben",)), LONG_AGO, Turn(1, Unit.DAYS)),), title="ML platform"
)
NIGHTS = Rota("nights", "Europe/Berlin")
LEVELS = (Level(("rota:ml",), timedelta(minutes=5)), Level(("rota:nights",)), Level(("dev",)))


def with_rotas(bench: Bench) -> None:
    """Visits climbs from the first rota over the empty one to Dev; Ben hears at the end. Covers are kept."""
    roster = bench.desk.roster
    levels = {"visits": Escalation("main", LEVELS, 2, ("ben",))}
    roster.plans = replace(roster.plans, rotas={"ml": ML, "nights": NIGHTS}, by_service=levels, pagers=("slack",))
    roster.kept = bench.store.covers
