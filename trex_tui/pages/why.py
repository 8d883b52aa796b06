"""Why this node: what it is, its hypothesis, the policy's terms for the choice of its parent, the diagnosis."""

from __future__ import annotations

from textual.content import Content

from engine.search.events import Flag, Term
from engine.search.policies import ROOT_ROUNDS
from engine.search.steering import limits_said
from engine.search.tree import ROOT
from trex_tui.model import choice
from trex_tui.model import format as fmt
from trex_tui.model.state import author, state_word, who_set
from trex_tui.pages.page import BAD, DIM, MARK, Page, Subject

SOURCES = {
    "researcher": "written by the Researcher",
    "sampled": "sampled from the search space",
    "person": "written by a person",
    "baseline": "the task's baseline",
}
RIVALS, FLIPS = 8, 3


def page(about: Subject) -> Content:
    out = Page()
    _result(about, out)
    if about.node.failure:
        out.heading("Why it failed")
        out.text(about.node.failure, BAD)
    if about.name == ROOT:
        out.heading("Base model")
        out.text(f"{about.tree.setup.base_model}, as it is: no training. Everything grows from here.")
        out.heading("The search may spend", "B changes it")
        out.text(limits_said(about.tree.limits))
    else:
        _hypothesis(about, out)
        _choice(about, out)
    _hints(about, out)
    if about.node.diagnosis:
        out.heading("Diagnosis")
        out.text(about.node.diagnosis)
    _calls(about, out)
    return out.content()


def _result(about: Subject, out: Page) -> None:
    tree, node = about.tree, about.node
    best = node.best(tree.maximize)
    word = state_word(about.view, about.name)
    born = "" if about.name == ROOT else f", {'fork' if node.forked_from else 'child'} of {node.parent}"
    born += f" by {fmt.clean(node.by or 'a person')}" if node.forked_from else ""
    out.text(
        f"{fmt.state(word)}{born}, {fmt.plural(len(node.trials), 'trial')}, since {fmt.clock(node.added_at)}", "bold"
    )
    _steered(about, out)
    if best is None or best.score is None:
        return
    score = f"{fmt.interval(best.score)} by {best.id}, {best.score.items} validation rows"
    out.pair("score", score)
    if about.name != ROOT:
        out.pair(
            "gain",
            f"{_against(about, node.parent)}, {_against(about, ROOT)}"
            if node.parent != ROOT
            else _against(about, ROOT),
        )
    for split, value in (("confirm", best.confirm), ("test", best.test)):
        if value is not None:
            out.pair(split, fmt.interval(value))
    if tree.champion == best.id:
        out.pair("champion", tree.champion_reason)


def _steered(about: Subject, out: Page) -> None:
    """What people have said of this node and its trials."""
    node = about.node
    for flag in sorted(node.flags):
        out.pair(flag, f"as a whole {_by(about, flag)}", 8)
    for trial in node.trials.values():
        for flag in sorted(trial.flags):
            out.pair(flag, f"{trial.id} {_by(about, flag, trial.id)}", 8)
    if node.retries:
        out.pair("retried", fmt.plural(node.retries, "time"), 8)


def _by(about: Subject, flag: Flag, trial: str = "") -> str:
    deed = who_set(about.tree, flag, about.name, trial)
    return f"by {author(deed)}" + (f" at {fmt.clock(deed.time)}" if deed else "")


def _against(about: Subject, other: str) -> str:
    grown = fmt.gain(about.tree.score(about.name), about.tree.score(other), about.tree.maximize)
    return f"{grown or 'no score'} against {'the base' if other == ROOT else other}"


def _hypothesis(about: Subject, out: Page) -> None:
    plan = about.node.plan
    if plan is None:
        out.heading("Hypothesis")
        out.text("the plan is being written", DIM)
        return
    out.heading("Hypothesis", f"{plan.direction}, {SOURCES[plan.source]}")
    out.text(plan.hypothesis)
    if plan.note:
        out.text(plan.note, DIM)
    if plan.insights_given:
        named = ", ".join(plan.insights_named) or "none"
        out.text(
            f"{fmt.plural(len(plan.insights_given), 'insight')} given, named in the plan: {named} (7 shows them)", DIM
        )


