"""A download ends with the published bytes in place, or with one sentence and nothing half-written."""

from __future__ import annotations

import hashlib
import multiprocessing
import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from engine import download
from engine.download import fetch
from engine.errors import MachineFailure
from tests.fileserver import FileServer

BODY = bytes(range(256)) * 4096  # 1 MiB
HASH = hashlib.sha256(BODY).hexdigest()
SIZE = len(BODY)


@pytest.fixture
def server() -> Iterator[FileServer]:
    with FileServer() as running:
        yield running


def get(url: str, target: Path, sha256: str = HASH, size: int | None = SIZE) -> Path:
    return fetch(url, target, sha256, size=size, sleep=lambda _seconds: None)


def left_in(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir())


def test_the_file_arrives_with_progress_and_nothing_else_is_left(server: FileServer, tmp_path: Path) -> None:
    seen: list[tuple[int, int]] = []
    target = tmp_path / "folder" / "model.gguf"
    fetch(server.put("/a", BODY), target, HASH, size=SIZE, progress=lambda done, total: seen.append((done, total)))
    assert target.read_bytes() == BODY
    assert left_in(target.parent) == ["model.gguf"]
    assert seen[0] == (0, SIZE) and seen[-1] == (SIZE, SIZE) and seen == sorted(seen)


def test_a_file_already_there_is_not_fetched_again(server: FileServer, tmp_path: Path) -> None:
    (tmp_path / "a").write_bytes(BODY)
    get(server.put("/a", BODY), tmp_path / "a")
    assert server.asked == []


def test_a_wrong_file_already_there_is_replaced(server: FileServer, tmp_path: Path) -> None:
    (tmp_path / "a").write_bytes(b"old")
    assert get(server.put("/a", BODY), tmp_path / "a").read_bytes() == BODY


def test_a_cut_connection_goes_on_where_it_stopped(server: FileServer, tmp_path: Path) -> None:
    url = server.put("/a", BODY, cuts=[300_000, 0, 200_000])
    assert get(url, tmp_path / "a").read_bytes() == BODY
    starts = [int(asked.removeprefix("bytes=").rstrip("-")) for asked in server.ranges("/a") if asked]
    assert len(starts) == 3 and starts[-1] == 500_000 and starts == sorted(starts)


def test_an_answer_without_length_that_ends_early_is_noticed(server: FileServer, tmp_path: Path) -> None:
    url = server.put("/a", BODY, cuts=[1000], chunked=True)
    assert get(url, tmp_path / "a").read_bytes() == BODY


def test_a_part_of_an_earlier_process_is_used(server: FileServer, tmp_path: Path) -> None:
    (tmp_path / "a.part").write_bytes(BODY[:700_000])
    assert get(server.put("/a", BODY), tmp_path / "a").read_bytes() == BODY
    assert server.ranges("/a") == ["bytes=700000-"]


def test_a_server_that_ignores_range_starts_the_file_anew(server: FileServer, tmp_path: Path) -> None:
    (tmp_path / "a.part").write_bytes(BODY[:700_000])
    assert get(server.put("/a", BODY, ranges=False), tmp_path / "a").read_bytes() == BODY


def test_a_server_that_answers_another_range_is_not_believed(server: FileServer, tmp_path: Path) -> None:
    (tmp_path / "a.part").write_bytes(BODY[:700_000])
    assert get(server.put("/a", BODY, shift=[10]), tmp_path / "a").read_bytes() == BODY


@pytest.mark.parametrize("size", [SIZE, None])
def test_a_part_of_other_bytes_is_thrown_away_once(server: FileServer, tmp_path: Path, size: int | None) -> None:
    (tmp_path / "a.part").write_bytes(b"x" * 500_000)
    assert get(server.put("/a", BODY), tmp_path / "a", size=size).read_bytes() == BODY


@pytest.mark.parametrize("size", [SIZE, None])
def test_a_part_that_is_too_long_is_thrown_away(server: FileServer, tmp_path: Path, size: int | None) -> None:
    (tmp_path / "a.part").write_bytes(BODY + b"tail")
    assert get(server.put("/a", BODY), tmp_path / "a", size=size).read_bytes() == BODY


@pytest.mark.parametrize("size", [SIZE, None])
def test_a_complete_part_needs_no_new_bytes(server: FileServer, tmp_path: Path, size: int | None) -> None:
    (tmp_path / "a.part").write_bytes(BODY)
    assert get(server.put("/a", BODY), tmp_path / "a", size=size).read_bytes() == BODY


