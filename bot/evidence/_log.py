"""Reads a prediction log in files, of any size: what the model saw and answered, beside the rows it was trained on.

Both are counted over the same bins and never kept, so ten million rows cost a second and a few megabytes; the counts of
a training set stay in memory for as long as its file does not change.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from pydantic import BaseModel, ConfigDict, Field, field_validator, model_validator

from bot.clients import dask
from bot.clients.duckdb import FILES, Limits, Look, Source, Where, files, look
from bot.clients.together import together
from bot.diagnosis.versions import natural
from bot.domain.errors import Unavailable
from bot.engine.values import Question
from bot.evidence._versions import NEWEST, Part, Version, before, serving
from bot.slo import binned, drift
from bot.slo.bins import CATEGORIES, Categories, Grid
from bot.slo.histogram import Layout, Tally

WHAT = "prediction log"
SAMPLED = 200_000  # rows of a training set on which bins are fitted
SHOWN = 5_000  # rows of either side that the Evidently report sees
SLICES = 500  # values of a slice column told apart
_KEPT = 4  # training sets whose counts stay in memory
_VERSION = "{version}"


class LogSettings(BaseModel):
    """A prediction log in files, and which of its columns is what."""

    model_config = ConfigDict(extra="forbid", use_attribute_docstrings=True)

    path: str
    """The predictions: a file or a glob, `/data/predictions/*.parquet`; Parquet, CSV, or a DuckDB file with `table`."""

    table: str = ""
    """The table of a DuckDB file that holds them."""

    reference: str
    """The training rows, with `{version}` where the path names the version: `/data/training/{version}.parquet`."""

    time: str = "at"
    """The column with the time of the prediction; without a zone it is UTC."""

    version: str = "version"
    """The column with the version that made it."""

    label: str = ""
    """The column with the outcome, a number between 0 and 1, missing while it is not known."""

    slices: tuple[str, ...] = ()
    """Columns by which traffic is cut into slices; the reference has them too."""

    features: tuple[str, ...] = ()
    """The columns the model sees; left out, all of the reference that have no other meaning here."""

    memory: str = Field(default="1GB", pattern=r"^\d+(\.\d+)? ?[KMG]i?B$")
    """How much memory DuckDB may hold while it reads."""

    threads: int = Field(default=2, ge=1, le=64)
    """How many threads it may use."""

    seconds: float = Field(default=12.0, ge=1, le=600)
    """How long a look may take; a diagnosis waits 15 seconds for all instruments."""

    dask: str = ""
    """Address of a Dask scheduler (`tcp://host:8786`) that counts instead; needs `tocsin[dask]`."""

    @field_validator("path", "reference")
    @classmethod
    def _readable(cls, path: str) -> str:
        if not path.endswith(FILES):
            raise ValueError(f"expected a path that ends in {', '.join(FILES)}")
        return path

    @model_validator(mode="after")
    def _tabled(self) -> LogSettings:
        if self.path.endswith(".duckdb") != bool(self.table):
            raise ValueError("expected table, the name of one, for a path that ends in .duckdb, and for no other")
        if self.reference.endswith(".duckdb"):
            raise ValueError("expected a reference in Parquet or CSV files")
        return self


@dataclass(frozen=True, slots=True)
class Looked:
    """What the log tells of a slice."""

    rows: int
    versions: Sequence[Version]
    current: Version | None
    compared: Mapping[str, list[drift.Finding]] = field(default_factory=dict)
    slices: Mapping[str, list[drift.Finding]] = field(default_factory=dict)
    outcomes: tuple[int, float] = (0, 0.0)  # how many are known, and their mean


class PredictionLog:
    """One service's prediction log and training sets."""

    def __init__(self, settings: LogSettings) -> None:
        self._told = settings
        self._live = Source(settings.path, settings.table)
        self._limits = Limits(settings.memory, settings.threads, settings.seconds)
        self._counted: dict[tuple[Any, ...], Tally] = {}

    async def look(self, part: Part, question: Question, versions: Sequence[Version] = ()) -> Looked:
        """Every feature against the serving version's training set and that of the one before. Raises Unavailable."""
        part = self._part(part)
        where = self._where(part, question)
        names = await look(self._live, lambda log: log.newest(self._told.version, where, NEWEST), self._limits)
        known = list(versions) or [Version(name) for name in self._trained() or dict.fromkeys(names)]
        current = serving(known, names)
        if current is not None:
            own = replace(where, among={**where.among, self._told.version: (current.name,)})
            served = await look(self._live, lambda log: log.count(own), self._limits)
            where = own if served >= drift.FEW else where
        rows = await look(self._live, lambda log: log.count(where), self._limits)
        if rows < drift.FEW:
            return Looked(rows, known, current)
        models = [each for each in known if each.is_model]
        base = current or max(models, key=lambda each: natural(each.name), default=None)
        if base is None:
            raise Unavailable(WHAT, f"has no reference: nothing matches {self._told.reference}")
        older = before([each for each in known if self._is_there(each.name)], base)
        apart = older is not None and self._reference(older.name) != self._reference(base.name)
        return await self._compared(part, where, rows, known, current, [base, older] if older and apart else [base])

    async def tables(self, part: Part, question: Question) -> tuple[dict[str, list[Any]], dict[str, list[Any]]]:
        """(some live rows, some training rows) of the slice as columns, for people to look at. Raises Unavailable."""
        part = self._part(part)
        where = self._where(part, question)
        names = await look(self._live, lambda log: log.newest(self._told.version, where, NEWEST), self._limits)
        current = serving([Version(name) for name in self._trained() or names], names)
        if current is None:
            raise Unavailable(WHAT, f"names no version in {self._told.version!r} of which a reference is there")
        trained = self._reference(current.name)
        features = await look(trained, self._features, self._limits)

        def shown(log: Look, rows: Where) -> dict[str, list[Any]]:
            there_is = [name for name in features if name in log.columns()]
            return {name: column.tolist() for name, column in log.sample(there_is, rows, SHOWN).items()}

        live = await look(self._live, lambda log: shown(log, where), self._limits)
        return live, await look(trained, lambda log: shown(log, Where(among=self._among(part))), self._limits)

    async def _compared(
        self,
        part: Part,
        where: Where,
        rows: int,
        known: Sequence[Version],
        current: Version | None,
        versions: Sequence[Version],
    ) -> Looked:
        layout = await self._layout(versions[0].name)
        # a slice is cut out of the counts, so that one pass serves all of them
        wide = replace(where, among={name: told for name, told in where.among.items() if name != part.dimension})
        live = await self._tally(self._live, layout, wide)
        base = _stamp(self._reference(versions[0].name))
        trained = await together(*(self._trained_counts(version.name, layout, base) for version in versions))
        for version, counted in zip(versions, trained, strict=True):
            held = max((each.rows for each in counted.histograms(*_cut(part)).values()), default=0)
            if held < drift.FEW:
                source = self._reference(version.name)
                raise Unavailable(str(source), f"has {held} rows of {part}: too few to compare with")
        compared = {
            version.name: binned.compare_histograms(
                counted.histograms(*_cut(part)), live.histograms(*_cut(part)), distinct=live.distinct(*_cut(part))
            )
            for version, counted in zip(versions, trained, strict=True)
        }
        slices: dict[str, list[drift.Finding]] = {}
        for dimension in self._told.slices if not part.values else ():
            found = binned.compare_slices(trained[0], live, dimension)
            slices |= {f"{dimension}={value}": findings for value, findings in found.items()}
        outcomes, rates = (0, 0.0), {}
        if self._told.label:
            outcomes = await look(self._live, lambda log: log.mean(self._told.label, where), self._limits)
            rates = {version.name: await self._taught(version.name, part) for version in versions}
        known = [_with_rate(version, part, rates.get(version.name)) for version in known]
        current = next((each for each in known if current and each.name == current.name), None)
        return Looked(rows, known, current, compared, slices, outcomes)

    async def _taught(self, version: str, part: Part) -> float | None:
        """The label rate of the slice in that training set; None where it tells none."""

        def rate(log: Look) -> float | None:
            if self._told.label not in log.columns():
                return None
            n, mean = log.mean(self._told.label, Where(among=self._among(part)))
            return mean if n >= drift.FEW else None

        return await look(self._reference(version), rate, self._limits)

    async def _layout(self, version: str) -> Layout:
        """Bins fitted on that version's training set, and its slices. The same file makes the same bins."""
        source = self._reference(version)
        key = ("layout", *_stamp(source))
        if key not in self._counted:
            self._keep(key, Tally(await look(source, self._fitted, self._limits)))
        return self._counted[key].layout

    def _fitted(self, log: Look) -> Layout:
        names = self._features(log)
        log.need(*self._told.slices)
        numbers = [name for name in names if log.is_number(name)]
        grids = {name: Grid.fit(values) for name, values in log.sample(numbers, Where(), SAMPLED).items()}
        bins = {
            name: grids[name] if name in grids else Categories.fit(log.values(name, Where(), CATEGORIES))
            for name in names
        }
        return Layout(bins, {name: tuple(log.values(name, Where(), SLICES)) for name in self._told.slices})

    async def _trained_counts(self, version: str, layout: Layout, base: tuple[Any, ...]) -> Tally:
        """That version's training set over the bins of `base`."""
        source = self._reference(version)
        key = (base, *_stamp(source))
        if key not in self._counted:
            self._keep(key, await self._tally(source, layout, Where()))
        return self._counted[key]

    async def _tally(self, source: Source, layout: Layout, where: Where) -> Tally:
        """Counted over those of the features that the source has: one it lacks is told as such."""
        columns = await look(source, lambda log: log.columns(), self._limits)
        there = Layout({name: bins for name, bins in layout.features.items() if name in columns}, layout.slices)
        if self._told.dask:
            return await dask.count(source, there, where, scheduler=self._told.dask, seconds=self._limits.seconds)
        return await look(source, lambda log: log.tally(there, where), self._limits)

    def _keep(self, key: tuple[Any, ...], counted: Tally) -> None:
        while len(self._counted) >= 2 * _KEPT:  # bins and counts
            self._counted.pop(next(iter(self._counted)))
        self._counted[key] = counted

    def _features(self, log: Look) -> list[str]:
        if self._told.features:
            log.need(*self._told.features)
            return list(self._told.features)
        told = {self._told.time, self._told.version, self._told.label, *self._told.slices}
        return [name for name in log.columns() if name not in told]

    def _reference(self, version: str) -> Source:
        # a version's name comes from the log: it must not lead to another folder
        if _VERSION in self._told.reference and any(sign in version for sign in "/\\*?["):
            raise Unavailable(WHAT, f"names a version {version!r} that cannot be part of a path")
        return Source(self._told.reference.replace(_VERSION, version))

    def _trained(self) -> list[str]:
        """Every version that has a training set of its own."""
        start, sign, end = self._told.reference.partition(_VERSION)
        if not sign:
            return []
        return [path[len(start) : len(path) - len(end)] for path in files(f"{start}*{end}")]

    def _is_there(self, version: str) -> bool:
        return bool(files(self._reference(version).path))

    def _part(self, part: Part) -> Part:
        """The slice with its dimension. Raises Unavailable where that is no slice column."""
        told = self._told.slices
        dimension = part.dimension or (told[0] if part.values and len(told) == 1 else "")
        if part.values and dimension not in told:
            raise Unavailable(
                WHAT, f"{self._live} is not cut by {part}: its slice columns are {', '.join(told) or '-'}"
            )
        return Part(dimension, part.values)

    def _where(self, part: Part, question: Question) -> Where:
        return Where(self._told.time, question.since, question.until, self._among(part))

    def _among(self, part: Part) -> dict[str, Sequence[str]]:
        return {part.dimension: part.values} if part.values else {}


def _cut(part: Part) -> tuple[str, tuple[str, ...] | None]:
    return part.dimension, part.values or None


def _stamp(source: Source) -> tuple[Any, ...]:
    """What changes when the files do. Raises Unavailable where there are none."""
    found = files(source.path)
    if not found:
        raise Unavailable(str(source), "is not there")
    told = [Path(each).stat() for each in found]
    return (str(source), *((name, stat.st_size, stat.st_mtime_ns) for name, stat in zip(found, told, strict=True)))


def _with_rate(version: Version, part: Part, rate: float | None) -> Version:
    if rate is None or part.rate(version.label_rates) is not None:
        return version
    return replace(version, label_rates={**version.label_rates, (str(part) if part.values else "all"): rate})
