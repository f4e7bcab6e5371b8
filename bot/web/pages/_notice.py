"""A notice as one person reads it on a page: what they may do with it and why not, and the lines of its form."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from bot.domain.duty import READERS
from bot.domain.notice import STANDING_WORDS, Notice, Standing
from bot.domain.policy import Person, Policy, SignOff
from bot.domain.signing import may_sign, stuck, wanting
from bot.web.shapes_notice import ItemShape, SignatureShape

MANY = 24
"""Choices of which several may hold that stand open; more are typed, apart by ";"."""
LONG = ("description", "narrative", "text", "assessment")
NUMBERS = ("int", "number", "decimal", "monetary", "amount", "percent", "%")


@dataclass(frozen=True, slots=True)
class Deeds:
    """What this person may do with it now."""

    write: bool
    reword: bool
    ask: bool
    sign: tuple[SignOff, ...]
    changes: bool
    file: bool
    drop: bool
    claim: bool
    waive: bool


def deeds(notice: Notice, person: Person, policy: Policy, *, unfilled: bool) -> Deeds:
    """As the rules would answer them."""
    reader = bool(person.badges & READERS)
    approver, counsel = bool(person.badges & policy.approve_notice), bool(person.badges & policy.counsel)
    signers = policy.approve_notice.union(*(each.badges for each in policy.sign_offs_of(notice.template)))
    stands = notice.standing in STANDING_WORDS
    return Deeds(
        write=reader and not notice.over,
        reword=reader and approver and not notice.over and not unfilled,
        ask=reader and not notice.over and (not stands or stuck(notice, policy)) and not unfilled,
        sign=may_sign(notice, person, policy),
        changes=stands and bool(person.badges & signers),
        file=approver and notice.standing is Standing.APPROVED,
        drop=approver and not notice.over,
        claim=counsel and notice.privilege is None and notice.standing is not Standing.FILED,
        waive=counsel and notice.privilege is not None,
    )


def why_not_sign(notice: Notice, person: Person, policy: Policy) -> str:
    """Why this person cannot sign a version that waits, in a sentence; "" where they can, or nothing waits."""
    latest = notice.latest
    if latest is None or notice.standing is not Standing.FROZEN or may_sign(notice, person, policy):
        return ""
    left = wanting(notice, policy)
    if not left:
        return "Who must sign it has changed since it was asked for; ask for approval again."
    if latest.asked_by == person.id:
        return "You asked for approval; a second person must approve it."
    if mine := [each.capacity for each in latest.signatures if each.by == person.id]:
        return f"You signed it as {mine[0]}; each further signature is another person's."
    if person.id in notice.authors:
        return "You wrote part of it; somebody who did not must approve it."
    return f"You may not sign it: it still needs {' and '.join(whose(each) for each in left)}."


def whose(off: SignOff) -> str:
    """A signature in words: legal (counsel)."""
    return f"{off.capacity} ({' or '.join(sorted(off.badges))})"


@dataclass(frozen=True, slots=True)
class Signing:
    """One signature a version needs: given by somebody, or still to be given by people with such badges."""

    capacity: str
    given: SignatureShape | None
    badges: tuple[str, ...]


def signatures(notice: Notice, policy: Policy, given: Sequence[SignatureShape]) -> list[Signing]:
    """Every signature of the latest version, given ones first."""
    done = [Signing(each.capacity, each, ()) for each in given]
    left = wanting(notice, policy) if notice.standing is Standing.FROZEN else ()
    return [*done, *(Signing(each.capacity, None, tuple(sorted(each.badges))) for each in left)]


# -- the form --------------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Line:
    """One line with how it is typed, and what a person entered in this very notice."""

    item: ItemShape
    kind: str  # text, area, number, select, boxes
    entered: str
    unknown: str
    entered_here: bool

    @property
    def options(self) -> list[tuple[str, str]]:
        """The form's own choices for a list."""
        return [("", "choose"), *((each, each) for each in self.item.choices)]


@dataclass(frozen=True, slots=True)
class Group:
    """Lines that stand together under one heading; folded where nothing is to be done there."""

    title: str
    says: str
    lines: tuple[Line, ...]
    folded: bool


def groups(notice: Notice, items: Sequence[ItemShape], types: dict[str, str]) -> Iterator[Group]:
    """The form, what is missing first."""
    lines = [_line(notice, each, types.get(each.key, "")) for each in items]
    missing = [each for each in lines if each.item.required and each.item.state == "not_investigated"]
    yield from _group("Still missing", "required, and nobody has looked into it yet", missing, folded=False)
    stated = [each for each in lines if each.item.required and each.item.state != "not_investigated"]
    yield from _group("Required", "filled, or openly unknown", stated, folded=bool(missing))
    rest = [each for each in lines if not each.item.required]
    yield from _group("Where it applies", "required in some cases only", [e for e in rest if e.item.when], folded=True)
    yield from _group("Optional", "may be left empty", [e for e in rest if not e.item.when], folded=True)


def _group(title: str, says: str, lines: list[Line], *, folded: bool) -> Iterator[Group]:
    if lines:
        yield Group(title, says, tuple(lines), folded)


def _line(notice: Notice, item: ItemShape, kind: str) -> Line:
    given = notice.given.get(item.key)
    return Line(
        item,
        _kind(item, kind.lower()),
        given.value if given else "",
        given.unknown_because if given else "",
        given is not None,
    )


def _kind(item: ItemShape, kind: str) -> str:
    if item.choices and "multi" not in kind:
        return "select"
    if item.choices:
        return "boxes" if len(item.choices) <= MANY else "text"
    if any(word in kind for word in NUMBERS):
        return "number"
    return "area" if not kind or any(word in kind for word in LONG) else "text"
