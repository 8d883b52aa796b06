"""The models folder: which models are there, whole and unchanged.

    <models>/<name>/model.json    written last: without it, or not matching it, nothing in the folder is used
    <models>/<name>/*.gguf        a Researcher's model, or what a base model was converted from
    <models>/<name>/config.json, *.safetensors, tokenizer.json ...     a base model
    <models>/.<name>.part/        a pull in progress; it goes on from there

Not the getting of models (`engine.models.pull`, `engine.models.importing`).
"""

from __future__ import annotations

import re
import shutil
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

import msgspec

from engine import strict
from engine.errors import BadInput, MachineFailure, TrexError
from engine.files import disk_errors, fingerprint, sha256_file, write_json
from engine.models.catalogue import CATALOGUE, Kind

MANIFEST = "model.json"
PLACE = "with --workspace or TREX_MODELS"
_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,99}")


class StoredFile(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A file as it was verified. `modified`: nanoseconds since 1970; another time means: look at the content."""

    name: str
    size: int
    modified: int
    sha256: str


class Manifest(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """`model.json`. `gguf` names the GGUF file among `files`; a base model may have none."""

    name: str
    kind: Kind
    files: tuple[StoredFile, ...]
    gguf: str = ""
    licence: str = ""
    parameters: int = 0
    source: str = ""  # where it came from, for people


@dataclass(frozen=True)
class Installed:
    """A model that is there and whole."""

    about: Manifest
    folder: Path

    @property
    def name(self) -> str:
        return self.about.name

    @property
    def kind(self) -> Kind:
        return self.about.kind

    @property
    def path(self) -> Path:
        """What to load: the checkpoint folder of a base model, the GGUF file of a Researcher."""
        return self.folder if self.kind == "base" else self.folder / self.about.gguf

    @property
    def gguf(self) -> Path | None:
        """The GGUF file, also of a base model that was converted from one."""
        return self.folder / self.about.gguf if self.about.gguf else None

    @property
    def size(self) -> int:
        """Bytes on disk."""
        return sum(file.size for file in self.about.files)

    @property
    def weights_sha256(self) -> str:
        """Of the weights file, or of the hashes of its parts in order of their names: what a trial computes too."""
        parts = [
            file.sha256 for file in sorted(self.about.files, key=lambda f: f.name) if file.name.endswith(".safetensors")
        ]
        return parts[0] if len(parts) == 1 else fingerprint(parts)

    @property
    def fingerprint(self) -> str:
        """Names the content of all files."""
        return fingerprint(sorted((file.name, file.sha256) for file in self.about.files))


@dataclass(frozen=True)
class Listed:
    """A line of `trex models list`: `installed` None means not there, or `problem` says what is wrong with it."""

    name: str
    kind: Kind
    licence: str
    parameters: int
    size: int
    installed: Installed | None
    problem: str = ""


def find(name: str, models_dir: Path, *, verify: bool = False) -> Installed:
    """The installed model. Sizes and times are checked each time, every byte with `verify`.
    Raises MachineFailure where it is missing or damaged."""
    folder = models_dir / checked_name(name)
    way_out = f"run `trex models pull {name}`" if name in CATALOGUE else "add it with `trex models import`"
    if not (folder / MANIFEST).is_file():
        raise MachineFailure(f"model {name} is not installed", where=str(models_dir), hint=way_out)
    try:
        about = strict.from_json((folder / MANIFEST).read_bytes(), Manifest, source=str(folder / MANIFEST))
    except BadInput as error:
        raise MachineFailure(f"model {name} is damaged ({error.what})", where=str(folder), hint=way_out) from None
    checked, problem = _check_files(folder, about, verify)
    if problem:
        raise MachineFailure(f"model {name} is damaged: {problem}", where=str(folder), hint=way_out)
    if checked != about:
        with suppress(TrexError, OSError):  # a read-only models folder is read again each time
            write_json(folder / MANIFEST, checked)
    return Installed(checked, folder)


def list_models(models_dir: Path) -> list[Listed]:
    """The known models, then the imported ones, by name."""
    folders = models_dir.iterdir() if models_dir.is_dir() else ()
    names = {path.name for path in folders if _NAME.fullmatch(path.name) and (path / MANIFEST).is_file()}
    return [_listed(name, models_dir) for name in [*CATALOGUE, *sorted(names - set(CATALOGUE))]]


def checked_name(name: str) -> str:
    """The name, where it can be a folder's. Raises BadInput."""
    if not _NAME.fullmatch(name):
        raise BadInput(f"{name!r} cannot be a model's name", hint="use letters, digits, `.`, `_` and `-`")
    return name


def install(staging: Path, models_dir: Path, about: Manifest) -> Installed:
    """Hash what lies in `staging`, write its manifest, and put it in place of whatever bears the name."""
    with disk_errors(models_dir):
        paths = sorted(path for path in staging.iterdir() if path.name != MANIFEST)
        about = msgspec.structs.replace(about, files=tuple(_stored(path) for path in paths))
        write_json(staging / MANIFEST, about)
        folder, old = models_dir / about.name, models_dir / f".{about.name}.old"
        shutil.rmtree(old, ignore_errors=True)
        if folder.exists():
            folder.rename(old)
        staging.rename(folder)
        shutil.rmtree(old, ignore_errors=True)
    return Installed(about, folder)


def _listed(name: str, models_dir: Path) -> Listed:
    known = CATALOGUE.get(name)
    there = (models_dir / name / MANIFEST).is_file()
    try:
        found: Installed | None = find(name, models_dir) if there else None
        problem = ""
    except TrexError as error:
        found, problem = None, error.what
    if known is not None:
        size = found.size if found else known.size
        return Listed(name, known.kind, known.licence, known.parameters, size, found, problem)
    if found is None:
        return Listed(name, "researcher", "", 0, 0, None, problem)
    return Listed(name, found.kind, found.about.licence, found.about.parameters, found.size, found)


def _check_files(folder: Path, about: Manifest, verify: bool) -> tuple[Manifest, str]:
    """The manifest with times brought up to date, and what is wrong ("" = nothing)."""
    files: list[StoredFile] = []
    for file in about.files:
        path = folder / Path(file.name).name
        if not path.is_file():
            return about, f"{file.name} is missing"
        info = path.stat()
        if info.st_size != file.size:
            return about, f"{file.name} has {info.st_size:,} bytes instead of {file.size:,}"
        if (verify or info.st_mtime_ns != file.modified) and sha256_file(path) != file.sha256:
            return about, f"{file.name} has changed (sha256 differs)"
        files.append(msgspec.structs.replace(file, modified=info.st_mtime_ns))
    return msgspec.structs.replace(about, files=tuple(files)), ""


def _stored(path: Path) -> StoredFile:
    info = path.stat()
    return StoredFile(path.name, info.st_size, info.st_mtime_ns, sha256_file(path))
