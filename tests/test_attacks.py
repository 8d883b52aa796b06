"""Bad input and a hostile machine: one sentence with the way out, the right exit code, nothing half-written, no hang.

Commands run inside this process where that shows the same; the engine and the streams of a shell are real.
"""

from __future__ import annotations

import json
import os
import signal
import socket
import sqlite3
import struct
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from engine import models
from engine.control import client
from engine.control import protocol as p
from engine.errors import BadInput, MachineFailure, TrexError
from engine.files import disk_errors
from engine.journal import Journal
from engine.models.checkpoint import checkpoint_files, safetensors_parameters
from engine.search import events as ev
from engine.task import load_task
from engine.workspace import Workspace, private_folder
from tests import story
from tests.place import TASK, until
from trex_tui.cli import main

Trex = Callable[..., tuple[int, str, str]]


@pytest.fixture
def trex(tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> Trex:
    """Runs a command on `tmp_path/home`; gives exit code, stdout, and stderr, which is a sentence or nothing."""
    monkeypatch.setenv("XDG_RUNTIME_DIR", str(tmp_path))
    monkeypatch.setenv("TMPDIR", str(tmp_path))
    monkeypatch.delenv("TREX_MODELS", raising=False)

    def run(*arguments: str, home: str = "") -> tuple[int, str, str]:
        code = main(["--workspace", home or str(tmp_path / "home"), *arguments])
        out, err = capsys.readouterr()
        assert "Traceback" not in err
        assert "defect" not in err, err
        return code, out, err

    return run


@pytest.fixture
def task(tmp_path: Path) -> Path:
    folder = tmp_path / "letters"
    folder.mkdir()
    (folder / "task.toml").write_text(TASK)
    words = (f"{'a' * (n % 2)}{'bcdefgh'[n % 7]}{n},{('no', 'yes')[n % 2]}" for n in range(160))
    (folder / "words.csv").write_text("\n".join(["word,answer", *words]))
    return folder


def one_sentence(err: str) -> bool:
    return err.startswith("trex: ") and err.count("\n") == 1 and err.rstrip("\n").isprintable()


# --- task files ------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        ("train = 60", f"train = {'9' * 6000}", "thousands of digits"),
        ("train = 60", f"train = {'[' * 3000}{']' * 3000}", "too deep"),
        ('name = "letters"', 'name = "letters"\n"a\\nb\\u001b[31m" = 1', r"unknown field `a\nb\x1b[31m`"),
        ("words.csv", "w\\u0000.csv", "names no file"),
        ("words.csv", ".", "names no file"),
        ("words.csv", "w" * 300 + ".csv", "no such data file"),
        ('wall = "20m"', 'wall = "0s"', "no time to work in"),
        ('wall = "20m"', f'wall = "{"9" * 400}d"', "no time to work in"),
        ("learning_rate = 1e-2", "learning_rate = nan", "learning_rate"),
    ],
    ids=["digits", "nesting", "escapes", "null", "folder", "long", "no time", "all time", "nan"],
)
def test_a_wrong_task_file_is_one_sentence(trex: Trex, task: Path, old: str, new: str, said: str) -> None:
    text = (task / "task.toml").read_text()
    assert old in text
    (task / "task.toml").write_text(text.replace(old, new))
    code, _, err = trex("task", "check", str(task))
    assert code == 2
    assert said in err
    assert one_sentence(err)


def test_a_byte_order_mark_and_windows_line_ends_are_read(task: Path) -> None:
    text = (task / "task.toml").read_text().replace("\n", "\r\n")
    (task / "task.toml").write_bytes(b"\xef\xbb\xbf" + text.encode())
    assert load_task(task).name == "letters"


def test_a_set_takes_one_value_and_no_more(task: Path) -> None:
    with pytest.raises(BadInput, match="more than a value"):
        load_task(task, {"budget.rounds": '5\nname = "other"'})
    with pytest.raises(BadInput, match="rounds"):
        load_task(task, {"budget.rounds": "9" * 6000})


@pytest.mark.parametrize("name", ["n" * 300, "~nobody-of-this-name/x", "", "a\tb"])
def test_a_name_that_no_task_can_have(trex: Trex, name: str) -> None:
    code, _, err = trex("task", "check", name)
    assert code == 2
    assert one_sentence(err)


# --- trex task new ---------------------------------------------------------------------------------------------


