"""Reads Grafana OnCall's users, and by which ways their personal notification rules reach them."""

from __future__ import annotations

from collections.abc import Sequence

from bot.importers._export import Node
from bot.importers._found import Harvest
from bot.importers._people import EMAIL, SLACK, SMS, VOICE, Account, zone_of

WAYS = {
    "notify_by_slack": SLACK,
    "notify_by_sms": SMS,
    "notify_by_phone_call": VOICE,
    "notify_by_email": EMAIL,
}
APP = ("notify_by_mobile_app", "notify_by_mobile_app_critical")


def read_users(users: Sequence[Node], rules: Sequence[Node], harvest: Harvest) -> list[Account]:
    """Everybody, with the ways they are reached."""
    return [_account(each, rules, harvest) for each in users]


def _account(node: Node, rules: Sequence[Node], harvest: Harvest) -> Account:
    account = Account(
        id=node.text("id"),
        node=node,
        name=node.text("name", required=False) or node.text("username"),
        email=node.text("email", required=False),
        zone=zone_of(node.at("timezone")),
    )
    slack = node.at("slack")  # one account, or a list of them
    first = slack.at(0) if isinstance(slack.value, list) else slack
    if first:
        account.slack_user = first.text("user_id")
        account.slack_team = first.text("team_id", required=False)
    mine = [each for each in rules if each.at("user_id").word == account.id]
    important = [each for each in mine if each.at("important").value is True]
    if important and len(important) < len(mine):
        plain = next(each for each in mine if each not in important)
        harvest.remark(plain, "of two sets of rules the important one is kept: `reach` is for pages alone")
    for rule in sorted(important or mine, key=lambda each: each.number("position", otherwise=0)):
        kind = rule.text("type")
        if kind in WAYS:
            account.ways.append(WAYS[kind])
        elif kind == "wait":
            harvest.remark(rule, "delays are not kept: each way is tried as soon as the one before has failed")
        elif kind in APP:
            harvest.remark(rule, "Grafana's app is left behind; `push` in people.yaml is the like of it")
        else:
            harvest.remark(rule, f"there is no way like {kind}")
    return account
