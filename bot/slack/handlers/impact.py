"""Assessing the impact: numbers people can stand by, and a reason for every blank."""

import re
from decimal import Decimal, InvalidOperation

from bot.domain.errors import NotFound, Unavailable
from bot.domain.impact import AssessImpact
from bot.slack.knock import Errors, Knock, Reply, Show
from bot.slack.views import impact

_GROUPS = re.compile(r"(?<=\d)[ \u00a0\u202f,'_](?=\d{3}(\D|$))")


async def opened(knock: Knock) -> Reply:
    """The form, filled in from the data and the catalogue where they say something."""
    try:
        estimated = await knock.desk.estimate_impact(knock.ref.incident)
    except (NotFound, Unavailable):
        estimated = None
    return Show(impact.render(await knock.situation(), estimated))


def number(text: str) -> Decimal | None:
    """A number as people type it, None for a blank. Raises ValueError with the sentence to show."""
    plain = text.strip()
    if not plain:
        return None
    for _again in range(5):
        plain = _GROUPS.sub("", plain)
    try:
        value = Decimal(plain)
    except InvalidOperation:
        raise ValueError(f"“{text[:40]}” is no number; leave it blank if it is not known") from None
    if not value.is_finite() or value < 0 or value > Decimal(10) ** 15:
        raise ValueError("a number from 0 up, please")
    return value


async def assessed(knock: Knock) -> Reply:
    """State it."""
    found: dict[str, Decimal | None] = {}
    wrong: dict[str, str] = {}
    for name in ("events", "people", "money"):
        try:
            found[name] = number(knock.values.text(name))
        except ValueError as error:
            wrong[name] = str(error)
    for name in ("events", "people"):
        value = found.get(name)
        if value is not None and value != value.to_integral_value():
            wrong[name] = "a whole number, please"
    if wrong:
        return Errors(wrong)
    reasons = [line.strip() for line in knock.values.text("unknowns").splitlines() if line.strip()]
    blank = [name for name, value in found.items() if value is None]
    unknowns = tuple(line for line in reasons if any(name in line for name in blank)) if blank else ()
    await knock.submit(
        AssessImpact(
            events=_whole(found["events"]),
            people=_whole(found["people"]),
            money=found["money"],
            currency=knock.ref.item or "EUR",
            unknowns=unknowns,
            note=knock.values.text("note"),
        )
    )
    return None


def _whole(value: Decimal | None) -> int | None:
    return int(value) if value is not None else None


CLICKS = {"impact.open": opened}
SUBMITS = {"impact": assessed}
