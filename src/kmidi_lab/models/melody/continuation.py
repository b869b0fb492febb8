"""A melody that a MIDI file holds already: what a model hears of it before it goes on, and the file with what it wrote."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

from kmidi_lab.chords.chord import Key
from kmidi_lab.contract_types import Contract
from kmidi_lab.midi.piece import Piece
from kmidi_lab.midi.reading import MidiError, OpenFile, open_file
from kmidi_lab.midi.score import name_of
from kmidi_lab.midi.writing import Edit, name_event, note_events, rewrite
from kmidi_lab.models.melody.features import Melody, notes_of, vectors
from kmidi_lab.models.melody.finding import HOW, REST, MelodyLine, as_melody, melody_of, stated_key
from kmidi_lab.models.melody.last_key import last_key
from kmidi_lab.models.melody.metres import METRES, Metre, metre_of
from kmidi_lab.models.melody.rhythm import SHORTEST, Bar, bars_of
from kmidi_lab.models.melody.tune_key import key_of_tune

_CONTEXT = 448
"""Notes that the model is given: its attention and memory reach no further."""
_FEWEST_BARS = 3
"""A tune with fewer different bars gives no rhythm to go on with."""
_LAST_NOTES = 16
_LOW, _MIDDLE, _HIGH = 55, 67, 79
"""Pitches. A tune whose median lies from the first to the last is where those of the training lie."""
_ALONE = 1.1
"""Notes of a file for each of its melody's up to which there is nothing else to hear its key by."""
Sounding = tuple[float, float, int, int]
"""(onset, duration, pitch, velocity), times in quarters from where the tune goes on."""


@dataclass(frozen=True)
class Primer:
    """A tune to go on with: its `melody`, where it goes on (`start`, quarters from the start of the file, at a bar line).

    `gap` is the silence in between, in quarters. `track` is that of the piece that plays it, `velocity` how hard its
    last notes are, `bar` the number of the first new bar.
    """

    file: OpenFile
    melody: Melody
    track: int
    metre: Metre
    start: float
    bar: int
    tempo: float
    velocity: int
    how: str
    gap: float

    @property
    def key(self) -> Key:
        return self.melody.key

    @property
    def rested(self) -> bool:
        """Whether a rest stands between the tune and what goes on."""
        return self.gap >= REST

    @property
    def density(self) -> float:
        """Notes a bar."""
        return len(self.melody) / max(1, self.bar)

    def bars(self) -> Counter[Bar]:
        """The tune's own bars, where it has enough of them."""
        own = bars_of([self.melody], self.metre.bar, 1)
        return own if len(own) >= _FEWEST_BARS else Counter()

    def in_the_middle(self) -> tuple[Primer, int]:
        """The tune in the register that a model knows, and how many semitones higher it is than in the file.

        A bass line or a piccolo's tune is moved by octaves: the model, which was trained on singers' tunes, loses it
        elsewhere.
        """
        median = float(np.median(self.melody.pitch))
        up = 0 if _LOW <= median <= _HIGH else 12 * round((_MIDDLE - median) / 12)
        return replace(self, melody=replace(self.melody, pitch=self.melody.pitch.astype(np.int64) + up)), up

    def listen(
        self, ask: Callable[[np.ndarray], np.ndarray], affect: tuple[float, float] | None, contract: Contract
    ) -> None:
        """Plays the end of the tune to a model, of some version of the contract, that keeps its state."""
        mood = (*affect, 0.4) if affect else (0.0, 0.0, 0.0)
        for x in vectors(notes_of(self.melody, mood), contract)[-_CONTEXT:]:
            ask(x)

    def named(self) -> str:
        """What was taken for the melody, in words."""
        track = self.file.piece.tracks[self.track]
        name = f"the track {track.name}" if track.name else f"the part on channel {track.channel + 1}"
        ways = dict(zip(HOW, ("by its name", "by how it plays", "the upper voice of all"), strict=True))
        return f"{name} ({ways[self.how]})"


def read_tune(source: Path | bytes, metre: Metre | None = None) -> Primer:
    """The melody of a MIDI file. It goes on at the first bar line after its last note, in the file's last metre or the one given.

    A file that ends in a metre which can't be, such as 1/4, counts beats and no bars: it is taken to be in 4/4.

    Raises:
        MidiError: the file can't be read, or holds no melody.
    """
    file = open_file(source)
    piece = file.piece
    if metre is None and len(piece.metres) and metre_of("{}/{}".format(*piece.metres[-1, 1:])) is None:
        metre = METRES["4/4"]
    if metre is not None:
        piece = replace(piece, metres=np.array([[0, *map(int, metre.name.split("/"))]]))
    try:
        line = melody_of(piece)
        alone = stated_key(piece) is None and _stands_alone(piece, line)
        key = key_of_tune(line.voice.pitch, line.voice.duration) if alone else last_key(piece)
        melody = replace(as_melody(piece, line, name_of(source), "midi"), key=key)
    except MidiError as error:
        raise MidiError(error.reason, error.detail, name_of(source), error.remedy) from error
    quarter = float(piece.ticks_per_quarter)
    changed, numerator, denominator = piece.metres[-1].tolist() if len(piece.metres) else (0, 4, 4)
    metre = metre_of(f"{numerator}/{denominator}") or METRES["4/4"]
    track = piece.tracks[line.track]
    onset, length = float(line.voice.onset[-1]) - changed / quarter, float(line.voice.duration[-1])
    bars = max(np.floor(onset / metre.bar + 1e-6) + 1, np.ceil((onset + length - SHORTEST) / metre.bar))
    start = changed / quarter + float(bars) * metre.bar
    end = float(line.voice.onset[-1] + line.voice.duration[-1])
    at = int(np.searchsorted(piece.tempos[:, 0], start * quarter, side="right")) - 1
    bar = max(1, round(start / metre.bar))
    loud = int(np.median(track.notes["velocity"][-_LAST_NOTES:]))
    return Primer(file, melody, line.track, metre, start, bar, float(piece.tempos[at, 1]), loud, line.how, start - end)


def _stands_alone(piece: Piece, line: MelodyLine) -> bool:
    """Whether the file holds hardly a pitched note beside its melody."""
    return sum(len(t.notes) for t in piece.tracks if not t.is_drum) <= _ALONE * len(line.voice.pitch)


def written(tune: Primer, melody: Sequence[Sounding], chords: Sequence[Sounding]) -> bytes:
    """The file with new notes in the melody's track, and chords in a track of their own; all else as it was."""
    piece, places = tune.file.piece, tune.file.places
    quarter = piece.ticks_per_quarter
    track = piece.tracks[tune.track]

    def events(notes: Sequence[Sounding], channel: int) -> list[tuple[int, bytes]]:
        out: list[tuple[int, bytes]] = []
        for onset, duration, pitch, velocity in notes:
            start = round((tune.start + onset) * quarter)
            end = round((tune.start + onset + duration) * quarter)
            out += note_events(channel, pitch, velocity, start, max(start + 1, end - max(1, quarter // 48)))
        return out

    edits = {int(places[tune.track][0, 0]): Edit(added=events(melody, track.channel))}
    channels = {t.channel for t in piece.tracks}
    free = next((c for c in range(16) if c not in channels and c != 9), track.channel)
    more = [Edit(added=[(0, name_event("Chords")), *events(chords, free)])] if chords else []
    return rewrite(tune.file.file, edits, more)
