"""iCalendar feeds as RFC 5545 has them: rules, exceptions, changed occurrences, zones, whole days, broken files."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

import httpx
import pytest
from pydantic import ValidationError

from bot.domain.errors import Unavailable
from bot.oncall.ical import IcalSchedule, IcalSettings
from tests.kit import NOON
from tests.oncall.fakes import HOUR, PLAN, in_front_of
from tests.parts import CANARY, Hands

SETTINGS = {"url": "{url}/" + CANARY + ".ics", "timeout_seconds": 0.4}
FEED = {"url": f"https://calendar.example/{CANARY}.ics"}
BERLIN = """BEGIN:VTIMEZONE
TZID:Middle Europe
BEGIN:STANDARD
DTSTART:19701025T030000
RRULE:FREQ=YEARLY;BYMONTH=10;BYDAY=-1SU
TZOFFSETFROM:+0200
TZOFFSETTO:+0100
END:STANDARD
BEGIN:DAYLIGHT
DTSTART:19700329T020000
RRULE:FREQ=YEARLY;BYMONTH=3;BYDAY=-1SU
TZOFFSETFROM:+0100
TZOFFSETTO:+0200
END:DAYLIGHT
END:VTIMEZONE
"""


def calendar(*parts: str, head: str = "") -> str:
    body = "".join(parts)
    return f"BEGIN:VCALENDAR\nVERSION:2.0\nPRODID:-//tests//\n{head}{body}END:VCALENDAR\n".replace("\n", "\r\n")


def event(lines: str, uid: str = "1", title: str = "Ana") -> str:
    return f"BEGIN:VEVENT\nUID:{uid}\nDTSTAMP:20260101T000000Z\nSUMMARY:{title}\n{lines}\nEND:VEVENT\n"


def the_plan() -> str:
    """PLAN as events with an attendee each."""
    return calendar(
        *(
            event(
                f"DTSTART:{start:%Y%m%dT%H%M%SZ}\nDTEND:{end:%Y%m%dT%H%M%SZ}\nATTENDEE;CN=x:mailto:{mail}",
                uid=str(n),
                title="On call",
            )
            for n, (mail, start, end) in enumerate(PLAN)
        )
    )


def scene():
    return in_front_of("ical", FEED, lambda _: httpx.Response(200, text=the_plan()))


async def told(text: str, start: datetime, end: datetime, **settings: object) -> list[str]:
    """The feed's shifts in that time, in words."""
    async with in_front_of("ical", FEED | settings, lambda _: httpx.Response(200, text=text)) as known:
        found = await known.schedule.shifts(start, end)
    return [f"{s.person} {s.start:%m-%d %H:%M}-{s.end:%m-%d %H:%M}" for s in found]


def day(month: int, number: int, hour: int = 0) -> datetime:
    return datetime(2026, month, number, hour, tzinfo=UTC)


async def test_a_rule_keeps_its_wall_clock_over_the_change_of_clocks() -> None:
    """A zone of the feed's own making: 09:00 in Berlin is 08:00 UTC in winter and 07:00 in summer."""
    weekly = "DTSTART;TZID=Middle Europe:20260323T090000\nDTEND;TZID=Middle Europe:20260323T170000\nRRULE:FREQ=WEEKLY"
    text = calendar(BERLIN, event(weekly))
    assert await told(text, day(3, 23), day(4, 6)) == ["Ana 03-23 08:00-03-23 16:00", "Ana 03-30 07:00-03-30 15:00"]


async def test_exceptions_and_changed_occurrences_count() -> None:
    """One day is left out, one is another person's and begins later."""
    daily = "DTSTART:20261101T090000Z\nDTEND:20261101T170000Z\nRRULE:FREQ=DAILY;COUNT=4\nEXDATE:20261102T090000Z"
    changed = "DTSTART:20261103T120000Z\nDTEND:20261103T170000Z\nRECURRENCE-ID:20261103T090000Z"
    text = calendar(event(daily), event(changed, title="Ben"))
    assert await told(text, day(11, 1), day(11, 6)) == [
        "Ana 11-01 09:00-11-01 17:00",
        "Ben 11-03 12:00-11-03 17:00",
        "Ana 11-04 09:00-11-04 17:00",
    ]


