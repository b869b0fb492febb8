"""A tune goes on in the key that its file ends in."""

from __future__ import annotations

import pytest
from support.smf import END, meta, midi, note, track

from kmidi_lab.chords.chord import Key
from kmidi_lab.models.melody.continuation import read_tune

_SCALE = (0, 4, 7, 5, 9, 7, 11, 12)


def song(*bars: tuple[int, int], signatures: bytes = b"") -> bytes:
    """A scale's tune over I V I, for each (tonic, number of bars), in 4/4, and a track of its chords."""
    tune, chords = b"", b""
    for tonic, count in bars:
        for _ in range(count):
            tune += b"".join(note(60 + tonic + step, 80, 240) for step in _SCALE)
            for root in (0, 7):
                third = [48 + tonic + root + step for step in (0, 4, 7)]
                chords += b"".join(note(pitch, 60, 320, channel=1) for pitch in third)
    return midi(*(track(events + END) for events in (signatures, tune, chords)))


@pytest.mark.parametrize(
    ("bars", "tonic"),
    [
        ([(7, 48)], 7),
        ([(7, 40), (8, 14)], 8),
        ([(7, 40), (8, 2)], 7),
    ],
    ids=["one key", "a semitone up for the last chorus", "two bars elsewhere are none"],
)
def test_it_goes_on_in_the_key_that_the_file_ends_in(bars: list[tuple[int, int]], tonic: int) -> None:
    assert read_tune(song(*bars)).key == Key(tonic, 1)


def test_the_last_key_signature_counts() -> None:
    """G major (one sharp), then, after 20 bars, A flat major (four flats)."""
    signatures = meta(0x59, b"\1\0") + meta(0x59, b"\xfc\0", wait=20 * 1920)
    assert read_tune(song((7, 20), (8, 4), signatures=signatures)).key == Key(8, 1)
