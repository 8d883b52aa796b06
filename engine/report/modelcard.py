"""The model card of an exported adapter: task, base, data, configuration, scores, how to load it. Pure text.

Not the export (`engine.export`). Text of a plan or a task is untrusted and is escaped.
"""

from __future__ import annotations

import msgspec

from engine.aidp import recipe as aidp
from engine.report import words
from engine.report.markdown import escape
from engine.search.tree import ROOT, ROOT_TRIAL, Score, Tree, Trial

LOAD = """\
from peft import PeftModel
from transformers import AutoModelForCausalLM, AutoTokenizer
base = {base}  # or the folder of your copy
tokenizer = AutoTokenizer.from_pretrained(base)
model = PeftModel.from_pretrained(AutoModelForCausalLM.from_pretrained(base), ".")
print(tokenizer.decode(model.generate(**tokenizer("...", return_tensors="pt"), max_new_tokens=16)[0]))
"""


def model_card(tree: Tree, trial: Trial, *, base: str, licence: str) -> str:
    """README.md with the front matter that model hubs read. `licence` empty: not known."""
    setup, node = tree.setup, tree.nodes[trial.node]
    title = f"{setup.title or setup.task}: adapter {trial.id}"
    parts = [
        _front_matter(base, licence),
        f"# {escape(title)}",
        f"A LoRA adapter for {escape(base)}, found by a search of TREX-TUI (run `{tree.run}`, trial `{trial.id}`). "
        f"Task: {escape(setup.task)}, metric {escape(setup.metric)}, "
        f"{'higher' if tree.maximize else 'lower'} is better.",
        "## Scores\n\n" + _scores(tree, trial),
        "## How to load it\n\n```python\n" + LOAD.format(base=_quoted(base)) + "```",
        "## Training data\n\n" + (_data(tree, trial) if node.plan else "Not recorded."),
        "## Configuration\n\n" + _configuration(trial),
        "## Base model and licence\n\n" + _licence(tree, base, licence),
    ]
    return "\n\n".join(parts) + "\n"


def _front_matter(base: str, licence: str) -> str:
    tags = "tags:\n- lora\n- trex-tui"
    known = f"license: {_quoted(licence.lower())}\n" if licence else ""
    return f"---\nbase_model: {_quoted(base)}\nlibrary_name: peft\n{known}{tags}\n---"


def _scores(tree: Tree, trial: Trial) -> str:
    base = tree.nodes[ROOT].trials[ROOT_TRIAL]
    rows = ["| split | this adapter | base model | rows |", "| --- | ---: | ---: | ---: |"]
    pairs: list[tuple[str, Score | None, Score | None]] = [
        ("test (sealed)", trial.test, base.test),
        ("confirm", trial.confirm, base.confirm),
        ("validation (used by the search)", trial.score, base.score),
    ]
    for name, mine, theirs in pairs:
        if mine is not None:
            rows.append(f"| {name} | {words.score(mine)} | {words.score(theirs)} | {mine.items:,} |")
    if len(rows) == 2:
        return "It has none yet."
    return "\n".join(rows) + "\n\nIn brackets: 95% bootstrap interval over the rows."


def _data(tree: Tree, trial: Trial) -> str:
    node = tree.nodes[trial.node]
    if node.plan is None:
        return "Not recorded."
    rows = f"{words.count(node.rows, 'row')} came out; " if node.rows is not None else ""
    seen = f"{words.count(trial.examples, 'example')} seen in training." if trial.examples else ""
    said = f"The task's train split through this recipe: `{aidp.describe(node.plan.recipe)}`. {rows}{seen}"
    return f"{said.strip()}\n\nThe idea: {escape(node.plan.hypothesis)}"


def _configuration(trial: Trial) -> str:
    config = msgspec.structs.asdict(trial.config) if trial.config else {}
    rows = [f"| `{name}` | {escape(words.plain(value))} |" for name, value in config.items()]
    changed = f"\n\nWhat really ran: {escape(trial.changed)}" if trial.changed else ""
    return "\n".join(["| setting | value |", "| --- | ---: |", *rows]) + changed


def _licence(tree: Tree, base: str, licence: str) -> str:
    known = f"licensed {escape(licence)}" if licence else "whose licence is not recorded here; look it up before use"
    sha256 = tree.setup.model_sha256
    weights = f" The weights it was trained on have sha256 `{sha256}`." if sha256 else ""
    return f"The base model is {escape(base)}, {known}. The adapter holds none of its weights.{weights}"


def _quoted(text: str) -> str:
    """A string literal that YAML and Python read alike."""
    return msgspec.json.encode(text).decode()
