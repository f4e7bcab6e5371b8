"""A notice on paper, by LibreOffice (the Debian package libreoffice-writer-nogui) and Poppler: read back and looked at."""

from __future__ import annotations

import io
import os
import subprocess
from pathlib import Path
from xml.etree import ElementTree as ET

import pytest

from bot.documents import Bullets, Document, Heading, Paragraph, Table, words
from bot.documents.docx import Docx
from bot.documents.pdf import Pdf
from tests.browser import PICTURES
from tests.documents.notices import AFTER, BEFORE, NOON, approved, document
from tests.parts import binary

pytestmark = [pytest.mark.real, pytest.mark.xdist_group("libreoffice")]
PATIENCE = 120
MODULE = """<?xml version="1.0" encoding="UTF-8"?>
<!DOCTYPE script:module PUBLIC "-//OpenOffice.org//DTD OfficeDocument 1.0//EN" "module.dtd">
<script:module xmlns:script="http://openoffice.org/2000/script" script:name="Module1" script:language="StarBasic">
Sub Settle(source As String, target As String, what As String)
  Dim hidden(0) As New com.sun.star.beans.PropertyValue
  hidden(0).Name = "Hidden" : hidden(0).Value = True
  page = StarDesktop.loadComponentFromURL(source, "_blank", 0, hidden())
  hand = createUnoService("com.sun.star.frame.DispatchHelper")
  hand.executeDispatch(page.CurrentController.Frame, ".uno:" &amp; what, "", 0, Array())
  Dim kind(0) As New com.sun.star.beans.PropertyValue
  kind(0).Name = "FilterName" : kind(0).Value = "Text (encoded)"
  page.storeToURL(target, kind())
  page.close(True)
End Sub
</script:module>
"""


def office(folder: Path, *asked: str) -> None:
    """One run of LibreOffice with a profile of its own; it ends by itself, or the test does."""
    profile = folder / "profile"
    command = [binary("soffice"), f"-env:UserInstallation={profile.as_uri()}", "--headless", "--norestore"]
    # a first start makes the profile, and writes its own macros over those that are there
    for step in (["--terminate_after_init"], list(asked)):
        done = subprocess.run([*command, *step], cwd=folder, capture_output=True, timeout=PATIENCE, check=False)
        assert done.returncode == 0, done.stderr.decode(errors="replace")[-2000:]
        (profile / "user" / "basic" / "Standard" / "Module1.xba").write_text(MODULE)


def settled(folder: Path, content: bytes, what: str) -> str:
    """The text of a Word file after all its changes were accepted, or rejected."""
    source, target = folder / "notice.docx", folder / "notice.txt"
    source.write_bytes(content)
    office(folder, f'macro:///Standard.Module1.Settle("{source.as_uri()}","{target.as_uri()}","{what}")')
    return target.read_bytes().decode("utf-8-sig")


def said(text: str) -> list[str]:
    """The words of a notice in reading order, line by line."""
    found: list[str] = []
    for block in Document.of(text, title="", regime="", stage="", status="", as_of=NOON, digest="").blocks:
        match block:
            case Heading(_, runs) | Paragraph(runs):
                found.append(words(runs))
            case Bullets(items):
                found += [words(item) for item in items]
            case Table(rows):
                found += [words(cell) for row in rows for cell in row]
    return found


def lines(text: str) -> list[str]:
    """What LibreOffice wrote between title block and record, without the signs of lists and empty lines."""
    body = text.partition("3f1c" * 16)[2].partition("Approval record")[0]
    bare = (line.strip().lstrip("•\t ").strip() for line in body.splitlines())
    return [line.partition(". ")[2] if line[:1].isdigit() and line[1:3] == ". " else line for line in bare if line]


@pytest.mark.parametrize(("what", "text"), [("AcceptAllTrackedChanges", AFTER), ("RejectAllTrackedChanges", BEFORE)])
def test_changes_are_accepted_and_rejected_whole(tmp_path: Path, what: str, text: str) -> None:
    """Accepted, the redline says what the later version says; rejected, what the earlier one said. Not a word more."""
    redline = Docx().write_redline(document(), BEFORE, by="Cleo Marchetti", at=NOON, against="version 1")
    assert lines(settled(tmp_path, redline, what)) == said(text)


