"""Every payload the product can send to Slack, collected from its views; nothing may be forgotten."""

from __future__ import annotations

import inspect
import pkgutil
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import timedelta
from importlib import import_module
from typing import Any

from bot.blockkit.text import untrusted
from bot.domain.alerts import AlertState
from bot.domain.duty import Answer, Duty
from bot.domain.guard import ActionClass
from bot.domain.hold import HoldOverridden, HoldPlaced
from bot.domain.incident import Incident
from bot.domain.lifecycle import UpdatePosted
from bot.domain.log import Entry, Event
from bot.domain.notice import Standing
from bot.domain.policy import NoticeRules, Policy, Role, SignOff
from bot.domain.reminder import Matter, Reason
from bot.engine.calling import Contact, Summons
from bot.engine.situation import Situation
from bot.engine.values import Profile, Waiting
from bot.slack import drawing, verbs, views
from bot.slack.ids import Ref
from bot.slack.message import Message, said, verbatim
from bot.slack.picture import pictured
from bot.slack.standing import GUEST
from bot.slack.views import (
    aloud,
    approve,
    card,
    choose,
    cover,
    deadline,
    declare,
    duties,
    duty,
    finding,
    followup,
    glass,
    group,
    home,
    impact,
    info,
    legal,
    notice,
    notice_form,
    oncall,
    propose,
    question,
    reason,
    reminder,
    request,
    resolve,
    room,
    step,
    step_modal,
    summary,
    update,
    update_modal,
    whys,
)
from bot.slack.wanted import wanted
from tests.kit import ANA, BEN, CLEO, NOON
from tests.slack.duties import asked_covers, called, crew, duty_shifts, own, rotas, services
from tests.slack.situations import SETTINGS

Body = dict[str, Any]


@dataclass(frozen=True)
class Payload:
    """What leaves: a message (`{blocks, text}`), a modal or a Home tab; `name` says from where and of what."""

    name: str
    kind: str
    body: Body


def _message(name: str, made: Message) -> Iterator[Payload]:
    chart = next((one for one in made.rich or [] if one["type"] == "data_visualization"), None)
    graph = drawing.read(chart) if chart is not None else None
    picture = pictured(made.rich, "F0CHART", drawing.said(graph), graph.title) if made.rich and graph else None
    shapes = {"": made.blocks, " with its chart": made.rich, " with its picture": picture, " in words": made.bare}
    for shape, blocks in shapes.items():
        if blocks is not None:
            yield Payload(name + shape, "message", {"text": made.text, "blocks": verbatim(blocks)})


def _view(name: str, made: Body) -> Payload:
    return Payload(name, str(made["type"]), verbatim(made))


def _all(one: object) -> Sequence[Any]:
    return one if isinstance(one, list) else [one]


HELP = (verbs.HELP_THREAD, verbs.HELP_ROOM)
EVERYTHING = replace(BEN, roles=frozenset(Role))
MATTERS = tuple(
    Matter(ANA.id, reason, item, NOON, f"{reason}:{item}" + (":1" if reason is Reason.FOLLOWUP else ""))
    for reason in Reason
    for item in {Reason.APPROVAL: ("M1",), Reason.FOLLOWUP: ("U1", "U2", "U3", "U4", "U5", "U6")}.get(reason, ("",))
)
WHO = (ANA, EVERYTHING, CLEO)
HOUR = timedelta(hours=1)


def shifts(s: Situation) -> list[home.Shift]:
    """Somebody on call, and nobody."""
    named = s.service.title if s.service else s.incident.title
    return [home.Shift(named, ((ANA.id, "U0ANA", s.incident.because), (BEN.id, "", named))), home.Shift(named, ())]


def reopenings(s: Situation) -> list[tuple[Entry, Entry]]:
    """Each end that did not last, with what re-opened it."""
    return [(ended, again) for ended, again in summary.endings(s) if again is not None]


def entries(s: Situation, *kinds: type[Event]) -> list[Entry]:
    """What happened of these kinds."""
    return [entry for entry in s.entries if isinstance(entry.event, kinds)]


