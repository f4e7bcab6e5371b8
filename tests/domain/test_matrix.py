"""Who may do what to a change of production: every combination is tried, and equals the table written by hand below."""

import itertools
import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from datetime import timedelta
from functools import cache

import pytest

from bot.domain.approval import (
    ApproveMitigation,
    CodeGiven,
    DeclineMitigation,
    GiveCode,
    MitigationApproved,
    MitigationDeclined,
    code_hash,
)
from bot.domain.claim import ClaimMitigation, MitigationClaimed
from bot.domain.errors import Refused
from bot.domain.execution import OutcomeReported, ReportOutcome
from bot.domain.glass import BreakGlass, GlassBroken, GlassReviewed, ReviewGlass
from bot.domain.guard import ON_CALL, ActionClass, TargetRules
from bot.domain.hold import (
    HoldOverridden,
    HoldPlaced,
    HoldReleased,
    HoldSkipped,
    LegalHold,
    OverrideHold,
    PlaceHold,
    ReleaseHold,
    SkipHold,
)
from bot.domain.incident import Incident
from bot.domain.log import Ask, Command, Event
from bot.domain.mitigation import (
    Approval,
    Code,
    Mitigation,
    MitigationProposed,
    Outcome,
    Plan,
    ProposeMitigation,
    State,
    amend,
)
from bot.domain.phase import Phase
from bot.domain.policy import THE_BOT, Person, Policy, Role, Urgency
from bot.domain.sli import Judged
from bot.domain.undo import UndoAsked, UndoMitigation
from bot.domain.urgency import SuspicionWithdrawn, Withdraw
from tests.kit import NOON, breached, declared, plan

POLICY = Policy(
    targets={"own": TargetRules(propose=frozenset({"@eve"}), approve=frozenset({"group:platform", ON_CALL}))}
)
REASON = "patients are being sent home"
CODE = "ABCDE-FGHJK"
ZED = Person("zed", frozenset({Role.APPROVER}), frozenset({"group:platform"}))
"""Who approved what was approved; what another proposed is Pat's."""

