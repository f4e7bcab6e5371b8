"""Pages a person by mail, through any SMTP server.

    pagers:
      - email: {host: smtp.example.org, from: tocsin@example.org, user: tocsin, password: {env: SMTP_PASSWORD}}

The name of the message is made of the page's key: a page in doubt is sent again under the same name, by which mail
programs know a repetition. Mail that was taken may lie unread until morning: name a pager that rings beside it.
"""

from __future__ import annotations

import asyncio
import contextlib
import html
import smtplib
import socket
import ssl
from dataclasses import dataclass
from email.errors import MessageError
from email.headerregistry import Address
from email.message import EmailMessage
from email.policy import SMTP
from email.utils import format_datetime
from typing import Any, ClassVar, Literal, Self

from pydantic import BaseModel, ConfigDict, Field, SecretStr, model_validator

from bot.clock import Clock
from bot.domain.errors import Refused, TocsinError, Unavailable
from bot.domain.policy import Severity
from bot.engine.calling import Sent, Summons
from bot.pagers import _words as words
from bot.pagers._vendor import LOOPBACK

WHAT = "the mail server"
PORTS = {"starttls": 587, "tls": 465, "plain": 25}
LONGEST_SUBJECT, FOR_GOOD = 180, 500


class EmailSettings(BaseModel):
    """A mail server, and whom it sends for."""

    model_config = ConfigDict(
        extra="forbid", use_attribute_docstrings=True, hide_input_in_errors=True, populate_by_name=True
    )

    host: str = Field(min_length=1)
    """The server's name."""

    sender: str = Field(alias="from", pattern=r"^[^@\s<>,;:\"]+@[^@\s<>,;:\"]+$")
    """The address pages come from."""

    security: Literal["starttls", "tls", "plain"] = "starttls"
    """How the connection is kept from others: `starttls` (port 587), `tls` from its beginning (465), or not at all."""

    port: int = Field(default=0, ge=0, le=65535)
    """Where it listens; left out, the port of `security`."""

    allow_plain: bool = False
    """Allows `plain` to another machine: pages and the password are then readable on the way."""

    user: str = ""
    """Whom to log in as; left out, nobody."""

    password: SecretStr | None = None
    """The user's password."""

    ca: str = ""
    """A file with the certificate authority to trust instead of the public ones."""

    timeout_seconds: float = Field(default=15.0, gt=0, le=25)
    """How long a message may take in all."""

    @model_validator(mode="after")
    def _kept_from_others(self) -> Self:
        if self.security == "plain" and self.host not in LOOPBACK and not self.allow_plain:
            raise ValueError("security: plain sends pages readable by others; allow_plain: true if that is meant")
        if bool(self.user) != (self.password is not None):
            raise ValueError("a user needs a password, and a password a user")
        return self


@dataclass
class _Line:
    """A connection that a thread waits on; whoever cuts it ends the waiting."""

    smtp: smtplib.SMTP | None = None
    over: bool = False

    def cut(self) -> None:
        self.over = True
        sock = self.smtp.sock if self.smtp is not None else None
        if sock is not None:
            with contextlib.suppress(OSError, ValueError):
                socket.socket.shutdown(sock, socket.SHUT_RDWR)


class _Plain(smtplib.SMTP):
    """A client on a line that can be cut."""

    def __init__(self, line: _Line, *args: Any, **more: Any) -> None:
        self._line, line.smtp = line, self
        super().__init__(*args, **more)

    def getreply(self) -> tuple[int, bytes]:
        if self._line.over:
            raise smtplib.SMTPServerDisconnected
        return super().getreply()


class _Tls(_Plain, smtplib.SMTP_SSL):
    """The same, encrypted from its beginning."""


