"""The lines of a timeline a reader asked for: by kind, by person and by words, the newest first to be found."""

from __future__ import annotations

import functools
from collections.abc import Mapping
from dataclasses import dataclass
from urllib.parse import urlencode

from bot.domain.log import Event
from bot.domain.timeline import Line
from bot.engine.situation import Situation

PAGE = 200
"""So many lines stand on a page."""
KINDS = {
    "course": "its course",
    "said": "what people said",
    "data": "data and alerts",
    "pages": "pages",
    "known": "findings and whys",
    "changes": "changes",
    "runbook": "runbook",
    "notices": "duties and notices",
}
_TOPICS = {
    "saying": "said", "alerts": "data", "alert_clock": "data", "sli": "data", "storm": "data", "merging": "data",
    "flapping": "data", "impact": "data", "urgency": "data", "paging": "pages", "receipt": "pages",
    "climbing": "pages", "escalation": "pages", "finding": "known", "five_whys": "known", "followup": "known",
    "affected": "known", "mitigation": "changes", "approval": "changes", "execution": "changes", "claim": "changes",
    "undo": "changes", "glass": "changes", "hold": "changes", "kept": "changes", "turned_away": "changes",
    "runbook": "runbook", "duty": "notices", "notice": "notices", "signing": "notices", "wording": "notices",
    "filing": "notices", "disclosure": "notices", "reminder": "notices",
}  # fmt: skip


@functools.cache
def _kinds() -> Mapping[str, str]:
    """By the name of an event, which kind of line it makes: the topic whose file it is in."""
    return {each.__name__: _TOPICS.get(each.__module__.rpartition(".")[2], "course") for each in Event.__subclasses__()}


def kind_of(line: Line) -> str:
    """One of KINDS."""
    return _kinds().get(line.name, "course")


@dataclass(frozen=True, slots=True)
class Sought:
    """What is asked of a timeline; "" and 0 are not asked. `before` is the entry that the next page goes on from."""

    kind: str = ""
    by: str = ""
    q: str = ""
    before: int = 0

    @classmethod
    def of(cls, query: Mapping[str, str]) -> Sought:
        """As the address has it; what is no number is no place."""
        before = query.get("before", "")
        kind, by, q = (query.get(name, "").strip()[:200] for name in ("kind", "by", "q"))
        known = int(before) if before.isascii() and before.isdigit() and len(before) < 10 else 0  # noqa: PLR2004
        return cls(kind if kind in KINDS else "", by, q, known)

    @property
    def any(self) -> bool:
        """Whether not all lines are asked for."""
        return bool(self.kind or self.by or self.q)

    def address(self, path: str, before: int = 0) -> str:
        """The same lines from another place on."""
        pairs = (("kind", self.kind), ("by", self.by), ("q", self.q), ("before", str(before) if before else ""))
        query = urlencode([(name, value) for name, value in pairs if value])
        return f"{path}?{query}" if query else path


@dataclass(frozen=True, slots=True)
class Found:
    """Lines in their order, how many match and how many there are, and where older ones begin; 0 where none do."""

    lines: tuple[Line, ...]
    matching: int
    total: int
    older: int


def found(situation: Situation, sought: Sought, limit: int = PAGE) -> Found:
    """The newest lines that match, before the place that was named."""
    lines = situation.timeline
    words = sought.q.casefold().split()
    matching = [line for line in lines if _matches(situation, line, sought, words)] if sought.any else list(lines)
    upto = matching
    if sought.before:
        mark = next(((line.at, line.seq) for line in lines if line.seq == sought.before), None)
        upto = [line for line in matching if (line.at, line.seq) < mark] if mark else matching
    shown = tuple(upto[-limit:])
    older = shown[0].seq if len(upto) > limit else 0
    return Found(shown, len(matching), len(lines), older)


def _matches(situation: Situation, line: Line, sought: Sought, words: list[str]) -> bool:
    if sought.kind and kind_of(line) != sought.kind:
        return False
    if sought.by and sought.by not in (line.by, situation.name(line.by)):
        return False
    if not words:
        return True
    text = situation.say(line).casefold()
    return all(word in text for word in words)


def speakers(situation: Situation) -> list[tuple[str, str]]:
    """Everybody with a line of their own, by name: (id, name)."""
    ids = {line.by for line in situation.timeline}
    return sorted(((each, situation.name(each)) for each in ids), key=lambda pair: pair[1].casefold())
