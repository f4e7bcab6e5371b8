"""The timeline people read: in the order in which things were so."""

from datetime import timedelta, timezone

from bot.domain.correction import CorrectTime, Moment
from bot.domain.finding import RecordFinding
from bot.domain.lifecycle import Resolve, Update
from bot.domain.log import says
from bot.domain.measures import measures
from bot.domain.paging import Acknowledge
from bot.domain.sli import Judged, ObserveSli
from bot.domain.timeline import plain, timeline
from tests.kit import ANA, BEN, CLEO, NOON, Story, at, breached, declared, lines

MET = breached(judged=Judged.MET, because="good again", since=at(60), seen=at(90))


def test_lines_stand_where_they_were_so_not_where_they_were_written() -> None:
    """A finding seen earlier, and a recovery dated to its good run, come before what was written meanwhile."""
    story = declared().after(seconds=75).when(Update("we look"), ANA)
    story = story.after(seconds=20).when(ObserveSli(MET)).when(RecordFinding("bad export", "ana", seen=at(2)), ANA)
    said = [(line.seq, line.late) for line in timeline(story.entries)]
    assert said == [(4, True), (1, False), (3, True), (2, False)]


def test_things_of_the_same_moment_keep_the_order_of_the_log() -> None:
    """Equal times are told in the order of their entries."""
    story = declared().when(Update("a"), ANA).when(Update("b"), ANA).when(Update("c"), ANA)
    assert [line.seq for line in timeline(story.entries)] == [1, 2, 3, 4]
    assert [line.seq for line in timeline(reversed(story.entries))] == [1, 2, 3, 4]


def test_a_corrected_time_stands_beside_the_first_belief() -> None:
    """Both lines are there, the correction where it was made; the measures follow the last belief."""
    story = declared().after(minutes=5).when(CorrectTime(Moment.ONSET, at(-120), "labels lag"), ANA)
    story = story.after(minutes=1).when(CorrectTime(Moment.ONSET, at(-60), "labels lag less"), BEN)
    said = lines(story)
    assert "began 2026-11-20 12:00:00" in said[0]
    assert "from 2026-11-20 12:00:00 UTC to 2026-11-20 11:58:00 UTC" in said[1]
    assert "from 2026-11-20 11:58:00 UTC to 2026-11-20 11:59:00 UTC" in said[2]
    assert measures(story.incident).ttd == timedelta(seconds=65)


def test_a_correction_cannot_turn_time_around() -> None:
    """It cannot begin after it was detected or over, nor end before it began; silence about why is refused."""
    story = declared().when(ObserveSli(MET)).after(minutes=3).when(Resolve("done"), ANA).after(minutes=5)
    assert "after it was detected" in story.refuses(CorrectTime(Moment.ONSET, at(61), "x"), ANA)
    assert "before it began" in story.refuses(CorrectTime(Moment.MITIGATED, at(-1), "x"), ANA)
    assert "what shows" in story.refuses(CorrectTime(Moment.MITIGATED, at(50), " "), ANA)
    assert "only" in story.refuses(CorrectTime(Moment.MITIGATED, at(50), "x"), CLEO)
    assert "no incident" in Story().refuses(CorrectTime(Moment.ONSET, at(-5), "x"), ANA)
    assert story.when(CorrectTime(Moment.MITIGATED, at(60), "as it was"), ANA).events == ()
    right = story.when(CorrectTime(Moment.RESOLVED, at(70), "resolved by phone"), ANA)
    assert measures(right.incident).ttr == timedelta(seconds=70)


def test_plain_text_writes_names_and_times_the_readers_way() -> None:
    """People by name, times in UTC unless the reader has a zone, everything else as it is."""
    from bot.domain.log import When, Who

    sentence = says("{who} at {when}: {n} {text}", who=Who("p1"), when=When(NOON), n=3, text="<b>")
    assert plain(sentence, {"p1": "Ana"}.__getitem__) == "Ana at 2026-11-20 12:00:00 UTC: 3 <b>"
    east = timezone(timedelta(hours=1))
    assert "13:00" in plain(sentence, str, zone=lambda when: f"{when.astimezone(east):%H:%M}")


def test_every_fact_is_told_as_a_line() -> None:
    """Nothing said here is left out: as many lines as entries."""
    story = declared().when(Acknowledge(), ANA).when(Update("x"), ANA)
    assert len(timeline(story.entries)) == len(story.entries) == 4
