"""Where everything lies on disk. Paths only; nothing here reads or writes history.

<home>/journal.db        events of all runs            <home>/models/      base models and GGUF files
<home>/engine.lock       held by the one engine        <home>/cache/       fetched sources, NF4 checkpoints
<home>/interface.json    when a person last looked
<home>/device.lock       held by who uses the device   <home>/tasks/<name>-<fingerprint>/  materialised splits
<home>/runs/<run>/nodes/<node>/                        the node's data job (recipe in, rows and report out)
<home>/runs/<run>/trials/<trial>/                      a trial's directory: its interface
<home>/runs/<run>/report/                              report.md, report.html
<home>/backups/          of the journal                <home>/damaged/     what the doctor moved away
Nobody but the owner may read any of it: the home is 0700 where it is TREX's alone, its entries are private everywhere,
and the engine's umask (`engine.__main__`), which its children inherit, sees to what they make.
"""

from __future__ import annotations

import fcntl
import hashlib
import os
import stat
import struct
import tempfile
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from engine.errors import BadInput
from engine.files import disk_errors, expanded

PLACE = "with --workspace"
OTHERS = 0o077  # the rights of everybody but the owner
_FILES = (
    "journal.db",
    "journal.db-wal",
    "journal.db-shm",
    "engine.lock",
    "engine.log",
    "device.lock",
    "cli.log",
    "interface.json",
)
_FOLDERS = ("runs", "tasks", "cache", "models", "backups", "damaged")
_FLOCK = "hhqqi"  # Linux's struct flock: kind, whence, start, length, process


@dataclass(frozen=True)
class Workspace:
    """One workspace: one engine, one journal, any number of runs."""

    home: Path

    @property
    def journal(self) -> Path:
        return self.home / "journal.db"

    @property
    def models(self) -> Path:
        """Models may be shared by several workspaces: TREX_MODELS wins."""
        return Path(os.environ.get("TREX_MODELS") or self.home / "models")

    @property
    def cache(self) -> Path:
        return self.home / "cache"

    @property
    def device_lock(self) -> Path:
        return self.home / "device.lock"

    @property
    def engine_lock(self) -> Path:
        return self.home / "engine.lock"

    @property
    def engine_log(self) -> Path:
        return self.home / "engine.log"

    def run(self, run: str) -> Path:
        return self.home / "runs" / run

    def node(self, run: str, node: str) -> Path:
        return self.run(run) / "nodes" / node

    def trial(self, run: str, trial: str) -> Path:
        return self.run(run) / "trials" / trial

    def report(self, run: str) -> Path:
        return self.run(run) / "report"

    def splits(self, name: str, fingerprint: str) -> Path:
        return self.home / "tasks" / f"{name}-{fingerprint}"

    @property
    def socket(self) -> Path:
        """The engine's socket: short (a path over 108 bytes cannot be one) and in a folder of the user's own."""
        name = hashlib.sha256(str(self.home.resolve()).encode()).hexdigest()[:16]
        return private_folder() / f"{name}.sock"

    @property
    def door(self) -> Path:
        """The socket to knock at: that of the engine at work, where it was started with another $XDG_RUNTIME_DIR."""
        own = self.socket
        if not own.exists():
            with suppress(OSError, IndexError, UnicodeDecodeError):
                kept = Path(self.engine_lock.read_text().splitlines()[1])
                return kept if kept.exists() else own
        return own

    def create(self) -> Workspace:
        """Make the folder, and keep it from others. Raises MachineFailure where it cannot be written, BadInput where
        it cannot be."""
        with disk_errors(self.home, PLACE):
            self.home.mkdir(parents=True, exist_ok=True, mode=0o700)
            with tempfile.TemporaryFile(dir=self.home):
                pass
            _keep_from_others(self.home)
        return self

    def engine_process(self) -> int:
        """The process that holds this workspace as its engine, whether it answers or not; 0 where none does."""
        return lock_holder(self.engine_lock)


