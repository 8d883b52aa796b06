"""What the quickstart's language model writes from real rows: the usable share, and what it costs.

    python -m tests.bench.aidp_writing FOLDER [--only paraphrase] [--threads 1]      (FOLDER: or TREX_DATA)

FOLDER holds `sst2/train.jsonl`; 40 of its rows are drawn. The model is the Researcher's of the quickstart (`make
models`). Seconds are those of the processor, all threads together, so that other work counts less.
"""

from __future__ import annotations

import argparse
import json
import os
import random
import sys
import time
from pathlib import Path
from typing import Any

from engine import llama
from engine.aidp.models.writer import LlamaWriter
from engine.aidp.pipeline import Around, Pipeline
from engine.aidp.recipe import Generate, Operator, Paraphrase, Rationale, Recipe, Score, SelfInstruct, operator_name
from engine.aidp.services import Services
from engine.models import find
from engine.task import Model
from engine.workspace import Workspace, default_home

ROWS, SEED = 40, 1
OPERATORS: tuple[Operator, ...] = (
    Paraphrase(share=1.0, rows=40),
    SelfInstruct(rows=12, calls=14),
    Generate(weakness="irony: praise that means blame, and blame that means praise", rows=12, calls=14),
    Rationale(share=0.3),
    Score(rubric="The review's text leaves no doubt about its sentiment, and the answer is right.", calls=12),
)


class Meter:
    """Counts what goes through `engine.llama.answer`."""

    def __init__(self) -> None:
        self.seconds, self.prompt, self.answer, self.tries = 0.0, 0, 0, 0
        self._ask = llama.answer

    def __call__(self, *given: Any, **more: Any) -> llama.Reply:
        began = time.process_time()
        reply = self._ask(*given, **more)
        self.seconds += time.process_time() - began
        self.prompt, self.answer, self.tries = (
            self.prompt + reply.prompt_tokens,
            self.answer + reply.answer_tokens,
            self.tries + 1,
        )
        return reply


def measure(operator: Operator, rows: list[dict[str, str]], gguf: Path, threads: int) -> None:
    meter = llama.answer = Meter()  # type: ignore[assignment]
    writer = LlamaWriter(gguf, threads=threads)
    around = Around(services=Services(writer=lambda: writer))
    began = time.monotonic()
    output = Pipeline(Recipe(operators=(operator,)), around=around).run(rows)
    llama.answer = meter._ask
    print(
        f"{operator_name(operator)}: {output.steps[0].note}; {meter.tries} tries, {meter.prompt} prompt tokens, "
        f"{meter.answer} answer tokens, {meter.seconds:.1f} s of the processor, "
        f"{time.monotonic() - began:.1f} s by the clock"
    )
    for row in output.rows:
        if row["made_by"] or row.get("score"):
            print(f"  {row.get('score') or ''} {row['answer']!r} | {row['prompt'].rpartition('Text: ')[2]}")


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("folder", type=Path, nargs="?", default=os.environ.get("TREX_DATA"))
    parser.add_argument("--only", default="")
    parser.add_argument("--threads", type=int, default=1)
    asked = parser.parse_args()
    source = Path(asked.folder or ".") / "sst2" / "train.jsonl"
    if not source.is_file():
        print(f"no {source}: name the folder, or set TREX_DATA")
        return 2
    lines = random.Random(SEED).sample(source.read_text(encoding="utf-8").splitlines(), ROWS)
    rows = [{name: row[name] for name in ("id", "prompt", "answer")} for row in map(json.loads, lines)]
    gguf = find(Model().researcher, Workspace(default_home()).models).path
    for operator in OPERATORS:
        if asked.only in ("", operator_name(operator)):
            measure(operator, rows, gguf, asked.threads)
    return 0


if __name__ == "__main__":
    sys.exit(main())
