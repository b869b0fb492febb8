"""The form of a song as people write it in a sentence: `AABA`, `verse chorus verse chorus bridge chorus`."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import NamedTuple

_NAMES = {
    "intro": "intro", "verse": "verse", "pre-chorus": "pre-chorus", "prechorus": "pre-chorus", "chorus": "chorus",
    "refrain": "chorus", "hook": "chorus", "bridge": "bridge", "middle eight": "bridge", "solo": "solo",
    "breakdown": "breakdown", "build-up": "build-up", "drop": "drop", "outro": "outro", "coda": "outro",
}  # fmt: skip
"""What sections are called, and the kind that it is."""
_NAME = rf"(?:an? |the )?(?:{'|'.join(sorted(_NAMES, key=len, reverse=True))})\b"
_LIST = re.compile(rf"\b{_NAME}(?:(?:\W|\b(?:then|and)\b)+{_NAME}){{2,}}", re.I)
"""Three sections or more, one behind the other."""
_LETTERS = re.compile(r"(?<![\w/])(?P<plan>A(?:-?[A-D]){2,7})(?![\w/])(?: song)?(?: (?:form|structure)\b)?")
_NAMED = re.compile(r"\b(?:form|structure)\b", re.I)
_SHORT = ("intro", "outro", "pre-chorus", "build-up", "breakdown")
_BARS, _FEW_BARS = 8, 4
"""Of a section of most kinds, and of those that are short."""


class SaidForm(NamedTuple):
    """Kinds of the sections in order, and the words that say so."""

    kinds: tuple[str, ...]
    words: str

    def bars(self, whole: int | None) -> list[int]:
        """Bars of each section, `whole` in all where that is known, which is one for each at least."""
        usual = [_FEW_BARS if kind in _SHORT else _BARS for kind in self.kinds]
        if whole is None:
            return usual
        ends = [round((whole - len(usual)) * sum(usual[:n]) / sum(usual)) for n in range(len(usual) + 1)]
        return [1 + after - before for before, after in zip(ends, ends[1:], strict=False)]


def take_form(text: str) -> tuple[SaidForm | None, str]:
    """The form that a text names, and the text without it; the first counts."""
    if match := _LIST.search(text):
        named = re.findall("|".join(sorted(_NAMES, key=len, reverse=True)), match[0].lower())
        if len({*named}) > 1:
            return SaidForm(tuple(_NAMES[name] for name in named), match[0].lower()), _without(text, match)
    for match in _LETTERS.finditer(text):
        plan = match["plan"].replace("-", "")
        if _is_plan(plan, bool(_NAMED.search(text))):
            return SaidForm(_kinds_of(plan), plan.lower()), _without(text, match)
    return None, text


def _without(text: str, match: re.Match[str]) -> str:
    return f"{text[: match.start()].rstrip()}{', ' if text[: match.start()].strip() else ''}{text[match.end() :].lstrip(' ,')}"


def _is_plan(plan: str, named: bool) -> bool:
    """Whether letters are a form: each new one is the next of the alphabet, and one returns; three and `ABBA` need the word form."""
    firsts = list(dict.fromkeys(plan))
    in_order = firsts == sorted(firsts) and "".join(firsts) == "ABCD"[: len(firsts)]
    return in_order and 1 < len(firsts) < len(plan) and (named or (len(plan) > 3 and plan != "ABBA"))


def _kinds_of(plan: str) -> tuple[str, ...]:
    """A is the verse; what returns beside it the chorus; what comes once between the bridge, and another one a solo."""
    rest = list(dict.fromkeys(letter for letter in plan if letter != "A"))
    returning: Sequence[str] = [letter for letter in rest if plan.count(letter) > 1]
    once = [letter for letter in rest if letter not in returning]
    kinds = {"A": "verse"} | dict(zip(returning, ("chorus", "pre-chorus", "solo"), strict=False))
    kinds |= dict(zip(once, ("bridge", "solo", "breakdown"), strict=False))
    return tuple(kinds[letter] for letter in plan)
