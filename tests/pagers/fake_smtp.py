"""A mail server on the loopback: RFC 5321 strictly in its order, with STARTTLS, AUTH PLAIN and a mailbox for each address."""

from __future__ import annotations

import asyncio
import base64
import contextlib
import ssl
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from email import message_from_bytes
from email.message import EmailMessage
from email.policy import default

from tests.parts import CANARY

USER = "tocsin"


@dataclass
class Taken:
    """One message as it came: from whom, to whom, by what connection."""

    sender: str
    to: list[str]
    raw: bytes
    encrypted: bool
    user: str

    @property
    def message(self) -> EmailMessage:
        found = message_from_bytes(self.raw, policy=default)
        assert isinstance(found, EmailMessage)
        return found


@dataclass
class Server:
    """`answers` replaces what a verb is answered; `manners` are bad ones: hangs, hangs up, drips, junk, 421."""

    port: int = 0
    tls: ssl.SSLContext | None = None
    asks_login: bool = False
    answers: dict[str, str] = field(default_factory=dict)
    manners: str = ""
    taken: list[Taken] = field(default_factory=list)
    calls: int = 0
    said: list[str] = field(default_factory=list)
    gone: asyncio.Event = field(default_factory=asyncio.Event)  # who was dripped upon has hung up

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.calls += 1
        with contextlib.suppress(ConnectionError, ssl.SSLError, asyncio.IncompleteReadError):
            if self.manners == "hangs":
                await reader.read()
            elif self.manners == "drips":
                await self.drip(writer)
            elif self.manners == "junk":
                writer.write(b"\x00\xff junk\r\n" * 3)
            elif self.manners == "421":
                writer.write(b"421 4.3.2 ana.souza@example.org is not served now\r\n")
            elif self.manners != "hangs up":
                await Talk(self, reader, writer).held()
        writer.close()

    async def drip(self, writer: asyncio.StreamWriter) -> None:
        """A greeting without end, until the other side is gone."""
        try:
            while True:
                writer.write(b"2")
                await writer.drain()
                await asyncio.sleep(0.02)
        except ConnectionError:
            self.gone.set()


@dataclass
class Talk:
    """One connection."""

    server: Server
    reader: asyncio.StreamReader
    writer: asyncio.StreamWriter
    greeted: bool = False
    encrypted: bool = False
    user: str = ""
    sender: str | None = None
    to: list[str] = field(default_factory=list)

    async def held(self) -> None:
        """Until QUIT."""
        await self.say("220 mail.example.org ESMTP")
        while line := await self.reader.readline():
            if not line.endswith(b"\r\n") or len(line) > 512:
                await self.say("500 5.5.2 a line ends with CRLF and has 512 bytes at most")
                continue
            text = line.decode("ascii").rstrip("\r\n")
            self.server.said.append(text)
            verb = text.split(" ")[0].split(":")[0].upper()
            if verb in self.server.answers and verb != "DATA":
                await self.say(self.server.answers[verb])
            elif await self.verb(verb, text):
                return

    async def verb(self, verb: str, text: str) -> bool:
        """Answer one; True where the connection is over."""
        server = self.server
        match verb:
            case "EHLO":
                self.greeted = True
                offers = [
                    *(["STARTTLS"] if server.tls and not self.encrypted else []),
                    *(["AUTH PLAIN"] if server.asks_login else []),
                ]
                everything = ["mail.example.org", "SIZE 100000", *offers]
                await self.say(
                    "\r\n".join(
                        f"250{'-' if n < len(everything) - 1 else ' '}{each}" for n, each in enumerate(everything)
                    )
                )
            case "STARTTLS" if server.tls and self.greeted and not self.encrypted:
                await self.say("220 2.0.0 go ahead")
                await self.writer.start_tls(server.tls)
                self.encrypted, self.greeted = True, False
            case "AUTH" if server.asks_login and self.greeted and text.startswith("AUTH PLAIN "):
                given = base64.b64decode(text.removeprefix("AUTH PLAIN ")).decode().split("\0")
                self.user = given[1] if given[1:] == [USER, CANARY] else ""
                await self.say("235 2.7.0 welcome" if self.user else f"535 5.7.8 {given[2]} is wrong")
            case "MAIL" if self.greeted and (self.user or not server.asks_login):
                self.sender, self.to = text.partition("<")[2].partition(">")[0], []
                await self.say("250 2.1.0 ok")
            case "RCPT" if self.sender is not None:
                self.to.append(text.partition("<")[2].partition(">")[0])
                await self.say("250 2.1.5 ok")
            case "DATA" if self.to:
                await self.data()
            case "RSET":
                self.sender, self.to = None, []
                await self.say("250 2.0.0 ok")
            case "QUIT":
                await self.say("221 2.0.0 bye")
                return True
            case _:
                await self.say("503 5.5.1 not in this order")
        return False

    async def data(self) -> None:
        await self.say("354 go ahead")
        raw = (await self.reader.readuntil(b"\r\n.\r\n")).removesuffix(b".\r\n")
        assert b"\n" not in raw.replace(b"\r\n", b""), "a bare line end"
        if "DATA" not in self.server.answers:
            self.server.taken.append(
                Taken(self.sender or "", self.to, raw.replace(b"\r\n..", b"\r\n."), self.encrypted, self.user)
            )
        await self.say(self.server.answers.get("DATA", "250 2.0.0 taken"))

    async def say(self, text: str) -> None:
        self.writer.write(f"{text}\r\n".encode())
        await self.writer.drain()


@contextlib.asynccontextmanager
async def mail_server(
    tls: ssl.SSLContext | None = None, *, at_once: bool = False, asks_login: bool = False
) -> AsyncIterator[Server]:
    """It runs while the block does; with `at_once` the connection is encrypted from its beginning."""
    known = Server(tls=None if at_once else tls, asks_login=asks_login)
    tasks: set[asyncio.Task[None]] = set()

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None
        tasks.add(task)
        with contextlib.suppress(asyncio.CancelledError):
            await known.serve(reader, writer)

    server = await asyncio.start_server(serve, "127.0.0.1", 0, ssl=tls if at_once else None)
    known.port = server.sockets[0].getsockname()[1]
    try:
        yield known
    finally:
        server.close()
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
