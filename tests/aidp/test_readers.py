"""Data files of people: every error names file and line, no value is guessed."""

from __future__ import annotations

import csv
import gzip
import io
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from unittest.mock import patch

import pyarrow as pa
import pyarrow.parquet
import pytest
from hypothesis import given
from hypothesis import strategies as st

from engine.aidp.reading.arrays import elements
from engine.aidp.reading.lines import rows_of
from engine.aidp.reading.readers import parse, read_rows
from engine.aidp.reading.values import Row
from engine.aidp.text import fill, normalise, placeholders, words
from engine.errors import BadInput


def write(folder: Path, name: str, text: str, encoding: str = "utf-8") -> Path:
    path = folder / name
    path.write_bytes(text.encode(encoding))
    return path


def test_csv_with_quotes_newlines_and_a_byte_order_mark(tmp_path: Path) -> None:
    path = write(tmp_path, "a.csv", '\ufefftext,label\r\n"two\nlines, ""quoted""",x\r\n\r\nplain,y\r\n')
    rows = list(read_rows(path))
    assert [row.values for row in rows] == [
        {"text": 'two\nlines, "quoted"', "label": "x"},
        {"text": "plain", "label": "y"},
    ]
    assert [row.where for row in rows] == ["a.csv:3", "a.csv:5"]


def test_tsv_takes_quotes_as_they_are(tmp_path: Path) -> None:
    path = write(tmp_path, "a.tsv", '1\t"open\n2\tclosed"\n')
    assert [row.values["text"] for row in read_rows(path, columns=("id", "text"))] == ['"open', 'closed"']


def test_json_values_keep_their_form(tmp_path: Path) -> None:
    row = {"text": "a", "n": 1.5, "none": None, "turns": [{"role": "user"}]}
    (found,) = read_rows(write(tmp_path, "a.jsonl", json.dumps(row) + "\n\n"))
    assert found.values == {"text": "a", "n": "1.5", "none": "", "turns": '[{"role": "user"}]'}


@pytest.mark.parametrize(
    ("name", "text", "message"),
    [
        ("a.csv", "text,label\na,b\nc,d,e\n", r"a\.csv:3: 3 fields, but 2 columns"),
        ("a.csv", 'text\n"never closed\n', r"a\.csv:2: not valid CSV"),
        ("a.csv", "text,text\n", r"a\.csv:1: the column `text` stands twice"),
        ("a.jsonl", '{"a": 1}\n{"a": \n', r"a\.jsonl:2: not valid JSON"),
        ("a.jsonl", "[1]\n", r"a\.jsonl:1: expected a JSON object"),
        ("a.json", '{"a": 1}', r"a\.json: expected a JSON array"),
        ("a.xlsx", "", r"a\.xlsx: `\.xlsx` is no data format"),
    ],
)
def test_a_wrong_file_is_named_with_its_line(tmp_path: Path, name: str, text: str, message: str) -> None:
    with pytest.raises(BadInput, match=message):
        list(read_rows(write(tmp_path, name, text)))


def test_wrong_encoding_says_the_way_out(tmp_path: Path) -> None:
    path = write(tmp_path, "a.csv", "text\ncafé\n", "latin-1")
    with pytest.raises(BadInput, match=r'not utf-8 text.*encoding = "latin-1"'):
        list(read_rows(path))
    assert next(iter(read_rows(path, encoding="latin-1"))).values == {"text": "café"}


def test_a_missing_file(tmp_path: Path) -> None:
    with pytest.raises(BadInput, match="no such data file"):
        list(read_rows(tmp_path / "none.csv"))


@given(st.lists(st.dictionaries(st.sampled_from("abc"), st.text(), min_size=1), max_size=5))
def test_json_lines_come_back(rows: list[dict[str, str]]) -> None:
    lines = [json.dumps(row) + "\n" for row in rows]
    assert [row.values for row in parse(lines, "jsonl", name="x")] == rows


@given(st.text())
def test_normalising_twice_changes_nothing_more(text: str) -> None:
    assert normalise(normalise(text)) == normalise(text) or normalise(text).casefold() != normalise(text)
    assert normalise(f"  {text.strip()}\n") == normalise(text.strip())


