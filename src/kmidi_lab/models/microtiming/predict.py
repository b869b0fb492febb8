"""task=predict for micro-timing: written notes of a MIDI file to the same notes as people place them."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from math import nan
from pathlib import Path
from typing import Literal, get_args

import numpy as np

from kmidi_lab.bounds import Share
from kmidi_lab.errors import ConfigError, DataError, one_of, show
from kmidi_lab.inference.published import Published
from kmidi_lab.inference.request import Request
from kmidi_lab.inference.session import Session
from kmidi_lab.inference.ways import Way
from kmidi_lab.midi.grid import is_played, played_share, quantised
from kmidi_lab.midi.piece import Piece
from kmidi_lab.midi.reading import OpenFile, open_file
from kmidi_lab.midi.score import flaws_for_timing, midi_source, midi_target, name_of, say_flaws
from kmidi_lab.midi.styles import LEAD_MS as STYLE_LEAD_MS
from kmidi_lab.midi.styles import STYLES, lead_line
from kmidi_lab.midi.writing import play, rewrite
from kmidi_lab.models.microtiming.features import LEAD_MS, lead_given, milliseconds, note_vectors
from kmidi_lab.models.microtiming.heuristic import by_rule
from kmidi_lab.models.microtiming.loudness import new_velocities
from kmidi_lab.models.microtiming.parts import Line, lines_of
from kmidi_lab.models.microtiming.placing import chord_widths, kept_in_order, new_ends
from kmidi_lab.models.microtiming.quantiles import drawn, read_quantiles
from kmidi_lab.wording import many

Parts = Literal["all", "pitched", "drums"]
FARTHEST_MS = 60.0
"""No note moves farther than this from where it is written."""
_WIDE_MS, _FEWEST_CHORDS = 30.0, 8
"""A tenth of the chords spread farther than this is told, where a file has so many chords at least."""
_NAMED = 6
"""Parts that are told by their names, at most."""


@dataclass(frozen=True)
class PlacedFile:
    """Notes as people place them: the MIDI file, and of its N notes in order of writing, each `[N]`:

    `shift` in seconds, later is above 0; `velocity` 1..127. `parts` names what was played, `loudness` says whether
    velocities are the model's, `flaws` counts what the file was read with, `remarks` are lines that a person should
    know, and `by_part` has the shifts of each part.
    """

    midi: bytes
    shift: np.ndarray
    velocity: np.ndarray
    parts: tuple[str, ...]
    loudness: bool
    flaws: Mapping[str, int] = field(default_factory=dict)
    remarks: tuple[str, ...] = ()
    by_part: Mapping[str, np.ndarray] = field(default_factory=dict)


def _lead(value: float | str) -> float:
    """Milliseconds; a command line gives text, since the key's default is null. Raises ConfigError."""
    try:
        lead = float(value)
    except (TypeError, ValueError):
        lead = nan
    if not -LEAD_MS <= lead <= LEAD_MS:
        raise ConfigError(f"predict.lead={show(value)} must be {-LEAD_MS:g} to {LEAD_MS:g}, or null")
    return lead


