"""What the song itself suggests: lengths that a type had before, and how much they count."""

from __future__ import annotations

import numpy as np

from kmidi_lab.models.structure.features import UNKNOWN
from kmidi_lab.models.structure.form import TYPES, Form, Section
from kmidi_lab.models.structure.song_memory import earlier_lengths, no_memory, repeat_weights, repeated, with_repeats

VERSE, CHORUS = TYPES.index("verse"), TYPES.index("chorus")


def form(*sections):
    return Form("x/1", "x", "", "", tuple(Section(kind, 10.0, bars) for kind, bars in sections))


SONG = form((VERSE, 16), (CHORUS, 8), (VERSE, 12), (CHORUS, None), (VERSE, 16))


def test_earlier_lengths_are_those_of_the_same_type_before():
    parts, counts = earlier_lengths([SONG])
    assert counts.tolist() == [0, 0, 1, 1, 2, 0]  # the last is END
    assert parts[0].argmax(1).tolist()[2:5] == [4, 2, 3] and not parts[:, :2].any()
    assert parts[1, 4].tolist() == [0, 0, 0, 0.5, 0.5, 0, 0, 0]


def test_repeated_without_any_is_nothing():
    assert not repeated([]).any() and repeated([1, 1, 2])[1].tolist() == [0, 2 / 3, 1 / 3, 0, 0, 0, 0, 0]


def test_without_memory_the_network_stays():
    parts, counts = earlier_lengths([SONG])
    own = np.random.default_rng(1).dirichlet(np.ones(8), len(counts))
    np.testing.assert_array_equal(with_repeats(own, parts, counts, no_memory()[1]), own)


def test_songs_that_repeat_their_lengths_teach_it():
    songs = [form(*[(VERSE, bars)] * 6) for bars in (4, 8, 16)] * 4
    lengths = np.concatenate([[c] * 6 + [UNKNOWN] for c in (1, 2, 4)] * 4)
    own = np.full((len(lengths), 8), 1 / 8)
    weights = repeat_weights(own, songs, lengths)
    assert weights[0].tolist() == [1, 0, 0] and (weights[1:, 0] < 0.05).all()
    np.testing.assert_allclose(weights.sum(1), 1)
    parts, counts = earlier_lengths(songs)
    mixed = with_repeats(own, parts, counts, weights)
    np.testing.assert_allclose(mixed.sum(1), 1)
    assert mixed[1].argmax() == 1
