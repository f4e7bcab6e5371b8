"""OpenSLO's alert policies and conditions, lowered to tiers: which burn rate, over which windows, wakes whom.

A condition has one look-back window and a time it must hold (`alertAfter`); a tier has a long and a short window. The
look-back becomes the long one, and the short one is a twelfth of it (SRE Workbook ch. 5) or `alertAfter`, whichever is
longer: a burn rate that held that long is seen in it. Who is told stands in the catalogue, so notification targets are
read and not used.
"""

import re
from dataclasses import dataclass, replace
from datetime import timedelta

from bot.config.found import length, loudness, number, yes_or_no
from bot.config.marks import Page, Path, kind_of
from bot.config.openslo.documents import Library, Sheet, inline_or_named
from bot.slo.measure import SIGNS
from bot.slo.spec import SMALLEST_SHORT, Severity, Tier, floored, max_burn

_NOTHING = re.compile(r"\s*0+[a-zA-Z]?\s*")
_POLICIES = ("spec", "alertPolicies")
_FLAGS = ("alertWhenBreaching", "alertWhenResolved", "alertWhenNoData")


@dataclass(frozen=True, slots=True)
class Placed:
    """A tier, and the condition it was lowered from."""

    tier: Tier
    page: Page
    path: Path

    def fits(self, window: timedelta, target: float) -> bool:
        """Whether an objective can have this tier; complains where it cannot."""
        largest = max_burn(target)
        if self.tier.long > window:
            what = "lookbackWindow is longer than the window of an objective this condition is for"
            self.page.complain(what, *self.path, "lookbackWindow", expected="a shorter one")
            return False
        if self.tier.factor > largest * (1 + 1e-9):
            what = (
                f"the condition {self.tier.name!r} fires at {self.tier.factor:g}× but even a total outage of an "
                f"objective it is for burns only {floored(largest)}×: it can never fire"
            )
            self.page.complain(what, *self.path, "threshold", expected=f"a factor up to {floored(largest)}")
            return False
        return True


@dataclass(frozen=True, slots=True)
class Alerts:
    """What an objective's policies ask for together. `given` says whether there are any."""

    given: bool = False
    tiers: tuple[Placed, ...] = ()
    opens: bool = True
    blind_opens: bool = True


@dataclass(frozen=True, slots=True)
class _Policy:
    tiers: tuple[Placed, ...] = ()
    breaching: bool | None = None
    no_data: bool | None = None


def alerts(sheet: Sheet, held: Library) -> Alerts:
    """The policies of an objective; with none it has the tiers everybody has.

    A failure opens nothing where every policy says `alertWhenBreaching: false`. Silence opens nothing where a policy
    says `alertWhenNoData: false` and none says true: left unsaid, no data is not good news.
    """
    listed = sheet.get(*_POLICIES)
    if listed is None or listed == []:
        return Alerts()
    if not isinstance(listed, list):
        sheet.complain(f"alertPolicies is {kind_of(listed)}", *_POLICIES, expected="a list of alert policies")
        return Alerts()
    found = []
    for index in range(len(listed)):
        place = inline_or_named(sheet, "AlertPolicy", "alertPolicyRef", held, (*_POLICIES, index))
        if place is not None:
            found.append(_policy(*place, held))
    tiers = tuple(dict.fromkeys(each for policy in found if policy.breaching is not False for each in policy.tiers))
    silence = {policy.no_data for policy in found}
    return Alerts(
        given=True,
        tiers=tuple(_distinct(tiers)),
        opens=not found or any(policy.breaching is not False for policy in found),
        blind_opens=True in silence or False not in silence,
    )


def check_policy(sheet: Sheet, held: Library) -> None:
    """Look at a policy that objectives may name."""
    _policy(sheet, (), held)


def check_condition(sheet: Sheet, held: Library) -> None:
    """Look at a condition that policies may name."""
    del held
    _condition(sheet, ())


def check_target(sheet: Sheet, held: Library, path: Path = ()) -> None:
    """Look at a notification target."""
    del held
    if sheet.known((*path, "spec"), "target", "description"):
        sheet.text(*path, "spec", "target")


