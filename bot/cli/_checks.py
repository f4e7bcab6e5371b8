"""What `tocsin doctor` looks at, part by part: each look ends within seconds and with a sentence, whatever it meets."""

from __future__ import annotations

import asyncio
import os
import tempfile
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from bot.cli._text import line, span
from bot.domain.errors import Invalid, Refused, TocsinError, Unavailable

if TYPE_CHECKING:
    from bot.clock import Clock
    from bot.config.installation import Installation
    from bot.config.signin import Oidc
    from bot.domain.service import Offer, Target
    from bot.engine.ports import Action, Source
    from bot.openings import Outside

OK, NOTE, BAD = "ok", "note", "BAD"
PATIENCE = 20.0  # seconds for one part
STALE = 120.0  # seconds after which a poll's checkpoint is old: it is written every 30


@dataclass(frozen=True, slots=True)
class Found:
    """One part: well, worth knowing, or not well, and why."""

    mark: str
    what: str
    said: str

    def __str__(self) -> str:
        return f"{self.mark:<5} {self.what}: {line(self.said)}"


Look = Callable[[], Awaitable[Found]]


async def examine(installation: Installation, config: Path, environ: Mapping[str, str]) -> list[Found]:
    """Every part in turn; one that is not well keeps none from being looked at."""
    from bot.clock import SystemClock

    clock = SystemClock()
    found = [_configuration(installation), _state(installation)]
    found.append(await _bounded("database", lambda: _database(installation)))
    if found[-1].mark == OK:
        found.append(await _bounded("last poll", lambda: _last_poll(installation, clock)))
    found += await asyncio.to_thread(_server, config, environ)
    if (oidc := installation.web.oidc) is not None:
        found.append(await _bounded("sign-in", lambda: _sign_in(installation, oidc, clock)))
    found += [each async for each in _outside(installation, clock)]
    found.append(await _bounded("Slack", lambda: _slack(installation)))
    return found


async def rebuilt(installation: Installation) -> Found:
    """Write the lists anew from the log."""
    return await _bounded("lists", lambda: _rebuild(installation), within=None)


async def _bounded(what: str, look: Look, within: float | None = PATIENCE) -> Found:
    try:
        async with asyncio.timeout(within):
            return await look()
    except TimeoutError:
        return Found(BAD, what, f"no answer within {PATIENCE:g} s")
    except TocsinError as error:
        return Found(BAD, what, str(error))


def _configuration(installation: Installation) -> Found:
    counts = (("service", installation.services), ("objective", installation.slos), ("regime", installation.regimes))
    told = ", ".join(f"{len(held)} {name}{'' if len(held) == 1 else 's'}" for name, held in counts)
    if installation.warnings:
        return Found(NOTE, "configuration", f"{told}; {'; '.join(str(each) for each in installation.warnings)}")
    return Found(OK, "configuration", told)


def _state(installation: Installation) -> Found:
    folder = installation.state
    if not folder.exists():
        above = next(each for each in folder.parents if each.exists())
        mark, word = (NOTE, "is made at the first start") if os.access(above, os.W_OK) else (BAD, "cannot be made")
        return Found(mark, "state folder", f"{folder} is not there yet and {word}")
    try:
        with tempfile.TemporaryFile(dir=folder):
            return Found(OK, "state folder", f"{folder} can be written")
    except OSError as error:
        return Found(BAD, "state folder", f"{folder} cannot be written: {error.strerror or error}")


async def _database(installation: Installation) -> Found:
    from bot.cli._database import looked_at
    from bot.clock import SystemClock
    from bot.store.migrations import HEAD

    async with looked_at(installation.database_url, SystemClock()) as store:
        count = len(await store.log.open_ids())
        kind = "SQLite" if store.database.is_sqlite else "PostgreSQL"
    return Found(OK, "database", f"{kind} at revision {HEAD}, {count} {'incident' if count == 1 else 'incidents'} open")


async def _last_poll(installation: Installation, clock: Clock) -> Found:
    from sqlalchemy import select

    from bot.cli._database import looked_at
    from bot.engine.watch import CHECKPOINT
    from bot.store.tables import checkpoints

    if not installation.slos:
        return Found(NOTE, "last poll", "there is no objective to watch")
    async with looked_at(installation.database_url, clock) as store:
        query = select(checkpoints.c.at).where(checkpoints.c.name == CHECKPOINT)
        at = (await store.aside.read(lambda connection: connection.execute(query), within=10)).scalar()
    if at is None:
        return Found(NOTE, "last poll", "none yet; `tocsin run` polls")
    ago = (clock.now() - at).total_seconds()
    late = ago > max(STALE, 4 * installation.poll_every.total_seconds())
    return Found(NOTE if late else OK, "last poll", f"written down {span(ago)} ago{': nobody watches' if late else ''}")


