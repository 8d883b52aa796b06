"""Install a known model: get its GGUF file, convert it where it is a base model, put both in place.

Interrupted at any point, the next pull goes on; nothing counts before its manifest stands. Not the sources
themselves (`engine.models.sources`), not foreign models (`engine.models.importing`).
"""

from __future__ import annotations

import shutil
import subprocess
import sys
from pathlib import Path

from engine.download import Progress, locked
from engine.errors import BadInput, MachineFailure, TrexError
from engine.files import disk_errors
from engine.models.catalogue import CATALOGUE, Entry
from engine.models.sources import obtain, place
from engine.models.store import PLACE, Installed, Manifest, checked_name, find, install


def pull(
    name: str,
    models_dir: Path,
    *,
    cache_dir: Path,
    online: bool = False,
    progress: Progress = lambda _what, _done, _total: None,
) -> Installed:
    """The model, installed and verified byte by byte; fetched only where it is missing or damaged.

    `online` lets the model hub be asked. Raises BadInput for an unknown name, MachineFailure for the rest.
    """
    entry = CATALOGUE.get(checked_name(name))
    if entry is None:
        raise BadInput(f"no known model is called {name}", hint=f"known: {', '.join(CATALOGUE)}")
    with disk_errors(models_dir, PLACE):
        models_dir.mkdir(parents=True, exist_ok=True)
    with disk_errors(models_dir):
        with locked(models_dir / f".{name}"):
            progress(f"checking {name}", 0, 0)
            return _whole(name, models_dir) or _build(entry, models_dir, cache_dir, online, progress)


def convert(source: Path, target: Path, log: Path) -> None:
    """Make a checkpoint folder of a GGUF file in a child process; its output goes to `log`, removed on success.
    Raises what the child reports."""
    command = [sys.executable, "-P", "-m", "engine.gguf_import", str(source), str(target)]
    with log.open("wb") as out:
        code = subprocess.run(command, stdin=subprocess.DEVNULL, stdout=out, stderr=out, check=False).returncode
    if code == 0:
        log.unlink()
        return
    if code < 0:
        raise MachineFailure(
            f"the conversion was killed by signal {-code}",
            where=str(source),
            hint="most likely memory ran out: close other programs and try again",
        )
    lines = log.read_text(encoding="utf-8", errors="replace").strip().splitlines()
    sentence = lines[-1][:500] if lines else f"the conversion ended with code {code}"
    raise (BadInput if code == BadInput.exit_code else MachineFailure)(sentence, hint=f"details in {log}")


def _whole(name: str, models_dir: Path) -> Installed | None:
    try:
        return find(name, models_dir, verify=True)
    except TrexError:
        return None


def _build(entry: Entry, models_dir: Path, cache_dir: Path, online: bool, progress: Progress) -> Installed:
    work = models_dir / f".{entry.name}.part"
    work.mkdir(exist_ok=True)
    file = work / entry.file
    source = obtain(entry, file, models_dir, cache_dir, online, progress)
    staging = work / "staging"
    shutil.rmtree(staging, ignore_errors=True)
    if entry.kind == "base":
        progress(f"converting {entry.name}", 0, 0)
        convert(file, staging, models_dir / f".{entry.name}.log")
    else:
        staging.mkdir()
    place(file, staging / entry.file, lambda done, total: progress(f"copying {entry.name}", done, total))
    progress(f"verifying {entry.name}", 0, 0)
    about = Manifest(
        name=entry.name,
        kind=entry.kind,
        files=(),
        gguf=entry.file,
        licence=entry.licence,
        parameters=entry.parameters,
        source=source,
    )
    installed = install(staging, models_dir, about)
    shutil.rmtree(work, ignore_errors=True)
    return installed
