"""The person's own package index answers in JSON or HTML; a file counts only with its hash."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from engine import registry
from engine.errors import BadInput, MachineFailure
from engine.registry import JSON, PackageFile, fetch_package_file, index_url, list_files, matches, parse_page
from tests.fileserver import FileServer

WHEEL = b"a wheel's bytes"
HASH = hashlib.sha256(WHEEL).hexdigest()
NAME = "my_model-1.0-py3-none-any.whl"


@pytest.fixture
def server(monkeypatch: pytest.MonkeyPatch) -> Iterator[FileServer]:
    with FileServer() as running:
        monkeypatch.setenv("PIP_INDEX_URL", f"{running.url}/simple/")
        monkeypatch.delenv("TREX_FIND_LINKS", raising=False)
        yield running


def publish(server: FileServer, sha256: str = HASH, body: bytes = WHEEL) -> None:
    """A project page in JSON with one wheel."""
    url = server.put(f"/files/{NAME}", body)
    page = {
        "files": [{"filename": NAME, "url": url, "hashes": {"sha256": sha256} if sha256 else {}, "size": len(body)}]
    }
    server.put("/simple/my-model/", json.dumps(page).encode(), content_type=JSON)


def test_a_wheel_is_found_by_json_and_kept_in_the_cache(server: FileServer, tmp_path: Path) -> None:
    publish(server)
    seen: list[tuple[int, int]] = []
    path = fetch_package_file(
        "My.Model", "1.0", "wheel", tmp_path / "cache", None, lambda done, total: seen.append((done, total))
    )
    assert path.read_bytes() == WHEEL and path.name == NAME
    assert seen[-1] == (len(WHEEL), len(WHEEL))
    assert "application/vnd.pypi.simple.v1+json" in server.asked[0].accept


def test_a_pinned_file_in_the_cache_needs_no_index(server: FileServer, tmp_path: Path) -> None:
    (tmp_path / NAME).write_bytes(WHEEL)
    assert fetch_package_file("my-model", "1.0", "wheel", tmp_path, HASH) == tmp_path / NAME
    assert server.asked == []


def test_a_sdist_is_found_by_html_with_relative_links(server: FileServer, tmp_path: Path) -> None:
    body = b"an archive"
    digest = hashlib.sha256(body).hexdigest()
    server.put("/files/My-Model-1.0.tar.gz", body)
    page = f'<!DOCTYPE html><a href="../../files/My-Model-1.0.tar.gz#sha256={digest}">My-Model-1.0.tar.gz</a>'
    server.put("/simple/my-model/", page.encode(), content_type="text/html; charset=utf-8")
    assert fetch_package_file("my-model", "1.0", "sdist", tmp_path).read_bytes() == body


def test_a_base_element_moves_relative_links() -> None:
    page = b'<base href="https://files.example/x/"><a href="a-1.0.zip#sha256=AB">a</a><a name="no link">b</a>'
    assert parse_page(page, "text/html", "https://index.example/simple/a/") == [
        PackageFile("a-1.0.zip", "https://files.example/x/a-1.0.zip", "ab")
    ]


def test_the_folder_of_local_files_comes_first(
    server: FileServer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "wrong").mkdir()
    (tmp_path / "right").mkdir()
    (tmp_path / "wrong" / NAME).write_bytes(b"other bytes")
    (tmp_path / "right" / NAME).write_bytes(WHEEL)
    monkeypatch.setenv("TREX_FIND_LINKS", f"{tmp_path / 'wrong'}:{tmp_path / 'right'}:{tmp_path / 'missing'}")
    assert fetch_package_file("my-model", "1.0", "wheel", tmp_path / "cache", HASH) == tmp_path / "right" / NAME
    assert server.asked == []


def test_an_index_that_publishes_another_file_is_refused_before_the_download(
    server: FileServer, tmp_path: Path
) -> None:
    publish(server, sha256="0" * 64)
    with pytest.raises(MachineFailure, match="publishes another"):
        fetch_package_file("my-model", "1.0", "wheel", tmp_path, HASH)
    assert [asked.path for asked in server.asked] == ["/simple/my-model/"]


def test_a_file_that_is_not_what_the_index_says_is_refused(server: FileServer, tmp_path: Path) -> None:
    publish(server, body=b"A wheel's bytes")
    with pytest.raises(MachineFailure, match="sha256 differs"):
        fetch_package_file("my-model", "1.0", "wheel", tmp_path)
    assert list(tmp_path.iterdir()) == []


def test_a_file_without_any_hash_is_refused_and_with_a_pinned_one_taken(server: FileServer, tmp_path: Path) -> None:
    publish(server, sha256="")
    with pytest.raises(MachineFailure, match="publishes no sha256"):
        fetch_package_file("my-model", "1.0", "wheel", tmp_path)
    assert fetch_package_file("my-model", "1.0", "wheel", tmp_path, HASH).read_bytes() == WHEEL


@pytest.mark.parametrize("package, version", [("my-model", "2.0"), ("nobody", "1.0")])
def test_what_the_index_does_not_have_is_said(server: FileServer, tmp_path: Path, package: str, version: str) -> None:
    publish(server)
    with pytest.raises(MachineFailure, match=f"{package}.*import the file"):
        fetch_package_file(package, version, "wheel", tmp_path)


def test_an_index_out_of_reach_is_said_without_its_password(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PIP_INDEX_URL", "http://me:secret@127.0.0.1:9/simple")
    with pytest.raises(MachineFailure, match="cannot be reached") as caught:
        fetch_package_file("my-model", "1.0", "wheel", tmp_path)
    assert "secret" not in str(caught.value)


def test_an_index_must_be_http(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PIP_INDEX_URL", "file:///etc")
    with pytest.raises(BadInput, match="PIP_INDEX_URL"):
        list_files("passwd")


@pytest.mark.parametrize("page", [b"{", b"[]", b'{"files": [{"filename": 1}]}', b"[" * 100_000])
def test_a_damaged_json_page_is_one_sentence(page: bytes) -> None:
    with pytest.raises(MachineFailure, match="not a package index"):
        parse_page(page, JSON, "https://index.example/simple/a/")


@given(st.binary(max_size=300))
def test_no_html_page_breaks_the_parser(page: bytes) -> None:
    parse_page(page, "text/html", "https://index.example/simple/a/")


def test_a_page_of_broken_links_is_survived() -> None:
    page = b'<a href="https://[bad/x.whl">x</a><a href="http://h:port/y.whl">y</a><a href="z-1.0.zip">z</a>'
    names = [file.filename for file in parse_page(page, "text/html", "https://index.example/simple/a/")]
    assert "z-1.0.zip" in names


@pytest.mark.parametrize(
    "name, kind, expected",
    [
        ("my_model-1.0-py3-none-any.whl", "wheel", True),
        ("My.Model-1.0-1-py2.py3-none-any.whl", "wheel", True),
        ("my_model-1.0.1-py3-none-any.whl", "wheel", False),
        ("my_model-1.0-cp311-cp311-linux_x86_64.whl", "wheel", False),
        ("my_model_b-1.0-py3-none-any.whl", "wheel", False),
        ("my_model-1.0-../../py3-none-any.whl", "wheel", False),
        ("my-model-1.0.tar.gz", "sdist", True),
        ("my_model-1.0.zip", "sdist", True),
        ("my-model-11.0.tar.gz", "sdist", False),
        ("my-model-1.0.tar.gz.asc", "sdist", False),
        ("my_model-1.0-py3-none-any.whl", "sdist", False),
    ],
)
def test_file_names(name: str, kind: registry.Kind, expected: bool) -> None:
    assert matches(name, "my-model", "1.0", kind) is expected


def test_the_index_is_taken_from_where_pip_takes_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("PIP_INDEX_URL", "UV_DEFAULT_INDEX", "UV_INDEX_URL"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("PIP_CONFIG_FILE", "/dev/null")
    assert index_url() == "https://pypi.org/simple"
    (tmp_path / "pip.conf").write_text("[global]\nindex-url = https://mirror.example/simple/\ncert = %(x)s\n")
    monkeypatch.setenv("PIP_CONFIG_FILE", str(tmp_path / "pip.conf"))
    assert index_url() == "https://mirror.example/simple"
    monkeypatch.setenv("UV_INDEX_URL", "https://uv.example/simple")
    assert index_url() == "https://uv.example/simple"
    monkeypatch.setenv("PIP_INDEX_URL", "https://pip.example/simple")
    assert index_url() == "https://pip.example/simple"


def test_a_damaged_pip_configuration_is_passed_over(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("PIP_INDEX_URL", "UV_DEFAULT_INDEX", "UV_INDEX_URL"):
        monkeypatch.delenv(name, raising=False)
    good, damaged = tmp_path / "good.conf", tmp_path / "damaged.conf"
    good.write_text("[global]\nindex-url = https://mirror.example/simple\n")
    damaged.write_bytes(b"no section\xff")
    monkeypatch.setattr(registry, "_pip_files", lambda: [good, damaged, tmp_path / "missing.conf"])
    assert index_url() == "https://mirror.example/simple"
