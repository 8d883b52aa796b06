"""How one node of the tree looks in one line: state, name, direction, score with its noise, gain, trials, visits and
the loss of its running or best trial.

Columns on the right fall away as the pane gets narrower; the name and the score stay longest.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from typing import NamedTuple

from rich.cells import cell_len
from rich.segment import Segment
from rich.style import Style
from textual.strip import Strip

from engine.search import events as ev
from engine.search.tree import ROOT, SETTLED, Node, Trial
from trex_tui.host import Host
from trex_tui.model import format as fmt
from trex_tui.model.row import GUIDES
from trex_tui.model.state import best_word, is_best, phase, state_word
from trex_tui.model.store import RunView
from trex_tui.widgets.line_tree import LEAD, Spot

StyleOf = Callable[[str], Style]


ROLES = ("plain", "done", "running", "failed", "interrupted", "paused", "dim", "guide", "mark", "cursor")
FLAGS: tuple[ev.Flag, ...] = ("paused", "pinned")
DIMMED = frozenset({"planned", "queued", "cancelled", "pruned"})
MARKED = "◆"
NAME = 16  # cells that a name should have: `● n12 adjust ★ …`
POINTS = 256  # of a curve that are looked at for a few cells


class Columns(NamedTuple):
    """Which columns a pane of some width has room for; `spark` in cells."""

    word: bool
    gain: bool
    trials: bool
    visits: bool
    spark: int
    long_direction: bool


class Figures(NamedTuple):
    """What stands on the right of a row. `busy` takes the place of score and gain."""

    word: str = ""
    busy: str = ""
    score: str = ""
    gain: str = ""
    trials: str = ""
    visits: str = ""
    spark: str = ""


HEAD = Figures("state", "", "score", "gain", "trials", "visits", "loss")


def columns(width: int) -> Columns:
    return Columns(
        word=width >= 70,
        gain=width >= 44,
        trials=width >= 76,
        visits=width >= 88,
        spark=0 if width < 52 else 6 if width < 96 else 8 if width < 128 else 16,
        long_direction=width >= 100,
    )


class NodeRow:
    """Paints the rows of the run that `run` names. `style_of` maps a role to a style, `visits` counts per node."""

    def __init__(
        self, host: Host, style_of: StyleOf, run: Callable[[], str], visits: Callable[[], Mapping[str, int]]
    ) -> None:
        self._host, self._style_of, self._run, self._visits = host, style_of, run, visits

    def __call__(self, spot: Spot) -> Strip:
        view = self._host.store.runs.get(self._run())
        if view is None or spot.name not in view.tree.nodes:  # another moment is on show, and the rows come next
            return Strip.blank(spot.width)
        node, shape = view.tree.nodes[spot.name], columns(spot.width)
        word = state_word(view, spot.name)
        right = _joined(shape, self._figures(view, node, word, shape))
        room = spot.width - cell_len(right) - LEAD - 1
        label = self._label(view, node, shape)
        left = fmt.cut(f"{spot.guides}{fmt.GLYPHS[word]} {f'({label})' if spot.dimmed else label}", room)
        sign = self._style_of("dim" if word in DIMMED or spot.dimmed else word)
        text = self._style_of("plain") if word == "done" and not spot.dimmed else sign
        at = len(spot.guides)
        segments = [
            Segment(("›" if spot.under else " ") + (MARKED if spot.marked else " "), self._style_of("mark")),
            Segment(left[:at], self._style_of("dim" if spot.under or "»" in spot.guides else "guide")),
            Segment(left[at : at + 1], sign),
            Segment(left[at + 1 :], text),
            Segment(" " * (room - cell_len(left) + 1)),
            Segment(right, text),
        ]
        strip = Strip(segments)
        return strip.apply_style(self._style_of("cursor")) if spot.under else strip

    def _label(self, view: RunView, node: Node, shape: Columns) -> str:
        if node.id == ROOT:
            name = f"{node.id} base model"
        else:
            direction = node.direction
            said = "thinking" if direction is None else direction if shape.long_direction else fmt.SHORT[direction]
            name = f"{node.id} {said}"
        if node.forked_from:
            name += " fork"
        if is_best(view, node.id):
            name += f" {fmt.BEST} {best_word(view)}"
        return name + "".join(_flagged(flag, node, shape) for flag in FLAGS)

    def _figures(self, view: RunView, node: Node, word: str, shape: Columns) -> Figures:
        tree = view.tree
        score = tree.score(node.id)
        running = next((t for t in node.trials.values() if t.state == "running"), None)
        busy = self._phase(running) if running else ""
        return Figures(
            word=busy or word,
            busy=busy if busy and not shape.word else "",
            score=fmt.score(score) if score else "",
            gain=fmt.gain(score, tree.score(node.parent), tree.maximize) if node.id != ROOT else "",
            trials=_tried(node),
            visits=str(self._visits().get(node.id, "")),
            spark=self._spark(running or node.best(tree.maximize), shape.spark) if shape.spark else "",
        )

    def _phase(self, trial: Trial) -> str:
        """`training 12/32`."""
        view = self._host.store.trials.get((self._run(), trial.id))
        if view is None or view.state is None:
            return "starting"
        return phase(view.state.phase, view.state.step, view.state.steps, view.state.judged, view.state.items)

    def _spark(self, trial: Trial | None, width: int) -> str:
        """The logarithm of the trial's loss, as far as that was read: the loss itself falls in the first steps."""
        if trial is None or trial.config is None:
            return ""
        key = (self._run(), trial.id)
        course = self._host.store.trials.get(key)
        loss = course.loss if course is not None else self._host.live.losses.get(key, ())
        some = [value for value in loss[:: 1 + len(loss) // POINTS] if value > 0]
        return fmt.sparkline([math.log(value) for value in some], width)


def _flagged(flag: ev.Flag, node: Node, shape: Columns) -> str:
    """` ‖ paused` for the node; ` ▪ t1 pinned` for a trial of it. A trial that has ended is paused no more."""
    ended = flag == "paused"
    trials = [t.id for t in node.trials.values() if flag in t.flags and not (ended and t.state in SETTLED)]
    names = "" if flag in node.flags else " ".join(name.removeprefix(node.id) for name in trials)
    if flag not in node.flags and not names:
        return ""
    word = f" {flag}" if shape.word else ""
    return f" {fmt.GLYPHS[flag]}" + (f" {names}" if names else "") + word


def levels(width: int) -> int:
    """How many levels of guides leave room for the name."""
    room = width - LEAD - 1 - cell_len(_joined(columns(width), Figures()))
    return max(2, min(GUIDES, (room - NAME) // 2))


def head(width: int) -> str:
    """The names of the columns, above the tree."""
    right = _joined(columns(width), HEAD)
    return f"{'':<{LEAD}}  {'node':<{max(4, width - cell_len(right) - LEAD - 3)}} {right}"


def _joined(shape: Columns, said: Figures) -> str:
    """The columns on the right."""
    figures = f"{said.score:>12}" + (f" {said.gain:>6}" if shape.gain else "")
    parts = [f"{said.word:<14}"] if shape.word else []
    parts.append(f"{said.busy:>{len(figures)}}" if said.busy else figures)
    parts += [f"{said.trials:>6}"] if shape.trials else []
    parts += [f"{said.visits:>6}"] if shape.visits else []
    parts += [f"{said.spark:<{shape.spark}}"] if shape.spark else []
    return " ".join(parts)


def _tried(node: Node) -> str:
    """`2/3`: trials that are settled, of all."""
    settled = sum(t.state in SETTLED for t in node.trials.values())
    return f"{settled}/{len(node.trials)}" if node.trials else ""
