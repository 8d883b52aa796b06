"""Filters against plain counts: what stays, why the rest went, and what a hostile pattern may do."""

from __future__ import annotations

import random
from collections import Counter
from typing import Any

import msgspec
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from engine.aidp.context import Context, silent
from engine.aidp.operators import APPLY
from engine.aidp.operators.filters import alphanumeric
from engine.aidp.operators.filters_text import letters, repeated_lines, repeated_words
from engine.aidp.operators.label_noise import assigned, doubts
from engine.aidp.operators.parts import own_text
from engine.aidp.operators.patterns import Matcher
from engine.aidp.recipe import (
    AnyOperator,
    FilterAlphanumeric,
    FilterField,
    FilterLabelNoise,
    FilterLanguage,
    FilterLoss,
    FilterRegex,
    FilterRepetition,
    FilterTokens,
    Recipe,
)
from engine.aidp.rows import dataset
from engine.aidp.services import Services
from engine.errors import BadInput, IdeaFailure
from engine.strict import convert
from tests.aidp.measures import LengthLosses, WordTokens

ENGLISH = "the court found that the contract between the two companies had never been signed"
FRENCH = "le tribunal a jugé que le contrat entre les deux sociétés n'avait jamais été signé"
CHINESE = "法院认为两家公司之间的合同从未签署，因此不具有法律效力"


class LetterVectors:
    """A text's meaning is how often it has each letter."""

    name = "letters"

    def embed(self, texts: Any) -> Any:
        counts = np.array([[text.count(letter) + 0.1 for letter in "abcdefgh"] for text in texts], dtype=np.float32)
        return counts / np.linalg.norm(counts, axis=1, keepdims=True)


SERVICES = Services(tokens=WordTokens, losses=LengthLosses, embedder=LetterVectors)


def kept(operator: AnyOperator, *pairs: tuple[str, str], **more: Any) -> list[str]:
    """The ids (places) of the rows that stay."""
    rows = dataset({"id": str(at), "prompt": prompt, "answer": answer} for at, (prompt, answer) in enumerate(pairs))
    context = Context(rng=random.Random(0), services=SERVICES, **more)
    return list(APPLY[type(operator)](rows, operator, context)["id"])


def why(operator: AnyOperator, prompt: str, answer: str = "yes", **more: Any) -> str:
    """The reason for which a row goes; "" where it stays."""
    context = Context(rng=random.Random(0), services=SERVICES, **more)
    rows = dataset([{"id": "0", "prompt": prompt, "answer": answer}])
    left = APPLY[type(operator)](rows, operator, context)
    assert len(left) == (0 if context.notes.dropped else 1)
    return context.notes.dropped.get(0, "")


def test_tokens_are_counted_by_part() -> None:
    rows = [("a b c", "d"), ("a", "b c d e f"), ("a b", "")]
    assert kept(FilterTokens(max_tokens=4), *rows) == ["0", "2"]
    assert kept(FilterTokens(part="prompt", min_tokens=2), *rows) == ["0", "2"]
    assert kept(FilterTokens(part="answer", min_tokens=1, max_tokens=4), *rows) == ["0"]
    assert why(FilterTokens(max_tokens=3), "a b c", "d") == "4 tokens, more than 3"


def test_language_is_named() -> None:
    english = FilterLanguage(keep=("en",))
    assert kept(english, (ENGLISH, ""), (FRENCH, ""), (CHINESE, "")) == ["0"]
    assert kept(FilterLanguage(keep=("fr", "zh")), (ENGLISH, ""), (FRENCH, ""), (CHINESE, "")) == ["1", "2"]
    assert kept(FilterLanguage(keep=("zh",), part="answer"), (ENGLISH, CHINESE), (CHINESE, ENGLISH)) == ["0"]
    assert why(english, FRENCH) == "its language is `fr`"
    assert why(FilterLanguage(keep=("zh",)), "刑期:四十二个月，并处罚金") == "", "not Wu Chinese"


def test_a_short_text_has_no_language() -> None:
    assert why(FilterLanguage(keep=("zh",)), "so good") == ""
    assert "6 letters, too short" in why(FilterLanguage(keep=("en",), short="drop"), "so good")
    assert letters("so good!") == 6 and letters("好电影") == 9 and letters("été 12") == 3


def test_an_unknown_language_is_named_with_those_near_it() -> None:
    with pytest.raises(IdeaFailure, match="no language `xx`; near: "):
        kept(FilterLanguage(keep=("en", "xx")), (ENGLISH, ""))


