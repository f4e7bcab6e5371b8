"""What counsel and responders see of duties, as specimens: regimes, questions, running clocks, a notice on its way."""

from collections.abc import Iterator
from dataclasses import replace
from datetime import date, datetime, timedelta

from bot.blockkit.blocks import View
from bot.domain.duty import Answer, AnswerDuties, AssignDuty, DecideDuty, Due, Duty, RecordFact
from bot.domain.filing import FileNotice
from bot.domain.notice import RequestNotice, Standing
from bot.domain.policy import NoticeRules, Policy, Role, SignOff
from bot.domain.reminder import Reason, reminders
from bot.domain.signing import ApproveNotice, FreezeNotice
from bot.domain.wording import ClaimPrivilege, CommentNotice
from bot.engine.situation import Situation, Words
from bot.engine.values import Waiting
from bot.notices.ask import OpenQuestion
from bot.notices.checklist import Item
from bot.notices.facts import FactType
from bot.notices.regime import Fact
from bot.slack.message import Message
from bot.slack.specimen_story import ANA, BEGUN, BEN, CLEO, Telling, proposed
from bot.slack.views import deadline, duties, duty, notice, notice_form, question, reminder

GDPR, AI_ACT, NIS2 = "eu_gdpr_art33", "eu_ai_act_art73", "eu_nis2_art23"
_POLICY = Policy(
    notices=NoticeRules(
        sign_offs=(("*", (SignOff("legal", frozenset({Role.COUNSEL})), SignOff("technical", frozenset({Role.ADMIN})))),)
    )
)
_TEXT = (
    "Since 20 November 2026, 12:00 UTC, the model that proposes visits to the doctor misses patients in poor health."
)


def _due(stage: str, name: str, hours: float, start: datetime = BEGUN, answer: Answer = Answer.YES) -> Due:
    strict = start + timedelta(hours=hours)
    return Due(stage, name, answer, "aware_at", start, strict, strict + timedelta(hours=6), "72 hours from awareness")


def _duties(earlier: bool = False) -> tuple[Duty, ...]:
    gdpr = (
        _due("sa_notification", "Notification to the supervisory authority", 48 if earlier else 72),
        Due("data_subjects", "Communication to the people concerned", Answer.UNKNOWN, because="without undue delay"),
    )
    act = (_due("initial", "Report to the market surveillance authority", 15 * 24),)
    early = (_due("early_warning", "Early warning", 24, answer=Answer.UNKNOWN),)
    return (
        Duty(GDPR, "GDPR Art. 33", Answer.YES, "Personal data of patients became unavailable, with a risk to them.",
             "sa_notification", gdpr[0].strict, gdpr[0].outer, dues=gdpr),
        Duty(AI_ACT, "EU AI Act Art. 73", Answer.YES, "A serious incident with a high-risk system was identified.",
             "initial", act[0].strict, act[0].outer, dues=act),
        Duty(NIS2, "NIS2 Art. 23", Answer.UNKNOWN, "Whether the service is an important entity is not known.",
             "early_warning", early[0].strict, ask=("entity_type",), dues=early),
        Duty("eu_cra_art14", "Cyber Resilience Act Art. 14", Answer.NO, "Not in force yet.",
             applies_from=date(2027, 12, 11), would_be=Answer.YES),
        *(Duty(f"us_{n}", f"State breach law {n}", Answer.NO, "No resident of the state is concerned.")
          for n in range(1, 36)),
    )  # fmt: skip


def _fact(key: str, kind: str, label: str, asks: str = "responder", note: str = "") -> Fact:
    return Fact(key, FactType.parse(kind), label, note, asks)


_QUESTIONS = (
    OpenQuestion(_fact("security_breach", "bool", "security was breached",
                       note="loss, alteration, disclosure or access through a breach"), (GDPR, NIS2, AI_ACT)),
    OpenQuestion(_fact("first_signal_at", "timestamp", "first alert or complaint"), (GDPR, NIS2)),
    OpenQuestion(_fact("malfunction_or_misuse", "enum{malfunction,drift,data_error}", "what kind of failure it was"),
                 (AI_ACT,)),
    OpenQuestion(_fact("downtime_hours", "number", "hours the service was down"), (NIS2,)),
    OpenQuestion(_fact("ai_system", "bool", "an AI system is involved"), (AI_ACT,)),
    OpenQuestion(_fact("entity_type", "set{essential,important}", "entity under NIS2", "counsel"), (NIS2,)),
    OpenQuestion(_fact("deaths", "int_or_range", "people who died", "counsel"), (AI_ACT,)),
    OpenQuestion(_fact("countries_affected", "set<country>", "countries concerned", "manager"), (NIS2,)),
    OpenQuestion(_fact("incident_started_at", "timestamp_or_range", "the incident began"), (NIS2,)),
    OpenQuestion(_fact("placed_on_market_date", "date", "system placed on the market on", "counsel"), (AI_ACT,)),
)  # fmt: skip
_LINES = (
    Item("nature", "Nature of the breach", True, "not_investigated", help="Kind of incident, and what was concerned.",
         number="1.1"),
    Item("people", "How many people are concerned", True, "not_investigated", help="About, where it is not known."),
    Item("contact", "Contact for the authority", True, "value", "dpo@example.org"),
)  # fmt: skip


