"""The recipe that a person wrote, TOML or JSON: what is wrong in it is said with its line and with the right form.

Not what recipes are (`engine.aidp.recipe`).
"""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any, get_args

import msgspec

from engine import strict
from engine.aidp.kinds.filters import Language
from engine.aidp.recipe import Recipe
from engine.errors import BadInput
from engine.files import UNREADABLE

JSON_FORM = '{"operators": [{"op": "dedup_exact"}, ...]}'
TOML_FORM = '[[operators]], with two brackets, and below it op = "dedup_exact"'
_CODE = str(get_args(Language)[1].pattern)  # of a language, in msgspec's message
_STEP = re.compile(r"([^.\[\]]+)|\[(\d+)\]")
_BYTE = re.compile(r" \(byte (\d+)\)")
_BETWEEN = re.compile(r"[\s,:]*")
_DECODER = json.JSONDecoder()


def read(path: Path, seed: int | None = None) -> Recipe:
    """The recipe of a file, with another seed where one is given. Raises BadInput, with the line."""
    is_json = path.suffix == ".json"
    text = strict.read_text(path, strict.MAX_TOML)
    raw = _decoded(text, path) if is_json else strict.toml(text, str(path))
    _formed(raw, path, JSON_FORM if is_json else TOML_FORM)
    try:
        recipe = strict.convert(raw, Recipe, source=str(path), text=text, line=line_of if is_json else strict.line_of)
    except BadInput as error:
        if _CODE not in error.what:
            raise
        what = f"{error.what.partition(':')[0]}: languages are named by their codes"
        raise BadInput(what, where=error.where, hint='keep = ["en"] for English') from None
    return recipe if seed is None else msgspec.structs.replace(recipe, seed=seed)


def _decoded(text: str, path: Path) -> Any:
    data = text.encode()
    try:
        return msgspec.json.decode(data)
    except UNREADABLE as error:
        said = _BYTE.search(str(error))
        line = data.count(b"\n", 0, int(said[1])) + 1 if said else 1
        what = _BYTE.sub("", str(error)).removeprefix("JSON is malformed: ")
        raise BadInput(
            f"not valid JSON: {what}", where=f"{path}:{line}", hint="mend this line or the end of the one before"
        ) from None


def _formed(raw: Any, path: Path, form: str) -> None:
    """Raises BadInput where it is no list of operators under its name."""
    listed = raw.get("operators", []) if isinstance(raw, dict) else None
    if not isinstance(raw, dict):
        what = "a recipe is an object, and this is none"
    elif "operators" not in raw and set(raw) - {"seed"}:
        others = ", ".join(f"`{name}`" for name in raw if name != "seed")
        what = f"there are no `operators` in it, but {others}"
    elif not isinstance(listed, list):
        what = "`operators` is no list"
    elif not all(isinstance(operator, dict) for operator in listed):
        what = "an operator is an object with the field `op`, and one here is none"
    else:
        return
    raise BadInput(what, where=str(path), hint=f"write {form}")


def line_of(text: str, field: str) -> int:
    """1-based line of a field path (`operators[1].op`) in JSON text; of what it belongs to, where it is not there."""
    steps = [int(place) if place else name for name, place in _STEP.findall(field)]
    return text.count("\n", 0, _place(text, _next(text, 0), steps)) + 1


def _place(text: str, start: int, steps: list[str | int]) -> int:
    if not steps or text[start] not in "{[":
        return start
    at, name = _next(text, start + 1), -1
    while text[at] not in "}]":
        name += 1
        found: object = name
        if text[start] == "{":
            found, at = _DECODER.raw_decode(text, at)
            at = _next(text, at)
        if found == steps[0]:
            return _place(text, at, steps[1:])
        at = _next(text, _DECODER.raw_decode(text, at)[1])
    return start


def _next(text: str, at: int) -> int:
    """The next character that says something."""
    found = _BETWEEN.match(text, at)
    return found.end() if found else at
