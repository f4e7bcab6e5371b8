"""Writes a notice as a Word document, which counsel reads, comments and sends back; gaps stand out in yellow."""

from __future__ import annotations

import itertools
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime
from typing import Any, ClassVar

from bot.documents import Document, Remark, Run, clean, moment, parse, words
from bot.documents._columns import shares
from bot.documents._revised import Marked, Op, plain, revised
from bot.documents._word import WIDE, close, element, head_row, record, sheet, table, written


class Docx:
    """Headings, lists and tables in Word's own kinds, remarks as its comments; a redline as its tracked changes."""

    shelf: ClassVar[str] = "documents"
    name = "docx"
    suffix = ".docx"
    media_type = "application/vnd.openxmlformats-officedocument.wordprocessingml.document"

    def write(self, document: Document) -> bytes:
        """The file's bytes, the same for the same document."""
        page = sheet(document)
        _Hand(page, document, "", document.as_of).write(plain(document.blocks))
        record(page, document)
        return written(page)

    def write_redline(
        self, document: Document, before: str, *, by: str = "Tocsin", at: datetime | None = None, against: str = ""
    ) -> bytes:
        """The change from Markdown `before` to this document as tracked changes that Word can accept or reject.

        `by` changed it, at `at` (when the facts were read, where nobody says); `against` names the version before.
        """
        changed = at or document.as_of
        told = f"marked against {clean(against) or 'the version before'}; by {clean(by)}, {moment(changed)}"
        page = sheet(document, [("Changes", told)])
        page.settings.element.insert_element_before(element("trackRevisions"), "w:defaultTabStop")
        before_blocks = tuple(parse(clean(before)))
        _Hand(page, document, clean(by), changed).write(revised(before_blocks, document.blocks))
        record(page, document)
        return written(page)


