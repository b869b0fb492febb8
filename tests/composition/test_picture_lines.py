"""Tempo and level at the foot of a song's picture: a ritardando, a fermata and fades are seen there."""

from __future__ import annotations

import numpy as np
from matplotlib import pyplot as plt

from kmidi_lab.chords.chord import Key
from kmidi_lab.chords.spelling import Spelling
from kmidi_lab.composition.closing import closed, faded_in
from kmidi_lab.composition.picture import drawn
from kmidi_lab.composition.picture_lines import levels
from kmidi_lab.composition.said_ending import SaidEnding
from kmidi_lab.song import Arrangement, Metre, Note, Part, Tempo


def song() -> Arrangement:
    """Two bars: a lead of two whole notes, and drums on the first beat alone."""
    lead = Part("Lead", "lead", 0, 0, (Note(0.0, 4.0, 60, 127), Note(4.0, 3.0, 62, 64)))
    drums = Part("Drums", "drums", 0, 9, (Note(4.0, 0.2, 36, 100),))
    return Arrangement("", Key(0, 1), (Metre(),) * 2, (Tempo(0.0, 100.0),), parts=(lead, drums))


def test_the_level_of_a_beat_is_that_of_the_loudest_note() -> None:
    at, loud = levels(song())
    assert at.tolist() == [0, 1, 2, 3, 4, 5, 6, 7]
    assert np.allclose(loud * 127, [127, 127, 127, 127, 100, 64, 64, 0])


def test_fades_are_a_slope() -> None:
    """Each takes a bar here: 127 n / 8 at the n-th half beat, at least 4."""
    _, loud = levels(closed(faded_in(song()), SaidEnding(faded="fades out")))
    assert np.allclose(loud[:4] * 127, [4, 32, 64, 95], atol=0.5)
    assert np.allclose(loud[4:] * 127, [100, 64 * 95 / 127, 64 * 64 / 127, 0], atol=0.5)


def test_the_picture_has_tempo_and_level() -> None:
    slow = closed(song(), SaidEnding(slower="rit.", held="fermata"))
    figure = drawn(slow, "title", Spelling(Key(0, 1), "C"))
    _, foot, fast = figure.axes
    [line] = fast.lines
    assert line.get_ydata()[0] == 100 and line.get_ydata().min() == min(t.tempo for t in slow.tempos) == 50
    assert line.get_xdata()[-1] == slow.length
    low, high = fast.get_ylim()
    assert low < line.get_ydata().min() and line.get_ydata().max() < high
    assert foot.lines[0].get_ydata().max() == 1 and len(foot.collections) == 1
    figure.canvas.draw()
    right = max(label.get_window_extent().x1 for label in fast.get_yticklabels())
    assert right <= figure.bbox.width
    plt.close(figure)
