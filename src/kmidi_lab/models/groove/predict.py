"""task=predict for groove: humanises the drums of a MIDI file and leaves everything else in it alone."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np

from kmidi_lab.errors import ConfigError, one_of
from kmidi_lab.inference.published import Published
from kmidi_lab.inference.request import Request
from kmidi_lab.inference.session import Session
from kmidi_lab.inference.ways import Way
from kmidi_lab.midi.piece import VOICES, Piece, voices_of
from kmidi_lab.midi.reading import open_file
from kmidi_lab.midi.score import flaws_for_timing, midi_source, midi_target, name_of, say_flaws
from kmidi_lab.midi.styles import LEAD_MS, lead_line
from kmidi_lab.midi.writing import play, rewrite
from kmidi_lab.models.groove.baselines import rules
from kmidi_lab.models.groove.contract import GROOVE
from kmidi_lab.models.groove.features import STYLES, bar_vectors, read_outputs
from kmidi_lab.models.groove.file_drums import check_metre, drums_of, new_ends, with_flams
from kmidi_lab.models.groove.grid import STEPS, Grid, grid_of, suggested_style
from kmidi_lab.models.groove.onsets import new_onsets, written_for
from kmidi_lab.models.groove.sampling import drawn_timing, drawn_velocities, later, played_bars
from kmidi_lab.wording import many

MOST_BARS = 5000


@dataclass(frozen=True)
class HumanisedFile:
    """Drums with a feel: the MIDI file, its style and bars, and of its N strokes in order of onset, each `[N]`:

    `shift` in seconds, later is above 0; `velocity` 1..127 as it is now, `before` as it was. `source` says which part
    was taken for drums where none is on channel 10, `flaws` counts what the file was read with. `given` `[T, 64]` is what the
    model was asked of each bar, `played` `[T, 32]` its outputs as they were drawn (`sampling.played_bars`).
    """

    midi: bytes
    style: str
    bars: int
    shift: np.ndarray
    velocity: np.ndarray
    before: np.ndarray
    source: str = ""
    flaws: Mapping[str, int] = field(default_factory=dict)
    given: np.ndarray = field(default_factory=lambda: np.zeros((0, GROOVE.input_size), np.float32))
    played: np.ndarray = field(default_factory=lambda: np.zeros((0, GROOVE.output_size), np.float32))


class HumanisedDrums(Request[HumanisedFile]):
    """Asks for the drums of a MIDI file to be humanised.

    Args:
        midi: a file with drums on channel 10 or in a track named so, by name or as its bytes.
        out: the file that task=predict writes; None is the run folder.
        style: straight, swing, shuffle, laid_back, pushed, funk, jazz or latin; None is what the pattern suggests.

    Raises:
        ConfigError: no file, an unknown style, or an `out` that can't be written.
    """

    ways = (Way("midi", "drums of a MIDI file get a feel"),)
    without_model = "the rule of swing and metrical accents"

    def __init__(
        self, midi: str | Path | bytes | None = None, out: str | None = None, style: str | None = None
    ) -> None:
        if not midi:
            raise ConfigError("task=predict model=groove needs a drum pattern; type predict.midi=in.mid")
        if style is not None and style not in STYLES:
            raise ConfigError(one_of("predict.style", style, STYLES))
        self.midi, self.out, self.style = midi_source(midi), out, style
        self._target(Path())

    def run(self, published: Published | None, session: Session) -> HumanisedFile:
        """The same file with its strokes moved by at most `LIMIT_SECONDS` from where the style writes them, and with velocities
        that the model gives; the session's seed draws what it leaves open.
        """
        source = name_of(self.midi)
        file = open_file(self.midi)
        piece = file.piece
        check_metre(piece, source)
        drums = drums_of(file, source)
        notes, pitches, velocities = drums.notes, drums.notes["pitch"], drums.notes["velocity"].astype(np.int64)
        starts = notes["start"].astype(np.int64)
        style = self.style or _suggested(starts, pitches, piece)
        written = written_for(style, starts, piece)
        grid = written.grid
        count = len(grid_of(starts, piece.metres, piece.ticks_per_quarter).lines)
        if count > MOST_BARS:
            raise ConfigError(f"{source}: {count} bars; give a file of at most {MOST_BARS}")
        x = bar_vectors(_hits(grid, pitches), style, written.beats_per_quarter * _tempo_of_bars(piece, grid.lines))
        outputs = rules(x) if published is None else published.call(x[None])[0]
        timing, velocity = (part[grid.row, grid.step] for part in read_outputs(outputs))
        rng = np.random.default_rng(session.seed)
        voices, bpm = voices_of(pitches), written.beats_per_quarter * _tempo_of_bars(piece, starts)
        loud = drawn_velocities(velocity, grid.row, grid.step, voices, rng)
        louder = with_flams(loud, velocities, (grid.row * STEPS + grid.step) * len(VOICES) + voices)
        lead = later(style, bpm)
        timing = drawn_timing(timing + lead, grid.row, grid.step, bpm, rng)
        played = played_bars(outputs, grid.row, grid.step, timing - lead, loud)
        moved = new_onsets(starts, velocities, timing, piece, drums.earliest, written)
        edits = play(file, drums.part, drums.index, moved, new_ends(drums, moved), louder)
        shift = piece.seconds(moved) - piece.seconds(starts)
        data = rewrite(file.file, edits)
        return HumanisedFile(
            data, style, count, shift, louder, velocities, drums.source, flaws_for_timing(piece), x, played
        )

    def show(self, answer: HumanisedFile, session: Session) -> None:
        played = session.write_midi(self._target(session.folder), answer.midi)
        shift = answer.shift * 1000
        print(
            f"{name_of(self.midi)}: {many(len(shift), 'drum note')} in {many(answer.bars, 'bar')}, style {answer.style}"
            f"{'' if self.style else ' (as the pattern suggests)'}: "
            f"{np.count_nonzero(shift)} moved, mean shift {shift.mean():+.1f} ms, mean size {np.abs(shift).mean():.1f} ms, "
            f"at most {np.abs(shift).max():.1f} ms; velocity {answer.before.mean():.0f} ± {answer.before.std():.0f} to "
            f"{answer.velocity.mean():.0f} ± {answer.velocity.std():.0f}"
        )
        if answer.source:
            print(f"No drums on channel 10: {answer.source}.")
        if answer.style in LEAD_MS:
            print(f"{lead_line(answer.style)}.")
        say_flaws(answer.flaws)
        print(f"written: {played}")

    def _target(self, folder: Path) -> Path:
        source = None if isinstance(self.midi, bytes) else self.midi
        return midi_target(self.out, folder / f"{Path(name_of(self.midi)).stem}_humanised.mid", source)


def _hits(grid: Grid, pitches: np.ndarray) -> np.ndarray:
    """`[T, 16, 3]` bool: which voice plays where."""
    hit = np.zeros((len(grid.lines), STEPS, len(VOICES)), bool)
    hit[grid.row, grid.step, voices_of(pitches)] = True
    return hit


def _suggested(starts: np.ndarray, pitches: np.ndarray, piece: Piece) -> str:
    return suggested_style(_hits(grid_of(starts, piece.metres, piece.ticks_per_quarter), pitches))


def _tempo_of_bars(piece: Piece, lines: np.ndarray) -> np.ndarray:
    """Quarter notes a minute at each bar line, `[T]`."""
    at = np.searchsorted(piece.tempos[:, 0], lines, side="right") - 1
    return np.asarray(piece.tempos[np.maximum(at, 0), 1])
