"""Everything that can go wrong, drawn as one tree: each error carries the sentence the person concerned will read.

TocsinError
├── Refused         a rule says no to a request; nothing was changed
│   ├── Taken       what the request needs is held by another incident or person
│   ├── NotYours    the person who asks may not decide this; the timeline remembers that they tried
│   ├── Unproved    the one-time code is missing, wrong or too old; a fresh one may be given
│   ├── Undecided   the rules themselves broke when they were asked: the answer is no, and the timeline says so
│   └── Unheard     a page arrived where the person will not notice it now
├── Invalid         a file or an answer a person must correct; names every place at once
├── NotFound        a name that stands for nothing here; says what there is
├── Unavailable     another system did not answer usefully; trying again may help
│   └── RateLimited ... and said when
├── OutcomeUnknown  a production change that may or may not have happened; a person must look
├── Conflict        somebody else wrote first; load again and decide anew
└── Tampered        the record does not verify
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass


class TocsinError(Exception):
    """The root: catch it only at a door, to tell the person who knocked."""


class Refused(TocsinError):  # noqa: N818 - reads as the sentence it is: "Refused: the proposer never approves"
    """A rule said no. `because` is the sentence the person will read; nothing was changed."""

    def __init__(self, because: str) -> None:
        super().__init__(because)
        self.because = because


class Taken(Refused):
    """What the request needs is held already; names the holder."""

    def __init__(self, because: str, *, holder: str) -> None:
        super().__init__(because)
        self.holder = holder


class NotYours(Refused):
    """What is asked may be decided, but not by this person."""


class Unproved(Refused):
    """The one-time code that should prove who asks is missing, wrong or too old."""


class Undecided(Refused):
    """The rules broke when they were asked; what cannot be judged is not done."""

    def __init__(self, broke: str) -> None:
        super().__init__(
            f"Tocsin could not judge this by its rules ({broke}), so it says no; "
            "nothing was changed, and the timeline says so"
        )
        self.broke = broke


class Unheard(Refused):
    """A page stands where the person finds it, but they rest: `where` it went. Another channel is tried first."""

    def __init__(self, because: str, *, where: str) -> None:
        super().__init__(because)
        self.where = where


@dataclass(frozen=True, slots=True)
class Problem:
    """One thing to correct: where it stands, what is wrong, what was expected."""

    file: str
    line: int
    column: int
    what: str
    expected: str = ""

    def __str__(self) -> str:
        """`file:line:column: what (expected …)`, the form editors jump to."""
        tail = f" (expected {self.expected})" if self.expected else ""
        return f"{self.file}:{self.line}:{self.column}: {self.what}{tail}"


class Invalid(TocsinError):  # noqa: N818
    """Files or answers a person must correct; every problem found is listed, not just the first."""

    def __init__(self, problems: Iterable[Problem]) -> None:
        self.problems: tuple[Problem, ...] = tuple(problems)
        super().__init__("\n".join(str(problem) for problem in self.problems))


class NotFound(TocsinError):  # noqa: N818
    """A name that stands for nothing here; the message lists what there is."""

    def __init__(self, what: str, name: str, there_is: Sequence[str] | None = None) -> None:
        hint = "" if there_is is None else f"; there is {', '.join(there_is) or 'none'}"
        super().__init__(f"no {what} called {name!r}{hint}")
        self.name = name


class Unavailable(TocsinError):  # noqa: N818
    """Another system did not answer usefully (time-out, refusal, junk, empty); trying again may help."""

    def __init__(self, what: str, because: str) -> None:
        super().__init__(f"{what}: {because}")
        self.what, self.because = what, because


class RateLimited(Unavailable):
    """The other system asked us to wait `retry_after` seconds; the request was not carried out."""

    def __init__(self, what: str, retry_after: float) -> None:
        super().__init__(what, f"asked to wait {retry_after:g} s")
        self.retry_after = retry_after


class OutcomeUnknown(TocsinError):  # noqa: N818
    """A production change that may or may not have happened: never fired again by itself, a person must look."""


class Conflict(TocsinError):  # noqa: N818
    """Somebody else wrote to the same incident first; load again and decide anew."""


class Tampered(TocsinError):  # noqa: N818
    """The record does not verify; says which entry."""
