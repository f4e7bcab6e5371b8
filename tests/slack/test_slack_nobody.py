"""What Slack shows where nobody is on call: the card says who is paged instead, and their page says why them."""

from bot.domain.nobody import Lack, ReportNobody
from bot.domain.paging import Acknowledge, Receipt, ReportPage
from bot.slack.views import card, update
from tests.kit import ANA, BEN, Story, declared
from tests.slack.situations import seen
from tests.slack.test_slack_views import check

UNSAID = "No service says who is on call for this"


def shown(story: Story) -> str:
    check(seen(story))
    return str(card.render(seen(story)).blocks)


def test_the_card_says_who_is_paged_instead_until_somebody_has_it() -> None:
    """With a mention, below what comes next; not once it is taken, nor once somebody who is on call was reached."""
    story = declared().when(ReportNobody(Lack.UNSAID, (ANA.id, BEN.id)))
    assert f"must acknowledge.\\n⚠ {UNSAID}: <@U0ANA> and <@U0BEN> are paged instead." in shown(story)
    assert UNSAID not in shown(story.when(Acknowledge(), ANA))
    assert UNSAID not in shown(story.when(ReportPage("page:INC-1:0", ANA.id, "sms", Receipt.ACCEPTED)))
    assert UNSAID in shown(story.when(ReportPage("page:INC-1:s0", ANA.id, "sms", Receipt.ACCEPTED)))


def test_the_card_says_that_nobody_could_be_paged() -> None:
    """And what is left to do about it."""
    told = shown(declared().when(ReportNobody(Lack.VACANT)))
    words = "⚠ Nobody is on call for this now, and nobody could be paged instead. Page somebody by name."
    assert words in told


def test_a_page_says_why_it_comes_to_somebody_who_is_not_on_call() -> None:
    """Of a restricted incident as well, for it tells nothing of what that is; whoever is on call reads no such word."""
    story = declared().when(ReportNobody(Lack.UNSAID, (ANA.id,)))
    told = str(update.page(seen(story), "page:INC-1:s0").blocks)
    assert "*You are paged* because no service says who is on call for this. " in told
    assert "because no service" not in str(update.page(seen(story), "page:INC-1:0").blocks)
    closed = declared(restricted=True).when(ReportNobody(Lack.UNSAID, (ANA.id,)))
    told = str(update.page(seen(closed), "page:INC-1:s0").blocks)
    assert "open the console. You are paged because no service says who is on call for this." in told