def test_a_task_is_not_made_where_none_can_be(trex: Trex, task: Path, tmp_path: Path) -> None:
    data, before = str(task / "words.csv"), sorted(tmp_path.rglob("*"))
    for folder in (task / "task.toml" / "x", tmp_path / ("n" * 300), Path("/proc/x")):
        code, _, err = trex("task", "new", str(folder), "--data", data)
        assert code == 2
        assert one_sentence(err)
        assert "task's folder" in err
    assert sorted(tmp_path.rglob("*")) == before


def test_a_pipe_is_no_data_file_and_no_model(trex: Trex, tmp_path: Path) -> None:
    for name in ("p.csv", "p.gguf"):
        os.mkfifo(tmp_path / name)
    assert trex("task", "new", str(tmp_path / "t"), "--data", str(tmp_path / "p.csv"))[0] == 2
    assert trex("models", "import", str(tmp_path / "p.gguf"))[0] == 2
    assert trex("models", "import", "n" * 300)[0] == 2


def test_half_characters_in_the_rows_are_said(trex: Trex, tmp_path: Path) -> None:
    rows = [json.dumps({"text": f"x{n}", "label": ("a", "\ud800")[n % 2]}) for n in range(60)]
    (tmp_path / "d.jsonl").write_text("\n".join(rows))
    code, _, err = trex("task", "new", str(tmp_path / "t"), "--data", str(tmp_path / "d.jsonl"))
    assert code == 2
    assert "UTF-8" in err
    assert not (tmp_path / "t").exists()


# --- models ----------------------------------------------------------------------------------------------------


def gguf(path: Path, licence: bytes) -> Path:
    """The smallest file that our header check takes for a language model."""

    def text(value: bytes) -> bytes:
        return struct.pack("<Q", len(value)) + value

    pairs = {b"general.architecture": b"llama", b"general.license": licence}
    head = b"GGUF" + struct.pack("<IQQ", 3, 1, len(pairs))
    head += b"".join(text(key) + struct.pack("<I", 8) + text(value) for key, value in pairs.items())
    head += text(b"t") + struct.pack("<IQ", 1, 32) + struct.pack("<IQ", 0, 0)
    path.write_bytes(head + b"\0" * (-len(head) % 32) + b"\0" * 128)
    return path


def test_text_of_a_model_file_cannot_steer_the_terminal(trex: Trex, tmp_path: Path) -> None:
    source = gguf(tmp_path / "m.gguf", b"mine\n\x1b[31mred\xff")
    assert trex("models", "import", str(source))[0] == 0
    _, out, _ = trex("models", "list")
    assert all(line.isprintable() for line in out.splitlines())


@pytest.mark.parametrize("shape", [[2**62, 2**62, 2**62], [-5], [1000]])
def test_a_shape_that_its_bytes_cannot_hold(tmp_path: Path, shape: list[int]) -> None:
    head = json.dumps({"w": {"dtype": "F32", "shape": shape, "data_offsets": [0, 4]}}).encode()
    path = tmp_path / "model.safetensors"
    path.write_bytes(struct.pack("<Q", len(head)) + head + b"0000")
    with pytest.raises(BadInput, match="shape"):
        safetensors_parameters(path)


def test_pickled_weights_are_refused(tmp_path: Path) -> None:
    (tmp_path / "config.json").write_text('{"architectures": ["LlamaForCausalLM"]}')
    for name in ("pytorch_model.bin", "tokenizer.json"):
        (tmp_path / name).write_text("x")
    with pytest.raises(BadInput, match="never loaded"):
        checkpoint_files(tmp_path)


def test_a_models_folder_that_is_a_file(trex: Trex, tmp_path: Path) -> None:
    (tmp_path / "home").mkdir()
    (tmp_path / "home" / "models").write_text("x")
    code, _, err = trex("models", "import", str(gguf(tmp_path / "m.gguf", b"mine")))
    assert code == 2
    assert one_sentence(err.splitlines(keepends=True)[-1])
    assert models.list_models(tmp_path / "home" / "models")


# --- the workspace ---------------------------------------------------------------------------------------------


