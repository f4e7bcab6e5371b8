"""Writes a notice as PDF, the form that is filed and archived; its words are handed to the typesetter as data only."""

import json
from collections.abc import Sequence
from dataclasses import asdict
from typing import ClassVar

from bot.documents import Bullets, Document, Heading, Paragraph, Run, Table

# The page's own source. Nothing of a notice is ever pasted into it: the words arrive as JSON and are shown as they are.
_SOURCE = rb"""
#let d = json(bytes(sys.inputs.document))
#set document(title: d.title, author: "Tocsin", date: none)
#set page(paper: "a4", margin: (x: 2.4cm, y: 2.6cm),
  header: text(8pt, fill: luma(90))[#d.title #h(1fr) #d.regime],
  footer: text(8pt, fill: luma(90))[#d.footer \ #d.stamp #h(1fr) #context counter(page).display("1 / 1", both: true)])
#set text(10.5pt)
#set par(justify: false)
#let said(r) = {
  let t = if r.code { raw(r.text) } else { text(r.text) }
  let t = if r.bold { strong(t) } else { t }
  let t = if r.italic { emph(t) } else { t }
  if r.gap { highlight(fill: rgb("#ffe58a"), strong(t)) } else { t }
}
#let line(runs) = runs.map(said).join()
#for b in d.blocks {
  if b.kind == "heading" { heading(level: b.level, line(b.runs)) }
  else if b.kind == "paragraph" { par(line(b.runs)) }
  else if b.kind == "bullets" { if b.numbered { enum(..b.items.map(line)) } else { list(..b.items.map(line)) } }
  else if b.kind == "table" { table(columns: b.columns, stroke: 0.4pt + luma(150), inset: 5pt, ..b.cells.map(line)) }
}
"""


class Pdf:
    """A4 pages set by Typst, stamped with status, moment of the facts and digest; gaps highlighted."""

    shelf: ClassVar[str] = "documents"
    name = "pdf"
    suffix = ".pdf"
    media_type = "application/pdf"

    def write(self, document: Document) -> bytes:
        """The file's bytes, the same for the same document."""
        import typst  # a compiler of 70 MB: loaded by the first PDF

        data = {
            "title": document.title,
            "regime": document.regime,
            "footer": document.footer,
            "stamp": document.stamp,
            "blocks": [_block(block) for block in document.blocks],
        }
        made = typst.compile(
            _SOURCE, format="pdf", sys_inputs={"document": json.dumps(data)}, timestamp=int(document.as_of.timestamp())
        )
        return bytes(made)


def _block(block: Heading | Paragraph | Bullets | Table) -> dict[str, object]:
    match block:
        case Heading(level, runs):
            return {"kind": "heading", "level": level, "runs": _runs(runs)}
        case Paragraph(runs):
            return {"kind": "paragraph", "runs": _runs(runs)}
        case Bullets(items, numbered):
            return {"kind": "bullets", "numbered": numbered, "items": [_runs(item) for item in items]}
        case Table(rows):
            filled = [row for row in rows if any(row)]
            width = max((len(row) for row in filled), default=1)
            padded = [[*row, *[()] * (width - len(row))] for row in filled]
            return {"kind": "table", "columns": width, "cells": [_runs(cell) for row in padded for cell in row]}


def _runs(runs: Sequence[Run]) -> list[dict[str, object]]:
    return [asdict(run) for run in runs]
