"""One suite for every insight index: the plain one, and the FAISS worker with its real embeddings."""

from __future__ import annotations

import os
import signal
from pathlib import Path

import pytest

from engine.insights import InsightIndex, Insights, Row, kin_of
from engine.insights.plain import PlainIndex

RATE = (
    "learning_rate=0.0003 instead of learning_rate=0.0001: +4.0 points [+1.0, +7.0] "
    "(n2t0 against n1t0, beyond the noise: better)."
)
BALANCED = (
    "recipe dedup_exact -> balance_labels instead of dedup_exact: -0.3 points [-3.0, +2.0] "
    "(n3t0 against n1t0, within the noise: no clear difference)."
)
RANK = "lora_rank=64 instead of lora_rank=16: -2.0 points [-4.0, -0.5] (n2t0 against n1t0, beyond the noise: worse)."
ROWS = [
    Row("a:n2", "films", f"{RATE} Raising learning_rate helped because the loss fell faster."),
    Row("a:n3", "films", BALANCED),
    Row("b:n2", "poems", RANK),
]


@pytest.fixture(params=["plain", "faiss"])
async def index(request: pytest.FixtureRequest, tmp_path: Path):
    made: InsightIndex = PlainIndex(ROWS) if request.param == "plain" else Insights(ROWS, tmp_path)
    yield made
    await made.close()


async def test_the_nearest_comes_first(index: InsightIndex) -> None:
    found = await index.nearest("raising the learning rate helped, the loss fell", 3, floor=-1.0)
    assert found[0].id == "a:n2"
    assert [f.similarity for f in found] == sorted((f.similarity for f in found), reverse=True)


async def test_a_row_is_itself(index: InsightIndex) -> None:
    (found,) = await index.nearest(ROWS[2].text, 1)
    assert found.id == "b:n2" and found.similarity == pytest.approx(1.0, abs=1e-3)


async def test_no_more_than_asked_for_and_nothing_unlike(index: InsightIndex) -> None:
    assert len(await index.nearest(ROWS[0].text, 1, floor=-1.0)) == 1
    assert await index.nearest(ROWS[0].text, 0) == []
    assert await index.nearest("a boat on the river at dawn", 5) == []


async def test_scope_and_exclusion(index: InsightIndex) -> None:
    poems = await index.nearest(ROWS[0].text, 5, task="poems", floor=-1.0)
    assert [f.id for f in poems] == ["b:n2"]
    others = await index.nearest(ROWS[0].text, 5, exclude=["a:n2"], floor=-1.0)
    assert {f.id for f in others} == {"a:n3", "b:n2"}
    assert await index.nearest(ROWS[0].text, 5, task="songs", floor=-1.0) == []


async def test_an_added_insight_is_found(index: InsightIndex) -> None:
    await index.add(Row("c:n1", "films", "Training on more rows raised accuracy."))
    assert (await index.nearest("more rows for training, higher accuracy", 1, floor=0.1))[0].id == "c:n1"
    assert "c:n1" in index.rows


async def test_a_known_id_takes_the_old_ones_place(index: InsightIndex) -> None:
    await index.add(Row("a:n2", "films", "Training on more rows raised accuracy."))
    found = await index.nearest("Training on more rows raised accuracy.", 5, floor=-1.0)
    assert [f.id for f in found].count("a:n2") == 1 and found[0].id == "a:n2"


async def test_it_holds_just_what_it_is_told_to_hold(index: InsightIndex) -> None:
    more = Row("c:n1", "films", "Training on more rows raised accuracy.")
    edited = Row("a:n2", "films", "A person's own words on boats and rivers.")
    for rows in ([*ROWS, more], [ROWS[1], more], [edited, ROWS[1], more], [edited, ROWS[1], more], [more], []):
        await index.hold(rows)
        found = await index.nearest(ROWS[0].text, 9, floor=-1.0)
        assert {f.id: index.rows[f.id] for f in found} == {row.id: row for row in rows}
        for row in rows:
            assert (await index.nearest(row.text, 1))[0].id == row.id


async def test_hostile_and_empty_texts_do_no_harm(index: InsightIndex) -> None:
    for text in ("", " \n\t", "\x00", "{}'; DROP TABLE events;--", "word " * 5000):
        await index.add(Row(f"h:{len(text)}", "films", text))
        await index.nearest(text, 2)
    assert await index.nearest(ROWS[0].text, 1)


async def test_an_insight_said_again_supports_and_its_opposite_contradicts(index: InsightIndex) -> None:
    again = RATE.replace("+4.0", "+3.1").replace("n2t0", "n7t1")
    assert (await kin_of(index, again + " Raising learning_rate helped when rows were few.")).supports == ("a:n2",)
    opposite = RATE.replace("better", "worse").replace("+4.0", "-4.0")
    assert (await kin_of(index, opposite)).contradicts == ("a:n2",)
    other_change = RATE.replace("0.0003", "0.001")
    assert (await kin_of(index, other_change)) == await kin_of(index, "no opening by rule")


async def test_an_empty_index_finds_nothing(tmp_path: Path) -> None:
    for made in (PlainIndex(), Insights([], tmp_path)):
        assert await made.nearest("anything", 3) == []
        await made.add(ROWS[0])
        assert [f.id for f in await made.nearest(ROWS[0].text, 3)] == ["a:n2"]
        await made.close()


async def test_a_killed_worker_forgets_nothing(tmp_path: Path) -> None:
    made = Insights(ROWS, tmp_path)
    await made.add(Row("c:n1", "films", "Training on more rows raised accuracy."))
    assert made.worker.pid
    os.kill(made.worker.pid, signal.SIGKILL)
    assert (await made.nearest("Training on more rows raised accuracy.", 1))[0].id == "c:n1"
    await made.close()


@pytest.mark.parametrize("damage", ["gone", "torn", "of other rows"])
async def test_the_cache_is_only_a_cache(tmp_path: Path, damage: str) -> None:
    first = Insights(ROWS, tmp_path)
    before = await first.nearest(ROWS[0].text, 3, floor=-1.0)
    await first.close()
    index = tmp_path / "insights.faiss"
    if damage == "gone":
        index.unlink()
    elif damage == "torn":
        index.write_bytes(index.read_bytes()[:40])
    else:
        other = Insights([Row("x", "t", "something else"), *ROWS[1:]], tmp_path)
        await other.nearest("x", 1)
        await other.close()
    second = Insights(ROWS, tmp_path)
    after = await second.nearest(ROWS[0].text, 3, floor=-1.0)
    assert [f.id for f in after] == [f.id for f in before]
    assert [f.similarity for f in after] == pytest.approx([f.similarity for f in before], abs=1e-5)
    await second.close()