# Who may, in which states of the change, as its proposer or another, in which phase of the incident, and whether
# counsel holds it. `*` is any; who is a badge, `anybody` or `tocsin`. What no line allows is refused.
TABLE = """
propose  | plain | *            | responder approver admin  | proposed over effective         | *     | open     | *
propose  | own   | *            | @eve                      | proposed over effective         | *     | open     | *

approve  | plain | small        | responder approver admin  | proposed                        | other | open     | *
approve  | plain | traffic wide | approver admin            | proposed                        | other | open     | *
approve  | own   | *            | group:platform on-call    | proposed                        | other | open     | *

code     | plain | wide         | approver admin            | proposed approved               | *     | open     | *
code     | own   | wide         | group:platform on-call    | proposed                        | other | open     | *
code     | own   | wide         | approver admin            | proposed approved               | *     | open     | *

decline  | *     | *            | anybody tocsin            | proposed approved               | self  | *        | *
decline  | plain | small        | responder approver admin  | proposed approved               | other | *        | *
decline  | plain | traffic wide | approver admin            | proposed approved               | other | *        | *
decline  | own   | *            | group:platform on-call    | proposed approved               | other | *        | *

alone    | *     | *            | approver admin            | proposed approved               | *     | open     | *

review   | plain | small        | responder approver admin  | *                               | other | *        | *
review   | plain | traffic wide | approver admin            | *                               | other | *        | *
review   | own   | *            | group:platform on-call    | *                               | other | *        | *
review   | own   | *            | approver admin            | *                               | other | *        | *

go-ahead | plain | small        | responder approver admin  | proposed approved               | *     | *        | *
go-ahead | plain | traffic wide | approver admin            | proposed approved               | *     | *        | *
go-ahead | own   | *            | group:platform on-call    | proposed approved               | *     | *        | *

hold     | *     | *            | counsel                   | *                               | *     | *        | *
release  | *     | *            | counsel                   | *                               | *     | *        | held

override | plain | small        | responder approver admin  | proposed approved effective undoing | other | *        | held
override | plain | traffic wide | approver admin            | proposed approved effective undoing | other | *        | held
override | own   | *            | group:platform on-call    | proposed approved effective undoing | other | *        | held

undo     | plain | small        | responder approver admin  | effective                       | *     | unclosed | *
undo     | plain | traffic wide | approver admin            | applied not_helping             | *     | unclosed | free
undo     | plain | traffic wide | approver admin            | verified                        | other | unclosed | free
undo     | own   | small        | group:platform on-call    | effective                       | *     | unclosed | *
undo     | own   | traffic wide | group:platform on-call    | applied not_helping             | *     | unclosed | free
undo     | own   | traffic wide | group:platform on-call    | verified                        | other | unclosed | free
undo     | *     | small        | tocsin                    | effective                       | *     | unclosed | *
undo     | *     | traffic wide | tocsin                    | applied not_helping             | *     | unclosed | free
undo     | *     | traffic wide | tocsin                    | verified                        | other | unclosed | free

settle   | plain | small        | responder approver admin  | unknown                         | *     | *        | *
settle   | plain | traffic wide | approver admin            | unknown                         | *     | *        | *
settle   | own   | *            | group:platform on-call    | unknown                         | *     | *        | *
settle   | *     | *            | tocsin                    | claimed unknown                 | *     | *        | *

claim    | *     | small        | tocsin                    | approved                        | *     | open     | *
claim    | *     | traffic wide | tocsin                    | approved                        | *     | open     | free

claimed-alone | * | small         | tocsin                    | approved                        | *     | open     | *
claimed-alone | * | traffic wide  | tocsin                    | approved                        | *     | open     | free

withdraw | *     | *            | tocsin                    | effective over                  | *     | open     | *
"""

SETS = {
    "effective": ("applied", "verified", "not_helping"),
    "over": ("failed", "declined", "expired", "stale", "undone"),
    "unclosed": ("open", "resolved"),
}
PHASES = {"open": Phase.ACKNOWLEDGED, "resolved": Phase.RESOLVED, "closed": Phase.CLOSED}
CLASSES = {"small": ActionClass.SMALL, "traffic": ActionClass.TRAFFIC, "wide": ActionClass.WIDE}


@dataclass(frozen=True)
class Case:
    """One incident with one change, and somebody who asks."""

    action: str
    target: str
    klass: str
    state: str
    proposer: bool
    phase: str
    held: bool


@cache
def table() -> dict[tuple[str, str, str], list[tuple[frozenset[str], ...]]]:
    """The lines by action, target and class: who, states, as whom, phases, held or free."""
    found: dict[tuple[str, str, str], list[tuple[frozenset[str], ...]]] = {}
    for text in TABLE.strip().splitlines():
        if not text:
            continue
        action, target, klass, *rest = (cell.split() for cell in text.split("|"))
        cells = tuple(frozenset(word for each in cell for word in SETS.get(each, (each,))) for cell in rest)
        for key in itertools.product(action, _any(target, ("plain", "own")), _any(klass, CLASSES)):
            found.setdefault(key, []).append(cells)
    return found


def _any(words: list[str], there_are: object) -> list[str]:
    return list(there_are) if words == ["*"] else words  # type: ignore[call-overload]


def allowed(case: Case, person: Person) -> bool:
    """What the table says."""
    asked = (case.state, "self" if case.proposer else "other", case.phase, "held" if case.held else "free")
    for who, *cells in table().get((case.action, case.target, case.klass), []):
        fits = all(cell == {"*"} or word in cell for word, cell in zip(asked, cells, strict=True))
        if fits and (named(person) & who or ("anybody" in who and not person.is_bot)):
            return True
    return False


