"""What a terminal is told: a notification, the bell, its title. Escape sequences by what the terminal says it is. Pure.

Text is cleaned of control characters here: it comes from models and engines, and must not steer the terminal.
"""

from __future__ import annotations

from collections.abc import Mapping

from trex_tui.model.format import clean, cut

BELL = "\a"
LONGEST = 200  # cells of a notification
NO_TITLE = frozenset({"", "dumb", "linux"})
BY_OSC_9 = frozenset({"iTerm.app", "WezTerm", "ghostty", "rio", "WarpTerminal"})
SAVE_TITLE, RESTORE_TITLE = "\x1b[22;2t", "\x1b[23;2t"


def notification(text: str, env: Mapping[str, str]) -> str:
    """Calls the person; the bell alone where the terminal knows no notifications."""
    said = cut(clean(text), LONGEST)
    if _kitty(env):
        return _through(f"\x1b]99;;{said}\x1b\\", env)
    if _osc_9(env):
        return _through(f"\x1b]9;{said}{BELL}", env)
    return BELL


def title(text: str, env: Mapping[str, str]) -> str:
    """Sets the window's title; "" where the terminal has none."""
    if env.get("TERM", "") in NO_TITLE:
        return ""
    return f"\x1b]2;{cut(clean(text), LONGEST)}{BELL}"  # tmux and screen keep it as the pane's own


def _kitty(env: Mapping[str, str]) -> bool:
    return bool(env.get("KITTY_WINDOW_ID")) or env.get("TERM", "") in ("xterm-kitty", "foot", "foot-extra")


def _osc_9(env: Mapping[str, str]) -> bool:
    # Inside tmux TERM_PROGRAM is tmux itself; these are what the terminal around it leaves behind.
    around = ("WEZTERM_PANE", "ITERM_SESSION_ID", "GHOSTTY_RESOURCES_DIR")
    return env.get("TERM_PROGRAM", "") in BY_OSC_9 or any(env.get(name) for name in around)


def _through(sequence: str, env: Mapping[str, str]) -> str:
    """As it is, or handed through tmux, which drops it unless allow-passthrough is on: so the bell marks the window."""
    if not env.get("TMUX"):
        return sequence
    doubled = sequence.replace("\x1b", "\x1b\x1b")
    return f"\x1bPtmux;{doubled}\x1b\\{BELL}"
