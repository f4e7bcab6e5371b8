"""The auditor's pack: taken from the console, checked by its own script in a bare Python, and nobody can alter it."""

from __future__ import annotations

import hashlib
import io
import json
import subprocess
import sys
from collections.abc import Callable
from functools import partial
from pathlib import Path

import docx
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from bot.documents import _verify
from bot.documents._pack import told, zipped
from bot.domain.duty import Answer, DecideDuty
from bot.domain.filing import FileNotice
from bot.domain.policy import Severity
from bot.domain.signing import ApproveNotice, RequestChanges
from tests.forging import added, approvals, duties, erased, exported, fewer, forged, opened, rows, stated
from tests.web.fakes import Place, place
from tests.web.rich import rich

SCRIPT = Path(_verify.__file__)


async def incident(home: Place) -> str:
    """Rich, with a notice sent back once, then approved and filed, a duty decided, and one notice still waiting."""
    name = await rich(home)
    ana, cleo = await home.who("ana"), await home.who("cleo")
    await home.desk.submit(name, RequestChanges("N1", "shorter, please"), cleo)
    home.clock.forward(seconds=20)
    await home.desk.ask_approval(name, "N1", ana)
    digest = (await home.desk.log.load(name)).notices["N1"].latest.digest
    await home.desk.submit(name, ApproveNotice("N1", digest), cleo)
    await home.desk.submit(name, FileNotice("N1", "by letter", "A 7"), cleo)
    await home.desk.submit(name, DecideDuty("eu_gdpr_art33", Answer.NO, "nothing left the house"), cleo)
    await home.desk.ask_approval(name, "N2", ana)
    return name


async def taken(home: Place, name: str, who: str = "audrey") -> bytes:
    async with home.api(who) as api:
        answer = await api.get(f"/incidents/{name}/export.pack")
    assert answer.status_code == 200, answer.text
    assert f'filename="{name}-pack.zip"' in answer.headers["content-disposition"]
    return answer.content


