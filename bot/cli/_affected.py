"""Those decided about on a terminal: the numbers with what they rest on, small ones withheld."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from bot.cli._text import clock, line, table, wrapped

Json = Mapping[str, Any]


def numbers(told: Json) -> Iterator[str]:
    """The newest count of an incident."""
    whole = bool(told["complete"])
    yield (
        f"{', '.join(map(line, told['versions'])) or 'every version'}, {line(told['slice']) or 'everybody'}, "
        f"{clock(told['since'])} to {clock(told['until'])}"
    )
    if told["decisions"] is None:
        yield "Not known."
    else:
        named = (("decisions", "decisions"), ("adverse", "adverse"), ("people", "people"))
        yield ", ".join(f"{_least(told[key], whole=whole)} {name}" for key, name in named)
    for why in told["because"]:
        yield from wrapped(f"- {why}")
    for each in told["ratios"]:
        small = f"; too few to compare: {', '.join(map(line, each['small']))}" if each["small"] else ""
        yield from wrapped(
            f"by {each['by']}: {each['lowest']} is selected at {each['ratio']:.2f} of the rate of {each['highest']} "
            f"(95 % interval {each['low']:.2f} to {each['high']:.2f}){small}; a screen, not a legal conclusion"
        )
    for cut in told["cuts"]:
        yield ""
        yield from _cut(cut)
    if told["sha256"]:
        yield ""
        yield f"The list of them has SHA-256 {line(told['sha256'])}."


def _cut(cut: Json) -> Iterator[str]:
    if cut["note"]:
        yield f"by {line(cut['by'])}: {line(cut['note'])}"
        return
    rows = [
        (f"BY {line(cut['by']).upper()}", "DECISIONS", "ADVERSE", "PEOPLE"),
        *(
            (str(cell["value"]), _number(cell["decisions"]), _number(cell["adverse"]), _number(cell["people"]))
            for cell in cut["cells"]
        ),
    ]
    if cut["silent"] != 0:
        rows.append(("not stated", _number(cut["silent"]), "", ""))
    yield from table(rows)


def _number(given: int | None) -> str:
    return "withheld" if given is None else f"{given:,}"


def _least(given: int | None, *, whole: bool) -> str:
    if given is None:
        return "an unknown number of"
    return f"{given:,}" if whole else f"at least {given:,}"