def test_a_workspace_that_cannot_be(trex: Trex, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("x")
    for home in (str(tmp_path / "file"), "~nobody-of-this-name/x"):
        code, _, err = trex("status", home=home)
        assert code == 2
        assert one_sentence(err)
    for home in (str(tmp_path / "file" / "x"), str(tmp_path / ("n" * 300)), "/proc/x"):
        code, _, err = trex("engine", "start", home=home)
        assert code == 2
        assert one_sentence(err)
        assert "--workspace" in err
    assert main(["--workspace", "", "status"]) == 2


@pytest.mark.parametrize("make", ["file", "dangling", "link", "open"])
def test_a_socket_folder_that_is_not_ours_alone(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, make: str) -> None:
    monkeypatch.setenv("XDG_RUNTIME_DIR", str(tmp_path))
    folder = tmp_path / "trex"
    if make == "file":
        folder.touch()
    elif make == "open":
        folder.mkdir()
        folder.chmod(0o777)
    else:
        folder.symlink_to("/tmp" if make == "link" else "/nonexistent")
    with pytest.raises(BadInput, match="not private"):
        private_folder()


def test_a_place_that_is_full_or_impossible_names_its_own_way_out() -> None:
    with pytest.raises(MachineFailure, match="with --to"), disk_errors(Path("x"), "with --to"):
        raise OSError(30, "Read-only file system")
    with pytest.raises(MachineFailure, match="free some space"), disk_errors(Path("x"), "with --to"):
        raise OSError(28, "No space left on device")
    with pytest.raises(FileNotFoundError), disk_errors(Path("x")):  # not a place that a person chose: not their fault
        raise FileNotFoundError(2, "No such file or directory")


# --- the command line and its streams --------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["bogus"], "invalid choice"),
        (["--bogus"], "unrecognized"),
        (["show"], "required: run"),
        (["run", "x", "--rounds", "0"], "from 1 to 100,000"),
        (["run", "x", "--seed", "x"], "whole number"),
        (["task", "bogus"], "trex task --help"),
    ],
)
def test_a_wrong_command_is_one_sentence(trex: Trex, arguments: list[str], said: str) -> None:
    code, out, err = trex(*arguments)
    assert code == 2
    assert not out
    assert said in err
    assert one_sentence(err)


def shell(command: str, home: Path, **environment: str) -> subprocess.CompletedProcess[str]:
    """A real `trex`, as `$T`, under a real shell."""
    told = {**os.environ, "T": f"{sys.executable} -P -m trex_tui.cli --workspace {home}", **environment}
    line = ["/bin/bash", "-c", command]
    return subprocess.run(line, capture_output=True, text=True, timeout=60, env=told, check=False)


def test_streams_that_are_closed_full_or_narrow(tmp_path: Path) -> None:
    home = tmp_path / "home"
    filled(home)
    for at_once in ("", "1"):
        closed = shell("$T show demo-1 | (exec <&-; sleep 0.7); echo ${PIPESTATUS[0]}", home, PYTHONUNBUFFERED=at_once)
        assert (closed.stdout, closed.stderr) == ("0\n", "")
        full = shell("$T runs > /dev/full", home, PYTHONUNBUFFERED=at_once)
        assert full.returncode == 1
        assert one_sentence(full.stderr)
        assert "output" in full.stderr
    nothing = shell("$T <&- >&-", home)
    assert nothing.returncode == 2
    assert "needs a terminal" in nothing.stderr
    narrow = shell("$T status", home, PYTHONIOENCODING="ascii")
    assert narrow.returncode == 0
    assert "\\u25" in narrow.stdout


# --- the journal -----------------------------------------------------------------------------------------------


def filled(home: Path) -> Path:
    """A workspace's journal with a small run."""
    Workspace(home).create()
    journal = Journal.open(home / "journal.db")
    for record in story.records(story.created(), story.base(), story.node("n1", "n0", 0.7)):
        journal.append("demo-1", record.event)
    journal.close()
    return home / "journal.db"


def all_of(path: Path) -> list[ev.Record]:
    return list(Journal.open_read_only(path).records())


@pytest.mark.parametrize(
    "damage",
    [
        "UPDATE events SET body = x'7b7d' WHERE seq = 4",
        "UPDATE events SET body = x'ff' WHERE seq = 4",
        "UPDATE events SET body = NULL WHERE seq = 4",
        "DELETE FROM events WHERE seq = 1",
    ],
)
def test_damaged_events_are_damage_and_no_defect(tmp_path: Path, damage: str) -> None:
    path = filled(tmp_path / "home")
    with sqlite3.connect(path) as db:
        db.execute("PRAGMA writable_schema = 1")
        db.execute("UPDATE sqlite_master SET sql = replace(sql, 'BLOB NOT NULL', 'BLOB')")
    with sqlite3.connect(path) as db:
        db.execute(damage)
    with pytest.raises(MachineFailure, match="damaged"):
        all_of(path)


def test_a_cut_journal_is_never_a_defect(tmp_path: Path) -> None:
    path = filled(tmp_path / "home")
    written, whole = all_of(path), path.read_bytes()
    for size in range(999, len(whole), 997):
        path.write_bytes(whole[:size])
        try:
            assert all_of(path) == written
        except TrexError:
            continue


