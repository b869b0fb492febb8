"""Which letter a pitch class takes: by the key and by the chord. F#m7 in E, Cb in Gb, G# in A minor, C# over A7 in C.

Notes of the key have its names (in minor both sixths and sevenths). Outside it, tones of the sounding chord are named
from its root; anything else is the flat second, third, sixth or seventh, or the sharp fourth.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from kmidi_lab.chords.chord import MAJOR_SCALE, PITCH_NAMES, Chord, ChordError, Key, parse_key, parse_pitch_class

_LETTERS = "CDEFGAB"
_LETTERS_UP = (0, 1, 1, 2, 2, 3, 3, 4, 5, 5, 6, 6)
"""From the tonic to the note so many semitones above it."""
_SCALES = {1: {*MAJOR_SCALE}, -1: {0, 2, 3, 5, 7, 8, 9, 10, 11}, 0: {*MAJOR_SCALE}}
_RISING = {1: 0, 8: 4}
"""Roots of diminished chords that lead upward in a major key, such as C#dim7 and G#dim7 in C: letters above the tonic."""
_WHITE = ("Cb", "Fb", "E#", "B#")
"""Names that only a key itself or a chord gives to a white key."""
_MINOR_NAMES = ("C", "C#", "D", "Eb", "E", "F", "F#", "G", "G#", "A", "Bb", "B")
_SIGNED = {
    1: ["Cb", "Gb", "Db", "Ab", "Eb", "Bb", "F", "C", "G", "D", "A", "E", "B", "F#", "C#"],
    -1: ["Ab", "Eb", "Bb", "F", "C", "G", "D", "A", "E", "B", "F#", "C#", "G#", "D#", "A#"],
}
"""Tonics of the keys with seven flats to seven sharps."""
_OTHER_MODES = ("dorian", "phrygian", "mixolydian", "lydian", "locrian")
"""Modes that are neither major nor minor; the longer of two names first."""
SHARP_NAMES = ("C", "C#", "D", "D#", "E", "F", "F#", "G", "G#", "A", "A#", "B")


@dataclass(frozen=True)
class Spelling:
    """A key and the name of its tonic: F# or Gb is more than a pitch class tells."""

    key: Key
    tonic: str

    @classmethod
    def of(cls, key: Key, names: Iterable[str] = ()) -> Spelling:
        """With the first of `names` that means the tonic and has a key signature, else its usual name."""
        signed = _SIGNED[-1 if key.mode < 0 else 1]
        usual = (_MINOR_NAMES if key.mode < 0 else PITCH_NAMES)[key.tonic]
        return cls(key, next((n for n in names if n in signed and parse_pitch_class(n) == key.tonic), usual))

    def __str__(self) -> str:
        return self.tonic + {1: " major", -1: " minor", 0: ""}[self.key.mode]

    def note(self, pitch: int, chord: Chord | None = None, root: str = "") -> str:
        """Name without octave of a pitch class or MIDI pitch, over `chord` whose root is named `root`."""
        degree = (pitch - self.key.tonic) % 12
        if degree not in _SCALES[self.key.mode] and chord is not None and pitch % 12 in chord.tones:
            up = _letters_in_chord((pitch - chord.root) % 12, chord)
            return _named(pitch, root or self.root(chord), up)
        return self._by_degree(pitch, _LETTERS_UP[degree])

    def root(self, chord: Chord) -> str:
        """Name of the chord's root by what it does in the key."""
        degree = chord.degree(self.key.tonic)
        up = _LETTERS_UP[degree]
        if degree == 6 and chord.quality in ("major", "dom7", "maj7"):
            up = 4
        elif self.key.mode >= 0 and chord.quality in ("dim", "dim7") and (chord.root + 10) % 12 not in chord.tones:
            up = _RISING.get(degree, up)
        return self._by_degree(chord.root, up)

    def letters_up(self, chord: Chord, letters: int) -> str:
        """Name of the chord's root where it is known how many letters above the tonic it stands, as V of V is."""
        return _named(chord.root, self.tonic, letters)

    def _by_degree(self, pitch: int, letters: int) -> str:
        name = _named(pitch, self.tonic, letters)
        outside = (pitch - self.key.tonic) % 12 not in _SCALES[self.key.mode]
        return PITCH_NAMES[pitch % 12] if outside and name in _WHITE else name

    def chord(self, chord: Chord, root: str = "", bass: str = "") -> str:
        """The chord's symbol; `root` and `bass` are their names where somebody wrote them."""
        root = root or self.root(chord)
        return chord.named(root, bass or self.note(chord.bass, chord, root))


def parse_spelling(text: str) -> Spelling:
    """A key with its tonic as it was typed, such as F# or Gb. Raises ChordError."""
    key = parse_key(text)
    name = text.strip()[:2].replace("♯", "#").replace("♭", "b")
    return Spelling(key, name[0].upper() + name[1:].strip("".join(set(name[1:]) - {"#", "b"})))


def typed_spelling(text: str) -> Spelling:
    """A key as a person types it: in major or minor, or by another name of these.

    Raises:
        ChordError: no key, or one in a mode that would be heard as major or minor without a word.
    """
    spelling = parse_spelling(text)
    mode = next((mode for mode in _OTHER_MODES if mode in text.lower()), "")
    if mode:
        raise ChordError(
            f"key {text.strip()!r} is in {mode}; keys are major or minor: write {spelling}, the nearest to it, or another"
        )
    return spelling


def _letters_in_chord(interval: int, chord: Chord) -> int:
    """Letters from the root up to a chord tone: the fourth semitone of Cm7 is no third, the ninth of Cdim7 a seventh."""
    tones = {(tone - chord.root) % 12 for tone in chord.tones}
    if interval == 3 and 4 in tones:
        return 1
    if (interval == 6 and 7 not in tones) or (interval == 8 and (chord.quality == "aug" or 7 not in tones)):
        return 4
    if interval == 9 and chord.quality == "dim7" and 10 not in tones:
        return 6
    return _LETTERS_UP[interval]


def _named(pitch: int, reference: str, letters: int) -> str:
    """The note so many letters above the reference; what would need a double accidental is named plainly."""
    letter = _LETTERS[(_LETTERS.index(reference[0]) + letters) % 7]
    accidental = (pitch - parse_pitch_class(letter) + 6) % 12 - 6
    if abs(accidental) > 1:
        return (SHARP_NAMES if accidental > 0 else PITCH_NAMES)[pitch % 12]
    return letter + {-1: "b", 0: "", 1: "#"}[accidental]
