"""What a report knows: contenders, comparisons, disagreements, insights, incidents; and odd runs."""

from __future__ import annotations

import msgspec
import pytest

from engine.errors import BadInput
from engine.executor.job import Result
from engine.files import write_json
from engine.plan import TrialConfig
from engine.report.document import Listing, Text
from engine.report.gather import gather
from engine.report.sections import learning, search
from engine.search import events as ev


def test_a_whole_run_has_three_contenders_on_the_sealed_split(make_run):
    run = make_run().whole()
    data = gather(run.records, run.run_dir)
    assert [(c.roles, c.trial) for c in data.contenders] == [
        (("base",), "n0t0"),
        (("baseline",), "n1t0"),
        (("champion",), "n2t0"),
    ]
    assert data.headline == "test"
    assert data.warnings == ()
    assert data.contenders[2].judged["test"].score.value == pytest.approx(0.83)
    against_base = data.compared("n2t0", "n0t0", "test")
    assert against_base.difference == pytest.approx(0.28)
    assert against_base.verdict == "better, beyond noise"
    assert against_base.items == 400


def test_every_score_of_the_journal_is_computed_again(make_run):
    run = make_run().whole()
    data = gather(run.records, run.run_dir)
    assert len(data.judgements) == 5 + 2 + 3
    assert all(j.recomputed == j.recorded for j in data.judgements)


def test_a_changed_result_file_is_found(make_run):
    run = make_run().whole()
    path = run.run_dir / "trials/n2t0.test/result.json"
    result = msgspec.json.decode(path.read_bytes(), type=Result)
    better = tuple(msgspec.structs.replace(i, correct=1.0, answer=i.gold) for i in result.items)
    write_json(path, msgspec.structs.replace(result, items=better))
    warnings = gather(run.records, run.run_dir).warnings
    assert len(warnings) == 1
    assert "n2t0 on test" in warnings[0]
    assert "hash differs" in warnings[0]


def test_a_score_that_its_items_do_not_give_is_found(make_run):
    run = make_run()
    run.base()
    record = run.records[-1]
    run.records[-1] = msgspec.structs.replace(record, event=msgspec.structs.replace(record.event, score=0.99))
    data = gather(run.records, run.run_dir)
    assert "the journal says 0.9900" in data.warnings[0]
    assert data.judgements[0].score.value == pytest.approx(67 / 120)  # the items' word counts


@pytest.mark.parametrize(
    ("spoil", "said"),
    [
        (lambda path: path.unlink(), "there is no result.json"),
        (lambda path: path.write_bytes(b"{"), "is not a result"),
        (lambda path: path.write_bytes(b"[" * 100_000), "is not a result"),
        (lambda path: path.write_bytes(path.read_bytes().replace(b"n1t0", b"n9t9")), "hash differs"),
    ],
)
def test_a_missing_or_spoilt_result_is_said_and_the_rest_stands(make_run, spoil, said):
    run = make_run().whole()
    spoil(run.run_dir / "trials/n1t0/result.json")
    data = gather(run.records, run.run_dir)
    assert said in " ".join(data.warnings)
    assert data.compared("n2t0", "n0t0", "test") is not None


def test_children_are_compared_with_their_parents_over_the_same_rows(make_run):
    run = make_run()
    run.base(wrong=set(range(60)))
    run.node("n1", direction="baseline", source="baseline")
    run.trial("n1t0", set(range(10)))
    run.node("n2", parent="n1")
    run.trial("n2t0", set(range(1, 10)))
    run.node("n3", parent="n1")
    run.trial("n3t0", set(range(40, 90)))
    against = gather(run.records, run.run_dir).against_parent
    assert against["n1"].verdict == "better, beyond noise"
    assert against["n2"].verdict == "inside the noise"
    assert against["n3"].verdict == "worse, beyond noise"


def test_lower_is_better_turns_the_verdict_round(make_run):
    run = make_run(maximize=False)
    run.base(wrong=set(range(60)))
    run.node("n1", direction="baseline", source="baseline")
    run.trial("n1t0", set(range(100)))
    data = gather(run.records, run.run_dir)
    comparison = data.compared("n1t0", "n0t0", "validation")
    assert comparison.difference < 0
    assert comparison.verdict == "better, beyond noise"
    assert data.challenger.trial == "n1t0"