def test_words_of_scripts_without_spaces() -> None:
    assert words("It's GOOD, 三国志!") == ["it", "s", "good", "三", "国", "志"]


def test_templates_fill_columns_and_keep_braces() -> None:
    assert placeholders("{{x}} {Review Text} {a}") == ["Review Text", "a"]
    assert fill("{{x}} {Review Text} {a}", {"Review Text": "{a}", "a": "b"}) == "{x} {a} b"
    with pytest.raises(KeyError):
        fill("{gone}", {})


def test_half_a_character_is_refused_with_its_line(tmp_path: Path) -> None:
    path = tmp_path / "rows.jsonl"
    path.write_text('{"text": "fine"}\n{"text": "\\ud800"}\n')
    with pytest.raises(BadInput, match=r"rows\.jsonl:2: .*half a character"):
        list(read_rows(path, name="rows.jsonl"))


# Rows that cannot be read, where the caller says where they go.

Aside = list[tuple[str, str, str]]


def tolerant(path: Path, **more: Any) -> tuple[list[dict[str, str]], Aside]:
    aside: Aside = []
    rows = read_rows(path, aside=lambda where, why, text: aside.append((where, why, text)), **more)
    return [row.values for row in rows], aside


def test_broken_lines_of_json_are_set_aside_each_with_its_reason(tmp_path: Path) -> None:
    deep = "[" * 100_000
    lines = ['{"a": "1"}', '{"a": ', "[1]", '{"a": "\\ud800"}', '{"\\udfff": "x"}', f'{{"a": {deep}', '{"a": "2"}']
    rows, aside = tolerant(write(tmp_path, "a.jsonl", "\n".join(lines)))
    assert rows == [{"a": "1"}, {"a": "2"}]
    assert [where for where, _, _ in aside] == [f"a.jsonl:{n}" for n in (2, 3, 4, 5, 6)]
    reasons = ["not valid JSON", "expected a JSON object", "half a character", "half a character", "not valid JSON"]
    assert all(reason in why for reason, (_, why, _) in zip(reasons, aside, strict=True))
    assert aside[0][2].strip() == '{"a":'


@pytest.mark.parametrize(("name", "head"), [("a.jsonl", b""), ("a.csv", b"a\n"), ("a.tsv", b"a\n")])
def test_bytes_that_are_no_text_cost_one_row(tmp_path: Path, name: str, head: bytes) -> None:
    row = b'{"a": "%b"}' if name == "a.jsonl" else b"%b"
    (tmp_path / name).write_bytes(
        head + b"\n".join(row % text for text in (b"one", b"caf\xe9", "zwei \u00e9".encode()))
    )
    rows, aside = tolerant(tmp_path / name)
    assert [row["a"] for row in rows] == ["one", "zwei \u00e9"]
    assert len(aside) == 1 and "no text in this encoding" in aside[0][1]


def test_a_row_with_too_many_fields_is_set_aside_and_the_next_is_read(tmp_path: Path) -> None:
    rows, aside = tolerant(write(tmp_path, "a.csv", "text,label\na,b\nc,d,e\nf,g\n"))
    assert [row["text"] for row in rows] == ["a", "f"]
    assert aside == [("a.csv:3", "3 fields, but 2 columns (text, label)", "c,d,e\n")]


QUOTES = [
    pytest.param('one,1\n"two,2\nthree,3\nfour,4\n', ["one", "three", "four"], 3, id="to the end of the file"),
    pytest.param('one,1\n"two,2\n"three, or so",3\nfour,4\n', ["one", "three, or so", "four"], 3, id="to a quote"),
    pytest.param('one,1\n"two,2\nthree,5"\nfour,4\n', ["one", "three", "four"], 3, id="to a stray quote"),
    pytest.param('one,1\n"a\nb",2\n"c\nfour,4\n', ["one", "a\nb", "four"], 5, id="after a row of two lines"),
    pytest.param('one,1\n"two" x,2\nfour,4\n', ["one", "four"], 3, id="text after a quote"),
]


