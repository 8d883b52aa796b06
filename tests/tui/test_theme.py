"""Every theme can be read: in true colour, at 256 colours, and with sixteen the text is not the ground's colour."""

from __future__ import annotations

import pytest
from rich.color import ColorSystem
from textual.color import Color
from textual.theme import Theme

from engine.errors import BadInput
from trex_tui import theme as themes

EVERY = pytest.mark.parametrize("theme", themes.THEMES.values(), ids=list(themes.THEMES))


def colours(theme: Theme) -> dict[str, str]:
    return {**theme.to_color_system().generate(), **theme.variables}


def luminance(colour: tuple[int, int, int]) -> float:
    linear = [
        part / 12.92 if part <= 0.03928 else ((part + 0.055) / 1.055) ** 2.4 for part in (c / 255 for c in colour)
    ]
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]


def contrast(one: tuple[int, int, int], two: tuple[int, int, int]) -> float:
    """By WCAG 2."""
    low, high = sorted((luminance(one), luminance(two)))
    return (high + 0.05) / (low + 0.05)


def shown(colour: str, system: ColorSystem) -> tuple[int, int, int]:
    """What a terminal with fewer colours makes of it."""
    return tuple(Color.parse(colour).rich_color.downgrade(system).get_truecolor())  # type: ignore[return-value]


@EVERY
@pytest.mark.parametrize("system", [ColorSystem.TRUECOLOR, ColorSystem.EIGHT_BIT])
def test_text_stands_out_from_every_ground(theme: Theme, system: ColorSystem) -> None:
    have = colours(theme)
    for ground in themes.GROUNDS:
        for role in themes.TEXT:
            ratio = contrast(shown(have[role], system), shown(have[ground], system))
            assert ratio >= 4.5, f"{role} {have[role]} on {ground} {have[ground]}: {ratio:.1f}"


@EVERY
def test_with_sixteen_colours_text_is_never_the_colour_of_its_ground(theme: Theme) -> None:
    have = colours(theme)
    for ground in themes.GROUNDS:
        for role in themes.TEXT:
            pair = [
                Color.parse(have[name]).rich_color.downgrade(ColorSystem.STANDARD).number for name in (role, ground)
            ]
            assert pair[0] != pair[1], f"{role} on {ground}"


@EVERY
def test_good_and_bad_differ_in_lightness_or_hue_for_the_colour_blind(theme: Theme) -> None:
    have = colours(theme)
    good, bad = (Color.parse(have[name]) for name in ("text-success", "text-warning"))
    assert abs(good.b - bad.b) > 60 or contrast(good.rgb, bad.rgb) > 1.5


def test_a_theme_is_found_by_its_short_name() -> None:
    assert [themes.named(name) for name in ("light", "trex-light", "contrast", "dark", "trex")] == [
        "trex-light", "trex-light", "trex-contrast", "trex", "trex",
    ]  # fmt: skip
    with pytest.raises(BadInput, match="did you mean `light`"):
        themes.named("ligth")


def test_the_circle_of_themes_has_every_one() -> None:
    seen, name = [], "trex"
    for _ in themes.THEMES:
        seen.append(name)
        name = themes.after(name)
    assert sorted(seen) == sorted(themes.THEMES) and name == "trex"
