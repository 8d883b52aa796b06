"""Field conventions become prompt and answer; what cannot is left out or refused, never made up."""

from __future__ import annotations

import json

import pytest

from engine.aidp.layouts import Layout, converter
from engine.errors import IdeaFailure

TALK = [("system", "Be kind."), ("user", "Hi"), ("assistant", "Hello"), ("user", "Bye"), ("assistant", "See you")]


@pytest.mark.parametrize(
    ("row", "pair"),
    [
        ({"prompt": "p", "answer": "a"}, ("p", "a")),
        ({"prompt": "p", "completion": "c"}, ("p", "c")),
        ({"instruction": "i", "input": "x", "output": "o"}, ("i\n\nx", "o")),
        ({"instruction": "i", "input": "", "output": "o"}, ("i", "o")),
        ({"instruction": "i", "output": ""}, None),
        (
            {"messages": json.dumps([{"role": who, "content": text} for who, text in TALK])},
            ("Be kind.\n\nHi\n\nHello\n\nBye", "See you"),
        ),
        (
            {"conversations": json.dumps([{"from": "human", "value": "Hi"}, {"from": "gpt", "value": "Yo"}])},
            ("Hi", "Yo"),
        ),
        ({"conversations": json.dumps([{"from": "gpt", "value": "alone"}])}, None),
        ({"conversations": "not json"}, None),
        ({"messages": json.dumps([{"role": "assistant", "content": [1]}])}, None),
    ],
)
def test_auto_finds_the_layout(row: dict[str, str], pair: tuple[str, str] | None) -> None:
    assert converter("auto", list(row), None, "x")(row) == pair


def test_the_task_s_own_columns_come_first() -> None:
    convert = converter("auto", ["prompt", "answer", "text"], ("Q: {text}", " {answer}"), "x")
    assert convert({"prompt": "p", "answer": "a", "text": "t"}) == ("Q: t", " a")
    assert convert({"prompt": "p", "answer": "a", "text": " "}) is None


@pytest.mark.parametrize("layout", ["auto", "alpaca"])
def test_columns_that_fit_nothing_are_refused(layout: Layout) -> None:
    with pytest.raises(IdeaFailure, match="columns"):
        converter(layout, ["a", "b"], None, "x")
