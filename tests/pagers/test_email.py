"""The pager of the name email, against a mail server on the loopback that holds to RFC 5321: one name for one page."""

from __future__ import annotations

import asyncio
import contextlib
import datetime as dt
import ipaddress
import ssl
from collections.abc import AsyncIterator
from dataclasses import replace
from email.utils import parsedate_to_datetime
from pathlib import Path
from typing import Any

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID
from pydantic import ValidationError

from bot import shelf
from bot.domain.errors import Refused, Unavailable
from bot.domain.policy import Severity
from tests.kit import NOON
from tests.pagers.fake_smtp import USER, Server, mail_server
from tests.pagers.fakes import CONTACT, EMAIL, LINK, OTHER, Scene, page_of, summons
from tests.parts import CANARY, Hands

FROM = "tocsin@example.net"
SETTINGS: dict[str, Any] = {
    "host": "127.0.0.1", "port": "{port}", "security": "plain", "from": FROM, "user": USER, "password": CANARY,
    "timeout_seconds": 0.6,
}  # fmt: skip
PLAIN: dict[str, Any] = {"host": "127.0.0.1", "security": "plain", "from": FROM, "timeout_seconds": 5}


def made(server: Server, **changes: Any):
    kind = shelf.load("pagers", "email")
    return kind(kind.Settings.model_validate({**PLAIN, "port": server.port, **changes}), clock=Hands())


@contextlib.asynccontextmanager
async def scene() -> AsyncIterator[Scene]:
    """What the suite in tests/shelves tries it on; of messages of one name a mail program shows one."""
    async with mail_server() as server:
        pager = made(server, timeout_seconds=0.6)

        def breaks(fault: Exception) -> None:
            bad = {TimeoutError: "hangs", OSError: "hangs up", KeyError: "junk"}
            server.manners = bad.get(type(fault), "421")

        def reached() -> list[tuple[str, str]]:
            named = {each.message["Message-ID"]: each for each in server.taken}
            return [
                ("ana" if each.to == [EMAIL] else "?", page_of(name.partition(".")[2].partition("@")[0]))
                for name, each in named.items()
            ]

        def words() -> str:
            return "".join(
                f"{each.message['Subject']} {part.get_content()}"
                for each in server.taken
                for part in each.message.iter_parts()
            )

        yield Scene(pager, reached, breaks, words, lambda: server.calls)
        await pager.close()


def papers(folder: Path) -> tuple[ssl.SSLContext, str]:
    """A server's own certificate for 127.0.0.1, and the file that trusts it."""
    key, name = ec.generate_private_key(ec.SECP256R1()), x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "mail")])
    now = dt.datetime.now(dt.UTC)
    names = x509.SubjectAlternativeName([x509.IPAddress(ipaddress.ip_address("127.0.0.1"))])
    made = (
        x509.CertificateBuilder().subject_name(name).issuer_name(name).public_key(key.public_key())
        .serial_number(7).not_valid_before(now - dt.timedelta(1)).not_valid_after(now + dt.timedelta(1))
        .add_extension(names, critical=False)
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        .sign(key, hashes.SHA256())
    )  # fmt: skip
    trusted, private = folder / "ca.pem", folder / "key.pem"
    trusted.write_bytes(made.public_bytes(serialization.Encoding.PEM))
    private.write_bytes(key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    ))  # fmt: skip
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    context.load_cert_chain(trusted, private)
    return context, str(trusted)


async def test_a_mail_says_it_twice_and_is_no_letter_to_answer() -> None:
    """Plain words and small HTML with one link; marked as automatic, urgent where the page is, dated by the clock."""
    async with mail_server() as server:
        sent = await made(server).page(summons())
    (taken,) = server.taken
    message = taken.message
    assert (taken.sender, taken.to, sent.where) == (FROM, [EMAIL], "mail to a…@example.org")
    assert message["Subject"] == "SEV2 INC-7: Recall below its objective for health=poor"
    assert (message["Auto-Submitted"], message["X-Auto-Response-Suppress"]) == ("auto-generated", "All")
    assert (message["Importance"], message["X-Priority"]) == ("high", "1")
    assert parsedate_to_datetime(message["Date"]) == NOON
    text, page = (part.get_content() for part in message.iter_parts())
    assert text.replace("\r\n", "\n").endswith(f"since 12:00 UTC.\n\nAcknowledge: {LINK}\n")
    assert f'<a href="{LINK}"' in page
    assert page.count("<a ") == 1


async def test_the_name_of_a_mail_is_made_of_the_pages_key() -> None:
    """A repetition has the same name, so that a mail program knows it; another page has another; both of our domain."""
    async with mail_server() as server:
        pager = made(server)
        for key in (summons().key, OTHER, summons().key):
            await pager.page(summons(key=key, severity=Severity.SEV3))
    first, second, again = (each.message["Message-ID"] for each in server.taken)
    assert first == again != second
    assert first.endswith("@example.net>")
    assert summons().key not in first
    assert server.taken[0].message["Importance"] is None


@pytest.mark.parametrize(
    "title", ["INC-7\r\nBcc: evil@example.com", "INC-7\nSubject: x\r\n\r\n<script>", "a\u2028b\x00c\u202ed", "ü" * 400]
)
async def test_a_hostile_title_adds_no_header_and_no_receiver(title: str) -> None:
    """It is one line of the subject, cut to a length; in HTML it stays letters."""
    async with mail_server() as server:
        await made(server).page(summons(headline=title, text="<img src=x>\r\n.\r\nQUIT"))
    (taken,) = server.taken
    assert taken.to == [EMAIL]
    message = taken.message
    assert message["Bcc"] is None
    assert message.get_all("Subject") == [message["Subject"]]
    assert len(message["Subject"]) <= 180
    text, page = (part.get_content() for part in message.iter_parts())
    assert "\n.\n" in text.replace("\r\n", "\n")  # a line of one dot ends nothing
    assert "<img" not in page
    assert "<script" not in page


