"""How one node of the tree looks in one line: state, name, direction, score with its noise, gain, trials.

Columns on the right fall away as the pane gets narrower; the name and the score stay longest.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

from rich.cells import cell_len
from rich.segment import Segment
from rich.style import Style
from textual.strip import Strip

from engine.search import events as ev
from engine.search.tree import ROOT, SETTLED, Node, Trial
from trex_tui.host import Host
from trex_tui.model import format as fmt
from trex_tui.model.state import best_word, is_best, phase, state_word
from trex_tui.model.store import RunView

StyleOf = Callable[[str], Style]


ROLES = ("plain", "done", "running", "failed", "interrupted", "paused", "dim", "guide", "mark", "cursor")
FLAGS: tuple[ev.Flag, ...] = ("paused", "pinned")
DIMMED = frozenset({"planned", "queued", "cancelled", "pruned"})


class Columns(NamedTuple):
    """Which columns a pane of some width has room for."""

    word: bool
    gain: bool
    trials: bool
    long_direction: bool


def columns(width: int) -> Columns:
    return Columns(word=width >= 66, gain=width >= 40, trials=width >= 50, long_direction=width >= 84)


class NodeRow:
    """Paints the rows of the run that `run` names. `style_of` maps a role to a style."""

    def __init__(self, host: Host, style_of: StyleOf, run: Callable[[], str]) -> None:
        self._host, self._style_of, self._run = host, style_of, run

    def __call__(self, name: str, guides: str, width: int, under: bool) -> Strip:
        view = self._host.store.runs[self._run()]
        node, shape = view.tree.nodes[name], columns(width)
        word = state_word(view, name)
        right = self._right(view, node, word, shape)
        room = width - cell_len(right) - 2
        left = fmt.cut(f"{guides}{fmt.GLYPHS[word]} {self._label(view, node, shape)}", room)
        sign = self._style_of("dim" if word in DIMMED else word)
        text = self._style_of("plain") if word == "done" else sign
        at = len(guides)
        segments = [
            Segment("›" if under else " ", self._style_of("mark")),
            Segment(left[:at], self._style_of("guide")),
            Segment(left[at : at + 1], sign),
            Segment(left[at + 1 :], text),
            Segment(" " * (room - cell_len(left) + 1)),
            Segment(right, text),
        ]
        strip = Strip(segments)
        return strip.apply_style(self._style_of("cursor")) if under else strip

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

    def _right(self, view: RunView, node: Node, word: str, shape: Columns) -> str:
        tree = view.tree
        score = tree.score(node.id)
        busy = self._progress(node)
        said = fmt.score(score) if score else ""
        grown = fmt.gain(score, tree.score(node.parent), tree.maximize) if node.id != ROOT else ""
        return _joined(shape, busy or word, busy if busy and not shape.word else "", said, grown, _tried(node))

    def _progress(self, node: Node) -> str:
        """`training 12/32` of the node's running trial."""
        running = next((t for t in node.trials.values() if t.state == "running"), None)
        return self._phase(running) if running else ""

    def _phase(self, trial: Trial) -> str:
        view = self._host.store.trials.get((self._run(), trial.id))
        if view is None or view.state is None:
            return "starting"
        return phase(view.state.phase, view.state.step, view.state.steps, view.state.judged, view.state.items)


def _flagged(flag: ev.Flag, node: Node, shape: Columns) -> str:
    """` ‖ paused` for the node; ` ▪ t1 pinned` for a trial of it. A trial that has ended is paused no more."""
    ended = flag == "paused"
    trials = [t.id for t in node.trials.values() if flag in t.flags and not (ended and t.state in SETTLED)]
    names = "" if flag in node.flags else " ".join(name.removeprefix(node.id) for name in trials)
    if flag not in node.flags and not names:
        return ""
    word = f" {flag}" if shape.word else ""
    return f" {fmt.GLYPHS[flag]}" + (f" {names}" if names else "") + word


def head(width: int) -> str:
    """The names of the columns, above the tree."""
    right = _joined(columns(width), "state", "", "score", "gain", "trials")
    return f"   {'node':<{max(4, width - cell_len(right) - 4)}} {right}"


def _joined(shape: Columns, word: str, busy: str, score: str, gain: str, trials: str) -> str:
    """The columns on the right. `busy` takes the place of score and gain."""
    figures = f"{score:>12}" + (f" {gain:>6}" if shape.gain else "")
    parts = [f"{word:<15}"] if shape.word else []
    parts.append(f"{busy:>{len(figures)}}" if busy else figures)
    parts += [f"{trials:>6}"] if shape.trials else []
    return " ".join(parts)


def _tried(node: Node) -> str:
    """`2/3`: trials that are settled, of all."""
    settled = sum(t.state in SETTLED for t in node.trials.values())
    return f"{settled}/{len(node.trials)}" if node.trials else ""
