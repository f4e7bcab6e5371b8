"""A flag file edited in place: what it says afterwards, what stays as it was, and who is not overwritten.

tests/real/test_flagd_provider.py has OpenFeature's own provider read what is written here.
"""

from __future__ import annotations

import asyncio
import contextlib
import fcntl
import json
import os
import stat
import tempfile
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
from pydantic import ValidationError

from bot.domain.errors import Refused, Unavailable
from bot.domain.mitigation import Means
from bot.domain.policy import ActionClass
from bot.domain.service import Target
from bot.engine.ports import Action
from bot.engine.values import Seen
from tests.actions.fakes import ROLLBACK, Scene, make

SETTINGS = {"file": "/nowhere-{port}/flags.json", "flag": "model", "timeout_seconds": 0.4}
TARGET = Target("model-flag", "flagd")
KILL = (Means.BYPASS, {"enabled": False})
SLICE = (Means.BYPASS, {"slice": "region=fr", "to": "v1"})
FLAGS = """\
{
  "$schema": "https://flagd.dev/schema/v0/flags.json",
  "flags": {
    "other": { "state": "ENABLED", "variants": {"on": true}, "defaultVariant": "on" },
    "model": {
      "state"   : "ENABLED",
      "variants": {"v1": "one", "v2": "two", "rules": "r\\u00e9gles"},
      "defaultVariant": "v2"
    }
  }
}
"""


def action(file: Path, **settings: Any) -> Action:
    return make("flagd", file=str(file), **({"flag": "model"} | settings))


class FlagsOnDisk:
    """A file in a folder of its own; `changes` counts the files that took its name."""

    def __init__(self, folder: Path, text: str = FLAGS) -> None:
        self.file = folder / "flags.json"
        self.file.write_text(text)
        self.seen = [self.file.stat().st_ino]

    def changes(self) -> int:
        now = self.file.stat()
        if now.st_ino != self.seen[-1]:
            self.seen.append(now.st_ino)
        return len(self.seen) - 1

    def someone_changes_it(self) -> None:
        flags = json.loads(self.file.read_text())
        flags["flags"]["model"] |= {"defaultVariant": "rules", "state": "ENABLED", "targeting": {"var": "wish"}}
        self.file.write_text(json.dumps(flags))


@contextlib.asynccontextmanager
async def scene() -> AsyncIterator[Scene]:
    """What the suite in tests/shelves tries it on."""
    with tempfile.TemporaryDirectory(prefix="flags") as folder:
        disk = FlagsOnDisk(Path(folder))
        asks = {
            "rollback": ROLLBACK,
            "kill switch": KILL,
            "variant": (Means.BYPASS, {"variant": "rules"}),
            "slice": SLICE,
        }
        door = action(disk.file)
        yield Scene(door, TARGET, asks, Means.RETRAIN, disk.file.read_text, disk.changes, disk.someone_changes_it)
        await door.close()


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return FlagsOnDisk(tmp_path).file


async def test_a_kill_switch_in_words_changes_one_word(file) -> None:
    """Every other character of the file stays, odd spacing and escapes included."""
    door = action(file)
    plan = await door.plan(TARGET, *KILL)
    assert plan.diff == ("model: ENABLED → DISABLED (services use the default in their code)",)
    assert (plan.klass, plan.blast_radius) == (ActionClass.TRAFFIC, "every request of model-flag")
    await door.execute(plan, "K")
    assert file.read_text() == FLAGS.replace('"state"   : "ENABLED"', '"state"   : "DISABLED"')


async def test_a_rollback_is_the_default_variant_before(file) -> None:
    """From v2 to the version before it, for everybody; asked again, there is none before v1."""
    door = action(file)
    plan = await door.plan(TARGET, *ROLLBACK)
    assert (plan.diff, plan.serves) == (("model: default variant v2 → v1",), {"v1": 1.0})
    await door.execute(plan, "K")
    with pytest.raises(Refused, match="v1 serves and there is no version before it"):
        await door.plan(TARGET, *ROLLBACK)


