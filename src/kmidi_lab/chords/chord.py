"""A chord as the contract sees it: root, one of eight qualities, bass, and its sounding pitch classes."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass, replace

from kmidi_lab.chords.naming import TEMPLATES, chord_name
from kmidi_lab.errors import UserError

QUALITIES = ("major", "minor", "dim", "aug", "dom7", "maj7", "min7", "dim7")
PITCH_NAMES = ("C", "Db", "D", "Eb", "E", "F", "Gb", "G", "Ab", "A", "Bb", "B")
MAJOR_SCALE = (0, 2, 4, 5, 7, 9, 11)
KEY_SCALES = {1: MAJOR_SCALE, -1: (0, 2, 3, 5, 7, 8, 10, 11)}
"""Semitones above the tonic that are of a key, by its mode; minor has both sevenths."""
_STEPS = {"C": 0, "D": 2, "E": 4, "F": 5, "G": 7, "A": 9, "B": 11}


class ChordError(UserError):
    """A chord symbol that cannot be read; the message names the symbol and what was expected."""


def shortened(text: str, longest: int = 40) -> str:
    """The text in quotes for a message, cut where it is long."""
    return repr(text if len(text) <= longest else f"{text[: longest - 1]}…")


LONGEST_SYMBOL = 200


def plain_symbol(symbol: str) -> str:
    """The symbol without space around it. Raises ChordError where it is far too long for one."""
    text = symbol.strip()
    if len(text) > LONGEST_SYMBOL:
        raise ChordError(
            f"chord symbol {shortened(text)} has {len(text)} characters; a symbol has {LONGEST_SYMBOL} at most"
        )
    return text


@dataclass(frozen=True)
class Chord:
    """`root` and `bass` are pitch classes 0..11, `quality` one of `QUALITIES`, `tones` pitch classes.

    Two chords of the same root and quality are the same class even when `tones` or `bass` differ
    (C9 and C7/E are both C dom7): the class is what is predicted, the tones are what is heard.
    """

    root: int
    quality: str
    bass: int
    tones: frozenset[int]

    @property
    def quality_index(self) -> int:
        return QUALITIES.index(self.quality)

    @property
    def label(self) -> tuple[int, int]:
        """(root, quality index): the class that is predicted."""
        return self.root, self.quality_index

    def degree(self, tonic: int) -> int:
        """Semitones from the tonic to the root, 0..11."""
        return (self.root - tonic) % 12

    def chroma(self) -> tuple[float, ...]:
        """Twelve floats: root 1.0, other chord tones 0.5 (contract.md §3)."""
        return tuple(1.0 if pc == self.root else 0.5 if pc in self.tones else 0.0 for pc in range(12))

    def reduced(self) -> Chord:
        """The plain chord of the same class: template tones only, bass kept when it is among them."""
        plain = plain_chord(self.root, self.quality)
        return Chord(self.root, self.quality, self.bass if self.bass in plain.tones else self.root, plain.tones)

    def transposed(self, semitones: int) -> Chord:
        return Chord(
            (self.root + semitones) % 12,
            self.quality,
            (self.bass + semitones) % 12,
            frozenset((t + semitones) % 12 for t in self.tones),
        )

    def named(self, root: str, bass: str) -> str:
        """The symbol with these names of root and bass, which `parse_jazz` reads back as this chord."""
        tones = {(tone - self.root) % 12 for tone in self.tones}
        return chord_name(root, bass, tones, (self.bass - self.root) % 12, self.quality)

    def __str__(self) -> str:
        return self.named(PITCH_NAMES[self.root], PITCH_NAMES[self.bass])


def plain_chord(root: int, quality: str) -> Chord:
    """The template chord of a class, in root position."""
    return Chord(root % 12, quality, root % 12, frozenset((root + i) % 12 for i in TEMPLATES[quality]))


def reduce_quality(third: int | None, fifth: int, seventh: int | None) -> str:
    """One of the eight qualities from intervals in semitones.

    `third` is 3, 4 or None (suspended, power), `fifth` 6, 7 or 8, `seventh` 9, 10, 11 or None.
    Suspended chords count as major, half-diminished as dim7, minor-major seventh as minor (contract.md §5).
    """
    if third == 3 and fifth == 6:
        return "dim7" if seventh in (9, 10) else "dim"
    if third == 3:
        return "min7" if seventh == 10 else "minor"
    if seventh == 10:
        return "dom7"
    if seventh == 11:
        return "maj7"
    return "aug" if third == 4 and fifth == 8 else "major"


def parse_pitch_class(name: str) -> int:
    """Pitch class of a note name such as `F#`, `Bb`, `E##`; raises ChordError."""
    m = re.fullmatch(r"([A-Ga-g])([#b♯♭]*)", name.strip())
    if not m:
        raise ChordError(f"note name {name!r} is not readable; write a letter A to G with # or b, such as F# or Bb")
    step = _STEPS[m.group(1).upper()]
    return (step + sum(1 if a in "#♯" else -1 for a in m.group(2))) % 12


@dataclass(frozen=True)
class Key:
    """`tonic` pitch class 0..11, `mode` +1 major, -1 minor, 0 unknown."""

    tonic: int
    mode: int

    def transposed(self, semitones: int) -> Key:
        return Key((self.tonic + semitones) % 12, self.mode)

    def __str__(self) -> str:
        return PITCH_NAMES[self.tonic] + {1: " major", -1: " minor", 0: ""}[self.mode]


MODES = {
    "": 1, "maj": 1, "major": 1, "ionian": 1, "lydian": 1, "mixolydian": 1,
    "m": -1, "min": -1, "minor": -1, "-": -1, "aeolian": -1, "dorian": -1, "phrygian": -1, "locrian": -1,
}  # fmt: skip


def parse_mode(name: str) -> int:
    """+1 or -1 from a mode's name: modes with a minor third count as minor. Raises ChordError."""
    if name.strip().lower() not in MODES:
        raise ChordError(f"mode {name!r} is not known; write one of {', '.join(m for m in MODES if len(m) > 1)}")
    return MODES[name.strip().lower()]


