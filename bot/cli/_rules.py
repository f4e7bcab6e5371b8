"""The rules of changes as a table: for each target and class who may propose and approve, with what, and how much."""

from __future__ import annotations

import io
from collections.abc import Iterable, Iterator, Sequence
from datetime import datetime
from typing import TYPE_CHECKING
from zoneinfo import ZoneInfo

from rich import box
from rich.console import Console, Group
from rich.table import Table

from bot.cli._text import line
from bot.config.fit import written
from bot.config.guards import CLASSES, DAYS
from bot.config.rules import MOVES, holders
from bot.domain.guard import ON_CALL, Freeze

if TYPE_CHECKING:
    from bot.config.installation import Installation


class Rulebook:
    """One installation's rules, read at one moment."""

    def __init__(self, installation: Installation, now: datetime) -> None:
        self.installation, self.policy, self.now = installation, installation.policy, now
        self.zone = ZoneInfo(installation.organisation.timezone)
        self.people = installation.people

    # -- who ---------------------------------------------------------------------------------------------------------

    def who(self, badges: Iterable[str], on_call: Sequence[str] = ()) -> str:
        """`approver or group:platform: ada, eve`: the badges, and who has one now."""
        return f"{_either(badges)}: {self.names(badges, on_call)}"

    def names(self, badges: Iterable[str], on_call: Sequence[str] = ()) -> str:
        """Keys of the people who have one of these badges."""
        asked = frozenset(badges)
        then = ("whoever is on call",) if ON_CALL in asked and not on_call else ()
        return ", ".join((*holders(asked, self.people, on_call), *then)) or "nobody"

    # -- the table ---------------------------------------------------------------------------------------------------

    def shown(self) -> Iterator[Table | Group]:
        """The house's own rules, the freezes, then each target."""
        yield self.house()
        if self.policy.freezes:
            yield self.freezes()
        yield Group(self.head("", "Every target without rules of its own", ()), self.classes("", ()))
        for service in self.installation.services.values():
            for target in service.targets:
                title, on_call = (
                    f"{target.name} ({target.action} of {service.name})",
                    self.installation.ever_on_call(service),
                )
                yield Group(self.head(target.name, title, on_call), self.classes(target.name, on_call))

    def house(self) -> Table:
        """What holds wherever no target says otherwise."""
        policy = self.policy
        found = _plain("Everywhere")
        found.add_row("act alone", f"{self.who(policy.break_glass)}; reviewed within {written(policy.review_within)}")
        found.add_row("hold an incident as it is", self.who(policy.counsel))
        found.add_row("approve a notice", self.who(policy.approve_notice))
        found.add_row("changes of one service", f"{policy.changes_per_hour} an hour at most")
        found.add_row("an approval", f"is good for {written(policy.approval_expires)}")
        found.add_row("a one-time code", f"is good for {written(policy.step_up_within)}")
        found.add_row("proved", f"once the SLI was met for {written(policy.soak)}")
        return found

    def freezes(self) -> Table:
        """When nothing moves, and whether that is now."""
        found = _columns("freeze", "when", "what of", "because", "now", title="Freezes")
        for each in self.policy.freezes:
            until = each.until(self.now)
            classes = ", ".join(name for name, kind in CLASSES.items() if kind in each.classes)
            of = f"{classes}\nof {', '.join(sorted(each.targets)) or 'every target'}"
            now = f"until {self._local(until)}" if until else "no"
            found.add_row(line(each.name), self._stretch(each), of, line(each.because), now)
        return found

    def head(self, target: str, title: str, on_call: Sequence[str]) -> Table:
        """What holds for every class of one target; "" is any that has no rules of its own."""
        policy, own = self.policy, self.policy.rules_of(target)
        found = _plain(title)
        if own.allow is not None:
            found.add_row("may see", _either(own.allow, "nothing at all"))
        found.add_row("proposed by", self.who(policy.proposers(target), on_call))
        found.add_row("cool-down", written(policy.cool_down_of(target)))
        if target:
            proved = " (if small, and its undo was seen to work)" if own.automatic else ""
            found.add_row("made by itself", f"{_either(own.automatic, 'nothing')}{proved}")
        back = [name for name, kind in MOVES.items() if policy.takes_back(target, kind)]
        found.add_row("where it does not help", f"{_either(back)} is taken back by itself" if back else "people decide")
        return found

    def classes(self, target: str, on_call: Sequence[str]) -> Table:
        """A row for each class; those alike share one."""
        found = _columns("class", "approved by", "how many", "code", "at most", "now")
        rows: dict[tuple[str, ...], list[str]] = {}
        for name in MOVES:
            rows.setdefault(self._row(target, name, on_call), []).append(name)
        for cells, names in rows.items():
            found.add_row(", ".join(names), *cells)
        return found

    def _row(self, target: str, name: str, on_call: Sequence[str]) -> tuple[str, ...]:
        policy, kind = self.policy, CLASSES[name]
        frozen = policy.frozen(target, kind, self.now)
        badges = policy.approvers(target, kind)
        return (
            f"{_either(badges)}\n({self.names(badges, on_call)})",
            str(policy.quorum_of(target, kind)),
            "asked" if kind in policy.step_up else "no",
            f"{policy.widest_of(target, kind) * 100:g} %",
            f"frozen: {line(frozen[0].name)}\nuntil {self._local(frozen[1])}" if frozen else "free",
        )

    # -- when --------------------------------------------------------------------------------------------------------

    def _local(self, at: datetime) -> str:
        return f"{at.astimezone(self.zone):%Y-%m-%d %H:%M}"

    def _stretch(self, freeze: Freeze) -> str:
        if (week := freeze.weekly) is not None:
            return f"{DAYS[week.start_day]} {week.start:%H:%M} - {DAYS[week.end_day]} {week.end:%H:%M}\n({week.zone})"
        if freeze.start is None or freeze.end is None:
            return "never"
        return f"{self._local(freeze.start)} to\n{self._local(freeze.end)}"


def _plain(title: str) -> Table:
    """Two columns without a frame: what, and how it is."""
    found = Table(title=title, title_justify="left", title_style="bold", box=None, show_header=False, pad_edge=False)
    found.add_column(style="dim", no_wrap=True)
    found.add_column(overflow="fold")
    return found


def _columns(*names: str, title: str | None = None) -> Table:
    found = Table(title=title, title_justify="left", title_style="bold", box=box.SIMPLE_HEAD, pad_edge=False)
    for name in names:
        found.add_column(name, overflow="fold")
    return found


def _either(words: Iterable[str], nobody: str = "nobody") -> str:
    *others, last = sorted(map(str, words)) or [nobody]
    return f"{', '.join(others)} or {last}" if others else last


def table(installation: Installation, now: datetime, *, width: int, coloured: bool) -> Iterator[str]:
    """The whole, line by line."""
    file = io.StringIO()
    console = Console(
        file=file,
        width=width,
        force_terminal=coloured,
        no_color=not coloured,
        highlight=False,
        markup=False,
        emoji=False,
    )
    for part in Rulebook(installation, now).shown():
        console.print(part)
        console.print()
    lines = [row.rstrip() for row in file.getvalue().splitlines()]
    yield from (row for row, before in zip(lines, ["", *lines], strict=False) if row or before)