def _hints(about: Subject, out: Page) -> None:
    """The advice that holds for plans below this node."""
    path = about.tree.path(about.name)
    hints = [hint for hint in about.tree.hints.values() if hint.node in path]
    if hints:
        out.heading("Hints", "given with every plan below; H adds one")
    for hint in hints:
        where = "the run" if hint.node == ROOT else hint.node
        out.text(f"{hint.hint} for {where} by {hint.by or 'a person'}: {hint.text}")


def _choice(about: Subject, out: Page) -> None:
    """The policy's terms at the time of the choice, the chosen parent among its rivals."""
    terms = sorted(about.node.why, key=lambda term: -term.total)
    if not terms:
        return
    parent = about.node.parent
    out.heading(f"Why below {parent}", f"{about.tree.setup.policy}, {fmt.plural(len(terms), 'candidate')}")
    shown = [t for i, t in enumerate(terms) if i < RIVALS or t.node == parent]
    rows = [["", "total", "reward", "explore", "visits", ""]]
    styles = [DIM]
    for term in shown:
        chosen = term.node == parent
        figures = [f"{term.total:.3f}", f"{term.value:.3f}", f"{term.exploration:.3f}", str(term.visits)]
        rows.append([term.node, *figures, "◄ chosen" if chosen else ""])
        styles.append(MARK if chosen else "")
    out.table(rows, styles)
    if len(terms) > len(shown):
        out.text(f"and {len(terms) - len(shown)} more with less", DIM)
    if len(terms) > 1:
        out.text(_margin(about, terms[0], terms[1]), DIM)
        _flips(about, out)


def _margin(about: Subject, first: Term, second: Term) -> str:
    """How clear the choice was, or why it was not the highest term."""
    if first.node == about.node.parent and not _is_first_round(about):
        return f"{first.total - second.total:.3f} ahead of {second.node}"
    if _is_first_round(about):
        return f"the first {ROOT_ROUNDS} rounds grow from the base model, whatever the terms say"
    return f"{about.tree.setup.policy} does not choose by the total of these terms alone"


def _flips(about: Subject, out: Page) -> None:
    """What would have changed the choice, where the policy chooses by the total."""
    node, policy = about.node, about.tree.setup.policy
    if policy not in choice.BY_TOTAL or _is_first_round(about):
        return
    for flip in choice.flips(node.why, node.parent)[:FLIPS]:
        if flip.possible:
            out.text(
                f"{flip.node} would have been chosen with a mean reward above {flip.reward:.3f} (it had {flip.had:.3f})"
            )
        else:
            out.text(f"{flip.node}: no reward would have been enough; it needed {flip.reward:.3f}, and 1 is the most")
    least = choice.holds_down_to(node.why, node.parent)
    if least is not None and least > 0:
        out.text(f"{node.parent} would not have been chosen with a mean reward below {least:.3f}")


def _is_first_round(about: Subject) -> bool:
    """The first rounds grow from the base model whatever the terms say; forks are no rounds."""
    if about.node.parent != ROOT:
        return False
    rounds = 0
    for name in about.view.order[1:]:
        if name == about.name or rounds == ROOT_ROUNDS:
            break
        rounds += not about.tree.nodes[name].forked_from
    return rounds < ROOT_ROUNDS


def _calls(about: Subject, out: Page) -> None:
    calls = about.view.calls.get(about.name, ())
    if not calls:
        return
    out.heading("Asked the Researcher", f"{calls[0].model}; 0 shows prompts and answers")
    for call in calls:
        told = f"{call.purpose}, attempt {call.attempt}: {fmt.duration(call.seconds)}, {call.answer_tokens} tokens"
        out.text(f"{told}, refused: {call.refused}" if call.refused else told, BAD if call.refused else "")