def _policy(sheet: Sheet, path: Path, held: Library) -> _Policy:
    spec = (*path, "spec")
    if not sheet.known(spec, "description", *_FLAGS, "conditions", "notificationTargets"):
        return _Policy()
    said = {flag: yes_or_no(sheet, *spec, flag) for flag in _FLAGS}
    _targets(sheet, spec, held)
    conditions = sheet.get(*spec, "conditions")
    if not isinstance(conditions, list) or len(conditions) != 1:
        what = "a policy has one condition"
        sheet.complain(what, *spec, "conditions", expected="conditionRef or a condition; a policy for each")
        return _Policy()
    place = inline_or_named(sheet, "AlertCondition", "conditionRef", held, (*spec, "conditions", 0))
    tier = _condition(*place) if place is not None else None
    tiers = (tier,) if tier is not None else ()
    return _Policy(tiers, said["alertWhenBreaching"], said["alertWhenNoData"])


def _targets(sheet: Sheet, spec: Path, held: Library) -> None:
    targets = sheet.get(*spec, "notificationTargets")
    if targets is None:
        return
    if not isinstance(targets, list):
        sheet.complain(f"notificationTargets is {kind_of(targets)}", *spec, "notificationTargets", expected="a list")
        return
    for index, item in enumerate(targets):
        here = (*spec, "notificationTargets", index)
        if isinstance(item, dict) and "targetRef" not in item:
            sheet.known(here, "apiVersion", "kind", "metadata", "spec")
            check_target(sheet, held, here)
        elif sheet.known(here, "targetRef"):
            name = sheet.text(*here, "targetRef")
            if name and held.named("AlertNotificationTarget", name) is None:
                what = f"there is no AlertNotificationTarget {name!r}; who is told stands in the catalogue"
                sheet.note(what, *here, "targetRef", expected=", ".join(held.there_is("AlertNotificationTarget")))


def _condition(sheet: Sheet, path: Path) -> Placed | None:
    spec = (*path, "spec")
    if not sheet.known(spec, "description", "severity", "condition"):
        return None
    severity: Severity = loudness(sheet.text(*spec, "severity"))
    here = (*spec, "condition")
    if not sheet.known(here, "kind", "op", "threshold", "lookbackWindow", "alertAfter"):
        return None
    if sheet.get(*here, "kind") not in (None, "burnrate"):
        sheet.complain(
            f"there is no condition of kind {sheet.get(*here, 'kind')!r}", *here, "kind", expected="burnrate"
        )
    _operator(sheet, here)
    factor = number(sheet, *here, "threshold", expected="a burn rate above zero")
    if factor is not None and factor <= 0:
        sheet.complain(f"threshold is {factor:g}", *here, "threshold", expected="a burn rate above zero")
        factor = None
    long, after = length(sheet, *here, "lookbackWindow"), _after(sheet, here)
    if factor is None or long is None or after is None:
        return None
    if after >= long:
        what = "a burn rate cannot be asked to hold for longer than it is looked back over"
        sheet.complain(what, *here, "alertAfter", expected="less than lookbackWindow")
        return None
    short = timedelta(seconds=round(max(long / 12, after, SMALLEST_SHORT).total_seconds()))
    if short >= long:
        sheet.complain("lookbackWindow is too short to judge", *here, "lookbackWindow", expected="a minute or more")
        return None
    name = str(sheet.get(*path, "metadata", "name"))
    return Placed(Tier(name, severity, long, short, factor), sheet, here)


def _operator(sheet: Sheet, here: Path) -> None:
    """OpenSLO's examples write `op: lte` and describe a breach: the burn rate that should be kept, not the alarm."""
    operator = sheet.get(*here, "op")
    if operator is not None and operator not in tuple(SIGNS):
        sheet.complain(f"op is {kind_of(operator)}", *here, "op", expected="lte, gte, lt or gt")
    elif operator in ("lte", "lt"):
        what = f"op: {operator} is taken for the burn rate to be kept: the alert is above the threshold"
        sheet.note(what, *here, "op", expected="op: gte, to say the same without doubt")


def _after(sheet: Sheet, here: Path) -> timedelta | None:
    held = sheet.get(*here, "alertAfter")
    if held is None or (isinstance(held, str) and _NOTHING.fullmatch(held)):
        return timedelta(0)
    return length(sheet, *here, "alertAfter")


def _distinct(tiers: tuple[Placed, ...]) -> list[Placed]:
    """The tiers, each under a name of its own."""
    seen: dict[str, int] = {}
    found = []
    for each in tiers:
        seen[each.tier.name] = count = seen.get(each.tier.name, 0) + 1
        found.append(each if count == 1 else replace(each, tier=replace(each.tier, name=f"{each.tier.name} {count}")))
    return found
