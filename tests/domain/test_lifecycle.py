from dataclasses import replace
from datetime import timedelta

import pytest

from bot.domain.climbing import PageOwed
from bot.domain.correction import CorrectTime, Moment
from bot.domain.lifecycle import ChangeSeverity, Close, Declare, IncidentDeclared, Reopen, Resolve
from bot.domain.log import Free, Take
from bot.domain.measures import measures, spread
from bot.domain.paging import Acknowledge, Acknowledged, Receipt, ReportPage
from bot.domain.phase import Phase
from bot.domain.policy import Policy, Severity
from bot.domain.roles import Part, PartAssigned
from bot.domain.sli import Attach, Judged, ObserveSli, SliObserved
from bot.domain.todo import todo
from tests.kit import ANA, AUDREY, BEN, CLEO, NOON, Story, at, breached, declared, lines

MET = breached(judged=Judged.MET, because="met again", since=at(60), seen=at(90))
SILENT = breached(judged=Judged.NO_DATA, because="the endpoint refuses", since=at(60), seen=at(90))


def test_a_breach_is_declared_with_its_onset_from_the_data() -> None:
    """Detection lag is detected minus onset, and both come from the verdict, not from the time of writing."""
    story = declared()
    assert isinstance(story.events[0], IncidentDeclared)
    assert story.incident.phase is Phase.DECLARED
    assert measures(story.incident).ttd == timedelta(seconds=5)
    assert story.entries[0].happened_at == at(5)


def test_declaring_takes_the_fingerprint_and_resolving_frees_it() -> None:
    """One open incident per fingerprint: the claim is taken at declaration and given back at resolution."""
    story = declared()
    take = next(iter(story.events[0].claims(story.incident)))
    assert take == Take("open:slo/recall", "an incident for slo/recall is open already: {holder}")
    story = story.when(ObserveSli(MET)).when(Resolve("rolled back"), ANA)
    assert list(story.events[0].claims(story.incident)) == [Free("open:slo/recall")]


def test_an_incident_is_declared_once_and_says_what_is_wrong() -> None:
    """A second declaration, an empty title and an onset after the detection are refused in words."""
    assert "already" in declared().refuses(Declare("x", Severity.SEV1, "visits", "", NOON, NOON))
    blank = Declare(" ", Severity.SEV1, "visits", "", NOON, NOON)
    assert "title" in Story().refuses(blank, ANA)
    late = Declare("x", Severity.SEV1, "visits", "", at(5), NOON)
    assert "onset" in Story().refuses(late, ANA)


def test_a_manual_incident_has_a_fingerprint_of_its_own() -> None:
    """Two incidents declared by hand never collide."""
    story = Story().when(Declare("x", Severity.SEV3, "visits", "", NOON, NOON), ANA)
    assert story.incident.fingerprint == "manual/INC-1"


def test_ten_quiet_polls_tell_nothing() -> None:
    """The same verdict observed again yields no event."""
    story = declared()
    for _ in range(10):
        story = story.after(seconds=15).when(ObserveSli(breached(value=0.2)))
        assert story.events == ()


def test_met_again_is_mitigated_as_of_the_start_of_the_good_run() -> None:
    """Time to mitigate runs to the beginning of the good data, not to when it was noticed."""
    story = declared().when(ObserveSli(MET))
    assert story.incident.phase is Phase.MITIGATED
    assert measures(story.incident).ttm == timedelta(seconds=60)
    back = story.when(ObserveSli(breached(since=at(100))))
    assert back.incident.phase is Phase.DECLARED
    assert back.incident.mitigated is None


def test_no_data_is_recorded_and_concludes_nothing() -> None:
    """No data neither mitigates nor allows resolving without a reason."""
    story = declared().when(ObserveSli(SILENT))
    assert story.incident.phase is Phase.DECLARED
    assert "no data" in story.refuses(Resolve("probably fine"), ANA)
    waived = story.after(minutes=2).when(Resolve("probably fine", waive="the model was switched off"), ANA)
    assert waived.incident.phase is Phase.RESOLVED
    assert "waived" in lines(waived)[-1]


def test_the_first_to_acknowledge_leads_and_the_second_click_changes_nothing() -> None:
    """Acknowledging makes the person incident commander; somebody else's later click yields no event."""
    story = declared().after(seconds=30).when(Acknowledge(), ANA)
    assert story.events == (Acknowledged(story.now + timedelta(hours=1)), PartAssigned(Part.COMMANDER, "ana"))
    assert measures(story.incident).tta == timedelta(seconds=30)
    assert story.when(Acknowledge(), BEN).events == ()


def test_an_acknowledgement_never_reopens() -> None:
    """Acknowledging what is resolved is refused."""
    story = declared().when(ObserveSli(MET)).when(Resolve("done"), ANA)
    assert "never re-opens" in story.refuses(Acknowledge(), BEN)


def test_only_those_who_may() -> None:
    """An auditor reads and counsel approves words; neither acknowledges nor resolves."""
    assert "only" in declared().refuses(Acknowledge(), AUDREY)
    assert "your roles: counsel" in declared().refuses(Resolve("x"), CLEO)


