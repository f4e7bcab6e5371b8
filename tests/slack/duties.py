"""Rotas, services and covers in any words, for tests of what is shown of who is on call."""

from __future__ import annotations

from datetime import timedelta

from bot.blockkit.blocks import Block
from bot.domain.policy import Role
from bot.engine.board import LevelNow, RotaNow, ServiceNow
from bot.engine.roster import Stint
from bot.engine.roster_ports import Cover, Stand
from bot.engine.situation import Situation
from bot.engine.values import Profile
from bot.slack.views import oncall
from tests.kit import ANA, BEN, NOON

HOUR = timedelta(hours=1)


def words(s: Situation) -> str:
    return s.incident.title


def crew(s: Situation) -> dict[str, Profile]:
    """One with an account, one without."""
    roles = frozenset({Role.RESPONDER})
    made = (Profile(ANA.id, "ana", words(s), roles, "T1", "U0ANA"), Profile(BEN.id, "ben", words(s), roles))
    return {each.id: each for each in made}


def called(s: Situation) -> dict[str, str]:
    """What each rota is called."""
    return {"r0": words(s), "r1": "Nights"}


def duty_shifts(s: Situation) -> list[Stint]:
    """One that runs, later ones, one in somebody's place."""
    return [
        Stint(f"r{n % 2}", ANA.id, "ana", words(s), NOON + HOUR * (48 * n - 1), NOON + HOUR * (48 * n + 24),
              "", words(s) if n % 3 else "")
        for n in range(9)
    ]  # fmt: skip


def rotas(s: Situation) -> list[RotaNow]:
    """Somebody and the next, a gap, nobody at all, nobody of ours, and schedules kept elsewhere in trouble."""
    text, first = words(s), duty_shifts(s)[:1]
    strange = Stint("r", "", "x", text, NOON, NOON + HOUR)
    base = RotaNow("r", text, "UTC", tuple(first), NOON + HOUR, (strange,))
    silent = {"provider": text, "trouble": text, "trouble_since": NOON}
    return [
        base,
        RotaNow("r", text, "UTC", tuple(first), NOON + HOUR, ()),
        RotaNow("r", text, "UTC", (), NOON + HOUR, tuple(duty_shifts(s)[1:2])),
        RotaNow("r", text, "UTC", (), None, ()),
        RotaNow("r", text, "UTC", tuple(first), NOON, (), told_at=NOON, **silent),
        RotaNow("r", text, "UTC", (), None, (), **silent),
    ]


def services(s: Situation) -> list[ServiceNow]:
    """Levels with their own time and none, a level of nobody, nobody at all, no level."""
    text, people = words(s), tuple(crew(s).values())
    full = LevelNow(("rota:" + text, "ana"), people, timedelta(minutes=5))
    nobody = LevelNow(("rota:" + text,), (), None)
    return [
        ServiceNow("visits", text, (full, nobody, full), 3, people[:1]),
        ServiceNow("visits", text, (full,) * 30, 1, people),
        ServiceNow("visits", text, (nobody,), 1, ()),
        ServiceNow("visits", text, (nobody,), 1, (), people),
        ServiceNow("visits", text, (), 1, (), people),
        ServiceNow("visits", text, (), 3, ()),
    ]


def asked_covers(s: Situation) -> list[Cover]:
    """One of each stand, and one whose asker nobody knows any more."""
    text = s.incident.because
    asked = Cover("cover-0123456789ab", "r0", NOON + HOUR, NOON + 9 * HOUR, ANA.id, because=text)
    made = [Cover(asked.id, asked.rota, asked.start, asked.end, ANA.id, BEN.id, stand, text) for stand in Stand]
    return [asked, *made, Cover(asked.id, "gone", asked.start, asked.end, "p_gone")]


def own(s: Situation) -> list[Block]:
    """What the Home tab says of one's own."""
    who = crew(s)[ANA.id]
    return oncall.mine(duty_shifts(s), called(s), NOON, NOON + HOUR * 400, asked_covers(s) * 3, crew(s), who)
