"""A notice becomes a file that opens, reads the same everywhere, and can neither hide a gap nor run anything."""

import csv
import io
import json
import zipfile
from datetime import UTC, datetime

import docx
import pytest
from docx.enum.text import WD_COLOR_INDEX

from bot.documents import Bullets, Document, Heading, Paragraph, Run, Table, parse, words
from bot.documents.csv import Csv, safe, table
from bot.documents.docx import Docx
from bot.documents.json import Json
from bot.documents.markdown import Markdown
from bot.documents.pdf import Pdf

NOON = datetime(2026, 11, 20, 12, tzinfo=UTC)
TEXT = """\
# Notice

Some **bold**, *slanted* and `code`; [[ not yet investigated: affected persons ]] remain.

| | |
|---|---|
| To | the authority |
| From | a \\| b \\<script\\> |

- first
- second [[ unknown: cause (a \\* b) ]]
  - inner

1. one
2. two

> quoted

```
fenced
```

=SUM(A1) is text, émigré 東京.
"""


def document(text=TEXT, **changes):
    about = {"title": "Notice", "regime": "eu_gdpr_art33", "stage": "sa_notification", "status": "draft, version 2"}
    return Document.of(text, **about | changes, as_of=NOON, digest="ab" * 32)


WRITERS = [Pdf(), Docx(), Markdown(), Csv(), Json()]


@pytest.mark.parametrize("writer", WRITERS, ids=lambda writer: writer.name)
def test_every_writer_tells_what_it_makes_and_makes_it_twice_alike(writer):
    """Equal documents are equal bytes, so a file can be proved to be the one approved."""
    assert type(writer).__doc__
    assert writer.suffix.startswith(".")
    assert "/" in writer.media_type
    first = writer.write(document())
    assert first == writer.write(document())
    assert first != writer.write(document(status="draft, version 3"))


@pytest.mark.parametrize("writer", WRITERS, ids=lambda writer: writer.name)
@pytest.mark.parametrize(
    "text", ["", "\x00\x0b\ufffe\ud800 \u202e", "|||\n|-|\n", "- \n- \n", "#let x = 1\n#{ panic() }\n$x$ @ref <label>"]
)
def test_every_writer_survives_empty_and_hostile_words(writer, text):
    """Control signs, stray tables, the typesetter's own language: words are words."""
    assert writer.write(document(text, title="\x00 #panic() {{ x }} <b>"))


def test_markdown_is_parsed_into_blocks():
    """Headings, text, tables, lists and gaps, in reading order."""
    blocks = document().blocks
    assert [type(block) for block in blocks] == [
        Heading,
        Paragraph,
        Table,
        Bullets,
        Bullets,
        Paragraph,
        Paragraph,
        Paragraph,
    ]
    assert blocks[1].runs == (
        Run("Some "),
        Run("bold", bold=True),
        Run(", "),
        Run("slanted", italic=True),
        Run(" and "),
        Run("code", code=True),
        Run("; "),
        Run("[[ not yet investigated: affected persons ]]", gap=True),
        Run(" remain."),
    )
    assert [words(cell) for cell in blocks[2].rows[2]] == ["From", "a | b <script>"]
    assert [words(item) for item in blocks[3].items] == ["first", "second [[ unknown: cause (a * b) ]]", "inner"]
    assert blocks[3].items[1][1].gap
    assert (blocks[4].numbered, len(blocks[4].items)) == (True, 2)


def test_html_in_a_notice_is_text():
    """Nothing in it is obeyed."""
    assert [words(block.runs) for block in parse("<script>x</script>\n\n<b>y</b>")] == [
        "<script>x</script>",
        "<b>y</b>",
    ]


