"""Colours. State is never told by them alone; the hues differ in lightness too, for eyes that mix up red and green.

Roles that carry text have a contrast of 4.5 or more on every background they stand on, at 256 colours too. Rows are
rendered by hand, where a colour with an alpha cannot be blended: all of these are plain colours.
"""

from __future__ import annotations

from difflib import get_close_matches

from textual.theme import Theme

from engine.errors import BadInput

TEXT = ("foreground", "quiet", "primary", "accent", "text-success", "text-warning", "text-error", "text-accent")
GROUNDS = ("background", "surface", "panel", "cursor-row", "cursor-row-idle")


def _theme(
    name: str,
    *,
    dark: bool,
    ground: str,
    panel: str,
    text: str,
    quiet: str,
    faint: str,
    rows: tuple[str, str],
    primary: str,
    accent: str,
    good: str,
    warning: str,
    bad: str,
) -> Theme:
    """`faint`: guides and borders, never text. `rows`: under the cursor, with and without the focus."""
    said = {"text-success": good, "text-warning": warning, "text-error": bad, "text-accent": accent}
    roles = {"quiet": quiet, "faint": faint, "cursor-row": rows[0], "cursor-row-idle": rows[1], **said}
    return Theme(
        name=name,
        primary=primary,
        secondary=quiet,
        accent=accent,
        warning=warning,
        error=bad,
        success=good,
        foreground=text,
        background=ground,
        surface=ground,
        panel=panel,
        dark=dark,
        variables={**roles, "text-primary": primary},
    )


DARK = _theme(
    "trex",
    dark=True,
    ground="#121212",
    panel="#262626",
    text="#d0d0d0",
    quiet="#a8a8a8",
    faint="#626262",
    rows=("#1c2e4f", "#2e2e2e"),
    primary="#5fafd7",
    accent="#ffd75f",
    good="#87d7af",
    warning="#ffaf5f",
    bad="#ff875f",
)
LIGHT = _theme(
    "trex-light",
    dark=False,
    ground="#ffffff",
    panel="#e4e4e4",
    text="#1c1c1c",
    quiet="#5f5f5f",
    faint="#808080",
    rows=("#d7e9f7", "#eeeeee"),
    primary="#005f87",
    accent="#6f4f00",
    good="#005f5f",
    warning="#872e00",
    bad="#af0000",
)
CONTRAST = _theme(
    "trex-contrast",
    dark=True,
    ground="#000000",
    panel="#1c1c1c",
    text="#ffffff",
    quiet="#d0d0d0",
    faint="#a8a8a8",
    rows=("#00005f", "#303030"),
    primary="#87d7ff",
    accent="#ffff5f",
    good="#87ffaf",
    warning="#ffaf5f",
    bad="#ffaf87",
)
CONTRAST_LIGHT = _theme(
    "trex-contrast-light",
    dark=False,
    ground="#ffffff",
    panel="#eeeeee",
    text="#000000",
    quiet="#303030",
    faint="#626262",
    rows=("#d7ffff", "#e4e4e4"),
    primary="#00005f",
    accent="#5f005f",
    good="#005f00",
    warning="#5f0000",
    bad="#870000",
)
# After Okabe and Ito: blue, orange and yellow, which differ for every kind of colour blindness.
COLOUR_BLIND = _theme(
    "trex-colour-blind",
    dark=True,
    ground="#121212",
    panel="#262626",
    text="#d7d7d7",
    quiet="#a8a8a8",
    faint="#626262",
    rows=("#1c2e4f", "#303030"),
    primary="#87afd7",
    accent="#ffff5f",
    good="#5fafff",
    warning="#ffaf00",
    bad="#ff8700",
)
THEMES = {theme.name: theme for theme in (DARK, LIGHT, CONTRAST, CONTRAST_LIGHT, COLOUR_BLIND)}
DARK_ROLES = DARK.variables


def named(name: str) -> str:
    """The theme meant by `light` or `trex-light`. Raises BadInput with the nearest name."""
    for whole in (name, f"trex-{name}"):
        if whole in THEMES:
            return whole
    if name == "dark":
        return DARK.name
    short = [whole.removeprefix("trex-") for whole in THEMES]
    near = get_close_matches(name, short, n=1, cutoff=0.4)
    raise BadInput(
        f"no theme `{name}`", hint=f"did you mean `{near[0]}`?" if near else f"choose one of {', '.join(short)}"
    )


def after(name: str) -> str:
    """The theme that follows, in a circle."""
    names = list(THEMES)
    return names[(names.index(name) + 1) % len(names)] if name in names else DARK.name
