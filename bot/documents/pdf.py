"""Writes a notice as PDF, the form that is filed and archived; its words are handed to the typesetter as data only."""

import json
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path
from typing import ClassVar

from bot.documents import Bullets, Document, Heading, Paragraph, Run, Runs, Table, moment, words
from bot.documents._columns import shares
from bot.documents._word import BANDS, GREY, NOT_APPROVED

_SOURCE = Path(__file__).with_name("_page.typ")
"""The page's own source. Nothing of a notice is ever pasted into it: the words arrive as JSON, shown as they are."""


class Pdf:
    """A4 pages set by Typst: title block, what the words are worth, gaps highlighted, and who approved which hash."""

    shelf: ClassVar[str] = "documents"
    name = "pdf"
    suffix = ".pdf"
    media_type = "application/pdf"

    def write(self, document: Document) -> bytes:
        """The file's bytes, the same for the same document."""
        import typst  # a compiler of 70 MB: loaded by the first PDF

        approved = [["Approved by", f"{by}, {moment(at)}"] for by, at in document.approvals]
        data = {
            "title": document.title,
            "titled": document.titled,
            "privileged": document.privileged,
            "band": document.band,
            "color": f"#{BANDS.get(document.band, GREY)}",
            "footer": document.footer,
            "stamp": document.stamp,
            "about": [
                *([["Regime", document.law]] if document.law else []),
                ["Status", document.status],
                ["Facts as of", moment(document.as_of)],
                ["SHA-256", document.digest],
            ],
            "record": [*(approved or [["Approved by", NOT_APPROVED]]), ["SHA-256", document.digest]],
            "blocks": [_block(block) for block in document.blocks],
        }
        given = {"document": json.dumps(data)}
        made = typst.compile(
            _SOURCE.read_bytes(), format="pdf", sys_inputs=given, timestamp=int(document.as_of.timestamp())
        )
        return bytes(made)


def _block(block: Heading | Paragraph | Bullets | Table) -> dict[str, object]:
    match block:
        case Heading(level, runs):
            return {"kind": "heading", "level": level, "runs": _runs(runs)}
        case Paragraph(runs):
            return {"kind": "paragraph", "runs": _runs(runs)}
        case Bullets(items, numbered):
            return {"kind": "bullets", "numbered": numbered, "items": _nested(block, items)}
        case Table(rows):
            filled = [row for row in rows if any(row)]
            width = max((len(row) for row in filled), default=1)
            padded = [[*row, *[()] * (width - len(row))] for row in filled]
            headed = bool(rows) and any(rows[0])
            return {
                "kind": "table",
                "columns": shares([[words(cell) for cell in row] for row in padded]) or [1.0],
                "head": [_runs(cell) for cell in padded[0]] if headed else [],
                "cells": [_runs(cell) for row in padded[headed:] for cell in row],
            }


def _nested(block: Bullets, items: Sequence[Runs]) -> list[dict[str, object]]:
    """Items within their parents, as deep as they were written."""
    top: list[dict[str, object]] = []
    open_lists = [top]
    for place, runs in enumerate(items):
        level = min(block.level(place), len(open_lists) - 1)
        below: list[dict[str, object]] = []
        open_lists[level].append({"runs": _runs(runs), "items": below})
        open_lists[level + 1 :] = [below]
    return top


def _runs(runs: Sequence[Run]) -> list[dict[str, object]]:
    return [asdict(run) for run in runs]
