"""New rows, and reasons beside answers, written by the local language model.

The model is shown rows that overlap nothing held out, and asked for one text at a time. What it writes is checked: it
must be new, of a row's length and script, and must not give its answer away. What fails is counted and left out.
"""

from __future__ import annotations

import random
from collections.abc import Iterator, Sequence

from datasets import Dataset

from engine.aidp.context import Applies, Context
from engine.aidp.kinds import generation as kinds
from engine.aidp.services import Schema
from engine.aidp.text import words
from engine.aidp.writing import asking
from engine.aidp.writing.asking import Asker
from engine.aidp.writing.book import Book, replaced
from engine.aidp.writing.frames import Frame, names
from engine.errors import IdeaFailure
from engine.researcher.prompts import prompt

STYLES = (
    "with another structure of its sentences",
    "shorter, without losing anything that matters",
    "as somebody would say it aloud",
    "more formally",
    "more vividly",
    "in plain words",
    "from another angle",
    "with its parts in another order",
)
SHORTER, LONGER = 0.4, 2.5  # than the original, in words
POOL = 512  # rows that examples are drawn from
SHOWN = 2_400  # tokens of examples in one question, estimated: they must fit the model's context
NEW = 4  # written rows from which on one of the examples is one of them: the paper takes two of eight
REASON = asking.text(10, 240)


def paraphrase(rows: Dataset, op: kinds.Paraphrase, context: Context) -> Dataset:
    """All rows, then other wordings of some of them, the first one of each before any second one."""
    book = Book(rows, op.near, context)
    there = _having(book, op.answers, "paraphrase")
    wanted = min(op.rows, book.room("paraphrase"))
    chosen = sorted(context.rng.sample(there, min(wanted, _share(op.share, len(there)))))
    asker = _asker(op, context, planned=len(chosen) * op.each)
    chosen = [at for at in chosen if not asker.overlaps(book.text(at), book.prompts[at])]
    for turn, at in ((turn, at) for turn in range(op.each) for at in chosen):
        if len(book.made) == wanted or not asker.goes_on:
            break
        _say_otherwise(book, asker, at, turn)
    return _ended(book, asker, "in other words")


def _say_otherwise(book: Book, asker: Asker, at: int, turn: int) -> None:
    old, answer, frame = book.text(at), book.answers[at], book.frame(at)
    seed = asker.seed(book.ids[at], at, turn)
    asked = prompt("rows_paraphrase", style=STYLES[seed % len(STYLES)], text=old)
    tokens = 64 + len(old)
    found = asker.ask(asked, asking.record(text=asking.text()), seed=seed, tokens=tokens, around=frame.around)
    if found is None:
        return
    text, length = _lines_as_in(found["text"], old), len(words(old))
    if why := book.objection(text, answer, old, (SHORTER * length, LONGER * length), frame):
        asker.refuse(why, text)
    else:
        book.add(text, answer, (at,))


def self_instruct(rows: Dataset, op: kinds.SelfInstruct, context: Context) -> Dataset:
    """All rows, then new ones in the manner of some of them. From a few on, new ones are examples too."""
    book = Book(rows, op.near, context)
    wanted = min(op.rows, book.room("self_instruct"))
    asker = _asker(op, context)
    pool = _pool(book, asker, context.rng)
    while pool and len(book.made) < wanted and asker.goes_on:
        seed = asker.seed(asker.asked)
        drawn = _drawn(book, pool, op.examples, random.Random(seed))
        fields = asking.record(
            answer={"enum": list(book.labels)} if book.labels else asking.text(1), text=asking.text()
        )
        told = "Choose its answer first." if book.labels else "Write its answer first."
        asked = prompt(
            "rows_self_instruct",
            task=_task(book.frame(drawn[0])),
            examples=_rows(book, drawn),
            most=int(book.lengths[1]),
            wanted=told,
        )
        _write(book, asker, asked, fields, seed, drawn)
    return _ended(book, asker, "new, in the manner of other rows")


def generate(rows: Dataset, op: kinds.Generate, context: Context) -> Dataset:
    """All rows, then new ones for the weakness; as many for each answer where the answers are few."""
    book = Book(rows, op.near, context)
    wanted = min(op.rows, book.room("generate"))
    asker = _asker(op, context)
    if asker.overlaps(op.weakness):
        raise IdeaFailure("the weakness quotes a held-out row", hint="describe it in other words")
    if op.answers:
        _having(book, op.answers, "generate")
    pool = _pool(book, asker, context.rng)
    turns = _in_turn(op.answers or book.labels, wanted, book)
    while pool and len(book.made) < wanted and asker.goes_on:
        answer = next(turns)
        seed = asker.seed(asker.asked)
        drawn = _drawn(book, pool, max(1, op.examples), random.Random(seed))
        fields = asking.record(text=asking.text(), **({} if answer else {"answer": asking.text(1)}))
        told = f"Its right answer must be: {answer}." if answer else ""
        shown = _rows(book, drawn) if op.examples else ""
        asked = prompt(
            "rows_generate",
            task=_task(book.frame(drawn[0])),
            weakness=op.weakness,
            examples=shown,
            most=int(book.lengths[1]),
            wanted=told,
        )
        _write(book, asker, asked, fields, seed, drawn, answer)
    return _ended(book, asker, f"new, for: {op.weakness}")


