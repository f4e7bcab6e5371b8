"""Compares what the model sees now, in the slice that suffers, with what each of its versions was trained on.

Inputs that differ from every version's training data point at the live pipeline: rolling back would change nothing.
Outcomes that only the serving version was never taught point at its training data: rolling back helps.

Rows of a prediction log may be about people. So what is kept as evidence is what the comparison needs and no more: the
newest 500 predictions at most, each with its time, version, slice, outcome, prediction, and those features which some
version was trained on; row ids and whatever else the service tells stay where they are. A log in files (`log`) is only
counted, and only what was found is kept.
"""

from __future__ import annotations

import asyncio
import json
import math
import statistics
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from typing import Any, ClassVar

import httpx
from pydantic import Field, field_validator, model_validator

from bot.clients.http import Http, HttpSettings, address
from bot.clients.together import together
from bot.clock import Clock
from bot.domain.errors import Unavailable
from bot.engine.values import Collected, Found, Question
from bot.evidence import _feeds as feeds
from bot.evidence._evidently import write_report
from bot.evidence._log import LogSettings, PredictionLog
from bot.evidence._versions import DECISIVE, HINT, LABEL_SHIFT, LIKELY, STRONG, Part, Version, bears, serving
from bot.slo import drift

WHAT = "prediction log"
_NAMED = 3  # features named in one finding
_KEPT = 500  # rows kept as an exhibit
_ALPHA = 0.05
_DISTANCES = {"ks": "KS", "psi": "PSI", "wasserstein": "Wasserstein", "missing": "missing rate"}


class DriftSettings(HttpSettings):
    """Where the model service tells its predictions, lineage and training rows, or where they lie in files."""

    url: str = ""
    """Base address of the model service, `http://` or `https://`; with `log`, only its lineage is asked for."""

    log: LogSettings | None = None
    """A prediction log in files, however large; its training rows lie in files too."""

    rows: int = Field(default=300, ge=drift.FEW, le=5_000)
    """How many of the slice's newest predictions are compared: enough to see drift, few enough not to see the past."""

    report_seconds: float = Field(default=60.0, ge=5, le=600)
    """How long the Evidently report may take in its process of its own."""

    @field_validator("url")
    @classmethod
    def _address(cls, url: str) -> str:
        return address(url) if url else ""

    @model_validator(mode="after")
    def _somewhere(self) -> DriftSettings:
        if not self.url and self.log is None:
            raise ValueError("expected url, the model service's address, or log, the files it writes")
        return self


