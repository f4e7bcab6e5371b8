"""The course of one failure: it opens once, grows worse at most, freezes without data, and ends on good data only."""

from collections.abc import Mapping
from dataclasses import dataclass, fields, replace
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Any, Literal

from bot.domain.errors import Invalid, Problem
from bot.slo.burn import Urgency, Verdict, judge, span
from bot.slo.detector import Evidence
from bot.slo.ledger import Ledger
from bot.slo.recovery import Run, began, good_run
from bot.slo.spec import Slo

REOPEN = timedelta(minutes=10)


class Phase(StrEnum):
    """Where an objective stands."""

    OK = "ok"
    NOTICE = "notice"
    TICKET = "ticket"
    PAGE = "page"
    RECOVERING = "recovering"
    UNKNOWN = "unknown"


RANK: dict[str | None, int] = {None: 0, "notice": 1, "ticket": 2, "page": 3}

Kind = Literal["opened", "raised", "reopened", "recovered", "blind", "sighted"]


@dataclass(frozen=True, slots=True)
class Episode:
    """The state of one objective between polls.

    `number` counts its failures, `severity` is the worst this one reached, `frozen` is the phase that UNKNOWN hides.
    `settled_at` is where the last failure's data ended: what came before it is not judged again.
    """

    slo: str
    phase: Phase = Phase.UNKNOWN
    frozen: Phase = Phase.OK
    number: int = 0
    severity: Urgency | None = None
    factor: float = 1.0
    opened_at: datetime | None = None
    onset_at: datetime | None = None
    settled_at: datetime | None = None
    silent_since: datetime | None = None
    blind: bool = False
    blinded: int = 0

    @property
    def key(self) -> str:
        """The failure's name among all: one incident per key."""
        return f"{self.slo}:{self.number}"

    @property
    def blind_key(self) -> str:
        return f"{self.slo}:blind:{self.blinded}"

    @property
    def open(self) -> bool:
        """Whether a failure is going on, seen or frozen."""
        return self.severity is not None

    @property
    def eventful(self) -> bool:
        """Whether it says more than that nothing happened yet."""
        return self.number > 0 or self.blinded > 0 or self.open or self.silent_since is not None

    @property
    def calm(self) -> bool:
        """Whether a met verdict would change nothing."""
        return self.phase is Phase.OK and not self.open and not self.blind and self.silent_since is None

    @property
    def waiting(self) -> bool:
        """Whether too little traffic would change nothing."""
        return self.phase is Phase.UNKNOWN and not self.open and not self.blind and self.silent_since is None

    def to_dict(self) -> dict[str, Any]:
        """The episode as plain JSON-able data."""
        values = {each.name: getattr(self, each.name) for each in fields(self)}
        return {name: value.isoformat() if isinstance(value, datetime) else value for name, value in values.items()}

    @classmethod
    def from_dict(cls, state: Mapping[str, Any]) -> "Episode":
        """The episode that was written. Raises Invalid where `state` is none."""
        try:
            values = dict(state)
            for name in ("opened_at", "onset_at", "settled_at", "silent_since"):
                values[name] = None if values[name] is None else datetime.fromisoformat(values[name])
            values["phase"], values["frozen"] = Phase(values["phase"]), Phase(values["frozen"])
            if values["severity"] not in RANK:
                raise ValueError(f"{values['severity']!r} is no severity")  # noqa: TRY301 - worded once, below
            return cls(**values)
        except (KeyError, TypeError, ValueError) as error:
            raise Invalid([Problem("episode", 1, 1, f"cannot be taken up: {error}")]) from error


@dataclass(frozen=True, slots=True)
class Change:
    """What became different, for the incident with this `key`.

    `at` is when it was noticed, `happened_at` when the data say it happened: the onset of a failure, the start of the
    good run of a recovery, the beginning or end of a silence.
    """

    kind: Kind
    slo: str
    key: str
    at: datetime
    happened_at: datetime
    because: str
    severity: Urgency | None = None


def step(
    slo: Slo, ledger: Ledger, episode: Episode, now: datetime, *, evidence: Evidence | None = None
) -> tuple[Episode, Change | None, Verdict]:
    """Judge `slo` and move its episode on: what the watch does after each poll."""
    verdict = judge(slo, ledger, now, evidence=evidence, since=episode.settled_at)
    start: datetime | None = None
    run: Run | None = None
    if verdict.state == "breached" and not episode.open:
        start = began(slo, ledger, now, verdict.factor, episode.settled_at)
    elif verdict.state != "no_data" and episode.open:
        run = good_run(slo, ledger, now, episode.factor, episode.onset_at or episode.opened_at or now)
    moved, change = advance(episode, verdict, now, slo=slo, onset=start, run=run)
    return moved, change, verdict


