"""Reads the typed facts the law turns on, and the answers people wrote down, and names the place of each mistake."""

import re
from collections.abc import Mapping
from dataclasses import replace
from difflib import get_close_matches
from pathlib import Path

import yaml

from bot.config.regime_pages import Page
from bot.notices.derive import FUNCTIONS
from bot.notices.expression import ExpressionError, parse
from bot.notices.facts import Facts, FactType, UnreadableError, Value
from bot.notices.regime import ASKED, Derivation, Fact

_CALL = re.compile(r"(\w+)\((\w+)((?:,\s*\w+)*)\)\Z")


def read_facts(path: Path) -> dict[str, Fact]:
    """The fact list of one file. Raises Invalid."""
    page = Page(path)
    facts: dict[str, Fact] = {}
    computed: dict[str, yaml.Node] = {}
    for key, node in page.entries(page.entries(page.root, "facts", "as_of").get("facts")).items():
        parts = page.entries(node, "type", "label", "note", "asks", "computed")
        try:
            kind = FactType.parse(page.text(parts.get("type"), node))
        except UnreadableError as wrong:
            page.wrong(parts.get("type") or node, str(wrong))
            continue
        facts[key] = Fact(
            key,
            kind,
            page.text(parts.get("label")) or key.replace("_", " "),
            page.text(parts.get("note")),
            page.one_of(parts.get("asks"), ASKED, "counsel", "person a fact is asked of"),
        )
        if "computed" in parts:
            computed[key] = parts["computed"]
    for key, node in computed.items():
        facts[key] = replace(facts[key], computed=_computed(page, node, facts, facts[key].type))
    page.finish()
    return facts


def read_answers(path: Path, facts: Mapping[str, Fact]) -> Facts:
    """The facts people wrote into a YAML file (`sec_registrant: no`), each checked by its type. Raises Invalid."""
    page = Page(path)
    answers = answered(page, page.entries(page.root), facts)
    page.finish()
    return answers


def answered(page: Page, nodes: Mapping[str, yaml.Node], facts: Mapping[str, Fact]) -> dict[str, Value | None]:
    """The facts among these entries; what is none, or cannot be read, is a problem of the page."""
    answers: dict[str, Value | None] = {}
    for key, node in nodes.items():
        if key not in facts:
            page.wrong(node, f"there is no fact called {key!r}", ", ".join(get_close_matches(key, facts, 3)))
            continue
        try:
            answers[key] = facts[key].type.read(page.plain(node))
        except UnreadableError as wrong:
            page.wrong(node, f"{key}: {wrong}")
    return answers


def _computed(page: Page, node: yaml.Node, facts: Mapping[str, Fact], kind: FactType) -> Derivation | None:
    """`total(people)`, `others(people, CA)`, or for a yes-or-no fact a rule over other facts."""
    source = page.text(node)
    call = _CALL.match(source)
    if call and call[1] in FUNCTIONS:
        if call[2] not in facts:
            page.wrong(node, f"there is no fact called {call[2]!r}")
        but = tuple(word.strip() for word in call[3].split(",") if word.strip())
        if bool(but) != (call[1] == "others"):
            page.wrong(node, "others, and only that, names after a comma what it leaves out", "others(fact, CA, NY)")
        return Derivation(None, call[1], call[2], but)
    if kind.kind != "bool":
        page.wrong(node, "only a yes-or-no fact follows from a rule", ", ".join(f"{name}(fact)" for name in FUNCTIONS))
        return None
    try:
        return Derivation(parse(source, {key: fact.type for key, fact in facts.items()}))
    except ExpressionError as wrong:
        page.wrong(node, wrong.what, at=wrong.at)
        return None
