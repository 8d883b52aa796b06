"""The other half of `tests.bench.aidp_speed`: the same work by datatrove, in datatrove's own interpreter. No test.

    OTHER_PYTHON aidp_datatrove.py WORK ROWS.jsonl HELD.jsonl FOLDER

One process, one task. Prints one line of JSON: rows that are left. Nothing of ours is imported here.
"""

import json
import shutil
import sys
from pathlib import Path

import numpy as np
from datatrove.executor import LocalPipelineExecutor
from datatrove.pipeline.decont.n_grams import NGramsDecontConfig, NGramsDecontFilter
from datatrove.pipeline.dedup import (
    ExactDedupConfig,
    ExactDedupFilter,
    ExactDedupSignature,
    ExactFindDedups,
    MinhashConfig,
    MinhashDedupBuckets,
    MinhashDedupCluster,
    MinhashDedupFilter,
    MinhashDedupSignature,
)
from datatrove.pipeline.filters import LambdaFilter
from datatrove.pipeline.readers import JsonlReader
from datatrove.pipeline.writers import JsonlWriter
from datatrove.utils.text import ngrams, simplify_text
from loguru import logger

BUCKETS = 14


def key(document) -> str:
    return " ".join(document.text.lower().split())


def steps(work: str, rows: Path, held: Path, folder: Path) -> list[list]:
    """Pipelines, one after the other; the last writes the rows that are left."""
    read = JsonlReader(str(rows.parent), glob_pattern=rows.name, text_key="prompt", id_key="id")
    write = JsonlWriter(str(folder / "out"), output_filename="rows.jsonl", compression=None)
    if work == "read and write":
        return [[read, write]]
    if work == "length filter":
        return [[read, LambdaFilter(lambda document: 4 <= len(document.text.split()) <= 30), write]]
    if work == "exact":
        config = ExactDedupConfig(content_getter=key)
        signatures, found = str(folder / "signatures"), str(folder / "found")
        return [
            [read, ExactDedupSignature(signatures, config)],
            [ExactFindDedups(signatures, found, config)],
            [read, ExactDedupFilter(found, config), write],
        ]
    if work == "MinHash":
        config = MinhashConfig(n_grams=5, num_buckets=BUCKETS, hashes_per_bucket=8)
        signatures, found, gone = (str(folder / name) for name in ("signatures", "found", "gone"))
        return [
            [read, MinhashDedupSignature(signatures, config)],
            [MinhashDedupBuckets(signatures, found, config=config)],
            [MinhashDedupCluster(found, gone, config=config)],
            [read, MinhashDedupFilter(gone), write],
        ]
    config = NGramsDecontConfig(n_grams=8)
    check = NGramsDecontFilter(str(index(held, config, folder / "index")), config)
    return [[read, check, write]]


def index(held: Path, config: NGramsDecontConfig, folder: Path) -> Path:
    """What NGramsDecontIndexer writes; it cannot be used without the package lighteval, which fetches its own tasks."""
    maker = NGramsDecontFilter(str(folder), config)
    found = set()
    for line in held.read_text(encoding="utf-8").splitlines():
        words = maker.tokenizer.word_tokenize(simplify_text(json.loads(line)["prompt"], config.norm_config))
        found.update(maker.hash_func(" ".join(run)) for run in ngrams(words, config.n_grams))
    folder.mkdir(parents=True, exist_ok=True)
    np.array(sorted(found), dtype=config.hash_config.np_descr).tofile(folder / "held.index.hashes")
    return folder


def main() -> None:
    logger.remove()
    work, rows, held, folder = sys.argv[1], *map(Path, sys.argv[2:5])
    shutil.rmtree(folder, ignore_errors=True)
    for number, pipeline in enumerate(steps(work, rows, held, folder)):
        tasks = (
            BUCKETS if isinstance(pipeline[0], MinhashDedupBuckets) else 1
        )  # it wants one for each, one after another
        LocalPipelineExecutor(pipeline, tasks=tasks, workers=1, logging_dir=str(folder / f"log{number}")).run()
    with (folder / "out" / "rows.jsonl").open(encoding="utf-8") as lines:
        print(json.dumps({"rows": sum(1 for _ in lines), "memory": peak()}))


def peak() -> int:
    """The greatest memory of this process, in bytes (ru_maxrss counts the parent's before exec)."""
    status = Path("/proc/self/status").read_text()
    return int(status.split("VmHWM:")[1].split()[0]) * 1024


if __name__ == "__main__":
    main()