class _Hand:
    """Writes units one below the other; what changed carries the name and the time of who changed it."""

    def __init__(self, page: Any, document: Document, by: str, at: datetime) -> None:
        self.page, self.by, self.at = page, by, at.astimezone(UTC)
        self.numbers = itertools.count(1)
        self.remarks = list(document.remarks)
        self.list: tuple[object, int] = (None, 0)  # the numbered list that was begun last, and its number in Word
        self.lead: Any = None  # the first paragraph with words

    def write(self, marked: Sequence[Marked]) -> None:
        place = 0
        while place < len(marked):
            one = marked[place]
            if one.unit.kind == "row":
                rows = list(_one_table(marked[place:]))
                self._table(rows)
                place += len(rows)
                continue
            self._line(one)
            place += 1
        if self.lead is not None:
            for remark in self.remarks:  # those that quote nothing that is there
                self._comment(self.lead, remark)

    def _line(self, one: Marked) -> None:
        unit = one.unit
        if unit.kind == "heading":
            paragraph = self.page.add_heading(level=min(unit.level, 9))
        elif unit.kind == "item":
            kind = "List Number" if unit.numbered else "List Bullet"
            paragraph = self.page.add_paragraph(style=f"{kind} {unit.level + 1}" if unit.level else kind)
            if unit.numbered:
                self._numbered(paragraph, one)
        else:
            paragraph = self.page.add_paragraph()
        self._words(paragraph, one, 0)
        if one.end != "same":
            self._mark_end(paragraph, one.end)

    def _numbered(self, paragraph: Any, one: Marked) -> None:
        """Every list begins with one; what went from a list keeps its place in it."""
        if one.unit.level:
            return
        begun, number = self.list
        if begun is None or (one.op != "del" and begun != one.unit.group):
            number = self._new_list()
            self.list = (one.unit.group, number)
        paragraph.paragraph_format.element.get_or_add_pPr().get_or_add_numPr().get_or_add_numId().val = number

    def _new_list(self) -> int:
        from docx.oxml.ns import qn

        numbering = self.page.part.numbering_part.element
        like = self.page.styles["List Number"].element.pPr.numPr.numId.val
        abstract = numbering.num_having_numId(like).abstractNumId.val
        made = numbering.add_num(abstract)
        made.add_lvlOverride(ilvl=0).add_startOverride(1)
        return int(made.get(qn("w:numId")))

    def _table(self, rows: Sequence[Marked]) -> None:
        texts = [[words(tuple(run for _, run in cell)) for cell in row.cells] for row in rows]
        widths = [max(1, int(WIDE * share)) for share in shares(texts)]
        grid = table(self.page, len(rows), widths)
        for row, one in zip(grid.rows, rows, strict=True):
            for place, cell in enumerate(row.cells):
                paragraph = cell.paragraphs[0]
                self._words(paragraph, one, place)
                close(paragraph, before=2, after=2)
                if one.op != "same":
                    self._mark_end(paragraph, one.op)
            shape = row._tr.get_or_add_trPr()  # noqa: SLF001 - python-docx has no word for these
            shape.append(element("cantSplit"))
            if one.unit.first and one.op != "del" and any(texts[0]):
                head_row(row)
            if one.op != "same":
                shape.append(self._mark(one.op))
        close(self.page.add_paragraph())

    # -- words -------------------------------------------------------------------------------------------------------

    def _words(self, paragraph: Any, one: Marked, cell: int) -> None:
        from docx.enum.text import WD_COLOR_INDEX

        for op, run in one.cells[cell]:
            put = paragraph.add_run(run.text)
            put.bold, put.italic = run.bold or run.gap or one.unit.first or None, run.italic or None
            if run.code:
                put.font.name = "Courier New"
            if run.gap:
                put.font.highlight_color = WD_COLOR_INDEX.YELLOW
            if op != "same":
                self._track(put, op)
        self._remark(paragraph, [run for op, run in one.cells[cell] if op != "del"])

    def _mark(self, op: Op) -> Any:
        return element(op, id=next(self.numbers), author=self.by, date=f"{self.at:%Y-%m-%dT%H:%M:%SZ}")

    def _track(self, run: Any, op: Op) -> None:
        """One run, wrapped in w:ins or w:del (ECMA-376 part 1, 17.13.5)."""
        from docx.oxml.ns import qn

        mark, inner = self._mark(op), run._element  # noqa: SLF001 - python-docx has no tracked changes
        inner.addprevious(mark)
        mark.append(inner)
        if op == "del":
            for text in inner.findall(qn("w:t")):
                text.tag = qn("w:delText")

    def _mark_end(self, paragraph: Any, op: Op) -> None:
        shape = paragraph._p.get_or_add_pPr()  # noqa: SLF001
        manner = element("rPr")
        manner.append(self._mark(op))
        shape.insert_element_before(manner, "w:sectPr", "w:pPrChange")

    # -- remarks -----------------------------------------------------------------------------------------------------

    def _remark(self, paragraph: Any, runs: Sequence[Run]) -> None:
        """Those that quote this paragraph are put to it, once."""
        said = _folded(words(tuple(runs)))
        if not said:
            return
        self.lead = self.lead or paragraph
        for remark in list(self.remarks):
            if remark.quote.strip() and _folded(remark.quote) in said:
                self.remarks.remove(remark)
                self._comment(paragraph, remark)

    def _comment(self, paragraph: Any, remark: Remark) -> None:
        """Around the whole paragraph, outside of what is tracked: whoever rejects a change keeps the remark on it."""
        initials = "".join(word[0] for word in remark.by.split()[:3]).upper()
        put = self.page.comments.add_comment(remark.text, author=remark.by, initials=initials)
        put._comment_elm.date = remark.at  # noqa: SLF001 - or it would be the moment of writing
        reference = element("r")
        reference.append(element("commentReference", id=put.comment_id))
        inner = paragraph._p  # noqa: SLF001
        inner.insert(1 if inner.pPr is not None else 0, element("commentRangeStart", id=put.comment_id))
        inner.append(element("commentRangeEnd", id=put.comment_id))
        inner.append(reference)


def _folded(text: str) -> str:
    return " ".join(text.split()).casefold()


def _one_table(marked: Sequence[Marked]) -> Iterator[Marked]:
    """The rows at the beginning that are one table: equally wide, and of one table of the later version."""
    wide, group = len(marked[0].cells), None
    for one in marked:
        if one.unit.kind != "row" or len(one.cells) != wide:
            return
        if one.op != "del":
            if group not in {None, one.unit.group}:
                return
            group = one.unit.group
        yield one