def test_macro_f1_is_paired_too(make_run):
    run = make_run(metric="macro_f1")
    run.base(wrong=set(range(0, 120, 2)))
    run.node("n1", direction="baseline", source="baseline")
    run.trial("n1t0", set(range(6)))
    data = gather(run.records, run.run_dir)
    comparison = data.compared("n1t0", "n0t0", "validation")
    assert data.warnings == ()
    assert comparison.low < comparison.difference < comparison.high
    assert comparison.beyond


def test_trials_judged_on_different_rows_are_not_compared(make_run):
    run = make_run()
    run.base()
    run.golds["validation"] = {f"other-{n}": "positive" for n in range(120)}
    run.node("n1", direction="baseline", source="baseline")
    run.trial("n1t0", 0.1)
    assert gather(run.records, run.run_dir).comparisons == ()


def test_insights_of_earlier_runs_are_told_from_our_own(make_run):
    run = make_run().whole()
    own, earlier = gather(run.records, run.run_dir, {"r0:n4": "Short reviews mislead."}).insights
    assert (own.id, own.given_to, own.named_by) == ("r1:n2", ("n3",), ())
    assert (earlier.text, earlier.named_by, earlier.earlier) == ("Short reviews mislead.", ("n3",), True)


def test_failures_interruptions_and_fall_backs_are_incidents(make_run):
    run = make_run()
    run.base()
    run.node("n1", trials=(TrialConfig(), TrialConfig(rows=64)))
    run.add(ev.Launched(trial="n1t0", node="n1"), after=1)
    run.add(ev.Interrupted(trial="n1t0", node="n1", cause="the process is gone"), after=1)
    run.add(ev.Failed(trial="n1t1", node="n1", kind="idea", cause="diverged"), after=1)
    run.add(ev.Noted(text="4-bit is not available", kind="fallback"), after=1)
    run.add(ev.FlagSet(node="n1", flag="pruned", on=True, by="me"), after=1)
    kinds = [(i.where, i.kind) for i in gather(run.records, run.run_dir).incidents]
    assert kinds == [("n1t0", "interrupted"), ("n1t1", "failed (idea)"), ("", "fallback"), ("n1", "person")]


def test_every_call_of_the_researcher_counts_though_a_later_one_has_its_name(make_run):
    run = make_run()
    run.base()
    call = {"node": "n1", "purpose": "plan", "attempt": 0, "model": "Qwen", "prompt": "p", "answer": "{}"}
    for seconds, refused in ((3.0, "a duplicate"), (4.0, "a duplicate"), (5.0, "")):
        run.add(ev.Asked(call="n1/plan/0", seconds=seconds, refused=refused, **call), after=seconds)
    data = gather(run.records, run.run_dir)
    (calls,) = data.calls
    assert (calls.calls, calls.refused, calls.seconds) == (3, 2, 12.0)
    assert calls.refusals == ("n1, plan: a duplicate",) * 2
    assert Listing(("n1, plan: a duplicate (2 times)",)) in learning.section(data)


def test_the_champion_is_not_among_what_did_not_help(make_run):
    run = make_run()
    run.base()
    run.node("n1", direction="baseline", source="baseline")
    run.trial("n1t0", set(range(20)))
    run.node("n2", parent="n1")
    run.trial("n2t0", set(range(1, 20)))
    before = search.section(gather(run.records, run.run_dir))
    assert any(isinstance(b, Listing) and b.items[0].startswith("n2, ") for b in before)
    run.add(ev.ChampionChosen(trial="n2t0", reason="all rounds are done"))
    blocks = search.section(gather(run.records, run.run_dir))
    assert not any(isinstance(b, Listing) for b in blocks)
    said = " ".join(b.text for b in blocks if isinstance(b, Text))
    assert "n2, the champion's node, has +0.008 [" in said and "n1 on validation: inside the noise." in said
    assert "Every other node with a score was better than its parent" in said


def test_a_run_without_events_is_refused(make_run, tmp_path):
    with pytest.raises(BadInput, match="no events"):
        gather([], tmp_path)
