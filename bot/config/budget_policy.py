"""The error budget policy, `budget-policy.yaml`: below how much budget nothing is released, and what that calls for.

freeze_below: 10%              # no release while an objective of the service has less of its budget left
unknown: block                 # or allow; left out, `tocsin gate` ends with 2 where a budget is not known
severity:                      # what a smaller budget calls for
  - {below: 50%, severity: ticket}
  - {below: 10%, severity: page}
services:                      # what a service does differently
  scoring: {freeze_below: 25%}
"""

import re
from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import BeforeValidator, Field

from bot.config.files import read_page
from bot.config.fit import Fitter, closest, listing
from bot.config.marks import Marked
from bot.config.model import Part
from bot.config.secrets import Secrets
from bot.domain.errors import Invalid, Problem
from bot.slo.burn import Urgency
from bot.slo.gate import Terms

FILE = "budget-policy.yaml"

_PERCENT = re.compile(r"(\d+(?:\.\d+)?)\s*%")
_MOST = 100


def _share(value: Any) -> float:
    found = _PERCENT.fullmatch(value.strip()) if isinstance(value, str) else None
    if found is None or float(found[1]) > _MOST:
        raise ValueError(f"{value!r} is no share of the budget (expected such as 10%, from 0% to 100%)")
    return float(found[1]) / _MOST


Share = Annotated[float, BeforeValidator(_share)]


class Rung(Part):
    """What less budget than this calls for."""

    below: Share
    severity: Urgency


class Own(Part):
    """What one service does differently; what is left out is as for all."""

    freeze_below: Share | None = None
    unknown: Literal["block", "allow"] | None = None
    severity: list[Rung] | None = None


class PolicyFile(Part):
    """The whole file."""

    freeze_below: Share = 0.0
    unknown: Literal["block", "allow"] | None = None
    severity: list[Rung] = Field(default_factory=list)
    services: dict[str, Own] = Field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class BudgetPolicy:
    """The terms of every service; `file` is "" where there is none, and a spent budget alone freezes."""

    file: str = ""
    everywhere: Terms = field(default_factory=Terms)
    services: Mapping[str, Terms] = field(default_factory=dict)

    def of(self, service: str) -> Terms:
        """The terms of that service."""
        return self.services.get(service, self.everywhere)


def load(path: Path, *, services: Collection[str] | None = None) -> BudgetPolicy:
    """The policy in that file; every budget but a spent one allows where there is no such file.

    `services` are the names that may stand in it, where they are known. Raises Invalid with every problem.
    """
    if not path.exists():
        return BudgetPolicy()
    fitter = Fitter(Secrets({}, path.parent))
    page = read_page(path, fitter.problems)
    model = fitter.fit(PolicyFile, page, references=False) if page is not None else None
    wrong = list(fitter.problems)
    if page is not None and model is not None:
        wrong += [*_twice(page, model), *_strangers(page, model, services)]
    if wrong or model is None:
        raise Invalid(wrong)
    everywhere = Terms(model.freeze_below, model.unknown, _rungs(model.severity))
    return BudgetPolicy(str(path), everywhere, {name: _own(each, everywhere) for name, each in model.services.items()})


def problems(path: Path) -> tuple[Problem, ...]:
    """What is wrong in that file by itself."""
    try:
        load(path)
    except Invalid as wrong:
        return wrong.problems
    return ()


def _own(own: Own, everywhere: Terms) -> Terms:
    return Terms(
        everywhere.freeze_below if own.freeze_below is None else own.freeze_below,
        own.unknown or everywhere.unknown,
        everywhere.severities if own.severity is None else _rungs(own.severity),
    )


def _rungs(rungs: list[Rung]) -> tuple[tuple[float, Urgency], ...]:
    return tuple(sorted((rung.below, rung.severity) for rung in rungs))


def _twice(page: Marked, model: PolicyFile) -> list[Problem]:
    """Two severities for one share of the budget."""
    places = [((), model.severity), *((("services", name), own.severity or []) for name, own in model.services.items())]
    return [
        page.problem("this share stands here twice", *path, "severity", index, "below", expected="each share once")
        for path, rungs in places
        for index, rung in enumerate(rungs)
        if rung.below in [other.below for other in rungs[:index]]
    ]


def _strangers(page: Marked, model: PolicyFile, services: Collection[str] | None) -> list[Problem]:
    return [
        page.problem(
            f"there is no service {name!r}{closest(name, services)}", "services", name, key=True,
            expected=listing(services),
        )
        for name in model.services
        if services is not None and name not in services
    ]  # fmt: skip
