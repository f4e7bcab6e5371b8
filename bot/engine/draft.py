"""Duties and words: every regime is asked with the facts the log holds, every notice is filled from the same log."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from datetime import datetime

from bot.domain.duty import Answer, Due, Duty
from bot.domain.errors import NotFound, Refused
from bot.domain.filing import filed
from bot.domain.incident import Incident
from bot.domain.mitigation import Mitigation
from bot.domain.notice import Notice
from bot.engine import postmortem
from bot.engine.situation import Situation, Words
from bot.notices.applicability import facts_used
from bot.notices.ask import Asked, Clock, OpenQuestion, ask, open_questions
from bot.notices.checklist import GAP, Entry, Item, checklist
from bot.notices.deadline import Policy as Counting
from bot.notices.derive import derived
from bot.notices.draft import context, draft, plain_context
from bot.notices.facts import Facts, UnreadableError, Value, plain
from bot.notices.merge import Merged, merge
from bot.notices.regime import Fact, Field, Regime, Stage, stated
from bot.words import Words as Templates
from bot.words import utc

STAKEHOLDERS = "stakeholders/"
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
        standing: Mapping[str, object] | None = None,
        counting: Counting | None = None,
    ) -> None:
        self.facts, self.regimes, self.templates = facts, regimes, templates
        self.organisation, self.tz, self.country = organisation, tz, country
        self.standing = standing or {}  # what holds of the organisation in every incident
        self.counting = counting

    # -- duties ------------------------------------------------------------------------------------------------------

    def duties(self, situation: Situation) -> tuple[Duty, ...]:
        """Every enabled regime's answer, with the clocks of the notices it asks for or may ask for."""
        return tuple(duty_of(each) for each in self.asked(situation))

    def questions(self, situation: Situation) -> tuple[OpenQuestion, ...]:
        """What would settle the open duties. One that a person decided is settled."""
        decided = {name for name, duty in situation.incident.duties.items() if duty.decided_by}
        asked = [each for each in self.asked(situation) if each.regime.id not in decided]
        return open_questions(asked, self.known(situation))

    def asked(self, situation: Situation) -> tuple[Asked, ...]:
        """Every enabled regime, asked with the facts known now."""
        known, incident = self.known(situation), situation.incident
        today = (incident.detected or situation.now).date()
        return tuple(
            ask(
                regime,
                known,
                today=today,
                tz=self.tz,
                country=self.country,
                submitted=filed(incident, regime.id),
                policy=self.counting,
                decided=_decision(incident, regime.id),
            )
            for regime in self.regimes.values()
        )

    def known(self, situation: Situation) -> dict[str, Value | None]:
        """The typed facts: what people stated wins over the catalogue, both over the organisation and the log.

        What follows from others is added last.
        """
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
        stated = {**self.standing, **(situation.service.legal if situation.service else {}), **incident.facts}
        for key, raw in stated.items():
            fact = self.facts.get(key)
            if fact is None:
                continue
            given = fact.type.typed(raw) if isinstance(raw, str) else list(raw) if isinstance(raw, tuple) else raw
            try:
                found[key] = fact.type.read(given)
            except UnreadableError:
                found[key] = None  # what cannot be read is not known; `tocsin check` names it in files
        return derived({key: value for key, value in found.items() if key in self.facts}, self.facts)

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

    def draft(self, situation: Situation, template: str, notice: Notice | None = None) -> Words:
        """The words of that template now, with what people entered and reworded in that notice.

        The digest covers the template's name and every word, and no clock.
        """
        base = self._base(situation)
        if template.startswith(STAKEHOLDERS):
            text = self.templates.fill(f"{template}.md.j2", plain_context(base))
            return self._words(template, text, (), (), {}, notice)
        regime, stage = self._stage(template)
        known = self.known(situation)
        entries = _entries(situation.incident, notice)
        items = checklist(regime, stage, {**base, "facts": known}, entries)
        text = self.templates.fill(stage.template, context(regime, stage, items, base, known))
        gaps = draft(1, text, items, known, situation.now).gaps
        rules = f"{regime.id} {regime.as_of}" if regime.as_of else regime.id
        used = {key: known[key] for key in facts_used(regime) if known.get(key) is not None}
        return self._words(template, text, gaps, items.items, used, notice, rules)

    def _stage(self, template: str) -> tuple[Regime, Stage]:
        regime_id, _, stage_id = template.partition("/")
        regime = self.regimes.get(regime_id)
        stage = regime.stage(stage_id) if regime else None
        if regime is None or stage is None:
            raise NotFound("notice template", template, sorted(self.kinds()))
        return regime, stage

    def _words(
        self,
        template: str,
        base: str,
        gaps: tuple[str, ...],
        items: tuple[Item, ...],
        facts: Facts,
        notice: Notice | None,
        rules: str = "",
    ) -> Words:
        """The words with counsel's rewording merged in; what is still missing is counted in the result."""
        worded = notice.rewording if notice else None
        merged = merge(worded.base, worded.text, base) if worded else Merged(base)
        text = merged.text
        written = tuple(GAP.findall(text))
        unsaid = tuple(each for each in gaps if each not in GAP.findall(base))  # required lines the template leaves out
        return Words(
            text,
            hashlib.sha256(f"{template}\n{text}".encode()).hexdigest(),
            tuple(dict.fromkeys((*written, *unsaid))),
            base,
            items,
            json.dumps(plain(facts), sort_keys=True, separators=(",", ":")) if facts else "",
            rules,
            merged.clashes,
        )

    def entered(self, template: str, key: str, value: str) -> str:
        """A line of a form as the log keeps it. Raises Refused: there is no such line, or the form gives choices."""
        _regime, stage = self._stage(template) if not template.startswith(STAKEHOLDERS) else (None, None)
        if stage is None or _regime is None or key not in stage.keys:
            raise Refused(f"{template} has no line {key!r}")
        field = _regime.fields[key]
        if value and field.choices:
            return _chosen(field, value)
        return value

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


