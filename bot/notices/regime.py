"""A regime: one law, code or contract that may ask for a notice, with its stages, clocks and required words."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date
from difflib import get_close_matches
from types import MappingProxyType

from bot.notices.expression import Expression
from bot.notices.facts import FactType, UnreadableError

DISCLAIMER = "Drafting aid, not legal advice: a person must decide whether the duty exists and by when."

ASKED = ("counsel", "responder", "manager")
KINDS = ("hard", "soft", "conditional", "event_driven")
CONFIDENCE = {
    "A": "taken from the official text",
    "B": "taken from an official summary or a good secondary source",
    "C": "background knowledge, not verified against a source",
}
RELIEF_BY = ("dora_entity_type", "nis2_entity", "dora_named_by_authority")
"""The facts that decide whom `no_relief_for` means."""
UNITS = ("hours", "days", "weeks", "months", "business_days")


@dataclass(frozen=True, slots=True)
class Derivation:
    """How a fact follows from others: by a rule (yes or no), else by a function of one other (`bot.notices.derive`)."""

    rule: Expression | None = None
    function: str = ""
    of: str = ""
    but: tuple[str, ...] = ()  # the entries that `others` leaves out


@dataclass(frozen=True, slots=True)
class Fact:
    """One typed question: `label` is how a page asks it, `note` says what the law means by it.

    `asks` says who can answer it. While nobody has, it may follow from others (`computed`, see `bot.notices.derive`).
    """

    key: str
    type: FactType
    label: str
    note: str = ""
    asks: str = "counsel"
    computed: Derivation | None = None


def stated(facts: Mapping[str, Fact], key: str, given: object) -> str | float | bool | tuple[str, ...] | None:
    """A fact as the log keeps it, from what somebody said of it; None is that it is not known.

    Text is read as people type it (`DE, FR`, `400..600`, `yes`), anything else as JSON gives it. Raises UnreadableError
    with the sentence to show: an unknown fact with its like, or a value of another kind with what was expected.
    """
    fact = facts.get(key)
    if fact is None:
        near = get_close_matches(key, facts, 1)
        hint = f"; did you mean {near[0]!r}?" if near else "; `tocsin duties --facts` lists them"
        raise UnreadableError(f"there is no fact {key!r}{hint}")
    raw = fact.type.typed(given) if isinstance(given, str) else list(given) if isinstance(given, tuple) else given
    try:
        value = fact.type.read(raw)
    except UnreadableError as wrong:
        raise UnreadableError(f"{key}: {wrong} (it is {fact.type})") from None
    if isinstance(raw, list) and fact.type.kind in {"set", "list"}:
        return tuple(str(each) for each in raw)
    return value if isinstance(value, bool | int | float | str) or value is None else str(given).strip()


@dataclass(frozen=True, slots=True)
class Citation:
    """Where the rule stands: instrument and provision."""

    instrument: str
    provision: str

    def __str__(self) -> str:
        return f"{self.instrument}, {self.provision}"


@dataclass(frozen=True, slots=True)
class InForce:
    """From when the regime applies: one date, or one date for each value of the fact `by`."""

    since: date | None = None
    by: str = ""
    dates: Mapping[str, date] = field(default_factory=lambda: MappingProxyType({}))
    until: date | None = None
    note: str = ""


@dataclass(frozen=True, slots=True)
class Exemption:
    """A rule that takes a duty away (`lifts`), leaves it only where `to` holds (`narrows`), or goes to counsel."""

    effect: str
    when: Expression
    says: str
    to: Expression | None = None


@dataclass(frozen=True, slots=True)
class Limit:
    """One of several limits of which the earliest counts; off once `unless_later_than` came after it."""

    amount: int
    unit: str
    start: str
    counting: str = "elapsed_hours"
    unless_later_than: str = ""


@dataclass(frozen=True, slots=True)
class Variant:
    """Another number for some: `amount` of the stage's own unit where `when` holds ("24 h for trust services")."""

    when: Expression
    amount: int
    says: str = ""


@dataclass(frozen=True, slots=True)
class Deadline:
    """A period: so many units, counted by a named method; or no number and the law's own words.

    `counting` is the law's method, `strict` the twin without extensions that alarms aim at, `outer` the last arguable
    moment. Without a number, `target_hours` is the number the organisation or draft guidance suggests. The first of
    `variants` that holds replaces the amount; while one may hold, the
    shorter counts. `amounts` gives each place its own: the least counts among those where the map fact `amounts_by` has
    somebody, the least of all while that is not known, and no number where none has any.
    """

    counting: str = "none"
    amount: int = 0
    unit: str = "days"
    strict: str = ""
    outer: str = ""
    text: str = ""
    also: str = ""
    calendar: str = ""
    limits: tuple[Limit, ...] = ()
    noon_relief: bool = False
    no_relief_for: tuple[str, ...] = ()
    target_hours: int = 0
    target_basis: str = ""
    variants: tuple[Variant, ...] = ()
    hours_by: str = ""  # a map fact that holds the hours of each counterparty; the shortest counts
    amounts_by: str = ""
    amounts: Mapping[str, int] = field(default_factory=lambda: MappingProxyType({}))


