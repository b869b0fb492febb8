"""A second line below a tune, in its rhythm: thirds and sixths, and chord tones where the beat is strong."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from kmidi_lab.chords.chord import Chord, Key
from kmidi_lab.song import Note

_BELOW = (3, 4, 8, 9, 5)
"""Semitones below the tune, the best first: thirds, sixths, a fourth."""
_ABOVE = (3, 4)
"""The same where the instrument plays no lower."""
_EARLY = 0.5
"""Quarters by which a note that is tied over may come before its chord."""
_SOFTER = 8
"""Velocity that it has less than the tune."""


def second_voice(
    tune: Sequence[Note],
    chord_at: Callable[[float], Chord | None],
    key_at: Callable[[float], Key],
    strong: float,
    lowest: int,
) -> list[Note]:
    """The line of a second player.

    Args:
        tune: the first's, by start.
        chord_at: the chord that sounds at a place, None where none does.
        key_at: the key at a place.
        strong: quarters from one strong beat to the next.
        lowest: pitch of the instrument.
    """
    out: list[Note] = []
    for note in tune:
        at = note.start + min(_EARLY, note.duration / 2)
        chord, key = chord_at(at), key_at(at)
        scale = (0, 2, 4, 5, 7, 9, 11) if key.mode >= 0 else (0, 2, 3, 5, 7, 8, 10)
        tones = chord.tones if chord else ()
        places = [note.pitch - i for i in _BELOW if note.pitch - i >= lowest] or [note.pitch + i for i in _ABOVE]

        def worth(
            pitch: int,
            at: float = note.start,
            tones: Sequence[int] = tuple(tones),
            order: Sequence[int] = places,
            tonic: int = key.tonic,
            scale: Sequence[int] = scale,
        ) -> float:
            in_key, in_chord = (pitch - tonic) % 12 in scale, pitch % 12 in tones
            last = out[-1].pitch if out else pitch
            return (
                3 * (in_key or in_chord)
                + (2 if at % strong == 0 else 0.5) * in_chord
                - 0.4 * order.index(pitch)
                - 0.05 * abs(pitch - last)
            )

        out.append(note._replace(pitch=max(places, key=worth), velocity=max(1, note.velocity - _SOFTER)))
    return out
