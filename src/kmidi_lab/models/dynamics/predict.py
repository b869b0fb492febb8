"""task=predict for dynamics: a score as a MIDI file to the same notes played with expression, as another."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path

import numpy as np
import orjson

from kmidi_lab.chords.asking import Feeling, parse_affect
from kmidi_lab.errors import ConfigError, DataError
from kmidi_lab.files import write_atomic
from kmidi_lab.inference.published import Published
from kmidi_lab.inference.request import Request
from kmidi_lab.inference.session import Session
from kmidi_lab.inference.ways import Way
from kmidi_lab.midi.grid import is_played, played_share
from kmidi_lab.midi.reading import open_file
from kmidi_lab.midi.score import (
    ScoreNotes,
    flaws_for_timing,
    midi_source,
    midi_target,
    name_of,
    say_flaws,
    score_of,
)
from kmidi_lab.models.dynamics.features import free_run, score_vectors
from kmidi_lab.models.dynamics.performing import heuristic, perform
from kmidi_lab.models.dynamics.targets import Expression, decode
from kmidi_lab.models.dynamics.written import beside_drums, shaped, written_dynamics
from kmidi_lab.wording import many


@dataclass(frozen=True)
class Performance:
    """A score played: the MIDI file, and velocity 1..127 and shift in seconds of its N notes, `[N]` in order of onset and pitch.

    `written` are their velocities in the score, and `follows` says whether these vary, so that they were followed;
    `drums` whether the file has drums, which stay as they are; `pedalled` names the parts that were given a pedal;
    `flaws` counts what the score was read with; `off_grid` is the share of onsets that are written on no grid, 0..1.
    """

    midi: bytes
    velocity: np.ndarray
    shift: np.ndarray
    written: np.ndarray
    follows: bool
    drums: bool = False
    pedalled: tuple[str, ...] = ()
    flaws: Mapping[str, int] = field(default_factory=dict)
    off_grid: float = 0.0

    def about(self) -> dict[str, object]:
        """What was done, in words and numbers, for the JSON beside the MIDI file."""
        how = (
            "written velocities, plus the model's difference from its own mean of each part and phrase of four bars"
            if self.follows
            else "the model's alone: the score has one velocity throughout"
            + (", which stays their mean beside the drums" if self.drums else "")
        )
        return {
            "notes": len(self.velocity),
            "velocity": {"from": how, "written": _range(self.written), "played": _range(self.velocity)},
            "timing_ms": _range(1000 * self.shift),
            "pedal_added_to": list(self.pedalled),
            "read_with": dict(self.flaws),
        }


class PerformedScore(Request[Performance]):
    """Asks for a score played with expression.

    Args:
        midi: the MIDI file to perform, by name or as its bytes.
        out: the file that task=predict writes; None is the run folder.
        emotion: a feel word, an emotion label, or valence,arousal in -1..1; None is neutral.
        timing: False leaves every onset where it is written.

    Raises:
        ConfigError: no file, an emotion that can't be read, or an `out` that can't be written.
    """

    ways = (Way("midi", "a MIDI score is played"),)
    without_model = "a rule, louder on strong beats and high notes"

    def __init__(
        self,
        midi: str | Path | bytes | None = None,
        out: str | None = None,
        emotion: Feeling | None = None,
        timing: bool = True,
    ) -> None:
        if not midi:
            raise ConfigError("predict.midi is empty; name the MIDI file to perform, such as predict.midi=song.mid")
        self.midi, self.out, self.timing = midi_source(midi), out, timing
        self.affect = parse_affect(emotion) or (0.0, 0.0)
        self._target(Path())

    def run(self, published: Published | None, session: Session) -> Performance:
        """Every note of the file, with new onset, length and velocity."""
        file = open_file(self.midi)
        notes = score_of(file.piece)
        if not len(notes.score):
            raise DataError(f"{name_of(self.midi)}: no pitched notes, only drums; give a file with a melody")
        written = written_dynamics(file.piece, notes)
        follows = bool(np.isfinite(written).all())
        played = heuristic(notes) if published is None else _ask(published, notes, self.affect, written)
        neutral = played
        if published is not None and any(self.affect):
            neutral = _ask(published, notes, (0.0, 0.0), written)
        raised = float(played.velocity.mean() - neutral.velocity.mean())
        drums = any(track.is_drum for track in file.piece.tracks)
        if follows:
            knew = published is not None and published.contract.version != "1"
            played = replace(played, velocity=shaped(written, played.velocity, notes, raised, knew))
        else:
            one = file.piece.tracks[notes.track[0]].notes[notes.index[0]]["velocity"]
            written = np.full(len(notes.score), one)
            if drums:
                played = replace(played, velocity=beside_drums(float(one), played.velocity, raised))
        if not self.timing:
            played = replace(played, shift=np.zeros_like(played.shift))
        midi, shift, pedalled = perform(file, notes, played)
        share = played_share(file.piece, np.unique(notes.track))
        flaws = flaws_for_timing(file.piece) if self.timing else file.piece.flaws
        return Performance(midi, played.velocity, shift, written, follows, drums, pedalled, flaws, share)

    def show(self, answer: Performance, session: Session) -> None:
        out = self._target(session.folder)
        played = session.write_midi(out, answer.midi)
        about = session.folder / f"{out.stem}.json"  # not beside a file that the user named, where another may lie
        write_atomic(about, orjson.dumps(answer.about(), option=orjson.OPT_INDENT_2))
        velocity, shift = answer.velocity, 1000 * answer.shift
        print(
            f"{many(len(velocity), 'note')} of {Path(name_of(self.midi)).name}: velocity {velocity.min()} to {velocity.max()}, "
            f"mean {velocity.mean():.0f}"
        )
        print(
            "The velocities written in the score were kept and shaped."
            if answer.follows
            else "The score has one velocity throughout; all dynamics are new"
            + (", around that velocity, for the drums keep theirs." if answer.drums else ".")
        )
        if self.timing and is_played(answer.off_grid):
            print(
                f"{answer.off_grid:.0%} of the onsets lie off the grid, so the file seems to be played already, and this timing "
                "comes on top of it; predict.timing=false keeps the onsets"
            )
        say_flaws(answer.flaws)
        print(f"timing {round(shift.min()):+d} to {round(shift.max()):+d} ms; written: {played}, {about}")

    def _target(self, folder: Path) -> Path:
        source = None if isinstance(self.midi, bytes) else self.midi
        return midi_target(self.out, folder / f"{Path(name_of(self.midi)).stem}_performed.mid", source)


def _ask(published: Published, notes: ScoreNotes, affect: tuple[float, float], written: np.ndarray) -> Expression:
    x = score_vectors(notes.score, emotion=(*affect, 0.0, 0.0), written=written, contract=published.contract)
    return decode(free_run(published.call, [x])[0])


def _range(values: np.ndarray) -> dict[str, float]:
    return {"least": float(values.min()), "mean": round(float(values.mean()), 2), "most": float(values.max())}
