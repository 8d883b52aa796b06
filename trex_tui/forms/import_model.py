"""The form that brings in a model of one's own: a GGUF file, or a folder with safetensors."""

from __future__ import annotations

import os
from pathlib import Path

from engine.control import protocol as p
from engine.errors import BadInput
from engine.files import expanded
from engine.workspace import Workspace
from trex_tui.forms.sheet import Job, Remarks, Row, Sheet, Values
from trex_tui.model.format import size

KINDS = {"by the file": None, "base model": "base", "Researcher": "researcher"}


class ImportModelSheet(Sheet):
    """The original stays where it is; every file is checked before a byte is copied."""

    kind, verb = "import-model", "bring in"
    title = "bring in a model"
    lead = (
        "A GGUF file is a Researcher, or a base model where you say so; a folder with config.json, safetensors and "
        "tokenizer.json is a base model. No code of a model is ever run."
    )
    first = "path"

    def __init__(self, workspace: Workspace) -> None:
        self._workspace = workspace
        self.rows = (
            Row("path", "file or folder", ""),
            Row("name", "name", ""),
            Row("kind", "kind", "by the file", tuple(KINDS)),
        )

    def remarks(self, values: Values) -> Remarks:
        path = Path(values["path"].strip()).expanduser()
        note = ""
        if values["path"].strip():
            there = os.path.lexists(path)
            note = (
                ("a folder" if path.is_dir() else size(path.stat().st_size)) if there and path.exists() else "not there"
            )
        return Remarks({"path": note, "name": "empty: its own" if not values["name"].strip() else ""})

    def command(self, values: Values) -> Job:
        path, name, kind = (values[row.name].strip() for row in self.rows)
        if not path:
            raise BadInput("no file or folder is named", hint="write its path")
        if kind not in KINDS:
            raise BadInput(f"kind: `{kind[:40]}` is none of {', '.join(KINDS)}")
        space = self._workspace

        def take_in() -> p.Reply:
            from engine.models import import_file  # slow to import, and this is a thread

            space.create()
            wanted = KINDS[kind]
            made = import_file(expanded(Path(path)), name or None, space.models, kind=wanted)  # type: ignore[arg-type]
            word = "base model" if made.kind == "base" else "Researcher"
            return p.Reply(id=0, ok=True, text=f"{made.name} is here as a {word}: {made.path}")

        return take_in
