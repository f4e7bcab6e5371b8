"""Reads one regime from its file, part by part, and names line and column of every mistake in it."""

from collections.abc import Iterable, Mapping
from pathlib import Path
from zoneinfo import ZoneInfo

import yaml

from bot.config.labels import read_labels
from bot.config.regime_pages import Page, collect
from bot.notices.counting import NAMES, UNITS_OF
from bot.notices.draft import VOCABULARY
from bot.notices.expression import Expression, ExpressionError, Or, parse
from bot.notices.form import answerable
from bot.notices.regime import (
    CONFIDENCE,
    KINDS,
    Citation,
    Conditional,
    Deadline,
    Exemption,
    Fact,
    Field,
    Form,
    InForce,
    Limit,
    Regime,
    Stage,
    Variant,
)

EFFECTS = ("lifts", "narrows", "counsel")
CHECKLIST = "notices/_checklist.md.j2"
_BROKEN = Or(())  # stands in for an expression that could not be read; the file is refused before anybody asks it


def read_regime(path: Path, facts: Mapping[str, Fact], folders: Iterable[Path] = ()) -> Regime:
    """One regime from its file; the folder carries its id. Raises Invalid with every problem of the file.

    A stage's template may lie beside the file or in a folder of the same name among `folders`.
    """
    page = Page(path)
    reader = _RegimeReader(page, facts, (path.parent.parent, *folders))
    regime = reader.regime(path.parent.name)
    page.finish()
    return regime