def parse_key(text: str) -> Key:
    """`C`, `F#min`, `Gb:maj`, `a minor`, `Cm`: a lower-case tonic alone means minor. Raises ChordError."""
    m = re.fullmatch(r"\s*([A-Ga-g][#b♯♭]?)[\s:_]*([A-Za-z-]*)\s*", text)
    if not m or m.group(2).lower() not in MODES:
        raise ChordError(f"key {text!r} is not readable; write it as C, F#m, Bb major or Eb:min")
    tonic, mode = m.groups()
    if not mode:
        return Key(parse_pitch_class(tonic), -1 if tonic[0].islower() else 1)
    return Key(parse_pitch_class(tonic), parse_mode(mode))


@dataclass(frozen=True)
class Event:
    """One chord of a song. `start` and `bars` are in bars, None where the source has no metre."""

    chord: Chord
    key: Key
    start: float | None = None
    bars: float | None = None


@dataclass(frozen=True)
class Song:
    """A chord sequence with what is known of it. `affect` is (valence, arousal) in -1..1 or None.

    `loop` says that the sequence repeats, so that a rotation of it is the same progression.
    """

    id: str
    source: str
    title: str
    events: tuple[Event, ...]
    affect: tuple[float, float] | None = None
    loop: bool = False
    tags: tuple[str, ...] = ()


def merge_repeats(events: Iterable[Event]) -> tuple[Event, ...]:
    """Joins neighbours of the same class (root, quality); their durations add up."""
    out: list[Event] = []
    for event in events:
        if out and out[-1].chord.label == event.chord.label:
            last = out[-1]
            bars = None if last.bars is None or event.bars is None else last.bars + event.bars
            out[-1] = replace(last, bars=bars)
        else:
            out.append(event)
    return tuple(out)