async def test_whole_days_and_floating_times_are_by_the_feeds_zone_else_the_rotas() -> None:
    """X-WR-TIMEZONE goes before the zone that is set; without either it is UTC."""
    whole = event("DTSTART;VALUE=DATE:20261105\nDTEND;VALUE=DATE:20261107")
    floating = event("DTSTART:20261110T090000\nDTEND:20261110T100000", uid="2")
    text = calendar(whole, floating)
    tokyo = calendar(whole, floating, head="X-WR-TIMEZONE:Asia/Tokyo\n")
    assert await told(text, day(11, 1), day(12, 1)) == ["Ana 11-05 00:00-11-07 00:00", "Ana 11-10 09:00-11-10 10:00"]
    assert await told(text, day(11, 1), day(12, 1), zone="Europe/Berlin") == [
        "Ana 11-04 23:00-11-06 23:00",
        "Ana 11-10 08:00-11-10 09:00",
    ]
    assert await told(tokyo, day(11, 1), day(12, 1), zone="Europe/Berlin") == [
        "Ana 11-04 15:00-11-06 15:00",
        "Ana 11-10 00:00-11-10 01:00",
    ]


async def test_who_said_no_and_what_was_cancelled_is_not_on_call() -> None:
    """Nor a meeting room; an event whose only attendee declined is nobody's, not its title's."""
    hours = "DTSTART:20261101T090000Z\nDTEND:20261101T170000Z\n"
    text = calendar(
        event(f"{hours}STATUS:CANCELLED", uid="1"),
        event(
            f"{hours}ATTENDEE;PARTSTAT=DECLINED:mailto:ana@x.example\nATTENDEE:mailto:Ben@x.example\n"
            "ATTENDEE;CUTYPE=ROOM:mailto:room@x.example",
            uid="2",
        ),
    )
    assert await told(text, day(11, 1), day(11, 2)) == ["Ben@x.example 11-01 09:00-11-01 17:00"]


async def test_a_title_is_read_by_a_pattern() -> None:
    """Titles the pattern misses are no shifts."""
    hours = "DTSTART:20261101T090000Z\nDTEND:20261101T170000Z\n"
    text = calendar(event(hours.strip(), title="On call: Ana Aydin (first)"), event(hours.strip(), "2", "Team lunch"))
    assert await told(text, day(11, 1), day(11, 2), pattern=r"On call: ([^(]+)") == [
        "Ana Aydin 11-01 09:00-11-01 17:00"
    ]


async def test_a_feed_that_did_not_change_is_not_read_again() -> None:
    """304 answers from what is known; a new version is read."""
    texts = [the_plan(), calendar()]

    def server(request: httpx.Request) -> httpx.Response:
        if request.headers.get("if-none-match") == f'"{len(texts)}"':
            return httpx.Response(304)
        return httpx.Response(200, text=texts[0], headers={"etag": f'"{len(texts)}"'})

    async with in_front_of("ical", FEED, server) as known:
        first = await known.schedule.shifts(NOON, NOON + HOUR)
        assert await known.schedule.shifts(NOON, NOON + HOUR) == first != ()
        assert known.asked[1].headers["if-none-match"] == '"2"'
        texts.pop(0)
        assert await known.schedule.shifts(NOON, NOON + HOUR) == ()


WILD = calendar(event("DTSTART:20261101T090000Z\nRRULE:FREQ=MINUTELY"))
"""It cannot be read."""
UNTOLD = calendar(event("DTEND:20261121T000000Z"))
"""It can be read; its event cannot be told."""
TORN = calendar("BEGIN:VEVENT\nUID:1\nEND:VTODO\n")


