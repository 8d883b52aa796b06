"""What a person does and then sees: the scenes of the snapshot tests, in stories of one session each.

A scene is named after what is done, presses keys from where the last one has left off, and says what must come on the
screen before its picture is taken. Everything in it stands still: the clock, the engine, the machine.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterable
from typing import NamedTuple

from engine.control import protocol as p
from engine.search import events as ev
from engine.workspace import Workspace
from trex_tui.client.source import Sink
from trex_tui.model.store import Link

from . import script

NOW = script.START + 697.0
LIVE = Link("live")
Story = tuple["Scene", ...]


class Scene(NamedTuple):
    """`keys` are pressed one after the other; `sees` must then be on the screen, at every size."""

    name: str
    keys: tuple[str, ...] = ()
    sees: tuple[str, ...] = ()


class Still:
    """An engine that has said all it will say; it takes every command and does nothing."""

    def __init__(self, records: Iterable[ev.Record], link: Link = LIVE, activity: str = "") -> None:
        self._records, self._link, self._activity = tuple(records), link, activity

    async def feed(self, sink: Sink) -> None:
        sink.records(self._records)
        sink.connection(self._link, NOW)
        if self._link.kind == "live":
            sink.beat(self._pulse(), NOW)
        await asyncio.Event().wait()

    def _pulse(self) -> p.Pulse:
        if not self._activity:
            return p.Pulse(time=NOW, device="cpu")
        holder = self._activity.split()[-1]
        return p.Pulse(
            time=NOW,
            run=script.RUN,
            activity=self._activity,
            since=NOW - 34,
            holder=holder,
            device="cpu",
            eta=NOW + 372,
        )

    async def command(self, command: p.Command) -> p.Reply:
        return p.Reply(id=command.id, ok=True, text="done")


def _searching(workspace: Workspace) -> Still:
    out = script.search(str(workspace.home / "tasks" / "movie_sentiment"), str(workspace.home))
    script.directories(workspace, out)
    return Still(out.records, activity="training n6t0")


def _over(workspace: Workspace) -> Still:
    out = script.search(str(workspace.home / "tasks" / "movie_sentiment"), str(workspace.home))
    script.ending(out)
    script.directories(workspace, out)
    return Still(out.records)


def _broken(workspace: Workspace) -> Still:
    out = script.broken()
    script.directories(workspace, out)
    return Still(out.records)


def _long(workspace: Workspace) -> Still:
    out = script.long_winded()
    script.directories(workspace, out)
    return Still(out.records, activity="reading the results of n2")


def _away(workspace: Workspace) -> Still:
    out = script.search(str(workspace.home / "tasks" / "movie_sentiment"), str(workspace.home))
    script.directories(workspace, out)
    return Still(out.records, Link("down", "the engine is not running: leave (q) and start `trex` again"))


TABS = (
    Scene("reads-why-a-node-was-chosen", ("g", "j", "j", "1"), ("Hypothesis",)),
    Scene("reads-the-plan", ("2",), ("Configuration",)),
    Scene("reads-the-recipe", ("3",), ("shuffle",)),
    Scene("looks-at-the-curves", ("4",), ("loss",)),
    Scene("reads-the-bad-cases", ("5",), ("validation rows wrong",)),
    Scene("looks-at-what-flipped", ("6",), ("n2t1",)),
    Scene("reads-what-was-learned", ("7",), ("Learned here",)),
    Scene("reads-the-trials-log", ("8",), ("log.txt",)),
    Scene("looks-at-the-files", ("9",), ("log.txt",)),
    Scene("reads-what-the-researcher-was-asked", ("0",), ("n2",)),
)
TREE = (
    Scene("folds-a-branch", ("g", "j", "j", "h"), ("[+1]",)),
    Scene("unfolds-it-again", ("l",), ("n5",)),
    Scene("filters-the-tree", ("slash", *"adjust"), ("of 7 match",)),
    Scene("keeps-a-filter-that-nothing-matches", (*" score>0.99", "enter"), ("0 of 7 match",)),
    Scene("sorts-by-the-best-score", ("escape", "escape", "O"), ("n4",)),
    Scene("hides-what-was-pruned", ("O", "O", "v"), ("n4",)),
    Scene("marks-two-nodes", ("v", "g", "j", "space", "j", "space"), ("n2",)),
    Scene("compares-the-marked", ("c",), ("n1",)),
    Scene("zooms-a-pane", ("escape", "escape", "Z"), ("n2",)),
)
STEERING = (
    Scene("asks-to-prune", ("x",), ("Prune n2?",)),
    Scene("asks-to-take-back", ("escape", "u"), ("Take this back?",)),
    Scene("asks-to-stop", ("escape", "s"), ("Stop the search",)),
    Scene("forks-a-trial", ("escape", "F"), ("fork",)),
    Scene("gives-a-hint", ("escape", "H"), ("hint",)),
    Scene("changes-the-budget", ("escape", "B"), ("rounds",)),
    Scene("exports-an-adapter", ("escape", "E"), ("esc",)),
    Scene("starts-a-new-search", ("escape", "n"), ("task",)),
    Scene("makes-a-task", ("escape", "ctrl+n"), ("task",)),
)
SCREENS = (
    Scene("asks-for-help", ("escape", "question_mark"), ("help: every key",)),
    Scene("searches-the-help", ("slash", *"prune"), ("Prune",)),
    Scene("finds-an-action-by-name", ("escape", "escape", "ctrl+p", *"pause"), ("pause",)),
    Scene("says-what-to-do-in-words", ("escape", "colon", *"pr"), ("prune",)),
    Scene("looks-at-all-searches", ("escape", "r"), ("r1",)),
    Scene("looks-at-the-models", ("escape", "M"), ("odel",)),
    Scene("reads-the-logs", ("escape", "L"), ("[",)),
    Scene("looks-at-all-insights", ("escape", "i"), ("insight",)),
    Scene("looks-at-the-data", ("escape", "d"), ("data",)),
    Scene("reads-what-happened-meanwhile", ("escape", "A"), ("n4",)),
)
TIME = (
    Scene("goes-back-one-event", ("escape", "left_square_bracket"), ("n6",)),
    Scene("goes-back-two-nodes", ("left_curly_bracket", "left_curly_bracket"), ("n4",)),
    Scene("asks-to-prune-in-the-past", ("x",), ("past",)),
    Scene("returns-to-now", ("end",), ("n6",)),
)
SEARCHING: Story = (Scene("sees-a-search-at-work", sees=("n6",)), *TREE)
READING: Story = (Scene("sees-the-search-again", ("f",), ("n6",)), *TABS)
ACTING: Story = (Scene("selects-a-node", ("g", "j", "j"), ("n2",)), *STEERING)
LOOKING: Story = (Scene("stands-at-the-root", ("g",), ("n0",)), *SCREENS)
TRAVELLING: Story = (Scene("watches", sees=("n6",)), *TIME)
OVER: Story = (Scene("sees-a-finished-search", sees=("n5",)),)
EMPTY: Story = (
    Scene("finds-an-empty-workspace", sees=("No search yet",)),
    Scene("asks-to-pause-what-is-not-there", ("p",), ("there is no search yet",)),
    Scene("looks-for-searches-in-an-empty-workspace", ("r",), ("o search yet",)),
    Scene("looks-for-insights-where-nothing-was-learned", ("escape", "i"), ("insight",)),
    Scene("looks-for-data-where-there-is-none", ("escape", "d"), ("data",)),
    Scene("looks-for-logs-where-there-are-none", ("escape", "L"), ("engine",)),
)
BROKEN: Story = (
    Scene("sees-a-search-that-failed", sees=("failed",)),
    Scene("reads-why-a-node-failed", ("g", "j", "enter"), ("failed",)),
)
LONG: Story = (
    Scene("reads-long-and-foreign-texts", ("g", "j"), ("› └ ● n1",)),
    Scene("reads-a-long-hypothesis", ("enter",), ("n1",)),
    Scene("reads-a-long-plan", ("2",), ("n1",)),
    Scene("reads-a-long-insight", ("7",), ("n1",)),
    Scene("sees-a-long-name-among-all-searches", ("r",), ("search",)),
    Scene("sees-a-long-insight-among-all", ("escape", "i"), ("insight",)),
)
AWAY: Story = (
    Scene("is-told-that-the-engine-is-down", sees=("n6",)),
    Scene("asks-to-pause-without-an-engine", ("p",), ("engine is not running",)),
)

STORIES: dict[str, tuple[Callable[[Workspace], Still], Story]] = {
    "searching": (_searching, SEARCHING),
    "reading": (_searching, READING),
    "acting": (_searching, ACTING),
    "looking": (_searching, LOOKING),
    "travelling": (_searching, TRAVELLING),
    "over": (_over, OVER),
    "empty": (lambda _: Still(()), EMPTY),
    "broken": (_broken, BROKEN),
    "long": (_long, LONG),
    "away": (_away, AWAY),
}