def told(*, hours: float = 40, earlier: bool = False) -> Telling:
    """An incident with forty regimes asked, so long after it began."""
    made = proposed(_POLICY)
    made.incident = replace(made.incident, duties={})
    made.then(AnswerDuties(_duties(), "b2"))
    made.then(AssignDuty(GDPR, CLEO.id, BEN.id), CLEO)
    made.then(RecordFact("ai_system", None), ANA)
    made.then(DecideDuty("us_1", Answer.NO, "everybody concerned lives elsewhere"), CLEO)
    if earlier:
        made.then(AnswerDuties(_duties(earlier=True), "b3"))
    made.now = BEGUN + timedelta(hours=hours)
    return made


def seen(made: Telling) -> Situation:
    """Its situation, with the questions and the draft."""
    draft = Words(_TEXT, "d" * 64, ("Nature of the breach", "How many people are concerned"), _TEXT, _LINES)
    kinds = {f"{GDPR}/sa_notification": "GDPR Art. 33: Notification to the supervisory authority",
             f"{GDPR}/data_subjects": "GDPR Art. 33: Communication to the people concerned",
             f"{AI_ACT}/initial": "EU AI Act Art. 73: Report to the market surveillance authority",
             "stakeholders/update": "Update"}  # fmt: skip
    notices = made.incident.notices
    return made.situation(drafts=dict.fromkeys(notices, draft), notice_kinds=kinds, questions=_QUESTIONS)


def _notices() -> Iterator[tuple[str, Situation]]:
    """A notice from its request to its filing; one that is privileged."""
    made = told()
    made.then(RequestNotice(f"{GDPR}/sa_notification", GDPR, "sa_notification"), ANA)
    made.then(CommentNotice("N2", "Say how many, even if it is about.", "misses patients"), CLEO)
    yield "drafted", seen(made)
    private = told()
    private.then(RequestNotice(f"{GDPR}/sa_notification", GDPR, "sa_notification"), ANA)
    private.then(ClaimPrivilege("N2", "legal advice", "INC-7", "to advise on the duty"), CLEO)
    yield "privileged", seen(private)
    made.then(FreezeNotice("N2", _TEXT, "d" * 64, ("Nature of the breach",), made.now), ANA)
    yield "asked", seen(made)
    made.then(ApproveNotice("N2", "d" * 64, "legal"), CLEO)
    yield "half signed", seen(made)
    made.then(ApproveNotice("N2", "d" * 64, "technical"), BEN)
    yield "approved", seen(made)
    made.then(FileNotice("N2", "the portal of the authority", "DE-2026-4711", None, "confirmation by mail"), CLEO)
    yield "filed", seen(made)


def messages() -> Iterator[tuple[str, Message]]:
    """The messages about duties, questions, clocks and notices."""
    situation = seen(told())
    yield "duties of forty regimes", duties.render(situation)
    yield "questions", question.render(situation, question.RESPONDER)
    yield "questions for counsel", question.render(situation, question.COUNSEL)
    yield "no question left", question.render(replace(situation, questions=()), question.RESPONDER)
    for name, made in (("60 hours", told(hours=60)), ("overdue", told(hours=80)), ("earlier", told(earlier=True))):
        each = seen(made)
        for one in deadline.passed(each):
            yield f"clock, {name}, {one.percent}", deadline.render(each, one)
    for name, each in _notices():
        yield f"notice, {name}", notice.render(each, each.incident.notices["N2"])
        if each.incident.notices["N2"].standing is Standing.FILED:
            yield from ((f"clock, filed, {one.percent}", deadline.render(each, one)) for one in deadline.passed(each))
    yield "a clock's reminder", reminder.render([reminded(seen(told(hours=60)))], f"remind:INC-7:{CLEO.id}:1")


def reminded(situation: Situation) -> Waiting:
    """What the person who answers for a clock is reminded of by now."""
    found = reminders(situation.incident, situation.policy, situation.on_call, situation.directory)
    due = [one for one in found if one.reason is Reason.CLOCK and one.person == CLEO.id and one.due <= situation.now]
    return Waiting(situation, tuple(due))


def views() -> Iterator[tuple[str, View]]:
    """The dialogs about them."""
    situation = seen(told())
    first = situation.incident.duties[GDPR]
    yield "A duty", duty.one(seen(told(earlier=True)), first)
    yield "All reasons", duty.reasons(situation)
    yield "All reasons, the last page", duty.reasons(situation, 9)
    yield "Decide on a duty", duty.decide(situation, first, free=True)
    yield "Begin a notice", duty.begin(situation, first)
    yield "Who answers for it", duty.owner(situation, first)
    for asked in _QUESTIONS:
        yield f"Answer {asked.fact.key}", question.answer(situation, asked)
    for name, each in _notices():
        one = each.incident.notices["N2"]
        yield f"Notice, {name}", notice.review(each, one)
        if name == "drafted":
            yield "Fill in a notice", notice_form.fill(each, one)
            yield "Nothing to fill in", notice_form.fill(replace(each, drafts={}), one)
            yield "Comment on a notice", notice_form.comment(each, one)
            yield "Changes to a notice", notice_form.changes(each, one)
            yield "Give a notice up", notice_form.drop(each, one)