class _RegimeReader:
    """One method per part of a regime file."""

    def __init__(self, page: Page, facts: Mapping[str, Fact], folders: Iterable[Path]) -> None:
        self.page, self.facts, self.folders = page, facts, tuple(folders)
        self.types = {key: fact.type for key, fact in facts.items()}
        self.fields: Mapping[str, Field] = {}
        self.stage_ids: set[str] = set()

    def regime(self, folder: str) -> Regime:
        page = self.page
        words = (
            "id",
            "name",
            "jurisdiction",
            "category",
            "as_of",
            "confidence",
            "citations",
            "in_force",
            "who",
            "no_report",
            "trigger",
        )
        more = ("clock_start", "exemptions", "stages", "fields", "records", "penalties", "notes", "enabled", "timezone")
        top = page.entries(page.root, *words, *more)
        if page.text(top.get("id"), page.root) != folder:
            page.wrong(top.get("id"), f"the id is not the name of its folder, {folder!r}")
        self.fields = {key: self._field(key, node) for key, node in page.entries(top.get("fields")).items()}
        self.fields = collect(page.problems, read_labels, page.path.parent, self.fields) or self.fields
        nodes = page.items(top.get("stages"))
        self.stage_ids = {page.text(page.entries(node).get("id"), node) for node in nodes}
        start = self._clock(top.get("clock_start"), page.root)
        if not nodes:
            page.wrong(top.get("stages") or page.root, "a regime has at least one stage")
        return Regime(
            id=folder,
            name=page.text(top.get("name"), page.root),
            jurisdiction=page.text(top.get("jurisdiction"), page.root),
            category=page.text(top.get("category"), page.root),
            citations=tuple(self._citation(node) for node in page.items(top.get("citations"))),
            in_force=self._in_force(top.get("in_force")),
            trigger=self._expression(top.get("trigger"), page.root) or _BROKEN,
            clock_start=start,
            stages=tuple(self._stage(node, start) for node in nodes),
            facts=self.facts,
            fields=self.fields,
            who=page.texts(top.get("who")),
            no_report=page.text(top.get("no_report")),
            exemptions=tuple(self._exemption(node) for node in page.items(top.get("exemptions"))),
            records=page.text(top.get("records")),
            penalties=page.text(top.get("penalties")),
            confidence=page.one_of(top.get("confidence"), CONFIDENCE, "C", "degree of confidence"),
            as_of=page.day(top.get("as_of")),
            notes=page.text(top.get("notes")),
            enabled=page.one_of(top.get("enabled"), ("true", "false"), "true", "yes or no") == "true",
            timezone=self._zone(top.get("timezone")),
        )

    def _zone(self, node: yaml.Node | None) -> str:
        name = self.page.text(node)
        try:
            return ZoneInfo(name).key if name else ""
        except (KeyError, ValueError, OSError):
            self.page.wrong(node, f"there is no time zone {name!r}", "an IANA name such as Europe/Berlin")
            return ""

    def _field(self, key: str, node: yaml.Node) -> Field:
        parts = self.page.entries(node, "label", "help", "from", "number", "type", "choices", "choose")
        rules = self.page.entries(parts.get("choose"))
        choose = {choice: self._expression(rule, node) or _BROKEN for choice, rule in rules.items()}
        source = self.page.text(parts.get("from"))
        root, _, part = source.partition(".")
        there_is = root in VOCABULARY and (self._answered(part) if root == "facts" else part in VOCABULARY[root])
        if source and not there_is:
            self.page.wrong(
                parts["from"], f"{source!r} is no place in an incident", "such as incident.onset or facts.deaths"
            )
        return Field(
            key,
            self.page.text(parts.get("label"), node),
            self.page.text(parts.get("help")),
            source,
            self.page.text(parts.get("number")),
            self.page.text(parts.get("type")),
            tuple(choose) if "choose" in parts else self.page.texts(parts.get("choices")),
            choose,
        )

    def _answered(self, part: str) -> bool:
        """Whether it is a fact, or one entry of a map: `residents_by_state.TX`."""
        key, _, entry = part.partition(".")
        return key in self.types and (not entry or self.types[key].kind == "map")

    def _citation(self, node: yaml.Node) -> Citation:
        parts = self.page.entries(node, "instrument", "provision")
        return Citation(self.page.text(parts.get("instrument"), node), self.page.text(parts.get("provision"), node))

    def _in_force(self, node: yaml.Node | None) -> InForce:
        parts = self.page.entries(node, "since", "by", "until", "note")
        since, by = parts.get("since"), self.page.text(parts.get("by"))
        until, note = self.page.day(parts.get("until")), self.page.text(parts.get("note"))
        if not isinstance(since, yaml.MappingNode):
            return InForce(self.page.day(since), until=until, note=note)
        entries = self.page.entries(since)
        if by not in self.types:
            self.page.wrong(parts.get("by") or since, "dates by value need `by`, the fact whose value chooses the date")
        for word in entries:
            if by in self.types and word not in self.types[by].members:
                self.page.wrong(entries[word], f"{by} is {self.types[by]} and can never be {word}")
        dates = {word: day for word, entry in entries.items() if (day := self.page.day(entry)) is not None}
        return InForce(None, by, dates, until, note)

    def _exemption(self, node: yaml.Node) -> Exemption:
        parts = self.page.entries(node, "effect", "when", "to", "says")
        effect = self.page.one_of(parts.get("effect"), EFFECTS, "counsel", "effect of an exemption")
        if (effect == "narrows") != ("to" in parts):
            self.page.wrong(node, "an exemption that narrows, and only that, says in `to` where the duty remains")
        when = self._expression(parts.get("when"), node) or _BROKEN
        return Exemption(effect, when, self.page.text(parts.get("says"), node), self._expression(parts.get("to")))

    def _stage(self, node: yaml.Node, regime_start: str) -> Stage:
        page = self.page
        words = ("id", "name", "kind", "condition", "voluntary", "clock_start", "recipients", "deadline")
        parts = page.entries(node, *words, "required", "optional", "conditional", "answers", "form", "late_rule")
        form = page.entries(parts.get("form"), "name", "format", "channel", "language")
        stage_id = page.text(parts.get("id"), node)
        clocks = self._clocks(parts["clock_start"], node) if "clock_start" in parts else ()
        return Stage(
            id=stage_id,
            name=page.text(parts.get("name")) or stage_id.replace("_", " "),
            kind=page.one_of(parts.get("kind"), KINDS, "soft", "kind of stage"),
            clock_start=clocks[-1] if clocks else regime_start,
            clock_also=clocks[:-1],
            deadline=self._deadline(parts.get("deadline"), node),
            recipients=page.texts(parts.get("recipients")),
            condition=self._expression(parts.get("condition")),
            voluntary=page.one_of(parts.get("voluntary"), ("true", "false"), "false", "yes or no") == "true",
            required=self._field_keys(parts.get("required")),
            optional=self._field_keys(parts.get("optional")),
            conditional=tuple(self._conditional(item) for item in page.flat(parts.get("conditional"))),
            form=Form(**{key: page.text(value) for key, value in form.items()}),
            late_rule=page.text(parts.get("late_rule")),
            template=self._template(stage_id),
            answers=self._answers(parts.get("answers")),
        )

    def _template(self, stage_id: str) -> str:
        """The stage's own words, else the checklist that every stage can be written down with."""
        name = f"{self.page.path.parent.name}/{stage_id}.md.j2"
        return f"notices/{name}" if any((folder / name).is_file() for folder in self.folders) else CHECKLIST

    def _conditional(self, node: yaml.Node) -> Conditional:
        parts = self.page.entries(node, "field", "says", "when", "given")
        self._field_key(parts.get("field") or node)
        return Conditional(
            self.page.text(parts.get("field"), node),
            self.page.text(parts.get("says"), node),
            self._expression(parts.get("when")),
            self._answers(parts.get("given")),
        )

    def _answers(self, node: yaml.Node | None) -> dict[str, str]:
        """What lines are answered with, by field; where a field has choices, one of those."""
        found = {}
        for key, said in self.page.entries(node).items():
            found[key] = self.page.text(said, node)
            if key not in self.fields:
                self.page.wrong(said, f"{key!r} is not among the `fields` of this file")
            elif not answerable(self.fields[key], found[key]):
                self.page.wrong(said, f"{found[key]!r} is no choice of {key}", "; ".join(self.fields[key].choices))
        return found

    def _variant(self, node: yaml.Node) -> Variant:
        parts = self.page.entries(node, "when", "amount", "says")
        when = self._expression(parts.get("when"), node) or _BROKEN
        return Variant(when, self.page.number(parts.get("amount")), self.page.text(parts.get("says")))

    def _deadline(self, node: yaml.Node | None, stage: yaml.Node) -> Deadline:
        if node is None:
            self.page.wrong(stage, "a stage says by when in `deadline`, if only in the law's own words: {text: ...}")
            return Deadline()
        page = self.page
        words = ("counting", "amount", "unit", "strict", "outer", "text", "also", "calendar", "limits", "noon_relief")
        more = ("no_relief_for", "target_hours", "target_basis", "variants", "hours_by", "amounts_by", "amounts")
        parts = page.entries(node, *words, *more)
        method = {
            key: page.one_of(parts.get(key), NAMES, "", "way of counting") for key in ("counting", "strict", "outer")
        }
        amount, unit = page.number(parts.get("amount")), page.text(parts.get("unit"))
        limits = tuple(self._limit(item) for item in page.items(parts.get("limits")))
        hours_by = page.text(parts.get("hours_by"))
        if hours_by and (hours_by not in self.types or self.types[hours_by].kind != "map"):
            page.wrong(parts["hours_by"], f"{hours_by!r} is no fact that maps names to hours")
        amounts, amounts_by = self._amounts(parts, node)
        if not amount and not limits and not hours_by and "text" not in parts:
            page.wrong(node, "neither an amount nor the law's own words")
        for name in filter(None, method.values()):
            if (amount or amounts) and name in UNITS_OF and unit not in UNITS_OF[name]:
                page.wrong(
                    parts.get("unit") or node, f"{name} does not count {unit or 'nothing'}", ", ".join(UNITS_OF[name])
                )
        if (amount or amounts) and not method["counting"]:
            page.wrong(node, "an amount needs a way of `counting`", ", ".join(NAMES))
        return Deadline(
            counting=method["counting"] or "none",
            amount=amount,
            unit=unit or "days",
            strict=method["strict"],
            outer=method["outer"],
            text=page.text(parts.get("text")),
            also=page.text(parts.get("also")),
            calendar=page.text(parts.get("calendar")),
            limits=limits,
            noon_relief=page.one_of(parts.get("noon_relief"), ("true", "false"), "false", "yes or no") == "true",
            no_relief_for=page.texts(parts.get("no_relief_for")),
            target_hours=page.number(parts.get("target_hours")),
            target_basis=page.text(parts.get("target_basis")),
            variants=tuple(self._variant(item) for item in page.items(parts.get("variants"))),
            hours_by=hours_by,
            amounts_by=amounts_by,
            amounts=amounts,
        )

    def _amounts(self, parts: Mapping[str, yaml.Node], node: yaml.Node) -> tuple[Mapping[str, int], str]:
        """A number for each place, and the map fact that says where somebody is concerned."""
        page, by = self.page, self.page.text(parts.get("amounts_by"))
        amounts = {place: page.number(given) for place, given in page.entries(parts.get("amounts")).items()}
        if bool(by) != bool(amounts) or (by and (by not in self.types or self.types[by].kind != "map")):
            what = "a number for each place needs `amounts` and, in `amounts_by`, the fact that counts people by place"
            page.wrong(parts.get("amounts_by") or parts.get("amounts") or node, what)
        if amounts and "text" not in parts:
            page.wrong(parts["amounts"], "what holds in a place without a number is said in `text`")
        return amounts, by

    def _limit(self, node: yaml.Node) -> Limit:
        parts = self.page.entries(node, "amount", "unit", "from", "counting", "unless_later_than")
        return Limit(
            amount=self.page.number(parts.get("amount")),
            unit=self.page.text(parts.get("unit"), node),
            start=self._clock(parts.get("from"), node),
            counting=self.page.one_of(parts.get("counting"), UNITS_OF, "elapsed_hours", "way of counting"),
            unless_later_than=self._clock(parts["unless_later_than"], node) if "unless_later_than" in parts else "",
        )

    def _clock(self, node: yaml.Node | None, parent: yaml.Node | None) -> str:
        """A timestamp fact, or `stage_submitted(<stage>)`; the bracket may name the latest of them."""
        word = self.page.text(node, parent)
        if word.startswith("stage_submitted(") and word.endswith(")"):
            named = word.removeprefix("stage_submitted(").removesuffix(")").removeprefix("latest ")
            if self.stage_ids and named not in {*self.stage_ids, "latest"}:
                self.page.wrong(node, f"there is no stage called {named!r}", ", ".join(sorted(self.stage_ids)))
        elif word and (word not in self.types or self.types[word].kind != "timestamp"):
            self.page.wrong(node, f"{word!r} is no fact of type timestamp, so no clock can start on it")
        return word

    def _clocks(self, node: yaml.Node, stage: yaml.Node) -> tuple[str, ...]:
        """One clock, or a list of which the earliest counts."""
        several = self.page.items(node) if isinstance(node, yaml.SequenceNode) else [node]
        return tuple(self._clock(each, stage) for each in several)

    def _field_keys(self, node: yaml.Node | None) -> tuple[str, ...]:
        items = self.page.flat(node)
        for item in items:
            self._field_key(item)
        return tuple(self.page.text(item) for item in items)

    def _field_key(self, item: yaml.Node) -> None:
        if isinstance(item, yaml.ScalarNode) and self.page.text(item) not in self.fields:
            self.page.wrong(item, f"{self.page.text(item)!r} is not among the `fields` of this file")

    def _expression(self, node: yaml.Node | None, required_in: yaml.Node | None = None) -> Expression | None:
        source = self.page.text(node, required_in)
        if not source:
            return None
        try:
            return parse(source, self.types)
        except ExpressionError as wrong:
            self.page.wrong(node, wrong.what, at=wrong.at)
            return None
