"""The features that models take, by name, and the constants of those that adapt to what is heard, frozen with them."""

from __future__ import annotations

from dataclasses import dataclass

AUDIO_FEATURES, LEVEL_FEATURES, SPEAKER_FEATURES = "mel128-v1", "mel128-v2", "mel128-v2-speaker"
SYMBOLIC_FEATURES, SYMBOLIC_FEATURES_2 = "contract-v1", "contract-v2"
TEXT_FEATURES = "text128-v1"


@dataclass(frozen=True)
class Adaptation:
    """The constants of `mel128-v2-speaker`; levels are natural logarithms of power, counts are frames of 16 ms.

    Args:
        frame_s: seconds from one frame to the next.
        prior_frames: of speech, that the prior of the mean shape weighs.
        longest_frames: of speech, that a mean remembers at most.
        above_floor: how far speech lies above the noise floor.
        below_peak: how far below the loudest so far it may lie.
        floor_rise: of the noise floor, a frame.
        peak_fall: of the loudest level, a frame.
    """

    frame_s: float = 0.016
    prior_frames: float = 62.0
    longest_frames: float = 3750.0
    above_floor: float = 0.6
    below_peak: float = 4.0
    floor_rise: float = 0.004
    peak_fall: float = 0.011


SPEAKER = Adaptation()
"""Chosen on validation speakers (docs/notes/emotion.md), then frozen."""


@dataclass(frozen=True)
class Levelling:
    """The constants of `mel128-v2`; levels are natural logarithms of power, counts are frames of 16 ms.

    Args:
        longest_frames: that count, that the mean level remembers at most.
        above_silence: how far a frame that counts lies above the floor of the mel frames.
        above_floor: how far it lies above the noise floor.
        below_peak: how far below the loudest so far it may lie.
        head: how far below the first frame the noise floor begins.
        floor_rise: of the noise floor, a frame.
        peak_fall: of the loudest level, a frame.
        jump: above the mean level, that makes what was before background.
        established: frames that count, before there is a mean level to jump from.
    """

    longest_frames: float = 3750.0
    above_silence: float = 0.5
    above_floor: float = 1.5
    below_peak: float = 5.0
    head: float = 5.0
    floor_rise: float = 0.004
    peak_fall: float = 0.011
    jump: float = 2.5
    established: float = 8.0


LEVEL = Levelling()
"""Chosen on validation takes (docs/notes/instrument.md), then frozen."""
