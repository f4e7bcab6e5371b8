"""The slice of a flag: one field of what a request says of itself, and one value of it."""

from __future__ import annotations

from bot.domain.errors import Refused


def slice_of(text: str) -> tuple[str, str]:
    """(field, value) of a slice such as region=fr. Raises Refused."""
    name, sign, value = text.partition("=")
    if not sign or not name.strip() or not value.strip() or "=" in value or "," in value:
        raise Refused(f"a flag tells a slice by one field and one value, such as region=fr, not {text!r}")
    return name.strip(), value.strip()
