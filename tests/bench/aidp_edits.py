"""Ways to write a text again, for planting: the same letters, a light edit, a paraphrase by rules.

The paraphrases are made by rules, not by people: other words of the same meaning, another frame, other order of what
stands around a comma. They are as good as the two lists below.
"""

from __future__ import annotations

import random
import re
from collections.abc import Callable
from typing import NamedTuple

Change = Callable[[str, random.Random], str]


class Unfit(Exception):
    """The text is too short for this edit, or no rule applies."""


class Edit(NamedTuple):
    """`whole`: fit for texts of any length."""

    name: str
    change: Change
    whole: bool = False


def _same(text: str, _rng: random.Random) -> str:
    return text


def _case(text: str, rng: random.Random) -> str:
    return rng.choice([text.upper(), text.title(), text.swapcase()])


def _space(text: str, rng: random.Random) -> str:
    return re.sub(r"\s", lambda _: rng.choice(["  ", "\t", " \u00a0", "\n"]), text) + "  "


def _words(text: str, least: int) -> tuple[list[str], list[int]]:
    """What white space separates, and the places of what has letters."""
    parts = text.split()
    places = [at for at, part in enumerate(parts) if any(letter.isalpha() for letter in part)]
    if len(places) < least:
        raise Unfit
    return parts, places


OTHERS = ("music", "strongly", "given", "remarkable", "house", "under", "several", "observed", "plain", "river")


def _changed(text: str, rng: random.Random) -> str:
    parts, places = _words(text, 4)
    parts[rng.choice(places)] = rng.choice(OTHERS)
    return " ".join(parts)


def _dropped(text: str, rng: random.Random) -> str:
    parts, places = _words(text, 4)
    del parts[rng.choice(places)]
    return " ".join(parts)


def _swapped(text: str, rng: random.Random) -> str:
    parts, places = _words(text, 4)
    one, other = rng.sample(places, 2)
    parts[one], parts[other] = parts[other], parts[one]
    return " ".join(parts)


def _reordered(text: str, _rng: random.Random) -> str:
    parts, places = _words(text, 4)
    cut = places[len(places) // 2]
    return " ".join(parts[cut:] + parts[:cut])


def _pointed(text: str, rng: random.Random) -> str:
    bare = re.sub(r"\s*[^\w\s'-]+\s*", " ", text).strip()
    _words(bare, 4)
    return re.sub(r" ", lambda _: ", " if rng.random() < 0.2 else " ", bare) + rng.choice([" !", ".", " ..."])


WRITINGS = (Edit("exact", _same, True), Edit("case", _case, True), Edit("white space", _space, True))
EDITS = (
    Edit("one word changed", _changed),
    Edit("one word dropped", _dropped),
    Edit("two words swapped", _swapped),
    Edit("halves exchanged", _reordered),
    Edit("punctuation", _pointed),
)

SAME = """film:movie movie:film films:movies funny:amusing good:fine great:excellent bad:poor story:tale big:large
small:little love:adore hate:detest boring:dull dull:boring smart:clever clever:smart sad:sorrowful happy:joyful
beautiful:lovely scary:frightening actors:performers director:filmmaker ending:conclusion characters:figures
comedy:farce interesting:engaging entertaining:enjoyable stupid:foolish slow:sluggish watch:see watching:seeing
never:not almost:nearly often:frequently also:additionally however:nevertheless because:since although:though
showed:demonstrated shows:demonstrates found:discovered increased:elevated decreased:reduced reduced:decreased
significantly:markedly study:investigation studies:investigations results:findings suggest:indicate
suggests:indicates induced:triggered induces:triggers inhibited:suppressed inhibits:suppresses important:essential
role:function using:employing patients:subjects treatment:therapy tumor:neoplasm tumors:neoplasms cancer:carcinoma
cells:cell mice:animals may:might compared:contrasted high:elevated low:small effects:consequences
effect:consequence observed:seen associated:linked expression:levels including:among demonstrated:showed
analysis:examination development:formation potential:possible several:various"""
_SAME = dict(pair.split(":") for pair in SAME.split())
FRAMES = (
    "in my opinion , {}",
    "it has to be said that {}",
    "{} , one could say",
    "as far as we can tell , {}",
    "{} , to put it plainly",
)


def _other_words(text: str, _rng: random.Random) -> str:
    """At least two words, and a fifth of all, by others of the same meaning."""
    parts, _ = _words(text, 6)
    new = [_SAME.get(part.lower(), part) for part in parts]
    changed = sum(one != other for one, other in zip(parts, new, strict=True))
    if changed < 2 or changed * 5 < len(parts):
        raise Unfit
    return " ".join(new)


def _framed(text: str, rng: random.Random) -> str:
    """One word or more by another, the parts around a comma exchanged where there is one, a frame around it."""
    parts, _ = _words(text, 6)
    new = " ".join(_SAME.get(part.lower(), part) for part in parts)
    if new == " ".join(parts):
        raise Unfit
    bare = new.rstrip(" .")
    before, comma, after = bare.partition(" , ")
    return rng.choice(FRAMES).format(f"{after} , {before}" if comma else bare) + " ."


PARAPHRASES = (Edit("other words", _other_words), Edit("other words, order, frame", _framed))