def lock_holder(lock: Path) -> int:
    """The process that holds a lock file, asked without taking it; 0 where none does. Never ask in a process that holds
    it: that would drop the lock."""
    try:
        with lock.open("rb") as handle:
            asked = struct.pack(_FLOCK, fcntl.F_WRLCK, os.SEEK_SET, 0, 0, 0)
            kind, *_, process = struct.unpack(_FLOCK, fcntl.fcntl(handle, fcntl.F_GETLK, asked))
    except OSError:
        return 0
    return 0 if kind == fcntl.F_UNLCK else int(process)


def only_ours(home: Path) -> bool:
    """Whether a folder is the owner's and holds nothing but what TREX keeps: only such a one is shut to others."""
    info = home.stat()
    if info.st_uid != os.getuid() or info.st_mode & stat.S_ISVTX:
        return False
    names = {path.name for path in home.iterdir() if not path.name.startswith(f".{_FILES[0]}.")}
    return names <= {*_FILES, *_FOLDERS}


def our_entries(home: Path) -> list[Path]:
    """What TREX keeps in a folder, as far as it is there."""
    return [home / name for name in (*_FILES, *_FOLDERS) if os.path.lexists(home / name)]


def _keep_from_others(home: Path) -> None:
    """Shut the folder. One that holds other things too stays as it is; ours in it are made beforehand, and private."""
    if not home.stat().st_mode & OTHERS:
        return
    if only_ours(home):
        with suppress(PermissionError):  # a disk that knows no rights; the doctor says so
            home.chmod(0o700)
        return
    for name in _FOLDERS:
        (home / name).mkdir(mode=0o700, exist_ok=True)
    for name in ("engine.lock", "engine.log", "cli.log"):
        (home / name).touch(mode=0o600)


def workspace_at(given: str | None) -> Workspace:
    """The workspace that a person names, else the default one. Raises BadInput where no folder can be there."""
    if given == "":
        raise BadInput("`--workspace` is given, but empty", hint="name a folder, or leave it out")
    home = expanded(default_home() if given is None else Path(given)).absolute()
    with disk_errors(home, PLACE):
        if home.exists() and not home.is_dir():
            raise BadInput("the workspace is a file, not a folder", where=str(home), hint=f"choose another {PLACE}")
    return Workspace(home)


def default_home() -> Path:
    """TREX_HOME, else the user's data folder."""
    if given := os.environ.get("TREX_HOME"):
        return expanded(Path(given))
    return Path(os.environ.get("XDG_DATA_HOME") or expanded(Path("~/.local/share"))) / "trex"


def private_folder() -> Path:
    """A 0700 folder of this user for sockets: $XDG_RUNTIME_DIR/trex, else one below the temporary folder."""
    base = os.environ.get("XDG_RUNTIME_DIR")
    folder = (
        Path(base) / "trex" if base and Path(base).is_dir() else Path(tempfile.gettempdir()) / f"trex-{os.getuid()}"
    )
    return private(folder)


def private(folder: Path) -> Path:
    """The folder, made where it is missing, and nobody else's. Raises BadInput where others could get at it."""
    with disk_errors(folder, "with XDG_RUNTIME_DIR"):
        with suppress(FileExistsError):
            folder.mkdir(mode=0o700)
        info = folder.lstat()
    if not stat.S_ISDIR(info.st_mode) or info.st_uid != os.getuid() or info.st_mode & 0o077:
        raise BadInput(
            "the folder for the engine's socket is not private to you",
            where=str(folder),
            hint="remove it, or set XDG_RUNTIME_DIR to a folder only you can read",
        )
    return folder


def shipped(kind: str) -> Path:
    """`assets` or `tasks` as shipped: beside the packages in a checkout, inside `engine/_shipped` in the wheel."""
    inside = Path(__file__).parent / "_shipped" / kind
    return inside if inside.is_dir() else Path(__file__).parent.parent / kind
