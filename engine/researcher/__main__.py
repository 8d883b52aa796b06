"""The llama.cpp worker: `python -P -m engine.researcher MODEL.gguf CONTEXT THREADS`, questions on stdin (engine.pipes).

It knows nothing of plans or trees: text and a schema in, JSON text out. How that is done: engine.llama.
"""

from __future__ import annotations

import os
import sys
import time
from pathlib import Path
from typing import Any

from engine import llama
from engine.executor.limits import yield_to_others
from engine.pipes import serve
from engine.researcher.model import Answer, Request

NICE = 5  # the person's programs go first


class Mind:
    """The model, loaded at the first question."""

    def __init__(self, path: Path, context: int, threads: int) -> None:
        self.path, self.context, self.threads = path, context, threads
        self.llama: Any = None

    def answer(self, request: Request) -> Answer:
        started = time.monotonic()
        if self.llama is None:
            self.llama = llama.load(self.path, self.context, self.threads)
        reply = llama.answer(
            self.llama,
            request.system,
            request.user,
            request.schema,
            max_tokens=request.max_tokens,
            temperature=request.temperature,
            seed=request.seed,
        )
        return Answer(
            text=reply.text,
            prompt_tokens=reply.prompt_tokens,
            answer_tokens=reply.answer_tokens,
            seconds=time.monotonic() - started,
        )


def main() -> None:
    yield_to_others()
    os.nice(NICE)
    mind = Mind(Path(sys.argv[1]), context=int(sys.argv[2]), threads=int(sys.argv[3]))
    serve(Request, mind.answer)


if __name__ == "__main__":
    main()
