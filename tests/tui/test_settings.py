"""A person's settings: read strictly, kept without losing what else stands in the file."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from engine.errors import BadInput
from trex_tui import settings
from trex_tui.settings import Settings


def written(folder: Path, text: str) -> Path:
    path = folder / "interface.toml"
    path.write_text(text)
    return path


def test_no_file_is_the_defaults(tmp_path: Path) -> None:
    assert settings.load(tmp_path / "none.toml") == (Settings(), "")


def test_theme_notifications_and_keys_are_read(tmp_path: Path) -> None:
    path = written(tmp_path, 'theme = "light"\nnotify = "off"\n[keys]\nprune = "D"\n')
    assert settings.load(path) == (Settings(theme="trex-light", notify="off", keys={"prune": "D"}), "")


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ('themes = "x"', "did you mean `theme`?"),
        ("theme = 3", "theme"),
        ("theme = ", "not valid TOML"),
        ('theme = "ligth"', "did you mean `light`?"),
        ('notify = "maybe"', "notify"),
        ('[keys]\nprun = "D"', "did you mean `prune`?"),
        ('[keys]\nprune = "q"', "`q` means `quit` and `prune`"),
        ('[keys]\nprune = "?"', "`?` means `help` and `prune`"),
        ('[keys]\nprune = "j"', "`j` means"),
        ('[keys]\nprune = "D"\nretry = "D"', "`D` means"),
        ('[keys]\nprune = ""', "empty key"),
        ("\x00", "TOML"),
    ],
)
def test_a_file_that_cannot_be_used_gives_one_sentence_and_the_defaults(tmp_path: Path, text: str, said: str) -> None:
    found, sentence = settings.load(written(tmp_path, text))
    assert found == Settings()
    assert said in sentence and "\n" not in sentence


def test_a_folder_in_its_place_is_said(tmp_path: Path) -> None:
    assert "folder" in settings.load(tmp_path)[1]


def test_two_actions_may_exchange_their_keys() -> None:
    settings.check_keys({"prune": "R", "retry": "x"})


def test_keeping_a_value_keeps_the_rest(tmp_path: Path) -> None:
    path = written(tmp_path, '# mine\nnotify = "off"\n\n[keys]\nprune = "D"  # as in vim\ntheme = "Z"\n')
    with pytest.raises(BadInput):
        settings.checked(settings.Settings(keys={"theme ": "Z"}))
    settings.keep(path, "theme", "trex-light")
    settings.keep(path, "notify", "on")
    assert (
        path.read_text()
        == 'theme = "trex-light"\n# mine\nnotify = "on"\n\n[keys]\nprune = "D"  # as in vim\ntheme = "Z"\n'
    )


def test_the_file_is_made_where_there_is_none_and_for_its_owner_alone(tmp_path: Path) -> None:
    path = tmp_path / "new" / "interface.toml"
    settings.keep(path, "theme", "trex-light")
    assert settings.load(path)[0].theme == "trex-light"
    assert path.stat().st_mode & 0o077 == 0


@given(st.text(alphabet='ab=[]"#\n ', max_size=40))
def test_whatever_stood_there_the_value_comes_first_among_its_kind(text: str) -> None:
    lines = settings.with_value(text, "theme", "trex").splitlines()
    assert 'theme = "trex"' in lines
    before = lines[: lines.index('theme = "trex"')]
    assert not any(line.lstrip().startswith("[") for line in before)
