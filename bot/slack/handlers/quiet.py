"""Putting reminders off."""

from bot.blockkit.text import date
from bot.engine.snoozing import snooze as put_off
from bot.slack.knock import Handler, Knock, Reply, Tell


async def snooze(knock: Knock) -> Reply:
    """The button names the reminder; typed words mean the last one of that incident."""
    ref = knock.ref
    key = f"remind:{ref.incident}:{knock.who.id}:{ref.item}" if ref.item else ""
    found = await put_off(knock.desk, ref.incident, knock.who, key=key, inbound=knock.inbound)
    if found is None:
        return Tell("You were not reminded of anything here.")
    if found.done:
        return Tell("You hear of it again in 15 minutes.")
    if found.until is not None:
        return Tell(f"Snoozed already: you hear of it again {date(found.until)}.")
    if found.named:
        return Tell("All of it is settled; there is nothing to remind you of.")
    return Tell("A newer reminder took the place of this one; look below.")


CLICKS = {"snooze": snooze}
SUBMITS: dict[str, Handler] = {}
