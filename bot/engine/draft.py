"""Duties and words: every regime is asked with the facts the log holds, every notice is filled from the same log."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from datetime import date

from bot.domain.clocks import called
from bot.domain.duty import Answer, Due, Duty
from bot.domain.errors import NotFound, Refused
from bot.domain.filing import filed
from bot.domain.incident import Incident
from bot.domain.notice import Notice
from bot.domain.service import Service
from bot.engine import postmortem
from bot.engine.affected import implied
from bot.engine.audiences import FOLDER, Audiences
from bot.engine.material import material
from bot.engine.situation import Situation, Words
from bot.notices.applicability import Applicability, answer, facts_used
from bot.notices.ask import Asked, Clock, OpenQuestion, ask, open_questions
from bot.notices.checklist import GAP, Checklist, Entry, Item, as_json, checklist, in_language
from bot.notices.clocks import in_words
from bot.notices.deadline import Policy as Counting
from bot.notices.deadline import rule_version
from bot.notices.derive import derived
from bot.notices.dora_json import report
from bot.notices.draft import context, draft, plain_context
from bot.notices.facts import Facts, UnreadableError, Value, plain
from bot.notices.form import typed
from bot.notices.locales import locale as manner
from bot.notices.locales import parted, tags
from bot.notices.merge import Merged, merge
from bot.notices.regime import Fact, Regime, Stage, stated
from bot.words import Words as Templates

STAKEHOLDERS = f"{FOLDER}/"


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
        self.audiences = Audiences(templates)
        self.standing = standing or {}  # what holds of the organisation in every incident
        self.counting = counting

    # -- duties ------------------------------------------------------------------------------------------------------

    def duties(self, situation: Situation) -> tuple[Duty, ...]:
        """Every enabled regime's answer, with the clocks of the notices it asks for or may ask for."""
        return tuple(duty_of(each, rule_version(each.regime, self.counting)) for each in self.asked(situation))

    def questions(self, situation: Situation) -> tuple[OpenQuestion, ...]:
        """What would settle the open duties. One that a person decided is settled."""
        decided = {name for name, duty in situation.incident.duties.items() if duty.decided_by}
        asked = [each for each in self.asked(situation) if each.regime.id not in decided]
        return open_questions(asked)

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
                now=situation.now,
            )
            for regime in self.regimes.values()
        )

    def of_service(self, service: Service, today: date) -> tuple[tuple[Regime, Applicability], ...]:
        """Every enabled regime's answer for a service by what holds of it in every incident, before one happens."""
        known = self._read({}, {**self.standing, **service.legal})
        return tuple((each, answer(each, known, today=today, tz=self.tz)) for each in self.regimes.values())

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
            **implied(incident),
        }
        stated = {**self.standing, **(situation.service.legal if situation.service else {}), **incident.facts}
        return self._read(found, stated)

    def _read(self, found: dict[str, Value | None], stated: Mapping[str, object]) -> dict[str, Value | None]:
        """Those facts with what was stated, typed, and with what follows from them."""
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

    def label(self, fact: str) -> str:
        """What people call a fact."""
        known = self.facts.get(fact)
        return known.label if known else fact.replace("_", " ")

    # -- words -------------------------------------------------------------------------------------------------------

    def kinds(self) -> Mapping[str, str]:
        """Templates that can be requested, each in words; one that exists in another language is one more kind."""
        found = dict(self.audiences.kinds())
        for regime in self.regimes.values():
            inside = [parted(name) for name in self.templates.inside(f"notices/{regime.id}")]
            for stage in regime.stages:
                said = called(regime.name, stage.name)
                found[f"{regime.id}/{stage.id}"] = said
                there_is = [tag for stem, tag in inside if tag and stem == stage.id]
                found |= {f"{regime.id}/{stage.id}.{tag}": f"{said}, in {manner(tag).language}" for tag in there_is}
        return found

    def draft(self, situation: Situation, template: str, notice: Notice | None = None, locale: str = "") -> Words:
        """The words of that template now, with what people entered and reworded in that notice.

        The digest covers the template's name and every word, and no clock. The language is that of the template's own
        name (`stakeholders/executives.de`), else of the notice or `locale`, where the template is there in it.
        """
        base, known = self._base(situation), self.known(situation)
        wanted = locale or (notice.locale if notice else "")
        if template.startswith(STAKEHOLDERS):
            if template not in self.audiences.kinds():
                raise NotFound("notice template", template, sorted(self.kinds()))
            text = self.templates.fill(f"{template}.md.j2", plain_context(base, self.facts, known), wanted)
            return self._words(template, text, (), (), {}, notice)
        regime, stage = self._stage(template)
        there_is = self.templates.locales(stage.template)
        tag = next((each for each in tags(parted(template)[1] or wanted) if each in there_is), "")
        entries = _entries(situation.incident, notice)
        items = in_language(checklist(regime, stage, {**base, "facts": known}, entries), regime, tag)
        text = self.templates.fill(stage.template, context(regime, stage, items, base, known), tag)
        gaps = draft(1, text, items, known, situation.now, manner(tag)).gaps
        rules = rule_version(regime, self.counting)
        used = {key: known[key] for key in facts_used(regime) if known.get(key) is not None}
        return self._words(template, text, gaps, items.items, used, notice, rules, _form(regime, items))

    def _stage(self, template: str) -> tuple[Regime, Stage]:
        name, tag = parted(template)
        regime_id, _, stage_id = name.partition("/")
        regime = self.regimes.get(regime_id)
        stage = regime.stage(stage_id) if regime else None
        if regime is None or stage is None or (tag and template not in self.kinds()):
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
        form: str = "",
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
            form,
        )

    def entered(self, template: str, key: str, value: str) -> str:
        """A line of a form as the log keeps it. Raises Refused: no such line, or the form takes no such answer."""
        _regime, stage = self._stage(template) if not template.startswith(STAKEHOLDERS) else (None, None)
        if stage is None or _regime is None or key not in stage.keys:
            raise Refused(f"{template} has no line {key!r}")
        field = _regime.fields[key]
        if value:
            try:
                typed(field, value)
            except UnreadableError as why:
                raise Refused(f"{field.number} {field.label}: {why}".strip()) from None
        return value

    def postmortem(self, situation: Situation) -> str:
        """The post-mortem as the log would have it now, in Markdown. Raises Invalid where the template is wrong."""
        base = {**self._base(situation), **postmortem.material(situation)}
        return self.templates.fill(f"{postmortem.TEMPLATE}.md.j2", plain_context(base))

    def _base(self, situation: Situation) -> dict[str, object]:
        return material(situation, self.organisation, self.known(situation))


