"""Roman numerals, in three dialects.

`functional` is what jazz and pop write: the case gives the third, what follows is read as after a root's name (a plain
7 on an upper-case numeral is a dominant seventh, `I6` has an added sixth), and accidentals count from the major scale
in both modes (`i bVII bVI V7`). `chart` is the same, but in minor a plain III, VI or VII is that of the natural scale
and vi and vii are raised: what a musician who types `i VI III VII` means. `classical` is what figured-bass analyses
(RomanText, Tymoczko et al., ISMIR 2019) write: sevenths are diatonic, figures are inversions (`figured`), degrees as in
`chart`.

An augmented sixth chord is read as it sounds: a dominant seventh on the flat sixth degree, with the bass of its
figures.
"""

from __future__ import annotations

import re
from typing import Literal

from kmidi_lab.chords.chord import MAJOR_SCALE, Chord, ChordError, Key, plain_symbol, shortened
from kmidi_lab.chords.figured import augmented_sixth, figured_chord, without_brackets
from kmidi_lab.chords.suffix import plain_signs, read_suffix

Dialect = Literal["functional", "chart", "classical"]
_NUMERALS = {"I": 0, "II": 1, "III": 2, "IV": 3, "V": 4, "VI": 5, "VII": 6}
_HEAD = re.compile(r"([#b]*)(VII|VI|V|IV|III|II|I|vii|vi|v|iv|iii|ii|i)")
_BASS_DEGREE = re.compile(r"[#b]*[1-7]")


def parse_roman(numeral: str, key: Key, dialect: Dialect = "functional") -> Chord:
    """Reads one numeral in `key`. Raises ChordError naming the numeral and the mark that is not understood."""
    text = plain_signs(plain_symbol(numeral)).replace("°", "o").replace("/o", "ø").replace("%", "ø")
    brackets: list[str] = []
    if dialect == "classical":
        text, brackets = without_brackets(text.rstrip("/"), numeral)
        text = re.sub(r"(?<=\d)/(?=\d)", "", text)
    else:
        text = re.sub(r"6/9(?!\d)", "69", text)
    head, *applied = text.split("/")
    bass_degree = applied.pop() if applied and dialect != "classical" and _BASS_DEGREE.fullmatch(applied[-1]) else None
    local = key
    for target in reversed(applied):
        chord = _parse_plain(target, local, dialect, numeral, [])
        local = Key(chord.root, -1 if 3 in {(t - chord.root) % 12 for t in chord.tones} else 1)
    chord = _parse_plain(head, local, dialect, numeral, brackets)
    if bass_degree:
        accidentals = bass_degree.count("#") - bass_degree.count("b")
        bass = (key.tonic + MAJOR_SCALE[int(bass_degree[-1]) - 1] + accidentals) % 12
        chord = Chord(chord.root, chord.quality, bass, chord.tones | {bass})
    return chord


def _parse_plain(text: str, key: Key, dialect: Dialect, whole: str, brackets: list[str]) -> Chord:
    if dialect == "classical":
        if (sixth := augmented_sixth(text, key)) is not None:
            return sixth
        text = ("I" if key.mode >= 0 else "i") + text[3:] if text.startswith("Cad") else text
        text = "bII" + (text[1:] or "6") if text.startswith("N") else text
    m = _HEAD.match(text)
    if not m:
        raise ChordError(f"Roman numeral {shortened(whole)} is not readable: {text[:12]!r} has no numeral I to VII")
    accidentals, name = m.groups()
    degree = _scale_degree(accidentals, name, key, dialect)
    root, rest = (key.tonic + degree) % 12, text[m.end() :]
    if dialect == "classical":
        return figured_chord(root, name.isupper(), rest, key, brackets, whole)
    intervals, quality = read_suffix(rest, whole, max(whole.find(rest), 0) if rest else len(whole), name.islower())
    return Chord(root, quality, root, frozenset((root + i) % 12 for i in intervals))


def _scale_degree(accidentals: str, name: str, key: Key, dialect: Dialect) -> int:
    step = _NUMERALS[name.upper()]
    shift = accidentals.count("#") - accidentals.count("b")
    if dialect == "functional" or key.mode >= 0 or step not in (2, 5, 6):
        return MAJOR_SCALE[step] + shift
    if shift < 0 or step == 2:
        # A flat in minor is cautionary (bVI is VI), and III is always the natural third.
        return MAJOR_SCALE[step] - 1 + (shift if shift > 0 else 0) - (1 if shift < -1 else 0)
    raised = name.islower() or shift > 0
    return MAJOR_SCALE[step] - (0 if raised else 1)


def letters_up(numeral: str) -> int | None:
    """Letters of the scale from the tonic up to the numeral's root, such as 4 for V and 8 for V/V; None where it has none."""
    heads = [_HEAD.match(plain_signs(part)) for part in numeral.strip().split("/")]
    return sum(_NUMERALS[m.group(2).upper()] for m in heads if m) if heads[0] else None
