"""What a recipe leaves in a folder: `data.jsonl`, `broken.jsonl`, `samples.json`, and the report on them."""

from __future__ import annotations

import importlib.metadata
from pathlib import Path

import msgspec

from engine.aidp.job import BROKEN, ROWS, SAMPLES, DataReport
from engine.aidp.pipeline import Output
from engine.aidp.rows import answers, each
from engine.aidp.samples import Samples
from engine.files import disk_errors, sha256_file, write_json, write_jsonl


def leave(folder: Path, output: Output, samples: Samples, seconds: float) -> DataReport:
    """Write all but the report, which says that the rest is whole: its writing is the caller's last word."""
    with disk_errors(folder):
        write_jsonl(folder / ROWS, each(output.rows))
        if output.broken:
            write_jsonl(folder / BROKEN, (msgspec.structs.asdict(row) for row in output.broken))
        write_json(folder / SAMPLES, samples)
    return report(output, seconds, sha256_file(folder / ROWS))


def report(output: Output, seconds: float, sha256: str = "") -> DataReport:
    """What came of it. `sha256`: of the rows' file, where there is one."""
    return DataReport(
        rows=len(output.rows),
        sha256=sha256,
        steps=output.steps,
        seconds=round(seconds, 4),
        answers=answers(output.rows),
        versions={"datasets": importlib.metadata.version("datasets")},
    )
