"""Folders of rows: what `datasets` writes (`save_to_disk` of one data set or of several splits, a cache's `.arrow`
files), and data sets as they are published (a file or several for each split, in the folder or in its `data/`).

Read by their file names alone; what the JSON files beside them name is taken only where it lies in the same folder.
A hub's cache keeps the files of a snapshot as links to its `blobs`: these links are followed, no others lead out.
"""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any, NamedTuple, TypeGuard

from engine.errors import BadInput
from engine.files import read_regular

SMALL = 16 * 1024**2  # bytes of a JSON file
_STATE, _SPLITS = "state.json", "dataset_dict.json"
_SHARD = re.compile(r"(?:(?P<name>.+)-)?(?P<split>[A-Za-z0-9_.]+?)(?:-\d{5}-of-\d{5})?\.arrow")
_PUBLISHED = (".parquet", ".jsonl", ".ndjson", ".json", ".csv", ".tsv")  # each may be packed as `.gz`
_ABOUT = ("dataset_info.json", "dataset_infos.json", _STATE, _SPLITS)  # files that say something of the data
_WORDS = {  # by which `datasets` tells the split of a published file
    "test": ("test", "testing", "eval", "evaluation"),
    "validation": ("validation", "valid", "val", "dev"),
    "train": ("train", "training"),
}


def below(root: Path, path: str) -> Path | None:
    """`path` below `root`; None for one that leads out, by a link too, that holds `..`, or that is no name."""
    try:
        home = root.resolve()
        named = home / path
        down = not Path(path).is_absolute() and ".." not in Path(path).parts
        inside = down and (named.resolve().is_relative_to(home) or is_blob(named))
        named.exists()  # a name that is too long is told here
        return named if inside else None
    except (OSError, ValueError):
        return None


def is_blob(path: Path) -> bool:
    """Whether it is a file of a hub cache's snapshot: `<data set>/snapshots/<revision>/...`, a link to a file that
    lies in `<data set>/blobs`. No other link may be on the way: `path` is a whole path without any.
    """
    snapshots = next((parent for parent in path.parents[1:] if parent.name == "snapshots"), None)
    if snapshots is None or path.parent.resolve() != path.parent:
        return False
    target = path.resolve()  # so `blobs` is no link either
    return target.parent == snapshots.parent / "blobs" and target.is_file()


def located(path: Path) -> Path:
    """Its whole path, links followed; a file of a hub cache's snapshot keeps its name there."""
    named = path.parent.resolve() / path.name
    return named if is_blob(named) else path.resolve()


def is_data(path: Path) -> bool:
    """Whether it is a folder of rows."""
    return path.is_dir() and ((path / _STATE).is_file() or (path / _SPLITS).is_file() or bool(_found(path)))


class Split(NamedTuple):
    """The files of a split, in order, all of one format; and which other splits there are."""

    name: str
    files: list[Path]
    others: tuple[str, ...]


def split_of(folder: Path, split: str, name: str) -> Split:
    """`split` of the folder; "": the only one, or `train`. Raises BadInput: there is none, a file is missing."""
    found = _splits(folder, name)
    wanted = split or (next(iter(found)) if len(found) == 1 else "train")
    if wanted not in found:
        known = ", ".join(f"`{one}`" for one in found) or "none"
        what = f"there is no split `{wanted}`" if split else "there are several splits, and none is `train`"
        raise BadInput(what, where=name, hint=f"`split` may be {known}")
    inside = folder.resolve()
    if outside := [file for file in found[wanted] if not file.resolve().is_relative_to(inside) and not is_blob(file)]:
        raise BadInput(f"the file `{outside[0].name}` lies elsewhere", where=name, hint="save the data set again")
    formats = {_format(file): file.name for file in found[wanted]}
    if len(formats) > 1:
        named = " and ".join(f"`{file}`" for file in list(formats.values())[:2])
        raise BadInput(f"{named} are files of different formats", where=name, hint="name one of the files")
    return Split(wanted, found[wanted], tuple(one for one in found if one != wanted))


def _splits(folder: Path, name: str) -> dict[str, list[Path]]:
    if (folder / _SPLITS).is_file():
        names = _json(folder / _SPLITS, name).get("splits")
        listed = names if isinstance(names, list) else []
        return {one: _saved(folder / one, f"{name}/{one}") for one in listed if _plain(one)}
    if (folder / _STATE).is_file():
        return {"train": _saved(folder, name)}
    splits: dict[str, list[Path]] = {}
    for path in _found(folder):
        splits.setdefault(_split(path), []).append(path)
    return splits


def _found(folder: Path) -> list[Path]:
    """The files with rows: those of a cache of `datasets`, or else published ones, here or in `data/`."""
    cached = [path for path in folder.glob("*.arrow") if _SHARD.fullmatch(path.name)]
    if found := [path for path in cached if not path.name.startswith("cache-")]:
        return sorted(found)
    published = (_published(place) for place in (folder, folder / "data"))
    return next(filter(None, published), [])


def _published(folder: Path) -> list[Path]:
    files = (path for path in folder.glob("*") if path.name not in _ABOUT and not path.name.startswith("."))
    return sorted(path for path in files if _format(path) in _PUBLISHED and path.is_file())


def _format(path: Path) -> str:
    return Path(path.name.lower().removesuffix(".gz")).suffix


def _split(path: Path) -> str:
    """By the file's name; `train` where it says none."""
    if match := _SHARD.fullmatch(path.name):
        return match["split"]
    words = re.split(r"[^a-z]+", path.name.lower())
    return next((split for split, known in _WORDS.items() if not set(known).isdisjoint(words)), "train")


def _saved(folder: Path, name: str) -> list[Path]:
    """The files that `save_to_disk` listed."""
    listed = _json(folder / _STATE, name).get("_data_files")
    files = []
    for item in listed if isinstance(listed, list) else []:
        found = item.get("filename") if isinstance(item, dict) else None
        file = folder / found if _plain(found) else None
        if file is None or not file.is_file():
            raise BadInput(f"the file `{found}` is missing, or lies elsewhere", where=name, hint="save it again")
        files.append(file)
    return files


def _plain(name: Any) -> TypeGuard[str]:
    return isinstance(name, str) and name not in ("", ".", "..") and Path(name).name == name


def _json(path: Path, name: str) -> dict[str, Any]:
    try:
        found = json.loads(read_regular(path, SMALL))
    except (OSError, ValueError, RecursionError) as error:
        raise BadInput(f"`{path.name}` cannot be read: {error}", where=name, hint="save it again") from None
    return found if isinstance(found, dict) else {}
