"""Bring in a person's own model: a GGUF file, or a folder with safetensors, config.json and a tokenizer.

Foreign files are checked before a byte is copied: headers, sizes, names; no pickle, no code. Not a converter
(a GGUF that becomes a base model is handed to `engine.models.pull.convert`).
"""

from __future__ import annotations

import os
import re
import shutil
import tempfile
from pathlib import Path

from engine.download import Progress, locked
from engine.errors import BadInput, MachineFailure
from engine.files import disk_errors, expanded, sha256_file
from engine.models.catalogue import CATALOGUE, Entry, Kind
from engine.models.checkpoint import checkpoint_files, safetensors_parameters
from engine.models.gguf import read_header
from engine.models.pull import convert
from engine.models.sources import place
from engine.models.store import PLACE, Installed, Manifest, checked_name, find, install


def import_file(
    path: Path,
    name: str | None,
    models_dir: Path,
    *,
    kind: Kind | None = None,
    progress: Progress = lambda _what, _done, _total: None,
) -> Installed:
    """Install `path` as `name` (by default its own name). A folder is a base model; a GGUF file a Researcher's, or a
    base model with `kind="base"`. A known file takes its known name and kind. The original stays where it is.
    Raises BadInput where the files cannot be used, MachineFailure where they cannot be written."""
    path = expanded(path).resolve()
    if os.path.isdir(path):  # noqa: PTH112 - never raises, whatever the name
        if kind == "researcher":
            raise BadInput("a Researcher's model is a GGUF file, not a folder", where=str(path))
        about, files = _checkpoint(path, name)
    else:
        about, files = _gguf(path, name, kind, progress)
    with disk_errors(models_dir, PLACE):
        models_dir.mkdir(parents=True, exist_ok=True)
    with disk_errors(models_dir):
        with locked(models_dir / f".{about.name}"):
            _refuse_present(about.name, models_dir)
            return _install(about, files, models_dir, progress)


def _install(about: Manifest, files: list[Path], models_dir: Path, progress: Progress) -> Installed:
    work = Path(tempfile.mkdtemp(dir=models_dir, prefix=".import-"))
    staging = work / "staging"
    try:
        if about.kind == "base" and about.gguf:
            progress(f"converting {about.name}", 0, 0)
            convert(files[0], staging, models_dir / f".{about.name}.log")
        staging.mkdir(exist_ok=True)
        for file in files:
            target = staging / (about.gguf or file.name)
            place(file, target, lambda done, total: progress(f"copying {about.name}", done, total))
        progress(f"verifying {about.name}", 0, 0)
        return install(staging, models_dir, about)
    finally:
        shutil.rmtree(work, ignore_errors=True)


def _gguf(path: Path, name: str | None, kind: Kind | None, progress: Progress) -> tuple[Manifest, list[Path]]:
    header = read_header(path)
    progress(f"checking {path.name}", 0, 0)
    known = _known(path)
    if known is not None and name in (None, known.name) and kind in (None, known.kind):
        name, kind = known.name, known.kind
    name = name or _name_of(path.stem)
    if name in CATALOGUE and known is not CATALOGUE[name]:
        raise BadInput(
            f"{name} is a known model and this is another file (sha256 differs)",
            where=str(path),
            hint="give it another name with --name",
        )
    about = Manifest(
        name=checked_name(name),
        kind=kind or "researcher",
        files=(),
        gguf=known.file if known else _file_name(path),
        licence=known.licence if known else header.text("general.license"),
        parameters=header.parameters,
        source=f"imported from {path}",
    )
    return about, [path]


def _checkpoint(folder: Path, name: str | None) -> tuple[Manifest, list[Path]]:
    files = checkpoint_files(folder)
    name = checked_name(name or _name_of(folder.name))
    if name in CATALOGUE:
        raise BadInput(f"{name} is the name of a known model", where=str(folder), hint="give another with --name")
    weights = sum(safetensors_parameters(path) for path in files if path.suffix == ".safetensors")
    return Manifest(name=name, kind="base", files=(), parameters=weights, source=f"imported from {folder}"), files


def _known(path: Path) -> Entry | None:
    """The catalogue's entry with this file's content."""
    size = path.stat().st_size
    near = [entry for entry in CATALOGUE.values() if entry.size == size]
    digest = sha256_file(path) if near else ""
    return next((entry for entry in near if entry.sha256 == digest), None)


def _refuse_present(name: str, models_dir: Path) -> None:
    try:
        find(name, models_dir)
    except MachineFailure:
        return
    raise BadInput(
        f"a model called {name} is already installed",
        where=str(models_dir / name),
        hint="give the new one another name with --name, or remove that folder",
    )


def _file_name(path: Path) -> str:
    return f"{_name_of(path.stem) or 'model'}.gguf"


def _name_of(text: str) -> str:
    return re.sub(r"[^A-Za-z0-9._-]+", "-", text).lstrip("._-")[:100]
