"""A melody written note by note on a rhythm, over chords placed in time, and its MIDI file."""

from __future__ import annotations

import io
from collections.abc import Callable, Sequence
from typing import NamedTuple

import mido
import numpy as np

from kmidi_lab.chords.chart import Chart
from kmidi_lab.chords.chord import Chord, Key
from kmidi_lab.chords.spelling import Spelling
from kmidi_lab.contract_types import Contract
from kmidi_lab.models.melody.baselines import stepwise
from kmidi_lab.models.melody.continuation import Primer
from kmidi_lab.models.melody.contract import MELODY
from kmidi_lab.models.melody.features import Notes, duration_class, position_class, vectors
from kmidi_lab.models.melody.generation import draw
from kmidi_lab.models.melody.metres import METRES, Metre
from kmidi_lab.models.melody.recall import NO_NOTE, NoteMemory
from kmidi_lab.models.melody.rhythm import BAR, Rhythm

_TICKS = 480
_MELODY_VELOCITY, _CHORD_VELOCITY = 92, 54
_SIGNATURES = frozenset(
    "C G D A E B F# C# F Bb Eb Ab Db Gb Cb Am Em Bm F#m C#m G#m D#m A#m Dm Gm Cm Fm Bbm Ebm Abm".split()  # noqa: SIM905
)


class TimedChord(NamedTuple):
    """A chord, or None for no chord; `start` and `length` in quarters, its name and its root's as they are spelled."""

    start: float
    length: float
    chord: Chord | None
    name: str
    root: str = ""


def in_quarters(chart: Chart, bar: float = BAR) -> list[TimedChord]:
    """Chords of one round; `bar` is its length in quarters."""
    placed = ((p, p.start, p.bars) for p in chart.placed)
    return [
        TimedChord(start * bar, bars * bar, p.chord, p.name, p.root)
        for p, start, bars in placed
        if start is not None and bars is not None
    ]


def chord_at(chords: Sequence[TimedChord], onset: float) -> TimedChord | None:
    """What sounds at `onset`, in quarters."""
    return next((c for c in chords if c.start <= onset + 1e-6 < c.start + c.length), None)


