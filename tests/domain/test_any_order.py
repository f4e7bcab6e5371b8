"""Whatever people ask in whatever order, what must never happen does not."""

from dataclasses import replace
from datetime import timedelta

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule

from bot.domain.approval import ApproveMitigation, DeclineMitigation, ExpireMitigation
from bot.domain.claim import ClaimMitigation
from bot.domain.errors import Refused
from bot.domain.execution import ReportOutcome
from bot.domain.hold import ReportHold
from bot.domain.incident import Incident
from bot.domain.lifecycle import Close, Declare, Reopen, Resolve
from bot.domain.log import Command, Free, Take, fold
from bot.domain.mitigation import PENDING, Outcome, Plan, ProposeMitigation, State
from bot.domain.paging import Acknowledge
from bot.domain.phase import Phase
from bot.domain.policy import THE_BOT, Person, Policy, Role, Severity
from bot.domain.proof import ReportVerification
from bot.domain.sli import Attach, Judged, ObserveSli
from bot.domain.todo import todo
from bot.domain.undo import ReportUndo, UndoMitigation
from tests.kit import ANA, AUDREY, BEN, CLEO, NOON, Story, breached, held, plan

DORA = Person("dora", frozenset({Role.RESPONDER, Role.APPROVER}))
PEOPLE = (ANA, BEN, CLEO, AUDREY, DORA, THE_BOT)
PLANS = (plan(), plan(params={"to": "v0"}), plan(target="batch", target_uid="router/batch"))
EDGES = {
    State.PROPOSED: {State.APPROVED, State.DECLINED, State.EXPIRED},
    State.APPROVED: {State.CLAIMED, State.DECLINED, State.EXPIRED, State.STALE},
    State.CLAIMED: {State.APPLIED, State.FAILED, State.UNKNOWN},
    State.UNKNOWN: {State.APPLIED, State.FAILED, State.VERIFIED, State.NOT_HELPING},  # as it stood before an undo
    State.APPLIED: {State.VERIFIED, State.NOT_HELPING, State.UNDOING},
    State.NOT_HELPING: {State.VERIFIED, State.UNDOING},
    State.VERIFIED: {State.UNDOING},
    State.UNDOING: {State.UNDONE, State.APPLIED, State.VERIFIED, State.NOT_HELPING, State.UNKNOWN},
}

people = st.sampled_from(PEOPLE)
names = st.sampled_from(["M1", "M2", "M3", "M4"])
judged = st.sampled_from(list(Judged))
outcomes = st.sampled_from(list(Outcome))


