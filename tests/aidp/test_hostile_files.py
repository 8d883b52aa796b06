"""Files that somebody damaged, or made to hurt: one sentence or one row each, no crash, no hang, no full memory."""

from __future__ import annotations

import gzip
import io
import json
import os
import random
import struct
import tarfile
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any
from unittest.mock import patch

import pyarrow as pa
import pyarrow.parquet
import pytest
from datasets import Dataset

from engine.aidp.context import Context
from engine.aidp.export import splits
from engine.aidp.job import Limits
from engine.aidp.kinds.output import Export, ExportFormat
from engine.aidp.operators.loading import load
from engine.aidp.pipeline import Around, Output, Pipeline
from engine.aidp.reading import archives, folders, readers, separated
from engine.aidp.reading.archives import open_member
from engine.aidp.reading.readers import read_rows
from engine.aidp.recipe import AnyOperator, Load, Mix, Recipe, Split
from engine.errors import BadInput, IdeaFailure, ResourceFailure

pytestmark = pytest.mark.timeout(60)  # what hangs, fails

ROWS = [{"prompt": f"prompt {n}", "answer": "yes" if n % 3 else "no"} for n in range(9)]
TRAIN = [{"id": "t1", "prompt": "train one", "answer": "x"}, {"id": "t2", "prompt": "train two", "answer": "y"}]
Aside = list[tuple[str, str, str]]


def tolerant(path: Path, **more: Any) -> tuple[list[dict[str, str]], Aside]:
    aside: Aside = []
    rows = read_rows(path, aside=lambda where, why, text: aside.append((where, why, text)), **more)
    return [row.values for row in rows], aside


def run(root: Path | None, *operators: AnyOperator, out: Path | None = None, **limits: Any) -> Output:
    return Pipeline(Recipe(operators=operators), around=Around(root=root, out=out, limits=Limits(**limits))).run(TRAIN)


def stream(table: pa.Table) -> bytes:
    file = io.BytesIO()
    with pa.ipc.new_stream(file, table.schema) as writer:
        writer.write_table(table)
    return file.getvalue()


def filed(folder: Path, kind: str, table: pa.Table) -> Path:
    path = folder / f"a.{kind}"
    if kind == "parquet":
        pa.parquet.write_table(table, path)
    else:
        path.write_bytes(stream(table))
    return path


# Tables.


@pytest.mark.parametrize("offsets", [(0, 1, -9, 3), (0, 1, 900, 3)], ids=["backwards", "out of the buffer"])
def test_an_arrow_file_that_points_out_of_itself_is_refused(tmp_path: Path, offsets: tuple[int, ...]) -> None:
    whole = stream(pa.table({"text": ["a", "b", "c"]}))
    damaged = whole.replace(struct.pack("<4i", 0, 1, 2, 3), struct.pack("<4i", *offsets))
    assert damaged != whole
    (tmp_path / "a.arrow").write_bytes(damaged)
    with pytest.raises(BadInput, match=r"a\.arrow: not a readable Arrow file: Offset invariant failure"):
        tolerant(tmp_path / "a.arrow")


def not_text(values: list[bytes]) -> pa.Array:
    return pa.array(values, pa.binary()).view(pa.string())


def nested(values: list[bytes]) -> pa.Array:
    return pa.ListArray.from_arrays(pa.array([0, 1, 2, 3], pa.int32()), not_text(values))


ODD_VALUES = [
    pytest.param(pa.array([0, 2**30, 0], pa.int32()).view(pa.date32()), id="date"),
    pytest.param(pa.array([0, 2**62, 0], pa.int64()).view(pa.timestamp("us")), id="time"),
    pytest.param(pa.array([0, 2**62, 0], pa.int64()).view(pa.duration("s")), id="duration"),
    pytest.param(not_text([b"a", b"\xff\xfe", b"c"]), id="text"),
    pytest.param(nested([b"a", b"\xff\xfe", b"c"]), id="text in a list"),
]


@pytest.mark.parametrize("kind", ["parquet", "arrow"])
@pytest.mark.parametrize("column", ODD_VALUES)
def test_a_value_that_cannot_be_read_costs_its_row(tmp_path: Path, kind: str, column: pa.Array) -> None:
    path = filed(tmp_path, kind, pa.table({"text": ["one", "two", "three"], "odd": column}))
    rows, aside = tolerant(path)
    assert [row["text"] for row in rows] == ["one", "three"]
    assert [where for where, _, _ in aside] == [f"a.{kind}[2]"]
    assert aside[0][1].startswith("the value of `odd` cannot be read: ")


