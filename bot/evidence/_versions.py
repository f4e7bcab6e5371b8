"""What a model's version was made from, and what sets the version that serves apart from the one before it."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field

from bot.diagnosis.versions import natural
from bot.domain.finding import Cause
from bot.engine.values import Found

# log-odds: 1 is a hint, 2 is strong, 3 alone nearly decides
HINT, LIKELY, STRONG, DECISIVE = 0.5, 1.5, 2.0, 3.0
NEWEST = 20  # predictions that tell who serves: few, so that a release shows at once
LABEL_SHIFT = 0.1  # a difference of label rates that matters


@dataclass(frozen=True, slots=True)
class Part:
    """A slice as the incident names it, `health=poor` or `health=poor|fair`; no dimension means all traffic."""

    dimension: str = ""
    values: tuple[str, ...] = ()

    @classmethod
    def parse(cls, text: str) -> Part:
        """Of anything without `=` the whole text is the value."""
        dimension, sign, value = text.partition("=")
        if not text:
            return cls()
        values = tuple(each.strip() for each in (value if sign else text).split("|") if each.strip())
        return cls(dimension.strip() if sign else "", values)

    def __str__(self) -> str:
        if not self.values:
            return "all traffic"
        named = "|".join(self.values)
        return f"{self.dimension}={named}" if self.dimension else named

    def rate(self, rates: Mapping[str, float]) -> float | None:
        """The slice's entry in a table of label rates; None where it has none, or its values are told only apart."""
        joined = "|".join(self.values)
        names = (str(self), joined, f"{self.dimension}_{joined}", f"{self.dimension}.{joined}")
        wanted = names if self.values else ("all", "overall", "")
        return next((rates[name] for name in wanted if name in rates), None)


@dataclass(frozen=True, slots=True)
class Version:
    """One version's lineage; what is not known is empty."""

    name: str
    training_digest: str = ""
    training_rows: int = 0
    code_revision: str = ""
    params: Mapping[str, str] = field(default_factory=dict)
    features: tuple[str, ...] = ()
    label_rates: Mapping[str, float] = field(default_factory=dict)
    is_model: bool = True


def serving(versions: Iterable[Version], seen: Iterable[str]) -> Version | None:
    """The model that made most of the newest predictions (the last ones seen); a fallback rule never counts."""
    models = {version.name: version for version in versions if version.is_model}
    counted = Counter([name for name in seen if name in models][-NEWEST:])
    return models[counted.most_common(1)[0][0]] if counted else None


def before(versions: Iterable[Version], current: Version) -> Version | None:
    """The model version just before that one."""
    older = [each for each in versions if each.is_model and natural(each.name) < natural(current.name)]
    return max(older, key=lambda each: natural(each.name), default=None)


def differences(current: Version, previous: Version, part: Part) -> tuple[Found, ...]:
    """What sets two versions apart, one finding per aspect that both tell."""
    found = [*_data(current, previous), *_labels(current, previous, part), *_code(current, previous)]
    return tuple(found)


def _data(current: Version, previous: Version) -> Sequence[Found]:
    if not current.training_digest or not previous.training_digest:
        return ()
    if current.training_digest == previous.training_digest:
        text = f"{current.name} and {previous.name} were trained on the same data ({_short(current.training_digest)})"
        return [Found(text, bears(TRAINING_DATA=-STRONG))]
    text = (
        f"the training data changed from {previous.name} to {current.name}: "
        f"{_short(previous.training_digest)} → {_short(current.training_digest)}"
    )
    if current.training_rows and previous.training_rows:
        text += f", {previous.training_rows:,} → {current.training_rows:,} rows"
    return [Found(text, bears(TRAINING_DATA=LIKELY))]


def _labels(current: Version, previous: Version, part: Part) -> Sequence[Found]:
    now, was = part.rate(current.label_rates), part.rate(previous.label_rates)
    if now is None or was is None or abs(now - was) < LABEL_SHIFT:
        return ()
    text = f"training label rate of {part}: {was:.2f} in {previous.name}, {now:.2f} in {current.name}"
    return [Found(text, bears(TRAINING_DATA=LIKELY))]


def _code(current: Version, previous: Version) -> Sequence[Found]:
    names = sorted({*current.params, *previous.params})
    changed = [
        f"{name} {previous.params.get(name, 'not set')} → {current.params.get(name, 'not set')}"
        for name in names
        if current.params.get(name) != previous.params.get(name)
    ]
    if current.code_revision != previous.code_revision and current.code_revision and previous.code_revision:
        changed.append(f"code {_short(previous.code_revision)} → {_short(current.code_revision)}")
    if current.features and previous.features and current.features != previous.features:
        changed.append(f"features {_listed(previous.features)} → {_listed(current.features)}")
    if changed:
        text = f"from {previous.name} to {current.name} changed: {'; '.join(changed)}"
        return [Found(text, bears(CODE_CHANGE=LIKELY))]
    if not (current.code_revision and previous.code_revision):
        return ()
    text = f"{current.name} and {previous.name} have the same code ({_short(current.code_revision)}) and parameters"
    return [Found(text, bears(CODE_CHANGE=-STRONG))]


def bears(**causes: float) -> tuple[tuple[str, float], ...]:
    """(cause, log-odds) pairs, by the cause's name."""
    return tuple((str(Cause[name]), weight) for name, weight in causes.items())


def _short(digest: str) -> str:
    return digest.removeprefix("sha256:")[:12]


def _listed(names: Sequence[str]) -> str:
    return f"({', '.join(names)})"
