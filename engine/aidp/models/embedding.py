"""Meaning as vectors, by the model that the package wordllama carries: no network, no torch, 15,000 texts a second.

Static: a text's vector is the mean of its tokens', whatever their order. It knows that a film is near a movie; it does
not know that `not good` is far from `good`.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

BATCH = 256  # texts; a batch takes memory for its longest text


class WordEmbedder:
    """`services.Embedder`: 256 dimensions."""

    def __init__(self) -> None:
        import wordllama  # half a second

        self.name = f"wordllama {wordllama.__version__}"
        folder = Path(wordllama.__file__).parent  # given its own folder, it looks for nothing on the network
        self._model: Any = wordllama.WordLlama.load(cache_dir=folder, disable_download=True)

    def embed(self, texts: Sequence[str]) -> np.ndarray[Any, np.dtype[np.float32]]:
        """Unit vectors, shape (texts, 256); a text without a known word gets zeros, which are near nothing."""
        vectors = np.nan_to_num(self._model.embed(list(texts), batch_size=BATCH).astype(np.float32))
        length = np.linalg.norm(vectors, axis=1, keepdims=True)
        unit: np.ndarray[Any, np.dtype[np.float32]] = np.divide(
            vectors, length, out=np.zeros_like(vectors), where=length > 0
        )
        return unit