def _write(
    book: Book, asker: Asker, asked: str, fields: Schema, seed: int, drawn: Sequence[int], answer: str = ""
) -> None:
    """Ask for one row, and add it where it is one. `answer`: the one it must have."""
    frame, texts = book.frame(drawn[0]), [book.text(at) for at in drawn]
    tokens = 96 + max(len(text) + len(book.answers[at]) for text, at in zip(texts, drawn, strict=True)) * 3 // 2
    found = asker.ask(asked, fields, seed=seed, tokens=tokens, around=frame.around)
    if found is None:
        return
    text, given = _lines_as_in(found["text"], texts[0]), answer or found["answer"]
    if why := book.objection(text, given, texts[0], book.lengths, frame):
        asker.refuse(why, text)
    else:
        book.add(text, given, drawn)


def rationale(rows: Dataset, op: kinds.Rationale, context: Context) -> Dataset:
    """All rows; the answers of some with a reason. Where none can be used the answer stays alone."""
    book = Book(rows, 1.0, context)
    chosen = sorted(context.rng.sample(range(len(rows)), _share(op.share, len(rows))))
    asker = _asker(op, context, planned=len(chosen))
    reasons: dict[int, str] = {}
    for at in chosen:
        if not asker.goes_on:
            break
        if asker.overlaps(book.text(at), book.prompts[at]):
            continue
        asked = prompt("rows_rationale", task=_task(book.frame(at)), text=book.text(at), answer=book.answers[at])
        found = asker.ask(asked, asking.record(reason=REASON), seed=asker.seed(book.ids[at], at), tokens=160)
        if found is None:
            continue
        reason = " ".join(found["reason"].split())
        if why := _no_reason(reason, op, book, at):
            asker.refuse(why, reason)
        else:
            reasons[at] = reason
            context.notes.changes(book.ids[at], f"a reason {op.place} its answer")
    asker.close(len(reasons))
    answers = {at: _joined(reason, book.answers[at], op) for at, reason in reasons.items()}
    return replaced(rows, answers, context.label) if answers else rows


def _no_reason(reason: str, op: kinds.Rationale, book: Book, at: int) -> str:
    """Why it cannot stand beside the answer: nobody could tell any more which of the two is the answer."""
    if op.joiner in reason:
        return "the joiner stands in the reason"
    if any(names(reason, label) for label in book.labels if label != book.answers[at]):
        return "it names another answer"
    return ""


def _joined(reason: str, answer: str, op: kinds.Rationale) -> str:
    return f"{reason}{op.joiner}{answer}" if op.place == "before" else f"{answer}{op.joiner}{reason}"


def _asker(op: kinds.Asking, context: Context, planned: int = 0) -> Asker:
    return Asker(op, context, calls=op.calls, seconds=op.seconds, temperature=op.temperature, planned=planned)


def _ended(book: Book, asker: Asker, how: str) -> Dataset:
    asker.close(len(book.made))
    return book.closed(how)


def _share(share: float, count: int) -> int:
    """So many of `count`; a share that is not nothing is at least one."""
    return max(1, round(share * count)) if share else 0


def _lines_as_in(text: str, model: str) -> str:
    """The text in one line where its model has one."""
    return text if "\n" in model else " ".join(text.split())


def _having(book: Book, answers: Sequence[str], name: str) -> list[int]:
    """Places of rows with one of the answers; of all rows where none is given."""
    if missing := set(answers) - set(book.answers):
        raise IdeaFailure(f"`{name}`: no row has the answer {sorted(missing)[0]!r}", hint="use answers that rows have")
    return [at for at, answer in enumerate(book.answers) if not answers or answer in answers]


def _pool(book: Book, asker: Asker, rng: random.Random) -> list[int]:
    """Rows that may be shown as examples, and are short enough."""
    drawn = rng.sample(range(book.count), min(POOL, book.count))
    return [at for at in drawn if book.size(at) <= SHOWN and not asker.overlaps(book.text(at), book.prompts[at])]


def _drawn(book: Book, pool: Sequence[int], count: int, rng: random.Random) -> list[int]:
    """Examples for one question, as many as fit; one of them may be a row that was written before."""
    drawn = rng.sample(pool, min(count, len(pool)))
    if count > 1 and len(book.made) >= NEW:
        drawn[-1] = book.count + rng.randrange(len(book.made))
    fit, left = drawn[:1], SHOWN - book.size(drawn[0])
    for at in drawn[1:]:
        if (left := left - book.size(at)) >= 0:
            fit.append(at)
    return fit


def _rows(book: Book, places: Sequence[int]) -> str:
    return "\n".join(f"===\nText: {book.text(at)}\nAnswer: {book.answers[at]}\n===" for at in places)


def _in_turn(answers: Sequence[str], wanted: int, book: Book) -> Iterator[str]:
    """The answer that the next row is to have: each until it has its share, then the others; "" where any may do."""
    answers = tuple(dict.fromkeys(answers))  # one that is named twice has one share
    share = -(-wanted // max(1, len(answers)))
    while True:
        if not answers:
            yield ""
        for answer in answers:
            if sum(row["answer"] == answer for row in book.made) < share:
                yield answer


def _task(frame: Frame) -> str:
    """The wording around every text, where there is one: it says what the answers answer."""
    told = f" Around every text stands this wording, which is not to be repeated:\n===\n{frame.shown}\n==="
    return told if frame.shown else ""


APPLY: Applies = {
    kinds.Paraphrase: paraphrase,
    kinds.SelfInstruct: self_instruct,
    kinds.Generate: generate,
    kinds.Rationale: rationale,
}
