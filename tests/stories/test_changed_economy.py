"""A loan model meets another economy: nothing was deployed, the people changed, and outcomes come late."""

from __future__ import annotations

import os
from datetime import timedelta
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from bot.domain.finding import Cause
from bot.engine.values import Found
from bot.evidence.drift import Drift
from bot.slo.spec import Indicator, Selector, Tier
from bot.sources.predictions import Predictions
from tests.world import Instrument, World, objective

RIGHT = objective(
    "foreseen",
    display="Defaults foreseen",
    indicator=Indicator("good", Selector.parse("correct_total"), Selector.parse("labelled_total")),
    target=0.8,
    window=timedelta(days=1),
    tiers=(Tier("fast", "page", timedelta(minutes=15), timedelta(minutes=5), 1.7),),
    no_data_after=timedelta(minutes=10),
)
RELEASES = Found(
    "nothing was deployed in 30 days: v2 serves since October", (("code_change", -3.0), ("training_data", -2.0))
)
PIPELINE = Found(
    "every feature was computed on time from fresh sources, and agrees with its source for 50 applicants looked up",
    (("feature_pipeline", -5.0), ("upstream", -3.0)),
)


class Bank:
    """Answers twenty applicants a minute, and learns of three in four what became of them, twenty minutes later or so."""

    def __init__(self, folder: Path, world: World) -> None:
        self.folder, self.world, self.dice = folder, world, np.random.default_rng(3)
        self.rows: list[dict[str, Any]] = []
        for version in ("v1", "v2"):
            trained = [self.applicant(shifted=False) for _ in range(4_000)]
            self._write(self.folder / f"train-{version}.parquet", trained, ("income", "debts", "label"))

    def applicant(self, *, shifted: bool) -> dict[str, Any]:
        """Incomes fall and debts grow in the new economy, and debts no longer tell who pays."""
        income = float(self.dice.lognormal(7.4 if shifted else 8.0, 0.5))
        debts = float(self.dice.lognormal(7.0 if shifted else 6.5, 0.5))
        risky = debts / income > 0.6
        default = self.dice.random() < (0.5 if shifted else 0.9 if risky else 0.05)
        return {"income": income, "debts": debts, "prediction": int(risky), "label": int(default)}

    async def works(self, minutes: int, *, shifted: bool = False) -> None:
        for _ in range(minutes):
            now = self.world.clock.now()
            for _ in range(20):
                late = timedelta(minutes=float(self.dice.exponential(20)))
                known = now + late if self.dice.random() < 0.75 else None
                self.rows.append({"at": now, "known": known, "version": "v2", **self.applicant(shifted=shifted)})
            self.log(now)
            await self.world.round(seconds=60)

    def log(self, now: Any) -> None:
        """The log as it stands: what is not known yet is missing."""
        told = [
            row if row["known"] is not None and row["known"] <= now else {**row, "known": None, "label": None}
            for row in self.rows
        ]
        self._write(self.folder / "log.parquet", told, tuple(self.rows[0]))
        written = now.timestamp() + len(told) / 1e6
        os.utime(self.folder / "log.parquet", (written, written))

    def _write(self, path: Path, rows: list[dict[str, Any]], names: tuple[str, ...]) -> None:
        table = pa.table({name: [row[name] for row in rows] for name in names})
        pq.write_table(table.cast(pa.schema([_typed(field) for field in table.schema])), path)


def _typed(field: pa.Field) -> pa.Field:
    """Labels and their times have a type before the first is there."""
    kinds = {"label": pa.int64(), "known": pa.timestamp("us", "UTC")}
    return pa.field(field.name, kinds.get(field.name, field.type))


async def test_the_world_changed_and_the_release_did_not(tmp_path: Path) -> None:
    """Late outcomes are counted when they come, with how many are missing; the world is suspected before the release."""
    world = World(tmp_path)
    bank = Bank(tmp_path, world)
    log = {"path": f"{tmp_path}/log.parquet", "label": "label", "version": "version"}
    settings = {**log, "label_time": "known", "maturity": timedelta(hours=1), "over": timedelta(hours=1)}
    world.counters = Predictions(Predictions.Settings(**settings), clock=world.clock)
    training = {"reference": f"{tmp_path}/train-{{version}}.parquet", "features": ["income", "debts"]}
    world.instruments["drift"] = Drift(Drift.Settings(log={**log, **training}), clock=world.clock)
    world.instruments |= {"deploys": Instrument(found=[RELEASES]), "lineage": Instrument(found=[PIPELINE])}
    await bank_opens(bank, world)
    try:
        await bank.works(50)
        assert await world.house.desk.summaries() == []
        began = world.clock.now()
        await bank.works(50, shifted=True)

        # as soon as outcomes say so, and with how many are known yet
        incident = await world.incident()
        assert began < incident.onset < incident.detected < began + timedelta(minutes=45)
        coverage = world.house.watch.standing("foreseen", world.clock.now()).coverage
        assert 0.6 < coverage.share < 0.8
        assert "answers older than 1 h have an outcome; of those known lately, half came within 1" in coverage.because

        # the people differ from both training sets, so do the outcomes, and no release explains it
        said = "\n".join(each.text for each in incident.findings)
        assert "differs from every version's training data" in said
        assert "nothing was deployed in 30 days" in said
        ranked = [each.cause for each in incident.hypotheses]
        assert ranked[0] is Cause.CONCEPT_DRIFT
        releases = {each.cause: each.belief for each in incident.hypotheses}
        assert all(releases.get(cause, 0) < 0.05 for cause in (Cause.TRAINING_DATA, Cause.CODE_CHANGE))

        # what would retrain is wanted; the rollback that is prepared stands last, with why it is no fix
        situation = await world.house.desk.situation("INC-1")
        assert incident.hypotheses[0].remedies[0] == "retrain"
        (offer, warning) = situation.offers[-1]
        assert offer.name == "rollback-v1"
        assert "an older version knows the changed world even less" in warning
    finally:
        await world.stop()


async def bank_opens(bank: Bank, world: World) -> None:
    """The log has a row before anybody looks."""
    now = world.clock.now()
    bank.rows.append({"at": now, "known": None, "version": "v2", **bank.applicant(shifted=False)})
    bank.log(now)
    await world.start(slos=(RIGHT,))
