"""Looks whether the rules can be kept: each badge is somebody's, each approval can be had, each freeze ends."""

from collections.abc import Collection, Iterator
from dataclasses import dataclass, field
from functools import cached_property

from bot.config.check import Known
from bot.config.fit import Unreadable, closest, listing
from bot.config.guards import CLASSES
from bot.domain.errors import Problem
from bot.domain.guard import ON_CALL, ActionClass, Freeze, Means, Weekly, grouped, named
from bot.domain.policy import Policy, Role
from bot.domain.service import Offer, Target
from bot.engine.values import Profile

MOVES = {name: kind for name, kind in CLASSES.items() if kind is not ActionClass.READ}
BADGES = "a role, '@key' of a person, group:name of a group in people.yaml, or on-call"
MANY = 2
"""Of more people than these it is worth saying that every one of them may."""

_WEEK = 7 * 24 * 60
Path = tuple[str | int, ...]


def holders(badges: Collection[str], people: Collection[Profile], on_call: Collection[str]) -> tuple[str, ...]:
    """The keys of the people who have one of these badges while `on_call` (keys too) are on call."""

    def has(each: Profile) -> frozenset[str]:
        return each.person.badges | ({ON_CALL} if each.key in on_call else frozenset())

    return tuple(each.key for each in people if has(each) & frozenset(badges))


@dataclass(frozen=True)
class Rules:
    """The rules beside the people and the targets they are for."""

    known: Known
    policy: Policy
    told: set[tuple[Path, str]] = field(default_factory=set)

    @cached_property
    def people(self) -> tuple[Profile, ...]:
        return self.known.people.profiles

    @cached_property
    def people_read(self) -> bool:
        """Whether nobody in people.yaml has a mistake of their own."""
        page = self.known.people.page
        return (
            len(page.data) == len(self.people)
            if page is not None
            else not isinstance(self.known.people.named, Unreadable)
        )

    @cached_property
    def targets(self) -> dict[str, tuple[Target, tuple[Offer, ...], tuple[str, ...]]]:
        """Each target with the offers that would change it and the keys of whoever is on call for it."""
        services = [each.service for each in self.known.catalogue.by_name.values()]
        return {
            target.name: (
                target,
                tuple(o for o in service.offers if o.target == target.name),
                self.known.ever_on_call(service),
            )
            for service in services
            for target in service.targets
        }

    @cached_property
    def target_names(self) -> Collection[str]:
        whole = self.known.catalogue.named == frozenset(self.known.catalogue.by_name)
        return frozenset(self.targets) if whole else Unreadable(self.targets)

    def on_call(self, target: str) -> tuple[str, ...]:
        """Keys of the people on call for a target; of any service where none is named."""
        if target:
            return self.targets[target][2] if target in self.targets else ()
        services = [each.service for each in self.known.catalogue.by_name.values()]
        return tuple(key for service in services for key in self.known.ever_on_call(service))

    def proposers(self, target: str) -> frozenset[str]:
        return frozenset(holders(self.policy.proposers(target), self.people, self.on_call(target)))

    def approvers(self, target: str, kind: ActionClass) -> frozenset[str]:
        return frozenset(holders(self.policy.approvers(target, kind), self.people, self.on_call(target)))

    def written(self, *paths: Path) -> Path | None:
        """The first of these places that stands in the file."""
        return next((path for path in paths if self.known.page.get("policy", *path) is not None), None)

    def problem(self, what: str, *path: str | int, expected: str = "", key: bool = False) -> Iterator[Problem]:
        """What is wrong with a part of the policy; the same of several targets is said once."""
        if (path, what) not in self.told:
            self.told.add((path, what))
            yield self.known.page.problem(what, "policy", *path, expected=expected, key=key)


def problems(known: Known, policy: Policy) -> Iterator[Problem]:
    """Every rule that cannot be kept, at its place in tocsin.yaml."""
    rules = Rules(known, policy)
    unknown = list(_badges(rules))
    yield from unknown
    yield from _of_targets(rules)
    yield from _endless(rules)
    if (leads := policy.storm.service) and leads not in known.catalogue.named:
        what = f"there is no service {leads!r}{closest(leads, known.catalogue.named)}"
        yield known.page.problem(what, "policy", "storm", "service", expected=listing(known.catalogue.named))
    if rules.people and rules.people_read and not unknown:
        for target in rules.targets or ("",):
            yield from _approvable(rules, target)


# -- names -----------------------------------------------------------------------------------------------------------


