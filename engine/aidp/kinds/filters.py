"""Operators that keep rows for what stands in them.

`part` names what is judged: the prompt, the answer, or both with a line break between them. Where the task's prompt has
fixed wording around a row's own fields, language, repetition, characters and labels are judged by the fields alone.
"""

from __future__ import annotations

from typing import Annotated, ClassVar, Literal

from msgspec import Meta

from engine.aidp.kinds.base import Fraction, Name, Need, Operator, Part

Words = Annotated[int, Meta(ge=0, le=100_000)]
Length = Annotated[int, Meta(ge=0, le=1_000_000)]
Nats = Annotated[float, Meta(ge=0.0, le=1_000.0)]
Language = Annotated[str, Meta(pattern="^[a-z]{2,3}$")]
Values = Annotated[tuple[Annotated[str, Meta(max_length=10_000)], ...], Meta(min_length=1, max_length=1_000)]


class FilterLength(Operator, frozen=True, kw_only=True, tag="filter_length"):
    """Keep rows whose prompt has between `min_words` and `max_words` words, both included. A Chinese or Japanese
    character is a word."""

    min_words: Words = 0
    max_words: Annotated[int, Meta(ge=1, le=100_000)] = 100_000


class FilterTokens(Operator, frozen=True, kw_only=True, tag="filter_tokens"):
    """Keep rows of `min_tokens` to `max_tokens` tokens of the base model, both included. Prompt and answer are counted
    apart, as in training; what a chat template adds is not counted."""

    needs: ClassVar[frozenset[Need]] = frozenset({"tokenizer"})

    part: Part = "both"
    min_tokens: Length = 0
    max_tokens: Annotated[int, Meta(ge=1, le=1_000_000)] = 1_000_000

    def __post_init__(self) -> None:
        _ordered("min_tokens", self.min_tokens, "max_tokens", self.max_tokens)


class FilterLanguage(Operator, frozen=True, kw_only=True, tag="filter_language"):
    """Keep rows in one of the languages `keep` (ISO 639-1: `en`, `zh`), as py3langid finds them; varieties of Chinese
    are Chinese.

    A text of fewer than `min_letters` letters is too short to tell (a Chinese, Japanese or Korean letter counts three):
    it is kept, or dropped where `short` says so."""

    keep: Annotated[tuple[Language, ...], Meta(min_length=1, max_length=50)]
    part: Part = "prompt"
    min_letters: Annotated[int, Meta(ge=1, le=10_000)] = 30
    short: Literal["keep", "drop"] = "keep"


class FilterRepetition(Operator, frozen=True, kw_only=True, tag="filter_repetition"):
    """Drop rows that say the same again and again, after the rules for MassiveText (Rae et al. 2021,
    arXiv:2112.11446, table A1).

    `max_ngrams`: share of the words that stand in a run of `ngram` words which came before; `max_lines`: share of the
    lines that came before; `max_char`: share of the most frequent character among those that are not white space, asked
    of texts of at least 20 such characters. A Chinese or Japanese character counts as a word, and runs are twice as
    long in texts that are mostly of them."""

    part: Part = "prompt"
    ngram: Annotated[int, Meta(ge=1, le=50)] = 5
    max_ngrams: Fraction = 0.15
    max_lines: Fraction = 0.3
    max_char: Fraction = 0.4


class FilterAlphanumeric(Operator, frozen=True, kw_only=True, tag="filter_alphanumeric"):
    """Keep rows in which letters and digits (of any script) make up `min_share` to `max_share` of the characters that
    are not white space. A text without any character has the share 0."""

    part: Part = "prompt"
    min_share: Fraction = 0.5
    max_share: Fraction = 1.0

    def __post_init__(self) -> None:
        _ordered("min_share", self.min_share, "max_share", self.max_share)


class FilterRegex(Operator, frozen=True, kw_only=True, tag="filter_regex"):
    """Keep (or drop) rows in which `pattern` is found anywhere in a column. Syntax: the `regex` package, much like
    Python's `re`. A pattern that needs too long for the rows fails the recipe."""

    pattern: Annotated[str, Meta(min_length=1, max_length=1_000)]
    column: Name = "prompt"
    matching: Literal["keep", "drop"] = "keep"
    ignore_case: bool = False


class FilterField(Operator, frozen=True, kw_only=True, tag="filter_field"):
    """Keep (or drop) rows whose column equals one of `values`, as text. Works on a file's own columns too: put it
    between `load` and `convert`."""

    raw: ClassVar[bool] = True

    column: Name
    values: Values
    matching: Literal["keep", "drop"] = "keep"


class FilterLoss(Operator, frozen=True, kw_only=True, tag="filter_loss"):
    """Keep rows by how surprised the untouched base model is by their answers: mean loss per answer token, in nats.

    A row stays that is within the bounds `min_loss` to `max_loss` and between the quantiles `from_quantile` and
    `to_quantile` of all rows, all included: (0, 0.95) drops the most surprising twentieth. Rows whose answer alone is
    longer than the model reads are dropped."""

    needs: ClassVar[frozenset[Need]] = frozenset({"base_model"})
    gives: ClassVar[tuple[str, ...]] = ("loss",)

    min_loss: Nats = 0.0
    max_loss: Nats = 1_000.0
    from_quantile: Fraction = 0.0
    to_quantile: Fraction = 1.0

    def __post_init__(self) -> None:
        _ordered("min_loss", self.min_loss, "max_loss", self.max_loss)
        _ordered("from_quantile", self.from_quantile, "to_quantile", self.to_quantile)


class FilterLabelNoise(Operator, frozen=True, kw_only=True, tag="filter_label_noise"):
    """Drop rows whose answer a small classifier finds unlikely: logistic regression on the prompt's words and meaning,
    cross-fitted, so that no row is judged by a classifier that saw it (after confident learning: Northcutt et al. 2021,
    arXiv:1911.00068).

    A row goes when its own label has a probability below `max_probability`: the lower, the surer, and the fewer are
    found. Wants thousands of rows. For tasks with 2 to 50 different answers; rows whose answer has fewer than `folds`
    different prompts cannot be judged and stay."""

    needs: ClassVar[frozenset[Need]] = frozenset({"embeddings"})

    max_probability: Fraction = 0.1
    folds: Annotated[int, Meta(ge=2, le=20)] = 5


AnyFilter = (
    FilterLength
    | FilterTokens
    | FilterLanguage
    | FilterRepetition
    | FilterAlphanumeric
    | FilterRegex
    | FilterField
    | FilterLoss
    | FilterLabelNoise
)


def _ordered(low: str, least: float, high: str, most: float) -> None:
    """For msgspec, which turns it into the sentence of a bad field."""
    if least > most:
        raise ValueError(f"`{low}` is more than `{high}`")
