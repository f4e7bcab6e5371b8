"""What should be looked at before a stretch of on-call is found, each with a sentence that says it."""

from datetime import UTC, datetime, time, timedelta

import pytest

from bot.rota.finding import Kind, Plan, together
from bot.rota.readiness import gaps, readiness
from bot.rota.rota import Only, Override, Shift, Turn, Unit
from tests.rota.test_cases import BERLIN, DAILY, NEW_YORK, TOKYO, at, cover, layer, rota, wall

WORK = tuple(Only(day, time(9), day, time(17)) for day in range(5))


def looked(*rotas, start="2026-01-12 09:00", end="2026-02-09 09:00", **more):
    return readiness(rotas, at(start), at(end), **more)


def said(found, kind: Kind) -> list[str]:
    return [each.says for each in found if each.kind is kind]


def test_a_rota_in_order_has_no_findings():
    """Nothing is said where nothing is to be done."""
    found = looked(rota(layer("ana", "ben")), known={"ana", "ben"}, zones={"ana": BERLIN, "ben": "Europe/Madrid"})
    assert found == []


def test_gaps_are_told_by_the_rotas_own_clocks():
    """Each with its bounds; many as a few and a sum."""
    (found,) = looked(rota(layer("ana", only=(Only(0, time(9), 4, time(17)),))), end="2026-01-19 09:00")
    assert (found.rota, found.kind, found.people) == ("ml", Kind.GAP, ())
    assert (found.start, found.end) == (at("2026-01-16 17:00"), at("2026-01-19 09:00"))
    assert found.says == ("nobody is on call in ml from Fri 2026-01-16 17:00 to Mon 2026-01-19 09:00 (Europe/Berlin)")
    told = said(looked(rota(layer("ana", only=WORK))), Kind.GAP)
    assert len(told) == 5
    assert told[-1] == (
        "nobody is on call in ml in 16 more stretches, 18 d 16 h in all, the last until Mon 2026-02-09 09:00 (Europe/Berlin)"
    )


def test_somebody_taken_away_leaves_a_gap_and_a_cover_fills_it():
    """Covers are looked at as well."""
    gone = cover("", "ana", "2026-01-20 09:00", "2026-01-21 09:00")
    taken = cover("ben", "ana", "2026-01-20 09:00", "2026-01-21 09:00")
    assert [each.kind for each in looked(rota(layer("ana"), overrides=[gone]))] == [Kind.GAP]
    assert looked(rota(layer("ana"), overrides=[gone]), covers={"ml": [taken]}) == []


def test_gaps_are_what_no_shift_covers():
    """Overlapping shifts and those of no length included."""

    def shift(begin: int, end: int) -> Shift:
        return Shift("ana", hour(begin), hour(end))

    def hour(number: int) -> datetime:
        return datetime(2026, 1, 1, number, tzinfo=UTC)

    assert gaps([shift(5, 9), shift(2, 6), shift(12, 13)], hour(1), hour(14)) == [
        (hour(1), hour(2)), (hour(9), hour(12)), (hour(13), hour(14)),
    ]  # fmt: skip
    assert gaps([], hour(1), hour(2)) == [(hour(1), hour(2))]
    assert gaps([shift(1, 2)], hour(1), hour(2)) == []


def test_a_rota_that_ends_is_told_once():
    """With who is left: nobody, or those of another layer."""
    alone = looked(rota(layer("ana", "ben", end=wall("2026-02-02 09:00"))))
    assert [each.says for each in alone] == [
        "base of ml ends on Mon 2026-02-02 09:00 (Europe/Berlin): from then on nobody is on call"
    ]
    assert (alone[0].start, alone[0].end) == (at("2026-02-02 09:00"), at("2026-02-09 09:00"))
    below = looked(rota(layer("cleo", name="rest"), layer("ana", end=wall("2026-02-02 09:00"))))
    assert [each.says for each in below] == [
        "base of ml ends on Mon 2026-02-02 09:00 (Europe/Berlin); others are on call after that"
    ]
    over = looked(rota(layer("ana", end=wall("2026-01-06 09:00"))))
    assert [each.kind for each in over] == [Kind.GAP]


