"""Who beside regulators can be told: every template of `templates/stakeholders`, shipped or the organisation's own."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from bot.notices.audience import Audience, audience
from bot.notices.locales import locale, parted
from bot.words import Words

FOLDER = "stakeholders"


class Audiences:
    """The kinds of notice that belong to no regime; a file put there, changed or taken away counts at once."""

    def __init__(self, templates: Words) -> None:
        self._templates = templates
        self._read: dict[Path, tuple[tuple[int, int], Audience]] = {}

    def kinds(self) -> Mapping[str, str]:
        """`stakeholders/executives` and what it is, in words; one in another language is one more kind."""
        files = self._templates.inside(FOLDER)
        found: dict[str, str] = {}
        for name, path in files.items():
            stem, tag = parted(name)
            said = self._said(files[stem], stem) if tag and stem in files else self._said(path, stem)
            found[f"{FOLDER}/{name}"] = str(said) if not tag else str(_in_language(said, tag))
        return found

    def _said(self, path: Path, name: str) -> Audience:
        """What the file says of itself, read again only where it changed."""
        try:
            there = path.stat()
            mark = (there.st_mtime_ns, there.st_size)
            known = self._read.get(path)
            if known is None or known[0] != mark:
                known = self._read[path] = mark, audience(path.read_text(encoding="utf-8", errors="replace"), name)
        except OSError:  # taken away since it was listed, or not to be read: the draft says so
            return audience("", name)
        return known[1]


def _in_language(said: Audience, tag: str) -> Audience:
    return Audience(f"{said.title}, in {locale(tag).language}", said.audience)
