"""What the machine is doing, as plain numbers. Who measures them: `trex_tui.client.machine`. Who draws: the gauges."""

from __future__ import annotations

from typing import NamedTuple

HOT = 87.0  # degrees at which a card begins to slow down
FULL = 0.93  # of the memory


class Card(NamedTuple):
    """One graphics card. Memory in bytes; `load` in [0, 1]; None where the driver does not say."""

    name: str
    memory_used: int
    memory: int
    load: float | None = None
    watts: float | None = None
    celsius: float | None = None


class Reading(NamedTuple):
    """One look at the machine. `cpu` in [0, 1] of all cores; `watts`, `celsius` of the processor; None = not said."""

    cpu: float
    memory_used: int
    memory: int
    card: Card | None = None
    watts: float | None = None
    celsius: float | None = None


class Gauge(NamedTuple):
    """A name, how full (None = a number without an end), what is said, whether somebody should look."""

    name: str
    share: float | None
    said: str
    alarm: bool = False


def gauges(reading: Reading | None, tokens_per_second: float = 0.0) -> tuple[Gauge, ...]:
    """The gauges, the most telling first. `tokens_per_second` of the trial that trains; 0 = none does."""
    if reading is None:
        return ()
    card = reading.card
    speed = [Gauge("", None, f"{tokens_per_second:,.0f} tokens/s")] if tokens_per_second else []
    return (*(_of_card(card) if card else ()), *_of_processor(reading, bool(card)), *speed, *_heat(reading))


def _of_card(card: Card) -> list[Gauge]:
    share = card.memory_used / card.memory if card.memory else 0.0
    load = [Gauge("GPU", card.load, f"{card.load:.0%}")] if card.load is not None else []
    return [*load, Gauge("VRAM", share, _memory(card.memory_used, card.memory), share >= FULL)]


def _of_processor(reading: Reading, with_card: bool) -> list[Gauge]:
    share = reading.memory_used / reading.memory if reading.memory else 0.0
    memory = Gauge("RAM", share, _memory(reading.memory_used, reading.memory), share >= FULL)
    return [Gauge("CPU" if with_card else "cpu", reading.cpu, f"{reading.cpu:.0%}"), memory]


def _heat(reading: Reading) -> list[Gauge]:
    """Temperature and power: the card's where there is one."""
    source = reading.card or reading
    celsius, watts = source.celsius, source.watts
    found = [Gauge("", None, f"{celsius:.0f} °C", celsius >= HOT)] if celsius is not None else []
    return [*found, *([Gauge("", None, f"{watts:.0f} W")] if watts is not None else [])]


def _memory(used: int, whole: int) -> str:
    return f"{used / 2**30:.1f} of {whole / 2**30:.0f} GiB"
