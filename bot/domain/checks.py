"""What must hold before an incident may be called over, and what goes on although it is."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING

from bot.domain.clocks import running
from bot.domain.duty import Answer
from bot.domain.mitigation import EFFECTIVE
from bot.domain.notice import Standing
from bot.domain.sli import Judged

if TYPE_CHECKING:
    from bot.domain.incident import Incident


@dataclass(frozen=True, slots=True)
class Check:
    """One line of the list before resolving: what must hold, and whether it does.

    `key` names it for ever, so that a reason given for it cannot be taken for another. What is not `blocking` is said
    and needs no reason.
    """

    what: str
    met: bool
    key: str = ""
    blocking: bool = True

    @property
    def open(self) -> bool:
        """True where it keeps the incident from being resolved without a reason."""
        return self.blocking and not self.met


def resolve_checks(incident: Incident) -> list[Check]:
    """Everything to look at before resolving: first what needs a reason while it is open, then what just goes on."""
    return [*_harm(incident), *_alerts(incident), *_under_way(incident), *_staying(incident), *_unsent(incident)]


def _harm(incident: Incident) -> Iterator[Check]:
    known = ([incident.sli] if incident.sli is not None else []) + list(incident.attached)
    for sli in known:
        met = sli.judged is Judged.MET
        yield Check(f"{sli.slo} is {'met' if met else sli.judged}", met, f"sli/{sli.slo}")


def _alerts(incident: Incident) -> Iterator[Check]:
    if incident.alerts:
        firing = sum(1 for each in incident.alerts.values() if each.firing)
        many = "1 alert still fires" if firing == 1 else f"{firing:,} alerts still fire"
        yield Check(many if firing else "all alerts are over", not firing, "alerts")


def _under_way(incident: Incident) -> Iterator[Check]:
    pending = [m for m in incident.mitigations.values() if m.is_pending]
    if not pending:
        yield Check("no mitigation is under way", True, "mitigations")
    for one in pending:
        yield Check(f"{one.id} is still under way ({one.state})", False, f"mitigation/{one.id}")


def _staying(incident: Incident) -> Iterator[Check]:
    for one in incident.mitigations.values():
        if one.state in EFFECTIVE:
            what = f"{one.id} ({one.plan.means} on {one.plan.target}) stays in place: make it permanent or undo it"
            yield Check(what, False, f"stays/{one.id}", blocking=False)


def _unsent(incident: Incident) -> Iterator[Check]:
    """Notices and duties outlive the harm: their clocks go on."""
    begun = set()
    for notice in incident.notices.values():
        begun.add(notice.regime)
        if notice.standing is not Standing.FILED:
            what = f"{notice.id} is not sent yet: its clock goes on"
            yield Check(what, False, f"notice/{notice.id}", blocking=False)
    for duty in incident.duties.values():
        if duty.answer is Answer.YES and duty.regime not in begun:
            what = f"{duty.name} asks for a notice that nobody has begun: its clock goes on"
            yield Check(what, False, f"duty/{duty.regime}", blocking=False)


def running_clocks(incident: Incident) -> str:
    """Why an incident may not be filed away over what must be told; "" where nothing stands in the way.

    Nobody is reminded of a clock of a closed incident: each ends with a notice filed, or with a person's decision.
    """
    owed = [each for each in running(incident) if each.sure and each.due.by_law]
    if not owed:
        return ""
    names = ", ".join(dict.fromkeys(each.duty.name for each in owed))
    return f"a legal clock runs: {names}; file the notice, or let counsel decide that none is owed"


def unfinished_changes(incident: Incident) -> str:
    """Why an incident may not be filed away over its changes; "" where nothing stands in the way.

    A closed incident is not looked at any more: what it holds would stay held.
    """
    if pending := [each.id for each in incident.mitigations.values() if each.is_pending]:
        return f"mitigations are still under way: {', '.join(pending)}"
    if alone := [each.id for each in incident.mitigations.values() if each.wants_review]:
        return f"{', '.join(alone)} was carried out by one person alone; somebody else must review it first"
    return ""
