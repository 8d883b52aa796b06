"""What an argument may be: numbers within bounds, each refused in one sentence; and a flag that many commands have."""

from __future__ import annotations

import argparse


def json_too(command: argparse.ArgumentParser) -> argparse.ArgumentParser:
    """The command, with `--json`."""
    command.add_argument("--json", action="store_true", help="facts for programs")
    return command


def natural(text: str) -> int:
    return number(text, 0, 2**31 - 1)


def warmth(text: str) -> float:
    return decimal(text, 0, 2)


def part(text: str) -> float:
    return decimal(text, 0, 1)


def shown(text: str) -> int:
    return number(text, 1, 8)


def processes(text: str) -> int:
    return number(text, 1, 256)


def rows(text: str) -> int:
    return number(text, 1, 10_000_000)


def length(text: str) -> int:
    return number(text, 1, 4096)


def count(text: str) -> int:
    return number(text, 1, 100_000)


def port(text: str) -> int:
    return number(text, 1, 65_535)


def speed(text: str) -> float:
    return decimal(text, 0, 1000, "no speed")


def lifted(text: str) -> int:
    return 0 if text == "none" else number(text, 0, 1_000_000)


def number(text: str, least: int, most: int) -> int:
    try:
        value = int(text)
    except ValueError:
        value = least - 1
    if not least <= value <= most:
        raise argparse.ArgumentTypeError(f"{text[:40]!r} is not a whole number from {least} to {most:,}")
    return value


def decimal(text: str, least: int, most: int, said: str = "not a number") -> float:
    try:
        value = float(text)
    except ValueError:
        value = least - 1.0
    if not least <= value <= most:
        raise argparse.ArgumentTypeError(f"{text[:40]!r} is {said} from {least} to {most}")
    return value
