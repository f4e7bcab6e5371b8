"""Declaring an incident by hand: from a command, a shortcut, a message or the Home tab."""

import logging
from dataclasses import replace

from bot.blockkit.blocks import Option
from bot.blockkit.text import untrusted
from bot.domain.duty import RecordFact
from bot.domain.errors import Conflict, Refused, Unavailable
from bot.domain.incident import Incident
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
    """Open it, once however often the form is sent; the card appears in the service's channel."""
    title, level = knock.values.text("title"), knock.values.text("severity")
    if not title:  # not left to the rule: what it refuses under this form's id it would refuse for good
        return Errors({"title": "Say in a few words what is broken."})
    if level not in {"1", "2", "3", "4"}:
        return Errors({"severity": "Choose how bad it is."})
    service = knock.values.text("service")
    service = "" if service == declare.OTHER else service
    if service and service not in knock.desk.catalogue.services:
        return Errors({"service": "The catalogue has no such service any more; choose another."})
    severity, restricted = Severity(int(level)), knock.values.ticked("restricted")
    form = replace(knock, inbound=_form(knock))
    after = await knock.desk.declare(
        title, severity, service, knock.values.text("because"), knock.who, restricted=restricted, inbound=form.inbound
    )
    words = f"{after.id} is declared: {_where(knock, after)}."
    if (after.title, after.severity, after.service, after.restricted) != (title, severity, service, restricted):
        words += " It was recorded when you first pressed; what you changed in the form since then is not in it."
    if knock.ref.said:
        words += await talk.first_note(form, after.id)
    if knock.values.ticked("personal"):
        words += await _personal(form, after)
    return Tell(words)


def _form(knock: Knock) -> str:
    """The form's own id: pressed again because no answer came, it is the same declaration."""
    view = (knock.body.get("view") or {}).get("id")
    return f"slack:form:{view}" if view else knock.inbound


def _where(knock: Knock, incident: Incident) -> str:
    if incident.restricted:
        return "it is restricted, those it names get a direct message"
    known = knock.desk.service_of(incident)
    channel = (known.channel if known is not None else "") or knock.home
    return f"its card appears in #{untrusted(channel.lstrip('#'), 80)}" if channel else "its page is on the console"


async def _personal(knock: Knock, incident: Incident) -> str:
    """Leave the question open in the record, so that the duties that hang on it are asked about."""
    noted = " That personal data may be involved is noted as an open question."
    if PERSONAL in incident.facts:  # the form was sent before; somebody may have answered since
        return noted
    fact = RecordFact(PERSONAL, None, "personal data may be involved, said when it was declared")
    inbound = f"{knock.inbound}#personal" if knock.inbound else ""
    try:
        await knock.desk.submit(incident.id, fact, knock.who, inbound=inbound)
    except Refused as refused:
        _log.info("%s: that personal data may be involved is not recorded: %s", incident.id, refused)
        return f" That personal data may be involved was not recorded: {refused.because}."
    except (Unavailable, Conflict) as away:
        _log.warning("%s: that personal data may be involved is not recorded: %s", incident.id, away)
        return " That personal data may be involved could not be recorded: tell counsel, or say so on the console."
    return noted


CLICKS = {"declare.open": opened}
SUBMITS = {"declare": declared}
