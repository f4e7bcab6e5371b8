"""The rules of the house as `tocsin.yaml` writes them: who may do what, and how long each thing may take."""

from collections.abc import Mapping
from datetime import time, timedelta
from typing import Annotated, Any, Literal

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, model_validator

from bot.config.guards import CLASSES, Badges, ClassName, QuorumModel, TargetRulesModel, WidestModel
from bot.config.noise import AlertsModel, StormModel
from bot.domain.guard import Freeze, TargetRules
from bot.domain.policy import NoticeRules, Policy, Severity, SignOff
from bot.domain.quiet import QuietHours
from bot.steps import seconds

_DEFAULT = Policy()


def _quoted(given: Any) -> Any:
    if isinstance(given, int | float):  # YAML reads a bare 22:00 as the number 1320
        raise ValueError("the time was read as a number; write it in quotes, as '22:00'")  # noqa: TRY004 - pydantic's
    return given


ClockTime = Annotated[time, BeforeValidator(_quoted)]


class ApproveModel(BaseModel):
    """Who may approve a change, by how much it can hurt; what is left out keeps the product's own rule."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    read: Badges | None = None
    """Reads only."""
    small: Badges | None = None
    """Reversible and small."""
    traffic: Badges | None = None
    """Moves production traffic."""
    wide: Badges | None = None
    """Destructive or wide."""


class UpdateEvery(BaseModel):
    """The rhythm of updates; 0 is none."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    sev1: timedelta = Field(default=_DEFAULT.update_every[Severity.SEV1], ge=timedelta(0))
    sev2: timedelta = Field(default=_DEFAULT.update_every[Severity.SEV2], ge=timedelta(0))
    sev3: timedelta = Field(default=timedelta(0), ge=timedelta(0))
    sev4: timedelta = Field(default=timedelta(0), ge=timedelta(0))

    def by_severity(self) -> Mapping[Severity, timedelta]:
        """Only severities that have a rhythm."""
        every = zip(Severity, (self.sev1, self.sev2, self.sev3, self.sev4), strict=True)
        return {severity: length for severity, length in every if length}


class AcknowledgeWithin(BaseModel):
    """How long a page may wait for its acknowledgement; one length of time stands for every severity."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    sev1: timedelta = Field(default=_DEFAULT.acknowledge_within[Severity.SEV1], gt=timedelta(0))
    sev2: timedelta = Field(default=_DEFAULT.acknowledge_within[Severity.SEV2], gt=timedelta(0))
    sev3: timedelta = Field(default=_DEFAULT.acknowledge_within[Severity.SEV3], gt=timedelta(0))
    sev4: timedelta = Field(default=_DEFAULT.acknowledge_within[Severity.SEV4], gt=timedelta(0))

    @model_validator(mode="before")
    @classmethod
    def _one_for_all(cls, given: Any) -> Any:
        """`5m` is the same for all four."""
        if isinstance(given, int | float):
            raise ValueError(f"{given} has no unit; write a length of time such as 5m, or one per severity")  # noqa: TRY004 - pydantic's
        long = timedelta(seconds=seconds(given)) if isinstance(given, str) else given
        return {each.name.lower(): long for each in Severity} if isinstance(long, timedelta) else long

    def by_severity(self) -> Mapping[Severity, timedelta]:
        """As the domain keeps it."""
        return dict(zip(Severity, (self.sev1, self.sev2, self.sev3, self.sev4), strict=True))


class SignOffsModel(BaseModel):
    """The signatures one kind of notice needs: `{for: "eu_dora_art19/*", needs: {legal: [counsel]}}`."""

    model_config = ConfigDict(extra="forbid", frozen=True, populate_by_name=True)

    kind: str = Field(alias="for", min_length=1)
    """The kind of notice, `regime/stage`; `*` stands for anything."""
    needs: dict[str, Annotated[Badges, Field(min_length=1)]] = Field(min_length=1)
    """Capacity, such as legal or technical, and who may sign in it. Each signature is another person's."""


