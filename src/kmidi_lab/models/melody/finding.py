"""The melody of any MIDI file: the track that is named so or plays its part, as one voice with key and metre.

Of a track that plays several notes at once the upper voice is taken (the skyline of A. Uitdenbogerd, J. Zobel,
*Melodic matching techniques for large music databases*, ACM Multimedia 1999), without notes under a held higher one
and without those of the accompaniment that are heard where the tune rests.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

import numpy as np

from kmidi_lab.chords.chord import Key
from kmidi_lab.chords.key_finding import KEYS, profile_correlation
from kmidi_lab.midi.names import plain
from kmidi_lab.midi.piece import Piece, Track
from kmidi_lab.midi.reading import MidiError
from kmidi_lab.midi.score import make_score
from kmidi_lab.models.melody.features import HIGHEST, LOWEST, Melody

REST, _PHRASE = 0.5, 1.0
"""Quarter notes of silence that are a rest, and that end a phrase."""
MIN_NOTES, MAX_NOTES = 12, 5_000
GRID = 12
"""Places a quarter note: sixteenths and triplets of eighths fall on it."""
HOW = ("named", "role", "skyline")
"""What a melody was found by: the name of its track, how its track plays, or as the upper voice of all."""
_NAMED = tuple(
    re.compile(words)
    for words in (
        r"melod|gesang|canto|\bchant\b|メロ|旋律|мелод|멜로디|μελωδ",
        r"\b(lead )?(vocal|voice|vox|sing)|\bvoz\b|\bvoix\b|stimme|ボーカル|ヴォーカル|歌|вокал|голос|보컬",
        r"\blead\b|\bsolo\b|ソロ|соло",
    )
)
_BACKING = re.compile(
    r"back|bkg|bg|harm|choir|chorus|ooh|aah|counter|bass|drum|rhythm|begleit|accomp|コーラス|ハモ|副旋律|伴奏|対旋律|хор|бас"
)
_BASS, _EFFECTS = range(32, 40), range(112, 128)
_LEAST_LIKE = 0.3
_MIDDLE, _WIDTH = 68.0, 16.0
_AROUND, _HEIGHT, _DEEPEST, _ALONE = 8.0, 0.6, 12, 0.9
"""How high a tune lies is the quantile `_HEIGHT` of the notes up to `_AROUND` quarter notes away; it goes `_DEEPEST`
semitones below that. Where nothing covers `_ALONE` of all notes there is only one voice."""


@dataclass(frozen=True)
class Voice:
    """Notes one after the other, arrays `[T]`: `pitch` MIDI, `onset`, `duration` in quarter notes (or beats).

    `rest` says whether a rest stands before the note, `phrase` whether it starts a phrase.
    """

    pitch: np.ndarray
    onset: np.ndarray
    duration: np.ndarray
    rest: np.ndarray
    phrase: np.ndarray


def single(starts: np.ndarray, ends: np.ndarray, pitch: np.ndarray, grid: int) -> Voice:
    """Onsets on the nearest of `grid` places a quarter note, of notes on one place the highest, each ended by the next.

    A gap below half a quarter note is articulation: the note lasts to the next one.
    """
    onset = np.round(starts * grid) / grid
    order = np.lexsort((-pitch.astype(int), onset))
    order = order[np.concatenate([[True], np.diff(onset[order]) > 0])] if len(order) else order
    onset, end = onset[order], ends[order]
    following = np.append(onset[1:], np.inf)
    end = np.clip(np.round(end * grid) / grid, onset + 1 / grid, following)
    gap = onset - np.concatenate([[-np.inf], end[:-1]])
    duration = np.where(following - end < REST, following, end) - onset
    return Voice(pitch[order].astype(np.uint8), onset, duration, np.isfinite(gap) & (gap >= REST), gap >= _PHRASE)


def uncovered(starts: np.ndarray, ends: np.ndarray, pitch: np.ndarray, tolerance: float) -> np.ndarray:
    """Places of the notes that no higher note sounds over, in order of onset; times in any unit.

    A note that starts while a higher one still sounds for more than `tolerance` belongs to another voice.
    """
    until = np.full(129, -np.inf)
    notes_left = []
    for i in np.lexsort((-pitch.astype(int), starts)):
        if until[int(pitch[i]) + 1 :].max() <= starts[i] + tolerance:
            notes_left.append(i)
        until[pitch[i]] = max(until[pitch[i]], ends[i])
    return np.array(notes_left, np.int64)


def key_of_chroma(weights: np.ndarray) -> Key:
    """The key of notes whose source does not say it: the best of 24 for the duration of each pitch class `[12]`.

    C major for a flat histogram.
    """
    return max(KEYS, key=lambda key: profile_correlation(weights, key))


@dataclass(frozen=True)
class MelodyLine:
    """A voice, its tracks' notes on `GRID`, what it was found by, of `HOW`, and the track of the piece that plays it."""

    voice: Voice
    how: str
    track: int