def stricter(s: Situation) -> Situation:
    """The same where every change takes a code, and it is late: everything a dialog about a change may hold."""
    policy = replace(s.policy, step_up=frozenset(ActionClass))
    return replace(s, policy=policy, now=s.now + policy.approval_waits)


def few(s: Situation) -> list[Duty]:
    """Some of its duties, one of them decided against the facts."""
    return list(contradicted(s).incident.duties.values())[:2]


def contradicted(s: Situation) -> Situation:
    """The same where a person decided, and the facts came to say the opposite."""
    found = dict(s.incident.duties)
    for name, one in list(found.items())[:1]:
        found[name] = replace(
            one, answer=Answer.NO, decided_by=CLEO.id, facts_say=Answer.YES, facts_because=one.because
        )
    return replace(s, incident=replace(s.incident, duties=found))


def two_sign(s: Situation) -> Situation:
    """The same where two must sign, and one person may in either capacity."""
    offs = (SignOff("legal", frozenset({Role.COUNSEL})), SignOff(s.incident.title, frozenset({Role.COUNSEL})))
    return replace(s, policy=replace(s.policy, notices=NoticeRules(sign_offs=(("*", offs),))))


def others(s: Situation, many: int) -> list[Incident]:
    """So many other incidents of the same words."""
    return [replace(s.incident, id=f"INC-{100 + n}") for n in range(many)]


def wide(s: Situation) -> Situation:
    """The same with more alerts than a dialog has boxes, some of them over."""
    text = s.incident.title
    alerts = {f"k{n}" * 90: AlertState(f"k{n}" * 90, NOON, NOON if n % 3 else None, text, 1 + n % 4, text)
              for n in range(95)}  # fmt: skip
    return replace(s, incident=replace(s.incident, alerts=alerts))


