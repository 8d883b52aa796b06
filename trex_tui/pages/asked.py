"""Asked: every call of the Researcher for this node, with the prompt and the raw answer, from the tape."""

from __future__ import annotations

from textual.content import Content

from engine.search.events import Asked
from engine.search.tree import ROOT
from trex_tui.model import format as fmt
from trex_tui.model.store import Words
from trex_tui.pages.page import BAD, DIM, Page, Subject, cut

PROMPT, ANSWER = 300, 1500  # characters before z
GONE = Words("(in the journal, which cannot be read from here)", "(in the journal, which cannot be read from here)")


def page(about: Subject) -> Content:
    out = Page()
    calls = about.view.calls.get(about.name, ())
    if not calls:
        out.text(_nobody(about), DIM)
        return out.content()
    seconds, tokens = sum(call.seconds for call in calls), sum(call.answer_tokens for call in calls)
    refused = sum(bool(call.refused) for call in calls)
    out.heading(
        f"{fmt.plural(len(calls), 'call')}, {refused} refused, {fmt.duration(seconds)}, {tokens:,} tokens written",
        "z folds" if about.whole else "z shows all",
    )
    for call in calls:
        _call(call, about.store.words(about.run, call.call) or GONE, about.whole, out)
    return out.content()


def _call(call: Asked, words: Words, whole: bool, out: Page) -> None:
    out.heading(f"{call.purpose}, attempt {call.attempt}", call.model)
    speed = f", {call.answer_tokens / call.seconds:.0f} tokens/s" if call.seconds > 0 and call.answer_tokens else ""
    read = f"{call.prompt_tokens:,} tokens read, " if call.prompt_tokens else ""
    out.text(f"{fmt.duration(call.seconds)}; {read}{call.answer_tokens:,} written{speed}", DIM)
    if call.refused:
        out.text(f"refused: {call.refused}", BAD)
    out.text("Prompt", "bold")
    out.block(cut(words.prompt, PROMPT, whole), DIM)
    out.text("Answer", "bold")
    out.block(cut(words.answer, ANSWER, whole))


def _nobody(about: Subject) -> str:
    """Why nobody was asked."""
    plan = about.node.plan
    if about.name == ROOT:
        return "The base model is not planned: nobody was asked."
    if plan is None:
        return "The Researcher has not answered yet."
    sources = {"person": "a person wrote this plan", "baseline": "the plan is the task's baseline"}
    return f"Nobody was asked: {sources.get(plan.source, 'the plan was sampled from the search space')}."
