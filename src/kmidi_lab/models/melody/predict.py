"""task=predict for melody: writes a melody over chords as MIDI and as a picture, from the model or the heuristic."""

from __future__ import annotations

import io
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

import mido
import numpy as np
from annotated_types import Interval

from kmidi_lab.chords.asking import parse_affect, parse_chords
from kmidi_lab.chords.chord import Chord, Key, parse_key
from kmidi_lab.files import write_atomic
from kmidi_lab.inference.published import Published
from kmidi_lab.inference.request import Request, Session
from kmidi_lab.midi.output import midi_target
from kmidi_lab.models.melody.baselines import stepwise
from kmidi_lab.models.melody.features import NO_NOTE, Notes, duration_class, position_class, vectors
from kmidi_lab.models.melody.piano_roll import note_name, piano_roll
from kmidi_lab.models.melody.rhythm import BAR, Rhythm, compose, known_bars
from kmidi_lab.models.melody.sampling import draw

MOST_NOTES = 2000
_TICKS = 480
_MELODY_VELOCITY, _CHORD_VELOCITY = 92, 54
Timed = tuple[float, float, Chord]
"""(start, length, chord) in quarters."""


@dataclass(frozen=True)
class Tune:
    """A melody over chords: `rhythm` and MIDI `pitch` of its T notes, `[T]`; times in quarters, tempo in beats a minute."""

    rhythm: Rhythm
    pitch: np.ndarray
    chords: list[Timed]
    tempo: int
    midi: bytes
    rhythm_from: str

    @property
    def notes(self) -> list[tuple[float, float, int]]:
        """(onset, duration, MIDI pitch) of each note, times in quarters."""
        columns = (self.rhythm.onset.tolist(), self.rhythm.duration.tolist(), self.pitch.tolist())
        return list(zip(*columns, strict=True))


