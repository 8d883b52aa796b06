"""The command line's grammar: what `:prune n4` means. Pure: a line, what is on show, and what comes out.

Names are those of the keys, of the screens, and of the `trex` command where both have one; words stand behind them.
Not how a line is typed (`trex_tui.widgets.command_line`) and not who carries it out (`trex_tui.speaking`).
"""

from __future__ import annotations

import re
import shlex
from collections.abc import Callable, Iterable, Sequence
from difflib import get_close_matches
from typing import NamedTuple

import msgspec

from engine.control import protocol as p
from engine.errors import BadInput
from engine.search.tree import ROOT
from trex_tui import actions, bulk
from trex_tui.actions import Decision, Refusal, Selection, person
from trex_tui.decisions import TURNS, named
from trex_tui.forms.toml import quoted
from trex_tui.model.store import RunView, Store

NODE = re.compile(r"n\d+")
STEERS = (*TURNS, "retry", "fork", "hint", "budget", "export", "chat", "edit")
"""Names that may have words; without them they do what their key does."""
LIMITS = ("rounds", "trials", "wall", "device", "disk")


class Order(NamedTuple):
    """A line: its first word, the others, and all that stands behind the first as it was typed."""

    name: str
    words: tuple[str, ...] = ()
    rest: str = ""


def read(line: str, names: Iterable[str]) -> Order:
    """Raises BadInput with the nearest name where there is none of that name."""
    name, _, rest = line.strip().removeprefix(":").strip().partition(" ")
    known = set(names)
    if name not in known:
        found = [other for other in known if name and other.startswith(name)]
        if len(found) != 1:
            near = get_close_matches(name, known, n=1, cutoff=0.5) or sorted(found)[:1]
            raise BadInput(f"no command `{name}`", hint=f"did you mean `{near[0]}`?" if near else "tab shows all")
        name = found[0]
    return Order(name, _words(rest), rest.strip())


def _words(rest: str) -> tuple[str, ...]:
    """As a shell splits them; a quote that is not closed is a letter like any other."""
    try:
        return tuple(shlex.split(rest))
    except ValueError:
        return tuple(rest.split())


def complete(line: str, names: Sequence[str], words_of: Callable[[str], Sequence[str]]) -> list[str]:
    """Whole lines that this one may become. `words_of`: what may stand behind a name."""
    head, space, rest = line.partition(" ")
    if not space:
        return sorted(name for name in names if name.startswith(head))
    before, _, last = rest.rpartition(" ")
    return [" ".join(filter(None, (head, before, word))) for word in words_of(head) if word.startswith(last)]


def shared(lines: Sequence[str]) -> str:
    """What all of them begin with."""
    if not lines:
        return ""
    low, high = min(lines), max(lines)
    length = next((at for at, (one, two) in enumerate(zip(low, high, strict=False)) if one != two), len(low))
    return low[:length]


def steer(order: Order, store: Store, at: Selection) -> Decision:
    """What an order of `STEERS` with words comes to. Raises BadInput for words that it cannot have."""
    view = store.runs.get(at.run)
    if view is None:
        return Refusal(actions.NO_RUN)
    match order.name:
        case "hint":
            return _hint(order, store, at, view)
        case "budget":
            return _budget(order, store, at, view)
        case "fork":
            return _fork(order, store, at, view)
        case _:
            return _on_nodes(order, store, at, view)


def _on_nodes(order: Order, store: Store, at: Selection, view: RunView) -> Decision:
    name = order.name
    places = [place(word, view, at.run) for word in order.words]
    if len(places) > 1:
        if name not in bulk.BULK and name not in TURNS:
            raise BadInput(f"`{name}` goes for one node at a time", hint=f"write `:{name} {order.words[0]}`")
        names = [found.node for found in places]
        keys = {"pause": "pause_branch", "resume": "pause_branch", "restore": "prune", "unpin": "pin"}
        return bulk.decide(store, at.run, keys.get(name, name), names)
    (where,) = places
    if name not in TURNS:
        return actions.STEERING[name](store, where)
    flag, on = TURNS[name]
    held = view.tree.trial(where.trial).flags if where.trial else view.tree.nodes[where.node].flags
    if (flag in held) == on:
        return Refusal(
            f"{where.trial or where.node} is {flag} already" if on else f"{where.trial or where.node} is not {flag}"
        )
    key = {"paused": "pause_trial" if where.trial else "pause_branch", "pruned": "prune", "pinned": "pin"}[flag]
    return actions.STEERING[key](store, where)


