"""What changed in a notice is marked where it stands: headings, lists and tables stay what they are."""

from __future__ import annotations

import io
from datetime import timedelta

import docx
from docx.oxml.ns import qn
from hypothesis import given, settings
from hypothesis import strategies as st

from bot.documents import Document, Remark, parse, words
from bot.documents._revised import Marked, plain, revised, units
from bot.documents.docx import Docx
from tests.documents.notices import AFTER, BEFORE, DIGEST, NOON, approved, document

BLOCKS = (
    "# Title", "## Title", "One *two* three four.", "One two **three** four five.", "Other words entirely.",
    "- a\n- b\n  - c", "- a\n- b changed", "1. first\n2. second", "1. first\n2. second\n3. third",
    "| a | b |\n|---|---|\n| 1 | 2 |\n| 3 | 4 |", "| a | b |\n|---|---|\n| 1 | 2 and more |", "| a | b | c |\n|---|---|---|\n| 1 | 2 | 3 |",
    "Cause: not known", "Cause: a bad release", "[[ unknown: it (asked) ]] is left", "`code` here",
)  # fmt: skip
texts = st.lists(st.sampled_from(BLOCKS), max_size=8).map("\n\n".join)


def side(marked: list[Marked], but: str) -> list[tuple[object, ...]]:
    """One version, read out of a comparison."""
    return [
        (one.unit.kind, one.unit.level, one.unit.numbered,
         tuple("".join(run.text for op, run in cell if op != but) for cell in one.cells))
        for one in marked if one.op != but
    ]  # fmt: skip


def told(text: str) -> list[tuple[object, ...]]:
    """A version as it is."""
    return [(u.kind, u.level, u.numbered, tuple(words(cell) for cell in u.cells)) for u in units(parse(text))]


@given(texts, texts)
@settings(deadline=None, max_examples=150)
def test_both_versions_are_in_a_comparison_whole(before: str, after: str) -> None:
    """All but what came is the earlier version, all but what went the later one: no word lost, no block altered."""
    marked = revised(tuple(parse(before)), tuple(parse(after)))
    assert side(marked, "ins") == told(before)
    assert side(marked, "del") == told(after)


@given(texts)
@settings(deadline=None, max_examples=40)
def test_nothing_is_marked_where_nothing_changed(text: str) -> None:
    """A version compared with itself is that version."""
    blocks = tuple(parse(text))
    assert revised(blocks, blocks) == plain(blocks)
    assert not list(opened(Docx().write_redline(document(text), text)).iter(qn("w:ins"), qn("w:del")))


def opened(content: bytes):
    """The body of a Word file."""
    return docx.Document(io.BytesIO(content)).element.body


def redline(before: str = BEFORE, after: str = AFTER, **changes):
    return Docx().write_redline(document(after, **changes), before, by="Cleo Marchetti", at=NOON, against="version 1")


def shown(node, but: str) -> str:
    """The words of a node with one side of its changes left out."""
    return "".join(
        each.text or "" for each in node.iter(qn("w:t"), qn("w:delText"))
        if not any(above.tag == qn(f"w:{but}") for above in each.iterancestors())
    )  # fmt: skip


def test_a_redline_is_tracked_changes_in_the_structure() -> None:
    """Every change carries its author and time; the changed words stand in their own heading, item or cell."""
    body = opened(redline())
    marks = [*body.iter(qn("w:ins"), qn("w:del"))]
    assert {(m.get(qn("w:author")), m.get(qn("w:date"))) for m in marks} == {("Cleo Marchetti", "2026-11-20T12:00:00Z")}
    numbers = [m.get(qn("w:id")) for m in marks]
    assert len(set(numbers)) == len(numbers)
    paragraphs = {shown(p, "del"): (shown(p, "ins"), p.style or "Normal") for p in body.iter(qn("w:p"))}
    assert paragraphs["Cause: a unit of money was read wrongly"] == ("Cause: under investigation", "ListBullet")
    assert paragraphs["What happened"] == ("What happened", "Heading2")
    assert paragraphs["412"] == ("40", "Normal")
    gone = [row for row in body.iter(qn("w:tr")) if row.find(f"{qn('w:trPr')}/{qn('w:del')}") is not None]
    come = [row for row in body.iter(qn("w:tr")) if row.find(f"{qn('w:trPr')}/{qn('w:ins')}") is not None]
    assert [shown(row, "ins") for row in gone] == ["Employees1None known"]
    assert [shown(row, "del")[:10] for row in come] == ["Processors"]
    assert len(list(body.iter(qn("w:tbl")))) == 3, "title block, the table, the record"


def test_a_line_that_went_goes_with_its_end() -> None:
    """Accepting a deletion leaves no empty paragraph behind, rejecting an insertion none either."""
    body = opened(redline())
    ends = {
        shown(p, "none"): [mark.tag.rpartition("}")[2] for mark in p.iterfind(f"{qn('w:pPr')}/{qn('w:rPr')}/*")]
        for p in body.iter(qn("w:p"))
    }
    assert ends["This paragraph was a first guess and is not needed any more."] == ["del"]
    assert ends["This was checked by a second team."] == ["ins"]
    # typed on from within the line above: that line's end is the new one, as an editor has it
    assert ends["Cause: under investigationa unit of money was read wrongly"] == ["ins"]
    assert ends["Reference of the authority: [[ unknown: the authority has not answered (asked 2026-11-20) ]]"] == []


