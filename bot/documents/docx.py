"""Writes a notice as a Word document, which counsel reads, comments and sends back; gaps stand out in yellow."""

import io
import zipfile
from collections.abc import Sequence
from typing import Any, ClassVar

from bot.documents import Bullets, Document, Heading, Paragraph, Run, Table

_EPOCH = (1980, 1, 1, 0, 0, 0)  # the first moment a ZIP entry can carry: equal documents become equal bytes


class Docx:
    """Headings, paragraphs, lists and tables in Word's own styles; stamp in the header, warning in the footer."""

    shelf: ClassVar[str] = "documents"
    name = "docx"
    suffix = ".docx"
    media_type = "application/vnd.openxmlformats-officedocument.wordprocessingml.document"

    def write(self, document: Document) -> bytes:
        """The file's bytes, the same for the same document."""
        page = _page(document)
        for block in document.blocks:
            match block:
                case Heading(level, runs):
                    _write(page.add_heading(level=min(level, 9)), runs)
                case Paragraph(runs):
                    _write(page.add_paragraph(), runs)
                case Bullets(items, numbered):
                    for item in items:
                        _write(page.add_paragraph(style="List Number" if numbered else "List Bullet"), item)
                case Table(rows):
                    _table(page, rows)
        return _bytes(page)

    def write_redline(self, document: Document, pieces: Sequence[tuple[str, str]], by: str = "Tocsin") -> bytes:
        """The change between two versions as tracked changes (w:ins, w:del) that Word can accept or reject.

        `pieces` are (op, text) in reading order, op one of same, ins, del; a line end in them starts a paragraph.
        """
        page = _page(document)
        paragraph = page.add_paragraph()
        stamp = document.as_of.strftime("%Y-%m-%dT%H:%M:%SZ")
        number = 0
        for op, text in pieces:
            for index, line in enumerate(text.split("\n")):
                if index:
                    paragraph = page.add_paragraph()
                if line:
                    number += 1
                    _tracked(paragraph, op, line, number, by, stamp)
        return _bytes(page)


def _page(document: Document) -> Any:
    import docx

    page = docx.Document()
    properties = page.core_properties
    properties.title, properties.author, properties.comments = document.title, "Tocsin", document.footer
    properties.subject = f"{document.regime} {document.stage}"
    moment = document.as_of.replace(tzinfo=None)
    properties.created = properties.modified = moment
    page.sections[0].header.paragraphs[0].text = f"{document.title} · {document.stamp}"
    page.sections[0].footer.paragraphs[0].text = document.footer
    return page


def _write(paragraph: Any, runs: Sequence[Run]) -> None:
    from docx.enum.text import WD_COLOR_INDEX

    for run in runs:
        written = paragraph.add_run(run.text)
        written.bold, written.italic = run.bold or run.gap or None, run.italic or None
        if run.code:
            written.font.name = "Courier New"
        if run.gap:
            written.font.highlight_color = WD_COLOR_INDEX.YELLOW


def _table(page: Any, rows: Sequence[Sequence[Sequence[Run]]]) -> None:
    filled = [row for row in rows if any(row)]
    if not filled:
        return
    grid = page.add_table(rows=0, cols=max(len(row) for row in filled))
    grid.style = "Table Grid"
    for row in filled:
        cells = grid.add_row().cells
        for cell, runs in zip(cells, row, strict=False):
            _write(cell.paragraphs[0], runs)
    page.add_paragraph()


def _tracked(paragraph: Any, op: str, text: str, number: int, by: str, stamp: str) -> None:
    """One run, wrapped in w:ins or w:del where it changed (ECMA-376 part 1, 17.13.5)."""
    from docx.oxml import OxmlElement
    from docx.oxml.ns import qn

    run = paragraph.add_run(text)
    if op == "same":
        return
    mark = OxmlElement(f"w:{op}")
    for key, value in (("w:id", str(number)), ("w:author", by), ("w:date", stamp)):
        mark.set(qn(key), value)
    run._element.addprevious(mark)  # noqa: SLF001 - python-docx has no tracked changes of its own
    mark.append(run._element)  # noqa: SLF001
    if op == "del":
        for words in run._element.findall(qn("w:t")):  # noqa: SLF001
            words.tag = qn("w:delText")


def _bytes(page: Any) -> bytes:
    """The saved file with every entry dated alike."""
    raw, out = io.BytesIO(), io.BytesIO()
    page.save(raw)
    with zipfile.ZipFile(raw) as old, zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as new:
        for name in sorted(old.namelist(), key=lambda name: (name != "[Content_Types].xml", name)):
            entry = zipfile.ZipInfo(name, _EPOCH)
            entry.compress_type = zipfile.ZIP_DEFLATED
            new.writestr(entry, old.read(name))
    return out.getvalue()