# What is no ordinary file.


@pytest.mark.parametrize("name", ["a.jsonl", "a.csv", "a.arrow", "a.jsonl.gz"])
def test_a_pipe_is_no_data_file(tmp_path: Path, name: str) -> None:
    os.mkfifo(tmp_path / name)
    with pytest.raises(BadInput, match=r"cannot be read \(no ordinary file\)"):
        tolerant(tmp_path / name)


def test_a_pipe_in_a_folder_of_data_and_as_an_archive_is_one_sentence(tmp_path: Path) -> None:
    (tmp_path / "set").mkdir()
    os.mkfifo(tmp_path / "set" / "train.arrow")
    with pytest.raises(IdeaFailure, match="no ordinary file"):
        run(tmp_path, Load(path="set"))
    os.mkfifo(tmp_path / "a.zip")
    with pytest.raises(OSError, match="no ordinary file"):
        open_member(tmp_path / "a.zip", "x.jsonl")


# Files that take long, and end where time is up.


class TimeIsUp(Exception):
    pass


def out_of_time() -> None:
    raise TimeIsUp


NO_ROWS = [
    ("a.jsonl", b"\n", b""),
    ("a.csv", b",\n", b"x,y\n"),
    ("a.csv", b"1,2,3\n", b"x,y\n"),
    ("a.tsv", b"\n", b""),
    ("a.json", b" ", b"["),
]


@pytest.fixture
def often(monkeypatch: pytest.MonkeyPatch) -> None:
    """Time is looked at after less than the files of these tests hold."""
    monkeypatch.setattr(archives, "_EVERY", 100_000)


