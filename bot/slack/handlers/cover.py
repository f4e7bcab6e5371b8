"""Covers in Slack: somebody asks to be stood in for, somebody takes it or lets go; every answer is a sentence."""

from datetime import UTC, datetime, timedelta

from bot.blockkit.text import untrusted
from bot.domain.errors import NotFound
from bot.engine.desk import Desk
from bot.engine.roster import Stint
from bot.engine.roster_ports import Stand
from bot.engine.values import Profile
from bot.slack.handlers.oncall import known, titles
from bot.slack.knock import Errors, Knock, Reply, Show, Tell
from bot.slack.views import cover
from bot.slack.views._words import several

AHEAD = timedelta(days=63)
"""So far ahead one's own shifts are looked for."""
NOTHING = "You are on call in no rota in the next nine weeks, so there is nothing to be covered."
NO_TIME = "Choose a day and a time."


async def shifts_of(desk: Desk, who: Profile) -> list[Stint]:
    """Somebody's shifts from now on, by every rota, the next first."""
    now = desk.clock.now()
    found = [each for name in desk.roster.plans.names for each in await desk.roster.shifts(name, now, now + AHEAD)
             if each.person == who.id]  # fmt: skip
    return sorted(found, key=lambda each: (each.start, each.rota))


async def opened(knock: Knock) -> Reply:
    """The form, with the next shift in it."""
    shifts = await shifts_of(knock.desk, knock.who)
    if not shifts:
        return Tell(NOTHING)
    return Show(cover.render(shifts, titles(knock.desk), knock.desk.clock.now()))


async def asked(knock: Knock) -> Reply:
    """Those who could take it hear of it by direct message; sent again, the form asks once."""
    times: dict[str, datetime] = {}
    for name in ("from", "to"):
        try:
            times[name] = datetime.fromtimestamp(int(knock.values.text(name)), UTC)
        except (ValueError, OverflowError, OSError):
            return Errors({name: NO_TIME})
    if times["to"] <= times["from"]:
        return Errors({"to": "A cover ends after it begins."})
    if times["to"] <= knock.desk.clock.now():
        return Errors({"to": "That time is over already."})
    agreed = await knock.desk.covering.ask(
        knock.values.text("rota"), times["from"], times["to"], knock.who,
        because=knock.values.text("because"), inbound=knock.inbound,
    )  # fmt: skip
    if not agreed.text:  # the same form once more
        return Tell("You asked for that already; who could take it was told.")
    people = await known(knock.desk)
    told = [untrusted(people[one].name, 80) for one in agreed.tell if one in people and people[one].slack_user]
    if not told:
        return Tell(
            "Asked, but nobody else of this rota can be told in Slack. Ask somebody yourself: they can take it with "
            "`/incident oncall` or on their Home tab. Until then you stay on call."
        )
    names = several(told) if len(told) <= 4 else f"{', '.join(told[:3])} and {len(told) - 3} more"  # noqa: PLR2004
    return Tell(f"Asked: {names} can take it. Until somebody does, you stay on call.")


async def taken(knock: Knock) -> Reply:
    """From now on pages of that time come to whoever pressed. Raises NotFound, Refused."""
    found = (await knock.desk.covering.take(knock.ref.item, knock.who)).cover
    people = await known(knock.desk)
    what = untrusted(titles(knock.desk).get(found.rota, found.rota), 100)
    return Tell(f"You cover {cover.name(people, found.asker)} for {what}, {cover.span(found)}: pages come to you then.")


async def withdrawn(knock: Knock) -> Reply:
    """The asker needs nobody any more, or the taker lets go. Raises NotFound, Refused."""
    desk = knock.desk
    before = next((one for one in desk.roster.covers if one.id == knock.ref.item), None)
    agreed = await desk.covering.withdraw(knock.ref.item, knock.who)
    if not agreed.text:
        return Tell("This request was withdrawn already.")
    if agreed.cover.stand is Stand.ASKED and agreed.cover.asker != knock.who.id:
        asker = cover.name(await known(desk), agreed.cover.asker)
        return Tell(f"Let go: you do not cover {asker} any more. They and those who could take it are told.")
    took = before is not None and before.taker
    return Tell("Withdrawn: you are on call yourself." + (" Whoever took it is told." if took else ""))


async def typed(knock: Knock, words: str) -> Reply:
    """`cover` alone asks; anything after it is not understood, so that nobody believes it was."""
    if words:
        raise NotFound("word after cover", words[:60], ["none: `cover` alone opens the form"])
    return await opened(knock)


CLICKS = {cover.OPEN: opened, cover.TAKE: taken, cover.WITHDRAW: withdrawn}
SUBMITS = {cover.NAME: asked}
