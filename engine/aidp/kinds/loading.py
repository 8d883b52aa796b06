"""Operators that bring rows in and give them their form."""

from __future__ import annotations

from typing import Annotated, ClassVar, Literal

import msgspec
from msgspec import Meta

from engine.aidp.kinds.base import Fraction, Name, Need, Operator

RAW = ("source", "line")
"""The first columns of loaded rows that are not converted: the file, and the line on which the row stands there."""

RESERVED = (
    *RAW,
    *("id", "prompt", "answer", "source", "parents", "made_by"),
    *("score", "loss", "split", "turns", "embedding"),
)
"""Names that columns of ours have, so that a file's own cannot keep them: engine.aidp.rows."""

Layout = Literal[
    "auto",
    "prompt_answer",
    "prompt_completion",
    "alpaca",
    "sharegpt",
    "messages",
    "preference",
    "multiple_choice",
    "classification",
    "extraction",
    "question_context",
]
Encoding = Literal["utf-8", "utf-16", "latin-1", "cp1252"]
Format = Literal["auto", "jsonl", "json", "csv", "tsv", "parquet", "arrow", "text", "paragraphs"]
Path = Annotated[str, Meta(max_length=500)]
Rows = Annotated[int, Meta(ge=0, le=10_000_000)]
Labels = Annotated[dict[str, Name], Meta(max_length=1000)]
Form = Annotated[str, Meta(max_length=8000)]
Kept = Annotated[tuple[Name, ...], Meta(max_length=100)]


class File(Operator, frozen=True, kw_only=True):
    """A file below the task's `extra/`, or a folder there: of `datasets`, or a file or several for each split.

    `format` (auto: by the file's name): jsonl, json, csv, tsv, text (a row per line), paragraphs (a row per paragraph),
    all of them also packed as `.gz`; parquet, arrow. `member`: the file to read in an archive (.tar.gz, .zip, .whl),
    `inner_member`: the one in an archive in there. `split`: which split of a folder; "" = the only one, or `train`.
    `columns`: names for a CSV or TSV file without a header line. `encoding`: of text (cp1252: Western European, of
    Windows); a byte-order mark overrules it. `rows`: only so many, the first; 0 = all.
    """

    needs: ClassVar[frozenset[Need]] = frozenset({"files"})
    brings: ClassVar[bool] = True

    path: Path
    format: Format = "auto"
    encoding: Encoding = "utf-8"
    columns: Annotated[tuple[Name, ...], Meta(max_length=500)] = ()
    split: Annotated[str, Meta(max_length=200)] = ""
    member: Path = ""
    inner_member: Path = ""
    rows: Rows = 0


class Load(File, frozen=True, kw_only=True, tag="load"):
    """Replace the rows by those of a file. Rows that cannot be read are counted and set aside."""

    raw: ClassVar[bool] = True


class Convert(Operator, frozen=True, kw_only=True, tag="convert"):
    """Map columns to `prompt` and `answer`. `layout` names the field convention of the rows; auto finds it.

    `labels`: words for the labels of a classification, {"0": "negative", "1": "positive"}. `choice`: how a multiple
    choice is answered. Of preference pairs the better answer is taken. `keep`: columns of the file that stay beside
    them, as text. A result of TREX gets its ids, sources, parents, scores and splits back.
    """

    raw: ClassVar[bool] = True

    layout: Layout = "auto"
    labels: Labels = msgspec.field(default_factory=dict)
    choice: Literal["letter", "text"] = "letter"
    keep: Kept = ()

    def __post_init__(self) -> None:
        _keepable(self.keep)


class Mix(File, frozen=True, kw_only=True, tag="mix"):
    """Append rows of another file: `share` of the result comes from it. `layout`, `labels`, `keep`: as in `convert`."""

    draws: ClassVar[bool] = True

    share: Fraction = 0.5
    layout: Layout = "auto"
    labels: Labels = msgspec.field(default_factory=dict)
    keep: Kept = ()

    def __post_init__(self) -> None:
        _keepable(self.keep)


class Template(Operator, frozen=True, kw_only=True, tag="template"):
    """Write prompt and answer anew, from columns in braces: `Review: {text}`; `{{` and `}}` stand for braces.

    Of rows just loaded these are the file's columns, of others `{prompt}`, `{answer}` and what operators added. A row
    in which one of the columns is empty is dropped. `keep`: columns of a file that stay beside them, as in `convert`.
    """

    raw: ClassVar[bool] = True
    brings: ClassVar[bool] = True

    prompt: Annotated[Form, Meta(min_length=1)]
    answer: Annotated[Form, Meta(min_length=1)]
    keep: Kept = ()

    def __post_init__(self) -> None:
        _keepable(self.keep)


AnyLoading = Load | Convert | Mix | Template


def _keepable(names: tuple[str, ...]) -> None:
    """For msgspec, which turns it into the sentence of a bad field."""
    if ours := next((name for name in names if name in RESERVED), ""):
        raise ValueError(f"`keep` names `{ours}`, which is a column of TREX's own; give the file's another name")