@pytest.mark.usefixtures("often")
@pytest.mark.parametrize("packed", [False, True])
@pytest.mark.parametrize(("name", "part", "start"), NO_ROWS)
def test_time_runs_where_no_row_comes(tmp_path: Path, name: str, part: bytes, start: bytes, packed: bool) -> None:
    content = start + part * (900_000 // len(part))
    path = tmp_path / (f"{name}.gz" if packed else name)
    path.write_bytes(gzip.compress(content, 1) if packed else content)
    with pytest.raises(TimeIsUp):
        tolerant(path, alive=out_of_time)


@pytest.mark.usefixtures("often")
def test_time_runs_in_archives_and_tables(tmp_path: Path) -> None:
    for place, kind in enumerate(("w:gz", "w")):
        with tarfile.open(tmp_path / f"{place}.tar", kind) as tar:  # type: ignore[call-overload]
            info = tarfile.TarInfo("other")
            info.size = 900_000
            tar.addfile(info, io.BytesIO(bytes(info.size)))
        with pytest.raises(TimeIsUp):
            open_member(tmp_path / f"{place}.tar", "x.jsonl", alive=out_of_time)
    empty = pa.record_batch({"text": pa.array([], pa.string())})
    with pa.ipc.new_stream(str(tmp_path / "a.arrow"), empty.schema) as writer:
        writer.write_batch(empty)
    with pytest.raises(TimeIsUp):
        tolerant(tmp_path / "a.arrow", alive=out_of_time)


@pytest.mark.usefixtures("often")
def test_a_recipe_that_reads_nothing_but_blank_lines_ends_in_time(tmp_path: Path) -> None:
    (tmp_path / "a.jsonl.gz").write_bytes(gzip.compress(b"\n" * 900_000, 1))
    asked = 0

    def progress(_done: int, _total: int) -> None:
        nonlocal asked
        asked += 1
        if asked > 2:
            raise ResourceFailure("time is up")

    with pytest.raises(ResourceFailure):
        load(
            Dataset.from_dict({}), Load(path="a.jsonl.gz"), Context(random.Random(0), root=tmp_path, progress=progress)
        )


def test_quotes_that_never_close_are_not_read_again_and_again(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(separated, "_AGAIN", 1_000)
    back: list[int] = []
    give_back = separated._Lines.give_back

    def counted(self: separated._Lines) -> str:
        back.append(sum(map(len, self.taken[1:])))
        return give_back(self)

    monkeypatch.setattr(separated._Lines, "give_back", counted)
    text = "x,y\n" + 'a","b\n' * 2_000 + "one,two\n"
    (tmp_path / "a.csv").write_text(text)
    rows, aside = tolerant(tmp_path / "a.csv")
    assert rows == [{"x": "one", "y": "two"}] and [where for where, _, _ in aside] == [
        f"a.csv:{n}" for n in range(2, 2_002)
    ]
    assert "too many before" in aside[-1][1] and sum(back) < 5 * len(text)


@pytest.mark.parametrize(("name", "most"), [("MAX_LINE", 200), ("_TALL", 20)])
def test_a_quote_that_never_closes_does_not_swallow_the_file(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str, most: int
) -> None:
    monkeypatch.setattr(separated, name, most)
    (tmp_path / "a.csv").write_text('x,y\n"one,1\n' + "two,2\n" * 100 + '"three\nlines",3\n')
    rows, aside = tolerant(tmp_path / "a.csv")
    assert [row["x"] for row in rows] == ["two"] * 100 + ["three\nlines"]
    assert [(where, why.partition(" within")[0]) for where, why, _ in aside] == [("a.csv:2", "a quote is not closed")]


def test_a_very_wide_header_is_read_once(tmp_path: Path) -> None:
    names = [f"c{n}" for n in range(100_000)]
    (tmp_path / "a.csv").write_text(",".join(names) + "\n1,2\n")
    (row,), _ = tolerant(tmp_path / "a.csv")
    assert row == {"c0": "1", "c1": "2"}
    (tmp_path / "a.csv").write_text(",".join([*names, "c7"]) + "\n1,2\n")
    with pytest.raises(BadInput, match="the column `c7` stands twice"):
        tolerant(tmp_path / "a.csv")


def test_columns_without_end_are_refused_before_many_rows_are_held(tmp_path: Path) -> None:
    read = 0

    def counted(path: Path, *more: Any, **named: Any) -> Any:
        nonlocal read
        for row in read_rows(path, *more, **named):
            read += 1
            yield row

    (tmp_path / "a.csv").write_text(",".join(f"c{n}" for n in range(1_500)) + "\n" + ("," * 1_499 + "x\n") * 50)
    with patch.object(readers, "read_rows", counted), pytest.raises(IdeaFailure, match="more than 1,000 different"):
        run(tmp_path, Load(path="a.csv"))
    assert read == 1


# Reasons are short.


def test_a_reason_does_not_repeat_a_long_header(tmp_path: Path) -> None:
    names = [f"c{n}" + "x" * 3_000 for n in range(40)]
    (tmp_path / "a.csv").write_text(",".join(names) + "\n" + "," * 40 + "y\n")
    _, ((_, why, _),) = tolerant(tmp_path / "a.csv")
    assert why.startswith("41 fields, but 40 columns (c0xxx") and why.endswith(", ...)") and len(why) < 400


def test_every_reason_is_short(tmp_path: Path) -> None:
    column = pa.array([2**30], pa.int32()).view(pa.date32())
    _, ((_, why, _),) = tolerant(filed(tmp_path, "parquet", pa.table({"n" * 100_000: column})))
    assert why.startswith("the value of `nnn") and len(why) < 500


# Archives.


def header(kind: bytes, size: int) -> bytes:
    info = tarfile.TarInfo("././@LongLink")
    info.type, info.size = kind, size
    return info.tobuf(tarfile.GNU_FORMAT)


@pytest.mark.parametrize("kind", [tarfile.GNUTYPE_LONGNAME, tarfile.GNUTYPE_LONGLINK, tarfile.XHDTYPE])
def test_the_header_of_a_tar_is_bounded(tmp_path: Path, kind: bytes) -> None:
    size = 3 * 1024**2
    content = header(kind, size) + b"a" * size + header(tarfile.REGTYPE, 0)
    (tmp_path / "a.tar.gz").write_bytes(gzip.compress(content, 1))
    with pytest.raises(BadInput, match=r"a\.tar\.gz: a header of more than 1,048,576 bytes"):
        open_member(tmp_path / "a.tar.gz", "x.jsonl")


def test_what_a_tar_says_of_all_files_is_bounded_together(tmp_path: Path) -> None:
    said = b"52 comment=" + b"x" * 40 + b"\n"
    one = header(tarfile.XGLTYPE, len(said) * 5_000) + (said * 5_000).ljust(-(-len(said) * 5_000 // 512) * 512, b"\0")
    (tmp_path / "a.tar").write_bytes(one * 5 + header(tarfile.REGTYPE, 0))
    with pytest.raises(BadInput, match="a header of more than"):
        open_member(tmp_path / "a.tar", "x.jsonl")


def test_the_members_of_a_tar_are_not_kept(tmp_path: Path) -> None:
    with tarfile.open(tmp_path / "a.tar", "w") as tar:
        for number in range(50):
            tar.addfile(tarfile.TarInfo(f"f{number}"))
        info = tarfile.TarInfo("x.jsonl")
        info.size = 3
        tar.addfile(info, io.BytesIO(b"abc"))
    kept: list[int] = []
    next_ = tarfile.TarFile.next

    def counted(self: tarfile.TarFile) -> tarfile.TarInfo | None:
        kept.append(len(self.members))  # type: ignore[attr-defined]
        return next_(self)

    with patch.object(tarfile.TarFile, "next", counted), open_member(tmp_path / "a.tar", "x.jsonl") as file:
        assert file.read() == b"abc"
    assert len(kept) > 50 and max(kept) <= 1


def test_a_zips_list_of_files_is_bounded(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with zipfile.ZipFile(tmp_path / "a.zip", "w") as archive:
        archive.writestr("x.jsonl", "abc")
        for number in range(100):
            archive.writestr(f"{number}", "")
    with open_member(tmp_path / "a.zip", "x.jsonl") as file:
        assert file.read() == b"abc"
    monkeypatch.setattr(archives, "MAX_LIST", 1_000)
    with pytest.raises(BadInput, match="its list of files is larger than 1,000 bytes"):
        open_member(tmp_path / "a.zip", "x.jsonl")


def zipped() -> bytes:
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("x.jsonl", '{"text": "a"}\n' * 50)
    return file.getvalue()


def tarred() -> bytes:
    file = io.BytesIO()
    with tarfile.open(fileobj=file, mode="w", format=tarfile.PAX_FORMAT) as tar:
        info = tarfile.TarInfo("x.jsonl")
        info.size, info.pax_headers = 3, {"comment": "x" * 50}
        tar.addfile(info, io.BytesIO(b"abc"))
    return file.getvalue()[:3_000]


@pytest.mark.parametrize("make", [zipped, tarred])
def test_an_archive_with_any_byte_changed_is_read_or_refused(tmp_path: Path, make: Callable[[], bytes]) -> None:
    whole, path, refused = make(), tmp_path / "a.archive", 0
    for at in range(len(whole)):
        for bit in (0, 7):
            damaged = bytearray(whole)
            damaged[at] ^= 1 << bit
            path.write_bytes(damaged)
            try:
                open_member(path, "x.jsonl").close()
            except BadInput:
                refused += 1
    assert refused > 50


def test_a_zip_whose_names_are_no_text_is_refused(tmp_path: Path) -> None:
    with zipfile.ZipFile(tmp_path / "a.zip", "w") as archive:
        archive.writestr("\u00e9.jsonl", "abc")
    (tmp_path / "a.zip").write_bytes((tmp_path / "a.zip").read_bytes().replace("\u00e9".encode(), b"\xff\xfe"))
    with pytest.raises(BadInput, match="not a readable zip archive"):
        open_member(tmp_path / "a.zip", "x.jsonl")


# JSON.


def test_a_column_whose_name_holds_a_nul_costs_its_row(tmp_path: Path) -> None:
    odd = json.dumps({"prompt": "p", "answer": "a", "a\0b": "y"}) + "\n"
    (tmp_path / "a.jsonl").write_text(odd + "".join(json.dumps(row) + "\n" for row in ROWS))
    output = run(tmp_path, Load(path="a.jsonl"), broken=0.5)
    assert len(output.rows) == 9 and [row.why for row in output.broken] == [
        "the name of a column holds a NUL character"
    ]


@pytest.mark.parametrize("form", ["{}", '{{"b": {}}}'])
def test_an_element_that_is_nested_too_deep_to_be_written_costs_its_row(tmp_path: Path, form: str) -> None:
    reasons = set()
    for depth in (100, *range(900, 1_000)):
        deep = form.format("[" * depth + "]" * depth)
        (tmp_path / "a.json").write_text(f'[{{"a": "1"}}, {deep}]')
        try:
            rows, aside = tolerant(tmp_path / "a.json")
        except BadInput:  # too deep to find its end
            continue
        assert rows[0] == {"a": "1"}
        reasons |= {why for _, why, _ in aside}
    assert reasons <= {"lists or objects inside each other, far too deep", "expected a JSON object"}


@pytest.mark.parametrize("piece", [3, 1024**2])
def test_a_number_of_thousands_of_digits_costs_its_row(tmp_path: Path, piece: int) -> None:
    long = "9" * 5_000
    (tmp_path / "a.json").write_text(f'[{{"a": 1}}, {{"a": {long}, "b": [1]}}, {{"a": 3}}, {long}]')
    with patch("engine.aidp.reading.arrays._PIECE", piece):
        rows, aside = tolerant(tmp_path / "a.json")
    assert rows == [{"a": "1"}, {"a": "3"}] and [where for where, _, _ in aside] == ["a.json[2]", "a.json[4]"]
    assert all(why.startswith("a number is too long") for _, why, _ in aside)


# Where an export goes, and rows without a split.


@pytest.mark.parametrize(
    ("path", "message"),
    [
        *((name, "is the name of a file") for name in ("data.jsonl", "report.json", "samples.json", "broken.jsonl")),
        ("./data.jsonl/deep", "is the name of a file"),
        ("a\0b", "cannot be a folder's name"),
        ("\u00e9" * 200, "cannot be a folder's name"),
    ],
)
def test_a_path_that_nothing_can_be_written_to_is_one_sentence(tmp_path: Path, path: str, message: str) -> None:
    with pytest.raises(IdeaFailure, match=message):
        run(None, Export(path=path), out=tmp_path)


def test_a_long_name_that_a_folder_can_have_is_taken(tmp_path: Path) -> None:
    run(None, Export(path="n" * 200), out=tmp_path)
    run(None, Export(path="\u00e9" * 125), out=tmp_path)
    assert sorted(path.name[0] for path in tmp_path.iterdir()) == ["n", "\u00e9"]


@pytest.mark.parametrize("format", ["jsonl", "parquet", "datasets"])
def test_rows_mixed_in_after_a_split_go_to_train(tmp_path: Path, format: ExportFormat) -> None:
    (tmp_path / "a.jsonl").write_text("".join(json.dumps(row) + "\n" for row in ROWS))
    halves = Split(shares={"train": 0.5, "test": 0.5})
    run(tmp_path, halves, Mix(path="a.jsonl", share=0.6), Export(format=format), out=tmp_path / "out")
    made = tmp_path / "out" / "data"
    names = sorted(path.name.partition(".")[0] for path in made.iterdir())
    assert names == sorted(["README", "test", "train", *(["dataset_dict"] if format == "datasets" else [])])
    card = (made / "README.md").read_text()
    rows = {
        line.split("|")[1].strip(): line.split("|")[3].strip() for line in card.splitlines() if line.startswith("| t")
    }
    assert rows == {"train": "4", "test": "1"}


def test_rows_without_a_split_are_refused_where_there_is_no_train(tmp_path: Path) -> None:
    (tmp_path / "a.jsonl").write_text("".join(json.dumps(row) + "\n" for row in ROWS))
    halves = Split(shares={"one": 0.5, "two": 0.5})
    with pytest.raises(IdeaFailure, match="3 rows have no split, and there is no split `train`"):
        run(tmp_path, halves, Mix(path="a.jsonl", share=0.6), Export(), out=tmp_path / "out")
    assert list((tmp_path / "out").iterdir()) == []


def test_a_splits_name_leads_nowhere() -> None:
    rows = Dataset.from_list(TRAIN).add_column("split", ["train", "../../elsewhere"])
    with pytest.raises(IdeaFailure, match="cannot be a split's name"):
        splits(rows)


# Folders: nothing leads out but the links of a hub's cache.


def hub(home: Path) -> Path:
    """A data set in a hub's cache; the folder of its snapshot."""
    snapshot = home / "datasets--x--y" / "snapshots" / "abc"
    snapshot.mkdir(parents=True)
    blobs = home / "datasets--x--y" / "blobs"
    blobs.mkdir()
    (blobs / "1").write_text("".join(json.dumps(row) + "\n" for row in ROWS))
    (snapshot / "a.jsonl").symlink_to("../../blobs/1")
    return snapshot


def test_a_file_of_a_hubs_cache_is_read_from_its_snapshot_alone(tmp_path: Path) -> None:
    snapshot = hub(tmp_path)
    assert len(run(snapshot, Load(path="a.jsonl")).rows) == 9
    assert len(run(tmp_path, Load(path="datasets--x--y/snapshots/abc/a.jsonl")).rows) == 9
    assert folders.located(snapshot / "a.jsonl") == snapshot / "a.jsonl"
    (tmp_path / "link").symlink_to(snapshot)
    assert folders.located(tmp_path / "link" / "a.jsonl") == snapshot / "a.jsonl"


@pytest.mark.parametrize(
    "path",
    [
        "../../other/snapshots/../blobs/f.jsonl",
        "../../other/snapshots/abc/a.jsonl",
        "../../datasets--x--y/blobs/1",
        "../a.jsonl",
        "b/../a.jsonl",
    ],
)
def test_a_recipe_does_not_climb(tmp_path: Path, path: str) -> None:
    snapshot = hub(tmp_path)
    other = tmp_path / "other"
    (other / "snapshots" / "abc").mkdir(parents=True)
    (other / "blobs").mkdir()
    (other / "blobs" / "f.jsonl").write_text('{"prompt": "secret", "answer": "x"}\n')
    (other / "snapshots" / "abc" / "a.jsonl").symlink_to(other / "blobs" / "f.jsonl")
    for root in (snapshot, tmp_path / "datasets--x--y" / "snapshots", tmp_path / "a" / "b"):
        root.mkdir(parents=True, exist_ok=True)
        with pytest.raises(IdeaFailure, match="leads out of the folder"):
            run(root, Load(path=path))


def test_a_blob_is_reached_by_the_link_of_a_revision_alone(tmp_path: Path) -> None:
    snapshot = hub(tmp_path)
    (tmp_path / "other").mkdir()
    (tmp_path / "other" / "b.jsonl").symlink_to(snapshot / "a.jsonl")
    (snapshot / "d").symlink_to(tmp_path / "other")
    (snapshot.parent / "c.jsonl").symlink_to("../blobs/1")
    for root, path in ((snapshot, "d/b.jsonl"), (snapshot.parent, "c.jsonl")):
        assert (root / path).is_file()
        with pytest.raises(IdeaFailure, match="leads out of the folder"):
            run(root, Load(path=path))


def elsewhere(root: Path) -> Path:
    secret = root.parent / "elsewhere"
    secret.mkdir()
    (secret / "f.jsonl").write_text('{"prompt": "secret", "answer": "x"}\n')
    return secret


def blobs_that_are_a_link(root: Path, secret: Path) -> str:
    (root / "blobs").symlink_to(secret)
    (root / "snapshots" / "abc").mkdir(parents=True)
    (root / "snapshots" / "abc" / "a.jsonl").symlink_to("../../blobs/f.jsonl")
    return "snapshots/abc/a.jsonl"


def the_blobs_as_a_link(root: Path, secret: Path) -> str:
    (root / "snapshots").mkdir()
    (root / "blobs").symlink_to(secret)
    return "blobs/f.jsonl"


def a_snapshot_that_is_a_link(root: Path, secret: Path) -> str:
    """To a real cache elsewhere, which is none of this folder's business."""
    hub(secret)
    (root / "snapshots").symlink_to(secret / "datasets--x--y" / "snapshots")
    return "snapshots/abc/a.jsonl"


def a_blob_that_is_a_link(root: Path, secret: Path) -> str:
    snapshot = hub(root)
    (root / "datasets--x--y" / "blobs" / "2").symlink_to(secret / "f.jsonl")
    (snapshot / "b.jsonl").symlink_to("../../blobs/2")
    return "datasets--x--y/snapshots/abc/b.jsonl"


WAYS_OUT: list[Callable[[Path, Path], str]] = [
    blobs_that_are_a_link,
    the_blobs_as_a_link,
    a_snapshot_that_is_a_link,
    a_blob_that_is_a_link,
]


@pytest.mark.parametrize("make", WAYS_OUT)
def test_no_other_link_leads_out(tmp_path: Path, make: Callable[[Path, Path], str]) -> None:
    root = tmp_path / "extra"
    root.mkdir()
    path = make(root, elsewhere(root))
    assert (root / path).is_file()
    with pytest.raises(IdeaFailure, match="leads out of the folder"):
        run(root, Load(path=path))


@pytest.mark.parametrize("make", WAYS_OUT)
def test_nor_does_one_in_a_folder_of_data(tmp_path: Path, make: Callable[[Path, Path], str]) -> None:
    root = tmp_path / "extra"
    root.mkdir()
    path = Path(make(root, elsewhere(root)))
    with pytest.raises(IdeaFailure, match=r"leads out of the folder|lies elsewhere"):
        run(root, Load(path=str(path.parent)))
