"""Colours. State is never told by them alone; the hues differ in lightness too, for eyes that mix up red and green."""

from __future__ import annotations

from textual.theme import Theme

DARK = Theme(
    name="trex",
    primary="#5fafd7",
    secondary="#87afaf",
    accent="#ffd75f",
    warning="#ffaf5f",
    error="#ff875f",
    success="#87d7af",
    foreground="#d0d0d0",
    background="#121212",
    surface="#121212",
    panel="#262626",
    dark=True,
)
LIGHT = Theme(
    name="trex-light",
    primary="#005f87",
    secondary="#5f5f5f",
    accent="#875f00",
    warning="#af5f00",
    error="#af0000",
    success="#005f5f",
    foreground="#1c1c1c",
    background="#ffffff",
    surface="#ffffff",
    panel="#e4e4e4",
    dark=False,
)
