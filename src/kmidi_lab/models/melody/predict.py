"""task=predict for melody: writes a melody over chords as MIDI and as a picture, from the model or the heuristic."""

from __future__ import annotations

import io
from collections import Counter
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
from kmidi_lab.errors import ConfigError, one_of
from kmidi_lab.files import write_atomic
from kmidi_lab.inference.api import Request, Session
from kmidi_lab.inference.published import Published
from kmidi_lab.midi.score import midi_target, name_of, say_flaws
from kmidi_lab.models.melody.baselines import stepwise
from kmidi_lab.models.melody.continuation import Begun, read_tune, written
from kmidi_lab.models.melody.features import NO_NOTE, Notes, duration_class, position_class, vectors
from kmidi_lab.models.melody.generation import draw
from kmidi_lab.models.melody.piano_roll import note_name, piano_roll
from kmidi_lab.models.melody.rhythm import (
    BAR,
    METRES,
    SHORTEST,
    Bar,
    Metre,
    Rhythm,
    compose,
    known_bars,
    notes_a_bar,
    plain_bars,
)

MOST_NOTES, MOST_BARS = 2000, 500
_NOTES, _LEAST_BARS, _MORE_BARS = 32, 4, 8
"""Without a length: notes where nothing says how many bars, bars over a short loop, bars after a tune."""
_TICKS = 480
_MELODY_VELOCITY, _CHORD_VELOCITY = 92, 54
_SIGNATURES = frozenset(
    "C G D A E B F# C# F Bb Eb Ab Db Gb Cb Am Em Bm F#m C#m G#m D#m A#m Dm Gm Cm Fm Bbm Ebm Abm".split()  # noqa: SIM905
)


class Timed(NamedTuple):
    """A chord, or None for no chord; `start` and `length` in quarters, its name and its root's as they are spelled."""

    start: float
    length: float
    chord: Chord | None
    name: str
    root: str = ""


@dataclass(frozen=True)
class Tune:
    """A melody over chords: `rhythm` and MIDI `pitch` of its T notes, `[T]`; times in quarters, tempo in beats a minute.

    `begun` is the tune that it continues, from whose end its times are counted.
    """

    rhythm: Rhythm
    pitch: np.ndarray
    chords: list[Timed]
    tempo: int
    midi: bytes
    rhythm_from: str
    metre: Metre = METRES["4/4"]
    begun: Begun | None = None

    @property
    def notes(self) -> list[tuple[float, float, int]]:
        """(onset, duration, MIDI pitch) of each note, times in quarters."""
        columns = (self.rhythm.onset.tolist(), self.rhythm.duration.tolist(), self.pitch.tolist())
        return list(zip(*columns, strict=True))


