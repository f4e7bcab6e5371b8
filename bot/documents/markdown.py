"""Writes a notice as Markdown, for git, a chat or an editor: the words exactly as approved, with a stamp above them."""

from typing import ClassVar

from bot.documents import Document


class Markdown:
    """The draft's own text between a stamp and the footer."""

    shelf: ClassVar[str] = "documents"
    name = "markdown"
    suffix = ".md"
    media_type = "text/markdown; charset=utf-8"

    def write(self, document: Document) -> bytes:
        """UTF-8 bytes, the same for the same document."""
        body = document.markdown.strip("\n")
        return f"<!-- {_comment(document)} -->\n\n{body}\n\n---\n\n{document.footer}\n".encode()


def _comment(document: Document) -> str:
    """The stamp as a comment cannot end early: two hyphens in a row close one."""
    parts = (document.regime, document.stage, document.stamp, document.digest)
    return " · ".join(part for part in parts if part).replace("--", "-")
