"""To whom an incident may be shown in Slack: everybody, or of a restricted one the people it concerns."""

from collections.abc import Collection

from bot.domain.incident import Incident
from bot.engine.desk import Desk
from bot.slack.views.home import may_see


async def shown(desk: Desk, incident: Incident, viewers: Collection[str]) -> bool:
    """Whether one of these people may know of it: named by a restricted incident, or on call for its service."""
    if not incident.restricted:
        return True
    on_call = await desk.on_call(incident.service)
    return any(may_see(incident, viewer, on_call) for viewer in viewers)