async def test_a_slice_rule_stands_in_front_and_is_taken_away_alone(file) -> None:
    """Two slices, one lifted: the other and the flag's own rules stay, and the undo brings every character back."""
    own = '{ "if": [ {"in": ["@ours", {"var": "email"}]},\n        "rules", null ] }'
    file.write_text(FLAGS.replace('"defaultVariant": "v2"\n', f'"defaultVariant": "v2",\n      "targeting": {own}\n'))
    before, door = file.read_text(), action(file)
    fr = await door.plan(TARGET, *SLICE)
    assert fr.diff == ("model: slice region=fr by the flag's own rules → sent to v1",)
    assert "it holds only where the services send the field region" in fr.warnings
    assert (fr.klass, fr.blast_radius, fr.serves) == (ActionClass.SMALL, "only the slice region=fr of model-flag", {})
    await door.execute(fr, "K")
    assert own in file.read_text()
    alone = file.read_text()
    de = await door.plan(TARGET, Means.BYPASS, {"slice": "region=de", "to": "rules"})
    await door.execute(de, "K2")
    assert (await door.plan(TARGET, *SLICE)).diff == ()
    both = json.loads(file.read_text())["flags"]["model"]["targeting"]["if"]
    assert (both[1], both[2]["if"][1], both[2]["if"][2]) == ("rules", "v1", json.loads(own))
    lift = await door.plan(TARGET, Means.BYPASS, {"slice": "region=fr", "to": None})
    assert lift.diff == ("model: slice region=fr sent to v1 → by the flag's own rules",)
    await door.execute(lift, "K3")
    assert (await door.observe(lift, "K3")).seen is Seen.APPLIED
    left = json.loads(file.read_text())["flags"]["model"]["targeting"]["if"]
    assert (left[1], left[2]) == ("rules", json.loads(own))
    await door.undo(lift, "K3/undo")
    await door.undo(de, "K2/undo")
    assert file.read_text() == alone
    await door.undo(fr, "K/undo")
    assert file.read_text() == before


async def test_the_only_rule_lifted_leaves_no_targeting(file) -> None:
    """Set and lifted by two plans, the file is again what it was, character by character."""
    door = action(file)
    await door.execute(await door.plan(TARGET, *SLICE), "K")
    elsewhere = await door.plan(TARGET, Means.BYPASS, {"slice": "region=fr", "to": "rules"})
    assert elsewhere.diff == ("model: slice region=fr sent to v1 → sent to rules",)
    await door.execute(elsewhere, "K2")
    await door.execute(await door.plan(TARGET, Means.BYPASS, {"slice": "region=fr", "to": None}), "K3")
    assert file.read_text() == FLAGS


async def test_undo_keeps_what_others_changed_elsewhere_in_the_file(file) -> None:
    """Only the flag's own characters are put back."""
    door = action(file)
    plan = await door.plan(TARGET, *KILL)
    await door.execute(plan, "K")
    file.write_text(file.read_text().replace('{"on": true}', '{"on": true, "off": false}'))
    await door.undo(plan, "K/undo")
    assert file.read_text() == FLAGS.replace('{"on": true}', '{"on": true, "off": false}')


async def test_mode_and_owner_are_kept_and_nothing_lies_about(file) -> None:
    """The readers may still read it, what an earlier attempt left is used up, and the folder holds one file."""
    file.chmod(0o640)
    if os.geteuid() == 0:
        os.chown(file, 1234, 4321)
    owner = (file.stat().st_uid, file.stat().st_gid)
    file.with_name(".flags.json.tocsin").write_text("half of it")
    door = action(file)
    await door.execute(await door.plan(TARGET, *KILL), "K")
    assert stat.S_IMODE(file.stat().st_mode) == 0o640
    assert (file.stat().st_uid, file.stat().st_gid) == owner
    assert [each.name for each in file.parent.iterdir()] == ["flags.json"]


async def test_two_writers_at_once_are_one_and_a_refusal(file) -> None:
    """Planned on the same state and carried out at once: one takes effect, the other is told that it changed."""
    one, two = action(file), action(file)
    plans = [await one.plan(TARGET, *KILL), await two.plan(TARGET, Means.ROLLBACK, {"to": "v1"})]
    done = await asyncio.gather(one.execute(plans[0], "K1"), two.execute(plans[1], "K2"), return_exceptions=True)
    refused = [each for each in done if isinstance(each, Refused)]
    assert (len(refused), done.count(None)) == (1, 1)
    assert str(refused[0]).endswith("nothing was done")
    model = json.loads(file.read_text())["flags"]["model"]
    assert (model["state"] == "DISABLED") != (model["defaultVariant"] == "v1")


async def test_another_writer_who_holds_the_folder_is_waited_for(file) -> None:
    """For as long as the settings say; then nothing was done, and the sentence says who was in the way."""
    door = action(file)
    plan = await door.plan(TARGET, *KILL)
    folder = os.open(file.parent, os.O_RDONLY)
    fcntl.flock(folder, fcntl.LOCK_EX)
    try:
        with pytest.raises(Refused, match=r"flags\.json was held by another writer for 5 s; nothing was done"):
            await door.execute(plan, "K")
        assert file.read_text() == FLAGS
    finally:
        os.close(folder)
    await door.execute(plan, "K")
    assert (await door.observe(plan, "K")).seen is Seen.APPLIED


async def test_a_mounted_config_map_is_refused_with_what_to_do(file) -> None:
    """Kubernetes mounts a ConfigMap as links into `..data`: renamed over, it would be cut off and put back."""
    data = file.parent / "..data"
    data.mkdir()
    file.rename(data / "flags.json")
    file.symlink_to("..data/flags.json")
    for path in (file, data / "flags.json"):
        with pytest.raises(Refused, match="Change the ConfigMap"):
            await action(path).plan(TARGET, *KILL)


