"""A piece as muspy's Music is what muspy reads from the same file."""

from __future__ import annotations

from pathlib import Path

import muspy
import numpy as np
from midi.smf import song

from datamodules.midi.muspy_view import to_muspy
from datamodules.midi.reading import read_piece


def notes(music: muspy.Music) -> list[tuple[int, int, int, int, bool]]:
    return sorted((n.time, n.duration, n.pitch, n.velocity, t.is_drum) for t in music.tracks for n in t.notes)


def same(ours: muspy.Music, theirs: muspy.Music) -> None:
    assert ours.resolution == theirs.resolution
    assert notes(ours) == notes(theirs)
    assert np.allclose([t.qpm for t in ours.tempos], [t.qpm for t in theirs.tempos])
    assert muspy.pitch_class_entropy(ours) == muspy.pitch_class_entropy(theirs)


def test_it_is_what_muspy_reads(tmp_path: Path) -> None:
    (tmp_path / "a.mid").write_bytes(song(notes=24))
    ours, theirs = to_muspy(read_piece(tmp_path / "a.mid")), muspy.read_midi(tmp_path / "a.mid")
    same(ours, theirs)
    metre, key = ours.time_signatures[0], ours.key_signatures[0]
    assert (metre.numerator, metre.denominator) == (3, 4) and (key.root, key.mode) == (7, "minor")
    assert muspy.to_note_representation(ours).shape == (48, 4)
    assert muspy.to_pianoroll_representation(ours).any()


def test_real_files(shared: Path) -> None:
    for path in sorted((shared / "pop909").glob("00[1-3]/*.mid")):
        same(to_muspy(read_piece(path)), muspy.read_midi(path))
