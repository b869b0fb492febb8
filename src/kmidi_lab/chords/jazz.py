"""Jazz and pop chord symbols: `Dm7b5`, `Gbmaj7`, `C7alt`, `F#m/maj7`, `Eb6/9`, `G13sus/D`, `C7(b9,#11)`, `C^7`, `Ch7`.

A root, what `suffix` reads, and a bass note after a slash.
"""

from __future__ import annotations

import re
from functools import lru_cache

from kmidi_lab.chords.chord import Chord, ChordError, parse_pitch_class, plain_symbol, shortened
from kmidi_lab.chords.suffix import plain_signs, read_suffix

ROOT = re.compile(r"[A-G](?:##|bb|[#b])?")
_BASS = re.compile(r"/([A-G](?:##|bb|[#b])?)$")


@lru_cache(maxsize=4096)  # a song reads some hundred symbols some ten thousand times
def parse_jazz(symbol: str) -> Chord:
    """Reads a chord symbol. Raises ChordError naming the symbol and the mark that is not understood."""
    root_name, suffix, bass_name = split_symbol(symbol)
    root = parse_pitch_class(root_name)
    intervals, quality = read_suffix(suffix, symbol.strip(), len(root_name))
    bass = parse_pitch_class(bass_name) if bass_name else root
    return Chord(root, quality, bass, frozenset((root + i) % 12 for i in intervals) | {bass})


def split_symbol(symbol: str) -> tuple[str, str, str]:
    """(root, what follows it, bass or nothing), with plain signs. Raises ChordError without a root."""
    text = plain_signs(plain_symbol(symbol))
    m = ROOT.match(text)
    if not m:
        raise ChordError(
            f"chord symbol {shortened(symbol)} has no root: it starts with {text[:1]!r}; start with A to G, as Dm7 or Bb7b9"
        )
    root = m.group()
    if len(root) > 2 and text[2:].startswith("b5"):
        root = root[:2]  # Bbb5 is Bb with a flat fifth
    bass = _BASS.search(text, len(root))
    return root, text[len(root) : bass.start() if bass else len(text)], bass.group(1) if bass else ""
