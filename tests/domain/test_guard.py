"""The guard-rails hold by the wall clocks, combine to the stricter, and are other rules exactly when one differs."""

from collections.abc import Callable
from dataclasses import fields, replace
from datetime import UTC, datetime, time, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bot.domain.errors import Refused
from bot.domain.guard import MOVING, ActionClass, Freeze, Means, TargetRules, Weekly
from bot.domain.mitigation import check_rules
from bot.domain.policy import Policy, Severity
from bot.domain.status_rules import StatusRules
from tests.kit import NOON, plan

# -- freezes, by the wall clocks -------------------------------------------------------------------------------------

ZONES = ["Europe/Berlin", "America/New_York", "Australia/Lord_Howe", "Asia/Kolkata", "America/Sao_Paulo", "UTC",
         "Pacific/Apia", "Africa/Casablanca", "America/St_Johns", "Asia/Beirut"]  # fmt: skip
# around both changes of 2026 in most of them, one at midnight (Beirut), one of half an hour (Lord Howe), one ordinary week
SUNDAYS = [datetime(2026, 3, 29, tzinfo=UTC), datetime(2026, 10, 25, tzinfo=UTC), datetime(2026, 3, 8, tzinfo=UTC),
           datetime(2026, 11, 1, tzinfo=UTC), datetime(2026, 4, 5, tzinfo=UTC), datetime(2026, 10, 4, tzinfo=UTC),
           datetime(2026, 7, 12, tzinfo=UTC)]  # fmt: skip
QUARTER = timedelta(minutes=15)


def by_the_clock(weekly: Weekly, beginning: datetime, ending: datetime) -> dict[datetime, bool]:
    """Somebody watches the wall clock and notes each quarter of an hour whether it is frozen.

    It is from when they first see its start of a week, or see it passed over, until they see its end for the last time.
    """
    zone = ZoneInfo(weekly.zone)
    moments = [beginning + n * QUARTER for n in range(int((ending - beginning) / QUARTER))]
    walls = [moment.astimezone(zone).replace(tzinfo=None) for moment in moments]
    frozen = dict.fromkeys(moments, False)
    length = (weekly.end_day - weekly.start_day) % 7
    if length == 0 and weekly.end <= weekly.start:
        length = 7
    first = walls[0].date() - timedelta(days=8)
    for number in range((walls[-1].date() - first).days + 1):
        day = first + timedelta(days=number)
        if day.weekday() != weekly.start_day:
            continue
        start, end = datetime.combine(day, weekly.start), datetime.combine(day + timedelta(days=length), weekly.end)
        seen = [n for n, wall in enumerate(walls) if wall >= start]
        unseen = [n for n, wall in enumerate(walls) if wall < end]
        shown = [n for n, wall in enumerate(walls) if wall == end]
        over = max(unseen[-1] + 1 if unseen else 0, shown[-1] if shown else 0)
        for n in range(seen[0] if seen else len(walls), over):
            frozen[moments[n]] = True
    return frozen


quarters = st.builds(time, st.integers(0, 23), st.sampled_from([0, 15, 30, 45]))
near_a_change = st.builds(time, st.sampled_from([0, 1, 2, 3, 23]), st.sampled_from([0, 15, 30, 45]))
days = st.integers(0, 6)
edges = st.one_of(st.tuples(st.sampled_from([5, 6]), near_a_change), st.tuples(days, quarters))
real = [("Europe/Berlin", 0), ("Asia/Beirut", 0), ("Europe/Berlin", 1), ("America/New_York", 2), ("America/St_Johns", 2),
        ("America/New_York", 3), ("Australia/Lord_Howe", 4), ("Australia/Lord_Howe", 5)]  # fmt: skip
nights = st.one_of(
    st.sampled_from([(zone, SUNDAYS[number]) for zone, number in real]),
    st.tuples(st.sampled_from(ZONES), st.sampled_from(SUNDAYS)),
)


@settings(max_examples=200, deadline=None)
@given(start=edges, end=edges, night=nights)
def test_a_weekly_freeze_is_what_the_wall_clock_says(
    start: tuple[int, time], end: tuple[int, time], night: tuple[str, datetime]
) -> None:
    """In every zone and over both changes of the clocks it holds when somebody who looks at the wall would say so."""
    zone, sunday = night
    weekly = Weekly(*start, *end, zone)
    # what began before the watching does not count in the first days
    watched = by_the_clock(weekly, sunday - timedelta(days=17), sunday + timedelta(days=3))
    for moment, frozen in watched.items():
        if abs(moment - sunday) <= timedelta(days=2):
            until = weekly.until(moment)
            assert (until is not None) == frozen, (moment, until)
            assert until is None or until > moment


