"""The insight worker: `python -P -m engine.insights CACHE`, questions on stdin (engine.pipes).

The one module that imports faiss and wordllama. It writes `insights.faiss` and `insights.json` in CACHE: they save
embedding the rows again, are checked against the rows, and can be deleted at any time.
"""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

import faiss
import msgspec
import numpy as np
import numpy.typing as npt
import wordllama

from engine.executor.limits import yield_to_others
from engine.files import fingerprint, write_atomic, write_json
from engine.insights.index import Add, Done, Found, Nearest, Rebuild, Row
from engine.pipes import serve

DIMENSIONS = 256
Vectors = npt.NDArray[np.float32]


def embedder() -> Any:
    """The embedding model that the package carries. Given its own folder, it looks for nothing on the network."""
    return wordllama.WordLlama.load(cache_dir=Path(wordllama.__file__).parent, disable_download=True)


class Index:
    """Rows and their vectors. Exact search: thousands of insights, not millions."""

    def __init__(self, cache: Path) -> None:
        self.cache = cache
        self.words = embedder()
        self.rows: list[Row] = []
        self.flat: Any = faiss.IndexFlatIP(DIMENSIONS)

    def answer(self, question: Rebuild | Add | Nearest) -> Done | list[Found]:
        if isinstance(question, Nearest):
            return self.nearest(question)
        if isinstance(question, Rebuild):
            self.rebuild(list(question.rows))
        else:
            self.add(question.row)
        return Done(len(self.rows))

    def rebuild(self, rows: list[Row]) -> None:
        self.rows = rows
        cached = read_cache(self.cache, rows)
        if cached is not None:
            self.flat = cached
            return
        self.flat = faiss.IndexFlatIP(DIMENSIONS)
        if rows:
            self.flat.add(self.embed([row.text for row in rows]))
        write_cache(self.cache, rows, self.flat)

    def add(self, row: Row) -> None:
        """A row with a known id, or one whose id is new; adding the same row twice changes nothing."""
        if row in self.rows:
            return
        if any(old.id == row.id for old in self.rows):
            self.rebuild([row if old.id == row.id else old for old in self.rows])
            return
        self.rows.append(row)
        self.flat.add(self.embed([row.text]))
        write_cache(self.cache, self.rows, self.flat)

    def nearest(self, question: Nearest) -> list[Found]:
        out = set(question.exclude)
        fit = [n for n, row in enumerate(self.rows) if row.id not in out and question.task in ("", row.task)]
        if not fit:
            return []
        chosen = faiss.SearchParameters(sel=faiss.IDSelectorBatch(np.array(fit, dtype=np.int64)))  # type: ignore[call-arg]
        similarities, places = self.flat.search(self.embed([question.text]), len(fit), params=chosen)
        found = [
            Found(self.rows[place].id, float(similarity))
            for place, similarity in zip(places[0], similarities[0], strict=True)
            if place >= 0 and similarity >= question.floor
        ]
        return sorted(found, key=lambda f: (-f.similarity, f.id))[: question.k]

    def embed(self, texts: list[str]) -> Vectors:
        """Unit vectors, one a row; a text without a known word gets zeros, which are near nothing."""
        vectors = np.nan_to_num(self.words.embed(texts).astype(np.float32))
        length = np.linalg.norm(vectors, axis=1, keepdims=True)
        unit: Vectors = np.divide(vectors, length, out=np.zeros_like(vectors), where=length > 0)
        return unit


def read_cache(folder: Path, rows: list[Row]) -> Any:
    """The stored index where it was made from exactly these rows; None otherwise."""
    try:
        if msgspec.json.decode((folder / "insights.json").read_bytes()) != fingerprint([wordllama.__version__, rows]):
            return None
        stored = np.frombuffer((folder / "insights.faiss").read_bytes(), dtype=np.uint8)
        flat = faiss.deserialize_index(stored)
    except (OSError, RuntimeError, msgspec.MsgspecError):
        return None
    return flat if (flat.ntotal, flat.d) == (len(rows), DIMENSIONS) else None


def write_cache(folder: Path, rows: list[Row], flat: Any) -> None:
    """Index first, its name last: an index without its name is not read."""
    write_atomic(folder / "insights.faiss", faiss.serialize_index(flat).tobytes())
    write_json(folder / "insights.json", fingerprint([wordllama.__version__, rows]))


def main() -> None:
    yield_to_others()
    serve(Rebuild | Add | Nearest, Index(Path(sys.argv[1])).answer)  # type: ignore[arg-type]


if __name__ == "__main__":
    main()