SPECIMENS: dict[str, Callable[[Situation], Any]] = {
    "aloud.held": lambda s: [aloud.held(s, e) for e in entries(s, HoldPlaced)],
    "aloud.overridden": lambda s: [aloud.overridden(s, e) for e in entries(s, HoldOverridden)],
    "aloud.render": lambda s: [aloud.render(s, e) for e in aloud.told(s)],
    "approve.render": lambda s: [
        approve.render(each, m, viewer, (s.incident.because,) if viewer else ())
        for m in s.incident.mitigations.values() for each in (s, stricter(s)) for viewer in (None, CLEO, EVERYTHING)
    ],
    "card.render": card.render,
    "card.handed_over": card.handed_over,
    "card.restricted": card.restricted,
    "choose.render": lambda s: [
        choose.render([s.incident] * many, kind, s.incident.because, Ref(item=kind, said="C0INC/1.2"))
        for many, kind in ((1, "timeline"), (1, "finding"), (1, "followup"))
    ],
    "cover.render": lambda s: [cover.render(duty_shifts(s)[:many], called(s), NOON) for many in (1, 9)],
    "cover.request": lambda s: [
        *(cover.request(one, s.incident.title, crew(s), NOON) for one in asked_covers(s)),
        cover.request(asked_covers(s)[0], s.incident.title, crew(s), NOON + HOUR * 99),
        cover.request(asked_covers(s)[0], s.incident.title, crew(s), NOON, newer=True),
    ],
    "cover.told": lambda s: cover.told(f"{s.incident.title}: {s.incident.because}"),
    "declare.render": lambda s: [
        declare.render([replace(s.service, name=f"s{n}") for n in range(many)] if s.service else [], s.incident.because)
        for many in (1, 120)
    ],
    "finding.render": lambda s: finding.render(s, s.incident.title, s.incident.because),
    "followup.render": lambda s: [
        followup.render(s, "U0ANA", s.incident.because, "C0INC/1.2"),
        *(followup.render(s, "U0ANA", why=name, back=True) for name in list(s.incident.whys)[:3]),
    ],
    "followup.change": lambda s: [followup.change(s, one) for one in s.incident.followups.values()],
    "glass.alone": lambda s: [
        glass.alone(each, m, told)
        for m in s.incident.mitigations.values() for each in (s, stricter(s)) for told in ((), (ANA.id, CLEO.id) * 5)
    ],
    "glass.review": lambda s: [glass.review(s, m) for m in s.incident.mitigations.values()],
    "group.merge": lambda s: [group.merge(s, others(s, many), many) for many in (1, 130)],
    "group.promote": lambda s: group.promote(s, others(s, 1), 130),
    "group.split": lambda s: [group.split(each) for each in (s, wide(s)) if each.incident.alerts],
    "home.queue": lambda s: [home.queue(home.waiting([s], who, Policy())) for who in WHO],
    "home.render": lambda s: [
        home.render([s] * many, who, Policy(), shifts(s), [s.incident], s.now.date(), own(s))
        for who in WHO for many in (1, 12)
    ],
    "home.silent": lambda _: home.silent(),
    "home.stranger": lambda _: [home.stranger(), home.stranger(GUEST)],
    "impact.render": lambda s: [impact.render(s, None), impact.render(replace(s), s.incident.impact)],
    "info.render": lambda s: info.render(s.incident.title, s.incident.because or s.incident.title),
    "info.told": lambda s: info.told(s.incident.title, untrusted(s.incident.because or s.incident.title, 2_500)),
    "deadline.render": lambda s: [deadline.render(s, told) for told in deadline.passed(s)],
    "duties.render": lambda s: [duties.render(s), duties.render(contradicted(s))],
    "duty.begin": lambda s: [duty.begin(s, one) for one in few(s)],
    "duty.decide": lambda s: [
        duty.decide(s, replace(one, answer=answer), free=free)
        for one in few(s) for answer in Answer for free in (False, True)
    ],
    "duty.one": lambda s: [duty.one(s, one) for one in few(s)],
    "duty.owner": lambda s: [duty.owner(s, one) for one in few(s)],
    "duty.reasons": lambda s: [duty.reasons(s, page) for page in (0, 1, 9)],
    "legal.overview": lambda s: [legal.overview(s), legal.overview(s, decides=True, holds=True)],
    "notice_form.changes": lambda s: [notice_form.changes(s, n) for n in s.incident.notices.values()],
    "notice_form.comment": lambda s: [notice_form.comment(s, n) for n in s.incident.notices.values()],
    "notice_form.drop": lambda s: [notice_form.drop(s, n) for n in s.incident.notices.values()],
    "notice_form.fill": lambda s: [
        notice_form.fill(s, replace(n, standing=Standing.DRAFTING), "", s.incident.title)
        for n in s.incident.notices.values()
    ],
    "notice.render": lambda s: [notice.render(s, n) for n in s.incident.notices.values()],
    "notice.review": lambda s: [
        notice.review(each, n, who) for each in (s, two_sign(s)) for n in s.incident.notices.values()
        for who in (None, ANA, CLEO, EVERYTHING)
    ],
    "oncall.mine": lambda s: [own(s)],
    "oncall.of_rota": lambda s: [oncall.of_rota(one, crew(s), NOON) for one in rotas(s)],
    "oncall.of_service": lambda s: [oncall.of_service(one, NOON) for one in services(s)],
    "oncall.render": lambda s: [
        oncall.render(rotas(s) * many, services(s) * many, crew(s), when, asked_covers(s) * many, called(s))
        for many, when in ((0, None), (1, NOON), (9, None))
    ],
    "question.answer": lambda s: [question.answer(s, one, named=named) for one in s.questions for named in (0, 1)],
    "question.render": lambda s: [question.render(s, who) for who in ("responder", "counsel", "manager")],
    "propose.render": lambda s: [propose.render(s), propose.render(s, "s3")],
    "reason.render": lambda s: [reason.render(deed, s) for deed in ("reopen", "hold", "release")] + [
        reason.render(deed, s, m)
        for m in s.incident.mitigations.values() for deed in ("decline", "undo", "settle", "skip", "override")],
    "reminder.render": lambda s: [
        reminder.render([Waiting(s, matters)], f"remind:{s.incident.id}:{ANA.id}:1")
        for matters in (MATTERS, MATTERS[:1])
    ],
    "reminder.replaced": lambda s: reminder.replaced([s.incident.id]),
    "room.render": room.render,
    "room.told": lambda s: [room.told(s, past) for past in room.rooms(s) if past.settled],
    "request.render": lambda s: [request.render(s, m) for m in s.incident.mitigations.values()],
    "resolve.render": resolve.render,
    "step.render": lambda s: [step.render(s, walk) for walk in step.walked(s)],
    "step_modal.render": step_modal.render,
    "summary.past": lambda s: [summary.past(s, *one) for one in reopenings(s)],
    "summary.render": summary.render,
    "summary.reopened": lambda s: [summary.reopened(s, again) for _, again in reopenings(s)],
    "update.apart": lambda s: [
        update.apart(
            Summons("k", Profile("p", "ana", "Ana", frozenset()), Contact("ana"), s.incident.title, s.incident.because, house=house)
        )
        for house in (False, True)
    ],
    "update.page": lambda s: [update.page(s, also=[s] * many) for many in (0, 1, 9)],
    "update.render": lambda s: [update.render(s, e) for e in s.entries if isinstance(e.event, UpdatePosted)],
    "update_modal.render": lambda s: update_modal.render(s, Policy()),
    "whys.fix": lambda s: [whys.fix(s, why) for why in s.incident.whys.values()],
    "whys.render": lambda s: [
        whys.render(s),
        *(whys.render(s, s.incident.title, name, name=name) for name in ("", *list(s.incident.whys)[-2:])),
    ],
}  # fmt: skip
"""By view and function: everything it makes of a situation."""


