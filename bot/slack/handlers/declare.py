"""Declaring an incident by hand: from a command, a shortcut, a message or the Home tab."""

from bot.domain.policy import Severity
from bot.slack.handlers import talk
from bot.slack.keeping import wording
from bot.slack.knock import Errors, Knock, Reply, Show, Tell
from bot.slack.saying import is_ours, is_talk
from bot.slack.views import declare


async def opened(knock: Knock) -> Reply:
    """The form; from a message or command its words are filled in."""
    services = list(knock.desk.catalogue.services.values())
    body = knock.body.get("message") or {}
    if knock.body.get("type") != "message_action" or not is_talk(body) or is_ours(body, knock.slack.known_me):
        return Show(declare.render(services, knock.text or str(body.get("text") or "")))
    said = await talk.message(knock)
    text = await wording(knock.desk, knock.slack, said.text)
    return Show(declare.render(services, text, talk.link(knock, said), said.said))


async def declared(knock: Knock) -> Reply:
    """Open it; the card appears in the service's channel."""
    level = knock.values.text("severity")
    if level not in {"1", "2", "3", "4"}:
        return Errors({"severity": "Choose how bad it is."})
    service = knock.values.text("service")
    after = await knock.desk.declare(
        knock.values.text("title"),
        Severity(int(level)),
        "" if service == declare.OTHER else service,
        knock.values.text("because"),
        knock.who,
        restricted=knock.values.ticked("restricted"),
        inbound=knock.inbound,
    )
    trouble = await talk.first_note(knock, after.id) if knock.ref.said else ""
    return Tell(f"{after.id} is declared.{trouble}")


CLICKS = {"declare.open": opened}
SUBMITS = {"declare": declared}
