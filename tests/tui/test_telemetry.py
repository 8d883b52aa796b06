"""Reading trial directories by window: what grows, what is torn, and what must never be shown."""

from __future__ import annotations

from pathlib import Path

import msgspec
import pytest

from engine.executor.job import Result, State, Step
from engine.files import write_json
from trex_tui.model import telemetry
from trex_tui.model.telemetry import Offsets, TrialView, bad_cases, read

from . import script


def result(split: str) -> Result:
    items = tuple(script.item(i, wrong=i < 3) for i in range(10))
    return Result(trial="n1t0", split=split, metric="accuracy", score=0.7, low=0.4, high=0.9, items=items)


def test_reads_only_what_is_new(tmp_path: Path) -> None:
    script.directory(tmp_path, "n1t0", None)
    view, first = TrialView(), read(tmp_path, Offsets())
    assert view.take(first) == ()
    assert len(view.loss) == 23 and view.state is not None and view.state.step == 23
    assert read(tmp_path, first.offsets).empty
    with (tmp_path / "log.txt").open("a") as log:
        log.write("one\ntorn")
    second = read(tmp_path, first.offsets)
    assert view.take(second) == ("one",)
    with (tmp_path / "log.txt").open("a") as log:
        log.write(" no more\n")
    assert view.take(read(tmp_path, second.offsets)) == ("torn no more",)


def test_a_directory_that_is_not_there_yet_is_no_news(tmp_path: Path) -> None:
    assert read(tmp_path / "n9t9", Offsets()).empty


def test_a_long_log_is_shown_from_its_tail(tmp_path: Path) -> None:
    (tmp_path / "log.txt").write_text("".join(f"line {n}\n" for n in range(50_000)))
    lines = read(tmp_path, Offsets()).lines
    assert lines[-1] == "line 49999"
    assert len(lines) < 3000 and all(line.startswith("line ") for line in lines)


def test_a_large_file_is_read_window_by_window(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(telemetry, "WINDOW", 1000)
    (tmp_path / "metrics.jsonl").write_text("".join(script.step_line("n1t0", n, 64) for n in range(1, 65)))
    view, offsets = TrialView(), Offsets()
    while not (chunk := read(tmp_path, offsets)).empty:
        view.take(chunk)
        offsets = chunk.offsets
    assert view.at == list(range(1, 65))


def test_a_line_without_an_end_does_not_stop_the_reading(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(telemetry, "WINDOW", 1000)
    (tmp_path / "log.txt").write_text("x" * 5000 + "\nthe end\n")
    offsets = Offsets(log=0)
    lines: list[str] = []
    for _ in range(10):
        chunk = read(tmp_path, offsets)
        offsets, lines = chunk.offsets, [*lines, *chunk.lines]
    assert lines[-1] == "the end"


def test_a_broken_metrics_line_is_passed_over(tmp_path: Path) -> None:
    lines = (script.step_line("n1t0", 1, 64), '{"loss": \n', script.step_line("n1t0", 2, 64))
    (tmp_path / "metrics.jsonl").write_text("".join(lines))
    assert [step.step for step in read(tmp_path, Offsets()).steps] == [1, 2]


def test_bad_cases_come_with_their_prompts(tmp_path: Path) -> None:
    write_json(tmp_path / "result.json", result("validation"))
    rows = [msgspec.json.encode({"id": f"v{n:03d}", "prompt": f"text {n}", "answer": "positive"}) for n in range(10)]
    (tmp_path / "validation.jsonl").write_bytes(b"\n".join(rows) + b"\n")
    chunk = read(tmp_path, Offsets(), tmp_path / "validation.jsonl")
    assert chunk.result is not None and [item.id for item in bad_cases(chunk.result)] == ["v000", "v001", "v002"]
    assert chunk.prompts == {"v000": "text 0", "v001": "text 1", "v002": "text 2"}


@pytest.mark.parametrize("split", ["confirm", "test"])
def test_results_of_confirm_and_test_are_never_shown(tmp_path: Path, split: str) -> None:
    write_json(tmp_path / "result.json", result(split))
    assert read(tmp_path, Offsets()).result is None
    assert bad_cases(result(split)) == ()


def test_a_result_that_is_being_written_is_read_when_it_is_whole(tmp_path: Path) -> None:
    (tmp_path / "result.json").write_text('{"trial": "n1t0", "spl')
    first = read(tmp_path, Offsets())
    assert first.result is None
    write_json(tmp_path / "result.json", result("validation"))
    assert read(tmp_path, first.offsets).result is not None


def test_the_phase_is_read_again_when_it_changes(tmp_path: Path) -> None:
    write_json(tmp_path / "state.json", State(phase="loading"))
    first = read(tmp_path, Offsets())
    assert first.state is not None and first.state.phase == "loading"
    write_json(tmp_path / "state.json", State(phase="training", step=1, steps=9))
    again = read(tmp_path, first.offsets)
    assert again.state is not None and again.state.phase == "training"


def test_a_very_long_course_is_thinned_and_keeps_its_shape() -> None:
    view = TrialView()
    step = read_step()
    for start in range(0, 60_000, 1000):
        steps = tuple(msgspec.structs.replace(step, step=n) for n in range(start, start + 1000))
        view.take(telemetry.Chunk(offsets=Offsets(), steps=steps))
    assert len(view.at) <= telemetry.POINTS + 1000
    assert view.at == sorted(view.at) and view.at[-1] > 59_900


def read_step() -> Step:
    return msgspec.json.decode(script.step_line("n1t0", 1, 64), type=Step)