class NoticesModel(BaseModel):
    """What holds for notices; without sign-offs one of `approve_notice` signs."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    sign_offs: list[SignOffsModel] = Field(default_factory=list)
    """The first that fits holds."""
    owners: Badges = Field(default_factory=list)
    """Who answers for a legal clock that nobody was assigned to; left out, whoever approves notices."""
    deputies: Badges = Field(default_factory=list)
    """Who is reminded beside them."""
    remind_at: list[Annotated[float, Field(gt=0, lt=100)]] = [50, 75, 90]
    """Percent of a clock's time; its end always."""

    def rules(self) -> NoticeRules:
        """As the domain knows them."""
        offs = tuple(
            (each.kind, tuple(SignOff(capacity, frozenset(badges)) for capacity, badges in each.needs.items()))
            for each in self.sign_offs
        )
        shares = tuple(sorted({share / 100 for share in self.remind_at}))
        return NoticeRules(offs, frozenset(self.owners), frozenset(self.deputies), shares)


class QuietHoursModel(BaseModel):
    """In which hours of their own zone people are not woken, and for what."""

    model_config = ConfigDict(extra="forbid", frozen=True, populate_by_name=True)

    since: ClockTime = Field(alias="from")
    until: ClockTime = Field(alias="to")
    """At or before `from`, it is that time of the next day."""
    severities: list[Literal["sev1", "sev2", "sev3", "sev4"]] = Field(default=["sev3", "sev4"], min_length=1)
    """What waits until the morning; the others wake whoever is on call."""

    @model_validator(mode="after")
    def _some_hours(self) -> "QuietHoursModel":
        if self.since == self.until:
            raise ValueError("from and to are the same time: nobody would ever be paged")
        return self

    def hours(self) -> QuietHours:
        """As the domain knows them."""
        return QuietHours(self.since, self.until, frozenset(int(Severity[each.upper()]) for each in self.severities))


