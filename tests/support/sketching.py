"""A pytest plugin: songs that are chosen from few tunes and rounds of chords, for tests of all else about them."""

from __future__ import annotations

import pytest

TUNES, ROUNDS = 2, 3
"""A song has 12 tunes and 16 rounds of chords to choose from, most of its time."""


def few_candidates(patch: pytest.MonkeyPatch) -> None:
    """Until `patch` is undone."""
    from kmidi_lab.composition import progressions, tunes

    patch.setattr(tunes, "_CANDIDATES", TUNES)
    patch.setattr(progressions, "_CANDIDATES", ROUNDS)


@pytest.fixture
def sketched(monkeypatch: pytest.MonkeyPatch) -> None:
    """Commands in this process choose from few."""
    few_candidates(monkeypatch)
