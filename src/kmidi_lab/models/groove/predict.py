"""task=predict for groove: humanises the drums of a MIDI file and leaves everything else in it alone."""

from __future__ import annotations

import io
from collections import defaultdict
from dataclasses import dataclass
from pathlib import Path

import mido
import numpy as np

from kmidi_lab.errors import ConfigError, one_of
from kmidi_lab.files import write_atomic
from kmidi_lab.inference.published import Published
from kmidi_lab.inference.request import Request, Session
from kmidi_lab.midi.drums import DRUM_CHANNEL, VOICES, voices_of
from kmidi_lab.midi.output import midi_target, named
from kmidi_lab.midi.piece import Piece
from kmidi_lab.midi.reading import read_piece
from kmidi_lab.models.groove.bars import STEPS, STEPS_PER_BEAT, nearest_steps
from kmidi_lab.models.groove.baselines import rules
from kmidi_lab.models.groove.features import BEATS_PER_UNIT, STYLES, bar_vectors, read_outputs, suggested_style

LIMIT_SECONDS = 0.05
"""No onset moves further."""
MOST_BARS = 5000
_BAR_QUARTERS = STEPS // STEPS_PER_BEAT


@dataclass
class DrumNote:
    """One stroke: the message that starts it, the one that ends it (None when it never does), and their ticks."""

    on: mido.Message
    start: int
    track: int
    off: mido.Message | None = None
    end: int = 0


@dataclass(frozen=True)
class Humanised:
    """Drums with a feel: the MIDI file, its style and bars, and of its N strokes in order of onset, each `[N]`:

    `shift` in seconds, later is above 0; `velocity` 1..127 as it is now, `before` as it was.
    """

    midi: bytes
    style: str
    bars: int
    shift: np.ndarray
    velocity: np.ndarray
    before: np.ndarray


