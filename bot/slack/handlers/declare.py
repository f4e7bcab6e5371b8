"""Declaring an incident by hand: from a command, a shortcut, a message or the Home tab."""

from bot.domain.policy import Severity
from bot.slack.knock import Errors, Knock, Reply, Show, Tell
from bot.slack.views import declare


async def opened(knock: Knock) -> Reply:
    """The form; from a message or command its words are filled in."""
    said = knock.body.get("message") or {}
    text = knock.text or (str(said.get("text") or "") if knock.body.get("type") == "message_action" else "")
    return Show(declare.render(list(knock.desk.catalogue.services.values()), text))


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
    return Tell(f"{after.id} is declared.")


CLICKS = {"declare.open": opened}
SUBMITS = {"declare": declared}
