"""Duties and words: every regime is asked with the facts the log holds, every notice is filled from the same log."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from datetime import datetime

from bot.domain.duty import Answer, Duty
from bot.domain.errors import NotFound, Refused
from bot.engine import postmortem
from bot.engine.audiences import FOLDER, Audiences
from bot.engine.material import material
from bot.engine.situation import Situation, Words
from bot.notices.applicability import Applicability, answer, stages
from bot.notices.checklist import checklist, in_language
from bot.notices.deadline import Dates, deadlines
from bot.notices.draft import context, draft, plain_context
from bot.notices.facts import Facts, UnreadableError, Value
from bot.notices.locales import GAP, parted, tags
from bot.notices.locales import locale as manner
from bot.notices.regime import Fact, Regime, stated
from bot.words import Words as Templates


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
    ) -> None:
        self.facts, self.regimes, self.templates = facts, regimes, templates
        self.organisation, self.tz, self.country = organisation, tz, country
        self.audiences = Audiences(templates)

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
            dates = deadlines(each.stage, start, self.tz, self.country)
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
        """Templates that can be requested, each in words; one that exists in another language is one more kind."""
        found = dict(self.audiences.kinds())
        for regime in self.regimes.values():
            inside = [parted(name) for name in self.templates.inside(f"notices/{regime.id}")]
            for stage in regime.stages:
                said = f"{regime.name}: {stage.name}"
                found[f"{regime.id}/{stage.id}"] = said
                there_is = [tag for stem, tag in inside if tag and stem == stage.id]
                found |= {f"{regime.id}/{stage.id}.{tag}": f"{said}, in {manner(tag).language}" for tag in there_is}
        return found

    def draft(self, situation: Situation, template: str, locale: str = "") -> Words:
        """The words of that template now. The digest covers the template's name and every word, and no clock.

        In the language of `locale`, or of the template's own name (`stakeholders/executives.de`), where there is one.
        """
        known = self.known(situation)
        base = self._base(situation)
        if template.startswith(f"{FOLDER}/"):
            if template not in self.audiences.kinds():
                raise NotFound("notice template", template, sorted(self.kinds()))
            text = self.templates.fill(f"{template}.md.j2", plain_context(base, self.facts, known), locale)
            gaps = tuple(dict.fromkeys(GAP.findall(text)))
        else:
            name, tag = parted(template)
            regime_id, _, stage_id = name.partition("/")
            regime = self.regimes.get(regime_id)
            stage = regime.stage(stage_id) if regime else None
            if regime is None or stage is None or (tag and template not in self.kinds()):
                raise NotFound("notice template", template, sorted(self.kinds()))
            there_is = self.templates.locales(stage.template)
            tag = next((each for each in tags(tag or locale) if each in there_is), "")
            items = in_language(checklist(regime, stage, {**base, "facts": known}), regime, tag)
            text = self.templates.fill(stage.template, context(regime, stage, items, base, known), tag)
            gaps = draft(1, text, items, known, situation.now).gaps
        digest = hashlib.sha256(f"{template}\n{text}".encode()).hexdigest()
        return Words(text, digest, tuple(gaps))

    def postmortem(self, situation: Situation) -> str:
        """The post-mortem as the log would have it now, in Markdown. Raises Invalid where the template is wrong."""
        base = {**self._base(situation), **postmortem.material(situation)}
        return self.templates.fill(f"{postmortem.TEMPLATE}.md.j2", plain_context(base))

    def _base(self, situation: Situation) -> dict[str, object]:
        return material(situation, self.organisation, self.known(situation), self.regimes)


def _because(said: Applicability) -> str:
    """The reason, with what counsel should look at beside it."""
    return " ".join((said.because, *said.remarks))
