"""Field conventions become prompt and answer, for a reason that is said; a row that has none has a reason too."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from engine.aidp.kinds.loading import Layout
from engine.aidp.layouts import Options, converter, detect
from engine.errors import IdeaFailure

TALK = [("system", "Be kind."), ("user", "Hi"), ("assistant", "Hello"), ("user", "Bye"), ("assistant", "See you")]
SAID = "Be kind.\n\nHi\n\nHello\n\nBye"
MESSAGES = [{"role": who, "content": text} for who, text in TALK]
SPOKEN = [{"from": {"user": "human", "assistant": "gpt"}.get(who, who), "value": text} for who, text in TALK]
LIST = "\n\nA. red\nB. blue\nC. green"


def text(row: dict[str, Any]) -> dict[str, str | None]:
    """The row as the readers give it."""
    return {name: value if isinstance(value, str | None) else json.dumps(value) for name, value in row.items()}


def convert(
    layout: Layout, rows: list[dict[str, Any]], options: Options | None = None, template: Any = None
) -> list[tuple[str, str] | str]:
    sample = [text(row) for row in rows]
    found, _ = converter(layout, list(sample[0]), sample, template, options=options)
    return [found(row) for row in sample]


PUBLIC: list[tuple[Layout, dict[str, Any], tuple[str, str]]] = [
    ("prompt_answer", {"prompt": "p", "answer": "a"}, ("p", "a")),
    ("prompt_answer", {"id": 1, "prompt": "p", "answer": ["x", "y z"], "meta": {"a": 1}}, ("p", "x; y z")),
    ("prompt_answer", {"question": "2+2?", "answer": "4"}, ("2+2?", "4")),
    ("prompt_answer", {"Query": "q", "Response": "r"}, ("q", "r")),
    ("prompt_completion", {"prompt": "p", "completion": "c"}, ("p", "c")),
    ("prompt_completion", {"prompt": MESSAGES[:4], "completion": MESSAGES[4:]}, (SAID, "See you")),
    ("alpaca", {"instruction": "i", "input": "x", "output": "o"}, ("i\n\nx", "o")),
    ("alpaca", {"instruction": "i", "input": "", "output": "o"}, ("i", "o")),
    (
        "alpaca",
        {"system": "s", "instruction": "i", "input": "x", "output": "o", "history": [["a", "b"], ["c", "d"]]},
        ("s\n\na\n\nb\n\nc\n\nd\n\ni\n\nx", "o"),
    ),
    ("alpaca", {"instruction": "i", "output": "o", "history": None}, ("i", "o")),
    ("messages", {"messages": MESSAGES}, (SAID, "See you")),
    ("messages", {"system": "Be kind.", "messages": MESSAGES[1:]}, (SAID, "See you")),
    ("messages", {"conversation": [MESSAGES[1], MESSAGES[2]], "model": "x"}, ("Hi", "Hello")),
    (
        "messages",
        {"messages": [{"role": "user", "content": [{"type": "text", "text": "Hi"}]}, MESSAGES[2]]},
        ("Hi", "Hello"),
    ),
    ("sharegpt", {"id": "1", "conversations": SPOKEN}, (SAID, "See you")),
    ("sharegpt", {"conversations": SPOKEN[1:3], "system": "Be kind."}, ("Be kind.\n\nHi", "Hello")),
    ("preference", {"prompt": "p", "chosen": "good", "rejected": "bad"}, ("p", "good")),
    ("preference", {"prompt": "Hi", "chosen": MESSAGES[1:3], "rejected": MESSAGES[1:3]}, ("Hi", "Hello")),
    ("preference", {"chosen": "\n\nHuman: Hi\n\nAssistant: Yo", "rejected": "x"}, ("Human: Hi", "Yo")),
    (
        "preference",
        {"conversations": SPOKEN[1:2], "chosen": {"from": "gpt", "value": "Yo"}, "rejected": {"from": "gpt"}},
        ("Hi", "Yo"),
    ),
    ("preference", {"system": "s", "question": "q", "chosen": "good", "rejected": "bad"}, ("s\n\nq", "good")),
    ("multiple_choice", {"question": "q", "choices": ["red", "blue", "green"], "answer": 0}, (f"q{LIST}", "A")),
    (
        "multiple_choice",
        {
            "id": "x",
            "question": "q",
            "choices": {"text": ["red", "blue", "green"], "label": ["1", "2", "3"]},
            "answerKey": "3",
        },
        (f"q{LIST}", "C"),
    ),
    ("multiple_choice", {"question": "q", "A": "red", "B": "blue", "C": "green", "answer": "A"}, (f"q{LIST}", "A")),
    (
        "multiple_choice",
        {"question": "q", "options": {"A": "red", "B": "blue", "C": "green"}, "answer_idx": "B", "answer": "blue"},
        (f"q{LIST}", "B"),
    ),
    ("multiple_choice", {"question": "q", "choices": ["red", "blue", "green"], "answer": "Green"}, (f"q{LIST}", "C")),
    ("multiple_choice", {"ctx": "q", "endings": ["red", "blue", "green"], "label": "0"}, (f"q{LIST}", "A")),
    (
        "multiple_choice",
        {"sentence": "q", "option1": "red", "option2": "blue", "answer": "2"},
        ("q\n\nA. red\nB. blue", "B"),
    ),
    ("question_context", {"context": "c", "question": "q", "answers": {"text": ["a", "b"]}}, ("c\n\nq", "a")),
    ("question_context", {"passage": "c", "question": "q", "answer": "a"}, ("c\n\nq", "a")),
    ("question_context", {"context": "c", "question": "q", "answers": [{"text": "a"}]}, ("c\n\nq", "a")),
    ("classification", {"text": "t", "label": "good"}, ("t", "good")),
    ("classification", {"idx": 1, "sentence": "t", "label": 1}, ("t", "1")),
    ("classification", {"premise": "a", "hypothesis": "b", "label": "0"}, ("premise: a\nhypothesis: b", "0")),
    ("classification", {"text": "t", "labels": ["x", "y"]}, ("t", "x; y")),
    (
        "extraction",
        {"text": "Ann lives in Rome", "label": [[0, 3, "PER"], [13, 17, "LOC"]]},
        ("Ann lives in Rome", '[{"text": "Ann", "label": "PER"}, {"text": "Rome", "label": "LOC"}]'),
    ),
    (
        "extraction",
        {"text": "Ann lives", "entities": [{"start": 0, "end": 3, "label": "PER"}]},
        ("Ann lives", '[{"text": "Ann", "label": "PER"}]'),
    ),
    (
        "extraction",
        {"text": "Ann lives", "entities": [{"start_offset": 4, "end_offset": 9, "label": "V"}]},
        ("Ann lives", '[{"text": "lives", "label": "V"}]'),
    ),
    ("extraction", {"text": "t", "entities": [{"text": "t", "type": "X"}]}, ("t", '[{"text": "t", "type": "X"}]')),
    ("extraction", {"text": "t", "answer": {"name": "Ann"}}, ("t", '{"name": "Ann"}')),
    (
        "extraction",
        {"tokens": ["Ann", "Lee", "is", "in", "Rome"], "ner_tags": ["B-PER", "I-PER", "O", "O", "B-LOC"]},
        ("Ann Lee is in Rome", '[{"text": "Ann Lee", "label": "PER"}, {"text": "Rome", "label": "LOC"}]'),
    ),
]


@pytest.mark.parametrize(("layout", "row", "pair"), PUBLIC, ids=[f"{n}-{row[0]}" for n, row in enumerate(PUBLIC)])
def test_auto_finds_the_layout_and_says_why(layout: Layout, row: dict[str, Any], pair: tuple[str, str]) -> None:
    assert convert("auto", [row]) == [pair]
    found = detect(list(row), [text(row)])
    assert found.layout == layout and found.sure
    assert found.reason.startswith(f"{layout}: `") and "1 of 1 rows" in found.reason
    assert convert(layout, [row]) == [pair], "the same where the layout is named"


REFUSED: list[tuple[Layout, dict[str, Any], str]] = [
    ("alpaca", {"instruction": " ", "input": "", "output": "o"}, "the prompt is empty"),
    ("alpaca", {"instruction": "i", "output": ""}, "the answer is empty"),
    ("alpaca", {"instruction": "i", "output": "o", "history": "before"}, "`history` holds no pairs of texts"),
    ("messages", {"messages": "not json"}, "no list of turns"),
    ("messages", {"messages": [{"role": "user", "content": "alone"}]}, "nobody answers"),
    ("messages", {"messages": [{"role": "user", "content": [{"type": "image"}]}, MESSAGES[2]]}, "a turn is not text"),
    ("messages", {"messages": [{"content": "x"}]}, "a turn does not say whose it is"),
    ("sharegpt", {"conversations": [{"from": "gpt", "value": "alone"}]}, "nobody answers"),
    ("preference", {"chosen": "good", "rejected": "bad"}, "no prompt stands before the answer"),
    (
        "multiple_choice",
        {"question": "q", "choices": ["a", "b"], "answer": "7"},
        "`answer` names none of the 2 choices",
    ),
    ("multiple_choice", {"question": "q", "choices": ["a"], "answer": 0}, "no choices in it"),
    ("question_context", {"context": "c", "question": "q", "answers": {"text": []}}, "no answer stands in the passage"),
    ("classification", {"text": "", "label": "x"}, "the prompt is empty"),
    (
        "extraction",
        {"text": "t", "entities": [{"start": 0, "end": 9, "label": "X"}]},
        "a span lies outside of the text",
    ),
    ("extraction", {"text": "t", "entities": "[0, 1]"}, "what stands there are no spans"),
    ("extraction", {"tokens": ["a"], "ner_tags": [3]}, "the tags are numbers: give their names in `labels`"),
    ("extraction", {"tokens": ["a"], "ner_tags": []}, "not as many tags as words"),
]


@pytest.mark.parametrize(("layout", "row", "reason"), REFUSED, ids=[row[2] for row in REFUSED])
def test_a_row_without_a_pair_has_its_own_reason(layout: Layout, row: dict[str, Any], reason: str) -> None:
    good = [text(given) for name, given, _ in PUBLIC if name == layout and set(row) == set(given)]
    found, _ = converter(layout, list(row), good[:1])
    assert found(text(row)) == reason


CALLS: list[tuple[list[dict[str, Any]], tuple[str, str] | str]] = [
    (
        [
            MESSAGES[1],
            {"role": "assistant", "content": None, "tool_calls": [{}]},
            {"role": "tool", "content": "42"},
            MESSAGES[4],
        ],
        ("Hi\n\n42", "See you"),
    ),
    ([MESSAGES[1], {"role": "assistant", "tool_calls": [{}]}, MESSAGES[2]], ("Hi", "Hello")),
    ([MESSAGES[1], {"role": "assistant", "content": None}], "its last answer has no text"),
    ([MESSAGES[1], MESSAGES[2], {"role": "assistant", "content": ""}], "its last answer has no text"),
    ([{"role": "user", "content": None}, MESSAGES[2]], "the prompt is empty"),
]


@pytest.mark.parametrize(("turns", "pair"), CALLS)
def test_turns_without_a_text_are_left_out(turns: list[dict[str, Any]], pair: tuple[str, str] | str) -> None:
    assert convert("messages", [{"messages": MESSAGES}, {"messages": turns}])[1] == pair


def test_a_layout_that_fits_and_gives_no_pair_is_named_with_the_reason() -> None:
    rows = [{"messages": [MESSAGES[1], {"role": "assistant", "content": None}]}] * 3
    said = "none of the 3 rows looked at gives a pair as `messages`: its last answer has no text"
    assert detect(["messages"], [text(row) for row in rows]) == (None, said, False)
    with pytest.raises(IdeaFailure, match=said) as failure:
        convert("auto", rows)
    assert "layouts known" not in str(failure.value)


def test_a_result_of_ours_is_known_by_its_columns_and_taken_as_it_is() -> None:
    row = {"id": "1", "prompt": "p", "answer": '["a", "b"]', "source_": "f", "parents": "[]", "made_by": "[]"}
    assert convert("auto", [{**row, "choices": ["a", "b"], "context": "c", "question": "q"}]) == [("p", '["a", "b"]')]
    found = detect(list(row), [row])
    assert found.layout == "prompt_answer" and found.sure and "a result of TREX" in found.reason


def test_a_text_and_its_label_are_told_by_the_values() -> None:
    columns = ["text", "label"]
    labels = [{"text": f"row {n}", "label": "good" if n % 2 else "bad"} for n in range(40)]
    spans = [{"text": f"row {n}", "label": json.dumps([[0, 3, "X"]] if n % 2 else [])} for n in range(40)]
    assert detect(columns, labels)[::2] == ("classification", True)
    assert detect(columns, spans)[::2] == ("extraction", True)
    assert "bad, good" in detect(columns, labels).reason


def test_numbers_of_choices_are_counted_from_where_the_file_counts() -> None:
    def rows(numbers: list[int]) -> list[dict[str, Any]]:
        return [{"question": "q", "choices": ["7", "8", "9"], "answer": n} for n in numbers]

    assert [answer[-1] for answer in convert("auto", rows([0, 1, 2]))] == ["A", "B", "C"]
    assert [answer[-1] for answer in convert("auto", rows([1, 2, 3]))] == ["A", "B", "C"]
    assert [answer[-1] for answer in convert("auto", rows([7, 8, 9]))] == ["A", "B", "C"]
    unclear = detect(["question", "choices", "answer"], [text(row) for row in rows([1, 2])])
    assert (unclear.layout, unclear.sure) == ("multiple_choice", False)
    assert "from 1" in converter("auto", ["question", "choices", "answer"], [text(r) for r in rows([1, 3])])[1]


def test_a_choice_is_answered_by_its_letter_or_its_text() -> None:
    row = {"question": "q", "choices": ["red", "blue"], "answer": "B"}
    assert convert("auto", [row], Options(choice="text")) == [("q\n\nA. red\nB. blue", "blue")]


def test_labels_get_the_names_that_the_recipe_gives() -> None:
    rows = [{"text": "t", "label": n} for n in (0, 1, 2)]
    names = {"0": "bad", "1": "good"}
    assert convert("auto", rows, Options(labels=names)) == [("t", "bad"), ("t", "good"), "`labels` has no name for '2'"]
    tags = {"0": "O", "1": "B-PER"}
    (found,) = convert("auto", [{"tokens": ["Ann", "is"], "ner_tags": [1, 0]}], Options(labels=tags))
    assert found[1] == '[{"text": "Ann", "label": "PER"}]'
    assert "they are numbers" in detect(["text", "label"], [text(row) for row in rows]).reason


def test_columns_of_unknown_names_are_told_by_their_values_and_that_is_not_sure() -> None:
    rows = [{"bewertung": ("gut", "schlecht")[n % 2], "satz": f"ein langer Satz {n}"} for n in range(40)]
    found = detect(["bewertung", "satz"], rows)
    assert (found.layout, found.sure) == ("classification", False)
    assert convert("auto", rows)[1] == ("ein langer Satz 1", "schlecht")
    assert detect(["x", "y"], [{"x": f"a{n}", "y": f"b{n}"} for n in range(40)]).layout is None


def test_a_layout_that_loses_many_rows_is_not_sure() -> None:
    rows = [{"instruction": f"i{n}", "output": "" if n % 2 else "o"} for n in range(20)]
    found = detect(["instruction", "output"], rows)
    assert (found.layout, found.sure) == ("alpaca", False) and "10 of 20 rows" in found.reason


def test_the_task_s_own_columns_come_first() -> None:
    template = ("Q: {text}", " {answer}")
    rows = [{"prompt": "p", "answer": "a", "text": "t"}, {"prompt": "p", "answer": "a", "text": " "}]
    assert convert("auto", rows, template=template) == [("Q: t", " a"), "`text` is empty"]


@pytest.mark.parametrize("layout", ["auto", "alpaca", "sharegpt", "multiple_choice"])
def test_columns_that_fit_nothing_are_refused(layout: Layout) -> None:
    with pytest.raises(IdeaFailure, match=r"columns.*there are a, b|fits the columns a, b"):
        converter(layout, ["a", "b"])


ANY = st.dictionaries(
    st.sampled_from(["text", "label", "messages", "choices", "question", "answer", "entities", "context", "A", "B"]),
    st.one_of(
        st.none(),
        st.text(max_size=8),
        st.recursive(
            st.none() | st.integers(0, 9) | st.text(max_size=3) | st.booleans(),
            lambda inner: (
                st.lists(inner, max_size=3)
                | st.dictionaries(
                    st.sampled_from(["role", "content", "start", "end", "label", "text"]), inner, max_size=3
                )
            ),
            max_leaves=6,
        ).map(json.dumps),
    ),
    min_size=1,
)


@given(st.lists(ANY, min_size=1, max_size=4), st.data())
def test_no_value_breaks_a_layout(rows: list[dict[str, str | None]], data: st.DataObject) -> None:
    columns = sorted({name for row in rows for name in row})
    whole = [{name: row.get(name) for name in columns} for row in rows]
    sample = whole[: data.draw(st.integers(0, len(whole)))]
    if detect(columns, sample).layout is None:
        return
    found, why = converter("auto", columns, sample)
    for row in whole:
        pair = found(row)
        assert isinstance(pair, str) or all(part.strip() for part in pair)
        assert pair and why
