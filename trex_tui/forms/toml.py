"""Values as TOML writes them in one line: what `--set` and the fork form send. Not whole files."""

from __future__ import annotations

import json
import re
import tomllib
from collections.abc import Mapping, Sequence

WORD = re.compile(r"[A-Za-z_][A-Za-z0-9_-]*")


def text(value: object) -> str:
    """A value of a plan: text, numbers, yes or no, and lists and tables of these."""
    match value:
        case bool():
            return "true" if value else "false"
        case float():
            return f"{value:g}" if float(f"{value:g}") == value else repr(value)
        case str():
            return json.dumps(value, ensure_ascii=False).replace("\x7f", "\\u007f")
        case Mapping():
            return "{" + ", ".join(f"{name} = {text(part)}" for name, part in value.items()) + "}"
        case Sequence():
            return "[" + ", ".join(text(part) for part in value) + "]"
        case _:
            return str(value)


def value(given: str) -> object:
    """What a line's text means. Raises ValueError (tomllib's own included) for text that is no value."""
    (found,) = tomllib.loads(f"value = {given}").values()
    return found


def quoted(given: str) -> str:
    """A bare word in quotes: `cosine` becomes `"cosine"`, as it must be in TOML. Everything else as it is."""
    return given if given in ("true", "false", "inf", "nan") or not WORD.fullmatch(given) else f'"{given}"'
