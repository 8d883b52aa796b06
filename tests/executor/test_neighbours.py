"""Memory that other programs took is the machine's failure; memory that the trial itself needed is not."""

from __future__ import annotations

import os
import sys
from types import ModuleType, SimpleNamespace

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from engine.executor import neighbours
from engine.executor.neighbours import NOISE, Card, taken

GIB = 2**30


def card(others: int, mine: int = 0, total: int = 24 * GIB) -> Card:
    return Card(total=total, free=total - others - mine, mine=mine, programs=(("blender, process 7", others),))


@given(before=st.integers(0, 8 * GIB), grown=st.integers(-8 * GIB, 8 * GIB), mine=st.integers(0, 8 * GIB))
def test_only_growth_of_others_beyond_the_noise_counts(before: int, grown: int, mine: int) -> None:
    now = max(0, before + grown)
    assert bool(taken(card(before), card(now, mine))) == (now - before > NOISE)


def test_the_sentence_names_who_took_how_much() -> None:
    assert taken(card(0), card(4 * GIB)) == (
        "other programs took 4.0 GiB of the card's memory meanwhile (blender, process 7)"
    )
    assert taken(None, card(4 * GIB)) == ""


class Driver(ModuleType):
    """NVML as a script: `held` bytes per process."""

    class NVMLError(Exception): ...

    def __init__(self, held: dict[int, int | None], used: int) -> None:
        super().__init__("pynvml")
        self.held, self.used = held, used

    def nvmlInit(self) -> None: ...  # noqa: N802
    def nvmlShutdown(self) -> None: ...  # noqa: N802

    def nvmlDeviceGetHandleByIndex(self, _index: int) -> int:  # noqa: N802
        return 0

    def nvmlDeviceGetMemoryInfo(self, _handle: int) -> SimpleNamespace:  # noqa: N802
        return SimpleNamespace(total=24 * GIB, free=24 * GIB - self.used)

    def nvmlDeviceGetComputeRunningProcesses(self, _handle: int) -> list[SimpleNamespace]:  # noqa: N802
        return [SimpleNamespace(pid=pid, usedGpuMemory=size) for pid, size in self.held.items()]


def test_an_out_of_memory_that_others_caused_is_excused(monkeypatch: pytest.MonkeyPatch) -> None:
    me = os.getpid()
    monkeypatch.setitem(sys.modules, "pynvml", Driver({me: 2 * GIB}, used=3 * GIB))
    before = neighbours.look()
    assert before is not None and before.others == GIB
    error = torch.OutOfMemoryError("CUDA out of memory")
    monkeypatch.setitem(sys.modules, "pynvml", Driver({me: 20 * GIB}, used=21 * GIB))
    assert neighbours.excuse(error, before) is None, "it was the trial itself"
    monkeypatch.setitem(sys.modules, "pynvml", Driver({me: 4 * GIB, 1: 19 * GIB}, used=24 * GIB))
    excuse = neighbours.excuse(error, before)
    assert excuse is not None and "19" in str(excuse) and "process 1" in str(excuse)
    assert neighbours.excuse(ValueError("out of memory"), before) is None


def test_without_a_driver_nothing_is_read_and_nothing_excused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "pynvml", None)
    assert neighbours.look() is None
    assert neighbours.excuse(torch.OutOfMemoryError("x"), None) is None