def melody_of(piece: Piece) -> MelodyLine:
    """The melody of a piece. Raises MidiError (`no melody`, `fewer than …`) for one that has none to be found."""
    tracks = [t for t in piece.tracks if not t.is_drum and len(t.notes) >= MIN_NOTES]
    if not tracks:
        raise MidiError(
            "no melody", f"no pitched track of {MIN_NOTES} notes or more", remedy="give a file with a melody"
        )
    quarter = float(piece.ticks_per_quarter)
    track, how = _named(tracks), HOW[0]
    if track is None:
        likely = {id(t): likeness(t, tracks, quarter) for t in tracks}
        track, how = max(tracks, key=lambda t: likely[id(t)]), HOW[1]
        if len(tracks) == 1 or likely[id(track)] < _LEAST_LIKE:
            how = HOW[2]
    of_all = [t.notes for t in tracks if t.program not in (*_BASS, *_EFFECTS)] or [t.notes for t in tracks]
    notes = np.concatenate(of_all) if how == HOW[2] else track.notes
    line = MelodyLine(upper_voice(notes, quarter), how, next(i for i, t in enumerate(piece.tracks) if t is track))
    pitch = line.voice.pitch
    if not MIN_NOTES <= len(pitch) <= MAX_NOTES:
        raise MidiError(
            f"melody not of {MIN_NOTES} to {MAX_NOTES} notes",
            str(len(pitch)),
            remedy="give a file with a melody of so many",
        )
    if pitch.min() < LOWEST or pitch.max() > HIGHEST:
        raise MidiError(
            "pitch outside octaves 1 to 8", f"MIDI numbers {pitch.min()} to {pitch.max()}", remedy="transpose it"
        )
    return line


def upper_voice(notes: np.ndarray, quarter: float) -> Voice:
    """The skyline of notes of dtype NOTE; `quarter` ticks a quarter note.

    Of several voices the low notes that are left where the upper one rests are taken out.
    """
    starts = notes["start"].astype(np.float64) / quarter
    ends = starts + notes["duration"] / quarter
    top = uncovered(starts, ends, notes["pitch"], 1 / GRID)
    if len(top) < _ALONE * len(notes):
        top = top[~_far_below(starts[top], notes["pitch"][top])]
    return single(starts[top], ends[top], notes["pitch"][top], GRID)


def _far_below(starts: np.ndarray, pitch: np.ndarray) -> np.ndarray:
    """Which notes, in order of onset, lie more than an octave below the height of those around them, `[N]` bool."""
    first, last = (np.searchsorted(starts, starts + by) for by in (-_AROUND, _AROUND))
    heights = [np.quantile(pitch[a : b + 1], _HEIGHT) for a, b in zip(first, last, strict=True)]
    return np.asarray(pitch < np.array(heights) - _DEEPEST)


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
    names = [plain(t.name) for t in tracks]
    for words in _NAMED:
        bearers = [t for t, n in zip(tracks, names, strict=True) if words.search(n) and not _BACKING.search(n)]
        if bearers:
            return max(bearers, key=lambda t: len(t.notes))
    return None


def stated_key(piece: Piece) -> Key | None:
    """The file's key signature; None where it has none, or C major, which programs write unasked."""
    if len(piece.keys) and (piece.keys[0, 1], piece.keys[0, 2]) != (0, 0):
        return Key(int(piece.keys[0, 1]), -1 if piece.keys[0, 2] else 1)
    return None


def key_of(piece: Piece) -> Key:
    """The file's key signature; where it states none, an estimate from all pitched notes."""
    if (stated := stated_key(piece)) is not None:
        return stated
    notes = np.concatenate([t.notes for t in piece.tracks if not t.is_drum])
    return key_of_chroma(pitch_classes(notes, piece.ticks_per_quarter))


def pitch_classes(notes: np.ndarray, quarter: int) -> np.ndarray:
    """The duration of each pitch class `[12]`; a note counts for four quarters at most."""
    return np.bincount(notes["pitch"] % 12, np.minimum(notes["duration"], 4 * quarter), 12)


def as_melody(piece: Piece, line: MelodyLine, name: str, source: str) -> Melody:
    """What was found, with its key and its place in the bars of the piece."""
    voice = line.voice
    metres = [(tick / piece.ticks_per_quarter, int(n), int(d)) for tick, n, d in piece.metres]
    score, _ = make_score(voice.onset, voice.duration, voice.pitch, metres)
    position = np.round(score.bar % 1.0 * score.bar_quarters * GRID) / GRID % score.bar_quarters
    return Melody(
        name, source, name, key_of(piece), voice.pitch, voice.duration.astype(np.float32), position.astype(np.float32),
        score.bar_quarters.astype(np.float32), voice.rest, voice.phrase,
    )  # fmt: skip