def test_fixed_wording_does_not_count() -> None:
    template = (
        "In which case was this written? Answer in English, please, and with one word.\n\n{text}\n\nCase:",
        "{label}",
    )
    prompt = template[0].replace("{text}", CHINESE[:14])
    assert why(FilterLanguage(keep=("zh",)), prompt) != ""
    assert why(FilterLanguage(keep=("zh",)), prompt, template=template) == ""
    assert why(FilterLanguage(keep=("en",)), ENGLISH, template=template) == "", "another wording: judged whole"


@given(st.lists(st.text("ab.{}", max_size=4), min_size=1, max_size=3))
@settings(deadline=None)
def test_the_fields_come_out_of_the_wording(fields: list[str]) -> None:
    names = [f"f{at}" for at in range(len(fields))]
    template = "{{Start}} " + " | ".join(f"{{{name}}}" for name in names) + " end"
    prompt = "{Start} " + " | ".join(fields) + " end"
    own = own_text(Context(rng=random.Random(0), template=(template, "")))
    assert own(prompt) == "\n".join(fields)
    assert own(prompt + "!") == prompt + "!"


@given(st.lists(st.sampled_from("ab"), max_size=30), st.integers(1, 4))
@settings(deadline=None)
def test_repeated_words_by_the_definition(words: list[str], size: int) -> None:
    grams = [tuple(words[at : at + size]) for at in range(len(words) - size + 1)]
    covered = {at + step for at, gram in enumerate(grams) if gram in grams[:at] for step in range(size)}
    assert repeated_words(words, size) == pytest.approx(len(covered) / len(words) if words else 0.0)


@given(st.lists(st.sampled_from(["a", " a", "b", "", "c "]), max_size=12))
@settings(deadline=None)
def test_repeated_lines_by_the_definition(lines: list[str]) -> None:
    written = [line.strip() for line in lines if line.strip()]
    again = sum(line in written[:at] for at, line in enumerate(written))
    assert repeated_lines("\n".join(lines)) == pytest.approx(again / len(written) if written else 0.0)


def test_repetition_says_what_repeats() -> None:
    plain = "a film about people who meet by chance on a train and never talk again"
    assert why(FilterRepetition(), plain) == ""
    assert "stand in runs of 5 that came before" in why(FilterRepetition(), " ".join([plain] * 3))
    assert "of its lines came before" in why(FilterRepetition(), "one\ntwo\none\none")
    assert "characters are the same" in why(FilterRepetition(), "a" * 12 + "bcdefghijk")
    assert why(FilterRepetition(), "aaaa") == "", "too short to say"
    assert "in runs of 10" in why(FilterRepetition(), "法院认为合同从未签署" * 2)
    assert why(FilterRepetition(), "法院认为合同从未签署，甲公司不服，于是法院认为合同应当签署") == ""


@given(st.text(max_size=40))
@settings(deadline=None)
def test_alphanumeric_is_a_share(text: str) -> None:
    assert 0.0 <= alphanumeric(text) <= 1.0
    assert alphanumeric(text) == alphanumeric(" ".join(text)), "white space does not count"


def test_letters_of_every_script_are_letters() -> None:
    for text in (ENGLISH.replace(" ", ""), "好电影", "한국어", "日本語テスト", "हिन्दी", "2024年"):
        assert alphanumeric(text) == 1.0, text
    assert alphanumeric("ab!?") == 0.5 and alphanumeric("好！") == 0.5 and alphanumeric(" ") == 0.0
    assert why(FilterAlphanumeric(), "?! a") == "letters and digits are 0.33 of it, less than 0.5"
    assert "more than 0.2" in why(FilterAlphanumeric(min_share=0.0, max_share=0.2), "abc")


def test_regex_keeps_or_drops_by_a_column() -> None:
    rows = [("one 1", "yes"), ("two", "no"), ("THREE 3", "yes")]
    assert kept(FilterRegex(pattern=r"\d"), *rows) == ["0", "2"]
    assert kept(FilterRegex(pattern=r"\d", matching="drop"), *rows) == ["1"]
    assert kept(FilterRegex(pattern="^t", ignore_case=True), *rows) == ["1", "2"]
    assert kept(FilterRegex(pattern="^no$", column="answer"), *rows) == ["1"]
    assert kept(FilterRegex(pattern="^[02]$", column="id"), *rows) == ["0", "2"]
    with pytest.raises(IdeaFailure, match=r"no column `label`; there are id, prompt, answer"):
        kept(FilterRegex(pattern="x", column="label"), *rows)


