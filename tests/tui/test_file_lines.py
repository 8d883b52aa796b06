"""Files read by window say the same as a naive reader that has the whole file: lines, numbers, pages, matches."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from trex_tui.model.file_bytes import FileBytes, Look
from trex_tui.model.file_index import LineIndex
from trex_tui.model.file_lines import FileLines
from trex_tui.model.file_search import Hunt, Matches, Needle
from trex_tui.model.file_window import Window

BLOCK, STRETCH = 4, 8
texts = st.binary(max_size=120) | st.lists(
    st.sampled_from([b"a", b"b", b"Ab", b"\n", b"x" * 7, b"y" * 30, b"\n\n"]), max_size=30
).map(b"".join)


class Memory:
    """Bytes that somebody has in hand."""

    def __init__(self, data: bytes) -> None:
        self.data = data

    def look(self) -> Look:
        return Look(len(self.data))

    def read(self, at: int, count: int) -> bytes:
        return self.data[at : at + count]

    def close(self) -> None:
        return


def lines_of(data: bytes, size: int | None = None) -> FileLines:
    return FileLines(Memory(data), len(data) if size is None else size, block=BLOCK, stretch=STRETCH)


def naive(data: bytes) -> list[int]:
    """Where lines start, by the rule as it is told: after a newline, and at a stretch that has none."""
    starts = {0} | {at + 1 for at, byte in enumerate(data) if byte == 10}
    for border in range(0, len(data) - STRETCH + 1, STRETCH):
        if b"\n" not in data[border : border + STRETCH]:
            starts.add(border)
    return sorted(start for start in starts if start < len(data))


def ends(data: bytes) -> list[int]:
    return [*naive(data)[1:], len(data)] if data else []


@given(texts)
def test_lines_are_those_of_a_naive_reader(data: bytes) -> None:
    lines, starts = lines_of(data), naive(data)
    assert lines.after(0, 10_000) == starts
    assert lines.before(len(data), 10_000) == starts
    for start, end in zip(starts, ends(data), strict=True):
        assert [lines.start_of(at) for at in range(start, end)] == [start] * (end - start)
        line = lines.line(start)
        assert (line.following, lines.read(start, line.end - start)) == (end, data[start:end].removesuffix(b"\n"))


@given(texts, st.integers(0, 130), st.integers(1, 9))
def test_pages_from_any_line_are_slices_of_all_lines(data: bytes, place: int, count: int) -> None:
    lines, starts = lines_of(data), naive(data)
    at = min(place, len(starts) - 1) if starts else 0
    start = starts[at] if starts else 0
    assert lines.after(start, count) == starts[at : at + count]
    assert lines.before(start, count) == starts[max(0, at - count) : at]


@given(texts)
def test_every_line_has_its_number(data: bytes) -> None:
    lines = lines_of(data)
    index = LineIndex(lines_of(data))
    while not index.advance(BLOCK):
        pass
    assert [index.number(start, lines) for start in naive(data)] == list(range(1, len(naive(data)) + 1))
    assert index.total(lines) == len(naive(data))


@given(texts, texts)
def test_numbers_hold_when_the_file_grows(data: bytes, more: bytes) -> None:
    memory = Memory(data)
    counted = FileLines(memory, len(data), block=BLOCK, stretch=STRETCH)
    index = LineIndex(counted)
    while not index.advance(BLOCK):
        pass
    memory.data += more
    counted.size = len(memory.data)
    while not index.advance(BLOCK):
        pass
    assert index.total(lines_of(memory.data)) == len(naive(memory.data))


needles = st.sampled_from(["a", "b", "ab", "Ab", "xx", "yyy", "ü", "aba"])


def matching(data: bytes, needle: str) -> list[int]:
    hay = data if needle != needle.lower() else data.lower()
    parts = zip(naive(data), ends(data), strict=True)
    return [start for start, end in parts if needle.encode() in hay[start:end].removesuffix(b"\n")]


@pytest.fixture
def tiny_slices(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("trex_tui.model.file_search.SLICE", 5)


@pytest.mark.usefixtures("tiny_slices")
@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(texts, needles)
def test_a_search_finds_what_a_naive_one_finds(data: bytes, needle: str) -> None:
    matches = Matches(lines_of(data), Needle(needle))
    while not matches.advance(6):
        pass
    assert matches.before(len(data), 10_000) == matches.after(0, 10_000) == matching(data, needle)


@given(texts, st.lists(texts, max_size=4), needles)
def test_a_search_goes_on_with_what_the_file_grows_by(data: bytes, more: list[bytes], needle: str) -> None:
    memory = Memory(data)
    lines = FileLines(memory, len(data), block=BLOCK, stretch=10_000)  # a long line may be cut up later; tested above
    matches = Matches(lines, Needle(needle))
    for part in [b"", *more]:
        memory.data += part
        lines.size = len(memory.data)
        while not matches.advance(7):
            pass
    starts = FileLines(memory, lines.size, stretch=10_000).after(0, 10_000)
    hay = memory.data.lower() if needle == needle.lower() else memory.data
    expected = [
        start
        for start, end in zip(starts, [*starts[1:], lines.size], strict=False)
        if needle.encode() in hay[start:end]
    ]
    assert matches.after(0, 10_000) == expected
    assert len(matches) == len(expected)


@given(texts, needles, st.integers(0, 40), st.booleans())
def test_the_next_match_is_the_nearest_one(data: bytes, needle: str, place: int, forward: bool) -> None:
    starts = [*naive(data), len(data)]
    start = starts[min(place, len(starts) - 1)]
    hunt = Hunt(lines_of(data), Needle(needle), start, forward)
    while not hunt.advance(6):
        pass
    all_of_them = matching(data, needle)
    there = [at for at in all_of_them if (at >= start if forward else at < start)]
    assert hunt.found == ((there[0] if forward else there[-1]) if there else -1)


@given(texts, st.integers(1, 7), st.lists(st.sampled_from([-9, -2, -1, 1, 3, 9, 100, -100]), max_size=12))
def test_scrolling_shows_what_scrolling_in_a_list_shows(data: bytes, height: int, moves: list[int]) -> None:
    window, starts = Window(lines_of(data)), naive(data)
    window.height = height
    most = max(0, len(starts) - height)
    top = most
    for by in moves:
        window.move(by)
        top = max(0, min(most, top + by))
        assert window.page() == starts[top : top + height]
        assert window.following == (top == most) or not starts


@given(texts, texts, st.integers(1, 5))
def test_following_shows_the_end_and_reading_back_stands_still(data: bytes, more: bytes, height: int) -> None:
    memory = Memory(data)
    lines = FileLines(memory, len(data), block=BLOCK, stretch=10_000)
    window = Window(lines)
    window.height = height
    window.page()
    window.move(-2)
    back, kept = not window.following, window.page()
    memory.data += b"\n" + more
    lines.size = len(memory.data)
    if back:
        assert window.page() == kept
    window.edge(True)
    assert window.page() == lines.before(lines.size, height)


def write(path: Path, text: str) -> None:
    path.write_text(text)


def test_a_file_is_followed_through_growth_truncation_rotation_and_removal(tmp_path: Path) -> None:
    path = tmp_path / "some.log"
    source = FileBytes(path)
    assert source.look() == Look(0, 0, "there is no some.log here yet")
    write(path, "one\ntwo\n")
    assert source.look() == Look(8, 0)
    with path.open("a") as out:
        out.write("three\n")
    assert source.look() == Look(14, 0)
    os.truncate(path, 4)
    assert source.look() == Look(4, 1)
    write(path, "other\nbytes, and more of them\n")  # cut off and grown again between two looks
    assert source.look() == Look(30, 2)
    path.rename(tmp_path / "some.log.1")
    assert source.look().size == 30, "what was there stays until there is something new"
    assert source.read(0, 5) == b"other"
    write(path, "new\n")
    assert source.look() == Look(4, 3)
    assert source.read(0, 100) == b"new\n"
    source.close()
    assert source.read(0, 1) == b""


def test_what_is_no_file_is_said_and_not_waited_for(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe")
    assert FileBytes(tmp_path / "pipe").look().problem == "pipe is not a file"
    (tmp_path / "folder").mkdir()
    assert FileBytes(tmp_path / "folder").look().problem == "folder is not a file"


def test_a_file_cut_off_under_a_reader_is_no_error(tmp_path: Path) -> None:
    path = tmp_path / "some.log"
    write(path, "line\n" * 1000)
    source = FileBytes(path)
    lines = FileLines(source, source.look().size)
    os.truncate(path, 3)
    assert lines.read(2000, 100) == b""
    assert len(lines.before(lines.size, 50)) <= 50
    assert not LineIndex(lines).advance(1 << 20) or lines.size < lines.block
