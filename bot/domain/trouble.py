"""What the bot tried and could not do, counted in the log: trying again survives a restart and grows patient."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import TYPE_CHECKING

from bot.domain.log import Ask, Command, Entry, Event, Sentence, says

if TYPE_CHECKING:
    from bot.domain.incident import Incident

FIRST_WAIT = timedelta(seconds=5)
LONGEST_WAIT = timedelta(minutes=5)
DEEDS = {
    "page": "page somebody", "unanswered": "say that nobody answered",
    "nobody": "say that nobody is on call", "follow": "learn what became of a page",
    "down": "stop a page", "diagnose": "collect the evidence", "duties": "answer which duties apply",
    "hold": "secure the evidence before {item}", "collect": "collect what was missing before {item}",
    "auto": "do “{item}” by itself", "execute": "carry {item} out", "settle": "see what became of {item}",
    "expire": "let {item} lapse", "verify": "verify {item}", "undo": "undo {item}", "step": "do the runbook's step",
    "runbook": "open a runbook", "report": "write the drift report", "remind": "remind somebody",
    "alerts": "settle its alerts",
    "room": "open the war room", "archive": "archive the war room",
}  # fmt: skip
"""What is owed, by the first word of its key, as it is said; `{item}` is the mitigation it is owed for."""


@dataclass(frozen=True, slots=True)
class Trouble:
    """How often one owed thing failed, when last, and why."""

    count: int
    at: datetime
    because: str

    @property
    def again_at(self) -> datetime:
        """When to try again: each wait twice as long as the one before, up to five minutes."""
        doubled = timedelta(seconds=FIRST_WAIT.total_seconds() * 2 ** min(self.count - 1, 16))
        return self.at + min(doubled, LONGEST_WAIT)


@dataclass(frozen=True, slots=True)
class ReportTrouble(Command):
    """Something owed could not be done this time; `attempt` keeps a repeated report from counting twice."""

    key: str
    attempt: int
    because: str

    def decide(self, incident: Incident, ask: Ask) -> Iterator[Event]:
        known = incident.troubles.get(self.key)
        if incident.exists and (known is None or known.count < self.attempt):
            yield TroubleReported(self.key, self.because)


@dataclass(frozen=True, slots=True)
class TroubleReported(Event):
    """Something owed could not be done; it will be tried again."""

    key: str
    because: str

    def evolve(self, incident: Incident, entry: Entry) -> Incident:
        known = incident.troubles.get(self.key)
        trouble = Trouble(known.count + 1 if known else 1, entry.at, self.because)
        return replace(incident, troubles={**incident.troubles, self.key: trouble})

    def says(self, by: str) -> Sentence:
        kind, _incident, item, *_ = [*self.key.split(":"), "", ""]
        if kind == RULES:
            words = "“{what}” could not be judged and was not done ({because}); somebody must look at the policy"
            return says(words, what=_in_words(item), because=self.because)
        what = DEEDS.get(kind, f"finish “{kind}”").format(item=item or "the mitigation")
        return says("could not {what} yet ({because}); it is tried again", what=what, because=self.because)


RULES = "rules"
"""The first word of a trouble's key where the rules broke when they were asked."""


def rules_key(incident: str, asked: str) -> str:
    """Under this key is counted how often the rules broke over one kind of request, such as `ApproveMitigation`."""
    return f"{RULES}:{incident}:{asked}"


def _in_words(name: str) -> str:
    """`ApproveMitigation` as people say it: approve mitigation."""
    return re.sub(r"(?<=[a-z])(?=[A-Z])", " ", name).lower()