@pytest.mark.parametrize("at_once", [False, True], ids=["starttls", "tls"])
async def test_the_password_travels_encrypted_alone(tmp_path: Path, at_once: bool) -> None:
    """By STARTTLS or from the beginning, to a server whose certificate is trusted; it logs in after that."""
    tls, ca = papers(tmp_path)
    async with mail_server(tls, at_once=at_once, asks_login=True) as server:
        given = {"security": "tls" if at_once else "starttls", "ca": ca, "user": USER, "password": CANARY}
        await made(server, **given).page(summons())
    (taken,) = server.taken
    assert (taken.encrypted or at_once, taken.user) == (True, USER)
    heard = server.said
    assert at_once or heard.index("STARTTLS") < next(n for n, each in enumerate(heard) if each.startswith("AUTH"))


@pytest.mark.parametrize("security", ["starttls", "tls"])
async def test_a_certificate_nobody_trusts_is_told_nothing(tmp_path: Path, security: str) -> None:
    """The page goes by another channel; neither it nor the password was sent."""
    tls, _ = papers(tmp_path)
    async with mail_server(tls, at_once=security == "tls", asks_login=True) as server:
        with pytest.raises(Unavailable, match="certificate"):
            await made(server, security=security, user=USER, password=CANARY).page(summons())
    assert server.taken == []
    assert not any(each.startswith("AUTH") for each in server.said)


async def test_a_server_without_starttls_gets_nothing(tmp_path: Path) -> None:
    """Whoever took it out of the greeting reads no page."""
    async with mail_server() as server:
        with pytest.raises(Unavailable, match="STARTTLS"):
            await made(server, security="starttls").page(summons())
    assert server.taken == []


@pytest.mark.parametrize(
    ("verb", "answer", "kind", "says"),
    [
        ("RCPT", f"550 5.1.1 <{EMAIL}> unknown", Refused, "refused Ana Souza's address (550)"),
        ("RCPT", f"450 4.2.1 <{EMAIL}> busy", Unavailable, "does not take mail for Ana Souza now (450)"),
        ("MAIL", "550 5.7.1 not you", Refused, "refused a page to Ana Souza (550)"),
        ("DATA", f"554 5.7.1 spam for {EMAIL}", Refused, "refused a page to Ana Souza (554)"),
        ("DATA", "451 4.3.0 later", Unavailable, "answered 451"),
        ("EHLO", "500 what", Unavailable, ""),
    ],
)
async def test_what_the_server_says_is_told_by_its_number(
    verb: str, answer: str, kind: type[Exception], says: str
) -> None:
    """For good is Refused, for now is Unavailable; its words name the address and stay here."""
    async with mail_server() as server:
        server.answers[verb] = answer
        if verb == "EHLO":
            server.answers["HELO"] = answer
        with pytest.raises(kind) as caught:
            await made(server).page(summons())
    assert says in str(caught.value)
    assert EMAIL not in str(caught.value)
    assert server.taken == []


async def test_a_wrong_password_is_our_credentials() -> None:
    """The server repeats it; the sentence does not."""
    async with mail_server(asks_login=True) as server:
        with pytest.raises(Unavailable, match=r"did not accept our credentials \(535\)") as caught:
            await made(server, user=USER, password="not-the-one").page(summons())
    assert "not-the-one" not in str(caught.value)


async def test_a_goodbye_that_fails_undoes_nothing() -> None:
    """The message was taken by then: it is sent once."""
    async with mail_server() as server:
        server.answers["QUIT"] = "500 5.5.2 no"
        assert (await made(server).page(summons())).where
    assert len(server.taken) == 1


async def test_a_server_that_drips_holds_no_thread() -> None:
    """Each letter comes in time and the answer never: with the deadline the line is cut, and the thread hangs up."""
    async with mail_server() as server:
        server.manners = "drips"
        with pytest.raises(Unavailable, match=r"within 0\.2 s"):
            await made(server, timeout_seconds=0.2).page(summons())
        async with asyncio.timeout(5):
            await server.gone.wait()


@pytest.mark.parametrize(
    "address",
    ["ana", "ana@", "@example.org", "ana@example.org, bob@example.org", "a\r\nb@example.org", "<ana@example.org>"],
)
async def test_what_is_no_address_is_refused_by_name(address: str) -> None:
    """Before anything is sent, and without telling it."""
    async with mail_server() as server:
        with pytest.raises(Refused, match=r"Ana Souza's email in people\.yaml is no mail address") as caught:
            await made(server).page(summons(contact=replace(CONTACT, email=address)))
    assert address not in str(caught.value)
    assert server.calls == 0


@pytest.mark.parametrize(
    ("wrong", "says"),
    [
        ({"host": "smtp.example.org", "security": "plain"}, "allow_plain"),
        ({"user": USER}, "a user needs a password"),
        ({"from": "Tocsin <a@b.example>"}, "from"),
        ({"from": "a@b.example\r\nBcc: x"}, "from"),
    ],
)
def test_settings_that_cannot_be_meant_are_refused(wrong: dict[str, Any], says: str) -> None:
    """Readable by others without saying so, half a login, or a sender that is more than an address."""
    with pytest.raises(ValidationError, match=says):
        shelf.load("pagers", "email").Settings.model_validate({**PLAIN, **wrong})
    meant = {**PLAIN, "host": "smtp.example.org", "allow_plain": True}
    assert shelf.load("pagers", "email").Settings.model_validate(meant).allow_plain