def test_somebody_who_is_on_call_in_two_rotas_at_once():
    """One finding for each person and two rotas, with the first time; schedules kept elsewhere count."""
    one, other = rota(layer("ana", "ben")), rota(layer("ben", "ana", "cleo"))
    other = type(other)("data", other.zone, other.layers)
    found = [each for each in looked(one, other) if each.kind is Kind.TWICE]
    assert [each.says for each in found] == [
        "ana is on call in ml and data at once from Mon 2026-02-02 09:00 to Mon 2026-02-09 09:00 (Europe/Berlin)",
        "ben is on call in ml and data at once from Mon 2026-01-26 09:00 to Mon 2026-02-02 09:00 (Europe/Berlin)",
    ]
    feed = Plan("feed", BERLIN, [Shift("ana", at("2026-01-12 09:00"), at("2026-02-09 09:00"))])
    (twice,) = [each for each in looked(one, elsewhere=[feed]) if each.kind is Kind.TWICE]
    assert (twice.rota, twice.people) == ("ml", ("ana",))
    assert twice.says.endswith("(Europe/Berlin); 2 such stretches in all")


@pytest.mark.parametrize("stand_in", ["ben", ""])
def test_one_person_in_two_seats_is_one_person_too_few(stand_in):
    """As is an empty seat beside somebody."""
    over = cover(stand_in, "ana", "2026-01-20 09:00", "2026-01-22 09:00")
    assert said(looked(rota(layer(("ana", "ben")), overrides=[over])), Kind.SHORT) == [
        (
            "only ben is on call in ml from Tue 2026-01-20 09:00 to Thu 2026-01-22 09:00 (Europe/Berlin), "
            "where 2 people are planned"
        )
    ]


def test_whom_nobody_knows():
    """In layers of that stretch, and by overrides and covers; not in layers that are over."""
    found = looked(
        rota(layer("ana", "dna"), layer("old", name="past", end=wall("2026-01-06 09:00"))),
        covers={"ml": [cover("left", "ana", "2026-01-20 09:00", "2026-01-21 09:00")]},
        known={"ana"},
    )
    assert said(found, Kind.UNKNOWN) == [
        "dna is on call in base of ml and stands for nobody in people.yaml: a page would reach nobody",
        "left is on call by an override of ml and stands for nobody in people.yaml: a page would reach nobody",
    ]


def test_a_cover_for_somebody_who_is_not_on_call():
    """It changes nothing, and whoever asked for it should know."""
    idle = cover("cleo", "ben", "2026-01-12 09:00", "2026-01-13 09:00")
    assert said(looked(rota(layer("ana", "ben"), overrides=[idle])), Kind.IDLE) == []
    idle = cover("cleo", "ana", "2026-01-12 09:00", "2026-01-13 09:00")
    assert said(looked(rota(layer("ana", "ben"), overrides=[idle])), Kind.IDLE) == [
        (
            "cleo is to stand in for ana in ml from Mon 2026-01-12 09:00 to Tue 2026-01-13 09:00 (Europe/Berlin), "
            "and ana is not on call then: it changes nothing"
        )
    ]


def test_a_hand_off_in_the_night_of_whoever_takes_over():
    """By the clocks of where they sleep; alike ones as one."""
    found = looked(rota(layer("ana", "ken", every=DAILY)), zones={"ken": "America/Los_Angeles"})
    (night,) = [each for each in found if each.kind is Kind.NIGHT]
    assert night.people == ("ken",)
    assert night.says == (
        "ken takes over ml in the night, at 00:00 in America/Los_Angeles (first on Wed 2026-01-14 00:00, 13 times)"
    )
    alike = looked(rota(layer("ana", "ben", start="2026-01-05 23:00")), end="2026-01-14 09:00")
    assert said(alike, Kind.NIGHT) == [
        "ben takes over ml in the night, at 23:00 in Europe/Berlin (Mon 2026-01-12 23:00)"
    ]
    assert looked(rota(layer("ana", "ben", start="2026-01-05 07:00"))) == []