@pytest.mark.parametrize(
    ("pattern", "said"),
    [
        ("(a", "is not a pattern: missing )"),
        (r"\L<x>", "is not a pattern"),
        ("(" * 600 + ")" * 600, "is not a pattern"),
        ("((a{1000}){1000}){1000}", "repeats too much"),
        ("(((((a{99}){99}){99}){99}){99})", "repeats too much"),
    ],
)
def test_a_pattern_that_does_not_compile_is_one_sentence(pattern: str, said: str) -> None:
    with pytest.raises(IdeaFailure) as caught:
        Matcher(pattern)
    assert said in str(caught.value) and "\n" not in str(caught.value) and len(str(caught.value)) < 200


def test_a_pattern_that_explodes_is_stopped() -> None:
    with pytest.raises(IdeaFailure, match="takes too long to search"):
        kept(FilterRegex(pattern=r"(?R)"), ("word", ""))
    with pytest.raises(IdeaFailure, match="takes too long to search"):
        kept(FilterRegex(pattern=r"(\w)(.*)\1(.*)\2\3\d"), *[("abcdef " * 40, "")] * 500)


def test_many_texts_have_time_for_an_ordinary_pattern() -> None:
    matcher = Matcher(r"(\d+)\s+\w+\s+\1")
    assert sum(matcher(f"{at} films {at}") for at in range(20_000)) == 20_000


def test_field_works_on_any_column() -> None:
    rows = [("a", "yes"), ("b", "no"), ("c", "maybe")]
    assert kept(FilterField(column="answer", values=("yes", "maybe")), *rows) == ["0", "2"]
    assert kept(FilterField(column="answer", values=("yes",), matching="drop"), *rows) == ["1", "2"]
    assert kept(FilterField(column="made_by", values=("[]",)), *rows) == ["0", "1", "2"]
    assert "its answer is `no`" in why(FilterField(column="answer", values=("yes",)), "b", "no")
    with pytest.raises(IdeaFailure, match="no column `lang`; there are id, prompt"):
        kept(FilterField(column="lang", values=("en",)), *rows)


def test_losses_by_bounds_and_quantiles() -> None:
    rows = [("", "a" * size) for size in (1, 2, 3, 4, 5, 12)]
    assert kept(FilterLoss(), *rows) == ["0", "1", "2", "3", "4"], "what cannot be read goes"
    assert kept(FilterLoss(min_loss=2.0, max_loss=4.0), *rows) == ["1", "2", "3"]
    assert kept(FilterLoss(to_quantile=0.5), *rows) == ["0", "1", "2"]
    assert kept(FilterLoss(from_quantile=0.25, max_loss=4.0), *rows) == ["1", "2", "3"]
    assert why(FilterLoss(min_loss=3.5), "", "aaa") == "loss 3.000, less than 3.500"
    assert "longer than the base model reads" in why(FilterLoss(), "", "a" * 12)


def test_the_loss_becomes_a_column_once() -> None:
    rows = dataset([{"id": "0", "prompt": "", "answer": "aa"}, {"id": "1", "prompt": "", "answer": "a"}])
    context = Context(rng=random.Random(0), services=SERVICES)
    once = APPLY[FilterLoss](rows, FilterLoss(), context)
    twice = APPLY[FilterLoss](once, FilterLoss(min_loss=1.5), context)
    assert once["loss"][:] == [2.0, 1.0] and twice.column_names.count("loss") == 1 and twice["loss"][:] == [2.0]


def mislabelled(count: int, wrong: int, labels: int = 2) -> tuple[list[tuple[str, str]], set[str]]:
    """Rows whose label follows from one word, and the ids of those that were given another label."""
    rng = random.Random(5)
    pairs = []
    for at in range(count):
        label = at % labels
        words = [f"word{label}", f"again{label}", *rng.choices(["film", "plot", "scene", "music"], k=2), str(at)]
        pairs.append((" ".join(words), f"label{label if at >= wrong else (label + 1) % labels}"))
    return pairs, {str(at) for at in range(wrong)}


@pytest.mark.parametrize("labels", [2, 5])
def test_planted_wrong_labels_are_found(labels: int) -> None:
    pairs, wrong = mislabelled(400, 20, labels)
    gone = {str(at) for at in range(len(pairs))} - set(kept(FilterLabelNoise(max_probability=0.2), *pairs))
    assert gone == wrong