class HumanisedDrums(Request[Humanised]):
    """Asks for the drums of a MIDI file to be humanised.

    Args:
        midi: a file with drums on channel 10, by name or as its bytes.
        out: the file that task=predict writes; None is the run folder.
        style: straight, swing, shuffle, laid_back, pushed, funk, jazz or latin; None is what the pattern suggests.

    Raises:
        ConfigError: no file, an unknown style, or an `out` that can't be written.
    """

    without_model = "the rule of swing and metrical accents"

    def __init__(
        self, midi: str | Path | bytes | None = None, out: str | None = None, style: str | None = None
    ) -> None:
        if not midi:
            raise ConfigError("task=predict model=groove needs a drum pattern; type predict.midi=in.mid")
        if style is not None and style not in STYLES:
            raise ConfigError(one_of("predict.style", style, STYLES))
        self.midi, self.out, self.style = (midi if isinstance(midi, bytes) else Path(midi)), out, style
        self._target(Path())

    def run(self, published: Published | None, session: Session) -> Humanised:
        """The same file with its strokes moved by at most `LIMIT_SECONDS` and their velocities changed."""
        source = named(self.midi)
        piece = read_piece(self.midi)
        _check_metre(piece, source)
        file = _open(self.midi)
        notes = drum_notes(file)
        if not notes:
            raise ConfigError(f"{source}: no notes on the drum channel (10); give a file with drums on channel 10")
        starts = np.array([n.start for n in notes], np.int64)
        pitches, velocities = (np.array([getattr(n.on, k) for n in notes], np.int64) for k in ("note", "velocity"))
        steps, _ = nearest_steps(starts, piece.ticks_per_quarter)
        count = int(steps.max()) // STEPS + 1
        if count > MOST_BARS:
            raise ConfigError(f"{source}: {count} bars; give a file of at most {MOST_BARS}")
        hit = np.zeros((count, STEPS, len(VOICES)), bool)
        hit[steps // STEPS, steps % STEPS, voices_of(pitches)] = True
        style = self.style or suggested_style(hit)
        x = bar_vectors(hit, style, _tempo_of_bars(piece, count))
        outputs = rules(x) if published is None else published.call(x[None])[0]
        timing, velocity = (part.reshape(-1)[steps] for part in read_outputs(outputs))
        moved = new_onsets(starts, velocities, timing, piece)
        louder = new_velocities(velocities, velocity)
        rewrite(file, notes, moved, louder)
        data = io.BytesIO()
        file.save(file=data)
        shift = piece.seconds(moved) - piece.seconds(starts)
        return Humanised(data.getvalue(), style, count, shift, louder, velocities)

    def show(self, answer: Humanised, session: Session) -> None:
        target = self._target(session.folder)
        write_atomic(target, answer.midi)
        shift = answer.shift * 1000
        print(
            f"{named(self.midi)}: {len(shift)} drum notes in {answer.bars} bars, style {answer.style}"
            f"{'' if self.style else ' (as the pattern suggests)'}: "
            f"{np.count_nonzero(shift)} moved, mean shift {shift.mean():+.1f} ms, mean size {np.abs(shift).mean():.1f} ms, "
            f"at most {np.abs(shift).max():.1f} ms; mean velocity {answer.before.mean():.0f} to {answer.velocity.mean():.0f}"
        )
        print(f"written: {target}")

    def _target(self, folder: Path) -> Path:
        source = None if isinstance(self.midi, bytes) else self.midi
        return midi_target(self.out, folder / f"{Path(named(self.midi)).stem}_humanised.mid", source)


def new_onsets(starts: np.ndarray, velocities: np.ndarray, timing: np.ndarray, piece: Piece) -> np.ndarray:
    """Where notes at `starts` `[E]` (ticks, ascending) go, given the timing -1..1 `[E]` of each one's step.

    The loudest note of a step goes to the grid plus its timing, the others of the step move with it, so that a
    flam stays one. None moves by more than `LIMIT_SECONDS`, none before tick 0; notes that were together stay together,
    and notes one after the other stay so.
    """
    grid = piece.ticks_per_quarter / STEPS_PER_BEAT
    steps, _ = nearest_steps(starts, piece.ticks_per_quarter)
    leader: dict[int, int] = {}
    for i, step in enumerate(steps):
        if step not in leader or velocities[i] > velocities[leader[step]]:
            leader[int(step)] = i
    anchor = starts[[leader[int(s)] for s in steps]]
    goal = np.rint(steps * grid + timing * BEATS_PER_UNIT * piece.ticks_per_quarter).astype(np.int64)
    wish = starts + goal - anchor
    now = piece.seconds(starts)
    low = np.maximum(np.ceil(piece.ticks(now - LIMIT_SECONDS) - 1e-6).astype(np.int64), 0)
    high = np.floor(piece.ticks(now + LIMIT_SECONDS) + 1e-6).astype(np.int64)
    low, high = np.minimum(low, starts), np.maximum(high, starts)
    later = np.diff(starts) > 0
    for i in range(len(starts) - 2, -1, -1):
        high[i] = min(high[i], high[i + 1] - int(later[i]))
    out = np.clip(wish, low, high)
    for i in range(1, len(starts)):
        out[i] = min(max(out[i], out[i - 1] + 1), high[i]) if later[i - 1] else out[i - 1]
    return np.asarray(out)


def new_velocities(velocities: np.ndarray, predicted: np.ndarray) -> np.ndarray:
    """As the plugin does it: times 0.8 + 0.4 x, in 1..127."""
    return np.clip(np.rint(velocities * (0.8 + 0.4 * predicted)), 1, 127).astype(np.int64)


def drum_notes(file: mido.MidiFile) -> list[DrumNote]:
    """Every stroke on the drum channel in order of time; a note struck again before it ends closes first in, first out."""
    notes: list[DrumNote] = []
    for number, track in enumerate(file.tracks):
        open_notes: dict[int, list[DrumNote]] = defaultdict(list)
        now = 0
        for message in track:
            now += message.time
            if message.type not in ("note_on", "note_off") or message.channel != DRUM_CHANNEL:
                continue
            if message.type == "note_on" and message.velocity > 0:
                note = DrumNote(message, now, number)
                notes.append(note)
                open_notes[message.note].append(note)
            elif open_notes[message.note]:
                note = open_notes[message.note].pop(0)
                note.off, note.end = message, now
    return sorted(notes, key=lambda n: n.start)


def rewrite(file: mido.MidiFile, notes: list[DrumNote], starts: np.ndarray, velocities: np.ndarray) -> None:
    """Gives the notes their new onsets and velocities; each keeps its length unless the same drum follows earlier."""
    when: dict[int, int] = {}
    following: dict[tuple[int, int], tuple[int, int]] = {}
    for i in range(len(notes) - 1, -1, -1):
        note = notes[i]
        start = int(starts[i])
        note.on.velocity = int(velocities[i])
        when[id(note.on)] = start
        drum = (note.track, note.on.note)
        if note.off is not None:
            end = max(note.end + start - note.start, start + 1)
            if drum in following and note.end <= following[drum][0]:
                end = max(min(end, following[drum][1]), start + 1)
            when[id(note.off)] = end
        following[drum] = (note.start, start)
    for track in file.tracks:
        now, timed = 0, []
        for index, message in enumerate(track):
            now += message.time
            ends = id(message) in when and (message.type == "note_off" or message.velocity == 0)
            timed.append((when.get(id(message), now), message.type == "end_of_track", not ends, index, message))
        last = max((t for t, *_ in timed), default=0)
        timed = sorted((last if closing else t, closing, rank, i, m) for t, closing, rank, i, m in timed)
        before = 0
        for t, _, _, _, message in timed:
            message.time, before = t - before, t
        track[:] = [message for *_, message in timed]


def _check_metre(piece: Piece, source: str) -> None:
    for tick, numerator, denominator in piece.metres:
        if (numerator, denominator) != (4, 4):
            raise ConfigError(f"{source}: in {numerator}/{denominator} at tick {tick}; the groove model knows 4/4 only")
        if tick % (_BAR_QUARTERS * piece.ticks_per_quarter):
            raise ConfigError(f"{source}: a bar line at tick {tick} is off the 4/4 grid; give a file with whole bars")


def _tempo_of_bars(piece: Piece, count: int) -> np.ndarray:
    """Quarter notes a minute at each bar line, `[count]`."""
    lines = np.arange(count) * _BAR_QUARTERS * piece.ticks_per_quarter
    at = np.searchsorted(piece.tempos[:, 0], lines, side="right") - 1
    return np.asarray(piece.tempos[np.maximum(at, 0), 1])


def _open(midi: Path | bytes) -> mido.MidiFile:
    try:
        return mido.MidiFile(file=io.BytesIO(midi if isinstance(midi, bytes) else midi.read_bytes()))
    except Exception as error:  # mido raises what its parser happens to meet
        why = error or type(error).__name__
        raise ConfigError(f"{named(midi)}: cannot be rewritten ({why}); export it again") from None
