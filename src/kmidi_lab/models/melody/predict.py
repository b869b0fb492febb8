"""task=predict for melody: writes a melody over chords as MIDI and as a picture, from the model or the heuristic."""

from __future__ import annotations

import io
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, NamedTuple

import mido
import numpy as np
import orjson
from annotated_types import Interval

from kmidi_lab.chords.asking import parse_affect
from kmidi_lab.chords.chart import Chart, read_chart
from kmidi_lab.chords.chord import Chord, Key
from kmidi_lab.chords.spelling import Spelling
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
_SIGNATURES = frozenset(
    [
        "C",
        "G",
        "D",
        "A",
        "E",
        "B",
        "F#",
        "C#",
        "F",
        "Bb",
        "Eb",
        "Ab",
        "Db",
        "Gb",
        "Cb",
        "Am",
        "Em",
        "Bm",
        "F#m",
        "C#m",
        "G#m",
        "D#m",
        "A#m",
        "Dm",
        "Gm",
        "Cm",
        "Fm",
        "Bbm",
        "Ebm",
        "Abm",
    ]
)
_MELODY_VELOCITY, _CHORD_VELOCITY = 92, 54


class Timed(NamedTuple):
    """A chord, or None for no chord; `start` and `length` in quarters, its name and its root's as they are spelled."""

    start: float
    length: float
    chord: Chord | None
    name: str
    root: str = ""


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
        chords: to play over, a bar each, or as `|` between bars says; names, Harte, numerals or iReal's signs.
        key: such as C, F# or Am; None estimates it from the chords.
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
        key: str | None = None,
        emotion: str | None = None,
        length: Annotated[int, Interval(ge=1, le=MOST_NOTES)] = 32,
        temperature: Annotated[float, Interval(ge=0.05, le=10)] = 1.0,
        top_k: Annotated[int, Interval(ge=0, le=128)] = 0,
        top_p: Annotated[float, Interval(gt=0, le=1)] = 1.0,
        out: str | None = None,
    ) -> None:
        midi_target(out, Path("melody.mid"))
        self.emotion, self.affect = emotion, parse_affect(emotion)
        self.chart: Chart = read_chart(chords if isinstance(chords, str) else " ".join(chords), key, bar_each=True)
        self.spelling = self.chart.spelling
        self.progression = in_quarters(self.chart)
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
        pitches = write(
            ask, rhythm, chords, self.spelling.key, self.affect, rng, self.temperature, self.top_k, self.top_p
        )
        tempo = round(100 + 30 * arousal)
        return Tune(rhythm, pitches, chords, tempo, midi_bytes(rhythm, pitches, chords, tempo, self.spelling), origin)

    def show(self, answer: Tune, session: Session) -> None:
        target = midi_target(self.out, session.folder / "melody.mid")
        write_atomic(target, answer.midi)
        mood = f", {self.emotion}" if self.affect else ""
        picture, rhythm, pitches = target.with_suffix(".png"), answer.rhythm, answer.pitch
        title = f"{self.spelling}{mood}, {len(pitches)} notes, {answer.tempo} bpm"
        phrases = rhythm.onset[rhythm.phrase].tolist()
        picture_bytes = piano_roll(
            rhythm.onset, rhythm.duration, pitches, answer.chords, phrases, self.spelling, BAR, title
        )
        write_atomic(picture, picture_bytes)
        names = [self._note_name(answer, i) for i in range(len(pitches))]
        if self.chart.key_from != "given":
            print(f"Key: {self.chart.key_told}")
        print(f"{title}; rhythm from {answer.rhythm_from}:")
        for bar in range(int(rhythm.onset[-1] // BAR) + 1):
            inside = " ".join(name for name, onset in zip(names, rhythm.onset, strict=True) if int(onset // BAR) == bar)
            over = " ".join(c.name for c in answer.chords if int(c.start // BAR) == bar)
            print(f"  bar {bar + 1:>2}  {over:<8} {inside}")
        written = target, picture
        notes = [
            {"onset": o, "duration": d, "pitch": p, "name": name}
            for (o, d, p), name in zip(answer.notes, names, strict=True)
        ]
        chords = [{"start": c.start, "length": c.length, "name": c.name} for c in answer.chords]
        record = {
            **self.chart.key_record,
            "emotion": self.emotion,
            "tempo": answer.tempo,
            "chords": chords,
            "notes": notes,
        }
        write_atomic(session.folder / "melody.json", orjson.dumps(record, option=orjson.OPT_INDENT_2))
        print(f"written: {', '.join(map(str, written))}, {session.folder / 'melody.json'}")

    def _note_name(self, tune: Tune, note: int) -> str:
        under = chord_at(tune.chords, float(tune.rhythm.onset[note]))
        chord, root = (under.chord, under.root) if under else (None, "")
        return note_name(int(tune.pitch[note]), self.spelling, chord, root)


def in_quarters(chart: Chart) -> list[Timed]:
    """Chords of one round."""
    return [
        Timed(p.start * BAR, p.bars * BAR, p.chord, p.name, p.root)
        for p in chart.placed
        if p.start is not None and p.bars is not None
    ]


def chord_at(chords: Sequence[Timed], onset: float) -> Timed | None:
    """What sounds at `onset`, in quarters."""
    return next((c for c in chords if c.start <= onset + 1e-6 < c.start + c.length), None)


def repeat(progression: list[Timed], quarters: float) -> list[Timed]:
    """The progression again and again until `quarters` are filled, cut to bars there."""
    if not progression:
        return []
    round_length = max(c.start + c.length for c in progression)
    end = -(-quarters // BAR) * BAR
    rounds = int(-(-end // round_length))
    placed = [c._replace(start=c.start + r * round_length) for r in range(rounds) for c in progression]
    return [c._replace(length=min(c.length, end - c.start)) for c in placed if c.start < end]


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
        under = chord_at(chords, float(onset))
        chord = under.chord if under else None
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


def midi_bytes(rhythm: Rhythm, pitches: np.ndarray, chords: list[Timed], tempo: int, spelling: Spelling) -> bytes:
    """A MIDI file: melody, and the chords softly below it."""
    file = mido.MidiFile(ticks_per_beat=_TICKS)
    head = mido.MidiTrack([
        mido.MetaMessage("set_tempo", tempo=mido.bpm2tempo(tempo)),
        mido.MetaMessage("time_signature", numerator=4, denominator=4),
        mido.MetaMessage("key_signature", key=_signature(spelling)),
    ])  # fmt: skip
    melody = [(o, d, int(p), _MELODY_VELOCITY) for o, d, p in zip(rhythm.onset, rhythm.duration, pitches, strict=True)]
    file.tracks += [head, _track("Melody", 0, melody)]
    if chords:
        low = 48
        under = [
            (c.start, c.length, pitch, _CHORD_VELOCITY)
            for c in chords
            if c.chord is not None
            for pitch in (low - 12 + c.chord.bass, *(low + tone for tone in sorted(c.chord.tones)))
        ]
        file.tracks.append(_track("Chords", 1, under))
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