class Drift:
    """One model service's prediction log beside its versions' training data."""

    shelf: ClassVar[str] = "evidence"
    Settings = DriftSettings

    def __init__(
        self, settings: DriftSettings, *, clock: Clock, transport: httpx.AsyncBaseTransport | None = None
    ) -> None:
        self._within, self._rows = settings.report_seconds, settings.rows
        self._log = PredictionLog(settings.log) if settings.log else None
        self._lineage = bool(settings.url)
        self._http = Http(WHAT, settings, url=settings.url or "http://nowhere.invalid", transport=transport)

    async def close(self) -> None:
        await self._http.close()

    async def collect(self, question: Question) -> Collected:
        """Drift of inputs against each version, and the outcomes' rate against what each was taught."""
        part = Part.parse(question.slice)
        if self._log is not None:
            return await self._counted(self._log, part, question)
        versions, current, rows = await self._live(part, question)
        if len(rows) < drift.FEW:
            return Collected((Found(f"only {len(rows)} predictions of {part} lately: nothing is said of drift"),))
        models = [version for version in versions if version.is_model]
        compared = await self._compared(models, part, feeds.columns(rows))
        inputs = _inputs(part, compared, current, len(rows))
        labels = [row.label for row in rows if row.label is not None]
        rate = statistics.fmean(labels) if labels else 0.0
        outcomes = _outcomes(part, len(labels), rate, models, current, drifted=any(map(_drifted, compared.values())))
        return Collected((_served(part, current), *inputs, *outcomes), (_exhibit(part, rows, compared),))

    async def _counted(self, log: PredictionLog, part: Part, question: Question) -> Collected:
        """The same of a log in files, which is counted where it lies."""
        looked = await log.look(part, question, await feeds.versions(self._http) if self._lineage else ())
        if looked.rows < drift.FEW:
            return Collected((Found(f"only {looked.rows} predictions of {part} lately: nothing is said of drift"),))
        inputs = _inputs(part, looked.compared, looked.current, looked.rows)
        models = [version for version in looked.versions if version.is_model]
        drifted = any(map(_drifted, looked.compared.values()))
        outcomes = _outcomes(part, *looked.outcomes, models, looked.current, drifted=drifted)
        found = (_served(part, looked.current), *inputs, *_by_slice(looked.slices), *outcomes)
        content = {"slice": str(part), "rows": looked.rows, "compared": _told(looked.compared)}
        name = f"drift-{_file(part)}.json"
        return Collected(found, ((name, "application/json", json.dumps(content, default=str).encode()),))

    async def report(self, question: Question) -> tuple[str, str, bytes]:
        """The Evidently report of the slice against the serving version's training data: (name, media type, content).

        Raises Unavailable where it cannot be had, saying why.
        """
        part = Part.parse(question.slice)
        name = f"drift-report-{_file(part)}.json"
        if self._log is not None:
            content = await write_report(*await self._log.tables(part, question), self._within)
            return name, "application/json", content
        versions, current, rows = await self._live(part, question)
        current = current or next((version for version in versions if version.is_model), None)
        if current is None or len(rows) < drift.FEW:
            raise Unavailable(WHAT, f"has {len(rows)} predictions of {part}: too few for a report")
        reference = await feeds.reference(self._http, current.name, part)
        content = await write_report(feeds.columns(rows), reference, self._within)
        return name, "application/json", content

    async def _live(
        self, part: Part, question: Question
    ) -> tuple[list[Version], Version | None, list[feeds.Prediction]]:
        """(every version, the one that serves now, its newest predictions of the slice)."""
        versions = await feeds.versions(self._http)
        newest = await feeds.predictions(self._http, part, self._rows)
        rows = [row for row in newest if question.since <= row.at <= question.until]
        current = serving(versions, (row.version for row in rows))
        own = [row for row in rows if current and row.version == current.name]
        return versions, current, own if len(own) >= drift.FEW else rows

    async def _compared(
        self, models: Sequence[Version], part: Part, live: Mapping[str, list[Any]]
    ) -> dict[str, list[drift.Finding]]:
        """Per version, every feature compared."""
        references = await together(*(feeds.reference(self._http, version.name, part) for version in models))
        return {
            version.name: await asyncio.to_thread(drift.compare, reference, live)
            for version, reference in zip(models, references, strict=True)
        }


def _drifted(findings: Sequence[drift.Finding]) -> list[drift.Finding]:
    return [finding for finding in findings if finding.drifted]


def _inputs(
    part: Part, compared: Mapping[str, Sequence[drift.Finding]], current: Version | None, rows: int
) -> list[Found]:
    """What the inputs say: drifted against every version, only against the serving one, or against none."""
    by_version = {name: _drifted(findings) for name, findings in compared.items()}
    everywhere = [
        finding
        for finding in next(iter(by_version.values()), [])
        if all(any(other.feature == finding.feature for other in found) for found in by_version.values())
    ]
    mine = by_version.get(current.name, []) if current else []
    if everywhere and len(compared) > 1:
        text = f"inputs of {part}: {_named(everywhere)} differs from every version's training data ({rows} live rows)"
        # a pipeline breaks a feature; where several differ, it may as well be that other people come
        world = LIKELY if len(everywhere) > 1 else HINT
        moved = bears(
            FEATURE_PIPELINE=DECISIVE, UPSTREAM=HINT, CONCEPT_DRIFT=world, TRAINING_DATA=-STRONG, CODE_CHANGE=-STRONG
        )
        return [Found(text, moved)]
    if mine and current:
        differs = f"{_named(mine)} differs from what {current.name} was trained on"
        if len(compared) == 1:  # nothing to compare with: the pipeline and the training data look alike
            return [Found(f"inputs of {part}: {differs}", bears(FEATURE_PIPELINE=LIKELY, TRAINING_DATA=HINT))]
        text = f"inputs of {part}: {differs}, not from every version's training data"
        return [Found(text, bears(TRAINING_DATA=STRONG, FEATURE_PIPELINE=-HINT))]
    measured = [finding for findings in compared.values() for finding in findings if finding.kind in _DISTANCES]
    if not measured:  # silence is not good news
        return [Found(f"no input feature of {part} could be compared: there are too few values")]
    shown = f"the nearest is {_named([max(measured, key=_passed)])}"
    text = f"no input feature of {part} drifted against any version's training data ({rows} live rows; {shown})"
    return [Found(text, bears(FEATURE_PIPELINE=-STRONG, UPSTREAM=-HINT))]


def _served(part: Part, current: Version | None) -> Found:
    return Found(f"{part} is served by {current.name}" if current else f"no model version serves {part}")


