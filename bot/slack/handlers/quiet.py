"""Putting reminders off."""

from datetime import timedelta

from bot.blockkit.text import date
from bot.domain.reminder import PutOff, Reminded, waits
from bot.slack.knock import Handler, Knock, Reply, Tell

SNOOZE = timedelta(minutes=15)


async def snooze(knock: Knock) -> Reply:
    """What a reminder spoke of comes again in a quarter of an hour, in every incident it named.

    The button names the reminder; typed words mean the last one of that incident.
    """
    log, who = knock.desk.log, knock.who.id
    now = knock.desk.clock.now()
    last = (await log.load(knock.ref.incident)).reminded.get(who, Reminded()).key
    key = f"remind:{knock.ref.incident}:{who}:{knock.ref.item}" if knock.ref.item else last
    if not key:
        return Tell("You were not reminded of anything here.")
    again, quiet, named = {}, None, False
    for name in dict.fromkeys((knock.ref.incident, *await log.open_ids(), *await log.promised(who))):
        incident = await knock.desk.handler.legible.one(name)
        if incident is None:
            continue
        known = incident.reminded.get(who, Reminded())
        if known.key != key:
            continue
        named = True
        waiting = tuple(mark for mark in sorted(known.latest) if waits(incident, who, mark))
        if waiting and known.until is not None and known.until > now and not known.marks.intersection(waiting):
            quiet = known.until
        elif waiting:
            again[name] = waiting
    if not again:
        return Tell(_why_not(f"Snoozed already: you hear of it again {date(quiet)}." if quiet else "", named=named))
    for name, marks in again.items():
        put_off = PutOff(who, now + SNOOZE, "they asked", marks)
        inbound = f"{knock.inbound}#{name}" if knock.inbound and name != knock.ref.incident else knock.inbound
        await knock.desk.submit(name, put_off, knock.who, inbound=inbound)
    return Tell("You hear of it again in 15 minutes.")


def _why_not(quiet: str, *, named: bool) -> str:
    if quiet:
        return quiet
    if named:
        return "All of it is settled; there is nothing to remind you of."
    return "A newer reminder took the place of this one; look below."


CLICKS = {"snooze": snooze}
SUBMITS: dict[str, Handler] = {}
