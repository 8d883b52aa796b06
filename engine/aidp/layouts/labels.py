"""Layouts with a text and what is known of it: its class, or the spans and entities in it."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from typing import Any

from engine.aidp.layouts.kinds import LABEL, Columns, Fit, Options, Pair, decoded, named, pair, share

TEXTS = ("text", "sentence", "content", "review", "utterance", "comment", "tweet", "body", "prompt", "input")
TWO = (("premise", "hypothesis"), ("sentence1", "sentence2"), ("question1", "question2"), ("text1", "text2"))
LABELS = (
    *("label_text", "label_name", "label", "labels", "class", "category", "sentiment", "intent", "topic", "emotion"),
    *("stars", "rating", "target", "answer", "output"),
)
SURE = ("entities", "spans", "ner", "annotations", "relations", "slots")  # hold spans, whatever their values
SPANS = (*SURE, "label", "labels", "answer", "output")
PLACES = ("start", "end", "start_offset", "end_offset")
TAGS = ("ner_tags", "tags", "bio", "ner")
FEW = 5  # rows that share a label, on average, where a column has labels and nobody said so


def classification(columns: Sequence[str], sample: Sequence[Columns], options: Options) -> Fit | None:
    """A text, or two, and a label; a list of labels becomes one answer, parted by semicolons."""
    two = next((both for both in TWO if set(both) <= set(columns)), ())
    text = "" if two else named(columns, TEXTS)
    label = named([column for column in columns if column != text], LABELS)
    if not (two or text) or not label or share(sample, label, _is_label) < 0.9:
        return None
    prompt: Callable[[Columns], str] = (lambda row: _both(row, two)) if two else (lambda row: row[text] or "")
    shown = f"`{two[0]}` and `{two[1]}`" if two else f"`{text}`"
    return Fit(lambda row: _labelled(prompt(row), row[label], options), _reason(shown, label, sample, options))


def guessed(columns: Sequence[str], sample: Sequence[Columns], options: Options) -> Fit | None:
    """Two columns of unknown names, one of long texts and one of few short values: a text and its label."""
    if len(columns) != 2 or not sample:
        return None
    by_length = sorted(columns, key=lambda column: sum(len(row.get(column) or "") for row in sample))
    label, text = by_length
    values = [row.get(label) or "" for row in sample]
    if share(sample, label, _is_label) < 0.9 or len(set(values)) * FEW > len(values):
        return None
    reason = _reason(f"`{text}`", label, sample, options)
    return Fit(lambda row: _labelled(row[text] or "", row[label], options), reason, sure=False)


def _reason(text: str, label: str, sample: Sequence[Columns], options: Options) -> str:
    values = sorted({row.get(label) or "" for row in sample} - {""})
    some = ", ".join(values[:5]) + (", ..." if len(values) > 5 else "")
    numbers = bool(values) and all(value.lstrip("-").isdigit() for value in values) and not options.labels
    hint = "; they are numbers: `labels` would give them names" if numbers else ""
    return f"{text} is the text, `{label}` its label ({len(values)} in the rows looked at: {some}){hint}"


def _is_label(value: str) -> bool:
    found = decoded(value)
    if isinstance(found, list):
        return bool(found) and all(isinstance(item, str | int) for item in found)
    return not isinstance(found, dict) and len(value) <= LABEL and "\n" not in value.strip()


def _both(row: Columns, two: Sequence[str]) -> str:
    first, second = (row[column] or "" for column in two)
    return f"{two[0]}: {first}\n{two[1]}: {second}" if first.strip() and second.strip() else ""


def _labelled(text: str, label: str | None, options: Options) -> Pair | str:
    found = decoded(label)
    given = [str(item) for item in found] if isinstance(found, list) else [(label or "").strip()]
    if options.labels:
        unknown = next((value for value in given if value and value not in options.labels), "")
        if unknown:
            return f"`labels` has no name for {unknown[:LABEL]!r}"
        given = [options.labels.get(value, "") for value in given]
    return pair(text, "; ".join(given))


def extraction(columns: Sequence[str], sample: Sequence[Columns], options: Options) -> Fit | None:
    """A text and its spans, or its words and a tag for each; the answer is JSON: [{"text": ..., "label": ...}]."""
    if (words := named(columns, ("tokens", "words"))) and (tags := named(columns, TAGS)):
        convert: Callable[[Columns], Pair | str] = lambda row: _tagged(row[words], row[tags], options)  # noqa: E731
        return Fit(convert, f"`{tags}` tags each of `{words}`; the answer is JSON")
    text = named(columns, TEXTS)
    spans = next(
        (column for column in columns if column != text and column.casefold() in SPANS and _spans_in(sample, column)),
        "",
    )
    if not text or not spans:
        return None
    return Fit(lambda row: _extracted(row[text], row[spans]), f"`{spans}` holds spans of `{text}`; the answer is JSON")


def _spans_in(sample: Sequence[Columns], column: str) -> bool:
    """Whether what stands there is made of spans: lists of objects or of triples, or an object. Not in every row."""
    values = [value for row in sample if (value := row.get(column)) and value.strip() not in ("", "[]", "{}")]
    if not values:
        return column.casefold() in SURE
    return sum(_is_spans(decoded(value)) for value in values) >= 0.9 * len(values)


def _is_spans(value: Any) -> bool:
    if isinstance(value, dict):
        return True
    return isinstance(value, list) and all(
        isinstance(item, dict) or (isinstance(item, list) and len(item) >= 3) for item in value
    )


def _extracted(text: str | None, spans: str | None) -> Pair | str:
    value = decoded(spans)
    if not _is_spans(value):
        return "what stands there are no spans"
    if isinstance(value, dict):
        return pair(text, json.dumps(value, ensure_ascii=False))
    found = [_span(text or "", item) for item in value]
    if None in found:
        return "a span lies outside of the text"
    return pair(text, json.dumps(found, ensure_ascii=False))


def _span(text: str, span: Any) -> dict[str, Any] | None:
    """A span as {"text", "label"}: what an object says, its places replaced by the text there. None: outside."""
    if isinstance(span, list):
        span = dict(zip(("start", "end", "label"), span, strict=False))
    start, end = (span.get(name, span.get(f"{name}_offset")) for name in ("start", "end"))
    if not isinstance(start, int) or not isinstance(end, int):
        return dict(span)
    if not 0 <= start < end <= len(text):
        return None
    return {"text": text[start:end], **{key: value for key, value in span.items() if key not in PLACES}}


def _tagged(words: str | None, tags: str | None, options: Options) -> Pair | str:
    """Tags as B-PER, I-PER, O; numbers need their names in `labels`."""
    said, given = decoded(words), decoded(tags)
    if not isinstance(said, list) or not isinstance(given, list) or len(said) != len(given):
        return "not as many tags as words"
    names = [options.labels.get(str(tag), str(tag)) for tag in given]
    if any(name.isdigit() for name in names):
        return "the tags are numbers: give their names in `labels`"
    found: list[dict[str, str]] = []
    open_label = ""
    for word, name in zip(map(str, said), names, strict=True):
        start, _, label = name.partition("-")
        if start == "I" and label == open_label:
            found[-1]["text"] += f" {word}"
        elif label:
            found.append({"text": word, "label": label})
        open_label = label
    return pair(" ".join(map(str, said)), json.dumps(found, ensure_ascii=False))
