"""Whatever is known, and whatever somebody wrote: every template fills, shows its gaps, and carries nothing that acts."""

from __future__ import annotations

import csv
import io
import re
import unicodedata
import zipfile
import zlib
from dataclasses import replace
from html.parser import HTMLParser
from xml.etree import ElementTree as ET

import pytest

from bot.config.templates import template_problems
from bot.documents import Document, parse
from bot.documents.csv import Csv
from bot.documents.docx import Docx
from bot.documents.pdf import Pdf
from bot.domain.notice import Notice, Standing, Version
from bot.notices.checklist import GAP
from bot.notices.draft import draft
from bot.slack.message import verbatim
from bot.slack.views import notice as view
from bot.web.phrases import rendered
from tests.notices.every import (
    ATTACKS,
    KEPT,
    LONG,
    NOON,
    PLAIN,
    REGIMES,
    TEMPLATES,
    WORDS,
    Template,
    every,
    files,
    lines,
    rich,
    shape,
    sparse,
    worded,
)
from tests.slack.hostile import faults
from tests.slack.situations import situations

EVERY = list(every())
BY_NAME = pytest.mark.parametrize("template", EVERY, ids=str)
BY_ATTACK = pytest.mark.parametrize("attack", ATTACKS)


def exported(text: str) -> Document:
    return Document.of(text, title="Notice", regime="r", stage="s", status="draft", as_of=NOON, digest="ab" * 32)


def manners(text: str) -> set[tuple[bool, bool, bool]]:
    """In which manners words are set: bold, italic, code."""
    return {(r.bold, r.italic, r.code) for block in parse(text) for line in lines(block) for r in line if not r.gap}


def gaps(text: str) -> list[str]:
    """The open places a reader sees, after Markdown was read."""
    return [run.text for block in parse(text) for line in lines(block) for run in line if run.gap]


# -- what is there ---------------------------------------------------------------------------------------------------


def test_no_template_is_forgotten():
    """Each file of the folder is a stage's, a stakeholder's or the post-mortem's, and is looked at below."""
    assert {str(path.relative_to(TEMPLATES)) for path in files()} <= {each.name for each in EVERY}
    assert {"board", "customers", "executives", "executives.de", "press"} <= set(WORDS.inside("stakeholders"))


def test_no_template_uses_a_word_it_is_not_given():
    """Nor a filter there is none of: the check that an installation runs finds nothing in what is shipped."""
    assert list(template_problems(TEMPLATES, TEMPLATES, REGIMES)) == []


@BY_NAME
def test_a_template_fills_when_everything_is_known(template):
    """No gap is left that a fact could fill, and no value shows the language it is kept in."""
    text, items = template.drafted(*rich(), said="said by counsel")
    assert not re.search(r"None|Undefined|datetime|frozenset|Range\(|\{'", text)
    if items is not None:
        assert items.complete
        assert all("said by counsel" in gap for gap in draft(1, text, items, {}, NOON).gaps)
    else:
        left = set(GAP.findall(text))
        assert left <= set(GAP.findall(template.filled(*sparse())))


@BY_NAME
def test_a_template_fills_when_hardly_anything_is_known(template):
    """What is missing is a gap that can be seen, in the language of the template."""
    text, items = template.drafted(*sparse())
    assert "None" not in text
    made = gaps(text)
    assert made or template.name == "postmortem.md.j2"
    if items is not None:
        open_places = draft(1, text, items, {}, NOON).gaps
        assert all(any(each.label in place for place in open_places) for each in items.missing)
    if template.tag == "de":
        assert not any("not yet investigated" in each or "unknown:" in each for each in made)


@pytest.mark.parametrize("template", [each for each in EVERY if each.name != "postmortem.md.j2"], ids=str)
def test_equal_facts_make_equal_words(template):
    """Looking again later changes nothing: no notice prints the moment it is filled, as a post-mortem does."""
    base, facts = rich()
    later = {**base, "as_of": NOON.replace(year=2031)}
    assert template.filled(base, facts) == template.filled(later, facts)


