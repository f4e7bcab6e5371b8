"""Plays the demonstration: two acts on a real small deployment, by script or by whoever sits at the browser."""

from __future__ import annotations

import asyncio
import json
import textwrap
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import httpx

from bot.clock import Clock, SystemClock
from bot.demo import papers, parts
from bot.demo.people import Cast, Deed, Script
from bot.demo.stage import Stage
from bot.domain.errors import Conflict, NotFound, Refused, TocsinError, Unavailable

BASELINE = 8.0  # seconds of healthy traffic before something breaks
PATIENCE = 240.0  # seconds without any progress after which an act has failed
LOOK = 0.2
FAULTS = {1: ("/release", {"version": "v2"}), 2: ("/pipeline/fault", {"kind": "zero"})}
WHAT = {
    1: "act one: a release trained on data that lost one group's labels",
    2: "act two: the live feature pipeline corrupts the same group's features",
}
EXECUTED = ("applied", "verified", "not helping", "undoing", "undone", "unknown")

Say = Callable[[str], None]


@dataclass
class Play:
    """One demonstration on one state folder; played again on the same folder it goes on where it stood."""

    folder: Path
    acts: Sequence[int] = (1, 2)
    auto: bool = True
    embedded: bool = False
    say: Say = print
    clock: Clock = field(default_factory=SystemClock)
    stage: Stage = field(init=False)

    def __post_init__(self) -> None:
        self.stage = Stage(
            self.folder,
            () if self.embedded else extras(),
            parts.mlflow_line if not self.embedded and installed("mlflow") else None,
        )

    @property
    def _notes(self) -> Path:
        return self.folder / "play.json"

    async def run(self) -> list[dict[str, Any]]:
        """Play the acts; one result each. Raises TocsinError where an act cannot go on."""
        self.say("starting the world (model, router, traffic), the practice Slack and the bot")
        if self.stage.registry:
            self.say("MLflow is installed here: its server takes ten to thirty seconds")
        await self.stage.up()
        if self.stage.without:
            self.say(f"without MLflow: {self.stage.without[:200]}")
        self.say(f"up: {', '.join(f'{name} {part}' for name, part in self.parts().items())}")
        self.say(f"practice Slack {self.stage.slack_url}/?as=U0ANA · console {self.stage.web_url}")
        token = (self.folder / "tocsin" / "state" / "api-token").read_text().strip()
        cast = Cast(self.stage.slack_url, self.stage.web_url, token)
        if not self.auto:
            for key in ("ana", "ben", "cleo"):
                self.say(f"console as {key}, once: {await cast.login(key)}")
        try:
            return [await self._act(act, cast) for act in self.acts]
        finally:
            await cast.close()

    def parts(self) -> dict[str, str]:
        """Which real part plays which role."""
        world = self.stage.world
        return {
            "source": "prometheus" if "prometheus" in world else "openmetrics",
            "router": "haproxy" if "haproxy" in world else "router",
            "registry": "mlflow" if "mlflow" in world else "lineage records",
            "database": "sqlite",
            "chat": "practice slack",
        }

    # -- one act -----------------------------------------------------------------------------------------------------

    async def _act(self, act: int, cast: Cast) -> dict[str, Any]:
        notes = papers.read(self._notes) or {}
        if str(act) in notes.get("told", {}):
            return dict(notes["told"][str(act)])
        self.say(WHAT[act])
        since = await self._break(act, notes)
        script, told = Script(cast, act), _Told(self.say)
        deadline = asyncio.get_running_loop().time() + PATIENCE
        while True:
            if self.auto and await self.stage.revive():
                self.say("the bot had died and was started again")
            try:
                seen = await self._incident(cast, since)
            except Unavailable:
                await asyncio.sleep(LOOK)
                continue
            if seen is not None and told.news(seen):
                deadline = asyncio.get_running_loop().time() + PATIENCE
            if seen is not None and script.over(seen):
                break
            await self._deed(script.next(seen) if seen is not None else None, seen, cast)
            if self.auto and asyncio.get_running_loop().time() > deadline:
                where = "no incident was opened" if seen is None else f"it stands at {seen['phase']}"
                raise Unavailable(f"act {act}", f"nothing moved for {PATIENCE:g} s; {where}")
            await asyncio.sleep(LOOK)
        result = await self._result(act, cast, seen)
        self._timeline(seen)
        papers.write(self._notes, {**notes, "told": {**notes.get("told", {}), str(act): result}})
        return result

    async def _break(self, act: int, notes: dict[str, Any]) -> datetime:
        """Let something break, once per folder; when that was."""
        broken: dict[str, str] = notes.setdefault("broken", {})
        if str(act) not in broken:
            if not broken:
                self.say(f"{BASELINE:g} s of healthy traffic first")
                await asyncio.sleep(BASELINE)
            path, body = FAULTS[act]
            broken[str(act)] = self.clock.now().isoformat()
            papers.write(self._notes, notes)
            self.say("now it breaks")
            await self._world(path, body)
        else:
            path, body = FAULTS[act]
            if not notes.get("told", {}).get(str(act)):
                await self._world_again(act, path, body)
        return datetime.fromisoformat(broken[str(act)])

    async def _world(self, path: str, body: Mapping[str, Any]) -> None:
        try:
            answer = await self.stage.http.post(f"{self.stage.world['world']}{path}", json=dict(body))
            answer.raise_for_status()
        except httpx.HTTPError as error:
            raise Unavailable("the world", f"{path}: {type(error).__name__}") from None

    async def _world_again(self, act: int, path: str, body: Mapping[str, Any]) -> None:
        """Interrupted between writing down that it breaks and breaking it: break it now, unless it did."""
        truth = (await self.stage.http.get(f"{self.stage.world['world']}/world")).json()
        done = any(deploy.get("version") == "v2" for deploy in truth["deploys"]) if act == 1 else bool(truth["fault"])
        if not done:
            await self._world(path, body)

    async def _incident(self, cast: Cast, since: datetime) -> dict[str, Any] | None:
        """The incident of this act: the first that was detected after it broke."""
        listed = await cast.get("/incidents")
        rows = listed["incidents"] if isinstance(listed, dict) else listed
        ours = [row["id"] for row in rows if _time(row["detected"]) >= since]
        if not ours:
            return None
        found: dict[str, Any] = await cast.get(f"/incidents/{min(ours, key=_number)}")
        return found

    async def _deed(self, deed: Deed | None, seen: Mapping[str, Any] | None, cast: Cast) -> None:
        if deed is None:
            if not self.auto:
                await self._hint("Wait: the bot is watching the data." if seen is None else "Wait for the data.")
            return
        if not self.auto:
            await self._hint(deed.words)
            return
        try:
            await deed.do()
        except (Refused, NotFound, Unavailable, Conflict) as trouble:
            # somebody was faster, the bot is restarting, or the chat is a moment behind: look again
            self.say(f"  ({deed.who} tries again: {str(trouble)[:160]})")
            await asyncio.sleep(1)
        else:
            self.say(f"  {deed.words}")
            if cast.refused:
                self.say(f"  refused, as it should be: {cast.refused}")
                cast.refused = ""

    async def _hint(self, text: str) -> None:
        try:
            await self.stage.http.post(f"{self.stage.slack_url}/control/hint", json={"text": text})
        except httpx.HTTPError:
            return

    # -- telling -----------------------------------------------------------------------------------------------------

    async def _result(self, act: int, cast: Cast, seen: Mapping[str, Any]) -> dict[str, Any]:
        chain = await cast.get("/verify")
        done = [m for m in seen["mitigations"] if m["state"] in EXECUTED]
        return {
            "act": act,
            "incident": seen["id"],
            **{name: seen[name] for name in ("onset", "detected", "acknowledged", "mitigated", "resolved")},
            **{name: seen["measures"][name] for name in ("ttd_s", "tta_s", "ttm_s", "ttr_s")},
            "cause": seen["cause"],
            "actions": [
                {"kind": m["means"], "action": m["action"], "target": m["target"], "outcome": m["state"]} for m in done
            ],
            "verified": proved([m["state"] for m in done]),
            "duties": [
                {name: duty[name] for name in ("regime", "answer", "because", "strict", "outer")}
                for duty in seen["duties"]
            ],
            "notices": [
                {"id": n["id"], "template": n["template"], "standing": n["standing"], "approved_by": n["approved_by"]}
                for n in seen["notices"]
            ],
            "chain_ok": bool(chain["ok"]),
            "parts": self.parts(),
        }

    def _timeline(self, seen: Mapping[str, Any]) -> None:
        self.say(f"{seen['id']} · {seen['title']}")
        for line in seen["timeline"]:
            self.say(f"  {_time(line['at']):%H:%M:%S}  {line['text']}")
        measures = seen["measures"]
        for name, words in (
            ("onset", "began (from the data)"),
            ("detected", "detected"),
            ("acknowledged", "acknowledged"),
            ("mitigated", "mitigated (SLI met again, from the data)"),
            ("resolved", "resolved"),
        ):
            self.say(f"  {_time(seen[name]):%H:%M:%S} UTC  {words}")
        lag = ", ".join(f"{name[:3]} {measures[name]:.1f} s" for name in ("ttd_s", "tta_s", "ttm_s", "ttr_s"))
        self.say(f"  detection lag {measures['ttd_s']:.1f} s ({lag})")


