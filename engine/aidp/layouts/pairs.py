"""Layouts whose prompt and answer are columns of text: prompt and answer, prompt and completion, Alpaca, a context."""

from __future__ import annotations

from collections.abc import Sequence

from engine.aidp.layouts.dialogues import said, spoken
from engine.aidp.layouts.kinds import LABEL, Columns, Fit, Options, Pair, Talk, Turn, decoded, named, pair, share
from engine.aidp.naming import is_result

PROMPTS = ("prompt", "question", "query", "instruction", "input", "problem", "article", "document")
ANSWERS = ("answer", "response", "output", "completion", "solution", "target", "reply", "summary", "highlights")
CONTEXTS = ("context", "passage", "paragraph", "background")
QUESTIONS = ("question", "query")
SYSTEMS = ("system", "system_prompt")


def result(columns: Sequence[str], _sample: Sequence[Columns], _options: Options) -> Fit | None:
    """Its rows are ready."""
    if not is_result(columns):
        return None
    return Fit(lambda row: pair(row["prompt"], row["answer"]), "a result of TREX, its rows as they are")


def prompt_answer(columns: Sequence[str], sample: Sequence[Columns], _options: Options) -> Fit | None:
    """Two columns of these very names."""
    return _two("prompt", "answer", sample) if {"prompt", "answer"} <= set(columns) else None


def two_columns(columns: Sequence[str], sample: Sequence[Columns], _options: Options) -> Fit | None:
    """Two columns of usual names: `question` and `response`."""
    prompt = named(columns, PROMPTS)
    answer = named([column for column in columns if column != prompt], ANSWERS)
    return _two(prompt, answer, sample) if prompt and answer else None


def _two(prompt: str, answer: str, sample: Sequence[Columns]) -> Fit:
    """Answers that are lists of short texts, as those with several labels are, become one text each."""
    reason = f"`{prompt}` is the prompt, `{answer}` the answer"
    if not sample or share(sample, answer, lambda value: bool(_listed(value))) < 0.9:
        return Fit(lambda row: pair(row[prompt], row[answer]), reason)

    def convert(row: Columns) -> Pair | str:
        return pair(row[prompt], "; ".join(_listed(row[answer])) or row[answer])

    return Fit(convert, f"{reason}, a list whose parts are joined by semicolons")


def _listed(value: str | None) -> list[str]:
    """The labels of a list of them; none where it is something else."""
    found = decoded(value)
    fits = isinstance(found, list) and all(isinstance(item, str) and len(item) <= LABEL for item in found)
    return found if fits else []


def prompt_completion(columns: Sequence[str], _sample: Sequence[Columns], _options: Options) -> Fit | None:
    """trl's: both are texts, or both are messages."""
    if not {"prompt", "completion"} <= set(columns):
        return None

    def convert(row: Columns) -> Pair | str:
        before, after = said(decoded(row["prompt"])), said(decoded(row["completion"]))
        if isinstance(before, str) or isinstance(after, str):
            return pair(row["prompt"], row["completion"])
        return spoken([*before, *after])

    return Fit(convert, "`prompt` and `completion`")


def alpaca(columns: Sequence[str], _sample: Sequence[Columns], _options: Options) -> Fit | None:
    """Instruction, an input that may be missing, output; earlier turns in `history`, a `system` text before all."""
    answer = named(columns, ("output", "response"))
    if "instruction" not in columns or not answer:
        return None
    system = named(columns, SYSTEMS)

    def convert(row: Columns) -> Pair | str:
        turns = _turns(row.get("history"))
        if turns is None:
            return "`history` holds no pairs of texts"
        question = [part for part in (row["instruction"], row.get("input")) if part and part.strip()]
        if not question:
            return "the prompt is empty"
        if not (row[answer] or "").strip():
            return "the answer is empty"
        first = Turn("system", row.get(system) or "")
        before = [turn for turn in (first, *turns) if turn.text.strip()]
        return Talk([*before, Turn("user", "\n\n".join(question))], row[answer] or "")

    others = [f"`{column}`" for column in ("input", "history", system) if column in columns]
    return Fit(convert, f"`instruction`{''.join(', ' + other for other in others)} and `{answer}`")


def _turns(history: str | None) -> list[Turn] | None:
    if not history or not history.strip():
        return []
    turns = decoded(history)
    if not isinstance(turns, list) or not all(isinstance(turn, list) for turn in turns):
        return None
    if not all(isinstance(text, str) for turn in turns for text in turn):
        return None
    return [Turn(("user", "assistant")[at % 2], text) for turn in turns for at, text in enumerate(turn)]


def question_with_context(columns: Sequence[str], _sample: Sequence[Columns], _options: Options) -> Fit | None:
    """SQuAD's: a passage, a question about it, and one or more answers, of which the first is taken."""
    context, question = named(columns, CONTEXTS), named(columns, QUESTIONS)
    answers = named(columns, ("answers", "answer", "answer_text"))
    if not (context and question and answers):
        return None

    def convert(row: Columns) -> Pair | str:
        if not (row[question] or "").strip():
            return "the question is empty"
        answer = _first(row[answers])
        given = [part for part in (row[context], row[question]) if part and part.strip()]
        return pair("\n\n".join(given), answer) if answer else "no answer stands in the passage"

    return Fit(convert, f"`{question}` is asked of `{context}`; the first of `{answers}` is the answer")


def _first(answers: str | None) -> str:
    """Of {"text": [...]}, a list of texts or of {"text": ...}, or the text itself."""
    value = decoded(answers)
    if isinstance(value, dict):
        value = value.get("text")
    while isinstance(value, list):
        value = next((item for item in value if item), "")
    if isinstance(value, dict):
        value = value.get("text")
    if value is None and decoded(answers) is None:
        return answers or ""
    return value if isinstance(value, str) else ""
