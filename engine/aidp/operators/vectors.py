"""Embeddings of many texts, asked for in batches, with progress."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from engine.aidp.context import Context

Vectors = np.ndarray[Any, np.dtype[np.float32]]

BATCH = 1_000  # texts that the embedder gets at once


def embedded(texts: Sequence[str], context: Context) -> Vectors:
    """Unit vectors, shape (texts, dimension). For operators that need embeddings; at least one text."""
    assert context.services.embedder is not None  # the pipeline has looked
    embedder = context.services.embedder()
    first = embedder.embed(texts[:BATCH])
    whole = np.empty((len(texts), first.shape[1]), dtype=np.float32)
    whole[:BATCH] = first
    for start in range(BATCH, len(texts), BATCH):
        context.progress(start, len(texts))
        whole[start : start + BATCH] = embedder.embed(texts[start : start + BATCH])
    return whole