def _decision(incident: Incident, regime: str) -> str:
    duty = incident.duties.get(regime)
    return str(duty.answer) if duty is not None and duty.decided_by else ""


def duty_of(asked: Asked) -> Duty:
    """A regime's answer as the log keeps it: what counsel should look at stands behind the reason."""
    said, first = asked.said, asked.first
    rule = str(asked.regime.as_of or "")
    return Duty(
        regime=asked.regime.id,
        name=asked.regime.name,
        answer=Answer(said.answer),
        because=" ".join((said.because, *said.remarks)),
        stage=first.said.stage.id if first else "",
        strict=first.dates.strict if first else None,
        outer=first.dates.outer if first else None,
        ask=said.ask,
        rests_on=said.rests_on,
        applies_from=said.applies_from,
        would_be=Answer(said.would_be) if said.would_be else None,
        dues=tuple(_due(asked.regime, each, rule) for each in asked.clocks if each.said.answer != "no"),
    )


def _due(regime: Regime, clock: Clock, rule: str) -> Due:
    return Due(
        stage=clock.said.stage.id,
        name=clock.said.stage.name,
        answer=Answer(clock.said.answer),
        start=clock.start,
        started=clock.started,
        strict=clock.dates.strict,
        outer=clock.dates.outer,
        because=_named(regime, clock.said.stage, clock.dates.because),
        by_law=clock.dates.by_law,
        rule=rule,
    )


def _named(regime: Regime, stage: Stage, because: str) -> str:
    """How a date was counted, with the moments it counts from as people name them."""
    starts = {stage.clock_start, *stage.clock_also, *(limit.start for limit in stage.deadline.limits)}
    for start in sorted(starts, key=len, reverse=True):
        because = because.replace(start, f"“{_moment(regime, start)}”")
    return because


def _moment(regime: Regime, start: str) -> str:
    """The moment a clock starts on: a fact by its label, a notice by its name."""
    if not start.startswith("stage_submitted("):
        return regime.label(start)
    before = regime.stage(start.removeprefix("stage_submitted(").rstrip(")").split()[-1])
    return f"{before.name if before else 'the last report'} filed"


def _entries(incident: Incident, notice: Notice | None) -> dict[str, Entry]:
    """What people entered: in this notice, else for the same line of another one, so that all say the same."""
    latest = sorted(
        ((given.at, key, given) for each in incident.notices.values() for key, given in each.given.items()),
        key=lambda triple: triple[0],
    )
    found = {key: given for _at, key, given in latest}
    found.update(notice.given if notice else {})
    return {key: Entry(given.value or None, given.unknown_because) for key, given in found.items()}


def _chosen(field: Field, value: str) -> str:
    """One of the form's own choices, or several of a multiple one. Raises Refused, listing them."""
    several = "multi" in field.type.lower()
    parts = [part.strip() for part in value.split(";")] if several else [value.strip()]
    known = {choice.casefold(): choice for choice in field.choices}
    strange = [part for part in parts if part.casefold() not in known]
    if strange:
        apart = " (several apart by ;)" if several else ""
        raise Refused(f"{field.label}: {strange[0]!r} is none of: {'; '.join(field.choices)}{apart}")
    return "; ".join(known[part.casefold()] for part in parts)
