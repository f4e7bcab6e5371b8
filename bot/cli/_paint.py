"""Colour on a terminal, where there is one that takes it; every sign reads the same without."""

from __future__ import annotations

import os
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True, slots=True)
class Paint:
    """Colours a text that was cleaned already; leaves it alone where colour is off."""

    on: bool = False

    @classmethod
    def here(cls, stream: Any = None, environ: Mapping[str, str] | None = None) -> Paint:
        """On for a terminal, unless NO_COLOR says otherwise (no-color.org) or the terminal is dumb."""
        held = os.environ if environ is None else environ
        tty = bool((stream or sys.stdout).isatty())
        return cls(on=tty and not held.get("NO_COLOR") and held.get("TERM") != "dumb")

    def strong(self, text: str) -> str:
        """What a row of lines begins with."""
        return self._in("1", text)

    def faint(self, text: str) -> str:
        """What is looked up, not read."""
        return self._in("2", text)

    def good(self, text: str) -> str:
        """What comes, or went well."""
        return self._in("32", text)

    def bad(self, text: str) -> str:
        """What goes, or went wrong."""
        return self._in("31", text)

    def warn(self, text: str) -> str:
        """What to think about first."""
        return self._in("33", text)

    def _in(self, code: str, text: str) -> str:
        return f"\x1b[{code}m{text}\x1b[0m" if self.on and text else text


PLAIN = Paint()