@settings(max_examples=100, deadline=None)
@given(start=edges, end=edges, night=nights, hours=st.integers(-40, 40))
def test_a_freeze_holds_until_the_moment_it_tells(
    start: tuple[int, time], end: tuple[int, time], night: tuple[str, datetime], hours: int
) -> None:
    """All the time from now until then, and not at that moment, unless it leaves so little time that the next began."""
    zone, sunday = night
    weekly, now = Weekly(*start, *end, zone), sunday + timedelta(hours=hours)
    until = weekly.until(now)
    if until is None:
        return
    for part in range(20):
        assert (weekly.until(now + (until - now) * part / 20) or now) >= until
    assert (weekly.until(until - timedelta(microseconds=1)) or now) >= until
    free = ((start[0] - end[0]) % 7 * 24 + start[1].hour - end[1].hour) % (7 * 24)
    assert weekly.until(until) is None or free <= 2


@pytest.mark.parametrize(
    ("weekly", "begins", "ends"),
    [
        # 02:30 does not exist on 29 March in Berlin: clocks go from 02:00 to 03:00 at 01:00 UTC
        (Weekly(6, time(2, 30), 6, time(5), "Europe/Berlin"),
         datetime(2026, 3, 29, 1, tzinfo=UTC), datetime(2026, 3, 29, 3, tzinfo=UTC)),
        (Weekly(6, time(0), 6, time(2, 30), "Europe/Berlin"),
         datetime(2026, 3, 28, 23, tzinfo=UTC), datetime(2026, 3, 29, 1, tzinfo=UTC)),
        # 02:30 comes twice on 25 October: a freeze begins with the first and ends with the second
        (Weekly(6, time(2, 30), 6, time(5), "Europe/Berlin"),
         datetime(2026, 10, 25, 0, 30, tzinfo=UTC), datetime(2026, 10, 25, 4, tzinfo=UTC)),
        (Weekly(6, time(0), 6, time(2, 30), "Europe/Berlin"),
         datetime(2026, 10, 24, 22, tzinfo=UTC), datetime(2026, 10, 25, 1, 30, tzinfo=UTC)),
    ],
)  # fmt: skip
def test_times_that_are_missing_or_come_twice(weekly: Weekly, begins: datetime, ends: datetime) -> None:
    """Nothing moves too early on the night of the change: of two readings the longer freeze holds."""
    tick = timedelta(microseconds=1)
    assert weekly.until(begins - tick) is None
    assert weekly.until(begins) == ends
    assert weekly.until(ends - tick) == ends
    assert weekly.until(ends) is None


@given(hours=st.lists(st.integers(1, 100), min_size=1, max_size=6), klass=st.sampled_from(ActionClass))
def test_of_several_freezes_the_longest_is_told(hours: list[int], klass: ActionClass) -> None:
    """So that nobody waits for one and meets the next."""
    freezes = tuple(Freeze(f"f{n}", "b", NOON, NOON + timedelta(hours=n)) for n in hours)
    found = Policy(freezes=freezes).frozen("any", klass, NOON)
    assert (found is not None) == (klass in MOVING)
    assert found is None or found[1] == NOON + timedelta(hours=max(hours))


# -- the stricter of two rules ---------------------------------------------------------------------------------------

shares = st.one_of(st.none(), st.floats(0.01, 1.0))
counts = st.one_of(st.none(), st.integers(1, 5))


@given(house=shares, own=shares, share=st.floats(0.0, 1.0), klass=st.sampled_from(ActionClass))
def test_the_narrower_share_holds(house: float | None, own: float | None, share: float, klass: ActionClass) -> None:
    """Neither the house nor the target can be overruled by the other."""
    policy = Policy(widest={} if house is None else {klass: house}, targets={"visits-router": TargetRules(widest=own)})
    passes = all(share <= most for most in (house, own) if most is not None)
    if passes:
        check_rules(policy, plan(share=share, klass=klass), NOON)
        return
    with pytest.raises(Refused, match="the policy allows"):
        check_rules(policy, plan(share=share, klass=klass), NOON)


@given(house=counts, own=counts, klass=st.sampled_from(ActionClass))
def test_the_larger_quorum_holds(house: int | None, own: int | None, klass: ActionClass) -> None:
    """A target may ask for more people than the house, never for fewer."""
    policy = Policy(quorum={} if house is None else {klass: house}, targets={"live": TargetRules(quorum=own)})
    assert policy.quorum_of("live", klass) == max(house or 1, own or 1)
    assert policy.quorum_of("another", klass) == (house or 1)


