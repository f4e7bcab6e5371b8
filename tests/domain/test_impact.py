"""Impact: what the data and the catalogue say, what people state, and what is openly unknown."""

from dataclasses import replace
from decimal import Decimal

from bot.domain.impact import AssessImpact, estimate
from bot.domain.service import Service
from tests.kit import ANA, AUDREY, CLEO, NOON, Story, declared, lines

SERVICE = Service("visits", "Visits", "care", "C1", value_per_event=Decimal("0.333"), people_per_event=Decimal("0.5"))


def test_an_estimate_never_guesses() -> None:
    """Counted events give people and money to the cent; where the catalogue is silent it says so."""
    whole = estimate(SERVICE, 100, NOON)
    assert (whole.events, whole.people, whole.money, whole.unknowns) == (100, 50, Decimal("33.30"), ())
    bare = estimate(replace(SERVICE, value_per_event=None, people_per_event=None), 100, NOON)
    assert (bare.people, bare.money) == (None, None)
    assert [reason.split(":")[0] for reason in bare.unknowns] == ["people", "money"]
    assert estimate(SERVICE, None, NOON).unknowns == ("affected events: the SLI has no count",)


def test_zero_is_a_number_and_unknown_is_not() -> None:
    """No affected event is worth no money; that is known."""
    none = estimate(SERVICE, 0, NOON)
    assert (none.people, none.money, none.unknowns) == (0, Decimal("0.00"), ())


def test_what_is_left_blank_is_marked_as_not_investigated() -> None:
    """A blank with a reason keeps the reason; a blank without one says that nobody looked yet."""
    story = declared().when(AssessImpact(40, None, None, "EUR", ("people: sampling runs",)), ANA)
    assert story.incident.impact.unknowns == ("people: sampling runs", "money: not yet investigated")
    assert "people unknown" in lines(story)[-1]


def test_stating_it_twice_is_stating_it_once() -> None:
    """The second click yields nothing, with blanks and untrimmed notes as well; another number is another statement."""
    command = AssessImpact(1234567, None, Decimal("9.5"), "EUR", note=" hospitals call ")
    story = declared().when(command, ANA)
    assert "1,234,567" in lines(story)[-1]
    assert story.after(minutes=1).when(command, CLEO).events == ()
    assert story.when(replace(command, events=5), ANA).events
    assert story.when(replace(command, currency="USD"), ANA).events


def test_nonsense_is_refused() -> None:
    """Negative numbers, no incident, no role."""
    assert "negative" in declared().refuses(AssessImpact(-1, None, None, "EUR"), ANA)
    assert "negative" in declared().refuses(AssessImpact(None, None, Decimal(-1), "EUR"), ANA)
    assert "no incident" in Story().refuses(AssessImpact(1, 1, None, "EUR"), ANA)
    assert "only" in declared().refuses(AssessImpact(1, 1, None, "EUR"), AUDREY)