class AnyOrder(RuleBasedStateMachine):
    """One incident, six people, every command, and time going by."""

    def __init__(self) -> None:
        super().__init__()
        self.story = Story()
        self.held: set[str] = set()
        self.ask(
            Declare("x", Severity.SEV2, "visits", "b", NOON, NOON, slo="recall", fingerprint="slo/recall", sli=breached()),
            THE_BOT,
        )  # fmt: skip

    def ask(self, command: Command, by: Person) -> None:
        before = self.story
        try:
            self.story = before.when(command, by)
        except Refused:
            return
        incident = before.incident
        entries = self.story.entries[len(before.entries) :]
        for entry in entries:
            for claim in entry.event.claims(incident):
                self._settle(claim)
            incident = fold(incident, [entry])
        self._walked(before.incident, self.story.incident)

    def _settle(self, claim: Take | Free) -> None:
        match claim:
            case Take(key=key):
                assert key not in self.held, f"{key} is taken twice by the same incident"
                self.held.add(key)
            case Free(key=key):
                assert key in self.held, f"{key} is freed without being held"
                self.held.discard(key)

    @staticmethod
    def _walked(before: Incident, after: Incident) -> None:
        for name, mitigation in after.mitigations.items():
            was = before.mitigations.get(name)
            if was is None:
                assert mitigation.state is State.PROPOSED
            elif was.state is not mitigation.state:
                assert mitigation.state in EDGES.get(was.state, set()), f"{was.state} → {mitigation.state}"
            assert was is None or was.plan == mitigation.plan, "a plan changed after it was proposed"

    # -- what people and the bot ask ---------------------------------------------------------------------------------

    @rule(seconds=st.sampled_from([1, 25, 400, 1000]))
    def time_passes(self, seconds: int) -> None:
        self.story = self.story.after(seconds=seconds)

    @rule(by=people)
    def acknowledge(self, by: Person) -> None:
        self.ask(Acknowledge(), by)

    @rule(what=judged)
    def verdict(self, what: Judged) -> None:
        resolved = self.story.incident if not self.story.incident.is_open else None
        self.ask(ObserveSli(breached(judged=what, since=self.story.now, seen=self.story.now)), THE_BOT)
        self.ask(Attach(breached(slo="latency", judged=what)), THE_BOT)
        if resolved is not None:
            assert self.story.incident == resolved, "a late verdict changed what was resolved"

    @rule(by=people, waive=st.sampled_from(["", "it is off"]))
    def resolve(self, by: Person, waive: str) -> None:
        blind = self.story.incident.sli is not None and self.story.incident.sli.judged is not Judged.MET
        was_open = self.story.incident.is_open
        self.ask(Resolve("over", waive), by)
        if was_open and blind and not waive:
            assert self.story.incident.is_open, "resolved without good data and without a reason"

    @rule(by=people)
    def reopen(self, by: Person) -> None:
        self.ask(Reopen("again"), by)

    @rule(by=people)
    def close(self, by: Person) -> None:
        self.ask(Close(), by)

    @rule(by=people, which=st.sampled_from(PLANS))
    def propose(self, by: Person, which: Plan) -> None:
        self.ask(ProposeMitigation(which), by)

    @rule(by=people, name=names, right=st.booleans())
    def approve(self, by: Person, name: str, right: bool) -> None:
        known = self.story.incident.mitigations.get(name)
        self.ask(ApproveMitigation(name, known.digest if known and right else "other"), by)

    @rule(by=people, name=names)
    def decline(self, by: Person, name: str) -> None:
        self.ask(DeclineMitigation(name, "no"), by)

    @rule(name=names)
    def hold(self, name: str) -> None:
        self.ask(ReportHold(name, held("rows")), THE_BOT)

    @rule(name=names)
    def expire(self, name: str) -> None:
        self.ask(ExpireMitigation(name), THE_BOT)

    @rule(by=people, name=names, token=st.sampled_from(["7", "8"]))
    def claim(self, by: Person, name: str, token: str) -> None:
        known = self.story.incident.mitigations.get(name)
        busy = known is not None and f"target:{known.plan.target_uid}" in self.held
        if not busy:  # the store refuses it: held already
            self.ask(ClaimMitigation(name, token, (ANA, BEN, DORA)), by)

    @rule(which=st.sampled_from(PLANS), outcome=outcomes)
    def all_goes_its_way(self, which: Plan, outcome: Outcome) -> None:
        """The usual course in one go, so that its later parts are met often."""
        self.propose(ANA, which)
        name = f"M{len(self.story.incident.mitigations)}"
        self.approve(BEN, name, True)
        self.hold(name)
        self.claim(THE_BOT, name, "7")
        self.report(THE_BOT, name, outcome)

    @rule(by=people, name=names, outcome=outcomes)
    def report(self, by: Person, name: str, outcome: Outcome) -> None:
        self.ask(ReportOutcome(name, outcome, "seen"), by)

    @rule(name=names, helped=st.booleans())
    def verify(self, name: str, helped: bool) -> None:
        self.ask(ReportVerification(name, helped, "data"), THE_BOT)

    @rule(by=people, name=names)
    def undo(self, by: Person, name: str) -> None:
        known = self.story.incident.mitigations.get(name)
        if known is None or f"target:{known.plan.target_uid}" not in self.held:
            self.ask(UndoMitigation(name), by)

    @rule(name=names, outcome=outcomes)
    def undone(self, name: str, outcome: Outcome) -> None:
        self.ask(ReportUndo(name, outcome, "seen"), THE_BOT)

    # -- what always holds -------------------------------------------------------------------------------------------

    @invariant()
    def the_proposer_never_approves(self) -> None:
        for mitigation in self.story.incident.mitigations.values():
            assert mitigation.proposed_by not in {given.person for given in mitigation.approvals}
            assert THE_BOT.id not in {given.person for given in mitigation.approvals}

    @invariant()
    def what_was_claimed_was_approved(self) -> None:
        for mitigation in self.story.incident.mitigations.values():
            if mitigation.claimed_at is not None:
                assert any(given.digest == mitigation.digest for given in mitigation.approvals)

    @invariant()
    def claims_say_what_stands(self) -> None:
        incident = self.story.incident
        wanted = {"open:slo/recall"} if incident.is_open else set()
        changing = {State.CLAIMED, State.UNKNOWN, State.UNDOING}
        wanted |= {f"target:{m.plan.target_uid}" for m in incident.mitigations.values() if m.state in changing}
        assert self.held == wanted

    @invariant()
    def folding_again_gives_the_same(self) -> None:
        assert fold(Incident("INC-1"), self.story.entries) == self.story.incident

    @invariant()
    def what_is_owed_can_be_read(self) -> None:
        owed = list(todo(self.story.incident, Policy(), None, ["ana", "ben"]))
        assert len({each.key for each in owed}) == len(owed)

    @precondition(lambda self: self.story.incident.phase is Phase.CLOSED)
    @invariant()
    def nothing_closed_is_still_under_way(self) -> None:
        assert not any(m.state in PENDING for m in self.story.incident.mitigations.values())


AnyOrder.TestCase.settings = settings(max_examples=60, stateful_step_count=50, deadline=None, derandomize=True)
TestAnyOrder = AnyOrder.TestCase


def test_the_same_asking_gives_the_same_answer() -> None:
    """Deciding is pure: the same incident, person and time yield equal events, or the same refusal."""
    story = Story().when(Declare("x", Severity.SEV2, "visits", "b", NOON, NOON), ANA).after(seconds=5)
    assert story.when(ProposeMitigation(plan()), ANA).events == story.when(ProposeMitigation(plan()), ANA).events
    proposed = story.when(ProposeMitigation(plan()), ANA)
    late = replace(proposed, now=proposed.now + timedelta(hours=1))
    command = ApproveMitigation("M1", plan().digest)
    assert late.refuses(command, BEN) == late.refuses(command, BEN)