def _badges(rules: Rules) -> Iterator[Problem]:
    """Badges that are nobody's."""
    lists: list[Path] = [("propose",), ("break_glass",), ("counsel",), ("approve_notice",)]
    lists += [("approve", name) for name in CLASSES]
    lists += [("notices", name) for name in ("owners", "deputies")]
    lists += [("notices", "sign_offs", *each) for each in _sign_offs(rules)]
    lists += [("targets", name, key) for name in rules.policy.targets for key in ("propose", "approve")]
    for path in lists:
        held = rules.known.page.get("policy", *path)
        for index, badge in enumerate(held if isinstance(held, list) else ()):
            if isinstance(badge, str):
                yield from _badge(rules, badge, *path, index)


def _sign_offs(rules: Rules) -> Iterator[Path]:
    """Where each list of signatories stands below `sign_offs`."""
    written = rules.known.page.get("policy", "notices", "sign_offs")
    for at, each in enumerate(written if isinstance(written, list) else ()):
        needs = each.get("needs") if isinstance(each, dict) else None
        for capacity in needs if isinstance(needs, dict) else ():
            yield at, "needs", str(capacity)


def _badge(rules: Rules, badge: str, *path: str | int) -> Iterator[Problem]:
    people, page = rules.known.people, rules.known.page
    groups = frozenset(group for each in rules.people for group in each.groups)
    kind, _, rest = badge.partition(":")
    if badge == ON_CALL:
        if path[0] in {"counsel", "approve_notice", "notices"}:
            what = "nobody is on call for this: it is not asked in the name of a service"
            yield page.problem(what, "policy", *path, expected=BADGES.rpartition(", or")[0])
        return
    if badge.startswith("@"):
        what = "" if badge[1:] in people.named else f"there is no person {badge[1:]!r}"
    elif kind == "group" and rest:
        what = "" if rest in groups or not rules.people_read else f"nobody is in the group {rest!r}"
    else:
        what = "" if badge in set(Role) else f"there is no role {badge!r}"
    if what:
        there_is = {*map(str, Role), ON_CALL, *map(named, people.by_key), *map(grouped, groups)}
        yield page.problem(f"{what}{closest(badge, there_is)}", "policy", *path, expected=BADGES)


def _of_targets(rules: Rules) -> Iterator[Problem]:
    """Targets that are in no service, and what is to be done by itself and never could be."""
    for index, name, path in _named_targets(rules):
        if name not in rules.target_names:
            what = f"there is no target {name!r}{closest(name, rules.targets)}"
            yield from rules.problem(what, *path, key=index is None, expected=listing(rules.targets))
    for name, own in rules.policy.targets.items():
        if name not in rules.targets:
            continue
        offered = {Means(offer.means) for offer in rules.targets[name][1]}
        for index, means in enumerate(rules.known.page.get("policy", "targets", name, "automatic") or ()):
            here: Path = ("targets", name, "automatic", index)
            if own.allow is not None and means not in own.allow:
                yield from rules.problem(f"{means} is not among what {name} allows", *here, expected=listing(own.allow))
            elif means not in offered:
                what = f"no offer is a {means} of {name}, so none can be made by itself"
                yield from rules.problem(
                    what, *here, expected=listing(offered) if offered else "an offer of that means"
                )


def _named_targets(rules: Rules) -> Iterator[tuple[int | None, str, Path]]:
    """Each target the policy names: its place in a list (None: it is a key), its name, and where."""
    page = rules.known.page
    written = page.get("policy", "targets")
    for name in written if isinstance(written, dict) else ():
        yield None, name, ("targets", name)
    freezes = page.get("policy", "freeze")
    for at in range(len(freezes) if isinstance(freezes, list) else 0):
        held = page.get("policy", "freeze", at, "targets")
        for index, name in enumerate(held if isinstance(held, list) else ()):
            if isinstance(name, str):
                yield index, name, ("freeze", at, "targets", index)


# -- freezes ---------------------------------------------------------------------------------------------------------


def _endless(rules: Rules) -> Iterator[Problem]:
    """Weekly freezes that together leave no minute of the week, for a class and target."""
    weekly = [freeze for freeze in rules.policy.freezes if freeze.weekly is not None]
    for target in ("", *rules.targets):
        for name, kind in CLASSES.items():
            if _covered([each for each in weekly if each.covers(target, kind)]) == _WEEK:
                of = f" of {target}" if target else ""
                what = f"these freezes never end: no minute of the week is left for a {name} change{of}"
                yield from rules.problem(what, "freeze", expected="a stretch in which something may move")
                return


def _covered(freezes: list[Freeze]) -> int:
    """How many minutes of the week they hold, by the wall clocks."""
    return len({minute for each in freezes if each.weekly is not None for minute in _minutes(each.weekly)})


def _minutes(weekly: Weekly) -> Iterator[int]:
    start = weekly.start_day * 1440 + weekly.start.hour * 60 + weekly.start.minute
    end = weekly.end_day * 1440 + weekly.end.hour * 60 + weekly.end.minute
    for after in range((end - start) % _WEEK or _WEEK):
        yield (start + after) % _WEEK


# -- approvals that can be had ---------------------------------------------------------------------------------------


