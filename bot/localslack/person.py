"""A person of the practice workspace, for scripts and tests: `await ana.click("ack", within=5)`."""

import asyncio
from collections.abc import Callable, Iterator
from types import TracebackType
from typing import Any, Self

import httpx

from bot.domain.errors import NotFound, Refused, Unavailable

Message = dict[str, Any]


class Person:
    """Acts and looks as one person. Their room is `room` unless a call names another.

    Raises Refused with the workspace's sentence where the person may not or cannot, NotFound where nothing matches,
    Unavailable where the workspace does not answer.
    """

    def __init__(self, base_url: str, user: str, *, room: str = "") -> None:
        self.user, self.room = user, room
        self._http = httpx.AsyncClient(base_url=base_url.rstrip("/"), timeout=10, trust_env=False)

    async def close(self) -> None:
        """Hang up."""
        await self._http.aclose()

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, kind: type[BaseException] | None, error: BaseException | None,
                        trace: TracebackType | None) -> None:  # fmt: skip
        await self.close()

    # -- look --

    async def messages(self, room: str = "", *, in_thread_of: str = "") -> list[Message]:
        """The messages of a room, or of one thread in it, oldest first."""
        asked = {"channel": room or self.room} | ({"thread_ts": in_thread_of} if in_thread_of else {})
        answer = await self._get(f"/people/{self.user}/messages", asked)
        return list(answer["messages"])

    async def views(self) -> list[dict[str, Any]]:
        """Open modals, bottom first."""
        return list((await self._get(f"/people/{self.user}/views"))["views"])

    async def errors(self) -> dict[str, str]:
        """What the top modal complains about: block id → words."""
        answer = await self._get(f"/people/{self.user}/views")
        return dict(answer["errors"].get(answer["views"][-1]["id"], {})) if answer["views"] else {}

    async def home(self) -> dict[str, Any] | None:
        """The Home tab as last published."""
        view: dict[str, Any] | None = (await self._get(f"/people/{self.user}/views"))["home"]
        return view

    async def find(
        self, action_id: str, room: str = "", *, in_thread_of: str = "", ts: str = ""
    ) -> tuple[Message, dict[str, Any]]:
        """The newest message (or the one at `ts`) with an element whose action_id starts so, and the element."""
        for message in reversed(await self.messages(room, in_thread_of=in_thread_of)):
            if ts and message["ts"] != ts:
                continue
            there = list(elements_of(message.get("blocks") or []))
            for element in sorted(there, key=lambda each: each["action_id"] != action_id):  # what is called so exactly
                if element["action_id"].startswith(action_id):
                    return message, element
        raise NotFound("button", action_id, sorted(await self._buttons(room, in_thread_of)))

    async def _buttons(self, room: str, thread: str) -> set[str]:
        said = await self.messages(room, in_thread_of=thread)
        return {one["action_id"] for message in said for one in elements_of(message.get("blocks") or [])}

    async def wait_for(self, wanted: Callable[[Message], bool], room: str = "", *, in_thread_of: str = "",
                       within: float = 10.0) -> Message:  # fmt: skip
        """The newest message that satisfies `wanted`, as soon as there is one; Unavailable after `within` seconds."""
        deadline = asyncio.get_running_loop().time() + within
        while True:
            for message in reversed(await self.messages(room, in_thread_of=in_thread_of)):
                if wanted(message):
                    return message
            if asyncio.get_running_loop().time() >= deadline:
                raise Unavailable("the conversation", f"nothing of the kind within {within:g} s")
            await asyncio.sleep(0.05)

    async def wait_for_view(self, callback_id: str = "", *, within: float = 5.0) -> dict[str, Any]:
        """The top modal whose callback_id starts so, as soon as it is open."""
        deadline = asyncio.get_running_loop().time() + within
        while True:
            views = await self.views()
            if views and views[-1]["callback_id"].startswith(callback_id):
                return views[-1]
            if asyncio.get_running_loop().time() >= deadline:
                seen = [one["callback_id"] for one in views]
                raise Unavailable("the modal", f"{callback_id!r} not open within {within:g} s; open: {seen}")
            await asyncio.sleep(0.05)

    # -- act --

    async def click(self, action_id: str, *, room: str = "", in_thread_of: str = "", ts: str = "", value: Any = None,
                    within: float = 0.0) -> dict[str, Any]:  # fmt: skip
        """Click the newest element whose action_id starts so; for menus and selects `value` is the option's value.

        `within` waits for it to appear.
        """
        deadline = asyncio.get_running_loop().time() + within
        while True:
            try:
                message, element = await self.find(action_id, room, in_thread_of=in_thread_of, ts=ts)
                break
            except NotFound:
                if asyncio.get_running_loop().time() >= deadline:
                    raise
                await asyncio.sleep(0.05)
        body = {"channel": room or self.room, "ts": message["ts"], "action_id": element["action_id"], "value": value}
        return await self._post("click", body)

    async def click_in_view(self, action_id: str, *, value: Any = None) -> dict[str, Any]:
        """Click inside the top modal."""
        view = await self._top()
        for element in elements_of(view["blocks"]):
            if element["action_id"].startswith(action_id):
                body = {"view_id": view["id"], "action_id": element["action_id"], "value": value}
                return await self._post("click", body)
        raise NotFound("button", action_id, [one["action_id"] for one in elements_of(view["blocks"])])

    async def submit(self, values: dict[str, Any] | None = None) -> dict[str, Any]:
        """Send the top modal. Values by block_id: plain, or {action_id: value}."""
        view = await self._top()
        filled: dict[str, Any] = {}
        for block in view["blocks"]:
            given = (values or {}).get(block["block_id"])
            if given is None:
                continue
            element = block.get("element") or block.get("accessory") or {}
            named = isinstance(given, dict) and element.get("action_id") in given
            filled[block["block_id"]] = given if named else {element.get("action_id", ""): given}
        unknown = sorted(set(values or {}) - set(filled))
        if unknown:
            raise NotFound("question", unknown[0], [one["block_id"] for one in view["blocks"] if "element" in one])
        return await self._post("submit", {"view_id": view["id"], "values": filled})

    async def close_view(self, *, everything: bool = False) -> dict[str, Any]:
        """Close the top modal."""
        return await self._post("close", {"view_id": (await self._top())["id"], "everything": everything})

    async def say(self, text: str, *, room: str = "", in_thread_of: str = "") -> str:
        """Write; answers the ts."""
        answer = await self._post("say", {"channel": room or self.room, "text": text, "thread_ts": in_thread_of})
        return str(answer["ts"])

    async def command(self, command: str, text: str = "", *, room: str = "") -> dict[str, Any]:
        """A slash command."""
        return await self._post("command", {"channel": room or self.room, "command": command, "text": text})

    async def shortcut(self, callback_id: str, *, room: str = "", ts: str = "") -> dict[str, Any]:
        """A shortcut, on a message when `ts` is given."""
        return await self._post("shortcut", {"callback_id": callback_id, "channel": room or self.room, "ts": ts})

    async def react(self, name: str, ts: str, *, room: str = "", remove: bool = False) -> dict[str, Any]:
        """A reaction."""
        return await self._post("react", {"channel": room or self.room, "ts": ts, "name": name, "remove": remove})

    async def open_home(self) -> dict[str, Any]:
        """Open the Home tab."""
        return await self._post("home", {})

    # -- within --

    async def _top(self) -> dict[str, Any]:
        views = await self.views()
        if not views:
            raise NotFound("modal", "open for " + self.user)
        return views[-1]

    async def _get(self, path: str, asked: dict[str, str] | None = None) -> dict[str, Any]:
        return await self._answer("GET", path, params=asked)

    async def _post(self, act: str, body: dict[str, Any]) -> dict[str, Any]:
        return await self._answer("POST", f"/people/{self.user}/{act}", json=body)

    async def _answer(self, method: str, path: str, **more: Any) -> dict[str, Any]:
        try:
            response = await self._http.request(method, path, **more)
            answer: dict[str, Any] = response.json()
        except (httpx.HTTPError, ValueError) as error:
            raise Unavailable("the practice workspace", type(error).__name__) from None
        if not answer.get("ok", response.is_success):
            fields = "; ".join(f"{name}: {words}" for name, words in answer.get("fields", {}).items())
            raise Refused(f"{answer.get('error')}{': ' if fields else ''}{fields}")
        return answer


def elements_of(blocks: list[dict[str, Any]]) -> Iterator[dict[str, Any]]:
    """Every element with an action_id, in order."""
    for block in blocks:
        for one in (block.get("element"), block.get("accessory"), *(block.get("elements") or [])):
            if isinstance(one, dict) and "action_id" in one:
                yield one
        yield from elements_of(block.get("child_blocks") or [])
