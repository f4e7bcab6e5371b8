"""The incident: what is broken, since when, for whom, why probably, what to do next, and everything done so far."""

from __future__ import annotations

from collections.abc import Mapping

from fastapi import APIRouter, Request
from fastapi.responses import HTMLResponse, Response

from bot.domain.affected import COUNTERS
from bot.domain.checks import resolve_checks
from bot.domain.correction import Corrected
from bot.domain.duty import READERS, Answer
from bot.domain.five_whys import Why
from bot.domain.followup import unanswered
from bot.domain.measures import DEFINITIONS, LAGS, lag
from bot.domain.policy import Policy, Role, Severity
from bot.domain.reminder import Reminded
from bot.domain.roles import Part
from bot.domain.saying import NoteKept, ground
from bot.domain.service import Offer
from bot.engine.sight import is_counsel
from bot.engine.situation import Situation
from bot.engine.snoozing import pending
from bot.engine.values import Profile
from bot.web.access import Area, reading
from bot.web.chart import draw, marks_of
from bot.web.door import Console, Here, Who
from bot.web.drift_report import report_of
from bot.web.lines import KINDS, Found, Sought, found, speakers
from bot.web.pages._done import just_done
from bot.web.pages._duties import asked, grouped, labels
from bot.web.pages._page import Form, show
from bot.web.pages._plan import Given, badged, block
from bot.web.pages._status import section as status_section
from bot.web.pages._together import climb, family
from bot.web.telling import tell
from bot.web.verbs import DONE
from bot.web.verbs.group import boxed
from bot.web.verbs.said import TakeBackIt
from bot.words import span

router = APIRouter()

MEASURES = {"ttd": "Time to detect", "tta": "Time to acknowledge", "ttm": "Time to mitigate", "ttr": "Time to resolve"}


@router.get("/incidents/{name}")
async def look(request: Request, name: str, here: Here, who: Who) -> Response:
    """One incident; the address may ask for some lines of its timeline."""
    reading(who, Area.INCIDENTS)
    return await page(request, here, who, await here.situation(name, who), done=just_done(request, DONE))


async def page(
    request: Request,
    here: Console,
    who: Profile,
    situation: Situation,
    *,
    form: Form | None = None,
    done: str = "",
    status: int = 200,
    given: Given | None = None,
) -> HTMLResponse:
    """The incident page; `done` is what was just carried out, `given` is a one-time code to show once."""
    incident, policy = situation.incident, here.desk.handler.policy
    told = tell(situation, policy)
    sought = Sought.of(request.query_params)
    lines = found(situation, sought)
    reminded = incident.reminded.get(who.id, Reminded())
    drawings = [draw(chart, marks_of(incident)) for chart in situation.charts]
    context: dict[str, object] = {
        "i": incident,
        "told": told,
        "service": situation.service,
        "measures": _measures(situation),
        "lag": [(stage, seconds, LAGS[stage]) for stage, seconds in lag(incident).items()],
        "drawings": [drawing for drawing in drawings if drawing],
        "timeline": [(line, situation.say(line), situation.name(line.by)) for line in lines.lines],
        "lines": lines,
        "sought": sought,
        "older": sought.address(f"/incidents/{incident.id}", lines.older) if lines.older else "",
        "newest": sought.address(f"/incidents/{incident.id}"),
        "line_kinds": KINDS,
        "speakers": speakers(situation),
        "corrections": _corrections(situation),
        "changes": [
            block(each, shape, who, situation, policy, given)
            for each, shape in zip(incident.mitigations.values(), told.mitigations, strict=True)
        ],
        "offers": _offers(situation, who, policy),
        "may_hold": bool(badged(who, situation).badges & policy.counsel),
        "whys": _tree(incident.whys),
        "grounds": {why.id: ground(incident, why.evidence) for why in incident.whys.values()},
        "unanswered": [why.id for why in unanswered(incident)],
        "duties": told.duties,
        "groups": grouped(told.duties, situation.now.date()),
        "questions": asked(situation, told.questions),
        "status": status_section(here, who, situation),
        "fact_labels": labels(situation),
        "notice_kinds": _wanted(situation),
        "kinds": situation.notice_kinds,
        "checks": resolve_checks(incident),
        "parts": [(part, situation.name(incident.parts[part]) if part in incident.parts else "") for part in Part],
        "people": sorted(situation.people.values(), key=lambda person: person.name),
        "family": await family(here, situation, who),
        "climb": await climb(here, situation),
        "digest": situation.digest,
        "drift_report": await report_of(here, incident.id, incident.reported),
        "boxed": boxed,
        "on_call": [situation.name(person) for person in situation.on_call],
        "runbooks": situation.runbooks,
        "severities": [str(grade) for grade in Severity],
        "may_count": bool(who.roles & COUNTERS),
        "may_list": bool(badged(who, situation).badges & policy.people_data),
        "has_log": bool(situation.service and situation.service.prediction_log),
        "is_counsel": is_counsel(badged(who, situation), policy),
        "may_state": bool(badged(who, situation).badges & READERS),
        "zone": here.desk.catalogue.timezone,
        "astray": _astray(form, situation, lines),
        "reminded": reminded.at if pending(incident, who.id, situation.now) else None,
        "can_act": bool(who.roles - {Role.COUNSEL, Role.AUDITOR}),
        "form": form or Form(),
        "done": done,
        "live": "" if form or given else incident.head,
        "answers": [str(answer) for answer in Answer],
    }
    return show(request, "incident", who, context, status=status)


def _astray(form: Form | None, situation: Situation, lines: Found) -> str:
    """The name in a form to take something back whose line the page does not show: what was typed is not lost."""
    if form is None or form.verb != TakeBackIt.verb:
        return ""
    shown = {line.kept for line in lines.lines if not line.gone and line.name == NoteKept.__name__}
    shown |= {each.id for each in situation.incident.findings if each.source == Role.RESPONDER and each.gone is None}
    return "" if form.about in shown else form.about


def _measures(situation: Situation) -> list[tuple[str, str, str, bool]]:
    spans = situation.measures
    return [
        (label, span(getattr(spans, name)), DEFINITIONS[name].partition(": ")[2], name in spans.corrected)
        for name, label in MEASURES.items()
    ]


def _corrections(situation: Situation) -> dict[str, tuple[Corrected, str]]:
    """What people set right, by the moment, with who did."""
    corrected = situation.incident.corrected
    return {str(moment): (each, situation.name(each.by)) for moment, each in corrected.items()}


def _offers(situation: Situation, who: Profile, policy: Policy) -> list[tuple[Offer, str, bool]]:
    """Prepared mitigations, each with why it would not help, and whether this person may propose it."""
    badges = badged(who, situation).badges
    return [(offer, unfit, bool(badges & policy.proposers(offer.target))) for offer, unfit in situation.offers]


def _tree(whys: Mapping[str, Why]) -> dict[str, list[Why]]:
    """The answers under each why, "" holding the first ones."""
    below: dict[str, list[Why]] = {}
    for why in whys.values():
        below.setdefault(why.parent, []).append(why)
    return below


def _wanted(situation: Situation) -> list[tuple[str, str]]:
    """Notices that can be begun: those of a regime only where its answer is not no."""
    begun = {notice.template for notice in situation.incident.notices.values()}
    duties = situation.incident.duties
    found = []
    for template, label in situation.notice_kinds.items():
        regime = template.partition("/")[0]
        ruled_out = regime in duties and duties[regime].answer is Answer.NO
        if template not in begun and not ruled_out:
            found.append((template, label))
    return found
