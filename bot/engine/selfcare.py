"""What the bot has to say about itself: an administrator is paged by whatever pager works, and told when it is over.

All of it lives in memory: it must work while the database does not. A trouble is told once it has lasted as long as its
kind may, at most once an hour and ever less often while it stands; the same goes for one that comes and goes.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Protocol

from bot.clock import Clock
from bot.domain.errors import TocsinError, Unheard
from bot.domain.policy import Severity
from bot.engine.calling import Contact, Pager, Summons
from bot.engine.values import Profile
from bot.engine.vitals import Vitals
from bot.telemetry import log as logger

AT_MOST_EVERY = timedelta(hours=1)
LONGEST = timedelta(hours=24)
CALM = timedelta(minutes=2)
"""So long it must be well before it is said to be over."""

ANSWER_WITHIN = 30.0
PROBE_WITHIN = 10.0


@dataclass(frozen=True, slots=True)
class Ailment:
    """One trouble of the house as it is now. `key` tells it from others of its kind."""

    key: str
    headline: str
    text: str
    over: str
    """What is said once it is over."""
    avoid: frozenset[str] = frozenset()
    """Pagers that are themselves the trouble."""


class Probe(Protocol):
    """Looks at one part of the house."""

    @property
    def kind(self) -> str:
        """A fixed word, such as `database`."""

    @property
    def patience(self) -> timedelta:
        """How long it may last before anybody is told."""

    async def look(self, now: datetime) -> Sequence[Ailment]:
        """What is wrong there now; nothing where all is well. Raises nothing it can help."""


@dataclass(frozen=True, slots=True)
class Admin:
    """Somebody who is told."""

    person: Profile
    contact: Contact


@dataclass
class Spell:
    """A trouble from when it was first seen until it is over."""

    ailment: Ailment
    since: datetime
    patience: timedelta
    told: list[Admin] = field(default_factory=list)
    well: datetime | None = None
    over_until: datetime | None = None  # until when it is tried to say that it is over


@dataclass
class Memo:
    """When a trouble was last told, and how often in a row."""

    at: datetime
    times: int = 1

    def again(self) -> datetime:
        """From when on it may be told again."""
        return self.at + min(AT_MOST_EVERY * int(2 ** min(self.times - 1, 8)), LONGEST)


class SelfCare:
    """Looks at the house every few seconds, and speaks through the pagers themselves, past log and engine."""

    def __init__(
        self,
        *,
        clock: Clock,
        admins: Sequence[Admin],
        pagers: Mapping[str, Pager],
        probes: Sequence[Probe],
        vitals: Vitals,
        speaks: Callable[[], Awaitable[bool]],
        zone: Callable[[datetime], str],
        probe_within: float = PROBE_WITHIN,
    ) -> None:
        """`speaks` says whether this replica is the one to tell; `zone` writes a moment as people here read it.

        A part that is not looked at within `probe_within` seconds cannot be looked at.
        """
        self._clock, self._admins, self._pagers = clock, tuple(admins), pagers
        self._probes, self._vitals, self._speaks, self._time = tuple(probes), vitals, speaks, zone
        self._probe_within = probe_within
        self.spells: dict[str, Spell] = {}
        self._memos: dict[str, Memo] = {}
        self._unheard = False

    def also(self, probe: Probe) -> None:
        """Look at one more part of the house."""
        self._probes = (*self._probes, probe)

    @property
    def kinds(self) -> tuple[str, ...]:
        """The kinds of trouble there are now."""
        return tuple(sorted({key.partition("/")[0] for key, each in self.spells.items() if each.well is None}))

    async def look(self) -> None:
        """Look at everything once, tell what is due, and say what is over. Never raises."""
        now = self._clock.now()
        found = await asyncio.gather(*(self._looked(each, now) for each in self._probes))
        for probe, ailments in zip(self._probes, found, strict=True):
            if ailments is not None:  # else nobody can tell: what was known stands
                self._seen(probe, ailments, now)
        self._vitals.stands({probe.kind: probe.kind in self.kinds for probe in self._probes})
        if not self.spells or not await self._speaks():
            return
        for key, spell in list(self.spells.items()):
            if spell.well is not None:
                await self._over(key, spell, now)
            elif now - spell.since >= spell.patience and self._may(key, now):
                await self._tell(key, spell, now)
        self._memos = {key: each for key, each in self._memos.items() if key in self.spells or now < each.again()}

    async def _looked(self, probe: Probe, now: datetime) -> Sequence[Ailment] | None:
        try:
            async with asyncio.timeout(self._probe_within):
                return await probe.look(now)
        except Exception as error:  # noqa: BLE001 - one part that cannot be looked at keeps none from being looked at
            logger().warning("a part of the house cannot be looked at", part=probe.kind, error=repr(error))
            return None

    def _seen(self, probe: Probe, ailments: Sequence[Ailment], now: datetime) -> None:
        there = {f"{probe.kind}/{each.key}": each for each in ailments}
        for key, each in there.items():
            spell = self.spells.setdefault(key, Spell(each, now, probe.patience))
            spell.ailment, spell.well, spell.over_until = each, None, None
        for key, spell in self.spells.items():
            if key.partition("/")[0] == probe.kind and key not in there and spell.well is None:
                spell.well = now

    def _may(self, key: str, now: datetime) -> bool:
        memo = self._memos.get(key)
        return memo is None or now >= memo.again()

    async def _tell(self, key: str, spell: Spell, now: datetime) -> None:
        """Tell one administrator: the first who can be reached, each time beginning with the next one."""
        memo = self._memos.get(key)
        times = memo.times if memo is not None else 0
        turn = times % max(len(self._admins), 1)
        for admin in (*self._admins[turn:], *self._admins[:turn]):
            if await self._page(admin, spell, f"{key}/{spell.since.isoformat()}/{times}", over=False):
                self._memos[key] = Memo(now, times + 1)
                spell.told += [admin] if admin not in spell.told else []
                self._unheard = False
                logger().warning("an administrator was told", trouble=spell.ailment.headline)
                return
        if not self._unheard:
            self._unheard = True
            logger().error("no administrator can be told; it is tried again", trouble=spell.ailment.headline)

    async def _over(self, key: str, spell: Spell, now: datetime) -> None:
        """Say that it is over to whoever was told that it was not."""
        if spell.well is None or now - spell.well < CALM:
            return
        spell.over_until = spell.over_until or now + AT_MOST_EVERY
        for admin in list(spell.told):
            if await self._page(admin, spell, f"{key}/{spell.since.isoformat()}/over", over=True):
                spell.told.remove(admin)
        if not spell.told or now >= spell.over_until:
            del self.spells[key]

    async def _page(self, admin: Admin, spell: Spell, key: str, *, over: bool) -> bool:
        """Whether a channel took it; one that arrives where the person rests counts only where no other takes it."""
        ailment, since = spell.ailment, self._time(spell.since)
        if over:
            headline, until = ailment.over, self._time(spell.well or spell.since)
            text = f"{ailment.headline}. It began {since} and is over since {until}."
        else:
            headline, text = ailment.headline, f"{ailment.text} Since {since}."
        summons = Summons(
            f"house:{key}/{admin.person.key}", admin.person, admin.contact, headline, text,
            severity=Severity.SEV2, house=True,
        )  # fmt: skip
        resting = False
        for name in admin.contact.reach or tuple(self._pagers):
            if name not in self._pagers or (name in ailment.avoid and not over):
                continue
            try:
                async with asyncio.timeout(ANSWER_WITHIN):
                    await self._pagers[name].page(summons)
            except Unheard:
                resting = True
            except TocsinError as trouble:
                logger().info("a pager did not take it", pager=name, because=str(trouble))
            except Exception as error:  # noqa: BLE001 - whatever is wrong with one channel, the next one is tried
                logger().error("a pager broke", pager=name, error=repr(error))
            else:
                return True
        return resting