@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(cuts=st.lists(st.integers(0, 5000), max_size=3), have=st.binary(max_size=3000), ranges=st.booleans())
def test_whatever_was_there_and_wherever_it_is_cut_the_bytes_are_right(
    tmp_path: Path, cuts: list[int], have: bytes, ranges: bool
) -> None:
    body = BODY[:4096]
    (tmp_path / "a").unlink(missing_ok=True)
    (tmp_path / "a.part").write_bytes(have)
    with FileServer() as server:
        url = server.put("/a", body, cuts=list(cuts), ranges=ranges)
        get(url, tmp_path / "a", hashlib.sha256(body).hexdigest(), None)
    assert (tmp_path / "a").read_bytes() == body


def test_wrong_bytes_are_refused_and_not_kept(server: FileServer, tmp_path: Path) -> None:
    url = server.put("/a", b"y" + BODY[1:])
    with pytest.raises(MachineFailure, match="sha256 differs") as caught:
        get(url, tmp_path / "a")
    assert "trex models import" in str(caught.value) and "\n" not in str(caught.value)
    assert left_in(tmp_path) == []


def test_an_endless_answer_is_stopped(server: FileServer, tmp_path: Path) -> None:
    with pytest.raises(MachineFailure, match="more than"):
        get(server.put("/a", BODY * 4, chunked=True), tmp_path / "a")
    assert left_in(tmp_path) == []


def test_a_busy_server_is_asked_again(server: FileServer, tmp_path: Path) -> None:
    waits: list[float] = []
    fetch(server.put("/a", BODY, statuses=[503, 429]), tmp_path / "a", HASH, sleep=waits.append)
    assert len(waits) == 2 and waits == sorted(waits)


@pytest.mark.parametrize("status", [403, 404, 410])
def test_a_refusal_is_final_and_says_the_way_out(server: FileServer, tmp_path: Path, status: int) -> None:
    with pytest.raises(MachineFailure, match=f"{status}.*import the file") as caught:
        get(server.put("/a", BODY, statuses=[status]), tmp_path / "a")
    assert len(server.asked) == 1
    assert caught.value.exit_code == 1


def test_tries_are_bounded_without_progress(server: FileServer, tmp_path: Path) -> None:
    url = server.put("/a", BODY, ranges=False, cuts=[1000] * 50)
    with pytest.raises(MachineFailure, match="the download failed"):
        get(url, tmp_path / "a")
    assert len(server.asked) <= download.TRIES + 1


def test_no_network_gives_one_sentence_without_the_password(tmp_path: Path) -> None:
    with pytest.raises(MachineFailure) as caught:
        get("http://someone:secret@127.0.0.1:9/a", tmp_path / "a")
    assert "check the network" in str(caught.value) and "secret" not in str(caught.value)
    assert left_in(tmp_path) == []


@pytest.mark.parametrize("url", ["", "file:///etc/passwd", "http://host:port/a"])
def test_only_http_addresses_are_fetched(tmp_path: Path, url: str) -> None:
    with pytest.raises(MachineFailure, match="not an http"):
        get(url, tmp_path / "a")


def test_a_full_disk_is_seen_before_the_first_byte(
    server: FileServer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    usage = shutil.disk_usage(tmp_path)
    monkeypatch.setattr(shutil, "disk_usage", lambda _path: usage._replace(free=10))
    with pytest.raises(MachineFailure, match=r"not enough disk space.*free some space"):
        get(server.put("/a", BODY), tmp_path / "a")
    assert not (tmp_path / "a").exists()


def test_a_disk_that_fills_up_gives_one_sentence(server: FileServer, tmp_path: Path) -> None:
    (tmp_path / "a.part").symlink_to("/dev/full")
    with pytest.raises(MachineFailure, match="No space left"):
        get(server.put("/a", BODY), tmp_path / "a")
    assert not (tmp_path / "a").exists()


def _fetch_in_a_process(url: str, target: Path) -> None:
    fetch(url, target, HASH, size=SIZE)


def test_processes_that_fetch_the_same_file_do_not_disturb_each_other(server: FileServer, tmp_path: Path) -> None:
    url = server.put("/a", BODY, cuts=[400_000])
    spawn = multiprocessing.get_context("spawn")
    workers = [spawn.Process(target=_fetch_in_a_process, args=(url, tmp_path / "a")) for _ in range(3)]
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join()
    assert [worker.exitcode for worker in workers] == [0, 0, 0]
    assert (tmp_path / "a").read_bytes() == BODY
    assert left_in(tmp_path) == ["a"]
    assert len(server.asked) == 2  # the first process, cut once; the others found the file
