"""Making bad input out of good: one field changed, or bytes mutated. Pure; all chance comes from the `Random` given."""

from __future__ import annotations

import copy
import math
from collections.abc import Callable, Iterator
from random import Random
from typing import Any, NamedTuple

from tests.fuzz.harness import Input
from tests.fuzz.write import Deep

HUGE = 300_000

CONTROL = (
    "\x1b[31mred\x1b[0m\x07",
    "a\r\nb\tc",
    "\x00",
    "end\x00ing",
    "\x9b2J",
    "\u202eleft",
    "\u2028line\u2029",
    "\x7f\x85",
    "\x1b]0;title\x07",
)
SURROGATES = ("\ud800", "half \udfff of it", "\ud83d" * 3)
PATHS = (
    "../../../../etc/passwd",
    "/dev/zero",
    "/proc/self/environ",
    "/proc/self/fd/0",
    "..",
    ".",
    "/",
    "~",
    "~root",
    "~nobody-at-all/x",
    "n1/../n0",
    "n1/../../..",
    "runs\x00/x",
    "%2e%2e/x",
    "..\\..\\x",
    "x" * 5000,
    "/" + "y/" * 2500,
    "file:///etc/passwd",
    "-rf",
    "$(id)",
    "`id`",
    "{0.__class__}",
    "{prompt.__globals__}",
    "%s%n",
)
ODD = (
    "",
    " ",
    "1",
    "0",
    "-1",
    "true",
    "null",
    "nan",
    "inf",
    "1e999",
    "٣",
    "n1",
    "n1t0",
    "n-1",
    "n1t",
    "t",
    "n",
    "n٣",
    "N1",
)
NUMBERS = (
    0,
    1,
    -1,
    2,
    7,
    255,
    2**31 - 1,
    2**31,
    2**32,
    2**53 + 1,
    2**63 - 1,
    2**63,
    2**64 - 1,
    -(2**63),
    10**30,
    10**5000,
)
FLOATS = (0.0, -0.0, 1.5, -1.5, 1e-320, 1e308, -1e308, math.nan, math.inf, -math.inf)


class Place(NamedTuple):
    """A field or element: where it lies and under which key."""

    holder: Any
    key: Any


def drawn(kind: str, value: Any, written: Callable[[Any], bytes], rng: Random) -> Input:
    """An input of this kind: now and then valid, else one field of `value` changed, its bytes mutated, or noise."""
    chance = rng.random()
    if chance < 0.05:
        return Input(kind, "valid", written(value))
    if chance < 0.52:
        return Input(kind, "one field changed", written(one_field(value, rng)))
    if chance < 0.95:
        return Input(kind, "bytes mutated", mutated(written(value), rng))
    return Input(kind, "random", rng.randbytes(rng.randrange(300)))


def one_field(document: Any, rng: Random) -> Any:
    """A copy of the document with one field changed, missing, unknown or doubled."""
    changed = copy.deepcopy(document)
    places = list(_places(changed))
    if not places:
        return hostile(document, rng)
    place = rng.choice(places)
    rng.choice((_replace, _replace, _replace, _replace, _remove, _add, _rename, _double))(place, rng)
    return changed


def hostile(old: Any, rng: Random) -> Any:
    """A value that does not belong where `old` stood, or only just."""
    match rng.randrange(30):
        case 0 | 1 | 2 | 3:
            return rng.choice((None, True, False, "", [], {}, [old], {"a": old}, {"": {}}, b"\x00\xff"))
        case 4 | 5 | 6 | 7 | 8:
            return rng.choice(NUMBERS)
        case 9 | 10 | 11:
            return rng.choice(FLOATS)
        case 12:
            return rng.choice(
                ("x" * HUGE, "\n" * HUGE, [0] * 50_000, {str(n): n for n in range(20_000)}, [[]] * 50_000)
            )
        case 13 | 14:
            return Deep(rng.choice((2, 60, 900, 5000, 100_000)))
        case 15 | 16 | 17:
            return rng.choice(SURROGATES)
        case _:
            return rng.choice(rng.choice((CONTROL, PATHS, ODD)))


def mutated(data: bytes, rng: Random) -> bytes:
    """The bytes after one to eight accidents."""
    changed = bytearray(data)
    for _ in range(rng.choice((1, 1, 1, 2, 3, 8))):
        at = rng.randrange(len(changed) + 1)
        end = min(len(changed), at + rng.choice((1, 1, 2, 4, 16, 200)))
        match rng.randrange(7):
            case 0 if changed:
                changed[at % len(changed)] ^= 1 << rng.randrange(8)
            case 1 if changed:
                changed[at % len(changed)] = rng.choice(
                    (0, 1, 0x7F, 0x80, 0xC1, 0xFF, 0x22, 0x5B, 0x7B, rng.randrange(256))
                )
            case 2:
                changed[at:at] = rng.randbytes(rng.choice((1, 2, 8, 64)))
            case 3:
                del changed[at:end]
            case 4:
                changed[at:at] = changed[at:end]
            case 5:
                del changed[at:]
            case _:
                changed[at:end] = rng.choice(
                    (b"\xed\xa0\x80", b"\x00", b"\n", b"\xff\xfe", b"[" * 3000, b"9" * 5000, b"NaN", b"\\ud800")
                )
    return bytes(changed)


def _places(value: Any) -> Iterator[Place]:
    pairs = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    for key, item in pairs:
        yield Place(value, key)
        yield from _places(item)


def _replace(place: Place, rng: Random) -> None:
    place.holder[place.key] = hostile(place.holder[place.key], rng)


def _remove(place: Place, rng: Random) -> None:
    del place.holder[place.key]


def _add(place: Place, rng: Random) -> None:
    new = rng.choice(("extra", "", "__class__", "kind", "type", *CONTROL, *SURROGATES) * 3 + ("x" * HUGE,))
    if isinstance(place.holder, dict):
        place.holder[new] = hostile(None, rng)
    else:
        place.holder.append(hostile(None, rng))


def _rename(place: Place, rng: Random) -> None:
    if isinstance(place.holder, dict):
        name = str(place.key)
        place.holder[rng.choice((name + "s", name.upper(), name[1:], f" {name}"))] = place.holder.pop(place.key)
    else:
        _replace(place, rng)


def _double(place: Place, rng: Random) -> None:
    if isinstance(place.holder, list):
        place.holder.extend([place.holder[place.key]] * rng.choice((1, 5, 100)))
    else:
        _replace(place, rng)
