"""The doctor: a sound workspace is called sound, each damage is found and named, mending does what was announced."""

from __future__ import annotations

import argparse
import fcntl
import hashlib
import json
import os
import resource
import shutil
import sqlite3
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from pathlib import Path

import pynvml
import pytest

from engine import backups, taskdata
from engine.doctor import Finding, examine, history, machine, mend, restore
from engine.errors import MachineFailure
from engine.files import fingerprint, write_json
from engine.journal import Damaged, Journal
from engine.models.store import Manifest, install
from engine.search import events as ev
from engine.task import load_task
from engine.workspace import Workspace
from tests import story
from tests.place import TASK, until
from trex_tui.commands.doctor import doctor

RUN = "demo-1"
OLD = time.time() - 7200


class Scene:
    """A workspace as a search leaves it: a task, its splits, a base model, four results, three adapters, a backup."""

    def __init__(self, folder: Path) -> None:
        self.space = Workspace(folder / "home").create()
        self.splits, model = self._task(folder), self._model(folder)
        created = story.created(
            splits=str(self.splits), manifest=fingerprint(taskdata.verify(self.splits)), model_sha256=model,
            base_model="tiny",
        )  # fmt: skip
        nodes = [*story.node("n1", "n0", 0.6, 0.7), *story.node("n2", "n1", 0.8)]
        with closing(Journal.open(self.space.journal)) as journal:
            for event in [created, *story.base(), *nodes, ev.ChampionChosen(trial="n2t0", reason="best")]:
                journal.append(RUN, self._kept(event) if isinstance(event, ev.Finished) else event)
        assert backups.make(self.space.journal)

    def _task(self, folder: Path) -> Path:
        (folder / "letters").mkdir()
        (folder / "letters" / "task.toml").write_text(TASK)
        words = (f"{'a' * (n % 2)}{'bcdefgh'[n % 7]}{n},{('no', 'yes')[n % 2]}" for n in range(160))
        (folder / "letters" / "words.csv").write_text("\n".join(["word,answer", *words]))
        task = load_task(folder / "letters")
        write_json(self.space.run(RUN) / "task.json", task)
        return taskdata.materialise(task, folder / "letters", self.space, offline=True)

    def _model(self, folder: Path) -> str:
        staging = folder / "staging"
        staging.mkdir()
        (staging / "model.safetensors").write_bytes(b"weights")
        self.space.models.mkdir()
        return install(staging, self.space.models, Manifest(name="tiny", kind="base", files=())).weights_sha256

    def _kept(self, event: ev.Finished) -> ev.Finished:
        trial = self.space.trial(RUN, event.trial)
        write_json(trial / "result.json", {"trial": event.trial})
        if event.trial != "n0t0":
            (trial / "adapter").mkdir()
            (trial / "adapter" / "adapter_model.safetensors").write_bytes(b"lora")
        sha256 = hashlib.sha256((trial / "result.json").read_bytes()).hexdigest()
        return story.scored(event.trial, event.score, result_sha256=sha256)

    def trial(self, name: str) -> Path:
        return self.space.trial(RUN, name)

    def sql(self, *commands: str) -> None:
        with closing(sqlite3.connect(self.space.journal, isolation_level=None)) as db:
            for command in commands:
                db.execute(command)

    def worst(self) -> list[Finding]:
        return [finding for finding in examine(self.space) if finding.level != "ok"]

    def files(self) -> dict[str, bytes]:
        """Everything that lies in the workspace, SQLite's helpers left out."""
        helpers = ("-wal", "-shm")
        return {
            str(path.relative_to(self.space.home)): path.read_bytes()
            for path in self.space.home.rglob("*")
            if path.is_file() and not path.name.endswith(helpers)
        }


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Scene:
    return Scene(tmp_path_factory.mktemp("scene"))


@pytest.fixture
def scene(made: Scene, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Scene]:
    """A fresh copy, at the place where the paths in its journal lead."""
    monkeypatch.setenv("XDG_RUNTIME_DIR", str(tmp_path))
    monkeypatch.delenv("TREX_MODELS", raising=False)
    kept = tmp_path / "kept"
    shutil.copytree(made.space.home, kept)
    yield made
    shutil.rmtree(made.space.home)
    shutil.copytree(kept, made.space.home)