def advance(
    episode: Episode,
    verdict: Verdict,
    now: datetime,
    *,
    slo: Slo,
    onset: datetime | None = None,
    run: Run | None = None,
    reopen: timedelta = REOPEN,
) -> tuple[Episode, Change | None]:
    """Move the episode on by one verdict; nothing that a person should hear of yields no Change.

    `onset` is when the data say a breach began, `run` the good stretch that reaches to now. A failure within `reopen`
    of the last recovery is the same failure again.
    """
    if verdict.state == "no_data":
        return _frozen(episode, verdict, now, slo)
    thawed = _thawed(episode)
    moved, change = _seen(thawed, verdict, now, slo=slo, onset=onset, run=run, reopen=reopen)
    if change is None and moved.blind:
        because = f"Data on {slo.title} are back. {verdict.because}"
        change = Change("sighted", slo.name, moved.blind_key, now, now, because)
        moved = replace(moved, blind=False)
    return moved, change


def _frozen(episode: Episode, verdict: Verdict, now: datetime, slo: Slo) -> tuple[Episode, Change | None]:
    frozen = episode.frozen if episode.phase is Phase.UNKNOWN else episode.phase
    if verdict.quiet:  # the source answers: nothing is known, but nobody is blind
        moved = replace(episode, phase=Phase.UNKNOWN, frozen=frozen, silent_since=None)
        if not moved.blind:
            return moved, None
        because = f"The source of {slo.title} answers again. {verdict.because}"
        return replace(moved, blind=False), Change("sighted", slo.name, moved.blind_key, now, now, because)
    since = episode.silent_since or now
    moved = replace(episode, phase=Phase.UNKNOWN, frozen=frozen, silent_since=since)
    if moved.blind or now - since < slo.no_data_after:
        return moved, None
    moved = replace(moved, blind=True, blinded=moved.blinded + 1)
    held = f" Its open {moved.severity} stays open." if moved.open else ""
    because = f"Nothing is known of {slo.title} since {since:%Y-%m-%d %H:%M:%S} UTC: {verdict.because}{held}"
    return moved, Change("blind", slo.name, moved.blind_key, now, since, because)


def _thawed(episode: Episode) -> Episode:
    if episode.phase is not Phase.UNKNOWN:
        return episode
    return replace(episode, phase=episode.frozen, silent_since=None)


def _seen(
    episode: Episode,
    verdict: Verdict,
    now: datetime,
    *,
    slo: Slo,
    onset: datetime | None,
    run: Run | None,
    reopen: timedelta,
) -> tuple[Episode, Change | None]:
    if not episode.open:
        if verdict.state != "breached":
            return replace(episode, phase=Phase.OK), None
        return _opened(episode, verdict, now, onset, reopen)
    if run is not None and run.suffices(slo):
        return _recovered(episode, now, slo, run)
    if verdict.state == "breached" and RANK[verdict.severity] > RANK[episode.severity]:
        moved = replace(episode, phase=_phase(verdict.severity), severity=verdict.severity, factor=verdict.factor)
        happened = episode.onset_at or now
        return moved, Change("raised", episode.slo, moved.key, now, happened, verdict.because, verdict.severity)
    calm = run is not None and run.good
    return replace(episode, phase=Phase.RECOVERING if calm else _phase(episode.severity)), None


def _opened(
    episode: Episode, verdict: Verdict, now: datetime, onset: datetime | None, reopen: timedelta
) -> tuple[Episode, Change]:
    again = episode.settled_at is not None and episode.number > 0 and now - episode.settled_at <= reopen
    moved = replace(
        episode,
        phase=_phase(verdict.severity),
        number=episode.number if again else episode.number + 1,
        severity=verdict.severity,
        factor=verdict.factor,
        opened_at=now,
        onset_at=onset or now,
    )
    kind: Kind = "reopened" if again else "opened"
    return moved, Change(kind, episode.slo, moved.key, now, onset or now, verdict.because, verdict.severity)


def _recovered(episode: Episode, now: datetime, slo: Slo, run: Run) -> tuple[Episode, Change]:
    because = (
        f"{slo.title} meets its objective again: {run.counts.good:,} of {run.counts.total:,} events were good over "
        f"{span(run.counts.covered)}, burning {run.burn:.1f}×."
    )
    moved = replace(episode, phase=Phase.OK, severity=None, factor=1.0, settled_at=run.start)
    return moved, Change("recovered", episode.slo, episode.key, now, run.start, because, episode.severity)


def _phase(severity: Urgency | None) -> Phase:
    return Phase(severity) if severity is not None else Phase.OK
