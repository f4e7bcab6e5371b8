"""A named call for what nobody wrote an adapter for: state read before and after, a change, and the way back.

In the catalogue, a target that moves a feature flag's rollout, with every setting that matters:

    name: visits-flag
    action: http
    settings:
      called: feature flags
      url: https://flags.internal/api
      token: {env: FLAGS_TOKEN}
      secret_headers: {X-Project-Key: {env: FLAGS_PROJECT_KEY}}
      means: traffic
      klass: 2
      params:
        flag: {choices: [new-ranking, new-pricing]}
        percent: {type: integer, minimum: 0, maximum: 100}
      state:
        path: /flags/{flag}
        read: {percent: /rollout/percent, enabled: /enabled}
      version: etag
      wanted: {percent: "{percent}"}
      change:
        method: PATCH
        path: /flags/{flag}
        body: {rollout: {percent: "{percent}"}}
        content_type: application/merge-patch+json
      undo:
        method: PATCH
        path: /flags/{flag}
        body: {rollout: {percent: "{before.percent}"}}
        content_type: application/merge-patch+json
      if_match: true
      applied: /changes/{key}
      dry_run:
        method: PATCH
        path: /flags/{flag}
        query: {dry_run: "1"}
        body: {rollout: {percent: "{percent}"}}
        content_type: application/merge-patch+json
      blast_radius: everybody who sees {flag}

An offer or a runbook then asks `{flag: new-ranking, percent: 0}`. A text that is one name alone (`"{percent}"`) becomes
the value with its type, names within a text become text, `{{` is a brace; nothing else is evaluated. There are the
params, `key` (the idempotency key), `version`, and `before.NAME` of what `state` reads. A value in a path stays within
its segment. What has no state of its own, such as a retraining, leaves `wanted` out and gives `says` and `applied`.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, ClassVar
from urllib.parse import quote, urlencode

import httpx

from bot.actions import _change as change
from bot.actions import _template as template
from bot.actions._asked import Request, taken
from bot.actions._call import CallSettings
from bot.clients.http import Http, where
from bot.clock import Clock
from bot.domain.errors import Refused, Unavailable
from bot.domain.mitigation import Means, Plan
from bot.domain.service import Target
from bot.engine.values import Observation, Seen

KEY = "KEY"
"""How a plan shows the key, which is made of the plan."""


_DECIDING = {
    "url", "headers", "secret_headers", "params", "state", "version", "wanted", "change", "undo", "if_match",
    "key_header", "applied",
}  # fmt: skip
"""The settings that say what is sent where, and how its effect is read."""


@dataclass(frozen=True, slots=True)
class Look:
    """What was read: the values by name, and the version they have."""

    values: Mapping[str, Any]
    version: Any

    @property
    def token(self) -> str:
        return template.word(self.version)


class Call:
    """One kind of change of one system. Where the system keeps a record of keys, that is believed first."""

    shelf: ClassVar[str] = "actions"
    Settings = CallSettings

    def __init__(
        self, settings: CallSettings, *, clock: Clock, transport: httpx.AsyncBaseTransport | None = None
    ) -> None:
        self._settings, self._what = settings, settings.called
        self._uid = f"http:{where(settings.url)}"
        self._http = Http(
            self._what,
            settings,
            url=settings.url,
            transport=transport,
            headers=settings.headers,
            secret_headers=settings.secret_headers,
        )

    async def close(self) -> None:
        await self._http.close()

    async def plan(self, target: Target, means: Means, params: Mapping[str, object]) -> Plan:
        """Check what is asked, read the state, fill every request, and try it dry where the settings say how."""
        settings = self._settings
        if means is not settings.means:
            raise change.cannot(self._what, means, (settings.means,))
        asked = taken(params, settings.params)
        look = await self._look(asked)
        names = self._names(asked, look.values) | {"version": look.version}
        after = template.fill(settings.wanted, names)
        before = {name: look.values[name] for name in after} if after else dict(look.values)
        moved = tuple(
            f"{name} {_told(before[name])} → {_told(after[name])}" for name in after if _differs(before, after, name)
        )
        request = settings.change.filled(names | {"key": KEY})
        says = (template.text(settings.says, names),) if settings.says else ()
        diff = (*says, *moved, str(request)) if moved or not after else ()
        dry_run = change.READ_ONLY
        if diff and settings.dry_run is not None:
            await self._send(settings.dry_run, names)
            dry_run = f"{self._what} took it as a dry run"
        return Plan(
            means=means,
            action=target.action,
            target=target.name,
            target_uid=self._uid + self._place(asked),
            token=look.token,
            params={"asked": asked, "as_configured": self._configured()},
            before=before,
            after=after,
            diff=diff,
            blast_radius=template.text(settings.blast_radius, names),
            klass=settings.klass,
            undo=self._way_back(before, names),
            undo_params=dict(look.values) if settings.undo is not None else {},
            share=settings.share,
            dry_run=dry_run,
        )

    def keyed_for(self, plan: Plan) -> bool:
        """Where its record can be read too: what the state shows may be another hand's."""
        return self._settings.keyed and bool(self._settings.applied)

    async def uid(self, plan: Plan) -> str:
        return self._uid + self._place(_asked(plan))

    async def token(self, plan: Plan) -> str:
        return (await self._look(_asked(plan))).token

    async def execute(self, plan: Plan, key: str) -> None:
        if plan.params.get("as_configured") != self._configured():
            raise Refused(f"the settings of {plan.target} changed since it was planned; propose it again")
        if await self._record(plan, key):
            return
        look = await self._look(_asked(plan))
        if plan.after and _part(look, plan) == plan.after:
            return
        if look.token != plan.token:
            raise Refused(f"{self._what} changed since it was planned; nothing was done")
        await self._carry(self._settings.change, plan, key, look, look.values)

    async def observe(self, plan: Plan, key: str) -> Observation:
        """By the system's own record of the key where it keeps one, and by the state it shows."""
        look = await self._look(_asked(plan))
        seen = change.compared(_part(look, plan), plan.before, plan.after)
        if not self._settings.applied:
            return seen
        if not await self._record(plan, key):
            return Observation(Seen.NOT_APPLIED, f"{self._what} knows nothing of it; {seen.detail}")
        if not plan.after or seen.seen is Seen.APPLIED:
            return Observation(Seen.APPLIED, f"{self._what} took it under this key")
        return Observation(Seen.MOVING, f"{self._what} took it under this key, and {seen.detail}")

    async def undo(self, plan: Plan, key: str) -> None:
        request = self._settings.undo
        if not plan.undo or request is None:
            raise Refused(f"there is no way back: the settings of {plan.target} name no undo")
        look = await self._look(_asked(plan))
        now = _part(look, plan)
        if now == plan.before:
            return
        if plan.params.get("as_configured") != self._configured():
            raise Refused(f"the settings of {plan.target} changed since it was planned; take it back by hand")
        if await self._record(plan, key):
            return
        if now != plan.after:
            raise Refused(f"{self._what} was changed again since ({_words(now)}); undoing would take that back too")
        await self._carry(request, plan, key, look, plan.undo_params)

    async def undone(self, plan: Plan, key: str) -> Observation:
        look = await self._look(_asked(plan))
        seen = change.compared(_part(look, plan), before=plan.after, after=plan.before)
        if seen.seen is Seen.APPLIED or not await self._record(plan, key):
            return seen
        return Observation(Seen.MOVING, f"{self._what} took it under this key, and {seen.detail}")

    # -- asking ------------------------------------------------------------------------------------------------------

    async def _carry(self, request: Request, plan: Plan, key: str, look: Look, before: Mapping[str, Any]) -> None:
        """Send it; where the system cannot compare for us, look again whether somebody came between."""
        names = self._names(_asked(plan), before) | {"key": key, "version": look.version}
        await self._send(request, names, key=key, etag=look.version if self._settings.if_match else "")
        if self._settings.if_match or not plan.after:
            return
        now = _part(await self._look(_asked(plan)), plan)
        if now not in (plan.before, plan.after):
            raise Unavailable(self._what, f"shows {_words(now)} after it was asked: somebody may have come between")

    async def _send(self, request: Request, names: Mapping[str, Any], *, key: str = "", etag: str = "") -> None:
        filled = request.filled(names)
        headers = {} if filled.body is None else {"content-type": filled.content_type}
        if key and self._settings.key_header:
            headers[self._settings.key_header] = quote(key, safe="/:@")
        if etag:
            headers["if-match"] = etag
        await self._http.send(filled.method, filled.path, filled.body, filled.query, headers=headers)

    async def _look(self, asked: Mapping[str, Any]) -> Look:
        state, version = self._settings.state, self._settings.version
        query = {name: template.text(value, asked) for name, value in state.query.items()}
        absent = (404,) if state.may_be_absent else ()
        document, etag = await self._http.look(template.path(state.path, asked), query, absent=absent)
        if document is None and absent:
            return Look(dict.fromkeys(state.read), "absent")
        values = {
            name: template.at(document, template.pointer(pointer, asked), self._what, lacking=name in state.may_lack)
            for name, pointer in state.read.items()
        }
        if version == "etag":
            if not etag:
                raise Unavailable(self._what, "answered without an ETag, which the settings go by")
            return Look(values, etag)
        if version:
            return Look(values, template.at(document, template.pointer(version, asked), self._what))
        return Look(values, change.fingerprint(values))

    async def _record(self, plan: Plan, key: str) -> bool:
        """Whether the system keeps a record of this key."""
        if not self._settings.applied:
            return False
        names = {**_asked(plan), "key": key}
        found, _ = await self._http.look(template.path(self._settings.applied, names), absent=(404,))
        return found is not None

    # -- words -------------------------------------------------------------------------------------------------------

    def _names(self, asked: Mapping[str, Any], before: Mapping[str, Any]) -> dict[str, Any]:
        return {**asked, **{f"before.{name}": before.get(name) for name in self._settings.state.read}}

    def _way_back(self, before: Mapping[str, Any], names: Mapping[str, Any]) -> str:
        undo = self._settings.undo
        return "" if undo is None else f"put back {_words(before)}: {undo.filled({**names, 'key': KEY})}"

    def _place(self, asked: Mapping[str, Any]) -> str:
        """Where the state stands: two plans of one place concern one target."""
        state = self._settings.state
        query = urlencode({name: template.text(value, asked) for name, value in state.query.items()})
        return f"{template.path(state.path, asked)}{f'?{query}' if query else ''}"

    def _configured(self) -> str:
        """A fingerprint of what decides the requests, there and back: what was approved is not sent by other settings.

        Of secrets it holds the names alone, so that a key can be renewed meanwhile.
        """
        told = self._settings.model_dump(mode="json", include=_DECIDING)
        return change.fingerprint(told)


def _asked(plan: Plan) -> Mapping[str, Any]:
    asked = plan.params.get("asked")
    if not isinstance(asked, Mapping):
        raise Refused("this plan was not made by this action; propose it again")
    return asked


def _part(look: Look, plan: Plan) -> Mapping[str, Any]:
    """What of the state the plan is about."""
    return {name: look.values.get(name) for name in plan.before}


def _differs(before: Mapping[str, Any], after: Mapping[str, Any], name: str) -> bool:
    return bool(before[name] != after[name])


def _words(values: Mapping[str, Any]) -> str:
    return ", ".join(f"{name} {_told(value)}" for name, value in values.items())


def _told(value: Any) -> str:
    return "none" if value is None else template.word(value)
