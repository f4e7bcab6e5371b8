"""How Tocsin is connected to the organisation's Slack: which way in, which keys, which rooms."""

from collections.abc import Mapping
from typing import Literal, Self
from urllib.parse import urlsplit

from pydantic import BaseModel, ConfigDict, Field, SecretStr, field_validator, model_validator

EMOJI = {
    "timeline": ("pushpin",), "finding": ("mag",), "followup": ("white_check_mark",), "ignore": ("ice_cube",),
}  # fmt: skip
"""📌 🔍 ✅ 🧊, where nothing else is configured."""


class SlackSettings(BaseModel):
    """The connection to one workspace (or Grid). Secrets are given by reference in the configuration."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    mode: Literal["socket", "http"] = "socket"
    """`socket` needs no public address; `http` is recommended for production and needs the signing secret."""
    api_url: str = "https://slack.com/api/"
    """Base address of the Web API; another one for GovSlack or a practice workspace."""
    bot_token: SecretStr
    """The app's bot token."""
    app_token: SecretStr = SecretStr("")
    """The app-level token that opens sockets; needed in mode `socket`."""
    signing_secret: SecretStr = SecretStr("")
    """Proves that a request came from Slack; needed in mode `http`."""
    team: str = ""
    """The workspace's id; people of other workspaces are refused. Empty: whoever the directory knows."""
    home_channel: str = ""
    """Where cards go when the service names no channel."""
    legal_channel: str = ""
    """A private channel for duties and notices; empty keeps them on the web console alone."""
    web_url: str = ""
    """The console's address; links lead nowhere else."""
    emoji: Mapping[str, tuple[str, ...]] = Field(default_factory=lambda: dict(EMOJI))
    """What a reaction on a message keeps it as: timeline, finding, followup; ignore takes it out again."""
    charts: bool = True
    """Draw the SLI in the card; where the workspace refuses the block, words are shown instead."""
    settle_after: float = Field(default=15.0, ge=0)
    """Seconds after which a post whose answer was lost is looked for in the channel."""
    repost_after: float = Field(default=60.0, ge=0)
    """Seconds after which a post that was looked for and not found is sent again."""
    watch_every: float = Field(default=10.0, gt=0)
    """Seconds between two looks at the socket."""
    deaf_after: float = Field(default=600.0, gt=0)
    """Seconds of silence after which the socket is opened anew."""

    @field_validator("api_url")
    @classmethod
    def _ends_with_slash(cls, value: str) -> str:
        return value if value.endswith("/") else value + "/"

    @model_validator(mode="after")
    def _keys_fit_the_mode(self) -> Self:
        if self.mode == "socket" and not self.app_token.get_secret_value():
            raise ValueError("mode socket needs app_token")
        if self.mode == "http" and not self.signing_secret.get_secret_value():
            raise ValueError("mode http needs signing_secret")
        return self

    @property
    def hosts(self) -> frozenset[str]:
        """The hosts a message may link to."""
        host = urlsplit(self.web_url).hostname
        return frozenset({host}) if host else frozenset()
