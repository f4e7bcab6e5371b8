"""What belongs together, in Slack: merged into another incident, split off it, or given a card in a storm."""

import re
from collections.abc import Callable

from bot.domain.errors import Refused
from bot.domain.incident import Incident
from bot.domain.phase import require_open
from bot.domain.promotion import Promote
from bot.slack.knock import Errors, Knock, Reply, Show, Tell
from bot.slack.views import group

LOOKED_AT = 300
"""So many open incidents are looked at for a list, the newest: a storm has thousands, and a click has 2.5 seconds."""
_INTO = re.compile(r"(?is)\s*(INC-\d+)\b[\s:,]*(.*)")


async def _open(knock: Knock, wanted: Callable[[Incident], bool]) -> tuple[list[Incident], int]:
    """Open incidents, the newest first, and how many there are; nothing that is restricted is ever listed."""
    names = list(reversed(await knock.desk.log.open_ids()))
    found = [one for one in await knock.desk.handler.legible.all(names[:LOOKED_AT])
             if one.is_open and not one.restricted and wanted(one)]  # fmt: skip
    return found, len(found) + max(0, len(names) - LOOKED_AT)


async def merging(knock: Knock) -> Reply:
    """The incidents it may be merged into: of the same service first."""
    situation = await knock.situation()
    incident = situation.incident
    if incident.merged_into:
        return Tell(f"{incident.id} is merged into {incident.merged_into} already.")
    require_open(incident, "merge it")
    found, known = await _open(knock, lambda one: one.id != incident.id and one.storm is None and not one.is_silent)
    if not found:
        return Tell("No other incident is open that it could be merged into.")
    found.sort(key=lambda one: one.service != incident.service)
    return Show(group.merge(situation, found, known))


async def merged(knock: Knock) -> Reply:
    """The other one goes on with its alerts."""
    return await _merged(knock, knock.values.text("into"), knock.values.text("because"))


async def merged_typed(knock: Knock, words: str) -> Reply:
    """`merge INC-7 why`. Raises Refused."""
    found = _INTO.match(words)
    if found is None:
        raise Refused("say into which incident: merge INC-7, and why if you like")
    return await _merged(knock, found[1].upper(), found[2])


async def _merged(knock: Knock, into: str, because: str) -> Reply:
    this = knock.ref.incident
    before = await knock.desk.log.load(this)
    if before.merged_into == into:
        return Tell(f"{this} is merged into {into} already.")
    await knock.desk.merge(this, into, knock.who, because, inbound=knock.inbound)
    return Tell(f"{this} is merged into {into}, which goes on with its alerts.")


async def splitting(knock: Knock) -> Reply:
    """The alerts of it that may be another thing."""
    situation = await knock.situation()
    require_open(situation.incident, "split it")
    if len(situation.incident.alerts) < group.SEVERAL:
        return Tell(f"{situation.incident.id} has one alert at most, so nothing can be split off.")
    return Show(group.split(situation))


async def split(knock: Knock) -> Reply:
    """They go on in an incident of their own; sent again, the form splits once."""
    desk, this = knock.desk, knock.ref.incident
    incident = await desk.log.load(this)
    ticked = [one for number in range(group.BOXES) for one in knock.values.chosen(f"alerts{number}")]
    by_mark = {group.mark(key): key for key in (*incident.moved, *incident.alerts)}
    if not ticked:
        return Errors({"alerts0": "Tick the alerts that are another thing."})
    keys = [by_mark[one] for one in ticked if one in by_mark]
    if len(keys) < len(ticked):
        return Errors({"alerts0": f"{this} changed meanwhile: close this and open it again."})

    new = await desk.split(this, keys, knock.who, knock.values.text("because"), inbound=knock.inbound)
    number = "1 alert goes" if len(keys) == 1 else f"{len(keys)} alerts go"
    return Tell(f"{number} on in {new.id}, which has a card of its own.")


async def promoting(knock: Knock) -> Reply:
    """The open children of a storm without a card, the worst first."""
    situation = await knock.situation()
    found, known = await _open(knock, lambda one: one.umbrella == knock.ref.incident and one.is_silent)
    if not found:
        return Tell("Every open incident of this storm has a card of its own, or is over.")
    return Show(group.promote(situation, sorted(found, key=lambda one: one.severity), known))


async def promoted(knock: Knock) -> Reply:
    """From now on it is an incident like any other."""
    child = await knock.desk.log.load(knock.values.text("child"))
    if not child.exists or child.umbrella != knock.ref.incident or child.restricted:
        return Errors({"child": "This incident is none of the storm's."})
    if child.promoted:
        return Tell(f"{child.id} has a card of its own already.")
    command = Promote(knock.values.text("because"))
    await knock.desk.submit(child.id, command, knock.who, inbound=knock.inbound)
    return Tell(f"{child.id} has a card of its own now.")


CLICKS = {"merge.open": merging, "split.open": splitting, "promote.open": promoting}
SUBMITS = {group.MERGE: merged, group.SPLIT: split, group.PROMOTE: promoted}
