"""task=predict for melody: writes a melody over chords as MIDI and as a picture, from the model or the heuristic."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from typing import Annotated

import numpy as np
import orjson
from annotated_types import Interval

from kmidi_lab.chords.asking import Feeling, parse_affect
from kmidi_lab.chords.chart import Chart, read_chart
from kmidi_lab.errors import ConfigError
from kmidi_lab.files import write_atomic
from kmidi_lab.inference.published import Published
from kmidi_lab.inference.request import Request
from kmidi_lab.inference.session import Session
from kmidi_lab.inference.ways import Way
from kmidi_lab.midi.score import midi_source, midi_target, name_of, say_flaws
from kmidi_lab.models.melody.continuation import read_tune
from kmidi_lab.models.melody.contract import MELODY
from kmidi_lab.models.melody.metres import METRES, TYPED, metre_of
from kmidi_lab.models.melody.piano_roll import note_name, piano_roll
from kmidi_lab.models.melody.rhythm import (
    BAR,
    SHORTEST,
    Bar,
    compose,
    known_bars,
    notes_a_bar,
    plain_bars,
)
from kmidi_lab.models.melody.tune import Tune
from kmidi_lab.models.melody.writing import chord_at, in_quarters, repeat, write
from kmidi_lab.wording import many

MOST_NOTES, MOST_BARS, MOST_A_BAR = 2000, 500, 16
_NOTES, _LEAST_BARS, _MORE_BARS = 32, 4, 8
"""Without a length: notes where nothing says how many bars, bars over a short loop, bars after a tune."""


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
        metre: such as 4/4, 3/4, 5/4, 6/8, 7/8 or 12/8; None is that of the tune, else 4/4.
        midi: a file whose melody goes on, by name or as its bytes; None begins one. Key, metre and tempo are the file's
            then.
        density: notes a bar, about, up to 16; 0 is what suits the emotion, or the tune that goes on.

    Raises:
        ConfigError: a chord, key or emotion that can't be read, a number out of range, or an `out` that can't be
            written.
    """

    ways = (
        Way("midi", "the tune of a MIDI file goes on"),
        Way("chords", "a tune over chords", "Am F C G"),
    )
    without_model = "a heuristic, steps within the key and the chord"

    def __init__(
        self,
        chords: str | Sequence[str] = "",
        key: str | None = None,
        emotion: Feeling | None = None,
        length: Annotated[int, Interval(ge=0, le=MOST_NOTES)] = 0,
        temperature: Annotated[float, Interval(ge=0.05, le=10)] = 1.0,
        top_k: Annotated[int, Interval(ge=0, le=128)] = 0,
        top_p: Annotated[float, Interval(gt=0, le=1)] = 1.0,
        out: str | None = None,
        bars: Annotated[int, Interval(ge=0, le=MOST_BARS)] = 0,
        metre: str | None = None,
        midi: str | Path | bytes | None = None,
        density: Annotated[float, Interval(ge=0, le=MOST_A_BAR)] = 0.0,
    ) -> None:
        wished = metre_of(metre) if metre is not None else None
        if metre is not None and wished is None:
            raise ConfigError(f"predict.metre={metre} is not known; write {TYPED}")
        self.source = midi_source(midi) if midi else None
        self.out, self.bars = out, bars
        self._target(Path())
        self.primer = read_tune(self.source, wished) if self.source else None
        self.metre = self.primer.metre if self.primer else wished or METRES["4/4"]
        self.emotion, self.affect = emotion, parse_affect(emotion)
        text = chords if isinstance(chords, str) else " ".join(chords)
        self.chart: Chart = read_chart(text, key, bar_each=True, known=self.primer.key if self.primer else None)
        self.spelling = self.chart.spelling
        self.progression = in_quarters(self.chart, self.metre.bar)
        self.density = density
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
        ask, contract = None, MELODY
        primer, up = self.primer.in_the_middle() if self.primer else (None, 0)
        if published is not None:
            published.model.reset()
            ask, contract = published.model, published.contract
            if primer:
                primer.listen(ask, self.affect, contract)
        drawing = rng, self.temperature, self.top_k, self.top_p
        heard = write(ask, rhythm, chords, self.spelling.key, self.affect, *drawing, self.metre, primer, contract)
        pitches = np.where(heard - up > 127, heard - up - 12, heard - up)
        tempo = round(self.primer.tempo if self.primer else 100 + 30 * arousal)
        return Tune(rhythm, pitches, chords, tempo, self.spelling, origin, self.metre, self.primer)

    def _rhythms(self, session: Session, arousal: float) -> tuple[Counter[Bar], str, float]:
        """(bars to choose from, where they come from, notes a bar)."""
        density = self.density or notes_a_bar(self.metre, arousal)
        if self.primer and not self.density:
            density = min(max(self.primer.density, self.metre.bar / BAR), 2 * self.metre.bar)
        if self.primer and (own := self.primer.bars()):
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
            rounds = self.length / density / loop if self.length else np.ceil(_LEAST_BARS / loop)
            return int(loop) * max(1, round(rounds)), self.length or None
        if self.length or not self.primer:
            return None, self.length or _NOTES
        return _MORE_BARS, None

    def show(self, answer: Tune, session: Session) -> None:
        target = self._target(session.folder)
        mood = f", {self.emotion}" if self.affect else ""
        rhythm, pitches = answer.rhythm, answer.pitch
        title = f"{self.spelling}{mood}, {many(len(pitches), 'note')}, {answer.tempo} bpm"
        phrases = rhythm.onset[rhythm.phrase].tolist()
        bar, first = answer.metre.bar, answer.primer.bar if answer.primer else 0
        roll = piano_roll(
            rhythm.onset, rhythm.duration, pitches, answer.chords, phrases, self.spelling, bar, title, first + 1
        )
        played = session.write_midi(target, answer.midi, roll)
        if answer.primer:
            print(
                f"{name_of(self.source or Path())}: {answer.primer.named()} continues from bar {first + 1}, in {answer.metre.name}"
            )
            say_flaws(answer.primer.file.piece.flaws)
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
        print(f"written: {played}, {record}")

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
