"""Colours. State is never told by them alone; the hues differ in lightness too, for eyes that mix up red and green."""

from __future__ import annotations

from textual.theme import Theme

# Roles of our own, as plain colours: a colour with an alpha cannot be blended in a line that we render by hand.
DARK_ROLES = {"quiet": "#9a9a9a", "faint": "#626262", "cursor-row": "#1f4258", "cursor-row-idle": "#2e2e2e"}
LIGHT_ROLES = {"quiet": "#5f5f5f", "faint": "#a8a8a8", "cursor-row": "#c6e2f2", "cursor-row-idle": "#e4e4e4"}

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
    variables=DARK_ROLES,
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
    variables=LIGHT_ROLES,
)
