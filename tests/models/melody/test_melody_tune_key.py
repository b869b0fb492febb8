"""The key of a tune alone: heard by its beginning and its end, too, and right for more tunes of books than by profiles."""

from __future__ import annotations

import numpy as np
import pytest

from datamodules.melody import tune_books
from kmidi_lab.chords.chord import Key
from kmidi_lab.models.melody.finding import key_of_chroma
from kmidi_lab.models.melody.tune_key import key_of_tune

DWELLS_ON_E = (
    np.array([64, 64, 65, 67, 64, 60, 62, 64, 64, 62, 60, 64, 60]), np.array([2, 1, 0.5, 0.5, 2, 1, 1, 2, 1, 0.5, 0.5, 1, 2]),
)  # fmt: skip


def by_profiles(pitch: np.ndarray, duration: np.ndarray) -> Key:
    return key_of_chroma(np.bincount(pitch % 12, np.minimum(duration, 4.0), 12))


@pytest.mark.parametrize("shift", range(-6, 6))
def test_a_tune_in_c_that_dwells_on_e_is_in_c(shift: int) -> None:
    pitch, duration = DWELLS_ON_E
    assert by_profiles(pitch, duration) == Key(4, -1), "what its profile says"
    assert key_of_tune(pitch + shift, duration) == Key(shift % 12, 1)


def test_the_end_tells_a_minor_from_c_major() -> None:
    tune = [69, 71, 72, 74, 76, 74, 72, 71, 72, 69, 67, 69, 71, 69]
    assert key_of_tune(np.array(tune), np.ones(14)) == Key(9, -1)
    home = [60, 62, 64, 65, 67, 69, 67, 65, 64, 67, 65, 64, 62, 60]
    assert key_of_tune(np.array(home), np.ones(14)) == Key(0, 1)


def test_two_notes_and_one_repeated_note_have_a_key() -> None:
    for pitch in ([60, 67], [60, 60, 60], list(range(60, 72))):
        assert key_of_tune(np.array(pitch), np.ones(len(pitch))).mode in (1, -1)


@pytest.mark.slow
def test_more_tunes_of_a_book_are_heard_in_their_key() -> None:
    """Aird's Airs, 1782 to 1801, whose keys are stated: it is one of the books that the weights were fitted on."""
    tunes = [m for m in tune_books.read("aird", tune_books.files("aird")).items if m.key.mode]
    right = [
        np.mean([hear(m.pitch.astype(int), m.duration) == m.key for m in tunes]) for hear in (by_profiles, key_of_tune)
    ]
    assert len(tunes) > 1000 and right[1] > max(0.88, right[0] + 0.02)