@pytest.mark.parametrize(("text", "kept", "line"), QUOTES)
def test_a_quote_that_is_not_closed_costs_its_own_line_alone(
    tmp_path: Path, text: str, kept: list[str], line: int
) -> None:
    rows, aside = tolerant(write(tmp_path, "a.csv", f"text,label\n{text}"))
    assert [row["text"] for row in rows] == kept
    assert [where for where, _, _ in aside] == [f"a.csv:{line}"]


def test_lines_after_a_quote_that_is_not_closed_keep_their_numbers(tmp_path: Path) -> None:
    path = write(tmp_path, "a.csv", 'text,label\n"two,2\n"three\nlines",3\nfour,4\n')
    rows = list(read_rows(path, aside=lambda *_: None))
    assert [(row.values["text"], row.line) for row in rows] == [("three\nlines", 4), ("four", 5)]


CELL = st.text(st.sampled_from('ab",\n \u00e9'), max_size=6)


@given(st.lists(st.tuples(CELL, CELL), min_size=1, max_size=8))
def test_csv_as_python_writes_it_comes_back_whole(cells: list[tuple[str, str]]) -> None:
    held = [pair for pair in cells if any(cell.strip() for cell in pair)]
    file = io.StringIO(newline="")
    csv.writer(file).writerows([("x", "y"), *held])
    found = parse(io.StringIO(file.getvalue(), newline=""), "csv", name="x")
    assert [tuple(row.values.values()) for row in found] == held


@given(st.text(st.sampled_from('ab",\n'), max_size=60))
def test_no_line_of_a_csv_is_lost_without_a_word(text: str) -> None:
    aside: Aside = []
    lines = [line for line in text.split("\n") if line.strip()]
    found = rows_of(io.StringIO("x,y\n" + text, newline=""), "csv", (), "f")
    whole = "".join("".join(row.values.values()) if isinstance(row, Row) else row.text for row in found)
    assert aside == [] and sum(whole.count(c) for c in "ab") == sum(line.count(c) for line in lines for c in "ab")


