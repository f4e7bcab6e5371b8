"""Writing a notice together: lines, counsel's words, remarks, privilege; whoever wrote some of it approves none of it."""

from dataclasses import replace

from bot.domain.filing import FileNotice
from bot.domain.notice import DropNotice, RequestNotice, Standing, visible
from bot.domain.policy import Person, Policy, Role
from bot.domain.signing import ApproveNotice, FreezeNotice, RequestChanges, may_sign
from bot.domain.signoff import NoticeRules, SignOff
from bot.domain.wording import (
    MOST,
    ClaimPrivilege,
    CommentNotice,
    EnterField,
    Reword,
    SettleComment,
    WaivePrivilege,
)
from tests.kit import ANA, AUDREY, BEN, CLEO, NOON, Story, declared, lines

DORA = Person("dora", frozenset({Role.COUNSEL}))


def begun() -> Story:
    return declared().when(RequestNotice("eu_gdpr_art33/sa_notification", "eu_gdpr_art33", "sa_notification"), ANA)


def notice(story: Story):
    return story.incident.notices["N1"]


def test_a_line_holds_a_value_or_says_that_it_is_unknown_and_why() -> None:
    """Never both; empty takes it back; the same again is nothing new."""
    story = begun().when(EnterField("N1", "likely_consequences", " wrong scores "), ANA)
    assert notice(story).given["likely_consequences"].value == "wrong scores"
    assert story.when(EnterField("N1", "likely_consequences", "wrong scores"), BEN).events == ()
    unknown = story.when(EnterField("N1", "likely_consequences", "", "the audit is not done"), BEN)
    assert (notice(unknown).given["likely_consequences"].value, notice(unknown).authors) == ("", {"ana", "ben"})
    assert "unknown: the audit is not done" in lines(unknown)[-1]
    empty = unknown.when(EnterField("N1", "likely_consequences"), ANA)
    assert notice(empty).given == {}
    assert empty.when(EnterField("N1", "likely_consequences"), ANA).events == ()
    assert "not both" in story.refuses(EnterField("N1", "x", "a", "b"), ANA)
    assert "at most" in story.refuses(EnterField("N1", "x", "a" * (MOST + 1)), ANA)
    assert "only" in story.refuses(EnterField("N1", "x", "a"), AUDREY)


def test_only_counsel_rewords_and_may_go_back_to_what_the_facts_say() -> None:
    """The draft's own words typed again are no rewording."""
    story = begun().when(Reword("N1", "Counsel's words.", "Derived words."), CLEO)
    assert (notice(story).rewording.text, notice(story).rewording.base) == ("Counsel's words.", "Derived words.")
    assert story.when(Reword("N1", "Counsel's words.", "Derived words."), CLEO).events == ()
    back = story.when(Reword("N1", "Derived words.", "Derived words."), CLEO)
    assert notice(back).rewording is None
    assert "took the rewording" in lines(back)[-1]
    assert begun().when(Reword("N1", "Derived words.\n", "Derived words."), CLEO).events == ()
    assert "only counsel" in begun().refuses(Reword("N1", "x", "y"), ANA)


def test_whoever_wrote_some_of_it_approves_none_of_it() -> None:
    """A line filled in or words changed make an author; a remark does not."""
    worded = begun().when(Reword("N1", "mine", "base"), CLEO).when(FreezeNotice("N1", "mine", "d1", (), NOON), ANA)
    assert "you wrote part of N1" in worded.refuses(ApproveNotice("N1", "d1"), CLEO)
    assert notice(worded.when(ApproveNotice("N1", "d1"), DORA)).standing is Standing.APPROVED
    remarked = begun().when(CommentNotice("N1", "shorter, please"), CLEO)
    frozen = remarked.when(FreezeNotice("N1", "text", "d1", (), NOON), ANA)
    assert notice(frozen.when(ApproveNotice("N1", "d1"), CLEO)).standing is Standing.APPROVED


def test_a_remark_is_kept_with_the_words_it_is_about_and_settled_once() -> None:
    """The second click of the same remark is one remark."""
    story = begun().when(CommentNotice("N1", " who says so? ", "120 people"), CLEO)
    (remark,) = notice(story).comments
    assert (remark.id, remark.text, remark.quote, remark.resolved_by) == ("C1", "who says so?", "120 people", "")
    assert story.when(CommentNotice("N1", "who says so?", "120 people"), CLEO).events == ()
    settled = story.when(SettleComment("N1", "C1"), ANA)
    assert notice(settled).comments[0].resolved_by == "ana"
    assert settled.when(SettleComment("N1", "C1"), BEN).events == ()
    assert "no comment C9" in story.refuses(SettleComment("N1", "C9"), ANA)
    assert "what you want" in story.refuses(CommentNotice("N1", "  "), ANA)