def test_a_busy_or_full_disk_is_not_called_damage(tmp_path: Path) -> None:
    path = filled(tmp_path / "home")
    holder = sqlite3.connect(path, isolation_level=None)
    holder.execute("PRAGMA locking_mode = exclusive")
    holder.execute("BEGIN EXCLUSIVE")
    db = sqlite3.connect(path, timeout=0)
    with pytest.raises(sqlite3.OperationalError) as caught:
        db.execute("SELECT * FROM events")
    from engine.journal import _explained

    assert "held by another program" in str(_explained(caught.value, path))
    full = sqlite3.OperationalError("disk I/O error")
    full.sqlite_errorcode = sqlite3.SQLITE_IOERR
    assert "free some space" in str(_explained(full, path))


def test_a_journal_in_the_making_is_empty_and_a_foreign_one_refused(tmp_path: Path) -> None:
    path = tmp_path / "journal.db"
    path.touch()
    assert Journal.open_read_only(path).runs() == []
    with sqlite3.connect(path) as db:
        db.execute("CREATE TABLE theirs(a)")
    before = path.read_bytes()
    for opening in (Journal.open, Journal.open_read_only):
        with pytest.raises(BadInput, match="another program's"):
            opening(path)
    assert path.read_bytes() == before


def test_a_journal_that_was_removed_is_not_written_on_in_secret(tmp_path: Path) -> None:
    path = filled(tmp_path / "home")
    journal = Journal.open(path)
    path.unlink()
    with pytest.raises(MachineFailure, match="removed or replaced"):
        journal.append("demo-1", ev.RunResumed(by="me"))


# --- the engine ------------------------------------------------------------------------------------------------


@pytest.fixture
def engine(trex: Trex, tmp_path: Path) -> Iterator[Workspace]:
    """A real engine."""
    workspace = Workspace(tmp_path / "home")
    assert trex("engine", "start")[0] == 0
    yield workspace
    if process := workspace.engine_process():
        os.kill(process, signal.SIGKILL)


def test_an_engine_whose_socket_is_taken_away_comes_back(trex: Trex, engine: Workspace) -> None:
    process = engine.engine_process()
    engine.socket.unlink()
    engine.socket.parent.rmdir()  # as a logout does
    code, _, err = trex("engine", "start")  # waits for the one that is there
    assert code == 0, err
    assert engine.engine_process() == process
    assert trex("engine", "stop")[0] == 0
    until(lambda: not engine.engine_process(), 10)
    log = engine.engine_log.read_text()
    assert "listening again" in log
    assert "Traceback" not in log


def test_an_engine_that_hangs_does_not_hang_the_client(
    trex: Trex, engine: Workspace, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(client, "WELCOME_SECONDS", 0.3)
    monkeypatch.setattr("trex_tui.commands.engine.START_SECONDS", 0.3)
    process = engine.engine_process()
    os.kill(process, signal.SIGSTOP)
    assert f"does not answer (process {process})" in trex("status")[1]
    assert trex("engine", "stop")[0] == 1
    code, _, err = trex("engine", "start")
    assert code == 1
    assert one_sentence(err)
    assert str(process) in err


def test_a_refusal_of_the_protocol_reaches_the_person(trex: Trex, engine: Workspace, task: Path) -> None:
    code, _, err = trex("run", str(task), "--detach", "--policy", "x" * 300)
    assert code == 2
    assert "policy" in err
    code, _, err = trex("run", str(task), "--detach")
    assert code == 1, "a model that is not installed is no bad input"
    assert "not installed" in err


def test_garbage_on_the_socket_troubles_nobody_else(trex: Trex, engine: Workspace) -> None:
    def connected() -> socket.socket:
        end = socket.socket(socket.AF_UNIX)
        end.settimeout(5)
        end.connect(str(engine.socket))
        return end

    hello = p.encode(p.Hello(version=p.VERSION))
    for junk in (b"\xff" * 4, b"\0" * 4, struct.pack(">I", 5000) + b"\x91" * 5000, b"GET / HTTP/1.0\r\n\r\n"):
        with connected() as end:
            end.sendall(junk)
            assert b"refused" in end.recv(4096)
    many = [connected() for _ in range(60)]
    for half in many:
        half.sendall(hello[:3])
    start = time.monotonic()
    assert trex("engine", "status")[0] == 0
    assert time.monotonic() - start < 2
    for half in many:
        half.close()
