"""A score as arrays: notes with their place in bars, beats and tempo; read from a MIDI file or from numbers.

Times are in quarter notes, as a host counts them, whatever the metre's denominator; notes stand by onset, then pitch.
"""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from kmidi_lab.errors import ConfigError
from kmidi_lab.files import is_there
from kmidi_lab.midi.piece import Notes, Piece

PHRASE_BARS = 4
Floats = NDArray[np.float64]
SHORTEST = 1 / 64
_COARSE_MS = 8.0
"""Half of what players are early or late: no step of time should be coarser."""


@dataclass(frozen=True)
class Score:
    """Notes by onset, then pitch: arrays `[N]`.

    `onset`, `duration` in quarter notes; `pitch` 0..127; `bar` place counted in bars, bar lines at whole numbers, a
    pickup below 0; `bar_quarters` length of the bar, `beat_quarters` of the felt beat (a dotted one in 6/8);
    `tempo` in quarter notes a minute.
    """

    onset: Floats
    duration: Floats
    pitch: NDArray[np.int64]
    bar: Floats
    bar_quarters: Floats
    beat_quarters: Floats
    tempo: Floats

    def __len__(self) -> int:
        return len(self.onset)


def make_score(
    onset: Sequence[float] | np.ndarray,
    duration: Sequence[float] | np.ndarray,
    pitch: Sequence[int] | np.ndarray,
    metres: Sequence[tuple[float, int, int]] = (),
    tempo: float | np.ndarray = 120.0,
) -> tuple[Score, NDArray[np.int64]]:
    """Notes in any order to a Score, and the order that sorts them.

    `metres` are (quarter note at which it begins, numerator, denominator) by time, 4/4 where there is none; `tempo` is
    one number or one for each note.
    """
    starts: Floats = np.asarray(onset, np.float64).round(6)
    pitches = np.asarray(pitch, np.int64)
    order = np.lexsort((pitches, starts))
    starts = starts[order]
    lengths = np.maximum(np.round(np.asarray(duration, np.float64)[order], 6), SHORTEST)
    bar, bar_quarters, beat_quarters = _bars(starts, metres or ((0.0, 4, 4),))
    tempos = np.broadcast_to(np.asarray(tempo, np.float64), starts.shape)
    tempos = tempos[order] if np.ndim(tempo) else tempos
    return Score(starts, lengths, pitches[order], bar, bar_quarters, beat_quarters, tempos), order


def _bars(onset: Floats, metres: Sequence[tuple[float, int, int]]) -> tuple[Floats, Floats, Floats]:
    starts = np.array([m[0] for m in metres], np.float64)
    lengths = np.array([4.0 * n / d for _, n, d in metres])
    compound = np.array([n > 3 and n % 3 == 0 and d >= 8 for _, n, d in metres])
    beats = np.array([4.0 / d for _, _, d in metres]) * np.where(compound, 3, 1)
    begun = np.concatenate([[0.0], np.cumsum(np.ceil(np.diff(starts) / lengths[:-1] - 1e-6))])
    if len(metres) > 1 and starts[1] - starts[0] < lengths[1] - 1e-6:  # a pickup bar written as a metre of its own
        begun -= begun[1]
    at = np.clip(np.searchsorted(starts, onset + 1e-6, side="right") - 1, 0, None)
    return np.round(begun[at] + (onset - starts[at]) / lengths[at], 6), lengths[at], beats[at]


def metrical_strength(score: Score) -> Floats:
    """How strong the place of each note in its bar is, `[N]`.

    1 on the downbeat, .75 half-way through a bar of four beats or more, .5 on other beats, .25 on halves of a
    beat (thirds of a dotted one), .125 on halves of those, 0 elsewhere.
    """
    beats = np.round(score.bar_quarters / score.beat_quarters)
    beat = score.bar % 1.0 * beats
    dotted = np.isclose(np.log2(score.beat_quarters / 3) % 1, 0)
    parts = np.where(dotted, 3, 2)
    strength = np.where(_whole(beat * parts * 2), 0.125, 0.0)
    strength[_whole(beat * parts)] = 0.25
    on_beat = _whole(beat)
    strength[on_beat] = 0.5
    strength[on_beat & (beats >= 4) & (np.round(beat) * 2 == beats)] = 0.75
    strength[on_beat & (np.round(beat) % beats == 0)] = 1.0
    return strength


