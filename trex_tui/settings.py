"""What a person likes: theme, notifications, keys. One file in their configuration folder, read strictly.

    theme = "trex-light"
    notify = "off"
    [keys]
    prune = "D"

Not what concerns one workspace (`trex_tui.visit`). A file that cannot be used gives one sentence and the defaults.
"""

from __future__ import annotations

import os
import re
from collections.abc import Mapping
from difflib import get_close_matches
from pathlib import Path
from typing import Literal

import msgspec

from engine import strict
from engine.errors import BadInput
from engine.files import expanded, write_atomic
from trex_tui.keymap import DETAIL, LOG, NAMES, TREE

LIMIT = 64 * 1024  # bytes of the file
LEAVE, WAY_OUT = "quit", "ctrl+c"  # the action's name in `NAMES`, and its key that nothing can take away
MODIFIERS = frozenset({"ctrl", "shift", "alt", "super", "hyper", "meta"})
IN_PANES = frozenset(part for table in (TREE, DETAIL, LOG) for key in table for part in key.keys.split(","))


class Settings(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """What may be said in the file."""

    theme: str = "trex"
    notify: Literal["on", "off"] = "on"
    keys: dict[str, str] = {}


def place() -> Path:
    """Where the file lies, whether it is there or not."""
    return Path(os.environ.get("XDG_CONFIG_HOME") or expanded(Path("~/.config"))) / "trex" / "interface.toml"


def load(path: Path) -> tuple[Settings, str]:
    """The settings, and one sentence where the file cannot be used ("" otherwise). A missing file is the defaults."""
    try:
        if not path.exists():
            return Settings(), ""
        text = strict.read_text(path, LIMIT)
        return checked(strict.convert(strict.toml(text, str(path)), Settings, source=str(path), text=text)), ""
    except (BadInput, OSError) as problem:
        return Settings(), str(problem)


def checked(settings: Settings) -> Settings:
    """The same, where its theme exists and its keys can be used. Raises BadInput."""
    from trex_tui.theme import named

    keys = dict(settings.keys)
    if LEAVE in keys and WAY_OUT not in (key.strip() for key in keys[LEAVE].split(",")):
        keys[LEAVE] += f",{WAY_OUT}"  # there is always one that every person knows
    check_keys(keys)
    return msgspec.structs.replace(settings, theme=named(settings.theme), keys=keys)


def check_keys(keys: Mapping[str, str]) -> None:
    """Raises BadInput for a name that is no action's, for a key used twice, and for one that belongs to another."""
    for name in keys:
        if name not in NAMES:
            near = get_close_matches(name, NAMES, n=1, cutoff=0.4)
            raise BadInput(
                f"[keys]: no action `{name}`", hint=f"did you mean `{near[0]}`?" if near else "`?` lists them"
            )
    owner = {key: key for key in IN_PANES}
    owner |= {key: name for name, (_, used) in NAMES.items() if name not in keys for key in used.split(",")}
    for name, wanted in keys.items():
        for key in wanted.split(","):
            if not key.strip():
                raise BadInput(f"[keys]: `{name}` has an empty key", hint="write one, such as D or ctrl+d")
            if not is_key(long_name(key)):
                raise BadInput(f"[keys]: `{key.strip()}` is no key", hint="write one, such as D, f5 or ctrl+d")
            if (other := owner.setdefault(long_name(key), name)) != name:
                raise BadInput(f"[keys]: `{key}` means `{other}` and `{name}`", hint="give one of them another key")


def long_name(key: str) -> str:
    """A key as Textual calls it: `?` is `question_mark`."""
    from textual.keys import _character_to_key

    key = key.strip()
    return _character_to_key(key) if len(key) == 1 else key


def is_key(name: str) -> bool:
    """Whether a terminal could ever send what Textual calls so: `D`, `question_mark`, `ctrl+shift+left`."""
    from textual.keys import REPLACED_KEYS, Keys, _character_to_key, key_to_character

    *held, base = name.split("+")
    if len(set(held)) < len(held) or not MODIFIERS.issuperset(held):
        return False
    if base in REPLACED_KEYS or (base.isalnum() and base in (key.value for key in Keys)):
        return True
    char = key_to_character(base)
    return char is not None and char.isprintable() and _character_to_key(char) == base


def keep(path: Path, name: str, value: str) -> None:
    """Set one value in the file; everything else in it stays, comments too. Raises BadInput, MachineFailure."""
    old = strict.read_text(path, LIMIT) if path.exists() else ""
    write_atomic(path, with_value(old, name, value).encode(), place="with XDG_CONFIG_HOME")


def with_value(text: str, name: str, value: str) -> str:
    """The text of the file with `name = "value"` before its first table."""
    lines = text.splitlines()
    end = next((at for at, line in enumerate(lines) if line.lstrip().startswith("[")), len(lines))
    said = f'{name} = "{value}"'
    for at in range(end):
        if re.match(rf"\s*{re.escape(name)}\s*=", lines[at]):
            lines[at] = said
            break
    else:
        lines.insert(0, said)
    return "\n".join(lines) + "\n"