class MelodyOverChords(Request[Tune]):
    """Asks for a melody.

    Args:
        chords: to play over, a bar each, or as `|` between bars says; names, Harte, numerals or iReal's signs.
        key: such as C, F# or Am; None is the tune's, or estimated from the chords.
        emotion: a feel word, an emotion label, or valence,arousal in -1..1; None is unknown.
        length: notes, up to 2000; over chords they fill whole rounds. 0 is what the bars hold.
        temperature: 0.05 to 10; below 1 is safer, above 1 bolder.
        top_k: notes to choose among, 0 (all) to 128.
        top_p: share of the probability to choose from, above 0 to 1.
        out: the file that task=predict writes; None is the run folder.
        bars: up to 500; 0 is one round of the chords, four bars at least; 8 after a tune; without either 32 notes.
        metre: 4/4, 2/2, 2/4, 3/4 or 6/8; None is that of the tune, else 4/4.
        midi: a file whose melody goes on, by name or as its bytes; None begins one. Key, metre and tempo are the file's then.

    Raises:
        ConfigError: a chord, key or emotion that can't be read, a number out of range, or an `out` that can't be written.
    """

    without_model = "a heuristic, steps within the key and the chord"

    def __init__(
        self,
        chords: str | Sequence[str] = "",
        key: str | None = None,
        emotion: str | None = None,
        length: Annotated[int, Interval(ge=0, le=MOST_NOTES)] = 0,
        temperature: Annotated[float, Interval(ge=0.05, le=10)] = 1.0,
        top_k: Annotated[int, Interval(ge=0, le=128)] = 0,
        top_p: Annotated[float, Interval(gt=0, le=1)] = 1.0,
        out: str | None = None,
        bars: Annotated[int, Interval(ge=0, le=MOST_BARS)] = 0,
        metre: str | None = None,
        midi: str | Path | bytes | None = None,
    ) -> None:
        if metre is not None and metre not in METRES:
            raise ConfigError(one_of("predict.metre", metre, METRES))
        self.source = midi if midi is None or isinstance(midi, bytes) else Path(midi)
        self.out, self.bars = out, bars
        self._target(Path())
        self.begun = read_tune(self.source, METRES[metre] if metre else None) if self.source else None
        self.metre = self.begun.metre if self.begun else METRES[metre or "4/4"]
        self.emotion, self.affect = emotion, parse_affect(emotion)
        text = chords if isinstance(chords, str) else " ".join(chords)
        self.chart: Chart = read_chart(text, key, bar_each=True, known=self.begun.key if self.begun else None)
        self.spelling = self.chart.spelling
        self.progression = in_quarters(self.chart, self.metre.bar)
        self.length, self.temperature, self.top_k, self.top_p = length, temperature, top_k, top_p
        if bars and length and length > bars * self.metre.bar / SHORTEST:
            raise ConfigError(
                f"predict.length={length} is more than a note each sixteenth of predict.bars={bars}; give more bars"
            )

    def run(self, published: Published | None, session: Session) -> Tune:
        """A melody drawn note by note; the same seed gives the same one."""
        rng = np.random.default_rng(session.seed)
        arousal = self.affect[1] if self.affect else 0.0
        kinds, origin, density = self._rhythms(session, arousal)
        count, notes = self._size(density)
        rhythm = compose(kinds, notes, arousal, rng, self.metre, count, density)
        chords = repeat(self.progression, float((rhythm.onset + rhythm.duration)[-1]), self.metre.bar)
        ask = None
        if published is not None:
            published.model.reset()
            ask = published.model
            if self.begun:
                self.begun.listen(ask, self.affect)
        drawing = rng, self.temperature, self.top_k, self.top_p
        pitches = write(ask, rhythm, chords, self.spelling.key, self.affect, *drawing, self.metre, self.begun)
        tempo = round(self.begun.tempo if self.begun else 100 + 30 * arousal)
        if self.begun:
            midi = written(self.begun, sounding(rhythm, pitches, self.begun.velocity), under(chords))
        else:
            midi = midi_bytes(rhythm, pitches, chords, tempo, self.spelling, self.metre)
        return Tune(rhythm, pitches, chords, tempo, midi, origin, self.metre, self.begun)

    def _rhythms(self, session: Session, arousal: float) -> tuple[Counter[Bar], str, float]:
        """(bars to choose from, where they come from, notes a bar)."""
        density = notes_a_bar(self.metre, arousal)
        if self.begun:
            density = min(max(self.begun.density, self.metre.bar / BAR), 2 * self.metre.bar)
            if own := self.begun.bars():
                return own, "the tune's own bars", density
        if self.metre.rhythms == "4/4":
            return *known_bars(session.cache_dir), density
        return plain_bars(self.metre.rhythms), "the lab's plain rhythms", density

    def _size(self, density: float) -> tuple[int | None, int | None]:
        """(bars, notes), as `compose` takes them: whole rounds of the chords unless a number of bars was given."""
        if self.bars:
            return self.bars, self.length or None
        quarters = max((c.start + c.length for c in self.progression), default=0.0)
        if quarters:
            loop = -(-quarters // self.metre.bar)
            wanted = self.length / density / loop if self.length else np.ceil(_LEAST_BARS / loop)
            return int(loop) * max(1, round(wanted)), self.length or None
        if self.length or not self.begun:
            return None, self.length or _NOTES
        return _MORE_BARS, None

    def show(self, answer: Tune, session: Session) -> None:
        target = self._target(session.folder)
        write_atomic(target, answer.midi)
        mood = f", {self.emotion}" if self.affect else ""
        picture, rhythm, pitches = target.with_suffix(".png"), answer.rhythm, answer.pitch
        title = f"{self.spelling}{mood}, {len(pitches)} notes, {answer.tempo} bpm"
        phrases = rhythm.onset[rhythm.phrase].tolist()
        write_atomic(
            picture,
            piano_roll(
                rhythm.onset, rhythm.duration, pitches, answer.chords, phrases, self.spelling, answer.metre.bar, title
            ),
        )
        bar, first = answer.metre.bar, 0
        if answer.begun:
            first = answer.begun.bar
            print(
                f"{name_of(self.source or Path())}: {answer.begun.named()} goes on from bar {first + 1}, in {answer.metre.name}"
            )
            say_flaws(answer.begun.file.piece.flaws)
        names = [self._note_name(answer, i) for i in range(len(pitches))]
        if self.chart.key_from != "given":
            print(f"Key: {self.chart.key_told}")
        print(f"{title}; rhythm from {answer.rhythm_from}:")
        for number in range(int(rhythm.onset[-1] // bar) + 1):
            inside = " ".join(n for n, onset in zip(names, rhythm.onset, strict=True) if int(onset // bar) == number)
            over = " ".join(c.name for c in answer.chords if int(c.start // bar) == number)
            print(f"  bar {first + number + 1:>2}  {over:<8} {inside}")
        record = session.folder / "melody.json"
        write_atomic(record, orjson.dumps(self._record(answer, names), option=orjson.OPT_INDENT_2))
        print(f"written: {target}, {picture}, {record}")

    def _note_name(self, tune: Tune, note: int) -> str:
        over = chord_at(tune.chords, float(tune.rhythm.onset[note]))
        chord, root = (over.chord, over.root) if over else (None, "")
        return note_name(int(tune.pitch[note]), self.spelling, chord, root)

    def _record(self, tune: Tune, names: list[str]) -> dict[str, object]:
        """What a program reads of the answer; times in quarters."""
        notes = [
            {"onset": onset, "duration": duration, "pitch": pitch, "name": name}
            for (onset, duration, pitch), name in zip(tune.notes, names, strict=True)
        ]
        chords = [{"start": c.start, "length": c.length, "name": c.name} for c in tune.chords]
        return {**self.chart.key_record, "emotion": self.emotion, "tempo": tune.tempo, "chords": chords, "notes": notes}

    def _target(self, folder: Path) -> Path:
        source = self.source if isinstance(self.source, Path) else None
        name = f"{source.stem if source else 'melody'}_continued.mid" if self.source else "melody.mid"
        return midi_target(self.out, folder / name, source)


def in_quarters(chart: Chart, bar: float = BAR) -> list[Timed]:
    """Chords of one round; `bar` is its length in quarters."""
    placed = ((p, p.start, p.bars) for p in chart.placed)
    return [
        Timed(start * bar, bars * bar, p.chord, p.name, p.root)
        for p, start, bars in placed
        if start is not None and bars is not None
    ]


def chord_at(chords: Sequence[Timed], onset: float) -> Timed | None:
    """What sounds at `onset`, in quarters."""
    return next((c for c in chords if c.start <= onset + 1e-6 < c.start + c.length), None)


def repeat(progression: list[Timed], quarters: float, bar: float = BAR) -> list[Timed]:
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
    chords: list[Timed],
    key: Key,
    affect: tuple[float, float] | None,
    rng: np.random.Generator,
    temperature: float,
    top_k: int,
    top_p: float,
    metre: Metre = METRES["4/4"],
    begun: Begun | None = None,
) -> np.ndarray:
    """Pitches `[T]` for a rhythm. `ask` maps one contract vector to `[128]` and keeps its state; None is the heuristic.

    `begun` is the tune that goes on, which the model has heard.

    The last note is drawn from the chord's tones, or from the tonic triad's where no chord is given, so that it closes.
    """
    mood = np.array([*affect, 0.4] if affect else [0.0, 0.0, 0.0], np.float32)
    durations, positions = duration_class(rhythm.duration), position_class(rhythm.onset % metre.bar, metre.bar)
    triad = {(key.tonic + i) % 12 for i in ((0, 3, 7) if key.mode < 0 else (0, 4, 7))}
    pitches: list[int] = []
    last, last_duration, rested = NO_NOTE, 0, False
    if begun:
        last, last_duration = int(begun.melody.pitch[-1]), int(duration_class(begun.melody.duration[-1:])[0])
        rested = begun.rested
    for i, onset in enumerate(rhythm.onset):
        over = chord_at(chords, float(onset))
        chord = over.chord if over else None
        before = pitches[-1] if pitches else last
        if ask is None:
            p = stepwise(before, key, chord, strong=onset % metre.bar % metre.strong == 0)
        else:
            numbers = (
                before, durations[i - 1] if i else last_duration, rhythm.rest[i] if i else rested, rhythm.phrase[i], positions[i], durations[i], 0,
                key.tonic, key.mode,
            )  # fmt: skip
            chroma = np.array(chord.chroma() if chord else (0.0,) * 12, np.float32)
            p = ask(vectors(Notes._make([*(np.array(n, np.int64) for n in numbers), chroma, mood])))
        if i == len(rhythm.onset) - 1:
            closing = chord.tones if chord else triad
            p = np.where(np.isin(np.arange(len(p)) % 12, list(closing)), p + 1e-9, 0.0)
        pitches.append(draw(p, rng, temperature, top_k, top_p))
    return np.array(pitches)


def sounding(rhythm: Rhythm, pitches: np.ndarray, velocity: int) -> list[tuple[float, float, int, int]]:
    """(onset, duration, pitch, velocity) of a melody's notes."""
    return [(o, d, int(p), velocity) for o, d, p in zip(rhythm.onset, rhythm.duration, pitches, strict=True)]


def under(chords: list[Timed]) -> list[tuple[float, float, int, int]]:
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
    chords: list[Timed],
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
