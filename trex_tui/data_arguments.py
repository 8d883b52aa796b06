"""The arguments of `trex data`. It imports none of what carries them out."""

from __future__ import annotations

import argparse
from pathlib import Path

from trex_tui import argument_kinds as kinds
from trex_tui.argument_kinds import json_too


def add(data: argparse.ArgumentParser) -> None:
    """`trex data` with its actions."""
    data.set_defaults(operator=None, json=False, markdown=False)
    parts = data.add_subparsers(metavar="ACTION")
    schema = json_too(parts.add_parser("schema", help="every operator: what it does, takes, needs and gives"))
    schema.add_argument("operator", nargs="?", help="one of them (default: all)")
    schema.add_argument("--markdown", action="store_true", help="as a table in Markdown")
    schema.set_defaults(handler="data:schema")
    look = json_too(parts.add_parser("profile", help="rows, faults, lengths, answers, languages of a data file"))
    look.add_argument("file", type=Path, help="JSONL, JSON, CSV, TSV, Parquet, ...")
    _encoding(look)
    look.add_argument("--layout", default="auto", help="how its columns make a prompt and an answer (default: auto)")
    look.add_argument("--base-model", default="", metavar="NAME|FOLDER", help="count tokens as this model does")
    look.set_defaults(handler="data:profile")
    run = json_too(
        parts.add_parser("run", help="run a recipe over a data file or a task's train split, without a search")
    )
    run.add_argument("recipe", type=Path, help="TOML or JSON; see `trex data schema`")
    run.add_argument("file", type=Path, nargs="?", help="the rows (default: what the recipe loads)")
    _encoding(run)
    run.add_argument(
        "--first", type=kinds.rows, default=0, metavar="ROWS", help="take only so many rows of the file (default: all)"
    )
    run.add_argument("--task", default="", help="a task's train split instead, with its held-out splits")
    run.add_argument(
        "--holdout",
        type=Path,
        nargs="+",
        action="extend",
        default=[],
        metavar="FILE",
        help="rows that nothing may overlap",
    )
    run.add_argument("--out", type=Path, default=None, metavar="FOLDER", help="write the rows and a report there")
    run.add_argument("--force", action="store_true", help="also into a folder that holds other things, among them")
    run.add_argument(
        "--preview",
        type=kinds.shown,
        nargs="?",
        const=3,
        default=0,
        metavar="ROWS",
        help="show rows before and after each operator, and write nothing",
    )
    run.add_argument("--seed", type=kinds.natural, default=None, help="instead of the recipe's")
    run.add_argument("--processes", type=kinds.processes, default=1, help="the result is the same with any number")
    run.add_argument("--base-model", default="", metavar="NAME|FOLDER", help="for operators that need one")
    run.add_argument("--language-model", default="", metavar="NAME|GGUF", help="for operators that need one")
    run.add_argument(
        "--limit-rows", type=kinds.rows, default=2_000_000, metavar="ROWS", help="at most so many (default: 2,000,000)"
    )
    run.add_argument("--limit-bytes", default="", metavar="SIZE", help="of text: 2GB")
    run.add_argument("--limit-memory", default="", metavar="SIZE", help="of address space: 8GB")
    run.add_argument("--limit-time", default="", metavar="TIME", help="of all operators together: 15m")
    run.add_argument(
        "--limit-broken",
        type=kinds.part,
        default=0.05,
        metavar="SHARE",
        help="of a file's rows that may be unreadable (default: 0.05)",
    )
    run.add_argument(
        "--cache",
        action=argparse.BooleanOptionalAction,
        default=True,
        help="keep and use results of operators (default: yes)",
    )
    run.set_defaults(handler="data:run")


def _encoding(command: argparse.ArgumentParser) -> None:
    command.add_argument(
        "--encoding", default="", metavar="NAME", help="of the file's text: utf-8 (default), utf-16, latin-1, cp1252"
    )