def makers() -> set[str]:
    """Every function of a view that makes a message, a view or blocks: those need a specimen."""
    found = set()
    for one in pkgutil.iter_modules(views.__path__):
        if one.name.startswith("_"):
            continue  # words and pieces, which the others hold
        module = import_module(f"{views.__name__}.{one.name}")
        for name, made in inspect.getmembers(module, inspect.isfunction):
            if made.__module__ != module.__name__ or name.startswith("_"):
                continue
            if inspect.signature(made, eval_str=True).return_annotation in MADE and f"{one.name}.{name}" not in PIECES:
                found.add(f"{one.name}.{name}")
    return found


LISTS = {"home.queue", "oncall.mine", "oncall.of_rota", "oncall.of_service", "oncall.render"}
"""Those whose specimens are lists of blocks."""
PIECES = {
    "declare.found",
    "duties.deeds",
    "duties.hold_button",
    "notice_form.file",
    "cover.take_button",
    "cover.way",
    "group.way",
    "followup.changing",
    "followup.kept",
    "followup.listed",
}
"""What others hold: options of a search, a list with its buttons and the menu below it."""
MADE = (Message, dict[str, Any], list[dict[str, Any]])


def payloads(situation: Situation, of: str = "") -> Iterator[Payload]:
    """Everything every view makes of a situation, and everything that would stand in Slack because of it."""
    for name, make in SPECIMENS.items():
        for number, made in enumerate(_all(make(situation)) if name not in LISTS else make(situation)):
            told = f"{of}: {name} {number}"
            if isinstance(made, Message):
                yield from _message(told, made)
            elif isinstance(made, list) and made:
                yield Payload(told, "message", {"text": "Waiting for you", "blocks": verbatim(made)})
            elif not isinstance(made, list):
                yield _view(told, made)
    for surface in wanted(situation, SETTINGS):
        yield from _message(f"{of}: surface {surface.name}", surface.message)
    listed = "\n".join([home.line(situation.incident)] * 15)
    for words in (untrusted(situation.incident.because or "not done", 2_500), listed, *HELP):
        yield Payload(f"{of}: whispered", "message", {"text": words, "blocks": verbatim(said(words))})