def test_values_and_lines_that_are_too_long_are_set_aside(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for module in ("lines", "separated", "values"):
        monkeypatch.setattr(f"engine.aidp.reading.{module}.MAX_FIELD", 50)
        monkeypatch.setattr(f"engine.aidp.reading.{module}.MAX_LINE", 100)
    monkeypatch.setattr("engine.aidp.reading.readers.MAX_LINE", 100)
    lines = [json.dumps({"a": "x" * size}) for size in (3, 60, 5_000, 4)]
    rows, aside = tolerant(write(tmp_path, "a.jsonl", "\n".join(lines)))
    assert [len(row["a"]) for row in rows] == [3, 4]
    assert [(where, why.partition(" more")[0]) for where, why, _ in aside] == [
        ("a.jsonl:2", "a value of"),
        ("a.jsonl:3", "a line of"),
    ]
    rows, aside = tolerant(write(tmp_path, "a.csv", "a,b\nx,y\n" + "z" * 5_000 + ",y\nv,w\n"))
    assert [row["a"] for row in rows] == ["x", "v"] and aside[0][0] == "a.csv:3"


# Separators and encodings.


@pytest.mark.parametrize(
    ("header", "names"),
    [
        ("text;label", ["text", "label"]),
        ('"text, as written";label', ["text, as written", "label"]),
        ("text,label;x", ["text", "label;x"]),
        ('"text;label"', ["text;label"]),
        ("text", ["text"]),
    ],
)
def test_a_header_says_whether_semicolons_separate(tmp_path: Path, header: str, names: list[str]) -> None:
    remarks: list[str] = []
    row = (";" if len(names) == 2 and names[1] == "label" else ",").join("1" for _ in names)
    (found,) = read_rows(write(tmp_path, "a.csv", f"\n{header}\n{row}\n"), remark=remarks.append)
    assert found.values == dict.fromkeys(names, "1") and found.line == 3
    assert remarks == (["its fields are separated by `;`"] if "label" in names else [])


def test_semicolons_hold_commas_and_quotes(tmp_path: Path) -> None:
    path = write(tmp_path, "a.csv", 'text;price\n"one; ""two""";1,50\nthree, four;2,00\n')
    assert [list(row.values.values()) for row in read_rows(path)] == [['one; "two"', "1,50"], ["three, four", "2,00"]]


def test_without_a_header_line_semicolons_separate_where_so_many_fields_are_named(tmp_path: Path) -> None:
    path = write(tmp_path, "a.csv", "good; really;1\n")
    (row,) = read_rows(path, columns=("a", "b", "c"))
    assert list(row.values.values()) == ["good", " really", "1"]
    (row,) = read_rows(path, columns=("text",))
    assert row.values == {"text": "good; really;1"}


@given(st.text(st.characters(codec="utf-8", exclude_characters="\r\n")), st.sampled_from(["jsonl", "json"]))
def test_a_byte_order_mark_overrules_the_encoding_named(text: str, kind: str) -> None:
    whole = json.dumps({"a": text}, ensure_ascii=False)
    whole = f"[{whole}]" if kind == "json" else whole
    for encoded in (whole.encode("utf-16"), b"\xfe\xff" + whole.encode("utf-16-be"), whole.encode("utf-8-sig")):
        for encoding in ("utf-8", "utf-16", "latin-1", "cp1252"):
            remarks: list[str] = []
            file = io.BytesIO(gzip.compress(encoded))
            rows = read_rows(Path(f"a.{kind}.gz"), encoding=encoding, file=file, remark=remarks.append)
            assert [row.values for row in rows] == [{"a": text}]
            assert bool(remarks) == (encoded[:1] != b"\xef" and encoding != "utf-16")


def test_encodings_that_are_named(tmp_path: Path) -> None:
    for encoding, text in (("cp1252", "caf\u00e9 5 \u20ac"), ("latin-1", "caf\u00e9"), ("utf-16-le", "\u597d")):
        path = write(tmp_path, "a.csv", f"text\n{text}\n", encoding)
        (row,) = read_rows(path, encoding=encoding.removesuffix("-le"))
        assert row.values == {"text": text}


def test_bytes_that_are_no_utf_16_cost_their_row_alone(tmp_path: Path) -> None:
    whole = "text\none\ntwo\n".encode("utf-16")
    (tmp_path / "a.csv").write_bytes(whole + b"\x3d\xd8" + "x\nfour\n".encode("utf-16-le") + b"a")
    rows, aside = tolerant(tmp_path / "a.csv")
    assert [row["text"] for row in rows] == ["one", "two", "four"]
    assert [where for where, _, _ in aside] == ["a.csv:4", "a.csv:6"]
    with pytest.raises(BadInput, match="not utf-16 text"):
        list(read_rows(tmp_path / "a.csv"))


@pytest.mark.parametrize("header", ["gr\u00f6\u00dfe".encode("latin-1"), "text".encode("utf-16-be")])
def test_a_header_in_another_encoding_ends_the_reading(tmp_path: Path, header: bytes) -> None:
    (tmp_path / "a.csv").write_bytes(header + b"\n1\n")
    with pytest.raises(BadInput, match=r"a\.csv:1: the header holds bytes that are no text.*--encoding cp1252"):
        tolerant(tmp_path / "a.csv")


# Other kinds of files.


@given(st.lists(st.dictionaries(st.sampled_from("abc"), st.text()), max_size=6), st.integers(1, 40), st.booleans())
def test_an_array_comes_element_by_element_however_it_is_cut(
    rows: list[dict[str, str]], size: int, pretty: bool
) -> None:
    text = json.dumps(rows, indent=1 if pretty else None)
    pieces = [text[at : at + size] for at in range(0, len(text), size)]
    with patch("engine.aidp.reading.arrays._PIECE", 3):
        assert list(elements(pieces, "x", 10_000)) == rows


def test_a_number_that_is_cut_is_one_number() -> None:
    with patch("engine.aidp.reading.arrays._PIECE", 1):
        assert list(elements(["[12", "34,", " 5", "6]"], "x", 100)) == [1234, 56]


def test_an_array_is_never_held_as_a_whole() -> None:
    given = 0

    def pieces() -> Iterator[str]:
        nonlocal given
        yield "["
        while True:
            given += 1
            yield '{"a": "' + "x" * 1_000 + '"},'

    first = next(iter(elements(pieces(), "x", 10_000)))
    assert first == {"a": "x" * 1_000} and given < 3_000


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ('[{"a": 1}, {"a": ', r"a\.json\[2\]: not valid JSON"),
        ('[{"a": 1} {"a": 2}]', r"a\.json\[1\]: .*comma"),
        ('[{"a": 1}] x', r"a\.json: .*something follows"),
        ("", r"a\.json: expected a JSON array"),
        ("[1]", r"a\.json\[1\]: expected a JSON object"),
    ],
)
def test_a_wrong_array_says_where(tmp_path: Path, text: str, message: str) -> None:
    with pytest.raises(BadInput, match=message):
        list(read_rows(write(tmp_path, "a.json", text)))


