"""The form of a new task: a CSV or JSONL file, its columns guessed, its first rows shown as the model will see them."""

from __future__ import annotations

from functools import partial
from pathlib import Path

from engine import tasknew
from engine.control import protocol as p
from engine.errors import BadInput, TrexError
from engine.files import expanded
from trex_tui.forms.sheet import Job, Remarks, Row, Sheet, Values, changed
from trex_tui.model.format import clean, cut, plural

SHOWN = 3  # rows
WIDTH = 76


class NewTaskSheet(Sheet):
    """`made`: the task's folder, once it is written."""

    kind, verb = "new-task", "make it"
    title = "a new task from your own data"
    lead = "Prompt and answer: a column, or a template like Review: {text}. Empty: guessed from the file's columns."
    first = "data"

    def __init__(self) -> None:
        self._seen: tuple[tuple[str, str, str], str] = (("", "", ""), "")  # what was looked at, and what was found
        self.made: Path | None = None
        self.rows = (
            Row("data", "CSV or JSONL", ""),
            Row("prompt", "prompt", ""),
            Row("answer", "answer", ""),
            Row("folder", "new folder", ""),
        )

    def study(self, values: Values) -> None:
        asked = _asked(values)
        if asked != self._seen[0]:
            self._seen = (asked, _preview(*asked) if asked[0] else "")

    def remarks(self, values: Values) -> Remarks:
        guessed = values["data"].strip() and not values["folder"].strip()
        notes = {"folder": str(self._folder(values))} if guessed else {}
        below = self._seen[1] if _asked(values) == self._seen[0] else "looking at the file"
        return Remarks(notes, frozenset(changed(self.rows, values)), below)

    def command(self, values: Values) -> Job:
        data, prompt, answer = _asked(values)
        if not data:
            raise BadInput("the data file is missing", hint="name a CSV, TSV or JSONL file")
        return partial(self._make, self._folder(values), data, prompt, answer)

    def _make(self, folder: Path, data: str, prompt: str, answer: str) -> p.Reply:
        tasknew.new_task(folder, Path(data), prompt or None, answer or None)
        self.made = expanded(folder).resolve()
        return p.Reply(id=0, ok=True, text=f"the task lies in {self.made}; its task.toml says everything else")

    def _folder(self, values: Values) -> Path:
        """As written, else beside the data, by its name."""
        if given := values["folder"].strip():
            return Path(given)
        data = Path(values["data"].strip() or "task")
        return data.parent / f"{data.stem or 'my'}_task"


def _asked(values: Values) -> tuple[str, str, str]:
    data, prompt, answer = (values[name].strip().replace("\\n", "\n") for name in ("data", "prompt", "answer"))
    return data, prompt, answer


def _preview(data: str, prompt: str, answer: str) -> str:
    """What the task would be, with its first rows; or what is wrong with it."""
    try:
        found, shown = tasknew.preview(Path(data), prompt or None, answer or None, SHOWN)
    except TrexError as problem:
        return f"! {problem}"
    except OSError as problem:
        return f"! {data}: {problem.strerror}"
    labels = f"labels {', '.join(found.labels)}" if found.labels else "free answers"
    sizes = ", ".join(f"{split} {rows:,}" for split, rows in found.sizes.items())
    head = f"{plural(sum(found.sizes.values()), 'row')}: {sizes}. {labels}. » the model's part «"
    rows = [cut(clean(f"{asked}»{answered}«".replace("\n", " ⏎ ")), WIDTH) for asked, answered in shown]
    return "\n".join([head, *rows])
