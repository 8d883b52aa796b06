"""The written report: both formats, on whole and on odd runs, with hostile text; drawings that parse."""

from __future__ import annotations

import re
import xml.etree.ElementTree as ET
from html.parser import HTMLParser

import pytest

from engine.plan import TrialConfig
from engine.report import markdown, plots, treeplot
from engine.report.gather import gather
from engine.report.sections import document
from engine.report.sections.result import sentences
from engine.report.write import write_report
from engine.search import events as ev

VOID = {"meta", "br", "hr", "img", "link", "input"}


class Checker(HTMLParser):
    """Well-formed: every element closed in order; nothing that would be loaded or run."""

    def __init__(self) -> None:
        super().__init__()
        self.open: list[str] = []
        self.seen: set[str] = set()
        self.text: list[str] = []

    def handle_starttag(self, tag, attrs):
        self.seen.add(tag)
        for name, value in attrs:
            assert name not in ("src", "href", "srcset", "action", "data") and not name.startswith("on"), (tag, name)
            assert "url(" not in (value or "")
        if tag not in VOID:
            self.open.append(tag)

    def handle_startendtag(self, tag, attrs):
        self.seen.add(tag)

    def handle_endtag(self, tag):
        assert self.open.pop() == tag

    def handle_data(self, data):
        self.text.append(data)


def checked(page: str) -> Checker:
    checker = Checker()
    checker.feed(page)
    checker.close()
    assert checker.open == []
    assert not checker.seen & {"script", "iframe", "object", "embed", "link", "img", "form"}
    assert "@import" not in page and "url(" not in page
    return checker


def written(run, tmp_path):
    data = gather(run.records, run.run_dir)
    md, html = write_report(data, tmp_path / "report")
    page = html.read_text()
    checked(page)
    for drawing in re.findall(r"<svg.*?</svg>", page, flags=re.DOTALL):
        ET.fromstring(drawing)
    return md.read_text(), page


def test_both_files_say_the_same_and_carry_every_section(make_run, tmp_path):
    md, page = written(make_run().whole(), tmp_path)
    said = " ".join(checked(page).text)
    for words in (
        "The champion n2t0 scores 0.830",
        "better, beyond noise",
        "opened once",
        "What did not help",
        "Winning recipe",
        "balance_labels",
        "Insights",
        "From earlier runs",
        "What failed or fell back",
        "Where the 3 plans came from",
        "Where the time went",
        "2.13.0",
        "trex verify r1",
        "trex export r1 n2t0 --to adapter",
    ):
        assert words in said, words
        assert words in md, words
    assert page.count("<svg") == 6
    assert sorted(p.name for p in (tmp_path / "report").iterdir()) == ["report.html", "report.md"]


def test_the_result_comes_first_in_three_sentences(make_run):
    run = make_run().whole()
    data = gather(run.records, run.run_dir)
    what, how_much, baseline = sentences(data)
    assert "0.830 [" in what and "400 rows of the sealed test split" in what
    assert "+0.280 [" in how_much and how_much.endswith("better, beyond noise.")
    assert baseline.startswith("The baseline") and baseline.endswith("inside the noise.")


def test_settings_that_differ_from_the_baseline_are_marked(make_run, tmp_path):
    md, page = written(make_run().whole(), tmp_path)
    assert "1 setting differs from the baseline" in md
    assert "| `rows` | **512** | 256 |" in md
    assert '<td class="number mark">512</td>' in page


def test_reports_of_one_run_are_equal_and_replace_each_other(make_run, tmp_path):
    run = make_run().whole()
    assert written(run, tmp_path) == written(run, tmp_path)


def only_created(run):
    pass


def base_only(run):
    run.base()


def base_failed(run):
    run.add(ev.Launched(trial="n0t0", node="n0"))
    run.add(ev.Failed(node="n0", trial="n0t0", kind="resource", cause="out of memory"), after=5)
    run.add(ev.RunEnded(state="failed", reason="the base model could not be judged"))


def planning(run):
    run.base()
    run.add(ev.NodeAdded(node="n1", parent="n0", direction="baseline"))


def all_failed(run):
    run.base()
    run.node("n1", direction="baseline", source="baseline")
    run.add(ev.Failed(node="n1", trial="n1t0", kind="idea", cause="diverged"), after=5)
    run.node("n2")
    run.add(ev.Failed(node="n2", kind="idea", cause="the recipe left no rows"), after=5)


def base_is_best(run):
    run.base(wrong=0.1)
    run.node("n1", direction="baseline", source="baseline")
    run.trial("n1t0", 0.3)
    run.confirm("n0t0", 0.1)
    run.add(ev.ChampionChosen(trial="n0t0", reason="the time is used"))
    run.test(n0t0=0.1, n1t0=0.3)


def untested(run):
    run.base()
    run.node("n1", direction="baseline", source="baseline")
    run.trial("n1t0", 0.2)
    run.confirm("n1t0", 0.2)
    run.add(ev.ChampionChosen(trial="n1t0", reason="all rounds are done"))


