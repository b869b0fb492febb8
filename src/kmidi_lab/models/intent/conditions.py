"""The same texts as they also come: mistyped, in capitals, with an emoji, without marks, among much that says nothing."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping

import numpy as np

_SEED = 0
_MISTYPED, _SHORTEST = 0.2, 4
_FILLER = "and then we went on and there was the road and the house and the people of the town were there "
_FAR = 500


def mistyped(text: str) -> str:
    """Two letters inside every fifth word of four letters or more change places, always the same ones."""
    rng = np.random.default_rng([_SEED, *text.encode(errors="ignore")[:64]])

    def swap(match: re.Match[str]) -> str:
        word = match[0]
        if rng.random() >= _MISTYPED:
            return word
        at = int(rng.integers(1, len(word) - 2))
        return word[:at] + word[at + 1] + word[at] + word[at + 2 :]

    return re.sub(rf"[^\W\d_]{{{_SHORTEST},}}", swap, text)


def among_words(text: str, words: int) -> str:
    """The text behind filler that says nothing of a feeling, so many words in all."""
    filler = (_FILLER * (words // len(_FILLER.split()) + 1)).split()
    return " ".join([*filler[: max(0, words - len(text.split()))], text])


CONDITIONS: Mapping[str, Callable[[str], str]] = {
    "mistyped": mistyped,
    "capitals": str.upper,
    "emoji": lambda text: f"{text} 🎵",
    "no_marks": lambda text: " ".join(re.sub(r"[^\w\s'’]", " ", text).split()),
    "among_50_words": lambda text: among_words(text, 50),
    "among_500_words": lambda text: among_words(text, _FAR),
}
"""How each changes a text, by name."""
LENGTHS = ((1, 3), (4, 10), (11, 20), (21, 1_000))
"""Words of the texts that are scored by themselves."""