def place(word: str, view: RunView, run: str) -> Selection:
    """The node or trial of that name. Raises BadInput."""
    node, trial = named(word)
    known = view.tree.nodes.get(node)
    if known is None or (trial and trial not in known.trials):
        last = (
            f"nodes: n0 to n{len(view.tree.nodes) - 1}" if known is None else f"its trials: {', '.join(known.trials)}"
        )
        raise BadInput(f"no {'trial' if trial else 'node'} `{word}` in {run}", hint=last)
    return Selection(run, node, trial)


def _hint(order: Order, store: Store, at: Selection, view: RunView) -> Decision:
    first, _, rest = order.rest.partition(" ")
    node, text = (first, rest.strip()) if NODE.fullmatch(first) else (ROOT, order.rest)
    where = place(node, view, at.run)
    allowed = actions.hint(store, where)
    if isinstance(allowed, Refusal) or not text:
        return allowed
    return p.GiveHint(id=0, run=at.run, text=text.strip("\"'"), node=node, by=person())


def _budget(order: Order, store: Store, at: Selection, view: RunView) -> Decision:
    """`wall=10h rounds=20`, or as on the command line: `--wall 10h`."""
    given = dict(_pairs(order.rest))
    for name in given:
        if name not in LIMITS:
            near = get_close_matches(name, LIMITS, n=1, cutoff=0.4)
            raise BadInput(
                f"no limit `{name}`", hint=f"did you mean `{near[0]}`?" if near else f"one of {', '.join(LIMITS)}"
            )
    allowed = actions.change_budget(store, at)
    if isinstance(allowed, Refusal):
        return allowed
    fields: dict[str, object] = {
        name: _whole(name, text) if name in LIMITS[:2] else text for name, text in given.items()
    }
    try:
        asked = {"kind": "set_budget", "id": 0, "run": at.run, "by": person(), "seen": view.tree.last_seq, **fields}
        return msgspec.convert(asked, p.SetBudget)
    except msgspec.ValidationError as error:
        raise BadInput(f"no such budget: {error}", hint="write `:budget wall=10h rounds=20`") from None


def _pairs(rest: str) -> list[tuple[str, str]]:
    """`a=1 b=until 07:00 --c 2` as pairs; a word without a name belongs to the one before it."""
    found: list[tuple[str, str]] = []
    for word in _words(rest):
        name, sign, value = word.partition("=")
        if sign and name.removeprefix("--").isidentifier():
            found.append((name.removeprefix("--"), value))
        elif word.startswith("--"):
            found.append((word.removeprefix("--"), ""))
        elif found:
            found[-1] = (found[-1][0], f"{found[-1][1]} {word}".strip())
        else:
            raise BadInput(f"`{word}` is no limit", hint="write `:budget wall=10h rounds=20`")
    return found


def _whole(name: str, text: str) -> int:
    if text == "none":
        return 0
    if not text.isdecimal():
        raise BadInput(f"`{text}` is no number of {name}", hint=f"write `:budget {name}=20`")
    return int(text)


def _fork(order: Order, store: Store, at: Selection, view: RunView) -> Decision:
    """`n4 training.learning_rate=1e-4`; without a change, the form."""
    first, *changes = order.words
    named = "=" not in first
    where = place(first, view, at.run) if named else at
    allowed = actions.fork(store, where)
    changed = changes if named else list(order.words)
    if isinstance(allowed, Refusal) or not changed:
        return allowed
    for change in changed:
        if "=" not in change:
            raise BadInput(f"`{change}` changes nothing", hint="write training.learning_rate=1e-4, say")
    pairs = {name: quoted(value) for name, _, value in (change.partition("=") for change in changed)}
    return p.Fork(id=0, run=at.run, node=where.node, trial=where.trial, changes=pairs, by=person())
