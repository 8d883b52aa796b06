"""The models behind `engine.aidp.services`: made from paths, each loaded when an operator first asks for it.

Only the data process gets here. A model that is not named is not there, and a recipe that needs it is refused.
"""

from __future__ import annotations

from functools import cache
from importlib.metadata import version
from pathlib import Path

from engine.aidp.job import ModelPaths
from engine.aidp.models.base import BaseLosses, BaseTokens
from engine.aidp.models.embedding import WordEmbedder
from engine.aidp.models.writer import LlamaWriter
from engine.aidp.services import Services
from engine.task import Format


def services(paths: ModelPaths) -> Services:
    """What these paths make possible."""
    folder, form = Path(paths.base_model), Format(prompt="{prompt}", system=paths.system, template=paths.template)
    gguf = Path(paths.language_model)
    return Services(
        embedder=cache(WordEmbedder),
        tokens=cache(lambda: BaseTokens(folder)) if paths.base_model else None,
        losses=cache(lambda: BaseLosses(folder, form, threads=paths.threads)) if paths.base_model else None,
        writer=cache(lambda: LlamaWriter(gguf, paths.language_sha256, threads=paths.threads))
        if paths.language_model
        else None,
    )


def named(paths: ModelPaths) -> tuple[str, ...]:
    """All of these models that decides a result, for the fingerprints of `engine.aidp.cache`."""
    return (paths.base_sha256, paths.language_sha256, paths.template, paths.system, f"wordllama {version('wordllama')}")
