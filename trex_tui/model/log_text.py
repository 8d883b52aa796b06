"""Lines of logs as text for the screen: nothing in them steers the terminal, nothing in them is hidden. Pure."""

from __future__ import annotations

import re
import unicodedata

ANSI = re.compile(r"\x1b(?:\[[0-?]*[ -/]*[@-~]|\][^\x07\x1b]*(?:\x07|\x1b\\)?|[@-Z\\-_])")
TAB = 8
CLOCK = re.compile(r"(?:\[?\d{4}-\d\d-\d\d[ T])?(\d\d:\d\d:\d\d)(?:[.,]\d+)?\]? ")
PROGRESS = re.compile(r"\d+ ?%|\d+/\d+ \[")
NUMBERS = re.compile(r"[\d.,:%|#█▏▎▍▌▋▊▉\s]+")
RECENT = 6  # lines of a trial among which a repeated one is looked for
_CONTROL = {number: chr(0x2400 + number) for number in range(32)} | {127: "\u2421"}


def visible(raw: bytes) -> str:
    """A line's bytes as text: colours taken out, tabs made wide, control characters by their pictures, and what is no
    UTF-8 as the sign for that."""
    text = raw.removesuffix(b"\r").decode("utf-8", "replace")
    if text.isprintable():
        return text
    text = ANSI.sub("", text).expandtabs(TAB)
    return text if text.isprintable() else "".join(map(_shown, text))


def _shown(char: str) -> str:
    """One cell or more for a character: marks that turn the direction of writing are escapes, too."""
    if char.isprintable():
        return char
    if unicodedata.category(char) == "Zs":
        return " "
    return _CONTROL.get(ord(char)) or ascii(char)[1:-1]


def last_state(text: str) -> str:
    """What a line says that was rewritten in place (by carriage returns): its last state."""
    states = [part for part in text.split("\r") if part.strip()]
    return states[-1] if states else ""


def clock_of(text: str) -> tuple[str, str]:
    """A line's own time of day (`HH:MM:SS`, "" = it has none) and the rest of it."""
    found = CLOCK.match(text)
    return (found[1], text[found.end() :]) if found else ("", text)


def supersedes(new: str, old: str) -> bool:
    """Whether a line is the next state of one that shows progress: they are the same up to the figure."""
    here, there = PROGRESS.search(new), PROGRESS.search(old)
    if here is None or there is None:
        return False
    return NUMBERS.sub("", new[: here.start()]) == NUMBERS.sub("", old[: there.start()])


def repeats(new: str, old: str) -> bool:
    """Whether two lines say the same, whenever they say it."""
    return clock_of(new)[1] == clock_of(old)[1]
