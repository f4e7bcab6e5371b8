"""Merges two incidents, and splits one: each half is written by itself, and asking again goes on where it stopped."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence

from bot.domain.alerts import BORN, AlertState
from bot.domain.errors import NotFound, Refused, Taken
from bot.domain.incident import Incident
from bot.domain.lifecycle import Declare, Reopen
from bot.domain.log import Ask
from bot.domain.merging import MergeInto, Split, TakeIn, TakeOver, split_keys
from bot.domain.paging import Acknowledge
from bot.domain.policy import THE_BOT, Person, Severity
from bot.engine.handle import Handler


async def merge(
    handler: Handler, this: str, into: str, because: str = "", *, by: Person = THE_BOT, inbound: str = ""
) -> Incident:
    """The first is resolved with a pointer, the second goes on with its alerts; the second as it then stands.

    Raises like `submit`, and NotFound. Where the second was resolved in the very moment, the first is open again.
    """
    other = await handler.log.load(into)
    if not other.exists:
        raise NotFound("incident", into)
    if other.storm is not None:
        raise Refused(f"{into} stands for a whole storm and has no alerts of its own; name one of its children")
    if not other.is_open:
        raise Refused(f"{into} is {other.phase}; re-open it to merge something into it")
    after = await handler.submit(this, MergeInto(into, because, other.restricted), by=by, inbound=inbound)
    if after.merged_into != into:  # the same request was answered before, and somebody re-opened it since
        return await handler.log.load(into)
    slis = tuple(each for each in (after.sli, *after.attached) if each is not None)
    take = TakeIn(this, tuple(after.alerts.values()), slis, because)
    try:
        return await handler.submit(into, take, by=by, cause=inbound or this)
    except Refused as refused:
        if not (await handler.log.load(into)).is_open:
            await handler.submit(this, Reopen(f"{into} was resolved meanwhile"), by=by, cause=inbound or into)
        raise refused from None


async def split(
    handler: Handler, this: str, keys: Sequence[str], because: str = "", *, by: Person, inbound: str = ""
) -> Incident:
    """A new incident goes on with these alerts; it as it then stands. Raises like `submit`, and NotFound."""
    incident = await handler.log.load(this)
    if not incident.exists:
        raise NotFound("incident", this)
    ask = Ask(by, handler.clock.now(), inbound, handler.policy)
    wanted = split_keys(incident, keys, ask)
    gone = {incident.moved.get(key, "") for key in wanted}
    if len(gone) == 1 and (there := gone.pop()):  # it was asked for before
        return await handler.log.load(there)
    if missing := [key for key in wanted if key not in incident.alerts]:
        raise Refused(f"{incident.id} has no alert {', '.join(missing)} any more")
    alerts = tuple(incident.alerts[key] for key in wanted)
    try:
        new = (await handler.open(_declaring(incident, alerts, because, ask), by=by, cause=inbound or this)).id
    except Taken as taken:  # opened before a crash, or by the first of two clicks
        new = taken.holder
    await handler.submit(this, Split(wanted, new, because), by=by, inbound=inbound)
    after = await handler.submit(new, TakeOver(this, alerts), by=by, cause=inbound or this)
    if incident.acknowledged is not None and after.acknowledged is None:  # whoever splits is awake and at it
        after = await handler.submit(new, Acknowledge(), by=by, cause=inbound or this)
    return after


def _declaring(incident: Incident, alerts: Sequence[AlertState], because: str, ask: Ask) -> Declare:
    first = min(alerts, key=lambda each: (each.severity, each.starts, each.key))
    onset = min(ask.at, *(each.starts for each in alerts))
    mark = hashlib.sha256("\n".join(sorted(f"{each.key}@{each.starts}" for each in alerts)).encode()).hexdigest()[:16]
    return Declare(
        title=first.title,
        severity=Severity(first.severity),
        service=first.service or incident.service,
        because=because or f"split off {incident.id}",
        onset=onset,
        detected=max(onset, incident.detected or ask.at),
        fingerprint=f"{BORN}split/{incident.id}/{mark}",
        restricted=incident.restricted,
        urgency=incident.urgency,
    )
