"""Whatever stands in a data file: it is looked at and run, or refused in a sentence; never is a byte too odd."""

from __future__ import annotations

import tempfile
from pathlib import Path

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from engine.aidp.job import Limits
from engine.aidp.kinds.loading import Encoding, Format
from engine.aidp.leaving import leave
from engine.aidp.looking import look_at
from engine.aidp.pipeline import Around, Pipeline
from engine.aidp.recipe import DedupExact, Load, Mix, Recipe
from engine.aidp.request import Profiled, ProfileData, Ran
from engine.aidp.samples import Sampler
from engine.errors import TrexError
from engine.files import read_jsonl

HALF = b'{"prompt": "half \\ud83d", "answer": "a"}\n'
WHOLE = b'{"prompt": "p%d", "answer": "caf\xc3\xa9"}\n'
TABLES = [b"prompt,answer\n", b"text;label\n", b"prompt\tanswer\n", b"a,b\n", b"caf\xe9;x\n", b'"open\n', b'"a\nb",c\n']
OBJECTS = [HALF, WHOLE % 1, b'{"\\udfff": "x"}\n', b'{"prompt": "[\\"\\\\ud800\\"]", "answer": "a"}\n', b'{"": 1}\n']
TURNS = b'{"messages": "[{\\"role\\": \\"user\\", \\"content\\": \\"\\\\ud800\\"}]"}\n'
SIGNS = [b"[1]\n", b"[", b"]", b"{", b"}", b"\n", b"\r", b" ", b",", b";"]
MARKS = [b"\xff\xfe", b"\xfe\xff", b"\xef\xbb\xbf", b"\x3d\xd8", b"\x00", b"\xed\xa0\x80"]
ODD = [*TABLES, *OBJECTS, TURNS, *SIGNS, *MARKS]
BYTES = st.lists(st.sampled_from(ODD) | st.binary(max_size=6), max_size=12).map(b"".join)
SUFFIXES: tuple[Format, ...] = ("csv", "tsv", "jsonl", "json", "text", "paragraphs")
ENCODINGS: tuple[Encoding, ...] = ("utf-8", "utf-16", "latin-1", "cp1252")
TRAIN = [{"id": "t1", "prompt": "train one", "answer": "x"}, {"id": "t2", "prompt": "train two", "answer": "y"}]


def looked_at(path: Path, encoding: Encoding = "utf-8") -> str:
    """What is said of it, as it is sent."""
    try:
        request = ProfileData(file=str(path), scratch=str(path.parent / "scratch"), encoding=encoding)
        return msgspec.json.encode(Profiled(look_at(request, lambda _: None))).decode()
    except TrexError as error:
        return msgspec.json.encode(str(error)).decode()


def ran(load: Load | Mix, root: Path) -> str:
    """What comes of it, left in a folder and sent."""
    sampler, scratch = Sampler(), root / "scratch"
    try:
        around = Around(root=root, scratch=scratch, limits=Limits(broken=1.0))
        output = Pipeline(Recipe(operators=(load, DedupExact())), around=around).run(TRAIN, watch=sampler)
        report = leave(scratch, output, sampler.samples, 0.0)
        return msgspec.json.encode(Ran(report=report, samples=sampler.samples, broken=output.broken)).decode()
    except TrexError as error:
        return msgspec.json.encode(str(error)).decode()


@settings(max_examples=150, deadline=None)
@given(BYTES, st.sampled_from(SUFFIXES), st.sampled_from(ENCODINGS))
def test_no_bytes_are_too_odd(data: bytes, format: Format, encoding: Encoding) -> None:
    with tempfile.TemporaryDirectory() as folder:
        root = Path(folder)
        (root / "scratch").mkdir()
        path = root / f"rows.{'txt' if format in ('text', 'paragraphs') else format}"
        path.write_bytes(data)
        assert looked_at(path, encoding)
        assert ran(Load(path=path.name, format=format, encoding=encoding), root)
        assert ran(Mix(path=path.name, format=format, encoding=encoding), root)


@pytest.fixture
def root(tmp_path: Path) -> Path:
    (tmp_path / "scratch").mkdir()
    return tmp_path


def test_a_broken_row_is_shown_with_a_replacement_character(root: Path) -> None:
    (root / "rows.csv").write_bytes(b"prompt,answer\n" + b"fine,a\n" * 30 + b"caf\xe9,b\n")
    (root / "rows.jsonl").write_bytes(WHOLE % 1 + HALF + WHOLE % 2)
    for name, text in (("rows.csv", "caf\ufffd"), ("rows.jsonl", "half \ufffd")):
        assert text in looked_at(root / name)
        assert text in ran(Load(path=name), root)
        (broken,) = read_jsonl(root / "scratch" / "broken.jsonl")
        assert text in broken["text"]


def test_a_header_that_is_no_text_says_what_to_do(root: Path) -> None:
    (root / "rows.csv").write_bytes("größe;label\n1;a\n".encode("cp1252"))
    for said in (looked_at(root / "rows.csv"), ran(Load(path="rows.csv"), root)):
        assert "rows.csv:1: the header holds bytes that are no text" in said and "--encoding cp1252" in said


def test_half_a_character_inside_of_json_inside_of_a_text_is_no_pair(root: Path) -> None:
    turns = '[{"role": "user", "content": "%s"}, {"role": "assistant", "content": "yes"}]'
    rows = [{"messages": turns % said} for said in ("a", "\\ud800", "b")]
    (root / "rows.jsonl").write_bytes(b"\n".join(map(msgspec.json.encode, rows)))
    assert '"unpaired":1' in looked_at(root / "rows.jsonl")
