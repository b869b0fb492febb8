"""The one table from the words of all data sets to the twelve types of the contract; docs/structure.md shows it."""

from __future__ import annotations

import re

from kmidi_lab.models.structure.form import TYPES

TABLE: dict[str, tuple[str, ...]] = {
    "intro": ("intro", "pre intro", "rhythmless intro", "inst intro", "opening", "fade in", "i"),
    "verse": (
        "verse", "strophe", "spoken verse", "mini verse", "verse part", "slow verse", "intro verse", "raps", "A",
    ),
    "pre-chorus": ("pre chorus", "prechorus"),
    "chorus": (
        "chorus", "refrain", "post chorus", "postchorus", "alt chorus", "int chorus", "quiet chorus", "chorus half",
        "chorus part", "intro chorus", "hook", "theme", "main theme", "head", "recap", "B",
    ),
    "bridge": ("bridge", "secondary theme", "development", "C", "D", "E"),
    "solo": (
        "solo", "instrumental", "inst", "interlude", "guitar solo", "gtr", "guitar", "inst chorus", "chorus inst",
        "chorus instrumental", "instrumental verse", "inst bridge", "main riff", "sax o beat", "synth", "flute", "violin",
        "trumpet", "b", "x",
    ),
    "breakdown": ("breakdown", "break", "instrumental break", "gtr break", "quiet", "slow"),
    "build-up": ("build", "buildup", "drum roll"),
    "drop": ("drop",),
    "outro": ("outro", "coda", "ending", "out", "tag", "fade out", "big outro", "vocal outro", "o"),
    "other": (
        "other", "transition", "trans", "section", "no function", "pre verse", "post verse", "X", "variation",
        "ostinato", "exposition", "voice", "stutter", "odd riff",
    ),
    "silence": (
        "silence", "noise", "applause", "talking", "spoken", "spoken voice", "dialog", "stage sounds", "stage speaking",
        "crowd sounds", "pause",
    ),
}  # fmt: skip
"""Single letters are POP909's: a capital is sung, a small letter is not (docs/structure.md says why `A` is a verse)."""

_TYPE_OF = {word if len(word) == 1 else word.replace(" ", ""): name for name, words in TABLE.items() for word in words}
_COUNTERS = re.compile(r"(?:[\s_]*\d+[a-z]?|[\s_]+(?:[a-d]|one|two|three|four))+$")


def type_of(label: str) -> int | None:
    """Index in TYPES of a data set's word; None where the table doesn't hold it.

    Capitals, spaces, hyphens and underscores make no difference, nor does what counts sections: `Verse_2` and
    `chorus two` are a verse and a chorus. A single letter is taken as it is.
    """
    word = label.strip()
    if len(word) > 1:
        word = re.sub(r"[\s_\-]+", "", _COUNTERS.sub("", word.lower()))
    name = _TYPE_OF.get(word)
    return None if name is None else TYPES.index(name)