def run_doctor(space: Workspace, capsys: pytest.CaptureFixture[str], *flags: str) -> tuple[int, str]:
    code = doctor(argparse.Namespace(space=space, mend="mend" in flags, json="json" in flags))
    return code, capsys.readouterr().out


# --- a sound workspace -----------------------------------------------------------------------------------------


def test_a_sound_workspace_is_called_sound_line_by_line(scene: Scene, capsys: pytest.CaptureFixture[str]) -> None:
    before = scene.files()
    code, out = run_doctor(scene.space, capsys)
    *lines, last = out.splitlines()
    assert code == 0
    assert all(line.startswith("ok ") for line in lines), out
    assert len(lines) >= 10
    assert last == f"{len(lines)} checks: {len(lines)} ok, 0 to note, 0 wrong"
    assert scene.files() == before


def test_where_there_is_no_workspace_none_is_made(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    code, out = run_doctor(Workspace(tmp_path / "none"), capsys, "mend")
    assert code == 0
    assert "no workspace here yet" in out
    assert not (tmp_path / "none").exists()


def test_a_workspace_without_runs_is_sound(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("XDG_RUNTIME_DIR", str(tmp_path))
    code, out = run_doctor(Workspace(tmp_path / "home").create(), capsys)
    assert code == 0
    assert "there is no journal yet" in out
    assert "0 to note, 0 wrong" in out


# --- each damage -----------------------------------------------------------------------------------------------


def old(path: Path) -> None:
    os.utime(path, (OLD, OLD))


def half_written(scene: Scene) -> None:
    (scene.trial("n1t0") / ".result.json.abcd_123").write_text("{")
    old(scene.trial("n1t0") / ".result.json.abcd_123")


def change_adapter(scene: Scene) -> None:
    facts = {"rows": 1, "examples": 1, "supervised_tokens": 1, "seconds": 1.0, "loss": 1.0}
    weights = scene.trial("n2t0") / "adapter" / "adapter_model.safetensors"
    sha256 = hashlib.sha256(weights.read_bytes()).hexdigest()
    write_json(scene.trial("n2t0") / "trained.json", {**facts, "adapter": {weights.name: sha256}})
    assert scene.worst() == []
    weights.write_bytes(b"lara")


def half_an_adapter(scene: Scene) -> None:
    (scene.trial("n1t1") / ".adapter").mkdir()
    (scene.trial("n1t1") / ".adapter" / "adapter_model.safetensors").write_bytes(b"lo")
    for path in (scene.trial("n1t1") / ".adapter" / "adapter_model.safetensors", scene.trial("n1t1") / ".adapter"):
        old(path)


def break_backup(scene: Scene) -> None:
    (backup,) = backups.all_of(scene.space.journal)
    backup.path.write_bytes(backup.path.read_bytes()[:5000])


DAMAGES: dict[str, tuple[Callable[[Scene], object], str, str, str]] = {
    # what happened: how, level, what is said, what mending would do
    "task": (lambda s: (s.space.run(RUN) / "task.json").write_text("{"), "wrong", "not valid JSON", ""),
    "splits": (lambda s: (s.splits / "confirm.jsonl").write_text("{}"), "wrong", "changed since the splits", ""),
    "other splits": (
        lambda s: s.sql("UPDATE events SET body = json_set(body, '$.manifest', 'x') WHERE seq = 1"),
        "wrong",
        "not those the run began with",
        "",
    ),
    "model": (lambda s: shutil.rmtree(s.space.models / "tiny"), "wrong", "tiny is not installed", ""),
    "other model": (
        lambda s: s.sql("UPDATE events SET body = json_set(body, '$.model_sha256', 'x') WHERE seq = 1"),
        "wrong",
        "not the one the run began with",
        "",
    ),
    "result": (lambda s: (s.trial("n1t0") / "result.json").write_text("{}"), "wrong", "not as recorded: n1t0", ""),
    "no result": (lambda s: (s.trial("n0t0") / "result.json").unlink(), "wrong", "1 of 4 results missing", ""),
    "champion": (lambda s: shutil.rmtree(s.trial("n2t0") / "adapter"), "wrong", "champion or candidate: n2t0", ""),
    "other adapter": (lambda s: shutil.rmtree(s.trial("n1t0") / "adapter"), "note", "none of a champion", ""),
    "changed adapter": (change_adapter, "wrong", "champion or candidate: n2t0", ""),
    "stray trial": (lambda s: s.trial("n7t0").mkdir(), "note", "no event knows 1 folder", ""),
    "stray run": (lambda s: s.space.run("other-1").mkdir(), "note", "knows nothing of 1 run", ""),
    "half-written": (half_written, "note", "1 half-written", "remove"),
    "half an adapter": (half_an_adapter, "note", "1 half-written", ".adapter"),
    "socket": (lambda s: s.space.socket.touch(), "note", "a dead one's socket", "remove"),
    "no backup": (lambda s: shutil.rmtree(s.space.home / "backups"), "note", "no backup", "make a backup now"),
    "open": (lambda s: s.space.home.chmod(0o755), "wrong", "look into the workspace", "take others' rights away"),
    "socket folder": (
        lambda s: s.space.socket.parent.chmod(0o755),
        "wrong",
        "the folder for the engine's socket is not private",
        "",
    ),
    "newer": (lambda s: s.sql("PRAGMA user_version=99"), "wrong", "newer TREX", ""),
    "older": (lambda s: s.sql("PRAGMA user_version=1"), "note", "brings it to schema 3", ""),
    "pages": (
        lambda s: s.space.journal.write_bytes(s.space.journal.read_bytes()[:8192]),
        "wrong",
        "the journal is damaged",
        "put back the backup with 18 events",
    ),
    "event": (lambda s: s.sql("UPDATE events SET body = x'7b' WHERE seq = 4"), "wrong", "cannot be read", "put back"),
    "gap": (lambda s: s.sql("DELETE FROM events WHERE seq = 4"), "wrong", "1 of 18 events are missing", "put back"),
    "gone": (lambda s: s.space.journal.unlink(), "wrong", "it is gone", "put back"),
    "tree": (
        lambda s: s.sql("UPDATE events SET body = json_set(body, '$.parent', 'n9') WHERE seq = 4"),
        "wrong",
        "make no tree from event 4 on",
        "",
    ),
}


@pytest.mark.parametrize("name", DAMAGES)
def test_each_damage_is_found_named_and_left_alone(scene: Scene, name: str, capsys: pytest.CaptureFixture[str]) -> None:
    damage, level, said, cure = DAMAGES[name]
    damage(scene)
    before = scene.files()
    found = scene.worst()
    match = [finding for finding in found if said in finding.what]
    assert match, found
    assert match[0].level == level
    assert cure in match[0].mend
    assert bool(cure) == bool(match[0].mend)
    code, out = run_doctor(scene.space, capsys)
    assert code == (1 if any(finding.level == "wrong" for finding in found) else 0)
    assert all(line.isprintable() for line in out.splitlines())
    assert scene.files() == before


def test_a_broken_backup_is_wrong_and_moved_aside(scene: Scene) -> None:
    break_backup(scene)
    (found, none) = scene.worst()
    assert found.level == "wrong"
    assert "1 of 1 backup cannot be read" in found.what
    assert "no backup of the journal yet" in none.what
    assert [deed.done for deed in mend(scene.space, [found, none], 0.0)] == [True, True]
    assert scene.worst() == []
    assert len(list((scene.space.home / "damaged").glob("19700101T000000Z/journal-*.db"))) == 1


def test_what_is_young_or_of_a_living_process_is_not_half_written(scene: Scene) -> None:
    (scene.trial("n1t0") / ".state.json.abcd_123").write_text("{")
    half_an_adapter(scene)
    with held(scene.trial("n1t1") / "lock"):
        assert [finding.what for finding in scene.worst()] == [
            "at work without an engine: n1t1; the next engine takes them up again"
        ]


def test_a_run_that_is_over_needs_its_model_no_more(scene: Scene) -> None:
    with closing(Journal.open(scene.space.journal)) as journal:
        journal.append(RUN, ev.RunEnded(state="done", reason=""))
    shutil.rmtree(scene.space.models / "tiny")
    assert [(f.level, "not installed" in f.what) for f in scene.worst()] == [("note", True)]


def test_collected_adapters_are_not_missed(scene: Scene) -> None:
    with closing(Journal.open(scene.space.journal)) as journal:
        journal.append(RUN, ev.Collected(trials=("n1t0",), bytes=4, by="me"))
    shutil.rmtree(scene.trial("n1t0") / "adapter")
    assert scene.worst() == []


def test_ours_among_other_things_is_made_private_and_the_folder_left(scene: Scene) -> None:
    home = scene.space.home
    (home / "thesis.tex").touch()
    home.chmod(0o755)
    for path in home.iterdir():
        path.chmod(0o755 if path.is_dir() else 0o644)
    (found,) = scene.worst()
    assert found.level == "wrong"
    assert all(deed.done for deed in mend(scene.space, [found], 0.0))
    (found,) = scene.worst()
    assert (found.level, found.mend) == ("note", "")
    assert home.stat().st_mode & 0o777 == 0o755
    assert {path.name for path in home.iterdir() if path.stat().st_mode & 0o077} == {"thesis.tex"}


@pytest.mark.parametrize(("free", "level"), [(10**10, "ok"), (19 * 10**8, "note"), (4 * 10**8, "wrong")])
def test_room_on_the_disk(free: int, level: str) -> None:
    assert machine.judged_room(free, "/").level == level


@pytest.mark.parametrize(
    ("error", "level"),
    [(pynvml.NVML_ERROR_LIBRARY_NOT_FOUND, "ok"), (pynvml.NVML_ERROR_DRIVER_NOT_LOADED, "wrong"), (18, "wrong")],
)
def test_a_driver_that_is_not_there_is_fine_and_one_that_fails_is_not(
    monkeypatch: pytest.MonkeyPatch, error: int, level: str
) -> None:
    def fail() -> None:
        raise pynvml.NVMLError(error)

    monkeypatch.setattr(pynvml, "nvmlInit", fail)
    assert machine.device().level == level


# --- who is alive ----------------------------------------------------------------------------------------------


@contextmanager
def held(lock: Path) -> Iterator[int]:
    """Another process holds the lock file."""
    code = "import fcntl, sys; f = open(sys.argv[1], 'a+'); fcntl.lockf(f, fcntl.LOCK_EX); print(flush=True); input()"
    with subprocess.Popen(
        [sys.executable, "-c", code, str(lock)], stdin=subprocess.PIPE, stdout=subprocess.PIPE
    ) as process:
        assert process.stdout is not None
        process.stdout.readline()
        yield process.pid
        process.kill()


def test_an_engine_that_cannot_be_reached_is_wrong_and_nothing_is_mended_under_it(
    scene: Scene, capsys: pytest.CaptureFixture[str]
) -> None:
    half_written(scene)
    scene.space.journal.write_bytes(scene.space.journal.read_bytes()[:8192])
    before = scene.files()
    with held(scene.space.engine_lock) as process:
        code, out = run_doctor(scene.space, capsys, "mend")
    assert code == 1
    assert f"the engine (process {process}) has lost its socket" in out
    assert out.count("not mended: an engine is running") == 2
    assert scene.files() == {**before, "engine.lock": scene.space.engine_lock.read_bytes()}


def test_a_real_engine_answers_and_backups_are_made_beside_it(scene: Scene, capsys: pytest.CaptureFixture[str]) -> None:
    shutil.rmtree(scene.space.home / "backups")
    with closing(Journal.open(scene.space.journal)) as journal:
        journal.append(RUN, ev.RunEnded(state="done", reason=""))
    command = [sys.executable, "-P", "-m", "engine", "--workspace", str(scene.space.home)]
    with subprocess.Popen(command, stderr=subprocess.DEVNULL) as process:
        try:
            until(scene.space.socket.exists, 30)
            code, out = run_doctor(scene.space, capsys, "mend")
        finally:
            process.terminate()
    assert code == 0
    assert f"the engine (process {process.pid}) is running and answers" in out
    assert backups.latest(scene.space.journal)


# --- mending ---------------------------------------------------------------------------------------------------


def test_mending_does_what_was_announced_and_takes_no_result_away(
    scene: Scene, capsys: pytest.CaptureFixture[str]
) -> None:
    with closing(Journal.open(scene.space.journal)) as journal:
        for index in range(3):
            journal.append(RUN, ev.FlagSet(node="n1", flag="paused", on=index % 2 == 0, by="me"))
    scene.space.home.chmod(0o755)
    scene.space.socket.touch()
    half_written(scene)
    half_an_adapter(scene)
    scene.trial("n7t0").mkdir()
    write_json(scene.trial("n7t0") / "result.json", {"trial": "n7t0"})
    whole = scene.space.journal.read_bytes()
    scene.space.journal.write_bytes(whole[:8192])
    kept = {name: data for name, data in scene.files().items() if "/." not in name and name != "journal.db"}

    code, out = run_doctor(scene.space, capsys, "mend")
    assert code == 0, out
    lines = out.splitlines()
    assert sum(line.startswith("mended ") for line in lines) == 4, out
    assert "0 wrong; 4 mended" in lines[-1]
    after = scene.files()
    assert {name: after[name] for name in kept} == kept
    assert not any("/.adapter" in name or ".abcd_123" in name for name in after)
    (aside,) = [data for name, data in after.items() if name.startswith("damaged/") and name.endswith("journal.db")]
    assert aside == whole[:8192]
    assert scene.space.home.stat().st_mode & 0o777 == 0o700
    with closing(Journal.open(scene.space.journal)) as journal:
        assert journal.last_seq == 18
        journal.append(RUN, ev.RunResumed(by="me"))


def test_what_only_mending_brings_to_light_is_said_too(scene: Scene, capsys: pytest.CaptureFixture[str]) -> None:
    shutil.rmtree(scene.trial("n2t0") / "adapter")
    scene.space.journal.write_bytes(scene.space.journal.read_bytes()[:8192])
    code, out = run_doctor(scene.space, capsys, "mend")
    lines = out.splitlines()
    mended = next(index for index, line in enumerate(lines) if line.startswith("mended "))
    assert code == 1
    assert ["champion or candidate: n2t0" in line for line in lines[mended + 1 :]] == [True, False]
    assert "1 wrong; 1 mended" in lines[-1]


def test_facts_for_programs(scene: Scene, capsys: pytest.CaptureFixture[str]) -> None:
    half_written(scene)
    code, out = run_doctor(scene.space, capsys, "json")
    facts = json.loads(out)
    assert code == 0
    assert facts["mended"] == []
    assert {"level", "what", "where", "mend"} == {key for finding in facts["findings"] for key in finding}
    assert [f["mend"] != "" for f in facts["findings"] if f["level"] == "note"] == [True]
    facts = json.loads(run_doctor(scene.space, capsys, "json", "mend")[1])
    assert [deed["done"] for deed in facts["mended"]] == [True]
    assert {finding["level"] for finding in facts["findings"]} == {"ok"}


def test_a_wal_is_moved_away_with_its_journal(scene: Scene) -> None:
    path = scene.space.journal
    with closing(Journal.open(path)) as journal:
        journal.append(RUN, ev.RunPaused(by="me"))
        wal = Path(f"{path}-wal").read_bytes()
    path.write_bytes(path.read_bytes()[:8192])
    Path(f"{path}-wal").write_bytes(wal)
    backup, aside = restore.put_back(path, 0.0)
    assert {file.name for file in aside.iterdir()} >= {"journal.db", "journal.db-wal"}
    assert (aside / "journal.db-wal").read_bytes() == wal
    assert not Path(f"{path}-wal").exists()
    assert path.read_bytes() == backup.path.read_bytes()
    assert path.stat().st_mode & 0o777 == 0o600


def test_killed_while_putting_back_the_next_mending_goes_on(scene: Scene, monkeypatch: pytest.MonkeyPatch) -> None:
    path = scene.space.journal
    path.write_bytes(path.read_bytes()[:8192])
    Path(f"{path}-wal").write_bytes(b"of the damaged journal")

    def killed_at(move: str, times: int) -> None:
        """Die before the `times`-th move."""
        real, left = getattr(Path, move), iter(range(times - 1))

        def die(here: Path, there: Path) -> Path:
            if next(left, None) is None:
                raise KeyboardInterrupt
            moved: Path = real(here, there)
            return moved

        with monkeypatch.context() as patch, pytest.raises(KeyboardInterrupt):
            patch.setattr(Path, move, die)
            restore.put_back(path, 0.0)

    # Before anything was moved, between the journal and its WAL, and before the backup comes in.
    for move, times in (("rename", 1), ("rename", 2), ("replace", 1)):
        killed_at(move, times)
        with pytest.raises(Damaged, match="the last backup holds 18 events"):
            Journal.open(path)
    (finding,) = scene.worst()
    assert [deed.done for deed in mend(scene.space, [finding], 0.0)] == [True]
    assert scene.worst() == []
    with closing(Journal.open(path)) as journal:
        assert journal.last_seq == 18
    assert {file.name for file in (scene.space.home / "damaged").rglob("*.db*")} >= {"journal.db", "journal.db-wal"}


def test_an_older_backup_is_taken_where_the_newest_cannot_be_read(scene: Scene) -> None:
    path = scene.space.journal
    with closing(Journal.open(path)) as journal:
        journal.append(RUN, ev.RunPaused(by="me"))
    newest = backups.make(path)
    assert newest
    newest.path.write_bytes(newest.path.read_bytes()[:5000])
    path.write_bytes(b"")
    assert restore.put_back(path, 0.0)[0].last_seq == 18


def test_without_a_backup_that_can_be_read_nothing_is_moved(scene: Scene) -> None:
    break_backup(scene)
    scene.space.journal.write_bytes(b"x" * 9000)
    before = scene.files()
    assert all(finding.mend == "" for finding in scene.worst() if "journal is damaged" in finding.what)
    with pytest.raises(MachineFailure, match="no backup of the journal can be read"):
        restore.put_back(scene.space.journal, 0.0)
    assert scene.files() == before


def test_on_a_full_disk_nothing_is_moved(scene: Scene) -> None:
    scene.space.journal.write_bytes(b"x" * 9000)
    before = scene.files()
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (10_000, hard))
    try:
        deeds = list(mend(scene.space, scene.worst(), 0.0))
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
    assert [deed.done for deed in deeds] == [False]
    assert scene.files() == {**before, "engine.lock": b""}


def test_a_journal_that_was_mended_meanwhile_is_left_alone(scene: Scene) -> None:
    whole = scene.space.journal.read_bytes()
    scene.space.journal.write_bytes(whole[:8192])
    found = scene.worst()
    scene.space.journal.write_bytes(whole)
    (deed,) = mend(scene.space, found, 0.0)
    assert not deed.done
    assert scene.space.journal.read_bytes() == whole


def test_while_the_doctor_mends_no_engine_starts(scene: Scene) -> None:
    half_written(scene)
    deeds = mend(scene.space, scene.worst(), 0.0)
    next(deeds)  # the lock is held until the next deed is asked for
    code = "import fcntl, sys; fcntl.lockf(open(sys.argv[1], 'a+'), fcntl.LOCK_EX | fcntl.LOCK_NB)"
    command = [sys.executable, "-c", code, str(scene.space.engine_lock)]
    assert b"BlockingIOError" in subprocess.run(command, capture_output=True, check=False).stderr
    assert list(deeds) == []
    assert subprocess.run(command, capture_output=True, check=False).returncode == 0
    with scene.space.engine_lock.open("a+") as lock:
        fcntl.lockf(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)


def test_results_without_a_journal_are_not_nothing(tmp_path: Path) -> None:
    space = Workspace(tmp_path / "home").create()
    assert all(finding.level == "ok" for finding in history.read(space).findings)
    (space.home / "runs" / "letters-1").mkdir(parents=True)
    (finding,) = history.read(space).findings
    assert finding.level == "wrong" and "letters-1" in finding.what
