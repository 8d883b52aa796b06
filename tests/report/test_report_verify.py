"""`verify`: every score again, the rows against the splits, and the seal respected."""

from __future__ import annotations

import json
import shutil

import msgspec
import pytest

from engine.executor.job import Result
from engine.files import sha256_file, write_json
from engine.report.verify import verify


def bad(lines):
    return {line.what: line.said for line in lines if not line.ok}


def forge(run, trial, split, change):
    """Change a result and the hash in the journal with it, as somebody who covers their tracks would."""
    folder = trial if split == "validation" else f"{trial}.{split}"
    path = run.run_dir / "trials" / folder / "result.json"
    result = msgspec.json.decode(path.read_bytes(), type=Result)
    write_json(path, change(result))
    for at, record in enumerate(run.records):
        claim = getattr(record.event, "result_sha256", None)
        kinds = {"validation": "finished", "confirm": "confirmed", "test": "tested"}
        if claim and record.event.trial == trial and record.event.__struct_config__.tag == kinds[split]:
            event = msgspec.structs.replace(record.event, result_sha256=sha256_file(path))
            run.records[at] = msgspec.structs.replace(record, event=event)


def with_item(result, at, **changes):
    items = list(result.items)
    items[at] = msgspec.structs.replace(items[at], **changes)
    return msgspec.structs.replace(result, items=tuple(items))


def test_a_whole_run_holds(make_run):
    run = make_run().whole()
    lines = verify(run.records, run.run_dir, run.splits)
    assert bad(lines) == {}
    assert [line.what for line in lines][:2] == ["splits", "n0t0 on validation"]
    assert len(lines) == 1 + 5 + 2 + 3
    assert all("gold answers checked" in line.said for line in lines[1:])


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (lambda r: with_item(r, 0, correct=1.0 - r.items[0].correct), "the items say"),
        (lambda r: with_item(r, 3, gold="else", answer="else" if r.items[3].correct else "x"), "the split's answer is"),
        (lambda r: with_item(r, 3, id="train-1"), "1 rows are not of this split"),
        (lambda r: with_item(r, 3, id=r.items[4].id), "a row was judged twice"),
        (lambda r: msgspec.structs.replace(r, metric="exact_match"), "not by the run's accuracy"),
        (lambda r: msgspec.structs.replace(r, trial="n9t0"), "belongs to n9t0"),
        (lambda r: msgspec.structs.replace(r, items=r.items[:-1]), "the items say"),
    ],
)
@pytest.mark.parametrize("split", ["validation", "confirm", "test"])
def test_a_forged_result_is_found_even_with_its_hash_in_the_journal(make_run, change, said, split):
    run = make_run().whole()
    forge(run, "n2t0", split, change)
    found = bad(verify(run.records, run.run_dir, run.splits))
    assert list(found) == [f"n2t0 on {split}"]
    assert said in found[f"n2t0 on {split}"]


def test_an_answer_that_does_not_count_as_claimed_is_found(make_run):
    """Two wrong worths that cancel out leave the mean and the interval's data alike; the rows still tell."""
    run = make_run().whole()

    def swap(result):
        right = next(n for n, i in enumerate(result.items) if i.correct == 1.0)
        wrong = next(n for n, i in enumerate(result.items) if i.correct == 0.0)
        answers = result.items[right].answer, result.items[wrong].answer
        gold = result.items[right].gold, result.items[wrong].gold
        flipped = with_item(result, right, answer="x" if answers[0] == gold[0] else gold[0])
        return with_item(flipped, wrong, answer=gold[1])

    forge(run, "n1t0", "validation", swap)
    assert "does not count as" in bad(verify(run.records, run.run_dir, run.splits))["n1t0 on validation"]


def test_a_changed_file_is_found_by_its_hash(make_run):
    run = make_run().whole()
    path = run.run_dir / "trials/n3t0/result.json"
    path.write_bytes(path.read_bytes().replace(b"5.23", b"5.24"))
    assert "hash differs" in bad(verify(run.records, run.run_dir, run.splits))["n3t0 on validation"]


def test_changed_or_missing_splits_are_said_and_scores_still_computed(make_run):
    run = make_run().whole()
    (run.splits / "confirm.jsonl").write_text("{}\n")
    lines = verify(run.records, run.run_dir, run.splits)
    assert list(bad(lines)) == ["splits"]
    assert all("gold" not in line.said for line in lines[1:])
    shutil.rmtree(run.splits)
    assert list(bad(verify(run.records, run.run_dir, run.splits))) == ["splits"]


def test_a_score_of_another_base_model_is_not_this_runs(make_run):
    run = make_run(model_sha256="ab" * 32)
    run.base()
    assert "another base model" in bad(verify(run.records, run.run_dir, run.splits))["n0t0 on validation"]


def test_splits_of_another_making_are_not_this_runs(make_run):
    run = make_run(manifest="0" * 64).whole()
    assert "manifest differs" in bad(verify(run.records, run.run_dir, run.splits))["splits"]


def test_the_sealed_split_is_not_read_before_it_was_opened(make_run, monkeypatch):
    run = make_run()
    run.base()

    def forbidden(*_args, **_kwargs):
        raise AssertionError("the seal was broken")

    monkeypatch.setattr("engine.taskdata.open_sealed", forbidden)
    assert bad(verify(run.records, run.run_dir, run.splits)) == {}


def test_a_line_is_plain_json(make_run):
    run = make_run()
    run.base()
    line = verify(run.records, run.run_dir, run.splits)[1]
    assert json.loads(msgspec.json.encode(line))["ok"] is True
    assert line.text.startswith("ok     n0t0 on validation: 0.5583 [")
