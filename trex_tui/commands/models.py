"""`trex models`: list, pull, import."""

from __future__ import annotations

import argparse
import os
import sys
import time

import msgspec

from engine import models


def show(options: argparse.Namespace) -> int:
    """Known and installed models."""
    listed = models.list_models(options.space.models)
    if getattr(options, "json", False):
        rows = [
            {
                "name": m.name,
                "kind": m.kind,
                "licence": m.licence,
                "bytes": m.size,
                "problem": m.problem,
                "path": m.installed and str(m.installed.path),
            }
            for m in listed
        ]
        print(msgspec.json.encode(rows).decode())
        return 0
    for model in listed:
        state = "installed" if model.installed else model.problem or "not installed"
        print(f"{model.name:40} {model.kind:10} {model.size / 2**20:8,.0f} MiB  {model.licence:12} {state}")
    print(f"in {options.space.models}")
    return 0


def pull(options: argparse.Namespace) -> int:
    """Fetch what is missing; what is there and whole is left alone."""
    options.space.create()
    for name in options.names or list(models.CATALOGUE):
        found = models.pull(
            name, options.space.models, cache_dir=options.space.cache, online=options.online, progress=Progress()
        )
        print(f"{found.name}: {found.path}")
    return 0


def take_in(options: argparse.Namespace) -> int:
    """Add a model from a file or folder."""
    options.space.create()
    found = models.import_file(
        options.path, options.name, options.space.models, kind="base" if options.base else None, progress=Progress()
    )
    print(f"{found.name} ({found.kind}): {found.path}")
    return 0


class Progress:
    """Download progress: one line that rewrites itself on a terminal, a line every few seconds elsewhere.

    TREX_PROGRESS_SECONDS: how many, for a program that reads the lines (the interface does).
    """

    def __init__(self) -> None:
        self._terminal = sys.stderr is not None and sys.stderr.isatty()
        self._period = 0.1 if self._terminal else _seconds(os.environ.get("TREX_PROGRESS_SECONDS", ""))
        self._last, self._what, self._finished = 0.0, "", False

    def __call__(self, what: str, done: int, total: int) -> None:
        now = time.monotonic()
        finished = total > 0 and done >= total
        if what == self._what and (finished, self._finished) == (True, True):
            return
        if what == self._what and not finished and now - self._last < self._period:
            return
        share = (
            f" {done / total:4.0%} of {total / 2**20:,.0f} MiB"
            if total
            else f" {done / 2**20:,.0f} MiB"
            if done
            else ""
        )
        end = "\n" if not self._terminal or finished else ""
        print(f"\r{what}{share}\x1b[K" if self._terminal else f"{what}{share}", end=end, file=sys.stderr, flush=True)
        self._last, self._what, self._finished = now, what, finished


def _seconds(text: str, otherwise: float = 5.0) -> float:
    try:
        return max(0.1, float(text))
    except ValueError:
        return otherwise