def test_an_element_that_is_no_row_costs_itself_alone(tmp_path: Path) -> None:
    rows, aside = tolerant(write(tmp_path, "a.json", '[{"a": 1}, 2, {"a": 3}]'))
    assert rows == [{"a": "1"}, {"a": "3"}] and [where for where, _, _ in aside] == ["a.json[2]"]


def test_text_by_the_line_and_by_the_paragraph(tmp_path: Path) -> None:
    path = write(tmp_path, "a.txt", "one\r\ntwo\r\n\r\n  \r\nthree\nfour")
    assert [(row.values["text"], row.line) for row in read_rows(path, "text")] == [
        ("one", 1),
        ("two", 2),
        ("three", 5),
        ("four", 6),
    ]
    assert [(row.values["text"], row.line) for row in read_rows(path, "paragraphs")] == [
        ("one\r\ntwo", 1),
        ("three\nfour", 5),
    ]


@pytest.mark.parametrize("name", ["a.jsonl", "a.csv", "a.tsv", "a.json"])
def test_packed_files_are_the_files(tmp_path: Path, name: str) -> None:
    texts = {"a.jsonl": '{"a": "\u00e9"}\n', "a.json": '[{"a": "\u00e9"}]'}
    path = write(tmp_path, name, texts.get(name, "a\n\u00e9\n"))
    packed = tmp_path / f"{name}.gz"
    packed.write_bytes(gzip.compress(path.read_bytes()))
    assert list(read_rows(packed, name="x")) == list(read_rows(path, name="x"))


def test_a_packed_file_that_is_damaged_or_swells_is_refused(tmp_path: Path) -> None:
    packed = tmp_path / "a.jsonl.gz"
    whole = gzip.compress(b'{"a": "x"}\n' * 10_000)
    packed.write_bytes(whole[:-20])
    with pytest.raises(BadInput, match="not a whole gzip file"):
        tolerant(packed)
    packed.write_bytes(whole)
    with pytest.raises(BadInput, match="unpacks to more than 50,000 bytes"):
        tolerant(packed, max_bytes=50_000)


@pytest.mark.parametrize("kind", ["parquet", "file", "stream"])
def test_tables_come_row_by_row(tmp_path: Path, kind: str) -> None:
    rows = [{"text": f"{n}", "turns": [{"role": "user"}], "n": n, "none": None} for n in range(5_000)]
    table = pa.Table.from_pylist(rows)
    path = tmp_path / ("a.parquet" if kind == "parquet" else "a.arrow")
    if kind == "parquet":
        pa.parquet.write_table(table, path)
    else:
        with (pa.ipc.new_file if kind == "file" else pa.ipc.new_stream)(str(path), table.schema) as writer:
            writer.write_table(table)
    found = list(read_rows(path))
    assert found[4_321].values == {"text": "4321", "turns": '[{"role": "user"}]', "n": "4321", "none": ""}
    assert [row.line for row in found] == list(range(1, 5_001))


@pytest.mark.parametrize("name", ["a.parquet", "a.arrow"])
def test_a_damaged_table_is_one_sentence(tmp_path: Path, name: str) -> None:
    for content in (b"", b"ARROW1\x00\x00 and then nothing", b"PAR1 nor this", bytes(64)):
        (tmp_path / name).write_bytes(content)
        with pytest.raises(BadInput, match=rf"{name}: not a readable (Parquet|Arrow) file"):
            tolerant(tmp_path / name)
