"""Emoji on what somebody said: kept in the timeline, as a finding or as a follow-up, or taken out of it again."""

from collections import OrderedDict
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, replace

from bot.blockkit.emoji import canonical
from bot.blockkit.text import untrusted
from bot.clock import Clock
from bot.domain.errors import Refused
from bot.engine.desk import Desk
from bot.engine.talk import Mark, Saying
from bot.engine.values import Profile
from bot.slack import saying
from bot.slack.audience import shown
from bot.slack.client import Client, SlackRefused
from bot.slack.hearing import Hearing
from bot.slack.ids import Ref
from bot.slack.keeping import MENU, Kind, keep, promised, stands, take_back
from bot.slack.knock import Knock, Tell
from bot.slack.message import sentence
from bot.slack.payload import Door

TICK = "heavy_check_mark"
"""Our own reaction on what was kept; nobody's click on it means anything."""
_FOREIGN = 2_000  # messages of no incident that need not be asked for again
_GONE = frozenset({"thread_not_found", "message_not_found", "channel_not_found"})


@dataclass(frozen=True, slots=True)
class Heard:
    """What became of a reaction: where it is, what to tell its person, whether it counted."""

    door: Door
    tell: Tell | None = None
    counted: bool = False


class Reactions:
    """Takes `reaction_added` and `reaction_removed`, in whatever order they come.

    All its methods may raise Unavailable or Conflict: the event must then come again.
    """

    def __init__(
        self,
        desk: Desk,
        client: Client,
        hearing: Hearing,
        signs: Mapping[str, Sequence[str]],
        clock: Clock,
        *,
        who: Callable[[Door], Awaitable[Profile]],
        allowed: Callable[[Knock], Awaitable[None]],
    ) -> None:
        self.desk, self.client, self.hearing, self.clock = desk, client, hearing, clock
        self.kinds = {canonical(name): Kind(kind) for kind, names in signs.items() for name in names}
        self._who, self._allowed = who, allowed
        self._foreign: OrderedDict[tuple[str, str], None] = OrderedDict()

    async def take(self, door: Door) -> Heard:
        """One event: where the person is looking, what to tell them, and whether it counted."""
        item = door.event.get("item")
        name = canonical(str(door.event.get("reaction") or ""))
        kind = self.kinds.get(name)
        if kind is None or not isinstance(item, dict) or item.get("type") != "message":
            return Heard(door)
        if not door.user or door.user == (await self.hearing.me()).get("user_id"):
            return Heard(door)
        door = replace(door, channel=str(item.get("channel") or ""), ts=str(item.get("ts") or ""))
        added = door.event.get("type") == "reaction_added"
        try:
            said = await self._saying(door)
        except SlackRefused as refused:
            words = f"Nothing was kept: Slack does not show me that message ({refused.code})."
            return Heard(door, await self._once(door, words) if added else None)
        if said is None:
            return Heard(door)
        door = replace(door, thread_ts=said.thread_ts)
        try:
            who = await self._who(door)
        except Refused as refused:
            return Heard(door, await self._once(door, refused.because) if added else None)
        if not await shown(self.desk, await self.desk.log.load(said.incident), (who.id,)):
            return Heard(door)  # as on any message that is of no incident
        at = saying.moment(door.event.get("event_ts")) or self.clock.now()
        knock = Knock(self.desk, self.client, who, door.inbound, f"react.{kind}", Ref(said.incident), user=door.user)
        try:
            await self._allowed(knock)
            if not await self.desk.talk.mark(Mark(said.channel, said.ts, who.id, name, added, at)):
                return Heard(door)  # what came earlier is the later word
            told = await (self._added(knock, said, kind) if added else self._removed(knock, said, kind))
        except Refused as refused:
            return Heard(door, Tell(untrusted(sentence(refused.because), 2_500)))
        return Heard(door, told, counted=True)

    # -- what it means -----------------------------------------------------------------------------------------------

    async def _added(self, knock: Knock, said: Saying, kind: Kind) -> Tell | None:
        if kind is Kind.IGNORE:
            await take_back(knock, said.said, kind)
            return None
        kept = await keep(knock, said, kind)
        return promised(kept, knock.who) if kind is Kind.FOLLOWUP else None

    async def _removed(self, knock: Knock, said: Saying, kind: Kind) -> None:
        """Taken back only where nobody else says so still; what was promised stays promised."""
        if kind not in (Kind.TIMELINE, Kind.FINDING) or await self._others(said, kind):
            return
        await take_back(knock, said.said, kind)
        for person in await self._others(said, kind):  # somebody said so while it was taken back
            await keep(replace(knock, who=person, inbound=""), said, kind)
            break

    async def _others(self, said: Saying, kind: Kind) -> list[Profile]:
        """Everybody whose sign for that still stands."""
        standing = await self.desk.talk.marks(said.channel, said.ts)
        people = [one.person for one in standing if self._meaning(one.sign) is kind]
        found = [await self.desk.people.by_id(name) for name in dict.fromkeys(people)]
        return [one for one in found if one is not None]

    def _meaning(self, sign: str) -> Kind | None:
        if sign.startswith(MENU):
            return Kind(sign.removeprefix(MENU))
        return self.kinds.get(sign)

    async def acknowledge(self, door: Door) -> None:
        """Our tick is on the message as long as anything of it is kept; nobody is told more."""
        said = await self.desk.talk.find(door.channel, door.ts)
        if said is None or not said.incident:
            return
        kept = stands(await self.desk.log.load(said.incident), said.said)
        await self.client.optional(
            "reactions.add" if kept else "reactions.remove", channel=said.channel, timestamp=said.ts, name=TICK
        )

    # -- which message -----------------------------------------------------------------------------------------------

    async def _saying(self, door: Door) -> Saying | None:
        """The message that is meant, None where it is of no incident. Raises SlackRefused, Unavailable."""
        place = (door.channel, door.ts)
        known = await self.desk.talk.find(*place)
        if known is not None:
            return known if known.incident and known.deleted_at is None else None
        if place in self._foreign or not await self.hearing.chat.hosts(door.channel):
            return None
        try:
            message = await self.client.message(*place)  # said before we came, or its event is still under way
        except SlackRefused as refused:
            if refused.code not in _GONE:
                raise
            message = None
        found = await self.hearing.write(door.channel, message, door.team) if message is not None else None
        if found is None:
            self._foreign[place] = None
            while len(self._foreign) > _FOREIGN:
                self._foreign.popitem(last=False)
        return found

    async def _once(self, door: Door, words: str) -> Tell | None:
        """What a person whom nothing can be done for is told, once."""
        if not await self.desk.log.remember(f"told:{door.team}:{door.user}:{words[:40]}"):
            return None
        return Tell(untrusted(words, 2_500))
