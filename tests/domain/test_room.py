"""War rooms: asked for by a responder, opened once, put away at the end, and never for what is restricted."""

from bot.domain.climbing import Owed
from bot.domain.lifecycle import Close, Resolve
from bot.domain.room import OpenRoom, ReportRoom, ReportRoomArchived
from bot.domain.todo import ArchiveOwed, RoomOwed, todo
from tests.kit import ANA, BEN, CLEO, Story, declared, lines


def owed(story: Story) -> list[Owed]:
    found = todo(story.incident, story.policy, None, [])
    return [each for each in found if isinstance(each, RoomOwed | ArchiveOwed)]


def test_a_war_room_is_asked_for_once() -> None:
    """The second click changes nothing; the room is owed until it stands."""
    story = declared().when(OpenRoom(), ANA)
    assert story.when(OpenRoom(), BEN).events == ()
    (debt,) = owed(story)
    assert debt.key == "room:INC-1:1"
    story = story.when(ReportRoom("C9", "inc-1-recall"))
    assert owed(story) == []
    assert story.when(ReportRoom("C10", "other")).events == ()
    assert lines(story)[-1].endswith("the war room #inc-1-recall is open")


def test_who_may_and_where() -> None:
    """Counsel does not open war rooms; a restricted or resolved incident gets none."""
    assert "only" in declared().refuses(OpenRoom(), CLEO)
    assert "restricted" in declared(restricted=True).refuses(OpenRoom(), ANA)
    assert "re-open" in declared().when(Resolve("x", "y"), ANA).refuses(OpenRoom(), ANA)
    assert "by hand" in declared().when(OpenRoom(), ANA).refuses(ReportRoom("C1", "x"), ANA)


def test_a_refusal_is_said_and_may_be_asked_again() -> None:
    """Where the workspace gives no channel the thread goes on, and the timeline says why."""
    story = declared().when(OpenRoom(), ANA).when(ReportRoom("", because="missing_scope"))
    assert "missing_scope" in lines(story)[-1]
    assert owed(story) == []
    again = story.when(OpenRoom(), BEN)
    assert owed(again)[0].key == "room:INC-1:2"  # work that ended under a key is never begun again under it


def test_it_is_put_away_when_the_incident_is_closed() -> None:
    """Not when it is resolved: people still talk there. Opened again it has another number."""
    story = declared().when(OpenRoom(), ANA).when(ReportRoom("C9", "inc-1")).when(Resolve("x", "y"), ANA)
    assert owed(story) == []
    story = story.when(Close(), ANA)
    assert [each.key for each in owed(story)] == ["archive:INC-1:1"]
    story = story.when(ReportRoomArchived())
    assert owed(story) == []
    assert story.when(ReportRoomArchived()).events == ()
