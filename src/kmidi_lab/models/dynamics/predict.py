"""task=predict for dynamics: a score as a MIDI file to the same notes played with expression, as another."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from symusic import ControlChange, KeySignature, Note, Score, Tempo, TimeSignature, Track

from kmidi_lab.chords.asking import parse_affect
from kmidi_lab.errors import ConfigError, DataError
from kmidi_lab.files import write_atomic
from kmidi_lab.inference.published import Published
from kmidi_lab.inference.request import Request, Session
from kmidi_lab.midi.output import midi_target, named
from kmidi_lab.midi.piece import Piece
from kmidi_lab.midi.reading import read_piece
from kmidi_lab.midi.score import ScoreNotes, metrical_strength, score_of
from kmidi_lab.models.dynamics.features import free_run, score_vectors
from kmidi_lab.models.dynamics.targets import Expression, decode

_LOUDEST_BEAT, _HIGH = 10.0, 8.0
_SUSTAIN, _DOWN = 64, 127
_PIANOS = range(8)
"""General MIDI's piano family, which the pedal was learnt from."""
_LIFT = 8
"""The pedal is up for an eighth of a quarter note when it changes."""


@dataclass(frozen=True)
class Performance:
    """A score played: the MIDI file, and velocity 1..127 and shift in seconds of its N notes, `[N]` in order of onset and pitch."""

    midi: bytes
    velocity: np.ndarray
    shift: np.ndarray


class PerformedScore(Request[Performance]):
    """Asks for a score played with expression.

    Args:
        midi: the MIDI file to perform, by name or as its bytes.
        out: the file that task=predict writes; None is the run folder.
        emotion: a feel word, an emotion label, or valence,arousal in -1..1; None is neutral.

    Raises:
        ConfigError: no file, an emotion that can't be read, or an `out` that can't be written.
    """

    without_model = "a rule, louder on strong beats and high notes"

    def __init__(
        self, midi: str | Path | bytes | None = None, out: str | None = None, emotion: str | None = None
    ) -> None:
        if not midi:
            raise ConfigError("predict.midi is empty; name the MIDI file to perform, such as predict.midi=song.mid")
        self.midi, self.out = (midi if isinstance(midi, bytes) else Path(midi)), out
        self.affect = parse_affect(emotion) or (0.0, 0.0)
        self._target(Path())

    def run(self, published: Published | None, session: Session) -> Performance:
        """Every note of the file, with new onset, length and velocity."""
        piece = read_piece(self.midi)
        notes = score_of(piece)
        if not len(notes.score):
            raise DataError(f"{named(self.midi)}: no pitched notes, only drums; give a file with a melody")
        if published is None:
            played = heuristic(notes)
        else:
            played = decode(free_run(published.call, [score_vectors(notes.score, emotion=(*self.affect, 0.0, 0.0))])[0])
        return Performance(perform(piece, notes, played), played.velocity, played.shift)

    def show(self, answer: Performance, session: Session) -> None:
        out = self._target(session.folder)
        write_atomic(out, answer.midi)
        velocity, shift = answer.velocity, 1000 * answer.shift
        print(
            f"{len(velocity)} notes of {Path(named(self.midi)).name}: velocity {velocity.min()} to {velocity.max()}, "
            f"mean {velocity.mean():.0f}"
        )
        print(f"timing {shift.min():+.0f} to {shift.max():+.0f} ms; written: {out}")

    def _target(self, folder: Path) -> Path:
        source = None if isinstance(self.midi, bytes) else self.midi
        return midi_target(self.out, folder / f"{Path(named(self.midi)).stem}_performed.mid", source)


def heuristic(notes: ScoreNotes) -> Expression:
    """Louder on strong beats and high notes, all else as written: what is played without a model."""
    score = notes.score
    height = np.clip((score.pitch - score.pitch.mean()) / 24, -1, 1)
    velocity = np.clip(np.rint(64 + _LOUDEST_BEAT * metrical_strength(score) + _HIGH * height), 1, 127)
    return Expression(velocity.astype(np.int64), np.zeros(len(score)), np.ones(len(score)), np.zeros(len(score), bool))