# -- what somebody wrote ---------------------------------------------------------------------------------------------


@BY_NAME
def test_what_somebody_wrote_builds_nothing(template):
    """Headings, lists, tables, bold words, code and gaps are the template's own, whatever the values hold."""
    usual = template.filled(*worded(PLAIN), said=PLAIN)
    for name, text in ATTACKS.items():
        made = template.filled(*worded(text), said=text)
        assert KEPT in made, name
        assert shape(made) == shape(usual), name
        assert manners(made) <= manners(usual), name
        assert len(gaps(made)) == len(gaps(usual)), name
        assert not re.search("[\x00-\x08\x0b-\x1f\x7f-\x9f\u202a-\u202e\u2066-\u2069\u200b\ufeff\ud800-\udfff]", made)


@BY_NAME
def test_nothing_somebody_wrote_acts_in_a_spreadsheet(template):
    """No cell of the CSV begins as a formula, behind whatever stands before it."""
    for name, text in ATTACKS.items():
        made = Csv().write(exported(template.filled(*worded(text), said=text))).decode("utf-8-sig")
        cells = [cell for row in csv.reader(io.StringIO(made)) for cell in row]
        assert any(KEPT in cell for cell in cells), name
        for cell in cells:
            first = next((sign for sign in cell if not sign.isspace() and unicodedata.category(sign)[0] != "C"), "")
            assert first not in "=+-@＝＋－＠" or not first, (name, cell[:80])
            assert cell[:1] not in {"\t", "\r", "\n"}, name


class Tags(HTMLParser):
    """What a browser would make elements and addresses of, and the words it would show."""

    def __init__(self) -> None:
        super().__init__()
        self.elements, self.addresses, self.said = set[str](), list[str](), ""

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.elements.add(tag)
        self.addresses += [str(value) for key, value in attrs if key in {"href", "src"} or key.startswith("on")]

    def handle_data(self, data: str) -> None:
        self.said += data


@BY_NAME
def test_nothing_somebody_wrote_acts_on_a_page(template):
    """The page has the elements of Markdown and no others, and no link or picture."""
    for name, text in ATTACKS.items():
        page = Tags()
        page.feed(str(rendered(template.filled(*worded(text), said=text))))
        assert page.elements <= {"h1", "h2", "h3", "p", "ul", "ol", "li", "table", "thead", "tbody", "tr", "th", "td"} | {
            "strong", "em", "mark", "br"
        }, name  # fmt: skip
        assert page.addresses == [], name
        assert KEPT in page.said, name


@BY_NAME
def test_nothing_somebody_wrote_acts_in_slack(template):
    """Neither the dialog that shows the words nor the message about them mentions, links or hides anything."""
    situation = next(made for _, made in situations())
    for name, text in ATTACKS.items():
        made = template.filled(*worded(text), said=text)
        version = Version(1, made, "ab" * 32, tuple(GAP.findall(made)), NOON, "ana")
        each = Notice("N1", "stakeholders/update", "", "", Standing.FROZEN, "ana", (version,))
        shown = replace(situation, notice_kinds={"stakeholders/update": "Update"})
        dialog = verbatim(view.review(shown, each))
        assert faults("view", dialog) == [], name
        assert KEPT in str(dialog), name
        message = view.render(shown, each)
        assert faults("message", {"text": message.text, "blocks": verbatim(message.blocks)}) == [], name


# -- files, all templates in one -------------------------------------------------------------------------------------


SOME = [each for each in EVERY if each.regime is None or each.stage is each.regime.stages[0]]
"""Whoever is no regulator, and the first notice of each regime: the others are written by the same writers."""


def together(attack: str) -> Document:
    """Their words as one notice: a file is as safe as its most careless page."""
    text = ATTACKS[attack]
    return exported("\n\n".join(each.filled(*worded(text), said=text) for each in SOME))