def _form(regime: Regime, items: Checklist) -> str:
    """The lines of the form as data, by the form's own numbers; what the form would not take is said in it."""
    try:
        told: dict[str, object] = report(regime, items)
    except UnreadableError as wrong:
        told = {**as_json(items), "wrong": str(wrong).splitlines()}
    return json.dumps(told, ensure_ascii=False, separators=(",", ":"), default=str)


def _decision(incident: Incident, regime: str) -> str:
    duty = incident.duties.get(regime)
    return str(duty.answer) if duty is not None and duty.decided_by else ""


def duty_of(asked: Asked, rule: str) -> Duty:
    """A regime's answer as the log keeps it: what counsel should look at stands behind the reason."""
    said, first = asked.said, asked.first
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
        again=asked.again,
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
        because=in_words(regime, clock.dates.because),
        by_law=clock.dates.by_law,
        recurs=clock.said.stage.recurs,
        rule=rule,
    )


def _entries(incident: Incident, notice: Notice | None) -> dict[str, Entry]:
    """What people entered: in this notice, else for the same line of another one, so that all say the same.

    What stands in a privileged notice is in no other.
    """
    open_ones = [each for each in incident.notices.values() if each.privilege is None]
    latest = sorted(
        ((given.at, key, given) for each in open_ones for key, given in each.given.items()),
        key=lambda triple: triple[0],
    )
    found = {key: given for _at, key, given in latest}
    found.update(notice.given if notice else {})
    return {key: Entry(given.value or None, given.unknown_because) for key, given in found.items()}