@pytest.mark.parametrize("bad", [WILD, UNTOLD, TORN], ids=["wild", "untold", "torn"])
async def test_a_feed_that_broke_stays_broken_until_it_is_mended(bad: str) -> None:
    """Not modified since what could not be understood is no answer; once the old one is back, it counts again."""
    texts = {"1": the_plan(), "2": bad}
    now = "1"

    def server(request: httpx.Request) -> httpx.Response:
        if request.headers.get("if-none-match") == f'"{now}"':
            return httpx.Response(304)
        return httpx.Response(200, text=texts[now], headers={"etag": f'"{now}"'})

    async with in_front_of("ical", FEED, server) as known:
        first = await known.schedule.shifts(NOON, NOON + HOUR)
        assert first
        now = "2"
        for _ in range(3):
            with pytest.raises(Unavailable):
                await known.schedule.shifts(NOON, NOON + HOUR)
        now = "1"
        assert await known.schedule.shifts(NOON, NOON + HOUR) == first


@pytest.mark.parametrize(
    ("text", "because"),
    [
        ("<html>log in</html>", "no iCalendar"),
        (the_plan()[:-40], "cut off"),
        ("", "nothing"),
        (calendar(event("DTSTART:nonsense")), "cannot be read"),
        (calendar(event("DTSTART:20261101T090000Z\nRRULE:FREQ=MINUTELY")), "more often than"),
        (
            calendar(event("DTSTART:20261101T090000Z\nRRULE:FREQ=DAILY;BYMINUTE=" + ",".join(map(str, range(60))))),
            "often",
        ),
        (calendar(*(event("DTSTART:20261101T090000Z", str(n)) for n in range(5001))), "more than 5000 events"),
    ],
)
async def test_what_is_no_whole_calendar_is_unavailable(text: str, because: str) -> None:
    """Never an empty rota: a login page, a cut-off file and a rule gone wild are told in words."""
    with pytest.raises(Unavailable, match=because) as caught:
        await told(text, NOON, NOON + HOUR)
    assert CANARY not in str(caught.value)


async def test_a_moved_feed_says_so_without_its_address() -> None:
    """Redirects are not followed: the address is the secret."""
    moved = httpx.Response(302, headers={"location": f"https://elsewhere.example/{CANARY}"})
    async with in_front_of("ical", FEED, lambda _: moved) as known:
        with pytest.raises(Unavailable, match="has moved") as caught:
            await known.schedule.shifts(NOON, NOON + HOUR)
    assert CANARY not in str(caught.value)


async def test_a_file_is_read_each_time(tmp_path: Path) -> None:
    """A file that is gone is an error; one that changed is read again."""
    file = tmp_path / "rota.ics"
    schedule = IcalSchedule(IcalSettings(path=str(file)), clock=Hands())
    with pytest.raises(Unavailable, match="cannot be read"):
        await schedule.shifts(NOON, NOON + HOUR)
    file.write_text(the_plan())
    assert [s.person for s in await schedule.shifts(NOON, NOON + HOUR)] == ["ana@visits.example"]
    file.write_text(calendar())
    assert await schedule.shifts(NOON, NOON + HOUR) == ()
    file.write_bytes(b"x" * (4 * 1024 * 1024 + 1))
    with pytest.raises(Unavailable, match="larger than 4 MB"):
        await schedule.shifts(NOON, NOON + HOUR)


@pytest.mark.parametrize(
    "given",
    [{}, {"url": "https://a.example/x", "path": "y"}, {"url": "http://a.example/x"}, {"path": "y", "pattern": "("}],
)
def test_settings_that_cannot_be_meant(given: dict[str, object]) -> None:
    """One place, by https, and a pattern that is one."""
    with pytest.raises(ValidationError):
        IcalSettings.model_validate(given)


def test_webcal_is_https() -> None:
    """As calendars hand out their addresses."""
    found = IcalSettings.model_validate({"url": "webcal://a.example/x.ics"}).url
    assert found is not None
    assert found.get_secret_value() == "https://a.example/x.ics"
