"""Writes a notice as JSON, for an authority's portal or another tool: the same words, with the gaps listed apart."""

import json
from typing import ClassVar

from bot.documents import Block, Bullets, Document, Heading, Paragraph, Runs, Table, words


class Json:
    """What the notice is, its gaps, its blocks as plain text in reading order, and the lines of its form by number."""

    shelf: ClassVar[str] = "documents"
    name = "json"
    suffix = ".json"
    media_type = "application/json"

    def write(self, document: Document) -> bytes:
        """UTF-8 bytes, the same for the same document."""
        body: dict[str, object] = {
            "title": document.title,
            "regime": document.regime,
            "stage": document.stage,
            "status": document.status,
            "as_of": document.as_of.isoformat().replace("+00:00", "Z"),
            "digest": document.digest,
            "note": document.footer,
            "gaps": [run.text for block in document.blocks for line in _lines(block) for run in line if run.gap],
            "blocks": [_block(block) for block in document.blocks],
            "markdown": document.markdown,
        }
        if document.form:
            body["form"] = json.loads(document.form)
        return json.dumps(body, ensure_ascii=False, indent=2).encode() + b"\n"


def _lines(block: Block) -> tuple[Runs, ...]:
    match block:
        case Bullets(items):
            return items
        case Table(rows):
            return tuple(cell for row in rows for cell in row)
        case Heading() | Paragraph():
            return (block.runs,)


def _block(block: Block) -> dict[str, object]:
    match block:
        case Heading(level, runs):
            return {"kind": "heading", "level": level, "text": words(runs)}
        case Paragraph(runs):
            return {"kind": "paragraph", "text": words(runs)}
        case Bullets(items, numbered):
            return {"kind": "list", "numbered": numbered, "items": [words(item) for item in items]}
        case Table(rows):
            return {"kind": "table", "rows": [[words(cell) for cell in row] for row in rows]}
