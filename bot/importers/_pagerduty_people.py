"""Reads PagerDuty's users: their numbers, and by which ways they want to be reached in which order."""

from __future__ import annotations

from collections.abc import Sequence

from bot.importers._export import Node
from bot.importers._found import Harvest
from bot.importers._people import EMAIL, SMS, VOICE, Account, number, zone_of

WAYS = {"email_contact_method": EMAIL, "phone_contact_method": VOICE, "sms_contact_method": SMS}
PUSH = "push_notification_contact_method"
MANAGERS = ("account_owner", "owner", "admin", "global_admin")


def read_users(users: Sequence[Node], harvest: Harvest) -> list[Account]:
    """Everybody, with their numbers and ways."""
    found = [_account(each, harvest) for each in users]
    managers = sum(each.at("role").word in MANAGERS for each in users)
    if managers:
        some = "1 user administers" if managers == 1 else f"{managers} users administer"
        harvest.remark(
            "users", f"{some} PagerDuty; whoever is new becomes a responder here, other roles are given by hand"
        )
    return found


def _account(node: Node, harvest: Harvest) -> Account:
    account = Account(
        id=node.text("id"),
        node=node,
        name=node.text("name"),
        email=node.text("email", required=False),
        zone=zone_of(node.at("time_zone")),
    )
    numbers: dict[str, str] = {}
    methods: dict[str, Node] = {}
    for each in node.many("contact_methods"):
        kind, key = each.text("type").removesuffix("_reference"), each.text("id")
        methods[key] = each
        if kind in {"phone_contact_method", "sms_contact_method"} and each.at("address"):
            code = each.at("country_code").value
            numbers[key] = number("1" if code is None else str(code), each.text("address"), each, harvest)
        elif kind == "email_contact_method":
            address = each.text("address", required=False)
            if address and address.casefold() != account.email.casefold():
                harvest.remark(each, "a further mail address is left out; one is kept for each person")
    wanted = _rules(node, harvest)
    for delay, rule in wanted:
        key = rule.at("contact_method", "id").word
        method = methods.get(key) or rule.at("contact_method")
        kind = method.at("type").word.removesuffix("_reference")
        if kind in WAYS:
            account.ways.append(WAYS[kind])
            account.phones += [numbers[key]] if numbers.get(key) else []
        else:
            what = "PagerDuty's app is left behind; `push` in people.yaml is the like of it"
            harvest.remark(rule, what if kind == PUSH else f"there is no way like {kind or 'this one'}")
        if delay:
            harvest.remark(rule, "delays are not kept: each way is tried as soon as the one before has failed")
    account.phones += [each for each in numbers.values() if each]
    return account


def _rules(node: Node, harvest: Harvest) -> list[tuple[int, Node]]:
    """The rules for what is urgent, the soonest first; those for what is not have no counterpart."""
    rules = [(each.number("start_delay_in_minutes", otherwise=0), each) for each in node.many("notification_rules")]
    urgent = [one for one in rules if one[1].at("urgency").word != "low"]
    if len(urgent) < len(rules):
        low = next(each for _delay, each in rules if each.at("urgency").word == "low")
        harvest.remark(low, "rules for low urgency are not kept: a ticket pages nobody here")
    return sorted(urgent, key=lambda one: one[0])
