"""Who is on call: for one service, or for all of them."""

from bot.blockkit.text import untrusted
from bot.domain.errors import NotFound
from bot.domain.service import Service
from bot.slack.knock import Knock, Reply, Tell
from bot.slack.views._words import bulleted

MOST = 40
"""Services in one answer."""


async def told(knock: Knock, name: str = "") -> Reply:
    """The people of each service, the first one first."""
    services = knock.desk.catalogue.services
    if name:
        wanted = {key.casefold(): one for key, one in services.items()}.get(name.casefold())
        if wanted is None:
            raise NotFound("service", name, sorted(services))
        return Tell(await _line(knock, wanted))
    if not services:
        return Tell("No service is configured, so nobody is on call.")
    return Tell(bulleted([await _line(knock, one) for one in services.values()], MOST, 3_000))


async def _line(knock: Knock, service: Service) -> str:
    people = [await knock.desk.people.by_id(one) for one in await knock.desk.on_call(service.name)]
    names = [f"<@{one.slack_user}>" if one.slack_user else untrusted(one.name, 80) for one in people if one]
    return f"*{untrusted(service.title or service.name, 100)}*: {', then '.join(names) or 'nobody is on call'}"
