"""Notices: words frozen, approved by a second person, voided by later facts, filed by a person."""

from bot.domain.filing import FileNotice
from bot.domain.notice import RequestNotice, Standing
from bot.domain.policy import THE_BOT, Person, Role
from bot.domain.signing import ApproveNotice, FreezeNotice, MarkStale, RequestChanges
from tests.kit import ANA, AUDREY, BEN, CLEO, NOON, Story, declared, lines

DORA = Person("dora", frozenset({Role.COUNSEL}))


def requested() -> Story:
    return declared().when(RequestNotice("stakeholders/update"), ANA)


def frozen(digest: str = "d1", by: Person = ANA) -> Story:
    return requested().when(FreezeNotice("N1", f"words of {digest}", digest, ("cost",), NOON), by)


def standing(story: Story) -> Standing:
    return story.incident.notices["N1"].standing


def test_one_notice_of_each_kind() -> None:
    """Requesting it twice is once; another template is another notice."""
    story = requested()
    assert story.when(RequestNotice("stakeholders/update"), BEN).events == ()
    assert set(story.when(RequestNotice("gdpr/authority", "gdpr", "authority"), CLEO).incident.notices) == {"N1", "N2"}
    assert "only" in declared().refuses(RequestNotice("x"), AUDREY)
    assert "no incident" in Story().refuses(RequestNotice("x"), ANA)


def test_asking_for_approval_freezes_a_version() -> None:
    """The words, their digest, their gaps and as of when; the same words again are no new version, others are."""
    story = frozen()
    latest = story.incident.notices["N1"].latest
    assert latest is not None
    assert (latest.number, latest.text, latest.gaps, latest.asked_by) == (1, "words of d1", ("cost",), "ana")
    assert story.when(FreezeNotice("N1", "words of d1", "d1", (), NOON), BEN).events == ()
    second = story.when(FreezeNotice("N1", "words of d2", "d2", (), NOON), BEN)
    assert second.incident.notices["N1"].latest.number == 2
    assert "there is none" in declared().refuses(FreezeNotice("N1", "x", "d", (), NOON), ANA)


def test_counsel_approves_exactly_the_words_that_were_read() -> None:
    """Another digest, no version, no role: refused; the same click twice is one approval."""
    assert "no version" in requested().refuses(ApproveNotice("N1", "d1"), CLEO)
    assert "version 1 now" in frozen().refuses(ApproveNotice("N1", "d0"), CLEO)
    assert "only counsel" in frozen().refuses(ApproveNotice("N1", "d1"), BEN)
    story = frozen().when(ApproveNotice("N1", "d1"), CLEO)
    assert (standing(story), story.incident.notices["N1"].approved_by) == (Standing.APPROVED, "cleo")
    assert story.when(ApproveNotice("N1", "d1"), CLEO).events == ()
    assert "nothing to approve" in story.refuses(ApproveNotice("N1", "d1"), DORA)


def test_nobody_approves_what_they_asked_approval_for() -> None:
    """Neither counsel their own version, nor the bot any; a second counsel may."""
    own = frozen(by=CLEO)
    assert "second person" in own.refuses(ApproveNotice("N1", "d1"), CLEO)
    assert "a person must" in own.refuses(ApproveNotice("N1", "d1"), THE_BOT)
    assert standing(own.when(ApproveNotice("N1", "d1"), DORA)) is Standing.APPROVED


def test_an_approval_is_void_once_the_words_changed() -> None:
    """A later fact makes it stale, approved or only waiting; unchanged words stay as they are."""
    approved = frozen().when(ApproveNotice("N1", "d1"), CLEO)
    assert approved.when(MarkStale("N1", "d1")).events == ()
    stale = approved.when(MarkStale("N1", "d2"))
    assert (standing(stale), stale.incident.notices["N1"].approved_by) == (Standing.STALE, "")
    assert stale.when(MarkStale("N1", "d3")).events == ()
    assert "stale" in stale.refuses(ApproveNotice("N1", "d1"), CLEO)
    assert "only approved words" in stale.refuses(FileNotice("N1", "authority"), CLEO)
    assert standing(frozen().when(MarkStale("N1", "d2"))) is Standing.STALE
    assert "comparing the words" in approved.refuses(MarkStale("N1", "d2"), CLEO)


def test_a_new_version_voids_the_approval_of_the_old_one() -> None:
    """Whoever freezes other words after an approval needs a new approval."""
    story = frozen().when(ApproveNotice("N1", "d1"), CLEO).when(FreezeNotice("N1", "w", "d2", (), NOON), ANA)
    assert (standing(story), story.incident.notices["N1"].approved_by) == (Standing.FROZEN, "")


def test_counsel_asks_for_other_words_with_a_reason() -> None:
    """The note stays until the next version; an approval may be withdrawn the same way."""
    assert "what must change" in frozen().refuses(RequestChanges("N1", " "), CLEO)
    assert "drafting" in requested().refuses(RequestChanges("N1", "x"), CLEO)
    story = frozen().when(RequestChanges("N1", "name the slice"), CLEO)
    assert (standing(story), story.incident.notices["N1"].note) == (Standing.CHANGES, "name the slice")
    again = story.when(FreezeNotice("N1", "words of d1", "d1", (), NOON), ANA)
    assert (standing(again), again.incident.notices["N1"].note) == (Standing.FROZEN, "")
    withdrawn = frozen().when(ApproveNotice("N1", "d1"), CLEO).when(RequestChanges("N1", "wrong number"), CLEO)
    assert standing(withdrawn) is Standing.CHANGES


def test_a_person_files_approved_words_once() -> None:
    """Where and under which reference; afterwards nothing about it moves any more."""
    assert "only approved words" in frozen().refuses(FileNotice("N1", "authority"), CLEO)
    approved = frozen().when(ApproveNotice("N1", "d1"), CLEO)
    assert "where" in approved.refuses(FileNotice("N1", " "), CLEO)
    assert "only counsel" in approved.refuses(FileNotice("N1", "authority"), ANA)
    filed = approved.when(FileNotice("N1", "the authority", "AZ-77"), CLEO)
    assert lines(filed)[-1] == "cleo filed N1 with the authority (AZ-77)"
    assert filed.when(FileNotice("N1", "elsewhere"), CLEO).events == ()
    assert "new notice" in filed.refuses(FreezeNotice("N1", "w", "d2", (), NOON), ANA)
    assert filed.when(MarkStale("N1", "d2")).events == ()