def proved(states: Collection[str]) -> bool:
    """Whether the data proved what was done: something verified stands, and whatever else was done was taken back."""
    return "verified" in states and set(states) <= {"verified", "undone"}


class _Told:
    """Says every new line of an incident once."""

    def __init__(self, say: Say) -> None:
        self.say, self._seen = say, 0

    def news(self, seen: Mapping[str, Any]) -> bool:
        lines = sorted(seen["timeline"], key=lambda line: line["seq"])
        fresh = [line for line in lines if line["seq"] > self._seen]
        for line in fresh:
            text = textwrap.shorten(line["text"], 240, placeholder=" …")
            self.say(f"{_time(line['recorded']):%H:%M:%S} {seen['id']} {text}")
            self._seen = line["seq"]
        return bool(fresh)


def extras() -> list[str]:
    """What of the well-known parts is installed here, as the world's arguments."""
    return [f"--{name}" for name in ("prometheus", "haproxy") if installed(name)]


def installed(name: str) -> bool:
    """Whether that program is on this machine."""
    try:
        parts.binary(name)
    except Unavailable:
        return False
    return True


def _time(text: str) -> datetime:
    return datetime.fromisoformat(text).astimezone(UTC)


def _number(name: str) -> int:
    return int(name.rpartition("-")[2])


def as_json(result: Mapping[str, Any]) -> str:
    """One act's result on one line."""
    return json.dumps(result, ensure_ascii=False)


__all__ = ["Play", "TocsinError", "as_json"]
