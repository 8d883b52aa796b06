"""Operators with which the local language model writes: new rows from old ones, or a reason beside an answer.

New rows come after the others: shuffle next. With a limit of seconds, how far they come depends on the machine.
"""

from __future__ import annotations

from typing import Annotated, ClassVar, Literal

from msgspec import Meta

from engine.aidp.kinds.base import Fraction, Name, Need, Operator

NewRows = Annotated[int, Meta(ge=1, le=100_000)]
Calls = Annotated[int, Meta(ge=1, le=1_000_000)]
Seconds = Annotated[float, Meta(ge=0.0, le=604_800.0)]
Answers = Annotated[tuple[Name, ...], Meta(max_length=64)]


class Asking(Operator, frozen=True, kw_only=True):
    """What operators that ask the language model have in common: it is asked for texts, which are decontaminated."""

    needs: ClassVar[frozenset[Need]] = frozenset({"language_model", "held_out"})
    brings: ClassVar[bool] = True
    draws: ClassVar[bool] = True

    calls: Calls = 400
    seconds: Seconds = 0.0
    temperature: Annotated[float, Meta(ge=0.0, le=1.5)] = 0.8


class Writing(Asking, frozen=True, kw_only=True):
    """Those that write rows. `near`: a text that shares this much of its words with another says the same."""

    rows: NewRows = 200
    near: Annotated[float, Meta(ge=0.3, le=1.0)] = 0.7  # as in Wang et al. 2022, there by ROUGE-L


class Paraphrase(Writing, frozen=True, kw_only=True, tag="paraphrase"):
    """Add rows that say in other words what a `share` of the rows say, `each` times, with the same answer.

    `answers`: only rows with one of these. At most `rows` new rows, `calls` questions and `seconds` (0: no limit); a
    text that shares `near` of its words with another one is not new.
    """

    share: Fraction = 0.25
    each: Annotated[int, Meta(ge=1, le=8)] = 1
    answers: Answers = ()


class SelfInstruct(Writing, frozen=True, kw_only=True, tag="self_instruct"):
    """Add new rows in the manner of `examples` rows drawn anew for each (Self-Instruct, Wang et al. 2022).

    Where the task has few distinct answers the model chooses one of them before it writes, as there. At most `rows`
    new rows, `calls` questions and `seconds` (0: no limit); a text that shares `near` of its words with another one is
    not new.
    """

    examples: Annotated[int, Meta(ge=1, le=8)] = 4


class Generate(Writing, frozen=True, kw_only=True, tag="generate"):
    """Add new rows for a described `weakness`, as many for each answer, in the manner of `examples` rows.

    `answers`: only for these. Describe the weakness in your own words: a quotation of a held-out row is refused. At
    most `rows` new rows, `calls` questions and `seconds` (0: no limit); a text that shares `near` of its words with
    another one is not new.
    """

    weakness: Annotated[str, Meta(min_length=1, max_length=600)]
    examples: Annotated[int, Meta(ge=0, le=8)] = 4
    answers: Answers = ()


class Rationale(Asking, frozen=True, kw_only=True, tag="rationale"):
    """Write a short reason `before` or `after` the answer of a `share` of the rows; the answer stays as it is.

    `joiner` stands between them and never in the reason: what follows the first one (`before`) or stands before the
    last one (`after`) is the answer. At most `calls` questions and `seconds` (0: no limit); other answers stay alone.
    """

    share: Fraction = 1.0
    place: Literal["before", "after"] = "before"
    joiner: Annotated[str, Meta(min_length=1, max_length=40)] = "\n"


AnyGeneration = Paraphrase | SelfInstruct | Generate | Rationale