def _by_slice(slices: Mapping[str, Sequence[drift.Finding]]) -> list[Found]:
    """Where in the traffic inputs drifted, the slice with most drifted features first; nothing where none did."""
    found = {name: _one_each(_drifted(findings)) for name, findings in slices.items()}
    order = sorted((name for name in found if found[name]), key=lambda name: (-len(found[name]), name))
    if not order:
        return []
    rest = f" and {len(order) - _NAMED} slices more" if len(order) > _NAMED else ""
    told = "; ".join(f"{name}: {_named(found[name])}" for name in order[:_NAMED])
    return [Found(f"inputs drifted in {len(order)} of {len(slices)} slices: {told}{rest}")]


def _outcomes(
    part: Part, known: int, live: float, models: Sequence[Version], current: Version | None, *, drifted: bool
) -> list[Found]:
    """What the outcomes' rate says, beside the label rate each version was taught for this slice."""
    taught = {each.name: rate for each in models if (rate := part.rate(each.label_rates)) is not None}
    if known < drift.FEW:
        return [Found(f"only {known} outcomes of {part} are known yet: nothing is said of their rate")]
    if not taught or current is None or current.name not in taught:
        return []
    # Hoeffding's inequality for a mean of values between 0 and 1, over every version looked at
    floor = max(LABEL_SHIFT, math.sqrt(math.log(2 * len(taught) / _ALPHA) / (2 * known)))
    off = {name for name, rate in taught.items() if abs(rate - live) > floor}
    others = ", ".join(f"{name} with {rate:.2f}" for name, rate in taught.items() if name != current.name)
    text = f"{current.name} was trained with label rate {taught[current.name]:.2f} in {part}; live it is {live:.2f}"
    text += f" ({known} outcomes)" + (f", {others}" if others else "")
    if current.name not in off:
        return [Found(text, bears(TRAINING_DATA=-LIKELY, CONCEPT_DRIFT=-STRONG))]
    if off != taught.keys():
        return [Found(text, bears(TRAINING_DATA=DECISIVE, CONCEPT_DRIFT=-STRONG, FEATURE_PIPELINE=-HINT))]
    return [Found(text, bears(CONCEPT_DRIFT=HINT if drifted else DECISIVE, TRAINING_DATA=-HINT))]


def _named(findings: Sequence[drift.Finding]) -> str:
    once = _one_each(findings)
    told = [
        f"{each.feature} ({_DISTANCES[each.kind]} {each.distance:.2f}, floor {each.floor:.2f})"
        if each.kind in _DISTANCES
        else f"{each.feature} ({each.because})"
        for each in once[:_NAMED]
    ]
    rest = len(once) - len(told)
    return ", ".join(told) + (f" and {rest} more" if rest > 0 else "")


def _one_each(findings: Sequence[drift.Finding]) -> list[drift.Finding]:
    """Of each feature one finding: KS, which everybody reads alike, or what passed its floor by most."""
    best: dict[str, drift.Finding] = {}
    for finding in sorted(findings, key=lambda each: (each.kind != "ks", -_passed(each))):
        best.setdefault(finding.feature, finding)
    return sorted(best.values(), key=_passed, reverse=True)


def _passed(finding: drift.Finding) -> float:
    """How many times its floor a distance is: what can be compared between kinds."""
    return finding.distance / finding.floor if finding.floor else finding.distance


def _told(compared: Mapping[str, Sequence[drift.Finding]]) -> dict[str, list[dict[str, Any]]]:
    return {name: [asdict(finding) for finding in findings] for name, findings in compared.items()}


def _exhibit(
    part: Part, rows: Sequence[feeds.Prediction], compared: Mapping[str, Sequence[drift.Finding]]
) -> tuple[str, str, bytes]:
    """The newest predictions, newest last, with only what was compared; and what was found of each feature."""
    kept = rows[-_KEPT:]
    told = ("at", "version", part.dimension, "prediction", "label")
    # a live feature that is "absent" is one that version was not trained on: a row id, a name
    inputs = {each.feature for findings in compared.values() for each in findings if each.kind != "absent"}
    content = {
        "slice": str(part),
        "rows": len(rows),
        "kept": len(kept),
        "predictions": [
            {
                **{name: row.told[name] for name in told if name in row.told},
                "features": {name: value for name, value in row.features.items() if name in inputs},
            }
            for row in kept
        ],
        "compared": _told(compared),
    }
    return f"predictions-{_file(part)}.json", "application/json", json.dumps(content, default=str).encode()


def _file(part: Part) -> str:
    return "".join(letter if letter.isalnum() else "-" for letter in str(part))
