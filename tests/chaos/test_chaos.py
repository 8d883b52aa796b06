"""The short form of `make chaos`: one small search under a dozen deaths, beside the same search undisturbed."""

from __future__ import annotations

from collections import deque
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from tests.chaos.outline import outline
from tests.chaos.run import faults
from tests.chaos.scene import Scene, prepare
from tests.chaos.storm import EVERYBODY, Hit, Order, Storm

ORDERS = (
    Order("engine.between_launch_and_start"),
    Order("engine.after_start", 1),
    Order("engine.before_event", 9),
    Order("trial.locked"),
    Order("train.micro_batch", 60),
    Order("checkpoint.half"),
    Order("result.after"),
    Order("exit.after", 1),
    Order("file.before_rename", 40),
    Order("data.before_report"),
    Order("worker.answer"),
    Order(EVERYBODY, 400),
)


@pytest.mark.timeout(600)
def test_a_search_under_a_dozen_deaths_comes_to_the_same(tmp_path: Path) -> None:
    prepare(tmp_path, rounds=2, trials=1, candidates=1)
    calm, wild = Scene(tmp_path, "calm"), Scene(tmp_path, "wild")
    hits: list[Hit] = []
    storms = (Storm(calm, deque(), hits.append), Storm(wild, deque(ORDERS), hits.append, fair=False))
    try:
        with ThreadPoolExecutor() as pool:
            for done in [pool.submit(storm.run, 500.0) for storm in storms]:
                done.result()
        assert len(hits) == len(ORDERS), f"deaths at {[hit.point for hit in hits]} only"
        assert faults(wild, outline(calm)) == []
    finally:
        for scene in (calm, wild):
            scene.leave()
