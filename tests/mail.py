"""A pager as mail is: it takes anything for anybody who has an address, and keeps what it took."""

from __future__ import annotations

from dataclasses import dataclass, field

from bot.domain.errors import Refused, Unavailable
from bot.engine.calling import Sent, Summons


@dataclass
class Mail:
    """Remembers what it delivered: (address, headline, text). It can be down, or broken."""

    sent: list[tuple[str, str, str]] = field(default_factory=list)
    keys: list[str] = field(default_factory=list)
    dead: str = ""
    broken: Exception | None = None
    tried: int = 0

    def way(self, summons: Summons) -> str:
        if not summons.contact.email:
            raise Refused(f"{summons.person.name} has no mail address")
        return "mail"

    async def page(self, summons: Summons) -> Sent:
        self.tried += 1
        if self.broken is not None:
            raise self.broken
        if self.dead:
            raise Unavailable("mail", self.dead)
        where = self.way(summons)
        if summons.key not in self.keys:
            self.keys.append(summons.key)
            self.sent.append((summons.contact.email, summons.headline, summons.text))
        return Sent(where)

    async def close(self) -> None:
        return

    @property
    def headlines(self) -> list[str]:
        """What was said, in order."""
        return [headline for _address, headline, _text in self.sent]
