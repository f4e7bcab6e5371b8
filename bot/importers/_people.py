"""Gives everybody of an export one key in people.yaml: the one they have there by their mail address, or a new one."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field

from bot.importers._export import Node
from bot.importers._found import Harvest, Known, Person, names, slug

_E164 = re.compile(r"\+[1-9][0-9]{6,14}")
_MAIL = re.compile(r"[^@\s]+@[^@\s]+")

SMS, VOICE, EMAIL, SLACK = "sms", "voice", "email", "slack"
"""Our pagers that other systems have as well."""
BY_PHONE = (SMS, VOICE)


@dataclass
class Account:
    """Somebody, as another system knows them; `ways` is how they want to be reached, in their order."""

    id: str
    node: Node
    name: str
    email: str = ""
    zone: str = ""
    phones: list[str] = field(default_factory=list)
    ways: list[str] = field(default_factory=list)
    slack_user: str = ""
    slack_team: str = ""


class People:
    """Who is who in one export: by their ids there, keys of ours."""

    def __init__(self, accounts: Sequence[Account], known: Sequence[Known], harvest: Harvest) -> None:
        self._keys: dict[str, str] = {}
        self._by_mail: dict[str, str] = {}
        by_mail = {each.email.casefold(): each for each in known if each.email}
        there = {each.key: each for each in known}
        new = []
        for account in _each_once(accounts):
            here = by_mail.get(account.email.casefold()) if account.email else None
            plain = there.get(_wanted(account))
            if here is None and plain is not None and not plain.email:
                if account.email:
                    what = f"{account.email} could be {plain.key} of people.yaml, who has no mail address there"
                    account.node.complain(f"`email` in the entry {plain.key}, theirs or another", what=what)
                here = plain
            if here is None:
                new.append(account)
            else:
                self._know(account, here.key)
                harvest.people.append(_person(account, here.key, harvest, is_new=False))
        keys = names(((each.id, _wanted(each)) for each in new), taken=there)
        for account in new:
            self._know(account, keys[account.id])
            harvest.people.append(_person(account, keys[account.id], harvest, is_new=True))

    def _know(self, account: Account, key: str) -> None:
        self._keys[account.id] = key
        if account.email:
            self._by_mail[account.email.casefold()] = key

    def key(self, node: Node, *ids: str) -> str:
        """The key of whoever is meant there: by an id, or by a mail address. Complains of somebody unknown."""
        for each in ids:
            found = self._keys.get(each) or self._by_mail.get(each.casefold())
            if each and found:
                return found
        shown = next((each for each in ids if each), "")
        expected = "somebody among the users of the export"
        node.complain(expected, what=f"user {shown} is not among them" if shown else "names no user")
        return ""

    def seen(self, *ids: str) -> str:
        """The same for what is only shown: whoever is unknown keeps the id."""
        known = (self._keys.get(each) or self._by_mail.get(each.casefold()) for each in ids if each)
        return next((each for each in known if each), "") or next((each for each in ids if each), "")


def _each_once(accounts: Iterable[Account]) -> list[Account]:
    """Everybody once; complains of one mail address for two people."""
    kept: dict[str, Account] = {}
    mails: dict[str, str] = {}
    for each in accounts:
        if each.email and not _MAIL.fullmatch(each.email):
            each.node.complain("a mail address", what=f"{each.email!r} is no mail address")
        other = mails.setdefault(each.email.casefold(), each.id) if each.email else each.id
        if other != each.id:
            each.node.complain("one person for each address", what=f"{each.email} is the mail address of {other} too")
        kept.setdefault(each.id, each)
    return list(kept.values())


def _wanted(account: Account) -> str:
    return slug(account.email.partition("@")[0]) or slug(account.name)


def _person(account: Account, key: str, harvest: Harvest, *, is_new: bool) -> Person:
    phones = list(dict.fromkeys(account.phones))
    if is_new and len(phones) > 1:
        harvest.remark(account.node, "of several numbers the first is kept")
    has = {SMS: bool(phones), VOICE: bool(phones), EMAIL: bool(account.email), SLACK: bool(account.slack_user)}
    ways = [way for way in dict.fromkeys(account.ways) if has[way]]
    for lacking in (way for way in dict.fromkeys(account.ways) if is_new and not has[way]):
        needs = "a number" if lacking in BY_PHONE else "an account in Slack" if lacking == SLACK else "a mail address"
        harvest.remark(account.node, f"`reach` is without {lacking}: the export does not have {needs}")
    return Person(
        key=key,
        name=account.name or key,
        email=account.email,
        phone=phones[0] if phones else "",
        zone=account.zone,
        reach=tuple(ways),
        slack_user=account.slack_user,
        slack_team=account.slack_team,
        source=f"{harvest.vendor} user {account.id}",
        is_new=is_new,
    )


def number(code: str, digits: str, node: Node, harvest: Harvest) -> str:
    """A telephone number as E.164 has it, or "" with a remark: a number that is guessed would page a stranger."""
    plain = re.sub(r"[^0-9]", "", digits)
    written = digits.strip()
    if written.startswith("+"):
        found = f"+{plain}"
    elif written.startswith("00"):
        found = f"+{plain[2:]}"
    elif code and not plain.startswith("0"):
        found = f"+{code}{plain}"
    else:
        found = ""
    if _E164.fullmatch(found):
        return found
    harvest.remark(node, f"the number {digits!r} is left out: its form does not tell for certain how it is dialled")
    return ""


def zone_of(node: Node) -> str:
    """The time zone that is named there; "" where there is none, or none we know."""
    from zoneinfo import ZoneInfo

    name = node.word
    try:
        return ZoneInfo(name).key if name else ""
    except (ValueError, OSError, LookupError):
        return ""