def test_a_clock_change_moves_hand_offs_in_utc_and_for_people_elsewhere():
    """Whose own clocks are not changed the same day is named."""
    found = looked(
        rota(layer("ana", "ken")), start="2026-03-20 09:00", end="2026-04-06 08:00", zones={"ana": BERLIN, "ken": TOKYO}
    )
    (moved,) = [each for each in found if each.kind is Kind.MOVES]
    assert (moved.start, moved.people) == (at("2026-03-29 03:00"), ("ken",))
    assert moved.says == (
        "the clocks of Europe/Berlin go forward by 1 h on Sun 2026-03-29 03:00: from then on hand-offs of ml come "
        "1 h earlier in UTC, and by the clocks of ken"
    )
    assert said(looked(rota(layer("ana")), start="2026-03-20 09:00", end="2026-04-06 08:00"), Kind.MOVES) == []
    back = looked(rota(layer("ana", "ben"), zone=NEW_YORK), start="2026-10-30 12:00", end="2026-11-03 12:00")
    assert said(back, Kind.MOVES)[0].startswith("the clocks of America/New_York go back by 1 h on Sun 2026-11-01 01:00")


@pytest.mark.parametrize(
    ("zone", "start", "end", "says"),
    [
        (BERLIN, "2026-03-20", "2026-04-02", "due on Sun 2026-03-29 02:30, which is left out in Europe/Berlin: it happens at 03:00"),
        (BERLIN, "2026-10-20", "2026-10-30", "due on Sun 2026-10-25 02:30, which comes twice in Europe/Berlin: turns change the first time, restrictions hold both times"),
        (TOKYO, "2026-03-20", "2026-10-30", ""),
    ],
)  # fmt: skip
def test_a_hand_off_in_an_hour_that_is_left_out_or_comes_twice(zone, start, end, says):
    """Told with what will happen; by turns, restrictions and overrides alike."""
    sundays = layer("ana", "ben", start="2026-01-04 02:30")
    limited = layer("ana", only=(Only(6, time(2, 30), 6, time(8)),))
    day = "2026-03-29" if "-03-" in start else "2026-10-25"
    put = Override(wall(f"{day} 02:30"), wall(f"{day} 12:00"), "ben")
    hours = layer("ana", "ben", start="2026-01-05 02:30", every=Turn(12, Unit.HOURS))
    for each in (rota(sundays, zone=zone), rota(limited, zone=zone), rota(layer("ana"), zone=zone, overrides=[put]),
                 rota(hours, zone=zone)):  # fmt: skip
        told = said(looked(each, start=start, end=end), Kind.ODD_HOUR)
        assert told == ([f"a hand-off of ml is {says}"] if says else [])


def test_many_names_are_a_few_and_a_number():
    """A sentence stays a sentence."""
    assert [together("a"), together("ab"), together("abc"), together("abcde")] == [
        "a", "a and b", "a, b and c", "a, b and 3 more",
    ]  # fmt: skip


def test_a_year_is_looked_through_at_once():
    """Every finding of a year of daily hand-offs with restrictions is found and none twice."""
    whole = rota(layer("ana", "ben", every=DAILY), layer("cleo", name="work", only=WORK))
    found = looked(whole, start="2026-01-05 09:00", end="2027-01-05 09:00")
    assert len(found) == len(set(found)) == 2
    assert {each.kind for each in found} == {Kind.MOVES}
    assert found[1].start - found[0].start == timedelta(days=210)
