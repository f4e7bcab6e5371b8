"""A step in which the bot looks at an objective now, so that nobody has to read a dashboard to know what comes next."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import ClassVar, Self

from bot.steps._kind import Given, Outcome, Reference, StepKind

MET, BREACHED, NO_DATA = "met", "breached", "no_data"
_WORDS = {MET: "is met", BREACHED: "is breached", NO_DATA: "has no data, which is not good news"}


@dataclass(frozen=True, slots=True)
class Check(StepKind):
    """`slo` is the objective to look at; left out, it is the one that opened the incident."""

    answers: ClassVar[tuple[tuple[str, str], ...]] = ((MET, "Met"), (BREACHED, "Breached"), (NO_DATA, "No data"))
    fixed: ClassVar[bool] = True
    slo: str = ""

    @classmethod
    def read(cls, given: Given) -> Self:
        return cls(slo=given.text("slo"))

    def stored(self) -> dict[str, object]:
        return {"slo": self.slo} if self.slo else {}

    def refers(self) -> Iterator[Reference]:
        if self.slo:
            yield Reference("slo", self.slo, "slo")

    def outcome(self, verdict: str, title: str = "") -> Outcome:
        """The answer for a verdict: `met`, `breached`, or `no data` (anything else is no data too).

        `title` is how the objective is called in the sentence.
        """
        known = verdict.strip().lower().replace(" ", "_")
        answer = known if known in (MET, BREACHED) else NO_DATA
        return Outcome(answer, f"{title or self.slo or 'the objective'} {_WORDS[answer]}")
