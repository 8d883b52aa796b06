"""`trex task new`: a task folder from a plain CSV or JSONL file.

Decides what can be seen in the data (columns, labels or free answers, sizes) and writes it down in a `task.toml` full
of comments, for a person to correct. Never overwrites; writes nothing before all rows have passed.
"""

from __future__ import annotations

import json
import re
import shutil
import tomllib
from collections import Counter
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from engine import strict
from engine.aidp.reading import readers
from engine.aidp.reading.readers import Row
from engine.aidp.text import fill, normalise, placeholders
from engine.errors import BadInput
from engine.files import disk_errors, expanded, is_file, write_atomic
from engine.space import GRID
from engine.task import Task, check
from engine.taskdata.division import divide
from engine.taskdata.examples import build

ANSWERS = ("answer", "label", "target", "output", "response", "completion", "class", "category", "sentiment", "y")
PROMPTS = ("prompt", "text", "question", "input", "sentence", "instruction", "review", "content", "message", "x")
MOST_LABELS = 20
FEWEST_ROWS = 20
CHARACTERS_PER_TOKEN = 3.5
PLACE = "for the task's folder"


@dataclass(frozen=True)
class Draft:
    """What the file shows: templates, labels (none for free answers), sizes in rows, lengths in tokens."""

    name: str
    data: str
    prompt: str
    answer: str
    labels: tuple[str, ...]
    sizes: dict[str, int]
    max_length: int
    max_new_tokens: int
    one_line: bool


def new_task(
    folder: Path, data_file: Path, prompt: str | None = None, answer: str | None = None, name: str | None = None
) -> Path:
    """Make `folder` with a `task.toml` and a copy of the data (none if it lies there already); gives the toml's path.

    `prompt`, `answer`: a column, or a template like `Question: {question}`; guessed from usual names where None.
    Raises BadInput, with nothing written, where the folder has a task, a column is missing or a row is wrong.
    """
    folder, data_file = expanded(folder), expanded(data_file)
    target = folder / "task.toml"
    with disk_errors(folder, PLACE):
        if target.exists():
            raise BadInput("there is a task here already", where=str(target), hint="choose another folder")
        if folder.exists() and not folder.is_dir():
            raise BadInput("this is a file, not a folder", where=str(folder), hint="choose another name")
    if not is_file(data_file):
        raise BadInput("no such data file", where=str(data_file), hint="name a CSV, TSV or JSONL file")
    inside = data_file.resolve().is_relative_to(folder.resolve())
    data = str(data_file.resolve().relative_to(folder.resolve())) if inside else data_file.name
    rows = list(readers.read_rows(data_file, name=str(data_file)))
    found = draft(rows, data, prompt, answer, name or folder.resolve().name, str(data_file))
    text = as_toml(found)
    try:
        text.encode()
    except UnicodeEncodeError:
        what = "the rows hold halves of characters (\\ud800 to \\udfff)"
        raise BadInput(what, where=str(data_file), hint="write the file anew as UTF-8") from None
    task = strict.convert(tomllib.loads(text), Task, source=str(target), text=text)
    check(task, str(target), text)
    examples, _ = build(task, rows, _raise)
    divide(examples, task.splits, str(data_file))
    _write(folder, target, text, None if inside else data_file)
    return target


def preview(
    data_file: Path, prompt: str | None = None, answer: str | None = None, count: int = 3
) -> tuple[Draft, list[tuple[str, str]]]:
    """What `new_task` would decide, and the first rows as prompt and answer. Writes nothing. Raises BadInput."""
    data_file = expanded(data_file)
    if not is_file(data_file):
        raise BadInput("no such data file", where=str(data_file), hint="name a CSV, TSV or JSONL file")
    rows = list(readers.read_rows(data_file, name=str(data_file)))
    found = draft(rows, data_file.name, prompt, answer, data_file.stem, str(data_file))

    def filled(row: Row, template: str) -> str:
        return fill(template, _whole(row, template))

    return found, [(filled(row, found.prompt), filled(row, found.answer)) for row in rows[:count]]


def draft(rows: list[Row], data: str, prompt: str | None, answer: str | None, name: str, where: str) -> Draft:
    """Everything that the rows and the person's words decide. Raises BadInput."""
    if not rows:
        raise BadInput("the data file has no rows", where=where)
    columns = list(rows[0].values)
    answer_template = _template(answer, columns, ANSWERS, "answer", where)
    used = placeholders(answer_template)
    others = [column for column in columns if column not in used]
    prompt_template = _template(prompt, others, PROMPTS, "prompt", where)
    answers = [row.values.get(used[0], "") for row in rows]
    labels = _labels(answers) if len(used) == 1 else ()
    if prompt is None or "{" not in prompt:
        prompt_template += f"\n{used[0].replace('_', ' ').strip().capitalize()}:"
    if answer is None or "{" not in answer:
        answer_template = f" {answer_template}"
    if len(labels) == 1:
        raise BadInput(f"every row has the same answer, {labels[0]!r}", where=where, hint="name another column")
    prompts = [fill(prompt_template, _whole(row, prompt_template)) for row in rows]
    return Draft(
        name=_slug(name),
        data=data,
        prompt=prompt_template,
        answer=answer_template,
        labels=labels,
        sizes=_sizes(len({normalise(text) for text in prompts}), where),
        max_length=_length([len(p) + len(a) for p, a in zip(prompts, answers, strict=True)]),
        max_new_tokens=min(512, 16 + 2 * int(max(map(len, answers)) / CHARACTERS_PER_TOKEN)),
        one_line=not any("\n" in text.strip() for text in answers),
    )


