"""Nobody but the owner reads the workspace or reaches the engine: modes of what is made, and another user's tries."""

from __future__ import annotations

import os
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from engine.doctor import examine
from engine.workspace import Workspace
from tests.place import until

NOBODY = 65534
ROOT = pytest.mark.skipif(os.getuid() != 0, reason="only root can try as another user")
# The engine's main with a stand-in for the search: it writes as steps do and starts a real data process.
WORKING_ENGINE = """
import sys
from pathlib import Path
from engine import __main__ as program
from engine.executor.supervise import LocalProcesses
from engine.files import write_json
from engine.journal import Journal
from engine.service import hold_workspace
from tests import story

async def serve(workspace):
    with hold_workspace(workspace):
        journal = Journal.open(workspace.journal)
        journal.append("demo-1", story.created())
        node = workspace.node("demo-1", "n1")
        write_json(node / "job.json", {})
        processes = LocalProcesses()
        processes.start("engine.aidp", node)
        await processes.ended(node)
        (workspace.cache / "base").mkdir(parents=True)
        journal.close()

program.serve = serve
sys.exit(program.main())
"""


@pytest.fixture(autouse=True)
def usual_umask() -> Iterator[None]:
    """What most people have: others may read what is made."""
    before = os.umask(0o022)
    yield
    os.umask(before)


@pytest.fixture
def place() -> Iterator[Path]:
    """A folder that everybody can look into: pytest's own are closed to others, and would hide what is open."""
    folder = Path(tempfile.mkdtemp(prefix="trex-privacy-"))
    folder.chmod(0o755)
    yield folder
    shutil.rmtree(folder, ignore_errors=True)


def mode(path: Path) -> int:
    return path.stat().st_mode & 0o777


def open_to_others(folder: Path) -> list[str]:
    return [str(path.relative_to(folder)) for path in folder.rglob("*") if path.lstat().st_mode & 0o077]


def work(home: Path) -> None:
    """Have an engine work in the workspace and end."""
    done = subprocess.run(
        [sys.executable, "-c", WORKING_ENGINE, "--workspace", str(home)], capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    node = home / "runs" / "demo-1" / "nodes" / "n1"
    assert (node / "exit.json").exists(), "the data process worked"


# --- the folder ------------------------------------------------------------------------------------------------


def test_a_new_workspace_is_private(place: Path) -> None:
    assert mode(Workspace(place / "home").create().home) == 0o700


@pytest.mark.parametrize("holds", [(), ("engine.lock",), ("journal.db", "runs", "models"), (".journal.db.a1b2c3d4",)])
def test_a_folder_that_holds_nothing_else_is_shut(place: Path, holds: tuple[str, ...]) -> None:
    home = place / "home"
    home.mkdir(mode=0o755)
    for name in holds:
        (home / name).touch()
    Workspace(home).create()
    assert mode(home) == 0o700


def test_a_folder_that_holds_other_things_is_left_and_ours_in_it_is_private(place: Path) -> None:
    home = place / "home"
    home.mkdir(mode=0o755)
    (home / "thesis.tex").touch()
    for _ in range(2):  # the second engine finds a journal there, and still the folder is not TREX's
        Workspace(home).create()
        work(home)
        shutil.rmtree(home / "runs" / "demo-1")
        shutil.rmtree(home / "cache" / "base")
    assert mode(home) == 0o755
    assert open_to_others(home) == ["thesis.tex"]


def test_a_folder_that_everybody_writes_into_is_never_shut(place: Path) -> None:
    place.chmod(0o1777)
    (place / "runs").mkdir()
    Workspace(place).create()
    assert mode(place) == 0o777


@ROOT
def test_another_users_folder_is_never_shut(place: Path) -> None:
    home = place / "home"
    home.mkdir()
    os.chown(home, NOBODY, NOBODY)
    Workspace(home).create()
    assert mode(home) == 0o755


# --- what is made ----------------------------------------------------------------------------------------------


def test_all_that_an_engine_and_its_children_make_is_the_owners_alone(place: Path) -> None:
    home = place / "home"
    work(home)
    assert mode(home) == 0o700
    assert len(list(home.rglob("*"))) >= 10
    assert open_to_others(home) == []


@pytest.fixture
def engine(place: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Workspace]:
    """A real engine that listens."""
    monkeypatch.setenv("XDG_RUNTIME_DIR", str(place))
    workspace = Workspace(place / "home")
    command = [sys.executable, "-P", "-m", "engine", "--workspace", str(workspace.home)]
    process = subprocess.Popen(command, stderr=subprocess.DEVNULL)
    until(workspace.socket.exists, 30)
    yield workspace
    process.send_signal(signal.SIGTERM)
    process.wait(20)


def test_the_socket_is_the_owners_alone(engine: Workspace) -> None:
    assert mode(engine.socket) == 0o600
    assert mode(engine.socket.parent) == 0o700
    status = Path(f"/proc/{engine.engine_process()}/status")
    if status.exists():  # Linux
        assert "Umask:\t0077" in status.read_text()


# --- another user ----------------------------------------------------------------------------------------------


def as_nobody(deed: Callable[[], object]) -> str:
    """What becomes of it when another user does it: `done`, or the name of the error."""
    reading, writing = os.pipe()
    child = os.fork()
    if child == 0:
        said = "done"
        try:
            os.setgroups([])
            os.setgid(NOBODY)
            os.setuid(NOBODY)
            deed()
        except BaseException as error:
            said = type(error).__name__
        os.write(writing, said.encode())
        os._exit(0)
    os.waitpid(child, 0)
    os.close(writing)
    with os.fdopen(reading) as answer:
        return answer.read()


def knock(address: Path) -> None:
    with socket.socket(socket.AF_UNIX) as end:
        end.connect(str(address))


@ROOT
def test_another_user_can_neither_list_the_workspace_nor_read_it_nor_reach_the_engine(engine: Workspace) -> None:
    home, address = engine.home, engine.socket
    if as_nobody(home.stat) != "done":
        pytest.skip("the temporary folder is closed to other users")
    tries: dict[str, Callable[[], object]] = {
        "list": lambda: list(home.iterdir()),
        "read": lambda: engine.journal.read_bytes(),
        "knock": lambda: knock(address),
    }
    assert {name: as_nobody(deed) for name, deed in tries.items()} == dict.fromkeys(tries, "PermissionError")

    # Were it open, they could: the tries are able to succeed.
    for path, wide in ((home, 0o755), (engine.journal, 0o644), (address.parent, 0o755), (address, 0o666)):
        path.chmod(wide)
    assert {name: as_nobody(deed) for name, deed in tries.items()} == dict.fromkeys(tries, "done")


@ROOT
def test_the_doctor_says_so_where_a_workspace_is_anothers(place: Path) -> None:
    home = Workspace(place / "home").create().home

    def look() -> None:
        assert "cannot be looked into (Permission denied)" in examine(Workspace(home))[0].what

    assert as_nobody(look) == "done"


@ROOT
def test_another_user_reads_nothing_of_ours_in_a_folder_that_he_can_list(place: Path) -> None:
    home = place / "home"
    home.mkdir(mode=0o755)
    (home / "thesis.tex").write_text("x")
    Workspace(home).create()
    work(home)
    assert as_nobody(lambda: list(home.iterdir())) == "done"
    found = {
        path.name: as_nobody(lambda path=path: list(path.iterdir()) if path.is_dir() else path.read_bytes())
        for path in home.iterdir()
    }
    assert found.pop("thesis.tex") == "done"
    assert len(found) > 5
    assert set(found.values()) == {"PermissionError"}, found