class EmailPager:
    """The pager of the name `email`."""

    shelf: ClassVar[str] = "pagers"
    Settings = EmailSettings

    def __init__(self, settings: EmailSettings, *, clock: Clock) -> None:
        self.settings, self.clock = settings, clock

    def way(self, summons: Summons) -> str:
        return words.mailbox(_address(summons).addr_spec)

    async def page(self, summons: Summons) -> Sent:
        where, message, line = self.way(summons), self.message(summons), _Line()
        try:
            async with asyncio.timeout(self.settings.timeout_seconds):
                await asyncio.to_thread(self._deliver, message, summons.person.name, line)
        except TimeoutError:
            raise Unavailable(WHAT, f"did not take a page within {self.settings.timeout_seconds:g} s") from None
        finally:
            line.cut()  # a thread cannot be cancelled, but what it waits on can be closed
        return Sent(where)

    def message(self, summons: Summons) -> EmailMessage:
        """The mail. Raises Refused where the person has no address."""
        made = EmailMessage(policy=SMTP)
        made["From"] = Address("Tocsin", addr_spec=self.settings.sender)
        made["To"] = _address(summons)
        made["Subject"] = words.one_line(summons.headline, LONGEST_SUBJECT) or words.untitled(summons)
        made["Date"] = format_datetime(self.clock.now())
        made["Message-ID"] = f"<tocsin.{words.mark(summons.key, 40)}@{self.settings.sender.rpartition('@')[2]}>"
        made["Auto-Submitted"] = "auto-generated"  # RFC 3834: no holiday replies
        made["X-Auto-Response-Suppress"] = "All"
        if summons.severity <= Severity.SEV2:
            made["Importance"], made["X-Priority"] = "high", "1"
        made.set_content(words.body(summons) or words.NOTHING)
        made.add_alternative(_page(summons), subtype="html")
        return made

    def _deliver(self, message: EmailMessage, name: str, line: _Line) -> None:
        """In a thread. Raises Refused, Unavailable; the server's own words may name people and stay here."""
        given = self.settings
        try:
            smtp = self._open(line)
            try:
                if given.password is not None:
                    smtp.login(given.user, given.password.get_secret_value())
                if line.over:  # nobody waits for it any more, and the page is tried again
                    return
                smtp.send_message(message, given.sender, [message["To"].addresses[0].addr_spec])
                with contextlib.suppress(smtplib.SMTPException, OSError):
                    smtp.quit()  # the message is theirs by now
            finally:
                smtp.close()
        except (smtplib.SMTPException, OSError, ValueError) as error:
            raise _sentence(error, name) from None

    def _open(self, line: _Line) -> smtplib.SMTP:
        given = self.settings
        port, own = given.port or PORTS[given.security], given.sender.rpartition("@")[2]
        about: dict[str, Any] = {"local_hostname": own, "timeout": given.timeout_seconds}
        if given.security == "plain":
            return _Plain(line, given.host, port, **about)
        tls = ssl.create_default_context(cafile=given.ca or None)
        if given.security == "tls":
            return _Tls(line, given.host, port, context=tls, **about)
        smtp = _Plain(line, given.host, port, **about)
        try:
            smtp.starttls(context=tls)
        except BaseException:
            smtp.close()
            raise
        return smtp

    async def close(self) -> None:
        """Nothing is held open here."""


def _address(summons: Summons) -> Address:
    """Raises Refused naming the person and what is missing."""
    given, name = summons.contact.email, summons.person.name
    if not given:
        raise Refused(f"{name} has no email in people.yaml")
    try:
        found = Address(addr_spec=given)
    except (ValueError, IndexError, MessageError):
        found = None
    if found is None or not found.domain or given != words.one_line(given):
        raise Refused(f"{name}'s email in people.yaml is no mail address")
    return found


def _page(summons: Summons) -> str:
    """The mail for programs that show HTML: the same words and one link."""
    text = html.escape(words.lines(summons.text)).replace("\n", "<br>\n")
    style = "display:inline-block;padding:12px 22px;background:#1a6690;color:#ffffff;border-radius:8px"
    link = (
        f'<p><a href="{html.escape(summons.url)}" style="{style}">{words.label(summons)}</a></p>' if summons.url else ""
    )
    return (
        f"<p><b>{html.escape(words.one_line(summons.headline))}</b></p>\n"
        + (f"<p>{text}</p>\n" if text else "")
        + (link or f"<p>{html.escape(words.look(summons))}</p>")
    )


def _sentence(error: Exception, name: str) -> TocsinError:
    """What went wrong, by its number."""
    match error:
        case smtplib.SMTPRecipientsRefused():
            code = max((code for code, _ in error.recipients.values()), default=0)
            if code >= FOR_GOOD:
                return Refused(f"{WHAT} refused {name}'s address ({code}); is their email in people.yaml right?")
            return Unavailable(WHAT, f"does not take mail for {name} now ({code})")
        case smtplib.SMTPAuthenticationError():
            return Unavailable(WHAT, f"did not accept our credentials ({error.smtp_code})")
        case smtplib.SMTPNotSupportedError():
            return Unavailable(WHAT, "cannot do what is needed (STARTTLS, a login, or SMTPUTF8)")
        case smtplib.SMTPSenderRefused() | smtplib.SMTPDataError() if error.smtp_code >= FOR_GOOD:
            return Refused(f"{WHAT} refused a page to {name} ({error.smtp_code})")
        case smtplib.SMTPResponseException():
            return Unavailable(WHAT, f"answered {error.smtp_code}")
        case ssl.SSLError():
            return Unavailable(WHAT, "showed a certificate that is not trusted, or broke off TLS")
        case TimeoutError():
            return Unavailable(WHAT, "did not answer in time")
        case ConnectionRefusedError() | socket.gaierror():
            return Unavailable(WHAT, "could not be reached")
        case _:
            return Unavailable(WHAT, f"broke off ({type(error).__name__})")
