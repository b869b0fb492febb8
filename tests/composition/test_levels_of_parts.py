"""Parts are heard beside each other, and sections differ in loudness as recorded songs do."""

from __future__ import annotations

import numpy as np
import pytest

from kmidi_lab.midi.reading import open_file


@pytest.mark.slow
def test_nobody_drowns_and_a_soft_section_is_heard(sketch) -> None:
    """In decibels, for which velocity and volume count alike: POP909's pianists differ by 2 to 8 from four bars to four."""
    song = sketch(models=False, emotion="sad", style="ballad", sections="intro 4, verse 4, chorus 4", metre="4/4")
    piece = open_file(song.midi).piece
    volume = {part.name: part.volume for part in song.arrangement.parts}
    loud = {
        (track.name, section.name): 40 * np.log10(own.mean() * volume[track.name] / 127**2)
        for track in piece.tracks
        for section in song.arrangement.sections
        for start, stop in [np.multiply(song.arrangement.span(section), piece.ticks_per_quarter)]
        if len(own := track.notes["velocity"][(track.notes["start"] >= start) & (track.notes["start"] < stop)])
    }
    chorus = {name: level for (name, section), level in loud.items() if section == "chorus"}
    assert {*chorus} >= {"Lead", "Chords", "Pad", "Bass"}
    assert min(chorus.values()) > chorus["Lead"] - 12
    assert loud["Chords", "intro"] > loud["Chords", "chorus"] - 5