async def test_a_file_replaced_by_a_link_fits_no_plan(file) -> None:
    """The token is another, nobody can tell what holds, and neither way is gone."""
    door = action(file)
    plan = await door.plan(TARGET, *KILL)
    file.rename(file.with_name("elsewhere.json"))
    file.symlink_to("elsewhere.json")
    assert await door.token(plan) != plan.token
    assert (await door.observe(plan, "K")).seen is Seen.UNKNOWN
    for verb in (door.execute, door.undo):
        with pytest.raises(Refused, match=r"a link to elsewhere\.json"):
            await verb(plan, "K")


async def test_a_folder_nobody_may_write_into_is_a_refusal(file) -> None:
    """A file that cannot be made beside it: it did not happen, and the file is as it was."""
    file.with_name(".flags.json.tocsin").mkdir()
    door = action(file)
    plan = await door.plan(TARGET, *KILL)
    with pytest.raises(Refused, match=r"cannot be replaced: .*nothing was done"):
        await door.execute(plan, "K")
    assert file.read_text() == FLAGS


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("{", "is not JSON"),
        ("[]", "has no flags"),
        ('{"flags": []}', "has no flags"),
        ('{"flags": {"model": {}}}', "has no variants"),
        ('{"flags": {"model": {"variants": {}, "state": "on"}}}', "neither ENABLED nor DISABLED"),
        ("\xff", "is not JSON"),
    ],
)
async def test_a_file_that_is_no_flag_file_is_unavailable(file, text: str, words: str) -> None:
    """Half-written by an editor, or something else: a sentence, and nothing is written."""
    file.write_bytes(text.encode("latin-1"))
    with pytest.raises(Unavailable, match=words):
        await action(file).plan(TARGET, *KILL)
    assert file.read_bytes() == text.encode("latin-1")


@pytest.mark.parametrize(
    ("means", "params", "words"),
    [
        (Means.BYPASS, {}, "a bypass needs enabled"),
        (Means.BYPASS, {"enabled": 1}, "a bypass needs enabled"),
        (Means.BYPASS, {"variant": "v9"}, "there is v1, v2, rules"),
        (Means.BYPASS, {"slice": "region=fr", "to": "v9"}, "there is v1, v2, rules"),
        (Means.BYPASS, {"slice": "region", "to": "v1"}, "one field and one value"),
        (Means.ROLLBACK, {"to": "v9"}, "there is v1, v2, rules"),
        (Means.TRAFFIC, {"percent": 10}, "it can bypass, rollback"),
    ],
)
async def test_what_makes_no_sense_is_refused_in_a_sentence(
    file, means: Means, params: dict[str, object], words: str
) -> None:
    """And names what there is."""
    with pytest.raises(Refused, match=words):
        await action(file).plan(TARGET, means, params)


async def test_a_flag_that_is_not_there_is_refused_by_name(file) -> None:
    """With those that are."""
    with pytest.raises(Refused, match=r"flags\.json has no flag nobody; there is other, model"):
        await action(file, flag="nobody").plan(TARGET, *KILL)


async def test_a_disabled_flag_is_warned_of(file) -> None:
    """What the file says of a disabled flag reaches nobody."""
    file.write_text(FLAGS.replace('"state"   : "ENABLED"', '"state": "DISABLED"'))
    plan = await action(file).plan(TARGET, *SLICE)
    assert any("services use the default in their code" in warning for warning in plan.warnings)


@pytest.mark.parametrize(
    ("given", "words"), [("flags.json", "from the root"), ("/etc/flags.yaml", "keep them in JSON")]
)
def test_settings_refuse_what_cannot_work(given: str, words: str) -> None:
    """A relative path, and YAML, whose comments would be lost."""
    with pytest.raises(ValidationError, match=words):
        make("flagd", file=given, flag="model")


@pytest.mark.parametrize("ask", [KILL, SLICE, ROLLBACK])
async def test_a_plan_names_nobody_whom_the_flag_names(file, ask) -> None:
    """The log forgets nothing: an address in the flag's own rules stays in the file, and is there after an undo."""
    own = '{ "if": [ {"in": ["ana@x.example", {"var": "email"}]},\n        "rules", null ] }'
    file.write_text(FLAGS.replace('"defaultVariant": "v2"\n', f'"defaultVariant": "v2",\n      "targeting": {own}\n'))
    before, door = file.read_text(), action(file)
    plan = await door.plan(TARGET, *ask)
    assert not any(word in repr(plan) for word in ("ana@x.example", "email"))
    await door.execute(plan, "K")
    assert file.read_text() != before
    await door.undo(plan, "K/undo")
    assert file.read_text() == before
