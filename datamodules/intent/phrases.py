"""Parts of the training sentences, which the teacher alone says something of: words, pairs of words, negated
words and longer runs.

A text's vector is a sum over its pieces, so that what a word says is learnt best where it stands alone.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable

import numpy as np

from kmidi_lab.text.pieces import is_word, tokens

_SEED = 0
_WORD_IN, _PAIR_IN, _NEGATED_IN = 2, 3, 5
"""Sentences that a word or a pair stands in for it to be one of the phrases, and for a word to be negated, too."""
_NEGATED = ("not {}", "don't {}")
_SHORTEST, _LONGEST = 3, 8


def phrases(texts: Iterable[str]) -> list[str]:
    """Each once, in alphabetical order.

    Args:
        texts: sentences; each that is longer than `_LONGEST` words and marks gives one run, at a place drawn from a
            seed.
    """
    rng = np.random.default_rng(_SEED)
    words: Counter[str] = Counter()
    pairs: Counter[str] = Counter()
    runs = []
    for text in texts:
        found = tokens(text)
        words.update({t for t in found if is_word(t)})
        pairs.update({f"{a} {b}" for a, b in zip(found, found[1:], strict=False) if is_word(a) and is_word(b)})
        if len(found) > _LONGEST:
            length = int(rng.integers(_SHORTEST, _LONGEST + 1))
            begin = int(rng.integers(0, len(found) - length + 1))
            runs.append(" ".join(found[begin : begin + length]))
    often = [w for w, n in words.items() if n >= _WORD_IN] + [p for p, n in pairs.items() if n >= _PAIR_IN]
    negated = [frame.format(w) for w, n in words.items() if n >= _NEGATED_IN for frame in _NEGATED]
    return sorted({*often, *negated, *runs})
