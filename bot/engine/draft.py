"""Duties and words: every regime is asked with the facts the log holds, every notice is filled from the same log."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Mapping
from datetime import datetime

from bot.domain.duty import Answer, Duty
from bot.domain.errors import NotFound, Refused
from bot.domain.incident import Incident
from bot.domain.mitigation import Mitigation
from bot.engine import postmortem
from bot.engine.situation import Situation, Words
from bot.notices.applicability import Applicability, answer, stages
from bot.notices.checklist import checklist
from bot.notices.deadline import Dates, Policy, deadlines
from bot.notices.draft import context, draft, plain_context
from bot.notices.facts import Facts, UnreadableError, Value
from bot.notices.regime import Fact, Regime, stated
from bot.words import Words as Templates
from bot.words import utc

UPDATE = "stakeholders/update"


class DraftingRoom:
    """Asks the enabled regimes and fills the templates. Reads nothing but its arguments and the template files."""

    def __init__(
        self,
        *,
        facts: Mapping[str, Fact],
        regimes: Mapping[str, Regime],
        templates: Templates,
        organisation: Mapping[str, object],
        tz: str,
        country: str,
        policy: Policy | None = None,
    ) -> None:
        self.facts, self.regimes, self.templates, self.policy = facts, regimes, templates, policy
        self.organisation, self.tz, self.country = organisation, tz, country

    # -- duties ------------------------------------------------------------------------------------------------------

    def duties(self, situation: Situation) -> tuple[Duty, ...]:
        """Every enabled regime's answer; for a yes, or a regime not yet in force, with its nearest dates."""
        known = self.known(situation)
        return tuple(self._duty(regime, known, situation) for regime in self.regimes.values())

    def _duty(self, regime: Regime, known: Facts, situation: Situation) -> Duty:
        today = (situation.incident.detected or situation.now).date()
        said = answer(regime, known, today=today, tz=self.tz)
        stage, dates = self._first(regime, known) if said.answer != "no" else ("", None)
        return Duty(
            regime=regime.id,
            name=regime.name,
            answer=Answer(said.answer),
            because=_because(said),
            stage=stage,
            strict=dates.strict if dates else None,
            outer=dates.outer if dates else None,
            ask=said.ask,
        )

    def _first(self, regime: Regime, known: Facts) -> tuple[str, Dates | None]:
        """The stage that falls due first among those owed or possibly owed."""
        dated: list[tuple[datetime, str, Dates]] = []
        undated: list[str] = []
        for each in stages(regime, known):
            if each.answer == "no":
                continue
            start = known.get(each.stage.clock_start)
            if not isinstance(start, datetime):
                undated.append(each.stage.id)
                continue
            dates = deadlines(each.stage, start, self.tz, self.country, self.policy)
            if dates.strict is not None:
                dated.append((dates.strict, each.stage.id, dates))
        if dated:
            _strict, stage, dates = min(dated, key=lambda triple: triple[0])
            return stage, dates
        return (undated[0] if undated else ""), None

    def known(self, situation: Situation) -> dict[str, Value | None]:
        """The typed facts: what people stated wins over the catalogue, and both over what the log implies."""
        incident = situation.incident
        found: dict[str, Value | None] = {
            "incident_started_at": incident.onset,
            "detected_at": incident.detected,
            "first_signal_at": incident.detected,
            "aware_at": incident.acknowledged,
            "incident_resolved_at": incident.resolved,
            "incident_resolved": incident.resolved is not None,
            "data_subjects_count": incident.impact.people if incident.impact else None,
        }
        stated = {**(situation.service.legal if situation.service else {}), **incident.facts}
        for key, raw in stated.items():
            fact = self.facts.get(key)
            if fact is None:
                continue
            given = fact.type.typed(raw) if isinstance(raw, str) else list(raw) if isinstance(raw, tuple) else raw
            try:
                found[key] = fact.type.read(given)
            except UnreadableError:
                found[key] = None  # what cannot be read is not known; `tocsin check` names it in files
        return {key: value for key, value in found.items() if key in self.facts}

    def stated(self, fact: str, given: object) -> str | float | bool | tuple[str, ...] | None:
        """A fact as the log keeps it. Raises Refused with the sentence of its type."""
        try:
            return stated(self.facts, fact, given)
        except UnreadableError as wrong:
            raise Refused(str(wrong)) from None

    # -- words -------------------------------------------------------------------------------------------------------

    def kinds(self) -> Mapping[str, str]:
        """Templates that can be requested, each in words."""
        found = {UPDATE: "Stakeholder update: business impact, timeline to resolution, prevention"}
        for regime in self.regimes.values():
            for stage in regime.stages:
                found[f"{regime.id}/{stage.id}"] = f"{regime.name}: {stage.name}"
        return found

    def draft(self, situation: Situation, template: str) -> Words:
        """The words of that template now. The digest covers the template's name and every word, and no clock."""
        known = self.known(situation)
        base = self._base(situation)
        if template == UPDATE:
            text = self.templates.fill(f"{template}.md.j2", plain_context(base))
            gaps = _gaps(text)
        else:
            regime_id, _, stage_id = template.partition("/")
            regime = self.regimes.get(regime_id)
            stage = regime.stage(stage_id) if regime else None
            if regime is None or stage is None:
                raise NotFound("notice template", template, sorted(self.kinds()))
            items = checklist(regime, stage, {**base, "facts": known})
            text = self.templates.fill(stage.template, context(regime, stage, items, base, known))
            gaps = draft(1, text, items, known, situation.now).gaps
        digest = hashlib.sha256(f"{template}\n{text}".encode()).hexdigest()
        return Words(text, digest, tuple(gaps))

    def postmortem(self, situation: Situation) -> str:
        """The post-mortem as the log would have it now, in Markdown. Raises Invalid where the template is wrong."""
        base = {**self._base(situation), **postmortem.material(situation)}
        return self.templates.fill(f"{postmortem.TEMPLATE}.md.j2", plain_context(base))

    def _base(self, situation: Situation) -> dict[str, object]:
        incident, impact = situation.incident, situation.incident.impact
        return {
            "as_of": situation.now,
            "incident": {
                "id": incident.id,
                "title": incident.title,
                "service": situation.service.title if situation.service else incident.service or None,
                "slice": incident.slice or None,
                "severity": str(incident.severity),
                "onset": incident.onset,
                "onset_basis": postmortem.onset_basis(situation),
                "detected": incident.detected,
                "acknowledged": incident.acknowledged,
                "mitigated": incident.mitigated,
                "resolved": incident.resolved,
                "cause": incident.cause.replace("_", " ") or None,
                "summary": impact.note if impact and impact.note else None,
            },
            "impact": {
                "events": impact.events if impact else None,
                "people": impact.people if impact else None,
                "money": float(impact.money) if impact and impact.money is not None else None,
                "currency": impact.currency if impact else None,
                "unknown": list(impact.unknowns) if impact else [],
            },
            "actions": [
                {
                    "at": mitigation.applied_at,
                    "what": f"{mitigation.plan.means} on {mitigation.plan.target}",
                    "by": situation.name(mitigation.proposed_by),
                    "outcome": _outcome(mitigation),
                }
                for mitigation in incident.mitigations.values()
                if mitigation.applied_at is not None
            ],
            "timeline": _changes(incident),
            "followups": [
                {
                    "what": item.text,
                    "owner": situation.name(item.owner),
                    "due": item.due,
                    "status": "done" if item.done else "open",
                }
                for item in incident.followups.values()
            ],
            "updates": [],
            "org": dict(self.organisation),
        }


def _outcome(mitigation: Mitigation) -> str:
    return f"taken back {utc(mitigation.undone_at)}" if mitigation.undone_at else str(mitigation.state)


def _changes(incident: Incident) -> list[dict[str, object]]:
    """What was changed and what was taken back, each at its time: a change that no longer stands is not told alone."""
    told: list[tuple[datetime, str]] = []
    for each in incident.mitigations.values():
        if each.applied_at is not None:
            told.append((each.applied_at, f"{each.plan.means}: {'; '.join(each.plan.diff)}"))
        if each.undone_at is not None:
            told.append((each.undone_at, f"that {each.plan.means} was taken back: {each.plan.undo}"))
    return [{"at": at, "what": what} for at, what in sorted(told, key=lambda pair: pair[0])]


def _because(said: Applicability) -> str:
    """The reason, with what counsel should look at beside it."""
    return " ".join((said.because, *said.remarks))


def _gaps(text: str) -> tuple[str, ...]:

    return tuple(dict.fromkeys(re.findall(r"\[\[ (?:not yet investigated|unknown): .+? \]\]", text)))