def _whole(values: np.ndarray) -> NDArray[np.bool_]:
    return np.abs(values - np.round(values)) < 0.04


@dataclass(frozen=True)
class ScoreNotes:
    """The pitched notes of a MIDI file as a Score, and where each came from: `track` and `index` `[N]`."""

    score: Score
    track: np.ndarray
    index: np.ndarray


def pitched_notes(piece: Piece) -> tuple[Notes, np.ndarray, np.ndarray]:
    """(notes of all tracks but drums, their track, their index in it)."""
    chosen = [(number, track.notes) for number, track in enumerate(piece.tracks) if not track.is_drum]
    if not chosen:
        return piece.tracks[0].notes[:0], np.zeros(0, np.int64), np.zeros(0, np.int64)
    return (
        np.concatenate([notes for _, notes in chosen]),
        np.concatenate([np.full(len(notes), number) for number, notes in chosen]),
        np.concatenate([np.arange(len(notes)) for _, notes in chosen]),
    )


def score_of(piece: Piece) -> ScoreNotes:
    """A MIDI score as the network sees it; the tempo is that of the file, note by note."""
    notes, track, index = pitched_notes(piece)
    quarter = float(piece.ticks_per_quarter)
    metres = [(tick / quarter, int(n), int(d)) for tick, n, d in piece.metres]
    starts = notes["start"].astype(np.float64)
    segment = np.clip(np.searchsorted(piece.tempos[:, 0], starts, side="right") - 1, 0, None)
    score, order = make_score(
        starts / quarter, notes["duration"] / quarter, notes["pitch"], metres, piece.tempos[segment, 1]
    )
    return ScoreNotes(score, track[order], index[order])


def midi_target(out: str | None, default: Path, source: Path | None = None, name: str = "predict.out") -> Path:
    """What was typed as a file to write: a folder gets a file of the default's name, nothing the default itself.

    Args:
        out: what was typed.
        default: the file where nothing was.
        source: the file that is read.
        name: of the setting, for errors.

    Raises:
        ConfigError: no .mid at its end, a folder that isn't there or can't be written to, or the file that is read.
    """
    target = Path(out) if out else default
    target = target / default.name if is_there(target) and target.is_dir() else target
    if target.suffix.lower() not in (".mid", ".midi"):
        raise ConfigError(f"{name}={out} must end in .mid, such as {name}={default.name}")
    if out and not target.parent.is_dir():
        raise ConfigError(f"{name}={out}: {target.parent} is not a folder; make it first")
    if out and not os.access(target.parent, os.W_OK):
        raise ConfigError(f"{name}={out}: {target.parent} can't be written to; give another folder")
    if source and is_there(target) and source.exists() and target.samefile(source):
        raise ConfigError(f"{name}={out} is predict.midi itself; give another file")
    return target


def midi_source(midi: str | Path | bytes) -> Path | bytes:
    """`predict.midi` as a file or its bytes. Raises ConfigError where there is no such file."""
    if isinstance(midi, bytes):
        return midi
    if not is_there(Path(midi)):
        one = "a MIDI file"
        if set(str(midi)) & set(",*?"):
            one = "one MIDI file; several need -m and commas between, as in -m predict.midi=a.mid,b.mid"
        raise ConfigError(f"predict.midi={midi}: no such file; name {one}")
    return Path(midi)


def name_of(midi: Path | bytes) -> str:
    """What messages call a MIDI file that is given by name or as its bytes."""
    return "the MIDI data" if isinstance(midi, bytes) else str(midi)


def flaws_for_timing(piece: Piece) -> dict[str, int]:
    """A file's flaws by what they are, and its ticks where they are too coarse for what a player is early or late."""
    end = max(int((track.notes["start"] + track.notes["duration"]).max(initial=1)) for track in piece.tracks)
    tick_ms = 1000 * float(piece.seconds(np.array([end]))[0]) / end
    flaws = dict(piece.flaws)
    if tick_ms > _COARSE_MS:
        flaws[f"ticks a quarter note, so onsets move in steps of {tick_ms:.0f} ms (export it with 480)"] = (
            piece.ticks_per_quarter
        )
    return flaws


def say_flaws(flaws: Mapping[str, int]) -> None:
    """Says what was wrong in a file that was read all the same; nothing where it was whole."""
    if flaws:
        print(f"The file was read with {', '.join(f'{count} {reason}' for reason, count in flaws.items())}.")