def test_a_changed_line_keeps_its_kind_where_another_kind_follows() -> None:
    """Words and a heading typed on behind a paragraph are not one change: rejecting it must leave a paragraph."""
    body = opened(redline("one\n\nend", "one two\n\n## new\n\nend"))
    ends = [(shown(p, "none"), [m.tag.rpartition("}")[2] for m in p.iterfind(f"{qn('w:pPr')}/{qn('w:rPr')}/*")])
            for p in body.iter(qn("w:p"))]  # fmt: skip
    at = ends.index(("one", ["del"]))
    assert ends[at : at + 4] == [("one", ["del"]), ("one two", ["ins"]), ("new", ["ins"]), ("end", [])]


def test_remarks_are_comments_on_the_words_they_quote() -> None:
    """Each stands at its paragraph with author, initials and its own time; what quotes nothing stands at the top."""
    lost = Remark("Max Weber", NOON + timedelta(minutes=1), "Who signs?", "words that are not there")
    page = docx.Document(io.BytesIO(redline(remarks=(*document().remarks, lost))))
    comments = {c.text: (c.author, c.initials, c.timestamp) for c in page.comments}
    assert comments == {
        "Is 412 final?": ("Cleo Marchetti", "CM", NOON - timedelta(hours=1)),
        "Confirmed by the release notes.": ("Ben Okafor", "BO", NOON - timedelta(minutes=30)),
        "Who signs?": ("Max Weber", "MW", NOON + timedelta(minutes=1)),
    }
    at = {page.comments.get(int(start.get(qn("w:id")))).text: shown(start.getparent(), "del")
          for start in page.element.body.iter(qn("w:commentRangeStart"))}  # fmt: skip
    assert at["Is 412 final?"].endswith("About 412 applicants are affected.")
    assert at["Confirmed by the release notes."].startswith("A release on 17 November")
    assert at["Who signs?"] == "Notification of a personal data breach"


def test_the_same_redline_is_the_same_bytes() -> None:
    """Comments and changes are dated by the record, never by the moment of writing."""
    assert redline() == redline()
    assert Docx().write(document()) == Docx().write(document())


def test_the_sheet_says_what_the_words_are_worth() -> None:
    """Marking line and standing on every page; below the words who approved them, when, and the whole hash."""
    page = docx.Document(io.BytesIO(Docx().write(approved())))
    header = [p.text for p in page.sections[0].header.paragraphs]
    assert header[0] == "Privileged and confidential: prepared at the direction of counsel"
    assert header[1].endswith("\tAPPROVED")
    assert [cell.text for row in page.tables[-1].rows for cell in row.cells] == [
        "Approved by", "Cleo Marchetti, 2026-11-20 14:00 UTC", "Approved by", "Max Weber, 2026-11-20 15:00 UTC",
        "SHA-256", DIGEST,
    ]  # fmt: skip
    unsigned = docx.Document(io.BytesIO(Docx().write(document())))
    assert unsigned.tables[-1].cell(0, 1).text == "Nobody has approved these words."
    fields = [field.get(qn("w:instr")) for field in page.sections[0].footer._element.iter(qn("w:fldSimple"))]
    assert fields == ["PAGE", "NUMPAGES"]


def test_no_field_survives_from_a_fact() -> None:
    """What looks like a field code or a formula is text; the only fields of a file are its page numbers."""
    hostile = '{ DDEAUTO cmd "/c calc" }\n\n- { INCLUDETEXT "x" }\n\n| =cmd() |\n|---|\n| { HYPERLINK "http://x" } |'
    for content in (Docx().write(document(hostile, remarks=())), redline(BEFORE, hostile, remarks=())):
        body = opened(content)
        assert not [*body.iter(qn("w:fldSimple"), qn("w:fldChar"), qn("w:instrText"), qn("w:hyperlink"))]
        assert "DDEAUTO" in shown(body, "del")


def test_every_list_of_numbers_begins_with_one() -> None:
    """A second list does not go on where the first ended."""
    body = opened(Docx().write(document("1. a\n2. b\n\nbetween\n\n1. c", remarks=())))
    numbers = [p.findtext(f".//{qn('w:t')}") + p.find(f".//{qn('w:numId')}").get(qn("w:val"))
               for p in body.iter(qn("w:p")) if p.style == "ListNumber"]  # fmt: skip
    assert numbers[0][1:] == numbers[1][1:] != numbers[2][1:]


def test_a_document_without_what_is_new_stands_as_before() -> None:
    """Status alone still makes a file; its band is what the status begins with."""
    made = Document.of("x", title="T", regime="", stage="", status="draft, not approved", as_of=NOON, digest=DIGEST)
    assert (made.band, made.law, made.titled) == ("DRAFT", "", False)
    assert docx.Document(io.BytesIO(Docx().write(made))).paragraphs[0].text.strip() == "DRAFT"