def test_the_redline_shows_its_changes_on_paper(tmp_path: Path) -> None:
    """Both the words that went and those that came stand on the page, under the marking line and the standing."""
    (tmp_path / "notice.docx").write_bytes(
        Docx().write_redline(document(), BEFORE, by="Cleo Marchetti", at=NOON, against="version 1")
    )
    office(tmp_path, "--convert-to", "pdf", "notice.docx")
    text = read(tmp_path / "notice.pdf")
    for shown in ("40 people", "412 applicants", "This paragraph was a first guess", "Employees",
                  "WAITING FOR APPROVAL", "Privileged and confidential", "Page 1 of 2"):  # fmt: skip
        assert shown in text
    keep(tmp_path / "notice.pdf", "notice-redline", tmp_path)


def test_remarks_are_read_as_comments(tmp_path: Path) -> None:
    """LibreOffice takes each for a comment of its author, at the paragraph it quotes."""
    (tmp_path / "notice.docx").write_bytes(Docx().write_redline(document(), BEFORE, by="Cleo Marchetti", at=NOON))
    office(tmp_path, "--convert-to", "fodt", "notice.docx")
    tree = ET.parse(tmp_path / "notice.fodt")
    space = "{urn:oasis:names:tc:opendocument:xmlns:office:1.0}"
    made = {"".join(note.itertext()) for note in tree.iter(f"{space}annotation")}
    assert any("Cleo Marchetti" in words_ and "Is 412 final?" in words_ for words_ in made)
    assert any("Ben Okafor" in words_ and "Confirmed by the release notes." in words_ for words_ in made)
    assert len([*tree.iter(f"{space}annotation-end")]) == 2


def test_the_clean_word_file_opens(tmp_path: Path) -> None:
    """Without a redline it holds the approved words, who approved them and the whole hash, and nothing struck."""
    (tmp_path / "notice.docx").write_bytes(Docx().write(approved()))
    office(tmp_path, "--convert-to", "pdf", "notice.docx")
    text = read(tmp_path / "notice.pdf")
    for shown in ("APPROVED", "Approved by Cleo Marchetti, 2026-11-20 14:00 UTC", "3f1c" * 16, "412 applicants"):
        assert shown in text
    assert "40 people" not in text


def test_the_pdf_is_fit_for_a_desk(tmp_path: Path) -> None:
    """Its pages are drawn, say who approved what, and nothing leaves the sheet at the side."""
    turned = pytest.importorskip("PIL.ImageOps", reason="the group ci has Pillow")
    (tmp_path / "notice.pdf").write_bytes(Pdf().write(approved()))
    text = read(tmp_path / "notice.pdf")
    for shown in ("APPROVED", "Cleo Marchetti", "2026-11-20 14:00 UTC", "Max Weber", "3f1c" * 16, "Page 1 of"):
        assert shown in text
    for page in pages(tmp_path / "notice.pdf", tmp_path):
        left, _top, right, _bottom = turned.invert(page.convert("L")).getbbox()
        assert left > page.width * 0.06
        assert right < page.width * 0.94
    keep(tmp_path / "notice.pdf", "notice-pdf", tmp_path)


def read(path: Path) -> str:
    """The words on a PDF's pages, runs of space made one."""
    done = subprocess.run([binary("pdftotext"), "-layout", str(path), "-"], capture_output=True, timeout=60, check=True)
    return " ".join(done.stdout.decode().split())


def pages(path: Path, folder: Path) -> list:
    """A picture of every page."""
    from PIL import Image

    subprocess.run([binary("pdftoppm"), "-r", "80", "-png", str(path), str(folder / "page")], timeout=60, check=True)
    return [Image.open(io.BytesIO(each.read_bytes())) for each in sorted(folder.glob("page-*.png"))]


def keep(path: Path, name: str, folder: Path) -> None:
    """The pages side by side, for the README, where TOCSIN_PICTURES is set."""
    if not os.environ.get("TOCSIN_PICTURES"):
        return
    from PIL import Image

    sheets = pages(path, folder)
    gap = 12
    both = Image.new("RGB", (sum(each.width + gap for each in sheets) + gap, sheets[0].height + 2 * gap), "#d0d0d0")
    left = gap
    for each in sheets:
        both.paste(each, (left, gap))
        left += each.width + gap
    both.quantize(64).save(PICTURES / f"{name}.png", optimize=True)
