"""The house of the tests with rotas: a daily one, one that begins tomorrow, and an escalation over both."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any

from bot.engine.calling import Contact
from bot.rota.escalation import Escalation, Level
from bot.rota.rota import Layer, Rota, Turn, Unit
from tests.world import shipped

ML = Rota(
    "ml",
    "Europe/Berlin",
    (Layer("daily", (("ana",), ("ben",)), datetime(2026, 11, 20, 9, 0), Turn(1, Unit.DAYS)),),
    title="ML platform",
)
NIGHTS = Rota("nights", "Europe/Berlin", (Layer("", (("max",),), datetime(2026, 11, 21, 20, 0), Turn(1, Unit.WEEKS)),))


def on_call(**changes: Any) -> dict[str, Any]:
    """Changes of an installation: visits climbs from the first rota to the second, then Max is told."""
    services = shipped().services
    levels = (Level(("rota:ml",), timedelta(minutes=5)), Level(("rota:nights", "ben")))
    return {
        "rotas": {"ml": ML, "nights": NIGHTS},
        "services": {**services, "visits": replace(services["visits"], on_call=(), escalation="main")},
        "escalations": {"main": Escalation("main", levels, 2, ("max",))},
        "contacts": {"ana": Contact("ana", phone="+4930123456", reach=("phone",))},
        **changes,
    }
