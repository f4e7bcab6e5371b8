"""The dialog to propose a change of production: prepared mitigations, and a warning where one would not help."""

from bot.blockkit.blocks import View, alert, input_block, modal, option, plain_text_input, section, static_select
from bot.blockkit.text import clean, shorten, untrusted
from bot.domain.service import Offer
from bot.engine.situation import Situation
from bot.slack.ids import Ref
from bot.slack.views import info
from bot.slack.views._words import bulleted, filled, in_full, left_out
from bot.steps.act import Act

NAME = "propose"


def render(situation: Situation, step: str = "", first: str = "") -> View:
    """The choice of a mitigation; `step` is the runbook step that asks for it, whose own offers then come first.

    `first` is the name of the one that was meant, which then stands chosen.
    """
    incident = situation.incident
    if not incident.is_open:
        return info.render("Propose action", f"{incident.id} is {incident.phase}; re-open it to propose an action.")
    offers = list(situation.offers)
    if not offers:
        words = "No mitigation is prepared for this service. Add offers to its file in services/, or act by hand."
        return info.render("Propose action", words)
    asked = _asked(situation, step)
    offers.sort(key=lambda pair: (pair[0].name != first, pair[0].name not in asked))
    hint = left_out(100, len(offers))
    offers = offers[:100]
    blocks = []
    unfit = [f"*{untrusted(offer.label, 80)}*: {untrusted(why, 200)}" for offer, why in offers if why]
    if unfit:
        worst = next(offer for offer, why in offers if why)
        words = untrusted(f"Would probably not help here: {worst.label}", 190)
        blocks += [alert(words), section(bulleted(unfit, 10, 2_500))]
    choices = [
        option(filled(("⚠ " if why else "") + offer.label, 75), shorten(offer.name, 150),
               description=clean(f"{offer.means} · {offer.target}", 75))
        for offer, why in offers
    ]  # fmt: skip
    fit = next((index for index, (_offer, why) in enumerate(offers) if not why), None)
    initial = choices[fit]["value"] if fit is not None else None
    blocks.append(input_block("Action", static_select("value", choices, initial=initial), block_id="offer", hint=hint))
    reason = plain_text_input("value", multiline=True, max_length=1_000)
    blocks.append(input_block("Why this, why now", reason, block_id="reason", optional=True))
    blocks.append(section("Tocsin reads the target, shows the exact plan in the thread, and a second person approves."))
    return modal("Propose action", in_full(situation, blocks), callback_id=NAME, submit="Ask for approval",
                 private_metadata=Ref(incident.id, step).metadata)  # fmt: skip


def _asked(situation: Situation, name: str) -> set[str]:
    """The names of the offers the live step speaks of."""
    run = situation.incident.run
    step = run.book.step(name) if run is not None and name else None
    if step is None:
        return set()
    params = {key: str(step.params[key]) for key in ("offer", "means") if step.params.get(key)}
    fitting: tuple[Offer, ...] = Act(**params).fitting(situation.service)
    return {offer.name for offer in fitting}