def _approvable(rules: Rules, target: str) -> Iterator[Problem]:
    """Written rules under which a change could never be approved, whoever proposes it; classes alike are one."""
    found: dict[tuple[Path, str], list[str]] = {}
    for name in MOVES:
        wrong = _hopeless(rules, target, name)
        if wrong is not None:
            found.setdefault(wrong, []).append(name)
    for (place, what), names in found.items():
        classes = "" if len(names) == len(MOVES) else f"{' or '.join(names)} "
        yield from rules.problem(what.format(classes), *place, expected="enough people who may")


def _hopeless(rules: Rules, target: str, name: str) -> tuple[Path, str] | None:
    """Where it stands that nobody could ever approve such a change, and in what words; `{}` is for its class."""
    kind = CLASSES[name]
    needs, approvers = rules.policy.quorum_of(target, kind), rules.approvers(target, kind)
    proposers = rules.proposers(target)
    if any(len(approvers - {one}) >= needs for one in proposers):
        return None
    own = ("targets", target)
    approve, propose = ((*own, "approve"), ("approve", name)), ((*own, "propose"), ("propose",))
    quorum: tuple[Path, ...] = ((*own, "quorum"), ("quorum", name)) if needs > 1 else ()
    of = f" of {target}" if rules.written((*own, "approve"), (*own, "propose"), (*own, "quorum")) else ""
    only = ", ".join(sorted(approvers))
    if not proposers:
        place, what = rules.written(*propose), f"nobody in people.yaml may propose a change{of}"
    elif not approvers:
        place, what = rules.written(*approve), f"nobody in people.yaml may approve a {{}}change{of}"
    elif needs == 1:
        place = rules.written(*approve, *propose)
        what = f"only {only} may propose a {{}}change{of} and only {only} may approve it: nobody could"
    else:
        place = rules.written(*quorum, *approve, *propose)
        others = " beside whoever proposes it" if len(approvers) >= needs else ""
        what = f"{needs} people must approve a {{}}change{of}, and only {len(approvers)} ({only}) may{others}"
    return (place, what) if place is not None else None


# -- what is weak ----------------------------------------------------------------------------------------------------


def warnings(known: Known, policy: Policy) -> Iterator[Problem]:
    """Rules that can be kept and protect little, and changes that one person alone could not get approved."""
    rules = Rules(known, policy)
    if ActionClass.WIDE not in policy.step_up:
        what = "a wide change is approved without a one-time code: a session left open is enough"
        yield from rules.problem(what, "step_up", expected="step_up: [wide]")
    if rules.people and rules.people_read:
        yield from _everybody(rules)
        yield from _alone(rules)
    yield from _not_allowed(rules)


def _everybody(rules: Rules) -> Iterator[Problem]:
    everybody = {each.key for each in rules.people}
    for target in ("", *rules.policy.targets):
        for name in ("traffic", "wide"):
            place = rules.written(*((("targets", target, "approve"),) if target else ()), ("approve", name))
            if place and len(everybody) > MANY and rules.approvers(target, CLASSES[name]) == everybody:
                what = f"everybody in people.yaml may approve a {name} change"
                yield from rules.problem(what, *place, expected="the people who know what it does")
    if len(everybody) > MANY and set(holders(rules.policy.break_glass, rules.people, ())) == everybody:
        yield from rules.problem("everybody in people.yaml may act alone", "break_glass", expected="a few people")


def _alone(rules: Rules) -> Iterator[Problem]:
    """People whose own proposals nobody else could approve, though others' can be."""
    stuck: dict[str, dict[str, None]] = {}
    for target in rules.targets:
        for name, kind in MOVES.items():
            needs, approvers = rules.policy.quorum_of(target, kind), rules.approvers(target, kind)
            able = [one for one in rules.proposers(target) if len(approvers - {one}) >= needs]
            for one in sorted(rules.proposers(target).difference(able)):
                stuck.setdefault(one, {}).setdefault(name)
    alike: dict[tuple[str, ...], list[str]] = {}
    for one, names in stuck.items():
        alike.setdefault(tuple(names), []).append(one)
    for classes, people in alike.items():
        what = f"where {' or '.join(people)} proposes a {' or '.join(classes)} change, too few others may approve it"
        yield from rules.problem(what, "approve", expected="another approver in people.yaml")


def _not_allowed(rules: Rules) -> Iterator[Problem]:
    """Offers that would only be refused."""
    for each in rules.known.catalogue.by_name.values():
        for index, offer in enumerate(each.service.offers):
            allow = rules.policy.rules_of(offer.target).allow
            if allow is not None and offer.means not in allow:
                what = f"the policy does not allow a {offer.means} of {offer.target}; this offer is always refused"
                yield each.page.problem(
                    what, "offers", index, "means", expected=listing(allow) if allow else "no offer"
                )
