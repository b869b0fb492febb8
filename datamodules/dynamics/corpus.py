"""Scores of the music21 corpus that is installed with muspy, as scores without any performance."""

from __future__ import annotations

from pathlib import Path

from datamodules.dynamics.performances import Performance
from datamodules.shared.library import Reading
from datamodules.shared.music21_corpus import chorale_files
from kmidi_lab.midi.score import Score, make_score

_EVERY = 6


def files() -> list[Path]:
    """Every sixth Bach chorale: enough for a stand-in, read in seconds."""
    return chorale_files()[::_EVERY]


def read(path: Path, reading: Reading[Performance]) -> Score | None:
    """A MusicXML score, or None with the problem reported."""
    import muspy

    try:
        music = muspy.read_musicxml(path)
    except Exception as error:  # muspy raises whatever its XML parsing meets
        reading.skip(path, path.stem, "muspy can't read it", repr(error))
        return None
    notes = [(n.time, n.duration, n.pitch) for track in music.tracks for n in track.notes]
    if not notes:
        reading.skip(path, path.stem, "no notes")
        return None
    step = float(music.resolution)
    metres = [(t.time / step, int(t.numerator), int(t.denominator)) for t in music.time_signatures]
    onset, duration, pitch = zip(*notes, strict=True)
    return make_score([t / step for t in onset], [d / step for d in duration], pitch, metres)[0]
