"""An inbox of alerts in memory that keeps what the port promises: one row per episode, joined whatever the order."""

from collections.abc import Collection, Sequence
from datetime import UTC, datetime, timedelta

from bot.domain.alert import Alert, join
from bot.domain.errors import Unavailable
from bot.engine.intake_ports import Arrived, cursor
from tests.edge import Watch
from tests.kit import NOON


def alert(name: str, *, minutes: float = 0, over: float | None = None, **changes: object) -> Alert:
    """An alert that fires since so many minutes after noon; `over` is how many minutes after noon it ended."""
    starts = NOON + timedelta(minutes=minutes)
    ends = None if over is None else NOON + timedelta(minutes=over)
    given = {"title": f"{name} is broken", "service": "visits", "severity": 2, **changes}
    return Alert("am", name, starts, ends, **given)


class Inbox:
    """Survives whoever reads it; `down` makes every question fail as a silent database would."""

    def __init__(self, clock: Watch) -> None:
        self.clock = clock
        self.rows: dict[tuple[str, datetime], Arrived] = {}
        self.down = ""
        self._seq = self._applied = 0

    def _ask(self) -> None:
        if self.down:
            raise Unavailable("the inbox", self.down)

    async def accept(self, alerts: Sequence[Alert]) -> int:
        self._ask()
        changed = 0
        for each in alerts:
            known = self.rows.get((each.key, each.starts))
            after = each if known is None else join(known.alert, each)
            if known is None or after != known.alert:
                self._seq += 1
                self.rows[each.key, each.starts] = Arrived(self._seq, after, self.clock.now())
                changed += 1
        return changed

    async def since(self, seq: int, limit: int = 500) -> Sequence[Arrived]:
        self._ask()
        return sorted((each for each in self.rows.values() if each.seq > seq), key=lambda each: each.seq)[:limit]

    async def newest(self, keys: Collection[str]) -> dict[str, Alert]:
        self._ask()
        found: dict[str, Alert] = {}
        for (key, starts), each in self.rows.items():
            if key in keys and (key not in found or starts > found[key].starts):
                found[key] = each.alert
        return found

    async def firing(self, *, limit: int = 100, after: str = "") -> Sequence[Arrived]:
        self._ask()
        newest = await self.newest({key for key, _starts in self.rows})
        rows = [self.rows[key, each.starts] for key, each in newest.items() if each.firing]
        epoch = datetime(1970, 1, 1, tzinfo=UTC)
        rows.sort(
            key=lambda r: (r.alert.severity, -((r.alert.starts - epoch) // timedelta(microseconds=1)), r.alert.key)
        )
        names = [cursor(each) for each in rows]
        start = names.index(after) + 1 if after else 0
        return rows[start : start + limit]

    async def count(self) -> int:
        return len(await self.firing(limit=len(self.rows) or 1))

    async def applied(self) -> int:
        self._ask()
        return self._applied

    async def advance(self, seq: int) -> None:
        self._ask()
        self._applied = max(self._applied, seq)
