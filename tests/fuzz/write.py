"""Values as bytes: msgpack, JSON and TOML writers that also write what no proper library would.

Lone surrogates, NaN, numbers of hundreds of digits, lists thousands of levels deep.
"""

from __future__ import annotations

import json
import math
import struct
from typing import Any


class Deep(int):
    """Stands for so many lists, one inside the other."""


def to_msgpack(value: Any) -> bytes:
    match value:
        case Deep():
            return b"\x91" * value + b"\x90"
        case None:
            return b"\xc0"
        case bool():
            return b"\xc3" if value else b"\xc2"
        case int() if value < 0:
            return b"\xd3" + struct.pack(">q", max(value, -(2**63)))
        case int():
            return b"\xcf" + struct.pack(">Q", min(value, 2**64 - 1))
        case float():
            return b"\xcb" + struct.pack(">d", value)
        case str():
            text = value.encode("utf-8", "surrogatepass")
            return b"\xdb" + struct.pack(">I", len(text)) + text
        case bytes():
            return b"\xc6" + struct.pack(">I", len(value)) + value
        case list() | tuple():
            return b"\xdd" + struct.pack(">I", len(value)) + b"".join(map(to_msgpack, value))
        case dict():
            pairs = b"".join(to_msgpack(key) + to_msgpack(item) for key, item in value.items())
            return b"\xdf" + struct.pack(">I", len(value)) + pairs
    raise TypeError(type(value))


def to_json(value: Any) -> bytes:
    return _text(value, ": ", _number).encode("ascii")


def to_toml(document: dict[str, Any]) -> bytes:
    """Scalars first, then a header for each table; what is deeper stands in one line."""
    lines = [_assignment(key, value) for key, value in document.items() if not isinstance(value, dict)]
    for key, value in document.items():
        if isinstance(value, dict):
            lines += [f"[{json.dumps(key)}]", *(_assignment(name, item) for name, item in value.items())]
    return "\n".join(lines).encode("utf-8", "surrogatepass")


def _assignment(key: str, value: Any) -> str:
    return f"{json.dumps(key)} = {_text(value, ' = ', _toml_number)}"


def _text(value: Any, between: str, number: Any) -> str:
    match value:
        case Deep():
            return "[" * value + "]" * value
        case None:
            return "null"
        case bool():
            return "true" if value else "false"
        case int() | float():
            return str(number(value))
        case str() | bytes():
            return json.dumps(value if isinstance(value, str) else value.decode("latin-1"))
        case list() | tuple():
            return f"[{', '.join(_text(item, between, number) for item in value)}]"
        case dict():
            pairs = (f"{json.dumps(str(key))}{between}{_text(item, between, number)}" for key, item in value.items())
            return f"{{{', '.join(pairs)}}}"
    raise TypeError(type(value))


def _number(value: float) -> str:
    if isinstance(value, int) and value.bit_length() > 10_000:  # Python refuses to write it
        return "9" * 6000
    return json.dumps(value)


def _toml_number(value: float) -> str:
    if isinstance(value, float) and not math.isfinite(value):
        return {"nan": "nan", "inf": "inf", "-inf": "-inf"}[str(value)]
    return _number(value)