def perform(piece: Piece, notes: ScoreNotes, played: Expression) -> bytes:
    """The MIDI file: every note of the piece, drums untouched, the maps of tempo, metre and key kept; pianos are pedalled."""
    out: Any = Score(piece.ticks_per_quarter)
    for tick, bpm in piece.tempos:
        out.tempos.append(Tempo(int(tick), float(bpm)))
    for tick, numerator, denominator in piece.metres:
        out.time_signatures.append(TimeSignature(int(tick), int(numerator), int(denominator)))
    for tick, tonic, minor in piece.keys.tolist():
        out.key_signatures.append(KeySignature(tick, sharps(tonic, minor), minor))
    start, end = _placed(piece, notes, played)
    downbeat = metrical_strength(notes.score) == 1
    pedal = _pedal(start, end, played, downbeat, max(1, piece.ticks_per_quarter // _LIFT))
    for number, track in enumerate(piece.tracks):
        copy: Any = Track(track.name, track.program, track.is_drum)
        if track.is_drum:
            for n in track.notes:
                copy.notes.append(Note(*(int(n[f]) for f in ("start", "duration", "pitch", "velocity"))))
        for k in np.flatnonzero(notes.track == number):
            pitch = int(notes.score.pitch[k])
            copy.notes.append(Note(int(start[k]), int(end[k] - start[k]), pitch, int(played.velocity[k])))
        if not track.is_drum and track.program in _PIANOS:  # pianists taught the pedal
            for tick, value in pedal:
                copy.controls.append(ControlChange(tick, _SUSTAIN, value))
        out.tracks.append(copy)
    return bytes(out.dumps_midi())


def sharps(tonic: int, minor: int) -> int:
    """Of a key signature, flats below 0: -5 (D flat) to 6 (F sharp) for a major key, its relative's for a minor one."""
    return (7 * (tonic + 3 * minor) + 5) % 12 - 5


def _placed(piece: Piece, notes: ScoreNotes, played: Expression) -> tuple[np.ndarray, np.ndarray]:
    """Start and end ticks of each note; a key that is struck again was let go before."""
    written = [piece.tracks[t].notes[i] for t, i in zip(notes.track, notes.index, strict=True)]
    at = np.array([n["start"] for n in written], np.int64)
    until = at + np.array([n["duration"] for n in written], np.int64)
    seconds, length = piece.seconds(at), piece.seconds(until) - piece.seconds(at)
    begin = np.maximum(seconds + played.shift, 0.0)
    start = np.rint(piece.ticks(begin)).astype(np.int64)
    end = np.maximum(np.rint(piece.ticks(begin + length * played.length)).astype(np.int64), start + 1)
    for key in np.unique(notes.track * 128 + notes.score.pitch):
        same = np.flatnonzero(notes.track * 128 + notes.score.pitch == key)
        same = same[np.argsort(start[same], kind="stable")]
        following = start[same][1:]
        end[same[:-1]] = np.maximum(np.minimum(end[same[:-1]], following), start[same[:-1]] + 1)
    return start, end


def _pedal(
    start: np.ndarray, end: np.ndarray, played: Expression, downbeat: np.ndarray, lift: int
) -> list[tuple[int, int]]:
    """(tick, value) of the sustain pedal: down where most notes of an onset ask for it, changed on every downbeat."""
    out: list[tuple[int, int]] = []
    onsets, at = np.unique(start, return_inverse=True)
    wanted = np.bincount(at, played.pedal) / np.bincount(at) > 0.5
    changed = np.bincount(at, downbeat) > 0
    following = np.append(onsets[1:], end.max() + 2 * lift)
    down = False
    for k, tick in enumerate(onsets.tolist()):
        again = min(tick + lift, int(following[k]) - 1)
        if wanted[k] and down and changed[k] and again > tick:
            out += [(tick, 0), (again, _DOWN)]
        elif wanted[k] != down:
            out.append((tick, _DOWN if wanted[k] else 0))
        down = bool(wanted[k])
    if down:
        out.append((int(end.max()), 0))
    return out
