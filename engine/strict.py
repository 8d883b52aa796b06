"""Strict decoding: untrusted TOML and JSON into msgspec types, with errors a person can act on.

Every type that comes from outside (task files, plans, recipes, protocol messages) passes through here.
Not a validator of meaning: ranges that depend on other fields are checked by the type's own module.
"""

from __future__ import annotations

import difflib
import re
import tomllib
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import Any, TypeVar

import msgspec

from engine.errors import BadInput
from engine.files import UNREADABLE, read_regular

T = TypeVar("T")
P = TypeVar("P")

MAX_BYTES = 8 * 1024 * 1024
MAX_TOML = 1024 * 1024  # tomllib needs seconds for more
_UNKNOWN = re.compile(r"unknown field `([^`]+)`")
_VALUE = re.compile(r"Invalid (?:enum )?value '([^']*)'")
_HEADER = re.compile(r"\s*(\[{1,2})\s*([\w.\"-]+)\s*\]")
_PLACE = re.compile(r"\[\d+\]")
_KEY = re.compile(r"\[[^\]\d][^\]]*\]")
_PATH = re.compile(r" - at `\$\.?([^`]*)`")
_BOUND = re.compile(r"expected `(\w+)` (of length )?(<=|>=|<|>) (\S+)")
_BOUNDS = {"<=": "at most", ">=": "at least", "<": "less than", ">": "more than"}


def from_toml(path: Path, kind: type[T]) -> T:
    """Read a TOML file into `kind`. Raises BadInput with file, line and field."""
    text = read_text(path, MAX_TOML)
    return convert(toml(text, str(path)), kind, source=str(path), text=text)


def toml(text: str, source: str) -> dict[str, Any]:
    """The tables of a TOML text. Raises BadInput."""
    try:
        return tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        raise BadInput(f"not valid TOML: {error}", where=source, hint="mend the line it names") from None
    except RecursionError:
        raise BadInput("lists or tables inside each other, far too deep", where=source, hint="flatten them") from None
    except ValueError:  # Python's own limit, against numbers that take minutes to read
        raise BadInput("a number of thousands of digits", where=source, hint="write a sensible one") from None


def from_json(data: bytes, kind: type[T], *, source: str) -> T:
    """Decode JSON bytes into `kind`. Raises BadInput naming `source` and the field."""
    if len(data) > MAX_BYTES:
        raise BadInput(f"{len(data):,} bytes, more than the {MAX_BYTES:,} allowed", where=source)
    try:
        return msgspec.json.decode(data, type=kind)
    except msgspec.ValidationError as error:
        raise _explained(error, kind, source, "", line_of) from None
    except UNREADABLE as error:
        raise BadInput(f"not valid JSON: {error}", where=source) from None


def convert(
    raw: object, kind: type[T], *, source: str, text: str = "", line: Callable[[str, str], int] | None = None
) -> T:
    """Turn builtin objects into `kind`. `text`, where given, is searched for the line of a bad field: as TOML, or as
    `line` does it with the text and the field's path."""
    try:
        return msgspec.convert(raw, kind, strict=True)
    except msgspec.ValidationError as error:
        raise _explained(error, kind, source, text, line or line_of) from None


def read_text(path: Path, limit: int = MAX_BYTES) -> str:
    """The file's text (UTF-8). Raises BadInput where it is missing, too large or not text."""
    try:
        if path.is_dir():
            raise BadInput("this is a folder, not a file", where=str(path))
        return read_regular(path, limit).decode("utf-8-sig")  # Windows' editors begin with a byte order mark
    except FileNotFoundError:
        raise BadInput("no such file", where=str(path), hint="check the path") from None
    except UnicodeDecodeError:
        raise BadInput("the file is not UTF-8 text", where=str(path), hint="save it as UTF-8") from None
    except OSError as error:
        raise BadInput(f"cannot be read ({error.strerror})", where=str(path)) from None


