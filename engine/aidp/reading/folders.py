"""Folders that `datasets` writes: `save_to_disk` of one data set or of several splits, and a cache's `.arrow` files.

Read by their file names alone; what the JSON files beside them name is taken only where it lies in the same folder.
"""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any, TypeGuard

from engine.errors import BadInput
from engine.files import read_regular

SMALL = 16 * 1024**2  # bytes of a JSON file
_STATE, _SPLITS = "state.json", "dataset_dict.json"
_SHARD = re.compile(r"(?:(?P<name>.+)-)?(?P<split>[A-Za-z0-9_.]+?)(?:-\d{5}-of-\d{5})?\.arrow")


def below(root: Path, path: str) -> Path | None:
    """`path` below `root`, links followed; None for one that leads out, or that is no name."""
    try:
        found = (root / path).resolve()
        inside = not Path(path).is_absolute() and found.is_relative_to(root.resolve())
        found.exists()  # a name that is too long is told here
        return found if inside else None
    except (OSError, ValueError):
        return None


def is_data(path: Path) -> bool:
    """Whether it is a folder of rows."""
    return path.is_dir() and ((path / _STATE).is_file() or (path / _SPLITS).is_file() or any(path.glob("*.arrow")))


def shards(folder: Path, split: str, name: str) -> list[Path]:
    """The Arrow files of a split, in order. Raises BadInput where there is no such split, or a file is missing."""
    found = _splits(folder, name)
    wanted = split or (next(iter(found)) if len(found) == 1 else "train")
    if wanted not in found:
        known = ", ".join(f"`{one}`" for one in found) or "none"
        what = f"there is no split `{wanted}`" if split else "there are several splits, and none is `train`"
        raise BadInput(what, where=name, hint=f"`split` may be {known}")
    if outside := [file for file in found[wanted] if not file.resolve().is_relative_to(folder.resolve())]:
        raise BadInput(f"the file `{outside[0].name}` lies elsewhere", where=name, hint="save the data set again")
    return found[wanted]


def _splits(folder: Path, name: str) -> dict[str, list[Path]]:
    if (folder / _SPLITS).is_file():
        names = _json(folder / _SPLITS, name).get("splits")
        listed = names if isinstance(names, list) else []
        return {one: _saved(folder / one, f"{name}/{one}") for one in listed if _plain(one)}
    if (folder / _STATE).is_file():
        return {"train": _saved(folder, name)}
    splits: dict[str, list[Path]] = {}
    for path in sorted(folder.glob("*.arrow")):
        if (match := _SHARD.fullmatch(path.name)) and not path.name.startswith("cache-"):
            splits.setdefault(match["split"], []).append(path)
    return splits


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
