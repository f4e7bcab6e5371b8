"""What each feature asks of the workspace: the calls it makes, the scopes they need, what it listens to and offers."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Shortcut:
    """An entry in Slack's menus: of a message, or global."""

    label: str  # at most 24 characters
    kind: str  # `message` or `global`
    callback_id: str
    words: str


@dataclass(frozen=True, slots=True)
class Feature:
    """One feature; an `optional` one is left out where the workspace does not grant its scopes, and nothing else."""

    name: str
    scopes: tuple[str, ...] = ()
    calls: tuple[str, ...] = ()
    events: tuple[str, ...] = ()
    shortcuts: tuple[Shortcut, ...] = ()
    optional: bool = False


FEATURES = (
    Feature(
        "who we are, and `tocsin doctor --slack`", ("channels:read", "groups:read"),
        ("auth.test", "conversations.info", "blocks.validate"),
    ),
    Feature(
        "cards and what hangs below them", ("chat:write", "channels:read", "groups:read"),
        ("chat.postMessage", "chat.update", "chat.delete", "chat.getPermalink", "conversations.list"),
    ),
    Feature(
        "no message twice, and none lost", ("channels:history", "groups:history"),
        ("conversations.history", "conversations.replies"), ("message.channels", "message.groups"),
    ),
    Feature(
        "dialogs, the Home tab and words for one person", ("chat:write",),
        ("views.open", "views.push", "views.update", "views.publish", "chat.postEphemeral"), ("app_home_opened",),
    ),
    Feature(
        "the slash command and the menus", ("commands",), (), (), (
            Shortcut("Declare incident", "global", "declare", "Open an incident by hand"),
            Shortcut("Declare incident", "message", "declare_message", "Open an incident from this message"),
            Shortcut("Add to timeline", "message", "timeline_message", "Keep this message in the incident's timeline"),
            Shortcut("Record as finding", "message", "finding_message", "Keep this message as evidence"),
            Shortcut("Make follow-up", "message", "followup_message", "Promise a change, with an owner and a date"),
        ),
    ),
    Feature(
        "mentions in threads", ("app_mentions:read", "reactions:write"), ("reactions.add",), ("app_mention",),
    ),
    Feature(
        "pages by direct message", ("im:write",), ("conversations.open",),
    ),
    Feature(
        "guests are refused", ("users:read",), ("users.info",),
    ),
    Feature(
        "posting where it was not invited", ("chat:write.public",), optional=True,
    ),
    Feature(
        "a page in doubt is looked for before it is sent again", ("im:history",), optional=True,
    ),
    Feature(
        "messages kept by emoji", ("reactions:read", "reactions:write"), ("reactions.add", "reactions.remove"),
        ("reaction_added", "reaction_removed"), optional=True,
    ),
    Feature(
        "nobody is nudged who does not want to be disturbed", ("dnd:read",), ("dnd.info",), optional=True,
    ),
    Feature(
        "war rooms", ("channels:manage", "groups:write", "bookmarks:read", "bookmarks:write", "pins:write"),
        ("conversations.create", "conversations.setTopic", "conversations.invite",
         "conversations.archive", "bookmarks.list", "bookmarks.add", "pins.add"),
        ("channel_archive", "group_archive"), optional=True,
    ),
    Feature(
        "charts as pictures, drafts of post-mortems as files", ("files:write",),
        ("files.getUploadURLExternal", "files.completeUploadExternal"),
        optional=True,
    ),
)  # fmt: skip


def _each(wanted: str, *, optional: bool | None = None) -> tuple[str, ...]:
    """All of a kind, each once, in the order of the features."""
    chosen = [one for one in FEATURES if optional is None or one.optional is optional]
    return tuple(dict.fromkeys(each for one in chosen for each in getattr(one, wanted)))


CORE_SCOPES = _each("scopes", optional=False)
OPTIONAL_SCOPES = tuple(one for one in _each("scopes", optional=True) if one not in CORE_SCOPES)
EVENTS = _each("events")
CALLS = _each("calls")
SHORTCUTS = tuple(shortcut for feature in FEATURES for shortcut in feature.shortcuts)


def wanted_by(scope: str) -> str:
    """What a scope is for, in words."""
    return ", ".join(one.name for one in FEATURES if scope in one.scopes)
