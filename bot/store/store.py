"""Everything remembered, behind one door that is opened at start and closed at the end."""

from __future__ import annotations

import secrets
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Self

from bot.clock import Clock
from bot.engine.access import Access
from bot.store.accounts import Accounts
from bot.store.alerts import Alerts
from bot.store.audit import Audit
from bot.store.begun import Begun
from bot.store.calendars import Calendars
from bot.store.checkpoints import Checkpoints
from bot.store.codec import Codec, RandomHex
from bot.store.covers import Covers
from bot.store.database import Database, parse
from bot.store.erasure import Erasure
from bot.store.exhibits import Exhibits
from bot.store.hooks import Hooks
from bot.store.lead import Lead
from bot.store.log import Log
from bot.store.mirror import Mirror
from bot.store.past import Past
from bot.store.people import People
from bot.store.sessions import Sessions
from bot.store.talk import Talk
from bot.store.tokens import Tokens


def _beside(url: str) -> str:
    """The SQLite file for checkpoints: `tocsin.db` → `tocsin.checkpoints.db`."""
    parsed = parse(url)
    path = Path(str(parsed.database))
    return parsed.set(database=str(path.with_name(f"{path.stem}.checkpoints{path.suffix}"))).render_as_string(
        hide_password=False
    )


@dataclass(frozen=True)
class Store:
    """The ports that remember, on one database (SQLite: checkpoints in a second file)."""

    log: Log
    people: People
    exhibits: Exhibits
    checkpoints: Checkpoints
    mirror: Mirror
    talk: Talk
    covers: Covers
    calendars: Calendars
    access: Access
    alerts: Alerts
    audit: Audit
    past: Past
    begun: Begun
    erasure: Erasure
    hooks: Hooks
    lead: Lead
    database: Database
    aside: Database  # where the checkpoints are

    @classmethod
    async def open(
        cls,
        url: str,
        clock: Clock,
        *,
        random_hex: RandomHex = secrets.token_hex,
        prefix: str = "INC",
        migrate: bool = True,
    ) -> Store:
        """Open the database of that URL (a path, `sqlite:///…`, `postgresql://…`) and bring its tables up to date.

        Raises Invalid (the URL), Unavailable (no answer), Refused (a newer version wrote it).
        """
        database = Database(url)
        aside = Database(_beside(url)) if database.is_sqlite else database
        codec = Codec(random_hex)
        store = cls(
            log=Log(database, codec, clock, prefix=prefix),
            people=People(database, random_hex, clock),
            exhibits=Exhibits(database),
            checkpoints=Checkpoints(aside),
            mirror=Mirror(database),
            talk=Talk(database, clock),
            covers=Covers(database),
            calendars=Calendars(database),
            access=Access(Sessions(database), Tokens(database), Accounts(database)),
            alerts=Alerts(database, clock),
            audit=Audit(database),
            past=Past(database),
            begun=Begun(database),
            erasure=Erasure(database, codec, clock),
            hooks=Hooks(database),
            lead=Lead(database.url),
            database=database,
            aside=aside,
        )
        if migrate:
            try:
                await store.migrate()
            except BaseException:
                await store.close()
                raise
        return store

    async def migrate(self) -> None:
        """Bring the tables up to date, and the lists in them. Raises Unavailable, Refused."""
        await self.database.migrate()
        await self.log.renew()
        if self.aside is not self.database:
            await self.aside.migrate()

    async def close(self) -> None:
        """Let go of every connection, and of the lead."""
        await self.lead.close()
        await self.alerts.close()
        await self.database.close()
        if self.aside is not self.database:
            await self.aside.close()

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.close()
