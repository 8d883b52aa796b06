"""`trex status --since 8h`: what happened since then, in every run that has moved. The interface's morning report."""

from __future__ import annotations

import argparse
import time

import msgspec

from engine.amounts import seconds
from trex_tui.client.replay import journalled
from trex_tui.model.digest import Digest, digest
from trex_tui.model.store import Store


def since(options: argparse.Namespace) -> int:
    now, store = time.time(), Store()
    left = now - seconds(options.since)
    if options.space.journal.exists():
        store.records(journalled(options.space.journal))
    moved = {name: view for name, view in store.runs.items() if view.tree.created and view.tree.last_time > left}
    found = {name: digest(name, view, left, now) for name, view in moved.items()}
    if options.json:
        said = [{"run": name, "sections": _facts(one)} for name, one in found.items()]
        print(msgspec.json.encode(said).decode())
        return 0
    for one in found.values():
        print(one.head)
        for section in one.sections:
            print(f"\n{section.title}")
            for line in section.lines:
                print(f"  {line.text}")
        print()
    if not found:
        print(f"nothing has happened in the last {options.since}")
    return 0


def _facts(one: Digest) -> dict[str, list[str]]:
    return {section.title: [line.text for line in section.lines] for section in one.sections}
