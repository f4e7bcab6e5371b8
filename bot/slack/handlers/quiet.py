"""Putting reminders off."""

from datetime import timedelta

from bot.domain.reminder import PutOff, Reminded
from bot.slack.knock import Handler, Knock, Reply, Tell

SNOOZE = timedelta(minutes=15)


async def snooze(knock: Knock) -> Reply:
    """What one was last reminded of comes again in a quarter of an hour, in every incident the reminder spoke of."""
    now = knock.desk.clock.now()
    first = await knock.desk.log.load(knock.ref.incident)
    when = first.reminded.get(knock.who.id, Reminded()).at
    for name in dict.fromkeys((knock.ref.incident, *await knock.desk.log.open_ids())):
        known = (await knock.desk.log.load(name)).reminded.get(knock.who.id, Reminded())
        if known.at is None or when is None or abs(known.at - when) > timedelta(minutes=1):
            continue
        put_off = PutOff(knock.who.id, now + SNOOZE, "they asked", tuple(sorted(known.latest)))
        inbound = f"{knock.inbound}#{name}" if knock.inbound and name != knock.ref.incident else knock.inbound
        await knock.desk.submit(name, put_off, knock.who, inbound=inbound)
    return Tell("You are reminded again in 15 minutes.")


CLICKS = {"snooze": snooze}
SUBMITS: dict[str, Handler] = {}
