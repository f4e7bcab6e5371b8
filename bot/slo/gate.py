"""Whether what is left of the error budgets allows a release (SRE Workbook, app. B, "Example Error Budget Policy")."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

from bot.slo.burn import Urgency, share


@dataclass(frozen=True, slots=True)
class Terms:
    """What a service may do with the budget it has left; shares of the budget, 0 to 1.

    `unknown` says what holds where nothing is known of a budget; None leaves it to whoever asks. `severities` are what
    a budget below a share calls for, the smallest share first.
    """

    freeze_below: float = 0.0
    unknown: Literal["block", "allow"] | None = None
    severities: tuple[tuple[float, Urgency], ...] = ()

    def severity(self, remaining: float) -> Urgency | None:
        """What so little budget calls for."""
        return next((severity for below, severity in self.severities if remaining < below), None)


@dataclass(frozen=True, slots=True)
class Standing:
    """What is left of one objective's budget, below 0 where overspent; None where nobody knows, `because` why."""

    slo: str
    remaining: float | None
    because: str = ""


@dataclass(frozen=True, slots=True)
class Reason:
    """What one objective says to a release: True, False, or None where nobody knows."""

    slo: str
    allows: bool | None
    budget_remaining: float | None
    severity: Urgency | None
    because: str


@dataclass(frozen=True, slots=True)
class Answer:
    """Whether a release is allowed; None where that is not known."""

    allowed: bool | None
    reasons: tuple[Reason, ...]


def ask(terms: Terms, standings: Sequence[Standing]) -> Answer:
    """One objective below the freeze forbids it; else one that is not known leaves it open, as does having none.

    No data is not good news: only a policy that says so lets an unknown budget pass.
    """
    reasons = tuple(_reason(terms, each) for each in standings)
    said = [reason.allows for reason in reasons]
    if False in said:
        return Answer(False, reasons)
    return Answer(None if None in said or not said else True, reasons)


def _reason(terms: Terms, standing: Standing) -> Reason:
    left, floor = standing.remaining, share(terms.freeze_below)
    if left is None:
        allows = {"block": False, "allow": True, None: None}[terms.unknown]
        policy = {
            "block": "the policy forbids a release then",
            "allow": "the policy allows it all the same",
            None: "the policy does not say what holds then",
        }[terms.unknown]
        return Reason(standing.slo, allows, None, None, f"its budget is not known ({standing.because}); {policy}")
    rounded = f"{left:.1%}"
    if left < terms.freeze_below or (terms.freeze_below == 0 and left <= 0):
        because = f"{rounded} of the budget is left, and below {floor} nothing is released"
        return Reason(standing.slo, False, left, terms.severity(left), because)
    return Reason(
        standing.slo, True, left, terms.severity(left), f"{rounded} of the budget is left, {floor} is the least"
    )
