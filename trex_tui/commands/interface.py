"""`trex` and `trex attach`: open the interface, with an engine behind it."""

from __future__ import annotations

import argparse
import os
import sys

from engine.errors import BadInput
from trex_tui.commands.engine import ensure


def terminal() -> bool:
    """Whether a person sits at a terminal that can show more than lines."""
    streams = (sys.stdin, sys.stdout)  # None where the shell closed them
    return all(stream is not None and stream.isatty() for stream in streams) and os.environ.get("TERM") != "dumb"


def interface(options: argparse.Namespace) -> int:
    """Open the interface on the workspace."""
    if not terminal():
        raise BadInput("the interface needs a terminal", hint="use `trex status`, or `trex run TASK --headless`")
    from trex_tui.app import run_interface

    ensure(options.space)
    return run_interface(options.space, options.run)


def attach(options: argparse.Namespace) -> int:
    """The same, on a run that must exist; or its progress lines."""
    from trex_tui.commands.past import trees
    from trex_tui.commands.watch import watch

    found = trees(options.space)
    if options.run and options.run not in found:
        raise BadInput(f"no run `{options.run}` in this workspace", hint="`trex runs` lists them")
    if not options.headless:
        return interface(options)
    if not found:
        raise BadInput("this workspace holds no runs yet", hint="start one with `trex run TASK`")
    ensure(options.space)
    return watch(options.space, options.run or list(found)[-1])