@dataclass(frozen=True, slots=True)
class Field:
    """A required or optional line of a notice; `source` is where the incident may already hold the answer.

    `number`, `type` and `choices` are the form's own, where the authority prescribes them; `choose` gives the choices
    that follow from facts. `labels` are its names in other languages.
    """

    key: str
    label: str
    help: str = ""
    source: str = ""
    number: str = ""
    type: str = ""
    choices: tuple[str, ...] = ()
    choose: Mapping[str, Expression] = field(default_factory=lambda: MappingProxyType({}))
    labels: Mapping[str, str] = field(default_factory=dict)

    def named(self, tag: str = "") -> str:
        """What it is called in that language, else in English."""
        return self.labels.get(tag) or self.labels.get(tag.partition("-")[0]) or self.label


@dataclass(frozen=True, slots=True)
class Conditional:
    """A line that is required only in some cases: `says` in words, `when` as a rule where facts can tell.

    `given` are answers to other lines of which any one calls for this one ("other, please specify").
    """

    key: str
    says: str
    when: Expression | None = None
    given: Mapping[str, str] = field(default_factory=lambda: MappingProxyType({}))


@dataclass(frozen=True, slots=True)
class Form:
    """On what the authority wants it: the form's name, format, channel and language."""

    name: str = ""
    format: str = ""
    channel: str = ""
    language: str = ""


@dataclass(frozen=True, slots=True)
class Stage:
    """One notice of a regime: to whom, when, by when, and what it must say.

    `answers` are lines that need no asking, because the stage itself is the answer ("final report").
    What `clock_also` names starts the clock as well, whichever comes first.
    """

    id: str
    name: str
    kind: str
    clock_start: str
    deadline: Deadline
    recipients: tuple[str, ...] = ()
    condition: Expression | None = None
    voluntary: bool = False  # written by choice; nobody is owed it
    required: tuple[str, ...] = ()
    optional: tuple[str, ...] = ()
    conditional: tuple[Conditional, ...] = ()
    form: Form = Form()
    late_rule: str = ""
    template: str = ""
    answers: Mapping[str, str] = field(default_factory=lambda: MappingProxyType({}))
    clock_also: tuple[str, ...] = ()

    @property
    def keys(self) -> tuple[str, ...]:
        """Every line of it: required, required in some cases, optional."""
        return (*self.required, *(each.key for each in self.conditional), *self.optional)

    @property
    def recurs(self) -> bool:
        """Whether each filing of it starts its clock again: "at least every four weeks"."""
        own = {f"stage_submitted({self.id})", f"stage_submitted(latest {self.id})", "stage_submitted(latest)"}
        return self.clock_start in own


@dataclass(frozen=True, slots=True)
class Regime:
    """All that is known of one regime; facts only, with the confidence they were taken with."""

    id: str
    name: str
    jurisdiction: str
    category: str
    citations: tuple[Citation, ...]
    in_force: InForce
    trigger: Expression
    clock_start: str
    stages: tuple[Stage, ...]
    facts: Mapping[str, Fact]
    fields: Mapping[str, Field]
    who: tuple[str, ...] = ()
    no_report: str = ""  # why no report of an incident is owed under it, whatever else it asks for
    exemptions: tuple[Exemption, ...] = ()
    records: str = ""
    penalties: str = ""
    confidence: str = "C"
    as_of: date | None = None
    notes: str = ""
    enabled: bool = True
    timezone: str = ""  # where its days end: the authority's own zone, else the organisation's counts

    def stage(self, stage_id: str) -> Stage | None:
        """The stage of that id, or None."""
        return next((stage for stage in self.stages if stage.id == stage_id), None)

    @property
    def voluntary(self) -> bool:
        """Whether all of it is done by choice."""
        return bool(self.stages) and all(stage.voluntary for stage in self.stages)

    def label(self, key: str) -> str:
        """How a page names a fact."""
        return self.facts[key].label if key in self.facts else key.replace("_", " ")

    @property
    def cited(self) -> str:
        """The first citation, the one an answer rests on."""
        return str(self.citations[0]) if self.citations else self.name
