"""The sheet a Word document is written on: margins, type, header and footer, title block, and the record at its end."""

from __future__ import annotations

import io
import zipfile
from collections.abc import Sequence
from typing import Any

from bot.documents import Document, moment

_EPOCH = (1980, 1, 1, 0, 0, 0)  # the first moment a ZIP entry can carry: equal documents become equal bytes
_TYPE, _CODE = "Arial", "Courier New"
_INK, _FAINT, _RULE, _SHADE = "1A1A1A", "595959", "BFBFBF", "F2F2F2"
_SIZES = {1: (17, 0, 10), 2: (12.5, 16, 4), 3: (11, 12, 3), 4: (10.5, 10, 2)}  # points: letters, space before, after
WIDE = 9070  # twentieths of a point between the margins of an A4 sheet
BANDS = {
    "APPROVED": "1F6B3A",
    "FILED": "1D4E89",
    "WAITING FOR APPROVAL": "8A5A00",
    "STALE": "A32020",
    "CHANGES REQUESTED": "A32020",
}
"""Colours of what the words are worth; a draft is grey. The words say it too."""
GREY = "5A5A5A"
NOT_APPROVED = "Nobody has approved these words."


def element(tag: str, **attributes: object) -> Any:
    """An element of WordprocessingML; names are given without their prefix."""
    from docx.oxml import OxmlElement
    from docx.oxml.ns import qn

    made = OxmlElement(f"w:{tag}")
    for name, value in attributes.items():
        made.set(qn(f"w:{name}"), str(value))
    return made


def sheet(document: Document, more: Sequence[tuple[str, str]] = ()) -> Any:
    """An empty document of ours: A4, typed, with its header, footer and title block; `more` are lines of that."""
    import docx
    from docx.shared import Mm

    page = docx.Document()
    properties = page.core_properties
    properties.title, properties.author, properties.comments = document.title, "Tocsin", document.footer
    properties.subject = f"{document.regime} {document.stage}".strip()
    properties.created = properties.modified = document.as_of.replace(tzinfo=None)
    section = page.sections[0]
    section.page_width, section.page_height = Mm(210), Mm(297)
    section.left_margin = section.right_margin = Mm(25)
    section.top_margin, section.bottom_margin = Mm(28), Mm(24)
    _styles(page)
    _header(section.header, document)
    _footer(section.footer, document)
    _title_block(page, document, more)
    return page


def _styles(page: Any) -> None:
    from docx.oxml.ns import qn
    from docx.shared import Pt, RGBColor

    normal = page.styles["Normal"]
    _letters(normal, 10.5)
    normal.paragraph_format.space_after, normal.paragraph_format.line_spacing = Pt(6), 1.2
    normal.paragraph_format.widow_control = True
    for level in range(1, 10):
        style = page.styles[f"Heading {level}"]
        size, before, after = _SIZES.get(level, _SIZES[4])
        _letters(style, size)
        style.font.bold, style.font.italic, style.font.color.rgb = True, None, RGBColor.from_string(_INK)
        style.paragraph_format.space_before, style.paragraph_format.space_after = Pt(before), Pt(after)
    for each in page.styles["Table Grid"].element.find(f"{qn('w:tblPr')}/{qn('w:tblBorders')}"):
        each.set(qn("w:color"), _RULE)
    for name in ("Header", "Footer"):
        page.styles[name].paragraph_format.tab_stops.clear_all()
    for name in ("List Bullet", "List Number"):
        for depth in ("", " 2", " 3"):
            page.styles[name + depth].paragraph_format.space_after = Pt(3)


def _letters(style: Any, size: float) -> None:
    """Its own typeface: what a template's theme says of it would win over it."""
    from docx.oxml.ns import qn
    from docx.shared import Pt

    style.font.name, style.font.size = _TYPE, Pt(size)
    fonts = style.element.rPr.rFonts
    for theme in ("asciiTheme", "hAnsiTheme", "eastAsiaTheme", "cstheme"):
        fonts.attrib.pop(qn(f"w:{theme}"), None)
    fonts.set(qn("w:cs"), _TYPE)


def typed(paragraph: Any, text: str, size: float, *, bold: bool = False, color: str = _INK, code: bool = False) -> Any:
    """Words of our own, which are no part of the notice."""
    from docx.shared import Pt, RGBColor

    run = paragraph.add_run(text)
    run.font.size, run.bold, run.font.color.rgb = Pt(size), bold or None, RGBColor.from_string(color)
    if code:
        run.font.name = _CODE
    return run


def close(paragraph: Any, before: float = 0, after: float = 0, *, keep: bool = False) -> None:
    """Set the space around a paragraph, in points; `keep` leaves it on one page with the next."""
    from docx.shared import Pt

    shape = paragraph.paragraph_format
    shape.space_before, shape.space_after, shape.line_spacing = Pt(before), Pt(after), 1.0
    shape.keep_with_next = keep or None


def _sides(paragraph: Any) -> None:
    """Left and right of one line."""
    from docx.enum.text import WD_TAB_ALIGNMENT
    from docx.shared import Twips

    paragraph.paragraph_format.tab_stops.add_tab_stop(Twips(WIDE), WD_TAB_ALIGNMENT.RIGHT)


