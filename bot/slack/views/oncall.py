"""Who is on call: each rota now and at its next hand-off, a service level by level, and one's own next shifts."""

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime

from bot.blockkit.blocks import Block, actions, context, divider, header, section
from bot.blockkit.text import untrusted
from bot.engine.board import LevelNow, RotaNow, ServiceNow
from bot.engine.roster import Stint
from bot.engine.roster_ports import Cover
from bot.engine.values import Profile
from bot.slack.views import cover as covers_
from bot.slack.views._words import at, bulleted, lasted, plain_line, press

ROTAS, SERVICES, LEVELS, SHIFTS, COVERS = 40, 40, 20, 4, 6
NOBODY = "⚠ nobody is on call"

People = Mapping[str, Profile]
"""By opaque id."""


def mention(person: Profile) -> str:
    """A person in mrkdwn: a mention where they are in the workspace, else the name."""
    known = person.slack_user.replace("_", "").isalnum()
    return f"<@{person.slack_user}>" if known else untrusted(plain_line(person.name), 80)


def render(
    rotas: Sequence[RotaNow],
    services: Sequence[ServiceNow],
    people: People,
    moment: datetime | None = None,
    asked: Sequence[Cover] = (),
    titles: Mapping[str, str] | None = None,
) -> list[Block]:
    """Every rota and every service; `moment` where somebody asked for another time than now."""
    when = f" at {at(moment)}" if moment is not None else ""
    blocks = [section(f"*On call{when}*")]
    if rotas:
        blocks.append(section(bulleted([rota_line(each, people) for each in rotas], ROTAS, 2_900)))
    if services:
        blocks += [section("*By service*")] if rotas else []
        blocks.append(section(bulleted([service_line(each) for each in services], SERVICES, 2_900)))
    if not rotas and not services:
        blocks.append(section("No rota and no service is configured, so nobody is on call."))
    wanted = [covers_.line(each, (titles or {}).get(each.rota, each.rota), people) for each in asked]
    if wanted:
        blocks += [divider(), section("*Asked to be covered*")]
        blocks += [
            section(words, accessory=covers_.take_button(each)) for words, each in zip(wanted, asked, strict=True)
        ][:COVERS]
        blocks += [context(f"… and {len(wanted) - COVERS} more on the console")] if len(wanted) > COVERS else []
    return blocks


def of_service(service: ServiceNow, moment: datetime | None = None) -> list[Block]:
    """One service: whom a page comes to, level by level, and what happens at the end."""
    title = untrusted(plain_line(service.title or service.service), 150)
    when = f" at {at(moment)}" if moment is not None else ""
    instead = f"pages go to {', then '.join(mention(each) for each in service.instead)}"
    if not service.levels:
        then = instead if service.instead else "no page of it reaches anybody"
        return [section(f"*{title}*{when}: {NOBODY}; {then}.")]
    lines = [f"{number}. {_level(each)}" for number, each in enumerate(service.levels, 1)]
    blocks = [section(f"*{title}*{when}, a page climbs so:\n" + bulleted(lines, LEVELS, 2_700, mark=""))]
    if not any(level.people for level in service.levels):
        blocks.append(section(f"{NOBODY} on any level: {instead if service.instead else 'a page reaches nobody'}."))
    rounds = "once" if service.rounds == 1 else f"{service.rounds} times"
    hear = "hears" if len(service.end) == 1 else "hear"
    end = f", then {_all(service.end)} {hear} that nobody answered" if service.end else ""
    blocks.append(context(f"All levels {rounds}{end}."))
    return blocks


def of_rota(rota: RotaNow, people: People, moment: datetime | None = None) -> list[Block]:
    """One rota at that time."""
    when = f"At {at(moment)} " if moment is not None else ""
    return [section(f"{when}{rota_line(rota, people)}")]


