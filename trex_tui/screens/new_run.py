"""The form for a new search: the task's folder and the few settings one may want to change."""

from __future__ import annotations

from pathlib import Path
from typing import ClassVar

from textual.app import ComposeResult
from textual.binding import BindingType
from textual.containers import Horizontal, Vertical
from textual.screen import ModalScreen
from textual.widgets import Input, Label, Static

from engine.control.protocol import StartRun
from engine.errors import BadInput
from engine.search.events import RunCreated
from engine.search.policies import POLICIES
from engine.amounts import seconds
from engine.workspace import shipped
from trex_tui.actions import person
from trex_tui.keymap import FORM, bindings
from trex_tui.widgets.key_bar import KeyBar

FIELDS = (
    ("task", "task folder"),
    ("policy", "policy"),
    ("researcher", "Researcher"),
    ("rounds", "rounds"),
    ("wall", "time"),
    ("seed", "seed"),
)
HINT = "Empty rounds or time: the task's own. Researcher: empty = the task's, none = sampled plans only."


class NewRun(ModalScreen[StartRun | None]):
    """Dismissed with the message to send, or None."""

    CSS_PATH = "overlay.tcss"
    BINDINGS: ClassVar[list[BindingType]] = bindings(FORM)

    def __init__(self, like: RunCreated | None) -> None:
        super().__init__()
        self._like = like

    def compose(self) -> ComposeResult:
        values = defaults(self._like)
        with Vertical(id="box") as box:
            box.border_title = "a new search"
            yield Static(HINT, classes="say")
            for name, label in FIELDS:
                with Horizontal(classes="field"):
                    yield Label(label)
                    yield Input(values[name], id=f"new-{name}")
            yield Static("", id="new-problem", classes="say", markup=False)
            yield KeyBar()

    def on_mount(self) -> None:
        self.query_one("#new-problem").display = False
        self.query_one(f"#new-{'task' if self._like is None else 'rounds'}", Input).focus()

    def on_input_submitted(self) -> None:
        self.action_send()

    def action_send(self) -> None:
        values = {name: self.query_one(f"#new-{name}", Input).value.strip() for name, _ in FIELDS}
        try:
            self.dismiss(message(values))
        except BadInput as problem:
            shown = self.query_one("#new-problem", Static)
            shown.update(f"! {problem}")
            shown.display = True

    def action_close(self) -> None:
        self.dismiss(None)


def defaults(like: RunCreated | None) -> dict[str, str]:
    """What stands in the form at first: the settings of the run on show, with the next seed."""
    if like is None:
        quickstart = shipped("tasks") / "movie_sentiment"
        return {"task": str(quickstart), "policy": "uct", "researcher": "", "rounds": "", "wall": "", "seed": "0"}
    path = Path(like.task_path)
    return {
        "task": str(path.parent if path.suffix == ".toml" else path),
        "policy": like.policy,
        "researcher": like.researcher,
        "rounds": "",
        "wall": "",
        "seed": str(like.seed + 1),
    }


def message(values: dict[str, str]) -> StartRun:
    """The form as a message. Raises BadInput, one sentence about the first thing that is wrong."""
    folder = Path(values["task"]).expanduser()
    if not values["task"] or not (folder.is_dir() or folder.is_file()):
        raise BadInput(
            "there is no such task folder",
            where=values["task"] or "task folder",
            hint="give the folder with its task.toml",
        )
    if values["policy"] not in POLICIES:
        raise BadInput(f"no policy `{values['policy']}`", hint=f"choose one of {', '.join(POLICIES)}")
    if values["wall"]:
        seconds(values["wall"])
    return StartRun(
        id=0,
        task=str(folder.resolve()),
        by=person(),
        policy=values["policy"],
        researcher=values["researcher"],
        rounds=_whole(values["rounds"] or "0", "rounds", 100_000),
        wall=values["wall"],
        seed=_whole(values["seed"] or "0", "seed", 2**31 - 1),
    )


def _whole(text: str, name: str, most: int) -> int:
    if not text.isdecimal() or int(text) > most:
        raise BadInput(f"{name}: `{text}` is not a whole number up to {most:,}")
    return int(text)