def test_a_word_file_opens_again_with_its_gaps_in_yellow():
    """Counsel sees what is missing before anything else."""
    page = docx.Document(io.BytesIO(Docx().write(document())))
    texts = [paragraph.text for paragraph in page.paragraphs]
    assert "Notice" in texts
    assert "first" in texts
    assert page.tables[1].cell(1, 1).text == "a | b <script>"
    marked = [run.text for p in page.paragraphs for run in p.runs if run.font.highlight_color == WD_COLOR_INDEX.YELLOW]
    assert marked == ["[[ not yet investigated: affected persons ]]", "[[ unknown: cause (a * b) ]]"]
    assert (
        page.sections[0].footer.paragraphs[0].text == "Drafting aid, not legal advice.\tPage  of "
    )  # Word fills the numbers in
    header = [paragraph.text for paragraph in page.sections[0].header.paragraphs]
    assert header == ["Notice\tDRAFT", "draft, version 2 · facts as of 2026-11-20 12:00 UTC · abababababababab"]
    assert {info.date_time for info in zipfile.ZipFile(io.BytesIO(Docx().write(document()))).infolist()} == {
        (1980, 1, 1, 0, 0, 0)
    }


def test_a_pdf_is_a_pdf():
    """It starts and ends as one, and a longer notice is a longer file."""
    made = Pdf().write(document())
    assert made.startswith(b"%PDF-")
    assert made.rstrip().endswith(b"%%EOF")
    assert len(Pdf().write(document(TEXT * 30))) > len(made)


def test_markdown_keeps_the_approved_words_between_stamp_and_footer():
    """Nothing is added inside, and the stamp cannot end early."""
    made = Markdown().write(document(status="draft --> now")).decode()
    assert TEXT.strip() in made
    assert made.endswith("Drafting aid, not legal advice.\n")
    assert made.splitlines()[0].endswith("-->")
    assert made.splitlines()[0].count("-->") == 1
    assert "draft -> now" in made


def test_a_json_export_says_what_the_pages_say():
    """A machine gets the same words, the gaps named."""
    made = json.loads(Json().write(document()))
    assert (made["regime"], made["as_of"], made["note"]) == (
        "eu_gdpr_art33",
        "2026-11-20T12:00:00Z",
        "Drafting aid, not legal advice.",
    )
    assert made["gaps"] == ["[[ not yet investigated: affected persons ]]", "[[ unknown: cause (a * b) ]]"]
    assert made["blocks"][0] == {"kind": "heading", "level": 1, "text": "Notice"}
    assert made["blocks"][2]["rows"][1] == ["To", "the authority"]


def test_a_csv_is_read_back_and_never_runs():
    """A register full of formulas is a register full of text."""
    rows = list(csv.reader(io.StringIO(Csv().write(document()).decode("utf-8-sig"))))
    assert rows[0] == ["section", "kind", "text"]
    assert ["", "note", "Drafting aid, not legal advice."] in rows
    assert ["Notice", "text", "'=SUM(A1) is text, émigré 東京."] in rows
    assert ["Notice", "row", "From | a | b <script>"] in rows


@pytest.mark.parametrize("text", ["=1+1", "+1", "-1", "@SUM(A1)", " =1", "\t=1", "\r=1", "＝1", "\n@x"])
def test_a_text_that_could_start_a_formula_is_led_by_an_apostrophe(text):
    """Also behind white space and in full width."""
    assert str(safe(text)).startswith("'")


def test_numbers_stay_numbers_and_nothing_is_empty():
    """A register can still be summed up."""
    assert [safe(cell) for cell in (-5, 2.5, None, True, "a=b", "x-y")] == [-5, 2.5, "", "True", "a=b", "x-y"]
    assert table(("a", "b"), [(1, "x,y")]) == b'\xef\xbb\xbfa,b\r\n1,"x,y"\r\n'


def test_a_file_of_no_regime_has_no_empty_places_in_its_stamp():
    """A stakeholders' update belongs to no law and no stage: its first line begins with what it is."""
    first = Markdown().write(document(regime="", stage="")).decode().splitlines()[0]
    assert first.startswith("<!-- draft, version 2 · facts as of 2026-11-20")
