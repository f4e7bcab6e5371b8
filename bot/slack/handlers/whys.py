"""The 5 Whys: one dialog, changed in place with every answer, every look elsewhere and every correction."""

from collections.abc import Mapping

from bot.blockkit.blocks import View
from bot.domain.errors import Refused
from bot.domain.five_whys import AddWhy, NameRootCause, ReviseWhy, StrikeWhy, Why, depth, why_of
from bot.slack.knock import Errors, Knock, Redraw, Reply, Show
from bot.slack.views import followup, whys


async def opened(knock: Knock) -> Reply:
    """The tree and the next question."""
    return Show(whys.render(await knock.situation()))


async def asked(knock: Knock) -> Reply:
    """Ask the why of another answer: a branch, or the one above."""

    async def draw() -> View:
        wanted = "" if knock.ref.item == whys.FIRST else knock.ref.item
        situation = await knock.situation()
        return whys.render(situation, _lost(situation.incident.whys, wanted), wanted)

    return Redraw(draw)


def _lost(known: Mapping[str, Why], wanted: str) -> str:
    return f"{wanted} is in the tree no more; here it is as it stands." if wanted and wanted not in known else ""


async def answered(knock: Knock) -> Reply:
    """Keep the answer; a root cause leads straight to what will change."""
    text, parent = knock.values.text("answer"), knock.ref.item
    evidence = knock.values.text("evidence")
    evidence = "" if evidence == whys.ASSUMED else evidence
    if wrong := await _groundless(knock, evidence):
        return wrong
    try:
        after = await knock.submit(AddWhy(text, parent, evidence))
    except Refused as refused:
        situation = await knock.situation()
        if not parent or parent in situation.incident.whys:
            raise
        return Show(whys.render(situation, refused.because))  # the tree changed below the dialog
    mine = next((why for why in after.whys.values() if (why.parent, why.text) == (parent, text)), None)
    if mine is not None and knock.values.ticked("root"):
        return await _rooted(knock, mine.id)
    situation = await knock.situation()
    told, ripe = "", False
    if mine is not None and mine.id in situation.incident.whys:
        told, ripe = whys.advice(situation, text, depth(situation.incident.whys, mine.id))
    return Show(
        whys.render(situation, told, mine.id if mine is not None else None, name=mine.id if mine and ripe else "")
    )


async def _groundless(knock: Knock, evidence: str) -> Errors | None:
    """Evidence that was taken back since the dialog was drawn is marked at its question."""
    finding = (await knock.desk.log.load(knock.ref.incident)).finding(evidence) if evidence else None
    if finding is None or finding.gone is None:
        return None
    return Errors({"evidence": f"{evidence} was taken back; choose another finding, or mark it as assumed."})


async def _rooted(knock: Knock, why: str) -> Reply:
    """Name the root cause, and ask what will change because of it."""
    await knock.submit(NameRootCause(why), part="#root")
    return Show(followup.render(await knock.situation(), knock.user, why=why, back=True))


async def named(knock: Knock) -> Reply:
    """A button of the dialog names the root cause; the same dialog then asks what will change."""
    try:
        await knock.submit(NameRootCause(knock.ref.item))
    except Refused as refused:
        return await _again(knock, refused)
    return await promise(knock)


async def _again(knock: Knock, refused: Refused) -> Reply:
    """The tree as it stands where the answer went away below the dialog; the refusal itself in every other case."""
    if knock.ref.item in (await knock.desk.log.load(knock.ref.incident)).whys:
        raise refused

    async def draw() -> View:
        return whys.render(await knock.situation(), refused.because)

    return Redraw(draw)


async def promise(knock: Knock) -> Reply:
    """What will change because of a root cause."""

    async def draw() -> View:
        situation = await knock.situation()
        if knock.ref.item not in situation.incident.whys:
            return whys.render(situation, _lost(situation.incident.whys, knock.ref.item))
        return followup.render(situation, knock.user, why=knock.ref.item, back=True)

    return Redraw(draw)


async def fixing(knock: Knock) -> Reply:
    """One answer to be corrected."""

    async def draw() -> View:
        situation = await knock.situation()
        why = situation.incident.whys.get(knock.ref.item)
        if why is None:
            return whys.render(situation, _lost(situation.incident.whys, knock.ref.item))
        return whys.fix(situation, why)

    return Redraw(draw)


async def fixed(knock: Knock) -> Reply:
    """Correct the answer, or strike it where a reason is given."""
    name, reason = knock.ref.item, knock.values.text("strike")
    evidence = knock.values.text("evidence")
    evidence = "" if evidence == whys.ASSUMED else evidence
    try:
        if reason:
            await knock.submit(StrikeWhy(name, reason))
            return Show(whys.render(await knock.situation(), f"{name} was struck; the record keeps it."))
        why_of(await knock.desk.log.load(knock.ref.incident), name)
        if wrong := await _groundless(knock, evidence):
            return wrong
        await knock.submit(ReviseWhy(name, knock.values.text("text"), evidence))
    except Refused as refused:
        situation = await knock.situation()
        if name in situation.incident.whys:
            raise
        return Show(whys.render(situation, refused.because))
    if knock.values.ticked("root"):
        return await _rooted(knock, name)
    return Show(whys.render(await knock.situation(), f"{name} is corrected."))


CLICKS = {"whys.open": opened, "whys.ask": asked, "whys.root": named, "whys.followup": promise, "whys.fix": fixing}
SUBMITS = {whys.NAME: answered, whys.FIX: fixed}