class MelodyOverChords(Request[Tune]):
    """Asks for a melody.

    Args:
        chords: to play over, a bar each, or as `|` between bars says.
        key: such as C, F# or Am.
        emotion: a feel word, an emotion label, or valence,arousal in -1..1; None is unknown.
        length: notes, 1 to 2000.
        temperature: 0.05 to 10; below 1 is safer, above 1 bolder.
        top_k: notes to choose among, 0 (all) to 128.
        top_p: share of the probability to choose from, above 0 to 1.
        out: the file that task=predict writes; None is the run folder.

    Raises:
        ConfigError: a chord, key or emotion that can't be read, a number out of range, or an `out` that can't be written.
    """

    without_model = "a heuristic, steps within the key and the chord"

    def __init__(
        self,
        chords: str | Sequence[str] = "",
        key: str = "C",
        emotion: str | None = None,
        length: Annotated[int, Interval(ge=1, le=MOST_NOTES)] = 32,
        temperature: Annotated[float, Interval(ge=0.05, le=10)] = 1.0,
        top_k: Annotated[int, Interval(ge=0, le=128)] = 0,
        top_p: Annotated[float, Interval(gt=0, le=1)] = 1.0,
        out: str | None = None,
    ) -> None:
        midi_target(out, Path("melody.mid"))
        self.key = parse_key(key)
        self.emotion, self.affect = emotion, parse_affect(emotion)
        self.progression = one_bar_each(chords if isinstance(chords, str) else " ".join(chords), self.key)
        self.length, self.temperature, self.top_k, self.top_p, self.out = length, temperature, top_k, top_p, out

    def run(self, published: Published | None, session: Session) -> Tune:
        """A melody drawn note by note; the same seed gives the same one."""
        rng = np.random.default_rng(session.seed)
        bars, origin = known_bars(session.cache_dir)
        arousal = self.affect[1] if self.affect else 0.0
        rhythm = compose(bars, self.length, arousal, rng)
        chords = repeat(self.progression, float((rhythm.onset + rhythm.duration)[-1]))
        if published is not None:
            published.model.reset()
        ask = None if published is None else published.model
        pitches = write(ask, rhythm, chords, self.key, self.affect, rng, self.temperature, self.top_k, self.top_p)
        tempo = round(100 + 30 * arousal)
        return Tune(rhythm, pitches, chords, tempo, midi_bytes(rhythm, pitches, chords, tempo, self.key), origin)

    def show(self, answer: Tune, session: Session) -> None:
        target = midi_target(self.out, session.folder / "melody.mid")
        write_atomic(target, answer.midi)
        mood = f", {self.emotion}" if self.affect else ""
        picture, rhythm, pitches = target.with_suffix(".png"), answer.rhythm, answer.pitch
        title = f"{self.key}{mood}, {len(pitches)} notes, {answer.tempo} bpm"
        phrases = rhythm.onset[rhythm.phrase].tolist()
        write_atomic(
            picture,
            piano_roll(rhythm.onset, rhythm.duration, pitches, answer.chords, phrases, self.key, BAR, title),
        )
        print(f"{title}; rhythm from {answer.rhythm_from}:")
        for bar in range(int(rhythm.onset[-1] // BAR) + 1):
            inside = (rhythm.onset // BAR).astype(int) == bar
            names = " ".join(note_name(int(p), self.key) for p in pitches[inside])
            over = " ".join(str(c) for s, _, c in answer.chords if int(s // BAR) == bar)
            print(f"  bar {bar + 1:>2}  {over:<8} {names}")
        print(f"written: {target}, {picture}")


def one_bar_each(text: str, key: Key) -> list[Timed]:
    """Chords of one round in quarters: with `|` as the bars say, without a bar for each."""
    events = parse_chords(text if "|" in text else " | ".join(text.replace(",", " ").split()), key)
    if len(events) == 1 and events[0].start is None:
        return [(0.0, BAR, events[0].chord)]
    return [(e.start * BAR, e.bars * BAR, e.chord) for e in events]  # type: ignore[operator]


def repeat(progression: list[Timed], quarters: float) -> list[Timed]:
    """The progression again and again until `quarters` are filled, cut to bars there."""
    if not progression:
        return []
    round_length = max(start + length for start, length, _ in progression)
    end = -(-quarters // BAR) * BAR
    rounds = int(-(-end // round_length))
    placed = [(s + r * round_length, d, c) for r in range(rounds) for s, d, c in progression]
    return [(s, min(d, end - s), c) for s, d, c in placed if s < end]


def write(
    ask: Callable[[np.ndarray], np.ndarray] | None,
    rhythm: Rhythm,
    chords: list[Timed],
    key: Key,
    affect: tuple[float, float] | None,
    rng: np.random.Generator,
    temperature: float,
    top_k: int,
    top_p: float,
) -> np.ndarray:
    """Pitches `[T]` for a rhythm. `ask` maps one contract vector to `[128]` and keeps its state; None is the heuristic.

    The last note is drawn from the chord's tones, or from the tonic triad's where no chord is given, so that it closes.
    """
    mood = np.array([*affect, 0.4] if affect else [0.0, 0.0, 0.0], np.float32)
    durations, positions = duration_class(rhythm.duration), position_class(rhythm.onset % BAR, BAR)
    triad = {(key.tonic + i) % 12 for i in ((0, 3, 7) if key.mode < 0 else (0, 4, 7))}
    pitches: list[int] = []
    for i, onset in enumerate(rhythm.onset):
        chord = next((c for s, d, c in chords if s <= onset + 1e-6 < s + d), None)
        before = pitches[-1] if pitches else NO_NOTE
        if ask is None:
            p = stepwise(before, key, chord, strong=onset % 2 == 0)
        else:
            numbers = (
                before, durations[i - 1] if i else 0, rhythm.rest[i], rhythm.phrase[i], positions[i], durations[i], 0,
                key.tonic, key.mode,
            )  # fmt: skip
            chroma = np.array(chord.chroma() if chord else (0.0,) * 12, np.float32)
            p = ask(vectors(Notes._make([*(np.array(n, np.int64) for n in numbers), chroma, mood])))
        if i == len(rhythm.onset) - 1:
            closing = chord.tones if chord else triad
            p = np.where(np.isin(np.arange(len(p)) % 12, list(closing)), p + 1e-9, 0.0)
        pitches.append(draw(p, rng, temperature, top_k, top_p))
    return np.array(pitches)


def midi_bytes(rhythm: Rhythm, pitches: np.ndarray, chords: list[Timed], tempo: int, key: Key) -> bytes:
    """A MIDI file: melody, and the chords softly below it."""
    file = mido.MidiFile(ticks_per_beat=_TICKS)
    head = mido.MidiTrack([
        mido.MetaMessage("set_tempo", tempo=mido.bpm2tempo(tempo)),
        mido.MetaMessage("time_signature", numerator=4, denominator=4),
        mido.MetaMessage("key_signature", key=_signature(key)),
    ])  # fmt: skip
    melody = [(o, d, int(p), _MELODY_VELOCITY) for o, d, p in zip(rhythm.onset, rhythm.duration, pitches, strict=True)]
    file.tracks += [head, _track("Melody", 0, melody)]
    if chords:
        low = 48
        under = [
            (s, d, pitch, _CHORD_VELOCITY)
            for s, d, c in chords
            for pitch in (low - 12 + (c.bass % 12), *(low + (t % 12) for t in sorted(c.tones)))
        ]
        file.tracks.append(_track("Chords", 1, under))
    out = io.BytesIO()
    file.save(file=out)
    return out.getvalue()


def _signature(key: Key) -> str:
    names = ("C", "Db", "D", "Eb", "E", "F", "F#", "G", "Ab", "A", "Bb", "B")
    minor = ("C", "C#", "D", "Eb", "E", "F", "F#", "G", "G#", "A", "Bb", "B")
    return f"{minor[key.tonic]}m" if key.mode < 0 else names[key.tonic]


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
