"""A GGUF model in this process, through llama.cpp, its answers bound to a JSON schema. For child processes only.

On the CPU, whatever devices there are: those are the trials', and who wants one must hold its lease. The weights are
mapped from the file: two processes with the same model share them in memory. Not who is asked, nor what for.
"""

from __future__ import annotations

import os
import re
import time
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any, NamedTuple

import jinja2
import llama_cpp
import msgspec
import psutil

from engine.errors import BadInput, MachineFailure
from engine.executor.limits import cap_memory

# Text from data and models must not open or close a turn of the conversation.
CONTROL = re.compile(r"<(?=\||/?s>|(?:start|end)_of_turn)|\[(?=/?INST\])", re.IGNORECASE)


class Reply(NamedTuple):
    """`text` is JSON under the schema unless `cut`: the tokens were used up before its end."""

    text: str
    prompt_tokens: int
    answer_tokens: int
    cut: bool


def load(path: Path, context: int, threads: int) -> Any:
    """The model in memory; `threads` 0: the physical cores. Raises MachineFailure: no file, or no GGUF model."""
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
            n_gpu_layers=0,
            offload_kqv=False,
            op_offload=False,  # else a CUDA build takes long prompts to the device, layers there or not
            n_threads=threads,
            n_threads_batch=threads,
            verbose=False,
        )
    except (ValueError, RuntimeError, MemoryError) as error:
        what = f"llama.cpp cannot load this model ({' '.join(str(error).split())})"
        raise MachineFailure(what, where=str(path), hint=f"{again}, or free some memory") from None


def answer(
    llama: Any,
    system: str,
    user: str,
    schema: Mapping[str, Any],
    *,
    max_tokens: int,
    temperature: float,
    seed: int,
    seconds: float = 0.0,
) -> Reply:
    """One answer. Raises BadInput: a schema without a grammar, a prompt longer than the context; TimeoutError: more
    than `seconds` (0: no limit), noticed between two tokens."""
    settings = {"grammar": grammar(schema), "max_tokens": max_tokens, "temperature": temperature, "seed": seed}
    system, user = clean(system), clean(user)
    turns = [{"role": "system", "content": system}, {"role": "user", "content": user}]
    try:
        return _complete(llama, turns, settings, seconds)
    except jinja2.TemplateError:  # a chat template without a system role
        return _complete(llama, [{"role": "user", "content": f"{system}\n\n{user}"}], settings, seconds)
    except ValueError as error:  # llama_cpp's word for a prompt longer than the context
        raise BadInput(f"the model takes no such question: {error}") from None


def clean(text: str) -> str:
    """The text without marks that open or close a turn."""
    return CONTROL.sub(lambda mark: mark[0] + " ", text)


def grammar(schema: Mapping[str, Any]) -> Any:
    """The schema as a llama.cpp grammar. Raises BadInput where it has no such form."""
    try:
        return llama_cpp.LlamaGrammar.from_json_schema(msgspec.json.encode(schema).decode(), verbose=False)
    except Exception as error:  # the converter asserts, looks up and raises as it goes
        raise BadInput(f"the schema has no grammar ({type(error).__name__}: {error})") from None


def cores() -> int:
    """Physical cores this process may run on: hyper-threads slow llama.cpp down."""
    allowed = len(os.sched_getaffinity(0))
    return max(1, min(allowed, psutil.cpu_count(logical=False) or allowed))


def _complete(llama: Any, turns: list[dict[str, str]], settings: Mapping[str, Any], seconds: float) -> Reply:
    if seconds:
        return _streamed(llama.create_chat_completion(turns, stream=True, **settings), seconds, llama)
    reply = llama.create_chat_completion(turns, **settings)
    choice, usage = reply["choices"][0], reply["usage"]
    cut = choice.get("finish_reason") == "length"
    return Reply(choice["message"]["content"] or "", usage["prompt_tokens"], usage["completion_tokens"], cut)


def _streamed(pieces: Iterable[Any], seconds: float, llama: Any) -> Reply:
    """Token by token, with an eye on the clock."""
    until, texts, ended = time.monotonic() + seconds, [], ""
    for piece in pieces:
        choice = piece["choices"][0]
        texts.append(choice["delta"].get("content") or "")
        ended = choice["finish_reason"] or ended
        if time.monotonic() > until and not ended:
            raise TimeoutError(f"no whole answer in {seconds:g} s")
    tokens = sum(1 for text in texts if text)
    return Reply("".join(texts), max(0, llama.n_tokens - tokens), tokens, ended == "length")
