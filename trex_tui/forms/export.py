"""The form of an export: which adapter, in which format, into which new folder."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from pathlib import Path

from engine.control import protocol as p
from engine.errors import BadInput
from engine.search.tree import Tree
from trex_tui.forms.sheet import Job, Remarks, Row, Sheet, Values, changed
from trex_tui.model.format import score

FORMATS = {"adapter": "what peft loads, with a model card and checksums; the base model is named, not copied"}

Export = Callable[[str, Path], Path]
"""Writes the adapter of a trial to a new folder and returns it. Blocks. Raises TrexError."""


class ExportSheet(Sheet):
    """`trial`: the one on show, "" where it has no adapter; the champion can be chosen too."""

    kind, verb = "export", "export"
    first = "to"
    lead = "The folder must not exist yet. The adapter in the workspace stays where it is."

    def __init__(self, run: str, tree: Callable[[], Tree], trial: str, export: Export) -> None:
        self._tree, self._export = tree, export
        there = tuple(dict.fromkeys(name for name in (trial, tree().champion) if name))
        chosen = there[0]
        self.title = f"export an adapter of {run}"
        self.rows = (
            Row("trial", "trial", chosen, there),
            Row("format", "format", "adapter", tuple(FORMATS)),
            Row("to", "to folder", str(Path.home() / f"{run}-{chosen}")),
        )

    def remarks(self, values: Values) -> Remarks:
        return Remarks({"trial": self._worth(values["trial"].strip())}, frozenset(changed(self.rows, values)))

    def command(self, values: Values) -> Job:
        trial, form, folder = (values[name].strip() for name in ("trial", "format", "to"))
        if form not in FORMATS:
            raise BadInput(f"no format `{form[:40]}`", hint=f"there is: {', '.join(FORMATS)}")
        if not trial or not self._worth(trial):
            raise BadInput(f"no trial `{trial[:40]}` with a score", hint="name one: n4t1")
        if not folder:
            raise BadInput("the folder is missing", hint="name one that does not exist yet")
        return partial(self._write, trial, Path(folder))

    def _write(self, trial: str, folder: Path) -> p.Reply:
        return p.Reply(id=0, ok=True, text=f"the adapter of {trial} lies in {self._export(trial, folder)}")

    def _worth(self, trial: str) -> str:
        """What is known of the trial; "" for one that is not there, or has no score."""
        tree = self._tree()
        found = next((n.trials[trial] for n in tree.nodes.values() if trial in n.trials), None)
        if found is None or found.score is None or found.config is None:
            return ""
        return score(found.score) + (", the champion" if trial == tree.champion else "")
