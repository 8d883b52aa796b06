"""Steering from the command line: each is one message to the engine, and its answer in words."""

from __future__ import annotations

import argparse

from engine.control import protocol as p
from engine.search.tree import ROOT
from trex_tui.actions import person
from trex_tui.commands.engine import ask, ensure


def pause(options: argparse.Namespace) -> int:
    return _flag(options, "paused", True)


def resume(options: argparse.Namespace) -> int:
    return _flag(options, "paused", False)


def prune(options: argparse.Namespace) -> int:
    return _flag(options, "pruned", True)


def restore(options: argparse.Namespace) -> int:
    return _flag(options, "pruned", False)


def stop(options: argparse.Namespace) -> int:
    ensure(options.space)
    print(ask(options.space, p.StopRun(id=1, run=options.run, by=person())).text)
    return 0


def _flag(options: argparse.Namespace, flag: str, on: bool) -> int:
    ensure(options.space)
    node = options.node or ROOT
    print(ask(options.space, p.SetFlag(id=1, run=options.run, node=node, flag=flag, on=on, by=person())).text)
    return 0
