"""What every answer of the API is made of: times are RFC 3339 in UTC with a Z, money is a decimal in quotes."""

from __future__ import annotations

from datetime import UTC, datetime
from decimal import Decimal
from typing import Annotated

from pydantic import BaseModel, ConfigDict, PlainSerializer


def rfc3339(at: datetime) -> str:
    """2026-11-20T12:00:05.000Z (RFC 3339 section 5.6)."""
    return at.astimezone(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


Instant = Annotated[datetime, PlainSerializer(rfc3339, return_type=str)]
Money = Annotated[Decimal, PlainSerializer(str, return_type=str)]


class Shape(BaseModel):
    """Base: read from the domain's own values by attribute."""

    model_config = ConfigDict(from_attributes=True)
