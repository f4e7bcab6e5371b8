"""The mirror: makes the messages in Slack say what the situation says, and leaves alone what says so already."""

import asyncio
import logging
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from bot.clock import Clock
from bot.domain.errors import NotFound, Refused, Unavailable
from bot.domain.phase import Phase
from bot.engine.calling import Summons
from bot.engine.ports import Mirror
from bot.engine.situation import Situation
from bot.engine.values import Profile, Waiting
from bot.slack.client import Client
from bot.slack.direct import Direct
from bot.slack.nudges import Look, Nudges
from bot.slack.poster import GONE, LATE, POSTED
from bot.slack.quiet import quiet_until
from bot.slack.rooms import Rooms
from bot.slack.settings import SlackSettings
from bot.slack.showing import NewerError, Showing, Work
from bot.slack.wanted import CARD, counsels, page

_log = logging.getLogger(__name__)
GIVE_UP = timedelta(days=1)
"""How long after its closing an incident's refused messages are still tried."""
TEST, NOTES, COVER = "test", "notes", "cover-"
"""Under these names stand messages that are about no incident; those of covers begin so."""
SHOWN_WITHIN = timedelta(minutes=1)
"""What could not be shown for longer is told elsewhere than in Slack."""


@dataclass(frozen=True, slots=True)
class Behind:
    """How many incidents are not shown as they stand, since when the oldest, and what kept it."""

    incidents: int = 0
    since: datetime | None = None
    error: str = ""