class PagingModel(BaseModel):
    """When people are paged."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    quiet_hours: QuietHoursModel | None = None
    """`{from: "22:00", to: "07:00", severities: [sev3, sev4]}`; left out, there are none."""


class PolicyModel(BaseModel):
    """Everything a policy can say; what is left out keeps the product's own rule."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    version: str = _DEFAULT.version
    """A name for this set of rules, kept with every decision."""
    propose: Badges = sorted(_DEFAULT.propose)
    """Who may propose a change of production."""
    approve: ApproveModel = ApproveModel()
    quorum: QuorumModel = QuorumModel()
    """How many people must approve; one where it says nothing. Whoever proposes is never among them."""
    step_up: list[ClassName] = ["wide"]
    """Which changes are approved with a fresh one-time code only."""
    step_up_within: timedelta = Field(default=_DEFAULT.step_up_within, gt=timedelta(0))
    """How long such a code is good."""
    break_glass: Badges = sorted(_DEFAULT.break_glass)
    """Who may act alone, with a reason; everybody hears of it, and somebody else reviews it."""
    review_within: timedelta = Field(default=_DEFAULT.review_within, gt=timedelta(0))
    """By when that review is due."""
    counsel: Badges = sorted(_DEFAULT.counsel)
    """Who may hold an incident as it is, and release it."""
    approve_notice: Badges = sorted(_DEFAULT.approve_notice)
    """Who may approve the words of a notice."""
    notices: NoticesModel = NoticesModel()
    """Who must sign which notice, who answers for the clocks, and when they are reminded."""
    people_data: Badges = sorted(_DEFAULT.people_data)
    """Who may take the list of the people decided about; the numbers are for every responder."""
    approval_expires: timedelta = Field(default=_DEFAULT.approval_expires, gt=timedelta(0))
    """How long an approval may be asked for, and used."""
    evidence_hold: timedelta = Field(default=_DEFAULT.evidence_hold, ge=timedelta(0))
    """How long a change waits for the evidence to be secured."""
    verify_after: timedelta = Field(default=_DEFAULT.verify_after, ge=timedelta(0))
    """How long the data is given to show a change."""
    verify_within: timedelta = Field(default=_DEFAULT.verify_within, gt=timedelta(0))
    """After this a change that shows nothing is said not to help."""
    settle_within: timedelta = Field(default=_DEFAULT.settle_within, gt=timedelta(0))
    """How long a target that took a change may be on its way before nobody can tell what became of it."""
    soak: timedelta = Field(default=_DEFAULT.soak, ge=timedelta(0))
    """For how long the SLI must be met without a break before a change is said to have helped."""
    cool_down: timedelta = Field(default=_DEFAULT.cool_down, ge=timedelta(0))
    """How long after a change of one kind the next of that kind may follow on the same target."""
    changes_per_hour: int = Field(default=_DEFAULT.changes_per_hour, ge=1)
    """How many changes of one service an hour may see."""
    undo_itself: list[ClassName] = Field(default_factory=list)
    """Which changes are taken back by themselves where they do not help."""
    widest: WidestModel = WidestModel()
    """How much of production one change may reach; all of it where it says nothing."""
    undo_proof: timedelta = Field(default=_DEFAULT.undo_proof, gt=timedelta(0))
    """How long ago an undo may have been seen to work for a change to be made by itself."""
    freeze: list[Any] = Field(default_factory=list)
    """When nothing moves; read by `guards.read_freezes`, since times need the organisation's zone."""
    targets: dict[str, TargetRulesModel] = Field(default_factory=dict)
    """What holds for one target of the catalogue in place of the rules above."""
    acknowledge_within: AcknowledgeWithin = AcknowledgeWithin()
    """After this the next person is paged; one length for all, or one per severity."""
    insist_after: timedelta = Field(default=_DEFAULT.insist_after, ge=timedelta(0))
    """How long a page may stay unanswered before the same person is paged by their next channel too; 0 is never."""
    merge_pages: timedelta = Field(default=_DEFAULT.merge_pages, ge=timedelta(0), le=timedelta(seconds=45))
    """How soon a person may be paged again, but for SEV1: what comes meanwhile goes out together; 0 is each apart."""
    update_every: UpdateEvery = UpdateEvery()
    """How often everybody hears where things stand, by severity."""
    step_idle: timedelta = Field(default=_DEFAULT.step_idle, gt=timedelta(0))
    """How long a runbook step may wait before the lead is reminded."""
    approval_waits: timedelta = Field(default=_DEFAULT.approval_waits, gt=timedelta(0))
    """How long a proposal waits before an approver is reminded, and then the next."""
    learn_after: timedelta = Field(default=_DEFAULT.learn_after, ge=timedelta(0))
    """How long after the end the lead is asked to begin the 5 Whys."""
    remind_every: timedelta = Field(default=_DEFAULT.remind_every, gt=timedelta(0))
    """The least time between two reminders to one person."""
    paging: PagingModel = PagingModel()
    """When people are paged, and when they may sleep."""
    blind_after: timedelta = Field(default=_DEFAULT.blind_after, gt=timedelta(0))
    """How long a silent monitoring source is waited for before that is an incident of its own."""
    alerts: AlertsModel = AlertsModel()
    """How alerts of other people's monitoring are grouped, and when they wake somebody."""
    storm: StormModel = StormModel()
    """When one card stands for all new incidents."""

    def policy(self, freezes: tuple[Freeze, ...] = ()) -> Policy:
        """The rules as the domain knows them; what only repeats the product's own rule makes no other policy."""
        approve = dict(_DEFAULT.approve)
        for name, kind in CLASSES.items():
            badges: list[str] | None = getattr(self.approve, name)
            if badges is not None:
                approve[kind] = frozenset(badges)
        targets = {name: rules for name, each in self.targets.items() if (rules := each.rules()) != TargetRules()}
        return Policy(
            version=self.version,
            propose=frozenset(self.propose),
            approve=approve,
            quorum=self.quorum.by_class(),
            step_up=frozenset(CLASSES[each] for each in self.step_up),
            step_up_within=self.step_up_within,
            break_glass=frozenset(self.break_glass),
            review_within=self.review_within,
            counsel=frozenset(self.counsel),
            undo_itself=frozenset(CLASSES[each] for each in self.undo_itself),
            widest=self.widest.by_class(),
            undo_proof=self.undo_proof,
            freezes=freezes,
            targets=targets,
            approve_notice=frozenset(self.approve_notice),
            notices=self.notices.rules(),
            people_data=frozenset(self.people_data),
            approval_expires=self.approval_expires,
            evidence_hold=self.evidence_hold,
            verify_after=self.verify_after,
            verify_within=self.verify_within,
            settle_within=self.settle_within,
            soak=self.soak,
            cool_down=self.cool_down,
            changes_per_hour=self.changes_per_hour,
            acknowledge_within=self.acknowledge_within.by_severity(),
            insist_after=self.insist_after,
            merge_pages=self.merge_pages,
            blind_after=self.blind_after,
            update_every=self.update_every.by_severity(),
            step_idle=self.step_idle,
            approval_waits=self.approval_waits,
            learn_after=self.learn_after,
            remind_every=self.remind_every,
            quiet=self.paging.quiet_hours.hours() if self.paging.quiet_hours else None,
            alerts=self.alerts.rules(),
            storm=self.storm.rules(),
        )
