"""The language model behind the Researcher, as the engine sees it: one question, one answer under a JSON schema.

Not the llama.cpp side (`engine.researcher.__main__`) and not the prompts.
"""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any, Protocol

import msgspec
from msgspec import Meta

from engine.pipes import Worker

Schema = dict[str, Any]

TIMEOUT = 300.0  # seconds for one answer, loading included: a slow CPU, not a hung one


class Request(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """`system` is the constant part and comes first, so that the model's cache of it is used again."""

    system: str
    user: str
    schema: Schema
    max_tokens: Annotated[int, Meta(ge=1, le=4096)] = 320
    temperature: Annotated[float, Meta(ge=0.0, le=2.0)] = 0.7
    seed: Annotated[int, Meta(ge=0, le=2**31 - 1)] = 0


class Answer(msgspec.Struct, frozen=True, kw_only=True):
    """`text` is JSON under the request's schema, unless `max_tokens` cut it short."""

    text: str
    prompt_tokens: int = 0
    answer_tokens: int = 0
    seconds: float = 0.0


class LanguageModel(Protocol):
    """Raises MachineFailure where the model cannot be reached, BadInput where the request cannot be answered."""

    @property
    def name(self) -> str: ...

    async def ask(self, request: Request) -> Answer: ...

    async def close(self) -> None:
        """Free the memory; a later `ask` loads the model again."""


class LlamaWorker:
    """A GGUF model in a llama.cpp process on the CPU. Loads at the first question."""

    def __init__(
        self, gguf: Path, *, log: Path | None = None, timeout: float = TIMEOUT, context: int = 4096, threads: int = 0
    ) -> None:
        """`context`: tokens of prompt and answer together. `threads` 0: the physical cores. llama.cpp's threads wait
        for one another busily: give it fewer where a training shares the CPU."""
        self.name = gguf.stem
        self.worker = Worker("engine.researcher", (str(gguf), str(context), str(threads)), log=log)
        self.timeout = timeout

    async def ask(self, request: Request) -> Answer:
        return await self.worker.ask(request, Answer, timeout=self.timeout)

    async def close(self) -> None:
        await self.worker.close()
