"""What people do with their hands: click, type, submit, say, command; as calls for scripts, tests and the page."""

from typing import Any

from bot.localslack import payloads
from bot.localslack.delivery import Answer
from bot.localslack.dialogs import Dialogs, elements, held, missing
from bot.localslack.people import BOT_USER, Room
from bot.localslack.scopes import COMMANDS
from bot.localslack.typed import Refusal, element_of, mentioned, word
from bot.localslack.workspace import SlackError, Workspace

Json = dict[str, Any]


class Hands:
    """Acts as any person of the workspace. Each answer tells whether the app acknowledged in time."""

    def __init__(self, workspace: Workspace, dialogs: Dialogs) -> None:
        self._workspace, self._dialogs = workspace, dialogs

    # -- who and where --

    def _room(self, user: str, name: str) -> Room:
        """A room the person is a member of; nobody acts where they are not."""
        self.person(user)
        try:
            room = self._workspace.room(name)
        except SlackError:
            raise Refusal(404, f"there is no room {name!r}") from None
        if user not in room.members:
            raise Refusal(403, f"{user} is not a member of {room.name}")
        return room

    def person(self, user: str) -> None:
        """A living person of the workspace."""
        one = self._workspace.people.get(user)
        if one is None or one.is_bot or one.deleted:
            there = ", ".join(p.id for p in self._workspace.people.values() if not p.is_bot and not p.deleted)
            raise Refusal(404, f"there is no person {user!r}; there is {there}")

    def _message(self, user: str, room: Room, ts: str) -> Json:
        for note in self._workspace.ephemerals:
            if note["ts"] == ts and note["for"] == user:
                return note
        try:
            return self._workspace.message(room.id, ts)
        except SlackError:
            raise Refusal(404, f"there is no message {ts} in {room.name}") from None

    def _response_url(self, user: str, room: Room, message: Json | None = None) -> str:
        key = self._workspace.new_id("R")
        self._workspace.response_urls[key] = {
            "user": user, "channel": room.id, "left": 5, "until": self._workspace.now() + 1800,
            "ts": message["ts"] if message else "", "thread_ts": message.get("thread_ts") if message else None,
        }  # fmt: skip
        return f"{self._workspace.url}/respond/{key}"

    # -- acts --

    async def click(self, user: str, body: Json) -> Json:
        """Press a button, choose of a menu or select: in a message {channel, ts}, or in a view {view_id}."""
        if body.get("view_id"):
            return await self._click_in_view(user, body)
        room = self._room(user, word(body, "channel"))
        message = self._message(user, room, word(body, "ts"))
        block, element = element_of(message.get("blocks") or [], body)
        action = self._action(block, element, body.get("value"))
        trigger = self._dialogs.trigger(user)
        payload = payloads.click_on_message(
            self._workspace, user, room, message, action, trigger=trigger,
            response_url=self._response_url(user, room, message),
        )  # fmt: skip
        return self._told(await self._workspace.delivery.send("interactive", payload), user)

    async def _click_in_view(self, user: str, body: Json) -> Json:
        view = self._view(user, word(body, "view_id"))
        block, element = element_of(view["blocks"], body)
        action = self._action(block, element, body.get("value"))
        values = view["state"]["values"].get(block["block_id"], {})
        if element["action_id"] in values:
            state = {name: item for name, item in action.items() if name.startswith(("selected", "value"))}
            values[element["action_id"]] = {"type": element["type"], **state}
        if block["type"] == "input" and not block.get("dispatch_action"):
            return {"ok": True, "acked": True, "answer": None}  # typed, not sent: that waits for the submit
        trigger = self._dialogs.trigger(user, view=view["id"])
        payload = payloads.click_in_view(self._workspace, user, view, action, trigger=trigger)
        return self._told(await self._workspace.delivery.send("interactive", payload), user)

    async def submit(self, user: str, body: Json) -> Json:
        """Fill in a modal and send it: values are {block_id: {action_id: plain or Slack's object}}."""
        view = self._view(user, word(body, "view_id"))
        self._fill(view, body.get("values") or {})
        wrong = missing(view)
        if wrong:
            self._dialogs.errors[view["id"]] = wrong
            self._workspace.changed("views")
            raise Refusal(422, "some answers are missing or too long", fields=wrong)
        trigger = self._dialogs.trigger(user, view=view["id"])
        payload = payloads.submit(self._workspace, user, view, trigger=trigger)
        answer = await self._workspace.delivery.send("interactive", payload)
        if answer.acked:
            try:
                self._dialogs.answered(user, view, answer.body or {})
            except SlackError as error:
                raise Refusal(
                    502, f"the app answered with a view Slack refuses: {error.code}", **error.beside
                ) from None
        return self._told(answer, user) | {"errors": self._dialogs.errors.get(view["id"], {})}

    def _fill(self, view: Json, values: Json) -> None:
        places = {(block["block_id"], one["action_id"]): one for block, one in elements(view["blocks"])}
        for block_id, inputs in values.items():
            for action_id, value in inputs.items():
                element = places.get((block_id, action_id))
                if element is None:
                    there = ", ".join(f"{b}/{a}" for b, a in places)
                    raise Refusal(404, f"the view has no input {block_id}/{action_id}; it has {there}")
                try:
                    view["state"]["values"].setdefault(block_id, {})[action_id] = held(element, value)
                except (ValueError, KeyError) as error:
                    raise Refusal(422, str(error)) from None

    async def close(self, user: str, body: Json) -> Json:
        """Close a modal without sending it; `everything` closes the stack."""
        view = self._view(user, word(body, "view_id"))
        everything = bool(body.get("everything") or view["clear_on_close"])
        stack = self._dialogs.stacks.get(user, [])
        going = list(reversed(stack)) if everything else [view]
        self._dialogs.close(user, view, everything=everything)
        answer = Answer(True)
        for one in going:
            if one["notify_on_close"]:
                payload = payloads.closed(self._workspace, user, one, everything=everything)
                answer = await self._workspace.delivery.send("interactive", payload)
        return self._told(answer, user)

    async def say(self, user: str, body: Json) -> Json:
        """Write a message; `@name` becomes a mention as Slack's client makes it."""
        room = self._room(user, word(body, "channel"))
        if room.archived:
            raise Refusal(409, f"{room.name} is archived")
        workspace = self._workspace
        text = mentioned(word(body, "text"), workspace.people.values(), workspace.settings.groups.values())
        try:
            message = self._workspace.post(room, user, {"text": text, "thread_ts": body.get("thread_ts")})
        except SlackError as error:
            raise Refusal(404, error.code) from None
        return {"ok": True, "ts": message["ts"], "channel": room.id}

    async def command(self, user: str, body: Json) -> Json:
        """A slash command; Slack refuses them in threads."""
        room = self._room(user, word(body, "channel"))
        name = "/" + word(body, "command").lstrip("/")
        if body.get("thread_ts"):
            raise Refusal(409, f"{name} is not supported in threads. Sorry!")
        self._installed(name)
        known = [one["command"] for one in self._workspace.commands]
        if known and name not in known:
            raise Refusal(404, f"{name} is not a valid command. There is {', '.join(known)}")
        trigger = self._dialogs.trigger(user)
        payload = payloads.command(
            self._workspace, user, room, name, str(body.get("text") or ""), trigger=trigger,
            response_url=self._response_url(user, room),
        )  # fmt: skip
        answer = await self._workspace.delivery.send("slash_commands", payload)
        reply = answer.body or {}
        if reply.get("text") or reply.get("blocks"):
            if reply.get("response_type") == "in_channel":
                self._workspace.post(room, BOT_USER, {"text": reply.get("text"), "blocks": reply.get("blocks")})
            else:
                self._workspace.whisper(room, user, reply)
        return self._told(answer, user)

    async def shortcut(self, user: str, body: Json) -> Json:
        """A shortcut: from a message's menu with {channel, ts}, else global."""
        name = word(body, "callback_id")
        self._installed(name)
        trigger = self._dialogs.trigger(user)
        if body.get("ts"):
            room = self._room(user, word(body, "channel"))
            message = self._message(user, room, str(body["ts"]))
            payload = payloads.message_shortcut(
                self._workspace, user, name, room, message, trigger=trigger,
                response_url=self._response_url(user, room, message),
            )  # fmt: skip
        else:
            self.person(user)
            payload = payloads.shortcut(self._workspace, user, name, trigger=trigger)
        return self._told(await self._workspace.delivery.send("interactive", payload), user)

    def _installed(self, name: str) -> None:
        """Commands and shortcuts are there for an app with the scope for them alone."""
        if COMMANDS not in self._workspace.settings.scopes:
            raise Refusal(404, f"{name} is not there: the app lacks the scope `{COMMANDS}`")

    async def react(self, user: str, body: Json) -> Json:
        """Put a reaction on a message, or with `remove` take it off."""
        room = self._room(user, word(body, "channel"))
        message = self._message(user, room, word(body, "ts"))
        try:
            name = word(body, "name").strip(":")
            self._workspace.react(room, message["ts"], user, name, add=not body.get("remove"))
        except SlackError as error:
            raise Refusal(409, error.code) from None
        return {"ok": True}

    async def edit(self, user: str, body: Json) -> Json:
        """Change the words of one's own message."""
        room, message = self._own(user, body)
        self._workspace.edit(room, message["ts"], {"text": word(body, "text")}, by=user)
        return {"ok": True}

    async def delete(self, user: str, body: Json) -> Json:
        """Take one's own message back."""
        room, message = self._own(user, body)
        self._workspace.delete(room, message["ts"])
        return {"ok": True}

    def _own(self, user: str, body: Json) -> tuple[Room, Json]:
        room = self._room(user, word(body, "channel"))
        message = self._message(user, room, word(body, "ts"))
        if message["user"] != user:
            raise Refusal(403, "only one's own messages")
        return room, message

    async def home(self, user: str, _body: Json) -> Json:
        """Open the app's Home tab."""
        self.person(user)
        event: Json = {"type": "app_home_opened", "user": user, "tab": "home"}
        event |= {"event_ts": f"{self._workspace.now():.6f}", "channel": self._workspace.open_dm(user).id}
        if user in self._dialogs.homes:
            event["view"] = self._dialogs.homes[user]
        self._workspace.event(event)
        return {"ok": True, "view": self._dialogs.homes.get(user)}

    async def options(self, user: str, body: Json) -> Json:
        """What an external select offers for the words typed so far: {view_id} or {channel, ts}, {action_id, query}."""
        holder: Json
        if body.get("view_id"):
            view = self._view(user, word(body, "view_id"))
            block, element = element_of(view["blocks"], body)
            holder = {"container": {"type": "view", "view_id": view["id"]}, "view": view}
        else:
            room = self._room(user, word(body, "channel"))
            message = self._message(user, room, word(body, "ts"))
            block, element = element_of(message.get("blocks") or [], body)
            place = {"type": "message", "message_ts": message["ts"], "channel_id": room.id, "is_ephemeral": False}
            holder = {"container": place, "channel": payloads.place(room), "message": message}
        payload = payloads.suggestion(self._workspace, user, holder, block, element, str(body.get("query") or ""))
        answer = await self._workspace.delivery.send("interactive", payload)
        told = answer.body or {}
        grouped = [one for group in told.get("option_groups") or [] for one in group["options"]]
        return {"ok": True, "acked": answer.acked, "options": [*(told.get("options") or []), *grouped]}

    async def pin(self, user: str, body: Json) -> Json:
        """Pin a message to its channel, or with `remove` take the pin out."""
        room = self._room(user, word(body, "channel"))
        message = self._message(user, room, word(body, "ts"))
        kept = {name: value for name, value in message.items() if name not in {"pinned_to", "pinned_info"}}
        if not body.get("remove"):
            kept |= {"pinned_to": [room.id], "pinned_info": {"by": user, "at": int(self._workspace.now())}}
        self._workspace.memory.put_message(room.id, kept)
        what = "pin_removed" if body.get("remove") else "pin_added"
        item = {"type": "message", "channel": room.id, "message": kept}
        self._workspace.event({"type": what, "user": user, "channel_id": room.id, "item": item,
                               "event_ts": f"{self._workspace.now():.6f}"}, room)  # fmt: skip
        self._workspace.changed("messages")
        return {"ok": True}

    async def status(self, user: str, body: Json) -> Json:
        """Turn do not disturb on or off {dnd}, walk away or come back {away}."""
        self.person(user)
        given = {name: body[name] for name in ("dnd", "away") if isinstance(body.get(name), bool)}
        if not given:
            raise Refusal(422, "say dnd or away: true or false")
        self._workspace.set_person(user, **given)
        return {"ok": True}

    # -- within --

    def _view(self, user: str, view_id: str) -> Json:
        self.person(user)
        try:
            owner, view = self._dialogs.find(view_id)
        except SlackError:
            raise Refusal(404, f"no view {view_id} is open") from None
        if owner != user:
            raise Refusal(403, f"the view {view_id} is not {user}'s")
        return view

    def _action(self, block: Json, element: Json, value: Any) -> Json:
        """The entry of `actions`: the element with what was chosen."""
        kept = ("action_id", "type", "text", "value", "style", "url") if element["type"] == "button" else (
            "action_id", "type", "placeholder")  # fmt: skip
        action = {name: element[name] for name in kept if name in element}
        action |= {"block_id": block["block_id"], "action_ts": f"{self._workspace.now():.6f}"}
        if element["type"] == "overflow":
            chosen = next((one for one in element["options"] if one["value"] == value), None)
            if chosen is None:
                there = ", ".join(one["value"] for one in element["options"])
                raise Refusal(404, f"the menu has no option {value!r}; it has {there}")
            return action | {"selected_option": chosen}
        if element["type"] == "button":
            return action
        try:
            return action | held(element, value)
        except (ValueError, KeyError) as error:
            raise Refusal(422, str(error)) from None

    def _told(self, answer: Answer, user: str) -> Json:
        told: Json = {"ok": True, "acked": answer.acked, "answer": answer.body}
        if not answer.acked:
            told["because"] = answer.because
        return told | {"views": [one["id"] for one in self._dialogs.stacks.get(user, [])]}