W = "{http://schemas.openxmlformats.org/wordprocessingml/2006/main}"
PAGES = re.compile(r"\s*(PAGE|NUMPAGES|SECTIONPAGES)\b[^\"]*")


@BY_ATTACK
def test_nothing_somebody_wrote_acts_in_a_word_file(attack):
    """No field code but page numbers, no link, no address outside the file; the words are there to be read."""
    with zipfile.ZipFile(io.BytesIO(Docx().write(together(attack)))) as file:
        parts = {name: file.read(name) for name in file.namelist()}
    trees = {name: ET.fromstring(part) for name, part in parts.items() if name.endswith((".xml", ".rels"))}
    for name, tree in trees.items():
        codes = [node.text or "" for node in tree.iter(f"{W}instrText")]
        codes += [node.get(f"{W}instr", "") for node in tree.iter(f"{W}fldSimple")]
        assert all(PAGES.fullmatch(code) for code in codes), (name, codes)
        assert not list(tree.iter(f"{W}hyperlink")), name
        assert not [node for node in tree.iter() if node.get("TargetMode") == "External"], name
    body = "".join(node.text or "" for node in trees["word/document.xml"].iter(f"{W}t"))
    assert body.count(KEPT) >= len(SOME)


ACTIVE = (b"/URI", b"/JavaScript", b"/JS", b"/Launch", b"/OpenAction", b"/AA", b"/EmbeddedFile", b"/SubmitForm")


@BY_ATTACK
def test_nothing_somebody_wrote_acts_in_a_pdf(attack):
    """No action, no script, no address: the typesetter was handed words and nothing else."""
    made = Pdf().write(together(attack))
    inside = made
    for stream in re.findall(rb"stream\r?\n(.*?)\r?\nendstream", made, re.DOTALL):
        try:
            inside += zlib.decompress(stream)
        except zlib.error:
            continue
    assert [each for each in ACTIVE if re.search(re.escape(each) + rb"\b", inside)] == []


CELL = 32_767


def lengthy() -> dict[str, object]:
    """An incident whose title, summary and first promise somebody wrote a hundred kilobytes of."""
    base = {**rich()[0]}
    base["incident"] = {**base["incident"], "title": LONG, "summary": LONG}
    first, *others = base["followups"]
    base["followups"] = [{**first, "what": LONG}, *others]
    return base


@pytest.mark.long
def test_a_hundred_kilobytes_are_carried_whole_and_do_nothing():
    """Each kind of file holds every letter; no cell is longer than a spreadsheet takes, nor begins as a formula."""
    template = Template("stakeholders/executives.md.j2")
    text = template.filled(lengthy(), rich()[1])
    assert shape(text) == shape(template.filled(*rich()))
    document = exported(text)
    rows = list(csv.reader(io.StringIO(Csv().write(document).decode("utf-8-sig"))))
    assert all(len(cell) <= CELL and not cell.startswith("=") for row in rows for cell in row)
    summary = "".join(row[2].removeprefix("'") for row in rows if row[0] == "Business impact" and row[1] == "text")
    assert summary == LONG
    with zipfile.ZipFile(io.BytesIO(Docx().write(document))) as file:
        body = ET.fromstring(file.read("word/document.xml"))
    assert "".join(node.text or "" for node in body.iter(f"{W}t")).count(LONG) == 3
    assert str(rendered(text)).count(LONG) == 3
    assert Pdf().write(document).startswith(b"%PDF-")


def test_a_hundred_kilobytes_in_slack_say_that_the_rest_is_elsewhere():
    """A dialog that cannot show every word cannot be approved in."""
    text = Template("stakeholders/executives.md.j2").filled(lengthy(), rich()[1])
    version = Version(1, text, "ab" * 32, (), NOON, "ana")
    each = Notice("N1", "stakeholders/executives", "", "", Standing.FROZEN, "ana", (version,))
    dialog = verbatim(view.review(next(made for _, made in situations()), each))
    assert faults("view", dialog) == []
    assert "submit" not in dialog
