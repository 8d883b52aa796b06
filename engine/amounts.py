"""Amounts as people write them, as numbers: `8h`, `until 07:00`, `20GB`. Pure; the clock is passed in."""

from __future__ import annotations

import re
from datetime import datetime, timedelta

from engine.errors import BadInput

NONE = ("none", "0", "")
UNITS = {"B": 1, "KB": 10**3, "MB": 10**6, "GB": 10**9, "TB": 10**12}
UNITS |= {"KIB": 2**10, "MIB": 2**20, "GIB": 2**30, "TIB": 2**40}


def seconds(duration: str) -> float:
    """`90s`, `15m`, `8h`, `2d` in seconds: more than none, ten years at most. Raises BadInput."""
    match = re.fullmatch(r"(\d+(?:\.\d+)?)([smhd])", duration.strip())
    if not match:
        raise BadInput(f"`{duration}` is not a duration", hint="write 90s, 15m, 8h or 2d")
    found = float(match[1]) * {"s": 1, "m": 60, "h": 3600, "d": 86400}[match[2]]
    if not 0 < found <= 3650 * 86400:
        raise BadInput(f"`{duration[:40]}` is no time to work in", hint="write 90s, 15m, 8h or 2d")
    return found


def times(text: str, now: datetime) -> tuple[float, float]:
    """(seconds, 0) of a duration, or (0, Unix seconds) of `until HH:MM`: the next such moment. Raises BadInput."""
    if not text.strip().startswith("until"):
        return seconds(text), 0.0
    found = re.fullmatch(r"until\s+(\d{1,2}):(\d{2})", text.strip())
    if not found or int(found[1]) > 23 or int(found[2]) > 59:
        raise BadInput(f"`{text[:40]}` is no time of day", hint="write: until 07:00")
    then = now.replace(hour=int(found[1]), minute=int(found[2]), second=0, microsecond=0)
    if then <= now:
        then += timedelta(days=1)
    return 0.0, then.timestamp()


def duration(text: str) -> float:
    """Seconds; 0 where there is no limit. Raises BadInput."""
    return 0.0 if text in NONE else seconds(text)


def size(text: str) -> int:
    """Bytes of `20GB`, `500 MiB`; 0 where there is no limit. Raises BadInput."""
    if text in NONE:
        return 0
    found = re.fullmatch(r"(\d{1,9}(?:\.\d{1,9})?)\s*([KMGT]?I?B)", text.strip().upper())
    if not found or found[2] not in UNITS or float(found[1]) == 0:
        raise BadInput(f"`{text[:40]}` is no amount of disk space", hint="write 500MB or 20GB")
    return int(float(found[1]) * UNITS[found[2]])
