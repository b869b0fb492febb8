"""How well pitch classes fit the profiles of all keys."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.stats import pearsonr

from kmidi_lab.chords.chord import Key
from kmidi_lab.chords.key_finding import KEYS, PROFILES, profile_correlation, profile_correlations
from kmidi_lab.models.emotion_node.features import KEYS as NODE_KEYS
from kmidi_lab.models.emotion_node.features import TONICS


def test_all_keys_at_once_are_each_key_alone_and_pearsons_r() -> None:
    chroma = np.array([3.0, 0, 1, 0, 2, 1, 0, 1, 0.5, 4, 0, 1.5])
    found = profile_correlations(chroma)
    assert found == pytest.approx([profile_correlation(chroma, key) for key in KEYS], abs=1e-12)
    for place, key in enumerate(KEYS):
        from_tonic = [chroma[(key.tonic + step) % 12] for step in range(12)]
        assert found[place] == pytest.approx(pearsonr(from_tonic, PROFILES[key.mode]).statistic)
    assert str(KEYS[int(found.argmax())]) == "A minor"


def test_of_equal_pitch_classes_no_key_is_likelier() -> None:
    assert (profile_correlations(np.full(12, 0.1)) == 0).all()


def test_the_keys_of_the_nodes_are_in_the_same_order() -> None:
    """Correlations are read by both."""
    modes = {"major": 1, "minor": -1}
    named = [name.split() for name in NODE_KEYS]
    assert [Key(TONICS.index(tonic), modes[mode]) for tonic, mode in named] == list(KEYS)
