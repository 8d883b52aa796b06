"""`python -P -m engine.executor.preview MODEL_DIR`: which tokens of a task's rows are supervised.

Reads {"format", "max_length", "rows"} as JSON from standard input, prints {"rows", "truncated"}: one list per row of
[token text, supervised], and how many rows do not fit whole.
Needs the tokenizer alone; loads no model. Exit code 2 and one sentence on standard error where it cannot.
"""

from __future__ import annotations

import os
import sys
from pathlib import Path
from typing import Any

import msgspec

from engine import strict
from engine.errors import TrexError
from engine.task import Format


class Request(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """What to show. `rows` carry `prompt` and `answer`."""

    format: Format
    max_length: int
    rows: list[dict[str, Any]]


def main(arguments: list[str]) -> int:
    os.environ.update(HF_HUB_OFFLINE="1", TRANSFORMERS_OFFLINE="1", TOKENIZERS_PARALLELISM="false")
    if len(arguments) != 1:
        sys.stderr.write("usage: python -P -m engine.executor.preview MODEL_DIR < request.json\n")
        return 2
    try:
        request = strict.from_json(sys.stdin.buffer.read(), Request, source="standard input")
        from engine.executor.render import preview
        from engine.executor.tokens import load_tokenizer

        shown = preview(request.rows, request.format, load_tokenizer(Path(arguments[0])), request.max_length)
    except TrexError as error:
        sys.stderr.write(f"{error}\n")
        return 2
    sys.stdout.buffer.write(msgspec.json.encode(shown) + b"\n")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
