"""Data files of people: every error names file and line, no value is guessed."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from engine.aidp.readers import parse, read_rows
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
