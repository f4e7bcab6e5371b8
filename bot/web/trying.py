"""A prepared mitigation tried without changing anything: its plan as of now, and whether this person may propose it."""

from __future__ import annotations

from bot.domain.errors import NotFound, Refused
from bot.domain.log import Ask
from bot.domain.mitigation import ProposeMitigation
from bot.engine.values import Profile
from bot.web.door import Console
from bot.web.shapes_change import PreviewShape
from bot.web.telling_change import preview


async def tried(here: Console, incident: str, offer: str, who: Profile) -> PreviewShape:
    """Resolve it against its target. Raises NotFound, Refused, Unavailable."""
    known = await here.incident(incident, who)
    policy, changes = here.desk.handler.policy, here.desk.changes
    plan = await changes.preview(incident, offer)
    service = here.desk.service_of(known)
    prepared = service.offer(offer) if service else None
    if prepared is None:
        raise NotFound("prepared mitigation", offer)
    ask = Ask(await changes.badged(incident, who), here.desk.clock.now(), "preview", policy)
    try:
        list(ProposeMitigation(plan, "", offer).decide(known, ask))
    except Refused as refused:
        return preview(plan, policy, offer=offer, label=prepared.label, refused=refused.because)
    return preview(plan, policy, offer=offer, label=prepared.label, refused="")
