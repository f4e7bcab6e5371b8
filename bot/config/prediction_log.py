"""A service's `prediction_log`: where its decisions about people stand, which column is what, what is adverse."""

from typing import Annotated, Any
from urllib.parse import urlsplit
from zoneinfo import ZoneInfo

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, field_validator, model_validator

from bot.clients.duckdb_session import FILES
from bot.config.fit import Fitter
from bot.config.marks import Marked
from bot.config.secrets import plain_secret
from bot.domain.service import PredictionLog

DATABASES = ("sqlite", "postgresql", "postgresql+psycopg")
HERE = "prediction_log"


def _as_written(value: Any) -> Any:
    """A bare 0 or false is what people write for an outcome."""
    return str(value).lower() if isinstance(value, bool | int | float) else value


Outcome = Annotated[str, BeforeValidator(_as_written), Field(min_length=1)]
Column = Annotated[str, Field(min_length=1)]


class Columns(BaseModel):
    """Which column is what, each by its exact name."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    at: Column
    """When it was decided."""
    version: Column
    """The version that decided."""
    person: Column
    """Who was decided about, by whatever tells people apart."""
    outcome: Column
    """What was decided; empty while nothing is."""
    decision: str = ""
    """The decision's own number: one that is written twice then counts once, as it was last written."""
    groups: list[Column] = Field(default_factory=list)
    """Columns whose groups are compared: sex, age band …"""
    slices: list[Column] = Field(default_factory=list)
    """Columns an incident's slice may name."""
    country: str = ""
    """Where the person is, as two capital letters."""
    state: str = ""
    """The US state where the person lives, as two capital letters."""

    @model_validator(mode="after")
    def _nobody_is_a_group(self) -> "Columns":
        """A count by person would be a list of people."""
        told = {*self.groups, self.country, self.state}
        if wrong := sorted(told & {self.person, self.decision, self.at} - {""}):
            raise ValueError(f"{wrong[0]} tells one person or decision from another, so nothing is counted by it")
        return self


class PredictionLogModel(BaseModel):
    """A prediction log as the catalogue writes it."""

    model_config = ConfigDict(extra="forbid", frozen=True, hide_input_in_errors=True)

    place: str = Field(alias="from", min_length=1)
    """Files, `/data/decisions/*.parquet`, or a database's address; with a password it must be a reference."""
    table: str = ""
    """The table, of a database or a DuckDB file."""
    columns: Columns
    adverse: list[Outcome] = Field(min_length=1)
    """The outcomes that are to somebody's disadvantage, as they stand in the log."""
    timezone: str = ""
    """The zone of times that do not say theirs; without it such times cannot be read."""
    memory: str = Field(default="1GB", pattern=r"^\d+(\.\d+)? ?[KMG]i?B$")
    """How much memory reading may take; what does not fit is never laid down on disk."""
    threads: int = Field(default=2, ge=1, le=64)
    seconds: float = Field(default=60.0, ge=1, le=600)
    """How long one count may take."""

    @field_validator("place")
    @classmethod
    def _readable(cls, place: str) -> str:
        scheme, sign, _ = place.partition("://")
        if sign and scheme not in DATABASES:
            raise ValueError(f"expected an address that begins with {', '.join(f'{each}://' for each in DATABASES)}")
        if not sign and not place.endswith(FILES):
            raise ValueError(f"expected a path that ends in {', '.join(FILES)}, or a database's address")
        return str(place)

    @field_validator("timezone")
    @classmethod
    def _known_zone(cls, name: str) -> str:
        try:
            if name:
                ZoneInfo(name)
        except (KeyError, ValueError, OSError):
            raise ValueError(f"there is no time zone {name!r} (expected an IANA name such as Europe/Berlin)") from None
        return name

    @model_validator(mode="after")
    def _tabled(self) -> "PredictionLogModel":
        if ("://" in self.place or self.place.endswith(".duckdb")) != bool(self.table):
            raise ValueError("expected table, the name of one, for a database or a DuckDB file, and for no other")
        return self


def read_prediction_log(page: Marked, fitter: Fitter) -> PredictionLog | None:
    """The log as the domain knows it; None where something in it is wrong, which is told by line."""
    written = page.get(HERE, "from")
    if isinstance(written, str) and _has_password(written):
        line, column = page.where(HERE, "from")
        fitter.problems.append(plain_secret(page.file, line, column, "the database's password"))
        return None
    model = fitter.fit(PredictionLogModel, page, HERE)
    if model is None:
        return None
    columns = model.columns
    return PredictionLog(
        place=model.place,
        at=columns.at,
        version=columns.version,
        person=columns.person,
        outcome=columns.outcome,
        adverse=tuple(model.adverse),
        table=model.table,
        decision=columns.decision,
        groups=tuple(columns.groups),
        slices=tuple(columns.slices),
        country=columns.country,
        state=columns.state,
        timezone=model.timezone,
        memory=model.memory,
        threads=model.threads,
        seconds=model.seconds,
    )


def _has_password(address: str) -> bool:
    try:
        return "://" in address and bool(urlsplit(address).password)
    except ValueError:
        return True
