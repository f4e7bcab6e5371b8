"""How long a change may wait where Slack takes few of them: what somebody must act on first, small print last."""

from datetime import timedelta

from bot.domain.policy import Severity
from bot.engine.situation import Situation
from bot.slack.message import Surface

AT_ONCE, SOON, SOME_TIME = timedelta(), timedelta(seconds=15), timedelta(seconds=60)
GRACE = {
    Severity.SEV1: timedelta(), Severity.SEV2: timedelta(seconds=4), Severity.SEV3: timedelta(seconds=8),
    Severity.SEV4: timedelta(seconds=12),
}  # fmt: skip
"""Added to each: of two of a kind the worse incident's goes first, and nobody's waits for ever."""


def news(situation: Situation) -> str:
    """What of a card is news: where the incident stands, who has it, what is asked of people; not its small print."""
    incident = situation.incident
    asked = ",".join(f"{one.id}={one.state}" for one in incident.mitigations.values())
    parts = ",".join(f"{part}={person}" for part, person in sorted(incident.parts.items()))
    return f"{incident.phase}|{incident.severity}|{incident.urgency}|{incident.acknowledged_by}|{parts}|{asked}"


def patience(situation: Situation, surface: Surface, told: str | None) -> timedelta:
    """How long after it became due a surface may be shown; `told` is the news it last showed, None where unknown.

    Of new cards the mild ones stand back longer, for before a storm is known they come by the dozen. Its own card
    explains why the others do not come: until it is there it waits no longer than the worst of them.
    """
    grace = GRACE.get(situation.incident.severity, AT_ONCE)
    if told is None and surface.name == "card":
        return AT_ONCE if situation.incident.storm is not None else 2 * grace
    return _kind(situation, surface, told) + grace


def _kind(situation: Situation, surface: Surface, told: str | None) -> timedelta:
    kind = surface.name.partition(":")[0]
    if kind == "card":
        return SOME_TIME if told == news(situation) else AT_ONCE
    return {"request": AT_ONCE, "page": SOON, "update": SOON, "step": SOON, "reopened": SOON}.get(kind, SOME_TIME)
