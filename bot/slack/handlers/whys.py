"""The 5 Whys: one dialog, updated in place with every answer."""

from bot.domain.five_whys import AddWhy, NameRootCause, depth
from bot.slack.knock import Knock, Reply, Show
from bot.slack.views import whys


async def opened(knock: Knock) -> Reply:
    """The tree and the next question."""
    return Show(whys.render(await knock.situation()))


async def answered(knock: Knock) -> Reply:
    """Keep the answer (and whether it is a root cause), and ask on."""
    text = knock.values.text("answer")
    parent, evidence = knock.values.text("parent"), knock.values.text("evidence")
    parent = "" if parent == whys.FIRST else parent
    evidence = "" if evidence == whys.ASSUMED else evidence
    after = await knock.submit(AddWhy(text, parent, evidence))
    mine = next((why for why in after.whys.values() if why.parent == parent and why.text == text), None)
    if mine is not None and knock.values.ticked("root"):
        await knock.submit(NameRootCause(mine.id), part="#root")
    situation = await knock.situation()
    deep = depth(dict(situation.incident.whys), mine.id) if mine is not None else 0
    told = "" if knock.values.ticked("root") else whys.advice(situation, text, deep)
    return Show(whys.render(situation, told))


CLICKS = {"whys.open": opened}
SUBMITS = {"whys": answered}