# -- the same rules, other rules -------------------------------------------------------------------------------------

badges = st.frozensets(st.sampled_from(["admin", "approver", "@eve", "group:a", "on-call"]), min_size=1)
lengths = st.integers(1, 100).map(lambda n: timedelta(seconds=n))
classes = st.frozensets(st.sampled_from(ActionClass))
means = st.frozensets(st.sampled_from(Means))


def some(of: st.SearchStrategy[Any]) -> st.SearchStrategy[Any]:
    return st.one_of(st.none(), of)


weeklies = st.builds(Weekly, days, quarters, days, quarters, st.sampled_from(ZONES))
freezes = st.builds(
    Freeze, st.sampled_from("ab"), st.sampled_from("ab"), st.just(NOON), st.just(NOON + timedelta(days=1)),
    some(weeklies), st.frozensets(st.sampled_from("xy")), classes,
)  # fmt: skip
targets = st.builds(
    TargetRules, some(means), some(badges), some(badges), some(st.integers(1, 3)), some(st.floats(0.1, 1)),
    some(lengths), means, some(st.booleans()),
)  # fmt: skip
OF: dict[str, st.SearchStrategy[Any]] = {
    "version": st.sampled_from(["1", "2", "3"]),
    "approve": st.dictionaries(st.sampled_from(ActionClass), badges),
    "quorum": st.dictionaries(st.sampled_from(ActionClass), st.integers(1, 3)),
    "widest": st.dictionaries(st.sampled_from(ActionClass), st.floats(0.1, 1)),
    "step_up": classes, "undo_itself": classes,
    "freezes": st.lists(freezes, max_size=2).map(tuple),
    "targets": st.dictionaries(st.sampled_from("xy"), targets),
    "changes_per_hour": st.integers(1, 9),
    "acknowledge_within": st.dictionaries(st.sampled_from(Severity), lengths),
    "update_every": st.dictionaries(st.sampled_from(Severity), lengths),
    "status": st.none() | st.builds(StatusRules, st.sampled_from([(), ("api",)]), badges, st.booleans()),
}  # fmt: skip
OF |= dict.fromkeys(("propose", "break_glass", "counsel", "approve_notice"), badges)
OF |= {each.name: lengths for each in fields(Policy) if each.name not in OF}
policies = st.builds(Policy, **OF)


def told_otherwise(value: Any) -> Any:
    """The same value, its maps and sets put together in the opposite order."""
    if isinstance(value, dict):
        return {key: told_otherwise(value[key]) for key in reversed(list(value))}
    if isinstance(value, frozenset):
        return frozenset(sorted(value, key=str, reverse=True))
    return value


@settings(deadline=None)
@given(policy=policies)
def test_equal_rules_have_one_fingerprint(policy: Policy) -> None:
    """In whatever order they are told."""
    same = Policy(**{each.name: told_otherwise(getattr(policy, each.name)) for each in fields(Policy)})
    assert same == policy
    assert same.fingerprint == policy.fingerprint


HEARD = {"notices", "people_data", "alerts", "storm", "quiet", "merge_pages", "insist_after", "status"}


@settings(max_examples=300, deadline=None)
@given(policy=policies, data=st.data())
def test_another_rule_has_another_fingerprint(policy: Policy, data: st.DataObject) -> None:
    """Whichever of them is changed, and only where it is; who hears or reads of what changes no production."""
    name = data.draw(st.sampled_from([each.name for each in fields(Policy)]))
    other = replace(policy, **{name: data.draw(OF[name])})
    same = other == policy or name in HEARD
    assert (other.fingerprint == policy.fingerprint) == same


REASONS: dict[str, Callable[[Policy], Policy]] = {
    "a person for a role": lambda p: replace(p, propose=frozenset({"@admin"})),
    "two badges for one that holds both names": lambda p: replace(p, propose=frozenset({"a", "b"})),
    "one badge that holds both names": lambda p: replace(p, propose=frozenset({"a, b"})),
    "a quorum of one class for another's": lambda p: replace(p, quorum={ActionClass.WIDE: 2}),
    "and back": lambda p: replace(p, quorum={ActionClass.TRAFFIC: 2}),
    "nobody for no rule": lambda p: replace(p, targets={"x": TargetRules(approve=frozenset())}),
    "no rule for nobody": lambda p: replace(p, targets={"x": TargetRules()}),
}


def test_what_looks_alike_is_told_apart() -> None:
    """Rules that differ little, and mean another thing."""
    prints = {name: change(Policy()).fingerprint for name, change in REASONS.items()}
    assert len(set(prints.values())) == len(REASONS)
