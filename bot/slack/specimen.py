"""One incident in which everything happened, folded from its facts, and every view of it that a workspace must take."""

from collections.abc import Collection, Iterator
from dataclasses import dataclass, replace
from typing import Any

from bot.domain.policy import Policy
from bot.domain.reminder import Matter, Reason
from bot.engine.situation import Situation
from bot.engine.values import Waiting
from bot.slack import specimen_call, specimen_legal
from bot.slack.ids import Ref
from bot.slack.settings import SlackSettings
from bot.slack.specimen_story import ANA, BEGUN, BEN, CLEO, changes, over, proposed
from bot.slack.views import (
    approve,
    choose,
    declare,
    finding,
    followup,
    glass,
    home,
    impact,
    info,
    legal,
    notice,
    propose,
    reason,
    reminder,
    resolve,
    room,
    step_modal,
    update,
    update_modal,
    whys,
)
from bot.slack.wanted import wanted


@dataclass(frozen=True, slots=True)
class Sample:
    """One payload as it would be sent: `kind` is `message` or `view`."""

    name: str
    kind: str
    payload: dict[str, Any]


def samples() -> Iterator[Sample]:
    """Every message, dialog and Home tab there is, each under a name a person can find it by."""
    for when, told in (("open", proposed()), ("over", over())):
        situation = told.situation()
        yield from _messages(when, situation)
        for name, view in _views(situation):
            yield Sample(f"{name} ({when})", "view", view)
    for name, view in (*specimen_legal.views(), *specimen_call.views()):
        yield Sample(name, "view", view)
    for name, message in (*specimen_legal.messages(), *specimen_call.messages()):
        yield Sample(f"message {name}", "message", {"text": message.text, "blocks": message.blocks})
    for when, situation in changes():
        yield from _messages(when, situation, ("request", "aloud", "hold", "card"))
        for name, view in _of_changes(situation):
            yield Sample(f"{name} ({when})", "view", view)
    secret = proposed().situation()
    yield from _messages("restricted", replace(secret, incident=replace(secret.incident, restricted=True)))


def _of_changes(situation: Situation) -> Iterator[tuple[str, dict[str, Any]]]:
    name, mitigation = list(situation.incident.mitigations.items())[-1]
    spent = ("this hour's changes of the service are used up",) if name == "M2" else ()
    yield f"Approve {name}", approve.render(situation, mitigation, BEN, spent)
    yield f"Act alone in {name}", glass.alone(situation, mitigation, (ANA.id, CLEO.id))
    yield f"Review {name}", glass.review(situation, mitigation)
    for deed in ("skip", "override"):
        yield f"{deed.capitalize()} {name}", reason.render(deed, situation, mitigation)
    for deed in ("hold", "release"):
        yield f"{deed.capitalize()}", reason.render(deed, situation)
    yield "Legal and impact", legal.overview(situation, decides=True, holds=True)
    yield "Propose the next", propose.render(situation, first="bypass-poor")


def _messages(when: str, situation: Situation, only: Collection[str] = ()) -> Iterator[Sample]:
    settings = SlackSettings.model_validate({"bot_token": "x", "app_token": "x", "legal_channel": "legal"})
    for surface in wanted(situation, settings):
        if only and surface.name.partition(":")[0] not in only:
            continue
        forms = {"": surface.message.blocks, " with a chart": surface.message.rich, " in words": surface.message.bare}
        for form, blocks in forms.items():
            if blocks is not None:
                sent = {"text": surface.message.text, "blocks": blocks}
                yield Sample(f"message {surface.name.partition(':')[0]}{form} ({when})", "message", sent)
    if only:
        return
    matters = tuple(Matter(ANA.id, reason, item, BEGUN, f"{reason}:{item}") for reason, item in (
        (Reason.UPDATE, ""), (Reason.APPROVAL, "M1"), (Reason.FOLLOWUP, "U1:1")))  # fmt: skip
    alone = {
        "page": update.page(situation),
        "reminder": reminder.render([Waiting(situation, matters)], f"remind:{situation.incident.id}:{ANA.id}:1"),
        "reminder, replaced": reminder.replaced([situation.incident.id]),
    }
    for name, made in alone.items():
        yield Sample(f"message {name} ({when})", "message", {"text": made.text, "blocks": made.blocks})


def _views(situation: Situation) -> Iterator[tuple[str, dict[str, Any]]]:
    incident, first = situation.incident, situation.service
    yield "Declare", declare.render([first] if first else [], "What was said")
    yield "Update", update_modal.render(situation, Policy())
    yield "Runbook", step_modal.render(situation)
    yield "Runbook, to choose", step_modal.render(replace(situation, incident=replace(incident, run=None)))
    yield "5 Whys", whys.render(situation, "What in the system let that happen?")
    yield "Impact", impact.render(situation, None)
    yield "Finding", finding.render(situation, "What was said", "https://tocsin.example/1")
    yield "Follow-up", followup.render(situation, "U0ANA")
    yield "Propose", propose.render(situation)
    yield "Resolve", resolve.render(situation)
    yield "War room", room.render(replace(situation, incident=replace(incident, room=None)))
    for why in incident.whys.values():
        yield f"Correct {why.id}", whys.fix(situation, why)
        if why.root:
            yield f"Follow-up for {why.id}", followup.render(situation, "U0ANA", why=why.id, back=True)
    for promise in incident.followups.values():
        yield f"Change {promise.id}", followup.change(situation, promise)
    kept = Ref(item="followup", said="C0INC/1.2")
    yield "Which incident", choose.render([incident, replace(incident, id="INC-8")], "followup", "What was said", kept)
    yield "Notices", legal.overview(situation)
    yield "Words for one person", info.render("Tocsin", "Nothing waits for you.")
    yield "Re-open", reason.render("reopen", situation)
    for mitigation in incident.mitigations.values():
        yield "Approve", approve.render(situation, mitigation)
        for deed in ("decline", "undo", "settle"):
            yield deed.capitalize(), reason.render(deed, situation, mitigation)
    for one in incident.notices.values():
        yield "Notice", notice.review(situation, one)
    for who in (ANA, BEN):
        shifts = [home.Shift("Doctor-visits model", ((ANA.id, "U0ANA", "Ana"), (BEN.id, "U0BEN", "Ben")))]
        tab = home.render([situation], who, Policy(), shifts, [incident], situation.now.date(), specimen_call.mine())
        yield f"Home of {who.id}", tab
    yield "Home with nothing", home.render([], ANA, Policy())
    yield "Home of a stranger", home.stranger()
