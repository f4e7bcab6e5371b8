"""Writing a notice together: its empty lines one by one, and remarks that are settled."""

from bot.blockkit.blocks import View
from bot.domain.duty import READERS
from bot.domain.errors import Refused
from bot.domain.notice import still_open
from bot.domain.wording import CommentNotice, EnterField, SettleComment
from bot.slack.handlers.notice import meant, viewer
from bot.slack.knock import Errors, Knock, Redraw, Reply, Show
from bot.slack.views import notice, notice_form
from bot.slack.views._notice import PRIVILEGED


async def _writer(knock: Knock, to: str) -> None:
    """Somebody who may write in it, where it is not privileged and something may still be done. Raises Refused."""
    situation, found = await meant(knock)
    situation.policy.require(viewer(knock, situation), READERS, to)
    still_open(situation.incident, found.id)
    if found.privilege is not None:
        raise Refused(PRIVILEGED)


async def filling(knock: Knock) -> Reply:
    """The first empty line."""
    await _writer(knock, "fill in a notice")
    return Show(notice_form.fill(*await meant(knock)))


async def skipped(knock: Knock) -> Reply:
    """Another empty line, in the same dialog."""
    await _writer(knock, "fill in a notice")
    key = knock.ref.item.partition("/")[2]

    async def draw() -> View:
        return notice_form.fill(*await meant(knock), key)

    return Redraw(draw)


async def filled(knock: Knock) -> Reply:
    """A line is filled in, or unknown with its reason; then the next one."""
    await _writer(knock, "fill in a notice")
    situation, found = await meant(knock)
    key = knock.ref.item.partition("/")[2]
    value, unknown = knock.values.text("value"), knock.values.text("unknown")
    if not value and not unknown:
        return Errors({"value": "Write what is to stand here, or below why it is unknown; or skip the line."})
    if value and unknown:
        return Errors({"unknown": "A line holds a value, or is unknown with the reason; not both."})
    before = [each.key for each in notice_form.lines(situation, found)]
    label = next((each.label for each in notice_form.lines(situation, found) if each.key == key), key)
    await knock.submit(EnterField(found.id, key, value, unknown))
    place = before.index(key) + 1 if key in before else 0
    following = before[place] if place < len(before) else ""
    return Show(notice_form.fill(*await meant(knock), following, label))


async def commenting(knock: Knock) -> Reply:
    """The form of a remark."""
    await _writer(knock, "comment on a notice")
    return Show(notice_form.comment(*await meant(knock)))


async def commented(knock: Knock) -> Reply:
    """Somebody remarked."""
    await _writer(knock, "comment on a notice")
    if not knock.values.text("text"):
        return Errors({"text": "Say what you want to remark."})
    await knock.submit(CommentNotice(knock.ref.item, knock.values.text("text"), knock.values.text("quote")))
    return None


async def settled(knock: Knock) -> Reply:
    """A remark is dealt with; the notice as it stands now."""
    await _writer(knock, "settle a comment")
    name, _, comment = knock.ref.item.partition("/")
    await knock.submit(SettleComment(name, comment))

    async def draw() -> View:
        situation, found = await meant(knock)
        return notice.review(situation, found, viewer(knock, situation))

    return Redraw(draw)


CLICKS = {"notice.fill": filling, "notice.skip": skipped, "notice.comment.open": commenting,
          "notice.settle": settled}  # fmt: skip
SUBMITS = {notice_form.FILL: filled, notice_form.COMMENT: commented}