class SlackChat:
    """Shows situations in Slack. Any number may ask at once: each incident is shown by one, and the newest wins."""

    def __init__(
        self, client: Client, mirror: Mirror, settings: SlackSettings, clock: Clock, look: Look | None = None
    ) -> None:
        self.client, self.settings, self.clock, self.pacer = client, settings, clock, client.pacer
        self.showing = Showing(client, mirror, settings, clock)
        self.poster, self.duplicates = self.showing.poster, self.showing.duplicates
        self.direct = Direct(client, mirror, self.poster, self.duplicates, clock)
        self.nudges = Nudges(mirror, self.poster, self.pacer, tell=self.direct.tell, look=look)
        self.showing.also = self.nudges.refresh
        self.rooms = Rooms(client)
        self._mirror = mirror
        self._work: dict[str, Work] = {}
        self._retries: set[asyncio.Task[None]] = set()
        self._said_behind = False

    # -- showing -----------------------------------------------------------------------------------------------------

    async def show(self, situation: Situation) -> None:
        """Make the messages say what the situation says; repeating it is harmless.

        Raises Unavailable, and Refused or NotFound where Slack just said no to a message. The others are shown all the
        same; the refused one rests and is tried again by `tend`.
        """
        work = self._work.setdefault(situation.incident.id, Work())
        if situation.incident.seq < work.seq:
            return
        self._take(situation, work)
        try:
            async with work.lock:
                await self._show(work)
        except (Unavailable, Refused, NotFound) as error:
            work.error = str(error)
            raise

    def waits(self, incident: str) -> bool:
        """Whether that incident is being shown: a message of it waits for its turn, or is about to."""
        work = self._work.get(incident)
        return work is not None and work.lock.locked()

    def renew(self, situation: Situation) -> None:
        """Give what waits for its turn a newer situation; where nothing waits any more, whoever asks next shows it."""
        if self.waits(situation.incident.id):
            self._take(situation, self._work[situation.incident.id])

    def _take(self, situation: Situation, work: Work) -> None:
        if (storm := situation.incident.storm) is not None:
            self.client.pacer.calm(on=storm.until is None and situation.incident.is_open)
        if work.latest is None or _order(situation) >= _order(work.latest):
            work.supersede(situation)
            work.behind = work.behind or self.clock.now()
            work.closed = (work.closed or self.clock.now()) if situation.incident.phase is Phase.CLOSED else None

    async def _show(self, work: Work) -> None:
        while (chosen := work.latest) is not None:
            try:
                await self.showing.sync(chosen, work)
            except NewerError:
                continue
            work.seq = max(work.seq, chosen.incident.seq)
            if work.latest is chosen:
                if work.due is not None:
                    return
                work.latest, work.behind, work.error = None, None, ""

    async def tend(self) -> None:
        """Show again what could not be shown, and collapse what landed twice; returns when all that was tried."""
        await asyncio.gather(*self._retries)
        await self.retry()
        await asyncio.gather(*self._retries)
        await self.duplicates.tend()

    async def sweep(self) -> int:
        """Look for duplicates of everything that was sent again in the last ten minutes; how many were watched."""
        return await self.duplicates.sweep()

    async def retry(self) -> None:
        """Begin to show again what could not be shown, side by side; asked for every few seconds."""
        now = self.clock.now()
        due = []
        for name, work in list(self._work.items()):
            if work.lock.locked():
                continue
            left = work.latest
            if work.closed is not None and now - work.closed >= (LATE if left is None else GIVE_UP):
                del self._work[name]  # not at once, because an older situation may come late
                self.showing.forget(name)
            elif left is not None and (work.due is None or now >= work.due):
                due.append(left)
        self._say_behind()
        if due and await self._answers():
            for each in due:
                task = asyncio.get_running_loop().create_task(self._again(each))
                self._retries.add(task)
                task.add_done_callback(self._retries.discard)

    async def _again(self, situation: Situation) -> None:
        try:
            await self.show(situation)
        except (Unavailable, Refused, NotFound) as error:
            _log.info("%s is not shown yet: %s", situation.incident.id, error)
        except Exception:  # noqa: BLE001 - the next round tries again
            _log.exception("%s could not be shown", situation.incident.id)

    async def _answers(self) -> bool:
        """Whether Slack answers: after a silence one small question is asked before the messages of all incidents."""
        if not self.client.away:
            return True
        try:
            await self.client.call("auth.test")
        except Unavailable as error:
            _log.info("Slack is still away: %s", error)
            return False
        except Refused as refused:
            _log.info("Slack answers: %s", refused)
        return True

    async def close(self) -> None:
        """End what is being tried again."""
        for task in list(self._retries):
            task.cancel()
        await asyncio.gather(*self._retries, return_exceptions=True)

    # -- how it stands -----------------------------------------------------------------------------------------------

    def behind(self) -> Behind:
        """The incidents that are not shown as they stand for longer than they may be."""
        late = self.clock.now() - SHOWN_WITHIN
        since = {name: work.behind for name, work in self._work.items() if work.behind and work.behind <= late}
        if not since:
            return Behind()
        oldest = min(since, key=lambda name: since[name])
        return Behind(len(since), since[oldest], self.client.away or self._work[oldest].error)

    def _say_behind(self) -> None:
        """Once in the log, and once when it is over."""
        behind = self.behind()
        if behind.incidents and not self._said_behind:
            _log.warning("Slack does not show %d incident(s) as they stand since %s: %s", behind.incidents,
                         f"{behind.since:%H:%M:%S} UTC", behind.error or "their turn has not come")  # fmt: skip
        elif self._said_behind and not behind.incidents:
            _log.warning("Slack shows every incident as it stands again")
        self._said_behind = bool(behind.incidents)

    # -- messages and incidents --------------------------------------------------------------------------------------

    async def forget(self, channel: str, ts: str) -> str:
        """Somebody deleted a message: it is posted again at the next showing. The incident it belonged to, or ""."""
        row = await self._mirror.find(channel, ts)
        if row is None or row.state != POSTED or row.ts != ts:
            return ""
        await self._mirror.save(replace(row, state=GONE))
        return "" if _of_none(row.incident) else row.incident

    async def incident_at(self, channel: str, ts: str) -> str:
        """The incident a message (the parent of a thread, usually) belongs to, or that of a war room; "" for none."""
        row = await self._mirror.find(channel, ts) if channel and ts else None
        if row is not None:
            return "" if _of_none(row.incident) else row.incident
        return await self._mirror.spoken_of(channel) if channel else ""

    async def spoken_of(self, channel: str, thread_ts: str) -> str:
        """The incident whose thread or war room that is, or ""."""
        return await self._mirror.spoken_of(channel, thread_ts)

    async def is_legal(self, channel: str, ts: str) -> bool:
        """Whether what is said there is counsel's: below a message about duties, or anywhere in the legal channel.

        Where cards stand as well the channel is everybody's. Raises Unavailable.
        """
        row = await self._mirror.find(channel, ts)
        if row is not None:
            return counsels(row.surface)
        legal = self.settings.legal_channel
        if not legal or not channel:
            return False
        try:
            known = await self.client.channel_id(legal)
        except (NotFound, Refused):  # we are not in it, so that nothing of it comes to us
            return False
        return known == channel and not await self._mirror.hosts(channel)

    async def hosts(self, channel: str) -> bool:
        """Whether any incident is talked about there."""
        return await self._mirror.hosts(channel)

    # -- people and rooms --------------------------------------------------------------------------------------------

    async def page(self, summons: Summons) -> str:
        """Send a person a direct message that pages them; the words say where it went.

        The same key is one message as far as anybody can tell; in doubt it is sent again. A test page, which is about
        no incident, is kept under its own name. Raises Unavailable, Refused.
        """
        user, about = _account(summons.person), summons.ordered
        await self.direct.page(about[0].incident.id if about else TEST, page(summons, user), summons.severity)
        return f"direct message to {summons.person.name}"

    async def remind(self, person: Profile, waiting: Sequence[Waiting], key: str) -> str:
        """Tell a person in one message what waits for them. Raises Unavailable, Refused."""
        _account(person)
        return await self.nudges.remind(person, waiting, key)

    async def resting(self, person: Profile) -> datetime | None:
        """Until when a person asked not to be disturbed; None where Slack does not say."""
        if not person.slack_user:
            return None
        said = await self.client.optional("dnd.info", user=person.slack_user)
        return quiet_until(said or {}, self.clock.now())

    async def open_room(self, situation: Situation) -> tuple[str, str]:
        """The war room's channel (id, name). Raises Unavailable, Refused."""
        card = (await self._mirror.of(situation.incident.id)).get(CARD)
        return await self.rooms.open(situation, card.channel if card is not None else "")

    async def archive_room(self, situation: Situation) -> None:
        """Put the war room away. Raises Unavailable, Refused."""
        await self.rooms.archive(situation)


def _of_none(name: str) -> bool:
    return name in {TEST, NOTES} or name.startswith(COVER)


def _account(person: Profile) -> str:
    if not person.slack_user:
        raise Refused(f"{person.name} has no Slack account in people.yaml")
    return person.slack_user


def _order(situation: Situation) -> tuple[int, datetime]:
    return situation.incident.seq, situation.now
