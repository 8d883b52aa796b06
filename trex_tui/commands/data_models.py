"""The models that a recipe of `trex data` uses: by their names or as they lie somewhere, and asked for by name."""

from __future__ import annotations

import difflib
from pathlib import Path

import msgspec

from engine import models
from engine.aidp.job import ModelPaths
from engine.aidp.kinds.base import Need, operator_name
from engine.aidp.recipe import Recipe
from engine.aidp.services import WORDS
from engine.errors import BadInput, MachineFailure
from engine.files import expanded, fingerprint, is_file, sha256_file
from engine.models import Installed, Kind
from engine.workspace import Workspace

_OPTIONS: dict[Need, tuple[str, Kind]] = {
    "base_model": ("--base-model", "base"),
    "tokenizer": ("--base-model", "base"),
    "language_model": ("--language-model", "researcher"),
}


def named(base: str, language: str, space: Workspace) -> ModelPaths:
    """Where they lie, and what names their content. Raises BadInput, MachineFailure."""
    found = ModelPaths()
    if base:
        place = expanded(Path(base))
        if (place / "config.json").is_file():
            told = {"base_model": str(place.resolve()), "base_sha256": fingerprint(sums(place))}
        else:
            installed = _installed(base, space)
            told = {"base_model": str(installed.path), "base_sha256": installed.weights_sha256}
        found = msgspec.structs.replace(found, **told)
    if language:
        place = expanded(Path(language))
        if is_file(place):
            told = {"language_model": str(place.resolve()), "language_sha256": sha256_file(place)}
        else:
            installed = _installed(language, space)
            told = {"language_model": str(installed.path), "language_sha256": installed.fingerprint}
        found = msgspec.structs.replace(found, **told)
    return found


def check(recipe: Recipe, found: ModelPaths, space: Workspace) -> None:
    """Raises BadInput for the first operator that needs a model which is not named, with the models there are."""
    there = {"--base-model": found.base_model, "--language-model": found.language_model}
    for operator in recipe.operators:
        for need in sorted(operator.needs & set(_OPTIONS)):
            option, kind = _OPTIONS[need]
            if not there[option]:
                what = f"`{operator_name(operator)}` needs {WORDS[need][0]}, and none is named"
                raise BadInput(what, hint=_way_out(option, kind, space))


def _way_out(option: str, kind: Kind, space: Workspace) -> str:
    listed = [model for model in models.list_models(space.models) if model.kind == kind]
    installed = [model.name for model in listed if model.installed]
    if not installed:
        return f"get one, `trex models pull {listed[0].name}`, and name it: {option} {listed[0].name}"
    others = f" (or {', '.join(installed[1:])})" if installed[1:] else ""
    return f"name it: {option} {installed[0]}{others}"


def _installed(name: str, space: Workspace) -> Installed:
    try:
        return models.find(name, space.models)
    except (BadInput, MachineFailure) as error:
        known = {model.name.casefold(): model.name for model in models.list_models(space.models)}
        near = difflib.get_close_matches(name.casefold(), known, n=1, cutoff=0.5)
        if not near or known[near[0]] == name:
            raise
        hint = f"did you mean `{known[near[0]]}`?"
        raise type(error)(error.what, where=error.where, hint=hint) from None


def sums(place: Path) -> list[tuple[str, str]]:
    """Names the content of a file, or of a folder's files."""
    files = sorted(place.iterdir()) if place.is_dir() else (place,)
    return [(ascii(path.name), sha256_file(path)) for path in files if path.is_file()]
