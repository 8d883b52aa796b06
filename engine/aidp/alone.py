"""The data process behind `trex data`: `python -P -m engine.aidp.alone`; what it is asked: `engine.aidp.request`.

Works for one command and ends with it: a word that nobody reads any more ends it too. It writes into the folders that
it is given and nowhere else.
"""

from __future__ import annotations

import os
import sys
import time
import traceback
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import msgspec

from engine.aidp.child import calm, cap_address_space, is_for_memory, keep_out_of_home, peak
from engine.aidp.kinds.loading import Load
from engine.aidp.recipe import Recipe
from engine.aidp.request import Profiled, ProfileData, Ran, Refused, Request, RunData, Said, Working
from engine.errors import BadInput, IdeaFailure, TrexError
from engine.executor.limits import yield_to_others
from engine.files import disk_errors, sha256_file, write_json

if TYPE_CHECKING:
    from engine.aidp.guards import Guards
    from engine.aidp.pipeline import Around


def main() -> int:
    """Exit status: 0 it has said how it ended, 1 nobody listens."""
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
        return Refused(kind=error.kind, what=error.what, where=error.where, hint=error.hint)
    except Exception as error:
        if is_for_memory(error):
            hint = "raise --limit-memory, or use fewer rows"
            return Refused(kind="resource", what="it needs more memory than there is", hint=hint)
        traceback.print_exc()
        return Refused(kind="machine", what=f"the data process failed: {type(error).__name__}: {error}")


def run(request: RunData, say: Voice) -> Ran:
    """Run the recipe and leave what comes out in `request.result`. Raises TrexError, MemoryError."""
    cap_address_space(request.limits.memory)
    from engine.aidp.leaving import REPORT, leave
    from engine.aidp.pipeline import Pipeline
    from engine.aidp.samples import Sampler

    guards, held_out = _held_out(request)
    result, sampler, started = Path(request.result), Sampler(), time.perf_counter()
    with disk_errors(result):
        result.mkdir(parents=True, exist_ok=True)
    recipe = request.recipe
    if request.file:
        first = Load(path=Path(request.file).name)
        recipe = Recipe(operators=(first, *recipe.operators), seed=recipe.seed)
    train = Path(request.train) if request.train else None
    output = Pipeline(recipe, around=_around(request, guards)).run(
        _rows(train) if train else (),
        watch=sampler,
        tell=calm(lambda progress: say(Working(progress))),
        origin=sha256_file(train) if train else "",
    )
    report = leave(result, output, sampler.samples, time.perf_counter() - started)
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
    from engine.aidp.models.embedding import WordEmbedder
    from engine.aidp.pipeline import Around, Pipeline
    from engine.aidp.recipe import Decontaminate

    if not request.holdout:
        return (guards.load(Path(request.guards)) if request.guards else None), 0
    prompts: list[str] = []
    limits = msgspec.structs.replace(request.limits, broken=0.0)  # a row that cannot be read guards nothing
    for name in request.holdout:
        path = Path(name)
        around = Around(root=path.parent, limits=limits, scratch=Path(request.scratch))
        try:
            held = Pipeline(Recipe(operators=(Load(path=path.name),)), around=around).run(())
        except IdeaFailure as error:
            raise BadInput(error.what, where=f"--holdout {name}", hint=error.hint) from None
        prompts += held.rows["prompt"][:]
    meant = any(isinstance(operator, Decontaminate) and operator.semantic for operator in request.recipe.operators)
    embedder = WordEmbedder() if meant else None
    return guards.build(((prompt, (prompt,)) for prompt in prompts), embedder), len(prompts)


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
