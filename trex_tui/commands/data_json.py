"""Answers of `trex data` for programs, which a person's terminal may show: nothing in them steers it."""

from __future__ import annotations

import re

import msgspec

_STEERING = re.compile(
    "[\x7f-\x9f\xad\u061c\u180e\u200b-\u200f\u2028-\u202e\u2060-\u206f\ufeff\ufff9-\ufffb\U000e0000-\U000e0fff]"
)


def encoded(value: object) -> str:
    """JSON in one line. Controls beyond ASCII, and characters that turn or hide others, are escaped."""
    return _STEERING.sub(_escape, msgspec.json.encode(value).decode())


def _escape(found: re.Match[str]) -> str:
    units = found[0].encode("utf-16-be")
    return "".join(f"\\u{units[at] << 8 | units[at + 1]:04x}" for at in range(0, len(units), 2))
