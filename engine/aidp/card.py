"""The card of a data set that a recipe made: README.md, for people and for the hub. Says what is known and no more."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping

import msgspec
from datasets import Dataset

from engine.aidp.context import Context
from engine.aidp.kinds.output import Export
from engine.aidp.recipe import describe
from engine.aidp.rows import answers, column

_SHOWN = 10  # answers that are listed
_SUFFIXED = (".jsonl", ".parquet")


def card(rows: Dataset, op: Export, files: Mapping[str, str], counts: Mapping[str, int], context: Context) -> str:
    """The text. `files`: what was written, by split; `counts`: the rows of each."""
    sources = Counter(column(rows, "source"))
    made = sum(1 for parents in column(rows, "parents") if parents)
    return "\n".join(
        [
            *_head(op, files),
            f"# {op.path}",
            "",
            f"{len(rows):,} rows of prompt and answer, made by a recipe of TREX, in the format `{op.format}`.",
            "",
            *_table(("split", "file", "rows"), _splits(files, counts)),
            "## Where the rows come from",
            "",
            *_table(("source", "rows"), [(_code(name), f"{count:,}") for name, count in sources.most_common()]),
            f"{made:,} rows were made from other rows: `parents` names those by their ids, `made_by` the operators.",
            f"Licence: {op.licence or 'unknown. It is that of the sources; ask them before you pass this on'}.",
            "",
            *_steps(context),
            *_answers(rows),
        ]
    )


def _head(op: Export, files: Mapping[str, str]) -> list[str]:
    """What the hub and `datasets` read: the licence, and which file is which split."""
    parts = [(split, file) for split, file in files.items() if file.endswith(_SUFFIXED)]
    told = [line for split, file in parts for line in (f"  - split: {split}", f"    path: {file}")]
    configs = ["configs:", "- config_name: default", "  data_files:", *told] if told else []
    return ["---", f"license: {msgspec.json.encode(op.licence or 'unknown').decode()}", *configs, "---", ""]


def _splits(files: Mapping[str, str], counts: Mapping[str, int]) -> list[tuple[str, ...]]:
    return [(split, _code(file), f"{counts[split]:,}") for split, file in files.items()]


def _steps(context: Context) -> list[str]:
    if context.recipe is None:
        return []
    steps = [
        (
            f"`{step.operator}`",
            *(f"{n:,}" for n in (step.rows_in, step.rows_out, step.dropped, step.added, step.broken)),
        )
        for step in context.done
    ]
    recipe = msgspec.json.format(msgspec.json.encode(context.recipe)).decode()
    return [
        "## How they were made",
        "",
        f"{describe(context.recipe)}",
        "",
        *_table(("step", "rows in", "rows out", "dropped", "added", "unreadable"), steps),
        "```json",
        recipe.replace("```", "\\u0060\\u0060\\u0060"),
        "```",
        "",
    ]


def _answers(rows: Dataset) -> list[str]:
    """The most frequent answers, where they are labels."""
    common = answers(rows, _SHOWN)
    if not common or sum(common.values()) < len(rows) // 2 or max(map(len, common)) > 80:
        return []
    return ["## Answers", "", *_table(("answer", "rows"), [(_code(name), f"{n:,}") for name, n in common.items()])]


def _code(text: str) -> str:
    """Foreign text in a cell: no line of its own, no end of the cell."""
    plain = " ".join(text.split()).replace("`", "'").replace("|", "\\|")
    return f"`{plain}`" if plain else "(empty)"


def _table(head: tuple[str, ...], lines: list[tuple[str, ...]]) -> list[str]:
    cells = [head, tuple("---" for _ in head), *lines]
    return [*(f"| {' | '.join(line)} |" for line in cells), ""]