def _explained(
    error: msgspec.ValidationError, kind: object, source: str, text: str, line_in: Callable[[str, str], int]
) -> BadInput:
    message = str(error)
    found = _PATH.search(message)
    field = found.group(1) if found else ""
    what = _PATH.sub("", message)
    what = _BOUND.sub(_bound_said, what[:1].lower() + what[1:])
    hint = ""
    unknown = _UNKNOWN.search(message)
    if unknown:
        bad = unknown.group(1)
        near = difflib.get_close_matches(bad, _field_names(kind), n=1, cutoff=0.5)
        what = f"unknown field `{bad}`" + (f" in [{field}]" if field else "")
        hint = f"did you mean `{near[0]}`?" if near else "remove it"
        field = f"{field}.{bad}" if field else bad
    elif field:
        what = f"field `{field}`: {what}"
        if value := _VALUE.search(message):
            near = difflib.get_close_matches(value.group(1), _texts(kind), n=1, cutoff=0.6)
            hint = f"did you mean `{near[0]}`?" if near else ""
    line = line_in(text, field)
    where = f"{source}:{line}" if line else source
    return BadInput(what, where=where, hint=hint)


def _bound_said(found: re.Match[str]) -> str:
    """msgspec's `expected `float` <= 1.0` as `must be at most 1.0`."""
    kind, length, sign, bound = found.groups()
    number = bound.removesuffix(".0") if kind == "int" else bound
    if not length:
        return f"must be {_BOUNDS[sign]} {number}"
    one, many = ("character", "characters") if kind == "str" else ("entry", "entries")
    return f"must have {_BOUNDS[sign]} {number} {one if number == '1' else many}"


def line_of(text: str, field: str) -> int:
    """1-based line of a field path (`data.labels.rules[0].label`) in TOML text.

    Where the field is not there, the line of the table it belongs to; 0 where that is not there either.
    """
    path = _KEY.sub("", field).strip(".")
    if not path:
        return 0
    table, places = "", Counter[str]()
    for number, row in enumerate(text.splitlines(), 1):
        if header := _HEADER.match(row):
            table = header[2].replace('"', "")
            if header[1] == "[[":
                places[table] += 1
                table = f"{table}[{places[table] - 1}]"
            if _leads(table, path):
                return number
        elif "=" in row:
            key = row.partition("=")[0].strip().replace('"', "")
            if _leads(f"{table}.{key}" if table else key, path):
                return number
    return line_of(text, path[: path.rfind("[")] if path.endswith("]") else path.rpartition(".")[0])


def _leads(name: str, path: str) -> bool:
    """Whether a name in the text is what the path means: the place in a list counts only where both say it."""
    return path in (name, _PLACE.sub("", name)) or name == _PLACE.sub("", path)


def _field_names(kind: object) -> list[str]:
    """Every field name reachable from a msgspec type."""
    return [field.encode_name for struct in _parts(kind, msgspec.inspect.StructType) for field in struct.fields]


def _texts(kind: object) -> list[str]:
    """Every text that a field somewhere in a msgspec type may be: choices, and the tags that tell structs apart."""
    tags = [struct.tag for struct in _parts(kind, msgspec.inspect.StructType)]
    chosen = [value for literal in _parts(kind, msgspec.inspect.LiteralType) for value in literal.values]
    return [value for value in (*tags, *chosen) if isinstance(value, str)]


def _parts(kind: object, wanted: type[P]) -> list[P]:
    """Every type of the wanted sort that is reachable from a msgspec type, each struct once."""
    seen: set[type] = set()
    found: list[P] = []

    def walk(info: object) -> None:
        if isinstance(info, msgspec.inspect.StructType):
            if info.cls in seen:
                return
            seen.add(info.cls)
        if isinstance(info, wanted):
            found.append(info)
        inside = [getattr(info, name) for name in ("item_type", "value_type", "key_type") if hasattr(info, name)]
        inside += [*getattr(info, "types", ()), *getattr(info, "item_types", ())]
        for part in (*inside, *(field.type for field in getattr(info, "fields", ()))):
            walk(part)

    walk(msgspec.inspect.type_info(kind))
    return found