class PlacedNotes(Request[PlacedFile]):
    """Asks for the notes of a MIDI file to be placed as people place them.

    Args:
        midi: a file with written (quantised) notes of any instruments, by name or as its bytes.
        out: the file that task=predict writes; None is the run folder.
        style: of the drums: straight, swing, shuffle, laid_back, pushed, funk, jazz or latin; None is unknown.
        lead: how late the player is as a whole, in ms, below 0 early; 0 leaves it open, None too, where laid_back and
            pushed have theirs by rule.
        parts: all, pitched or drums: which notes are placed; the others stay.
        amount: share of each offset that is played, 0..1; below 1 the band is tighter than the players it was learnt
            from.
        quantise: moves the notes to sixteenths or triplets first, for a file that was played already.

    Raises:
        ConfigError: no file, an unknown style or part, a lead out of range, or an `out` that can't be written.
    """

    ways = (Way("midi", "notes of a MIDI file are placed as people place them"),)
    without_model = "a rule: the top line leads, snares are late, all spreads a little"

    def __init__(
        self,
        midi: str | Path | bytes | None = None,
        out: str | None = None,
        style: str | None = None,
        lead: float | str | None = None,
        parts: str = "all",
        amount: Share = 1.0,
        quantise: bool = False,
    ) -> None:
        if not midi:
            raise ConfigError("predict.midi is empty; name the MIDI file to play, such as predict.midi=song.mid")
        if style is not None and style not in STYLES:
            raise ConfigError(one_of("predict.style", style, STYLES))
        if parts not in get_args(Parts):
            raise ConfigError(one_of("predict.parts", parts, get_args(Parts)))
        self.midi, self.out, self.style, self.parts = midi_source(midi), out, style, parts
        self.lead = None if lead is None else _lead(lead)
        self.amount, self.quantise = amount, quantise
        self._target(Path())

    def run(self, published: Published | None, session: Session) -> PlacedFile:
        """The same file with its notes moved; their order, and their lengths where no note of the same key follows, stay."""
        file = open_file(self.midi)
        piece = quantised(file.piece) if self.quantise else file.piece
        lines = [line for line in lines_of(piece) if self.parts in ("all", "drums" if line.drums else "pitched")]
        if not lines:
            what = "" if self.parts == "all" else f" of predict.parts={self.parts}"
            raise DataError(f"{name_of(self.midi)}: no notes{what}; give a file with some, or predict.parts=all")
        rng = np.random.default_rng(session.seed)
        written = np.concatenate([line.velocity for line in lines])
        louder = len(written) > 1 and bool((written == written[0]).all())
        answers = [self._placed(published, line, rng) for line in lines]
        shift = np.concatenate([late for late, _ in answers])
        velocity = np.concatenate([loud for _, loud in answers]) if louder else written
        part, index = (np.concatenate([getattr(line, name) for line in lines]) for name in ("part", "index"))
        midi, shift = _rewritten(file, piece, part, index, shift, velocity)
        named = np.repeat([line.name for line in lines], [len(line.notes) for line in lines])
        by_part = {line.name: shift[named == line.name] for line in lines}
        ends = np.cumsum([len(line.notes) for line in lines])[:-1]
        remarks = (
            *self._remarks(file.piece, part, any(line.drums for line in lines)),
            *_wide(lines, np.split(1000 * shift, ends)),
        )
        return PlacedFile(midi, shift, velocity, tuple(by_part), louder, flaws_for_timing(file.piece), remarks, by_part)

    def _remarks(self, piece: Piece, part: np.ndarray, drums: bool) -> Iterator[str]:
        """What a person should know of a file, and of a style."""
        if not self.quantise and is_played(share := played_share(piece, np.unique(part))):
            yield (
                f"{share:.0%} of the onsets lie off the grid, so the file seems to be played already, and this timing comes on "
                "top of it; predict.quantise=true moves the notes to the grid first"
            )
        if drums and self._by_style:
            yield f"{lead_line(str(self.style))}; predict.lead sets another"

    @property
    def _by_style(self) -> float:
        """ms that the drums are later by the style's rule."""
        return STYLE_LEAD_MS.get(self.style or "", 0.0) if self.lead is None else 0.0

    def show(self, answer: PlacedFile, session: Session) -> None:
        played = session.write_midi(self._target(session.folder), answer.midi)
        ms = 1000 * answer.shift
        parts = ", ".join(answer.parts) if len(answer.parts) <= _NAMED else many(len(answer.parts), "part")
        session.say(
            f"{many(len(ms), 'note')} of {parts}: shift {ms.mean():+.1f} ms on average, {ms.std():.1f} ms spread, "
            f"{ms.min():+.0f} to {ms.max():+.0f} ms"
        )
        session.say(
            "All notes were equally loud, so their velocities are new; each part keeps its level."
            if answer.loudness
            else "Velocities are those of the file."
        )
        for remark in answer.remarks:
            session.say(remark)
        say_flaws(answer.flaws)
        session.say(f"written: {played}")

    def _placed(
        self, published: Published | None, line: Line, rng: np.random.Generator
    ) -> tuple[np.ndarray, np.ndarray]:
        """(shift in seconds, velocity 1..127) of each note of a line, drawn."""
        notes = line.notes
        x = lead_given(note_vectors(notes, self.style if line.drums else None), self.lead or 0.0)
        unit = milliseconds(notes.bpm)
        outputs = by_rule(x, unit) if published is None else published.call(x[None])[0]
        _, order = np.unique(notes.onset, return_inverse=True)
        hands = None if line.drums else notes.role
        quantiles = read_quantiles(outputs.astype(np.float64))
        ms = drawn(quantiles, order, rng, hands=hands, pitched=not line.drums) * unit
        ms += self._by_style if line.drums else 0
        ms = np.clip(self.amount * ms, -FARTHEST_MS, FARTHEST_MS)
        return ms / 1000, new_velocities(line, outputs, rng)

    def _target(self, folder: Path) -> Path:
        source = None if isinstance(self.midi, bytes) else self.midi
        return midi_target(self.out, folder / f"{Path(name_of(self.midi)).stem}_played.mid", source)


def _wide(lines: list[Line], shifts: list[np.ndarray]) -> Iterator[str]:
    """A line where many chords are spread far; `shifts` are those of each line's notes, in ms."""
    pitched = [chord_widths(line.notes.onset, ms) for line, ms in zip(lines, shifts, strict=True) if not line.drums]
    widths = np.concatenate(pitched) if pitched else np.zeros(0)
    if len(widths) >= _FEWEST_CHORDS and (wide := float(np.quantile(widths, 0.9))) > _WIDE_MS:
        yield (
            f"one chord in ten is spread over {wide:.0f} ms or more, as solo pianists play them; predict.amount=0.4 "
            "plays all offsets tighter, as a band does"
        )


def _rewritten(
    file: OpenFile, piece: Piece, part: np.ndarray, index: np.ndarray, shift: np.ndarray, velocity: np.ndarray
) -> tuple[bytes, np.ndarray]:
    """The file with its notes moved by `shift` seconds `[N]` from where `piece` has them, and by how much each was."""
    notes = [piece.tracks[p].notes[i] for p, i in zip(part, index, strict=True)]
    start = np.array([n["start"] for n in notes], np.int64)
    end = start + np.array([n["duration"] for n in notes], np.int64)
    pitch = np.array([n["pitch"] for n in notes], np.int64)
    earliest = np.array([file.places[p][i, 3] for p, i in zip(part, index, strict=True)], np.int64)
    wish = np.rint(piece.ticks(np.maximum(piece.seconds(start) + shift, 0))).astype(np.int64)
    moved = kept_in_order(start, np.maximum(wish, earliest), part)
    edits = play(file, part, index, moved, new_ends(start, end, moved, part * 128 + pitch), velocity)
    return rewrite(file.file, edits), piece.seconds(moved) - piece.seconds(start)
