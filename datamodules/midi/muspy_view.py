"""A piece as muspy's Music, for its metrics, representations and writers (H.-W. Dong et al., ISMIR 2020)."""

from __future__ import annotations

from typing import Any

from datamodules.midi.piece import Piece

_FLATS = ("C", "Db", "D", "Eb", "E", "F", "Gb", "G", "Ab", "A", "Bb", "B")


def to_muspy(piece: Piece) -> Any:
    """The notes, tempos, metres and keys of a piece as a `muspy.Music` in the file's own ticks; pedals have no place there."""
    import muspy

    tracks = [
        muspy.Track(
            program=t.program,
            is_drum=t.is_drum,
            name=t.name,
            notes=[
                muspy.Note(time=start, pitch=pitch, duration=duration, velocity=velocity)
                for start, duration, pitch, velocity in t.notes.tolist()
            ],
        )
        for t in piece.tracks
    ]
    return muspy.Music(
        resolution=piece.ticks_per_quarter,
        tempos=[muspy.Tempo(time=int(tick), qpm=float(qpm)) for tick, qpm in piece.tempos],
        time_signatures=[
            muspy.TimeSignature(time=int(tick), numerator=int(n), denominator=int(d)) for tick, n, d in piece.metres
        ],
        key_signatures=[
            muspy.KeySignature(
                time=int(tick), root=int(tonic), mode="minor" if minor else "major", root_str=_FLATS[int(tonic)]
            )
            for tick, tonic, minor in piece.keys
        ],
        tracks=tracks,
    )
