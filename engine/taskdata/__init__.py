"""A task's data: fetched, read, labelled, formatted, split once and for all, and sealed.

The one door to the splits: `materialise` makes them, `verify` proves that they are what they were, `split_path`
gives the files a search may read, `open_sealed` the one it may not. Light: no pandas, no datasets, no tokenizer.
"""

from engine.taskdata.store import (
    GUARDS,
    Manifest,
    SplitInfo,
    guards_path,
    materialise,
    open_sealed,
    split_path,
    verify,
)

__all__ = [
    "GUARDS",
    "Manifest",
    "SplitInfo",
    "guards_path",
    "materialise",
    "open_sealed",
    "split_path",
    "verify",
]
