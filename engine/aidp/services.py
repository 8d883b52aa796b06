"""Models that operators may ask for, as protocols: what they answer, not how (`engine.aidp.models`).

A recipe whose operators need what is not there is refused before anything runs. Nothing here imports a model.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Protocol

from engine.aidp.kinds.base import Need, Operator, operator_name
from engine.errors import IdeaFailure

if TYPE_CHECKING:
    import numpy as np

Schema = Mapping[str, Any]
"""A JSON schema."""


class Embedder(Protocol):
    """Meaning as a vector."""

    name: str  # of the model and its version: part of the fingerprint of what comes out

    def embed(self, texts: Sequence[str]) -> np.ndarray[Any, np.dtype[np.float32]]:
        """Unit vectors, shape (texts, dimension)."""


class Tokens(Protocol):
    """The base model's own count of a text."""

    name: str

    def count(self, texts: Sequence[str]) -> list[int]: ...


class Losses(Protocol):
    """How surprised the base model is by the answers."""

    name: str

    def losses(
        self, pairs: Sequence[tuple[str, str]], progress: Callable[[int, int], None] = lambda _done, _total: None
    ) -> list[float]:
        """Mean negative log-likelihood of the answer's tokens given the prompt, in nats, one per (prompt, answer); nan
        where the answer has no token, or alone is longer than the model reads."""


class Writer(Protocol):
    """The local language model, bound to a JSON schema."""

    name: str

    def write(self, prompt: str, schema: Schema, *, seed: int, temperature: float, tokens: int) -> dict[str, Any]:
        """One answer that fits the schema. Raises ModelAnswerError where none came (cut short at `tokens`)."""


class ModelAnswerError(Exception):
    """The language model's answer could not be used; the sentence says why."""


@dataclass(frozen=True)
class Services:
    """Each model is made when it is first asked for; None = there is none."""

    embedder: Callable[[], Embedder] | None = None
    tokens: Callable[[], Tokens] | None = None
    losses: Callable[[], Losses] | None = None
    writer: Callable[[], Writer] | None = None

    def lacks(self) -> frozenset[Need]:
        """Needs that cannot be met."""
        there: dict[Need, object] = {
            "embeddings": self.embedder,
            "tokenizer": self.tokens,
            "base_model": self.losses,
            "language_model": self.writer,
        }
        return frozenset(need for need, made in there.items() if made is None)


WORDS: dict[Need, tuple[str, str]] = {
    "embeddings": ("the embedding model", "install the package wordllama"),
    "tokenizer": ("the base model's tokenizer", "name a base model"),
    "base_model": ("the base model", "name a base model"),
    "language_model": ("a local language model", "name a GGUF file"),
    "held_out": ("held-out splits", "leave it out where nothing is held out"),
    "files": ("a folder to read files from", "leave it out, or give the task a folder `extra/`"),
    "output": ("a folder to write to", "leave it out in a search; `trex data run --out FOLDER` has one"),
}


def check(operators: Iterable[Operator], lacking: frozenset[Need]) -> None:
    """Raises IdeaFailure for the first operator that needs what there is not."""
    for operator in operators:
        for need in sorted(operator.needs & lacking):
            what, hint = WORDS[need]
            raise IdeaFailure(f"`{operator_name(operator)}` needs {what}, and there is none here", hint=hint)
