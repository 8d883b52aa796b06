"""The llama.cpp worker: `python -P -m engine.researcher MODEL.gguf CONTEXT THREADS`, questions on stdin (engine.pipes).

The one module that imports llama_cpp. It knows nothing of plans or trees: text and a schema in, JSON text out.
"""

from __future__ import annotations

import os
import re
import sys
import time
from pathlib import Path
from typing import Any

import jinja2
import llama_cpp
import msgspec
import psutil

from engine.errors import BadInput, MachineFailure
from engine.executor.limits import cap_memory, yield_to_others
from engine.pipes import serve
from engine.researcher.model import Answer, Request

NICE = 5  # the person's programs go first

# Text from data and models must not open or close a turn of the conversation.
CONTROL = re.compile(r"<(?=\||/?s>|(?:start|end)_of_turn)|\[(?=/?INST\])", re.IGNORECASE)


class Mind:
    """The model, loaded at the first question."""

    def __init__(self, path: Path, context: int, threads: int) -> None:
        self.path, self.context, self.threads = path, context, threads
        self.llama: Any = None

    def answer(self, request: Request) -> Answer:
        started = time.monotonic()
        if self.llama is None:
            self.llama = load(self.path, self.context, self.threads)
        reply = self._complete(request, grammar(request))
        return Answer(
            text=reply["choices"][0]["message"]["content"] or "",
            prompt_tokens=reply["usage"]["prompt_tokens"],
            answer_tokens=reply["usage"]["completion_tokens"],
            seconds=time.monotonic() - started,
        )

    def _complete(self, request: Request, bound: Any) -> Any:
        system, user = (CONTROL.sub(lambda m: m[0] + " ", text) for text in (request.system, request.user))
        settings = {
            "grammar": bound,
            "max_tokens": request.max_tokens,
            "temperature": request.temperature,
            "seed": request.seed,
        }
        turns = [{"role": "system", "content": system}, {"role": "user", "content": user}]
        try:
            return self.llama.create_chat_completion(turns, **settings)
        except jinja2.TemplateError:  # a chat template without a system role
            return self.llama.create_chat_completion([{"role": "user", "content": f"{system}\n\n{user}"}], **settings)
        except ValueError as error:  # llama_cpp's word for a prompt longer than the context
            raise BadInput(f"the model takes no such question: {error}") from None


def load(path: Path, context: int, threads: int) -> Any:
    """The model in memory. Raises MachineFailure where the file is missing or is no GGUF model."""
    again = "fetch it again with `trex models pull`"
    try:
        with path.open("rb") as file:
            magic = file.read(4)
    except OSError as error:
        raise MachineFailure(f"the model cannot be read ({error.strerror})", where=str(path), hint=again) from None
    if magic != b"GGUF":
        raise MachineFailure("this is not a GGUF file", where=str(path), hint=again)
    if not llama_cpp.llama_supports_gpu_offload():
        cap_memory()
    threads = threads or cores()
    try:
        return llama_cpp.Llama(
            str(path),
            n_ctx=context,
            n_gpu_layers=0,  # the device is the trials'
            n_threads=threads,
            n_threads_batch=threads,
            verbose=False,
        )
    except (ValueError, RuntimeError, MemoryError) as error:
        what = f"llama.cpp cannot load this model ({' '.join(str(error).split())})"
        raise MachineFailure(what, where=str(path), hint=f"{again}, or free some memory") from None


def grammar(request: Request) -> Any:
    """The schema as a llama.cpp grammar. Raises BadInput where it has no such form."""
    try:
        return llama_cpp.LlamaGrammar.from_json_schema(msgspec.json.encode(request.schema).decode(), verbose=False)
    except Exception as error:  # the converter asserts, looks up and raises as it goes
        raise BadInput(f"the schema has no grammar ({type(error).__name__}: {error})") from None


def cores() -> int:
    """Physical cores this process may run on: hyper-threads slow llama.cpp down."""
    allowed = len(os.sched_getaffinity(0))
    return max(1, min(allowed, psutil.cpu_count(logical=False) or allowed))


def main() -> None:
    yield_to_others()
    os.nice(NICE)
    mind = Mind(Path(sys.argv[1]), context=int(sys.argv[2]), threads=int(sys.argv[3]))
    serve(Request, mind.answer)


if __name__ == "__main__":
    main()
