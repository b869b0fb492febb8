"""The melody of any MIDI file: the track that is named so or plays its part, as one voice with key and metre.

Of a track that plays several notes at once the upper voice is taken (the skyline of A. Uitdenbogerd, J. Zobel,
*Melodic matching techniques for large music databases*, ACM Multimedia 1999), without notes under a held higher one.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from datamodules.melody.keys import key_of_chroma
from datamodules.melody.reading import MAX_NOTES, MIN_NOTES
from datamodules.melody.voice import Voice, single, uncovered
from kmidi_lab.chords.chord import Key
from kmidi_lab.midi.piece import Piece, Track
from kmidi_lab.midi.reading import MidiError
from kmidi_lab.midi.score import make_score
from kmidi_lab.models.melody.features import HIGHEST, LOWEST, Melody

GRID = 12
"""Places a quarter note: sixteenths and triplets of eighths fall on it."""
HOW = ("named", "role", "skyline")
"""What a melody was found by: the name of its track, how its track plays, or as the upper voice of all."""
_NAMED = tuple(
    re.compile(words, re.IGNORECASE)
    for words in (r"melod|gesang|canto", r"\b(lead )?(vocal|voice|vox|sing)", r"\blead\b|\bsolo\b")
)
_BACKING = re.compile(r"back|bkg|bg|harm|choir|chorus|ooh|aah|counter|bass|drum|rhythm", re.IGNORECASE)
_BASS, _EFFECTS = range(32, 40), range(112, 128)
_COLUMNS = ("pitch", "duration", "position", "bar", "rest", "phrase")
_LEAST_LIKE = 0.3
_MIDDLE, _WIDTH = 68.0, 16.0


@dataclass(frozen=True)
class Found:
    """A voice, its tracks' notes on `GRID`, and what it was found by, of `HOW`."""

    voice: Voice
    how: str


def melody_of(piece: Piece) -> Found:
    """The melody of a piece. Raises MidiError (`no melody`, `fewer than …`) for one that has none to be found."""
    tracks = [t for t in piece.tracks if not t.is_drum and len(t.notes) >= MIN_NOTES]
    if not tracks:
        raise MidiError("no melody", "no pitched track of some length")
    quarter = float(piece.ticks_per_quarter)
    chosen, how = _named(tracks), HOW[0]
    if chosen is None:
        likely = {id(t): likeness(t, tracks, quarter) for t in tracks}
        chosen, how = max(tracks, key=lambda t: likely[id(t)]), HOW[1]
        if len(tracks) == 1 or likely[id(chosen)] < _LEAST_LIKE:
            how = HOW[2]
    notes = np.concatenate([t.notes for t in tracks if t.program not in _EFFECTS]) if how == HOW[2] else chosen.notes
    found = Found(upper_voice(notes, quarter), how)
    pitch = found.voice.pitch
    if not MIN_NOTES <= len(pitch) <= MAX_NOTES:
        raise MidiError(f"melody not of {MIN_NOTES} to {MAX_NOTES} notes", str(len(pitch)))
    if pitch.min() < LOWEST or pitch.max() > HIGHEST:
        raise MidiError("pitch outside octaves 1 to 8", f"{pitch.min()} to {pitch.max()}")
    return found


def upper_voice(notes: np.ndarray, quarter: float) -> Voice:
    """The skyline of notes of dtype NOTE; `quarter` ticks a quarter note."""
    starts = notes["start"].astype(np.float64) / quarter
    ends = starts + notes["duration"] / quarter
    top = uncovered(starts, ends, notes["pitch"], 1 / GRID)
    return single(starts[top], ends[top], notes["pitch"][top], GRID)


def likeness(track: Track, tracks: list[Track], quarter: float) -> float:
    """How much a track plays like a melody, about 0..1: one note at a time, in the middle register, much of the piece."""
    notes = track.notes
    starts = notes["start"].astype(np.int64)
    ends = starts + notes["duration"]
    alone = np.append(starts[1:] >= ends[:-1] - 0.1 * quarter, True)
    alone &= np.append(True, starts[1:] > starts[:-1])
    beats = len(np.unique(starts // int(quarter)))
    most = max(len(np.unique(t.notes["start"] // int(quarter))) for t in tracks)
    register = np.exp(-(((float(np.median(notes["pitch"])) - _MIDDLE) / _WIDTH) ** 2))
    steps = np.diff(notes["pitch"].astype(int))
    moving = min(1.0, 1.5 * float((steps != 0).mean()))
    if track.program in _BASS or track.program in _EFFECTS:
        return 0.0
    return float(alone.mean() * register * moving * np.sqrt(beats / most))


def _named(tracks: list[Track]) -> Track | None:
    for words in _NAMED:
        bearers = [t for t in tracks if words.search(t.name) and not _BACKING.search(t.name)]
        if bearers:
            return max(bearers, key=lambda t: len(t.notes))
    return None


def key_of(piece: Piece) -> Key:
    """The file's key signature; estimated from all pitched notes where it has none, or C major, which programs write unasked."""
    if len(piece.keys) and (piece.keys[0, 1], piece.keys[0, 2]) != (0, 0):
        return Key(int(piece.keys[0, 1]), -1 if piece.keys[0, 2] else 1)
    notes = np.concatenate([t.notes for t in piece.tracks if not t.is_drum])
    weights = np.minimum(notes["duration"], 4 * piece.ticks_per_quarter)
    return key_of_chroma(np.bincount(notes["pitch"] % 12, weights, 12))


def arrays(piece: Piece) -> Mapping[str, np.ndarray]:
    """The melody of a piece for shards; raises MidiError. `melody` makes it a Melody again."""
    found = melody_of(piece)
    voice, key = found.voice, key_of(piece)
    metres = [(tick / piece.ticks_per_quarter, int(n), int(d)) for tick, n, d in piece.metres]
    score, _ = make_score(voice.onset, voice.duration, voice.pitch, metres)
    return {
        "pitch": voice.pitch,
        "duration": voice.duration.astype(np.float32),
        "position": (np.round(score.bar % 1.0 * score.bar_quarters * GRID) / GRID % score.bar_quarters).astype(
            np.float32
        ),
        "bar": score.bar_quarters.astype(np.float32),
        "rest": voice.rest,
        "phrase": voice.phrase,
        "about": np.array([[key.tonic, key.mode, HOW.index(found.how)]], np.int8),
    }


def melody(made: Mapping[str, np.ndarray], name: str, source: str | None = None) -> Melody:
    """A Melody of what `arrays` made; unless given, its source says what it was found by."""
    tonic, mode, how = (int(v) for v in made["about"][0])
    pitch, duration, position, bar, rest, phrase = (np.array(made[c]) for c in _COLUMNS)
    source = source or f"lakh_{HOW[how]}"
    return Melody(f"lakh/{name}", source, name, Key(tonic, mode), pitch, duration, position, bar, rest, phrase)
