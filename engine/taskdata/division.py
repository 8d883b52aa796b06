"""Dividing examples into splits: pure, by a seed, with no prompt in two of them.

Rows are ranked by a hash of seed and prompt, so a division does not depend on the order of the file, and training
data comes out shuffled: whoever takes the first rows of a file sorted by label gets a fair sample.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from hashlib import blake2b

from engine.errors import BadInput
from engine.task import SPLITS, Split, Splits
from engine.taskdata.examples import Example

Divided = dict[Split, list[Example]]

ENOUGH = 100  # rows that validation must keep and confirm must get, or confirm is taken from train


def divide(examples: Sequence[Example], sizes: Splits, where: str) -> Divided:
    """Exactly the sizes asked for. Held-out splits take one row of each group of equal prompts, train whole groups."""
    groups: dict[str, list[Example]] = {}
    for example in examples:
        groups.setdefault(example.key, []).append(example)
    ranked = [groups[key] for key in sorted(groups, key=lambda key: rank(sizes.seed, key))]
    divided: Divided = {}
    for split in ("test", "confirm", "validation"):
        wanted = getattr(sizes, split)
        divided[split], ranked = [group[0] for group in ranked[:wanted]], ranked[wanted:]
    divided["train"] = [example for group in ranked for example in group][: sizes.train]
    missing = sum(getattr(sizes, split) - len(rows) for split, rows in divided.items())
    if missing:
        asked = sum(getattr(sizes, split) for split in SPLITS)
        what = f"[splits] asks for {asked:,} rows, the data has {len(examples):,} ({len(groups):,} different prompts)"
        raise BadInput(what, where=where, hint=f"lower the sizes by {missing:,} rows in all")
    return {split: divided[split] for split in SPLITS}


def separate(parts: Mapping[Split, Sequence[Example]], seed: int) -> tuple[Divided, list[str]]:
    """Given splits kept as they are, except: a row whose prompt a later split has is dropped (test wins over confirm,
    validation and train), confirm is drawn where it is not given, and train is shuffled. With a note for each.
    """
    divided: Divided = {split: list(parts.get(split, ())) for split in SPLITS}
    notes: list[str] = []
    taken: set[str] = set()
    for split in reversed(SPLITS):
        kept = [example for example in divided[split] if example.key not in taken]
        if dropped := len(divided[split]) - len(kept):
            notes.append(f"{dropped:,} rows of {split} dropped: a held-out split has the same prompt")
        taken |= {example.key for example in kept}
        divided[split] = kept
    if "confirm" not in parts:
        notes.append(_draw_confirm(divided, seed))
    divided["train"].sort(key=lambda example: rank(seed, example.key))
    return divided, notes


def _draw_confirm(divided: Divided, seed: int) -> str:
    """Half of validation where both halves are large enough; else from train, as many rows, a fifth of it at most."""
    giver: Split = "validation" if len(divided["validation"]) >= 2 * ENOUGH else "train"
    rows = divided[giver]
    limit = len(rows) // 2 if giver == "validation" else min(len(divided["validation"]), len(rows) // 5)
    chosen: set[str] = set()
    count = 0
    sizes: dict[str, int] = {}
    for example in rows:
        sizes[example.key] = sizes.get(example.key, 0) + 1
    for key in sorted(sizes, key=lambda key: rank(seed, key)):
        if count + sizes[key] <= limit:
            chosen.add(key)
            count += sizes[key]
    divided["confirm"] = [example for example in rows if example.key in chosen]
    divided[giver] = [example for example in rows if example.key not in chosen]
    return f"confirm: {count:,} rows drawn from {giver}, which keeps {len(divided[giver]):,}"


def rank(seed: int, key: str) -> bytes:
    """A place in an order that depends on the seed and nothing else."""
    return blake2b(f"{seed}\0{key}".encode("utf-8", "surrogatepass"), digest_size=16).digest()
