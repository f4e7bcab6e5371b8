"""What the people who run the demonstration's deployment do: release a version, break or repair the pipeline, reset."""

from pathlib import Path
from typing import Any

from bot.demo import papers
from bot.demo.models import RELEASES
from bot.demo.parts import HAProxy
from bot.demo.pipeline import Pipeline, read_fault
from bot.demo.registry import Registry
from bot.demo.router import Router
from bot.demo.truth import Truth
from bot.domain.errors import Invalid, NotFound, Problem, Unavailable

_DEPLOYS = 1_000


class Operations:
    """Deploys and faults, with a deploy log in one file. `registry` and `balancer` are told too where they exist."""

    def __init__(
        self, path: Path, router: Router, line: Pipeline, truth: Truth, records: dict[str, dict[str, Any]],
        now: papers.Now,
    ) -> None:  # fmt: skip
        self.line = line
        self.registry: Registry | None = None
        self.balancer: HAProxy | None = None
        self._path, self._router, self._truth, self._records, self._now = path, router, truth, records, now
        kept = papers.read(path)
        if kept is not None and not isinstance(kept.get("deploys"), list):
            raise Invalid([Problem(str(path), 1, 1, "no deploys", "a file this world wrote")])
        self._deploys: list[dict[str, Any]] = kept["deploys"] if kept else []
        if not self._deploys:
            self._log(RELEASES[0], None, router.revision)

    def deploys(self) -> list[dict[str, Any]]:
        """Every release, oldest first."""
        return list(self._deploys)

    async def release(self, version: Any) -> dict[str, Any]:
        """Give the version all traffic that goes by weight, as a deployer would, and log it.

        Raises NotFound for what is no release. Releasing what is live already logs nothing.
        """
        if version not in RELEASES:
            raise NotFound("release", str(version), RELEASES)
        weights = {name: 100 * (name == version) for name in RELEASES}
        before = self._router.state()
        if before["weights"] == weights and self._deploys[-1]["version"] == version:
            return self._deploys[-1]
        revision = self._steer({"weights": weights, "paused": []})
        if self.balancer is not None:
            await self.balancer.weigh(weights)
        previous = max(before["weights"], key=lambda name: before["weights"][name])
        deploy = self._log(version, previous, revision)
        self._truth.note(f"release {version}")
        if self.registry is not None:
            await self.registry.promote(version, self._records)
        return deploy

    def fault(self, kind: Any) -> dict[str, Any]:
        """Start a pipeline run with this fault, or a good one; raises NotFound for a fault there is none of."""
        fault, before = read_fault(kind), self.line.fault
        told = self.line.set_fault(fault)
        if fault != before:
            self._truth.note(f"pipeline fault {fault}" if fault else "pipeline repaired")
        return told

    async def reset(self) -> dict[str, Any]:
        """Back to health: v1 alone, no bypass, nothing paused, a good pipeline run."""
        self.line.reset()
        await self.release(RELEASES[0])
        state = self._router.state()
        if state["bypass"] or state["paused"]:
            lifted = {"bypass": dict.fromkeys(state["bypass"])} if state["bypass"] else {}
            self._steer({"paused": [], **lifted})
        if self.balancer is not None:
            await self.balancer.clear()
        self._truth.note("reset")
        return {"router": self._router.state(), "pipeline": self.line.tell()}

    def _steer(self, change: dict[str, Any]) -> int:
        """One change of the router under a key of the deployer's own; no other change can come between: no waiting."""
        at = self._router.revision
        key = f"deployer:{at}:{self._now():%Y%m%dT%H%M%S.%f}"
        answer = self._router.apply({"key": key, "expect_revision": at, **change})
        if answer.status != 200:  # noqa: PLR2004
            raise Unavailable("router", "; ".join(answer.body["reasons"]))
        return int(answer.body["revision"])

    def _log(self, version: str, previous: str | None, revision: int) -> dict[str, Any]:
        record = self._records[version]
        number = self._deploys[-1]["number"] + 1 if self._deploys else 1
        deploy = {
            "id": f"deploy-{number}", "number": number,
            "version": version, "previous": previous, "at": papers.stamp(self._now().timestamp()), "by": "deployer",
            "router_revision": revision, "code_revision": record["code_revision"],
            "training_set_digest": record["training_set"]["digest"],
        }  # fmt: skip
        self._deploys = [*self._deploys, deploy][-_DEPLOYS:]
        papers.write(self._path, {"deploys": self._deploys})
        return deploy
