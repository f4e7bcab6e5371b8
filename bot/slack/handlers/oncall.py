"""Who is on call, now or at any time: every rota and service, or the one that is named."""

import re
from collections.abc import Mapping
from datetime import datetime
from zoneinfo import ZoneInfo

from bot.blockkit.text import clean
from bot.domain.errors import NotFound
from bot.engine.board import rotas_now, services_now
from bot.engine.desk import Desk
from bot.engine.roster_ports import Stand
from bot.engine.values import Profile
from bot.slack.knock import Knock, Reply, Tell
from bot.slack.views import oncall
from bot.slack.when import typed
from bot.slack.zone import zone_of

_AT = re.compile(r"(?i)(?:^|\s)(?:at|@)\s+(.+)\Z")


async def told(knock: Knock, words: str = "") -> Reply:
    """`[SERVICE|ROTA] [at TIME]`; a name that is a service's and a rota's means both. Raises NotFound, Refused."""
    name, moment = words.strip(), None
    if found := _AT.search(words):
        name, moment = words[: found.start()].strip(), typed(found[1], knock.desk.clock.now(), await _zone(knock))
    desk = knock.desk
    at = moment or desk.clock.now()
    people = await known(desk)
    if name:
        return await _named(knock, name, people, moment)
    rotas = await rotas_now(desk.roster, at)
    services = await services_now(desk.roster, desk.catalogue.services.values(), at)
    asked = [] if moment else [one for one in desk.roster.covers if one.stand is Stand.ASKED and one.end > at
                               and one.asker != knock.who.id]  # fmt: skip
    blocks = oncall.render(rotas, services, people, moment, asked, titles(desk))
    return Tell("Who is on call", tuple(blocks))


async def _named(knock: Knock, name: str, people: Mapping[str, Profile], moment: datetime | None) -> Reply:
    desk = knock.desk
    at = moment or desk.clock.now()
    services = {one.name: one.title for one in desk.catalogue.services.values()}
    rotas = titles(desk)
    service, rota = _meant(name, services), _meant(name, rotas)
    if not service and not rota:
        raise NotFound("service or rota", clean(name, 60), sorted({*services, *rotas}))
    blocks = []
    if rota:
        (one,) = await rotas_now(desk.roster, at, rota)
        blocks += oncall.of_rota(one, people, moment)
    if service:
        (each,) = await services_now(desk.roster, desk.catalogue.services.values(), at, service)
        blocks += oncall.of_service(each, moment)
    return Tell(f"Who is on call for {clean(name, 60)}", tuple(blocks))


def _meant(name: str, titles_: Mapping[str, str]) -> str:
    """The key of what somebody calls by key or title, "" for none."""
    wanted = name.strip("`*“”\"'").removeprefix("rota:").casefold()
    by_key = next((key for key in titles_ if key.casefold() == wanted), "")
    return by_key or next((key for key, title in titles_.items() if title and title.casefold() == wanted), "")


def titles(desk: Desk) -> dict[str, str]:
    """What people call each rota."""
    return {name: desk.roster.plans.title(name) for name in desk.roster.plans.names}


async def known(desk: Desk) -> dict[str, Profile]:
    """Everybody of the directory, by opaque id."""
    return {one.id: one for one in await desk.people.everyone()}


async def _zone(knock: Knock) -> ZoneInfo:
    """By whose clock a typed time is meant: as people.yaml says, else as Slack does, else the organisation's."""
    roster = knock.desk.roster
    if roster.contact(knock.who).zone:
        return roster.zone_of(knock.who)
    told_ = await zone_of(knock.slack, knock.user)
    return told_ if isinstance(told_, ZoneInfo) else roster.zone_of(knock.who)
