"""`status` of tocsin.yaml: the status page, its components, for whom it is, and who approves what it says."""

from collections.abc import Iterable
from typing import Literal

from pydantic import BaseModel, ConfigDict, Field

from bot.config.guards import Badges
from bot.domain.status_page import Announced, Component
from bot.domain.status_rules import StatusRules
from bot.slo.maintenance import Maintenance

_DEFAULT = StatusRules()


class ComponentModel(BaseModel):
    """One part of the house as its users know it."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    name: str = Field(pattern=r"^[a-z0-9][a-z0-9._-]*$")
    title: str = ""
    """As the page shows it; left out, the name."""
    services: list[str] = Field(default_factory=list)
    """The services behind it, by name: their incidents suggest it, and their announced maintenance is shown for it."""
    public: bool = True
    """False: only those who are signed in see it."""


class Status(BaseModel):
    """The status page; left out of tocsin.yaml there is none."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    audience: Literal["public", "internal"]
    """Public: /status is read without signing in. Internal: by whoever is signed in."""
    title: str = Field(default="Status", min_length=1, max_length=100)
    components: list[ComponentModel] = Field(min_length=1)
    approve: Badges = sorted(_DEFAULT.approve)
    """Who may approve what the page says."""
    four_eyes: bool = True
    """Whoever wrote a statement, or asked for its approval, does not approve it."""

    def rules(self) -> StatusRules:
        """As the domain knows them."""
        return StatusRules(tuple(each.name for each in self.components), frozenset(self.approve), self.four_eyes)

    def announced(self, windows: Iterable[Maintenance]) -> tuple[Announced, ...]:
        """Planned maintenance that has words for readers, with the components it is of."""
        found = [(each, self._behind(each)) for each in windows if each.announce]
        return tuple(Announced(each.start, each.end, names, each.announce) for each, names in found if names)

    def _behind(self, window: Maintenance) -> tuple[str, ...]:
        return tuple(each.name for each in self.components if window.services & set(each.services))

    def unseen(self, windows: Iterable[Maintenance]) -> list[Maintenance]:
        """Those with words that no component shows."""
        return [each for each in windows if each.announce and not self._behind(each)]

    def shown(self) -> tuple[Component, ...]:
        """The components in the order of the page."""
        return tuple(
            Component(each.name, each.title or each.name, tuple(each.services), each.public) for each in self.components
        )
