"""Looks at the machine every two seconds, in a thread of its own: a driver that hangs must not hold up a key.

What the machine does not report is None. Without an NVIDIA driver nothing of it is asked again.
"""

from __future__ import annotations

import contextlib
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from trex_tui.model.machine import Card, Reading

PERIOD = 2.0  # seconds
RAPL = Path("/sys/class/powercap/intel-rapl:0/energy_uj")  # readable for root alone on most machines
SENSORS = ("coretemp", "k10temp", "zenpower", "cpu_thermal", "acpitz")


class MachineWatch:
    """`latest` is the last reading, None before the first. The thread dies with the process."""

    def __init__(self, look: Callable[[], Callable[[], Reading]] | None = None, period: float = PERIOD) -> None:
        self.latest: Reading | None = None
        self._look, self._period = look or probe, period
        self._ended = threading.Event()

    def start(self) -> None:
        threading.Thread(target=self._watch, name="machine", daemon=True).start()

    def stop(self) -> None:
        self._ended.set()

    def _watch(self) -> None:
        look = self._look()
        while not self._ended.wait(self._period):
            self.latest = look()


def probe() -> Callable[[], Reading]:
    """Finds out once what this machine reports; what comes back measures it. Its first CPU load is since this call."""
    import psutil

    psutil.cpu_percent(None)
    card, power = _card(), _Power(RAPL)

    def look() -> Reading:
        memory = psutil.virtual_memory()
        return Reading(
            cpu=psutil.cpu_percent(None) / 100,
            memory_used=memory.total - memory.available,
            memory=memory.total,
            card=card() if card else None,
            watts=power.watts(),
            celsius=_celsius(psutil),
        )

    return look


def _card() -> Callable[[], Card | None] | None:
    """A function that measures the first card; None where there is no driver or no card."""
    try:
        import pynvml as nvml

        nvml.nvmlInit()
        handle = nvml.nvmlDeviceGetHandleByIndex(0)
        name = str(nvml.nvmlDeviceGetName(handle))
    except Exception:  # no driver, no card, or a broken one: all mean that nothing can be said
        return None

    def said(ask: Callable[[], float]) -> float | None:
        try:
            return ask()
        except nvml.NVMLError:  # not every card reports everything
            return None

    def look() -> Card | None:
        try:
            memory = nvml.nvmlDeviceGetMemoryInfo(handle)
        except nvml.NVMLError:
            return None
        return Card(
            name=name,
            memory_used=int(memory.used),
            memory=int(memory.total),
            load=said(lambda: nvml.nvmlDeviceGetUtilizationRates(handle).gpu / 100),
            watts=said(lambda: nvml.nvmlDeviceGetPowerUsage(handle) / 1000),
            celsius=said(lambda: nvml.nvmlDeviceGetTemperature(handle, nvml.NVML_TEMPERATURE_GPU)),
        )

    return look


class _Power:
    """Watts of the processor from its energy counter, between one look and the next."""

    def __init__(self, counter: Path) -> None:
        self._counter, self._last, self._at = counter, self._energy(counter), time.monotonic()

    @staticmethod
    def _energy(counter: Path) -> int | None:
        """Microjoules since some beginning."""
        try:
            return int(counter.read_text())
        except (OSError, ValueError):
            return None

    def watts(self) -> float | None:
        if self._last is None:
            return None  # it cannot be read, and that does not change
        now, energy = time.monotonic(), self._energy(self._counter)
        last, seconds = self._last, now - self._at
        if energy is not None:
            self._last, self._at = energy, now
        if energy is None or energy < last or seconds <= 0:  # the counter begins again after some hours
            return None
        return (energy - last) / 1e6 / seconds


def _celsius(psutil: Any) -> float | None:
    """The processor's temperature, where a sensor of it has a known name."""
    with contextlib.suppress(AttributeError, OSError):  # not on every system
        found = psutil.sensors_temperatures()
        for name in SENSORS:
            if found.get(name):
                return float(found[name][0].current)
    return None