def test_the_privileged_track_is_counsels_alone() -> None:
    """Basis and purpose are kept; others can neither read nor write it, until privilege is waived with a reason."""
    story = begun().when(ClaimPrivilege("N1", "legal advice", "matter 7", "assess liability"), CLEO)
    assert "privileged" in story.refuses(EnterField("N1", "x", "a"), ANA)
    assert not visible(notice(story), ANA, Policy())
    assert visible(notice(story), DORA, Policy())
    assert "only counsel" in begun().refuses(ClaimPrivilege("N1", "a", "b", "c"), ANA)
    assert "what basis" in begun().refuses(ClaimPrivilege("N1", "", "b", "c"), CLEO)
    assert "say why" in story.refuses(WaivePrivilege("N1", " "), CLEO)
    waived = story.when(WaivePrivilege("N1", "the authority asked"), DORA)
    assert visible(notice(waived), ANA, Policy())
    assert story.when(ClaimPrivilege("N1", "x", "y", "z"), DORA).events == ()


def test_nothing_is_written_into_a_notice_that_is_over() -> None:
    """Given up with a reason; then a new one of the same kind may be begun."""
    gone = begun().when(DropNotice("N1", "the facts changed"), CLEO)
    assert notice(gone).standing is Standing.DROPPED
    assert gone.when(DropNotice("N1", "the facts changed"), CLEO).events == ()
    for command in (EnterField("N1", "x", "a"), CommentNotice("N1", "a"), FreezeNotice("N1", "t", "d", (), NOON)):
        assert "needs a new notice" in gone.refuses(command, CLEO)
    assert "needs a new notice" in gone.refuses(Reword("N1", "a", "b"), CLEO)
    anew = gone.when(RequestNotice("eu_gdpr_art33/sa_notification", "eu_gdpr_art33", "sa_notification"), ANA)
    assert set(anew.incident.notices) == {"N1", "N2"}
    assert "say why" in begun().refuses(DropNotice("N1", ""), CLEO)
    assert "only counsel" in begun().refuses(DropNotice("N1", "x"), ANA)


def test_a_rewording_of_words_that_moved_on_replaces_nothing() -> None:
    """Neither the facts that came meanwhile nor another counsel's words are lost; the same words again are no news."""
    assert "changed since you opened them" in begun().refuses(Reword("N1", "mine", "base", read=False), CLEO)
    worded = begun().when(Reword("N1", "hers", "base", over=""), CLEO)
    assert "changed since you opened them" in worded.refuses(Reword("N1", "mine", "base", over=""), DORA)
    assert worded.when(Reword("N1", "hers", "base", read=False, over=""), CLEO).events == ()
    assert notice(worded.when(Reword("N1", "mine", "base", over="hers"), DORA)).rewording.text == "mine"
    assert "only counsel" in begun().refuses(Reword("N1", "mine", "base", read=False), ANA)


def test_nobody_decides_on_words_that_are_kept_from_them() -> None:
    """Freezing, signing, sending back, giving up and filing a privileged notice are counsel's alone, whatever a rule says."""
    dev = Person("dev", frozenset({Role.APPROVER}))
    offs = (SignOff("legal", frozenset({"counsel"})), SignOff("technical", frozenset({"approver"})))
    both = frozenset({"counsel", "approver"})
    rules = Policy(notices=NoticeRules((("*", offs),)), approve_notice=both)
    story = replace(begun(), policy=rules).when(FreezeNotice("N1", "text", "d1", (), NOON), ANA)
    story = story.when(ClaimPrivilege("N1", "legal advice", "", "assess liability"), CLEO)
    commands = (
        FreezeNotice("N1", "other", "d2", (), NOON),
        ApproveNotice("N1", "d1", "technical"),
        RequestChanges("N1", "shorter"),
        DropNotice("N1", "no need"),
        FileNotice("N1", "the authority"),
    )
    for command in commands:
        assert "it is for counsel alone" in story.refuses(command, dev), command
    assert may_sign(notice(story), dev, rules) == ()
    waived = story.when(WaivePrivilege("N1", "the authority asked"), CLEO)
    assert waived.when(ApproveNotice("N1", "d1", "technical"), dev).events
