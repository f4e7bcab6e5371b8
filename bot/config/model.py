"""`tocsin.yaml` in its parts: the organisation, where state is kept, the web, Slack, the sources, and the rules."""

import re
from datetime import date, timedelta
from typing import Annotated, Any, Literal
from urllib.parse import urlsplit
from zoneinfo import ZoneInfo

from pydantic import (
    AfterValidator,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    SecretStr,
    field_validator,
    model_validator,
)

from bot.config.emoji import Emoji
from bot.config.heartbeat import LOOPBACK, Heartbeat
from bot.config.policy import PolicyModel
from bot.config.signin import Oidc, SessionTimes
from bot.config.status import Status

SLACK_API = "https://slack.com/api/"
DATABASES = ("sqlite", "sqlite+aiosqlite", "postgresql", "postgresql+psycopg")


class Part(BaseModel):
    """Base of the parts: a key that means nothing is a mistake, and nothing changes after reading."""

    model_config = ConfigDict(extra="forbid", frozen=True)


def known_place(value: str) -> str:
    """A country or a region of it. Raises ValueError; a country whose holidays are not on file is none the less one."""
    from bot.notices.counting import unknown_region

    if not re.fullmatch(r"[A-Z]{2}(-[A-Z0-9]{1,3})?", value):
        raise ValueError(f"{value!r} is no country or region (expected two capital letters, or such as DE-BY)")
    if regions := unknown_region(value):
        raise ValueError(f"{value!r} is no region of {value[:2]} (expected one of {', '.join(regions)})")
    return value


def known_zone(value: str) -> str:
    """An IANA time zone. Raises ValueError."""
    try:
        ZoneInfo(value)
    except (KeyError, ValueError, OSError):
        raise ValueError(f"there is no time zone {value!r} (expected an IANA name such as Europe/Berlin)") from None
    return value


class Organisation(Part):
    """Who runs this installation, as notices and pages name it."""

    name: str = Field(min_length=1)
    contact: str = ""
    """Where questions about an incident go: a name, an address."""
    country: str = ""
    """ISO 3166 code in quotes, such as 'DE' (an unquoted NO is read as false), or a region's, such as 'DE-BY'."""
    timezone: str = "UTC"
    """IANA name, such as Europe/Berlin."""
    currency: str = Field(default="EUR", pattern=r"^[A-Z]{3}$")
    """ISO 4217 code of the money impact is counted in."""
    address: str = ""
    legal_contact: str = ""
    dpo: str = ""
    """The data protection officer, as a notice names them."""
    spokesperson: str = ""
    """Who answers the press, with a number or an address."""
    closures: dict[Annotated[str, AfterValidator(known_place)], tuple[date, ...]] = Field(default_factory=dict)
    """Days on which a country or region is closed beside its public holidays, as `US: [2026-12-24]`."""
    legal: dict[str, Any] = Field(default_factory=dict)
    """Facts the law asks for that hold in every incident, such as `sec_registrant: 'no'`."""

    @field_validator("country")
    @classmethod
    def _a_place(cls, value: str) -> str:
        return known_place(value) if value else value

    @field_validator("timezone")
    @classmethod
    def _known_zone(cls, value: str) -> str:
        return known_zone(value)


class Database(Part):
    """Where the log is kept."""

    url: str = ""
    """Left out, a SQLite file in the state folder; with a password it must be a reference."""

    @field_validator("url")
    @classmethod
    def _known_kind(cls, value: str) -> str:
        if value and value.partition(":")[0] not in DATABASES:
            raise ValueError(f"the database address begins with none of {', '.join(DATABASES)}")
        return value


class Web(Part):
    """The web console and the address people reach it at."""

    host: str = "127.0.0.1"
    port: int = Field(default=8080, ge=1, le=65535)
    url: str = ""
    """What links are made of; left out, http://host:port."""
    metrics_token: SecretStr | None = None
    """Lets whoever scrapes /metrics from another machine read that and nothing else."""
    secret: SecretStr | None = None
    """What the addresses in pages are signed with, the same at every replica; left out, a file of the
    state folder's own."""
    session: SessionTimes = SessionTimes()
    oidc: Oidc | None = None
    """Who vouches for people beside the links that `tocsin login` makes."""

    @field_validator("secret")
    @classmethod
    def _long(cls, value: SecretStr | None) -> SecretStr | None:
        if value is not None and len(value.get_secret_value().strip()) < 32:  # noqa: PLR2004
            raise ValueError("a secret to sign with has 32 letters or more")
        return value

    @field_validator("url")
    @classmethod
    def _an_address(cls, value: str) -> str:
        if value and (urlsplit(value).scheme not in {"http", "https"} or not urlsplit(value).hostname):
            raise ValueError(f"{value!r} is no address (expected https://…)")
        return value.rstrip("/")

    @property
    def address(self) -> str:
        """Where people open the console."""
        return self.url or f"http://{self.host}:{self.port}"


