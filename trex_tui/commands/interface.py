"""`trex` and `trex attach`: open the interface, with an engine behind it; or look once and go."""

from __future__ import annotations

import argparse
import os
import shutil
import sys

from engine.errors import BadInput
from engine.workspace import Workspace
from trex_tui.commands.engine import answers, ensure


def terminal() -> bool:
    """Whether a person sits at a terminal that can show more than lines, or at a browser (`trex serve`)."""
    if os.environ.get("TEXTUAL_DRIVER"):
        return True
    streams = (sys.stdin, sys.stdout)  # None where the shell closed them
    return all(stream is not None and stream.isatty() for stream in streams) and os.environ.get("TERM") != "dumb"


def interface(options: argparse.Namespace) -> int:
    """Open the interface on the workspace."""
    if options.once:
        return look_once(options)
    if not terminal():
        raise BadInput(
            "the interface needs a terminal", hint="use `trex --once`, `trex status`, or `trex run TASK --headless`"
        )
    from trex_tui.app import everyday, run_interface

    if not options.read_only:  # else whoever only looks would set it to work
        ensure(options.space)
    return run_interface(options.space, options.run, around=everyday(options.space, read_only=options.read_only))


def look_once(options: argparse.Namespace) -> int:
    """The search screen as plain lines. No engine is started for it."""
    from trex_tui.once import once

    width = shutil.get_terminal_size((99, 24)).columns
    for line in once(options.space, options.run or "", width, answers(options.space)):
        print(line)
    return 0


def attach(options: argparse.Namespace) -> int:
    """The same, on a run that must exist; or its progress lines."""
    names = _runs(options.space)
    if options.run and options.run not in names:
        raise BadInput(f"no run `{options.run}` in this workspace", hint="`trex runs` lists them")
    if not options.headless:
        return interface(options)
    if not names:
        raise BadInput("this workspace holds no runs yet", hint="start one with `trex run TASK`")
    from trex_tui.commands.watch import watch

    ensure(options.space)
    return watch(options.space, options.run or names[-1])


def _runs(workspace: Workspace) -> list[str]:
    """The names of the runs, in the order in which they were asked for. Their history is not read."""
    if not workspace.journal.exists():
        return []
    from engine.journal import Journal

    journal = Journal.open_read_only(workspace.journal)
    try:
        return list(journal.runs())
    finally:
        journal.close()