def named(person: Person) -> frozenset[str]:
    return frozenset({"tocsin"}) if person.is_bot else frozenset(map(str, person.badges))


def may_at_all(case: Case) -> frozenset[str]:
    """Everybody some line of the table names for this action there."""
    return frozenset().union(*(who for who, *_ in table().get((case.action, case.target, case.klass), [])))


# -- the world -------------------------------------------------------------------------------------------------------


def people() -> Iterator[Person]:
    """Each role, a person and a group that rules name, somebody with no badge at all; on call and not; and Tocsin."""
    sets: list[tuple[frozenset[Role], frozenset[str]]] = [(frozenset({role}), frozenset()) for role in Role]
    sets += [(frozenset(), frozenset(badges)) for badges in ((), ("@eve",), ("group:platform",))]
    for roles, groups in sets:
        yield Person("asks", roles, groups)
        yield Person("asks", roles, groups | {ON_CALL})
    yield THE_BOT


EVERYBODY = tuple(people())


@cache
def change(target: str, klass: str) -> Plan:
    return plan(target=target, target_uid=target, klass=CLASSES[klass], rules=POLICY.fingerprint)


@cache
def incident(case: Case, asks: str) -> Incident:
    """The incident of a case; `asks` is who is about to ask."""
    made = change(case.target, case.klass)
    proposer = asks if case.proposer else "pat"
    minutes = timedelta(minutes=15)
    told = MitigationProposed("M1", made, made.digest, NOON + minutes, NOON + minutes, "x")
    known = declared().tell(told, by=proposer).incident
    state = State[case.state.upper()]
    known = replace(known, phase=PHASES[case.phase], legal_hold=LegalHold("cleo", NOON, "x") if case.held else None)
    more: dict[str, object] = {"state": state}
    if state is not State.PROPOSED:
        more["approvals"] = (Approval(ZED.id, made.digest, NOON),)
    if case.action == "claim":
        more["held"] = ("rows",)
    if case.action == "claimed-alone":  # over the first of two approvals, whose giver may not give it any more
        more |= {
            "glass": REASON,
            "approvals": (Approval("left", made.digest, NOON), Approval(ZED.id, made.digest, NOON)),
        }
    if case.action == "withdraw":
        known = replace(known, urgency=Urgency.NOTICE, sli=breached(judged=Judged.MET))
    if case.action == "review":
        more |= {"glass": REASON, "approvals": (Approval(ZED.id, made.digest, NOON),), "claimed_at": NOON}
    if case.action in {"approve", "alone"}:
        more["codes"] = {asks: Code(code_hash(CODE, asks, made.digest), NOON + minutes)}
    return amend(known, "M1", **more)


Make = Callable[[Mitigation], Command]
ACTIONS: dict[str, tuple[Make, type[Event]]] = {
    "propose": (lambda m: ProposeMitigation(replace(m.plan, params={"to": "v0"}), "x"), MitigationProposed),
    "approve": (lambda m: ApproveMitigation("M1", m.digest, CODE), MitigationApproved),
    "code": (lambda _: GiveCode("M1", "0" * 64), CodeGiven),
    "decline": (lambda _: DeclineMitigation("M1", "x"), MitigationDeclined),
    "alone": (lambda m: BreakGlass("M1", m.digest, REASON, ("max",), CODE), GlassBroken),
    "review": (lambda _: ReviewGlass("M1", justified=True, words="it was right"), GlassReviewed),
    "go-ahead": (lambda _: SkipHold("M1", REASON), HoldSkipped),
    "hold": (lambda _: PlaceHold("the authority asked"), HoldPlaced),
    "release": (lambda _: ReleaseHold("copies are made"), HoldReleased),
    "override": (lambda _: OverrideHold("M1", REASON), HoldOverridden),
    "undo": (lambda _: UndoMitigation("M1", "x"), UndoAsked),
    "settle": (lambda _: ReportOutcome("M1", Outcome.APPLIED, "x"), OutcomeReported),
    "claim": (lambda m: ClaimMitigation("M1", m.plan.token, (ZED,)), MitigationClaimed),
    "claimed-alone": (lambda m: ClaimMitigation("M1", m.plan.token, (ZED,)), MitigationClaimed),
    "withdraw": (lambda _: Withdraw("met again"), SuspicionWithdrawn),
}