def checked(path: Path, *head: str) -> tuple[int, str]:
    """The script as a process of its own, in a Python that knows nothing of us."""
    done = subprocess.run(
        [sys.executable, "-I", "-S", str(SCRIPT), str(path), *head],
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert not done.stderr, done.stderr
    return done.returncode, done.stdout


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> tuple[bytes, str]:
    """A pack and its incident's head, made once."""
    import asyncio

    async def make() -> tuple[bytes, str]:
        async with place(tmp_path_factory.mktemp("pack")) as home:
            name = await incident(home)
            return await taken(home, name), (await home.desk.log.load(name)).head

    return asyncio.run(make())


@pytest.fixture
def pack(made: tuple[bytes, str], tmp_path: Path) -> Path:
    path = tmp_path / "pack.zip"
    path.write_bytes(made[0])
    return path


def test_a_pack_proves_itself_in_a_bare_python(made: tuple[bytes, str], pack: Path, tmp_path: Path) -> None:
    """As a zip and unpacked, by the script of the house and by its own, with the head and without."""
    content, head = made
    assert opened(content)["verify.py"] == SCRIPT.read_bytes()
    assert len(SCRIPT.read_text().splitlines()) < 210
    code, said = checked(pack, head)
    assert (code, "in order: INC-1" in said, f"head: {head} (yours is in it)" in said) == (0, True, True), said
    assert "not proved by this script: the timeline, names, PDF and Word files" in said
    folder = tmp_path / "unpacked"
    for name, held in opened(content).items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_bytes(held)
    assert checked(folder)[0] == 0
    done = subprocess.run([sys.executable, "-I", str(folder / "verify.py"), str(pack), head], timeout=60, check=False)
    assert done.returncode == 0


def test_a_pack_holds_all_an_auditor_asks_for(made: tuple[bytes, str]) -> None:
    """Timeline, log, evidence, approvals with their digests, each version's words, the signed ones in every form."""
    files = opened(made[0])
    for name in ("VERIFY.md", "timeline.md", "timeline.csv", "timeline.json", "log/chain.json", "log/texts.json",
                 "duties.json", "people.json", "notices/N1/v1.md", "notices/N1/v2.md", "notices/N2/v1.md"):  # fmt: skip
        assert files[name], name
    starts = {"pdf": b"%PDF", "docx": b"PK", "md": b"<!--", "json": b"{"}
    for kind, start in starts.items():
        assert files[f"notices/N1/v2/N1-v2.{kind}"].startswith(start)
    assert not [name for name in files if name.startswith(("notices/N1/v1/", "notices/N2/v1/"))]
    exported = json.loads(files["notices/N1/v2/N1-v2.json"])
    assert exported["status"] == "version 2, filed"
    assert exported["digest"] == json.loads(files["notices/index.json"])[1]["digest"]
    signed = {(each["what"], each["of"], each["name"]) for each in json.loads(files["approvals.json"])}
    assert signed == {("MitigationApproved", "M1", "Ben Okafor"), ("NoticeApproved", "N1", "Cleo Martin")}
    evidence = json.loads(files["evidence/index.json"])
    assert evidence
    assert all(hashlib.sha256(files[each["file"]]).hexdigest() == each["sha256"] for each in evidence)
    (decided,) = [each for each in json.loads(files["duties.json"])["duties"] if each["regime"] == "eu_gdpr_art33"]
    assert (decided["answer"], decided["because"], decided["decided_by_name"]) == (
        "no", "nothing left the house", "Cleo Martin",
    )  # fmt: skip
    assert "Cleo Martin filed N1" in files["timeline.md"].decode()


async def test_the_same_record_is_the_same_pack(home: Place) -> None:
    """Made twice at one moment it is byte for byte the same, so that its hash can be told."""
    name = await incident(home)
    assert await taken(home, name) == await taken(home, name)


@settings(max_examples=120, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(data=st.data())
def test_no_byte_of_any_file_can_be_changed(made: tuple[bytes, str], tmp_path: Path, data: st.DataObject) -> None:
    """One altered byte, whichever file it is in, and the script names something wrong."""
    files = opened(made[0])
    name = data.draw(st.sampled_from(sorted(files)))
    held = bytearray(files[name])
    held[data.draw(st.integers(0, len(held) - 1))] ^= data.draw(st.integers(1, 255))
    path = tmp_path / "altered.zip"
    path.write_bytes(zipped({**files, name: bytes(held)}))
    assert _verify.main(str(path)) == 1


@pytest.mark.parametrize("name", ["log/entries/000004.json", "MANIFEST.json", "MANIFEST.sha256", "verify.py"])
def test_a_file_that_is_gone_or_too_many_is_named(made: tuple[bytes, str], pack: Path, name: str) -> None:
    """Nothing can be left out, slipped in, or be there twice."""
    files = opened(made[0])
    pack.write_bytes(zipped({each: held for each, held in files.items() if each != name}))
    code, said = checked(pack)
    assert (code, name in said) == (1, True), said
    pack.write_bytes(zipped({**files, "notices/N1/v3.md": b"x"}))
    assert checked(pack) == (1, "WRONG: notices/N1/v3.md is not in the manifest\n")


def test_a_removed_or_moved_entry_is_named(made: tuple[bytes, str], pack: Path) -> None:
    """Also where the manifest was made to fit."""

    def without(files: dict[str, bytes]) -> None:
        rows = json.loads(files["log/chain.json"])
        del files[rows[3]["file"]], rows[3]
        files["log/chain.json"] = told(rows)

    def renumbered(files: dict[str, bytes]) -> None:
        rows = json.loads(files["log/chain.json"])
        del rows[3]
        files["log/chain.json"] = told([{**row, "seq": number} for number, row in enumerate(rows, start=1)])

    def moved(files: dict[str, bytes]) -> None:
        one, other = "log/entries/000003.json", "log/entries/000004.json"
        files[one], files[other] = files[other], files[one]

    for change, words in (
        (without, "entry 4 is missing (found 5)"),
        (renumbered, "entry 4 does not follow the entry before it"),
        (moved, "entry 3 was altered"),
    ):
        pack.write_bytes(forged(made[0], change))
        assert checked(pack) == (1, f"WRONG: {words}\n")


def test_a_forged_end_is_named_by_the_head(made: tuple[bytes, str], pack: Path) -> None:
    """A chain cut short agrees with itself; the head somebody wrote down does not. An earlier head is still good."""
    content, head = made
    rows = json.loads(opened(content)["log/chain.json"])
    code, said = checked(pack, rows[2]["hash"])
    assert (code, f"yours is entry 3; {len(rows) - 3} after it are not covered by yours" in said) == (0, True), said
    wrong = "0" * 64
    assert checked(pack, wrong) == (1, f"WRONG: the head is {head}, and {wrong} is no entry of this log\n")

    def cut(files: dict[str, bytes]) -> None:
        kept = json.loads(files["log/chain.json"])[:2]
        for name in [name for name in files if name.startswith("log/entries/")][2:]:
            del files[name]
        texts = [text for text in json.loads(files["log/texts.json"]) if text["entry"] <= 2]
        for name in [name for name in files if name.startswith("notices/")]:
            del files[name]
        files |= {"log/chain.json": told(kept), "log/texts.json": told(texts), "notices/index.json": told([]),
                  "approvals.json": told([]), "duties.json": told({"facts": {}, "duties": []})}  # fmt: skip

    pack.write_bytes(forged(content, cut))
    assert checked(pack)[0] == 0
    assert checked(pack, head)[0] == 1


def test_words_of_a_notice_cannot_be_exchanged(made: tuple[bytes, str], pack: Path) -> None:
    """Neither in its file, nor in the texts, nor a digest, nor an approval that nobody gave."""

    def words(files: dict[str, bytes]) -> None:
        files["notices/N1/v2.md"] += b"and more"

    def texts(files: dict[str, bytes]) -> None:
        held = json.loads(files["log/texts.json"])
        held[0]["text"] = "other words"
        files["log/texts.json"] = told(held)

    def digest(files: dict[str, bytes]) -> None:
        held = json.loads(files["notices/index.json"])
        held[0]["digest"] = "0" * 64
        files["notices/index.json"] = told(held)

    def hidden(files: dict[str, bytes]) -> None:
        files["notices/index.json"] = told(json.loads(files["notices/index.json"])[1:])

    def approved(files: dict[str, bytes]) -> None:
        held = json.loads(files["approvals.json"])
        files["approvals.json"] = told([{**held[0], "by": "p_somebody_else"}, *held[1:]])

    for change, part in (
        (words, "N1 version 2: its text is not the one in the log"),
        (texts, "was altered"),
        (digest, "N1 version 1 is not what entry"),
        (hidden, "the notices are not those that the log holds"),
        (approved, "approvals.json does not hold the approvals that the log holds"),
    ):
        pack.write_bytes(forged(made[0], change))
        code, said = checked(pack)
        assert (code, part in said) == (1, True), said


@pytest.mark.parametrize(
    ("change", "part"),
    [
        (erased, "N1 version 2: its words are erased, and there are files of it"),
        (partial(erased, listed=False), "N1 version 2: its words are erased, and there are files of it"),
        (partial(erased, texts=False), "was altered"),
        (exported("md", b"Harm stopped", b"No harm came"), "N1-v2.md: its words are not those in the log"),
        (exported("md", b"\n---\n\nDraft", b"\n---\n\nWe paid them.\n\nDraft"), "N1-v2.md: its words are not"),
        (exported("json", b"Harm stopped", b"No harm came"), "N1-v2.json: its words are not those in the log"),
        (approvals(lambda held: held[:1]), "approvals.json does not hold"),
        (approvals(lambda held: held[::-1]), "approvals.json does not hold"),
        (approvals(lambda held: [{**each, "at": "2020-01-01T00:00:00Z"} for each in held]), "approvals.json does not"),
        (duties(answer="yes"), "eu_gdpr_art33 does not follow from the log"),
        (duties(because="forged"), "eu_gdpr_art33 does not follow from the log"),
        (duties(decided_by="p_mallory"), "eu_gdpr_art33 does not follow from the log"),
        (duties(strict="2027-01-01T00:00:00Z"), "eu_gdpr_art33 does not follow from the log"),
        (fewer, "duties.json does not hold the log's regimes"),
        (stated, "duties.json does not hold the facts"),
        (added, "evidence/report.pdf belongs to nothing in this pack"),
    ],
)
def test_no_paper_says_what_the_log_does_not(
    made: tuple[bytes, str], pack: Path, change: Callable[[dict[str, bytes]], None], part: str
) -> None:
    """Words behind an erasure, exports, approvals, duties, a file too many: forged with a manifest that fits."""
    pack.write_bytes(forged(made[0], change))
    code, said = checked(pack, made[1])
    assert (code, part in said) == (1, True), said


def test_what_was_added_behind_the_head_is_said_to_be_uncovered(made: tuple[bytes, str], pack: Path) -> None:
    """An approval forged after the head somebody wrote down makes a chain of its own; the script says that it may."""

    def appended(files: dict[str, bytes]) -> None:
        chain = rows(files, "log/chain.json")
        waits = rows(files, "notices/index.json")
        given = rows(files, "approvals.json")
        like = json.loads(files[f"log/entries/{given[-1]['entry']:06}.json"])
        seq, name = len(chain) + 1, f"log/entries/{len(chain) + 1:06}.json"
        news = {"id": "N2", "number": 1, "digest": waits[-1]["digest"]}
        files[name] = json.dumps({**like, "seq": seq, "body": {**like["body"], **news}}).encode()
        digest = hashlib.sha256(chain[-1]["hash"].encode() + b"\n" + files[name]).hexdigest()
        files["log/chain.json"] = told(
            [*chain, {"seq": seq, "file": name, "before": chain[-1]["hash"], "hash": digest}]
        )
        waits[-1]["approved_in_entries"] = [seq]
        files["notices/index.json"] = told(waits)
        files["approvals.json"] = told([*given, {**given[-1], "entry": seq, "of": "N2", "digest": news["digest"]}])

    pack.write_bytes(forged(made[0], appended))
    code, said = checked(pack, made[1])
    assert code == 0, said
    assert "1 after it are not covered by yours" in said
    assert "yours is in it" not in said


def test_the_latest_reading_of_a_date_stays_with_counsel(made: tuple[bytes, str]) -> None:
    """The duties as they leave the house name the target date alone."""
    told_ = json.loads(opened(made[0])["duties.json"])["duties"]
    assert told_
    assert not [each for each in told_ if "outer" in each]


async def test_what_was_erased_is_told_and_still_verifies(home: Place, tmp_path: Path) -> None:
    """Erased words are marked, a notice whose words are gone keeps its digest, an erased exhibit is named."""
    name = await incident(home)
    for kept in await home.store.erasure.texts(name):
        await home.store.erasure.erase(ref=kept.ref)
    await home.store.exhibits.erase(name, home.clock.now())
    path = tmp_path / "pack.zip"
    path.write_bytes(await taken(home, name))
    files = opened(path.read_bytes())
    code, said = checked(path, (await home.desk.log.load(name)).head)
    assert code == 0, said
    assert ", 0 texts erased" not in said
    assert all(each["erased"] and not each["file"] for each in json.loads(files["notices/index.json"]))
    (exhibit,) = json.loads(files["evidence/index.json"])
    assert (exhibit["file"], "was erased on" in exhibit["not_here_because"]) == ("", True)


async def test_a_large_exhibit_is_named_and_left_out(home: Place, tmp_path: Path) -> None:
    """Its hash is in the pack, its bytes stay in the house."""
    name = await incident(home)
    await home.store.exhibits.put(name, "dump.bin", "application/octet-stream", b"x" * 5_000_001, home.clock.now())
    files = opened(await taken(home, name))
    (large,) = [each for each in json.loads(files["evidence/index.json"]) if each["name"] == "dump.bin"]
    assert (large["file"], large["sha256"]) == ("", hashlib.sha256(b"x" * 5_000_001).hexdigest())
    assert "too large" in large["not_here_because"]


async def test_only_those_who_answer_for_it_take_it_away(home: Place) -> None:
    """Counsel, auditor, manager and administrator; of a restricted incident only those who may see it at all."""
    name = await rich(home)
    secret = await home.desk.declare("Names", Severity.SEV2, "", "", await home.who("max"), restricted=True)
    for who, status, hidden in (("ana", 403, 404), ("otto", 403, 404), ("audrey", 200, 404), ("max", 200, 200),
                                ("cleo", 200, 200), ("ida", 200, 200)):  # fmt: skip
        async with home.api(who) as api:
            answer = await api.get(f"/incidents/{name}/export.pack")
            assert answer.status_code == status, (who, answer.text)
            assert (await api.get(f"/incidents/{secret.id}/export.pack")).status_code == hidden, who
    async with home.client() as nobody:
        assert (await nobody.get(f"/incidents/{name}/export.pack")).status_code in {303, 401}


async def test_a_program_is_told_why_not_in_json(home: Place) -> None:
    """Whoever takes files away by program reads the same sentence a page would show."""
    name = await rich(home)
    async with home.api("ana") as api:
        answer = await api.get(f"/incidents/{name}/export.pack", headers={"Accept": "application/json"})
        assert (answer.status_code, answer.json()["because"]) == (
            403, "the whole record of an incident is for admin, auditor, counsel or manager",
        )  # fmt: skip
        page = await api.get(f"/incidents/{name}/export.pack", headers={"Accept": "text/html"})
        assert page.headers["content-type"].startswith("text/html")


async def test_a_redline_is_of_the_words_that_count(home: Place) -> None:
    """Against the version before, or a named one; by whoever asked for it; another form and a first version have none."""
    name = await incident(home)
    async with home.api("cleo") as api:
        answer = await api.get(f"/incidents/{name}/notices/N1/redline.docx")
        assert answer.status_code == 200
        assert f'filename="{name}-N1-v1-to-v2.docx"' in answer.headers["content-disposition"]
        told_ = docx.Document(io.BytesIO(answer.content)).tables[0]
        assert "marked against version 1; by Ana Ruiz" in " ".join(c.text for row in told_.rows for c in row.cells)
        for path, status in (("N1/redline.pdf", 404), ("N1/redline.docx?against=7", 404), ("N2/redline.docx", 409)):
            assert (await api.get(f"/incidents/{name}/notices/{path}")).status_code == status, path


async def test_an_altered_log_gives_no_pack(home: Place) -> None:
    """What does not verify is not handed out as a proof; the sentence names the entry."""
    from sqlalchemy import update

    from bot.store.tables import entries

    name = await incident(home)
    row = (entries.c.incident == name) & (entries.c.seq == 3)
    await home.store.database.write(lambda c: c.execute(update(entries).where(row).values(hash="0" * 64)), within=None)
    async with home.api("audrey") as api:
        answer = await api.get(f"/incidents/{name}/export.pack")
    assert answer.status_code >= 400
    assert "entry 3 was altered" in answer.text
