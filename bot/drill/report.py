"""What a drill found: each link of the chain with its time, and what would have been missing on a real night."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from datetime import datetime
from typing import Any

from bot.drill.standin import DRILL, Tried


class Broken(Exception):  # noqa: N818 - a link of the chain, not a fault of the program
    """A link did not hold; the words say why."""


def span(seconds: float) -> str:
    """A length as people say it: 45 s, 3 min 20 s, 2 h 5 min."""
    minutes, rest = divmod(round(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    parts = [f"{hours} h" * (hours > 0), f"{minutes} min" * (minutes > 0), f"{rest} s" * (rest > 0 and not hours)]
    return " ".join(filter(None, parts)) or "0 s"


@dataclass
class Link:
    """One link of the chain: held, broken, or left out because there was nothing to try (`held` is None)."""

    name: str
    held: bool | None
    told: str
    took: float = 0.0  # seconds of this machine
    passed: float = 0.0  # seconds of the incident


@dataclass
class Notice:
    """A duty to tell somebody, as far as the facts known in a drill say."""

    name: str
    answer: str
    because: str
    strict: datetime | None = None
    outer: datetime | None = None
    asks: tuple[str, ...] = ()


@dataclass
class Report:
    """The whole drill."""

    service: str
    objective: str
    offline: bool
    incident: str = ""
    links: list[Link] = field(default_factory=list)
    gaps: list[str] = field(default_factory=list)  # what is not set up, or would hold people up
    paged: list[str] = field(default_factory=list)
    targets: list[Tried] = field(default_factory=list)
    approvers: dict[str, list[str]] = field(default_factory=dict)  # offer → who could have approved it
    notices: list[Notice] = field(default_factory=list)
    timeline: list[str] = field(default_factory=list)

    @property
    def held(self) -> bool:
        """Whether no link broke."""
        return all(link.held is not False for link in self.links)

    def as_json(self) -> Mapping[str, Any]:
        """Plain values; the word DRILL stands in front."""
        told = asdict(self)
        for notice in told["notices"]:
            for key in ("strict", "outer"):
                notice[key] = notice[key].isoformat() if notice[key] else None
        for link in told["links"]:
            link["took"], link["passed"] = round(link["took"], 3), round(link["passed"], 3)
        return {DRILL.lower(): True, "held": self.held, **told}
