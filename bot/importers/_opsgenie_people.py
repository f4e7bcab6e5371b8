"""Reads Opsgenie's users, their contacts and by which of them they want to be told of a new alert."""

from __future__ import annotations

from collections.abc import Sequence

from bot.importers._export import Node, pages
from bot.importers._found import Harvest
from bot.importers._people import EMAIL, SMS, VOICE, Account, number, zone_of

WAYS = {"email": EMAIL, "sms": SMS, "voice": VOICE}
NEW_ALERT = "create-alert"


def read_users(users: Sequence[Node], root: Node, harvest: Harvest) -> list[Account]:
    """Everybody, with their numbers and ways."""
    return [_account(each, root, harvest) for each in users]


def _account(node: Node, root: Node, harvest: Harvest) -> Account:
    username = node.text("username")
    account = Account(
        id=node.text("id"),
        node=node,
        name=node.text("fullName", required=False) or username,
        email=username if "@" in username else "",
        zone=zone_of(node.at("timeZone")),
    )
    if node.at("blocked").value is True:
        harvest.remark(node, "is blocked in Opsgenie, and stands in people.yaml all the same, for rotas may name them")
    plain: list[str] = []
    for each in _contacts(node, root, account.id):
        way = (each.at("contactMethod").word or each.text("method")).lower()
        if each.at("status", "enabled").value is False or each.at("enabled").value is False:
            continue
        plain.append(way)
        if way in {"sms", "voice"}:
            account.phones.append(_number(each, harvest))
    rules, _more = pages(root.at("notification_rules"), account.id, "data")
    steps = _steps(rules, harvest)
    for step in steps:
        _take(step, account, harvest)
    if not steps:
        account.ways += [WAYS[way] for way in plain if way in WAYS]
    account.phones = [each for each in account.phones if each]
    return account


def _contacts(node: Node, root: Node, key: str) -> list[Node]:
    apart, _more = pages(root.at("contacts"), key, "data")
    return [*node.many("userContacts"), *apart]


def _steps(rules: Sequence[Node], harvest: Harvest) -> list[Node]:
    """What is done of a new alert, the soonest first; other occasions and conditions have no counterpart."""
    found: list[tuple[int, Node]] = []
    for rule in rules:
        kind = rule.at("actionType").word or rule.text("action_type")
        if kind != NEW_ALERT or rule.at("enabled").value is False:
            if kind != NEW_ALERT:
                harvest.remark(rule, f"rules for {kind} are not kept: `reach` is for pages alone")
            continue
        if rule.at("timeRestriction") or rule.at("criteria", "type").word not in {"", "match-all"}:
            harvest.remark(rule, "its conditions and hours are not kept: `reach` holds for every page")
        steps = [each for each in rule.many("steps") if each.at("enabled").value is not False]
        found += [(each.number("sendAfter", "timeAmount", otherwise=0), each) for each in steps]
        if rule.at("repeat", "enabled").value is True:
            harvest.remark(rule.at("repeat"), "is not repeated: the rounds of the escalation page again")
    found.sort(key=lambda one: one[0])
    if any(delay for delay, _step in found):
        late = next(step for delay, step in found if delay)
        harvest.remark(late, "delays are not kept: each way is tried as soon as the one before has failed")
    return [step for _delay, step in found]


def _take(step: Node, account: Account, harvest: Harvest) -> None:
    contact = step.at("contact")
    way = contact.text("method").lower()
    if way in WAYS:
        account.ways.append(WAYS[way])
        if way != "email" and contact.at("to"):
            account.phones.insert(0, _number(contact, harvest))
    else:
        app = "Opsgenie's app is left behind; `push` in people.yaml is the like of it"
        harvest.remark(step, app if way == "mobile" else f"there is no way like {way!r}")


def _number(node: Node, harvest: Harvest) -> str:
    """Opsgenie writes numbers as 1-5551234567: the code of the country, a hyphen, the rest."""
    code, hyphen, rest = node.text("to").partition("-")
    return number(code.lstrip("+"), rest, node, harvest) if hyphen else number("", code, node, harvest)
