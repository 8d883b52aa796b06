"""Steering from the command line: each is one message to the engine, and its answer in words."""

from __future__ import annotations

import argparse
import re

from engine.control import protocol as p
from engine.errors import BadInput
from engine.search.tree import ROOT
from trex_tui.commands.engine import ask, ensure
from trex_tui.decisions import TURNS, named, person
from trex_tui.forms.hint import LONGEST


def flag(options: argparse.Namespace) -> int:
    """pause, resume, prune, restore, pin, unpin."""
    name, on = TURNS[options.command]
    node, trial = named(options.node or ROOT)
    return say(options, p.SetFlag(id=1, run=options.run, node=node, trial=trial, flag=name, on=on, by=person()))


def retry(options: argparse.Namespace) -> int:
    node, trial = named(options.node)
    return say(options, p.Retry(id=1, run=options.run, node=node, trial=trial, by=person()))


def undo(options: argparse.Namespace) -> int:
    return say(options, p.Undo(id=1, run=options.run, by=person()))


def stop(options: argparse.Namespace) -> int:
    return say(options, p.StopRun(id=1, run=options.run, by=person()))


def hint(options: argparse.Namespace) -> int:
    """`trex hint RUN [NODE] "text"`."""
    *nodes, text = options.words
    if len(nodes) > 1 or (nodes and not re.fullmatch(r"n\d+", nodes[0])):
        raise BadInput("a hint is one text", hint=f'write: trex hint {options.run} [NODE] "the text in quotes"')
    if not text.strip() or (not nodes and re.fullmatch(r"n\d+", text)):
        raise BadInput("the hint is empty", hint="write what the Researcher should know or try")
    if len(text) > LONGEST:
        raise BadInput(f"the hint has {len(text):,} letters, {LONGEST:,} are allowed", hint="shorten it")
    node = nodes[0] if nodes else ROOT
    return say(options, p.GiveHint(id=1, run=options.run, node=node, text=text, by=person()))


def withdraw(options: argparse.Namespace) -> int:
    return say(options, p.WithdrawHint(id=1, run=options.run, hint=options.withdraw, by=person()))


def say(options: argparse.Namespace, command: p.Command) -> int:
    """Send it, print the answer. Raises BadInput with the engine's reason where it refuses."""
    ensure(options.space)
    print(ask(options.space, command).text)
    return 0
