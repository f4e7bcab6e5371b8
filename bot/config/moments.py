"""Times as people write them in files: with their offset, or by the wall clocks of the organisation's zone."""

from datetime import UTC, date, datetime
from zoneinfo import ZoneInfo

from bot.config.marks import Page

EXPECTED = "a time such as 2026-12-01 22:00 (in the organisation's zone) or 2026-12-01T22:00:00Z"


def moment(page: Page, key: str, zone: ZoneInfo) -> datetime | None:
    """A time with its offset as it is, else by the wall clocks of `zone`; None where that is complained about."""
    value = page.get(key)
    if isinstance(value, str):
        try:
            value = datetime.fromisoformat(value.strip())
        except ValueError:
            page.complain(f"{value!r} is no time", key, expected=EXPECTED)
            return None
    if not isinstance(value, datetime):
        what = "is missing" if value is None else "is a day without a time" if isinstance(value, date) else "is no time"
        page.complain(f"{key} {what}", key, expected=EXPECTED)
        return None
    try:
        if value.tzinfo is not None:
            return value.astimezone(UTC)
        early, late = (value.replace(tzinfo=zone, fold=fold).astimezone(UTC) for fold in (0, 1))
    except OverflowError:  # the first or the last day there is
        page.complain(f"{value.date()} is no day anybody plans for", key, expected=EXPECTED)
        return None
    if early != late:  # clocks are put forward or back just then
        happens = "does not exist" if early > late else "comes twice"
        page.complain(f"{value:%Y-%m-%d %H:%M} {happens} in {zone.key}", key, expected="a time with its offset")
        return None
    return early