def repeat(progression: list[TimedChord], quarters: float, bar: float = BAR) -> list[TimedChord]:
    """The progression again and again until `quarters` are filled, cut to bars there."""
    if not progression:
        return []
    round_length = max(c.start + c.length for c in progression)
    end = -(-quarters // bar) * bar
    rounds = int(-(-end // round_length))
    placed = [c._replace(start=c.start + r * round_length) for r in range(rounds) for c in progression]
    return [c._replace(length=min(c.length, end - c.start)) for c in placed if c.start < end]


def write(
    ask: Callable[[np.ndarray], np.ndarray] | None,
    rhythm: Rhythm,
    chords: list[TimedChord],
    key: Key,
    affect: tuple[float, float] | None,
    rng: np.random.Generator,
    temperature: float,
    top_k: int,
    top_p: float,
    metre: Metre = METRES["4/4"],
    primer: Primer | None = None,
    contract: Contract = MELODY,
) -> np.ndarray:
    """Pitches `[T]` for a rhythm. `ask` maps one vector of `contract` to `[128]` and keeps its state; None is the heuristic.

    `primer` is the tune that goes on, which the model has heard.

    The last note closes: it is drawn from the chord's tones, or is the tonic where no chord is given.
    """
    mood = np.array([*affect, 0.4] if affect else [0.0, 0.0, 0.0], np.float32)
    durations, positions = duration_class(rhythm.duration), position_class(rhythm.onset % metre.bar, metre.bar)
    pitches: list[int] = []
    last, last_duration, rested = NO_NOTE, 0, False
    memory = NoteMemory()
    if primer:
        memory.hear(primer.melody.pitch.tolist(), duration_class(primer.melody.duration).tolist())
        last, last_duration = int(primer.melody.pitch[-1]), int(duration_class(primer.melody.duration[-1:])[0])
        rested = primer.rested
    for i, onset in enumerate(rhythm.onset):
        over = chord_at(chords, float(onset))
        chord = over.chord if over else None
        before = pitches[-1] if pitches else last
        if ask is None:
            p = stepwise(before, key, chord, strong=onset % metre.bar % metre.strong == 0)
        else:
            numbers = (
                before, durations[i - 1] if i else last_duration, rhythm.rest[i] if i else rested, rhythm.phrase[i], positions[i], durations[i], 0,
                key.tonic, key.mode, *memory.recall(before, int(durations[i])),
            )  # fmt: skip
            chroma = np.array(chord.chroma() if chord else (0.0,) * 12, np.float32)
            p = ask(vectors(Notes._make([*(np.array(n, np.int64) for n in numbers), chroma, mood]), contract))
        if i == len(rhythm.onset) - 1:
            closing = chord.tones if chord else (key.tonic,)
            p = np.where(np.isin(np.arange(len(p)) % 12, list(closing)), p + 1e-9, 0.0)
        pitches.append(draw(p, rng, temperature, top_k, top_p))
        memory.follow(pitches[-1])
    return np.array(pitches)


def sounding(rhythm: Rhythm, pitches: np.ndarray, velocity: int) -> list[tuple[float, float, int, int]]:
    """(onset, duration, pitch, velocity) of a melody's notes."""
    return [(o, d, int(p), velocity) for o, d, p in zip(rhythm.onset, rhythm.duration, pitches, strict=True)]


def under(chords: list[TimedChord]) -> list[tuple[float, float, int, int]]:
    """The notes of chords, soft and low: the bass and a tone each."""
    low = 48
    return [
        (c.start, c.length, pitch, _CHORD_VELOCITY)
        for c in chords
        if c.chord is not None
        for pitch in (low - 12 + c.chord.bass, *(low + tone for tone in sorted(c.chord.tones)))
    ]


def midi_bytes(
    rhythm: Rhythm,
    pitches: np.ndarray,
    chords: list[TimedChord],
    tempo: int,
    spelling: Spelling,
    metre: Metre = METRES["4/4"],
) -> bytes:
    """A MIDI file: melody, and the chords softly below it."""
    file = mido.MidiFile(ticks_per_beat=_TICKS)
    numerator, denominator = map(int, metre.name.split("/"))
    head = mido.MidiTrack([
        mido.MetaMessage("set_tempo", tempo=mido.bpm2tempo(tempo)),
        mido.MetaMessage("time_signature", numerator=numerator, denominator=denominator),
        mido.MetaMessage("key_signature", key=_signature(spelling)),
    ])  # fmt: skip
    file.tracks += [head, _track("Melody", 0, sounding(rhythm, pitches, _MELODY_VELOCITY))]
    if chords:
        file.tracks.append(_track("Chords", 1, under(chords)))
    out = io.BytesIO()
    file.save(file=out)
    return out.getvalue()


def _signature(spelling: Spelling) -> str:
    """As the tonic is spelled, where a MIDI file can say it: a signature has seven sharps or flats at most."""
    minor = "m" if spelling.key.mode < 0 else ""
    names = (spelling.tonic, Spelling.of(spelling.key).tonic)
    return next(name + minor for name in names if name + minor in _SIGNATURES)


def _track(name: str, channel: int, notes: list[tuple[float, float, int, int]]) -> mido.MidiTrack:
    events = []
    for onset, duration, pitch, velocity in notes:
        start = round(onset * _TICKS)
        end = max(start + 1, round((onset + duration) * _TICKS) - 10)
        events.append((start, 1, mido.Message("note_on", channel=channel, note=pitch, velocity=velocity)))
        events.append((end, 0, mido.Message("note_off", channel=channel, note=pitch, velocity=0)))
    track, at = mido.MidiTrack([mido.MetaMessage("track_name", name=name)]), 0
    for tick, _, message in sorted(events, key=lambda e: e[:2]):
        track.append(message.copy(time=tick - at))
        at = tick
    return track