def _header(header: Any, document: Document) -> None:
    first = header.paragraphs[0]
    if document.privileged:
        typed(first, document.privileged, 8.5, bold=True)
        close(first, after=3)
        first = header.add_paragraph()
    _sides(first)
    typed(first, _short(document.title), 8, color=_FAINT)
    typed(first, f"\t{document.band}", 8, bold=True, color=BANDS.get(document.band, GREY))
    close(first)
    second = header.add_paragraph()
    typed(second, document.stamp, 8, color=_FAINT)
    close(second)
    _ruled(second, "bottom")


def _footer(footer: Any, document: Document) -> None:
    line = footer.paragraphs[0]
    _sides(line)
    typed(line, f"{document.footer}\tPage ", 8, color=_FAINT)
    _count(line, "PAGE")
    typed(line, " of ", 8, color=_FAINT)
    _count(line, "NUMPAGES")
    close(line)


def _short(title: str, most: int = 70) -> str:
    return title if len(title) <= most else f"{title[: most - 1].rstrip()}…"


def _count(paragraph: Any, what: str) -> None:
    """A number Word fills in: the page, or how many there are."""
    field = element("fldSimple", instr=what)
    run = typed(paragraph, "1", 8, color=_FAINT)
    run._element.addprevious(field)  # noqa: SLF001 - python-docx has no fields of its own
    field.append(run._element)  # noqa: SLF001


def _ruled(paragraph: Any, side: str) -> None:
    borders = element("pBdr")
    borders.append(element(side, val="single", sz=4, space=4, color=_RULE))
    _first_of(paragraph, borders)


def shaded(paragraph: Any, color: str) -> None:
    """Colour the ground a paragraph stands on."""
    _first_of(paragraph, element("shd", val="clear", color="auto", fill=color))


def _first_of(paragraph: Any, made: Any) -> None:
    """Put a property where the schema has it: behind the style, before tabs and spaces."""
    shape = paragraph._p.get_or_add_pPr()  # noqa: SLF001
    shape.insert_element_before(
        made, *(() if made.tag.endswith("}shd") else ("w:shd",)), "w:tabs", "w:suppressAutoHyphens", "w:spacing",
        "w:ind", "w:contextualSpacing", "w:jc", "w:rPr", "w:sectPr",
    )  # fmt: skip


def _title_block(page: Any, document: Document, more: Sequence[tuple[str, str]]) -> None:
    band = page.add_paragraph()
    typed(band, f" {document.band} ", 11, bold=True, color="FFFFFF")
    shaded(band, BANDS.get(document.band, GREY))
    close(band, after=8)
    rows = [("Status", document.status)]
    if document.law:
        rows.insert(0, ("Regime", document.law))
    rows += [*more, ("Facts as of", moment(document.as_of)), ("SHA-256", document.digest)]
    facts(page, rows)
    if not document.titled:
        page.add_heading(document.title, level=1)


def facts(page: Any, rows: Sequence[tuple[str, str]]) -> None:
    """Names and values of our own beside one another, without lines."""
    narrow = WIDE // 5
    grid = table(page, len(rows), [narrow, WIDE - narrow], lines=False)
    for row, (name, value) in zip(grid.rows, rows, strict=True):
        for cell, text in zip(row.cells, (name, value), strict=True):
            hashed = name == "SHA-256" and text is value
            typed(cell.paragraphs[0], text, 8.5, color=_FAINT if text is name else _INK, code=hashed)
            close(cell.paragraphs[0], after=2)
    close(page.add_paragraph(), after=4)


def table(page: Any, rows: int, widths: Sequence[int], *, lines: bool = True) -> Any:
    """A table as wide as the text, its columns as wide as said: what is long breaks inside of its cell."""
    from docx.oxml.ns import qn
    from docx.shared import Twips

    grid = page.add_table(rows=rows, cols=len(widths))
    if lines:
        grid.style = "Table Grid"
    grid.autofit = False
    shape = grid._tbl.tblPr  # noqa: SLF001
    size = shape.find(qn("w:tblW"))
    size.set(qn("w:type"), "dxa")
    size.set(qn("w:w"), str(sum(widths)))
    for column, wide in zip(grid.columns, widths, strict=True):
        column.width = Twips(wide)
    return grid


def head_row(row: Any) -> None:
    """Say that a row is a table's header: it is shaded, and stands again on every page."""
    row._tr.get_or_add_trPr().append(element("tblHeader"))  # noqa: SLF001
    for cell in row.cells:
        cell._tc.get_or_add_tcPr().append(element("shd", val="clear", color="auto", fill=_SHADE))  # noqa: SLF001


def record(page: Any, document: Document) -> None:
    """Below the words: who approved them, when, and the hash an approval is bound to."""
    title = page.add_paragraph()
    close(title, before=22, after=4, keep=True)
    _ruled(title, "top")
    typed(title, "Approval record", 9, bold=True)
    typed(title, "  (added by Tocsin; no part of the notice)", 8, color=_FAINT)
    rows = [("Approved by", f"{by}, {moment(at)}") for by, at in document.approvals]
    rows = [*(rows or [("Approved by", NOT_APPROVED)]), ("SHA-256", document.digest)]
    facts(page, rows)


def written(page: Any) -> bytes:
    """The saved file with every entry dated alike."""
    raw, out = io.BytesIO(), io.BytesIO()
    page.save(raw)
    with zipfile.ZipFile(raw) as old, zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as new:
        for name in sorted(old.namelist(), key=lambda name: (name != "[Content_Types].xml", name)):
            entry = zipfile.ZipInfo(name, _EPOCH)
            entry.compress_type = zipfile.ZIP_DEFLATED
            new.writestr(entry, old.read(name))
    return out.getvalue()
