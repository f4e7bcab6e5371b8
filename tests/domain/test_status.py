"""Statements for the status page: who may say what when, and what the page makes of it."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest

from bot.domain.lifecycle import Declare, Resolve
from bot.domain.policy import THE_BOT, Person, Policy, Role, Severity
from bot.domain.reminder import Reason, ReportReminder, reminders, waits
from bot.domain.stating import (
    TEXT,
    TITLE,
    ApproveStatement,
    DraftStatement,
    FreezeStatement,
    PublishStatement,
    ReturnStatement,
    StatementDrafted,
    WithdrawStatement,
)
from bot.domain.status import Kind, State, Step, behind, current, statement_of
from bot.domain.status_page import Announced, Component, StatusPage, page_of
from bot.domain.status_rules import StatusRules
from bot.domain.timeline import timeline
from tests.kit import ANA, AUDREY, BEN, CLEO, MAX, NOON, Story, lines

RULES = StatusRules(("web", "api"), frozenset({"manager", "counsel"}))
WEB, API = Component("web", "Website"), Component("api", "Interface", public=False)
DOWN = (("web", State.MAJOR),)
UP = (("web", State.OPERATIONAL),)
EVA = Person("eva", frozenset({Role.MANAGER}))


def begun(*, restricted: bool = False, policy: Policy | None = None) -> Story:
    """An incident of a house with a status page."""
    story = Story(policy=policy or Policy(status=RULES))
    command = Declare("Checkout loses orders", Severity.SEV1, "checkout", "seen", NOON, NOON, restricted=restricted)
    return story.when(command, ANA).after(minutes=5)


def draft(story: Story, text: str = "We are looking into it.", **given: object) -> Story:
    said = {"kind": Kind.INVESTIGATING, "title": "Website is away", "text": text, "states": DOWN, **given}
    return story.when(DraftStatement(**said), ANA)


def digest(story: Story, name: str = "S1") -> str:
    return statement_of(story.incident, name).said


def frozen(story: Story, name: str = "S1") -> Story:
    return story.when(FreezeStatement(name, digest(story, name)), ANA)


def approved(story: Story, name: str = "S1") -> Story:
    return frozen(story, name).when(ApproveStatement(name, digest(story, name)), MAX)


def published(story: Story, name: str = "S1") -> Story:
    return approved(story, name).when(PublishStatement(name, digest(story, name)), ANA)


def said(story: Story, name: str = "S1", **given: object) -> Story:
    return published(draft(story, **given), name)


def page(story: Story, components: tuple[Component, ...] = (WEB,), announced: tuple[Announced, ...] = ()) -> StatusPage:
    return page_of([story.incident], components, announced, story.now)


def step(story: Story, name: str = "S1") -> Step:
    return statement_of(story.incident, name).step


# -- refusals --------------------------------------------------------------------------------------------------------


def test_without_a_status_page_nothing_is_drafted() -> None:
    """The sentence says what makes one."""
    story = begun(policy=Policy())
    because = story.refuses(DraftStatement(Kind.INVESTIGATING, "x", "y", DOWN), ANA)
    assert because == "this house has no status page; `status:` in tocsin.yaml makes one"


@pytest.mark.parametrize(
    ("given", "because"),
    [
        ({"title": " "}, "a statement needs a title and words"),
        ({"text": "\n"}, "a statement needs a title and words"),
        ({"title": "x" * (TITLE + 1)}, "at most 200 characters"),
        ({"text": "x" * (TEXT + 1)}, "its text 5,000"),
        ({"states": (("shop", State.MAJOR),)}, "no component 'shop'; there is web, api"),
        ({"states": ()}, "say which components are concerned"),
        ({"kind": Kind.RESOLVED}, "what is resolved is operational again, and this leaves web in major outage"),
        ({"id": "S9"}, "has no statement S9; there is none"),
        ({"corrects": "S9"}, "has no statement S9; there is none"),
    ],
)
def test_what_cannot_be_drafted(given: dict[str, object], because: str) -> None:
    """Words, components and kinds must fit one another."""
    command = {"kind": Kind.INVESTIGATING, "title": "x", "text": "y", "states": DOWN, **given}
    assert because in begun().refuses(DraftStatement(**command), ANA)


def test_auditors_draft_nothing_and_no_incident_has_no_statement() -> None:
    """Whoever only reads does not speak."""
    command = DraftStatement(Kind.INVESTIGATING, "x", "y", DOWN)
    assert "may draft a statement" in begun().refuses(command, AUDREY)
    assert "no incident" in Story(policy=Policy(status=RULES)).refuses(command, ANA)


def test_approval_is_of_the_words_that_were_read() -> None:
    """Another digest, a draft nobody asked about, and words written anew are approved by nobody."""
    story = draft(begun())
    assert "reads otherwise now" in story.refuses(FreezeStatement("S1", "0" * 64), ANA)
    assert "is draft; there is nothing to approve" in story.refuses(ApproveStatement("S1", digest(story)), MAX)
    story = frozen(story)
    assert "reads otherwise now" in story.refuses(ApproveStatement("S1", "0" * 64), MAX)
    old = digest(story)
    story = draft(story, "Other words.", id="S1")
    assert step(story) is Step.DRAFT
    assert "nothing to approve" in story.refuses(ApproveStatement("S1", old), MAX)


@pytest.mark.parametrize("after", [Step.FROZEN, Step.APPROVED])
def test_words_written_anew_void_what_was_approved(after: Step) -> None:
    """Nothing old is published under an old approval."""
    story = frozen(draft(begun())) if after is Step.FROZEN else approved(draft(begun()))
    old = digest(story)
    story = draft(story, "Other words.", id="S1")
    assert "only what was approved is published" in story.refuses(PublishStatement("S1", old), ANA)
    assert "only what was approved is published" in story.refuses(PublishStatement("S1", digest(story)), ANA)


def test_who_may_approve() -> None:
    """Those of `status.approve`, never the machine, never whoever wrote it or asked for it."""
    story = frozen(draft(begun()))
    ask = ApproveStatement("S1", digest(story))
    assert "only counsel or manager may approve a statement" in story.refuses(ask, BEN)
    assert "by itself; a person must" in story.refuses(ask, THE_BOT)
    mine = begun().when(DraftStatement(Kind.INVESTIGATING, "x", "y", DOWN), MAX)
    ask = ApproveStatement("S1", digest(mine))
    assert "a second person must approve it" in frozen(mine).refuses(ask, MAX)
    assert step(frozen(mine).when(ask, CLEO)) is Step.APPROVED
    again = draft(mine, "Ana writes it anew.", id="S1")
    assert "a second person" in frozen(again).refuses(ApproveStatement("S1", digest(again)), MAX)


def test_one_pair_of_eyes_where_the_house_says_so() -> None:
    """`four_eyes: false`: whoever may approve may approve their own."""
    policy = Policy(status=replace(RULES, four_eyes=False))
    story = begun(policy=policy).when(DraftStatement(Kind.INVESTIGATING, "x", "y", DOWN), MAX)
    story = story.when(FreezeStatement("S1", digest(story)), MAX).when(ApproveStatement("S1", digest(story)), MAX)
    assert step(story) is Step.APPROVED


def test_gaps_are_not_approved() -> None:
    """What the template left open must be filled or struck first."""
    story = draft(begun(), "Since noon [[ not yet investigated: what a user notices ]]")
    assert "S1 has gaps" in story.refuses(FreezeStatement("S1", digest(story)), ANA)


@pytest.mark.parametrize("name", ["INC-1", "Checkout loses orders", "CHECKOUT"])
def test_a_restricted_incident_is_not_named(name: str) -> None:
    """Neither its id nor its title nor its service, in whatever case; words that name nothing of it may be shown."""
    story = draft(begun(restricted=True), f"This is about {name}.")
    assert "is restricted, and S1 names something of it" in story.refuses(FreezeStatement("S1", digest(story)), ANA)
    story = said(begun(restricted=True), text="Some orders are late.")
    assert step(story) is Step.PUBLISHED


def test_counsels_words_are_never_published() -> None:
    """What stands in a privileged notice is recognised although case and marks differ."""
    from bot.domain.notice import RequestNotice
    from bot.domain.signing import FreezeNotice
    from bot.domain.wording import ClaimPrivilege

    story = begun().when(RequestNotice("stakeholders/board"), CLEO)
    story = story.when(FreezeNotice("N1", "The key of the vault was left in the lobby.", "d", (), NOON), CLEO)
    story = draft(story, "We found: the KEY of the vault, was left in the lobby. Sorry.")
    assert step(frozen(story)) is Step.FROZEN
    sealed = story.when(ClaimPrivilege("N1", "advice", "m", "p"), CLEO)
    assert "for counsel alone" in sealed.refuses(FreezeStatement("S1", digest(sealed)), ANA)
    late = frozen(story).when(ClaimPrivilege("N1", "advice", "m", "p"), CLEO)
    assert "for counsel alone" in late.refuses(ApproveStatement("S1", digest(late)), MAX)
    latest = approved(story).when(ClaimPrivilege("N1", "advice", "m", "p"), CLEO)
    assert "for counsel alone" in latest.refuses(PublishStatement("S1", digest(latest)), ANA)


def test_sending_back_needs_a_reason_and_something_that_waits() -> None:
    """It is a draft again, with the reason beside it; the second click changes nothing."""
    story = frozen(draft(begun()))
    assert "say what should read otherwise" in story.refuses(ReturnStatement("S1", " "), MAX)
    assert "may send a statement back" in story.refuses(ReturnStatement("S1", "x"), BEN)
    story = story.when(ReturnStatement("S1", "say for whom"), MAX)
    assert (step(story), statement_of(story.incident, "S1").note) == (Step.DRAFT, "say for whom")
    assert story.when(ReturnStatement("S1", "say for whom"), MAX).events == ()
    assert "approval was not asked for" in story.refuses(ReturnStatement("S1", "other"), MAX)
    assert statement_of(frozen(story).incident, "S1").note == ""


def test_an_older_statement_does_not_come_after_a_newer_one() -> None:
    """What was approved first and left lying is not published over what was said since."""
    story = draft(approved(draft(begun())), "It is found.", kind=Kind.IDENTIFIED)
    story = published(story, "S2")
    assert "S2 was published since S1 was written" in story.refuses(PublishStatement("S1", digest(story)), ANA)


def test_withdrawing_takes_an_approver_and_a_reason() -> None:
    """A draft is given up by whoever may draft; what stands on the page is taken off by whoever may approve."""
    story = said(begun())
    assert "may withdraw a published statement" in story.refuses(WithdrawStatement("S1", "x"), ANA)
    assert "say why" in story.refuses(WithdrawStatement("S1", ""), MAX)
    gone = story.when(WithdrawStatement("S1", "it named a customer"), MAX)
    assert (step(gone), current(gone.incident)) == (Step.WITHDRAWN, {})
    assert gone.when(WithdrawStatement("S1", "again"), MAX).events == ()
    dropped = draft(begun()).when(WithdrawStatement("S1", "not needed"), ANA)
    assert step(dropped) is Step.DROPPED
    assert page(dropped).past == ()
    assert "a new statement says what holds now" in gone.refuses(
        DraftStatement(Kind.IDENTIFIED, "x", "y", DOWN, id="S1"), ANA
    )


# -- the walk --------------------------------------------------------------------------------------------------------


def test_each_second_click_changes_nothing() -> None:
    """Drafting, freezing, approving and publishing the same again is done already."""
    story = draft(begun())
    assert draft(story).events == ()
    story = frozen(story)
    assert frozen(story).events == ()
    story = story.when(ApproveStatement("S1", digest(story)), MAX)
    assert story.when(ApproveStatement("S1", digest(story)), MAX).events == ()
    assert "approved already" in story.refuses(ApproveStatement("S1", digest(story)), EVA)
    story = story.when(PublishStatement("S1", digest(story)), ANA)
    assert story.when(PublishStatement("S1", digest(story)), ANA).events == ()
    assert story.when(ApproveStatement("S1", digest(story)), MAX).events == ()


def test_the_timeline_tells_the_walk() -> None:
    """Who drafted, asked, approved, published and withdrew, with the digest."""
    story = said(begun()).when(WithdrawStatement("S1", "it was wrong"), MAX)
    told = lines(story)[-5:]
    for words in ("ana drafted S1", "ana asked for approval of S1", "max approved S1", "ana published S1"):
        assert any(words in line for line in told), words
    assert any("max withdrew S1 from the status page: it was wrong" in line for line in told)
    assert len(timeline(story.entries)) == len(story.entries)


def test_nothing_shows_before_it_is_published() -> None:
    """An open incident alone, a draft, a frozen and an approved statement change nothing on the page."""
    for story in (begun(), draft(begun()), frozen(draft(begun())), approved(draft(begun()))):
        shown = page(story)
        assert (shown.worst, shown.now, shown.past) == (State.OPERATIONAL, (), ())


def test_states_follow_the_statements() -> None:
    """The latest counts, what it does not speak of stays as it was, and what is resolved is operational."""
    story = said(begun(), states=(("web", State.MAJOR), ("api", State.DEGRADED)))
    assert current(story.incident) == {"web": State.MAJOR, "api": State.DEGRADED}
    story = said(story.after(minutes=10), "S2", text="Better.", states=(("web", State.PARTIAL),), kind=Kind.IDENTIFIED)
    assert current(story.incident) == {"web": State.PARTIAL, "api": State.DEGRADED}
    story = said(story.after(minutes=10), "S3", text="Over.", states=UP, kind=Kind.RESOLVED)
    assert current(story.incident) == {}
    (told,) = page(story, (WEB, API)).past
    assert [each.kind for each in told.said] == [Kind.RESOLVED, Kind.IDENTIFIED, Kind.INVESTIGATING]
    assert told.over == story.now


def test_a_correction_takes_the_place_of_the_old_one() -> None:
    """From when the old one counted; that one stays readable, and the bars say what is held for true now."""
    story = said(begun())
    begun_at = story.now
    story = draft(story.after(minutes=30), "Only some.", states=(("web", State.DEGRADED),), corrects="S1")
    other = DraftStatement(Kind.INVESTIGATING, "x", "y", DOWN, corrects="S1")
    assert "S2 corrects S1 already" in story.refuses(other, ANA)
    assert page(story).worst is State.MAJOR
    story = published(story, "S2")
    assert (step(story), statement_of(story.incident, "S1").corrected_by) == (Step.CORRECTED, "S2")
    shown = page(story)
    assert shown.worst is State.DEGRADED
    assert (shown.rows[0].days[-1].worst, shown.rows[0].long) == (State.DEGRADED, timedelta(minutes=30))
    (told,) = shown.now
    assert told.began == begun_at
    assert [(each.step, each.text) for each in told.said] == [
        (Step.PUBLISHED, "Only some."), (Step.CORRECTED, "We are looking into it."),
    ]  # fmt: skip
    assert "S1 is corrected" in story.refuses(DraftStatement(Kind.INVESTIGATING, "x", "y", DOWN, corrects="S1"), ANA)
    away = story.when(WithdrawStatement("S1", "it named a customer"), MAX)
    assert [each.text for each in page(away).now[0].said] == ["Only some.", ""]


def test_a_correction_of_what_was_withdrawn_meanwhile_is_not_published() -> None:
    """It would bring back what was taken away."""
    story = approved(draft(said(begun()), "Other.", corrects="S1"), "S2")
    story = story.when(WithdrawStatement("S1", "wrong altogether"), MAX)
    assert "S1 is withdrawn since" in story.refuses(PublishStatement("S2", digest(story, "S2")), ANA)


def test_of_a_withdrawn_statement_no_word_is_left() -> None:
    """Neither title nor text nor states nor its reason; that there was one is told."""
    story = said(begun()).when(WithdrawStatement("S1", "zzz-reason"), MAX)
    shown = page(story.after(minutes=5))
    assert shown.worst is State.OPERATIONAL
    (told,) = shown.past
    assert (told.title, told.said[0].title, told.said[0].text, told.said[0].states) == (
        "A statement that was withdrawn", "", "", (),
    )  # fmt: skip
    assert "zzz-reason" not in repr(shown)
    assert "Checkout" not in repr(shown)


def test_words_that_were_erased_are_not_shown() -> None:
    """What stands there is no longer what was approved: it counts as withdrawn."""
    story = said(begun())
    entries = [
        replace(e, event=replace(e.event, text="[erased]")) if isinstance(e.event, StatementDrafted) else e
        for e in story.entries
    ]
    from bot.domain.incident import Incident
    from bot.domain.log import fold

    erased = replace(story, incident=fold(Incident("INC-1"), entries))
    shown = page(erased)
    assert (shown.worst, shown.now) == (State.OPERATIONAL, ())
    assert "[erased]" not in repr(shown)


def test_the_public_sees_its_components_alone() -> None:
    """A statement of hidden components alone is not there; of a mixed one the hidden component is left out."""
    hidden = said(begun(), states=(("api", State.MAJOR),))
    assert page(hidden).now == ()
    assert page(hidden, (WEB, API)).now != ()
    mixed = said(begun(), states=(("api", State.MAJOR), ("web", State.DEGRADED)))
    shown = page(mixed)
    assert (shown.worst, shown.now[0].worst) == (State.DEGRADED, State.DEGRADED)
    assert shown.now[0].said[0].states == (("Website", State.DEGRADED),)
    over = said(mixed.after(minutes=3), "S2", text="Over.", states=(("api", State.OPERATIONAL),), kind=Kind.RESOLVED)
    assert page(over).now == ()


def test_days_count_what_was_stated_once() -> None:
    """Two incidents at the same time are not twice the time, midnight parts the days, maintenance is no trouble."""
    story = begun().after(minutes=11 * 60 + 25)  # 23:30
    story = said(story)
    story = said(story.after(minutes=60), "S2", text="Over.", states=UP, kind=Kind.RESOLVED)
    window = Announced(NOON + timedelta(hours=13), NOON + timedelta(hours=15), ("web",), "We move.")
    later = story.after(minutes=60)
    shown = page_of([later.incident, later.incident], (WEB,), (window,), later.now)
    before, today = shown.rows[0].days[-2:]
    assert (before.worst, before.long) == (State.MAJOR, timedelta(minutes=30))
    assert (today.worst, today.long) == (State.MAJOR, timedelta(minutes=30))
    assert (shown.rows[0].state, [each.text for each in shown.planned]) == (State.MAINTENANCE, ["We move."])
    assert page_of([], (WEB,), (window,), window.end).planned == ()
    assert page_of([], (API,), (window,), NOON).planned == ()


def test_what_is_older_than_ninety_days_is_gone_and_what_is_open_stays() -> None:
    """However long ago it began."""
    story = said(begun())
    assert page(story.after(minutes=100 * 24 * 60)).now != ()
    over = said(story.after(minutes=5), "S2", text="Over.", states=UP, kind=Kind.RESOLVED)
    assert page(over.after(minutes=89 * 24 * 60)).past != ()
    assert page(over.after(minutes=91 * 24 * 60)).past == ()


def test_the_page_may_stay_behind() -> None:
    """The incident is resolved and the page still says trouble: that is known until somebody says that it is over."""
    story = said(begun())
    assert behind(story.incident) is None
    story = story.after(minutes=5).when(Resolve("a disk was full"), ANA)
    late = behind(story.incident)
    assert late is not None
    assert (late.id, late.published_by) == ("S1", "ana")
    assert behind(said(story, "S2", text="Over.", states=UP, kind=Kind.RESOLVED).incident) is None
    assert behind(story.when(WithdrawStatement("S1", "never true"), MAX).incident) is None


def test_rules_of_the_status_page_void_no_plan() -> None:
    """Who approves statements concerns no change of production."""
    assert Policy(status=RULES).fingerprint == Policy().fingerprint


def test_whoever_published_trouble_is_reminded_once_it_is_over() -> None:
    """One matter, due when it was resolved; it waits until the page says that it is over."""
    story = said(begun())
    rules = story.policy
    assert not [m for m in reminders(story.incident, rules) if m.reason is Reason.STATUS]
    story = story.after(minutes=5).when(Resolve("a disk was full"), ANA)
    (matter,) = [m for m in reminders(story.incident, rules) if m.reason is Reason.STATUS]
    assert (matter.person, matter.item, matter.due) == ("ana", "S1", story.now)
    assert waits(story.incident, "ana", matter.mark)
    assert not waits(story.incident, "max", matter.mark)
    reminded = story.when(ReportReminder("ana", (matter.mark,), "D1"))
    assert not [m for m in reminders(reminded.incident, rules) if m.reason is Reason.STATUS]
    assert "ana was reminded: the status page still says S1" in lines(reminded)[-1]
    over = said(reminded, "S2", text="Over.", states=UP, kind=Kind.RESOLVED)
    assert not waits(over.incident, "ana", matter.mark)