def _server(config: Path, environ: Mapping[str, str]) -> list[Found]:
    """The running server, and what it says of itself."""
    import httpx

    from bot.cli._api import LOOPBACK, place
    from bot.cli._own import told

    try:
        url = place(config, environ).url
        near = httpx.URL(url).host in LOOPBACK
        answer = httpx.get(f"{url}/readyz", timeout=5, trust_env=not near)
    except TocsinError as error:
        return [Found(BAD, "server", str(error))]
    except (httpx.ConnectError, httpx.ConnectTimeout):
        return [Found(NOTE, "server", f"nobody answers at {url}; `tocsin run` is not up")]
    except (httpx.HTTPError, httpx.InvalidURL) as error:
        return [Found(BAD, "server", f"{url} gives no answer: {type(error).__name__}")]
    try:
        said = list(told(answer.json()))
    except ValueError:
        said = []
    if answer.is_success:
        return [Found(OK, "server", f"{url} answers and is ready"), *said]
    return [Found(BAD, "server", f"{url} answers {answer.status_code} to /readyz: {answer.text[:200]}"), *said]


async def _sign_in(installation: Installation, oidc: Oidc, clock: Clock) -> Found:
    """The provider people log in with: whether it says of itself what a login needs, and shows its keys."""
    from bot import openings
    from bot.config.files import read_page
    from bot.web.signing_in import BACK

    file = installation.root / installation.file
    page = read_page(file, [])
    at = "" if page is None else f":{page.where('web', 'oidc', 'issuer')[0]}"
    line = f"; see web.oidc.issuer ({file}{at})"
    provider = openings.provider(oidc, clock)
    try:
        async with asyncio.timeout(PATIENCE / 2):
            count = await provider.keys()
    except TimeoutError:
        return Found(BAD, "sign-in", f"{provider.what} does not answer within {PATIENCE / 2:g} s{line}")
    except TocsinError as error:
        return Found(BAD, "sign-in", f"{error}{line}")
    if not count:
        return Found(BAD, "sign-in", f"{provider.what} shows no key to sign with{line}")
    shown = "1 key" if count == 1 else f"{count} keys"
    back = f"{installation.web.address}{BACK}"
    return Found(OK, "sign-in", f"{provider.what} answers and shows {shown}; it must send people back to {back}")


async def _outside(installation: Installation, clock: Clock) -> AsyncIterator[Found]:
    """Sources and targets, through the same doors that `tocsin run` opens."""
    from bot import openings

    try:
        doors = openings.outside(installation, clock)
    except (TocsinError, ValueError) as error:
        yield Found(BAD, "parts", "; ".join(map(str, error.problems)) if isinstance(error, Invalid) else str(error))
        return
    try:
        for name in installation.sources:
            yield await _bounded(f"source {name}", lambda name=name: _source(installation, doors, name, clock))  # type: ignore[misc]
        for service in installation.services.values():
            for offer in service.offers:
                target = service.target(offer.target)
                if target is not None:
                    action = doors.actions[target.name]
                    what = f"mitigation {offer.name} of {service.name}"
                    yield await _bounded(what, lambda w=what, a=action, t=target, o=offer: _offer(w, a, t, o))  # type: ignore[misc]
    finally:
        await _closed(doors)


async def _closed(doors: Outside) -> None:
    try:
        await doors.close()
    except TocsinError:
        return  # it answered or it did not: that was told


async def _source(installation: Installation, doors: Outside, name: str, clock: Clock) -> Found:
    source: Source = doors.sources[name]
    slos = [slo for slo in installation.slos if slo.source == name]
    wanted = {query for slo in slos for measure in slo.measures for query in measure.queries}
    if not wanted:
        return Found(NOTE, f"source {name}", "no objective asks it")
    points = await source.read(wanted, clock.now())
    empty = sorted({slo.name for slo in slos if not points.get(slo.indicator.queries[-1])})
    if empty:
        return Found(NOTE, f"source {name}", f"answers, and has no series for {', '.join(empty)}")
    return Found(OK, f"source {name}", f"answers, with series for {len(slos)} objective{'s' if len(slos) != 1 else ''}")


async def _offer(what: str, action: Action, target: Target, offer: Offer) -> Found:
    """Whether it could be proposed now: the plan is resolved and thrown away."""
    from bot.domain.mitigation import Means

    try:
        plan = await action.plan(target, Means(offer.means), offer.params)
    except Refused as refused:
        return Found(NOTE, what, f"{target.name} answers; now it would refuse: {refused.because}")
    return Found(OK, what, f"{target.name} answers; now it would change {'; '.join(plan.diff) or 'nothing'}")


async def _slack(installation: Installation) -> Found:
    from bot.slack.client import Client

    slack = installation.slack
    if slack.mode == "off" or slack.bot_token is None:
        return Found(NOTE, "Slack", "is off")
    client = Client.open(slack.bot_token.get_secret_value(), slack.api_url)
    await client.connect()
    try:
        me = await client.me()
    finally:
        await client.close()
    team = str(me.get("team_id", ""))
    if slack.team and team != slack.team:
        return Found(
            BAD, "Slack", f"the token is of workspace {team or 'unknown'}, the configuration names {slack.team}"
        )
    return Found(OK, "Slack", f"answers; we are {me.get('user', me.get('user_id', 'unknown'))} in workspace {team}")


async def _rebuild(installation: Installation) -> Found:
    from bot.cli._database import standing
    from bot.clock import SystemClock
    from bot.store import Store

    if trouble := await standing(installation.database_url):
        raise Unavailable("the database", trouble)
    async with await Store.open(installation.database_url, SystemClock(), migrate=False) as store:
        count = await store.log.rebuild()
    return Found(OK, "lists", f"written anew from the log, {count} {'incident' if count == 1 else 'incidents'}")
