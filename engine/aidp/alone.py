"""The data process behind `trex data`: `python -P -m engine.aidp.alone PARENT`. What it is asked: `engine.aidp.request`

Works for one command, the process PARENT, and ends with it, and so do the processes that it starts. It writes into the
folders that it is given and nowhere else.
"""

from __future__ import annotations

import os
import random
import sys
import time
import traceback
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import msgspec

from engine.aidp.bound import bind
from engine.aidp.child import calm, cap_address_space, is_for_memory, is_for_worker, keep_out_of_home, peak
from engine.aidp.job import REPORT
from engine.aidp.kinds.loading import Load
from engine.aidp.reading.values import encodable
from engine.aidp.recipe import Recipe
from engine.aidp.request import WRITING, Profiled, ProfileData, Ran, Refused, Request, RunData, Said, Working
from engine.errors import TrexError
from engine.executor.limits import yield_to_others
from engine.files import disk_errors, sha256_file, write_json

if TYPE_CHECKING:
    from engine.aidp.guards import Guards
    from engine.aidp.pipeline import Around


def main() -> int:
    """Exit status: 0 it has said how it ended, 1 nobody listens."""
    bind(int(sys.argv[1]) if sys.argv[1:] else os.getppid())
    say = _voice()
    request: Request = msgspec.json.decode(sys.stdin.buffer.read(), type=Request)
    try:
        say(_answer(request, say))
    except BrokenPipeError:
        return 1
    return 0


def _answer(request: Request, say: Voice) -> Said:
    try:
        yield_to_others()
        Path(request.scratch).mkdir(parents=True, exist_ok=True)
        keep_out_of_home(Path(request.scratch))
        return run(request, say) if isinstance(request, RunData) else look(request, say)
    except BrokenPipeError:
        raise
    except TrexError as error:
        what, where, hint = map(encodable, (error.what, error.where, error.hint))
        return Refused(kind=error.kind, what=what, where=where, hint=hint)
    except UnicodeEncodeError:
        hint = "rename the file or folder, or make a link to it that has another name"
        return Refused(kind="input", what="the name of a file or folder is not UTF-8 text", hint=hint)
    except Exception as error:
        if is_for_memory(error):
            hint = "raise --limit-memory, or use fewer rows"
            return Refused(kind="resource", what="it needs more memory than there is", hint=hint)
        if is_for_worker(error):
            hint = "use fewer rows or --processes 1, or close other programs"
            return Refused(kind="resource", what="one of its processes was killed, most likely for memory", hint=hint)
        traceback.print_exc()
        what = encodable(f"the data process failed: {type(error).__name__}: {error}")
        return Refused(kind="machine", what=what)


def run(request: RunData, say: Voice) -> Ran:
    """Run the recipe and leave what comes out in `request.result`. Raises TrexError, MemoryError."""
    cap_address_space(request.limits.memory)
    from engine.aidp.leaving import leave
    from engine.aidp.pipeline import Pipeline
    from engine.aidp.samples import Sampler

    guards, held_out = _held_out(request)
    result, sampler, started = Path(request.result), Sampler(), time.perf_counter()
    with disk_errors(result):
        result.mkdir(parents=True, exist_ok=True)
    recipe = request.recipe
    if request.file:
        first = Load(path=Path(request.file).name, encoding=request.encoding, rows=request.rows)
        recipe = Recipe(operators=(first, *recipe.operators), seed=recipe.seed)
    train = Path(request.train) if request.train else None
    output = Pipeline(recipe, around=_around(request, guards)).run(
        _rows(train) if train else (),
        watch=sampler,
        tell=calm(lambda progress: say(Working(progress))),
        origin=sha256_file(train) if train else "",
    )
    say(Working(WRITING))
    report = leave(result, output, sampler.samples, time.perf_counter() - started)
    if request.writes:
        report = msgspec.structs.replace(report, files=_written(result))
    write_json(result / REPORT, report)
    return Ran(
        report=report,
        samples=sampler.samples,
        broken=output.broken,
        guarded=guards is not None,
        held_out=held_out,
        memory=peak(),
    )


def look(request: ProfileData, say: Voice) -> Profiled:
    """Look at a file. Raises TrexError, MemoryError."""
    cap_address_space(0)
    from engine.aidp.looking import look_at

    profile = look_at(request, calm(lambda progress: say(Working(progress))))
    return Profiled(msgspec.structs.replace(profile, memory=peak()))


def _around(request: RunData, guards: Guards | None) -> Around:
    from engine.aidp.cache import StepCache
    from engine.aidp.models import named, services
    from engine.aidp.pipeline import Around

    kept = Path(request.kept) if request.kept else None
    if kept is not None:
        kept.mkdir(parents=True, exist_ok=True)
    return Around(
        guards=guards,
        root=Path(request.root) if request.root else None,
        template=(request.prompt, request.answer) if request.prompt and request.answer else None,
        limits=request.limits,
        services=services(request.models),
        models=named(request.models),
        cache=StepCache(Path(request.cache)) if request.cache else None,
        scratch=Path(request.scratch),
        kept=kept,
        out=Path(request.result) if request.writes else None,
    )


def _held_out(request: RunData) -> tuple[Guards | None, int]:
    """The guards, and the number of rows in the `holdout` files. Their texts are hashed here, and go no further."""
    from engine.aidp import guards
    from engine.aidp.context import Context
    from engine.aidp.holdout import held_out
    from engine.aidp.models.embedding import WordEmbedder
    from engine.aidp.recipe import Decontaminate

    if not request.holdout:
        return (guards.load(Path(request.guards)) if request.guards else None), 0
    found: list[tuple[str, ...]] = []
    for path in map(Path, request.holdout):  # a row that cannot be read guards nothing, so none may be broken
        reading = Context(
            rng=random.Random(0),
            root=path.parent,
            max_rows=request.limits.rows,
            max_broken=0.0,
            scratch=Path(request.scratch),
        )
        found += held_out(path, reading)
    meant = any(isinstance(operator, Decontaminate) and operator.semantic for operator in request.recipe.operators)
    embedder = WordEmbedder() if meant else None
    return guards.build(((text, (text,)) for texts in found for text in texts), embedder), len(found)


def _written(result: Path) -> tuple[str, ...]:
    """The files in folders that operators made, by their paths in the result."""
    files = (path.relative_to(result) for path in result.rglob("*") if path.is_file())
    return tuple(sorted(str(path) for path in files if len(path.parts) > 1))


def _rows(train: Path) -> Iterator[dict[str, str]]:
    decode = msgspec.json.Decoder(dict[str, str]).decode
    with train.open("rb") as lines:
        yield from map(decode, lines)


class Voice:
    """Standard output, kept for our lines alone: what libraries print goes to standard error."""

    def __init__(self, handle: int) -> None:
        self._handle = handle

    def __call__(self, said: Said) -> None:
        line = msgspec.json.encode(said) + b"\n"
        while line:
            line = line[os.write(self._handle, line) :]


def _voice() -> Voice:
    handle = os.dup(sys.stdout.fileno())
    os.dup2(sys.stderr.fileno(), sys.stdout.fileno())
    return Voice(handle)


if __name__ == "__main__":
    sys.exit(main())
