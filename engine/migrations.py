"""From one version of the journal's file to the next: a table with one step per version.

A step changes tables or bodies as it likes; it runs in one transaction with the new number, so a file is never between
two versions. Not the backup that is made before the first step (`engine.journal`). Readers do not migrate: they read
every older version as it is, so a step that moves what they select must teach them the older place too.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Callable

Step = Callable[[sqlite3.Connection], None]


def _same_tables(_db: sqlite3.Connection) -> None:
    """New types of events, and new fields, whose defaults stand for what older bodies do not say.

    1 to 2: what people do to a search (forks, hints, budgets, ...). 2 to 3: insights that people have changed.
    """


STEPS: tuple[Step, ...] = (_same_tables, _same_tables)  # STEPS[n] leads from version n + 1 to n + 2
SCHEMA = 1 + len(STEPS)


def migrate(db: sqlite3.Connection, version: int, steps: tuple[Step, ...] = STEPS) -> None:
    """Bring an open journal (autocommit) from `version` to the last one. A step that fails leaves its version."""
    for number, step in enumerate(steps[version - 1 :], version + 1):
        db.execute("BEGIN IMMEDIATE")
        try:
            step(db)
            db.execute(f"PRAGMA user_version={number}")
            db.execute("COMMIT")
        except BaseException:
            db.execute("ROLLBACK")
            raise