def as_toml(draft: Draft) -> str:
    """The commented `task.toml`."""
    labels = ", ".join(_quoted(label) for label in draft.labels)
    train = draft.sizes["train"]
    judged = (
        f'mode = "label_likelihood" # the label that the model finds most likely\nlabels = [{labels}]'
        if draft.labels
        else f'mode = "generate" # the model writes its answer\nmax_new_tokens = {draft.max_new_tokens}\n'
        f"stop = [{_quoted(chr(10)) if draft.one_line else ''}]"
    )
    metric = "accuracy" if draft.labels else "exact_match"
    sizes = "\n".join(f"{split} = {rows}" for split, rows in draft.sizes.items())
    return f"""\
# A task for TREX. Every field and its default: docs/tasks.md. After a change: trex task check

name = {_quoted(draft.name)}
# For the Researcher, in your words: what is asked, what a good answer is, what is hard about it.
brief = {_quoted(f"Given the prompt, give the right answer. The data is {draft.data}.")}

[metric]
name = "{metric}" # accuracy, exact_match or macro_f1
direction = "maximize"

[data]
file = {_quoted(draft.data)}

# Rows of each split, drawn by the seed. Recipes see train, the search sees validation, confirm picks the champion,
# test is sealed until the report.
[splits]
{sizes}
seed = 0

# {{column}} stands for a column of the file. The blank belongs to the answer: models join it to the word.
[format]
prompt = {_quoted(draft.prompt)}
answer = {_quoted(draft.answer)}
template = "plain" # or "chat": the model's own chat template

[evaluation]
{judged}

[model]
base = "SmolLM2-135M-Instruct" # trex models list

[budget]
wall = "1h"
trials_per_round = 3
examples_per_trial = {max(64, min(50_000, 2 * train))} # rows x epochs of one trial, at most

# The first configuration, as one would try it by hand; the search starts from it.
[baseline]
learning_rate = 1e-4
rows = {min(512, train)}
epochs = 1
max_length = {draft.max_length} # tokens of prompt and answer, estimated from the file
"""


def _template(given: str | None, columns: list[str], usual: tuple[str, ...], what: str, where: str) -> str:
    listed = f"columns here: {', '.join(columns)}"
    if given is None:
        by_name = {column.casefold(): column for column in reversed(columns)}
        column = next((by_name[name] for name in usual if name in by_name), columns[0] if len(columns) == 1 else "")
        if not column:
            raise BadInput(f"it is not clear which column is the {what}", where=where, hint=f"say --{what}; {listed}")
        return f"{{{column}}}"
    named = placeholders(given)
    if not named and given in columns:
        return f"{{{given}}}"
    missing = [column for column in named or [given] if column not in columns]
    if missing:
        raise BadInput(f"no column `{missing[0]}` for the {what}", where=where, hint=listed)
    return given


def _labels(answers: list[str]) -> tuple[str, ...]:
    """The answers, if there are few and they are short: the most frequent first. None for free text."""
    counts = Counter(answers)
    few = len(counts) <= MOST_LABELS and len(answers) >= 5 * len(counts)
    if not few or any(len(text) > 40 or "\n" in text for text in counts):
        return ()
    return tuple(sorted((text for text in counts if text.strip()), key=lambda text: (-counts[text], text)))


def _whole(row: Row, template: str) -> dict[str, str]:
    """The row's values, with "" for a column that is missing here: the check of the rows names it afterwards."""
    return {**dict.fromkeys(placeholders(template), ""), **row.values}


def _sizes(prompts: int, where: str) -> dict[str, int]:
    """Splits from the number of different prompts: at most 1,600 of them held out, at least half for train."""
    if prompts < FEWEST_ROWS:
        what = f"{prompts} different prompts; fewer than {FEWEST_ROWS} cannot be split"
        raise BadInput(what, where=where, hint="collect more rows")
    validation = confirm = min(300, prompts // 8)
    test = min(1000, prompts // 4)
    train = min(50_000, prompts - validation - confirm - test)
    return {"train": train, "validation": validation, "confirm": confirm, "test": test}


def _length(characters: list[int]) -> int:
    """The smallest length on the grid that 95 of 100 rows fit into, by a rule of thumb."""
    usual = sorted(characters)[int(0.95 * (len(characters) - 1))] / CHARACTERS_PER_TOKEN + 8
    grid = sorted(int(value) for value in GRID["max_length"])
    return next((length for length in grid if length >= usual), grid[-1])


def _slug(text: str) -> str:
    slug = re.sub(r"[^a-z0-9_-]+", "_", text.casefold()).strip("_-")[:64]
    return slug or "task"


def _quoted(text: str) -> str:
    """A TOML basic string. JSON's escapes are TOML's, except for DEL."""
    return json.dumps(text, ensure_ascii=False).replace("\x7f", "\\u007f")


def _write(folder: Path, target: Path, text: str, data_file: Path | None) -> None:
    fresh = not folder.exists()
    copy = folder / data_file.name if data_file else None
    with disk_errors(folder, PLACE):
        if copy is not None and (copy.exists() or copy.is_symlink()):
            raise BadInput("another file has this name", where=str(copy), hint="rename one, or choose another folder")
    try:
        with disk_errors(folder, PLACE):
            folder.mkdir(parents=True, exist_ok=True)
            if copy is not None and data_file is not None:
                shutil.copyfile(data_file, copy)
        write_atomic(target, text.encode(), mode=0o644, place=PLACE)
    except BaseException:
        if copy is not None:
            with suppress(OSError):
                copy.unlink()
        if fresh:
            shutil.rmtree(folder, ignore_errors=True)
        raise


def _raise(error: BadInput) -> None:
    raise error