def _off(value: Any) -> Any:
    return "off" if value is False else value  # YAML reads a bare `off` as false


class Slack(Part):
    """The workspace; `off` until its tokens are there. Socket mode needs an app token, http a signing secret."""

    mode: Annotated[Literal["socket", "http", "off"], BeforeValidator(_off)] = "off"
    api_url: str = SLACK_API
    """The environment's TOCSIN_SLACK_API_URL comes before it."""
    bot_token: SecretStr | None = None
    app_token: SecretStr | None = None
    signing_secret: SecretStr | None = None
    team: str = Field(default="", pattern=r"^([TE][A-Z0-9]+)?$")
    """The workspace's id, such as T0123ABCD."""
    home_channel: str = ""
    """Where cards go when a service names no channel."""
    legal_channel: str = ""
    """A private channel for duties and notices; empty keeps them on the console alone."""
    settle_after: timedelta = Field(default=timedelta(seconds=15), ge=timedelta(0))
    """After how long a post whose answer was lost is looked for in its channel."""
    repost_after: timedelta = Field(default=timedelta(seconds=60), ge=timedelta(0))
    """After how long a post that was looked for and not found is sent again."""
    emoji: Emoji = Emoji()
    """Which reaction on a message in an incident's thread keeps it as what."""
    charts: bool = True
    """Draw the SLI in the card."""

    @field_validator("api_url")
    @classmethod
    def safe(cls, value: str) -> str:
        """The address with one slash at its end. Raises ValueError where tokens would travel in the clear."""
        parts = urlsplit(value)
        if parts.scheme != "https" and not (parts.scheme == "http" and parts.hostname in LOOPBACK):
            raise ValueError(f"{value!r} would send tokens in the clear (expected https://…, or http to this machine)")
        return value.rstrip("/") + "/"

    @model_validator(mode="after")
    def _has_what_its_mode_needs(self) -> "Slack":
        needed = {"socket": ("bot_token", "app_token"), "http": ("bot_token", "signing_secret"), "off": ()}[self.mode]
        lacking = [name for name in needed if getattr(self, name) is None]
        if lacking:
            raise ValueError(f"mode {self.mode} needs {' and '.join(lacking)}, each a reference such as {{env: NAME}}")
        return self


class Poll(Part):
    """How often the sources are asked."""

    every: timedelta = Field(default=timedelta(seconds=15), ge=timedelta(milliseconds=100), le=timedelta(hours=1))


class Tocsin(Part):
    """The whole of `tocsin.yaml`. `sources` are fitted one by one, each by its own kind."""

    organisation: Organisation
    database: Database = Database()
    state: str = Field(default=".tocsin", min_length=1)
    """The folder of everything kept on disk, from the folder of tocsin.yaml."""
    web: Web = Web()
    slack: Slack = Slack()
    sources: dict[str, dict[str, Any]] = Field(default_factory=dict)
    alerts: list[dict[str, Any]] = Field(default_factory=list)
    """Who may send alerts; fitted one by one."""
    webhooks: list[dict[str, Any]] = Field(default_factory=list)
    """Who is told what becomes of incidents; fitted one by one."""
    poll: Poll = Poll()
    policy: PolicyModel = PolicyModel()
    regimes: list[str] = Field(default_factory=list)
    pagers: list[Any] | None = None
    """In their order, each a name or one name with its settings; left out: slack where Slack is on."""
    status: Status | None = None
    """The status page; left out, there is none."""
    on_call: list[Annotated[str, Field(min_length=1)]] = Field(default_factory=list)
    """Who is paged where no service says who is on call, or nobody is: keys of people.yaml or rota:NAME in quotes, the
    first one first; left out, the admins."""
    escalation: str = ""
    """In place of on_call: a file of escalations/, by its name."""
    heartbeat: Heartbeat | None = None
    """Who raises the alarm when Tocsin itself falls silent."""
    admins: list[str] = Field(default_factory=list)
    """Whom Tocsin tells of its own troubles, by key of people.yaml; left out, everybody with the role of an admin."""
