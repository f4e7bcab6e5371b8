"""One regime as a person reads it: when a duty exists, its notices with their periods, and where that stands."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from bot.cli._text import wrapped
from bot.notices.clocks import clock, clocks
from bot.notices.counting import SAID
from bot.notices.deadline import spelled
from bot.notices.logic import says
from bot.notices.regime import CONFIDENCE, DISCLAIMER, Deadline, Exemption, Regime, Stage


def plain(regime: Regime) -> dict[str, Any]:
    """The same for machines."""
    return {
        "regime": regime.id,
        "name": regime.name,
        "jurisdiction": regime.jurisdiction,
        "category": regime.category,
        "citations": [str(each) for each in regime.citations],
        "confidence": regime.confidence,
        "as_of": regime.as_of.isoformat() if regime.as_of else None,
        "in_force": in_force(regime),
        "who": list(regime.who),
        "rule": says(regime.trigger, regime.label),
        "exemptions": [_exemption(each, regime) for each in regime.exemptions],
        "stages": [
            {
                "stage": each.id,
                "name": each.name,
                "kind": each.kind,
                "owed_if": says(each.condition, regime.label) if each.condition else None,
                "recipients": list(each.recipients),
                "period": period(each, regime),
                "late_rule": each.late_rule or None,
            }
            for each in regime.stages
        ],
        "records": regime.records or None,
        "penalties": regime.penalties or None,
        "notes": regime.notes or None,
        "enabled": regime.enabled,
        "disclaimer": DISCLAIMER,
    }


def lines(regime: Regime) -> Iterator[str]:
    """The page of one regime."""
    yield from wrapped(f"{regime.name} ({regime.id})", "")
    yield f"  {regime.jurisdiction}, {regime.category.replace('_', ' ')}"
    for each in regime.citations:
        yield from wrapped(str(each))
    as_of = f", as of {regime.as_of}" if regime.as_of else ""
    yield from wrapped(f"confidence {regime.confidence}: {CONFIDENCE[regime.confidence]}{as_of}")
    yield from wrapped(f"in force: {in_force(regime)}")
    if not regime.enabled:
        yield from wrapped("Off as shipped: it is asked only where `regimes:` of tocsin.yaml names it.")
    if regime.who:
        yield from wrapped(f"who: {'; '.join(regime.who)}")
    yield ""
    yield "A duty exists if"
    yield from wrapped(says(regime.trigger, regime.label))
    for exemption in regime.exemptions:
        yield from wrapped(_exemption(exemption, regime))
    for stage in regime.stages:
        yield ""
        yield from _stage(stage, regime)
    for title, text in (("Records", regime.records), ("Penalties", regime.penalties), ("Notes", regime.notes)):
        if text:
            yield ""
            yield title
            yield from wrapped(text)
    yield ""
    yield from wrapped(DISCLAIMER, "")


def in_force(regime: Regime) -> str:
    """From when it applies, in one line."""
    rule = regime.in_force
    dates = "; ".join(f"{day} for {name.replace('_', ' ')}" for name, day in rule.dates.items())
    since = f"since {rule.since}" if rule.since else f"from {dates}" if dates else "no date on file"
    until = f", until {rule.until}" if rule.until else ""
    return f"{since}{until}{f'. {rule.note}' if rule.note else ''}"


def _exemption(exemption: Exemption, regime: Regime) -> str:
    when = says(exemption.when, regime.label)
    match exemption.effect:
        case "lifts":
            return f"but not if {when}: {exemption.says}"
        case "narrows":
            to = says(exemption.to, regime.label) if exemption.to else ""
            return f"if {when}, only where {to}: {exemption.says}"
        case _:
            return f"counsel looks at it if {when}: {exemption.says}"


def _stage(stage: Stage, regime: Regime) -> Iterator[str]:
    yield from wrapped(f"{stage.name} ({stage.id}, {stage.kind.replace('_', ' ')})", "")
    if stage.condition:
        yield from wrapped(f"owed if {says(stage.condition, regime.label)}")
    if stage.recipients:
        yield from wrapped(f"to {'; '.join(stage.recipients)}")
    yield from wrapped(period(stage, regime))
    form = [part for part in (stage.form.name, stage.form.channel, stage.form.language) if part]
    if form:
        yield from wrapped(f"form: {'; '.join(form)}")
    if stage.late_rule:
        yield from wrapped(f"late: {stage.late_rule}")


def period(stage: Stage, regime: Regime) -> str:
    """By when, in words: the number, the clock it runs from and how it is counted, or the law's own words."""
    rule = stage.deadline
    names = {key: f'"{clock(regime, key)}"' for key in clocks(stage)}
    if rule.limits:
        limits = "; ".join(f"{spelled(each.amount, each.unit)} from {names[each.start]}" for each in rule.limits)
        first = f"the earliest of {limits}" if len(rule.limits) > 1 else limits
        noon = "; a limit on a closed day ends at noon of the next working day" if rule.noon_relief else ""
        none = (
            f", not for {', '.join(rule.no_relief_for).replace('_', ' ')}"
            if rule.noon_relief and rule.no_relief_for
            else ""
        )
        return first + noon + none
    start = f"the first of {' and '.join(names.values())}" if len(names) > 1 else names[stage.clock_start]
    if rule.hours_by:
        return f"as many hours as {regime.label(rule.hours_by)} says, from {start}"
    if not rule.amount:
        return _no_number(rule, start)
    said = f"{spelled(rule.amount, rule.unit)} from {start}, {SAID.get(rule.counting, rule.counting)}"
    said += "".join(f"; {spelled(each.amount, rule.unit)} if {says(each.when, regime.label)}" for each in rule.variants)
    return said + (f"; the law also says {rule.also.replace('_', ' ')}" if rule.also else "")


def _no_number(rule: Deadline, start: str) -> str:
    words = rule.text.replace("_", " ") or "no fixed period"
    basis = rule.target_basis or "our target, not the law"
    target = f"; {rule.target_hours} hours from {start} as a target ({basis})" if rule.target_hours else ""
    return f"no number in the law: {words}{target}"