def cases(action: str) -> Iterator[Case]:
    states = [state.name.lower() for state in State]
    for target, klass, state, proposer, phase, held in itertools.product(
        ("plain", "own"), CLASSES, states, (False, True), PHASES, (False, True)
    ):
        yield Case(action, target, klass, state, proposer, phase, held)


def outcome(case: Case, person: Person) -> bool | str:
    """Whether the command did what it is for; a refusal's sentence; False where nothing followed."""
    known = incident(case, person.id)
    make, event = ACTIONS[case.action]
    command = make(known.mitigations["M1"])
    try:
        followed = list(command.decide(known, Ask(person, NOON + timedelta(minutes=1), "test", POLICY)))
    except Refused as refused:
        return refused.because
    return any(isinstance(each, event) for each in followed)


# -- and what is held against it -------------------------------------------------------------------------------------

ODD = re.compile(r"Traceback|object at 0x|frozenset|\bNone\b|<|State\.|Role\.|ActionClass")


@pytest.mark.parametrize("action", ACTIONS)
def test_what_is_allowed_is_what_the_table_says(action: str) -> None:
    """Each role, badge, state, class, target and phase; what is refused says why in a sentence, and who may."""
    tried = 0
    for case in cases(action):
        for person in EVERYBODY:
            tried += 1
            found, wanted = outcome(case, person), allowed(case, person)
            assert (found is True) == wanted, (case, person, found)
            if isinstance(found, str):
                _is_a_sentence(found, case, person)
    assert tried > 15_000


def _is_a_sentence(because: str, case: Case, person: Person) -> None:
    assert 10 < len(because) < 200, because
    assert not ODD.search(because), because
    assert "\n" not in because
    may = may_at_all(case) - {"anybody", "tocsin"}
    stranger = not named(person) & may and not person.is_bot and not case.proposer
    if stranger and may:
        assert because.startswith("only "), (case, person, because)
        told = frozenset(re.split(r" or ", because.removeprefix("only ").partition(" may ")[0]))
        assert told == may, (case, person, because)


@pytest.mark.parametrize("action", ["approve", "alone"])
def test_a_wide_change_is_said_yes_to_with_a_code_only(action: str) -> None:
    """Whoever may say yes with it may not without it, nor with another's."""
    for case in cases(action):
        for person in EVERYBODY:
            if case.klass != "wide" or not allowed(case, person):
                continue
            known = incident(case, person.id)
            for codes in ({}, {"zed": known.mitigations["M1"].codes["asks"]}):
                command = ACTIONS[action][0](known.mitigations["M1"])
                ask = Ask(person, NOON + timedelta(minutes=1), "test", POLICY)
                with pytest.raises(Refused, match="code"):
                    list(command.decide(amend(known, "M1", codes=codes), ask))


def test_the_table_speaks_of_every_action_and_state() -> None:
    """A word that is misspelt in it would allow nothing and go unnoticed."""
    words = {action for action, _, _ in table()}
    assert words == set(ACTIONS)
    states = {word for lines in table().values() for _, cell, *_ in lines for word in cell}
    assert states <= {state.name.lower() for state in State} | {"*"}
    badges = {word for lines in table().values() for who, *_ in lines for word in who}
    assert badges <= {*map(str, Role), ON_CALL, "@eve", "group:platform", "anybody", "tocsin"}
    rest = {word for lines in table().values() for _, _, *cells in lines for cell in cells for word in cell}
    assert rest <= {"*", "self", "other", "held", "free", *PHASES}