def test_a_reason_names_both_labels() -> None:
    pairs, _ = mislabelled(300, 10)
    rows = dataset({"id": str(at), "prompt": prompt, "answer": answer} for at, (prompt, answer) in enumerate(pairs))
    context = Context(rng=random.Random(0), services=SERVICES)
    APPLY[FilterLabelNoise](rows, FilterLabelNoise(max_probability=0.2), context)
    assert "`label1` has probability 0." in context.notes.dropped[0] and "`label0` 0." in context.notes.dropped[0]


def test_label_noise_does_not_depend_on_the_order_of_rows() -> None:
    pairs, _ = mislabelled(300, 15)
    places = list(range(300))
    random.Random(3).shuffle(places)
    one = set(kept(FilterLabelNoise(max_probability=0.2), *pairs))
    other = {str(places[int(at)]) for at in kept(FilterLabelNoise(max_probability=0.2), *[pairs[at] for at in places])}
    assert one == other


@pytest.mark.parametrize("answers", [["same"] * 60, [f"answer {at}" for at in range(60)]])
def test_label_noise_is_for_labels(answers: list[str]) -> None:
    with pytest.raises(IdeaFailure, match="2 to 50 different answers; here are"):
        kept(FilterLabelNoise(), *[(f"word {at}", answer) for at, answer in enumerate(answers)])


def test_rare_labels_cannot_be_judged_and_stay() -> None:
    pairs, _ = mislabelled(200, 0)
    pairs += [("word0 rare", "rare"), ("word1 rare", "rare")]
    prompts, labels = [prompt for prompt, _ in pairs], [answer for _, answer in pairs]
    found = doubts(prompts, LetterVectors().embed(prompts), labels, 5, silent)
    assert found[200:] == [None, None] and None not in found[:200]
    with pytest.raises(IdeaFailure, match="fewer than two answers have 5 different prompts"):
        kept(FilterLabelNoise(), ("a b", "yes"), ("a c", "no"))
    with pytest.raises(IdeaFailure, match="no two prompts have a word in common"):
        kept(FilterLabelNoise(folds=2), *[(f"w{at}", "yes" if at % 2 else "no") for at in range(20)])


@given(st.lists(st.tuples(st.sampled_from("abcdefgh"), st.sampled_from(["yes", "no"])), max_size=40), st.integers(2, 5))
@settings(deadline=None)
def test_folds_are_even_and_keep_copies_together(rows: list[tuple[str, str]], folds: int) -> None:
    fold = assigned([text for text, _ in rows], [label for _, label in rows], folds)
    of = dict(zip(rows, fold, strict=True))
    assert [of[row] for row in rows] == list(fold), "equal text and label, equal fold"
    for label in ("yes", "no"):
        sizes = Counter(number for (_, name), number in of.items() if name == label)
        if -1 in sizes:
            assert set(sizes) == {-1} and sizes[-1] < folds
        elif sizes:
            assert set(sizes) == set(range(folds)) and max(sizes.values()) - min(sizes.values()) <= 1


@pytest.mark.parametrize(
    "operator",
    [
        {"op": "filter_tokens", "min_tokens": 9, "max_tokens": 3},
        {"op": "filter_alphanumeric", "min_share": 0.9, "max_share": 0.1},
        {"op": "filter_loss", "from_quantile": 0.9, "to_quantile": 0.1},
        {"op": "filter_language", "keep": []},
        {"op": "filter_language", "keep": ["English"]},
        {"op": "filter_regex", "pattern": ""},
        {"op": "filter_field", "column": "a", "values": []},
    ],
)
def test_what_makes_no_sense_is_no_recipe(operator: dict[str, Any]) -> None:
    with pytest.raises(BadInput, match=r"operators\[0\]"):
        convert({"operators": [operator]}, Recipe, source="recipe.toml")


@settings(max_examples=30, deadline=None)
@given(st.lists(st.text(max_size=30), min_size=1, max_size=8))
def test_no_text_breaks_a_filter(prompts: list[str]) -> None:
    pairs = [(prompt.encode("utf-8", "ignore").decode(), "yes") for prompt in prompts]
    for operator in (FilterLanguage(keep=("en",)), FilterRepetition(), FilterAlphanumeric(), FilterRegex(pattern="a")):
        once = kept(operator, *pairs)
        assert kept(operator, *[pairs[int(at)] for at in once]) == [str(at) for at in range(len(once))]


def test_a_recipe_is_the_same_after_json() -> None:
    recipe = Recipe(operators=(FilterLanguage(keep=("en", "zh")), FilterField(column="a", values=("x",))))
    assert msgspec.json.decode(msgspec.json.encode(recipe), type=Recipe) == recipe