def rota_line(rota: RotaNow, people: People) -> str:
    """A rota in one line: who, until when, and who then."""
    words = f"*{untrusted(plain_line(rota.title), 100)}*: {_stints(rota.now, people) or NOBODY}"
    if not rota.now and rota.provider and rota.told_at is None:
        return f"{words}: {_provider(rota)}"
    if rota.next_at is None:
        words += "" if rota.now else ", and nobody in the next five weeks"
    else:
        words += f" until {at(rota.next_at)}, then {_stints(rota.next, people) or '⚠ nobody'}"
    return f"{words} · {_provider(rota)}" if rota.provider and rota.trouble else words


def _provider(rota: RotaNow) -> str:
    """What is wrong with a schedule kept elsewhere."""
    name = untrusted(plain_line(rota.provider), 40)
    if rota.told_at is None:
        why = f" ({untrusted(plain_line(rota.trouble), 200)})" if rota.trouble else ""
        return f"{name} has not told who is{why}"
    why = untrusted(plain_line(rota.trouble), 200)
    return f"⚠ {name} is silent since {at(rota.trouble_since)} ({why}); this is what it said {at(rota.told_at)}"


def _stints(stints: Iterable[Stint], people: People) -> str:
    return ", ".join(dict.fromkeys(_stint(each, people) for each in stints))


def _stint(stint: Stint, people: People) -> str:
    person = people.get(stint.person)
    if person is None:
        return f"⚠ {untrusted(plain_line(stint.name), 80)} (not in people.yaml, cannot be paged)"
    instead = f" (for {untrusted(plain_line(stint.instead_of), 80)})" if stint.instead_of else ""
    return f"{mention(person)}{instead}"


def service_line(service: ServiceNow) -> str:
    """A service in one line: its levels in their order."""
    levels = [_all(level.people) if level.people else "⚠ nobody" for level in service.levels]
    standing = any(level.people for level in service.levels)
    title = untrusted(plain_line(service.title or service.service), 100)
    if standing:
        return f"*{title}*: {', then '.join(levels[:LEVELS])}"
    return f"*{title}*: {NOBODY}" + (f"; pages go to {_all(service.instead)}" if service.instead else "")


def _level(level: LevelNow) -> str:
    who = _all(level.people) if level.people else "⚠ nobody, the next level is paged at once"
    rotas = [entry for entry in level.entries if ":" in entry]
    by = f" (by {untrusted(', '.join(each.partition(':')[2] for each in rotas), 100)})" if rotas else ""
    within = f" · the next level after {lasted(level.within).removesuffix(' 0 s')}" if level.within else ""
    return f"{who}{by}{within}"


def _all(people: Iterable[Profile]) -> str:
    return ", ".join(mention(each) for each in people)


# -- one's own -------------------------------------------------------------------------------------------------------


def mine(
    shifts: Sequence[Stint],
    titles: Mapping[str, str],
    now: datetime,
    until: datetime,
    asked: Sequence[Cover] = (),
    people: People | None = None,
    who: Profile | None = None,
) -> list[Block]:
    """On the Home tab: one's next shifts up to `until`, and covers that concern one; nothing where there is none."""
    blocks: list[Block] = []
    if shifts:
        lines = [shift_line(each, titles.get(each.rota, each.rota), now, until) for each in shifts]
        blocks += [header("Your shifts"), section(bulleted(lines, SHIFTS, 2_900))]
        blocks.append(actions(press("Ask to be covered", covers_.OPEN, "")))
    if asked:
        blocks.append(header("Covers"))
        for each in asked[:COVERS]:
            words = covers_.line(each, titles.get(each.rota, each.rota), people or {})
            blocks.append(section(words, accessory=covers_.way(each, who.id if who else "")))
        blocks += [context(f"… and {len(asked) - COVERS} more on the console")] if len(asked) > COVERS else []
    return blocks


def shift_line(shift: Stint, title: str, now: datetime, until: datetime) -> str:
    """One shift, by the reader's own clock."""
    instead = f" for {untrusted(plain_line(shift.instead_of), 80)}" if shift.instead_of else ""
    end = "" if shift.end >= until else f" until {at(shift.end)}"
    hours = f"now{end}" if shift.start <= now else f"{at(shift.start)}{end or ' on'}"
    return f"*{untrusted(plain_line(title), 100)}*{instead}: {hours}"
