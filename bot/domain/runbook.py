"""A guided runbook: one live step at a time, answered with evidence, kept by the log so a restart loses nothing."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime
from enum import StrEnum
from typing import TYPE_CHECKING

from bot.domain.errors import Refused
from bot.domain.log import Ask, Command, Entry, Event, Sentence, Who, Words, says
from bot.domain.phase import RESPONDERS, require_open

if TYPE_CHECKING:
    from bot.domain.incident import Incident

END = "end"


class Kind(StrEnum):
    """What a step asks for. Read, ask and act wait for a person; check, query, page and wait are done by the bot."""

    READ = "read"
    ASK = "ask"
    CHECK = "check"
    QUERY = "query"
    ACT = "act"
    PAGE = "page"
    WAIT = "wait"

    @property
    def automatic(self) -> bool:
        """True where the bot does the step itself."""
        return self in (Kind.CHECK, Kind.QUERY, Kind.PAGE, Kind.WAIT)


@dataclass(frozen=True, slots=True)
class Option:
    """One answer a step takes, and the step it leads to ("" is the next in order, "end" ends)."""

    value: str
    label: str
    next: str = ""


@dataclass(frozen=True, slots=True)
class Step:
    """One step as it stood when the runbook was started."""

    id: str
    kind: Kind
    title: str
    text: str = ""
    options: tuple[Option, ...] = ()
    next: str = ""
    params: Mapping[str, object] = field(default_factory=dict)

    def option(self, value: str) -> Option | None:
        """The option of that value, if the step takes it."""
        return next((option for option in self.options if option.value == value), None)


@dataclass(frozen=True, slots=True)
class Runbook:
    """A runbook as read from its file: `digest` tells which wording was followed."""

    name: str
    title: str
    digest: str
    steps: tuple[Step, ...]
    causes: tuple[str, ...] = ()  # the causes it answers
    prose: str = ""

    def step(self, name: str) -> Step | None:
        """The step of that id."""
        return next((step for step in self.steps if step.id == name), None)


@dataclass(frozen=True, slots=True)
class Done:
    """An answered step."""

    step: str
    answer: str
    note: str
    by: str
    at: datetime


@dataclass(frozen=True, slots=True)
class Run:
    """A runbook being followed in an incident; `current` is "" when it has ended."""

    book: Runbook
    current: str
    done: tuple[Done, ...] = ()
    started: datetime | None = None
    since: datetime | None = None  # when the current step became current

    @property
    def step(self) -> Step | None:
        """The live step."""
        return self.book.step(self.current)

    @property
    def place(self) -> str:
        """`3 of 7`, as the card shows it."""
        ids = [step.id for step in self.book.steps]
        at = ids.index(self.current) + 1 if self.current in ids else len(ids)
        return f"{at} of {len(ids)}"

    def after(self, step: Step, answer: str) -> str:
        """The id of the step that follows this answer, "" for the end."""
        option = step.option(answer)
        follows = (option.next if option else "") or step.next
        if follows == END:
            return ""
        if follows:
            return follows
        ids = [known.id for known in self.book.steps]
        at = ids.index(step.id) + 1
        return ids[at] if at < len(ids) else ""


@dataclass(frozen=True, slots=True)
class StartRunbook(Command):
    """Follow a runbook from its first step; a different one may replace it."""

    book: Runbook

    def decide(self, incident: Incident, ask: Ask) -> Iterator[Event]:
        ask.policy.require(ask.person, RESPONDERS, "start a runbook")
        require_open(incident, "start a runbook")
        if incident.run is not None and incident.run.book.name == self.book.name and incident.run.current:
            return
        if not self.book.steps:
            raise Refused(f"the runbook {self.book.name} has no steps")
        yield RunbookStarted(self.book)


@dataclass(frozen=True, slots=True)
class RunbookStarted(Event):
    """A runbook is being followed, in the wording it had then."""

    book: Runbook

    def evolve(self, incident: Incident, entry: Entry) -> Incident:
        return replace(incident, run=Run(self.book, self.book.steps[0].id, (), entry.at, entry.at))

    def says(self, by: str) -> Sentence:
        return says("{who} started the runbook {title}", who=Who(by), title=self.book.title)


@dataclass(frozen=True, slots=True)
class CompleteStep(Command):
    """Answer the live step. Answering a step somebody else just answered is refused with their name and answer."""

    step: str
    answer: str
    note: str = ""

    def decide(self, incident: Incident, ask: Ask) -> Iterator[Event]:
        ask.policy.require(ask.person, RESPONDERS, "answer a runbook step")
        require_open(incident, "answer a step")
        run = incident.run
        if run is None:
            raise Refused("no runbook is being followed")
        if run.current != self.step:
            before = next((done for done in reversed(run.done) if done.step == self.step), None)
            if before is not None and before.by == ask.by and before.answer == self.answer:
                return
            raise Refused(
                f"step {self.step!r} was answered already: {before.answer}"
                if before
                else f"the live step is {run.current!r}"
            )
        step = run.step
        if step is None:
            raise Refused(f"the runbook {run.book.name} has no step {self.step!r}")
        if step.options and step.option(self.answer) is None:
            raise Refused(
                f"step {step.id!r} takes {', '.join(option.value for option in step.options)}; not {self.answer!r}"
            )
        if not self.answer.strip():
            raise Refused("a step needs an answer")
        yield StepCompleted(step.id, self.answer, self.note.strip(), run.after(step, self.answer))


@dataclass(frozen=True, slots=True)
class StepCompleted(Event):
    """A step was answered; the next one is live."""

    step: str
    answer: str
    note: Words
    next: str

    def evolve(self, incident: Incident, entry: Entry) -> Incident:
        if incident.run is None:
            return incident
        done = Done(self.step, self.answer, self.note, entry.by, entry.at)
        run = replace(incident.run, current=self.next, done=(*incident.run.done, done), since=entry.at)
        return replace(incident, run=run)

    def says(self, by: str) -> Sentence:
        words = "{who} answered step {step}: {answer}" + (" — {note}" if self.note else "")
        return says(words, who=Who(by), step=self.step, answer=self.answer, note=self.note)
