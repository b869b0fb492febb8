"""Copies have equal keys, versions alike sketches, different music neither."""

from __future__ import annotations

import dataclasses

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from support.smf import END, midi, note, song, tempo, track

from datamodules.shared.dedupe import groups, notes_key, sketch, transposed_key
from kmidi_lab.midi.piece import Piece, Track
from kmidi_lab.midi.reading import read_piece


def tune(seed: int, notes: int = 200) -> Piece:
    rng = np.random.default_rng(seed)
    steps = rng.choice([-4, -3, -2, -1, 1, 2, 3, 5, 7], notes)
    pitches = 60 + np.cumsum(steps) % 24
    lengths = rng.choice([120, 240, 480], notes)
    return read_piece(
        midi(track(b"".join(note(int(p), 80, int(d)) for p, d in zip(pitches, lengths, strict=True)) + END))
    )


def change(piece: Piece, **fields: object) -> Piece:
    """The same piece with `notes` fields of every track changed: `pitch=lambda v: v + 1`."""
    tracks = []
    for part in piece.tracks:
        notes = part.notes.copy()
        for field, how in fields.items():
            notes[field] = how(notes[field])  # type: ignore[operator]
        tracks.append(dataclasses.replace(part, notes=notes))
    return dataclasses.replace(piece, tracks=tuple(tracks))


def same(a: Piece, b: Piece) -> tuple[bool, bool]:
    return (bool((notes_key(a) == notes_key(b)).all()), bool((transposed_key(a) == transposed_key(b)).all()))


def joined(a: Piece, b: Piece) -> bool:
    found = groups(np.stack([transposed_key(a), transposed_key(b)]), np.stack([sketch(a), sketch(b)]))
    return found.find(0) == found.find(1)


def split_in_two(piece: Piece) -> Piece:
    [part] = piece.tracks
    halves = [part.notes[1::2], part.notes[::2]]
    return dataclasses.replace(
        piece, tracks=tuple(Track("x", i + 5, False, n, part.pedals) for i, n in enumerate(halves))
    )


COPIES = {
    "velocities": lambda p: change(p, velocity=lambda v: v // 2 + 1),
    "durations": lambda p: change(p, duration=lambda v: v // 2 + 1),
    "a silence before": lambda p: change(p, start=lambda v: v + 1920),
    "resolution": lambda p: dataclasses.replace(change(p, start=lambda v: v // 2), ticks_per_quarter=240),
    "a few ticks": lambda p: change(p, start=lambda v: v + (v > 0) * 3),
    "tempo": lambda p: dataclasses.replace(p, tempos=np.array([[0.0, 77.0]])),
    "the division into tracks": split_in_two,
}


@pytest.mark.parametrize("how", COPIES)
def test_a_copy_has_the_same_keys(how: str) -> None:
    assert same(tune(0), COPIES[how](tune(0))) == (True, True)


def test_a_transposed_copy_has_the_same_transposed_key_only() -> None:
    assert same(tune(0), change(tune(0), pitch=lambda v: v + 5)) == (False, True)
    assert joined(tune(0), change(tune(0), pitch=lambda v: v + 5))


def test_drums_are_not_transposed() -> None:
    drums = [read_piece(midi(track(b"".join(note(p + up, channel=9) for p in (36, 38)) + END))) for up in (0, 1)]
    assert same(*drums) == (False, False)
    melody = read_piece(midi(track(note(36) + note(38) + END)))
    assert same(drums[0], melody) == (False, False)


def test_another_note_is_another_piece() -> None:
    other = change(tune(0), pitch=lambda v: np.concatenate([v[:-1], [v[-1] + 1]]))
    assert same(tune(0), other) == (False, False)


def test_versions_are_joined_and_strangers_are_not() -> None:
    rng = np.random.default_rng(1)
    for seed in range(20):
        version = change(tune(seed, 400), pitch=lambda v: np.where(rng.random(len(v)) < 0.01, v + 2, v + 3))
        assert joined(tune(seed, 400), version)
        assert not joined(tune(seed), tune(seed + 1000))


def test_too_little_music_joins_nothing() -> None:
    assert not sketch(tune(0, 12)).any()
    assert not sketch(read_piece(midi(track(note(60) * 500 + END)))).any()
    assert not joined(tune(0, 12), tune(1, 12))


def test_the_estimate_is_that_of_minhash() -> None:
    a = tune(3, 2000)
    [part] = a.tracks
    half = dataclasses.replace(a, tracks=(dataclasses.replace(part, notes=part.notes[:1000]),))
    assert 0.25 < (sketch(a) == sketch(half)).mean() < 0.75  # half of the runs are common: 0.5 with a deviation of 0.09


@settings(max_examples=100, deadline=None)
@given(st.lists(st.tuples(st.integers(0, 127), st.integers(1, 2000)), min_size=1, max_size=40), st.integers(-20, 20))
def test_keys_of_any_notes(notes: list[tuple[int, int]], up: int) -> None:
    def piece(shift: int) -> Piece:
        return read_piece(midi(track(tempo(500_000) + b"".join(note(p + shift, 80, d) for p, d in notes) + END)))

    if all(0 <= p + up <= 127 for p, _ in notes):
        assert same(piece(0), piece(up)) == (up == 0, True)


def test_a_real_song_keys() -> None:
    a, b = read_piece(song("one")), read_piece(song("two"))
    assert same(a, b) == (True, True)
