"""What a trace says that a song took of its models' answers: short, as JSON values."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import groupby
from typing import Any

import numpy as np

from kmidi_lab.chords.spelling import Spelling
from kmidi_lab.composition.form import Stretch
from kmidi_lab.composition.progressions import Round
from kmidi_lab.midi.reading import open_file
from kmidi_lab.song import Arrangement, Note, Section

_READ = ("valence", "arousal", "dominance", "complexity")
_HEARD = ("tempo", "swing", "energy", "density", "arousal", "percussive_share", "confidence", "in_three", "unsure")


def of_reading(read: Any) -> dict[str, Any]:
    """Of the intent model's `Feeling`; `unsure` says why it is, empty where it is not."""
    arc = {"arc": read.arc} if read.arc_said else {}
    return {name: _short(getattr(read, name)) for name in _READ} | {"emotion": read.label, "unsure": read.why} | arc


def of_style(style: Any) -> dict[str, Any]:
    """Of the feel model's `Style`."""
    return {name: _short(getattr(style, name)) for name in _HEARD}


def of_form(plan: Sequence[Stretch]) -> dict[str, Any]:
    """The sections that were kept of all forms that the structure model drew."""
    return {
        "sections": [
            {"name": s.kind, "bars": s.bars, "energy": _short(s.energy), "tension": _short(s.tension)} for s in plan
        ]
    }


def of_chords(song: Arrangement, section: Section, spelling: Spelling) -> list[str]:
    """The chords that begin in each bar of a section, such as `Am` or `C F`; a bar in which none begins is left out."""
    begin, end = song.span(section)
    own = (placed for placed in song.chords if begin <= placed.start < end)
    bars = groupby(own, lambda placed: song.bar_at(placed.start))
    return [" ".join(spelling.chord(placed.chord) for placed in together) for _, together in bars]


def of_round(chosen: Round) -> dict[str, Any]:
    """The chords of a kind of section, and the harmony model's mean probability of them."""
    return {"chords": chosen.chords, "mean_probability": _short(chosen.probability)}


def of_tune(tune: Sequence[Note], bars: int) -> dict[str, Any]:
    """The tune of a kind of section, where that is longest; pitches are MIDI's, null where the tune is silent."""
    pitches = [note.pitch for note in tune]
    lowest, highest = min(pitches, default=None), max(pitches, default=None)
    return {"bars": bars, "notes": len(tune), "lowest": lowest, "highest": highest}


def of_strokes(played: Any) -> dict[str, Any]:
    """Of the groove model's `HumanisedFile`; a spread is a standard deviation."""
    ms, louder = 1000 * played.shift, played.velocity - played.before
    return {
        "style": played.style,
        "strokes": len(ms),
        "mean_shift_ms": _short(ms.mean()),
        "spread_shift_ms": _short(ms.std()),
        "mean_velocity_change": _short(louder.mean()),
        "spread_velocity_change": _short(louder.std()),
    }


def of_loudness(written: bytes, played: bytes) -> dict[str, Any]:
    """How loud each pitched part of a MIDI file is before and after the dynamics model, as mean velocities."""
    before, after = ([t for t in open_file(midi).piece.tracks if not t.is_drum] for midi in (written, played))
    return {
        a.name: {
            "notes": len(a.notes),
            "mean_velocity_before": _short(a.notes["velocity"].mean()),
            "mean_velocity": _short(b.notes["velocity"].mean()),
        }
        for a, b in zip(before, after, strict=True)
        if len(a.notes)
    }


def of_offsets(placed: Any) -> dict[str, Any]:
    """How far the micro-timing model moved the notes of each part, of its `PlacedFile`."""
    return {
        name: {"notes": len(shift), "mean_absolute_offset_ms": _short(1000 * np.abs(shift).mean())}
        for name, shift in placed.by_part.items()
    }


def _short(value: Any) -> Any:
    """A number rounded to thousandths; whatever else as it is."""
    return round(float(value), 3) if isinstance(value, float | np.floating) else value
