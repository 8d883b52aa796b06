"""One action on every marked node: the commands behind one question, and what each of them came to.

Which node can be acted on is decided by `trex_tui.actions`, node by node. Undo takes the commands back one by one.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence

import msgspec

from engine.control import protocol as p
from engine.search import events as ev
from engine.search.steering import conflict, said
from engine.search.tree import Tree
from trex_tui import actions
from trex_tui.actions import Ask, AskAll, Decision, Refusal, Selection
from trex_tui.model.format import clean, plural
from trex_tui.model.store import RunView, Store

BULK = {"pause_run": "pause_branch", "pause_branch": "pause_branch", "prune": "prune", "pin": "pin", "retry": "retry"}
"""What a key does to marked nodes. The key that pauses the run pauses the marked branches."""
VERBS = {
    ("paused", True): "Pause",
    ("paused", False): "Resume",
    ("pruned", True): "Prune",
    ("pruned", False): "Restore",
    ("pinned", True): "Pin",
    ("pinned", False): "Unpin",
}
BRANCHES = ("pause_branch", "prune")


def decide(store: Store, run: str, name: str, marked: Sequence[str]) -> Decision:
    """One question for all marked nodes. `name`: as in `actions.STEERING`; one that is none of BULK is refused."""
    view = store.runs.get(run)
    if view is None:
        return Refusal(actions.NO_RUN)
    if name not in BULK:
        return Refusal("this goes for one node at a time; esc takes the marks away")
    action = BULK[name]
    nodes, refused = _tops(view, marked) if action in BRANCHES else (list(marked), [])
    found = {node: _command(actions.STEERING[action](store, _on_show(view, run, node))) for node in nodes}
    commands = {node: made for node, made in found.items() if not isinstance(made, str)}
    refused += [made for made in found.values() if isinstance(made, str)]
    commands, left = _one_way(commands)
    refused += left
    if not commands:
        return Refusal("; ".join(refused) or "nothing is marked")
    verb = _verb(next(iter(commands.values())))
    question = f"{verb} {plural(len(commands), 'trial' if action == 'pin' else 'node')}?"
    return AskAll(question, lambda: _explained(view, verb, commands, refused), tuple(commands.values()), tuple(refused))


Sent = p.SetFlag | p.Retry


async def send_all(
    ask: AskAll, tree_of: Callable[[str], Tree], send: Callable[[p.Command], Awaitable[p.Reply]]
) -> tuple[str, bool]:
    """Send them one after the other: what to say of it, and whether that is a warning.

    Each is compared here with what others did since the question, and then sent without that comparison: the engine
    would take our own first command for somebody else's news.
    """
    done: list[str] = []
    refused = list(ask.refused)
    for command, late in zip(ask.commands, [_late(tree_of(c.run), c) for c in ask.commands], strict=True):
        if late:
            refused.append(late)
            continue
        reply = await send(msgspec.structs.replace(command, seen=0))
        (done if reply.ok else refused).append(reply.text)
    head = f"{plural(len(done), 'command')} carried out; u takes them back one by one" if done else "nothing was done"
    return "; ".join([head, *refused]), bool(refused)


def _late(tree: Tree, command: Sent) -> str:
    """What somebody else did meanwhile that the command would meet; "" where nothing."""
    deed = conflict(tree, _event(command), command.seen)
    return f"{_what(command)}: meanwhile {clean(said(deed.event))}" if deed else ""


def _event(command: Sent) -> ev.AnyEvent:
    if isinstance(command, p.Retry):
        return ev.Retried(node=command.node, by=command.by)
    return ev.FlagSet(
        node=command.node,
        flag=command.flag,  # type: ignore[arg-type]  # made by `actions`, from an event's own flags
        on=command.on,
        by=command.by,
        trial=command.trial,
    )


def _on_show(view: RunView, run: str, node: str) -> Selection:
    """A node with the trial that would be on show in it: the one that runs, else the best, else the first."""
    trials = view.tree.nodes[node].trials
    running = next((trial.id for trial in trials.values() if trial.state == "running"), "")
    best = view.tree.nodes[node].best(view.tree.maximize)
    return Selection(run, node, running or (best.id if best else next(iter(trials), "")))


def _tops(view: RunView, marked: Sequence[str]) -> tuple[list[str], list[str]]:
    """The marked nodes that stand below no other marked one, and a sentence for each of the rest."""
    tops, rest = [], []
    for node in marked:
        above = next((name for name in view.tree.path(node)[:-1] if name in marked), "")
        if above:
            rest.append(f"{node} goes with {above}")
        else:
            tops.append(node)
    return tops, rest


def _command(decision: Decision) -> Sent | str:
    """The command behind a decision, or why there is none."""
    if isinstance(decision, Ask):
        decision = decision.command
    if isinstance(decision, p.SetFlag | p.Retry):
        return decision
    return decision.text if isinstance(decision, Refusal) else "this goes for one node at a time"


def _one_way(commands: dict[str, Sent]) -> tuple[dict[str, Sent], list[str]]:
    """Where some would set a flag and some would lift it, only those that set it."""
    if not any(isinstance(c, p.SetFlag) and c.on for c in commands.values()):
        return commands, []
    kept = {node: c for node, c in commands.items() if not isinstance(c, p.SetFlag) or c.on}
    left = [c for c in commands.values() if isinstance(c, p.SetFlag) and not c.on]
    return kept, [f"{_what(c)} is {c.flag} already" for c in left]


def _verb(command: Sent) -> str:
    return "Try again what failed in" if isinstance(command, p.Retry) else VERBS[command.flag, command.on]


def _what(command: Sent) -> str:
    return command.trial or command.node


def _explained(view: RunView, verb: str, commands: dict[str, Sent], refused: Sequence[str]) -> str:
    """What happens, node by node; what prune takes away; what is left out."""
    lines = [f"{verb}: {', '.join(_what(command) for command in commands.values())}."]
    if verb == "Prune":
        below = {name for node in commands for name in view.tree.subtree(node)}
        trials = [trial for name in below for trial in view.tree.nodes[name].trials.values()]
        running = [trial.id for trial in trials if trial.state == "running"]
        lines.append(
            f"{plural(len(below), 'node')} with {plural(len(trials), 'trial')} will not be chosen, counted or made "
            "champion. Nothing is deleted."
        )
        lines += [f"{', '.join(running)} is running in it."] if running else []
    lines += [f"Left out: {reason}." for reason in refused]
    return "\n".join([*lines, "Each is a command of its own; u takes them back one by one."])