def test_reopening_takes_the_fingerprint_again() -> None:
    """A re-opened incident holds its fingerprint; what was resolved is open again."""
    story = declared().when(Acknowledge(), ANA).when(ObserveSli(MET)).when(Resolve("done"), ANA)
    story = story.when(Reopen("it came back"), ANA)
    assert story.incident.phase is Phase.ACKNOWLEDGED
    assert isinstance(next(iter(story.events[0].claims(story.incident))), Take)
    assert story.when(Reopen("again"), ANA).events == ()


def test_closing_needs_resolving_first() -> None:
    """Close refuses an open incident, and a second close changes nothing."""
    assert "resolve it first" in declared().refuses(Close(), ANA)
    story = declared().when(ObserveSli(MET)).when(Resolve("done"), ANA).when(Close(), ANA)
    assert story.incident.phase is Phase.CLOSED
    assert story.when(Close(), ANA).events == ()


def test_severity_changes_with_a_reason() -> None:
    """A person says why; the same severity again is no event."""
    assert "why" in declared().refuses(ChangeSeverity(Severity.SEV1, ""), ANA)
    story = declared().when(ChangeSeverity(Severity.SEV1, "hospitals call"), ANA)
    assert story.incident.severity is Severity.SEV1
    assert story.when(ChangeSeverity(Severity.SEV1, "x"), ANA).events == ()


def test_a_corrected_time_keeps_both_beliefs() -> None:
    """The correction is a line of its own; the measures follow it; the first entry stands untouched."""
    story = declared().after(minutes=5).when(CorrectTime(Moment.ONSET, at(-60), "the label feed lagged"), ANA)
    assert measures(story.incident).ttd == timedelta(seconds=65)
    assert story.entries[0].event.onset == NOON
    assert "future" in story.refuses(CorrectTime(Moment.ONSET, at(9999), "x"), ANA)
    assert "no time for resolved" in story.refuses(CorrectTime(Moment.RESOLVED, at(10), "x"), ANA)


def test_a_second_breach_is_attached_once() -> None:
    """Attaching the same verdict twice is one line; its recovery is another."""
    other = breached(slo="latency")
    story = declared().when(Attach(other))
    assert story.when(Attach(other)).events == ()
    assert len(story.when(Attach(replace(other, judged=Judged.MET))).incident.attached) == 1


def owed_pages(story: Story) -> list[PageOwed]:
    return [owed for owed in todo(story.incident, Policy(), None, ["ana", "ben"]) if isinstance(owed, PageOwed)]


def test_the_first_on_call_is_paged_at_once_and_the_next_when_nobody_acknowledges() -> None:
    """Escalation is a reading of the log: due five minutes after the first page was accepted."""
    story = declared()
    first = owed_pages(story)
    assert [(page.person, page.due) for page in first] == [("ana", at(5))]
    story = story.when(ReportPage(first[0].key, "ana", "slack", Receipt.ACCEPTED, "DM"))
    second = owed_pages(story)
    assert [(page.person, page.due) for page in second] == [("ben", at(5) + timedelta(minutes=5))]
    assert owed_pages(story.when(Acknowledge(), ANA)) == []


def test_a_page_that_fails_three_times_goes_to_the_next_person_at_once() -> None:
    """Failed pages are tried again under the same key with a new attempt, then somebody else is paged."""
    story = declared()
    for attempt in (1, 2, 3):
        (page,) = owed_pages(story)
        assert (page.person, page.attempt) == ("ana", attempt)
        story = story.after(seconds=1).when(ReportPage(page.key, "ana", "slack", Receipt.FAILED, "channel_not_found"))
    (page,) = owed_pages(story)
    assert (page.person, page.due) == ("ben", story.now)


def test_a_reported_page_is_not_reported_by_hand() -> None:
    """Receipts come from the pager."""
    assert "not by hand" in declared().refuses(ReportPage("k", "ana", "slack", Receipt.ACCEPTED), ANA)


def test_observing_a_resolved_incident_is_nothing() -> None:
    """A late verdict does not wake what is over."""
    story = declared().when(ObserveSli(MET)).when(Resolve("done"), ANA)
    assert story.when(ObserveSli(breached())).events == ()
    assert isinstance(declared().when(ObserveSli(MET)).events[0], SliObserved)


@pytest.mark.parametrize(("sample", "median", "p90"), [([1], 1, 1), ([1, 2, 3, 4], 2, 4), (range(1, 11), 5, 9)])
def test_percentiles_are_nearest_rank_and_say_their_size(sample: list[int], median: float, p90: float) -> None:
    """Small samples give an observed value, never an interpolation; an empty one gives nothing."""
    found = spread([timedelta(seconds=value) for value in sample])
    assert found is not None
    assert (found.size, found.median, found.p90) == (len(list(sample)), median, p90)
    assert spread([]) is None


def test_a_title_is_a_title() -> None:
    """What is longer belongs to the reason; the watch's own titles are not refused, nobody could be told."""
    asked = Declare("x" * 201, Severity.SEV2, "visits", "", at(0), at(1))
    assert "at most 200 letters, this one 201" in Story().refuses(asked, ANA)
    assert Story().when(asked).incident.exists
    assert Story().when(replace(asked, title=" " + "x" * 200 + " "), ANA).incident.title == "x" * 200
