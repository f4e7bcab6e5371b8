"""Which of several versions came before another, by the numbers in their names."""

import re


def natural(name: str) -> tuple[tuple[int, int, str], ...]:
    """A key that sorts v2 before v10."""
    pieces = re.findall(r"\d+|\D+", name)
    return tuple((1, int(piece), "") if piece.isdigit() else (0, 0, piece) for piece in pieces)
