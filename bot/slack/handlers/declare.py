"""Declaring an incident by hand: from a command, a shortcut, a message or the Home tab."""

import logging

from bot.blockkit.blocks import Option
from bot.blockkit.text import untrusted
from bot.domain.duty import RecordFact
from bot.domain.errors import Refused
from bot.domain.policy import Severity
from bot.engine.desk import Desk
from bot.slack.handlers import talk
from bot.slack.keeping import wording
from bot.slack.knock import Errors, Knock, Reply, Show, Tell
from bot.slack.saying import is_ours, is_talk
from bot.slack.views import declare

_log = logging.getLogger(__name__)
PERSONAL = "personal_data_breach"
"""The fact the law asks for; "may be involved" leaves it open and says so."""


async def opened(knock: Knock) -> Reply:
    """The form; from a message or command its words are filled in."""
    services = list(knock.desk.catalogue.services.values())
    body = knock.body.get("message") or {}
    if knock.body.get("type") != "message_action" or not is_talk(body) or is_ours(body, knock.slack.known_me):
        return Show(declare.render(services, knock.text or str(body.get("text") or "")))
    said = await talk.message(knock)
    text = await wording(knock.desk, knock.slack, said.text)
    return Show(declare.render(services, text, talk.link(knock, said), said.said))


def options(desk: Desk, typed: str) -> list[Option]:
    """The services that fit what was typed so far."""
    return declare.found(list(desk.catalogue.services.values()), typed)


async def declared(knock: Knock) -> Reply:
    """Open it; the card appears in the service's channel."""
    level = knock.values.text("severity")
    if level not in {"1", "2", "3", "4"}:
        return Errors({"severity": "Choose how bad it is."})
    service = knock.values.text("service")
    service = "" if service == declare.OTHER else service
    if service and service not in knock.desk.catalogue.services:
        return Errors({"service": "The catalogue has no such service any more; choose another."})
    restricted = knock.values.ticked("restricted")
    after = await knock.desk.declare(
        knock.values.text("title"),
        Severity(int(level)),
        service,
        knock.values.text("because"),
        knock.who,
        restricted=restricted,
        inbound=knock.inbound,
    )
    words = f"{after.id} is declared: {_where(knock, service, restricted=restricted)}."
    if knock.ref.said:
        words += await talk.first_note(knock, after.id)
    if knock.values.ticked("personal"):
        words += await _personal(knock, after.id)
    return Tell(words)


def _where(knock: Knock, service: str, *, restricted: bool) -> str:
    if restricted:
        return "it is restricted, those it names get a direct message"
    known = knock.desk.catalogue.services.get(service)
    channel = (known.channel if known is not None else "") or knock.home
    return f"its card appears in #{untrusted(channel.lstrip('#'), 80)}" if channel else "its page is on the console"


async def _personal(knock: Knock, incident: str) -> str:
    """Leave the question open in the record, so that the duties that hang on it are asked about."""
    fact = RecordFact(PERSONAL, None, "personal data may be involved, said when it was declared")
    inbound = f"{knock.inbound}#personal" if knock.inbound else ""
    try:
        await knock.desk.submit(incident, fact, knock.who, inbound=inbound)
    except Refused as refused:
        _log.info("%s: that personal data may be involved is not recorded: %s", incident, refused)
        return f" That personal data may be involved was not recorded: {refused.because}."
    return " That personal data may be involved is noted as an open question."


CLICKS = {"declare.open": opened}
SUBMITS = {"declare": declared}
