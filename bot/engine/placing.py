"""Plans where a batch of alerts goes before anything is written: which join, which end, which open, which merge."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime

from bot.domain.alert import Alert
from bot.domain.alerts import Over
from bot.domain.grouping import Attach, Board, Graph, Held, Open, Place, Seen, Standing, Window, among, place
from bot.domain.noise import AlertRules

NEW = "new:"
"""How the name of an incident begins that is only planned."""


@dataclass
class Opening:
    """An incident that is to be opened for these alerts."""

    alerts: list[Alert]
    because: str

    @property
    def severity(self) -> int:
        """The worst."""
        return min(each.severity for each in self.alerts)

    @property
    def service(self) -> str:
        """The worst alert's, which is the incident's."""
        return min(self.alerts, key=lambda each: (each.severity, each.starts, each.key)).service


@dataclass
class Plan:
    """What follows from a batch of alerts; by incident, or by the name of a planned one."""

    joins: dict[str, list[tuple[Alert, str]]] = field(default_factory=dict)
    moves: list[tuple[str, str, Alert]] = field(default_factory=list)  # (from this, to that, the alert)
    ends: dict[str, list[Over]] = field(default_factory=dict)
    opens: dict[str, Opening] = field(default_factory=dict)
    merges: list[tuple[str, str, str]] = field(default_factory=list)  # (this, into that, because)
    held: list[tuple[Alert, Window]] = field(default_factory=list)

    def join(self, incident: str, alert: Alert, because: str) -> None:
        """It joins that incident."""
        if incident in self.opens:
            self.opens[incident].alerts.append(alert)
        else:
            self.joins.setdefault(incident, []).append((alert, because))

    def end(self, incident: str, alert: Alert) -> None:
        """It is over, which that incident should know."""
        if alert.ends is not None:
            self.ends.setdefault(incident, []).append(Over(alert.key, alert.starts, alert.ends))


class Planner:
    """Places alerts one after another, each in the light of those before it; the board is left as it was."""

    def __init__(
        self, board: Board, graph: Graph, rules: AlertRules, windows: Sequence[Window], seen: Seen, now: datetime
    ) -> None:
        self.plan = Plan()
        self._board, self._graph, self._rules = board, graph, rules
        self._windows, self._seen, self._now = windows, [*seen], now
        self._before: dict[str, Standing | None] = {}
        self._made = 0

    def place(self, alert: Alert) -> None:
        """Plan where a firing alert goes that no incident has."""
        where = self._where(alert)
        if isinstance(where, Held):
            self.plan.held.append((alert, where.window))
            return
        if isinstance(where, Attach):
            name = where.incident
            self.plan.join(name, alert, where.because)
        else:
            name = f"{NEW}{self._made}"
            self._made += 1
            self.plan.opens[name] = Opening([alert], where.because)
        self._put(name, alert)
        self._merge(where.also, name, alert)

    def link(self, alert: Alert) -> None:
        """A firing alert that an incident has: what it links is merged, should a crash have come before that."""
        around = self._board.around(alert.service, self._graph)
        where = among(alert, around, self._graph, self._rules, seen=self._seen)
        if isinstance(where, Attach):
            self._merge(where.also, where.incident, alert)

    def bridge(self, alert: Alert) -> None:
        """An alert that was over before anybody heard of it opens and joins nothing, but may link what is open."""
        where = self._where(alert)
        if isinstance(where, Attach):
            self._merge(where.also, where.incident, alert)
        elif isinstance(where, Open):
            self._merge_among(where.also, alert)
        self._seen.append((alert.service, alert.starts))

    def _merge_among(self, names: Sequence[str], alert: Alert) -> None:
        known = [each for name in names if (each := self._board.get(name)) is not None]
        heads: list[Standing] = []
        for each in sorted(known, key=lambda one: (len(self._graph.upstream(one.service)), one.declared, one.id)):
            up = {each.service, *self._graph.upstream(each.service)}
            head = next((one for one in heads if one.service in up), None)
            if head is None:
                heads.append(each)
            else:
                self._merge([each.id], head.id, alert)

    def undo(self) -> None:
        """Take what was only planned off the board again: what came of it is read from the log."""
        for name, before in self._before.items():
            if before is None:
                self._board.drop(name)
            else:
                self._board.put(before)

    def _where(self, alert: Alert) -> Place:
        around = self._board.around(alert.service, self._graph)
        return place(alert, around, self._graph, self._rules, self._now, windows=self._windows, seen=self._seen)

    def _put(self, name: str, alert: Alert) -> None:
        known = self._board.get(name)
        self._before.setdefault(name, known)
        spans = dict(known.spans) if known is not None else {}
        if alert.service:
            first, last = spans.get(alert.service, (alert.starts, alert.starts))
            spans[alert.service] = (min(first, alert.starts), max(last, alert.starts))
        keys = (known.keys if known is not None else frozenset()) | {alert.key}
        if known is None:
            self._board.put(Standing(name, alert.service, spans, self._now, keys=keys))
        else:
            self._board.put(known.with_alert(spans, keys))

    def _merge(self, also: Sequence[str], into: str, alert: Alert) -> None:
        for name in also:
            known = self._board.get(name)
            if known is None:
                continue
            self._before.setdefault(name, known)
            self._board.drop(name)
            self._before.setdefault(into, self._board.get(into))
            if (target := self._board.get(into)) is not None:
                self._board.put(target.with_other(known))
            self._merged(name, into, f"“{alert.title}” of {alert.service} shows that they are one")

    def _merged(self, name: str, into: str, because: str) -> None:
        opens = self.plan.opens
        self.plan.merges = [(one, into if to == name else to, why) for one, to, why in self.plan.merges]
        if name not in opens:
            self.plan.merges.append((name, into, because))
            return
        planned = opens.pop(name)
        for each in planned.alerts:
            self.plan.join(into, each, because)
