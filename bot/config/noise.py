"""How much noise is borne, as `tocsin.yaml` writes it: what groups alerts, and when it storms."""

from datetime import timedelta

from pydantic import BaseModel, ConfigDict, Field

from bot.domain.noise import AlertRules, StormRules

_ALERTS, _STORM = AlertRules(), StormRules()


class AlertsModel(BaseModel):
    """What holds for alerts of other people's monitoring."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    together: timedelta = Field(default=_ALERTS.together, ge=timedelta(0))
    """So close in time alerts of one service, or of what it depends on, are one incident."""
    resolve_after: timedelta = Field(default=_ALERTS.resolve_after, ge=timedelta(0))
    """How long all alerts must be over before an incident nobody took is resolved; 0s leaves it to people."""
    page_from: int = Field(default=_ALERTS.page_from, ge=1, le=4)
    """The least severity that wakes somebody, 1 (the worst) to 4; milder alerts are tickets."""
    flaps: int = Field(default=_ALERTS.flaps, ge=1, le=19)
    """After so many returns an alert flaps: its returns page nobody."""
    flaps_within: timedelta = Field(default=_ALERTS.flaps_within, gt=timedelta(0))
    """Within this time the returns are counted."""
    calm_after: timedelta = Field(default=_ALERTS.calm_after, gt=timedelta(0))
    """After so long without firing an alert that flapped is calm."""

    def rules(self) -> AlertRules:
        """As the domain knows them."""
        return AlertRules(**self.model_dump())


class StormModel(BaseModel):
    """When one card stands for all new incidents."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    incidents_per_minute: int = Field(default=_STORM.incidents_per_minute, ge=2)
    """Above this rate of new incidents it storms."""
    quiet: timedelta = Field(default=_STORM.quiet, gt=timedelta(0))
    """After so long below a quarter of that rate it is over."""
    channels: int = Field(default=_STORM.channels, ge=1)
    """So many channels a storm posts cards to at most."""
    service: str = _STORM.service
    """Whose people lead a storm; left out, the service most of its first incidents are of."""

    def rules(self) -> StormRules:
        """As the domain knows them."""
        return StormRules(**self.model_dump())