def stopped(run):
    run.base()
    run.node("n1", direction="baseline", source="baseline")
    run.trial("n1t0", 0.2)
    run.node("n2", parent="n1", trials=(TrialConfig(), TrialConfig(rows=64)))
    run.trial("n2t1", 0.1)
    run.add(ev.FlagSet(node="n2", flag="pruned", on=True, by="me"))
    run.add(ev.RunPaused(by="me"), after=3)
    run.add(ev.RunEnded(state="stopped", reason="stopped by me"), after=60)


ODD = {
    only_created: "no trial has a score",
    base_only: "Nothing got better",
    base_failed: "the base model could not be judged",
    planning: "No baseline trial has a score",
    all_failed: "the recipe left no rows",
    base_is_best: "no trial beat the untouched base model",
    untested: "The test split has not been judged",
    stopped: "No champion was chosen yet; the best trial so far, n1t0",
}


@pytest.mark.parametrize("story", ODD, ids=lambda story: story.__name__)
@pytest.mark.parametrize("maximize", [True, False])
def test_odd_runs_say_what_is_missing(make_run, tmp_path, story, maximize):
    run = make_run(maximize=maximize)
    story(run)
    md, _ = written(run, tmp_path)
    if maximize:
        assert ODD[story] in md
    else:
        assert "Lower is better" in md


def test_a_report_of_every_prefix_of_a_run_can_be_written(make_run):
    run = make_run().whole()
    for end in range(1, len(run.records) + 1):
        assert markdown.render(document(gather(run.records[:end], run.run_dir)))


def test_a_pruned_node_is_not_the_best_so_far(make_run):
    run = make_run()
    stopped(run)
    data = gather(run.records, run.run_dir)
    assert data.challenger.trial == "n1t0"
    assert max(p.best for p in data.progress) == pytest.approx(0.8)


HOSTILE = (
    "</title><script>alert(1)</script> | a | b ![x](http://evil/x.png) [c](http://evil) `` ` `` \n"
    '# heading\n- "item" <!--'
)


def test_text_of_models_stays_text(make_run, tmp_path):
    run = make_run(title=HOSTILE, hardware=HOSTILE)
    run.base()
    run.node("n1", direction="baseline", source="baseline", hypothesis=HOSTILE)
    run.trial("n1t0", 0.2, changed=HOSTILE)
    run.add(ev.Learned(insight="r1:n1", node="n1", text=HOSTILE))
    run.add(ev.Failed(node="n1", trial="n1t0", kind="machine", cause=HOSTILE))
    md, page = written(run, tmp_path)
    assert "alert(1)" in " ".join(checked(page).text)
    assert re.search(r"(?<!\\)\]\(", md) is None
    assert re.search(r"(?<!\\)<script", md) is None
    assert re.search(r"^# heading", md, flags=re.MULTILINE) is None
    widths = {
        line.count("|") - line.count("\\|") for line in md.splitlines() if line.startswith("| n1") or "`n1`" in line
    }
    assert len(widths) == 1


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("max_length 256 -> 128", "max_length 256 -> 128"),
        ("0.815 [0.790, 0.839]", "0.815 [0.790, 0.839]"),
        ("_emphasis_ *too*", r"\_emphasis\_ \*too\*"),
        ("1. first", r"1\. first"),
        ("# big", r"\# big"),
        ("a\nb", "a b"),
        ("[a]: http://x", r"\[a]: http://x"),
        ("scores 0.767 [0.740, 0.793]: more", "scores 0.767 [0.740, 0.793]: more"),
    ],
)
def test_markdown_escapes_what_would_be_markup_and_no_more(text, expected):
    assert markdown.escape(text) == expected


def test_the_written_tree_shows_the_branches(make_run):
    run = make_run().whole()
    lines = treeplot.written(run.tree).splitlines()
    assert [re.sub(r"  0\..*", "", line) for line in lines] == ["n0", "|- n1", "`- n2", "   `- n3"]
    assert lines[2].endswith("CHAMPION")


def test_a_deep_tree_is_drawn_without_recursion(make_run):
    run = make_run()
    run.base()
    for n in range(1, 1500):
        run.add(ev.NodeAdded(node=f"n{n}", parent=f"n{n - 1}"))
    tree = run.tree
    ET.fromstring(treeplot.drawn(tree))
    assert len(treeplot.written(tree).splitlines()) == 1500


def test_the_time_strip_shows_each_activity_under_its_name(make_run):
    run = make_run().whole()
    strip = plots.time_strip(gather(run.records, run.run_dir).time)
    titles = [e.text for e in ET.fromstring(strip).iter() if e.tag.endswith("title")]
    assert "n2t0: training, 72 s" in titles
    assert "n2 plan: Researcher, 6.0 s" in titles


def test_what_people_did_and_allowed_is_told(make_run):
    run = make_run()
    stopped(run)
    run.add(ev.HintGiven(hint="h1", node="n0", text="more rows", by="sam"))
    run.add(ev.BudgetChanged(limits=ev.Limits(rounds=9, wall_seconds=7200.0), by="sam"))
    run.add(ev.FlagSet(node="n1", flag="pinned", on=True, by="kim"))
    text = markdown.render(document(gather(run.records, run.run_dir)))
    assert "sam gave hint h1 for the run: more rows" in text
    assert "allowed were 9 rounds, 2 h" in text
    assert "kim pinned n1" in text
